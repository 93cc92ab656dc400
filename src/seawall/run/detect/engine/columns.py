"""Events as columns: for each field a dictionary of its distinct values, and for each event the number (code) of its value in it.

Code 0 is absent. Dictionaries live as long as their producer and grow from batch to batch, so that what was found out about a value holds for the
next batch, too. One that has become too large is emptied between batches (``generation`` counts that); memory is bounded, whatever the input.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from seawall.run.detect.engine.operands import shaping
from seawall.run.detect.language.tree import Field
from seawall.run.events.source import Column as SharedColumn
from seawall.run.events.source import Source, Value

Codes = npt.NDArray[np.int32]
Indices = npt.NDArray[np.intp]

MAX_VALUES: Final = 50_000
MAX_CHARACTERS: Final = 8_000_000
"""Of all values of one field together, before its dictionary is emptied."""

_TODO: Final = -1


class _Numbering(dict[Any, int]):
    """Gives every value that it has not seen the next number."""

    def __init__(self, values: list[Any]) -> None:
        super().__init__({None: 0})
        self._values = values
        self.characters = 0

    def __missing__(self, value: Any) -> int:
        code = len(self._values)
        self._values.append(value)
        self[value] = code
        self.characters += len(value) if isinstance(value, (str, bytes)) else 8 if type(value) is not tuple else sum(len(str(item)) for item in value)
        return code


class Dictionary:
    """The distinct values of a field. ``value(code)`` is the value; that of code 0 is ``None``, absent."""

    def __init__(self) -> None:
        self.generation = 0
        self._begin()

    def _begin(self) -> None:
        self._values: list[Any] = [None]
        self._numbering = _Numbering(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def value(self, code: int) -> Any:
        return self._values[code]

    def encode(self, values: Iterable[Any], size: int) -> Codes:
        """The codes of values, of which there are ``size``."""
        return np.fromiter(map(self._numbering.__getitem__, values), np.int32, size)

    def trim(self) -> None:
        """Forget all values when there are too many. Codes handed out before mean nothing afterwards."""
        if len(self._values) > MAX_VALUES or self._numbering.characters > MAX_CHARACTERS:
            self.generation += 1
            self._begin()


Key = Field | str
"""A column: a field, or the name of what several fields are computed from."""


class Rows:
    """Some rows of a batch, in order; ``indices`` is ``None`` for all of them. What was computed for exactly these rows is kept with them."""

    __slots__ = ("codes", "indices", "present", "selected", "size")

    def __init__(self, indices: Indices | None, size: int) -> None:
        self.indices = indices
        self.size = size
        self.codes: dict[Key, Codes] = {}
        self.present: dict[Key, Indices] = {}
        """The distinct ones among ``codes``."""
        self.selected: dict[int, Rows] = {}

    def positions(self) -> Indices:
        return np.arange(self.size) if self.indices is None else self.indices


NO_ROWS: Final = Rows(np.empty(0, np.intp), 0)


class Batch(Protocol):
    """Some events as the columnar engine asks for them."""

    size: int

    def codes(self, column: Key, rows: Rows) -> Codes: ...

    def dictionary(self, column: Key) -> Dictionary: ...

    def value(self, field: Field, row: int) -> Value | None: ...

    def values(self, field: Field, rows: Rows) -> list[Value | None]: ...


class CodedBatch:
    """Events that come as columns, such as those of a sensor: codes and dictionary by field. A field that is missing is absent in all events."""

    def __init__(self, size: int, columns: Mapping[Field, tuple[Codes, Dictionary]]) -> None:
        self.size = size
        self._columns: dict[Key, tuple[Codes, Dictionary]] = dict(columns.items())
        self._absent = (np.zeros(size, np.int32), Dictionary())

    def codes(self, column: Key, rows: Rows) -> Codes:
        codes, _ = self._columns.get(column, self._absent)
        return codes if rows.indices is None else codes[rows.indices]

    def dictionary(self, column: Key) -> Dictionary:
        return self._columns.get(column, self._absent)[1]

    def value(self, field: Field, row: int) -> Value | None:
        codes, dictionary = self._columns.get(field, self._absent)
        found: Value | None = dictionary.value(int(codes[row]))
        return found

    def values(self, field: Field, rows: Rows) -> list[Value | None]:
        dictionary = self.dictionary(field)
        return [dictionary.value(code) for code in self.codes(field, rows).tolist()]


class Columns:
    """Makes columns of decoded events, each when it is first asked for, and of the rows that are asked for. Keeps the dictionaries."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._columns: dict[Key, _Column] = {}
        self._values: dict[Field, Callable[[Any], Value | None]] = {}

    def column(self, key: Key) -> "_Column":
        found = self._columns.get(key)
        if found is None:
            if isinstance(key, str):
                raise KeyError(key)  # it was not told of
            getter = self._source.getter(key.name, key.argument)
            shape = None if self._source.is_typed else shaping(key, self._source.name)
            found = self._columns[key] = _Column(getter.get, shape, slow=getter.slow)
        return found

    def share(self, column: SharedColumn) -> None:
        """Tell of what several fields are computed from."""
        self._columns.setdefault(column.name, _Column(column.raw, column.key))

    def place(self, field: Field) -> tuple[Key, Callable[[Any], Value | None] | None]:
        """The column that a field stands in, and how its value is made of the column's content."""
        getter = self._source.getter(field.name, field.argument)
        if getter.column is None or getter.convert is None:
            return field, None
        self.share(getter.column)
        return getter.column.name, getter.convert

    def value(self, field: Field) -> Callable[[Any], Value | None]:
        """How to compute the value of one event."""
        found = self._values.get(field)
        if found is None:
            get, shape = self._source.getter(field.name, field.argument).get, shaping(field, self._source.name)
            found = self._values[field] = lambda event: shape(get(event))
        return found

    def batch(self, events: Sequence[Any] = ()) -> "EventBatch":
        """The events as a batch. One batch at a time: the next one may empty dictionaries."""
        for column in self._columns.values():
            column.dictionary.trim()
        return EventBatch(events, self, [column for column in self._columns.values() if column.is_hot])


