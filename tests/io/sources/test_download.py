"""Downloads from real servers that break off, lie and change their minds: what is there afterwards is whole, or what was there before."""

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.errors import InputError, UsageError
from seawall.io.sources import download as module
from seawall.io.sources.download import Item, Result, checksum_of, download, locked
from seawall.io.sources.http import Http

Serve = Any
OLD, NEW = b"old " * 100_000, b"new " * 100_000


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Origin:
    """Serves one file as a good static site does: validators, ranges, conditions. ``breaks`` is after how many bytes each next answer breaks off.

    ``lies`` makes it continue whatever it has, though the condition says that it is another file.
    """

    def __init__(self, serve: Serve, content: bytes = NEW) -> None:
        self.content = content
        self.etag: str | None = None  # the digest
        self.breaks: list[int] = []
        self.lies = False
        self.checksum = b""
        self.status = 0
        self.site = serve(self.handle)
        self.url = f"{self.site.url}/feeds/file.json"

    @property
    def current(self) -> str:
        return f'"{digest(self.content)[:8]}"' if self.etag is None else self.etag

    def handle(self, exchange: Any) -> None:
        if exchange.path.endswith(".sha256"):
            exchange.reply(200 if self.checksum else 404, self.checksum)
            return
        if self.status:
            exchange.reply(self.status)
            return
        headers = {"ETag": self.current} if self.current else {}
        if self.current and exchange.headers["If-None-Match"] == self.current:
            exchange.send_response(304)
            exchange.end_headers()
            return
        start = 0
        wanted = re.fullmatch(r"bytes=(\d+)-", exchange.headers["Range"] or "")
        if wanted and (self.lies or exchange.headers["If-Range"] == self.current):
            start = int(wanted[1])
            if start >= len(self.content):
                exchange.reply(416)
                return
            headers["Content-Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        body = self.content[start:]
        cut = self.breaks.pop(0) if self.breaks else len(body)
        exchange.reply(206 if start else 200, body[:cut], length=len(body), headers=headers)

    @property
    def asked(self) -> list[tuple[str | None, str | None]]:
        return [(exchange.headers["Range"], exchange.headers["If-None-Match"]) for exchange in self.site.seen]


@pytest.fixture
def origin(serve: Serve) -> Origin:
    return Origin(serve)


class Target:
    """A directory with one item."""

    def __init__(self, directory: Path, url: str, **item: str) -> None:
        self.directory = directory
        self.item = Item("sub/file.json", url, **item)
        self.path = directory / "sub" / "file.json"
        self.told: list[int] = []

    def update(self, **keywords: Any) -> Result:
        [result] = download(
            [self.item], str(self.directory), progress=lambda _, size: self.told.append(size), http=Http(sleep=lambda _: None), **keywords
        )
        assert result.name == "sub/file.json"
        assert result.size == (self.path.stat().st_size if self.path.exists() else 0)
        assert bool(result.reason) == (result.outcome == "failed")
        assert "\n" not in result.reason
        return result

    def outcome(self) -> str:
        return self.update().outcome

    @property
    def parts(self) -> list[int]:
        return [path.stat().st_size for path in (self.directory / ".download").glob("*.part")]


@pytest.fixture
def target(tmp_path: Path, origin: Origin) -> Target:
    return Target(tmp_path / "feeds", origin.url)


# What is new and what is not


def test_a_file_is_fetched_once_and_again_when_it_changes(origin: Origin, target: Target) -> None:
    assert target.outcome() == "downloaded"
    assert target.path.read_bytes() == NEW
    assert target.told[-1] == len(NEW)
    assert target.told == sorted(target.told)
    assert target.outcome() == "unchanged"
    origin.content = OLD
    assert target.outcome() == "downloaded"
    assert target.path.read_bytes() == OLD
    assert origin.asked == [(None, None), (None, f'"{digest(NEW)[:8]}"'), (None, f'"{digest(NEW)[:8]}"')]
    assert target.parts == []


def test_last_modified_where_there_is_no_etag(serve: Serve, tmp_path: Path) -> None:
    date = formatdate(time.time() - 1000, usegmt=True)

    def handle(exchange: Any) -> None:
        if exchange.headers["If-Modified-Since"] == date:
            exchange.send_response(304)
            exchange.end_headers()
        else:
            exchange.reply(200, NEW, headers={"Last-Modified": date})

    target = Target(tmp_path, serve(handle).url + "/f")
    assert [target.outcome() for _ in range(3)] == ["downloaded", "unchanged", "unchanged"]


def test_a_file_without_validators_is_fetched_each_time(origin: Origin, target: Target) -> None:
    origin.etag = ""
    assert [target.outcome(), target.outcome()] == ["downloaded", "downloaded"]


def test_a_file_that_was_changed_or_lost_here_is_fetched_again(target: Target) -> None:
    target.update()
    target.path.write_bytes(b"tampered")
    assert target.outcome() == "downloaded"
    assert target.path.read_bytes() == NEW
    target.path.unlink()
    assert target.outcome() == "downloaded"


def test_another_address_is_another_file(serve: Serve, target: Target) -> None:
    target.update()
    other = Target(target.directory, Origin(serve, OLD).url)
    assert other.outcome() == "downloaded"
    assert target.path.read_bytes() == OLD


@pytest.mark.parametrize(
    "state", [b"", b"{", b"[]", b'{"schema": "other/v9"}', b'{"schema": "seawall.downloads/v1", "files": {"sub/file.json": 5}}', b"\xff" * 50]
)
def test_a_broken_state_costs_a_download(target: Target, state: bytes) -> None:
    target.update()
    (target.directory / ".download" / "state.json").write_bytes(state)
    assert target.outcome() == "downloaded"
    assert target.outcome() == "unchanged"


def test_the_state_has_no_secrets(origin: Origin, tmp_path: Path) -> None:
    target = Target(tmp_path, origin.url.replace("//", "//ann:geheim@") + "?token=geheim")
    assert target.outcome() == "downloaded"
    assert target.outcome() == "unchanged"
    state = (tmp_path / ".download" / "state.json").read_text()
    assert "geheim" not in state
    assert json.loads(state)["files"]["sub/file.json"]["sha256"] == digest(NEW)


# What breaks off


def test_what_breaks_off_is_continued_in_the_same_run(origin: Origin, target: Target) -> None:
    origin.breaks = [100_000, 50_000]
    assert target.outcome() == "downloaded"
    assert target.path.read_bytes() == NEW
    assert [asked for asked, _ in origin.asked] == [None, "bytes=100000-", "bytes=150000-"]


def test_what_breaks_off_is_continued_in_the_next_run(origin: Origin, target: Target) -> None:
    origin.content = OLD
    target.update()
    origin.content = NEW
    origin.breaks = [1000] * module.MAX_ATTEMPTS
    result = target.update()
    assert (result.outcome, result.reason) == ("failed", f"{origin.url}: broke off the connection")
    assert target.path.read_bytes() == OLD
    assert target.parts == [1000 * module.MAX_ATTEMPTS]
    assert target.outcome() == "downloaded"
    assert target.path.read_bytes() == NEW
    assert origin.asked[-1][0] == f"bytes={1000 * module.MAX_ATTEMPTS}-"
    assert target.parts == []


def test_another_file_is_not_glued_to_half_of_the_first(origin: Origin, target: Target) -> None:
    for lies in (False, True):
        origin.lies = lies
        origin.content = OLD
        origin.breaks = [1001] * module.MAX_ATTEMPTS
        assert target.outcome() == "failed"
        origin.content = NEW + b"lies" * lies
        assert target.outcome() == "downloaded"
        assert target.path.read_bytes() == origin.content


@pytest.mark.parametrize("etag", ["", 'W/"weak"', "bare"])
def test_without_a_strong_validator_nothing_is_continued(origin: Origin, target: Target, etag: str) -> None:
    origin.etag = etag
    origin.breaks = [1000]
    assert target.outcome() == "downloaded"
    assert target.path.read_bytes() == NEW
    assert [asked for asked, _ in origin.asked] == [None, None]


def test_a_date_is_a_validator_when_it_is_old_enough(serve: Serve, tmp_path: Path) -> None:
    for age, continued in ((1000, True), (0, False)):
        date = formatdate(time.time() - age, usegmt=True)
        seen: list[str | None] = []

        def handle(exchange: Any, date: str = date, seen: list[str | None] = seen) -> None:
            seen.append(exchange.headers["If-Range"])
            first = len(seen) == 1
            exchange.send_response(200)  # with a Date
            exchange.send_header("Last-Modified", date)
            exchange.send_header("Content-Length", str(len(NEW)))
            exchange.end_headers()
            exchange.wfile.write(NEW[:10] if first else NEW)
            exchange.close_connection = True

        assert Target(tmp_path, serve(handle).url + "/f").outcome() == "downloaded"
        assert seen == [None, date if continued else None]


def test_a_server_that_breaks_off_at_once_is_not_asked_forever(origin: Origin, target: Target) -> None:
    origin.breaks = [0] * 100
    assert target.outcome() == "failed"
    assert len(origin.asked) <= module.MAX_ATTEMPTS


def test_a_partial_file_that_is_longer_than_the_file(origin: Origin, target: Target) -> None:
    origin.breaks = [1000] * module.MAX_ATTEMPTS
    target.update()
    [part] = (target.directory / ".download").glob("*.part")
    part.write_bytes(b"x" * (len(NEW) + 5))
    assert target.outcome() == "downloaded"
    assert target.path.read_bytes() == NEW


@settings(max_examples=25)
@given(st.lists(st.integers(0, 5000), max_size=30), st.integers(1, 20_000), st.lists(st.sampled_from([None, 404, 500, 503]), max_size=4))
def test_whatever_happens_the_file_is_whole_or_the_old_one(breaks: list[int], size: int, statuses: list[int | None]) -> None:
    """The twin is the truth: after each run, the bytes are those of one version."""
    import tempfile
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Exchange(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site_of_file.handle(self)

        def reply(self, status: int = 200, body: bytes = b"", *, length: int | None = None, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    class Site(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass

    def serve(_: Any) -> Any:
        site = Site(("127.0.0.1", 0), Exchange)
        threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        setattr(site, "url", f"http://127.0.0.1:{site.server_port}")  # noqa: B010
        return site

    versions = [os.urandom(size) for _ in range(2)]
    site_of_file = Origin(serve, versions[0])
    try:
        with tempfile.TemporaryDirectory() as directory:
            target = Target(Path(directory), site_of_file.url)
            site_of_file.breaks = list(breaks)
            for version, status in enumerate([*statuses, None, None, None]):
                site_of_file.content, site_of_file.status = versions[version % 2], status or 0
                result = target.update()
                if result.outcome == "downloaded":
                    assert target.path.read_bytes() == site_of_file.content
                elif target.path.exists():
                    assert target.path.read_bytes() in versions
            site_of_file.breaks.clear()
            assert target.update().outcome != "failed"
            assert target.path.read_bytes() == site_of_file.content
    finally:
        site_of_file.site.shutdown()
        site_of_file.site.server_close()


# What is wrong


@pytest.mark.parametrize(
    ("status", "reason"),
    [(404, "has no such file"), (410, "has no such file"), (401, "refuses access"), (403, "refuses access"), (500, "answered with status 500"),
     (204, "answered with status 204"), (206, "serves another range than was asked for"), (304, "answered with status 304"),
     (429, "was asked too often; it may be asked again later"), (416, "answered with status 416")],
)  # fmt: skip
def test_an_answer_without_the_file_leaves_the_old_one(origin: Origin, target: Target, status: int, reason: str) -> None:
    origin.etag = ""
    target.update()
    origin.status = status
    result = target.update()
    assert (result.outcome, result.reason) == ("failed", f"{origin.url}: {reason}")
    assert target.path.read_bytes() == NEW


def test_one_that_fails_does_not_stop_the_others(origin: Origin, tmp_path: Path) -> None:
    items = [Item("a", "http://127.0.0.1:1/a"), Item("b", origin.url), Item("c", str(tmp_path / "none")), Item("d", "http://elsewhere.example/")]
    results = download(items, str(tmp_path / "feeds"), http=Http(sleep=lambda _: None))
    assert [(result.name, result.outcome, result.reason) for result in results] == [
        ("a", "failed", "http://127.0.0.1:1/a: refused the connection"),
        ("b", "downloaded", ""),
        ("c", "failed", f"{tmp_path / 'none'}: cannot be read: no such file or directory"),
        ("d", "failed", "http://elsewhere.example/: is asked for by plain HTTP, which must be allowed explicitly"),
    ]


def test_a_file_that_is_too_large(origin: Origin, target: Target) -> None:
    assert target.update(max_bytes=len(NEW)).outcome == "downloaded"
    origin.content = OLD
    result = target.update(max_bytes=len(NEW) - 1)
    assert result.reason == f"{origin.url}: has more than the 399,999 bytes that are allowed"
    assert target.path.read_bytes() == NEW


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_without_a_length(serve: Serve, tmp_path: Path, chunked: bool) -> None:
    def handle(exchange: Any) -> None:
        exchange.send_response(200)
        if chunked:
            exchange.send_header("Transfer-Encoding", "chunked")
        exchange.end_headers()
        exchange.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(NEW), NEW) if chunked else NEW)
        exchange.close_connection = True

    url = serve(handle).url + "/f"
    target = Target(tmp_path / "1", url)
    assert target.update(max_bytes=1000).outcome == "failed"
    result = target.update()
    if chunked:
        assert result.outcome == "downloaded"
    else:
        assert result.reason == f"{url}: does not say where the file ends, and there is no checksum, so it may not be whole"
    assert Target(tmp_path / "2", url, sha256=digest(NEW)).outcome() == "downloaded"


def test_a_body_that_is_compressed_unasked(serve: Serve, tmp_path: Path) -> None:
    site = serve(lambda exchange: exchange.reply(200, NEW, headers={"Content-Encoding": "gzip"}))
    assert "sends the file compressed (gzip)" in Target(tmp_path, f"{site.url}/f.json").update().reason
    assert Target(tmp_path, f"{site.url}/f.json.gz?x").outcome() == "downloaded"


@pytest.mark.parametrize("name", ["", "/etc/x", "../x", "a/../b", "a//b", "a/", ".download/state.json", "a/.x", "a\nb", "a\0b"])
def test_names_stay_below_the_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        download([Item(name, "file:///dev/null")], str(tmp_path / "feeds"))
    assert not (tmp_path / "feeds").exists()


def test_the_same_name_twice(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="from two places"):
        download([Item("a", "/x"), Item("a", "/y")], str(tmp_path))


def test_a_place_that_cannot_be_written(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / "sub").write_text("a file")
    result = Target(tmp_path, origin.url).update()
    assert result.outcome == "failed"
    assert "cannot be written" in result.reason
    with pytest.raises(InputError, match="cannot be made"):
        download([], str(tmp_path / "sub" / "feeds"))


def test_a_link_in_place_of_the_file_is_replaced_and_not_followed(origin: Origin, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (tmp_path / "feeds" / "sub").mkdir(parents=True)
    (tmp_path / "feeds" / "sub" / "file.json").symlink_to(outside)
    assert Target(tmp_path / "feeds", origin.url).outcome() == "downloaded"
    assert outside.read_text() == "mine"


# Checksums


def test_a_checksum_that_is_right_saves_the_question(origin: Origin, tmp_path: Path) -> None:
    target = Target(tmp_path, origin.url, sha256=digest(NEW).upper())
    assert [target.outcome(), target.outcome()] == ["downloaded", "unchanged"]
    assert len(origin.asked) == 1


def test_a_checksum_that_is_wrong(origin: Origin, target: Target) -> None:
    target.update()
    origin.content = OLD
    result = Target(target.directory, origin.url, sha256=digest(b"other")).update()
    assert result.reason == f"{origin.url}: has the SHA-256 {digest(OLD)} instead of {digest(b'other')}; not used"
    assert target.path.read_bytes() == NEW
    assert target.parts == []


def test_a_wrong_file_is_fetched_again_though_the_server_says_that_it_is_unchanged(origin: Origin, target: Target) -> None:
    origin.etag = '"always"'
    target.update()
    origin.content = OLD
    assert Target(target.directory, origin.url, sha256=digest(OLD)).outcome() == "downloaded"
    assert target.path.read_bytes() == OLD


def test_what_was_continued_wrongly_is_fetched_anew(origin: Origin, tmp_path: Path) -> None:
    origin.etag = '"always"'
    origin.content = OLD
    origin.breaks = [1000] * module.MAX_ATTEMPTS
    target = Target(tmp_path, origin.url, sha256=digest(NEW))
    assert target.outcome() == "failed"
    origin.content = NEW
    assert target.outcome() == "downloaded"
    assert target.path.read_bytes() == NEW


def test_a_checksum_from_elsewhere(origin: Origin, tmp_path: Path) -> None:
    target = Target(tmp_path, origin.url, sha256_url=f"{origin.url}.sha256")
    assert target.update().reason == f"{origin.url}.sha256: has no such file"
    origin.checksum = b"rubbish"
    assert target.update().reason == f"{origin.url}.sha256: has no SHA-256 of file.json"
    origin.checksum = f"{digest(OLD)}  other.json\n{digest(NEW)} *./file.json\n".encode()
    assert target.outcome() == "downloaded"
    origin.content = OLD
    assert target.outcome() == "unchanged"  # the checksum still says so
    origin.checksum = digest(OLD).encode()
    assert target.outcome() == "downloaded"


@pytest.mark.parametrize("checksum", ["abc", "g" * 64, "a" * 63])
def test_a_checksum_that_is_none(origin: Origin, tmp_path: Path, checksum: str) -> None:
    assert "is no SHA-256" in Target(tmp_path, origin.url, sha256=checksum).update().reason
    assert not origin.asked


A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (A, A), (f"\n{A.upper()}\n\n", A), (f"{A}  f.json", A), (f"{A} *dir/f.json", A), (f"{A}  g.json", ""), (f"{B}  g.json\r\n{A}  f.json\r\n", A),
        (f"SHA256 (f.json) = {A}", A), (f"SHA256(f.json)= {A}", A), (f"SHA256 (g.json) = {A}", ""), (f"{A}\n{B}", ""), (f"# sums\n{A}", ""), ("", ""),
        (f"{A}f.json", ""), (f"{A}0", ""), (f"{A}  xf.json", ""), (f"SHA512 (f.json) = {A}", ""),
    ],
)  # fmt: skip
def test_lists_of_checksums(text: str, expected: str) -> None:
    assert checksum_of(text, "f.json") == expected


# Mirrors in a directory


@pytest.mark.parametrize("form", ["{}", "file://{}", "FILE://localhost{}"])
def test_a_file_from_a_directory(tmp_path: Path, form: str) -> None:
    source = tmp_path / "mirror dir" / "file.json"
    source.parent.mkdir()
    source.write_bytes(OLD)
    os.utime(source, (1, 1))
    target = Target(tmp_path / "feeds", form.format(str(source).replace(" ", "%20") if "://" in form else source))
    assert [target.outcome(), target.outcome()] == ["downloaded", "unchanged"]
    source.write_bytes(NEW)
    assert target.outcome() == "downloaded"
    assert target.path.read_bytes() == NEW
    assert target.told == [len(OLD), len(NEW)]
    source.unlink()
    assert target.outcome() == "failed"
    assert target.path.read_bytes() == NEW


def test_checksums_and_limits_count_for_directories_too(tmp_path: Path) -> None:
    source = tmp_path / "file.json"
    source.write_bytes(OLD)
    (tmp_path / "sums").write_text(f"{digest(NEW)}  file.json")
    target = Target(tmp_path / "feeds", str(source), sha256_url=str(tmp_path / "sums"))
    assert "instead of" in target.update().reason
    source.write_bytes(NEW)
    assert "bytes that are allowed" in target.update(max_bytes=5).reason
    assert [target.outcome(), target.outcome()] == ["downloaded", "unchanged"]


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, "/dev/zero"):
        assert Target(tmp_path / "feeds", str(path)).update().reason == f"{path}: is no regular file; not read"
    for url in ("file://elsewhere/x", "file://"):
        assert "is no file of this machine" in Target(tmp_path / "feeds", url).update().reason
    assert "cannot be read" in Target(tmp_path / "feeds", "a\0b").update().reason


