"""``pnpm-lock.yaml``, versions 5, 6 and 9.

Packages have keys that grew shorter: ``/name/1.0.0_peer@2.0.0`` (5), ``/name@1.0.0(peer@2.0.0)`` (6), ``name@1.0.0`` (9, where edges moved to
``snapshots`` with keys as ``name@1.0.0(peer@2.0.0)``). A dependency is a name with a version, or with the key of what it is an alias for. Up to 6
``dev: true`` marks what is for development; in 9 it is what only ``devDependencies`` lead to.

Source: pnpm's own lockfile types and the ``dependency-path`` package that reads its keys.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Problem
from seawall.build.image.cataloguers.javascript_names import IN_A_PACKAGE, NAME, is_local, npm, origin, split_spec
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_yaml, string, table
from seawall.build.image.reachable import reachable
from seawall.core.package import Package


def parse(file: File) -> Facts:
    if IN_A_PACKAGE.search(file.path):
        return
    try:
        lock = table(read_yaml(file.data))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    version = re.match(r"\d+", string(lock.get("lockfileVersion")))
    if version is None:
        yield Problem(file.path, "not a pnpm lockfile: it has no lockfileVersion")
        return
    yield from distinct(file.path, _packages(lock, int(version[0][:9])))


def _packages(lock: dict[str, Any], version: int) -> Iterator[Package]:
    entries = {key: table(entry) for key, entry in table(lock.get("packages")).items()}
    snapshots = {key: table(entry) for key, entry in table(lock.get("snapshots")).items()} if version >= 9 else entries
    identities = {}
    for key in snapshots:
        entry = entries.get(_without_peers(key) if version >= 9 else key, {})
        if identity := _identity(key, entry, version):
            identities[key] = (*identity, entry)
    edges = {key: _edges(entry, version, identities) for key, entry in snapshots.items() if key in identities}
    runtime = reachable(_roots(lock, version, identities), edges) if version >= 9 else set()
    for key, (name, number, entry) in identities.items():
        requires = (f"{identities[other][0]}@{identities[other][1]}" for other in edges[key])
        resolution = table(entry.get("resolution"))
        repository, tarball = string(resolution.get("repo")), string(resolution.get("tarball"))
        yield npm(
            name,
            number,
            tuple(ref for ref in dict.fromkeys(requires) if ref != f"{name}@{number}"),
            qualifiers=origin(f"git+{repository}#{string(resolution.get('commit'))}" if repository else tarball),
            development=key not in runtime if version >= 9 else entry.get("dev") == "true",
        )


def _identity(key: str, entry: dict[str, Any], version: int) -> tuple[str, str] | None:
    """The name and version of a key; those of packages from elsewhere than a registry are written in the entry. ``None`` for local directories."""
    if is_local(key) or is_local(split_spec(key)[1]):
        return None
    name, number = _named(key, version)
    name, number = string(entry.get("name")) or name, string(entry.get("version")) or number
    if not NAME.fullmatch(name):
        return None
    return name, number if re.match(r"\d", number) else ""


def _named(key: str, version: int) -> tuple[str, str]:
    if version >= 9:
        return split_spec(_without_peers(key))
    # Before the first slash is the registry's host, where it is not the default one.
    path = key.partition("/")[2]
    if version >= 6:
        return split_spec(_without_peers(path))
    parts = path.split("/")
    size = 2 if path.startswith("@") else 1
    return "/".join(parts[:size]), parts[size].partition("_")[0] if len(parts) > size else ""


def _without_peers(key: str) -> str:
    return key.partition("(")[0]


def _edges(entry: dict[str, Any], version: int, known: dict[str, Any]) -> list[str]:
    """The keys that the dependencies of a package, or of a project, mean."""
    found: dict[str, None] = {}
    for kind in ("dependencies", "optionalDependencies"):
        for name, value in table(entry.get(kind)).items():
            wanted = string(value) or string(table(value).get("version"))
            candidates = [wanted, f"{name}@{wanted}"] if version >= 9 else [wanted, f"/{name}@{wanted}" if version >= 6 else f"/{name}/{wanted}"]
            found.update({key: None for key in candidates if key in known})
    return list(found)


def _roots(lock: dict[str, Any], version: int, known: dict[str, Any]) -> list[str]:
    projects = list(table(lock.get("importers")).values()) or [lock]
    return [key for project in projects for key in _edges(table(project), version, known)]


CATALOGUER: Final = Cataloguer("javascript-pnpm-lock", parse, ("pnpm-lock.yaml",), installed=False)
