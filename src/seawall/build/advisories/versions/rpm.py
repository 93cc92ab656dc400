"""RPM's order: ``[epoch:]version[-release]``, as rpm compares it.

Version and release are read as segments of digits or of letters; all else separates. Numbers are newer than words, words compare byte by byte. A
tilde is older than the end, a caret newer than the end and older than any segment. A missing epoch is 0; a missing release is older than any.

Source: rpm-version(7); rpmio/rpmvercmp.c and rpmio/rpmver.c.
"""

import re
from typing import Final

from seawall.build.advisories.versions.encoding import compare_numbers, number, sign
from seawall.build.advisories.versions.scheme import Scheme

_TOKENS: Final = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")


def split(version: str) -> tuple[str, str, str | None]:
    """Epoch (digits), version, and the release if there is one."""
    epoch, colon, rest = version.partition(":")
    if not colon or (epoch and not (epoch.isascii() and epoch.isdigit())):
        epoch, rest = "", version
    version, dash, release = rest.rpartition("-")
    return (epoch, version, release) if dash else (epoch, rest, None)


def _place(piece: str | None) -> int:
    """Tokens of different kinds in their order; the end is one of them."""
    if piece is None:
        return 1
    if piece == "~":
        return 0
    if piece == "^":
        return 2
    return 4 if piece.isdigit() else 3


def _compare_part(a: str, b: str) -> int:
    """rpmvercmp."""
    tokens_a, tokens_b = _TOKENS.findall(a), _TOKENS.findall(b)
    for index in range(max(len(tokens_a), len(tokens_b))):
        token_a = tokens_a[index] if index < len(tokens_a) else None
        token_b = tokens_b[index] if index < len(tokens_b) else None
        if result := sign(_place(token_a), _place(token_b)):
            return result
        if token_a and token_b and (result := compare_numbers(token_a, token_b) if token_a.isdigit() else sign(token_a, token_b)):
            return result
    return 0


def compare(a: str, b: str) -> int:
    """As ``rpmverCmp``."""
    (epoch_a, version_a, release_a), (epoch_b, version_b, release_b) = split(a), split(b)
    if result := compare_numbers(epoch_a, epoch_b) or _compare_part(version_a, version_b):
        return result
    if release_a is None or release_b is None:
        return sign(release_a is not None, release_b is not None)
    return _compare_part(release_a, release_b)


_NO_RELEASE: Final = b"\x00"
_END: Final = b"\x02"
_SYMBOLS: Final = {"~": b"\x01", "^": b"\x03"}
_WORD: Final = b"\x04"


def _token(piece: str) -> bytes:
    if piece[0] <= "9":
        return number(piece)
    return _SYMBOLS.get(piece) or _WORD + piece.encode("ascii") + b"\0"


def _part(part: str) -> bytes:
    return b"".join(map(_token, _TOKENS.findall(part))) + _END


def key(version: str) -> bytes:
    """The bytes of a version."""
    epoch, version, release = split(version)
    return number(epoch) + _part(version) + (_NO_RELEASE if release is None else _part(release))


SCHEME: Final = Scheme("rpm", compare, key)
