"""CycloneDX 1.6 (ECMA-424) as JSON."""

import uuid
from typing import Any, Final

from seawall import __version__
from seawall.build.sbom.licences import is_single, spdx_expression
from seawall.build.sbom.subject import Subject, edges, refs
from seawall.core.package import Distro, Package

_NAMESPACE: Final = uuid.UUID("7f2c4f0e-6f0c-5d61-9d0a-0a3f6d7f3b1e")  # of the names of our documents
_ROOT: Final = "seawall:subject"


def cyclonedx(subject: Subject) -> dict[str, Any]:
    """The document as builtins. Equal input gives an equal document: the serial number is a hash of what is in it."""
    names = refs(subject.packages)
    components = [_component(package, name) for package, name in zip(subject.packages, names, strict=True)]
    if subject.distro:
        components.append(_system(subject.distro))
    needs = [{"ref": names[place], "dependsOn": [names[other] for other in others]} for place, others in enumerate(edges(subject.packages)) if others]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, chr(0).join([subject.name, subject.digest, subject.created, *names]))}",
        "version": 1,
        "metadata": {
            "timestamp": subject.created,
            "tools": {"components": [{"type": "application", "name": "seawall", "version": __version__}]},
            "component": _root(subject),
        },
        "components": components,
        "dependencies": [{"ref": _ROOT, "dependsOn": [component["bom-ref"] for component in components]}, *needs],
    }


def _root(subject: Subject) -> dict[str, Any]:
    root: dict[str, Any] = {"bom-ref": _ROOT, "type": "container" if subject.digest else "file", "name": subject.name}
    if subject.digest:
        root["version"] = subject.digest
    return root


def _system(distro: Distro) -> dict[str, Any]:
    system: dict[str, Any] = {"bom-ref": f"os:{distro.id}@{distro.version_id}", "type": "operating-system", "name": distro.id}
    if distro.version_id:
        system["version"] = distro.version_id
    if distro.name:
        system["description"] = distro.name
    return system


def _component(package: Package, name: str) -> dict[str, Any]:
    component: dict[str, Any] = {"bom-ref": name, "type": "library"}
    group, short = _group(package)
    if group:
        component["group"] = group
    component["name"] = short
    component["version"] = package.version
    if package.development:
        component["scope"] = "excluded"
    if package.licenses:
        component["licenses"] = _licences(package.licenses)
    component["purl"] = package.purl
    properties = {
        "seawall:layer": package.layer,
        "seawall:source:name": package.source.name if package.source else "",
        "seawall:source:version": package.source.version if package.source else "",
    }
    if kept := [{"name": key, "value": value} for key, value in properties.items() if value]:
        component["properties"] = kept
    if package.path:
        component["evidence"] = {"occurrences": [{"location": package.path.encode(errors="replace").decode()}]}
    return component


def _group(package: Package) -> tuple[str, str]:
    """The namespace and the name, where an ecosystem has both."""
    if package.type == "maven":
        group, _, name = package.name.rpartition(":")
        return group, name
    if package.type == "npm" and package.name.startswith("@"):
        group, _, name = package.name.partition("/")
        return group, name
    return "", package.name


def _licences(texts: tuple[str, ...]) -> list[dict[str, Any]]:
    """Licences by their id where all are on the list; an expression must stand alone; anything else by its name."""
    expressions = [spdx_expression(text) for text in texts]
    if len(texts) == 1 and expressions[0] and not is_single(expressions[0]):
        return [{"expression": expressions[0]}]
    pairs = dict.fromkeys(zip(expressions, texts, strict=True))
    return [{"license": {"id": expression} if is_single(expression) else {"name": text}} for expression, text in pairs]
