"""A condition as two expressions over the columns of the store: one that holds wherever the condition does, and one that holds only where it does.

    upper   never misses a row that fits        lower   never takes one that does not

Where both are the same, the condition says in SQL exactly what it says in the engine. Where SQL cannot say it (a field that is no column, a
pattern that databases read differently, letters outside of ASCII in lower case), the bounds part: for a comparison that is not known at all they
are "the field is there" and "nothing". ``not`` exchanges them, ``and`` and ``or`` combine each with its like. So whatever a condition is made of,
the rows of its upper bound hold all that fit, and the engine decides about these rows alone.

A comparison with an absent field does not hold, and ``not`` of it does, as in the engine.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import ibis
from msgspec import Struct, structs

from seawall.run.detect.engine.operands import canonical, fields_of, kind
from seawall.run.detect.history.columns import HAS_REQUEST, HAS_RESPONSE, SOURCE, Stored, stored
from seawall.run.detect.history.predicates import text_test
from seawall.run.detect.history.truth import Bounds, Truth, all_of, any_of, exactly, expression, negated
from seawall.run.detect.language.tree import And, Call, Check, Condition, Field, Group, Name, Not, Operand, Or, Text
from seawall.run.events.fields import Type

Table = Any
"""An Ibis table with the columns of the store. Ibis' own types do not survive strict checking."""

_ALWAYS_TRUE: Final = "ka.req.binding.subject.has_name"
_MAX_CHOICES: Final = 64
_COMPARED: Final = frozenset({"=", "==", "!=", "<", "<=", ">", ">="})


class _Value(Struct, frozen=True):
    """The left or right side of a comparison. ``doubt`` holds where the engine may compute something else."""

    expression: Any
    is_list: bool = False
    part: bool = False
    doubt: Truth = False


