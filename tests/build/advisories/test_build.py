"""Building: from directories and archives, from the real pack, from hostile files."""

import gzip
import io
import json
import os
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cmp_to_key
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import zstandard

from seawall.build.advisories.build import UNKNOWN, BuildReport, build_database, parse
from seawall.build.advisories.database import open_database
from seawall.build.advisories.ecosystems import normalise_ecosystem, normalise_name
from seawall.build.advisories.feeds import files as feed_files
from seawall.build.advisories.feeds.files import File, files
from seawall.build.advisories.model import FeedProblem
from seawall.build.advisories.versions import scheme_of
from seawall.core.errors import InputError

PACK = Path(__file__).parents[4] / "shared" / "data" / "advisories" / "advisories.tar.zst"
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def osv(identifier: str, name: str = "demo", **more: object) -> bytes:
    affected = {"package": {"ecosystem": "npm", "name": name}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.3"}]}]}
    return json.dumps({"id": identifier, "modified": "2025-01-01T00:00:00Z", "affected": [affected], **more}).encode()


def ids(path: Path) -> list[str]:
    with open_database(str(path)) as database:
        return [found for (found,) in database.connection.execute("SELECT id FROM advisory ORDER BY number")]


def build(tmp_path: Path, *sources: Path) -> tuple[BuildReport, Path]:
    output = tmp_path / "out" / "advisories.db"
    return build_database([str(source) for source in sources], str(output), now=NOW), output


def tar_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


MEMBERS = {"a/A-1.json": osv("A-1"), "../../B-1.json": osv("B-1")}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("all.zip", zip_of(MEMBERS)),
        ("feed.tar", tar_of(MEMBERS)),
        ("feed.tar.gz", gzip.compress(tar_of(MEMBERS))),
        ("feed.tar.zst", zstandard.compress(tar_of(MEMBERS))),
        ("whatever", zip_of({"inner.zip": zip_of(MEMBERS)})),
        ("list.json.gz", gzip.compress(b"[" + b",".join(MEMBERS.values()) + b"]")),
        ("frames.zst", zstandard.compress(b"[" + osv("A-1") + b",") + zstandard.compress(osv("B-1") + b"]")),
    ],
)
def test_archives_of_any_kind_give_what_they_hold(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(data)
    for source in (tmp_path / "in", tmp_path / "in" / name):
        report, output = build(tmp_path, source)
        assert report.problems == ()
        assert sorted(ids(output)) == ["A-1", "B-1"]
    assert sorted(os.listdir(tmp_path)) == ["in", "out"]


def test_equal_input_gives_an_equal_file_with_one_process_or_two(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for number in range(40):
        (source / f"{number}.json").write_bytes(
            osv(f"A-{number}", f"package-{number % 7}", details="x" * 40_000, aliases=[f"CVE-2024-{1000 + number}"])
        )
    made = []
    for processes in (1, 2, 2):
        build_database([str(source)], str(tmp_path / "a.db"), now=NOW, processes=processes)
        made.append((tmp_path / "a.db").read_bytes())
    assert made[0] == made[1] == made[2]


def test_the_report_counts_and_names_what_was_not_read(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "A-1.json").write_bytes(osv("A-1"))
    (source / "copy.json").write_bytes(osv("A-1"))
    (source / "future.json").write_bytes(osv("A-2", modified="2099-01-01T00:00:00Z"))
    (source / "odd.json").write_text('{"hello": 1}')
    (source / "README.md").write_text("# Read me")
    (source / "broken.json").write_text('{"id": "A-3", "modified": "2025", "affected": [')
    os.mkfifo(source / "pipe")
    (source / "loop").symlink_to(source)
    (source / "same.json").symlink_to("A-1.json")
    (source / "nowhere.json").symlink_to("/nowhere/at/all.json")
    seen: list[tuple[str, int]] = []
    report = build_database([str(source)], str(tmp_path / "a.db"), lambda path, records: seen.append((path, records)), now=NOW)
    by_name = {feed.name: feed for feed in report.feeds}
    assert (by_name["a"].records, by_name["a"].newest) == (2, "2025-01-01T00:00:00Z")
    told = {(feed, PurePosixPath(problem.path).name): problem.message for feed, problem in report.problems}
    assert set(told) == {("osv", "broken.json"), (UNKNOWN, "odd.json"), (UNKNOWN, "pipe"), (UNKNOWN, "nowhere.json")}
    assert told[UNKNOWN, "pipe"] == "not a file"
    assert report.skipped == 1
    assert seen[-1][1] == 2
    with open_database(str(tmp_path / "a.db")) as database:
        assert database.status().feeds == report.feeds


def test_names_and_texts_that_are_no_unicode(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "A-1.json").write_bytes(osv("A-1", summary="a\0b \U0001f600"))
    (source / "lone.json").write_bytes(osv("A-2").replace(b'"modified"', b'"summary": "\\ud800", "modified"'))
    (source / "number.json").write_bytes(osv("A-3").replace(b'"A-3"', b"9" * 5000))
    with open(os.fsencode(source) + b"/\xff\xfe.yml", "wb") as stream:
        stream.write(b"gem: demo\ncve: 2020-12345\n")
    report, output = build(tmp_path, source)
    assert "A-1" in ids(output)
    assert len(ids(output)) >= 2
    for _, problem in report.problems:
        problem.path.encode()


def test_what_holds_no_feed_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match="does not exist"):
        build_database([str(tmp_path / "none")], str(tmp_path / "a.db"))
    with pytest.raises(InputError, match="holds no advisory feed"):
        build_database([str(tmp_path / "in")], str(tmp_path / "a.db"))
    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("cut.zip", zip_of(MEMBERS)[:-40], "cannot be unpacked"),
        ("cut.tar.gz", gzip.compress(tar_of(MEMBERS))[:-40], "cannot be unpacked"),
        ("cut.zst", zstandard.compress(osv("A-1"))[:-4], "ends in the middle"),
        ("wrong.gz", gzip.compress(osv("A-1"))[:-8] + b"\0" * 8, "cannot be unpacked"),
        ("no.zst", b"\x28\xb5\x2f\xfd" + b"\xff" * 40, "cannot be unpacked"),
        ("deep.zip", zip_of({"a.zip": zip_of({"b.zip": zip_of({"c.zip": zip_of(MEMBERS)})})}), "archives inside each other"),
    ],
)
def test_broken_archives_are_problems(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / name).write_bytes(data)
    (source / "z.json").write_bytes(osv("Z-1"))
    report, output = build(tmp_path, source)
    assert "Z-1" in ids(output)
    assert [problem.message for _, problem in report.problems if message in problem.message], report.problems


