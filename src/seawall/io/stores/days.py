"""Records as Parquet files by day: ``STORE/date=2026-01-31/part-00001.parquet``, readable by whatever reads Parquet.

    store = DayStore(directory, "seawall.history/v1", columns)
    with store.incoming() as incoming:      # nothing is visible before the end
        incoming.add(rows)                  # bounded memory: rows go to disk as they come
    incoming.added, incoming.known

A record is kept once: ``key`` says which records are the same. Within a part, records stand in the order they came in. A part appears
whole or not at all (written aside, then renamed), day by day; what a crash leaves undone, the next run of the same input completes.
``store.json`` names the version of the columns; a store of another version is refused, for nothing can be said of its columns.

DuckDB compares keys within :data:`MEMORY`, on disk where that is not enough.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from seawall.core.errors import InputError, UsageError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MEMORY: Final = "1GB"
ROWS_AT_ONCE: Final = 16_384
"""Rows that are held before they go to disk, and rows of a row group."""
BYTES_AT_ONCE: Final = 64 * 2**20
"""What is held at most, however few rows that are."""

UNKNOWN_DAY: Final = "unknown"
"""The day of records without a time."""

_PART: Final = re.compile(r"part-(\d{5,9})\.parquet").fullmatch
_DAY: Final = re.compile(rf"date=(\d{{4}}-\d\d-\d\d|{UNKNOWN_DAY})").fullmatch
_SECOND: Final = 1_000_000_000
_INCOMING: Final = ".incoming"


class Type(StrEnum):
    TEXT = "text"
    TEXTS = "texts"
    INTEGER = "integer"
    BOOLEAN = "boolean"


class Column(Struct, frozen=True):
    name: str
    type: Type


class Part(Struct, frozen=True):
    """One file. ``first`` is the place of its first row in the store, counted from 0 over all parts in order."""

    path: str
    day: str
    rows: int
    first: int


class DayStore:
    """A directory of records. ``columns`` are those of the records beside ``key`` (bytes) and ``time`` (nanoseconds since 1970, or None)."""

    def __init__(self, directory: str, version: str, columns: Sequence[Column]) -> None:
        self.directory = Path(directory)
        self.columns = tuple(columns)
        self._version = version

    def check(self) -> None:
        """Raises ``InputError`` where there is no store, or one of another version."""
        try:
            text = (self.directory / "store.json").read_bytes()
            version = msgspec.json.decode(text)["schema"]
        except FileNotFoundError:
            raise InputError(str(self.directory), "holds no history: import events first") from None
        except OSError as error:
            raise InputError(str(self.directory), error.strerror or "cannot be read") from None
        except (msgspec.DecodeError, KeyError, TypeError):
            raise InputError(str(self.directory / "store.json"), "is damaged; import the events anew") from None
        if version != self._version:
            raise InputError(str(self.directory), f"is a store of version {str(version)[:40]!r}, not {self._version!r}: import the events anew")

    def parts(self, days: tuple[str, str] | None = None) -> list[Part]:
        """The files in order, the unknown day last; ``days`` are the first and the last one wanted."""
        self.check()
        found: list[Part] = []
        first = 0
        for day, path in self._files():
            rows = self.rows_of(path)
            if days is None or days[0] <= day <= days[1] or day == UNKNOWN_DAY:
                found.append(Part(path, day, rows, first))
            first += rows
        return found

    def _files(self) -> list[tuple[str, str]]:
        days = [(match[1], place) for place in self.directory.iterdir() if (match := _DAY(place.name))]
        return [(day, str(path)) for day, place in sorted(days) for path in sorted(place.iterdir()) if _PART(path.name)]

    @staticmethod
    def rows_of(path: str) -> int:
        """How many rows a file has. Raises ``InputError``."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return int(pq.read_metadata(path).num_rows)
        except (OSError, pa.ArrowException) as error:
            raise InputError(path, f"is no readable Parquet file ({str(error)[:100]})") from None

    @contextmanager
    def incoming(self) -> Iterator["Incoming"]:
        """New records. They are in the store when the block ends well. One import at a time."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            if any(self.directory.iterdir()) and not (self.directory / "store.json").exists() and not (self.directory / _INCOMING).exists():
                raise UsageError(f"{self.directory} holds other things, and is no store of events: name a new directory")
            with _locked(self.directory / ".lock"):
                self._begin()
                aside = self.directory / _INCOMING
                shutil.rmtree(aside, ignore_errors=True)
                aside.mkdir()
                try:
                    incoming = Incoming(self, aside)
                    yield incoming
                    incoming.commit()
                finally:
                    shutil.rmtree(aside, ignore_errors=True)
        except OSError as error:
            raise InputError(str(self.directory), error.strerror or "cannot be written") from None

    def _begin(self) -> None:
        if (self.directory / "store.json").exists():
            self.check()
            return
        text = msgspec.json.encode({"schema": self._version, "columns": {column.name: column.type for column in self.columns}})
        aside = self.directory / "store.json.new"
        aside.write_bytes(text)
        aside.rename(self.directory / "store.json")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(f"{path.parent} is being written by another import: wait for it") from None
        yield


class Incoming:
    """Records on their way into the store. ``added`` and ``known`` count them after the commit: new ones, and those that were there."""

    def __init__(self, store: DayStore, aside: Path) -> None:
        self.added = 0
        self.known = 0
        self._store = store
        self._aside = aside
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._held = 0
        self._bytes = 0
        self._place = 0
        self._files: dict[str, list[str]] = {}

    def add(self, key: bytes, time: int | None, record: Sequence[Any], size: int) -> None:
        """One record: its values in the order of the columns, and about how many bytes it has."""
        self._rows.setdefault(day_of(time), []).append((key, self._place, time, *record))
        self._place += 1
        self._held += 1
        self._bytes += size
        if self._held >= ROWS_AT_ONCE or self._bytes >= BYTES_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = self._schema()
        for day, rows in self._rows.items():
            files = self._files.setdefault(day, [])
            path = str(self._aside / f"{day}-{len(files):06}.parquet")
            arrays = [pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), schema, strict=True)]
            pq.write_table(pa.table(arrays, schema=schema), path, compression="zstd", compression_level=1)
            files.append(path)
        self._rows = {}
        self._held = self._bytes = 0

    def _schema(self) -> "pa.Schema":
        import pyarrow as pa

        types = {
            Type.TEXT: pa.string(),
            Type.TEXTS: pa.list_(pa.string()),
            Type.INTEGER: pa.int64(),
            Type.BOOLEAN: pa.bool_(),
        }
        fixed = [("key", pa.binary()), ("place", pa.int64()), ("time", pa.int64())]
        return pa.schema([*fixed, *((column.name, types[column.type]) for column in self._store.columns)])

    def commit(self) -> None:
        """Make the records part of the store, day by day."""
        import duckdb

        self._flush()
        with connection(str(self._aside / "spill")) as database:
            try:
                for day in sorted(self._files):
                    self._commit_day(database, day)
            except duckdb.Error as error:
                raise InputError(str(self._store.directory), f"cannot be written: {str(error)[:200]}") from None

    def _commit_day(self, database: "duckdb.DuckDBPyConnection", day: str) -> None:
        place = self._store.directory / f"date={day}"
        place.mkdir(exist_ok=True)
        present = sorted(str(path) for path in place.iterdir() if _PART(path.name))
        database.read_parquet(self._files[day]).create_view("staged", replace=True)
        fresh = "SELECT min(place) AS place FROM staged GROUP BY key"
        if present:
            database.read_parquet(present).create_view("present", replace=True)
            fresh = "SELECT min(place) AS place FROM staged WHERE key NOT IN (SELECT key FROM present) GROUP BY key"
        places = database.sql(f"SELECT place FROM ({fresh}) AS fresh ORDER BY place").fetchnumpy()["place"]  # noqa: S608 (our own words)
        staged = sum(self._store.rows_of(path) for path in self._files[day])
        self.added += len(places)
        self.known += staged - len(places)
        if not len(places):
            return
        number = 1 + max((int(match[1]) for path in present if (match := _PART(os.path.basename(path)))), default=0)
        aside = self._aside / "part.parquet"
        self._write(aside, self._files[day], places)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.rename(place / f"part-{number:05}.parquet")

    def _write(self, aside: Path, files: Sequence[str], places: Any) -> None:
        """The staged rows at these places, in order, as one file."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = self._schema().remove(self._schema().get_field_index("place"))
        with pq.ParquetWriter(aside, schema, compression="zstd") as writer:
            for path in files:
                table = pq.read_table(path)
                fresh = table.filter(pa.array(np.isin(table["place"].to_numpy(), places))).drop_columns("place")
                if fresh.num_rows:
                    writer.write_table(fresh, row_group_size=ROWS_AT_ONCE)


