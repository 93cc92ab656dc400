"""SPDX 2.2 and 2.3 as JSON, and as YAML.

Source: the SPDX specification 2.3 (package information, relationships, annex D "SPDX license expressions").
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from seawall.build.image.cataloguer import MAX_PACKAGES_PER_FILE, Problem
from seawall.build.image.documents import read_yaml, string, strings, table, tables
from seawall.build.sbom.read.entry import Document, Entry
from seawall.build.sbom.read.sections import Sections, each, value

DOCUMENT: Final = "SPDXRef-DOCUMENT"
LONGEST_NAME: Final = 200
"""Characters of a licence's text that may still be its name."""

_UNSAID: Final = frozenset({"", "NOASSERTION", "NONE"})
_NEEDS: Final = frozenset({"DEPENDS_ON"})
_NEEDED_BY: Final = frozenset({"DEPENDENCY_OF", "RUNTIME_DEPENDENCY_OF", "PROVIDED_DEPENDENCY_OF", "OPTIONAL_DEPENDENCY_OF"})
_DEVELOPMENT_OF: Final = frozenset({"DEV_DEPENDENCY_OF", "TEST_DEPENDENCY_OF", "BUILD_DEPENDENCY_OF"})
_KINDS: Final = {"OPERATING-SYSTEM": "operating-system", "OPERATING_SYSTEM": "operating-system", "CONTAINER": "container", "FILE": "file"}
_REFERENCE: Final = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]{1,200}:)?LicenseRef-[A-Za-z0-9.-]+")

# What tools write into ``sourceInfo``.
_PLACE: Final = re.compile(r"acquired package info from [^:]*: ([^,\n]+)|found in (.+?)(?=, layer sha|, built from |$)")
_LAYER: Final = re.compile(r", layer (sha[0-9]+:[0-9a-f]+)")
_SOURCE: Final = re.compile(r"(?:^built package from:|, built from) (\S+)(?: (\S+))?$")
_SYSTEM: Final = re.compile(r"distribution: (\S+)(?: (\S+))?")
_NOTE: Final = re.compile(r"(?:aquasecurity:trivy:)?(Layer\w+|PkgID|PkgType|FilePath): ?(\S+)")


def read(members: Sections) -> Document:
    """Raises :class:`seawall.build.image.documents.Unreadable`."""
    return convert(
        f"{string(value(members.get('spdxVersion')))} JSON",
        {key: value(members.get(key)) for key in ("name", "creationInfo", "documentDescribes")},
        each(members.get("packages")),
        each(members.get("relationships")),
        each(members.get("hasExtractedLicensingInfos")),
    )


def read_yaml_text(data: bytes) -> Document:
    """The same in YAML. Raises :class:`seawall.build.image.documents.Unreadable`."""
    document = table(read_yaml(data))
    return convert(
        f"{string(document.get('spdxVersion'))} YAML",
        document,
        tables(document.get("packages")),
        tables(document.get("relationships")),
        tables(document.get("hasExtractedLicensingInfos")),
    )


def convert(
    format: str,  # noqa: A002 (what it is called)
    head: Mapping[str, Any],
    packages: Iterable[dict[str, Any]],
    relationships: Iterable[dict[str, Any]],
    licences: Iterable[dict[str, Any]],
) -> Document:
    """The parts of a document, in the shape of its JSON."""
    creators = strings(table(head.get("creationInfo")).get("creators"))
    tool = next((creator.partition(":")[2].strip() for creator in creators if creator.startswith("Tool:")), "")
    document = Document(format, tool=tool, name=string(head.get("name")), subjects=strings(head.get("documentDescribes")))
    free = {string(item.get("licenseId")): _free_name(item) for item in licences}
    for package in packages:
        if len(document.entries) >= MAX_PACKAGES_PER_FILE:
            document.problems.append(Problem("", f"more than {MAX_PACKAGES_PER_FILE:,} packages; the rest was not read"))
            break
        document.entries.append(_entry(package, free))
        if system := _SYSTEM.fullmatch(string(package.get("comment"))):
            document.entries.append(Entry("", system[1], system[2] or "", kind="operating-system"))
    _relate(document, relationships)
    return document


def _relate(document: Document, relationships: Iterable[dict[str, Any]]) -> None:
    entries = {entry.ref for entry in document.entries}
    needed: set[str] = set()
    development: set[str] = set()
    for relationship in relationships:
        kind = string(relationship.get("relationshipType"))
        one, other = string(relationship.get("spdxElementId")), string(relationship.get("relatedSpdxElement"))
        if kind == "DESCRIBES" and one == DOCUMENT:
            document.subjects.append(other)
        elif kind == "DESCRIBED_BY" and other == DOCUMENT:
            document.subjects.append(one)
        elif one in entries and other in entries:
            if kind in _NEEDS:
                document.edges.append((one, other))
                needed.add(other)
            elif kind in _NEEDED_BY:
                document.edges.append((other, one))
                needed.add(one)
            elif kind in _DEVELOPMENT_OF:
                document.edges.append((other, one))
                development.add(one)
    for entry in document.entries:
        entry.development = entry.ref in development and entry.ref not in needed


def _entry(package: Mapping[str, Any], free: Mapping[str, str]) -> Entry:
    references = [item for item in tables(package.get("externalRefs")) if string(item.get("referenceType")).rpartition("/")[2] == "purl"]
    told = string(package.get("sourceInfo"))
    notes = [*strings(package.get("attributionTexts")), *(string(item.get("comment")) for item in tables(package.get("annotations")))]
    properties = {f"aquasecurity:trivy:{match[1]}": match[2] for note in notes if (match := _NOTE.fullmatch(note.strip()))}
    place, layer, source = _PLACE.match(told), _LAYER.search(told), _SOURCE.search(told)
    version = string(package.get("versionInfo"))
    return Entry(
        ref=string(package.get("SPDXID")),
        name=string(package.get("name")),
        version="" if version in _UNSAID else version,
        kind=_KINDS.get(string(package.get("primaryPackagePurpose")).upper(), ""),
        purls=[string(item.get("referenceLocator")).strip() for item in references],
        licenses=_licences(package, free),
        properties=properties,
        path=(place[1] or place[2]) if place else "",
        layer=layer[1] if layer else "",
        source=(source[1], source[2] or "") if source else ("", ""),
    )


def _licences(package: Mapping[str, Any], free: Mapping[str, str]) -> list[str]:
    """What was declared, or else concluded: parts that all hold one by one, what only the document knows by its own name."""
    told = (string(package.get(key)).strip() for key in ("licenseDeclared", "licenseConcluded"))
    expression = next((text for text in told if text not in _UNSAID), "")
    if not expression:
        return []
    parts = expression.split(" AND ") if "(" not in expression and " OR " not in expression else [expression]
    return list(dict.fromkeys(_REFERENCE.sub(lambda match: free.get(match[0]) or match[0], part) for part in parts))


def _free_name(item: Mapping[str, Any]) -> str:
    """The name of a licence that is on no list; its text, where that is no more than a name."""
    text = string(item.get("extractedText")).strip()
    name = string(item.get("name")).strip()
    named = name if name not in _UNSAID else ""
    return text if text and len(text) <= LONGEST_NAME and "\n" not in text else named
