"""Events as columns: for each field a dictionary of its distinct values, and for each event the number (code) of its value in it.

Code 0 is absent. Dictionaries live as long as their producer and grow from batch to batch, so that what was found out about a value holds for the
next batch, too. One that has become too large is emptied between batches (``generation`` counts that); memory is bounded, whatever the input.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from seawall.run.detect.engine.operands import canonical, shaping
from seawall.run.detect.language.tree import Field
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
        self.characters += len(value) if type(value) is str else 8 if type(value) is not tuple else 8 + sum(len(str(item)) for item in value)
        return code


class Dictionary:
    """The distinct values of a field. ``values[code]`` is the value; ``values[0]`` is ``None``, absent."""

    def __init__(self) -> None:
        self.generation = 0
        self._begin()

    def _begin(self) -> None:
        self.values: list[Any] = [None]
        self._numbering = _Numbering(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def encode(self, values: Iterable[Value | None], size: int) -> Codes:
        """The codes of values, of which there are ``size``."""
        return np.fromiter(map(self._numbering.__getitem__, values), np.int32, size)

    def trim(self) -> None:
        """Forget all values when there are too many. Codes handed out before mean nothing afterwards."""
        if len(self.values) > MAX_VALUES or self._numbering.characters > MAX_CHARACTERS:
            self.generation += 1
            self._begin()


class Rows:
    """Some rows of a batch, in order; ``indices`` is ``None`` for all of them. What was computed for exactly these rows is kept with them."""

    __slots__ = ("codes", "indices", "selected", "size")

    def __init__(self, indices: Indices | None, size: int) -> None:
        self.indices = indices
        self.size = size
        self.codes: dict[Field, Codes] = {}
        self.selected: dict[int, Rows] = {}

    def positions(self) -> Indices:
        return np.arange(self.size) if self.indices is None else self.indices


NO_ROWS: Final = Rows(np.empty(0, np.intp), 0)


class Batch(Protocol):
    """Some events as the columnar engine asks for them."""

    size: int

    def codes(self, field: Field, rows: Rows) -> Codes: ...

    def dictionary(self, field: Field) -> Dictionary: ...

    def value(self, field: Field, row: int) -> Value | None: ...


class CodedBatch:
    """Events that come as columns, such as those of a sensor: codes and dictionary by field. A field that is missing is absent in all events."""

    def __init__(self, size: int, columns: Mapping[Field, tuple[Codes, Dictionary]]) -> None:
        self.size = size
        self._columns = columns
        self._absent = (np.zeros(size, np.int32), Dictionary())

    def codes(self, field: Field, rows: Rows) -> Codes:
        codes, _ = self._columns.get(field, self._absent)
        return codes if rows.indices is None else codes[rows.indices]

    def dictionary(self, field: Field) -> Dictionary:
        return self._columns.get(field, self._absent)[1]

    def value(self, field: Field, row: int) -> Value | None:
        codes, dictionary = self._columns.get(field, self._absent)
        found: Value | None = dictionary.values[codes[row]]
        return found


class Columns:
    """Makes columns of decoded events, each when it is first asked for, and of the rows that are asked for. Keeps the dictionaries."""

    def __init__(self, source: Source, *, shape: bool = True) -> None:
        """``shape`` is false where the source gives values in the form of their field's type already."""
        self.source = source
        self._shape = shape
        self._fields: dict[Field, _Column] = {}

    def column(self, field: Field) -> "_Column":
        found = self._fields.get(field)
        if found is None:
            found = self._fields[field] = _Column(field, self.source, shape=self._shape)
        return found

    def batch(self, events: Sequence[Any]) -> "EventBatch":
        """The events as a batch. One batch at a time: the next one may empty dictionaries."""
        for column in self._fields.values():
            column.dictionary.trim()
        return EventBatch(events, self)


class _Column:
    def __init__(self, field: Field, source: Source, *, shape: bool) -> None:
        found = canonical(field, source.name)
        self.get = source.getter(found.name, found.argument).get
        self._shaping = shaping(found, source.name) if shape else None
        self.dictionary = Dictionary()

    def values(self, events: Iterable[Any]) -> Iterable[Value | None]:
        values = map(self.get, events)
        return values if self._shaping is None else map(self._shaping, values)


class EventBatch:
    """Decoded events as a batch."""

    def __init__(self, events: Sequence[Any], columns: Columns) -> None:
        self.events = events
        self.size = len(events)
        self._columns = columns
        self._codes: dict[Field, Codes] = {}

    def codes(self, field: Field, rows: Rows) -> Codes:
        column = self._columns.column(field)
        codes = self._codes.get(field)
        if codes is None:
            if rows.size * 2 >= self.size:
                codes = self._codes[field] = column.dictionary.encode(column.values(self.events), self.size)
            else:
                codes = self._codes[field] = np.full(self.size, _TODO, np.int32)
        if rows.indices is None:
            wanted = codes
            missing = np.flatnonzero(codes == _TODO)
        else:
            wanted = codes[rows.indices]
            missing = rows.indices[wanted == _TODO]
        if missing.size:
            events = self.events
            codes[missing] = column.dictionary.encode(column.values(events[row] for row in missing.tolist()), missing.size)
            wanted = codes if rows.indices is None else codes[rows.indices]
        return wanted

    def dictionary(self, field: Field) -> Dictionary:
        return self._columns.column(field).dictionary

    def value(self, field: Field, row: int) -> Value | None:
        return next(iter(self._columns.column(field).values((self.events[row],))))
