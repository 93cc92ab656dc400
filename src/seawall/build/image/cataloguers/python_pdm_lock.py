"""``pdm.lock``, format 4.

Source: PDM's documentation of the lockfile. A package appears once for itself and once for each set of its extras.
"""

from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.python_names import INSTALLED_ELSEWHERE, REQUIREMENT, Locked, pypi
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_toml, string, strings, tables
from seawall.build.image.origin import from_git


def parse(file: File) -> Facts:
    if INSTALLED_ELSEWHERE.search(file.path):
        return
    try:
        packages = tables(read_toml(file.data).get("package"))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    # What has a ``path`` to a directory, or is editable, is the project's own.
    locked = [package for package in packages if not package.get("editable") and not _is_directory(package)]
    known = Locked((string(package.get("name")), string(package.get("version"))) for package in locked)
    yield from distinct(
        file.path,
        (
            pypi(
                string(package.get("name")),
                string(package.get("version")),
                _requires(package, known),
                qualifiers=from_git(string(package.get("git")), string(package.get("revision"))),
                # Other groups than these two may be extras or for development; only the names tell, and only this name is certain.
                development=strings(package.get("groups")) == ["dev"],
            )
            for package in locked
        ),
    )


def _is_directory(package: dict[str, Any]) -> bool:
    path = string(package.get("path"))
    return bool(path) and not path.endswith((".whl", ".tar.gz", ".zip"))


def _requires(package: dict[str, Any], known: Locked) -> tuple[str, ...]:
    """Edges; that of ``name[extra]`` to ``name`` itself is none."""
    own = f"{string(package.get('name'))}@{string(package.get('version'))}"
    matches = (REQUIREMENT.fullmatch(text) for text in strings(package.get("dependencies")))
    refs = known.refs((match["name"], match["rest"].partition(";")[0]) for match in matches if match)
    return tuple(ref for ref in refs if ref != own)


CATALOGUER: Final = Cataloguer("python-pdm-lock", parse, ("pdm.lock",), installed=False)
