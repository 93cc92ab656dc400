"""Feeds to a database, in one pass.

Files are read and turned into rows in worker processes, a batch at a time; this process finds the files, keeps their order and writes. No more than a
few batches are under way at once, so memory does not grow with the feeds.
"""

import json
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from seawall.build.advisories.aliases import Names
from seawall.build.advisories.database import MAX_PROBLEMS, FeedStatus, Statement, writing
from seawall.build.advisories.feeds.files import MAX_FILE_BYTES, File, content, files
from seawall.build.advisories.feeds.recognise import DATA_SUFFIXES, READERS, recognise
from seawall.build.advisories.model import Advisory, EndOfLife, Exploited, FeedProblem, Likelihood
from seawall.build.advisories.rows import rows_of
from seawall.core.errors import InputError

BATCH_BYTES: Final = 2 * 2**20
BATCH_FILES: Final = 1_000
BATCHES_UNDER_WAY: Final = 3
"""For each process."""
MAX_SUMMARY: Final = 500
MAX_REFERENCES: Final = 50

UNKNOWN: Final = "unknown"
"""The feed under which files that could not be read, or are in no known format, are told."""

Progress = Callable[[str, int], None]
Fact = Exploited | Likelihood | EndOfLife


class BuildReport(Struct, frozen=True):
    """What was built. ``problems`` are at most :data:`MAX_PROBLEMS`, each with the name of its feed; ``feeds`` count all. ``skipped`` files are no
    feeds and do not look like data (documentation, licences)."""

    output: str
    built: str
    feeds: tuple[FeedStatus, ...]
    problems: tuple[tuple[str, FeedProblem], ...]
    files: int
    skipped: int


class Parsed(Struct, frozen=True):
    """What one file holds: everything that is told of one feed."""

    path: str
    feed: str
    statements: list[Statement]
    facts: list[Fact]
    problems: list[FeedProblem]


def build_database(
    sources: Sequence[str], output: str, progress: Progress | None = None, *, now: datetime | None = None, processes: int | None = None
) -> BuildReport:
    """Reads all feeds in ``sources`` (directories, files, archives) and writes the database ``output``.

    ``progress`` is called with the path that was read last and the number of records so far. Raises :class:`InputError` when a source does not exist,
    when nothing in them is a feed, and when the database cannot be written.
    """
    for source in sources:
        if not os.path.exists(source):
            raise InputError(source, "does not exist")
    built = (now or datetime.now(UTC)).astimezone(UTC)
    tally = _Tally()
    with writing(output) as writer:
        for parsed in _parsed(files(sources), processes or len(os.sched_getaffinity(0))):
            tally.count(parsed, [*filter(writer.add, parsed.statements)], [*filter(writer.add_fact, parsed.facts)])
            if progress:
                progress(parsed.path, tally.records)
        if not tally.records:
            raise InputError(", ".join(sources), "holds no advisory feed")
        feeds = tally.feeds(built)
        writer.finish(feeds, tally.problems, built)
    return BuildReport(output, built.isoformat(timespec="seconds"), feeds, tuple(tally.problems), tally.files, tally.skipped)


class _Tally:
    """Counts for each feed: what is there, each thing once, though a feed may be given in several copies."""

    def __init__(self) -> None:
        self.records = self.files = self.skipped = 0
        self.problems: list[tuple[str, FeedProblem]] = []
        self._records: dict[str, int] = {}
        self._problems: dict[str, int] = {}
        self._times: dict[str, dict[str, None]] = {}

    def count(self, parsed: Parsed, statements: Iterable[Statement], facts: Iterable[Fact]) -> None:
        self.files += 1
        if not parsed.feed:
            self.skipped += 1
            return
        for statement in statements:
            self._record(statement.source, statement.modified, statement.published)
        for fact in facts:
            self._record(parsed.feed, _day(fact))
        for problem in parsed.problems:
            self._problems[parsed.feed] = self._problems.get(parsed.feed, 0) + 1
            if len(self.problems) < MAX_PROBLEMS:
                self.problems.append((parsed.feed, problem))

    def _record(self, feed: str, *times: str) -> None:
        self.records += 1
        self._records[feed] = self._records.get(feed, 0) + 1
        for time in times:
            self._times.setdefault(feed, {})[time] = None

    def feeds(self, built: datetime) -> tuple[FeedStatus, ...]:
        names = sorted({*self._records, *self._problems})
        return tuple(
            FeedStatus(name, self._records.get(name, 0), self._problems.get(name, 0), _newest(self._times.get(name, {}), built)) for name in names
        )


