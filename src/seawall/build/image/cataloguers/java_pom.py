"""``pom.xml``: the direct dependencies whose version the file itself tells, literally, by a property, or by its dependency management.

What a parent or an imported bill of materials manages is not in the file, and so not reported; nor is a range.

Source: the Maven POM reference, and Maven's description of the dependency mechanism.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Element, Unreadable, read_xml
from seawall.core.package import Package

_PACKED: Final = re.compile(r"(?:^|/)META-INF/maven/")
"""A jar that was unpacked: what its module once declared is not there."""

_REFERENCE: Final = re.compile(r"\$\{([^{}$]{1,200})\}")
MAX_REFERENCES: Final = 16
"""Of properties by each other, in one value."""
MAX_VALUE: Final = 1_000

# The names that Maven's own super POM, the Apache parent POM and the SPDX list give to one licence each.
LICENSES: Final = {
    "apache license, version 2.0": "Apache-2.0",
    "the apache license, version 2.0": "Apache-2.0",
    "the apache software license, version 2.0": "Apache-2.0",
    "apache software license, version 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache-2.0": "Apache-2.0",
    "mit license": "MIT",
    "the mit license": "MIT",
    "the mit license (mit)": "MIT",
    "mit": "MIT",
    "eclipse public license 1.0": "EPL-1.0",
    "eclipse public license - v 1.0": "EPL-1.0",
    "eclipse public license 2.0": "EPL-2.0",
    "eclipse public license - v 2.0": "EPL-2.0",
    "eclipse public license v. 2.0": "EPL-2.0",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "isc license": "ISC",
    "mozilla public license, version 2.0": "MPL-2.0",
}


def parse(file: File) -> Facts:
    if _PACKED.search(file.path):
        return
    try:
        project = read_xml(file.data)
    except Unreadable as error:
        yield error.problem(file.path)
        return
    if project.name == "project":
        yield from distinct(file.path, _dependencies(project))


def _dependencies(project: Element) -> Iterator[Package]:
    properties = properties_of(project)
    managed: dict[str, Element] = {}
    for dependency in project.all("dependencyManagement", "dependencies", "dependency"):
        managed.setdefault(_key(dependency, properties), dependency)
    for dependency in project.all("dependencies", "dependency"):
        key = _key(dependency, properties)
        manager = managed.get(key, Element(""))
        version = _exact(resolved(dependency.value("version") or manager.value("version"), properties))
        scope = resolved(dependency.value("scope") or manager.value("scope"), properties)
        group, artifact = key.split(":")[:2]
        if group and artifact and version and scope != "system" and "$" not in key:
            yield maven(group, artifact, version, development=scope == "test")


def coordinates(project: Element) -> tuple[str, str, str]:
    """Group, artifact and version of the project itself; group and version may be its parent's. Empty where the file does not tell."""
    properties = properties_of(project)
    found = [resolved(properties.get(f"project.{part}", ""), properties) for part in ("groupId", "artifactId", "version")]
    group, artifact, version = ("" if "$" in value else value for value in found)
    return group, artifact, version


def licenses(project: Element) -> tuple[str, ...]:
    """The licences by their SPDX name where that is certain, else as they are written."""
    names = [element.value("name") for element in project.all("licenses", "license")]
    return tuple(dict.fromkeys(LICENSES.get(" ".join(name.lower().split()), name) for name in names if name))


def properties_of(project: Element) -> dict[str, str]:
    """What ``${...}`` may stand for: ``<properties>``, and the project's and its parent's own coordinates (also by their old names)."""
    properties = {element.name: element.text.strip() for element in project.all("properties")[:1] for element in element.children}
    for part in ("groupId", "artifactId", "version"):
        parent = project.value("parent", part)
        own = project.value(part) or (parent if part != "artifactId" else "")
        properties.setdefault(part, own)
        properties.update({f"project.{part}": own, f"pom.{part}": own, f"project.parent.{part}": parent, f"parent.{part}": parent})
    return properties


def resolved(text: str, properties: Mapping[str, str]) -> str:
    """``text`` with its references replaced, as far as they are known; a reference to itself stays."""
    for _ in range(MAX_REFERENCES):
        if len(text) > MAX_VALUE:  # before it is multiplied by its references
            break
        replaced = _REFERENCE.sub(lambda match: properties.get(match[1].strip(), match[0])[:MAX_VALUE], text)
        if replaced == text or len(replaced) > MAX_VALUE:
            break
        text = replaced
    return text.strip()


def maven(group: str, artifact: str, version: str, *, development: bool = False, licenses: tuple[str, ...] = (), path: str = "") -> Package:
    """A package by its Maven coordinates; without a group, where nothing tells it, the name is the artifact's alone."""
    return Package(
        type="maven", name=f"{group}:{artifact}" if group else artifact, version=version, development=development, licenses=licenses, path=path
    )


def _key(dependency: Element, properties: Mapping[str, str]) -> str:
    """By this a dependency finds its management: group, artifact, type, classifier."""
    parts = [resolved(dependency.value(part), properties) for part in ("groupId", "artifactId", "type", "classifier")]
    return ":".join([parts[0], parts[1], parts[2] or "jar", parts[3]])


def _exact(version: str) -> str:
    """A version, or the range ``[1.0]`` that is one; nothing for other ranges, unknown references, and words for what is newest."""
    if version.startswith("[") and version.endswith("]") and "," not in version:
        version = version[1:-1].strip()
    return "" if not version or re.search(r"[\s\[\](),${}]", version) or version in ("LATEST", "RELEASE") else version


CATALOGUER: Final = Cataloguer("java-pom", parse, ("pom.xml",), installed=False)
