"""``gradle.lockfile``, ``buildscript-gradle.lockfile`` and the older ``gradle/dependency-locks/CONFIGURATION.lockfile``.

Source: "Locking Versions" of the Gradle user manual: ``group:artifact:version=configuration,configuration``; in the older files the name of the file
is the configuration.
"""

import re
from collections.abc import Iterator
from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.java_pom import maven
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import MAX_LINES_BYTES, Unreadable, text_of
from seawall.core.package import Package

_ENTRY: Final = re.compile(r"([^\s:=]+):([^\s:=]+):([^\s:=]+)(?:=(\S*))?")
_TEST: Final = re.compile(r"^test[A-Z]|[a-z0-9]Test[A-Z]")


def parse(file: File) -> Facts:
    try:
        text = text_of(file.data, MAX_LINES_BYTES)
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, _packages(file.path.rpartition("/")[2], text))


def _packages(name: str, text: str) -> Iterator[Package]:
    for line in text.splitlines():
        if match := _ENTRY.fullmatch(line.strip()):
            group, artifact, version, given = match.groups()
            configurations = given.split(",") if given else [name.removesuffix(".lockfile")]
            yield maven(group, artifact, version, development=name.startswith("buildscript-") or all(map(_TEST.search, configurations)))


CATALOGUER: Final = Cataloguer("java-gradle-lockfile", parse, ("*gradle.lockfile", "**/gradle/dependency-locks/*.lockfile"), installed=False)
