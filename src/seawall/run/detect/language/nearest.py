"""What was probably meant: the names nearest to one that does not exist."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

MAX_NAME: Final = 200
"""A longer word is no slip of the finger, and comparing it costs time."""


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Up to ``count`` names that are much like ``name``, the best first."""
    if len(name) > MAX_NAME:
        return []
    by_case = {candidate.lower(): candidate for candidate in known}
    return [by_case[found] for found in get_close_matches(name.lower(), by_case, count, 0.7)]


def hint(name: str, known: Iterable[str]) -> str:
    """``; did you mean a, b?`` or nothing."""
    found = nearest(name, known)
    return f"; did you mean {' or '.join(found)}?" if found else ""
