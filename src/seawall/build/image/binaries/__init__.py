"""Executables and libraries as what they are made of: named sections, and the addresses that they are loaded at.

Three formats, one model: :func:`read` tells them apart by their first bytes.
"""

from collections.abc import Iterator

from seawall.build.image.binaries import elf, macho, pe
from seawall.build.image.binaries.model import Binary, Damaged

__all__ = ["Binary", "Damaged", "read"]


def read(data: bytes) -> Iterator[Binary]:
    """The binaries in a file: one, or one for each architecture of a universal Mach-O file, or none if it is something else.

    Raises :class:`Damaged` when its tables point outside the file.
    """
    if data.startswith(elf.MAGIC):
        yield elf.read(data)
    elif data.startswith(pe.MAGIC):
        yield from pe.read(data)
    elif data[:4] in macho.MAGICS:
        yield from macho.read(data)
