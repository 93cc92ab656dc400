"""``pubspec.lock``: what pub chose. Packages of an SDK (``flutter``) and of a local directory are not taken from anywhere, and left out.

Who needs whom is not told; only what the project itself needs for development is marked so.

Source: Dart's documentation, "Package dependencies", and pub's LockFile; the purl type ``pub``.
"""

from collections.abc import Iterator
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_yaml, string, table
from seawall.build.image.origin import from_git
from seawall.core.package import Package


def parse(file: File) -> Facts:
    try:
        packages = table(table(read_yaml(file.data)).get("packages"))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, _packages(packages))


def _packages(packages: dict[str, Any]) -> Iterator[Package]:
    for key, value in packages.items():
        entry = table(value)
        description = table(entry.get("description"))
        source = string(entry.get("source"))
        if source in ("sdk", "path"):
            continue
        yield Package(
            type="pub",
            name=string(description.get("name")) or key,
            version=string(entry.get("version")),
            qualifiers=from_git(string(description.get("url")), string(description.get("resolved-ref"))) if source == "git" else {},
            development=entry.get("dependency") == "direct dev",
        )


CATALOGUER: Final = Cataloguer("dart-pubspec-lock", parse, ("pubspec.lock",), installed=False)
