"""What a value shall be after some changes: changes applied to plain data, in order.

Nothing is removed from a list or mapping: what shall go is :data:`GONE`, so that the numbers in later paths, and whoever compares old and new,
still count as before. :func:`settled` takes it out in the end, with the lists and mappings that nothing is left of.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Final

from seawall.core.fix import Append, Change, Remove, Set
from seawall.core.resource import MISSING, Path


class Impossible(Exception):
    """A change does not fit the value: a field of a list, an item of a text, a list item that is not there."""


class Gone:
    """The type of :data:`GONE`."""

    def __repr__(self) -> str:
        return "GONE"


GONE: Final = Gone()


def wanted(value: Any, changes: Sequence[tuple[Path, Change]]) -> Any:
    """The value after the changes, with :data:`GONE` in it. What is not changed is shared with ``value``. Raises :class:`Impossible`."""
    for path, change in changes:
        value = _changed(value, path, change)
    return value


def _changed(value: Any, path: Path, change: Change) -> Any:
    if not path:
        return _result(value, change)
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        if not isinstance(value, list) or not 0 <= step < len(value):
            raise Impossible
        return [*value[:step], _changed(value[step], rest, change), *value[step + 1 :]]
    if _is_nothing(value):
        if isinstance(change, Remove):
            return value
        value = {}
    if not isinstance(value, dict):
        raise Impossible
    child = value.get(step, MISSING)
    if child is MISSING and isinstance(change, Remove):
        return value
    return {**value, step: _changed(child, rest, change)}


def _result(value: Any, change: Change) -> Any:
    match change:
        case Set():
            return change.value
        case Remove():
            return GONE
        case Append() if _is_nothing(value):
            return [change.item]
        case Append() if isinstance(value, list):
            return [*value, change.item]
        case _:
            raise Impossible


def _is_nothing(value: Any) -> bool:
    """As in the API, ``null`` is the same as not being there."""
    return value is None or value is MISSING or value is GONE


def is_gone(value: Any) -> bool:
    """Whether a value goes: it shall itself, or all that it has."""
    if isinstance(value, dict | list) and value:
        return all(map(is_gone, value.values() if isinstance(value, dict) else value))
    return value is GONE


def settled(value: Any, old: Any = MISSING) -> Any:
    """The value without what goes. In the parts that it shares with ``old`` there is no such thing."""
    if value is old:
        return value
    if isinstance(value, dict):
        before = old if isinstance(old, dict) else {}
        return {key: settled(child, before.get(key, MISSING)) for key, child in value.items() if not is_gone(child)}
    if isinstance(value, list):
        items = zip_longest(value, old[: len(value)] if isinstance(old, list) else ())
        return [settled(child, before) for child, before in items if not is_gone(child)]
    return value


def is_same(one: Any, other: Any) -> bool:
    """Equality as in JSON: ``true`` is not 1, and the order of keys does not count."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(child, other[key]) for key, child in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