@contextmanager
def connection(spill: str) -> Iterator["duckdb.DuckDBPyConnection"]:
    """DuckDB within bounds, that neither loads nor fetches extensions."""
    import duckdb

    config: dict[str, Any] = {"memory_limit": MEMORY, "temp_directory": spill, "threads": 2, "autoinstall_known_extensions": False}
    database = duckdb.connect(":memory:", config=config)
    try:
        yield database
    finally:
        database.close()


def day_of(time: int | None) -> str:
    """The day of a moment in nanoseconds since 1970, UTC."""
    if time is None:
        return UNKNOWN_DAY
    try:
        return f"{datetime.fromtimestamp(time // _SECOND, UTC):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return UNKNOWN_DAY


def texts_at(part: Part, rows: Sequence[int], column: str) -> Mapping[int, str]:
    """The values of a text column in some rows of a part; only row groups that hold one are read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = sorted(set(rows))
    found: dict[int, str] = {}
    try:
        with pq.ParquetFile(part.path) as file:
            start = at = 0
            for group in range(file.metadata.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                until = at
                while until < len(wanted) and wanted[until] < end:
                    until += 1
                if until > at:
                    values = file.read_row_group(group, columns=[column]).column(0)
                    mine = wanted[at:until]
                    found.update(zip(mine, values.take([row - start for row in mine]).to_pylist(), strict=True))
                    at = until
                start = end
    except (OSError, pa.ArrowException) as error:
        raise InputError(part.path, f"is no readable Parquet file ({str(error)[:100]})") from None
    return found
