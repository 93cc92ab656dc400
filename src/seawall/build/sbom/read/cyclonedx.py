"""CycloneDX 1.2 to 1.7 as JSON.

Source: the CycloneDX specification (ECMA-424) and its taxonomies of properties; for properties of tools, what their documents hold.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from seawall.build.image.cataloguer import MAX_PACKAGES_PER_FILE, Problem
from seawall.build.image.documents import string, strings, table, tables
from seawall.build.sbom.read.entry import Document, Entry
from seawall.build.sbom.read.sections import Sections, each, value

_DEVELOPMENT: Final = ("cdx:npm:package:development", "cdx:composer:package:isDevRequirement")


def read(members: Sections) -> Document:
    """Raises :class:`seawall.build.image.documents.Unreadable`."""
    return convert(
        string(value(members.get("specVersion"))),
        "JSON",
        table(value(members.get("metadata"))),
        each(members.get("components")),
        each(members.get("dependencies")),
    )


def convert(
    version: str, notation: str, metadata: Mapping[str, Any], components: Iterable[dict[str, Any]], dependencies: Iterable[dict[str, Any]]
) -> Document:
    """The parts of a document, in the shape of its JSON."""
    document = Document(f"CycloneDX {version} {notation}".replace("  ", " "), tool=_tool(metadata.get("tools")))
    about = table(metadata.get("component"))
    if about:
        subject = _entry(about)
        document.name = f"{subject.name}@{subject.version}" if subject.version and subject.kind != "container" else subject.name
        subject.ref = subject.ref or "metadata.component"
        document.subjects.append(subject.ref)
        document.entries.append(subject)
    for entry in _entries(components):
        if len(document.entries) >= MAX_PACKAGES_PER_FILE:
            document.problems.append(Problem("", f"more than {MAX_PACKAGES_PER_FILE:,} components; the rest was not read"))
            break
        document.entries.append(entry)
    for dependency in dependencies:
        ref = string(dependency.get("ref"))
        document.edges += [(ref, other) for other in strings(dependency.get("dependsOn"))]
    return document


def _entries(components: Iterable[dict[str, Any]]) -> Iterator[Entry]:
    """The components, each followed by those inside it."""
    for component in components:
        todo = [component]
        while todo:
            current = todo.pop()
            yield _entry(current)
            todo += reversed(tables(current.get("components")))


def _entry(component: Mapping[str, Any]) -> Entry:
    properties: dict[str, str] = {}
    for item in tables(component.get("properties")):
        properties.setdefault(string(item.get("name")), string(item.get("value")))
    purl = string(component.get("purl"))
    occurrences = tables(table(component.get("evidence")).get("occurrences"))
    return Entry(
        ref=string(component.get("bom-ref")) or purl,
        name=string(component.get("name")),
        version=string(component.get("version")),
        kind=string(component.get("type")) or "library",
        group=string(component.get("group")),
        purls=[purl] if purl else [],
        licenses=list(_licences(component.get("licenses"))),
        properties=properties,
        path=next((place for item in occurrences if (place := string(item.get("location")))), ""),
        development=component.get("scope") == "excluded" or any(properties.get(key) == "true" for key in _DEVELOPMENT),
    )


def _licences(value: Any) -> Iterator[str]:
    """``{"license": {"id"}}``, ``{"license": {"name"}}``, ``{"expression"}``."""
    for choice in tables(value):
        licence = table(choice.get("license"))
        if text := string(choice.get("expression")) or string(licence.get("id")) or string(licence.get("name")):
            yield text


def _tool(tools: Any) -> str:
    """The first tool: in a list (until 1.4), or among components."""
    first = next(iter(tables(tools) or tables(table(tools).get("components"))), {})
    return " ".join(filter(None, (string(first.get("name")), string(first.get("version")))))
