"""CycloneDX as XML: brought into the shape of the JSON, name by name.

Source: the CycloneDX XML schemas 1.2 to 1.6.
"""

import re
from typing import Any

from seawall.build.image.documents import Element, Unreadable
from seawall.build.sbom.read import cyclonedx
from seawall.build.sbom.read.entry import Document


def read(root: Element) -> Document:
    """Raises :class:`Unreadable` where it is no bill of materials."""
    if root.name != "bom":
        raise Unreadable("XML, but no bill of materials in CycloneDX")
    version = next((match[1] for uri in _namespaces(root) if (match := re.search(r"/schema/bom/([0-9.]+)$", uri))), "")
    metadata: dict[str, Any] = {}
    if about := root.child("metadata", "component"):
        metadata["component"] = _component(about)
    tools = root.all("metadata", "tools", "tool") or root.all("metadata", "tools", "components", "component")
    metadata["tools"] = [{"name": tool.value("name"), "version": tool.value("version")} for tool in tools]
    return cyclonedx.convert(
        version,
        "XML",
        metadata,
        map(_component, root.all("components", "component")),
        (
            {"ref": needing.attributes.get("ref", ""), "dependsOn": [needed.attributes.get("ref", "") for needed in needing.all("dependency")]}
            for needing in root.all("dependencies", "dependency")
        ),
    )


def _namespaces(root: Element) -> list[str]:
    return [value for name, value in root.attributes.items() if name == "xmlns" or name.startswith("xmlns:")]


def _component(element: Element) -> dict[str, Any]:
    component: dict[str, Any] = {key: element.value(key) for key in ("group", "name", "version", "purl", "scope")}
    component["type"] = element.attributes.get("type", "")
    component["bom-ref"] = element.attributes.get("bom-ref", "")
    component["licenses"] = [
        *({"license": {"id": licence.value("id"), "name": licence.value("name")}} for licence in element.all("licenses", "license")),
        *({"expression": expression.text.strip()} for expression in element.all("licenses", "expression")),
    ]
    component["properties"] = [
        {"name": item.attributes.get("name", ""), "value": item.text.strip()} for item in element.all("properties", "property")
    ]
    component["evidence"] = {"occurrences": [{"location": item.value("location")} for item in element.all("evidence", "occurrences", "occurrence")]}
    component["components"] = [_component(inner) for inner in element.all("components", "component")]
    return component
