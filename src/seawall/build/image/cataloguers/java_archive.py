"""Java archives: jar, war, ear and their kin, with the archives inside them.

What an archive holds is told, the best first, by

1. each ``META-INF/maven/GROUP/ARTIFACT/pom.properties``, or the ``pom.xml`` beside where it is missing: the archive's own, and those of whatever was
   shaded into it;
2. for an archive that has none of itself: its file name (``artifact-1.2.3.jar``), and its manifest.

A group is never made up: names of bundles and modules look like groups, and are others (``org.objectweb.asm`` is in ``org.ow2.asm``). Where nothing
tells the group, and :mod:`java_groups` does not know it, the package has the name of its artifact alone, which no advisory has.

Source: the JAR file specification, and the documentation of Maven Archiver and of Nebula's ``gradle-info-plugin`` (``Implementation-Title``).
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Final

from msgspec import Struct

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Problem
from seawall.build.image.cataloguers.java_groups import known_group
from seawall.build.image.cataloguers.java_pom import coordinates as pom_coordinates
from seawall.build.image.cataloguers.java_pom import licenses, maven
from seawall.build.image.cataloguers.java_pom_properties import coordinates
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Element, Unreadable, read_xml
from seawall.core.package import Package

MAX_DEPTH: Final = 6
"""Archives within archives: an ear has wars that have jars, which may have some of their own."""
MAX_ENTRIES: Final = 200_000
"""Entries of one archive. A JDK's own has 30,000."""
MAX_ALL_ENTRIES: Final = 1_000_000
"""Entries of a file of the image and all archives in it."""
MAX_HELD: Final = 128 * 2**20
"""Bytes of the archives inside one another that are held at a time."""
MAX_INFLATED: Final = 2**30
"""Bytes inflated for one file of the image, all told."""
MAX_MEMBER_BYTES: Final = 2**20
"""Of a manifest, a ``pom.properties``, a ``pom.xml``."""
MAX_POM_BYTES: Final = 16 * 2**20
"""Of all ``pom.xml`` in one file of the image; they are slow to read, and tell little."""
MAX_PROBLEMS: Final = 100
MAX_STEM: Final = 255
"""Characters of a file name from which a version is read."""

SUFFIXES: Final = (".jar", ".war", ".ear", ".par", ".sar", ".hpi", ".jpi", ".rar", ".kar", ".nar", ".lpkg")

_POM: Final = re.compile(r"META-INF/maven/([^/]+)/([^/]+)/pom\.(properties|xml)")
_QUALIFIER: Final = "(?:alpha|beta|[abmp]|rc|cr|sp|pre|preview|ea|dev|snapshot|final|ga|release|incubating|jre|jdk|java|jdbc|android|build|rev|patch)"
# `log4j-1.2-api-2.17.1`: a version has no word but these before a number.
_FILE_NAME: Final = re.compile(
    rf"(?P<artifact>[A-Za-z0-9][\w.-]*?)-(?P<version>[0-9][\w.+]*(?:-(?:[0-9]|{_QUALIFIER}(?![A-Za-z]))[\w.+]*)*)(?P<classifier>(?:-[A-Za-z][\w.+]*)*)",
    re.IGNORECASE,
)
_ARTIFACT: Final = re.compile(r"[A-Za-z0-9][\w.-]*")
_NEBULA_TITLE: Final = re.compile(r"(?P<group>[\w.-]+)#(?P<artifact>[\w.-]+);(?P<version>\w[\w.+-]*)")
_VERSION: Final = re.compile(r"\w[\w.+-]*")
_CENTRAL_ENTRY: Final = b"PK\x01\x02"
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_END_64: Final = b"PK\x06\x07"
_END_64_BYTES: Final = 20

_BAD_ZIP: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError, OverflowError, struct.error)
"""What zipfile raises for damaged, encrypted and exotic archives."""


class Budget(Struct):
    """What may still be read for one file of the image, and what went wrong so far."""

    bytes: int = MAX_INFLATED
    entries: int = MAX_ALL_ENTRIES
    pom_bytes: int = MAX_POM_BYTES
    problems: list[Problem] = []

    def problem(self, path: str, message: str, line: int | None = None) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(path, message, line))
        elif len(self.problems) == MAX_PROBLEMS:
            self.problems.append(Problem(path, f"more than {MAX_PROBLEMS} problems in one archive; the rest are not listed"))


def parse(file: File) -> Facts:
    budget = Budget()
    yield from distinct(file.path, _archive(file.path, file.data, budget, MAX_HELD, 1))
    yield from budget.problems


def _archive(path: str, data: bytes, budget: Budget, room: int, depth: int) -> Iterator[Package]:
    """The packages of an archive and of those in it; ``room`` is how many bytes these may have together on one way down."""
    entries = _entries(data)
    budget.entries -= entries + 1
    if entries > MAX_ENTRIES or budget.entries < 0:
        budget.problem(path, f"an archive of more than {MAX_ENTRIES if entries > MAX_ENTRIES else MAX_ALL_ENTRIES:,} entries; not read")
        return
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except _BAD_ZIP as error:
        budget.problem(path, f"not a readable archive: {_reason(error)}")
        return
    yield from _packages(path, archive, budget)
    for entry in archive.infolist():
        if entry.filename.lower().endswith(SUFFIXES):
            inner = f"{path}!/{_clean(entry.filename)}"
            if depth == MAX_DEPTH:
                budget.problem(inner, f"archives nested deeper than {MAX_DEPTH} levels; not read")
                return
            content = _content(path, archive, entry, room, budget)
            if content is not None:
                yield from _archive(inner, content, budget, room - len(content), depth + 1)


