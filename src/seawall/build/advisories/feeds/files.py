"""The files of feeds: below directories, alone, and inside archives and compressed files, whatever their names.

Archives are recognised by their first bytes: zip (as osv.dev serves ``PyPI/all.zip``), tar, and gzip or zstd around a tar or a file.
Nothing is unpacked to disk, member names are only told back, and all that is read is bounded.
"""

import gzip
import io
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import IO, Any, Final

from msgspec import Struct

from seawall.build.advisories.model import FeedProblem

MAX_FILE_BYTES: Final = 512 * 2**20
"""One document. Debian's tracker, the largest, has 75 MB."""
MAX_ARCHIVE_BYTES: Final = 32 * 2**30
"""All that one archive holds. All of osv.dev has about 5 GB."""
MAX_MEMBERS: Final = 3_000_000
"""Members of one archive, or files below one directory. All of osv.dev has about 700,000."""
MAX_NESTING: Final = 2
"""Archives inside archives."""
MAX_WINDOW: Final = 2**27
"""Memory that a zstd frame may ask for; ``zstd --ultra`` takes as much."""
CHUNK: Final = 2**20

_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_SUFFIX: Final = re.compile(r"\.(?:gz|zst)$")
_TAR_MARK: Final = 257
_BROKEN: Final = (OSError, EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError)
"""What the readers of archives raise for a broken, encrypted or strange one."""

# The copies of RetireJS' repository that lie side by side, the fullest first.
_RETIRE: Final = re.compile(r"jsrepository(?:-master|-v(\d+))?(-combined)?\.json")


class File(Struct, frozen=True):
    """``path`` leads to it, through archives with ``!/``. ``data`` is what it holds, or None where it is still to be read from ``path``."""

    path: str
    data: bytes | None = None
    size: int = 0


def files(roots: Iterable[str]) -> Iterator[File | FeedProblem]:
    """Every file below each of ``roots``, in a stable order, archives opened; of the copies of one repository only the fullest."""
    for root in roots:
        yield from _without_copies(_below(root))


def content(file: File) -> bytes:
    """Raises ``OSError`` where it cannot be read."""
    if file.data is not None:
        return file.data
    with open(file.path, "rb") as stream:
        return stream.read(MAX_FILE_BYTES + 1)


def _without_copies(found: Iterable[File | FeedProblem]) -> Iterator[File | FeedProblem]:
    best: dict[str, tuple[int, File]] = {}
    for file in found:
        path = PurePosixPath(file.path)
        match = _RETIRE.fullmatch(path.name) if isinstance(file, File) else None
        if not match or not isinstance(file, File):
            yield file
            continue
        rank = 0 if "master" in path.name else 1_000 - 10 * int(match[1] or 0) + bool(match[2])
        if rank < best.get(str(path.parent), (2_000, file))[0]:
            best[str(path.parent)] = (rank, file)
    yield from (file for _, file in best.values())


def _below(root: str) -> Iterator[File | FeedProblem]:
    if not os.path.isdir(root):
        yield from _opened(root)
        return
    real, count = os.path.realpath(root), 0
    pending = [root]
    while pending:
        directory = pending.pop()
        try:
            with os.scandir(directory) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            yield FeedProblem(directory, f"cannot be read: {error.strerror}")
            continue
        below = []
        for entry in entries:
            if entry.is_symlink() and (os.path.realpath(entry.path) + os.sep).startswith(real + os.sep):
                continue  # it is found under its own name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in (".git", ".github"):
                    below.append(entry.path)
            else:
                count += 1
                if count > MAX_MEMBERS:
                    yield FeedProblem(root, f"more than {MAX_MEMBERS:,} files; the rest was not read")
                    return
                yield from _opened(entry.path)
        pending += reversed(below)


