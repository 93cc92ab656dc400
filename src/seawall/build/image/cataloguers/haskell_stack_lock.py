"""``stack.yaml.lock``: the packages beside a snapshot, as Stack completed them.

    - completed:
        hackage: fuzzyset-0.2.4@sha256:f1b6de8b...,1618

Packages of the snapshot itself are not in the file. One from a repository or an archive has ``name`` and ``version`` of its own.

Source: Stack's documentation, "Lock files" and "Package location"; the purl type ``hackage``.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_yaml, string, table, tables
from seawall.build.image.origin import from_git
from seawall.core.package import Package

_HACKAGE: Final = re.compile(r"([A-Za-z0-9]+(?:-[A-Za-z0-9]+)*)-([0-9]+(?:\.[0-9]+)*)(?:@.*)?")


def parse(file: File) -> Facts:
    try:
        lock = table(read_yaml(file.data))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, (package for entry in tables(lock.get("packages")) for package in _packages(table(entry.get("completed")))))


def _packages(completed: dict[str, Any]) -> Iterator[Package]:
    if match := _HACKAGE.fullmatch(string(completed.get("hackage"))):
        yield Package(type="hackage", name=match[1], version=match[2])
    else:
        name = string(completed.get("name"))
        origin = from_git(string(completed.get("git")), string(completed.get("commit")))
        yield Package(type="hackage", name=name, version=string(completed.get("version")), qualifiers=origin)


CATALOGUER: Final = Cataloguer("haskell-stack-lock", parse, ("stack.yaml.lock",), installed=False)
