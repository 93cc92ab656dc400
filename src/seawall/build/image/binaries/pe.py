"""PE: the executables and libraries of Windows.

Source: Microsoft's description of the PE format.
"""

import struct
from collections.abc import Iterator
from typing import Final

from seawall.build.image.binaries.model import Binary, Damaged, Section, Segment

MAGIC: Final = b"MZ"

_HEADER: Final = struct.Struct("<4sHHIIIHH")
_SECTION: Final = struct.Struct("<8sIIIIIIHHI")
_SYMBOL_BYTES: Final = 18
_EXECUTE, _WRITE = 0x2000_0000, 0x8000_0000


def read(data: bytes) -> Iterator[Binary]:
    """One binary, or none for a program of DOS, or for text that begins like one. Raises :class:`Damaged`."""
    start = int.from_bytes(data[60:64], "little")
    if len(data) < start + _HEADER.size or data[start : start + 4] != b"PE\0\0":
        return
    _, _, count, _, symbols, symbol_count, optional_size, _ = _HEADER.unpack_from(data, start)
    optional = start + _HEADER.size
    table = optional + optional_size
    if table + _SECTION.size * count > len(data):
        raise Damaged("not a valid PE file: its section table lies outside the file")
    is_wide = data[optional : optional + 2] == b"\x0b\x02"
    image_base = int.from_bytes(data[optional + 24 : optional + 32] if is_wide else data[optional + 28 : optional + 32], "little")
    long_names = symbols + _SYMBOL_BYTES * symbol_count if symbols else len(data)
    sections, segments = [], []
    for index in range(count):
        name, memory, address, size, offset, _, _, _, _, flags = _SECTION.unpack_from(data, table + _SECTION.size * index)
        if offset + size > len(data):
            continue
        # The rest of the last page of a section is no part of it.
        size = min(size, memory) if memory else size
        sections.append(Section(_name(name.rstrip(b"\0"), data, long_names), image_base + address, offset, size))
        segments.append(Segment(image_base + address, offset, size, flags & (_EXECUTE | _WRITE) == _WRITE))
    yield Binary(memoryview(data), "little", tuple(sections), tuple(segments))


def _name(name: bytes, data: bytes, long_names: int) -> str:
    """A name of more than eight characters is ``/123``: it stands that far behind the symbols."""
    if name[:1] == b"/" and name[1:].isdigit():
        start = long_names + int(name[1:])
        end = data.find(b"\0", start, start + 256)
        name = data[start:end] if end >= 0 else b""
    return name.decode("utf-8", "replace")
