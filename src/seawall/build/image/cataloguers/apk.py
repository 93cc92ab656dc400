"""Packages that apk installed: Alpine, Wolfi and their like. One stanza of ``letter:value`` lines for each package.

Letters that are read: ``P`` name, ``V`` version, ``A`` architecture, ``L`` licence, ``o`` origin (the source package), ``D`` dependencies, ``p``
what it provides, ``F`` a directory and ``R`` a file in the last of them. Letters matter: ``p`` is not ``P``.

Source: https://wiki.alpinelinux.org/wiki/Apk_spec, apk-tools src/database.c, apk-package(5) for dependencies.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from seawall.build.image.cataloguer import MAX_PACKAGES_PER_FILE, Cataloguer, Facts, File, Owned, Problem
from seawall.core.package import Package, SourcePackage

MAX_OWNED_CHARACTERS: Final = 128 * 2**20
"""Of all file names together. A directory is written once, and stands before each of its files."""

_STANZA_END: Final = re.compile(r"\n\s*\n")
_CONSTRAINT: Final = re.compile(r"[<>=~@]")


class _Entry(Struct, frozen=True):
    package: Package
    needs: tuple[str, ...]
    provides: tuple[str, ...]


def parse(file: File) -> Facts:
    entries: list[_Entry] = []
    room = MAX_OWNED_CHARACTERS
    text = file.data.decode(errors="surrogateescape").replace("\r\n", "\n")
    for stanza in _STANZA_END.split(text):
        lines = [line for line in stanza.split("\n") if line[1:2] == ":"]
        fields = {line[0]: line[2:].strip() for line in lines if line[0] not in "FRMaZ"}
        if not fields.get("P") or not fields.get("V"):
            if stanza.strip():
                yield Problem(file.path, f"no package with name and version: {_clean(stanza.strip()[:60])!r}")
            continue
        if len(entries) >= MAX_PACKAGES_PER_FILE:
            yield Problem(file.path, f"more than {MAX_PACKAGES_PER_FILE} packages; the rest is not read")
            break
        entry = _entry({letter: _clean(value) for letter, value in fields.items()})
        entries.append(entry)
        if room >= 0:
            paths = tuple(_paths(lines, room))
            room -= sum(map(len, paths))
            yield Owned("apk", entry.package.name, paths)
            if room < 0:
                yield Problem(file.path, f"the names of all files are longer than {MAX_OWNED_CHARACTERS} characters; the rest is not read")
    yield from _resolved(entries)


def _clean(text: str) -> str:
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _entry(fields: dict[str, str]) -> _Entry:
    name, version = fields["P"], fields["V"]
    package = Package(
        type="apk",
        name=name,
        version=version,
        arch=fields.get("A", ""),
        licenses=(fields["L"],) if fields.get("L") else (),
        source=SourcePackage(fields.get("o") or name, version),
        ref=name,
    )
    return _Entry(package, tuple(fields.get("D", "").split()), tuple(fields.get("p", "").split()))


def _paths(lines: Iterable[str], room: int) -> Iterator[str]:
    """``F:usr/bin`` and then ``R:env``: ``usr/bin/env``. Stops after more than ``room`` characters."""
    directory = ""
    for line in lines:
        if line[0] == "F":
            directory = f"{line[2:]}/" if line[2:] else ""
        elif line[0] == "R":
            path = f"{directory}{line[2:]}"
            room -= len(path)
            yield path
            if room < 0:
                return


def _resolved(entries: list[_Entry]) -> Iterator[Package]:
    """The packages with what they require: ``so:libc.musl-x86_64.so.1 foo>=1.2 !bar``, where ``!`` is a conflict. Versions are not looked
    at: apk did when it installed."""
    providers: dict[str, str] = {}
    for entry in entries:
        for given in entry.provides:
            providers.setdefault(_CONSTRAINT.split(given, maxsplit=1)[0], entry.package.ref)
    providers.update((entry.package.name, entry.package.ref) for entry in entries)
    for entry in entries:
        wanted = (providers.get(_CONSTRAINT.split(need, maxsplit=1)[0]) for need in entry.needs if not need.startswith("!"))
        yield replace(entry.package, requires=tuple(dict.fromkeys(ref for ref in wanted if ref and ref != entry.package.ref)))


APK = Cataloguer(name="apk", parse=parse, paths=("lib/apk/db/installed", "usr/lib/apk/db/installed"))