def _newest(times: Iterable[str], built: datetime) -> str:
    """The latest, without those that lie in the future: they are mistyped."""
    limit = built.isoformat(timespec="seconds")
    return max((time for time in times if time <= limit and not time.startswith("0001")), default="")


def _day(fact: Fact) -> str:
    return fact.added if isinstance(fact, Exploited) else fact.date if isinstance(fact, Likelihood) else ""


def _parsed(found: Iterable[File | FeedProblem], processes: int) -> Iterator[Parsed]:
    """Every file, parsed, in the order in which it was found."""
    batches = _batches(found)
    first = next(batches, [])
    if processes < 2 or sum(item.size for item in first if isinstance(item, File)) < BATCH_BYTES // 2:
        # One small batch is all there is, or the only one to expect.
        yield from _parse_batch(first)
        for batch in batches:
            yield from _parse_batch(batch)
        return
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context(method)) as pool:
        under_way: deque[Future[list[Parsed]]] = deque([pool.submit(_parse_batch, first)])
        for batch in batches:
            under_way.append(pool.submit(_parse_batch, batch))
            if len(under_way) > processes * BATCHES_UNDER_WAY:
                yield from under_way.popleft().result()
        while under_way:
            yield from under_way.popleft().result()


def _batches(found: Iterable[File | FeedProblem]) -> Iterator[list[File | FeedProblem]]:
    batch: list[File | FeedProblem] = []
    size = 0
    for item in found:
        batch.append(item)
        size += item.size if isinstance(item, File) else 0
        if size >= BATCH_BYTES or len(batch) >= BATCH_FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _parse_batch(batch: Iterable[File | FeedProblem]) -> list[Parsed]:
    return [parse(item) for item in batch]


def parse(file: File | FeedProblem) -> Parsed:
    """Everything that one file says, ready to be stored."""
    path = file.path.encode("utf-8", "backslashreplace").decode()  # names of files need not be text
    if isinstance(file, FeedProblem):
        return Parsed(path, UNKNOWN, [], [], [FeedProblem(path, file.message)])
    try:
        data = content(file)
    except OSError as error:
        return Parsed(path, UNKNOWN, [], [], [FeedProblem(path, f"cannot be read: {error.strerror or error}")])
    if len(data) > MAX_FILE_BYTES:
        return Parsed(path, UNKNOWN, [], [], [FeedProblem(path, f"larger than {MAX_FILE_BYTES:,} bytes; not read")])
    name = recognise(path, data)
    if not name:
        problems = [FeedProblem(path, "in no format of a feed that is known")] if path.endswith(DATA_SUFFIXES) else []
        return Parsed(path, UNKNOWN if problems else "", [], [], problems)
    statements: list[Statement] = []
    facts: list[Fact] = []
    problems = []
    for record in READERS[name](path, data):
        if isinstance(record, FeedProblem):
            problems.append(record)
        elif isinstance(record, Advisory):
            statement, found = _statement(record)
            statements.append(statement)
            problems += (FeedProblem(path, f"{record.id}: {problem}") for problem in found)
        else:
            facts.append(record)
    # Problems are told under the name that the records of the file have, where there are any.
    return Parsed(path, statements[0].source if statements else name, statements, facts, problems)


def _statement(record: Advisory) -> tuple[Statement, list[str]]:
    rows, problems = rows_of(record.affected)
    statement = Statement(
        names=Names(record.id, record.aliases, record.upstream),
        source=record.source,
        kind=record.kind,
        published=record.published,
        modified=record.modified,
        withdrawn=record.withdrawn,
        summary=record.summary[:MAX_SUMMARY],
        severity=record.severity,
        cvss=json.dumps([[vector.vector, vector.source] for vector in record.cvss]),
        reference=json.dumps(record.references[:MAX_REFERENCES]),
        rows=rows,
    )
    return statement, problems
