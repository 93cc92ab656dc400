"""Bytes whose order is that of numbers and texts: what every ``key`` is made of.

A key is a row of parts. Each part ends where it says itself, so that a key is compared part by part, as the comparators do:

* a number takes one byte up to 207, two up to 4303, then a byte that tells the length, and the number; it begins with 0x10 or more,
* a text takes its UTF-8 (surrogates as they are) and a zero byte,
* the bytes 0x00 to 0x0F are free for what stands instead of a number: "the version ends here", "a word follows", each scheme with its own.
"""

from collections.abc import Callable
from typing import Any, Final

NUMBERS: Final = 0x10
"""The lowest byte that a number begins with."""

_ONE_BYTE: Final = 208  # numbers below this take one byte: 0x10 to 0xDF
_TWO_BYTES: Final = _ONE_BYTE + 16 * 256  # below this two: 0xE0 to 0xEF and one more
_LONG: Final = 18  # digits; longer numbers stay digits, Python's int of ten thousand digits is slow


def _encode(value: int) -> bytes:
    if value < _ONE_BYTE:
        return bytes((NUMBERS + value,))
    if value < _TWO_BYTES:
        high, low = divmod(value - _ONE_BYTE, 256)
        return bytes((0xE0 + high, low))
    length = (value.bit_length() + 7) // 8
    return bytes((0xEE + length,)) + value.to_bytes(length, "big")  # 2 to 8 bytes: 0xF0 to 0xF6


class _Numbers(dict[str, bytes]):
    """Numbers as they are written in versions; what is not among the common ones is encoded when asked for."""

    def __missing__(self, digits: str) -> bytes:
        digits = digits.lstrip("0")
        if len(digits) <= _LONG:
            return _encode(int(digits or "0"))
        return b"\xf7" + len(digits).to_bytes(8, "big") + digits.encode("ascii")


number: Final[Callable[[str], bytes]] = _Numbers({str(value): _encode(value) for value in range(_TWO_BYTES)} | {"": _encode(0)}).__getitem__
"""The bytes of a number, given as ASCII digits of any length; leading zeros do not count, no digit at all is 0."""


def text(value: str) -> bytes:
    """The bytes of any text: the order is that of its code points, and a text comes before all that begin with it."""
    encoded = value.encode("utf-8", "surrogatepass")
    if b"\0" in encoded:
        encoded = encoded.replace(b"\0", b"\0\xff")
    return encoded + b"\0"


def magnitude(digits: str) -> tuple[int, str]:
    """A value that compares as the number of these ASCII digits does."""
    digits = digits.lstrip("0")
    return len(digits), digits


def compare_numbers(a: str, b: str) -> int:
    """-1, 0 or 1 for two numbers given as ASCII digits of any length."""
    return sign(magnitude(a), magnitude(b))


def sign(a: Any, b: Any) -> int:
    """-1, 0 or 1 by the order of two values of one type."""
    return int(a > b) - int(a < b)
