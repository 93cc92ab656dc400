"""A tar reader that goes through an archive once, forwards, at the speed that Python allows.

    for member in members(Pieces(pieces, name)):
        ...                              # member.data() while it is the current one; what is not read is skipped

    archive = { header block [512] , data, padding to 512 } , 2 zero blocks

    name[100] mode[8] uid[8] gid[8] size[12] mtime[12] checksum[8] type[1] link[100] magic[8] uname[32] gname[32] device[16] prefix[155] [12]

It reads v7, ustar, pax (``x``, and ``g``), GNU (``L``, ``K``, base-256 numbers) and sparse files (GNU's old format, and pax 0.0, 0.1 and 1.0).
Where the formats leave room, it does what Go's archive/tar does, since that is what unpacks images: records of a global header count for nothing,
links and devices have no data whatever their size says, two zero blocks end the archive, and a block that is no header is an error.

Sources: POSIX.1-2017 pax; the GNU tar manual, "Basic Tar Format", "Sparse Formats"; Go's archive/tar.
"""

import zlib
from collections.abc import Iterator
from enum import IntEnum
from io import BytesIO
from struct import Struct as Layout
from typing import BinaryIO, Final, Protocol

from msgspec import Struct

from seawall.core.errors import InputError
from seawall.io.sources.image.limits import MAX_HEADER_BYTES, MAX_SPARSE_SEGMENTS

BLOCK: Final = 512

_ZEROS: Final = bytes(BLOCK)
_HEADER: Final = Layout("100s8s16x12s12x8sc100s8s80x155s12x")
_SPARSE_ENTRIES: Final = 386  # where the old GNU format has its map
_POSIX_MAGIC: Final = b"ustar\x00"
_GNU_MAGIC: Final = b"ustar  \x00"
_MAX_SIZE: Final = 2**63


class Kind(IntEnum):
    """What an entry is. ``OTHER`` is of a type that no runtime unpacks."""

    FILE = 0
    DIRECTORY = 1
    SYMLINK = 2
    HARDLINK = 3
    DEVICE = 4
    FIFO = 5
    OTHER = 6


FILE, DIRECTORY, SYMLINK, HARDLINK, DEVICE, FIFO, OTHER = Kind  # plain names are faster than attributes

_KINDS: Final = {
    b"0": FILE, b"\0": FILE, b"7": FILE, b"S": FILE, b"1": HARDLINK, b"2": SYMLINK, b"3": DEVICE, b"4": DEVICE, b"5": DIRECTORY, b"6": FIFO,
    b"D": DIRECTORY,
}  # fmt: skip
_EXTENSIONS: Final = frozenset({b"x", b"g", b"L", b"K"})
_WITHOUT_DATA: Final = frozenset({b"1", b"2", b"3", b"4", b"5", b"6"})


class Feed(Protocol):
    """The bytes of an archive, forwards only. All methods raise ``InputError`` where the archive ends too early, but ``block``."""

    name: str
    position: int

    def block(self) -> bytes:
        """The next 512 bytes; nothing at the end of the archive."""

    def copy(self, size: int, out: BytesIO) -> None:
        """Write the next bytes to ``out``."""

    def skip(self, size: int) -> None: ...

    def peek(self, size: int) -> bytes:
        """The next bytes, a few, without going on; fewer where the archive ends."""


class Member(Struct, gc=False):
    """An entry, as long as it is the current one.

    ``name`` and ``link`` are as written (``surrogateescape``). ``size`` is the size of the file as unpacked, ``stored`` that of its data here.
    ``sparse`` are (offset, length) of what a sparse file stores; ``None`` where the file is not sparse. ``start`` is where its data begins.
    """

    name: str
    kind: Kind
    mode: int
    size: int
    stored: int
    link: str
    start: int
    sparse: list[tuple[int, int]] | None = None


class _Extended:
    """What the headers before an entry say of it."""

    __slots__ = ("link", "name", "records", "sparse_0_0")

    def __init__(self) -> None:
        self.name: bytes | None = None
        self.link: bytes | None = None
        self.records: dict[bytes, bytes] = {}
        self.sparse_0_0: list[tuple[int, int]] = []