# One at a time


HOLD = """
import sys
from seawall.io.sources.download import locked
with locked(sys.argv[1]):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that has the lock until its standard input is closed."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"locked\n"
        yield process
        process.kill()


def test_the_second_updater_is_told_who_is_first(origin: Origin, tmp_path: Path, holder: subprocess.Popen[bytes]) -> None:
    for wait in (0, 0.3):
        with pytest.raises(InputError, match=rf"is being updated by process {holder.pid} on \S+ since \d{{4}}-.* UTC; try again later"):
            download([Item("a", origin.url)], str(tmp_path), wait=wait)
    assert not origin.asked
    assert holder.stdin
    threading.Timer(0.3, holder.stdin.close).start()
    [result] = download([Item("a", origin.url)], str(tmp_path), wait=30)
    assert result.outcome == "downloaded"


def test_the_lock_of_who_died_is_free(origin: Origin, tmp_path: Path, holder: subprocess.Popen[bytes]) -> None:
    holder.kill()
    holder.wait()
    [result] = download([Item("a", origin.url)], str(tmp_path))
    assert result.outcome == "downloaded"


def test_a_lock_that_cannot_be_had(tmp_path: Path) -> None:
    (tmp_path / ".download" / "lock").mkdir(parents=True)
    with pytest.raises(InputError, match="cannot be used as a lock"):
        download([], str(tmp_path))


def test_the_lock_is_a_real_one(tmp_path: Path) -> None:
    with locked(str(tmp_path)), open(tmp_path / ".download" / "lock") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
