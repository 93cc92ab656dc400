"""From what single files say to what is in the image: the facts of all cataloguers, joined.

1. A fact counts when its file survives to the top: a package that a later layer removed is not there. A secret counts in any layer.
2. Licences that another file tells are added to their package.
3. A language package in a file that an OS package owns is part of that package, whose distribution answers for it; it is not reported twice.
4. A lockfile names what should be installed. Where at least half of it is, what is installed counts, and the lockfile adds nothing; nor does one
   among installed dependencies, which says what their developers used.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from seawall.build.image.cataloguer import Changelog, Fact, Licensed, Owned, Problem, Secret
from seawall.core.package import Distro, Package
from seawall.core.purl import OS_TYPES, purl_of

INSTALLED_SHARE: Final = 0.5
"""The share of a lockfile's packages that must be found installed for it to be taken as carried out."""

# The files that name the distribution, the best first: derivatives keep their parent's release files, but write an os-release of their own.
_RELEASE_FILES: Final = ("etc/os-release", "usr/lib/os-release", "etc/lsb-release")
_LAST_RELEASE_FILE: Final = "etc/debian_version"


# Where dependencies are kept, each with the lockfile of its own that its developers used.
_OF_DEPENDENCIES: Final = re.compile(
    r"(?:^|/)(?:node_modules|site-packages|dist-packages|vendor|pkg/mod|\.m2|registry/src|gems)/(?!\.package-lock\.json$)"
)


class Found(Struct, frozen=True):
    """A fact, the file it stands in and the layer (digest, and place from 0) that this file came with."""

    fact: Fact
    path: str
    layer: str = ""
    index: int = 0
    installed: bool = True


Placed = tuple[Package, Found]


class FoundSecret(Struct, frozen=True, order=True):
    """A credential in a file of a layer; ``removed`` says that the file is not in the final image, where it can be had all the same."""

    index: int
    path: str
    what: str
    removed: bool


class Catalogue(Struct, frozen=True, kw_only=True):
    """What is in an image or a directory.

    ``changelogs`` has, for each (type, name) of an OS package, the CVE ids that the changelog of its source says are fixed, and in which version.
    """

    packages: tuple[Package, ...]
    distro: Distro | None = None
    changelogs: Mapping[tuple[str, str], Mapping[str, str]] = {}
    problems: tuple[Problem, ...] = ()
    secrets: tuple[FoundSecret, ...] = ()


def join(found: Iterable[Found], survives: Callable[[str, int], bool], canonical: Callable[[str], str] = str) -> Catalogue:
    """What the facts say together. ``survives(path, index)`` tells whether the file of that layer is in the final image, ``canonical(path)``
    where a path leads through links of directories (``lib/x`` to ``usr/lib/x``)."""
    packages: list[Placed] = []
    releases: list[tuple[int, str, Distro]] = []
    licences: dict[tuple[str, str], list[str]] = defaultdict(list)
    changelogs: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    owned: list[Owned] = []
    problems: list[Problem] = []
    secrets: list[FoundSecret] = []
    for item in found:
        is_there = survives(item.path, item.index)
        if isinstance(item.fact, Secret):
            secrets.append(FoundSecret(item.index, item.path, item.fact.what, not is_there))
        if not is_there:
            continue
        match item.fact:
            case Package() as package:
                packages.append((package, item))
            case Distro() as release:
                releases.append((_rank(item.path), item.path, release))
            case Licensed(type, name, names):
                licences[type, name] += names
            case Changelog(type, name, fixes):
                changelogs[type, name].update(fixes)
            case Owned():
                owned.append(item.fact)
            case Problem() as problem:
                problems.append(problem)
    distro = min(releases, key=lambda release: release[:2])[2] if releases else None
    kept = _without_locks(_without_owned(packages, owned, canonical))
    return Catalogue(
        packages=tuple(_whole(kept, licences, distro)),
        distro=distro,
        changelogs=_shared(changelogs, kept),
        problems=tuple(problems),
        secrets=tuple(sorted(secrets)),
    )


def _rank(path: str) -> int:
    if path in _RELEASE_FILES:
        return _RELEASE_FILES.index(path)
    return len(_RELEASE_FILES) + (path == _LAST_RELEASE_FILE)


def _without_owned(packages: Sequence[Placed], owned: Iterable[Owned], canonical: Callable[[str], str]) -> list[Placed]:
    """The packages but those of languages that stand in a file of an OS package."""
    files = {found.path: canonical(found.path) for package, found in packages if package.type not in OS_TYPES}
    # OS packages name files as they were packed; only the few with the right name are worth following through links.
    names = {path.rpartition("/")[2] for path in files.values()}
    taken = {canonical(path) for group in owned for path in group.paths if path.rpartition("/")[2] in names} if files else set()
    return [(package, found) for package, found in packages if package.type in OS_TYPES or files[found.path] not in taken]


def _without_locks(packages: Sequence[Placed]) -> list[Placed]:
    """The packages but those of lockfiles that were carried out."""
    installed: dict[str, set[str]] = defaultdict(set)
    locks: dict[tuple[str, str], set[str]] = defaultdict(set)
    for package, found in packages:
        names = installed[package.type] if found.installed else locks[found.path, package.type]
        names.add(package.name)
    done = {lock for lock, names in locks.items() if len(names & installed[lock[1]]) >= INSTALLED_SHARE * len(names)}
    done |= {lock for lock in locks if _OF_DEPENDENCIES.search(lock[0])}
    return [(package, found) for package, found in packages if found.installed or (found.path, package.type) not in done]


def _whole(packages: Iterable[Placed], licences: Mapping[tuple[str, str], Sequence[str]], distro: Distro | None) -> list[Package]:
    """The packages with all that is known of them, each once, in the order of type, name, version and place."""
    whole: dict[tuple[str, str, str, str, str], Package] = {}
    for package, found in packages:
        placed = replace(
            package,
            path=package.path or found.path,
            layer=found.layer,
            licenses=package.licenses or tuple(dict.fromkeys(licences.get((package.type, package.name), ()))),
        )
        placed = replace(placed, purl=purl_of(placed, distro))
        # A distribution's package is there once, though an old database may stand beside the new one.
        place = "" if placed.type in OS_TYPES else placed.path
        whole.setdefault((placed.type, placed.name, placed.version, place, placed.purl), placed)
    return [whole[key] for key in sorted(whole)]


def _shared(changelogs: Mapping[tuple[str, str], Mapping[str, str]], packages: Iterable[Placed]) -> dict[tuple[str, str], Mapping[str, str]]:
    """The changelogs of all packages: those built from one source have the same, though only one of them carries the file."""
    by_source: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    built_from: dict[tuple[str, str], tuple[str, str, str]] = {}
    for package, _ in packages:
        if package.type in OS_TYPES:
            name, version = (package.source.name, package.source.version) if package.source else (package.name, package.version)
            built_from[package.type, package.name] = (package.type, name, version)
            by_source[package.type, name, version].update(changelogs.get((package.type, package.name), {}))
    return {package: by_source[source] for package, source in built_from.items() if by_source[source]}
