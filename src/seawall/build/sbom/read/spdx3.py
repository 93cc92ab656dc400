"""SPDX 3.0 as JSON-LD in its one serialized form: a list of elements (``@graph``), which name each other by ``spdxId``.

Source: the SPDX specification 3.0.1, "Serialization" and the model's profiles Core, Software, SimpleLicensing.
"""

from typing import Any, Final

from seawall.build.image.cataloguer import MAX_PACKAGES_PER_FILE, Problem
from seawall.build.image.documents import string, strings, tables
from seawall.build.sbom.read.entry import Document, Entry
from seawall.build.sbom.read.sections import Sections, each

_KINDS: Final = {"operatingSystem": "operating-system", "container": "container", "file": "file"}
_LICENSED: Final = ("hasDeclaredLicense", "hasConcludedLicense")
_UNSAID: Final = ("NoneLicense", "NoAssertionLicense", "NOASSERTION", "NONE")


def read(members: Sections) -> Document:
    """Raises :class:`seawall.build.image.documents.Unreadable`."""
    document = Document("SPDX 3 JSON-LD")
    packages: dict[str, Entry] = {}
    licences: dict[str, str] = {}
    tools: list[str] = []
    about: list[str] = []
    boms: dict[str, list[str]] = {}
    relationships: list[tuple[str, str, list[str], bool]] = []
    for element in each(members.get("@graph")):
        kind, ref = string(element.get("type")).rpartition("/")[2], string(element.get("spdxId")) or string(element.get("@id"))
        if kind == "software_Package":
            if len(packages) >= MAX_PACKAGES_PER_FILE:
                document.problems.append(Problem("", f"more than {MAX_PACKAGES_PER_FILE:,} packages; the rest was not read"))
                break
            packages[ref] = _entry(element, ref)
        elif kind in ("Relationship", "LifecycleScopedRelationship"):
            relationships.append(_relationship(element))
        elif kind == "simplelicensing_LicenseExpression":
            licences[ref] = string(element.get("simplelicensing_licenseExpression"))
        elif kind in ("expandedlicensing_ListedLicense", "expandedlicensing_CustomLicense"):
            licences[ref] = ref.rpartition("/")[2] if kind.endswith("ListedLicense") else string(element.get("name"))
        elif kind == "Tool":
            tools.append(string(element.get("name")))
        elif kind == "SpdxDocument":
            document.name = string(element.get("name"))
            about += strings(element.get("rootElement"))
        elif kind in ("software_Sbom", "Bom"):
            boms[ref] = strings(element.get("rootElement"))
    document.tool = next(iter(tools), "")
    document.subjects = [root for ref in about for root in boms.get(ref, [ref])]
    document.entries = list(packages.values())
    _relate(document, packages, licences, relationships)
    return document


def _relate(document: Document, packages: dict[str, Entry], licences: dict[str, str], relationships: list[tuple[str, str, list[str], bool]]) -> None:
    needed: set[str] = set()
    development: set[str] = set()
    for wanted in _LICENSED:  # what was declared comes first
        for kind, one, others, _ in relationships:
            entry = packages.get(one)
            if kind == wanted and entry and not entry.licenses:
                found = [licences.get(other) or other.rpartition("/")[2] for other in others if not other.endswith(_UNSAID)]
                entry.licenses = [text for text in found if text not in _UNSAID]
    for kind, one, others, is_development in relationships:
        if kind == "dependsOn" and one in packages:
            document.edges += [(one, other) for other in others if other in packages]
            (development if is_development else needed).update(others)
    for entry in document.entries:
        entry.development = entry.ref in development and entry.ref not in needed


def _relationship(element: dict[str, Any]) -> tuple[str, str, list[str], bool]:
    to = element.get("to")
    scope = string(element.get("scope"))
    return (
        string(element.get("relationshipType")),
        string(element.get("from")),
        [to] if isinstance(to, str) else strings(to),
        scope in ("development", "test", "build"),
    )


def _entry(element: dict[str, Any], ref: str) -> Entry:
    identifiers = [
        string(item.get("identifier")) for item in tables(element.get("externalIdentifier")) if item.get("externalIdentifierType") == "packageUrl"
    ]
    return Entry(
        ref=ref,
        name=string(element.get("name")),
        version=string(element.get("software_packageVersion")),
        kind=_KINDS.get(string(element.get("software_primaryPurpose")), ""),
        purls=[purl for purl in (string(element.get("software_packageUrl")), *identifiers) if purl],
    )
