"""From what a document lists to packages: what of it is one, what its purl says, what tools tell beside the purl.

The subject of a document (an image, the project itself) is no package of it, unless it is all there is. A component without a purl is kept as
``generic``, which no advisory speaks of: names alone are no identity.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from seawall.build.image.cataloguer import Problem
from seawall.build.image.distinct import distinct
from seawall.build.sbom.read.entry import Document, Entry
from seawall.core.package import Distro, Package, SourcePackage
from seawall.core.purl import OS_TYPES, purl_of, read_purl

UNIDENTIFIED: Final = "generic"
"""The type of a package without a purl."""

_NO_PACKAGES: Final = frozenset(
    {
        "container",
        "file",
        "device",
        "device-driver",
        "firmware",
        "platform",
        "data",
        "cryptographic-asset",
        "machine-learning-model",
    }
)
_SYSTEM: Final = "operating-system"
_SUBJECTS: Final = frozenset({"oci", "docker", "github"})

# What trivy calls distributions, where os-release says another word.
_DISTROS: Final = {
    "redhat": "rhel",
    "alma": "almalinux",
    "amazon": "amzn",
    "oracle": "ol",
    "opensuse.leap": "opensuse-leap",
    "opensuse.tumbleweed": "opensuse-tumbleweed",
    "suse linux enterprise server": "sles",
    "suse linux enterprise micro": "sle-micro",
    "cbl-mariner": "mariner",
}

_SOURCE_RPM: Final = re.compile(r"(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm")


class Sbom(Struct, frozen=True, kw_only=True):
    """What a bill of materials says.

    ``format`` is for people (``CycloneDX 1.6 JSON``), and empty where nothing could be read; ``tool`` is what wrote it, ``subject`` what it is
    about. The ``ref`` of a package is its name in the document, and ``requires`` holds across the whole document, whatever the packages' paths are.
    ``subject_package`` is the subject where it has a purl and is not among ``packages``.
    """

    format: str
    tool: str = ""
    subject: str = ""
    packages: tuple[Package, ...] = ()
    distro: Distro | None = None
    subject_package: Package | None = None
    problems: tuple[Problem, ...] = ()


def assemble(document: Document, path: str) -> Sbom:
    """Pure. ``path`` is the document's own."""
    needs: dict[str, dict[str, None]] = defaultdict(dict)
    for one, other in document.edges:
        needs[one][other] = None
    maker = _Maker(path, needs)
    subjects = _subjects(document)
    packages: list[Package] = []
    about: list[Package] = []
    for entry in document.entries:
        for package in maker.packages(entry, is_subject=entry.ref in subjects):
            (about if entry.ref in subjects else packages).append(package)
    if not packages:
        packages, about = [package for package in about if package.type not in _SUBJECTS], []
    kept: list[Package] = []
    problems = [replace(problem, path=path) for problem in document.problems]
    for fact in distinct(path, packages):
        if isinstance(fact, Package):
            kept.append(fact)
        elif isinstance(fact, Problem):
            problems.append(fact)
    refs = {package.ref for package in kept}
    names = [entry.name for entry in document.entries if entry.ref in subjects and entry.name]
    return Sbom(
        format=document.format,
        tool=document.tool,
        subject=document.name or next(iter(names), ""),
        packages=tuple(replace(package, requires=tuple(ref for ref in package.requires if ref in refs)) for package in kept),
        distro=_distro(document, maker.distros),
        subject_package=next(iter(about), None),
        problems=(*problems, *maker.problems()),
    )


def _subjects(document: Document) -> set[str]:
    """What the document is about, by ref. Where it is about many things, these are what it lists."""
    named = set(document.subjects) & {entry.ref for entry in document.entries}
    images = {
        entry.ref for entry in document.entries if entry.ref in named and any(purl.startswith(("pkg:oci/", "pkg:docker/")) for purl in entry.purls)
    }
    return named if len(named) == 1 else images


