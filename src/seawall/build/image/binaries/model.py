"""A binary, whatever its format."""

from typing import Final

from msgspec import Struct

MAX_SECTIONS: Final = 10_000
"""Sections of one binary. Object files with a section for each function have more, executables some forty."""


class Damaged(Exception):
    """The headers of a binary do not fit the file; ``args[0]`` says what, for users."""


class Section(Struct, frozen=True):
    """A named run of bytes; ``offset`` and ``size`` are in the file, ``address`` is in memory."""

    name: str
    address: int
    offset: int
    size: int


class Segment(Struct, frozen=True):
    """A run of bytes of the file as it is loaded. ``writable`` and not executable is what holds a program's variables."""

    address: int
    offset: int
    size: int
    writable_data: bool


class Binary(Struct, frozen=True):
    """``data`` is all of the file (or the part of one architecture), ``byteorder`` ``little`` or ``big``."""

    data: memoryview
    byteorder: str
    sections: tuple[Section, ...]
    segments: tuple[Segment, ...]

    def section(self, *names: str) -> memoryview | None:
        """The bytes of the first section with one of these names."""
        for section in self.sections:
            if section.name in names:
                return self.data[section.offset : section.offset + section.size]
        return None

    def loaded(self, address: int, size: int) -> bytes:
        """``size`` bytes as they are at an address before the program starts; fewer at the end of a segment, none outside of all."""
        for segment in self.segments:
            if segment.address <= address < segment.address + segment.size:
                start = segment.offset + address - segment.address
                end = segment.offset + segment.size
                return bytes(self.data[start : min(end, start + size)])
        return b""

    def variables(self) -> memoryview | None:
        """The bytes of the first segment that can be written and not executed."""
        for segment in self.segments:
            if segment.writable_data:
                return self.data[segment.offset : segment.offset + segment.size]
        return None