def members(feed: Feed) -> Iterator[Member]:
    """The entries of an archive, in order. After each, what was not read of its data is skipped. Raises ``InputError`` for a damaged archive."""
    extended: _Extended | None = None
    unpack, adler32 = _HEADER.unpack, zlib.adler32
    while block := feed.block():
        if block == _ZEROS:
            following = feed.block()
            if not following or following == _ZEROS:
                break
            raise _damaged(feed, "a zero block stands among the headers", 2)
        name, mode, size_field, checksum, type_, link, magic, prefix = unpack(block)
        # adler32's lower half is 1 + the sum of all bytes modulo 65521: enough to tell a header from anything else, and 20 times faster than sum().
        if (adler32(block) - 1 - sum(checksum) + 256 - _octal(checksum)) & 0xFFFF and not _has_checksum(block, checksum):
            raise _damaged(feed, "this is no header", 1)
        size = _number(size_field)
        if not 0 <= size < _MAX_SIZE:
            raise _damaged(feed, "an entry has an impossible size", 1)
        if type_ in _EXTENSIONS:
            if size > MAX_HEADER_BYTES:
                raise _damaged(feed, f"an extended header has {size:,} bytes", 1)
            body = _body(feed, size)
            extended = extended or _Extended()
            if type_ == b"x":
                _read_records(feed, body, extended)
            elif type_ == b"L":
                extended.name = body.partition(b"\0")[0]
            elif type_ == b"K":
                extended.link = body.partition(b"\0")[0]
            continue
        name = name.partition(b"\0")[0]
        if prefix[0] and magic[:6] == _POSIX_MAGIC:
            name = prefix.partition(b"\0")[0] + b"/" + name
        link = link.partition(b"\0")[0]
        kind = _KINDS.get(type_, OTHER)
        sparse: list[tuple[int, int]] | None = None
        real_size = stored = size
        if extended is not None or type_ == b"S":
            name, link, stored, real_size, sparse = _apply(feed, extended or _Extended(), block, type_, name, link, size)
            extended = None
        if type_ in _WITHOUT_DATA:
            real_size = stored = 0
        elif type_ == b"\0" and name.endswith(b"/"):
            kind = DIRECTORY
        start = feed.position
        end = start + (stored + BLOCK - 1) // BLOCK * BLOCK
        yield Member(
            name.decode("utf-8", "surrogateescape"),
            kind,
            _mode(mode),
            real_size,
            stored,
            link.decode("utf-8", "surrogateescape") if link else "",
            start,
            sparse,
        )
        if end != feed.position:
            feed.skip(end - feed.position)
    if extended is not None:
        raise _damaged(feed, "it ends after an extended header", 0)


def read_data(feed: Feed, member: Member) -> bytes:
    """The content of the current member. The caller has looked at its size: this much is held in memory."""
    out = BytesIO()
    if member.sparse is None:
        feed.copy(member.stored, out)
        return out.getvalue()
    left = member.stored
    if member.size:
        out.seek(member.size - 1)
        out.write(b"\0")
    for offset, length in member.sparse:
        if offset + length > member.size or length > left:
            raise _damaged(feed, "a sparse file has parts outside of it", 0)
        out.seek(offset)
        feed.copy(length, out)
        left -= length
    return out.getvalue()


# Headers


def _octal(field: bytes) -> int:
    """An octal number, -1 for anything else."""
    digits = field.strip(b" \0")
    try:
        return int(digits, 8) if digits.isdigit() else 0 if not digits else -1
    except ValueError:
        return -1


def _number(field: bytes) -> int:
    """A number, octal or base-256; negative for what is none."""
    first = field[0]
    if first & 0x80:
        return int.from_bytes(bytes((first & 0x7F,)) + field[1:]) if not first & 0x40 else -1
    return _octal(field.strip(b" \0").partition(b"\0")[0])


def _mode(field: bytes) -> int:
    """Permissions; what is no number gives none."""
    return max(_number(field), 0) & 0o7777


def _has_checksum(block: bytes, field: bytes) -> bool:
    """The slow, exact way. Some old archives have the sum of signed bytes."""
    stated = _octal(field.strip(b" \0").partition(b"\0")[0])
    unsigned = sum(block) - sum(block[148:156]) + 256
    signed = unsigned - 256 * sum(byte > 127 for byte in block[:148] + block[156:])
    return stated in {unsigned, signed}


def _body(feed: Feed, size: int) -> bytes:
    out = BytesIO()
    feed.copy(size, out)
    feed.skip(-size % BLOCK)
    return out.getvalue()


