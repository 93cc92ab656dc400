"""Maven's order: tokens between dots, dashes and changes from digits to letters, as ComparableVersion of Maven 3.9 compares them.

A version is read as a list of numbers and words, whose last element may be a further list: a dash opens one, and so does a change between digits and
letters. Numbers of 0 and the words ``ga``, ``final`` and ``release`` at the end of a list are dropped. Then lists compare element by element:

* numbers are newer than lists, lists newer than words;
* ``alpha`` < ``beta`` < ``milestone`` < ``rc`` = ``cr`` < ``snapshot`` < (nothing) = ``ga`` = ``final`` = ``release`` < ``sp`` < other words, without
  regard to case; ``a``, ``b`` and ``m`` before a digit are the first three;
* an element that one side lacks compares with nothing: 0 is nothing, a number is newer, a word as above, a list by its first element that is not
  nothing.

The last rule and the first contradict each other for a few forms (``1.sp.1`` < ``1-alpha`` < ``1`` < ``1.sp.1`` in Maven). Here what is older than
nothing is always older than what is newer than nothing, so that the order is one; all other pairs are as in Maven.

Source: maven.apache.org/pom.html, "Version Order Specification"; maven-artifact 3.9, ComparableVersion.
"""

import re
from typing import Final

from seawall.build.advisories.versions.encoding import magnitude, number, sign, text
from seawall.build.advisories.versions.scheme import Scheme

_TOKENS: Final = re.compile(r"[0-9]+|[^0-9.-]+|[.-]")
_QUALIFIERS: Final = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_RELEASE: Final = _QUALIFIERS.index("")
_ALIASES: Final = {"ga": "", "final": "", "release": "", "cr": "rc"}
_SHORT: Final = {"a": "alpha", "b": "beta", "m": "milestone"}  # before a digit

_OPEN: Final = "-"  # a list begins; it lasts to the end of the version


def _lists(version: str) -> list[list[str]]:
    """The nested lists from the outermost in, each with its numbers (without leading zeros) and words."""
    lists: list[list[str]] = [[]]
    tokens = _TOKENS.findall(version.lower())
    for index, piece in enumerate(tokens):
        if piece in ".-":
            if index == 0 or tokens[index - 1] in ".-":
                lists[-1].append("0")
            if piece == "-":
                lists.append([])
            continue
        following = tokens[index + 1] if index + 1 < len(tokens) else ""
        if "0" <= piece[0] <= "9":
            lists[-1].append(piece.lstrip("0") or "0")
        else:
            before_digit = "0" <= following[:1] <= "9"
            if lists[-1] and (before_digit or not following):  # a dot ahead of such a word counts as a dash
                lists.append([])
            word = _SHORT.get(piece, piece) if before_digit else piece
            lists[-1].append(_ALIASES.get(word, word))
        if following and following not in ".-":
            lists.append([])
    for part in lists:
        while part and part[-1] in ("0", ""):
            part.pop()
    while lists and not lists[-1]:
        lists.pop()
    return lists


def _rank(word: str) -> int:
    return _QUALIFIERS.index(word) if word in _QUALIFIERS else len(_QUALIFIERS)


def _against_nothing(element: str) -> int:
    """The sign of an element beside nothing."""
    return (0 if element == "0" else 1) if "0" <= element[:1] <= "9" else sign(_rank(element), _RELEASE)


def _signed(version: str) -> list[tuple[int, str]]:
    """All elements in a row, a dash where a list begins, each with the sign of all from there on beside nothing."""
    row = [element for index, part in enumerate(_lists(version)) for element in ([_OPEN] if index else []) + part]
    signed: list[tuple[int, str]] = []
    following = 0
    for element in reversed(row):
        following = (element != _OPEN and _against_nothing(element)) or following
        signed.append((following, element))
    return signed[::-1]


def _kind(element: str) -> int:
    if element == _OPEN:
        return 1
    return 2 if "0" <= element[:1] <= "9" else 0


def compare(a: str, b: str) -> int:
    """An order that agrees with :func:`told` where that is one."""
    return _compare(a, b, by_sign=True)


def told(a: str, b: str) -> int:
    """As ``ComparableVersion.compareTo``, contradictions included."""
    return _compare(a, b, by_sign=False)


def _compare(a: str, b: str, *, by_sign: bool) -> int:
    row_a, row_b = _signed(a), _signed(b)
    for (sign_a, element_a), (sign_b, element_b) in zip(row_a, row_b, strict=False):
        if result := (by_sign and sign(sign_a, sign_b)) or sign(_kind(element_a), _kind(element_b)):
            return result
        if element_a == element_b:
            continue
        if _kind(element_a) == 2:
            return sign(magnitude(element_a), magnitude(element_b))
        return sign((_rank(element_a), element_a), (_rank(element_b), element_b))
    if len(row_a) == len(row_b):
        return 0
    return row_a[len(row_b)][0] if len(row_a) > len(row_b) else -row_b[len(row_a)][0]


# What an element begins with in a key, by the sign of all from there on; a number above 0 begins with more.
_OLDER_WORD: Final = b"\x01"
_OLDER_LIST: Final = b"\x02"
_OLDER_ZERO: Final = b"\x03"
_END: Final = b"\x04"
_NEWER_WORD: Final = b"\x05"
_NEWER_LIST: Final = b"\x06"

_PLAIN: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_ZERO: Final = number("0")


def _encode(signed: tuple[int, str]) -> bytes:
    following, element = signed
    if element == _OPEN:
        return _OLDER_LIST if following < 0 else _NEWER_LIST
    if "0" <= element[:1] <= "9":
        return _OLDER_ZERO if element == "0" and following < 0 else number(element)
    rank = _rank(element)
    word = bytes((rank + 1,)) + (text(element) if rank == len(_QUALIFIERS) else b"")
    return (_OLDER_WORD if following < 0 else _NEWER_WORD) + word


def key(version: str) -> bytes:
    """The bytes of a version."""
    if _PLAIN.fullmatch(version):
        parts = [number(part) for part in version.split(".")]
        while parts and parts[-1] == _ZERO:
            parts.pop()
        return b"".join(parts) + _END
    return b"".join(map(_encode, _signed(version))) + _END


SCHEME: Final = Scheme("maven", compare, key, told)
