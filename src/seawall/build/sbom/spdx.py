"""SPDX 2.3 (ISO/IEC 5962 and its successor) as JSON."""

import hashlib
from typing import Any, Final

from seawall import __version__
from seawall.build.sbom.licences import conjunction, reference, spdx_expression
from seawall.build.sbom.subject import Subject, edges, refs
from seawall.core.package import Package

_DOCUMENT: Final = "SPDXRef-DOCUMENT"
_ROOT: Final = "SPDXRef-Subject"
_UNSAID: Final = "NOASSERTION"
_NAMESPACE: Final = "https://seawall.dev/spdx"  # an identifier, as the standard asks for; nothing is fetched from it


def spdx(subject: Subject) -> dict[str, Any]:
    """The document as builtins. Equal input gives an equal document."""
    names = refs(subject.packages)
    ids = [f"SPDXRef-Package-{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:16]}" for name in names]
    unlisted: dict[str, str] = {}
    packages = [_package(package, id_, unlisted) for package, id_ in zip(subject.packages, ids, strict=True)]
    needs = [_relationship(ids[place], "DEPENDS_ON", ids[other]) for place, others in enumerate(edges(subject.packages)) for other in others]
    content = hashlib.sha256("\0".join([subject.name, subject.digest, subject.created, *names]).encode(errors="surrogatepass")).hexdigest()
    document: dict[str, Any] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": subject.name,
        "documentNamespace": f"{_NAMESPACE}/{content}",
        "creationInfo": {"created": subject.created, "creators": [f"Tool: seawall-{__version__}"]},
        "packages": [_root(subject), *packages],
        "relationships": [
            _relationship(_DOCUMENT, "DESCRIBES", _ROOT),
            *(_relationship(_ROOT, "CONTAINS", id_) for id_ in ids),
            *needs,
        ],
    }
    if unlisted:
        document["hasExtractedLicensingInfos"] = [
            {"licenseId": id_, "name": text[:200], "extractedText": text} for id_, text in sorted(unlisted.items())
        ]
    return document


def _root(subject: Subject) -> dict[str, Any]:
    root: dict[str, Any] = {
        "SPDXID": _ROOT,
        "name": subject.name,
        "downloadLocation": _UNSAID,
        "filesAnalyzed": False,
        "primaryPackagePurpose": "CONTAINER" if subject.digest else "OTHER",
    }
    if subject.digest:
        root["versionInfo"] = subject.digest
        algorithm, _, value = subject.digest.partition(":")
        root["checksums"] = [{"algorithm": algorithm.upper(), "checksumValue": value}]
    if subject.distro:
        root["comment"] = f"distribution: {subject.distro.id} {subject.distro.version_id}".strip()
    return root


def _package(package: Package, id_: str, unlisted: dict[str, str]) -> dict[str, Any]:
    return {
        "SPDXID": id_,
        "name": package.name,
        "versionInfo": package.version,
        "downloadLocation": _UNSAID,
        "filesAnalyzed": False,
        "licenseConcluded": _UNSAID,
        "licenseDeclared": _declared(package, unlisted),
        "copyrightText": _UNSAID,
        "sourceInfo": _place(package),
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": package.purl}],
    }


def _place(package: Package) -> str:
    place = f"found in {package.path.encode(errors='replace').decode()}" if package.path else "place unknown"
    layer = f", layer {package.layer}" if package.layer else ""
    source = f", built from {package.source.name} {package.source.version}" if package.source else ""
    return place + layer + source


def _declared(package: Package, unlisted: dict[str, str]) -> str:
    if not package.licenses:
        return _UNSAID
    expressions = []
    for text in dict.fromkeys(package.licenses):
        expression = spdx_expression(text)
        if not expression or expression.startswith("LicenseRef-"):
            expression = expression or _free(text, unlisted)
            unlisted.setdefault(expression, text)
        expressions.append(expression)
    return conjunction(list(dict.fromkeys(expressions)))


def _free(text: str, unlisted: dict[str, str]) -> str:
    """A reference for a text that is no expression; texts that read alike but differ get different ones."""
    name = reference(text)
    if unlisted.get(name, text) != text:
        name = f"{name}-{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:8]}"
    return name


def _relationship(one: str, kind: str, other: str) -> dict[str, Any]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
