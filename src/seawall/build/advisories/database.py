"""The advisory database: one SQLite file, written once, then only read.

It is written beside its place and moved there when it is complete, so that a reader has the old one or the new one, and never a half.
"""

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from msgspec import Struct

from seawall import __version__
from seawall.build.advisories.aliases import Names, narrowed, vulnerabilities
from seawall.build.advisories.model import EndOfLife, Exploited, FeedProblem, Likelihood
from seawall.build.advisories.rows import Row
from seawall.core.errors import InputError

SCHEMA: Final = "1"
"""Raised when the tables or the byte keys of any ecosystem change: a database of another version is not read, it would answer wrongly."""
MAX_PROBLEMS: Final = 10_000
"""Problems that are kept word for word; all of them are counted."""


class FeedStatus(Struct, frozen=True):
    """A feed in the database: ``newest`` is the latest time that any of its records was changed (RFC 3339), or empty."""

    name: str
    records: int
    problems: int
    newest: str


class Status(Struct, frozen=True):
    """``built`` is when the database was made (RFC 3339), ``seawall`` by which version."""

    path: str
    built: str
    seawall: str
    size: int
    feeds: tuple[FeedStatus, ...]
    advisories: int
    packages: int
    problems: tuple[FeedProblem, ...]

    def age(self, now: datetime) -> timedelta:
        return now - datetime.fromisoformat(self.built)


class Database:
    """An open advisory database. ``connection`` is for queries only: the file is opened immutable."""

    def __init__(self, path: str, connection: sqlite3.Connection, meta: dict[str, str]) -> None:
        self.path = path
        self.connection = connection
        self.meta = meta

    @property
    def built(self) -> datetime:
        return datetime.fromisoformat(self.meta["built"])

    def status(self) -> Status:
        one = self.connection.execute
        return Status(
            path=self.path,
            built=self.meta["built"],
            seawall=self.meta.get("seawall", ""),
            size=os.path.getsize(self.path),
            feeds=tuple(FeedStatus(*row) for row in one("SELECT name, records, problems, newest FROM feed ORDER BY name")),
            advisories=one("SELECT count(DISTINCT id) FROM advisory").fetchone()[0],
            packages=one("SELECT count(*) FROM (SELECT DISTINCT ecosystem, name FROM affected)").fetchone()[0],
            problems=tuple(FeedProblem(*row) for row in one("SELECT path, message FROM problem ORDER BY rowid")),
        )

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_database(path: str) -> Database:
    """Opens a database to read it. Raises :class:`InputError` when there is none, or one that this version cannot read."""
    if not os.path.isfile(path):
        raise InputError(path, "no advisory database: run `seawall advisories update` or `seawall advisories build`")
    try:
        connection = sqlite3.connect(f"file:{quote(os.path.abspath(path))}?mode=ro&immutable=1", uri=True, check_same_thread=False)
    except sqlite3.Error as error:
        raise InputError(path, f"cannot be opened: {error}") from None
    try:
        meta = dict(connection.execute("SELECT key, value FROM meta"))
        built = datetime.fromisoformat(meta["built"])
    except (sqlite3.Error, KeyError, ValueError, TypeError):
        connection.close()
        raise InputError(path, "not an advisory database") from None
    if meta.get("schema") != SCHEMA or built.tzinfo is None:
        connection.close()
        raise InputError(path, f"built by another version (Seawall {meta.get('seawall', 'unknown')}): run `seawall advisories build` or `update`")
    return Database(path, connection, meta)


class Statement(Struct, frozen=True):
    """An advisory as it is stored, but for its number and the vulnerabilities that it belongs to."""

    names: Names
    source: str
    kind: str
    published: str
    modified: str
    withdrawn: str
    summary: str
    severity: str
    cvss: str
    reference: str
    rows: list[Row]


@cache
def _schema() -> tuple[list[str], list[str]]:
    """The tables, and the indexes, which are made when the tables are full."""
    statements = [part.strip() for part in _without_comments((files(__package__) / "schema.sql").read_text("utf-8")).split(";") if part.strip()]
    return [part for part in statements if "INDEX" not in part], [part for part in statements if "INDEX" in part]


def _without_comments(sql: str) -> str:
    return "\n".join(row.partition("--")[0] for row in sql.splitlines())


@contextmanager
def writing(path: str) -> Iterator["Writer"]:
    """A writer of a new database, which takes the place of the one at ``path`` when the block ends well. Raises :class:`InputError`."""
    directory = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(directory, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".advisories-", dir=directory) as scratch:
            target = os.path.join(scratch, "advisories.db")
            writer = Writer(target, os.path.join(scratch, "statements.db"))
            try:
                yield writer
            finally:
                writer.close()
            _sync(target)
            os.replace(target, path)
    except OSError as error:
        raise InputError(path, f"cannot be written: {error.strerror or error}") from None
    except sqlite3.Error as error:
        raise InputError(path, f"cannot be written: {error}") from None


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems have nothing to sync
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


_TOLD: Final = ("source", "kind", "published", "modified", "withdrawn", "summary", "severity", "cvss", "reference")
_BULK: Final = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA cache_size = -65536")


