"""Debian's order: ``[epoch:]upstream[-revision]``, as dpkg compares it.

Upstream version and revision are read as runs of non-digits and digits in turn. Digits compare as numbers; non-digits letter by letter, where a tilde
is before everything, even the end; then the end; then letters; then all else. A missing revision is the revision 0.

dpkg refuses some texts (an empty epoch, a version that does not begin with a digit). They are compared by the same rules; a colon that does not end
an epoch is part of the upstream version.

Source: deb-version(7), Debian policy 5.6.12; lib/dpkg/version.c for what they leave open.
"""

import re
from typing import Final

from seawall.build.advisories.versions.encoding import compare_numbers, number, sign
from seawall.build.advisories.versions.scheme import Scheme

_WHITESPACE: Final = " \t\n\v\f\r"
_DIGITS: Final = re.compile(r"([0-9]+)")


def split(version: str) -> tuple[str, str, str]:
    """Epoch (digits), upstream version and revision."""
    version = version.strip(_WHITESPACE)
    epoch, _, rest = version.partition(":")
    if not rest or not (epoch.isascii() and epoch.isdigit()):
        epoch, rest = "", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return epoch, upstream, revision


def _order(character: str) -> int:
    if not character:
        return 0
    if character == "~":
        return -1
    if character.isascii() and character.isalpha():
        return ord(character)
    return ord(character) + 256


def compare_part(a: str, b: str) -> int:
    """verrevcmp of dpkg, one run at a time."""
    runs_a, runs_b = _DIGITS.split(a), _DIGITS.split(b)
    for index in range(max(len(runs_a), len(runs_b))):
        run_a = runs_a[index] if index < len(runs_a) else ""
        run_b = runs_b[index] if index < len(runs_b) else ""
        if index % 2:
            result = compare_numbers(run_a, run_b)
        else:
            length = max(len(run_a), len(run_b)) + 1
            result = next((sign(x, y) for x, y in ((_order(run_a[i : i + 1]), _order(run_b[i : i + 1])) for i in range(length)) if x != y), 0)
        if result:
            return result
    return 0


def compare(a: str, b: str) -> int:
    """As ``dpkg --compare-versions``."""
    (epoch_a, upstream_a, revision_a), (epoch_b, upstream_b, revision_b) = split(a), split(b)
    return compare_numbers(epoch_a, epoch_b) or compare_part(upstream_a, upstream_b) or compare_part(revision_a, revision_b)


_END: Final = b"\x02"  # of a run of non-digits: after the tilde, before every character


def _places() -> dict[int, str]:
    """Each character to one whose code is its place: tilde, (end), letters, the other ASCII characters."""
    letters = [code for code in range(128) if chr(code).isalpha()]
    others = [code for code in range(128) if not chr(code).isalnum() and code != ord("~")]
    return {ord("~"): "\x01"} | {code: chr(place) for place, code in enumerate(letters + others, 3)}


_PLACES: Final = _places()


class _Runs(dict[str, bytes]):
    """Runs of non-digits; the common ones are kept."""

    def __missing__(self, run: str) -> bytes:
        encoded = run.translate(_PLACES).encode("utf-8", "surrogatepass") + _END
        if len(self) < 4096 and len(run) < 16:
            self[run] = encoded
        return encoded


_run: Final = _Runs().__getitem__


def part(version: str) -> bytes:
    """The bytes of an upstream version or a revision."""
    runs = _DIGITS.split(version)
    if runs[-1] or len(runs) == 1:  # a number that is not there is 0
        runs += "0", ""
    encoded = [_run(run) for run in runs]
    encoded[1::2] = map(number, runs[1::2])
    return b"".join(encoded)


def key(version: str) -> bytes:
    """The bytes of a version."""
    epoch, upstream, revision = split(version)
    return number(epoch) + part(upstream) + part(revision)


SCHEME: Final = Scheme("debian", compare, key)
