"""The database file: how it is written, opened, refused."""

import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seawall.build.advisories.aliases import Names
from seawall.build.advisories.database import FeedStatus, Statement, Writer, open_database, writing
from seawall.build.advisories.model import EndOfLife, Exploited, FeedProblem, Likelihood
from seawall.build.advisories.rows import Row
from seawall.core.errors import InputError

BUILT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def statement(identifier: str, *rows: Row, aliases: tuple[str, ...] = (), upstream: tuple[str, ...] = (), source: str = "test") -> Statement:
    return Statement(Names(identifier, aliases, upstream), source, "vulnerability", "", "", "", "a summary", "high", "[]", "[]", list(rows))


def row(name: str, low: bytes = b"", high: bytes | None = b"2", fixed: str = "2") -> Row:
    return Row("npm", name, low, high, 0, fixed, "", "", "", "")


def write(path: Path, *statements: Statement) -> None:
    with writing(str(path)) as writer:
        for item in statements:
            writer.add(item)
        writer.finish([FeedStatus("test", len(statements), 1, "2026-01-01")], [("test", FeedProblem("a/b", "odd"))], BUILT)


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "advisories.db"
    write(path, statement("GHSA-1", row("demo"), aliases=("CVE-2024-1111",)))
    with open_database(str(path)) as database:
        assert database.built == BUILT
        status = database.status()
        found = database.connection.execute(
            "SELECT name, low, high, fixed, vulnerability, aliases FROM affected JOIN advisory ON number = advisory"
        ).fetchall()
    assert found == [("demo", b"", b"2", "2", "CVE-2024-1111", '["CVE-2024-1111"]')]
    assert (status.advisories, status.packages, status.feeds) == (1, 1, (FeedStatus("test", 1, 1, "2026-01-01"),))
    assert status.problems == (FeedProblem("a/b", "odd"),)
    assert status.age(BUILT + timedelta(days=2)) == timedelta(days=2)
    assert os.listdir(path.parent) == ["advisories.db"]


def test_an_advisory_of_several_cves_is_stored_for_each(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    write(path, statement("DSA-1-1", row("demo"), row("other"), upstream=("CVE-2024-2222", "CVE-2024-1111")))
    with open_database(str(path)) as database:
        rows = database.connection.execute(
            "SELECT id, vulnerability, aliases, count(*) FROM advisory JOIN affected ON number = advisory GROUP BY number ORDER BY number"
        ).fetchall()
    assert rows == [("DSA-1-1", "CVE-2024-1111", '["CVE-2024-1111"]', 2), ("DSA-1-1", "CVE-2024-2222", '["CVE-2024-2222"]', 2)]


def test_the_same_statement_twice_is_one_and_a_changed_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    write(
        path,
        statement("A-1", row("demo")),
        statement("A-1", row("demo")),
        statement("A-1", row("demo", fixed="3")),
        statement("A-1", row("demo"), source="x"),
    )
    with open_database(str(path)) as database:
        assert database.connection.execute("SELECT count(*) FROM advisory").fetchone() == (3,)


def test_facts_and_which_of_two_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with writing(str(path)) as writer:
        assert writer.add_fact(Exploited("CVE-1", "2025-01-01", ransomware=True))
        assert not writer.add_fact(Exploited("CVE-1", "2025-01-01", ransomware=True))
        writer.add_fact(Likelihood("CVE-1", 0.5, 0.9, "2025-02-01"))
        writer.add_fact(Likelihood("CVE-1", 0.1, 0.2, "2025-01-01"))
        writer.add_fact(Likelihood("CVE-1", 0.6, 0.95, "2025-03-01"))
        writer.add_fact(EndOfLife("debian", "12", "Bookworm", eol="2026-07-11", identifiers=("cpe:/o:debian",)))
        writer.finish([], [], BUILT)
    with open_database(str(path)) as database:
        one = database.connection.execute
        assert one("SELECT * FROM exploited").fetchall() == [("CVE-1", "2025-01-01", "", 1)]
        assert one("SELECT * FROM likelihood").fetchall() == [("CVE-1", 0.6, 0.95, "2025-03-01")]
        assert one("SELECT * FROM end_of_life").fetchall() == [("debian", "12", "Bookworm", "", "2026-07-11", "", 0, '["cpe:/o:debian"]')]


def test_a_failed_write_leaves_the_old_database_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    write(path, statement("A-1"))
    before = path.read_bytes()

    def fail(writer: Writer) -> None:
        writer.add(statement("B-1"))
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError), writing(str(path)) as writer:
        fail(writer)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.db"]


def test_a_reader_keeps_the_database_it_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    write(path, statement("A-1"))
    with open_database(str(path)) as old:
        write(path, statement("B-1"))
        assert old.connection.execute("SELECT id FROM advisory").fetchall() == [("A-1",)]
    with open_database(str(path)) as new:
        assert new.connection.execute("SELECT id FROM advisory").fetchall() == [("B-1",)]


def test_a_database_is_only_read(tmp_path: Path) -> None:
    path = tmp_path / "odd ?#%41 name.db"
    write(path, statement("A-1"))
    with open_database(str(path)) as database, pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.connection.execute("DELETE FROM advisory")


def test_databases_that_cannot_be_read_are_refused_in_one_line(tmp_path: Path) -> None:
    def refused(path: Path) -> str:
        with pytest.raises(InputError) as caught:
            open_database(str(path))
        assert "\n" not in str(caught.value)
        return caught.value.message

    assert refused(tmp_path / "none.db") == "no advisory database: run `seawall advisories update` or `seawall advisories build`"
    assert refused(tmp_path) == "no advisory database: run `seawall advisories update` or `seawall advisories build`"
    text = tmp_path / "text.db"
    text.write_text("hello")
    assert refused(text) == "not an advisory database"
    (tmp_path / "empty.db").touch()
    assert refused(tmp_path / "empty.db") == "not an advisory database"
    other = tmp_path / "other.db"
    write(other, statement("A-1"))
    with sqlite3.connect(other) as connection:
        connection.execute("UPDATE meta SET value = '0' WHERE key = 'schema'")
    connection.close()
    assert refused(other).startswith("built by another version (Seawall ")
    with sqlite3.connect(other) as connection:
        connection.execute("UPDATE meta SET value = 'yesterday' WHERE key = 'built'")
    connection.close()
    assert refused(other) == "not an advisory database"


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write(tmp_path / "file" / "a.db", statement("A-1"))
    (tmp_path / "directory.db" / "x").mkdir(parents=True)
    with pytest.raises(InputError, match="cannot be written"):
        write(tmp_path / "directory.db", statement("A-1"))
