"""``Manifest.toml`` of Julia, formats 1 and 2.

Packages of the standard library have no version but Julia's own, and are part of it; one with a ``path`` is the project's own. Names are not
unique in Julia: the ``uuid`` tells, and it is the purl's qualifier.

Source: Pkg.jl's documentation, "Project.toml and Manifest.toml"; the purl type ``julia``.
"""

from collections.abc import Iterator
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_toml, string, strings, table, tables
from seawall.build.image.origin import from_git
from seawall.core.package import Package


def parse(file: File) -> Facts:
    try:
        manifest = read_toml(file.data)
    except Unreadable as error:
        yield error.problem(file.path)
        return
    entries = [
        (name, entry)
        for name, group in (table(manifest.get("deps")) if "manifest_format" in manifest else manifest).items()
        for entry in tables(group)
        if string(entry.get("uuid")) and string(entry.get("version")) and "path" not in entry
    ]
    yield from distinct(file.path, _packages(entries))


def _packages(entries: list[tuple[str, dict[str, Any]]]) -> Iterator[Package]:
    by_uuid = {string(entry["uuid"]): string(entry["uuid"]) for _, entry in entries}
    by_name = {name: string(entry["uuid"]) for name, entry in entries}
    for name, entry in entries:
        declared = entry.get("deps")
        # A table names the uuid of each, a list only the names, where these are clear.
        needed = [by_uuid.get(string(uuid)) for uuid in declared.values()] if isinstance(declared, dict) else [*map(by_name.get, strings(declared))]
        uuid = string(entry["uuid"])
        yield Package(
            type="julia",
            name=name,
            version=string(entry["version"]),
            qualifiers={"uuid": uuid} | from_git(string(entry.get("repo-url")), string(entry.get("git-tree-sha1"))),
            ref=uuid,
            requires=tuple(dict.fromkeys(ref for ref in needed if ref and ref != uuid)),
        )


CATALOGUER: Final = Cataloguer("julia-manifest", parse, ("Manifest.toml", "JuliaManifest.toml"), installed=False)
