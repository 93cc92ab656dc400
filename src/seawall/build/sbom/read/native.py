"""``seawall.sbom/v1``: our own document, read back."""

from typing import Final

from seawall.build.image.cataloguer import MAX_PACKAGES_PER_FILE, Problem
from seawall.build.image.documents import string, strings, table
from seawall.build.sbom.read.entry import Document, Entry
from seawall.build.sbom.read.sections import Sections, each, value
from seawall.build.sbom.subject import refs
from seawall.core.package import Package

SCHEMA: Final = "seawall.sbom/v1"


def read(members: Sections) -> Document:
    """Raises :class:`seawall.build.image.documents.Unreadable`."""
    document = Document(SCHEMA, tool="seawall", name=string(table(value(members.get("subject"))).get("name")))
    if distro := table(value(members.get("distro"))):
        system = Entry("", string(distro.get("id")), string(distro.get("version_id")), kind="operating-system")
        system.properties = {"syft:distro:prettyName": string(distro.get("name"))}
        document.entries.append(system)
    needs: list[list[str]] = []
    for package in each(members.get("packages")):
        if len(document.entries) > MAX_PACKAGES_PER_FILE:
            document.problems.append(Problem("", f"more than {MAX_PACKAGES_PER_FILE:,} packages; the rest was not read"))
            break
        source = table(package.get("source"))
        purl = string(package.get("purl"))
        document.entries.append(
            Entry(
                ref=purl,
                name=string(package.get("name")),
                version=string(package.get("version")),
                kind="library",
                purls=[purl] if purl else [],
                licenses=strings(package.get("licenses")),
                path=string(package.get("path")),
                layer=string(package.get("layer")),
                source=(string(source.get("name")), string(source.get("version"))),
                development=package.get("development") is True,
            )
        )
        needs.append(strings(package.get("requires")))
    # The names of the document's own making, see there.
    listed = document.entries[-len(needs) :] if needs else []
    names = refs(tuple(Package(type="", name="", version="", path=entry.path, purl=entry.ref) for entry in listed))
    for entry, name, needed in zip(listed, names, needs, strict=True):
        entry.ref = name
        document.edges += [(name, other) for other in needed]
    return document
