import json
from pathlib import Path
from typing import Any

import pytest
from spdx_tools.spdx.model.actor import Actor, ActorType
from spdx_tools.spdx.model.document import CreationInfo, Document
from spdx_tools.spdx.model.extracted_licensing_info import ExtractedLicensingInfo
from spdx_tools.spdx.model.package import ExternalPackageRef, ExternalPackageRefCategory
from spdx_tools.spdx.model.package import Package as SpdxPackage
from spdx_tools.spdx.model.relationship import Relationship, RelationshipType
from spdx_tools.spdx.model.spdx_no_assertion import SpdxNoAssertion
from spdx_tools.spdx.writer.write_anything import write_file

from seawall.build.sbom.read import Sbom, read_sbom
from seawall.core.package import Distro, Package, SourcePackage


def package(name: str, purl: str = "", **more: Any) -> dict[str, Any]:
    references = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}] if purl else []
    return {"SPDXID": f"SPDXRef-{name}", "name": name, "externalRefs": references, **more}


def relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": f"SPDXRef-{one}", "relationshipType": kind, "relatedSpdxElement": f"SPDXRef-{other}"}


def read(*packages: dict[str, Any], relationships: list[dict[str, str]] | None = None, **more: Any) -> Sbom:
    document = {"spdxVersion": "SPDX-2.3", "name": "shop", "packages": list(packages), "relationships": relationships or [], **more}
    return read_sbom(json.dumps(document).encode(), "bom.json")


def only(sbom: Sbom) -> Package:
    (found,) = sbom.packages
    return found


def test_trivy_tells_the_source_in_words() -> None:
    sbom = read(
        package("debian", versionInfo="11.6", primaryPackagePurpose="OPERATING-SYSTEM"),
        package(
            "libc6",
            "pkg:deb/debian/libc6@2.31-13?arch=amd64&distro=debian-11.6",
            versionInfo="2.31-13",
            sourceInfo="built package from: glibc 2.31-13",
            attributionTexts=["PkgID: libc6@2.31-13", "LayerDiffID: sha256:ab"],
        ),
        package(
            "zlib1g",
            "pkg:deb/debian/zlib1g@1.2.11?distro=debian-11.6",
            annotations=[{"annotator": "Tool: trivy-0.57.0", "comment": "LayerDigest: sha256:cd"}],
        ),
        package("app/composer.lock", primaryPackagePurpose="APPLICATION"),
        creationInfo={"creators": ["Organization: aquasecurity", "Tool: trivy-0.57.0"]},
    )
    libc, zlib = sbom.packages
    assert libc.source == SourcePackage("glibc", "2.31-13")
    assert (libc.layer, zlib.layer) == ("sha256:ab", "sha256:cd")
    assert sbom.distro == Distro("debian", "11.6")
    assert (sbom.tool, sbom.subject, sbom.problems) == ("trivy-0.57.0", "shop", ())


def test_relationships_in_every_direction() -> None:
    names = ["a", "b", "c", "d", "e"]
    sbom = read(
        *(package(name, f"pkg:npm/{name}@1") for name in names),
        relationships=[
            relation("a", "DEPENDS_ON", "b"),
            relation("c", "DEPENDENCY_OF", "a"),
            relation("d", "DEV_DEPENDENCY_OF", "a"),
            relation("c", "TEST_DEPENDENCY_OF", "b"),
            relation("a", "DEPENDS_ON", "gone"),
            relation("a", "CONTAINS", "e"),
        ],
    )
    found = {one.name: one for one in sbom.packages}
    assert found["a"].requires == ("SPDXRef-b", "SPDXRef-c", "SPDXRef-d")
    assert found["b"].requires == ("SPDXRef-c",)
    assert [name for name, one in found.items() if one.development] == ["d"]  # c is needed at run time too


