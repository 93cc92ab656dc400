"""``pylock.toml``, the lockfile that all tools share.

Source: the pylock.toml specification (PEP 751).
"""

import re
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
        lock = read_toml(file.data)
    except Unreadable as error:
        yield error.problem(file.path)
        return
    packages = [package for package in tables(lock.get("packages")) if "directory" not in package]
    default = strings(lock.get("default-groups"))
    known = Locked((string(package.get("name")), string(package.get("version"))) for package in packages)
    yield from distinct(
        file.path,
        (
            pypi(
                string(package.get("name")),
                string(package.get("version")),
                known.refs((string(each.get("name")), string(each.get("version"))) for each in tables(package.get("dependencies"))),
                qualifiers=_origin(table(package.get("vcs"))),
                development=_development(string(package.get("marker")), default),
            )
            for package in packages
        ),
    )


def _origin(vcs: dict[str, Any]) -> dict[str, str]:
    return from_git(string(vcs.get("url")), string(vcs.get("commit-id"))) if vcs.get("type") == "git" else {}


_GROUP: Final = re.compile(r"""\s*\(?\s*(?:(["'])([^"']*)\1\s+in\s+dependency_groups)\s*\)?\s*""")


def _development(marker: str, default: list[str]) -> bool:
    """Whether it is only installed when a dependency group is asked for that is not installed by default."""
    groups = [_GROUP.fullmatch(part) for part in re.split(r"\bor\b", marker)]
    return all(group is not None and group[2] not in default for group in groups)


CATALOGUER: Final = Cataloguer("python-pylock", parse, ("pylock.toml", "pylock.*.toml"), installed=False)
