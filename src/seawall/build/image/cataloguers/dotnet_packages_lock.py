"""``packages.lock.json`` of NuGet: for each framework the packages with their exact versions. What is a ``Project`` is the solution's own.

Source: NuGet's documentation, "Locking dependencies".
"""

from collections.abc import Iterator
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.dotnet_names import Names, nuget
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_json, string, table
from seawall.core.package import Package


def parse(file: File) -> Facts:
    try:
        frameworks = table(table(read_json(file.data)).get("dependencies"))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, (package for framework in frameworks.values() for package in _packages(table(framework))))


def _packages(framework: dict[str, Any]) -> Iterator[Package]:
    entries = {name: table(entry) for name, entry in framework.items() if string(table(entry).get("resolved"))}
    entries = {name: entry for name, entry in entries.items() if entry.get("type") != "Project"}
    names = Names((name, string(entry["resolved"])) for name, entry in entries.items())
    for name, entry in entries.items():
        yield nuget(name, string(entry["resolved"]), names.refs(table(entry.get("dependencies"))))


CATALOGUER: Final = Cataloguer("dotnet-packages-lock", parse, ("packages.lock.json",), installed=False)