class Writer:
    """Takes records in any number, then writes them in order.

    Statements wait in a file of their own until all are known, as only then it can be told which of them speak of the same vulnerability.
    """

    def __init__(self, path: str, waiting: str) -> None:
        self._names: list[Names] = []
        self._seen: set[int] = set()
        self._connection = connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("ATTACH ? AS waiting", (waiting,))
        for pragma in _BULK:
            connection.execute(pragma)
        for table in _schema()[0]:
            connection.execute(table)
        connection.execute(f"CREATE TABLE waiting.statement (number INTEGER PRIMARY KEY, {', '.join(_TOLD)})")
        connection.execute("CREATE TABLE waiting.interval (ecosystem, name, low, high, closed, fixed, status, severity, module, arch, statement)")
        connection.execute("BEGIN")

    def add(self, statement: Statement) -> bool:
        """Takes a statement. False when it is there already, from another copy of the same feed."""
        fingerprint = hash((statement.names, statement.source, statement.kind, statement.modified, statement.withdrawn, *statement.rows))
        if fingerprint in self._seen:
            return False
        self._seen.add(fingerprint)
        number = len(self._names)
        self._names.append(statement.names)
        values = (getattr(statement, field) for field in _TOLD)
        self._connection.execute("INSERT INTO waiting.statement VALUES (?,?,?,?,?,?,?,?,?,?)", (number, *values))
        self._connection.executemany("INSERT INTO waiting.interval VALUES (?,?,?,?,?,?,?,?,?,?,?)", ((*row, number) for row in statement.rows))
        return True

    def add_fact(self, fact: Exploited | Likelihood | EndOfLife) -> bool:
        """Takes a fact that stands beside the advisories. False when the same is told already; of two likelihoods the
        newer counts."""
        if isinstance(fact, Likelihood):
            values: tuple[object, ...] = (fact.cve, fact.score, fact.percentile, fact.date)
            sql = (
                "INSERT INTO likelihood VALUES (?,?,?,?) ON CONFLICT (cve) DO UPDATE"
                " SET score = excluded.score, percentile = excluded.percentile, date = excluded.date WHERE excluded.date > date"
            )
        elif isinstance(fact, Exploited):
            values = (fact.cve, fact.added, fact.due, int(fact.ransomware))
            sql = "INSERT OR IGNORE INTO exploited VALUES (?,?,?,?)"
        else:
            days = (fact.released, fact.eol, fact.extended, int(fact.ended))
            values = (fact.product, fact.cycle, fact.codename, *days, json.dumps(fact.identifiers))
            sql = "INSERT OR IGNORE INTO end_of_life VALUES (?,?,?,?,?,?,?,?)"
        return self._connection.execute(sql, values).rowcount == 1

    def finish(self, feeds: Iterable[FeedStatus], problems: Iterable[tuple[str, FeedProblem]], built: datetime) -> None:
        """Writes what has waited, the indexes and what ``status`` tells."""
        connection = self._connection
        connection.execute("CREATE TABLE waiting.about (statement, number INTEGER PRIMARY KEY, id, vulnerability, aliases)")
        connection.executemany("INSERT INTO waiting.about VALUES (?,?,?,?,?)", self._about())
        connection.execute("CREATE INDEX waiting.about_statement ON about (statement)")
        connection.execute(
            "INSERT INTO advisory SELECT about.number, id, source, kind, vulnerability, aliases, published, modified, withdrawn, summary, severity,"
            " cvss, reference FROM waiting.about JOIN waiting.statement AS told ON told.number = about.statement ORDER BY about.number"
        )
        # In the order of the index that everyone reads by, so that the rows of a package lie together.
        connection.execute(
            "INSERT INTO affected SELECT ecosystem, name, low, high, closed, fixed, status, severity, module, arch, about.number"
            " FROM waiting.interval AS told JOIN waiting.about ON about.statement = told.statement ORDER BY ecosystem, name, low, about.number, high"
        )
        connection.executemany("INSERT INTO feed VALUES (?,?,?,?)", ((feed.name, feed.records, feed.problems, feed.newest) for feed in feeds))
        connection.executemany("INSERT INTO problem VALUES (?,?,?)", ((feed, problem.path, problem.message) for feed, problem in problems))
        meta = {"schema": SCHEMA, "seawall": __version__, "built": built.astimezone(UTC).isoformat(timespec="seconds")}
        connection.executemany("INSERT INTO meta VALUES (?,?)", meta.items())
        for index in _schema()[1]:
            connection.execute(index)
        connection.execute("COMMIT")
        connection.execute("ANALYZE main")

    def _about(self) -> Iterator[tuple[int, int, str, str, str]]:
        number = 0
        for statement, (names, found) in enumerate(zip(self._names, vulnerabilities(self._names), strict=True)):
            others = tuple(name for name in names.all if name != names.id)
            for vulnerability in found:
                yield statement, number, names.id, vulnerability, json.dumps(narrowed(others, vulnerability))
                number += 1

    def close(self) -> None:
        self._connection.close()
