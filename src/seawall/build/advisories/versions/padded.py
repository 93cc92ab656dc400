"""Rows of numbers and words that are filled up with zeros without end: ``1``, ``1.0`` and ``1.0.0`` are one, ``1.0.a`` is before them and ``1.0.1``
after.

A row has no end to compare with, so a key tells how many zeros stand before the next word or number instead of writing them: a word comes before the
end at any place, later the more zeros stand before it; a number comes after the end, later the fewer zeros stand before it.
"""

from collections.abc import Iterable
from typing import Final

from seawall.build.advisories.versions.encoding import number

_BELOW: Final = b"\x01"  # what is before zero
_ZEROS_BELOW: Final = b"\x02"  # zeros, then what is before zero
END: Final = b"\x03"
_ZEROS_ABOVE: Final = b"\x04"  # zeros, then what is after zero
_ABOVE: Final = b"\x05"

_INVERTED: Final = bytes(range(255, -1, -1))
_ZEROS: Final = {count: _ZEROS_ABOVE + number(str(count)).translate(_INVERTED) for count in range(1, 32)}


def encode(row: Iterable[tuple[int, bytes]]) -> bytes:
    """The bytes of a row of signs and bytes: -1 with bytes of what is below zero, 1 of what is above, 0 for zero. Ends where it says itself."""
    encoded = bytearray()
    zeros = 0
    for sign, value in row:
        if not sign:
            zeros += 1
            continue
        if sign < 0:
            encoded += _BELOW if not zeros else _ZEROS_BELOW + number(str(zeros)) + _BELOW
        elif zeros:
            encoded += _ZEROS.get(zeros) or _ZEROS_ABOVE + number(str(zeros)).translate(_INVERTED)
        if sign > 0 and value[0] < number("0")[0]:
            encoded += _ABOVE
        encoded += value
        zeros = 0
    return bytes(encoded + END)
