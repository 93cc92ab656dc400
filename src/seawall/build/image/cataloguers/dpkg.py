"""Packages that dpkg or opkg installed: ``/var/lib/dpkg/status``, and ``status.d``, which distroless images have instead.

Whether files of a package are there is said by the third word of ``Status``: in all states but ``not-installed`` and ``config-files`` they are, or
may be in part. Files without ``Status`` were written by an image builder, and tell of what is there.

Source: dpkg(1) "Package states", deb-control(5), Debian policy chapter 7 for dependencies; opkg keeps the same format.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from msgspec import Struct

from seawall.build.image.cataloguer import MAX_PACKAGES_PER_FILE, Cataloguer, Facts, File, Owned, Problem
from seawall.core.package import Package, SourcePackage

_STANZA_END: Final = re.compile(r"\n\s*\n")
_FIELDS: Final = ("package", "status", "version", "architecture", "source", "depends", "pre-depends", "provides")
_FIELD: Final = re.compile(rf"^({'|'.join(_FIELDS)})[ \t]*:[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE | re.IGNORECASE)
_ABSENT: Final = frozenset({"not-installed", "config-files"})
_SOURCE: Final = re.compile(r"(\S+)(?:\s*\(([^)\s]*)\))?")
_NAME: Final = re.compile(r"\s*([^\s:(\[<]+)(?::([^\s(\[<]+))?")
_MD5_DIGITS: Final = 32


class _Entry(Struct, frozen=True):
    """A package as its stanza says, before it is known what its dependencies mean."""

    name: str
    version: str
    arch: str
    source: SourcePackage
    needs: str
    provides: str

    @property
    def ref(self) -> str:
        return f"{self.name}:{self.arch}" if self.arch else self.name


def parse(file: File, kind: str = "deb") -> Facts:
    if file.path.endswith(".md5sums"):
        yield from _md5sums(file)
        return
    entries: dict[str, _Entry] = {}
    for entry in _entries(file):
        if isinstance(entry, Problem):
            yield entry
        else:
            entries.setdefault(entry.ref, entry)
        if len(entries) >= MAX_PACKAGES_PER_FILE:
            yield Problem(file.path, f"more than {MAX_PACKAGES_PER_FILE} packages; the rest is not read")
            break
    solve = _Dependencies(entries.values()).of
    for ref, entry in entries.items():
        yield Package(type=kind, name=entry.name, version=entry.version, arch=entry.arch, source=entry.source, ref=ref, requires=solve(entry))


def _entries(file: File) -> Iterator[_Entry | Problem]:
    text = file.data.decode(errors="replace").replace("\r\n", "\n")
    for stanza in _STANZA_END.split(text):
        fields = {name.lower(): value.strip() for name, value in _FIELD.findall(stanza)}
        if not fields:
            if stanza.strip():
                yield Problem(file.path, f"no package: {stanza.strip()[:60]!r}")
            continue
        if fields.get("status", "installed").split()[-1:] in ([state] for state in _ABSENT):
            continue
        name, version = fields.get("package", ""), fields.get("version", "")
        if not name or not version:
            yield Problem(file.path, f"package {name or '?'!r} without a {'version' if name else 'name'}")
            continue
        yield _Entry(
            name=name,
            version=version,
            arch=fields.get("architecture", ""),
            source=_source(fields.get("source", ""), name, version),
            needs=",".join(fields[key] for key in ("pre-depends", "depends") if key in fields),
            provides=fields.get("provides", ""),
        )


def _source(text: str, name: str, version: str) -> SourcePackage:
    """``glibc (2.36-9)``; a package whose source has the same name and version has no such field."""
    match = _SOURCE.match(text)
    return SourcePackage(match[1], match[2] or version) if match else SourcePackage(name, version)


class _Dependencies:
    """Which installed packages satisfy a dependency. Versions are not looked at: dpkg did when it installed."""

    def __init__(self, entries: Iterable[_Entry]) -> None:
        self._real: dict[str, dict[str, str]] = {}
        self._virtual: dict[str, str] = {}
        for entry in entries:
            self._real.setdefault(entry.name, {})[entry.arch] = entry.ref
            for name, _ in _names(entry.provides):
                self._virtual.setdefault(name, entry.ref)

    def of(self, entry: _Entry) -> tuple[str, ...]:
        found = (self._first(alternatives, entry.arch) for alternatives in entry.needs.split(",") if alternatives)
        return tuple(dict.fromkeys(ref for ref in found if ref and ref != entry.ref))

    def _first(self, alternatives: str, arch: str) -> str:
        """The first alternative that is installed, the one of the same architecture if there are several."""
        for name, wanted in _names(alternatives, "|"):
            if there := self._real.get(name):
                return there.get(wanted or arch) or there.get("all") or next(iter(there.values()))
            if name in self._virtual:
                return self._virtual[name]
        return ""


def _names(text: str, separator: str = ",") -> Iterator[tuple[str, str]]:
    """The names and architectures of ``libc6:amd64 (>= 2.36), foo``."""
    for part in text.split(separator) if text else ():
        if match := _NAME.match(part):
            yield match[1], match[2] or ""


def _md5sums(file: File) -> Facts:
    """``<md5>  <path>`` lines beside the file of a distroless package: the files it brought."""
    lines = file.data.decode(errors="surrogateescape").splitlines()
    paths = tuple(line[_MD5_DIGITS:].strip().removeprefix("./").removeprefix("/") for line in lines if len(line) > _MD5_DIGITS)
    yield Owned("deb", file.path.rpartition("/")[2].removesuffix(".md5sums"), paths)


def parse_list(file: File) -> Facts:
    """``var/lib/dpkg/info/libc6:amd64.list``: the files and directories of a package, one absolute path a line; the first is ``/.``."""
    name = file.path.rpartition("/")[2].removesuffix(".list").partition(":")[0]
    text = file.data.decode(errors="surrogateescape").removeprefix("/.\n").removeprefix("/").removesuffix("\n")
    yield Owned("deb", name, tuple(text.replace("\n/", "\n").split("\n")) if text else ())


DPKG = Cataloguer(name="dpkg", parse=parse, paths=("var/lib/dpkg/status", "var/lib/dpkg/status.d/*"))
DPKG_FILES = Cataloguer(name="dpkg-files", parse=parse_list, paths=("var/lib/dpkg/info/*.list",))
OPKG = Cataloguer(name="opkg", parse=partial(parse, kind="opkg"), paths=("usr/lib/opkg/status", "var/lib/opkg/status", "opt/lib/opkg/status"))
