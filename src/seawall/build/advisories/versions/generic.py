"""Natural order, for what no specification speaks of: digits compare as numbers, all between them as text.

``1.9`` < ``1.10`` < ``1.10a`` < ``1.10a2``. Leading zeros do not count.
"""

import re
from typing import Final

from seawall.build.advisories.versions.encoding import compare_numbers, number, sign, text
from seawall.build.advisories.versions.scheme import Scheme

_DIGITS: Final = re.compile(r"([0-9]+)")


def compare(a: str, b: str) -> int:
    """By text and number in turn."""
    runs_a, runs_b = _DIGITS.split(a), _DIGITS.split(b)
    for index, (run_a, run_b) in enumerate(zip(runs_a, runs_b, strict=False)):
        if result := compare_numbers(run_a, run_b) if index % 2 else sign(run_a, run_b):
            return result
    return sign(len(runs_a), len(runs_b))


def key(version: str) -> bytes:
    """The bytes of a version."""
    return b"".join(number(run) if index % 2 else text(run) for index, run in enumerate(_DIGITS.split(version)))


SCHEME: Final = Scheme("generic", compare, key)
