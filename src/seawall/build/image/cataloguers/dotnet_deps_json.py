"""``*.deps.json``: what lies beside a .NET application, and beside the shared framework itself.

``libraries`` says what is a package; the target named by ``runtimeTarget`` says which files each brings. A package that brings none there (a
collection of others, or one that the framework has replaced) has no code that could run, and is left out. A ``runtimepack`` is .NET itself inside a
self-contained application: the package whose name follows ``runtimepack.``.

Source: the .NET documentation, "Runtime configuration files" (runtime-configuration-file.md in dotnet/cli).
"""

from collections.abc import Iterator
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.dotnet_names import Names, nuget, split
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_json, string, table
from seawall.core.package import Package

_RUNTIME_PACK: Final = "runtimepack."
_FILES: Final = ("runtime", "runtimeTargets", "native", "resources")


def parse(file: File) -> Facts:
    try:
        document = table(read_json(file.data))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, _packages(document))


def _packages(document: dict[str, Any]) -> Iterator[Package]:
    targets = table(document.get("targets"))
    runtime = document.get("runtimeTarget")
    chosen = string(table(runtime).get("name")) or string(runtime)  # a text before .NET Core 1.0
    target = {library: table(entry) for library, entry in table(targets.get(chosen)).items()}
    libraries = {
        library: string(table(entry).get("type"))
        for library, entry in table(document.get("libraries")).items()
        if table(entry).get("type") in ("package", "runtimepack")
    }
    # A library that the target does not speak of is not known to be without files.
    kept = {library: _identity(library, kind) for library, kind in libraries.items() if library not in target or _has_files(target[library])}
    names = Names(kept.values())
    for library, (name, version) in kept.items():
        yield nuget(name, version, names.refs(table(target.get(library, {}).get("dependencies"))))


def _identity(library: str, kind: str) -> tuple[str, str]:
    name, version = split(library)
    return (name.removeprefix(_RUNTIME_PACK) if kind == "runtimepack" else name), version


def _has_files(entry: dict[str, Any]) -> bool:
    return any(table(entry.get(key)) for key in _FILES)


CATALOGUER: Final = Cataloguer("dotnet-deps-json", parse, ("*.deps.json",))
