"""``bun.lock``, Bun's text lockfile: JSON with commas after the last items.

``packages`` has a list for each place: ``"a/b"`` is the ``b`` in the ``node_modules`` of ``a``. The first item is ``name@version`` or an address, and
a table further on has the dependencies.

Source: Bun's documentation of its lockfile, and its own files.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.javascript_names import IN_A_PACKAGE, NAME, is_local, npm, origin, split_spec
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, items, read_json_with_comments, string, table
from seawall.build.image.reachable import reachable
from seawall.core.package import Package

MAX_PLACE: Final = 1_000
_RUNTIME: Final = ("dependencies", "optionalDependencies", "peerDependencies")


def parse(file: File) -> Facts:
    if IN_A_PACKAGE.search(file.path):
        return
    try:
        lock = table(read_json_with_comments(file.data))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, _packages(lock))


def _packages(lock: dict[str, Any]) -> Iterator[Package]:
    entries = {place: items(value) for place, value in table(lock.get("packages")).items() if len(place) <= MAX_PLACE}
    specs = {place: split_spec(string(entry[0])) for place, entry in entries.items() if entry}
    folders: dict[str, dict[str, str]] = defaultdict(dict)  # for each place the names that lie below it, and their places
    for place in specs:
        above = _above(place)
        folders[above][place[len(above) :].removeprefix("/")] = place
    edges = {place: _edges(place, next(iter(filter(None, map(table, entry))), {}), folders) for place, entry in entries.items()}
    projects = [_edges(string(table(project).get("name"))[:MAX_PLACE], table(project), folders) for project in table(lock.get("workspaces")).values()]
    runtime = reachable((place for project in projects for place in project), edges)
    for place, (name, version) in specs.items():
        if not NAME.fullmatch(name) or is_local(version) or version == "root:":
            continue
        is_address = ":" in version
        yield npm(
            name,
            "" if is_address else version,
            tuple(ref for ref in dict.fromkeys(_ref(specs[other]) for other in edges[place]) if ref),
            qualifiers=origin(version) if is_address else {},
            development=place not in runtime,
        )


def _ref(spec: tuple[str, str]) -> str:
    name, version = spec
    return "" if is_local(version) else f"{name}@{'' if ':' in version else version}"


def _edges(place: str, declared: dict[str, Any], folders: dict[str, dict[str, str]]) -> list[str]:
    """The places of what is declared: below its own place, or else below the one above, and so on up to the top."""
    visible = []
    above = place
    while above:
        visible.append(folders.get(above, {}))
        above = _above(above)
    visible.append(folders.get("", {}))
    names = dict.fromkeys(name for kind in _RUNTIME for name in table(declared.get(kind)))
    found = (next((folder[name] for folder in visible if name in folder), "") for name in names)
    return [place for place in found if place]


def _above(place: str) -> str:
    """``a/@scope/b`` lies in ``a``."""
    above = place.rpartition("/")[0]
    further, _, scope = above.rpartition("/")
    return further if scope.startswith("@") else above


CATALOGUER: Final = Cataloguer("javascript-bun-lock", parse, ("bun.lock",), installed=False)