@pytest.mark.parametrize(
    ("declared", "concluded", "told"),
    [
        ("MIT", "NOASSERTION", ("MIT",)),
        ("NOASSERTION", "Apache-2.0", ("Apache-2.0",)),
        ("NONE", "NOASSERTION", ()),
        ("MIT AND Apache-2.0", "", ("MIT", "Apache-2.0")),
        ("MIT OR Apache-2.0 AND ISC", "", ("MIT OR Apache-2.0 AND ISC",)),
        ("(MIT OR ISC) AND Zlib", "", ("(MIT OR ISC) AND Zlib",)),
        ("LicenseRef-Beerware", "", ("Beerware 42",)),
        ("MIT AND LicenseRef-long", "", ("MIT", "The Long Licence")),
        ("LicenseRef-unknown", "", ("LicenseRef-unknown",)),
    ],
)
def test_licences(declared: str, concluded: str, told: tuple[str, ...]) -> None:
    free = [
        {"licenseId": "LicenseRef-Beerware", "extractedText": "Beerware 42", "name": "NOASSERTION"},
        {"licenseId": "LicenseRef-long", "extractedText": "Text.\n" * 100, "name": "The Long Licence"},
    ]
    sbom = read(package("a", "pkg:npm/a@1", licenseDeclared=declared, licenseConcluded=concluded), hasExtractedLicensingInfos=free)
    assert only(sbom).licenses == told


def test_the_one_thing_that_a_document_describes_is_its_subject() -> None:
    root, inner = package("root", "pkg:npm/shop@1"), package("a", "pkg:npm/a@1")
    described = [relation("DOCUMENT", "DESCRIBES", "root")]
    assert [one.name for one in read(root, inner, relationships=described).packages] == ["a"]
    assert [one.name for one in read(root, inner, documentDescribes=["SPDXRef-root"]).packages] == ["a"]
    assert [one.name for one in read(root, inner, relationships=[relation("root", "DESCRIBED_BY", "DOCUMENT")]).packages] == ["a"]
    # Some tools say of every package that it is described.
    assert len(read(root, inner, documentDescribes=["SPDXRef-root", "SPDXRef-a"]).packages) == 2
    # And some documents are about one package.
    assert [one.name for one in read(root, relationships=described).packages] == ["shop"]


def test_github_exports_a_wrapped_document() -> None:
    inner = {
        "spdxVersion": "SPDX-2.3",
        "name": "com.github.example/shop",
        "packages": [
            package("root", "pkg:github/example/shop@main"),
            package("npm-lodash", "pkg:npm/lodash@4.17.4", versionInfo="4.17.4"),
            package("range", versionInfo=">= 4.17.4"),
        ],
        "relationships": [relation("DOCUMENT", "DESCRIBES", "root"), relation("root", "DEPENDS_ON", "npm-lodash")],
    }
    sbom = read_sbom(json.dumps({"sbom": inner}).encode(), "x")
    assert [(one.type, one.name, one.version) for one in sbom.packages] == [("npm", "lodash", "4.17.4"), ("generic", "range", ">= 4.17.4")]
    assert len(sbom.problems) == 1


def test_the_old_spelling_of_purl_references() -> None:
    old = {"referenceCategory": "PACKAGE_MANAGER", "referenceType": "http://spdx.org/rdf/references/purl", "referenceLocator": "pkg:pypi/flask@2"}
    assert only(read({"SPDXID": "SPDXRef-a", "name": "flask", "externalRefs": [old]})).name == "flask"


def test_tags_and_values() -> None:
    text = b"""SPDXVersion: SPDX-2.2
DataLicense: CC0-1.0
DocumentName: shop
Creator: Organization: Example
Creator: Tool: maker-1.0
## a comment with PackageName: nothing

FileName: ./lib.so
SPDXID: SPDXRef-File
PackageVersion: 9

PackageName: a
SPDXID: SPDXRef-a
PackageVersion: 1
PackageLicenseDeclared: LicenseRef-x
PackageDescription: <text>Many lines,
PackageName: not-one
</text>
ExternalRef: SECURITY cpe23Type cpe:2.3:a:a:a:1:*:*:*:*:*:*:*
ExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1
ExternalRefComment: none

PackageName: b
SPDXID: SPDXRef-b
ExternalRef: PACKAGE_MANAGER purl pkg:npm/b@2
LicenseID: LicenseRef-x
ExtractedText: <text>Beerware</text>
LicenseName: Beer
Relationship: SPDXRef-b DEPENDENCY_OF SPDXRef-a
Relationship: nonsense
"""
    for data in (text, text.replace(b"\n", b"\r\n")):
        sbom = read_sbom(data, "bom.spdx")
        assert (sbom.format, sbom.tool, sbom.subject, sbom.problems) == ("SPDX-2.2 tag-value", "maker-1.0", "shop", ())
        assert [(one.name, one.version, one.licenses, one.requires) for one in sbom.packages] == [
            ("a", "1", ("Beerware",), ("SPDXRef-b",)),
            ("b", "2", (), ()),
        ]


