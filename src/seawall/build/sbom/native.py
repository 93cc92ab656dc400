"""``seawall.sbom/v1``: the packages as Seawall speaks of them."""

from typing import Any

from seawall.build.sbom.subject import Subject, edges, refs
from seawall.core.package import Package


def native(subject: Subject) -> dict[str, Any]:
    """The document as builtins."""
    names = refs(subject.packages)
    needs = edges(subject.packages)
    return {
        "schema": "seawall.sbom/v1",
        "subject": {"name": subject.name, "digest": subject.digest},
        "created": subject.created,
        "packages": [
            _package(package) | {"requires": [names[other] for other in others]} for package, others in zip(subject.packages, needs, strict=True)
        ],
        "distro": {"id": subject.distro.id, "version_id": subject.distro.version_id, "name": subject.distro.name} if subject.distro else None,
    }


def _package(package: Package) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "type": package.type,
        "purl": package.purl,
        "licenses": list(package.licenses),
        "layer": package.layer or None,
        "path": package.path.encode(errors="replace").decode() if package.path else None,
        "source": {"name": package.source.name, "version": package.source.version} if package.source else None,
        "arch": package.arch or None,
        "development": package.development,
    }
