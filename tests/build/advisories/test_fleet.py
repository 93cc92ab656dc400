"""A fleet as one join gives what matching one by one gives."""

import random
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.build.advisories.fleet import FleetMatch, match_fleet
from seawall.build.advisories.match import match
from seawall.core.errors import UsageError
from seawall.core.purl import read_purl

from .conftest import Record, build_from

pytest.importorskip("duckdb", reason="the extra 'fleet' (DuckDB) is not installed")


def pairs(found: FleetMatch) -> set[tuple[int, str]]:
    result = [(int(row), found.names[name]) for row, name in zip(found.rows, found.vulnerabilities, strict=True)]
    assert len(result) == len(set(result)), "each pair is told once"
    return set(result)


def one_by_one(connection: sqlite3.Connection, purls: list[str]) -> tuple[set[tuple[int, str]], dict[str, str]]:
    result: set[tuple[int, str]] = set()
    reasons: dict[str, str] = {}
    for row, purl in enumerate(purls):
        (answer,) = match(connection, [read_purl(purl)])
        result.update((row, item.id) for item in answer.vulnerabilities)
        if answer.not_evaluated:
            reasons[purl] = answer.not_evaluated
    return result, reasons


EVENTS = st.sampled_from(
    [
        [{"introduced": "0"}],
        [{"introduced": "0"}, {"fixed": "2.0"}],
        [{"introduced": "1.0"}, {"last_affected": "2.0"}],
        [{"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "2.0"}, {"fixed": "3.0"}],
        [{"introduced": "0"}, {"fixed": "2.0.module_el8+1"}],
    ]
)
PLACES: list[tuple[str, Record]] = [
    ("PyPI", {}),
    ("Debian:12", {}),
    ("AlmaLinux:8", {}),
    ("AlmaLinux:8", {"module": "x:1"}),
    ("AlmaLinux:8", {"module": "x:2"}),
    ("AlmaLinux:8", {"arch": ["x86_64", "ppc64le"]}),
    ("AlmaLinux:8", {"arch": ["aarch64"], "module": "x:1"}),
]
PURLS = [
    f"pkg:{kind}/{name}@{version}{rest}"
    for name in ("one", "two")
    for version in ("0.5", "1.0", "2.0", "2.0%2Blocal", "3.0")
    for kind, rest in (
        ("pypi", ""),
        ("deb/debian", "?distro=debian-12&arch=amd64"),
        ("rpm/almalinux", "?distro=almalinux-8.9&arch=x86_64"),
        ("rpm/almalinux", "-1.module_el8%2B2?distro=almalinux-8.9&arch=arm64"),
        ("rpm/almalinux", "?distro=almalinux-8.9&arch=noarch&rpmmod=x:1:20240101:abc"),
        ("rpm/almalinux", "?distro=almalinux-8.9&arch=aarch64&rpmmod=x:2"),
        ("generic", ""),
    )
]


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    found: list[Record] = [{"id": "ALWAYS", "modified": "2025-01-01T00:00:00Z", "affected": [_affected("PyPI", {}, "three", [{"introduced": "0"}])]}]
    for number in range(draw(st.integers(1, 8))):
        place, specific = draw(st.sampled_from(PLACES))
        record: Record = {
            "id": f"TEST-{number}",
            "modified": "2025-01-01T00:00:00Z",
            "aliases": draw(st.lists(st.sampled_from(["CVE-2024-0001", "CVE-2024-0002"]), max_size=1)),
            "affected": [_affected(place, specific, draw(st.sampled_from(["one", "two"])), draw(EVENTS))],
        }
        if draw(st.integers(0, 9)) == 0:
            record["withdrawn"] = "2025-01-02T00:00:00Z"
        found.append(record)
    return found


def _affected(place: str, specific: Record, name: str, events: list[dict[str, str]]) -> Record:
    return {"package": {"ecosystem": place, "name": name}, "ranges": [{"type": "ECOSYSTEM", "events": events}], "ecosystem_specific": specific}


@settings(max_examples=40)
@given(records(), st.lists(st.sampled_from(PURLS), max_size=40), st.lists(st.sampled_from(["not-affected", "undetermined", "wont-fix"]), max_size=3))
def test_a_join_gives_what_one_by_one_gives(found: list[Record], purls: list[str], statuses: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory, closing(build_from(Path(directory), tuple(found))) as connection:
        for number, status in enumerate(statuses):
            connection.execute("UPDATE affected SET status = ? WHERE rowid = ?", (status, number + 1))
        connection.commit()
        expected, reasons = one_by_one(connection, purls)
        joined = match_fleet(connection, purls)
        assert pairs(joined) == expected
        assert joined.not_evaluated == reasons


def test_a_real_fleet(real_database: sqlite3.Connection) -> None:
    chosen = random.Random(5)
    purls = []
    for ecosystem, form in (
        ("pypi", "pkg:pypi/{}@{}.{}"),
        ("debian:11", "pkg:deb/debian/{}@{}.{}-1?distro=debian-11"),
        ("almalinux:8", "pkg:rpm/almalinux/{}@{}.{}-1.el8?distro=almalinux-8&arch=x86_64"),
    ):
        names = [name for (name,) in real_database.execute("SELECT DISTINCT name FROM affected WHERE ecosystem = ? ORDER BY name", (ecosystem,))]
        for name in chosen.sample(names, 80):
            purls.append(form.format(name.replace("+", "%2B"), chosen.randint(0, 5), chosen.randint(0, 30)))
    rows = [chosen.choice(purls) for _ in range(1000)]
    expected = {(row, item.id) for row, answer in enumerate(match(real_database, list(map(read_purl, rows)))) for item in answer.vulnerabilities}
    assert len(expected) > 1000
    assert pairs(match_fleet(real_database, rows)) == expected


def test_nothing_and_nonsense() -> None:
    with tempfile.TemporaryDirectory() as directory, closing(build_from(Path(directory), (_always(),))) as connection:
        assert pairs(match_fleet(connection, [])) == set()
        found = match_fleet(connection, ["no purl", "pkg:pypi/three@1", "pkg:generic/x@1", "pkg:pypi/three@1"])
        assert pairs(found) == {(1, "ALWAYS"), (3, "ALWAYS")}
        assert set(found.not_evaluated) == {"no purl", "pkg:generic/x@1"}


def _always() -> Record:
    return {"id": "ALWAYS", "modified": "2025-01-01T00:00:00Z", "affected": [_affected("PyPI", {}, "three", [{"introduced": "0"}])]}


def test_without_duckdb_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(UsageError, match=r"seawall\[fleet\]"):
        match_fleet(connection, [])
