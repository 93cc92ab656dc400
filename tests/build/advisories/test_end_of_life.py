"""The support of distributions on a day."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

import seawall.build.advisories
from seawall.build.advisories.ecosystems import NotEvaluated
from seawall.build.advisories.end_of_life import Support, support_of
from seawall.core.package import Distro

TODAY = date(2025, 1, 15)
ROWS = [
    ("debian", "12", "Bookworm", "2023-06-10", "2026-06-10", "2028-06-30", 0),
    ("debian", "11", "Bullseye", "2021-08-14", "2024-08-14", "2026-08-31", 0),
    ("debian", "10", "Buster", "2019-07-06", "2022-09-10", "2024-06-30", 0),
    ("debian", "4", "Etch", "2007-04-08", "2010-02-15", "", 0),
    ("ubuntu", "20.04", "Focal Fossa", "2020-04-23", "2025-05-31", "2030-04-02", 0),
    ("alpine-linux", "3.2", "", "2015-05-26", "2017-05-01", "", 0),
    ("alpine-linux", "3.20", "", "2024-05-22", "2026-04-01", "", 0),
    ("almalinux", "9", "", "2022-05-26", "2032-05-31", "", 0),
    ("sles", "15.0", "", "2018-07-16", "2019-12-31", "2022-12-31", 0),
    ("centos", "8", "", "2019-09-24", "2021-12-31", "", 0),
    ("centos-stream", "8", "", "2019-09-24", "2024-05-31", "", 0),
    ("slackware", "14.0", "", "2012-09-28", "", "", 1),
]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as found:
        found.executescript((Path(seawall.build.advisories.__file__).parent / "schema.sql").read_text())
        found.executemany("INSERT INTO end_of_life VALUES (?,?,?,?,?,?,?,'[]')", ROWS)
        yield found


def support(connection: sqlite3.Connection, distro: Distro, today: date = TODAY) -> tuple[str, bool, bool, bool]:
    found = support_of(connection, distro, today)
    assert isinstance(found, Support), found
    return found.release.cycle, found.ended, found.extended, found.extended_for_all


@pytest.mark.parametrize(
    ("distro", "expected"),
    [
        (Distro("debian", "12"), ("12", False, True, True)),
        (Distro("debian", "12.9"), ("12", False, True, True)),
        (Distro("debian", codename="bookworm"), ("12", False, True, True)),
        (Distro("debian", "11"), ("11", True, True, True)),
        (Distro("debian", "10"), ("10", True, False, True)),
        (Distro("debian", "4.0"), ("4", True, False, True)),
        (Distro("ubuntu", "20.04"), ("20.04", False, True, False)),
        (Distro("ubuntu", codename="focal"), ("20.04", False, True, False)),
        (Distro("alpine", "3.20.3"), ("3.20", False, False, False)),
        (Distro("alpine", "3.2.3"), ("3.2", True, False, False)),
        (Distro("almalinux", "9.4"), ("9", False, False, False)),
        (Distro("sles", "15"), ("15.0", True, False, False)),
        (Distro("centos", "8", name="CentOS Linux 8"), ("8", True, False, False)),
        (Distro("slackware", "14.0"), ("14.0", True, False, False)),
    ],
)
def test_releases(connection: sqlite3.Connection, distro: Distro, expected: tuple[str, bool, bool, bool]) -> None:
    assert support(connection, distro) == expected


def test_the_last_day_is_still_supported(connection: sqlite3.Connection) -> None:
    assert not support(connection, Distro("debian", "11"), date(2024, 8, 14))[1]
    assert support(connection, Distro("debian", "11"), date(2024, 8, 15))[1]
    assert support(connection, Distro("debian", "11"), date(2026, 8, 31))[2]
    assert not support(connection, Distro("debian", "11"), date(2026, 9, 1))[2]


def test_stream_is_another_product(connection: sqlite3.Connection) -> None:
    found = support_of(connection, Distro("centos", "8", name="CentOS Stream 8"), TODAY)
    assert isinstance(found, Support)
    assert found.release.product == "centos-stream"


@pytest.mark.parametrize(
    "distro",
    [
        Distro("wolfi", "20230201"),
        Distro("arch"),
        Distro("debian", codename="sid"),
        Distro("debian", name="Debian GNU/Linux trixie/sid", codename="trixie"),
        Distro("alpine", "3.21_alpha20240807"),
        Distro("opensuse-tumbleweed", "20250101"),
    ],
)
def test_what_has_no_releases_never_ends(connection: sqlite3.Connection, distro: Distro) -> None:
    assert support_of(connection, distro, TODAY) is None


@pytest.mark.parametrize(
    ("distro", "words"),
    [
        (Distro("debian", "99"), "debian 99 is not in the advisory database"),
        (Distro("debian"), "version is not told"),
        (Distro("fedora", "38"), "no end-of-life dates"),
        (Distro("nosuch", "1", name="No Such OS"), "No Such OS"),
        (Distro(""), "the distribution"),
        (Distro("alpine", "3.1"), "3.1 is not in"),
    ],
)
def test_what_is_not_known_is_told(connection: sqlite3.Connection, distro: Distro, words: str) -> None:
    found = support_of(connection, distro, TODAY)
    assert isinstance(found, NotEvaluated)
    assert words in found.reason


def test_real_dates(real_database: sqlite3.Connection) -> None:
    assert support(real_database, Distro("debian", "10"), date(2026, 1, 1))[:2] == ("10", True)
    assert support(real_database, Distro("ubuntu", codename="jammy"), date(2026, 1, 1))[:2] == ("22.04", False)
    assert support(real_database, Distro("rocky", "9.3"), date(2026, 1, 1))[:2] == ("9", False)