class _Column:
    """What is encoded together. ``is_hot`` says that most events are asked for it, ``slow`` that none should be without need."""

    def __init__(self, get: Callable[[Any], Any], shape: Callable[[Any], Any] | None, *, slow: bool = False) -> None:
        self.slow = slow
        self._get = get
        self._shape = shape
        self.dictionary = Dictionary()
        self.is_hot = False

    def encode(self, events: Iterable[Any], size: int) -> Codes:
        values = map(self._get, events)
        return self.dictionary.encode(values if self._shape is None else map(self._shape, values), size)


class EventBatch:
    """Decoded events as a batch. It can be added to until it is first asked for something."""

    def __init__(self, events: Sequence[Any], columns: Columns, hot: Sequence[_Column]) -> None:
        self.events: list[Any] = []
        self.size = 0
        self._columns = columns
        self._codes: dict[_Column, Codes] = {}
        self._begun: dict[_Column, list[Codes]] = {column: [] for column in hot}
        self.extend(events)

    def extend(self, events: Sequence[Any]) -> None:
        """Add events. Columns that will be needed are encoded now, while the events are still in the processor's cache."""
        if events:
            for column, codes in self._begun.items():
                codes.append(column.encode(events, len(events)))
            self.events.extend(events)
            self.size += len(events)

    def codes(self, key: Key, rows: Rows) -> Codes:
        column = self._columns.column(key)
        codes = self._codes.get(column)
        if codes is None:
            codes = self._first_codes(column, rows)
        wanted = codes if rows.indices is None else codes[rows.indices]
        missing = wanted == _TODO
        if not missing.any():
            return wanted
        at = np.flatnonzero(missing) if rows.indices is None else rows.indices[missing]
        events = self.events
        codes[at] = column.encode([events[row] for row in at.tolist()], at.size)
        return codes if rows.indices is None else codes[rows.indices]

    def _first_codes(self, column: _Column, rows: Rows) -> Codes:
        begun = self._begun.get(column)
        if begun:
            codes = begun[0] if len(begun) == 1 else np.concatenate(begun)
        elif rows.size * 2 >= self.size and not column.slow:
            codes = column.encode(self.events, self.size)
            column.is_hot = True
        else:
            codes = np.full(self.size, _TODO, np.int32)
        self._codes[column] = codes
        return codes

    def dictionary(self, key: Key) -> Dictionary:
        return self._columns.column(key).dictionary

    def value(self, field: Field, row: int) -> Value | None:
        return self._columns.value(field)(self.events[row])

    def values(self, field: Field, rows: Rows) -> list[Value | None]:
        """The values in some rows, each distinct one computed once."""
        key, convert = self._columns.place(field)
        dictionary = self.dictionary(key)
        codes = self.codes(key, rows).tolist()
        known: dict[int, Value | None] = {0: None}
        for code in codes:
            if code not in known:
                content = dictionary.value(code)
                known[code] = content if convert is None else convert(content)
        return [known[code] for code in codes]
