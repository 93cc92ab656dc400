"""Semantic versions: the order of npm, crates.io, Hex, Swift and others.

    major.minor.patch[-pre.release][+build]

In a pre-release, numbers are older than words, words compare as ASCII, more parts are newer; no pre-release is newer than any. Build metadata does
not count, except in :data:`WITH_BUILD`, the order of Pub and Julia, where it compares as a pre-release does, and none is the oldest.

What is read beyond the specification, because registries and advisories hold it: blanks around, a leading ``v`` or ``=``, missing numbers (``1.2`` is
``1.2.0``), more numbers (``1.2.3.4`` is after ``1.2.3``), leading zeros, and a pre-release without its dash (``1.2.3beta``). What does not begin with
a number is below every version, in natural order.

Source: semver.org 2.0.0, section 11; node-semver for the loose forms; pub_semver and Julia's VersionNumber for the build.
"""

import re
from typing import Final

from seawall.build.advisories.versions import generic
from seawall.build.advisories.versions.encoding import compare_numbers, number, sign, text
from seawall.build.advisories.versions.scheme import Scheme

_VERSION: Final = re.compile(r"[vV=]?+([0-9]++(?:\.[0-9]++)*+)(?:[-.]?+([^+]++))?+(?:\+(.*+))?+", re.DOTALL)


def _compare_identifiers(a: list[str], b: list[str]) -> int:
    for part_a, part_b in zip(a, b, strict=False):
        numeric_a, numeric_b = part_a.isascii() and part_a.isdigit(), part_b.isascii() and part_b.isdigit()
        if numeric_a and numeric_b:
            result = compare_numbers(part_a, part_b)
        elif numeric_a or numeric_b:
            result = -1 if numeric_a else 1
        else:
            result = sign(part_a, part_b)
        if result:
            return result
    return sign(len(a), len(b))


def _compare(a: str, b: str, with_build: bool) -> int:
    found_a, found_b = _VERSION.fullmatch(a.strip()), _VERSION.fullmatch(b.strip())
    if not found_a or not found_b:
        return sign(found_a is not None, found_b is not None) or generic.compare(a.strip(), b.strip())
    numbers_a, numbers_b = found_a[1].split("."), found_b[1].split(".")
    length = max(len(numbers_a), len(numbers_b))
    for part_a, part_b in zip(numbers_a + ["0"] * (length - len(numbers_a)), numbers_b + ["0"] * (length - len(numbers_b)), strict=True):
        if result := compare_numbers(part_a, part_b):
            return result
    pre_a, pre_b = found_a[2], found_b[2]
    if pre_a is None or pre_b is None:
        if result := sign(pre_a is None, pre_b is None):
            return result
    elif result := _compare_identifiers(pre_a.split("."), pre_b.split(".")):
        return result
    if not with_build:
        return 0
    return _compare_identifiers(found_a[3].split(".") if found_a[3] else [], found_b[3].split(".") if found_b[3] else [])


def compare(a: str, b: str) -> int:
    """By precedence; the build does not count."""
    return _compare(a, b, with_build=False)


def compare_with_build(a: str, b: str) -> int:
    """By precedence, then by build."""
    return _compare(a, b, with_build=True)


# What begins a part of a key beside numbers.
_INVALID: Final = b"\x00"
_PRE: Final = b"\x01"
_RELEASE: Final = b"\x02"
_LIST_END: Final = b"\x01"
_WORD: Final = b"\xf8"  # after every number

_ZERO: Final = number("0")
_THREE: Final = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)")


def identifiers(dotted: str) -> bytes:
    """The bytes of a pre-release; a longer list follows a shorter one that it begins with when this stands last, or before a byte below 0x10."""
    return b"".join(number(part) if part.isascii() and part.isdigit() else _WORD + text(part) for part in dotted.split("."))


def numbers(dotted: str) -> bytes:
    """The bytes of numbers between dots, without trailing zeros."""
    parts = [number(part) for part in dotted.split(".")]
    while parts and parts[-1] == _ZERO:
        parts.pop()
    return b"".join(parts)


def key(version: str) -> bytes:
    """The bytes of a version; the build does not count."""
    if plain := _THREE.fullmatch(version):
        major, minor, patch = plain.groups()
        last = number(patch)
        if last != _ZERO:
            return number(major) + number(minor) + last + _RELEASE
    version = version.strip()
    found = _VERSION.fullmatch(version)
    if not found:
        return _INVALID + generic.key(version)
    pre = found[2]
    return numbers(found[1]) + (_RELEASE if pre is None else _PRE + identifiers(pre))


def key_with_build(version: str) -> bytes:
    """The bytes of a version and its build."""
    encoded = key(version)
    if "+" not in version or encoded[:1] == _INVALID:
        return encoded + _LIST_END
    build = version.strip().partition("+")[2]
    return encoded + _LIST_END + (identifiers(build) if build else b"")


SCHEME: Final = Scheme("semver", compare, key)
WITH_BUILD: Final = Scheme("semver-build", compare_with_build, key_with_build)