def test_spdx_3() -> None:
    graph = [
        {"type": "CreationInfo", "@id": "_:info", "specVersion": "3.0.1"},
        {"type": "Tool", "spdxId": "urn:tool", "name": "maker"},
        {"type": "SpdxDocument", "spdxId": "urn:doc", "name": "shop", "rootElement": ["urn:bom"]},
        {"type": "software_Sbom", "spdxId": "urn:bom", "rootElement": ["urn:root"]},
        {"type": "software_Package", "spdxId": "urn:root", "name": "shop", "software_primaryPurpose": "container"},
        {
            "type": "software_Package",
            "spdxId": "urn:a",
            "name": "a",
            "software_packageVersion": "1",
            "software_packageUrl": "pkg:npm/a@1",
        },
        {
            "type": "software_Package",
            "spdxId": "urn:b",
            "name": "b",
            "externalIdentifier": [{"type": "ExternalIdentifier", "externalIdentifierType": "packageUrl", "identifier": "pkg:npm/b@2"}],
        },
        {"type": "simplelicensing_LicenseExpression", "spdxId": "urn:mit", "simplelicensing_licenseExpression": "MIT"},
        {"type": "Relationship", "spdxId": "urn:1", "from": "urn:a", "relationshipType": "hasConcludedLicense", "to": ["urn:other"]},
        {"type": "Relationship", "spdxId": "urn:2", "from": "urn:a", "relationshipType": "hasDeclaredLicense", "to": ["urn:mit"]},
        {"type": "LifecycleScopedRelationship", "from": "urn:a", "relationshipType": "dependsOn", "to": ["urn:b"], "scope": "development"},
    ]
    sbom = read_sbom(json.dumps({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": graph}).encode(), "x")
    assert (sbom.format, sbom.tool, sbom.subject, sbom.problems) == ("SPDX 3 JSON-LD", "maker", "shop", ())
    assert [(one.name, one.version, one.licenses, one.requires, one.development) for one in sbom.packages] == [
        ("a", "1", ("MIT",), ("urn:b",), False),
        ("b", "2", (), (), True),
    ]


@pytest.mark.parametrize("suffix", ["json", "yaml", "spdx"])
def test_documents_of_the_projects_own_library(suffix: str, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from license_expression import get_spdx_licensing

    def made(name: str, version: str, purl: str, licence: str) -> SpdxPackage:
        return SpdxPackage(
            spdx_id=f"SPDXRef-{name}",
            name=name,
            download_location=SpdxNoAssertion(),
            version=version,
            files_analyzed=False,
            license_declared=get_spdx_licensing().parse(licence),
            external_references=[ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", purl)],
            comment="several\nlines",
        )

    document = Document(
        CreationInfo(
            spdx_version="SPDX-2.3",
            spdx_id="SPDXRef-DOCUMENT",
            name="shop",
            document_namespace="https://example.org/shop",
            creators=[Actor(ActorType.TOOL, "maker")],
            created=datetime(2026, 1, 2, tzinfo=UTC).replace(tzinfo=None),
        ),
        packages=[
            made("shop", "1", "pkg:npm/shop@1", "MIT"),
            made("flask", "2.0", "pkg:pypi/flask@2.0", "LicenseRef-free"),
            made("core", "7", "pkg:npm/%40babel/core@7", "MIT"),
        ],
        extracted_licensing_info=[ExtractedLicensingInfo("LicenseRef-free", extracted_text="Do what you like")],
        relationships=[
            Relationship("SPDXRef-DOCUMENT", RelationshipType.DESCRIBES, "SPDXRef-shop"),
            Relationship("SPDXRef-flask", RelationshipType.DEPENDS_ON, "SPDXRef-core"),
        ],
    )
    path = tmp_path / f"bom.{suffix}"
    write_file(document, str(path), validate=False)
    sbom = read_sbom(path.read_bytes(), "bom")
    assert (sbom.subject, sbom.tool, sbom.problems) == ("shop", "maker", ())
    assert [(one.type, one.name, one.version, one.licenses, one.requires) for one in sbom.packages] == [
        ("pypi", "flask", "2.0", ("Do what you like",), ("SPDXRef-core",)),
        ("npm", "@babel/core", "7", ("MIT",), ()),
    ]
