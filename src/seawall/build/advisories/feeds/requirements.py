"""Version requirements of Cargo, RubyGems and Composer as spans of versions.

Each function takes one requirement as an advisory writes it and gives the versions that satisfy it; it raises ``ValueError`` for what is none.
Keys come from the order of the ecosystem, so that a span holds exactly the versions between its cuts in that order.
"""

import re
from collections.abc import Callable, Iterable
from itertools import product
from typing import Final

from seawall.build.advisories.feeds.spans import ALL, Cut, Span, after, before, meet
from seawall.build.advisories.versions import scheme_of

MAX_COMPARATORS: Final = 100
"""Comparators of one requirement; real ones have up to three."""

Requirement = Callable[[str], list[Span]]

_CARGO: Final = re.compile(r"(<=|>=|<|>|=|~|\^)?\s*v?(\d+|\*)(?:\.(\d+|[*xX]))?(?:\.(\d+|[*xX]))?(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_GEM: Final = re.compile(r"(<=|>=|!=|~>|<|>|=)?\s*([0-9]+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)")
_COMPOSER: Final = re.compile(r"(<=|>=|!=|<>|==|<|>|=)?\s*(v?[0-9][0-9A-Za-z.+_-]*)")
_COMPOSER_STABILITY: Final = re.compile(r"[._-]?(?:stable|beta|b|rc|alpha|a|patch|pl|p|dev)(?:[.-]?\d+)*(?:[.-]?dev)?$", re.IGNORECASE)
_LETTERS: Final = re.compile(r"[a-zA-Z-]")


def cargo(requirement: str) -> list[Span]:
    """Comparators joined by commas, all of which hold; a version alone means ``^``.

    Source: the Cargo book, "Specifying dependencies". As in RustSec's own export, an upper bound that a caret or tilde implies is the plain version.
    """
    return _all_of(map(_cargo_comparator, _parts(requirement)))


def gem(requirement: str) -> list[Span]:
    """Comparators joined by commas, all of which hold; a version alone means ``=``.

    Source: the RubyGems guides, "Patterns". ``~> 1.2.3`` ends before the pre-releases of 1.3: its upper side is compared without them.
    """
    return _all_of(map(_gem_comparator, _parts(requirement)))


def composer(comparators: Iterable[str]) -> list[Span]:
    """A list of comparators, all of which hold; a version alone is that version.

    Source: Composer's documentation, "Versions and constraints": ``<`` and ``>=`` without a stability compare with the ``-dev`` of the version,
    which is before all of its pre-releases.
    """
    return _all_of(_composer_comparator(part) for text in comparators for part in _parts(text))


def _parts(requirement: str) -> list[str]:
    parts = [part.strip() for part in requirement.split(",")]
    if len(parts) > MAX_COMPARATORS:
        raise ValueError(f"more than {MAX_COMPARATORS} comparators")
    return parts


def _all_of(comparators: Iterable[list[Span]]) -> list[Span]:
    spans = [ALL]
    for found in comparators:
        spans = [span for pair in product(spans, found) if not (span := meet(*pair)).is_empty]
    return spans


def _bounded(operator: str, version: str, *, start: Cut, end: Cut) -> list[Span]:
    """``start`` is where the version begins, ``end`` where it is over: the same place for a version, further on for one with parts left out."""
    match operator:
        case ">=":
            return [Span(start)]
        case ">":
            return [Span(end)]
        case "<":
            return [Span(high=start)]
        case "<=":
            return [Span(high=end)]
        case "=" | "==":
            return [Span(start, end)]
        case "!=" | "<>":
            return [Span(high=start), Span(end)]
    raise ValueError(f"{operator} {version}: unknown operator")


def _cargo_comparator(text: str) -> list[Span]:
    match = _CARGO.fullmatch(text)
    if not match:
        raise ValueError(f"no Cargo requirement: {text!r}")
    operator, *parts, pre = match.groups()
    numbers = []
    for part in parts:
        if part is None or not part.isdigit():
            break
        numbers.append(int(part))
    if not numbers:
        return [ALL]
    if any(part is not None for part in parts) and len(numbers) < 3 and any(part is not None and not part.isdigit() for part in parts):
        operator = operator or "="  # 1.* is =1
    operator, pre = operator or "^", pre or ""
    full = len(numbers) == 3
    major, minor, patch = (*numbers, 0, 0)[:3]
    version = f"{major}.{minor}.{patch}{pre}"
    start = _cargo_cut(version)
    if operator == "^":
        level = 0 if major or len(numbers) == 1 else 1 if minor or len(numbers) == 2 else 2
        return [Span(start, _cargo_cut(_bumped(numbers, level)))]
    if operator == "~":
        return [Span(start, _cargo_cut(_bumped(numbers, min(len(numbers), 2) - 1)))]
    end = after(start.key, version) if full else _cargo_cut(_bumped(numbers, len(numbers) - 1))
    return _bounded(operator, version, start=start, end=end)


def _bumped(numbers: list[int], level: int) -> str:
    """The next version whose number at ``level`` is greater."""
    raised = (*numbers[:level], numbers[level] + 1, 0, 0)[:3]
    return ".".join(map(str, raised))


def _cargo_cut(version: str) -> Cut:
    return before(scheme_of("crates.io").key(version), version)


def _gem_comparator(text: str) -> list[Span]:
    match = _GEM.fullmatch(text)
    if not match:
        raise ValueError(f"no RubyGems requirement: {text!r}")
    operator, version = match[1] or "=", match[2]
    key = scheme_of("RubyGems").key
    start = before(key(version), version)
    if operator == "~>":
        return [Span(start, before(key(_next_gem(version) + ".A"), _next_gem(version)))]  # no pre-release comes before one named A
    return _bounded(operator, version, start=start, end=after(start.key, version))


def _next_gem(version: str) -> str:
    """``1.2.3`` and ``1.2.3.rc1`` lead to ``1.3``, ``1`` to ``2``."""
    numbers = []
    for part in version.replace("-", ".pre.").split("."):
        if _LETTERS.search(part):
            break
        numbers.append(int(part))
    if len(numbers) > 1:
        numbers.pop()
    numbers[-1] += 1
    return ".".join(map(str, numbers))


def _composer_comparator(text: str) -> list[Span]:
    match = _COMPOSER.fullmatch(text)
    if not match:
        raise ValueError(f"no Composer constraint: {text!r}")
    operator, version = match[1] or "=", match[2]
    key = scheme_of("Packagist").key
    exact = key(version)
    implied = exact if _COMPOSER_STABILITY.search(version) else key(f"{version}-dev")
    if operator in ("<", ">="):
        return _bounded(operator, version, start=before(implied, version), end=after(implied, version))
    return _bounded(operator, version, start=before(exact, version), end=after(exact, version))
