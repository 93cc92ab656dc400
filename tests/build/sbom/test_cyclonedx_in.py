import json
from typing import Any

import pytest
from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from seawall.build.sbom.read import Sbom, read_sbom
from seawall.core.package import Distro, Package, SourcePackage


def read(**members: Any) -> Sbom:
    return read_sbom(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", **members}).encode(), "bom.json")


def only(sbom: Sbom) -> Package:
    (package,) = sbom.packages
    return package


def properties(**values: str) -> list[dict[str, str]]:
    return [{"name": f"aquasecurity:trivy:{name}", "value": value} for name, value in values.items()]


# In the shape in which trivy writes images.
TRIVY = {
    "metadata": {
        "tools": {"components": [{"type": "application", "group": "aquasecurity", "name": "trivy", "version": "0.50.0"}]},
        "component": {"bom-ref": "root", "type": "container", "name": "shop:1", "purl": "pkg:oci/shop@sha256:ab?arch=amd64"},
    },
    "components": [
        {"bom-ref": "os", "type": "operating-system", "name": "redhat", "version": "8.9", "properties": properties(Class="os-pkgs", Type="redhat")},
        {
            "bom-ref": "ssl",
            "type": "library",
            "name": "openssl-libs",
            "version": "1.1.1k-9.el8_7",
            "licenses": [{"license": {"name": "OpenSSL"}}],
            "purl": "pkg:rpm/redhat/openssl-libs@1.1.1k-9.el8_7?arch=x86_64&distro=redhat-8.9&epoch=1",
            "properties": properties(
                LayerDiffID="sha256:cd",
                LayerDigest="sha256:ef",
                PkgID="openssl-libs@1:1.1.1k-9.el8_7.x86_64",
                PkgType="redhat",
                SrcName="openssl",
                SrcVersion="1.1.1k",
                SrcRelease="9.el8_7",
                SrcEpoch="1",
            ),
        },
        {
            "bom-ref": "node",
            "type": "library",
            "name": "nodejs",
            "version": "18.14.2-2.module+el8",
            "purl": "pkg:rpm/redhat/nodejs@18.14.2-2.module+el8?arch=x86_64&distro=redhat-8.9",
            "properties": properties(Modularitylabel="nodejs:18:8070020230306170042:bd1311ed", SrcName="nodejs", SrcVersion="18.14.2"),
        },
        {"bom-ref": "lock", "type": "application", "name": "app/package-lock.json", "properties": properties(Class="lang-pkgs", Type="npm")},
        {
            "bom-ref": "pkg:npm/lodash@4.17.4",
            "type": "library",
            "name": "lodash",
            "version": "4.17.4",
            "purl": "pkg:npm/lodash@4.17.4",
            "properties": properties(FilePath="app/node_modules/lodash/package.json", PkgType="npm"),
        },
    ],
    "dependencies": [
        {"ref": "root", "dependsOn": ["os", "lock"]},
        {"ref": "os", "dependsOn": ["ssl", "node"]},
        {"ref": "node", "dependsOn": ["ssl", "gone"]},
        {"ref": "lock", "dependsOn": ["pkg:npm/lodash@4.17.4"]},
    ],
}


def test_trivy() -> None:
    sbom = read(**TRIVY)
    assert (sbom.format, sbom.tool, sbom.subject) == ("CycloneDX 1.5 JSON", "trivy 0.50.0", "shop:1")
    assert sbom.distro == Distro("rhel", "8.9")
    assert sbom.problems == ()
    ssl, node, lodash = sbom.packages
    assert (ssl.type, ssl.name, ssl.version, ssl.arch, ssl.licenses) == ("rpm", "openssl-libs", "1:1.1.1k-9.el8_7", "x86_64", ("OpenSSL",))
    assert ssl.source == SourcePackage("openssl", "1:1.1.1k-9.el8_7")
    assert ssl.layer == "sha256:ef"
    assert (node.version, node.requires) == ("18.14.2-2.module+el8", ("ssl",))
    assert node.module == "nodejs:18"
    assert (lodash.path, lodash.requires) == ("app/node_modules/lodash/package.json", ())


def test_syft_names_the_file_of_the_source_rpm() -> None:
    purl = "pkg:rpm/rocky/bash@5.1.8-6.el9_1?arch=x86_64&epoch=1&upstream=bash-5.1.8-6.el9_1.src.rpm&distro=rocky-9.2"
    sbom = read(components=[{"type": "library", "name": "bash", "purl": purl}])
    package = only(sbom)
    assert (package.version, package.source) == ("1:5.1.8-6.el9_1", SourcePackage("bash", "1:5.1.8-6.el9_1"))
    assert sbom.distro == Distro("rocky", "9.2")


def test_nested_components_are_found_and_the_subject_is_not_one() -> None:
    inner = {"type": "library", "name": "c", "version": "3", "purl": "pkg:npm/c@3"}
    middle = {"type": "framework", "name": "b", "version": "2", "purl": "pkg:npm/b@2", "components": [inner]}
    sbom = read(
        metadata={"component": {"type": "application", "name": "shop", "version": "1", "purl": "pkg:npm/shop@1"}},
        components=[{"type": "library", "name": "a", "version": "1", "purl": "pkg:npm/a@1", "components": [middle]}],
    )
    assert [one.name for one in sbom.packages] == ["a", "b", "c"]
    assert sbom.subject == "shop@1"
    assert sbom.subject_package
    assert sbom.subject_package.name == "shop"


def test_a_document_about_one_package_alone() -> None:
    sbom = read(metadata={"component": {"type": "library", "name": "shop", "version": "1", "purl": "pkg:npm/shop@1"}})
    assert only(sbom).name == "shop"


def test_without_purl_a_component_is_kept_and_said_so() -> None:
    sbom = read(
        components=[
            {"type": "library", "group": "org.example", "name": "x", "version": "1"},
            {"type": "library", "name": "y", "version": "2", "purl": "npm/y@2"},
            {"type": "library", "name": "versionless"},
            {"type": "library", "name": " / ", "version": "1"},
            {"type": "file", "name": "/bin/sh", "version": "1"},
        ]
    )
    assert [(one.type, one.name, one.version) for one in sbom.packages] == [("generic", "org.example/x", "1"), ("generic", "y", "2")]
    assert [problem.message for problem in sbom.problems] == [
        "2 components ('x' and others) without a package URL: listed, and matched against nothing",
        "2 components ('npm/y@2' and others) that cannot be read as a package URL",
    ]


def test_what_only_development_needs() -> None:
    sbom = read(
        components=[
            {"type": "library", "name": "a", "purl": "pkg:npm/a@1", "scope": "excluded"},
            {"type": "library", "name": "b", "purl": "pkg:npm/b@1", "properties": [{"name": "cdx:npm:package:development", "value": "true"}]},
            {"type": "library", "name": "c", "purl": "pkg:npm/c@1", "scope": "optional"},
        ]
    )
    assert [one.development for one in sbom.packages] == [True, True, False]


def test_the_distribution_of_a_document_without_an_operating_system() -> None:
    purls = ["pkg:deb/debian/a@1?distro=debian-12", "pkg:deb/debian/b@1?distro=debian-12", "pkg:deb/debian/c@1", "pkg:apk/alpine/d@1?distro=alpine-3"]
    sbom = read(components=[{"type": "library", "name": "x", "purl": purl} for purl in purls])
    assert sbom.distro == Distro("debian", "12")


def test_an_operating_system_is_no_package_even_with_a_purl() -> None:
    package = {"type": "library", "name": "a", "purl": "pkg:apk/alpine/a@1?distro=alpine-3.19.1"}
    told = {"type": "operating-system", "name": "alpine", "version": "3.18.4", "purl": "pkg:generic/alpine@3.18.4"}
    sbom = read(components=[told, package])
    assert (sbom.distro, len(sbom.packages)) == (Distro("alpine", "3.18.4"), 1)
    # A name for people tells nothing; the packages do.
    assert read(components=[told | {"name": "Alpine Linux v3.18"}, package]).distro == Distro("alpine", "3.19.1")


@pytest.mark.parametrize("version", [SchemaVersion.V1_2, SchemaVersion.V1_3, SchemaVersion.V1_4, SchemaVersion.V1_5, SchemaVersion.V1_6])
@pytest.mark.parametrize("format_", [OutputFormat.JSON, OutputFormat.XML])
def test_documents_of_the_projects_own_library(version: SchemaVersion, format_: OutputFormat) -> None:
    inner = Component(name="inner", version="3", bom_ref="inner", purl=PackageURL("npm", None, "inner", "3"))
    flask = Component(
        name="flask",
        version="2.0",
        bom_ref="flask",
        type=ComponentType.LIBRARY,
        purl=PackageURL("pypi", None, "flask", "2.0"),
        licenses=[DisjunctiveLicense(id="BSD-3-Clause")],
        properties=[Property(name="seawall:layer", value="sha256:ab")],
        components=[inner],
    )
    core = Component(
        name="core",
        group="@babel",
        version="7",
        bom_ref="core",
        purl=PackageURL("npm", "@babel", "core", "7"),
        licenses=[LicenseExpression("MIT OR ISC")],
    )
    bom = Bom(components=[flask, core])
    bom.metadata.component = root = Component(name="shop", version="1", type=ComponentType.APPLICATION, bom_ref="root")
    bom.register_dependency(root, [flask])
    bom.register_dependency(flask, [core])
    text = make_outputter(bom, format_, version).output_as_string()
    sbom = read_sbom(text.encode(), "bom")
    assert sbom.problems == ()
    assert sbom.format == f"CycloneDX {version.to_version()} {format_.name}"
    assert sbom.subject == "shop@1"
    found = {one.name: one for one in sbom.packages}
    assert set(found) == {"flask", "@babel/core", "inner"}
    assert found["flask"].licenses == ("BSD-3-Clause",)
    assert found["@babel/core"].licenses == ("MIT OR ISC",)
    assert found["flask"].requires == (found["@babel/core"].ref,)
    # Components have properties since 1.3.
    assert found["flask"].layer == ("" if version is SchemaVersion.V1_2 else "sha256:ab")
