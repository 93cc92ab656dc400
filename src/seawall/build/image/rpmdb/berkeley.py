"""RPM's old database, ``Packages`` in Berkeley DB's hash format: the default up to RPM 4.15 (RHEL 8, CentOS, Amazon Linux 2).

Page 0 tells the page size; the byte order is that of the machine that wrote it. Pairs of key and value stand on hash pages, each item at an offset
that the page lists; a long item is only a reference to a chain of overflow pages. Every hash page is read, wherever its bucket is: which
bucket a key is in matters only to look it up.

    page   lsn(8) number(4) previous(4) next(4) entries(2) high_free(2) level(1) type(1)  [checksum(6)]  offsets(2 each) ... items
    item   1 bytes...                                       in place
           3 unused(3) page(4) length(4)                    on overflow pages, each with ``high_free`` bytes of it

Source: Berkeley DB's dbinc/db_page.h, rpm's lib/backend/bdb_ro.cc.
"""

import struct
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from seawall.build.image.rpmdb.damage import Damage

_HASH_MAGIC: Final = 0x061561
_BTREE_MAGIC: Final = 0x053162
_VERSIONS: Final = range(8, 11)
_PAGE_SIZES: Final = frozenset(1 << bits for bits in range(9, 17))
_META_SIZE: Final = 512
_MAGIC_AT: Final = 12
_ENCRYPTION_AT: Final = 24
_META_FLAGS_AT: Final = 26
_CHECKSUMMED: Final = 1

_PAGE_HEADER: Final = 26
_PAGE_HEADER_WITH_CHECKSUM: Final = 32
_TYPE_AT: Final = 25
_OVERFLOW: Final = 7
_HASH_PAGES: Final = frozenset({2, 13})  # unsorted (up to 4.5) and sorted

_IN_PLACE: Final = 1
_OFF_PAGE: Final = 3
_OFF_PAGE_SIZE: Final = 12


class _Bad(ValueError):
    """An item that cannot be read; the text says why."""


class _File(Struct, frozen=True):
    data: bytes
    order: str  # of struct: "<" or ">"
    page_size: int
    page_header: int
    pages: int
    used: set[int]
    """Overflow pages that were read: each belongs to one item."""

    def numbers(self, form: str, page: int, at: int) -> tuple[int, ...]:
        return struct.unpack_from(self.order + form, self.data, page * self.page_size + at)


def is_database(data: bytes) -> bool:
    magic = data[_MAGIC_AT : _MAGIC_AT + 4]
    return any(int.from_bytes(magic, order) in (_HASH_MAGIC, _BTREE_MAGIC) for order in ("little", "big"))


def headers(data: bytes) -> Iterator[bytes | Damage]:
    """See :func:`seawall.build.image.rpmdb.headers`."""
    order = "<" if int.from_bytes(data[_MAGIC_AT : _MAGIC_AT + 4], "little") in (_HASH_MAGIC, _BTREE_MAGIC) else ">"
    if len(data) < _META_SIZE:
        yield Damage("the Berkeley DB database is cut off in its first page")
        return
    magic, version, page_size = struct.unpack_from(f"{order}3I", data, _MAGIC_AT)
    (last,) = struct.unpack_from(f"{order}I", data, 32)
    if refused := _refused(magic, version, page_size, data[_ENCRYPTION_AT]):
        yield Damage(refused)
        return
    pages = len(data) // page_size
    if last >= pages:
        yield Damage(f"the Berkeley DB database is cut off: {pages} of {last + 1} pages are there")
    checksummed = data[_META_FLAGS_AT] & _CHECKSUMMED
    file = _File(data, order, page_size, _PAGE_HEADER_WITH_CHECKSUM if checksummed else _PAGE_HEADER, min(pages, last + 1), set())
    for page in range(1, file.pages):
        if data[page * page_size + _TYPE_AT] in _HASH_PAGES:
            yield from _values(file, page)


def _refused(magic: int, version: int, page_size: int, encryption: int) -> str:
    if magic != _HASH_MAGIC:
        return "a Berkeley DB btree; rpm keeps its packages in a hash"
    if version not in _VERSIONS:
        return f"Berkeley DB hash of version {version}; known are {_VERSIONS[0]} to {_VERSIONS[-1]}"
    if page_size not in _PAGE_SIZES:
        return f"{page_size} is no page size of Berkeley DB"
    if encryption:
        return "the Berkeley DB database is encrypted"
    return ""


def _values(file: _File, page: int) -> Iterator[bytes | Damage]:
    """The values on a hash page but that of key 0, which is the counter of package numbers."""
    number, _, _, entries = file.numbers("3IH", page, 8)
    if number != page:
        yield Damage(f"page {page} of the Berkeley DB database says it is page {number}")
        return
    if entries > (file.page_size - file.page_header) // 2:
        yield Damage(f"page {page} of the Berkeley DB database has impossible {entries} entries")
        return
    offsets = file.numbers(f"{entries}H", page, file.page_header)
    ends = (file.page_size, *offsets)
    lowest = file.page_header + 2 * entries
    for index in range(0, entries - 1, 2):
        try:
            key = _item(file, page, offsets[index], ends[index], lowest)
            if any(key):
                yield _item(file, page, offsets[index + 1], ends[index + 1], lowest)
        except _Bad as error:
            yield Damage(f"entry {index} on page {page} of the Berkeley DB database: {error}")


def _item(file: _File, page: int, start: int, end: int, lowest: int) -> bytes:
    if not lowest <= start < end <= file.page_size:
        raise _Bad("it does not lie within the page")
    base = page * file.page_size
    kind = file.data[base + start]
    if kind == _IN_PLACE:
        return file.data[base + start + 1 : base + end]
    if kind == _OFF_PAGE and end - start == _OFF_PAGE_SIZE:
        first, length = file.numbers("2I", page, start + 4)
        return _overflow(file, first, length)
    raise _Bad(f"it is of the unknown kind {kind}")


def _overflow(file: _File, page: int, length: int) -> bytes:
    """The bytes of a chain of overflow pages. No page is read twice, so no chain is endless, and all together are no longer than the file."""
    parts: list[bytes] = []
    left = length
    while left > 0:
        if not 0 < page < file.pages:
            raise _Bad(f"its overflow page {page} is not there")
        if page in file.used:
            raise _Bad(f"its overflow page {page} belongs to another entry too")
        file.used.add(page)
        number, _, following, _, here = file.numbers("3I2H", page, 8)
        if number != page or file.data[page * file.page_size + _TYPE_AT] != _OVERFLOW:
            raise _Bad(f"page {page} is not its overflow page")
        if not 0 < here <= min(left, file.page_size - file.page_header):
            raise _Bad(f"its overflow page {page} has impossible {here} bytes")
        start = page * file.page_size + file.page_header
        parts.append(file.data[start : start + here])
        left -= here
        page = following
    return b"".join(parts)
