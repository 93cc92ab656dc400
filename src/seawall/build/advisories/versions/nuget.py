"""NuGet's order: ``major.minor.patch.revision-label.label+metadata``.

Missing numbers are 0, labels compare without regard to case, numbers among them are older than words, metadata does not count. A label is a number
when it fits 32 bits with its sign; longer ones are words. More numbers than four, a leading ``v``, and characters that NuGet refuses are read by the
same rules; what does not begin with a number is below every version, in natural order.

Source: NuGet.Versioning: NuGetVersion and VersionComparer; learn.microsoft.com, "Package versioning".
"""

import re
from typing import Final

from seawall.build.advisories.versions import generic
from seawall.build.advisories.versions.encoding import compare_numbers, number, sign, text
from seawall.build.advisories.versions.scheme import Scheme
from seawall.build.advisories.versions.semver import numbers

_VERSION: Final = re.compile(r"[vV]?+([0-9]++(?:\.[0-9]++)*+)(?:[-.]?+([^+]++))?+(?:\+.*+)?+", re.DOTALL)
_NUMBER: Final = re.compile(r"([-+]?)0*([0-9]{1,10})")


def _number(label: str) -> int | None:
    """The number of a label, as ``int.TryParse`` reads it."""
    if not (found := _NUMBER.fullmatch(label)):
        return None
    value = int(found[1] + found[2])
    return value if -(2**31) <= value < 2**31 else None


def _compare_label(a: str, b: str) -> int:
    number_a, number_b = _number(a), _number(b)
    if number_a is not None and number_b is not None:
        return sign(number_a, number_b)
    if number_a is None and number_b is None:
        return sign(a.upper(), b.upper())
    return 1 if number_a is None else -1


def compare(a: str, b: str) -> int:
    """As ``VersionComparer.Default``."""
    a, b = a.strip(), b.strip()
    found_a, found_b = _VERSION.fullmatch(a), _VERSION.fullmatch(b)
    if not found_a or not found_b:
        return sign(found_a is not None, found_b is not None) or generic.compare(a, b)
    numbers_a, numbers_b = found_a[1].split("."), found_b[1].split(".")
    for index in range(max(len(numbers_a), len(numbers_b))):
        if result := compare_numbers("".join(numbers_a[index : index + 1]), "".join(numbers_b[index : index + 1])):
            return result
    if found_a[2] is None or found_b[2] is None:
        return sign(found_a[2] is None, found_b[2] is None)
    labels_a, labels_b = found_a[2].split("."), found_b[2].split(".")
    return next((result for pair in zip(labels_a, labels_b, strict=False) if (result := _compare_label(*pair))), sign(len(labels_a), len(labels_b)))


_INVALID: Final = b"\x00"
_PRE: Final = b"\x01"
_RELEASE: Final = b"\x02"
_NEGATIVE: Final = b"\x03"
_WORD: Final = b"\xf8"  # after every number
_INVERTED: Final = bytes(range(255, -1, -1))
_PLAIN: Final = re.compile(r"[0-9]+(?:\.[0-9]+){0,3}")


def _label(label: str) -> bytes:
    value = _number(label)
    if value is None:
        return _WORD + text(label.upper())
    encoded = number(str(abs(value)))
    return encoded if value >= 0 else _NEGATIVE + encoded.translate(_INVERTED)


def key(version: str) -> bytes:
    """The bytes of a version."""
    if _PLAIN.fullmatch(version):
        return numbers(version) + _RELEASE
    version = version.strip()
    found = _VERSION.fullmatch(version)
    if not found:
        return _INVALID + generic.key(version)
    if found[2] is None:
        return numbers(found[1]) + _RELEASE
    return numbers(found[1]) + _PRE + b"".join(map(_label, found[2].split(".")))


SCHEME: Final = Scheme("nuget", compare, key)
