"""Conan's order: ``1.2.a-pre.1+build.2``; items between dots are numbers or words.

Zeros at the end of a list do not count, otherwise a shorter list is before all that begin with it. A version with a pre-release is before the one
without; no build is before any build. Words compare as text.

Conan compares a number with a word as texts, which is no order where both begin with digits (``9`` < ``10``, ``10`` < ``2a`` < ``9``). Here such
words stand by their leading number: ``2`` < ``2a`` < ``2b`` < ``3`` < ``10``.

Source: docs.conan.io, "Version ranges"; Conan 2, conan/internal/model/version.py.
"""

import re
from collections.abc import Callable
from typing import Final

from seawall.build.advisories.versions.encoding import compare_numbers, number, sign, text
from seawall.build.advisories.versions.scheme import Scheme

_ITEM: Final = re.compile(r"([0-9]*+)(.*+)", re.DOTALL)


def _items(dotted: str) -> list[str]:
    items = dotted.split(".")
    while items and items[-1] and not items[-1].strip("0"):
        items.pop()
    return items


def _split(version: str) -> tuple[list[str], list[str] | None, list[str] | None]:
    """Main items, those of the pre-release and of the build."""
    main, plus, build = version.rpartition("+")
    if not plus:
        main = version
    main, dash, pre = main.partition("-")
    return _items(main), _items(pre) if dash else None, _items(build) if plus else None


def _place(item: str) -> int:
    """Words before digits, what begins with digits, words after them."""
    first = item[:1]
    return 0 if first < "0" else 1 if first <= "9" else 2


def _compare_item(a: str, b: str) -> int:
    if _place(a) != _place(b):
        return sign(_place(a), _place(b))
    found_a, found_b = _ITEM.fullmatch(a), _ITEM.fullmatch(b)
    digits_a, rest_a = found_a.groups() if found_a else ("", a)
    digits_b, rest_b = found_b.groups() if found_b else ("", b)
    return compare_numbers(digits_a, digits_b) or sign(rest_a, rest_b)


def _told_item(a: str, b: str) -> int:
    """Numbers as numbers; anything else as texts, numbers written without leading zeros."""
    numbers = [item.isdigit() and item.isascii() for item in (a, b)]
    if all(numbers):
        return compare_numbers(a, b)
    return sign(*((item.lstrip("0") or "0") if is_number else item for item, is_number in zip((a, b), numbers, strict=True)))


Items = Callable[[str, str], int]


def _compare_items(a: list[str], b: list[str], item: Items) -> int:
    return next((result for pair in zip(a, b, strict=False) if (result := item(*pair))), sign(len(a), len(b)))


def compare(a: str, b: str) -> int:
    """An order that agrees with :func:`told` where that is one."""
    return _compare(a, b, _compare_item)


def told(a: str, b: str) -> int:
    """As ``conan.tools.scm.Version``, contradictions included."""
    return _compare(a, b, _told_item)


def _compare(a: str, b: str, item: Items) -> int:
    (main_a, pre_a, build_a), (main_b, pre_b, build_b) = _split(a), _split(b)
    if result := _compare_items(main_a, main_b, item) or sign(pre_a is None, pre_b is None):
        return result
    if result := _compare_items(pre_a or [], pre_b or [], item) or sign(build_a is not None, build_b is not None):
        return result
    return _compare_items(build_a or [], build_b or [], item)


_LIST_END: Final = b"\x01"
_WORD_BELOW: Final = b"\x02"
_WORD_ABOVE: Final = b"\xf8"
_PRE: Final = b"\x01"
_RELEASE: Final = b"\x02"


def _encode(item: str) -> bytes:
    place = _place(item)
    if place != 1:
        return (_WORD_ABOVE if place else _WORD_BELOW) + text(item)
    if item.isdigit() and item.isascii():
        return number(item) + b"\0"
    found = _ITEM.fullmatch(item)
    return number(found[1]) + text(found[2]) if found else text(item)


def _list(items: list[str]) -> bytes:
    return b"".join(map(_encode, items)) + _LIST_END


def key(version: str) -> bytes:
    """The bytes of a version."""
    main, pre, build = _split(version)
    encoded = _list(main) + (_RELEASE if pre is None else _PRE + _list(pre))
    return encoded if build is None else encoded + _list(build)


SCHEME: Final = Scheme("conan", compare, key, told)