def test_bombs_end_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_files, "MAX_FILE_BYTES", 2**20)
    monkeypatch.setattr(feed_files, "MAX_ARCHIVE_BYTES", 3 * 2**20)
    monkeypatch.setattr(feed_files, "MAX_MEMBERS", 50)
    zeros = b"0" * 2**20
    archives: dict[str, bytes] = {
        "one.gz": gzip.compress(zeros * 40),
        "one.zst": zstandard.compress(zeros * 40),
        "many.zip": zip_of({f"{number}.json": zeros for number in range(6)}),
        "many.tar.gz": gzip.compress(tar_of({f"{number}.json": zeros for number in range(6)})),
        "names.zip": zip_of({f"{number}.json": b"" for number in range(60)}),
    }
    for name, data in archives.items():
        (tmp_path / name).write_bytes(data)
        found = list(files([str(tmp_path / name)]))
        assert sum(file.size for file in found if isinstance(file, File)) <= 3 * 2**20, name
        assert any("more than" in item.message for item in found if isinstance(item, FeedProblem)), name
    (tmp_path / "plain.json").write_bytes(zeros + b"0")
    (plain,) = files([str(tmp_path / "plain.json")])
    assert isinstance(plain, FeedProblem)


def test_of_the_copies_of_retirejs_the_fullest_is_read(tmp_path: Path) -> None:
    names = ["jsrepository.json", "jsrepository-v2.json", "jsrepository-v5.json", "jsrepository-v5-combined.json", "npmrepository.json"]
    for name in names:
        (tmp_path / name).write_text("{}")
    assert sorted(PurePosixPath(item.path).name for item in files([str(tmp_path)])) == ["jsrepository-v5.json", "npmrepository.json"]
    (tmp_path / "jsrepository-master.json").write_text("{}")
    assert sorted(PurePosixPath(item.path).name for item in files([str(tmp_path)])) == ["jsrepository-master.json", "npmrepository.json"]


# --- the real feeds


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BuildReport, sqlite3.Connection]]:
    """A part of the pack: of the large feeds one file in eight, of the others all."""
    if not PACK.exists():
        pytest.skip("the pack of real feeds is not beside the repository")
    directory = tmp_path_factory.mktemp("pack")
    part = directory / "part.tar"
    with tarfile.open(part, "w") as archive:
        for number, file in enumerate(files([str(PACK)])):
            assert isinstance(file, File)
            name = file.path.partition("!/")[2]
            if number % 8 and name.split("/")[0] in ("alma", "bitnami", "govuln", "pypa", "eol"):
                continue
            info = tarfile.TarInfo(name)
            info.size = len(file.data or b"")
            archive.addfile(info, io.BytesIO(file.data or b""))
    report = build_database([str(part)], str(directory / "advisories.db"), now=NOW)
    with open_database(str(directory / "advisories.db")) as database:
        yield report, database.connection


Query = Callable[..., list[tuple[object, ...]]]


@pytest.fixture
def query(real: tuple[BuildReport, sqlite3.Connection]) -> Query:
    return lambda sql, *values: real[1].execute(sql, values).fetchall()


