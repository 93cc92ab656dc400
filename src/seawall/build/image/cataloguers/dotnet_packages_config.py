"""``packages.config``: the packages of an older .NET Framework project, with exact versions.

Source: NuGet's documentation, "packages.config reference".
"""

from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.dotnet_names import nuget
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_xml


def parse(file: File) -> Facts:
    try:
        root = read_xml(file.data)
    except Unreadable as error:
        yield error.problem(file.path)
        return
    found = (element.attributes for element in root.all("package") if root.name == "packages")
    yield from distinct(
        file.path,
        (
            nuget(given.get("id", ""), given.get("version", ""), development=given.get("developmentDependency", "").lower() == "true")
            for given in found
        ),
    )


CATALOGUER: Final = Cataloguer("dotnet-packages-config", parse, ("packages.config",), installed=False)
