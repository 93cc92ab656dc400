"""Conditions as a graph of nodes that select rows of a batch.

What rules have in common (macros, mostly) becomes one node, selected once per batch. Everything that a condition says of one column (a field, or
what several fields are computed from), however deeply nested, becomes one :class:`Leaf`: a table from the distinct contents of the column to true or
false, filled as contents turn up.

    Leaf      the content of one column fits          one lookup per row, one evaluation per distinct content
    Together  fields are compared with each other     one evaluation per row, so it comes last
    All, Any, Negation

The parts of ``All`` are selected one after the other, each from the rows that the former left: the cheap ones first, of these the choosiest first, as
counted so far. The order changes the time it takes, never the result.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from seawall.run.detect.engine.columns import NO_ROWS, Batch, Codes, Dictionary, Key, Rows
from seawall.run.detect.engine.comparison import compare_values, test_of
from seawall.run.detect.engine.operands import canonical, compute, fields_of, kind
from seawall.run.detect.engine.rows import holds
from seawall.run.detect.language.printer import print_check
from seawall.run.detect.language.tree import And, Check, Condition, Field, Name, Not, Or
from seawall.run.events.source import Column, Getter, Source, Value

Test = Callable[[Any], bool]

_FIRST: Final = ("evt.type", "syscall.type")
_CHEAP, _VARIED, _SLOW, _BY_ROW = 1, 2, 3, 4
_UNKNOWN: Final = -1
_MANY: Final = 4
"""Values in a dictionary for each row, beyond which sorting the rows is faster than counting by value."""


class Node:
    """Selects rows. ``tier`` says how dear that is; ``share`` is the part of the rows that was selected so far."""

    tier: int = _CHEAP

    def __init__(self, number: int) -> None:
        self.number = number
        self._seen = 2.0
        self._selected = 1.0

    @property
    def share(self) -> float:
        return self._selected / self._seen

    def of(self, batch: Batch, rows: Rows) -> Rows:
        """The rows among these that fit."""
        if not rows.size:
            return rows
        found = rows.selected.get(self.number)
        if found is None:
            found = rows.selected[self.number] = self.select(batch, rows)
            self._seen += rows.size
            self._selected += found.size
        return found

    def select(self, batch: Batch, rows: Rows) -> Rows:
        raise NotImplementedError


def _kept(rows: Rows, keep: npt.NDArray[np.bool_]) -> Rows:
    size = int(np.count_nonzero(keep))
    if size == rows.size:
        return rows
    if not size:
        return NO_ROWS
    return Rows(np.flatnonzero(keep) if rows.indices is None else rows.indices[keep], size)


class Constant(Node):
    """Everything, or nothing."""

    tier = 0

    def __init__(self, number: int, *, value: bool) -> None:
        super().__init__(number)
        self.value = value

    def select(self, batch: Batch, rows: Rows) -> Rows:  # noqa: ARG002 (the interface)
        return rows if self.value else NO_ROWS


class Leaf(Node):
    """A test on the content of one column, ``None`` for absent."""

    def __init__(self, number: int, column: Key, test: Test, tier: int) -> None:
        super().__init__(number)
        self.column = column
        self.test = test
        self.tier = tier
        self._of: tuple[Dictionary | None, int] = (None, 0)
        self._table = np.empty(0, np.int8)

    def _table_for(self, dictionary: Dictionary) -> npt.NDArray[np.int8]:
        if self._of != (dictionary, dictionary.generation):
            self._of = (dictionary, dictionary.generation)
            self._table = np.empty(0, np.int8)
        if len(self._table) < len(dictionary):
            table = np.full(max(64, 2 * len(dictionary)), _UNKNOWN, np.int8)
            table[: len(self._table)] = self._table
            self._table = table
        return self._table

    def select(self, batch: Batch, rows: Rows) -> Rows:
        codes = rows.codes.get(self.column)
        if codes is None:
            codes = rows.codes[self.column] = batch.codes(self.column, rows)
        dictionary = batch.dictionary(self.column)
        table = self._table_for(dictionary)
        present = rows.present.get(self.column)
        if present is None:
            present = rows.present[self.column] = _distinct(codes, len(dictionary))
        verdicts = table[present]
        if verdicts.min() < 0:
            value_of, test = dictionary.value, self.test
            for code in present[verdicts < 0].tolist():
                table[code] = test(value_of(code))
            verdicts = table[present]
        if not verdicts.any():
            return NO_ROWS
        return rows if verdicts.all() else _kept(rows, table[codes].view(np.bool_))


def _distinct(codes: Codes, number: int) -> npt.NDArray[np.intp]:
    """The distinct ones of codes below ``number``."""
    if number < _MANY * codes.size:
        return np.flatnonzero(np.bincount(codes, minlength=1))
    return np.unique(codes).astype(np.intp)


class Together(Node):
    """A comparison that reads several fields."""

    tier = _BY_ROW

    def __init__(self, number: int, check: Check, source: str) -> None:
        super().__init__(number)
        self._check = check
        self._source = source

    def select(self, batch: Batch, rows: Rows) -> Rows:
        def holds_at(row: int) -> bool:
            return holds(self._check, lambda field: batch.value(field, row), self._source)

        return _kept(rows, np.fromiter(map(holds_at, rows.positions().tolist()), np.bool_, rows.size))


class All(Node):
    """What every part selects."""

    def __init__(self, number: int, parts: Sequence[Node]) -> None:
        super().__init__(number)
        self.parts = list(parts)
        self.tier = max(part.tier for part in parts)

    def select(self, batch: Batch, rows: Rows) -> Rows:
        for part in self.parts:
            rows = part.of(batch, rows)
            if not rows.size:
                break
        return rows

    def reorder(self) -> None:
        self.parts.sort(key=lambda part: (part.tier, part.share, part.number))


class Any_(Node):  # noqa: N801 (any is taken twice)
    """What some part selects."""

    def __init__(self, number: int, parts: Sequence[Node]) -> None:
        super().__init__(number)
        self._parts = sorted(parts, key=lambda part: (part.tier, part.number))
        self.tier = max(part.tier for part in parts)

    def select(self, batch: Batch, rows: Rows) -> Rows:
        hit = np.zeros(batch.size, np.bool_)
        rest = rows
        for part in self._parts:
            # Cheap parts look at all rows, so that other rules find the result; dear ones at what is left.
            found = part.of(batch, rows if part.tier < _SLOW else rest)
            if found.size == rows.size:
                return rows
            if found.size:
                hit[found.positions()] = True
                rest = _without(rows, hit)
                if not rest.size:
                    return rows
        return _kept(rows, hit if rows.indices is None else hit[rows.indices])


class Negation(Node):
    """What the part does not select."""

    def __init__(self, number: int, part: Node) -> None:
        super().__init__(number)
        self._part = part
        self.tier = part.tier

    def select(self, batch: Batch, rows: Rows) -> Rows:
        found = self._part.of(batch, rows)
        if found.size == rows.size:
            return NO_ROWS
        if not found.size:
            return rows
        hit = np.zeros(batch.size, np.bool_)
        hit[found.positions()] = True
        return _without(rows, hit)


def _without(rows: Rows, hit: npt.NDArray[np.bool_]) -> Rows:
    return _kept(rows, ~(hit if rows.indices is None else hit[rows.indices]))


class Planner:
    """Makes nodes of conditions on events of a source, the same node for the same condition."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._nodes: dict[Hashable, Node] = {}
        self._getters: dict[Field, Getter] = {}
        self.shared: dict[str, Column] = {}
        """What fields are computed from together, by name: columns that batches have to have."""
        self._orderable: list[All] = []

    def plan(self, condition: Condition) -> Node:
        match condition:
            case Check():
                return self._check(condition)
            case Not(inner):
                return self._negation(self.plan(inner))
            case And(parts):
                return self._group(All, [self.plan(part) for part in parts])
            case Or(parts):
                return self._group(Any_, [self.plan(part) for part in parts])
            case Name(name):
                raise ValueError(f"the macro {name} is not expanded")

    def reorder(self) -> None:
        """Put what is cheap and chooses well first, as far as is known by now."""
        for node in self._orderable:
            node.reorder()

    def _made(self, key: Hashable, make: Callable[[int], Node]) -> Node:
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = make(len(self._nodes))
        return found

    def _getter(self, field: Field) -> Getter:
        found = self._getters.get(field)
        if found is None:
            found = self._getters[field] = self._source.getter(field.name, field.argument)
        return found

    def _tier(self, field: Field) -> int:
        getter = self._getter(field)
        return 0 if field.name in _FIRST else _SLOW if getter.slow else _VARIED if getter.varied else _CHEAP

    def _leaf(self, key: Hashable, column: Key, test: Test, tier: int) -> Node:
        return self._made(("leaf", column, key), lambda number: Leaf(number, column, test, tier))

    def _leaf_of_field(self, key: Hashable, field: Field, test: Test) -> Node:
        getter = self._getter(field)
        if getter.column is None or getter.convert is None:
            return self._leaf(key, field, test, self._tier(field))
        convert = getter.convert
        self.shared[getter.column.name] = getter.column
        return self._leaf((field, key), getter.column.name, lambda raw: test(None if raw is None else convert(raw)), self._tier(field))

    def _check(self, check: Check) -> Node:
        read = fields_of(check.left) + (fields_of(check.other) if check.other is not None else ())
        fields = {canonical(field, self._source.name) for field in read}
        key = (print_check(check), check.is_list)
        if len(fields) != 1:
            return self._made(("together", key), lambda number: Together(number, check, self._source.name))
        (field,) = fields
        known = False if check.is_list and not check.values and check.other is None else self._known(check, field)
        if known is not None:
            return self._constant(value=known)
        return self._leaf_of_field(key, field, _check_test(check, self._source.name))

    def _known(self, check: Check, field: Field) -> bool | None:
        """What a check says of every event, where the field is there in all of them and never 0."""
        if not isinstance(check.left, Field) or not self._getter(field).sure:
            return None
        if check.operator == "exists":
            return True
        if check.values != ("0",) or check.modifier:
            return None
        return {"=": False, "==": False, "in": False, "!=": True}.get(check.operator)

    def _constant(self, *, value: bool) -> Node:
        return self._made(("constant", value), lambda number: Constant(number, value=value))

    def _negation(self, node: Node) -> Node:
        if isinstance(node, Constant):
            return self._constant(value=not node.value)
        if isinstance(node, Leaf):
            test = node.test
            return self._leaf(("not", node.number), node.column, lambda value: not test(value), node.tier)
        return self._made(("not", node.number), lambda number: Negation(number, node))

    def _group(self, kind_: type[All] | type[Any_], nodes: Iterable[Node]) -> Node:
        """The parts as one node: those of one column put into one leaf, those that stand there twice once."""
        leaves: dict[Key, dict[int, Leaf]] = {}
        parts: dict[int, Node] = {}
        decisive = kind_ is Any_
        for node in nodes:
            if isinstance(node, Constant):
                if node.value is decisive:
                    return node
            elif isinstance(node, Leaf):
                leaves.setdefault(node.column, {})[node.number] = node
            else:
                parts[node.number] = node
        for column, same in leaves.items():
            leaf = next(iter(same.values())) if len(same) == 1 else self._fused(kind_, column, tuple(same.values()))
            parts[leaf.number] = leaf
        if len(parts) < 2:
            return next(iter(parts.values())) if parts else self._constant(value=not decisive)
        made = self._made((kind_, tuple(sorted(parts))), lambda number: kind_(number, list(parts.values())))
        if isinstance(made, All) and made not in self._orderable:
            self._orderable.append(made)
        return made

    def _fused(self, kind_: type[All] | type[Any_], column: Key, leaves: tuple[Leaf, ...]) -> Node:
        tests = tuple(leaf.test for leaf in leaves)
        wanted = kind_ is Any_

        def test(value: Any) -> bool:
            for each in tests:  # the first one that decides
                if each(value) is wanted:
                    return wanted
            return not wanted

        return self._leaf((kind_, tuple(sorted(leaf.number for leaf in leaves))), column, test, max(leaf.tier for leaf in leaves))


def _check_test(check: Check, source: str) -> Test:
    left = compute(check.left, source)
    type_, is_list = kind(check.left, source)
    if check.other is None:
        plain = isinstance(check.left, Field)
        one = test_of(check, type_, is_list=is_list)
        if plain:
            return lambda value: value is not None and bool(one(value))

        def test(value: Value | None) -> bool:
            computed = left(lambda _: value)
            return computed is not None and bool(one(computed))

        return test
    right = compute(check.other, source)

    def pair(value: Value | None) -> bool:
        one_, other = left(lambda _: value), right(lambda _: value)
        return one_ is not None and other is not None and compare_values(check, one_, other, type_)

    return pair
