"""``conan.lock`` of Conan 1 (a graph of nodes) and Conan 2 (three lists without edges).

A reference is ``name/version@user/channel#recipe-revision%time:package-id#package-revision``, most of it optional; ``user`` and ``channel`` are
``_`` where there is none. What a recipe needs to build, or to be read at all, is marked as development.

Source: Conan's documentation, "Lockfiles" (1.x and 2), and its RecipeReference; the purl type ``conan``.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, items, read_json, string, strings, table
from seawall.core.package import Package

_REFERENCE: Final = re.compile(r"([^\s/@#:%]+)/([^\s/@#:%]+)(?:@(?:([^\s/@#:%]+)/([^\s/@#:%]+))?)?(?:[#:%]\S*)?")


def parse(file: File) -> Facts:
    try:
        lock = table(read_json(file.data))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    graph = table(table(lock.get("graph_lock")).get("nodes"))
    yield from distinct(file.path, _of_graph(graph) if graph else _of_lists(lock))


def _of_graph(nodes: dict[str, Any]) -> Iterator[Package]:
    # A node with a path is a recipe of the project's own.
    entries = {key: entry for key, value in nodes.items() if not string((entry := table(value)).get("path"))}
    known = {
        key: _package(reference, entry.get("context") == "build")
        for key, entry in entries.items()
        if "/" in (reference := string(entry.get("ref")) or string(entry.get("pref")))  # else it is the project's conanfile.txt
    }
    refs = {key: f"{package.name}@{package.version}" for key, package in known.items()}
    for key, package in known.items():
        needed = dict.fromkeys(refs[other] for other in strings(entries[key].get("requires")) if other in refs)
        yield Package(
            type="conan",
            name=package.name,
            version=package.version,
            qualifiers=package.qualifiers,
            requires=tuple(needed),
            development=package.development,
        )


def _of_lists(lock: dict[str, Any]) -> Iterator[Package]:
    for key in ("requires", "build_requires", "python_requires"):
        for item in items(lock.get(key)):
            # With ``--lockfile-packages`` an item is a pair: the reference, and its packages.
            reference = item if isinstance(item, str) else next(iter(strings(item)), "")
            yield _package(reference, development=key != "requires")


def _package(reference: str, development: bool) -> Package:
    """Without a name, where the reference is none."""
    match = _REFERENCE.fullmatch(reference)
    name, version, user, channel = match.groups() if match else ("", "", "", "")
    qualifiers = {key: value for key, value in (("user", user), ("channel", channel)) if value and value != "_"}
    return Package(type="conan", name=name, version=version, qualifiers=qualifiers, development=development)


CATALOGUER: Final = Cataloguer("conan-lock", parse, ("conan.lock",), installed=False)
