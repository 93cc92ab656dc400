"""What the JavaScript formats share: names and ranges in one text, aliases, licences, and where a lockfile is in force."""

import re
from collections.abc import Mapping
from typing import Any, Final

from seawall.build.image.documents import items, string, table
from seawall.build.image.origin import from_git
from seawall.core.package import Package

IN_A_PACKAGE: Final = re.compile(r"(?:^|/)node_modules/")
"""Below it lie the files of installed packages; a lockfile that one of them brings along is not in force."""

NAME: Final = re.compile(r"(?:@[^/@\s]+/)?[^/@\s.][^/@\s]*")
"""A package name, as far as it must be told from paths and addresses."""

_GIT: Final = re.compile(r"git[+:@]|(?:github|gitlab|bitbucket):|(?:https?|ssh)://\S+\.git(?:#|$)")
_TARBALL: Final = re.compile(r"https://codeload\.github\.com/([^/\s]+/[^/\s]+)/tar\.gz/([^/\s#]+)")


def split_spec(spec: str) -> tuple[str, str]:
    """``@scope/name@^1.0`` to its name and what follows the ``@`` behind it."""
    at = spec.find("@", 1)
    return (spec, "") if at < 0 else (spec[:at], spec[at + 1 :])


def unaliased(name: str, wanted: str) -> tuple[str, str]:
    """What a dependency really names: ``string-width-cjs``, ``npm:string-width@^4.2.0`` is ``string-width``, ``^4.2.0``."""
    if not wanted.startswith("npm:"):
        return name, wanted
    rest = wanted.removeprefix("npm:")
    real, version = split_spec(rest)
    return (real, version) if version and NAME.fullmatch(real) else (name, rest)


def is_local(address: str) -> bool:
    """Whether it is the project's own code."""
    return address.startswith(("file:", "link:", "portal:", "workspace:", "./", "../"))


def origin(address: str) -> dict[str, str]:
    """The purl qualifiers of a package that came from a git repository."""
    if tarball := _TARBALL.match(address):
        return from_git(f"https://github.com/{tarball[1]}", tarball[2])
    if not _GIT.match(address):
        return {}
    url, _, commit = address.partition("#")
    return from_git(url, commit.removeprefix("commit="))


def licenses(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """``license`` is an SPDX expression; before npm 2 it, or ``licenses``, held tables with ``type``. Source: npm's description of package.json."""
    declared = [manifest.get("license"), *items(manifest.get("licenses"))]
    names = [string(each) or string(table(each).get("type")) for each in declared]
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def npm(
    name: str,
    version: str,
    requires: tuple[str, ...] = (),
    *,
    licenses: tuple[str, ...] = (),
    qualifiers: Mapping[str, str] | None = None,
    development: bool = False,
) -> Package:
    return Package(type="npm", name=name, version=version, requires=requires, licenses=licenses, qualifiers=qualifiers or {}, development=development)
