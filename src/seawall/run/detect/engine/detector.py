"""Rules on batches of the events of one source: what fits, in the order of the events, and of the rules for one event."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat

import numpy as np
from msgspec import Struct

from seawall.run.detect.engine.columnar import Columnar
from seawall.run.detect.engine.columns import Batch, Columns, Indices, Rows
from seawall.run.detect.engine.extensions import Extension
from seawall.run.detect.engine.state import Memory
from seawall.run.detect.language.tree import CompiledRule, Condition, Field
from seawall.run.events.source import Source


class Judged(Struct, frozen=True):
    """A rule to judge by, with what it says beyond its condition."""

    rule: CompiledRule
    extension: Extension | None = None


class Match(Struct, frozen=True):
    """``row`` of the batch fits ``rule``, by its number."""

    row: int
    rule: int


class Detector:
    """Judges batches, one after the other; what rules remember goes from one to the next."""

    def __init__(self, rules: Sequence[Judged], source: Source, *, first_only: bool = False) -> None:
        self.rules = rules
        self.source = source
        self._first_only = first_only
        self._memories = [None if judged.extension is None else Memory(judged.extension, source.name) for judged in rules]
        self._steps: list[tuple[int, int]] = []
        conditions: list[Condition] = [judged.rule.condition for judged in rules]
        for judged in rules:
            steps = judged.extension.sequence.steps if judged.extension and judged.extension.sequence else ()
            self._steps.append((len(conditions), len(conditions) + len(steps)))
            conditions.extend(steps)
        self._columnar = Columnar(conditions, source)

    def columns(self) -> Columns:
        """What makes batches of decoded events for this detector."""
        columns = Columns(self.source)
        for shared in self._columnar.shared:
            columns.share(shared)
        return columns

    def judge(self, batch: Batch, time: Callable[[int], int], is_duplicate: Callable[[int], bool] | None = None) -> Iterator[Match]:
        """What fits. ``time(row)`` is asked for rules with a memory, in nanoseconds; ``is_duplicate(row)`` once for every row that fits anything."""
        selected = self._columnar.select(batch)
        if is_duplicate is not None:
            selected = self._without_duplicates(selected, is_duplicate)
        fired: list[Indices] = []
        for number, memory in enumerate(self._memories):
            rows = selected[number]
            if memory is not None and rows.size:
                rows = self._remembered(memory, rows, selected[slice(*self._steps[number])], batch, time)
            fired.append(rows)
        yield from self._in_order(fired)

    def _without_duplicates(self, selected: list[Indices], is_duplicate: Callable[[int], bool]) -> list[Indices]:
        conditions = [rows for rows in selected[: len(self.rules)] if rows.size]
        if not conditions:
            return selected
        again = [row for row in np.unique(np.concatenate(conditions)).tolist() if is_duplicate(row)]
        return [rows[~np.isin(rows, again)] for rows in selected] if again else selected

    def _remembered(self, memory: Memory, rows: Indices, steps: Sequence[Indices], batch: Batch, time: Callable[[int], int]) -> Indices:
        sets = [frozenset(step.tolist()) for step in steps]
        values = {field: batch.values(field, Rows(rows, rows.size)) for field in memory.fields}
        fired: list[int] = []
        of_rows = zip(*values.values(), strict=True) if values else repeat((), rows.size)
        for row, of_row in zip(rows.tolist(), of_rows, strict=True):
            if memory.fires(time(row), dict(zip(values, of_row, strict=True)), [row in step for step in sets] if sets else ()):
                fired.append(row)
        return np.array(fired, np.intp)

    def _in_order(self, fired: Sequence[Indices]) -> Iterator[Match]:
        numbers = [np.full(rows.size, number, np.intp) for number, rows in enumerate(fired) if rows.size]
        if not numbers:
            return
        rows = np.concatenate([rows for rows in fired if rows.size])
        rules = np.concatenate(numbers)
        order = np.lexsort((rules, rows))
        last = -1
        for row, rule in zip(rows[order].tolist(), rules[order].tolist(), strict=True):
            if self._first_only and row == last:
                continue
            last = row
            yield Match(row, rule)

    @property
    def forgotten(self) -> int:
        """Groups of events that rules had to forget, for there were too many."""
        return sum(memory.forgotten for memory in self._memories if memory is not None)


def fields_to_remember(rules: Iterable[Judged]) -> Iterator[Field]:
    """The fields that the memories of rules read, beyond those in conditions."""
    for judged in rules:
        if judged.extension is not None:
            yield from judged.extension.fields
