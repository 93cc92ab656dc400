"""``package-lock.json``, ``npm-shrinkwrap.json`` and ``node_modules/.package-lock.json``: npm's lockfile, versions 1 to 3.

Versions 2 and 3 have ``packages``: places (``node_modules/a/node_modules/b``) with what lies there. Version 1 has ``dependencies``, a tree of names
that comes to the same places. A dependency is looked up as node does: in the ``node_modules`` of each directory from its own place upwards.
Links, and places outside ``node_modules``, are the project's own code.

Source: npm's description of package-lock.json.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from seawall.build.image.cataloguer import MAX_PACKAGES_PER_FILE, Cataloguer, Facts, File
from seawall.build.image.cataloguers.javascript_names import IN_A_PACKAGE, NAME, is_local, licenses, npm, origin, unaliased
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_json, string, table
from seawall.core.package import Package

_HIDDEN: Final = "node_modules/.package-lock.json"
MAX_PLACE: Final = 1_000
"""Characters of a place; twenty packages inside one another have 500."""
_REQUIRED: Final = ("requires", "dependencies", "optionalDependencies", "peerDependencies")


def parse(file: File) -> Facts:
    if IN_A_PACKAGE.search(file.path.removesuffix(_HIDDEN)):
        return
    try:
        lock = table(read_json(file.data))
        packages = lock.get("packages")
        places = packages if isinstance(packages, dict) else dict(islice(_places(table(lock.get("dependencies"))), MAX_PACKAGES_PER_FILE))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, _packages({place: table(entry) for place, entry in places.items()}))


def _places(tree: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries of version 1, at their places and without what lies below them."""
    todo = [("", tree)]
    while todo:
        above, dependencies = todo.pop()
        for name, value in dependencies.items():
            entry = table(value)
            place = f"{above}node_modules/{name}"
            if len(place) > MAX_PLACE:
                raise Unreadable(f"a place of more than {MAX_PLACE:,} characters; not read")
            yield place, {key: value for key, value in entry.items() if key != "dependencies"}
            if below := table(entry.get("dependencies")):
                todo.append((f"{place}/", below))


def _packages(places: dict[str, dict[str, Any]]) -> Iterator[Package]:
    known = {place: identity for place, entry in places.items() if (identity := _identity(place, entry))}
    folders: dict[str, dict[str, str]] = defaultdict(dict)  # what lies in the node_modules of a directory, by name
    for place, identity in known.items():
        directory, name = _split(place)
        folders[directory][name] = "@".join(identity)
    for place, (name, version) in known.items():
        entry = places[place]
        wanted = {dependency: None for key in _REQUIRED for dependency in table(entry.get(key))}
        visible = [folders[directory] for directory in _upwards(place) if directory in folders]
        # Not found is what is optional for this platform, and what is the project's own.
        found = (next((folder[dependency] for folder in visible if dependency in folder), "") for dependency in wanted)
        address = string(entry.get("resolved")) or string(entry.get("version"))
        yield npm(
            name,
            version,
            tuple(dict.fromkeys(ref for ref in found if ref and ref != f"{name}@{version}")),
            licenses=licenses(entry),
            qualifiers=origin(address),
            # `devOptional` is needed by a development dependency and by an optional one: perhaps at run time.
            development=entry.get("dev") is True,
        )


def _split(place: str) -> tuple[str, str]:
    """The directory whose ``node_modules`` a place is in, and the name there; both empty for a place in none."""
    directory, inside, name = f"/{place}".rpartition("/node_modules/")
    return (directory.removeprefix("/"), name) if inside else ("", "")


def _upwards(place: str) -> Iterator[str]:
    """The directories whose ``node_modules`` are searched from a place, the nearest first."""
    directory = place
    while directory:
        yield directory
        above, name = _split(directory)
        directory = above if name else directory.rpartition("/")[0]
    yield ""


def _identity(place: str, entry: dict[str, Any]) -> tuple[str, str] | None:
    """The name and version of what lies at a place; the version is empty where only an address is known. ``None`` for the project's own code."""
    _, installed_as = _split(place)
    version = string(entry.get("version"))
    if not installed_as or not version or len(place) > MAX_PLACE or entry.get("link") or is_local(version):
        return None
    name, version = unaliased(string(entry.get("name")) or installed_as, version)
    if ":" in version:  # version 1 has the address here
        version = ""
    return (name, version) if NAME.fullmatch(name) else None


CATALOGUER: Final = Cataloguer("javascript-npm-lock", parse, ("package-lock.json", "npm-shrinkwrap.json", f"**/{_HIDDEN}"), installed=False)
