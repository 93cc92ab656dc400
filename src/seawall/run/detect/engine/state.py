"""The memory of rules that look at more than one event: windows, sequences, first sightings.

``Memory(extension).fires(time, values, fits)`` is asked of every event that fits the rule's condition, in the order of the input, and says whether
the rule fires on it. Every group keeps no more than the rule needs to decide; groups that were not heard of for the longest time are forgotten beyond
:data:`MAX_GROUPS`, and ``forgotten`` counts them.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from msgspec import structs

from seawall.run.detect.engine.extensions import Counting, Extension, FirstSeen, Sequence_
from seawall.run.detect.engine.operands import canonical
from seawall.run.detect.language.tree import Field
from seawall.run.events.source import Value

MAX_GROUPS: Final = 100_000
"""Of one rule."""

Values = Mapping[Field, Value | None]
State = TypeVar("State")


class _Groups(OrderedDict[Hashable, State], Generic[State]):
    """What is known of each group, the least recently used first."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self.forgotten = 0

    def recall(self, key: Hashable, make: Callable[[], State]) -> State:
        found = self.get(key)
        if found is None:
            found = self[key] = make()
            if len(self) > self._limit:
                self.popitem(last=False)
                self.forgotten += 1
        else:
            self.move_to_end(key)
        return found


class Memory:
    """What a rule remembers."""

    def __init__(self, extension: Extension, source: str = "", limit: int = MAX_GROUPS) -> None:
        self.fields = tuple(dict.fromkeys(canonical(field, source) if source else field for field in extension.fields))
        """What ``fires`` has to be given the values of."""
        extension = _canonical(extension, source) if source else extension
        self._count_by = extension.count_by
        self._first_seen = _Sightings(extension.first_seen, limit) if extension.first_seen else None
        self._counts = _Counts(extension.counting, limit) if extension.counting else None
        self._sequences = _Sequences(extension.sequence, limit) if extension.sequence else None

    def fires(self, time: int, values: Values, fits: Sequence[bool] = ()) -> bool:
        """Whether the rule fires on an event at ``time`` with these values; ``fits`` says which steps of the sequence it fits."""
        if self._first_seen is not None and not self._first_seen.is_new(time, values):
            return False
        key = tuple(values[field] for field in self._count_by)
        if self._counts is not None:
            return self._counts.reached(key, time, values)
        if self._sequences is not None:
            return self._sequences.completed(key, time, fits)
        return True

    @property
    def forgotten(self) -> int:
        """Groups that had to be forgotten."""
        return sum(part.groups.forgotten for part in (self._first_seen, self._counts, self._sequences) if part is not None)


def _canonical(extension: Extension, source: str) -> Extension:
    def of(field: Field) -> Field:
        return canonical(field, source)

    counting, first_seen = extension.counting, extension.first_seen
    return structs.replace(
        extension,
        count_by=tuple(map(of, extension.count_by)),
        counting=structs.replace(counting, distinct=of(counting.distinct)) if counting and counting.distinct else counting,
        first_seen=structs.replace(first_seen, key=tuple(map(of, first_seen.key))) if first_seen else None,
    )


class _Counts:
    def __init__(self, counting: Counting, limit: int) -> None:
        self._counting = counting
        self.groups: _Groups[Any] = _Groups(limit)

    def reached(self, key: Hashable, time: int, values: Values) -> bool:
        if self._counting.distinct is None:
            return self._enough_events(key, time)
        value = values[self._counting.distinct]
        return value is not None and self._enough_values(key, time, value if isinstance(value, tuple) else (value,))

    def _enough_events(self, key: Hashable, time: int) -> bool:
        threshold = self._counting.threshold
        times: deque[int] = self.groups.recall(key, lambda: deque(maxlen=threshold))
        if times and time < times[-1]:  # late, but still part of the time it belongs to
            ordered = sorted((*times, time))[-threshold:]
            times.clear()
            times.extend(ordered)
        else:
            times.append(time)
        if len(times) < threshold or times[-1] - times[0] > self._counting.window:
            return False
        del self.groups[key]
        return True

    def _enough_values(self, key: Hashable, time: int, values: tuple[Any, ...]) -> bool:
        last: dict[Any, int] = self.groups.recall(key, dict)
        for value in values:
            last[value] = max(time, last.get(value, time))
        oldest = max(last.values()) - self._counting.window
        for value in [value for value, moment in last.items() if moment < oldest]:
            del last[value]
        if len(last) < self._counting.threshold:
            return False
        del self.groups[key]
        return True


class _Sequences:
    """For each group, and each number of steps done, when the latest beginning that got that far began: nothing else can matter later."""

    def __init__(self, sequence: Sequence_, limit: int) -> None:
        self._sequence = sequence
        self.groups: _Groups[list[int | None]] = _Groups(limit)

    def completed(self, key: Hashable, time: int, fits: Sequence[bool]) -> bool:
        steps = len(self._sequence.steps)
        if key not in self.groups and not fits[0]:
            return False
        begun = self.groups.recall(key, lambda: [None] * steps)
        for step in range(steps - 1, -1, -1):  # from behind, so that one event does not do two steps
            if not fits[step]:
                continue
            began = time if step == 0 else begun[step - 1]
            if began is None or time - began > self._sequence.window:
                continue
            if step == steps - 1:
                del self.groups[key]
                return True
            earlier = begun[step]
            begun[step] = began if earlier is None else max(earlier, began)
        return False


class _Sightings:
    def __init__(self, first_seen: FirstSeen, limit: int) -> None:
        self._first_seen = first_seen
        self._learns_until: int | None = None
        self.groups: _Groups[list[int]] = _Groups(limit)

    def is_new(self, time: int, values: Values) -> bool:
        if self._learns_until is None:
            self._learns_until = time + self._first_seen.learn
        key = tuple(values[field] for field in self._first_seen.key)
        known = key in self.groups
        seen = self.groups.recall(key, lambda: [time])
        new = not known or time - seen[0] > self._first_seen.memory
        seen[0] = max(seen[0], time)
        return new and time >= self._learns_until
