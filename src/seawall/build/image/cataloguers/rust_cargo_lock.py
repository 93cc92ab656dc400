"""``Cargo.lock``, versions 1 to 4.

A dependency is ``name``, ``name version`` or ``name version (source)``: as much as it takes to tell. Packages without a source are the project's own.

Source: the Cargo book, and Cargo's description of its lockfile's encodings.
"""

import re
from collections import defaultdict
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_toml, string, strings, tables
from seawall.build.image.origin import from_git
from seawall.core.package import Package

_NOT_IN_FORCE: Final = re.compile(r"(?:^|/)(?:registry/src|git/checkouts)/")
"""Cargo's cache has the lockfile of every crate that was published with one."""


def parse(file: File) -> Facts:
    if _NOT_IN_FORCE.search(file.path):
        return
    try:
        packages = [package for package in tables(read_toml(file.data).get("package")) if string(package.get("source"))]
    except Unreadable as error:
        yield error.problem(file.path)
        return
    versions: dict[str, dict[str, None]] = defaultdict(dict)
    for package in packages:
        versions[string(package.get("name"))][string(package.get("version"))] = None
    yield from distinct(
        file.path,
        (
            Package(
                type="cargo",
                name=string(package.get("name")),
                version=string(package.get("version")),
                requires=tuple(dict.fromkeys(ref for text in strings(package.get("dependencies")) if (ref := _ref(text, versions)))),
                qualifiers=_origin(package),
            )
            for package in packages
        ),
    )


def _ref(dependency: str, versions: dict[str, dict[str, None]]) -> str:
    name, _, rest = dependency.partition(" ")
    version = rest.partition(" ")[0]
    known = versions.get(name, {})
    if not version and len(known) == 1:
        version = next(iter(known))
    return f"{name}@{version}" if version in known else ""


def _origin(package: dict[str, Any]) -> dict[str, str]:
    """``git+https://host/repository?branch=main#commit``."""
    source = string(package.get("source"))
    if not source.startswith("git+"):
        return {}
    address, _, commit = source.partition("#")
    return from_git(address.partition("?")[0], commit)


CATALOGUER: Final = Cataloguer("rust-cargo-lock", parse, ("Cargo.lock",), installed=False)
