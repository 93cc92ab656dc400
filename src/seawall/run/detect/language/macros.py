"""Macros put in the place of their names."""

from collections.abc import Mapping
from typing import Final

from seawall.run.detect.language.tree import And, Check, Condition, Name, Not, Or

MAX_CHECKS: Final = 100_000
"""Comparisons in one rule once its macros are expanded."""
MAX_NESTING: Final = 300
"""Levels of a tree once its macros are expanded; everybody who walks it may recurse."""


class Unresolved(Exception):
    """A name in a condition that stands for no macro, or for one that contains itself. ``at`` is its place in the condition, ``name`` the name."""

    def __init__(self, message: str, name: str, at: int, *, broken: bool = False) -> None:
        super().__init__(message)
        self.name = name
        self.at = at
        self.broken = broken


def names(condition: Condition) -> list[Name]:
    """The macros named, from left to right."""
    match condition:
        case Name():
            return [condition]
        case And(parts) | Or(parts):
            found: list[Name] = []
            for part in parts:
                found += names(part)
            return found
        case Not(inner):
            return names(inner)
        case Check():
            return []


def substitute(condition: Condition, macros: Mapping[str, Condition]) -> Condition:
    """The condition with each name replaced by the condition of that macro, which must hold no names any more."""
    match condition:
        case Name(name):
            return macros[name]
        case And(parts):
            return And(tuple(substitute(part, macros) for part in parts), condition.at)
        case Or(parts):
            return Or(tuple(substitute(part, macros) for part in parts), condition.at)
        case Not(inner):
            return Not(substitute(inner, macros), condition.at)
        case Check():
            return condition


def measure(condition: Condition, sizes: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Comparisons and levels of a tree whose parts may be shared; ``sizes`` remembers by node."""
    known = sizes.get(id(condition))
    if known is not None:
        return known
    match condition:
        case And(parts) | Or(parts):
            count, depth = 0, 0
            for part in parts:
                more, deeper = measure(part, sizes)
                count, depth = count + more, max(depth, deeper)
            result = (count, depth + 1)
        case Not(inner):
            count, depth = measure(inner, sizes)
            result = (count, depth + 1)
        case _:
            result = (1, 1)
    sizes[id(condition)] = result
    return result