def _read_records(feed: Feed, body: bytes, extended: _Extended) -> None:
    """``LENGTH KEY=VALUE\\n``, where the length is that of the whole record. A later one of the same key wins; an empty value takes it back."""
    place = 0
    while place < len(body):
        blank = body.find(b" ", place, place + 20)
        digits = body[place:blank]
        end = place + int(digits) if blank > place and digits.isdigit() else 0
        key, equals, value = body[blank + 1 : end - 1].partition(b"=")
        if not blank + 1 < end <= len(body) or body[end - 1 : end] != b"\n" or not equals or not key:
            raise _damaged(feed, "a pax header has a damaged record", 0)
        place = end
        if key in {b"path", b"linkpath"} and b"\0" in value:
            raise _damaged(feed, "a name has a zero byte", 0)
        if key in {b"GNU.sparse.offset", b"GNU.sparse.numbytes"}:  # format 0.0 repeats these two
            _add_segment(feed, extended, key, value)
        elif value:
            extended.records[key] = value
        else:
            extended.records.pop(key, None)


def _add_segment(feed: Feed, extended: _Extended, key: bytes, value: bytes) -> None:
    number, segments = _decimal(feed, value), extended.sparse_0_0
    if key == b"GNU.sparse.offset":
        segments.append((number, 0))
    elif segments:
        segments[-1] = (segments[-1][0], number)
    if len(segments) > MAX_SPARSE_SEGMENTS:
        raise _too_sparse(feed)


def _apply(
    feed: Feed, extended: _Extended, block: bytes, type_: bytes, name: bytes, link: bytes, size: int
) -> tuple[bytes, bytes, int, int, list[tuple[int, int]] | None]:
    """Name, link, stored size, real size and sparse map of an entry, with what extended headers say. pax goes before GNU, as in Go."""
    records = extended.records
    name = records.get(b"path") or (extended.name if extended.name is not None else name)
    link = records.get(b"linkpath") or (extended.link if extended.link is not None else link)
    if b"size" in records:
        size = _decimal(feed, records[b"size"])
    if type_ == b"S":
        real_size, sparse = _old_sparse(feed, block)
        return name, link, size, real_size, sparse
    if _KINDS.get(type_) is not FILE:
        return name, link, size, size, None
    name = records.get(b"GNU.sparse.name") or name
    version = records.get(b"GNU.sparse.major"), records.get(b"GNU.sparse.minor")
    real = records.get(b"GNU.sparse.realsize") or records.get(b"GNU.sparse.size")
    if version == (b"1", b"0"):
        before = feed.position
        sparse = _sparse_1_0(feed, size)
        return name, link, max(size - (feed.position - before), 0), _decimal(feed, real or b"0"), sparse
    if b"GNU.sparse.map" in records:
        numbers = [_decimal(feed, item) for item in records[b"GNU.sparse.map"].split(b",")]
        return name, link, size, _decimal(feed, real or b"0"), list(zip(numbers[::2], numbers[1::2], strict=False))
    if extended.sparse_0_0:
        return name, link, size, _decimal(feed, real or b"0"), extended.sparse_0_0
    return name, link, size, size, None


def _old_sparse(feed: Feed, block: bytes) -> tuple[int, list[tuple[int, int]]]:
    """The real size and the map of GNU's first format: four segments in the header, 21 in each block behind it."""
    segments: list[tuple[int, int]] = []
    real_size = _number(block[483:495])
    place, count, more = _SPARSE_ENTRIES, 4, block[482]
    while True:
        for _ in range(count):
            if not block[place]:
                break
            segments.append((_number(block[place : place + 12]), _number(block[place + 12 : place + 24])))
            place += 24
        if any(number < 0 for segment in segments[-count:] for number in segment) or real_size < 0:
            raise _damaged(feed, "a sparse file has a damaged map", 0)
        if len(segments) > MAX_SPARSE_SEGMENTS:
            raise _too_sparse(feed)
        if not more:
            return real_size, segments
        block = feed.block()
        if not block:
            raise _ends(feed)
        place, count, more = 0, 21, block[504]


