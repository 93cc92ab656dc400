"""Packages that rpm installed: its database in any of its formats, and the manifest that the distroless images of Azure Linux have instead.

The version is ``epoch:version-release``, without an epoch of 0. A source package's version comes from its file name, which lacks the epoch;
binary packages nearly always share it, so theirs is taken. ``gpg-pubkey`` entries are keys, not packages.

Source: rpm's docs/manual/tags.md and dependencies; CBL-Mariner's toolkit for the manifest.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from seawall.build.image.cataloguer import MAX_PACKAGES_PER_FILE, Cataloguer, Changelog, Facts, File, Owned, Problem
from seawall.build.image.fixes import fixes, mentions_cve
from seawall.build.image.rpmdb import Damage, headers
from seawall.build.image.rpmdb.header import Header, MalformedHeader, Tag
from seawall.core.package import Package, SourcePackage

MAX_PROBLEMS: Final = 20
"""Of one database; more are counted, not told one by one."""

MAX_OWNED_CHARACTERS: Final = 128 * 2**20
"""Of all file names together. A directory is written once, and stands before each of its files."""

MAX_PROVIDERS: Final = 100
"""Of one capability that are weighed. An image has some kernels at most."""

_PUBLIC_KEY: Final = "gpg-pubkey"
_SOURCE_RPM: Final = re.compile(r"(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm")
_CHANGELOG_VERSION: Final = re.compile(r"(?:\d+:)?\d[\w.+~^]*(?:-[\w.+~^]+)?")
_CHANGELOG_ITEM: Final = re.compile(r"\n(?=[-*])")
_COMPARISON: Final = 0x0E  # RPMSENSE_LESS, GREATER, EQUAL
_EQUAL: Final = 0x08
_MANIFEST_FIELDS: Final = 10
_EPOCH: Final = re.compile(r"[0-9]{1,10}")
_WAL: Final = re.compile(rb"\x37\x7f\x06[\x82\x83].{12}(.{8}).{8}.{8}\1", re.DOTALL)  # a header and a frame of the same transaction

A = TypeVar("A")
T = TypeVar("T")


class Capability(Struct, frozen=True):
    """Something that a package provides or requires; ``version`` is the one it has, or must have exactly, or empty."""

    name: str
    version: str = ""


_Provider = tuple[str, str, str]
"""The version that is provided, and the architecture and ``ref`` of the package."""


class _Entry(Struct, frozen=True):
    package: Package
    provides: Sequence[Capability] = ()
    needs: Sequence[Capability] = ()
    paths: Sequence[str] = ()
    fixed: tuple[tuple[str, str], ...] = ()


class _Reading:
    """The problems of one file, and the room that is left for the names of files."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._problems: list[Problem] = []
        self._untold = 0
        self.room = MAX_OWNED_CHARACTERS

    def problem(self, message: str) -> None:
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(Problem(self._path, message))
        else:
            self._untold += 1

    def part(self, of: str, read: Callable[[A], Iterable[T]], argument: A) -> list[T]:
        """A part of a package that it can be told of without."""
        try:
            return list(read(argument))
        except MalformedHeader as error:
            self.problem(f"package {of}: {error}")
            return []

    def problems(self) -> Iterator[Problem]:
        yield from self._problems
        if self._untold:
            yield Problem(self._path, f"{self._untold} more problems of this kind")


def parse(file: File) -> Facts:
    reading = _Reading(file.path)
    entries: dict[str, _Entry] = {}
    for item in headers(file.data):
        if isinstance(item, Damage):
            reading.problem(item.message)
        elif (entry := _entry(item, reading)) is not None:
            entries.setdefault(entry.package.ref, entry)
        if len(entries) >= MAX_PACKAGES_PER_FILE:
            reading.problem(f"more than {MAX_PACKAGES_PER_FILE} packages; the rest is not read")
            break
    yield from _resolved(entries.values())
    for entry in entries.values():
        if entry.paths:
            yield Owned("rpm", entry.package.name, tuple(entry.paths))
        if entry.fixed:
            yield Changelog("rpm", entry.package.name, entry.fixed)
    yield from reading.problems()