class _Maker:
    """Makes packages of entries, and keeps what is to be told of all of them together."""

    def __init__(self, path: str, needs: Mapping[str, Mapping[str, None]]) -> None:
        self._path = path
        self._needs = needs
        self.distros: Counter[Distro] = Counter()
        self._unidentified: list[str] = []
        self._wrong: list[str] = []

    def packages(self, entry: Entry, is_subject: bool) -> Iterator[Package]:
        """One package for each purl that can be read, or one by the name alone; none for what is no package."""
        if entry.kind == _SYSTEM:
            return
        found = 0
        for purl in dict.fromkeys(entry.purls):
            try:
                package, distro = read_purl(purl)
            except ValueError:
                self._wrong.append(purl)
                continue
            found += 1
            if distro:
                self.distros[distro] += 1
            yield self._whole(entry, package)
        if found or is_subject or entry.kind in _NO_PACKAGES or not entry.name or not (entry.version or entry.purls):
            return  # without a version: the lockfile or directory that a tool found other components in
        name = f"{entry.group}/{entry.name}" if entry.group else entry.name
        package = Package(type=UNIDENTIFIED, name=name, version=entry.version)
        try:
            package = replace(package, purl=purl_of(package))
        except (ValueError, TypeError):  # a name of slashes or spaces alone
            self._wrong.append(name)
            return
        self._unidentified.append(entry.name)
        yield self._whole(entry, package)

    def _whole(self, entry: Entry, package: Package) -> Package:
        version = package.version or entry.version
        path = entry.path or _first(entry.properties, "syft:location:0:path", "aquasecurity:trivy:FilePath", "SrcFile")
        return replace(
            package,
            version=version,
            licenses=tuple(dict.fromkeys(entry.licenses)),
            path=path.removeprefix("/"),
            layer=entry.layer
            or _first(entry.properties, "seawall:layer", "aquasecurity:trivy:LayerDigest", "aquasecurity:trivy:LayerDiffID")
            or _first(entry.properties, "syft:location:0:layerID"),
            source=_source(entry, package) if package.type in OS_TYPES else package.source,
            module=package.module or _stream(_first(entry.properties, "aquasecurity:trivy:Modularitylabel", "syft:metadata:modularityLabel")),
            ref=entry.ref or f"{package.name}@{version}",
            requires=tuple(self._needs.get(entry.ref, ())),
            development=entry.development,
        )

    def problems(self) -> Iterator[Problem]:
        if self._unidentified:
            yield Problem(self._path, f"{_counted(self._unidentified)} without a package URL: listed, and matched against nothing")
        if self._wrong:
            yield Problem(self._path, f"{_counted(self._wrong)} that cannot be read as a package URL")


def _counted(names: list[str]) -> str:
    first = names[0] if len(names[0]) <= 100 else f"{names[0][:100]}..."
    return f"1 component ({first!r})" if len(names) == 1 else f"{len(names):,} components ({first!r} and others)"


def _first(properties: Mapping[str, str], *names: str) -> str:
    return next((properties[name] for name in names if properties.get(name)), "")


def _stream(label: str) -> str:
    """``nodejs:18`` of ``nodejs:18:8070020230306170042:bd1311ed``: name, stream, version, context."""
    return ":".join(label.split(":")[:2])


def _source(entry: Entry, package: Package) -> SourcePackage | None:
    """The source package: as the purl says (``upstream``), or as the tool says beside it."""
    properties = entry.properties
    told = package.source
    if told and (match := _SOURCE_RPM.fullmatch(told.name)):  # syft's purls have the whole file name
        return SourcePackage(match[1], _with_epoch(package.version, match[2]))
    if told:
        return told
    if match := _SOURCE_RPM.fullmatch(properties.get("syft:metadata:sourceRpm", "")):
        return SourcePackage(match[1], _with_epoch(package.version, match[2]))
    if name := properties.get("aquasecurity:trivy:SrcName", ""):
        version, release, epoch = (properties.get(f"aquasecurity:trivy:Src{part}", "") for part in ("Version", "Release", "Epoch"))
        version = f"{version}-{release}" if release else version
        return SourcePackage(name, (f"{epoch}:{version}" if epoch not in ("", "0") else version) or package.version)
    name, version = entry.source
    if not name:
        name = _first(properties, "seawall:source:name", "syft:metadata:source", "syft:metadata:originPackage")
        version = _first(properties, "seawall:source:version", "syft:metadata:sourceVersion")
    return SourcePackage(name, version or package.version) if name else None


def _with_epoch(binary: str, version: str) -> str:
    """The file of a source package does not tell the epoch; it is that of what was built from it."""
    epoch, colon, _ = binary.partition(":")
    return f"{epoch}:{version}" if colon and epoch.isdigit() else version


def _distro(document: Document, told: Counter[Distro]) -> Distro | None:
    """The operating system that the document lists, or what the purls of its packages say most often; the better versions first."""
    for entry in document.entries:
        properties = entry.properties
        name = (_first(properties, "syft:distro:id", "aquasecurity:trivy:Type") or entry.name).lower()
        name = _DISTROS.get(name, name)
        if entry.kind == _SYSTEM and re.fullmatch(r"[a-z0-9._-]+", name):  # else it is a name for people
            version = _first(properties, "syft:distro:versionID") or entry.version
            return Distro(
                name,
                version.partition(" ")[0],  # Amazon's has its name behind it
                codename=_first(properties, "syft:distro:versionCodename"),
                name=_first(properties, "syft:distro:prettyName"),
            )
    best = max(told.items(), key=lambda item: (bool(item[0].version_id), item[1]), default=None)
    return Distro(_DISTROS.get(best[0].id, best[0].id), best[0].version_id, best[0].codename) if best else None
