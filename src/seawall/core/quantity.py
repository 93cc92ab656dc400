"""Kubernetes quantities (``500m``, ``1.5Gi``, ``2e3``) as exact numbers, so that they can be compared.

Source: the grammar and the parser of ``Quantity`` in k8s.io/apimachinery, ``pkg/api/resource``.
"""

import re
from fractions import Fraction
from functools import lru_cache
from typing import Final

_NUMBER: Final = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([numkMGTPE]?|[KMGTPE]i)|[eE]([+-]?[0-9]+))").fullmatch
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_LARGEST_BINARY: Final = Fraction(2**63 - 1)
_NANO: Final = 10**9

_MAX_LENGTH: Final = 256
_MAX_EXPONENT: Final = 1000  # Kubernetes takes larger ones; here a manifest must not be able to ask for a number that fills the memory.


def parse_quantity(value: object) -> Fraction:
    """The number that a quantity stands for, as the API server reads it: from text, or from a JSON number.

    As there, what is finer than a billionth is rounded up (away from zero), a quantity with a binary suffix is at most 2**63 - 1, and
    missing digits count as zero (``m`` is 0: an oddity of that parser). Raises ``ValueError`` with a message for users when it is no quantity.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{value!r} is not a quantity")  # noqa: TRY004 (for a caller it is one more value that is wrong)
    return _parse(value.strip() if isinstance(value, str) else str(value))


@lru_cache(maxsize=4096)
def _parse(text: str) -> Fraction:
    match = _NUMBER(text) if 0 < len(text) <= _MAX_LENGTH else None
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a quantity (such as 500m, 0.5 or 1Gi)")
    sign, whole, decimals, suffix, exponent = match.groups(default="")
    number = Fraction(int(f"{whole}{decimals}" or "0"), 10 ** len(decimals))
    if exponent and abs(int(exponent)) > _MAX_EXPONENT:
        raise ValueError(f"{text[:40]!r} is out of bounds")
    if suffix in _BINARY:
        number = min(_to_nano(number * 2 ** _BINARY[suffix]), _LARGEST_BINARY)
    else:
        number = _to_nano(number * Fraction(10) ** (int(exponent) if exponent else _DECIMAL[suffix]))
    return -number if sign == "-" else number


def _to_nano(number: Fraction) -> Fraction:
    return number if _NANO % number.denominator == 0 else Fraction(-(-number.numerator * _NANO // number.denominator), _NANO)
