"""``poetry.lock`` of Poetry 1 and 2.

Source: Poetry's own file (there is no specification); the ``category`` of packages was written until 1.4, ``groups`` are since 2.0.
"""

from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.python_names import INSTALLED_ELSEWHERE, Locked, pypi
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_toml, string, strings, table, tables
from seawall.build.image.origin import from_git


def parse(file: File) -> Facts:
    if INSTALLED_ELSEWHERE.search(file.path):
        return
    try:
        packages = tables(read_toml(file.data).get("package"))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    # What lies in a directory is the project's own, whatever its name is elsewhere.
    locked = [package for package in packages if string(table(package.get("source")).get("type")) != "directory"]
    known = Locked((string(package.get("name")), string(package.get("version"))) for package in locked)
    yield from distinct(
        file.path,
        (
            pypi(
                string(package.get("name")),
                string(package.get("version")),
                known.refs(_dependencies(table(package.get("dependencies")))),
                qualifiers=_origin(table(package.get("source"))),
                development=_development(package),
            )
            for package in locked
        ),
    )


def _dependencies(declared: dict[str, Any]) -> list[tuple[str, str]]:
    """A dependency is a range, or a table, or a list of tables for different platforms; ``optional`` ones belong to an extra."""
    found = []
    for name, value in declared.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str):
                found.append((name, each))
            elif not table(each).get("optional"):
                found.append((name, string(table(each).get("version"))))
    return found


def _origin(source: dict[str, Any]) -> dict[str, str]:
    if source.get("type") != "git":
        return {}
    return from_git(string(source.get("url")), string(source.get("resolved_reference")))


def _development(package: dict[str, Any]) -> bool:
    """All groups but ``main`` are needed only in development."""
    groups = strings(package.get("groups")) or strings([package.get("category")])
    return bool(groups) and "main" not in groups


CATALOGUER: Final = Cataloguer("python-poetry-lock", parse, ("poetry.lock",), installed=False)
