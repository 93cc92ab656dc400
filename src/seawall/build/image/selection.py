"""Which cataloguers want a path. An image has a hundred thousand paths and there are some sixty formats, so the last part of a path decides first."""

import pkgutil
import re
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Final

from seawall.build.image import cataloguers
from seawall.build.image.cataloguer import Cataloguer

_MAX_REMEMBERED: Final = 1_000_000


@cache
def all_cataloguers() -> tuple[Cataloguer, ...]:
    """Every cataloguer of :mod:`seawall.build.image.cataloguers`, by name."""
    modules = (import_module(f"{cataloguers.__name__}.{module.name}") for module in pkgutil.iter_modules(cataloguers.__path__))
    found = {value.name: value for module in modules for value in vars(module).values() if isinstance(value, Cataloguer)}
    return tuple(found[name] for name in sorted(found))


class Selection:
    """The cataloguers of a scan, indexed by the last part of their patterns: by its whole text, or by what follows its last dot, or by neither."""

    def __init__(self, chosen: Iterable[Cataloguer]) -> None:
        self.binaries = tuple(cataloguer for cataloguer in chosen if cataloguer.binaries)
        self._by_name: dict[str, list[tuple[re.Pattern[str], Cataloguer]]] = {}
        self._by_suffix: dict[str, list[tuple[re.Pattern[str], Cataloguer]]] = {}
        self._others: list[tuple[re.Pattern[str], Cataloguer]] = []
        for cataloguer in chosen:
            for pattern in cataloguer.paths:
                self._table(pattern).append((_regex(pattern), cataloguer))

    def _table(self, pattern: str) -> list[tuple[re.Pattern[str], Cataloguer]]:
        last = pattern.rpartition("/")[2]
        if "*" not in last:
            return self._by_name.setdefault(last, [])
        suffix = last.rpartition(".")[2]
        if "." in last and "*" not in suffix:
            return self._by_suffix.setdefault(suffix, [])
        return self._others

    def of(self, path: str) -> tuple[Cataloguer, ...]:
        """The cataloguers whose patterns a path (without leading slash) meets, each once. Binaries are not told by their path."""
        name = path.rpartition("/")[2]
        candidates = [*self._by_name.get(name, ()), *self._by_suffix.get(name.rpartition(".")[2], ()), *self._others]
        return tuple({cataloguer.name: cataloguer for pattern, cataloguer in candidates if pattern.fullmatch(path)}.values())


def _regex(pattern: str) -> re.Pattern[str]:
    """The expression of a pattern: ``*`` is anything but a slash, ``**/`` any directories; without a slash it is a name in any directory."""
    if "/" not in pattern:
        pattern = f"**/{pattern}"
    parts = re.split(r"(\*\*/|\*)", pattern)
    return re.compile("".join({"**/": "(?:.*/)?", "*": "[^/]*"}.get(part) or re.escape(part) for part in parts), re.DOTALL)