def test_every_real_feed_is_read(real: tuple[BuildReport, sqlite3.Connection]) -> None:
    records = {feed.name: feed.records for feed in real[0].feeds}
    least = {"almalinux": 700, "alpine": 11_000, "bitnami": 900, "cpan": 325, "debian": 8_900, "friendsofphp": 1_590, "go": 500, "haskell": 35}
    least |= {"kev": 1_404, "kubernetes": 44, "pypa": 850, "retirejs": 1_000, "rubysec": 1_230, "rustsec": 1_220, "end-of-life": 900}
    assert {name: records.get(name) for name, number in least.items() if records.get(name, 0) < number} == {}
    assert records["kev"] == 1_404  # JSON and CSV tell the same


def test_real_problems_are_few_and_known(real: tuple[BuildReport, sqlite3.Connection]) -> None:
    known = (
        "names no affected version",
        "in no format of a feed",
        "is empty",
        "patched or unaffected",
        "no npm package is named",
        "no version:",
        "names no id",
        "no affected version",
    )
    assert [problem for _, problem in real[0].problems if not any(words in problem.message for words in known)] == []
    assert len(real[0].problems) < 120


def test_real_rows_have_bounds_in_order(query: Query) -> None:
    assert query("SELECT count(*) FROM affected WHERE high IS NOT NULL AND (low > high OR (low = high AND NOT closed))") == [(0,)]
    assert query("SELECT count(*) FROM affected WHERE advisory NOT IN (SELECT number FROM advisory)") == [(0,)]
    assert query("SELECT count(*) FROM affected WHERE ecosystem != lower(ecosystem)") == [(0,)]


def test_a_real_collection_is_found_under_each_of_its_cves(query: Query) -> None:
    rows = query("SELECT DISTINCT vulnerability FROM advisory WHERE id = 'DSA-5378-1' ORDER BY 1")
    assert rows == [(f"CVE-2022-{number}",) for number in (23824, 42331, 42332, 42333, 42334)]
    assert query("SELECT DISTINCT ecosystem, name, fixed FROM affected JOIN advisory ON number = advisory WHERE id = 'DSA-5378-1'") == [
        ("debian:11", "xen", "4.14.5+94-ge49571868d-1")
    ]


def test_a_real_vulnerability_brings_its_records_together(query: Query) -> None:
    sources = {source for (source,) in query("SELECT DISTINCT source FROM advisory WHERE vulnerability = 'CVE-2020-25613'")}
    assert "rubysec" in sources


def test_a_real_support_period(query: Query) -> None:
    rows = query("SELECT product, count(*) FROM end_of_life GROUP BY product")
    assert len(rows) > 40


def specified(record: dict[str, Any], version: str) -> set[tuple[str, str]]:
    """The packages of an OSV record that the pseudocode of the specification calls affected, by comparison alone, without keys."""
    found = set()
    for affected in record.get("affected", []):
        ecosystem, name = affected["package"]["ecosystem"], affected["package"]["name"]
        compare = scheme_of(ecosystem).compare
        hit = any(compare(version, listed) == 0 for listed in affected.get("versions") or ())
        for told in affected.get("ranges") or ():
            events = [(kind, str(at)) for event in told["events"] for kind, at in event.items()]
            events = _in_order(events, compare)
            vulnerable = False
            for kind, at in events if told["type"] != "GIT" else ():
                order = 1 if at == "0" else compare(version, at)
                if kind == "introduced" and order >= 0:
                    vulnerable = True
                elif (kind == "fixed" and order >= 0) or (kind == "last_affected" and order > 0):
                    vulnerable = False
            hit = hit or vulnerable
        if hit:
            found.add((normalise_ecosystem(ecosystem), normalise_name(normalise_ecosystem(ecosystem), name)))
    return found


def _in_order(events: list[tuple[str, str]], compare: Callable[[str, str], int]) -> list[tuple[str, str]]:
    place = cmp_to_key(compare)
    return sorted(events, key=lambda event: (event[1] != "0", place(event[1])))


def test_rows_of_real_osv_records_say_what_the_specification_says() -> None:
    if not PACK.exists():
        pytest.skip("the pack of real feeds is not beside the repository")
    checked = 0
    for number, file in enumerate(files([str(PACK)])):
        assert isinstance(file, File)
        folder = file.path.partition("!/")[2].split("/")[0]
        if folder not in ("bitnami", "govuln", "vulnlistk8s", "alma") or (number % 40 and folder != "vulnlistk8s") or not file.path.endswith(".json"):
            continue
        record = json.loads(file.data or b"")
        if not record.get("affected") or len(record["affected"]) > 60:
            continue
        statements = parse(file).statements
        rows = [row for statement in statements for row in statement.rows]
        versions = {str(at) for affected in record["affected"] for told in affected["ranges"] for event in told["events"] for at in event.values()}
        for version in versions | {"0.0.1", "1.0.0", "99999.0.0"} | {f"{version}.1" for version in versions}:
            expected = specified(record, version)
            found = set()
            for row in rows:
                key = scheme_of(row.ecosystem).key(version)
                if row.low <= key and (row.high is None or key < row.high or (row.closed and key == row.high)):
                    found.add((row.ecosystem, row.name))
            assert found == expected, (record["id"], version)
            checked += 1
    assert checked > 2_000