class Translator:
    """Conditions to bounds on a table. What conditions share is translated once."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[int, tuple[Condition, Bounds]] = {}

    def bounds(self, condition: Condition) -> Bounds:
        found = self._known.get(id(condition))
        if found is None:
            found = self._known[id(condition)] = (condition, self._bounds(condition))
        return found[1]

    def _bounds(self, condition: Condition) -> Bounds:
        match condition:
            case And(parts):
                return self._joined([self.bounds(part) for part in parts], all_of)
            case Or(parts):
                return self._joined([self.bounds(part) for part in parts], any_of)
            case Not(inner):
                return self._negated(inner)
            case Check() if _is_choice(condition):
                return self.bounds(_spelled_out(condition))
            case Check():
                return self._check(condition)
            case Name(name):
                raise ValueError(f"the macro {name} is not expanded")

    def _negated(self, condition: Condition) -> Bounds:
        """``not`` moves inwards to the comparisons: databases stop early in ``and`` and ``or``, but not below ``not``."""
        match condition:
            case And(parts):
                return self._joined([self.bounds(Not(part)) for part in parts], any_of)
            case Or(parts):
                return self._joined([self.bounds(Not(part)) for part in parts], all_of)
            case Not(inner):
                return self.bounds(inner)
            case Check() if _is_choice(condition):
                return self._negated(_spelled_out(condition))
            case _:
                bounds = self.bounds(condition)
                upper = negated(bounds.lower)
                return Bounds(upper, upper if bounds.is_exact else negated(bounds.upper))

    @staticmethod
    def _joined(parts: Sequence[Bounds], join: Callable[[Sequence[Truth]], Truth]) -> Bounds:
        upper = join([part.upper for part in parts])
        return Bounds(upper, upper if all(part.is_exact for part in parts) else join([part.lower for part in parts]))

    def _check(self, check: Check) -> Bounds:
        left = self._value(check.left)
        if left is None:
            return Bounds(self._presence(check.left), False)
        present = _is_there(left)
        if check.operator == "exists":
            return Bounds(present, False if left.part else present)
        if check.other is not None:
            found = self._compared(check, left)
        else:
            type_, _ = kind(check.left, SOURCE.name)
            test = text_test(check, number=type_ is Type.UINT)
            found = None if test is None else _judged(check, test, left)
        if found is None:
            return Bounds(present, False)
        if left.doubt is False:
            return found
        return Bounds(all_of([present, any_of([found.upper, left.doubt])]), all_of([found.lower, negated(left.doubt)]))

    def _compared(self, check: Check, left: _Value) -> Bounds | None:
        """A check whose right side is computed as well: two texts, whole and without doubt."""
        right = None if check.other is None else self._value(check.other)
        if right is None or check.modifier or check.operator not in _COMPARED:
            return None
        if any(value.is_list or value.doubt is not False for value in (left, right)) or not all(
            kind(side, SOURCE.name)[0] is Type.STRING for side in (check.left, check.other) if side is not None
        ):
            return None
        return exactly(_comparison(check.operator, left.expression, right.expression))

    # The sides of a comparison.

    def _presence(self, operand: Operand) -> Truth:
        """Holds wherever the operand has a value that is no column."""
        if not isinstance(operand, Field):
            if isinstance(operand, Call) and operand.name not in ("join", "concat", "getopt"):
                return self._presence(operand.arguments[0])
            return True
        if operand.name in ("ka.req.configmap.obj", "ka.req.volume.hostpath"):
            return self._table[HAS_REQUEST]
        if operand.name == "ka.uri.param":
            return self._table["uri"].contains("?")
        if operand.name == "ka.target.pod.name":
            return self._table["target_resource"] == "pods"
        if operand.name in ("jevt.value", "json.value"):
            return self._presence_at((operand.argument or "").removeprefix("/").split("/"))
        value = self._field(canonical(operand, SOURCE.name))
        return True if value is None else _is_there(value)

    def _presence_at(self, steps: Sequence[str]) -> Truth:
        if steps[0] == "requestObject":
            return self._table[HAS_REQUEST]
        if steps[0] == "responseObject":
            return self._table[HAS_RESPONSE]
        return True

    def _value(self, operand: Operand) -> _Value | None:
        match operand:
            case Field():
                return self._field(canonical(operand, SOURCE.name))
            case Call():
                return self._call(operand)
            case Text(value):
                return _Value(ibis.literal(value))
            case Group():
                return None

    def _field(self, field: Field) -> _Value | None:
        if field.name == _ALWAYS_TRUE:
            return _Value(ibis.literal("true"))
        if field.name == "evt.source":
            return _Value(ibis.literal(SOURCE.name))
        if field.name in ("jevt.rawtime", "json.rawtime"):
            return _Value(ibis.coalesce(self._table["time"], 1).cast("string"))
        place: Stored | None = stored(field)
        return None if place is None else _Value(self._table[place.column], place.is_list, place.part)

    def _call(self, call: Call) -> _Value | None:
        values = [self._value(argument) for argument in call.arguments]
        first = values[0] if values else None
        if call.name == "val":
            return first
        if call.name == "concat":
            return self._concatenated(call, values)
        if first is None or first.part or (first.is_list and call.name != "len") or not fields_of(call.arguments[0]):
            return None
        text = first.expression
        match call.name:
            case "tolower":
                return _Value(text.lower(), doubt=any_of([first.doubt, beyond_ascii(text)]))
            case "toupper":
                return _Value(text.upper(), doubt=any_of([first.doubt, beyond_ascii(text)]))
            case "len":
                return _Value(text.length(), doubt=False if first.is_list else any_of([first.doubt, beyond_ascii(text)]))
            case "basename" if first.doubt is False:
                return _Value(text.re_replace(r"\A(?s:.*)/", ""))
        return None

    @staticmethod
    def _concatenated(call: Call, values: Sequence[_Value | None]) -> _Value | None:
        texts = [value.expression for value in values if value is not None and not value.is_list and value.doubt is False]
        if len(texts) != len(call.arguments) or any(isinstance(argument, Call) and argument.name == "len" for argument in call.arguments):
            return None
        joined = texts[0]
        for text in texts[1:]:
            joined = joined + text
        return _Value(joined)


def _is_choice(check: Check) -> bool:
    """Whether the check says the same as an ``or`` of a few that databases stop early in."""
    return check.modifier == "anyof" and check.operator in ("startswith", "endswith") and 1 < len(check.values) <= _MAX_CHOICES


def _spelled_out(check: Check) -> Or:
    return Or(tuple(structs.replace(check, modifier=None, is_list=False, values=(value,)) for value in check.values))


def beyond_ascii(text: Any) -> Truth:
    """Databases and Python agree about the case of ASCII letters alone, and about how long a text is."""
    return text.re_search(r"[^\x00-\x7F]")


def _is_there(value: _Value) -> Truth:
    return value.expression.length() > 0 if value.is_list else value.expression.notnull()


def _judged(check: Check, test: Callable[[Any], Bounds], value: _Value) -> Bounds:
    """The bounds of a test on a column: of texts itself, of lists over what is in them."""
    if not value.is_list:
        bounds = test(value.expression)
        there = value.expression.notnull()
        upper, lower = (all_of([truth, there]) if isinstance(truth, bool) else truth for truth in (bounds.upper, bounds.lower))
        return Bounds(upper, upper if bounds.is_exact else lower)
    if check.operator == "intersects" and not value.part and 0 < len(check.values) <= _MAX_CHOICES:
        return exactly(any_of([value.expression.contains(wanted) for wanted in check.values]))
    everywhere = (check.operator == "in" or check.operator == "!=") and not check.modifier
    if value.part:  # some of the values: where it holds for some or all of these, it holds for one of the whole list
        return Bounds(_over(value.expression, lambda item: test(item).upper, everywhere=False), False)
    upper = _over(value.expression, lambda item: test(item).upper, everywhere=everywhere)
    if test(ibis.literal("")).is_exact:  # it is the same for every item
        return exactly(upper)
    return Bounds(upper, _over(value.expression, lambda item: test(item).lower, everywhere=everywhere))


def _over(items: Any, test: Callable[[Any], Truth], *, everywhere: bool) -> Truth:
    """Whether the test holds for one item, or for each, of a list that is there."""
    if everywhere:
        return all_of([items.length() > 0, items.filter(lambda item: ~expression(test(item))).length() == 0])
    return items.filter(lambda item: expression(test(item))).length() > 0


def _comparison(operator: str, left: Any, right: Any) -> Any:
    match operator:
        case "=" | "==":
            return left == right
        case "!=":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right
