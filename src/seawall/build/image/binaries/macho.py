"""Mach-O: the executables and libraries of macOS, also several in one universal file.

Source: Apple's ``mach-o/loader.h`` and ``mach-o/fat.h``.
"""

import struct
from collections.abc import Iterator
from typing import Final

from seawall.build.image.binaries.model import MAX_SECTIONS, Binary, Damaged, Section, Segment

_THIN: Final = {
    b"\xce\xfa\xed\xfe": ("<", False),
    b"\xcf\xfa\xed\xfe": ("<", True),
    b"\xfe\xed\xfa\xce": (">", False),
    b"\xfe\xed\xfa\xcf": (">", True),
}
_FAT: Final = {b"\xca\xfe\xba\xbe": struct.Struct(">IIIII"), b"\xca\xfe\xba\xbf": struct.Struct(">IIQQII")}
MAGICS: Final = frozenset({*_THIN, *_FAT})

MAX_ARCHITECTURES: Final = 42
"""Of a universal file. Java's class files have the same first bytes, and then a version, which is 45 at the least."""
_SEGMENT, _SEGMENT_64 = 1, 0x19
_WRITE, _EXECUTE = 2, 4


def read(data: bytes) -> Iterator[Binary]:
    """Raises :class:`Damaged`."""
    if data[:4] in _THIN:
        yield _thin(memoryview(data))
        return
    layout = _FAT[data[:4]]
    count = int.from_bytes(data[4:8], "big")
    if count > MAX_ARCHITECTURES:
        return
    if 8 + layout.size * count > len(data):
        raise Damaged("not a valid Mach-O file: it ends in its header")
    for index in range(count):
        _, _, start, size, *_ = layout.unpack_from(data, 8 + layout.size * index)
        if data[start : start + 4] in _THIN:
            yield _thin(memoryview(data)[start : start + size])


def _thin(view: memoryview) -> Binary:
    order, is_wide = _THIN[bytes(view[:4])]
    header_size = 32 if is_wide else 28
    if len(view) < header_size:
        raise Damaged("not a valid Mach-O file: it ends in its header")
    commands, commands_size = struct.unpack_from(order + "II", view, 16)
    place, end = header_size, min(header_size + commands_size, len(view))
    sections: list[Section] = []
    segments: list[Segment] = []
    for _ in range(min(commands, MAX_SECTIONS)):
        if place + 8 > end:
            break
        kind, size = struct.unpack_from(order + "II", view, place)
        if size < 8 or place + size > end:
            raise Damaged("not a valid Mach-O file: a load command lies outside its table")
        if kind == (_SEGMENT_64 if is_wide else _SEGMENT):
            _segment(view[place : place + size], len(view), order, is_wide, sections, segments)
        place += size
    return Binary(view, "little" if order == "<" else "big", tuple(sections), tuple(segments))


def _segment(command: memoryview, limit: int, order: str, is_wide: bool, sections: list[Section], segments: list[Segment]) -> None:
    head = struct.Struct(order + ("8x16sQQQQiiII" if is_wide else "8x16sIIIIiiII"))
    row = struct.Struct(order + ("16s16sQQI28x" if is_wide else "16s16sIII24x"))
    if len(command) < head.size:
        raise Damaged("not a valid Mach-O file: a segment that is too short")
    _, address, _, offset, size, _, protection, count, _ = head.unpack_from(command)
    segments.append(Segment(address, offset, size, protection & (_WRITE | _EXECUTE) == _WRITE))
    for index in range(min(count, MAX_SECTIONS - len(sections), (len(command) - head.size) // row.size)):
        name, _, start, length, place = row.unpack_from(command, head.size + row.size * index)
        if place + length <= limit:
            sections.append(Section(name.rstrip(b"\0").decode("utf-8", "replace"), start, place, length))
