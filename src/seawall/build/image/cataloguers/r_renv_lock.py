"""``renv.lock``: the packages of an R project, with where each is from.

``Requirements`` (until renv 1.1) or the fields of the package's own description say what it needs.

Source: renv's documentation, "The lockfile format"; the purl types ``cran`` and ``bioconductor``.
"""

from collections.abc import Iterator
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.r_description import names, repository_type
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_json, string, strings, table
from seawall.build.image.origin import from_git
from seawall.core.package import Package

_NEEDED: Final = ("Requirements", "Depends", "Imports", "LinkingTo")
_HOSTS: Final = {"GitHub": "https://github.com", "GitLab": "https://gitlab.com", "Bitbucket": "https://bitbucket.org"}


def parse(file: File) -> Facts:
    try:
        packages = table(table(read_json(file.data)).get("Packages"))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, _packages({key: table(entry) for key, entry in packages.items()}))


def _packages(entries: dict[str, dict[str, Any]]) -> Iterator[Package]:
    entries = {string(entry.get("Package")) or key: entry for key, entry in entries.items() if entry.get("Source") not in ("Local", "unknown")}
    for name, entry in entries.items():
        needed = dict.fromkeys(other for key in _NEEDED for other in names(_texts(entry.get(key))) if other in entries and other != name)
        yield Package(
            type=repository_type({key: string(entry.get(key)) for key in ("Source", "Repository", "git_url", "RemoteRepos")}),
            name=name,
            version=string(entry.get("Version")),
            qualifiers=_origin(entry),
            requires=tuple(f"{other}@{string(entries[other].get('Version'))}" for other in needed),
        )


def _texts(value: Any) -> list[str]:
    """A list, or one text with commas."""
    return [value] if isinstance(value, str) else strings(value)


def _origin(entry: dict[str, Any]) -> dict[str, str]:
    host = _HOSTS.get(string(entry.get("Source")), "")
    user, repository, commit = (string(entry.get(f"Remote{part}")) for part in ("Username", "Repo", "Sha"))
    address = string(entry.get("RemoteUrl")) if entry.get("Source") == "Git" else f"{host}/{user}/{repository}" if host and user else ""
    return from_git(address, commit)


CATALOGUER: Final = Cataloguer("r-renv-lock", parse, ("renv.lock",), installed=False)
