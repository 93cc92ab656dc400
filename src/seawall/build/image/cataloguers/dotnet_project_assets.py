"""``obj/project.assets.json``: what NuGet restored for a project, one target for each framework and runtime.

Source: NuGet's documentation, "Package restore", and its LockFileFormat.
"""

from collections.abc import Iterator
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.dotnet_names import Names, nuget, split
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_json, table
from seawall.core.package import Package


def parse(file: File) -> Facts:
    try:
        targets = table(table(read_json(file.data)).get("targets"))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, (package for target in targets.values() for package in _packages(table(target))))


def _packages(target: dict[str, Any]) -> Iterator[Package]:
    libraries = {split(library): table(entry) for library, entry in target.items() if table(entry).get("type") == "package"}
    names = Names(libraries)
    for (name, version), entry in libraries.items():
        yield nuget(name, version, names.refs(table(entry.get("dependencies"))))


CATALOGUER: Final = Cataloguer("dotnet-project-assets", parse, ("project.assets.json",), installed=False)
