"""What the .NET formats share: names that are equal, libraries as ``Name/1.0.0``, versions that are exact.

Source: NuGet's documentation, "Package versioning"; the purl type ``nuget``.
"""

import re
from collections.abc import Iterable
from typing import Final

from seawall.core.package import Package

_EXACT: Final = re.compile(r"\[\s*([^\s,*()\[\]]+)\s*\]|([0-9][^\s,*()\[\]$;]*)")


def nuget(name: str, version: str, requires: Iterable[str] = (), *, development: bool = False) -> Package:
    return Package(type="nuget", name=name, version=version, requires=tuple(dict.fromkeys(requires)), development=development)


def split(library: str) -> tuple[str, str]:
    """``Newtonsoft.Json/13.0.1`` to its name and version."""
    name, _, version = library.partition("/")
    return name, version


class Names:
    """Libraries of one target by name, in whatever case."""

    def __init__(self, libraries: Iterable[tuple[str, str]]) -> None:
        """``libraries``: names and versions."""
        self._refs = {name.lower(): f"{name}@{version}" for name, version in libraries}

    def refs(self, names: Iterable[str]) -> list[str]:
        """``name@version`` of those that are known."""
        return [self._refs[name.lower()] for name in names if name.lower() in self._refs]


def exact(version: str) -> str:
    """The version that a requirement comes to by itself; nothing for ranges, floating versions and unknown properties.

    ``1.0`` is a lower bound by NuGet's rules, and also what NuGet takes: it prefers the lowest that fits.
    """
    match = _EXACT.fullmatch(version.strip())
    return (match[1] or match[2]) if match else ""
