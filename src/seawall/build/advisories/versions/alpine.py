"""Alpine's order: ``1.2.3a_rc1_p2~hash-r4``, as apk-tools 3 compares it.

    digits{.digits}...{letter}{_suffix{digits}}...{~hash}{-r digits}

Parts of one kind compare by value; where the kinds differ, a pre-release suffix (alpha, beta, pre, rc) is before all else, then comes the end, and
then the later the kind stands in the grammar, the earlier it sorts. A number after a dot that begins with 0 compares as text, and is before all
others.

A version that leaves the grammar is, from there on, before one that ends there (as apk has it), and such rests, which apk calls equal, are in natural
order.

Source: apk-package(5), section on versions; apk-tools 3, src/version.c.
"""

import re
from collections.abc import Iterator
from typing import Final

from seawall.build.advisories.versions import generic
from seawall.build.advisories.versions.encoding import compare_numbers, number, sign
from seawall.build.advisories.versions.scheme import Scheme

_SUFFIXES: Final = ("alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p")
_END_SUFFIX: Final = _SUFFIXES.index("")  # suffixes before it are of pre-releases

# The kinds in the order of the grammar.
_FIRST, _DIGITS, _LETTER, _SUFFIX, _SUFFIX_NUMBER, _HASH, _REVISION, _END, _INVALID = range(9)

_SIGNS: Final = {".": 1, "_": 1, "~": 1, "-": 2}  # how long the sign is that a token begins with
_TOKEN: Final = re.compile(r"\.?[0-9]+|[a-z]|_[a-z]+|~[0-9a-fA-F]+|-r[0-9]+")


def _kind_after(kind: int, token: str) -> int:
    """The kind of a token that follows one of ``kind``."""
    first = token[0]
    if first.isalpha():
        return _LETTER if kind <= _DIGITS else _INVALID
    if first == ".":
        return _DIGITS if kind <= _DIGITS else _INVALID
    if first == "_":
        return _SUFFIX if kind <= _SUFFIX_NUMBER and token[1:] in _SUFFIXES else _INVALID
    if first == "~":
        return _HASH if kind < _HASH else _INVALID
    if first == "-":
        return _REVISION if kind < _REVISION else _INVALID
    return _SUFFIX_NUMBER if kind == _SUFFIX else _INVALID


def _tokens(version: str) -> Iterator[tuple[int, str]]:
    """Kinds and values; the last is the end, or what is not understood."""
    kind, position = -1, 0
    while position < len(version):
        found = _TOKEN.match(version, position)
        if not found:
            kind = _INVALID
        elif kind < 0:
            kind = _FIRST if found[0][0].isdigit() else _INVALID
        else:
            kind = _kind_after(kind, found[0])
        if kind == _INVALID or not found:
            yield _INVALID, version[position:]
            return
        yield kind, found[0][_SIGNS.get(found[0][0], 0) :]
        position = found.end()
    yield (_END, "") if version else (_INVALID, "")


def _compare_value(kind: int, a: str, b: str) -> int:
    if kind == _SUFFIX:
        return sign(_SUFFIXES.index(a), _SUFFIXES.index(b))
    if kind == _INVALID:
        return generic.compare(a, b)
    if kind in (_LETTER, _HASH) or (kind == _DIGITS and (a.startswith("0") or b.startswith("0"))):
        return sign(a, b)
    return compare_numbers(a, b)


def compare(a: str, b: str) -> int:
    """As ``apk version -t``."""
    for (kind_a, value_a), (kind_b, value_b) in zip(_tokens(a), _tokens(b), strict=False):
        if kind_a == kind_b:
            if result := _compare_value(kind_a, value_a, value_b):
                return result
            continue
        if kind_a == _SUFFIX and _SUFFIXES.index(value_a) < _END_SUFFIX:
            return -1
        if kind_b == _SUFFIX and _SUFFIXES.index(value_b) < _END_SUFFIX:
            return 1
        return sign(kind_b, kind_a)
    return 0


# What a part begins with in a key; numbers, which begin with 0x10 or more, are the parts after a dot.
_SUFFIX_PLACES: Final = dict(zip(_SUFFIXES, (b"\x01", b"\x02", b"\x03", b"\x04", b"", b"\x0a", b"\x0b", b"\x0c", b"\x0d", b"\x0e"), strict=True))
_INVALID_PLACE: Final = b"\x05"
_END_PLACE: Final = b"\x06"
_REVISION_PLACE: Final = b"\x07"
_HASH_PLACE: Final = b"\x08"
_SUFFIX_NUMBER_PLACE: Final = b"\x09"
_LETTER_PLACE: Final = b"\x0f"

_USUAL: Final = re.compile(r"([0-9]+)((?:\.[0-9]+)*)([a-z]?)(?:-r([0-9]+))?")


def _digits(digits: str) -> bytes:
    """A part after a dot: one with a leading zero is text after the byte of the number 0."""
    if digits[0] == "0":
        return b"\x10" + digits[1:].encode("ascii") + b"\0"
    return number(digits)


def _part(kind: int, value: str) -> bytes:
    if kind == _FIRST:
        return number(value)
    if kind == _DIGITS:
        return _digits(value)
    if kind == _LETTER:
        return _LETTER_PLACE + value.encode("ascii")
    if kind == _SUFFIX:
        return _SUFFIX_PLACES[value]
    if kind == _SUFFIX_NUMBER:
        return _SUFFIX_NUMBER_PLACE + number(value)
    if kind == _HASH:
        return _HASH_PLACE + value.encode("ascii") + b"\0"
    if kind == _REVISION:
        return _REVISION_PLACE + number(value)
    return _END_PLACE if kind == _END else _INVALID_PLACE + generic.key(value)


def key(version: str) -> bytes:
    """The bytes of a version."""
    if usual := _USUAL.fullmatch(version):
        first, rest, letter, revision = usual.groups()
        parts = [number(first)]
        if rest:
            parts += map(_digits, rest[1:].split("."))
        if letter:
            parts.append(_LETTER_PLACE + letter.encode("ascii"))
        if revision is not None:
            parts.append(_REVISION_PLACE + number(revision))
        return b"".join(parts) + _END_PLACE
    return b"".join(_part(kind, value) for kind, value in _tokens(version))


SCHEME: Final = Scheme("alpine", compare, key)