def _entries(data: bytes) -> int:
    """How many entries zipfile would read, at the most: those of the central directory, which ends where the end record (or its comment) begins."""
    end = len(data) - _END_BYTES
    if data[end : end + 4] != _END or data[-2:] != b"\0\0":
        end = data.rfind(_END, max(0, end - 0xFFFF))
    is_wide = data[max(0, end - _END_64_BYTES) : end].startswith(_END_64)
    size = int.from_bytes(data[end + 12 : end + 16], "little")
    return data.count(_CENTRAL_ENTRY, 0 if is_wide else max(0, end - size))


def _packages(path: str, archive: zipfile.ZipFile, budget: Budget) -> Iterator[Package]:
    properties: dict[tuple[str, str], zipfile.ZipInfo] = {}
    poms: dict[tuple[str, str], zipfile.ZipInfo] = {}
    manifest: zipfile.ZipInfo | None = None
    for entry in archive.infolist():
        if match := _POM.fullmatch(entry.filename):
            (properties if match[3] == "properties" else poms)[match[1], match[2]] = entry
        elif entry.filename.upper() == "META-INF/MANIFEST.MF" and manifest is None:
            manifest = entry
    found = []
    for place in dict.fromkeys([*properties, *poms]):
        pom = _pom(path, archive, poms.get(place), budget)
        content = _content(path, archive, properties[place], MAX_MEMBER_BYTES, budget) if place in properties else None
        known = coordinates(content) if content is not None else None
        if known is None and pom is not None:
            told = pom_coordinates(pom)
            known = (told[0] or place[0], told[1] or place[1], told[2])
        if known and known[2]:
            found.append(maven(*known, licenses=licenses(pom) if pom else (), path=path))
    yield from found
    content = _content(path, archive, manifest, MAX_MEMBER_BYTES, budget) if manifest else None
    if own := _own(path, _attributes(content or b"")):
        artifact = own.name.rpartition(":")[2]
        if not any(artifact == package.name.rpartition(":")[2] or (own.version == package.version and len(found) == 1) for package in found):
            yield own


def _pom(path: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo | None, budget: Budget) -> Element | None:
    content = _content(path, archive, entry, min(MAX_MEMBER_BYTES, budget.pom_bytes), budget) if entry else None
    budget.pom_bytes -= len(content or b"")
    try:
        return read_xml(content) if content is not None else None
    except Unreadable as error:
        budget.problem(f"{path}!/{_clean(entry.filename)}" if entry else path, error.message, error.line)
        return None


def _own(path: str, manifest: dict[str, str]) -> Package | None:
    """The archive itself, by its file name and its manifest; ``None`` where they do not tell both a name and a version."""
    title = manifest.get("implementation-title", "")
    if nebula := _NEBULA_TITLE.fullmatch(title):
        return maven(nebula["group"], nebula["artifact"], nebula["version"], path=path)
    stem = path.rpartition("/")[2].rpartition(".")[0]
    if len(stem) <= MAX_STEM and (named := _FILE_NAME.fullmatch(stem)):
        artifact, version, classifier = named.group("artifact", "version", "classifier")
        if classifier.lower() in ("-sources", "-javadoc"):
            return None
    else:
        artifact = title if _ARTIFACT.fullmatch(title) else stem
        version = manifest.get("implementation-version") or manifest.get("bundle-version") or ""
    if not (_ARTIFACT.fullmatch(artifact) and _VERSION.fullmatch(version)):
        return None
    return maven(known_group(artifact, version), artifact, version, path=path)


def _attributes(data: bytes) -> dict[str, str]:
    """The main section of a manifest, names in lower case. Lines that begin with a space continue the one before."""
    attributes: dict[str, str] = {}
    text = re.sub(r"(?:\r\n?|\n) ", "", data.decode("utf-8", "replace"))
    for line in re.split(r"\r\n?|\n", text):
        if not line:
            break
        name, colon, value = line.partition(":")
        if colon:
            attributes.setdefault(name.strip().lower(), value.strip())
    return attributes


def _content(path: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int, budget: Budget) -> bytes | None:
    """The bytes of a member, or ``None`` and a problem. Its size is measured, not believed."""
    inner = f"{path}!/{_clean(entry.filename)}"
    if not budget.bytes:
        budget.problem(inner, f"more than {MAX_INFLATED // 2**20:,} MiB in the archives of one file; not read")
        return None
    most = min(most, budget.bytes)
    try:
        with archive.open(entry) as member:
            content = member.read(most + 1)
    except _BAD_ZIP as error:
        budget.problem(inner, f"not readable: {_reason(error)}")
        return None
    budget.bytes -= min(len(content), most)
    if len(content) > most:
        budget.problem(inner, f"larger than {most:,} bytes when inflated; not read")
        return None
    return content


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).partition("\n")[0][:200]


def _clean(name: str) -> str:
    """A member's name for people: no control characters, and not a path of its own."""
    return "".join(character if character.isprintable() else "\ufffd" for character in name[:500]).lstrip("/")


CATALOGUER: Final = Cataloguer("java-archive", parse, tuple(f"*{suffix}" for suffix in SUFFIXES))
