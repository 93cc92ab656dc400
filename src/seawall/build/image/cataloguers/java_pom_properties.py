"""``META-INF/maven/GROUP/ARTIFACT/pom.properties`` of a jar that was unpacked (an application server's, a layered Spring Boot image's).

Source: Maven Archiver's description of what it adds to a jar.
"""

from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.java_pom import maven
from seawall.build.image.distinct import distinct


def parse(file: File) -> Facts:
    if found := coordinates(file.data):
        yield from distinct(file.path, [maven(*found)])


def coordinates(data: bytes) -> tuple[str, str, str] | None:
    """Group, artifact and version of a properties file; ``None`` if one is missing, or is a variable that the build did not fill in."""
    values = {}
    for line in data[: 2**16].decode("latin-1").splitlines():
        if not line.lstrip().startswith(("#", "!")):
            key, _, value = line.partition("=")
            values[key.strip()] = value.strip()
    group, artifact, version = (values.get(key, "") for key in ("groupId", "artifactId", "version"))
    if not (group and artifact and version) or "$" in group + artifact + version or ":" in group + artifact:
        return None
    return group, artifact, version


CATALOGUER: Final = Cataloguer("java-pom-properties", parse, ("**/META-INF/maven/*/*/pom.properties",))
