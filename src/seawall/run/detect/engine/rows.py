"""A condition on one event, plainly: the reference that the columnar engine is held against, and what judges a handful of events.

``matches(condition, get, source)`` asks ``get`` for the values of fields; a comparison with an absent value is false, whatever it is, and ``not`` of
it true.
"""

from collections.abc import Callable
from typing import Any

from seawall.run.detect.engine.comparison import compare_values, test_of
from seawall.run.detect.engine.operands import Get, canonical, compute, kind, shaping
from seawall.run.detect.language.tree import And, Check, Condition, Field, Name, Not, Or
from seawall.run.events.source import Source, Value


def matches(condition: Condition, get: Get, source: str) -> bool:
    """Whether the event with these values fits."""
    match condition:
        case And(parts):
            return all(matches(part, get, source) for part in parts)
        case Or(parts):
            return any(matches(part, get, source) for part in parts)
        case Not(inner):
            return not matches(inner, get, source)
        case Check():
            return holds(condition, get, source)
        case Name(name):
            raise ValueError(f"the macro {name} is not expanded")


def holds(check: Check, get: Get, source: str) -> bool:
    """One comparison."""
    left = compute(check.left, source)(get)
    if left is None:
        return False
    type_, is_list = kind(check.left, source)
    if check.other is None:
        return test_of(check, type_, is_list=is_list)(left)
    right = compute(check.other, source)(get)
    return right is not None and compare_values(check, left, right, type_)


def reader(event: Any, source: Source) -> Get:
    """``get`` for an event of a source."""

    def get(field: Field) -> Value | None:
        found = canonical(field, source.name)
        return shaping(found, source.name)(source.getter(found.name, found.argument).get(event))

    return get


Judge = Callable[[Condition, Any], bool]
