"""The rules of the stream on the events of the store: the same alerts, day by day in the order of time.

SQL narrows the rows down to those that some rule may fit (``bounds``); the engine of the stream decides about these, with what rules remember from
one event to the next. It sees a row through :class:`HistorySource`: fields that are columns come from the query, the others from the event's text,
which is read for the few rows where one is asked for. So a rule means the same in both, whatever SQL knows of it.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from seawall.core.errors import InputError
from seawall.io.stores.days import ROWS_AT_ONCE, DayStore, Part, connection, day_of, texts_at
from seawall.run.detect.engine.alert import Alert, Writer
from seawall.run.detect.engine.detector import Detector, Judged, fields_to_remember
from seawall.run.detect.engine.operands import canonical, fields_of
from seawall.run.detect.history.columns import EVENT, LISTS, SOURCE, stored
from seawall.run.detect.language.fields import checks
from seawall.run.detect.language.tree import Condition, Field
from seawall.run.events.audit.decode import AuditDecoder
from seawall.run.events.audit.model import PARTS
from seawall.run.events.source import Getter, of_time

if TYPE_CHECKING:
    import pyarrow as pa

TIMELESS: Final = 1
"""The time of events that have none, in nanoseconds since 1970."""

_ROWS_AT_ONCE: Final = 8_192
_PLACE: Final = {"filename": "string", "file_row_number": "int64"}
"""What DuckDB tells of the place of a row: the file, and its number there."""


class Span(Struct, frozen=True):
    """Events from ``since`` (included) to ``until`` (not included), nanoseconds since 1970. Events without a time are in no span but the whole."""

    since: int | None = None
    until: int | None = None

    @property
    def is_whole(self) -> bool:
        return self.since is None and self.until is None

    def days(self) -> tuple[str, str]:
        return day_of(self.since) if self.since is not None else "", day_of(self.until) if self.until is not None else "9999-99-99"


class StoredEvent:
    """A row of the store. ``event()`` decodes the text, which is fetched with that of its neighbours."""

    __slots__ = ("_event", "_texts", "index", "row", "time", "values")

    def __init__(self, time: int | None, index: int, row: int, values: tuple[Any, ...], texts: "_Texts") -> None:
        self.time = time
        self.index = index
        self.row = row
        self.values = values
        self._texts = texts
        self._event: Any = None

    def event(self) -> Any:
        if self._event is None:
            self._event = self._texts.event(self.row)
        return self._event


class _Line(Struct, frozen=True):
    line: bytes


class _Texts:
    """The texts of some rows of a part. Those of one row group are read together when one is asked for; it may be the only one."""

    def __init__(self, part: Part, rows: Sequence[int]) -> None:
        self._part = part
        self._rows = rows
        self._found: dict[int, str] = {}
        self._decoder = AuditDecoder(PARTS)

    def event(self, row: int) -> Any:
        if row not in self._found:
            group = row // ROWS_AT_ONCE
            self._found.update(texts_at(self._part, [each for each in self._rows if each // ROWS_AT_ONCE == group], EVENT))
        return self._decoder.again(_Line(self._found[row].encode()))


class _Request(Struct, frozen=True):
    """As much of an event as the parameters of its URI need."""

    requestURI: str | None  # noqa: N815 (Kubernetes' name)


class HistorySource:
    """``k8s_audit`` as the store has it. ``columns`` are those that a :class:`StoredEvent` holds, in this order."""

    name: Final = SOURCE.name
    is_typed: Final = True

    def __init__(self, columns: Sequence[str]) -> None:
        self._places = {column: place for place, column in enumerate(columns)}

    def getter(self, name: str, argument: str | None) -> Getter:
        found = stored(Field(name, argument))
        if found is not None and not found.part and found.column in self._places:
            place = self._places[found.column]
            return Getter(lambda stored_event: stored_event.values[place])
        inner = SOURCE.getter(name, argument)
        if name == "ka.uri.param" and "uri" in self._places:
            uri = self._places["uri"]
            return Getter(lambda stored_event: inner.get(_Request(stored_event.values[uri])))
        of_moment = of_time(name, self.time)
        if of_moment is not None:
            return Getter(of_moment)
        if name in ("jevt.rawtime", "json.rawtime"):
            return Getter(lambda stored_event: str(stored_event.time or TIMELESS), sure=inner.sure)
        return Getter(lambda stored_event: inner.get(stored_event.event()), slow=True, sure=inner.sure)

    def time(self, event: StoredEvent) -> int | None:
        return event.time


class Replay:
    """Rules on a store. One is for one pass: rules remember."""

    def __init__(
        self, store: DayStore, judged: Iterable[Judged], span: Span = Span(), *, first_only: bool = False, also: Sequence[Field] = ()
    ) -> None:
        """``also`` are fields that the caller will ask of events."""
        self._store = store
        self.judged = [each for each in judged if each.rule.source == SOURCE.name]
        self._span = span
        columns = sorted(_columns_needed(self.judged, also))
        self._names = columns
        self.source = HistorySource(columns)
        self._detector = Detector(self.judged, self.source, first_only=first_only)
        self._columns = self._detector.columns()
        self._writers = [Writer(each.rule, self.source) for each in self.judged]
        self.events = 0
        """Events in the days that were looked at."""

    def alerts(self) -> Iterator[Alert]:
        """What the rules raise, in the order of time."""
        for number, event in self.fired():
            yield self.alert(number, event)

    def alert(self, number: int, event: StoredEvent) -> Alert:
        """The alert of a rule, by its number in ``judged``."""
        return self._writers[number].alert(event, event.index, event.time or TIMELESS)

    def fired(self) -> Iterator[tuple[int, StoredEvent]]:
        """Which rule, by its number, fires on which event."""
        if not self.judged:
            return
        parts = self._store.parts(None if self._span.is_whole else self._span.days())
        self.events = sum(part.rows for part in parts)
        if not parts:
            return
        with tempfile.TemporaryDirectory(prefix="seawall-") as spill, connection(spill) as database:
            for batch in _selected(database, self._query(), parts, str(self._store.directory)):
                yield from self._judge(batch, {part.path: part for part in parts})

    def _judge(self, batch: "pa.RecordBatch", parts: Mapping[str, Part]) -> Iterator[tuple[int, StoredEvent]]:
        events = self._events(batch, parts)
        for match in self._detector.judge(self._columns.batch(events), lambda row: events[row].time or TIMELESS):
            yield match.rule, events[match.row]

    def _events(self, batch: "pa.RecordBatch", parts: Mapping[str, Part]) -> list[StoredEvent]:
        times, paths, rows = (batch.column(name).to_pylist() for name in ("time", *_PLACE))
        values = [_tuples(batch.column(name)) if name in LISTS else batch.column(name).to_pylist() for name in self._names]
        rows_of: dict[str, list[int]] = {}
        for path, row in zip(paths, rows, strict=True):
            rows_of.setdefault(path, []).append(row)
        texts = {path: _Texts(parts[path], of_path) for path, of_path in rows_of.items()}
        of_rows = zip(*values, strict=True) if values else iter([()] * len(rows))
        return [
            StoredEvent(time, parts[path].first + row, row, found, texts[path])
            for time, path, row, found in zip(times, paths, rows, of_rows, strict=True)
        ]

    def _query(self) -> str:
        import ibis

        from seawall.run.detect.history.narrowing import narrowed, table_of_events

        table = table_of_events(_PLACE)
        rows = narrowed(table, [each.rule.condition for each in self.judged])
        if self._span.since is not None:
            rows = rows.filter(table["time"] >= self._span.since)
        if self._span.until is not None:
            rows = rows.filter(table["time"] < self._span.until)
        return str(ibis.to_sql(rows.select("time", *_PLACE, *self._names), dialect="duckdb"))


def _tuples(column: "pa.Array") -> list[tuple[str, ...] | None]:
    return [None if items is None else tuple(items) for items in column.to_pylist()]


def _columns_needed(judged: Sequence[Judged], also: Sequence[Field]) -> set[str]:
    """The columns that conditions, memories and outputs read."""
    conditions: list[Condition] = [each.rule.condition for each in judged]
    conditions.extend(step for each in judged if each.extension and each.extension.sequence for step in each.extension.sequence.steps)
    fields: list[Field] = list(also)
    for condition in conditions:
        for check in checks(condition):
            fields.extend(fields_of(check.left))
            if check.other is not None:
                fields.extend(fields_of(check.other))
    fields.extend(fields_to_remember(judged))
    for each in judged:
        fields.extend(Writer(each.rule, SOURCE).fields)
    found = [canonical(field, SOURCE.name) for field in fields]
    places = (stored(field) for field in found)
    parameters = {"uri" for field in found if field.name == "ka.uri.param"}
    return parameters | {place.column for place in places if place is not None and not place.part}


def _selected(database: Any, query: str, parts: Sequence[Part], directory: str) -> Iterator["pa.RecordBatch"]:
    import duckdb

    from seawall.run.detect.history.narrowing import TABLE

    try:
        rows = database.read_parquet([part.path for part in parts], filename=True, file_row_number=True, hive_partitioning=False)
        rows.create_view(TABLE)
        yield from database.sql(f"SELECT * FROM ({query}) AS found ORDER BY time, filename, file_row_number").to_arrow_reader(_ROWS_AT_ONCE)  # noqa: S608
    except (duckdb.Error, OSError) as error:
        raise InputError(directory, f"cannot be read: {str(error)[:200]}") from None
