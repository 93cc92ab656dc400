"""Conda's order: ``[epoch!]version[+local]``, components between dots and underscores, each of numbers and words in turn.

What is missing is 0, so that ``1.1`` = ``1.1.0``; a component that begins with a word has a 0 before it, so that ``1.1.a1`` = ``1.1.0a1``. Words are
older than numbers and compare as text without regard to case; ``dev`` is older than all words, ``post`` newer than all numbers.

What conda refuses (other characters, empty components, an epoch that is no number) is below every version, in natural order.

Source: VersionOrder of conda, conda/models/version.py, and its documentation.
"""

import re
from itertools import zip_longest
from typing import Final

from seawall.build.advisories.versions import generic, padded
from seawall.build.advisories.versions.encoding import magnitude, number, sign
from seawall.build.advisories.versions.scheme import Scheme

_ALLOWED: Final = re.compile(r"[*.+!_0-9a-z]+")
_RUNS: Final = re.compile(r"[0-9]+|[*]+|[^0-9*]+")
_SEPARATORS: Final = re.compile("[._]")

_Components = list[list[str]]


def _components(part: str) -> _Components | None:
    components = []
    for component in _SEPARATORS.split(part):
        runs = _RUNS.findall(component)
        if not runs:
            return None
        components.append(runs if runs[0].isdigit() else ["0", *runs])
    return components


def _parse(version: str) -> tuple[str, _Components, _Components] | None:
    """Epoch, components of the version, and those of the local version; None when conda refuses it."""
    version = version.strip().lower()
    if "-" in version and "_" not in version:
        version = version.replace("-", "_")
    if not _ALLOWED.fullmatch(version) or version.count("!") > 1 or version.count("+") > 1:
        return None
    epoch, mark, rest = version.rpartition("!")
    if mark and not epoch.isdigit():
        return None
    main, plus, local = rest.partition("+")
    components, local_components = _components(main), _components(local) if plus else []
    if components is None or local_components is None:
        return None
    return epoch, components, local_components


def _place(run: str) -> tuple[int, tuple[int, str]]:
    """A value that compares as the run does."""
    if run == "post":
        return 2, (0, "")
    if run[0].isdigit():
        return 1, magnitude(run)
    return 0, (0, "DEV" if run == "dev" else run)


def _compare_components(a: _Components, b: _Components) -> int:
    for runs_a, runs_b in zip_longest(a, b, fillvalue=["0"]):
        for run_a, run_b in zip_longest(runs_a, runs_b, fillvalue="0"):
            if result := sign(_place(run_a), _place(run_b)):
                return result
    return 0


def compare(a: str, b: str) -> int:
    """As ``VersionOrder`` compares."""
    parsed_a, parsed_b = _parse(a), _parse(b)
    if parsed_a is None or parsed_b is None:
        return sign(parsed_a is not None, parsed_b is not None) or generic.compare(a.strip(), b.strip())
    if result := sign(magnitude(parsed_a[0]), magnitude(parsed_b[0])):
        return result
    return _compare_components(parsed_a[1], parsed_b[1]) or _compare_components(parsed_a[2], parsed_b[2])


_INVALID: Final = b"\x00"
_POST: Final = b"\xf8"  # after every number
_EPOCH_0: Final = number("0")
_PLAIN: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*")


def _encode_run(run: str) -> tuple[int, bytes]:
    if run == "post":
        return 1, _POST
    if run[0].isdigit():
        return (1, number(run)) if run.strip("0") else (0, b"")
    return -1, ("DEV" if run == "dev" else run).encode("ascii") + b"\0"


def _encode_component(runs: list[str]) -> tuple[int, bytes]:
    row = [_encode_run(run) for run in runs]
    return next((one for one, _ in row if one), 0), padded.encode(row)


def _plain(part: str) -> tuple[int, bytes]:
    return (1, number(part) + padded.END) if part.strip("0") else (0, b"")


def key(version: str) -> bytes:
    """The bytes of a version."""
    if _PLAIN.fullmatch(version):
        return _EPOCH_0 + padded.encode(map(_plain, version.split("."))) + padded.END
    parsed = _parse(version)
    if parsed is None:
        return _INVALID + generic.key(version.strip())
    epoch, components, local = parsed
    return number(epoch) + padded.encode(map(_encode_component, components)) + padded.encode(map(_encode_component, local))


SCHEME: Final = Scheme("conda", compare, key)
