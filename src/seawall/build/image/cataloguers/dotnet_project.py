"""Project files of .NET: ``PackageReference`` in ``*.csproj`` and its like, ``PackageVersion`` in ``Directory.Packages.props``.

Only versions that the file itself tells, literally or by a property of its own, and that are no range. Conditions are not judged: each branch counts.

Source: NuGet's documentation, "PackageReference in project files" and "Central Package Management".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.dotnet_names import exact, nuget
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Element, Unreadable, read_xml
from seawall.core.package import Package

_ITEMS: Final = ("PackageReference", "PackageVersion", "GlobalPackageReference")
_PROPERTY: Final = re.compile(r"\$\(([\w.-]{1,200})\)")
MAX_REFERENCES: Final = 8
"""Of properties by each other, in one value."""
MAX_VALUE: Final = 200
"""Characters. A longer value is no version."""


def parse(file: File) -> Facts:
    try:
        project = read_xml(file.data)
    except Unreadable as error:
        yield error.problem(file.path)
        return
    if project.name == "Project":
        yield from distinct(file.path, _packages(project))


def _packages(project: Element) -> Iterator[Package]:
    properties = {
        child.name.lower(): child.text.strip() for group in project.all("PropertyGroup") for child in group.children if len(child.text) <= MAX_VALUE
    }
    for item in (item for kind in _ITEMS for item in project.all("ItemGroup", kind)):
        given = [item.attributes.get(key) or item.value(key) for key in ("VersionOverride", "Version")]
        version = exact(_resolved(next(filter(None, given), ""), properties))
        private = (item.attributes.get("PrivateAssets") or item.value("PrivateAssets")).lower() == "all"
        # `Update` speaks of a reference that stands elsewhere.
        for name in (item.attributes.get("Include") or item.attributes.get("Update") or "").split(";"):
            if version and name.strip() and "$" not in name:
                yield nuget(name.strip(), version, development=private)


def _resolved(text: str, properties: Mapping[str, str]) -> str:
    """``text`` with properties replaced as far as they are known."""
    for _ in range(MAX_REFERENCES):
        if "$" not in text or len(text) > MAX_VALUE:
            break
        text = _PROPERTY.sub(lambda match: properties.get(match[1].lower(), match[0]), text)
    return text


CATALOGUER: Final = Cataloguer("dotnet-project", parse, ("*.csproj", "*.fsproj", "*.vbproj", "Directory.Packages.props"), installed=False)