def _entry(blob: bytes, reading: _Reading) -> _Entry | None:
    try:
        header = Header(blob)
        name, version, release = (header.text(tag) for tag in (Tag.NAME, Tag.VERSION, Tag.RELEASE))
        epoch = next(iter(header.numbers(Tag.EPOCH)), 0)
    except MalformedHeader as error:
        reading.problem(f"a package is not readable: {error}")
        return None
    if name == _PUBLIC_KEY:
        return None
    if not name or not version:
        reading.problem(f"package {name or '?'!r} without a {'version' if name else 'name'}")
        return None
    whole = _version(epoch, version, release)
    tags = (Tag.LICENSE, Tag.ARCH, Tag.SOURCERPM, Tag.MODULARITYLABEL)
    licence, arch, source, module = ("".join(reading.part(name, header.texts, tag)[:1]) for tag in tags)
    package = Package(
        type="rpm",
        name=name,
        version=whole,
        arch=arch,
        licenses=(licence,) if licence else (),
        source=_source(source, epoch),
        module=":".join(module.split(":")[:2]),
        ref=f"{name}-{whole}.{arch}",
    )
    return _Entry(
        package,
        provides=reading.part(name, _provides, header),
        needs=reading.part(name, _needs, header),
        paths=_paths(header, name, reading),
        fixed=fixes(reading.part(name, partial(_notes, version=whole), header)),
    )


def _version(epoch: int, version: str, release: str) -> str:
    return f"{f'{epoch}:' if epoch else ''}{version}{f'-{release}' if release else ''}"


def _source(file_name: str, epoch: int) -> SourcePackage | None:
    """``openssl-3.0.7-20.el9.src.rpm``. A package that was not built from a source package has none."""
    match = _SOURCE_RPM.fullmatch(file_name)
    return SourcePackage(match[1], f"{epoch}:{match[2]}" if epoch else match[2]) if match else None


def _provides(header: Header) -> list[Capability]:
    names, versions = header.texts(Tag.PROVIDENAME), header.texts(Tag.PROVIDEVERSION)
    return [Capability(*pair) for pair in zip(names, versions or [""] * len(names), strict=False)]


def _needs(header: Header) -> list[Capability]:
    """What a package requires, but features of rpm itself and conditions such as ``(a if b)``."""
    names, versions, flags = header.texts(Tag.REQUIRENAME), header.texts(Tag.REQUIREVERSION), header.numbers(Tag.REQUIREFLAGS)
    exact = [version if flag & _COMPARISON == _EQUAL else "" for version, flag in zip(versions, flags, strict=False)]
    exact += [""] * (len(names) - len(exact))
    return [Capability(*pair) for pair in zip(names, exact, strict=False) if not pair[0].startswith(("rpmlib(", "("))]


def _paths(header: Header, name: str, reading: _Reading) -> list[str]:
    """The files of a package, without a leading slash. Since rpm 4.0 a directory is written once, and each file has its number."""
    if reading.room <= 0:
        return []
    whole, directories, names = (reading.part(name, header.paths, tag) for tag in (Tag.OLDFILENAMES, Tag.DIRNAMES, Tag.BASENAMES))
    numbers = reading.part(name, header.numbers, Tag.DIRINDEXES)
    if len(names) != len(numbers) or max(numbers, default=-1) >= len(directories):
        reading.problem(f"package {name}: its list of files contradicts itself")
        names, numbers = [], []
    reading.room -= sum(map(len, names)) + sum(len(directories[number]) for number in numbers)
    if reading.room <= 0:
        reading.problem(f"the names of all files are longer than {MAX_OWNED_CHARACTERS} characters; the rest is not read")
        return []
    directories = [directory.removeprefix("/") for directory in directories]
    return [path.removeprefix("/") for path in whole] + [directories[number] + base for base, number in zip(names, numbers, strict=True)]


