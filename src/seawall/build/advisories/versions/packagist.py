"""Composer's order: a version is normalised as composer/semver does, then compared as PHP's ``version_compare``.

Normalised it has four numbers and a stability: ``v1.2b3`` is ``1.2.0.0-beta3``. Dates keep their parts. ``1.2.x-dev`` is the end of its branch,
1.2.9999999.9999999-dev; ``dev-name`` is below everything with a number, ordered by name.

``version_compare`` reads numbers and words: unknown words < dev < alpha = a < beta = b < RC = rc < (the end) < numbers < patch = pl = p. Unknown
words are all equal. What Composer refuses is compared as it is written.

Source: getcomposer.org/doc/articles/versions.md; composer/semver, VersionParser::normalize; PHP, ext/standard/versioning.c.
"""

import re
from typing import Final

from seawall.build.advisories.versions.encoding import compare_numbers, number, sign, text
from seawall.build.advisories.versions.scheme import Scheme

_FLAGS: Final = re.ASCII | re.IGNORECASE
_MODIFIER: Final = r"[._-]?(?:(stable|beta|b|rc|alpha|a|patch|pl|p)((?:[.-]?[0-9]++)*+)?)?([.-]?dev)?"
_CLASSICAL: Final = re.compile(rf"v?([0-9]{{1,5}})(\.[0-9]++)?(\.[0-9]++)?(\.[0-9]++)?{_MODIFIER}", _FLAGS)
_DATE: Final = re.compile(rf"v?([0-9]{{4}}(?:[.:-]?[0-9]{{2}}){{1,6}}(?:[.:-]?[0-9]{{1,3}}){{0,2}}){_MODIFIER}", _FLAGS)
_BRANCH: Final = re.compile(r"v?([0-9]++)(\.(?:[0-9]++|[x*]))?(\.(?:[0-9]++|[x*]))?(\.(?:[0-9]++|[x*]))?[.-]?dev", _FLAGS)
_ALIAS: Final = re.compile(r"([^,\s]++) ++as ++[^,\s]++")
_STABILITY: Final = re.compile(r"@(?:stable|rc|beta|alpha|dev)$", _FLAGS)
_METADATA: Final = re.compile(r"([^,\s+]++)\+\S++")
_EXPANDED: Final = {"a": "alpha", "b": "beta", "p": "patch", "pl": "patch", "rc": "RC"}


def normalize(version: str) -> str | None:
    """The normalised version, None when Composer refuses it."""
    version = version.strip(" \t\n\r\0\v")
    if found := _ALIAS.fullmatch(version):
        version = found[1]
    version = _STABILITY.sub("", version)
    if version in ("master", "trunk", "default"):
        version = f"dev-{version}"
    if version[:4].lower() == "dev-":
        return f"dev-{version[4:]}"
    if found := _METADATA.fullmatch(version):
        version = found[1]
    if found := _CLASSICAL.fullmatch(version):
        normalized = found[1] + (found[2] or ".0") + (found[3] or ".0") + (found[4] or ".0")
        stability, count, dev = found.groups()[4:]
    elif found := _DATE.fullmatch(version):
        normalized = re.sub("[^0-9]", ".", found[1])
        stability, count, dev = found.groups()[1:]
    elif found := _BRANCH.fullmatch(version):
        parts = [part or ".x" for part in found.groups()[1:]]
        return re.sub("[xX*]", "9999999", found[1] + "".join(parts)) + "-dev"
    else:
        return None
    if stability:
        stability = stability.lower()
        if stability == "stable":
            return normalized
        normalized += f"-{_EXPANDED.get(stability, stability)}{(count or '').lstrip('.-')}"
    return f"{normalized}-dev" if dev else normalized


_TOKENS: Final = re.compile(r"[0-9]+|[A-Za-z]+")
_V: Final = re.compile(r"[vV](?=[0-9])")

# Words by how they begin, and their places; the end and numbers have theirs among them.
_WORDS: Final = (("dev", 2), ("a", 3), ("b", 4), ("RC", 5), ("rc", 5), ("p", 8))
_UNKNOWN: Final = 0
_BRANCH_NAME: Final = 1
_END: Final = 6
_NUMBER: Final = 7


def _place(token: str) -> int:
    if token.isdigit():
        return _NUMBER
    return next((place for beginning, place in _WORDS if token.startswith(beginning)), _UNKNOWN)


def _tokens(version: str) -> list[tuple[int, str]]:
    """Places and values; the last is the end."""
    normalized = normalize(version)
    if normalized is None:
        normalized = _V.sub("", version.strip(" \t\n\r\0\v"), count=1) if version.strip()[:1] in ("v", "V") else version
    elif normalized.startswith("dev-"):
        return [(_BRANCH_NAME, normalized[4:]), (_END, "")]
    return [(_place(token), token) for token in _TOKENS.findall(normalized)] + [(_END, "")]


def compare(a: str, b: str) -> int:
    """As Composer orders releases."""
    for (place_a, token_a), (place_b, token_b) in zip(_tokens(a), _tokens(b), strict=False):
        if place_a != place_b:
            return sign(place_a, place_b)
        if place_a == _NUMBER and (result := compare_numbers(token_a, token_b)):
            return result
        if place_a == _BRANCH_NAME and token_a != token_b:
            return sign(token_a, token_b)
    return 0


_AFTER_NUMBERS: Final = b"\xf8"
_END_BYTE: Final = bytes((_END,))
_PLAIN: Final = re.compile(r"v?([0-9]{1,5})\.([0-9]+)\.([0-9]+)")
_ZERO: Final = number("0")


def _encode(place: int, token: str) -> bytes:
    if place == _NUMBER:
        return number(token)
    if place > _NUMBER:
        return _AFTER_NUMBERS
    return bytes((place,)) + (text(token) if place == _BRANCH_NAME else b"")


def key(version: str) -> bytes:
    """The bytes of a version."""
    if plain := _PLAIN.fullmatch(version):
        major, minor, patch = plain.groups()
        return number(major) + number(minor) + number(patch) + _ZERO + _END_BYTE
    return b"".join(_encode(place, token) for place, token in _tokens(version))


SCHEME: Final = Scheme("packagist", compare, key)
