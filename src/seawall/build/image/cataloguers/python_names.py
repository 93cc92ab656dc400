"""What the Python formats share: names that are equal, the start of a requirement, edges by name."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from seawall.core.package import Package

REQUIREMENT: Final = re.compile(r"\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[(?P<extras>[^\]]*)\])?\s*(?P<rest>.*)", re.DOTALL)
"""The name, the extras and the rest (versions or an address, then a marker) of a requirement. Source: the dependency specifiers specification."""

INSTALLED_ELSEWHERE: Final = re.compile(r"(?:^|/)(?:site-packages|dist-packages)/")
"""Below these lie the files of installed packages; a lockfile that one of them brings along is not in force."""


def normalized(name: str) -> str:
    """The form in which two spellings of one name are equal. Source: the name normalization specification (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


MAX_VERSIONS: Final = 16
"""Versions of one name in one lockfile, of which a dependency may mean any; with more there is no telling."""


class Locked:
    """The packages of a lockfile by name, to find what a dependency means."""

    def __init__(self, packages: Iterable[tuple[str, str]]) -> None:
        """``packages``: names and versions."""
        self._versions: dict[str, dict[str, str]] = defaultdict(dict)
        for name, version in packages:
            self._versions[normalized(name)][version] = f"{name}@{version}"

    def refs(self, dependencies: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[str, ...]:
        """``name@version`` of what the dependencies (names, with a version or a range or nothing) mean.

        A name with several locked versions (for different platforms) means the one that is given, or else each of them.
        """
        pairs = dependencies.items() if isinstance(dependencies, Mapping) else dependencies
        found: dict[str, None] = {}
        for name, constraint in pairs:
            versions = self._versions.get(normalized(name), {})
            exact = versions.get(constraint.strip().lstrip("=").strip()) if constraint else None
            candidates = [exact] if exact else versions.values()
            if len(candidates) <= MAX_VERSIONS:
                found.update(dict.fromkeys(candidates))
        return tuple(found)


def pypi(
    name: str, version: str, requires: tuple[str, ...] = (), *, qualifiers: Mapping[str, str] | None = None, development: bool = False
) -> Package:
    return Package(type="pypi", name=name, version=version, requires=requires, qualifiers=qualifiers or {}, development=development)
