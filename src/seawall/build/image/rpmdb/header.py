"""The header of one RPM package as databases hold it: an index of tags, and the store with their values. All numbers are big-endian.

    header  entries(4) store_size(4)  index  store
    index   tag(4) type(4) offset(4) count(4)      16 bytes each

The entries that the package was built with stand first, within a region that its signature covers (tags 62 and 63); what was added when it
was installed follows, and replaces entries of the same tag.

Source: rpm's docs/manual/format.md, tags.md and hregions.md, lib/header.c.
"""

import struct
from enum import IntEnum
from typing import Final


class Tag(IntEnum):
    """The tags that are read. Names are rpm's (``RPMTAG_...``)."""

    NAME = 1000
    VERSION = 1001
    RELEASE = 1002
    EPOCH = 1003
    LICENSE = 1014
    ARCH = 1022
    OLDFILENAMES = 1027
    SOURCERPM = 1044
    PROVIDENAME = 1047
    REQUIREFLAGS = 1048
    REQUIRENAME = 1049
    REQUIREVERSION = 1050
    CHANGELOGNAME = 1081
    CHANGELOGTEXT = 1082
    PROVIDEVERSION = 1113
    DIRINDEXES = 1116
    BASENAMES = 1117
    DIRNAMES = 1118
    MODULARITYLABEL = 5096


MAX_ENTRIES: Final = 0xFFFF
MAX_STORE: Final = 0x0FFFFFFF
"""rpm's own limits."""

_INTRO: Final = struct.Struct(">2I")
_ENTRY: Final = struct.Struct(">4I")
_NUMBERS: Final = {2: "B", 3: "H", 4: "I", 5: "Q"}  # INT8, INT16, INT32, INT64
_TEXTS: Final = frozenset({6, 8, 9})  # STRING, STRING_ARRAY, I18NSTRING: the first of its texts is that of the C locale


class MalformedHeader(ValueError):
    """Bytes that are no header, or a tag whose value is not in the store. The text is for users."""


class Header:
    """The tags of a package. Raises :class:`MalformedHeader` when the bytes are none."""

    def __init__(self, blob: bytes) -> None:
        if len(blob) < _INTRO.size:
            raise MalformedHeader("it is shorter than 8 bytes")
        entries, size = _INTRO.unpack_from(blob)
        self._store = _INTRO.size + entries * _ENTRY.size
        if not 0 < entries <= MAX_ENTRIES or size > MAX_STORE or self._store + size > len(blob):
            raise MalformedHeader(f"{entries} entries and {size} bytes of values are not what is there")
        self._blob = blob
        self._end = self._store + size
        index = _ENTRY.iter_unpack(memoryview(blob)[_INTRO.size : self._store])
        self._index = {tag: (kind, offset, count) for tag, kind, offset, count in index}

    def text(self, tag: Tag) -> str:
        """The first text of a tag; empty when it has none."""
        texts = self._texts(tag, "replace", 1)
        return texts[0] if texts else ""

    def texts(self, tag: Tag) -> list[str]:
        """All texts of a tag."""
        return self._texts(tag, "replace")

    def paths(self, tag: Tag) -> list[str]:
        """All texts of a tag as the names of files, which need not be UTF-8."""
        return self._texts(tag, "surrogateescape")

    def numbers(self, tag: Tag) -> tuple[int, ...]:
        """All numbers of a tag."""
        if tag not in self._index:
            return ()
        kind, offset, count = self._index[tag]
        if kind not in _NUMBERS:
            raise MalformedHeader(f"{tag.name} is of type {kind}, which is no number")
        form = f">{count}{_NUMBERS[kind]}"
        if count > MAX_STORE or self._store + offset + struct.calcsize(form) > self._end:
            raise MalformedHeader(f"{tag.name} lies outside of the header")
        return struct.unpack_from(form, self._blob, self._store + offset)

    def _texts(self, tag: Tag, errors: str, limit: int = MAX_STORE) -> list[str]:
        if tag not in self._index:
            return []
        kind, offset, count = self._index[tag]
        if kind not in _TEXTS:
            raise MalformedHeader(f"{tag.name} is of type {kind}, which is no text")
        start = self._store + offset
        if not 0 < count <= self._end - start:
            raise MalformedHeader(f"{tag.name} lies outside of the header")
        wanted = min(count, limit)
        parts = self._blob[start : self._end].split(b"\0", wanted)
        if len(parts) <= wanted:
            raise MalformedHeader(f"{tag.name} has less than {count} texts")
        # No sequence of UTF-8 goes over a zero, not even a broken one, so all texts are decoded at once.
        return self._blob[start : self._end - len(parts[-1]) - 1].decode(errors=errors).split("\0")
