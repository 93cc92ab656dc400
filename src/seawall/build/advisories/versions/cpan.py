"""Perl's order: dotted versions (``v1.2.3``, ``1.2.3``) and decimal ones, whose digits after the point count in threes: ``1.002003`` is ``v1.2.3``.

``1.2`` is 1.200, after ``1.10``, which is 1.100. Missing numbers are 0, underscores do not count. What is neither is below every version, in natural
order.

Source: version(3perl) and version::Internals(3perl).
"""

import re
from typing import Final

from seawall.build.advisories.versions import generic
from seawall.build.advisories.versions.encoding import compare_numbers, number, sign
from seawall.build.advisories.versions.scheme import Scheme

_DOTTED: Final = re.compile(r"v[0-9]++(?:\.[0-9]++)*+|[0-9]*+(?:\.[0-9]++){2,}+")
_DECIMAL: Final = re.compile(r"([0-9]*+)(?:\.([0-9]*+))?+")
_THREE: Final = re.compile("[0-9]{3}")


def _numbers(version: str) -> list[str] | None:
    """The numbers without zeros at the end, None when it is no version."""
    version = version.strip().replace("_", "")
    if _DOTTED.fullmatch(version):
        numbers = [part.lstrip("0") for part in version.lstrip("v").split(".")]
    elif version and (decimal := _DECIMAL.fullmatch(version)):
        fraction = decimal[2] or ""
        numbers = [decimal[1].lstrip("0"), *(part.lstrip("0") for part in _THREE.findall(fraction + "0" * (-len(fraction) % 3)))]
    else:
        return None
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers


def compare(a: str, b: str) -> int:
    """As ``version->parse(a) <=> version->parse(b)``."""
    numbers_a, numbers_b = _numbers(a), _numbers(b)
    if numbers_a is None or numbers_b is None:
        return sign(numbers_a is not None, numbers_b is not None) or generic.compare(a.strip(), b.strip())
    return next(
        (result for pair in zip(numbers_a, numbers_b, strict=False) if (result := compare_numbers(*pair))), sign(len(numbers_a), len(numbers_b))
    )


_INVALID: Final = b"\x00"
_VALID: Final = b"\x01"


def key(version: str) -> bytes:
    """The bytes of a version."""
    numbers = _numbers(version)
    return _INVALID + generic.key(version.strip()) if numbers is None else _VALID + b"".join(map(number, numbers))


SCHEME: Final = Scheme("cpan", compare, key)