def _opened(path: str) -> Iterator[File | FeedProblem]:
    """A file of the disk: itself, or what it holds."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            yield FeedProblem(path, "not a file")
            return
        with open(path, "rb") as stream:
            head = stream.read(512)
            if not _is_packed(head):
                if found.st_size > MAX_FILE_BYTES:
                    yield FeedProblem(path, f"larger than {MAX_FILE_BYTES:,} bytes; not read")
                else:
                    yield File(path, size=found.st_size)
                return
            stream.seek(0)
            yield from _unpacked(path, stream, 0, _Budget())
    except OSError as error:
        yield FeedProblem(path, f"cannot be read: {error.strerror or error}")


class _Budget:
    """What one archive, with those inside it, may still unpack to."""

    def __init__(self) -> None:
        self.bytes = MAX_ARCHIVE_BYTES
        self.members = MAX_MEMBERS

    def read(self, stream: Any) -> bytes:
        """All of ``stream``. Raises ``ValueError`` beyond the limits."""
        chunks, size = [], 0
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > MAX_FILE_BYTES or size > self.bytes:
                raise ValueError(f"unpacks to more than {min(MAX_FILE_BYTES, self.bytes):,} bytes; not read")
            chunks.append(chunk)
        self.bytes -= size
        return b"".join(chunks)

    def member(self) -> None:
        self.members -= 1
        if self.members < 0:
            raise ValueError(f"more than {MAX_MEMBERS:,} members; the rest was not read")


def _is_packed(head: bytes) -> bool:
    return head.startswith((_GZIP, _ZSTD, _ZIP)) or _is_tar(head)


def _is_tar(head: bytes) -> bool:
    return head[_TAR_MARK : _TAR_MARK + 5] == b"ustar"


def _unpacked(path: str, stream: IO[bytes], depth: int, budget: _Budget) -> Iterator[File | FeedProblem]:
    """What a packed stream at its start holds. A broken one gives what came before the break, and a problem."""
    if depth > MAX_NESTING:
        yield FeedProblem(path, f"more than {MAX_NESTING} archives inside each other; not read")
        return
    head = stream.read(512)
    stream.seek(0)
    try:
        if head.startswith(_ZIP):
            yield from _zip_members(path, stream, depth, budget)
        elif _is_tar(head):
            yield from _tar_members(path, stream, depth, budget)
        else:
            with _decompressed(head, stream) as plain:
                buffered = io.BufferedReader(plain, CHUNK)
                inner = buffered.peek(512)[:512]
                if _is_tar(inner):
                    yield from _tar_members(path, buffered, depth, budget)
                else:
                    yield from _member(_SUFFIX.sub("", path), budget.read(buffered), depth, budget)
    except _BROKEN as error:
        yield FeedProblem(path, f"cannot be unpacked: {error}")


def _decompressed(head: bytes, stream: IO[bytes]) -> io.RawIOBase | gzip.GzipFile:
    return gzip.GzipFile(fileobj=stream) if head.startswith(_GZIP) else _Zstd(stream)


class _Zstd(io.RawIOBase):
    """A zstd stream of any number of frames. Unlike zstandard's own reader it does not take a cut stream for a whole one."""

    def __init__(self, stream: IO[bytes]) -> None:
        import zstandard

        self._stream = stream
        self._broken = zstandard.ZstdError
        self._start = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj
        self._frame = self._start()
        self._inside = False
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            # A small piece, as it may unpack to 30,000 times its size at once.
            piece = self._stream.read(1024)
            if not piece:
                if self._inside:
                    raise EOFError("ends in the middle of its zstd data")
                return 0
            self._ready = self._inflate(piece)
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size

    def _inflate(self, piece: bytes) -> bytes:
        plain = []
        try:
            while piece:
                plain.append(self._frame.decompress(piece))
                self._inside = not self._frame.eof
                piece = self._frame.unused_data if self._frame.eof else b""
                if self._frame.eof:
                    self._frame = self._start()
        except self._broken as error:
            raise OSError(f"damaged zstd data ({error})") from None
        return b"".join(plain)


def _zip_members(path: str, stream: IO[bytes], depth: int, budget: _Budget) -> Iterator[File | FeedProblem]:
    with zipfile.ZipFile(stream) as archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            budget.member()
            if info.is_dir():
                continue
            inside = f"{path}!/{info.filename}"
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                yield FeedProblem(inside, "packed by a method that no feed uses; not read")
                continue
            try:
                with archive.open(info) as member:
                    data = budget.read(member)
            except _BROKEN as error:
                yield FeedProblem(inside, f"cannot be unpacked: {error}")
                continue
            yield from _member(inside, data, depth, budget)


def _tar_members(path: str, stream: Any, depth: int, budget: _Budget) -> Iterator[File | FeedProblem]:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for info in archive:
            budget.member()
            member = archive.extractfile(info) if info.isreg() else None
            if member is not None:
                yield from _member(f"{path}!/{info.name}", budget.read(member), depth, budget)


def _member(path: str, data: bytes, depth: int, budget: _Budget) -> Iterator[File | FeedProblem]:
    if _is_packed(data[:512]):
        yield from _unpacked(path, io.BytesIO(data), depth + 1, budget)
    else:
        yield File(path, data, len(data))
