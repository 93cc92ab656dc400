"""``conda-lock.yml``: packages for several platforms, from Conda or from PyPI.

Source: conda-lock's documentation, and its lockfile models, version 1; the purl types ``conda`` and ``pypi``.
"""

from collections.abc import Iterator
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_yaml, string, table, tables
from seawall.core.package import Package

_TYPES: Final = {"conda": "conda", "pip": "pypi"}


def parse(file: File) -> Facts:
    try:
        entries = tables(table(read_yaml(file.data)).get("package"))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, _packages(entries))


def _packages(entries: list[dict[str, Any]]) -> Iterator[Package]:
    refs = {
        (string(entry.get("platform")), string(entry.get("manager")), string(entry.get("name"))): f"{entry.get('name')}@{entry.get('version')}"
        for entry in entries
    }
    for entry in entries:
        platform, manager = string(entry.get("platform")), string(entry.get("manager"))
        needed = (refs.get((platform, manager, name)) for name in table(entry.get("dependencies")))
        yield Package(
            type=_TYPES.get(manager, "conda"),
            name=string(entry.get("name")),
            version=string(entry.get("version")),
            qualifiers={"subdir": platform} if manager == "conda" and platform else {},
            requires=tuple(dict.fromkeys(ref for ref in needed if ref)),
            development=string(entry.get("category")) not in ("", "main"),
        )


CATALOGUER: Final = Cataloguer("conda-lock", parse, ("conda-lock.yml", "conda-lock.yaml"), installed=False)
