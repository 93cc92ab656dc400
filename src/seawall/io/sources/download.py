"""Brings files up to date from elsewhere: a site, an HTTP mirror, a mirror directory.

    results = download([Item("kev.json", "https://host/kev.json")], "feeds")

An item is a name below the directory and the address that it comes from. After it, the directory has for each item either the file as it is now at
its address, whole and with the right checksum, or the file as it was before: what comes in goes to a partial file, which takes the other's place in
one step when it is complete and on disk.

What is known of each file (``ETag``, ``Last-Modified``, checksum) is kept in ``.download/state.json``, so that nothing is fetched twice. A download
that breaks off is taken up again where it broke, in this run or in the next, if the server says that it is still the same file (``If-Range``). What
is lost or damaged of all this costs another download and nothing else.

Only one process updates a directory at a time.

Source: RFC 9110, 8.8 (validators), 13.1 (preconditions), 14 (ranges).
"""

import fcntl
import hashlib
import os
import re
import shutil
import socket
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import BinaryIO, Final, Literal
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Struct

from seawall.core.errors import InputError, UsageError
from seawall.io.sources.http import Answer, Http, HttpError, HttpOptions, printable, retry_after, without_secrets

MAX_ITEM_BYTES: Final = 8 * 2**30
"""Of one file. The largest feed that we know of, all of OSV in one archive, has about 1 GiB."""

MAX_CHECKSUM_BYTES: Final = 2**20
MAX_STATE_BYTES: Final = 64 * 2**20
MAX_ATTEMPTS: Final = 6
"""For one file in one run. Another is made only after one that brought something."""

OWN: Final = ".download"
"""The directory, below the one that is updated, with the state, the partial files and the lock."""

_IS_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}").fullmatch
_CHECKSUM_LINES: Final = (
    re.compile(r"(?P<hex>[0-9a-fA-F]{64})(?:\s+\*?(?P<name>\S.*))?"),  # sha256sum
    re.compile(r"SHA256\s*\((?P<name>.*)\)\s*=\s*(?P<hex>[0-9a-fA-F]{64})"),  # BSD, openssl
)
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)").fullmatch
_POLL_SECONDS: Final = 0.1

Progress = Callable[[str, int], None]
"""Called with the name of an item and the bytes of it that are there."""


class Item(Struct, frozen=True):
    """A file to keep up to date. ``name`` is a relative path with ``/``; ``url`` is ``https://``, ``http://``, ``file://`` or a path.

    ``sha256`` is the checksum that it must have, in hexadecimal; ``sha256_url`` a place with that checksum, alone or in a list as sha256sum writes.
    """

    name: str
    url: str
    sha256: str = ""
    sha256_url: str = ""


class Result(Struct, frozen=True):
    """What became of an item. ``size`` is that of the file that is there now, in bytes; ``reason`` says, for users, why it is still the old one."""

    name: str
    outcome: Literal["downloaded", "unchanged", "failed"]
    size: int = 0
    reason: str = ""


class _Known(Struct):
    """A file that is there: where it came from, how the server told it from others, and what it looked like when we put it there."""

    url: str
    etag: str
    last_modified: str
    sha256: str
    size: int
    modified: int  # nanoseconds, of the file here


class _Partial(Struct):
    """A file that is there in part. ``validator`` is what ``If-Range`` takes."""

    url: str
    validator: str


class _State(Struct):
    schema: str = "seawall.downloads/v1"
    files: dict[str, _Known] = {}
    partial: dict[str, _Partial] = {}


def download(
    items: Sequence[Item],
    directory: str,
    *,
    wait: float = 0.0,
    ca_file: str | None = None,
    plain_http: frozenset[str] = frozenset(),
    progress: Progress | None = None,
    max_bytes: int = MAX_ITEM_BYTES,
    http: Http | None = None,
) -> list[Result]:
    """Bring each item up to date, and say what became of it, in their order. One that fails does not stop the others.

    ``wait`` is how many seconds to wait for another process that updates the directory. ``plain_http`` has the hosts that may be asked without TLS.
    Raises ``InputError`` where the directory cannot be used or another process has it, ``UsageError`` for names that are none.
    """
    _check_names(items)
    own = os.path.join(directory, OWN)
    try:
        os.makedirs(own, exist_ok=True)
    except OSError as error:
        raise _cannot(directory, "made", error) from None
    with locked(directory, wait), http or Http(HttpOptions(ca_file=ca_file or "", plain_http=plain_http)) as connection:
        store = _Store(directory)
        return [_Download(item, store, connection, progress, max_bytes).result() for item in items]


