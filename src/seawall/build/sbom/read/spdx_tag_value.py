"""SPDX 2.2 and 2.3 as tags and values: brought into the shape of the JSON.

``Tag: value`` on a line; a value in ``<text>`` and ``</text>`` may have many. A package begins with its name, and ends where another thing begins.

Source: the SPDX specification 2.3, annex on the tag-value format.
"""

import re
from typing import Any, Final

from seawall.build.sbom.read import spdx
from seawall.build.sbom.read.entry import Document

_LINE: Final = re.compile(r"^[ \t]*([A-Za-z]\w*)[ \t]*:[ \t]*(?:<text>(.*?)(?:</text>|\Z)|([^\n]*))", re.MULTILINE | re.DOTALL)
_FIELDS: Final = {
    "SPDXID": "SPDXID",
    "PackageVersion": "versionInfo",
    "PackageLicenseDeclared": "licenseDeclared",
    "PackageLicenseConcluded": "licenseConcluded",
    "PackageComment": "comment",
    "PackageSourceInfo": "sourceInfo",
    "PrimaryPackagePurpose": "primaryPackagePurpose",
}
_OTHERS: Final = frozenset({"FileName", "SnippetSPDXID", "SnippetSPDXIdentifier", "LicenseID", "Relationship", "Annotator", "Reviewer"})
_PARTS_OF_REFERENCE: Final = 3


def read(text: str) -> Document:
    """Never raises: what is no tag is left out, as comments are."""
    head: dict[str, Any] = {"creationInfo": {"creators": []}}
    version = ""
    packages: list[dict[str, Any]] = []
    licences: list[dict[str, Any]] = []
    relationships: list[dict[str, Any]] = []
    package: dict[str, Any] | None = None
    for match in _LINE.finditer(text):
        tag = match[1]
        value = match[2] if match[2] is not None else match[3].strip()
        if tag == "PackageName":
            package = {"name": value, "externalRefs": [], "attributionTexts": []}
            packages.append(package)
        elif tag == "Relationship":
            words = value.split()
            if len(words) == _PARTS_OF_REFERENCE:
                relationships.append({"spdxElementId": words[0], "relationshipType": words[1], "relatedSpdxElement": words[2]})
        elif tag in _OTHERS:
            package = None
            if tag == "LicenseID":
                licences.append({"licenseId": value})
        elif package is not None:
            if tag in _FIELDS:
                package.setdefault(_FIELDS[tag], value)
            elif tag == "ExternalRef":
                words = value.split(maxsplit=_PARTS_OF_REFERENCE - 1)
                if len(words) == _PARTS_OF_REFERENCE:
                    package["externalRefs"].append({"referenceType": words[1], "referenceLocator": words[2]})
            elif tag == "PackageAttributionText":
                package["attributionTexts"].append(value)
        elif licences and tag in ("LicenseName", "ExtractedText"):
            licences[-1]["name" if tag == "LicenseName" else "extractedText"] = value
        elif tag == "DocumentName":
            head["name"] = value
        elif tag == "SPDXVersion":
            version = version or value
        elif tag == "Creator":
            head["creationInfo"]["creators"].append(value)
    return spdx.convert(f"{version} tag-value", head, packages, relationships, licences)
