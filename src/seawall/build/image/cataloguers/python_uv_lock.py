"""``uv.lock``, versions 1 and later.

Source: uv's documentation of the lockfile, and its own files. Members of the workspace (``editable``, ``virtual``, ``directory``) are the project's
own code, and no packages; what only their development groups lead to is for development.
"""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.python_names import INSTALLED_ELSEWHERE, Locked, pypi
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_toml, string, table, tables
from seawall.build.image.origin import from_git
from seawall.build.image.reachable import reachable

_OWN: Final = ("editable", "virtual", "directory")


def parse(file: File) -> Facts:
    if INSTALLED_ELSEWHERE.search(file.path):
        return
    try:
        packages = tables(read_toml(file.data).get("package"))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    locked = Locked((_name(package), _version(package)) for package in packages)
    edges: dict[str, tuple[str, ...]] = {}
    needed: list[str] = []
    for package in packages:
        requires = locked.refs(_dependencies(package.get("dependencies")))
        extras = locked.refs(pair for extra in table(package.get("optional-dependencies")).values() for pair in _dependencies(extra))
        ref = f"{_name(package)}@{_version(package)}"
        edges[ref] = edges.get(ref, ()) + requires + extras
        if _is_own(package):
            needed.append(ref)
    runtime = reachable(needed, edges)
    own = set(needed)
    yield from distinct(
        file.path,
        (
            pypi(
                _name(package),
                _version(package),
                tuple(ref for ref in dict.fromkeys(edges[f"{_name(package)}@{_version(package)}"]) if ref not in own),
                qualifiers=_origin(table(package.get("source"))),
                development=bool(own) and f"{_name(package)}@{_version(package)}" not in runtime,
            )
            for package in packages
            if not _is_own(package)
        ),
    )


def _name(package: dict[str, Any]) -> str:
    return string(package.get("name"))


def _version(package: dict[str, Any]) -> str:
    return string(package.get("version"))


def _is_own(package: dict[str, Any]) -> bool:
    return any(kind in table(package.get("source")) for kind in _OWN)


def _dependencies(declared: Any) -> Iterable[tuple[str, str]]:
    return ((_name(each), _version(each)) for each in tables(declared))


def _origin(source: dict[str, Any]) -> dict[str, str]:
    """``git = "https://host/repository?tag=v1#commit"``."""
    parts = _split(string(source.get("git")))
    return from_git(urlunsplit((*parts[:3], "", "")), parts.fragment) if parts else {}


def _split(url: str) -> Any:
    try:
        return urlsplit(url) if url else None
    except ValueError:  # a bracket that is no IPv6 address
        return None


CATALOGUER: Final = Cataloguer("python-uv-lock", parse, ("uv.lock",), installed=False)