@contextmanager
def locked(directory: str, wait: float = 0.0) -> Iterator[None]:
    """Be the only one that updates a directory. The lock goes with the process that has it, however that ends.

    Raises ``InputError``, which says who has it, after ``wait`` seconds.
    """
    path = os.path.join(directory, OWN, "lock")
    end = time.monotonic() + wait
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise _cannot(path, "used as a lock", error) from None
    with open(descriptor, "r+b", buffering=0) as file:
        while not _lock(file):
            if time.monotonic() >= end:
                holder = printable((file.read(200) or b"").decode("utf-8", "replace")) or "somebody"
                raise InputError(directory, f"is being updated by {holder}; try again later, or wait for it")
            time.sleep(_POLL_SECONDS)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC".encode())
        yield


def _lock(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise _cannot(str(file.name), "locked", error) from None
    return True


def _check_names(items: Sequence[Item]) -> None:
    seen: set[str] = set()
    for item in items:
        if not item.name.isprintable() or any(part.startswith(".") or not part for part in item.name.split("/")):
            raise UsageError(f"{item.name!r} is no name for a file below a directory")
        if item.name in seen:
            raise UsageError(f"{item.name!r} is to be downloaded from two places")
        seen.add(item.name)


class _Store:
    """The files of a directory, and what is known of them."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._state_path = os.path.join(directory, OWN, "state.json")
        self.state = self._read()

    def path(self, name: str) -> str:
        return os.path.join(self._directory, *name.split("/"))

    def partial_path(self, name: str) -> str:
        return os.path.join(self._directory, OWN, hashlib.sha256(name.encode()).hexdigest()[:32] + ".part")

    def known(self, item: Item) -> _Known | None:
        """What is known of the file of an item, if it is still the file that we put there, and from the same address."""
        known = self.state.files.get(item.name)
        try:
            status = os.stat(self.path(item.name), follow_symlinks=False)
        except OSError:
            return None
        is_ours = known is not None and (status.st_size, status.st_mtime_ns) == (known.size, known.modified)
        return known if known and is_ours and known.url == _identity(item.url) else None

    def size(self, name: str) -> int:
        try:
            return os.stat(self.path(name)).st_size
        except OSError:
            return 0

    def partial_size(self, item: Item) -> int:
        """The bytes of a partial file that may be continued."""
        partial = self.state.partial.get(item.name)
        if partial is None or partial.url != _identity(item.url) or not partial.validator:
            return 0
        try:
            return os.stat(self.partial_path(item.name)).st_size
        except OSError:
            return 0

    def begin(self, item: Item, validator: str) -> None:
        """A new partial file will be written."""
        self.state.partial[item.name] = _Partial(_identity(item.url), validator)
        self.write()

    def discard(self, item: Item) -> None:
        """Forget the partial file."""
        with suppress(FileNotFoundError):
            os.unlink(self.partial_path(item.name))
        if self.state.partial.pop(item.name, None):
            self.write()

    def commit(self, item: Item, etag: str, last_modified: str, sha256: str) -> int:
        """The partial file takes its place; its size is returned. Raises ``OSError``."""
        path, partial = self.path(item.name), self.partial_path(item.name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.replace(partial, path)
        _sync_directory(os.path.dirname(path))
        status = os.stat(path)
        self.state.files[item.name] = _Known(_identity(item.url), etag, last_modified, sha256, status.st_size, status.st_mtime_ns)
        self.state.partial.pop(item.name, None)
        self.write()
        return status.st_size

    def write(self) -> None:
        """Keep the state. Raises ``OSError``."""
        new = f"{self._state_path}.new"
        with open(new, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(self.state), indent=1))
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self._state_path)

    def _read(self) -> _State:
        try:
            with open(self._state_path, "rb") as file:
                state = msgspec.json.decode(file.read(MAX_STATE_BYTES), type=_State)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _State()  # none yet, or a broken one: everything is downloaded anew
        return state if state.schema == _State().schema else _State()


class _Again(Exception):
    """The download broke off, but what is there already can be built upon."""

    def __init__(self, error: InputError) -> None:
        super().__init__()
        self.error = error


class _Download:
    """One item on its way."""

    def __init__(self, item: Item, store: _Store, http: Http, progress: Progress | None, max_bytes: int) -> None:
        self._item = item
        self._store = store
        self._http = http
        self._progress = progress
        self._max_bytes = max_bytes

    def result(self) -> Result:
        name = self._item.name
        try:
            changed = self._update()
        except InputError as error:
            return Result(name, "failed", self._store.size(name), str(error))
        except OSError as error:
            path = os.fsdecode(error.filename) if error.filename else self._store.path(name)
            return Result(name, "failed", self._store.size(name), str(_cannot(path, "written", error)))
        return Result(name, "downloaded" if changed else "unchanged", self._store.size(name))

    def _update(self) -> bool:
        """Whether there is a new file now. Raises ``InputError`` and ``OSError``."""
        wanted = self._checksum()
        known = self._store.known(self._item)
        if known and wanted and known.sha256 == wanted:
            return False
        if known and wanted:
            known = None  # whatever the server says of its age, it is the wrong one
        local = _local_path(self._item.url)
        if local is not None:
            return self._copy(local, known, wanted)
        for attempt in range(MAX_ATTEMPTS):
            try:
                return self._fetch(known, wanted)
            except _Again as broken:
                if attempt == MAX_ATTEMPTS - 1:
                    raise broken.error from None
        raise AssertionError  # the last attempt returned or raised

    # From a site

    def _fetch(self, known: _Known | None, wanted: str) -> bool:
        item, store = self._item, self._store
        start = store.partial_size(item)
        headers: dict[str, str] = {}
        if start:
            headers = {"Range": f"bytes={start}-", "If-Range": store.state.partial[item.name].validator}
        elif known:
            tests = {"If-None-Match": known.etag, "If-Modified-Since": "" if known.etag else known.last_modified}
            headers = {name: value for name, value in tests.items() if value}
        with self._http.open(item.url, headers=headers) as answer:
            if answer.status == 304 and headers and not start:
                store.discard(item)
                return False
            if answer.status == 416 and start:
                store.discard(item)
                raise _Again(answer.error("has less of the file than we have"))
            self._check(answer, start, wanted)
            if answer.status == 206 and not self._continues(answer):
                store.discard(item)
                raise _Again(answer.error("continues another file than the one that broke off"))
            if answer.status == 200:
                start = 0
                store.begin(item, _validator(answer))
            self._receive(answer, start)
            etag, last_modified = answer.headers.get("ETag", "").strip(), answer.headers.get("Last-Modified", "").strip()
        sha256 = _sha256(store.partial_path(item.name))
        if wanted and sha256 != wanted:
            store.discard(item)
            error = _wrong_checksum(item, sha256, wanted)
            raise _Again(error) if start else error  # what was continued may have been another file
        store.commit(item, etag, last_modified, sha256)
        return True

    def _check(self, answer: Answer, start: int, wanted: str) -> None:
        """Raises unless the answer brings the file, from ``start`` or from its beginning."""
        if answer.status not in (200, 206):
            raise _refused(answer)
        served = _CONTENT_RANGE(answer.headers.get("Content-Range", ""))
        if answer.status == 206 and (not start or not served or int(served[1]) != start):
            raise answer.error("serves another range than was asked for")
        encoding = printable(answer.headers.get("Content-Encoding", "").strip().lower(), 40)
        if encoding not in ("", "identity") and not urlsplit(self._item.url).path.endswith((".gz", ".tgz", ".zst", ".bz2", ".xz")):
            raise answer.error(f"sends the file compressed ({encoding}), which was not asked for")
        if not answer.has_end and not wanted:
            raise answer.error("does not say where the file ends, and there is no checksum, so it may not be whole")
        offset = start if answer.status == 206 else 0
        if answer.length is not None and offset + answer.length > self._max_bytes:
            raise self._too_large(answer)

    def _continues(self, answer: Answer) -> bool:
        """Whether a part belongs to what we have: a server may ignore the condition, but its validators tell (RFC 9110, 15.3.7.3)."""
        validator = self._store.state.partial[self._item.name].validator
        stated = answer.headers.get("ETag" if validator.startswith('"') else "Last-Modified", "").strip()
        return stated in ("", validator)

    def _receive(self, answer: Answer, start: int) -> None:
        """Write what comes to the partial file, from ``start`` on."""
        size = start
        with open(self._store.partial_path(self._item.name), "r+b" if start else "wb") as file:
            file.truncate(start)
            file.seek(start)
            try:
                for data in answer.chunks():
                    file.write(data)
                    size += len(data)
                    if size > self._max_bytes:
                        raise self._too_large(answer)
                    self._tell(size)
            except HttpError as error:
                if error.is_temporary and size > start:
                    raise _Again(error) from None
                raise
            finally:
                file.flush()
                os.fsync(file.fileno())

    def _tell(self, size: int) -> None:
        if self._progress:
            self._progress(self._item.name, size)

    def _too_large(self, answer: Answer) -> HttpError:
        return answer.error(f"has more than the {self._max_bytes:,} bytes that are allowed")

    # From a directory

    def _copy(self, path: str, known: _Known | None, wanted: str) -> bool:
        item, store = self._item, self._store
        with _open_regular(path) as source:
            status = os.fstat(source.fileno())
            tag = f"{status.st_mtime_ns}-{status.st_size}"
            if known and known.etag == tag:
                return False
            if status.st_size > self._max_bytes:
                raise InputError(path, f"has more than the {self._max_bytes:,} bytes that are allowed")
            store.discard(item)
            with open(store.partial_path(item.name), "wb") as file:
                shutil.copyfileobj(source, file, 2**20)
                file.flush()
                os.fsync(file.fileno())
        sha256 = _sha256(store.partial_path(item.name))
        if wanted and sha256 != wanted:
            store.discard(item)
            raise _wrong_checksum(item, sha256, wanted)
        self._tell(store.commit(item, tag, "", sha256))
        return True

    # Checksums

    def _checksum(self) -> str:
        """The checksum that the file must have, in lower case; empty where none is known. Raises ``InputError``."""
        item = self._item
        if item.sha256:
            if not _IS_SHA256(item.sha256):
                raise InputError(item.name, "its checksum is no SHA-256 in hexadecimal")
            return item.sha256.lower()
        if not item.sha256_url:
            return ""
        local = _local_path(item.sha256_url)
        if local is not None:
            with _open_regular(local) as file:
                data = file.read(MAX_CHECKSUM_BYTES)
        else:
            with self._http.open(item.sha256_url) as answer:
                if answer.status != 200:
                    raise _refused(answer)
                data = answer.read(MAX_CHECKSUM_BYTES)
        name = os.path.basename(_local_path(item.url) or unquote(urlsplit(item.url).path))
        found = checksum_of(data.decode("utf-8", "replace"), name)
        if not found:
            raise InputError(without_secrets(item.sha256_url), f"has no SHA-256 of {printable(name)}")
        return found


def checksum_of(text: str, name: str) -> str:
    """The SHA-256 of a file, from a list as sha256sum, BSD or openssl write it, or from one checksum alone. Empty where there is none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    matches = [match for line in lines for pattern in _CHECKSUM_LINES if (match := pattern.fullmatch(line))]
    for match in matches:
        if match["name"] and os.path.basename(match["name"].strip()) == name:
            return str(match["hex"]).lower()
    return str(matches[0]["hex"]).lower() if len(lines) == len(matches) == 1 and not matches[0]["name"] else ""


def _wrong_checksum(item: Item, sha256: str, wanted: str) -> InputError:
    return InputError(without_secrets(item.url), f"has the SHA-256 {sha256} instead of {wanted}; not used")


def _refused(answer: Answer) -> HttpError:
    match answer.status:
        case 401 | 403:
            return answer.error("refuses access")
        case 404 | 410:
            return answer.error("has no such file")
        case 429:
            pause = retry_after(answer.headers)
            return answer.error(f"was asked too often; it may be asked again {f'in {pause:,.0f} seconds' if pause else 'later'}")
        case status:
            return answer.error(f"answered with status {status}")


def _validator(answer: Answer) -> str:
    """What tells this very file from all others byte for byte (RFC 9110, 8.8.1): a strong ``ETag``, or a ``Last-Modified`` that is not too new."""
    etag = answer.headers.get("ETag", "").strip()
    if etag.startswith('"') and etag.endswith('"') and len(etag) > 1:
        return etag
    modified = answer.headers.get("Last-Modified", "").strip()
    try:
        age = parsedate_to_datetime(answer.headers.get("Date", "")) - parsedate_to_datetime(modified)
        return modified if age.total_seconds() >= 1 else ""
    except (TypeError, ValueError, OverflowError):
        return ""


def _identity(url: str) -> str:
    """An address as it is kept: without the user and the password in it."""
    return url if _local_path(url) is not None else without_secrets(url) + "?" + hashlib.sha256(urlsplit(url).query.encode()).hexdigest()[:16]


def _local_path(url: str) -> str | None:
    """The path of ``file://`` or of what is no address; ``None`` for what is elsewhere. Raises ``InputError``."""
    if "://" not in url:
        return url
    if not url.lower().startswith("file://"):
        return None
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or not parts.path:
        raise InputError(printable(url), "is no file of this machine")
    return unquote(parts.path)


@contextmanager
def _open_regular(path: str) -> Iterator[BinaryIO]:
    """Raises ``InputError`` for what is no regular file, before it could block."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _cannot(path, "read", error) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(path, "is no regular file; not read")
    with open(descriptor, "rb") as file:
        yield file


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_directory(path: str) -> None:
    """A name is on disk only when its directory is."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot(path: str, verb: str, error: OSError | ValueError) -> InputError:
    reason = (getattr(error, "strerror", None) or str(error)).lower()
    return InputError(printable(path, 500), f"cannot be {verb}: {reason}")
