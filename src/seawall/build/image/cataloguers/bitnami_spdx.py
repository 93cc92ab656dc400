"""The bill of materials that Bitnami puts beside each component of its images: ``opt/bitnami/redis/.spdx-redis.spdx``, in SPDX.

The subject of the document is the component (``pkg:bitnami/redis@7.4.0-0?arch=amd64&distro=debian-12``), the rest what it was built with. Behind the
dash of
a version is Bitnami's revision of the package.

Source: Bitnami's documentation of its packages and vulnerability database; the purl type ``bitnami``.
"""

from typing import Final

from msgspec.structs import replace

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.sbom.read import read_sbom
from seawall.core.package import Package


def parse(file: File) -> Facts:
    sbom = read_sbom(file.data, file.path)
    subject = (replace(sbom.subject_package, path=file.path),) if sbom.subject_package else ()
    yield from map(_plain, (*subject, *sbom.packages))
    yield from sbom.problems


def _plain(package: Package) -> Package:
    """Architecture and distribution are no qualifiers."""
    qualifiers = {key: value for key, value in package.qualifiers.items() if key not in ("arch", "distro")}
    return replace(package, arch=package.arch or package.qualifiers.get("arch", ""), qualifiers=qualifiers)


CATALOGUER: Final = Cataloguer("bitnami-spdx", parse, ("opt/bitnami/**/.spdx-*.spdx",))
