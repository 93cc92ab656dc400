"""The advisory commands from end to end: a mirror, a server that fails half-way, a database that stays as it was, and questions."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from seawall.app.cli.main import _run

OSV: dict[str, Any] = {
    "id": "PYSEC-2026-1",
    "modified": "2026-01-02T00:00:00Z",
    "aliases": ["CVE-2026-0001"],
    "summary": "a hole",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Left_Pad"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}]}],
        }
    ],
}
KEV = {"catalogVersion": "2026.01.01", "vulnerabilities": [{"cveID": "CVE-2026-0001", "dateAdded": "2026-01-03", "dueDate": "2026-02-01"}]}


class Mirror:
    """Files that are served on loopback; ``cut`` names those whose connection breaks after so many bytes, once."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.cut: dict[str, int] = {}
        self.asked: list[tuple[str, str]] = []

    def handler(self) -> type[BaseHTTPRequestHandler]:
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = mirror.files.get(self.path)
                mirror.asked.append((self.path, self.headers.get("Range", "")))
                if data is None:
                    self.send_error(404)
                    return
                tag = f'"{hash(data) & 0xFFFF}"'
                if self.headers.get("If-None-Match") == tag:
                    self.send_response(304)
                    self.end_headers()
                    return
                start = 0
                if (wanted := self.headers.get("Range", "")) and self.headers.get("If-Range") == tag:
                    start = int(wanted.removeprefix("bytes=").rstrip("-"))
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
                else:
                    self.send_response(200)
                self.send_header("ETag", tag)
                self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                cut = mirror.cut.pop(self.path, None)
                self.wfile.write(data[start:] if cut is None else data[start : start + cut])
                if cut is not None:
                    self.wfile.flush()
                    self.connection.shutdown(2)

            def log_message(self, *args: object) -> None:
                pass

        return Handler


@pytest.fixture
def mirror() -> Iterator[tuple[Mirror, str]]:
    served = Mirror({"/osv/one.json": json.dumps(OSV).encode(), "/kev/kev.json": json.dumps(KEV).encode()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), served.handler())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield served, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def sources(tmp_path: Path) -> str:
    path = tmp_path / "sources.csv"
    path.write_text("file,url\nosv/one.json,https://nowhere.example/one.json\nkev/kev.json,https://nowhere.example/kev.json\n")
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = _run(["advisories", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_update_from_a_mirror_then_ask(tmp_path: Path, mirror: tuple[Mirror, str], sources: str, capsys: pytest.CaptureFixture[str]) -> None:
    database = str(tmp_path / "advisories.db")
    served, address = mirror
    status, out, err = run(capsys, "update", "--mirror", address, "--sources", sources, "--db", database)
    assert (status, err) == (0, "")
    assert "2 of 2 feeds were new" in out
    served.asked.clear()
    status, out, _ = run(capsys, "update", "--mirror", address, "--sources", sources, "--db", database)
    assert "nothing has changed" in out
    status, out, _ = run(capsys, "match", "--db", database, "--format", "json", "pkg:pypi/left-pad@1.1", "pkg:pypi/left-pad@1.2")
    old, new = map(json.loads, out.splitlines())
    assert status == 0
    assert old["purl"] == "pkg:pypi/left-pad@1.1"
    assert [(found["id"], found["fixed"], found["kev"]) for found in old["vulnerabilities"]] == [("CVE-2026-0001", ["1.2"], True)]
    assert new["vulnerabilities"] == []


def test_a_download_that_breaks_is_taken_up_again(
    tmp_path: Path, mirror: tuple[Mirror, str], sources: str, capsys: pytest.CaptureFixture[str]
) -> None:
    served, address = mirror
    served.cut["/osv/one.json"] = 100
    status, _, _ = run(capsys, "update", "--mirror", address, "--sources", sources, "--db", str(tmp_path / "a.db"))
    assert status == 0
    assert ("/osv/one.json", "bytes=100-") in served.asked


def test_what_cannot_be_had_leaves_the_database_as_it_was(
    tmp_path: Path, mirror: tuple[Mirror, str], sources: str, capsys: pytest.CaptureFixture[str]
) -> None:
    database = tmp_path / "advisories.db"
    served, address = mirror
    run(capsys, "update", "--mirror", address, "--sources", sources, "--db", str(database))
    before = database.read_bytes()
    served.files.clear()
    status, _, err = run(capsys, "update", "--mirror", address, "--sources", sources, "--db", str(database))
    assert status == 2
    assert "no feed could be downloaded" in err
    assert database.read_bytes() == before


def test_one_feed_that_fails_is_said_and_the_rest_is_new(
    tmp_path: Path, mirror: tuple[Mirror, str], sources: str, capsys: pytest.CaptureFixture[str]
) -> None:
    served, address = mirror
    del served.files["/kev/kev.json"]
    status, out, err = run(capsys, "update", "--mirror", address, "--sources", sources, "--db", str(tmp_path / "a.db"))
    assert status == 3
    assert "kev/kev.json" in err
    assert "1 of 2 feeds were new" in out


def test_a_mirror_directory_serves_sites_without_a_network(tmp_path: Path, sources: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mirror" / "osv").mkdir(parents=True)
    (tmp_path / "mirror" / "kev").mkdir()
    (tmp_path / "mirror" / "osv" / "one.json").write_text(json.dumps(OSV))
    (tmp_path / "mirror" / "kev" / "kev.json").write_text(json.dumps(KEV))
    database = str(tmp_path / "a.db")
    assert run(capsys, "update", "--mirror", str(tmp_path / "mirror"), "--sources", sources, "--db", database)[0] == 0
    status, out, _ = run(capsys, "status", "--db", database, "--format", "json")
    assert status == 0
    assert {feed["name"] for feed in json.loads(out)["status"]["feeds"]} >= {"pypa", "kev"} or json.loads(out)["status"]["advisories"] == 1


def test_compare_answers_line_for_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(capsys, "compare", "Debian", "1.0~rc1", "1.0")[1] == "<\n"
    import io
    import sys

    lines = io.TextIOWrapper(io.BytesIO(b"1.0\t1.0.0\nnothing\n\t\n2\t1\r\n"))
    monkeypatch.setattr(sys, "stdin", lines)
    status, out, err = run(capsys, "compare", "PyPI", "-")
    assert (status, out.split("\n")) == (0, ["=", "?", "=", ">", ""])
    assert "line 2" in err


def test_a_list_that_leads_out_of_the_directory_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("file,url\n../../etc/passwd,https://x.example/\n")
    status, _, err = run(capsys, "update", "--sources", str(bad), "--db", str(tmp_path / "a.db"))
    assert status == 2
    assert "no name of a file" in err


def test_no_database_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    status, _, err = run(capsys, "match", "pkg:pypi/x@1")
    assert status == 2
    assert "seawall advisories update" in err
    assert not os.listdir(tmp_path)
