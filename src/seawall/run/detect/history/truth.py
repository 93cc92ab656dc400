"""What is known of a condition in SQL: an expression that holds wherever the condition does, and one that holds only where it does.

A comparison with NULL is NULL, and means "does not hold". ``and`` and ``or`` keep that meaning, for NULL never makes them hold where false would not;
only ``not`` has to make false of it first.
"""

from collections.abc import Sequence
from typing import Any

import ibis
from msgspec import Struct

Truth = Any
"""An Ibis boolean, where NULL means false, or True or False. Ibis' own types do not survive strict checking."""


class Bounds(Struct, frozen=True):
    """``upper`` holds at least where the condition does, ``lower`` at most there. They are one object where they are the same."""

    upper: Truth
    lower: Truth

    @property
    def is_exact(self) -> bool:
        return self.upper is self.lower


def exactly(truth: Truth) -> Bounds:
    return Bounds(truth, truth)


def negated(truth: Truth) -> Truth:
    return not truth if isinstance(truth, bool) else ~truth.fill_null(False)


def expression(truth: Truth) -> Any:
    """An Ibis expression in any case."""
    return ibis.literal(truth) if isinstance(truth, bool) else truth


def all_of(parts: Sequence[Truth]) -> Truth:
    """``and``, as a balanced tree: databases read deep ones badly."""
    return _tree(parts, neutral=True)


def any_of(parts: Sequence[Truth]) -> Truth:
    """``or``."""
    return _tree(parts, neutral=False)


def _tree(parts: Sequence[Truth], *, neutral: bool) -> Truth:
    level = [part for part in parts if part is not neutral]
    if not level:
        return neutral
    if any(part is (not neutral) for part in level):
        return not neutral
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [pair[0] if len(pair) == 1 else (pair[0] & pair[1] if neutral else pair[0] | pair[1]) for pair in pairs]
    return level[0]
