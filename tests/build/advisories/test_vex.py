"""VEX: which statement is about a finding, which counts, and what the formats say."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.build.advisories import vex_openvex
from seawall.build.advisories.vex import Image, Product, Statement, Status, Verdict, VexProblem, verdict
from seawall.build.advisories.vex_documents import read_vex
from seawall.core.errors import InputError
from seawall.core.package import Package

CVE = "CVE-2024-0001"
DIGEST = "sha256:" + "a" * 64
LIB = Package(type="deb", name="libx", version="1.0-1", purl="pkg:deb/debian/libx@1.0-1?arch=amd64&distro=debian-12")
IMAGE = Image(frozenset({DIGEST}), ("docker.io/library/shop:1.2",))


def openvex(*statements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.org/vex-1",
        "author": "Example",
        "timestamp": "2024-01-01T00:00:00Z",
        "version": 1,
        "statements": list(statements),
        **more,
    }


def said(status: str = "not_affected", *products: Any, name: Any = None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"vulnerability": name or {"name": CVE}, "products": list(products) or [{"@id": LIB.purl}], "status": status}
    if status == "not_affected":
        found["justification"] = "vulnerable_code_not_present"
    return {**found, **more}


def read(document: object, path: str = "a.json") -> tuple[list[Statement], list[str]]:
    found = list(read_vex(path, json.dumps(document).encode()))
    return [item for item in found if isinstance(item, Statement)], [item.message for item in found if isinstance(item, VexProblem)]


def judged(
    *documents: dict[str, Any], package: Package = LIB, image: Image | None = None, ids: tuple[str, ...] = (CVE,), platform: str = ""
) -> Verdict | None:
    statements: list[Statement] = []
    for document in documents:
        found, problems = read(document)
        assert not problems, problems
        statements += found
    return verdict(statements, ids, package, image, platform)


def excused(*documents: dict[str, Any], **more: Any) -> bool:
    found = judged(*documents, **more)
    return found is not None and found.excuses


# --- products


@pytest.mark.parametrize(
    ("purl", "expected"),
    [
        ("pkg:deb/debian/libx@1.0-1?arch=amd64&distro=debian-12", True),
        ("pkg:deb/debian/libx@1.0-1", True),
        ("pkg:deb/debian/libx", True),
        ("pkg:deb/debian/libx?distro=debian-12", True),
        ("pkg:deb/debian/libx@1.0-1?arch=arm64", False),
        ("pkg:deb/debian/libx@1.0-2", False),
        ("pkg:deb/debian/libx@1.0", False),
        ("pkg:deb/debian/lib", False),
        ("pkg:deb/ubuntu/libx@1.0-1", False),
        ("pkg:deb/libx@1.0-1", False),
        ("pkg:rpm/debian/libx@1.0-1", False),
        ("pkg:deb/debian/libx@1.0-1?repository_url=example.org", False),
        ("libx", False),
        ("pkg:deb", False),
    ],
)
def test_a_purl_speaks_of_all_that_agree_with_it(purl: str, *, expected: bool) -> None:
    assert excused(openvex(said("not_affected", {"@id": purl}))) is expected
    assert excused(openvex(said("not_affected", {"@id": "https://example.org/x", "identifiers": {"purl": purl}}))) is expected
    assert excused(openvex(said("not_affected", purl))) is expected, "as documents of 0.0.1 name products"


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        (f"pkg:oci/shop@{DIGEST.replace(':', '%3A')}?repository_url=docker.io/library/shop", True),
        (f"pkg:oci/other@{DIGEST}", True),
        (f"docker.io/library/shop@{DIGEST}", True),
        ("pkg:oci/shop@sha256:" + "b" * 64, False),
        ("docker.io/library/shop:1.2@sha256:" + "b" * 64, False),
        ("pkg:oci/shop?repository_url=docker.io/library/shop", True),
        ("pkg:oci/shop?repository_url=docker.io/library", True),
        ("pkg:oci/shop?repository_url=docker.io/library/shop&tag=1.2", True),
        ("pkg:oci/shop?repository_url=index.docker.io/library/shop", True),
        ("pkg:oci/shop?repository_url=docker.io/library/shop&tag=1.3", False),
        ("pkg:oci/shop?repository_url=quay.io/library/shop", False),
        ("pkg:oci/shop", False),
        ("pkg:docker/shop@1.2", True),
        ("pkg:docker/me/shop@1.2", False),
        ("shop:1.2", True),
        ("docker.io/library/shop", True),
        ("shop:1.3", False),
        ("quay.io/shop:1.2", False),
    ],
)
def test_an_image_is_its_digest_or_its_name(product: str, *, expected: bool) -> None:
    assert excused(openvex(said("not_affected", {"@id": product})), image=IMAGE) is expected
    assert excused(openvex(said("not_affected", {"@id": product, "subcomponents": [{"@id": "pkg:deb/debian/libx"}]})), image=IMAGE) is expected
    assert not excused(openvex(said("not_affected", {"@id": product})), image=None)


def test_a_part_of_an_image_is_no_other_part() -> None:
    product = {"@id": f"pkg:oci/shop@{DIGEST}", "subcomponents": [{"@id": "pkg:deb/debian/libx@1.0-1"}]}
    assert excused(openvex(said("not_affected", product)), image=IMAGE)
    assert not excused(
        openvex(said("not_affected", product)), image=IMAGE, package=Package(type="deb", name="liby", version="1", purl="pkg:deb/debian/liby@1")
    )
    assert not excused(openvex(said("not_affected", product)), image=Image(frozenset({"sha256:" + "c" * 64}), IMAGE.names))
    hashes = {"@id": "https://example.org/shop", "hashes": {"sha-256": "A" * 64}, "subcomponents": ["pkg:deb/debian/libx"]}
    assert excused(openvex(said("not_affected", hashes)), image=IMAGE)


# --- which statement counts


def test_any_name_of_the_vulnerability() -> None:
    document = openvex(said("fixed", name={"name": "GHSA-aaaa-bbbb-cccc", "aliases": [CVE]}))
    assert excused(document)
    assert excused(document, ids=("ghsa-AAAA-bbbb-cccc",))
    assert not excused(document, ids=("CVE-2024-00012", "CVE-2024-000"))
    assert excused(openvex(said("fixed", name=CVE))), "as documents of 0.0.1 name vulnerabilities"


def test_the_latest_statement_wins() -> None:
    early, late = {"timestamp": "2024-02-01T00:00:00Z"}, {"timestamp": "2024-02-01T00:00:00-01:00"}
    for order in ((0, 1), (1, 0)):
        pair = [said("not_affected", **early), said("affected", **late)]
        found = judged(openvex(*(pair[place] for place in order)))
        assert found is not None
        assert not found.excuses
        assert found.conflicts == ("https://example.org/vex-1 says not affected (2024-02-01T00:00:00Z)",)
    assert excused(openvex(said("affected", **early), said("fixed", **late)))
    assert excused(openvex(said("affected"), timestamp="2024-01-01T00:00:00Z"), openvex(said("fixed"), timestamp="2024-01-02T00:00:00Z"))


def test_of_two_at_once_the_careful_one_counts() -> None:
    for status in ("affected", "under_investigation"):
        assert not excused(openvex(said("not_affected"), said(status)))
        assert not excused(openvex(said(status), said("not_affected")))
    assert not excused(openvex(said("not_affected", timestamp=""), timestamp=""), openvex(said("affected")))


@given(st.lists(st.tuples(st.sampled_from(list(Status)), st.integers(1, 3)), min_size=1, max_size=6), st.randoms())
def test_the_order_in_which_documents_are_read_does_not_show(told: list[tuple[Status, int]], chance: Any) -> None:
    statements = [
        Statement(vulnerabilities=(CVE,), products=(Product((LIB.purl,)),), status=status, time=f"2024-01-0{day}T00:00:00Z") for status, day in told
    ]
    shuffled = chance.sample(statements, len(statements))
    first, second = verdict(statements, [CVE], LIB), verdict(shuffled, [CVE], LIB)
    assert first is not None
    assert second is not None
    assert first.statement == second.statement
    latest = max(day for _, day in told)
    assert first.statement.status == min((status for status, day in told if day == latest), key=list(Status).index)


def test_the_reason_is_in_the_words_of_who_gave_it() -> None:
    found = judged(openvex(said("not_affected", impact_statement="we never call it")))
    assert found is not None
    assert found.reason == "not affected: we never call it (Example)"
    found = judged(openvex(said("not_affected")))
    assert found is not None
    assert found.reason == "not affected: vulnerable code not present (Example)"
    found = judged(openvex(said("fixed")))
    assert found is not None
    assert found.reason == "fixed (Example)"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (said("not_affected", justification=""), "needs a justification"),
        (said("not_affected", justification="because"), "'because' is no justification"),
        (said("perhaps"), "'perhaps' is no status"),
        ({"status": "fixed", "products": [LIB.purl]}, "names no vulnerability"),
        ({"vulnerability": CVE, "status": "fixed"}, "names no product"),
        ({"vulnerability": CVE, "status": "fixed", "products": [7, {}, None]}, "names no product"),
        (said("fixed", timestamp="yesterday"), "is no time"),
    ],
)
def test_what_a_statement_lacks_is_told(statement: dict[str, Any], message: str) -> None:
    _, problems = read(openvex(statement))
    assert len(problems) == 1
    assert message in problems[0]


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"@context": 7}', b"\xff\xfe", b"[" * 100_000, b'{"bomFormat": "SPDX"}'])
def test_what_is_no_vex_is_told(data: bytes) -> None:
    with pytest.raises(InputError):
        read_vex("a.json", data)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(["statements", "vulnerability", "products", "status", "@id", "name", "subcomponents", "identifiers", "hashes", "purl", "document",
    "product_tree", "branches", "product", "product_id", "relationships", "vulnerabilities", "product_status", "fixed", "cve", "flags", "label",
    "product_ids", "analysis", "state", "affects", "ref", "components", "metadata", "component"]), inner, max_size=4), max_leaves=25)  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(["statements", "product_tree", "vulnerabilities", "components", "metadata", "products"]), JSON), st.integers(0, 2)
)
def test_documents_of_any_shape_are_read_without_a_crash(body: dict[str, Any], kind: int) -> None:
    marks: list[dict[str, Any]] = [{"@context": "https://openvex.dev/ns"}, {"document": {"csaf_version": "2.0"}}, {"bomFormat": "CycloneDX"}]
    for item in read_vex("a.json", json.dumps({**body, **marks[kind]}).encode()):
        assert isinstance(item, (Statement, VexProblem))


# --- OpenVEX, written


def test_what_is_written_is_read_again() -> None:
    told = [
        Statement(
            vulnerabilities=(CVE, "GHSA-aaaa-bbbb-cccc"),
            products=(Product((f"pkg:oci/shop@{DIGEST}",), (DIGEST,), (LIB.purl,)),),
            status=Status.NOT_AFFECTED,
            time="2024-03-01T00:00:00Z",
            justification="vulnerable_code_not_present",
            text="proved",
        ),
        Statement(vulnerabilities=("CVE-2024-0002",), products=(Product((LIB.purl,)),), status=Status.AFFECTED, action="upgrade to 1.0-2"),
        Statement(vulnerabilities=("CVE-2024-0003",), products=(Product((LIB.purl,)),), status=Status.FIXED),
        Statement(
            vulnerabilities=("CVE-2024-0004",), products=(Product((LIB.purl,)),), status=Status.NOT_AFFECTED, text="its changelog names the fix"
        ),
    ]
    document = vex_openvex.write(told, author="Example", time="2024-04-01T00:00:00Z")
    assert document == vex_openvex.write(told, author="Example", time="2024-04-01T00:00:00Z")
    found, problems = read(document)
    assert not problems
    for before, after in zip(told, found, strict=True):
        assert (after.vulnerabilities, after.status, after.text, after.justification) == (
            before.vulnerabilities,
            before.status,
            before.text,
            before.justification,
        )
        assert after.products[0].subcomponents == before.products[0].subcomponents
        assert after.products[0].digests == before.products[0].digests
    assert found[1].action == "upgrade to 1.0-2"
    assert excused(document, image=IMAGE)
    assert document["statements"][0]["vulnerability"] == {"name": CVE, "aliases": ["GHSA-aaaa-bbbb-cccc"]}


# --- CSAF


def csaf(status: dict[str, list[str]], *, flags: bool = True, **more: Any) -> dict[str, Any]:
    products = sorted({product for found in status.values() for product in found})
    return {
        "document": {
            "category": "csaf_vex",
            "csaf_version": "2.0",
            "publisher": {"name": "Vendor"},
            "tracking": {"id": "VEX-1", "status": "final", "current_release_date": "2024-01-01T00:00:00Z"},
        },
        "product_tree": {
            "branches": [
                {
                    "category": "vendor",
                    "name": "Vendor",
                    "branches": [
                        {"category": "product_name", "name": "RHEL 9", "product": _product("RHEL9", cpe="cpe:/o:redhat:enterprise_linux:9::baseos")},
                        {"category": "product_name", "name": "other", "product": _product("OTHER", cpe="cpe:/a:vendor:other:1")},
                        {"category": "product_version", "name": "libx", "product": _product("libx-any", purl="pkg:rpm/redhat/libx")},
                        {"category": "product_version", "name": "libx", "product": _product("libx-1", purl="pkg:rpm/redhat/libx@1.0-1.el9")},
                        {"category": "product_version", "name": "image", "product": _product("image", purl=f"pkg:oci/shop@{DIGEST}")},
                    ],
                }
            ],
            "full_product_names": [_product("nameless")],
            "product_groups": [{"group_id": "all", "product_ids": products}],
            "relationships": [
                _relation("RHEL9:libx", "libx-any", "RHEL9"),
                _relation("OTHER:libx", "libx-any", "OTHER"),
                _relation("OTHER:libx-1", "libx-1", "OTHER"),
                _relation("image:libx", "libx-any", "image"),
            ],
        },
        "vulnerabilities": [
            {
                "cve": CVE,
                "product_status": status,
                "flags": [{"label": "vulnerable_code_not_present", "group_ids": ["all"]}] if flags else [],
                "remediations": [{"category": "vendor_fix", "details": "update", "product_ids": products}],
                **more,
            }
        ],
    }


def _product(name: str, **helper: str) -> dict[str, Any]:
    return {"product_id": name, "name": name, **({"product_identification_helper": helper} if helper else {})}


def _relation(name: str, part: str, whole: str) -> dict[str, Any]:
    full = {"product_id": name, "name": name}
    return {"category": "default_component_of", "product_reference": part, "relates_to_product_reference": whole, "full_product_name": full}


RPM = Package(type="rpm", name="libx", version="1.0-1.el9", purl="pkg:rpm/redhat/libx@1.0-1.el9?arch=x86_64&distro=rhel-9.2")
NEWER = Package(type="rpm", name="libx", version="2.0-1.el9", purl="pkg:rpm/redhat/libx@2.0-1.el9?arch=x86_64&distro=rhel-9.2")


@pytest.mark.parametrize(
    ("product", "package", "platform", "image", "expected"),
    [
        ("RHEL9:libx", RPM, "rhel-9", None, True),
        ("RHEL9:libx", RPM, "rhel-9.2", None, True),
        ("RHEL9:libx", RPM, "rhel-8", None, False),
        ("RHEL9:libx", RPM, "rhel-90", None, False),
        ("RHEL9:libx", RPM, "", None, False),
        ("libx-1", RPM, "", None, True),
        ("libx-1", NEWER, "", None, False),
        ("OTHER:libx-1", RPM, "rhel-9", None, True),
        ("image:libx", RPM, "", IMAGE, True),
        ("image:libx", LIB, "", IMAGE, False),
        ("image:libx", RPM, "", None, False),
        ("image", LIB, "", IMAGE, True),
    ],
)
def test_products_of_csaf(product: str, package: Package, platform: str, image: Image | None, *, expected: bool) -> None:
    assert excused(csaf({"known_not_affected": [product]}), package=package, platform=platform, image=image) is expected
    assert excused(csaf({"fixed": [product]}), package=package, platform=platform, image=image) is expected
    assert not excused(csaf({"known_affected": [product]}), package=package, platform=platform, image=image)
    assert not excused(csaf({"under_investigation": [product]}), package=package, platform=platform, image=image)


def test_what_csaf_says_beside_the_status() -> None:
    found = judged(csaf({"known_not_affected": ["libx-1"]}), package=RPM)
    assert found is not None
    assert found.reason == "not affected: vulnerable code not present (Vendor)"
    found = judged(
        csaf({"known_not_affected": ["libx-1"]}, threats=[{"category": "impact", "details": "never built", "product_ids": ["libx-1"]}]), package=RPM
    )
    assert found is not None
    assert found.reason == "not affected: never built (Vendor)"
    (statement,), _ = read(csaf({"known_affected": ["libx-1"]}))
    assert (statement.action, statement.document, statement.time) == ("update", "VEX-1", "2024-01-01T00:00:00Z")


def test_what_csaf_leaves_open_is_told() -> None:
    statements, problems = read(csaf({"known_not_affected": ["libx-1"]}, flags=False))
    assert not statements
    assert "without a reason" in problems[0]
    for product in ("nameless", "OTHER:libx", "no-such"):
        statements, problems = read(csaf({"fixed": [product]}))
        assert not statements
        assert "not by a purl" in problems[0]
    draft = csaf({"fixed": ["libx-1"]})
    draft["document"]["tracking"]["status"] = "draft"
    assert read(draft) == ([], ["is a draft; its statements do not count"])


# --- CycloneDX


def cyclonedx(state: str, ref: str = "x", **more: Any) -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "urn:uuid:1",
        "metadata": {"timestamp": "2024-01-01T00:00:00Z", "component": {"bom-ref": "root", "components": [{"bom-ref": "x", "purl": LIB.purl}]}},
        "vulnerabilities": [{"id": CVE, "analysis": {"state": state, **more}, "affects": [{"ref": ref}]}],
    }


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("not_affected", True),
        ("false_positive", True),
        ("resolved", True),
        ("resolved_with_pedigree", True),
        ("exploitable", False),
        ("in_triage", False),
    ],
)
def test_analyses_of_cyclonedx(state: str, *, expected: bool) -> None:
    for ref in ("x", "urn:cdx:0/1#x", LIB.purl):
        assert excused(cyclonedx(state, ref)) is expected
    assert judged(cyclonedx(state)) is not None


def test_what_cyclonedx_leaves_open_is_told() -> None:
    assert read(cyclonedx("perhaps")) == ([], [f"{CVE}: 'perhaps' is no state of an analysis"])
    statements, problems = read(cyclonedx("resolved", "unknown"))
    assert not statements
    assert "no purl is known" in problems[0]
    found = judged(cyclonedx("not_affected", justification="code_not_reachable", detail="dead code"))
    assert found is not None
    assert found.reason == "not affected: dead code"
    assert found.statement.document == "urn:uuid:1"
