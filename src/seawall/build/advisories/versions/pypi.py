"""Python's order: PEP 440.

    [epoch!]release[{a|b|rc}N][.postN][.devN][+local]

Without a pre-release or a post-release, a dev-release comes before the pre-releases: ``1.0.dev1`` < ``1.0a1.dev1`` < ``1.0a1`` < ``1.0`` <
``1.0.post1``. Trailing zeros of the release do not count. Local parts: numbers are newer than words, more parts are newer, none is the oldest.

Versions from before PEP 440 come before all others, ordered as setuptools did.

Source: packaging.python.org, "Version specifiers" (PEP 440), with its appendix B; for the legacy order setuptools' parse_version, which packaging
kept until release 21.
"""

import re
from typing import Final

from seawall.build.advisories.versions.encoding import magnitude, number, sign, text
from seawall.build.advisories.versions.scheme import Scheme

_VERSION: Final = re.compile(
    r"""
    v?+
    (?:(?P<epoch>[0-9]++)!)?+
    (?P<release>[0-9]++(?:\.[0-9]++)*+)
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?+(?P<pre_number>[0-9]*+))?+
    (?:-(?P<post_short>[0-9]++)|[-_.]?(?P<post>post|rev|r)[-_.]?+(?P<post_number>[0-9]*+))?+
    (?:[-_.]?(?P<dev>dev)[-_.]?+(?P<dev_number>[0-9]*+))?+
    (?:\+(?P<local>[a-z0-9]++(?:[-_.][a-z0-9]++)*+))?+
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_PHASES: Final = {"alpha": "a", "a": "a", "beta": "b", "b": "b", "c": "rc", "rc": "rc", "pre": "rc", "preview": "rc"}
_SEPARATORS: Final = re.compile("[-_.]")

# How setuptools read versions before there was a specification.
_LEGACY_PARTS: Final = re.compile(r"([0-9]+|[a-z]+|\.|-)")
_LEGACY_NAMES: Final = {"pre": "c", "preview": "c", "-": "final-", "rc": "c", "dev": "@"}


def _legacy_parts(version: str) -> list[str]:
    """Texts that compare one by one. Numbers are padded, words begin with ``*``, which is below all digits; the end is ``*final``."""
    parts: list[str] = []
    words = [_LEGACY_NAMES.get(part, part) for part in _LEGACY_PARTS.split(version.lower())]
    for word in [*(word for word in words if word not in ("", ".")), "final"]:
        if "0" <= word[0] <= "9":
            parts.append(word.zfill(8))
            continue
        part = f"*{word}"
        if part < "*final":  # a dash before a pre-release does not count
            while parts and parts[-1] == "*final-":
                parts.pop()
        while parts and parts[-1] == "00000000":
            parts.pop()
        parts.append(part)
    return parts


# Places of what may be missing: before or after every value that is there.
_BEFORE: Final = (-1, "", (0, ""))
_AFTER: Final = (1, "", (0, ""))


def _sort_key(version: str) -> tuple[object, ...]:
    """Appendix B of PEP 440 as a tuple."""
    found = _VERSION.fullmatch(version)
    if not found:
        return (0, _legacy_parts(version))
    release = [magnitude(part) for part in found["release"].split(".")]
    while release and not release[-1][0]:
        release.pop()
    has_post = found["post"] or found["post_short"] is not None
    post = (0, "", magnitude(found["post_short"] or found["post_number"] or "")) if has_post else _BEFORE
    dev = (0, "", magnitude(found["dev_number"])) if found["dev"] else _AFTER
    pre = _BEFORE if found["dev"] and not has_post else _AFTER
    if found["pre"]:
        pre = (0, _PHASES[found["pre"].lower()], magnitude(found["pre_number"]))
    local = [
        (1, "", magnitude(part)) if part.isdigit() else (0, part, (0, "")) for part in _SEPARATORS.split((found["local"] or "").lower()) if part
    ]  # no local part at all is an empty list, the lowest
    return (1, magnitude(found["epoch"] or ""), release, pre, post, dev, local)


def compare(a: str, b: str) -> int:
    """As ``packaging.version.Version`` compares, and setuptools before it."""
    return sign(_sort_key(a.strip()), _sort_key(b.strip()))


# What follows the release in a key, in order.
_DEV: Final = b"\x01"
_PRE: Final = {"a": b"\x02", "b": b"\x03", "rc": b"\x04"}
_NO_MORE: Final = b"\x05"
_POST: Final = b"\x06"

_LOCAL_WORD: Final = b"\x01"
_LEGACY: Final = b"\x00"  # below every epoch

_FINAL: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_EPOCH_0: Final = number("0")


def _release(release: str) -> bytes:
    parts = [number(part) for part in release.split(".")]
    while parts and parts[-1] == _EPOCH_0:
        parts.pop()
    return b"".join(parts)


def key(version: str) -> bytes:
    """The bytes of a version."""
    version = version.strip()
    if _FINAL.fullmatch(version):
        return _EPOCH_0 + _release(version) + _NO_MORE
    found = _VERSION.fullmatch(version)
    if not found:
        return _LEGACY + b"".join(map(text, _legacy_parts(version)))
    epoch, release, pre, pre_number, post_short, post, post_number, dev, dev_number, local = found.groups()
    encoded = number(epoch or "") + _release(release)
    if pre:
        encoded += _PRE[_PHASES[pre.lower()]] + number(pre_number)
    if post or post_short is not None:
        encoded += _POST + number(post_short or post_number or "")
    encoded += _DEV + number(dev_number) if dev else _NO_MORE
    for part in _SEPARATORS.split(local.lower()) if local else ():
        encoded += number(part) if part.isdigit() else _LOCAL_WORD + part.encode("ascii") + b"\0"
    return encoded


SCHEME: Final = Scheme("pypi", compare, key)
