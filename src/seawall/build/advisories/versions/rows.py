"""Rows of numbers, compared one by one; a row is before all that begin with it: the orders of R and of Haskell."""

import re
from typing import Final

from seawall.build.advisories.versions import generic
from seawall.build.advisories.versions.encoding import compare_numbers, number, sign
from seawall.build.advisories.versions.scheme import Scheme

_DIGITS: Final = re.compile("[0-9]+")
_INVALID: Final = b"\x00"


def order(name: str, pattern: str) -> Scheme:
    """The order of the versions that ``pattern`` matches as a whole; all others are below, in natural order."""
    valid = re.compile(pattern, re.ASCII)

    def numbers(version: str) -> list[str] | None:
        return _DIGITS.findall(version) if valid.fullmatch(version) else None

    def compare(a: str, b: str) -> int:
        a, b = a.strip(), b.strip()
        row_a, row_b = numbers(a), numbers(b)
        if row_a is None or row_b is None:
            return sign(row_a is not None, row_b is not None) or generic.compare(a, b)
        return next((result for pair in zip(row_a, row_b, strict=False) if (result := compare_numbers(*pair))), sign(len(row_a), len(row_b)))

    def key(version: str) -> bytes:
        version = version.strip()
        row = numbers(version)
        return _INVALID + generic.key(version) if row is None else b"".join(map(number, row))

    return Scheme(name, compare, key)
