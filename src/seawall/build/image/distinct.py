"""The packages of one file, each once: what all cataloguers of lockfiles do last."""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from seawall.build.image.cataloguer import MAX_PACKAGES_PER_FILE, Facts, Problem
from seawall.core.package import Package

MAX_NAME: Final = 1_000
"""Characters of a name or a version; no registry allows more."""

_SEPARATORS: Final = re.compile("[/:]")


def distinct(path: str, packages: Iterable[Package]) -> Facts:
    """``packages`` in the order in which each is first met, told by ``path`` unless they say otherwise.

    What is listed twice is one package: it requires what either does, and is for development only if both say so. Names that cannot be names, and
    everything beyond :data:`MAX_PACKAGES_PER_FILE`, become a :class:`Problem`.
    """
    first: dict[tuple[object, ...], Package] = {}
    requires: dict[tuple[object, ...], dict[str, None]] = {}
    needed: set[tuple[object, ...]] = set()
    odd = 0
    too_many = False
    for package in packages:
        if not _may_be_called(package):
            odd += 1
            continue
        key: tuple[object, ...] = (package.type, package.name, package.version, package.ref, package.path, tuple(sorted(package.qualifiers.items())))
        if key not in first:
            if len(first) == MAX_PACKAGES_PER_FILE:
                too_many = True
                break
            first[key] = package
        requires.setdefault(key, {}).update(dict.fromkeys(package.requires))
        if not package.development:
            needed.add(key)
    for key, package in first.items():
        yield msgspec.structs.replace(package, path=package.path or path, requires=tuple(requires[key]), development=key not in needed)
    if odd:
        yield Problem(path, f"{odd} {'entry has a name' if odd == 1 else 'entries have names'} that no package can have; left out")
    if too_many:
        yield Problem(path, f"more than {MAX_PACKAGES_PER_FILE:,} packages; the rest was not read")


def _may_be_called(package: Package) -> bool:
    """Whether a name and a version can be written as a purl: there is a name after the namespace, and nothing that cannot be printed."""
    last = _SEPARATORS.split(package.name)[-1].strip()
    return bool(last) and len(package.name) <= MAX_NAME and len(package.version) <= MAX_NAME and (package.name + package.version).isprintable()
