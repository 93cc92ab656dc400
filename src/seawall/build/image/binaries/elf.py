"""ELF: the executables and libraries of Linux.

Source: the System V ABI, chapters 4 and 5 (object files, program loading).
"""

import struct
from typing import Final

from seawall.build.image.binaries.model import MAX_SECTIONS, Binary, Damaged, Section, Segment

MAGIC: Final = b"\x7fELF"

_PT_LOAD: Final = 1
_PF_X, _PF_W = 1, 2
_SHT_NOBITS: Final = 8
_SHN_XINDEX: Final = 0xFFFF


def read(data: bytes) -> Binary:
    """Raises :class:`Damaged`."""
    if len(data) < 64 or data[4] not in (1, 2) or data[5] not in (1, 2):
        raise Damaged("not a valid ELF file: bad header")
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    header = struct.Struct(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"))
    _, _, _, _, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, shstrndx = header.unpack_from(data, 16)
    view = memoryview(data)
    sections = _sections(view, order, wide, shoff, shentsize, shnum, shstrndx) if shoff else ()
    return Binary(view, "little" if order == "<" else "big", sections, _segments(view, order, wide, phoff, phentsize, phnum))


def _sections(view: memoryview, order: str, wide: bool, offset: int, size: int, count: int, names_index: int) -> tuple[Section, ...]:
    layout = struct.Struct(order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII"))
    if size < layout.size or offset + size > len(view):
        raise Damaged("not a valid ELF file: its section table lies outside the file")
    first = layout.unpack_from(view, offset)
    # Where the header's sixteen bits do not suffice, the first section has the number, and where the names are.
    count = count or first[5]
    names_index = first[6] if names_index == _SHN_XINDEX else names_index
    if count > MAX_SECTIONS:
        raise Damaged(f"an ELF file with more than {MAX_SECTIONS:,} sections; not read")
    if offset + size * count > len(view):
        raise Damaged("not a valid ELF file: its section table lies outside the file")
    rows = [layout.unpack_from(view, offset + size * index) for index in range(count)]
    names = b""
    if names_index < count:
        start, length = rows[names_index][4:6]
        names = bytes(view[start : start + length])
    return tuple(
        Section(_name(names, name), address, start, length)
        for name, kind, _, address, start, length, *_ in rows
        if kind != _SHT_NOBITS and start + length <= len(view)
    )


def _name(names: bytes, start: int) -> str:
    end = names.find(b"\0", start, start + 256)
    return names[start:end].decode("utf-8", "replace") if end >= 0 else ""


def _segments(view: memoryview, order: str, wide: bool, offset: int, size: int, count: int) -> tuple[Segment, ...]:
    layout = struct.Struct(order + ("IIQQQQQQ" if wide else "IIIIIIII"))
    if count and (size < layout.size or offset + size * count > len(view)):
        raise Damaged("not a valid ELF file: its program headers lie outside the file")
    found = []
    for index in range(min(count, MAX_SECTIONS)):
        row = layout.unpack_from(view, offset + size * index)
        kind, flags, start, address, length = (row[0], row[1], row[2], row[3], row[5]) if wide else (row[0], row[6], row[1], row[2], row[4])
        if kind == _PT_LOAD:
            found.append(Segment(address, start, length, flags & (_PF_X | _PF_W) == _PF_W))
    return tuple(found)
