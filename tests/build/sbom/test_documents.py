"""Documents are held against the official schema of CycloneDX and the model of the SPDX project's own library."""

import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from seawall.build.sbom.cyclonedx import cyclonedx
from seawall.build.sbom.native import native
from seawall.build.sbom.spdx import spdx
from seawall.build.sbom.subject import Subject, edges, refs
from seawall.core.package import Distro, Package, SourcePackage
from seawall.core.purl import purl_of

DEBIAN = Distro("debian", "12", "bookworm", name="Debian GNU/Linux 12 (bookworm)")
LAYER = "sha256:" + "ab" * 32
CYCLONEDX = JsonStrictValidator(SchemaVersion.V1_6)


def package(type_: str, name: str, version: str, **more: Any) -> Package:
    made = Package(type=type_, name=name, version=version, **more)
    from msgspec.structs import replace

    return replace(made, purl=purl_of(made, DEBIAN))


SHOP = (
    package(
        "deb", "libssl3", "3.0.11-1~deb12u2", source=SourcePackage("openssl", "3.0.11-1~deb12u2"), arch="amd64", layer=LAYER, licenses=("OpenSSL",)
    ),
    package("npm", "@babel/core", "7.23.0", path="app/package-lock.json", licenses=("MIT",), requires=("debug@4.3.4",)),
    package("npm", "debug", "4.3.4", path="app/package-lock.json", licenses=("MIT OR Apache-2.0",)),
    package("npm", "debug", "4.3.4", path="other/package-lock.json", licenses=("Beerware 42 (see file)", "MIT"), development=True),
    package("maven", "org.slf4j:slf4j-api", "2.0.9", path="app.jar!/lib/slf4j.jar"),
)
IMAGE = Subject(name="example.org/shop:1", digest="sha256:" + "cd" * 32, distro=DEBIAN, created="2026-01-02T03:04:05Z", packages=SHOP)


def assert_valid(subject: Subject) -> None:
    error = CYCLONEDX.validate_str(json.dumps(cyclonedx(subject)))
    assert error is None, error
    messages = validate_full_spdx_document(JsonLikeDictParser().parse(spdx(subject)))
    assert not messages, messages


def test_valid_against_the_official_schemas() -> None:
    assert_valid(IMAGE)
    assert_valid(Subject(name="rootfs", created="2026-01-02T03:04:05Z", packages=()))


def test_a_name_twice_gets_two_references() -> None:
    assert len(set(refs(SHOP))) == len(SHOP)


def test_edges_stay_within_a_file() -> None:
    assert edges(SHOP) == [[], [2], [], [], []]


def test_cyclonedx_tells_layer_place_licence_and_dependency() -> None:
    document = cyclonedx(IMAGE)
    components = {component["bom-ref"]: component for component in document["components"]}
    openssl = components["pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl"]
    assert {"name": "seawall:layer", "value": LAYER} in openssl["properties"]
    assert openssl["licenses"] == [{"license": {"id": "OpenSSL"}}]
    babel = components["pkg:npm/%40babel/core@7.23.0"]
    assert (babel["group"], babel["name"]) == ("@babel", "core")
    assert babel["evidence"] == {"occurrences": [{"location": "app/package-lock.json"}]}
    assert {"ref": babel["bom-ref"], "dependsOn": ["pkg:npm/debug@4.3.4"]} in document["dependencies"]
    assert components["pkg:npm/debug@4.3.4"]["licenses"] == [{"expression": "MIT OR Apache-2.0"}]


def test_spdx_declares_free_texts_as_references() -> None:
    document = spdx(IMAGE)
    dev = next(item for item in document["packages"] if item.get("sourceInfo", "").startswith("found in other/"))
    assert dev["licenseDeclared"] == "LicenseRef-Beerware-42-see-file AND MIT"
    assert document["hasExtractedLicensingInfos"][0]["extractedText"] == "Beerware 42 (see file)"


def test_equal_input_gives_an_equal_document() -> None:
    assert cyclonedx(IMAGE) == cyclonedx(IMAGE)
    assert spdx(IMAGE) == spdx(IMAGE)


def test_native_names_source_and_requirements() -> None:
    document = native(IMAGE)
    assert document["packages"][0]["source"] == {"name": "openssl", "version": "3.0.11-1~deb12u2"}
    assert document["packages"][1]["requires"] == ["pkg:npm/debug@4.3.4"]
    assert document["distro"]["id"] == "debian"


text = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20).filter(str.strip)


@given(st.lists(st.tuples(st.sampled_from(["pypi", "npm", "gem", "cargo", "deb"]), text, text, st.lists(text, max_size=3)), max_size=6))
def test_any_text_makes_valid_documents(rows: list[tuple[str, str, str, list[str]]]) -> None:
    packages = tuple(package(kind, name.strip("/@") or "x", version, licenses=tuple(licences), path="lock") for kind, name, version, licences in rows)
    assert_valid(Subject(name="any", created="2026-01-02T03:04:05Z", packages=packages))


@pytest.mark.parametrize("licence", ["MIT", "GPL-2.0-only", "Apache-2.0", "BSD-3-Clause", "LicenseRef-own", "public domain", "GPL-2.0+", "AGPL-3.0"])
def test_every_kind_of_licence(licence: str) -> None:
    assert_valid(Subject(name="any", created="2026-01-02T03:04:05Z", packages=(package("pypi", "x", "1", licenses=(licence,)),)))
