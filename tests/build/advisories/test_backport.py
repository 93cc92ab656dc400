"""Fixes proved by changelogs."""

import pytest

from seawall.build.advisories.backport import proof_of_fix
from seawall.core.package import Package, SourcePackage

CVE = "CVE-2023-0286"


def deb(version: str, source: SourcePackage | None = None) -> Package:
    return Package(type="deb", name="libssl1.1", version=version, source=source)


def proved(package: Package, entry: str, *, named: str = CVE, ids: tuple[str, ...] = (CVE,)) -> bool:
    return proof_of_fix(package, ids, {(package.type, package.name): {named: entry}}) is not None


@pytest.mark.parametrize(
    ("installed", "entry", "expected"),
    [
        ("1.1.1n-0+deb11u4", "1.1.1n-0+deb11u4", True),
        ("1.1.1n-0+deb11u5", "1.1.1n-0+deb11u4", True),
        ("1.1.1n-0+deb11u4+b1", "1.1.1n-0+deb11u4", True),
        ("1.1.1n-0+deb11u3", "1.1.1n-0+deb11u4", False),
        ("1.1.1n-0+deb11u4~bpo1", "1.1.1n-0+deb11u4", False),
    ],
)
def test_an_entry_proves_what_is_not_older(installed: str, entry: str, *, expected: bool) -> None:
    assert proved(deb(installed), entry) is expected


def test_the_version_of_the_source_counts() -> None:
    assert proved(deb("9:1-1", SourcePackage("openssl", "1.1.1n-2")), "1.1.1n-1")
    assert not proved(deb("9:1-1", SourcePackage("openssl", "1.1.1n-2")), "1.1.1n-3")


def test_other_names_prove_nothing() -> None:
    package = deb("1.0-1")
    assert not proved(package, "1.0-1", named="CVE-2023-02860")
    assert not proved(package, "1.0-1", ids=("GHSA-aaaa-bbbb-cccc",), named="GHSA-aaaa-bbbb-cccc")
    assert proved(package, "1.0-1", ids=("GHSA-aaaa-bbbb-cccc", CVE))
    assert proof_of_fix(package, (CVE,), {("deb", "libssl3"): {CVE: "1.0-1"}}) is None
    assert proof_of_fix(package, (CVE,), {}) is None


def test_only_packages_of_distributions_prove_it() -> None:
    assert not proved(Package(type="pypi", name="x", version="2.0"), "1.0")


def test_entries_of_rpm_changelogs_often_leave_the_epoch_away() -> None:
    package = Package(type="rpm", name="openssl", version="1:1.1.1k-7.el8_6")
    assert proved(package, "1.1.1k-7")
    assert proved(package, "1:1.1.1k-7")
    assert not proved(package, "1.1.1k-8")
    assert not proved(package, "2:1.0-1")


def test_the_proof_is_told_in_words() -> None:
    found = proof_of_fix(deb("1.0-2"), (CVE,), {("deb", "libssl1.1"): {CVE: "1.0-1"}})
    assert str(found) == "the changelog of libssl1.1 names CVE-2023-0286 as fixed in 1.0-1; installed is 1.0-2"