def _sparse_1_0(feed: Feed, size: int) -> list[tuple[int, int]]:
    """The map at the beginning of the data: decimal lines, the number of segments first, padded to a block."""
    text, lines_wanted, blocks = b"", 1, 0
    while text.count(b"\n") < lines_wanted:
        block = feed.block()
        blocks += 1
        if not block or blocks * BLOCK > min(size + BLOCK - 1, MAX_SPARSE_SEGMENTS * 40):
            raise _damaged(feed, "a sparse file has a damaged map", 0)
        text += block
        if lines_wanted == 1 and b"\n" in text:
            count = _decimal(feed, text.partition(b"\n")[0])
            if count > MAX_SPARSE_SEGMENTS:
                raise _too_sparse(feed)
            lines_wanted = 1 + 2 * count
    numbers = [_decimal(feed, line) for line in text.split(b"\n")[1:lines_wanted]]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _decimal(feed: Feed, text: bytes) -> int:
    if not text.isdigit() or len(text) > 19:
        raise _damaged(feed, "a pax header has a damaged number", 0)
    return int(text)


def _damaged(feed: Feed, what: str, blocks: int) -> InputError:
    return InputError(feed.name, f"is no whole tar archive: {what} (byte {feed.position - blocks * BLOCK:,})")


def _too_sparse(feed: Feed) -> InputError:
    return InputError(feed.name, f"has a sparse file of more than {MAX_SPARSE_SEGMENTS:,} parts")


def _ends(feed: Feed) -> InputError:
    return InputError(feed.name, f"is truncated: it ends in the middle of an entry (byte {feed.position:,})")


# Feeds


class Pieces:
    """A feed of what arrives in pieces: a stream that is read once."""

    def __init__(self, pieces: Iterator[bytes], name: str) -> None:
        self.name = name
        self.position = 0
        self._pieces = pieces
        self._piece = b""
        self._place = 0

    def block(self) -> bytes:
        place = self._place
        if place + BLOCK <= len(self._piece):
            self._place = place + BLOCK
            self.position += BLOCK
            return self._piece[place : place + BLOCK]
        if place == len(self._piece) and not self._fill():
            return b""
        out = BytesIO()
        self.copy(BLOCK, out)
        return out.getvalue()

    def copy(self, size: int, out: BytesIO) -> None:
        while size:
            if self._place == len(self._piece) and not self._fill():
                raise _ends(self)
            end = min(self._place + size, len(self._piece))
            out.write(memoryview(self._piece)[self._place : end])
            self.position += end - self._place
            size -= end - self._place
            self._place = end

    def skip(self, size: int) -> None:
        self.position += size
        place = self._place + size
        while place > len(self._piece):
            place -= len(self._piece)
            if not self._fill():
                raise _ends(self)
        self._place = place

    def peek(self, size: int) -> bytes:
        data = self._piece[self._place : self._place + size]
        while len(data) < size and (piece := next(self._pieces, None)) is not None:
            self._piece, self._place = data + piece, 0
            data = self._piece[:size]
        return data

    def _fill(self) -> bool:
        """Go on to the next piece that has anything; the current one is done with. Whether there is one."""
        for piece in self._pieces:
            if piece:
                self._piece, self._place = piece, 0
                return True
        return False

    def drain(self) -> bool:
        """Read to the end of the stream; whether there was anything but zeros."""
        rest = self._piece[self._place :].strip(b"\0") != b""
        for piece in self._pieces:
            rest = rest or piece.strip(b"\0") != b""
            self.position += len(piece)
        self._piece, self._place = b"", 0
        return rest


class Seekable:
    """A feed of an archive in a file, where skipping costs nothing. ``size`` is that of the file."""

    def __init__(self, file: BinaryIO, size: int, name: str) -> None:
        self.name = name
        self.position = 0
        self._file = file
        self._size = size

    def block(self) -> bytes:
        data = self._file.read(BLOCK)
        if data and len(data) < BLOCK:
            raise _ends(self)
        self.position += len(data)
        return data

    def copy(self, size: int, out: BytesIO) -> None:
        while size:
            data = self._file.read(min(size, 2**20))
            if not data:
                raise _ends(self)
            out.write(data)
            size -= len(data)
            self.position += len(data)

    def skip(self, size: int) -> None:
        self.position += size
        if self.position > self._size:
            raise _ends(self)
        self._file.seek(self.position)

    def peek(self, size: int) -> bytes:
        data = self._file.read(size)
        self._file.seek(self.position)
        return data
