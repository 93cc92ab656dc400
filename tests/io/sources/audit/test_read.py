"""Logs as they lie around: plain, compressed, rotated, cut, growing."""

import bz2
import gzip
import io
import os
import threading
import time
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.errors import InputError
from seawall.io.sources.audit import Block, lines, read
from seawall.io.sources.audit.files import age
from seawall.io.sources.audit.lines import blocks


def all_lines(*targets: str, stdin: bytes = b"") -> list[bytes]:
    found: list[bytes] = []
    for item in read(targets, stdin=io.BytesIO(stdin)):
        assert isinstance(item, Block), item
        found.extend(item.lines)
    return found


@settings(max_examples=150)
@given(st.binary(max_size=60).map(lambda data: data.replace(b"{", b"n").replace(b"[", b"n")), st.integers(1, 9), st.booleans())
def test_lines_are_split_whatever_the_pieces(data: bytes, size: int, whole: bool) -> None:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    found = [item for item in blocks("log", pieces, whole=whole) if isinstance(item, Block)]
    numbered = {item.number(index): line for item in found for index, line in enumerate(item.lines)}
    text = data.removeprefix(b"\xef\xbb\xbf") if size >= 3 or whole else data
    expected = dict(enumerate(text.split(b"\n"), 1))
    assert {number: line for number, line in numbered.items() if line.strip()} == {number: line for number, line in expected.items() if line.strip()}
    assert [item.cut for item in found[:-1]] == [False] * len(found[:-1])


@pytest.mark.parametrize(
    "compress", [bytes, gzip.compress, bz2.compress, zstandard.compress, lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])]
)
def test_compressed_files_are_known_by_their_bytes(tmp_path: Path, compress: object) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(compress(b'{"a":1}\r\n{"b":2}\n'))  # type: ignore[operator]
    assert [line.strip() for line in all_lines(str(log))] == [b'{"a":1}', b'{"b":2}']


def test_standard_input() -> None:
    assert all_lines("-", stdin=b"1\n2") == [b"1", b"2"]


def test_a_directory_is_read_from_its_oldest_file_on(tmp_path: Path) -> None:
    names = [
        "audit.log.2.gz",
        "audit.log.1",
        "audit.log",
        "sub/audit-2026-01-02T00-00-00.000.log.gz",
        "sub/audit-2026-01-01T00-00-00.000.log",
        "sub/audit.log",
    ]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        text = name.encode() + b"\n"
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "policy.yaml").write_text("x")
    order = [
        "audit.log.2.gz",
        "audit.log.1",
        "audit.log",
        "sub/audit-2026-01-01T00-00-00.000.log",
        "sub/audit-2026-01-02T00-00-00.000.log.gz",
        "sub/audit.log",
    ]
    assert [line.decode() for line in all_lines(str(tmp_path))] == order


def test_ages() -> None:
    names = ["a.log", "a.log.10", "a.log.9.gz", "b-2026-01-01T00-00-00.000.log", "b.log"]
    assert sorted(names, key=age) == ["a.log.10", "a.log.9.gz", "a.log", "b-2026-01-01T00-00-00.000.log", "b.log"]


def test_what_cannot_be_read_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "good.log").write_text("1\n")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(os.urandom(5000).hex().encode() + b"\n2\n")[:-40])
    items = list(read([str(tmp_path / "none"), str(tmp_path / "cut.gz"), str(tmp_path / "good.log"), "a\0b", str(tmp_path / "empty")]))
    errors = [item for item in items if isinstance(item, InputError)]
    assert [os.path.basename(error.path) for error in errors] == ["none", "cut.gz", "a\0b", "empty"]
    assert [line for item in items if isinstance(item, Block) for line in item.lines][-1] == b"1"
    assert list(read([str(tmp_path / "sub")])) != []
    empty = tmp_path / "nothing"
    empty.mkdir()
    (problem,) = read([str(empty)])
    assert isinstance(problem, InputError)


def test_a_line_over_the_limit_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 10)
    pieces = [b"1\n" + b"x" * 8, b"x" * 8, b"x" * 8, b"x\n3\n4"]
    items = list(blocks("log", pieces))
    assert [str(item) for item in items if isinstance(item, InputError)] == ["log:2: the line is over the limit of 0 MiB, and is left out"]
    numbered = [(item.number(index), line) for item in items if isinstance(item, Block) for index, line in enumerate(item.lines)]
    assert numbered == [(1, b"1"), (3, b"3"), (4, b"4")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{\n  "a": 1\n}\n', [(1, b'{"a":1}')]),
        (b'[\n  {"a": 1},\n  {"b": 2}\n]', [(1, b'[{"a":1},{"b":2}]')]),
        (b'{\n"a": 1}\n{\n"b": 2\n}\n', [(1, b'{"a":1}'), (3, b'{"b":2}')]),
        (b'\n\n{\n"a": 1}\n\n{"b": 2}', [(3, b'{"a":1}'), (6, b'{"b":2}')]),
        (b'{"a":1}\n{"b":2}\n', [(1, b'{"a":1}'), (2, b'{"b":2}')]),
        (b'{"a":1}\n{"b"', [(1, b'{"a":1}'), (2, b'{"b"')]),
        (b"{\nbroken\n", [(1, b"{"), (2, b"broken")]),
        (b"", []),
    ],
)
def test_documents_over_several_lines(text: bytes, expected: list[tuple[int, bytes]]) -> None:
    found = [(item.number(index), line) for item in blocks("log", [text]) if isinstance(item, Block) for index, line in enumerate(item.lines)]
    assert found == expected


def test_a_document_that_is_too_large_is_read_as_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_DOCUMENT_BYTES", 8)
    found = [line for item in blocks("log", [b'{\n"a"', b": 1,\n", b'"b": 2\n}\n']) if isinstance(item, Block) for line in item.lines]
    assert found == [b"{", b'"a": 1,', b'"b": 2', b"}"]


def test_the_last_line_may_not_be_finished() -> None:
    *_, last = blocks("log", [b"1\n2"])
    assert isinstance(last, Block)
    assert last.cut


def test_following_through_rotation(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text("1\n2\nhal")
    found: list[bytes] = []
    done = threading.Event()

    def reading() -> None:
        for item in read([str(log)], follow=True, stopped=done.is_set):
            assert isinstance(item, Block)
            found.extend(item.lines)

    def until(number: int) -> None:
        deadline = time.monotonic() + 20
        while len(found) < number and time.monotonic() < deadline:
            time.sleep(0.01)

    thread = threading.Thread(target=reading)
    thread.start()
    until(2)
    with log.open("a") as stream:
        stream.write("f\n")
    until(3)
    with log.open("a") as stream:
        stream.write("4\n")
        log.rename(tmp_path / "audit.log.1")
        log.write_text("5\n")
        stream.write("late\n")
    until(6)
    log.write_text("")  # copy and truncate
    with log.open("a") as stream:
        time.sleep(0.5)
        stream.write("7\n")
    until(7)
    done.set()
    thread.join(20)
    assert found == [b"1", b"2", b"half", b"4", b"late", b"5", b"7"]
