"""``Package.resolved`` of the Swift package manager, versions 1 to 3.

A package is its repository: ``https://github.com/apple/swift-nio.git`` is called ``github.com/apple/swift-nio``. One of a registry is called by its
identity (``mona.LinkedList``). A pin to a branch or a commit has no version. Who needs whom is not told.

Source: the Swift package manager's PinsStore and proposal SE-0292; the purl type ``swift``.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_json, string, table, tables
from seawall.build.image.origin import from_git
from seawall.core.package import Package

_ADDRESS: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?([^/:@]+)(?::\d+(?=/))?[:/]+(.+?)(?:\.git)?/?", re.IGNORECASE)


def parse(file: File) -> Facts:
    try:
        document = table(read_json(file.data))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    pins = tables(document.get("pins")) or tables(table(document.get("object")).get("pins"))
    yield from distinct(file.path, (package for pin in pins for package in _packages(pin)))


def _packages(pin: dict[str, Any]) -> Iterator[Package]:
    kind = string(pin.get("kind"))
    if kind in ("localSourceControl", "fileSystem"):
        return
    address = string(pin.get("location")) or string(pin.get("repositoryURL"))
    state = table(pin.get("state"))
    version = string(state.get("version"))
    name = string(pin.get("identity")) if kind == "registry" else _name(address)
    if name:
        yield Package(type="swift", name=name, version=version, qualifiers={} if version else from_git(address, string(state.get("revision"))))


def _name(address: str) -> str:
    """Host and path; nothing for a directory of this machine."""
    if address.startswith(("/", ".", "file:")) or len(address) > 1_000:
        return ""
    match = _ADDRESS.fullmatch(address)
    return f"{match[1].lower()}/{match[2]}" if match else ""


CATALOGUER: Final = Cataloguer("swift-package-resolved", parse, ("Package.resolved",), installed=False)
