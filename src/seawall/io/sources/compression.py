"""Decompression by what the bytes are, not by what they are called: gzip, zstd, bzip2, xz or plain, any number of members or frames in a row.

    with Inflated(stream, name, sha256()) as pieces:
        for piece in pieces: ...                 # at most PIECE bytes each
    pieces.hash.hexdigest(), pieces.size         # of what was read

Reading, hashing what was read and inflating happen in a second thread, a few pieces ahead: zlib, zstd and hashlib release the interpreter's lock, so
they overlap with whoever consumes the pieces. What is held in memory is bounded: a few pieces, and the window that the format needs.

Sources: RFC 1952 (gzip, members), RFC 8878 (zstd, frames, skippable frames), the bzip2 and xz file formats (magic numbers).
"""

import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, Protocol, Self

from seawall.core.errors import InputError
from seawall.io.sources.image.limits import MAX_LAYER_BYTES, MAX_RATIO, MAX_XZ_MEMORY, RATIO_FREE_BYTES
from seawall.io.sources.image.model import Stream

PIECE: Final = 2**20
"""Uncompressed bytes that travel at once."""

_CHUNK: Final = 2**18
_AHEAD: Final = 3
_MAGIC_BYTES: Final = 6
_MAGICS: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
)


def kind_of(start: bytes) -> str:
    """``gzip``, ``zstd``, ``bzip2``, ``xz``, or ``plain`` for all else, by the first bytes."""
    if start[1:4] == b"\x2a\x4d\x18" and 0x50 <= start[0] <= 0x5F:  # a skippable frame before the first one
        return "zstd"
    return next((kind for magic, kind in _MAGICS if start.startswith(magic)), "plain")


class Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class Inflated:
    """The uncompressed bytes of a stream, as an iterator of pieces. Raises ``InputError`` from it where the stream is damaged, or a bomb.

    ``hash`` takes what was read from the stream, before decompression; ``None`` where nobody asks. It, ``size`` (read) and ``output`` (uncompressed)
    are complete at the end. ``expected`` is the size that the stream should have, -1 where nobody knows; more is not read. ``trailing`` tells of
    bytes after the last member that belong to none.
    """

    def __init__(self, stream: Stream, name: str, hash: Hash | None = None, *, expected: int = -1) -> None:  # noqa: A002 (it is one)
        self.name = name
        self.hash = hash
        self.size = 0
        self.output = 0
        self.kind = ""
        self.trailing = False
        self._stream = stream
        self._expected = expected
        self._pieces = self._inflate()
        self._worker = ThreadPoolExecutor(1)
        self._ahead: deque[Future[bytes | None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._worker.shutdown(wait=True, cancel_futures=True)
        self._pieces.close()
        self._stream.close()

    def __iter__(self) -> Iterator[bytes]:
        self._ahead.extend(self._worker.submit(next, self._pieces, None) for _ in range(_AHEAD))
        while (piece := self._ahead.popleft().result()) is not None:
            self._ahead.append(self._worker.submit(next, self._pieces, None))
            yield piece

    # In the second thread

    def _read(self, size: int = _CHUNK) -> bytes:
        data = self._stream.read(size)
        self.size += len(data)
        if 0 <= self._expected < self.size:
            raise InputError(self.name, f"is larger than the {self._expected:,} bytes that the manifest states")
        if self.hash is not None:
            self.hash.update(data)
        return data

    def _inflate(self) -> Generator[bytes, None, None]:
        start = self._read()
        while 0 < len(start) < _MAGIC_BYTES and (more := self._read()):
            start += more
        self.kind = kind_of(start)
        for piece in self._inflater()(start):
            self.output += len(piece)
            self._check_bomb()
            yield piece
        while self._read():  # the digest is of all there is
            pass

    def _inflater(self) -> Callable[[bytes], Iterator[bytes]]:
        return {"plain": self._plain, "gzip": self._gzip, "zstd": self._zstd, "bzip2": self._bzip2, "xz": self._xz}[self.kind]

    def _check_bomb(self) -> None:
        if self.output > MAX_LAYER_BYTES:
            raise InputError(self.name, f"is over the limit of {MAX_LAYER_BYTES // 2**30} GiB uncompressed")
        if self.kind != "plain" and self.output > RATIO_FREE_BYTES and self.output > MAX_RATIO * self.size:
            raise InputError(self.name, f"is a decompression bomb: {self.output:,} bytes and more from {self.size:,}")

    def _plain(self, data: bytes) -> Iterator[bytes]:
        while data:
            yield data
            data = self._read(PIECE)

    def _members(self, data: bytes, start: Callable[[], Any], magic: bytes, error_type: type[Exception]) -> Iterator[bytes]:
        """Formats of the standard library, which have the same interface but for small differences."""
        inflater = start()
        is_gzip = not hasattr(inflater, "needs_input")
        while True:
            try:
                piece = inflater.decompress(data, PIECE)
            except (error_type, EOFError, MemoryError) as error:
                raise InputError(self.name, f"has damaged {self.kind} data ({error or type(error).__name__})") from None
            if piece:
                yield piece
            if inflater.eof:
                data = inflater.unused_data
                while len(data) < _MAGIC_BYTES and (more := self._read()):
                    data += more
                if not data.startswith(magic):
                    self.trailing = self.trailing or bool(data.strip(b"\0"))
                    return
                inflater = start()
                continue
            data = inflater.unconsumed_tail if is_gzip else b""
            if data or (piece and len(piece) == PIECE) or (not is_gzip and not inflater.needs_input):
                continue  # there is more in what was read
            data = self._read()
            if not data:
                raise InputError(self.name, f"ends in the middle of its {self.kind} data")

    def _gzip(self, data: bytes) -> Iterator[bytes]:
        return self._members(data, lambda: zlib.decompressobj(16 + zlib.MAX_WBITS), b"\x1f\x8b", zlib.error)

    def _bzip2(self, data: bytes) -> Iterator[bytes]:
        from bz2 import BZ2Decompressor  # layers are hardly ever bzip2 or xz

        return self._members(data, BZ2Decompressor, b"BZh", OSError)

    def _xz(self, data: bytes) -> Iterator[bytes]:
        from lzma import FORMAT_XZ, LZMADecompressor, LZMAError

        return self._members(data, lambda: LZMADecompressor(FORMAT_XZ, MAX_XZ_MEMORY), b"\xfd7zXZ\0", LZMAError)

    def _zstd(self, data: bytes) -> Iterator[bytes]:
        from zstandard import ZstdDecompressor, ZstdError  # zstd layers are the exception

        # Unlike decompressobj, this reader bounds what one call gives. It takes a cut stream for a whole one: the digest tells, or the tar inside.
        with ZstdDecompressor().stream_reader(_Continued(data, self._read), read_size=_CHUNK, read_across_frames=True) as reader:  # type: ignore[arg-type]
            try:
                while piece := reader.read(PIECE):
                    yield piece
            except (ZstdError, MemoryError) as error:
                raise InputError(self.name, f"has damaged zstd data ({error})") from None


class _Continued:
    """What zstandard reads from: what was read already, then the stream, in pieces of its own."""

    def __init__(self, first: bytes, read: Callable[[], bytes]) -> None:
        self._first = first
        self._read = read

    def read(self, size: int = -1, /) -> bytes:  # noqa: ARG002 (the interface)
        first, self._first = self._first, b""
        return first or self._read()

    def close(self) -> None:
        """The stream is closed by its owner."""