def _notes(header: Header, version: str) -> Iterator[tuple[str, str]]:
    """Every item of the changelog that speaks of a CVE, the oldest first. The version stands at the end of the line with the author, in most
    distributions; where it does not, the fix came with ``version`` at the latest."""
    authors, texts = header.texts(Tag.CHANGELOGNAME), header.texts(Tag.CHANGELOGTEXT)
    for author, text in reversed(list(zip(authors, texts, strict=False))):
        if mentions_cve(text):
            last = author.rpartition(">")[2].rstrip().rpartition(" ")[2].strip("[]-")
            said = last if _CHANGELOG_VERSION.fullmatch(last) else version
            for item in _CHANGELOG_ITEM.split(text):
                yield said, item


def _resolved(entries: Collection[_Entry]) -> Iterator[Package]:
    """The packages with what they require. Of several packages that provide the same, the one with the very version that is asked for, then the
    one of the same architecture."""
    providers: dict[str, list[_Provider]] = {need.name: [] for entry in entries for need in entry.needs}
    for entry in entries:
        package = entry.package
        given = {*entry.provides, *(Capability(f"/{path}") for path in entry.paths if f"/{path}" in providers)}
        for capability in given:
            there = providers.get(capability.name)
            if there is not None and len(there) < MAX_PROVIDERS:
                there.append((capability.version, package.arch, package.ref))
    for entry in entries:
        needed = (_best(providers[need.name], need.version, entry.package) for need in dict.fromkeys(entry.needs))
        yield replace(entry.package, requires=tuple(dict.fromkeys(ref for ref in needed if ref not in ("", entry.package.ref))))


def _best(providers: Sequence[_Provider], version: str, needing: Package) -> str:
    def fitness(provider: _Provider) -> tuple[bool, bool, bool]:
        return provider[0] == version != "", provider[2] == needing.ref, provider[1] == needing.arch

    return max(providers, key=fitness)[2] if providers else ""


def parse_manifest(file: File) -> Facts:
    """Lines of ``rpm -qa --qf`` with tabs: name, version-release, install and build time, vendor, epoch, size, architecture, epoch, source.

    ``container-manifest-1`` beside it has the same packages with less of each.
    """
    for number, line in enumerate(file.data.decode(errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        fields = line.split("\t")
        if len(fields) < _MANIFEST_FIELDS or not fields[0] or not fields[1]:
            yield Problem(file.path, f"no package: {line[:60]!r}", number)
            continue
        name, version, epoch_text, arch, source = (fields[at] for at in (0, 1, 5, 7, 9))
        if number > MAX_PACKAGES_PER_FILE:
            yield Problem(file.path, f"more than {MAX_PACKAGES_PER_FILE} packages; the rest is not read")
            return
        epoch = int(epoch_text) if _EPOCH.fullmatch(epoch_text) else 0
        if name != _PUBLIC_KEY:
            yield Package(type="rpm", name=name, version=_version(epoch, version, ""), arch=arch.replace("(none)", ""), source=_source(source, epoch))


def parse_log(file: File) -> Facts:
    """The write-ahead log of an SQLite database: empty, or packages stand in it that the database itself does not have yet.

    Source: https://www.sqlite.org/fileformat2.html#walformat.
    """
    if _WAL.match(file.data):
        yield Problem(file.path, "the rpm database was not closed: what was installed last may stand only in this log, which is not read")


_DIRECTORIES: Final = ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
_DATABASES: Final = ("Packages", "Packages.db", "rpmdb.sqlite")

RPM = Cataloguer(name="rpm", parse=parse, paths=tuple(f"{directory}/{name}" for directory in _DIRECTORIES for name in _DATABASES))
RPM_MANIFEST = Cataloguer(name="rpm-manifest", parse=parse_manifest, paths=("var/lib/rpmmanifest/container-manifest-2",))
RPM_LOG = Cataloguer(name="rpm-log", parse=parse_log, paths=tuple(f"{directory}/rpmdb.sqlite-wal" for directory in _DIRECTORIES))
