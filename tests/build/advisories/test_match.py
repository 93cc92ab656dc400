"""Matching: against OSV's own algorithm on the records themselves, on invented and on real ones; near misses; what a finding says."""

import io
import json
import random
import sqlite3
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.build.advisories.ecosystems import normalise_ecosystem, normalise_name
from seawall.build.advisories.match import Answer, Vulnerability, match
from seawall.build.advisories.versions import scheme_of
from seawall.core.package import Distro, Package, SourcePackage
from seawall.core.purl import read_purl
from seawall.core.severity import Severity

from .conftest import PACK, DatabaseOf, Record, build_from


def osv(identifier: str, ecosystem: str, name: str, *events: dict[str, str], **more: Any) -> Record:
    kind = "SEMVER" if ecosystem in ("npm", "Go", "crates.io") else "ECOSYSTEM"
    affected: Record = {"package": {"ecosystem": ecosystem, "name": name}, **more.pop("affected", {})}
    if events:
        affected["ranges"] = [{"type": kind, "events": list(events)}]
    return {"id": identifier, "modified": "2025-01-01T00:00:00Z", "schema_version": "1.7.0", "affected": [affected], **more}


def since(version: str) -> dict[str, str]:
    return {"introduced": version}


def until(version: str) -> dict[str, str]:
    return {"fixed": version}


def ask(connection: sqlite3.Connection, purl: str) -> Answer:
    return match(connection, [read_purl(purl)])[0]


def known(connection: sqlite3.Connection, purl: str) -> list[str]:
    return [found.id for found in ask(connection, purl).vulnerabilities]


def only(connection: sqlite3.Connection, purl: str) -> Vulnerability:
    (found,) = ask(connection, purl).vulnerabilities
    return found


# --- the twin


def is_affected(record: Record, ecosystem: str, name: str, version: str) -> bool:
    """OSV's evaluation algorithm, as its specification writes it, with the comparator instead of keys."""
    compare = scheme_of(ecosystem).compare
    for affected in record["affected"]:
        package = affected["package"]
        place = normalise_ecosystem(package["ecosystem"])
        if place != ecosystem or normalise_name(place, package["name"]) != name:
            continue
        if any(compare(version, one) == 0 for one in affected.get("versions", ())):
            return True
        for entry in affected.get("ranges", ()):
            if entry["type"] == "GIT":
                continue
            events = [(value, kind) for event in entry["events"] for kind, value in event.items()]
            events.sort(key=_Sorted.key(compare))
            vulnerable = False
            for value, kind in events:
                if kind == "introduced" and (value == "0" or compare(version, value) >= 0):
                    vulnerable = True
                elif compare(version, value) >= (1 if kind == "last_affected" else 0):
                    vulnerable = vulnerable and kind == "introduced"
            if vulnerable:
                return True
    return False


class _Sorted:
    """Events by version; "0" is before everything, and a fix at the version of an introduction is before it."""

    @staticmethod
    def key(compare: Any) -> Any:
        from functools import cmp_to_key

        def order(one: tuple[str, str], other: tuple[str, str]) -> int:
            if "0" in (one[0], other[0]) and one[0] != other[0]:
                return -1 if one[0] == "0" else 1
            return int(compare(one[0], other[0]))

        return cmp_to_key(order)


VERSIONS = {
    "PyPI": ["0.9", "1.0a1", "1.0", "1.0.post1", "1.1.dev2", "1.1", "1!0.1", "2.0rc1", "2.0"],
    "npm": ["0.1.0", "1.0.0-alpha.1", "1.0.0", "1.2.0", "1.10.0", "2.0.0-0", "2.0.0"],
    "Debian:12": ["1.0~rc1-1", "1.0-1", "1.0-1+deb12u1", "1.0-2", "1:0.1-1", "2.0-1"],
    "Alpine:v3.19": ["1.0_rc1-r0", "1.0-r0", "1.0-r1", "1.0_p1-r0", "1.1-r0", "2.0-r3"],
    "AlmaLinux:9": ["1.0-1.el9", "1.0-1.el9_2", "1.0-2.el9", "1:0.5-1.el9", "1.0~rc1-1.el9", "2.0-1.el9"],
    "Go": ["0.0.0-20200101000000-abcdefabcdef", "0.1.0", "1.0.0-rc.1", "1.0.0", "1.1.0", "2.0.0+incompatible"],
}
PURLS = {
    "PyPI": "pkg:pypi/{}@{}",
    "npm": "pkg:npm/{}@{}",
    "Debian:12": "pkg:deb/debian/{}@{}?distro=debian-12",
    "Alpine:v3.19": "pkg:apk/alpine/{}@{}?distro=alpine-3.19",
    "AlmaLinux:9": "pkg:rpm/almalinux/{}@{}?distro=almalinux-9",
    "Go": "pkg:golang/{}@v{}",
}


def purl_for(ecosystem: str, name: str, version: str) -> str:
    epoch, colon, rest = version.partition(":")
    if ecosystem == "AlmaLinux:9" and colon:
        return PURLS[ecosystem].format(name, rest) + f"&epoch={epoch}"
    return PURLS[ecosystem].format(name, version.replace("+", "%2B").replace("!", "%21"))


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    found = []
    for number in range(draw(st.integers(1, 6))):
        affected = []
        for _ in range(draw(st.integers(1, 3))):
            ecosystem = draw(st.sampled_from(sorted(VERSIONS)))
            pool = VERSIONS[ecosystem]
            ranges = []
            for _ in range(draw(st.integers(0, 2))):
                chosen = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=4, unique=True))
                kinds = draw(st.lists(st.sampled_from(["introduced", "fixed", "last_affected"]), min_size=len(chosen), max_size=len(chosen)))
                events = [{kind: version} for kind, version in zip(kinds, chosen, strict=True)]
                if draw(st.booleans()) or "introduced" not in kinds:
                    events.insert(draw(st.integers(0, len(events))), {"introduced": "0"})
                ranges.append({"type": "ECOSYSTEM" if ecosystem not in ("npm", "Go") else "SEMVER", "events": events})
            versions = draw(st.lists(st.sampled_from(pool), max_size=2, unique=True))
            if ranges or versions:
                affected.append(
                    {"package": {"ecosystem": ecosystem, "name": draw(st.sampled_from(["one", "two"]))}, "ranges": ranges, "versions": versions}
                )
        record: Record = {"id": f"TEST-{number}", "modified": "2025-01-01T00:00:00Z", "affected": affected}
        if affected:
            found.append(record)
    return found


@settings(max_examples=60)
@given(records())
def test_invented_records_match_as_the_specification_says(found: list[Record]) -> None:
    with (
        tempfile.TemporaryDirectory() as directory,
        closing(build_from(Path(directory), (*found, osv("ALWAYS-1", "npm", "three", since("0"))))) as connection,
    ):
        questions = [(ecosystem, name, version) for ecosystem, pool in VERSIONS.items() for name in ("one", "two") for version in pool]
        answers = match(connection, [read_purl(purl_for(*question)) for question in questions])
        for (ecosystem, name, version), answer in zip(questions, answers, strict=True):
            place = normalise_ecosystem(ecosystem)
            expected = sorted(record["id"] for record in found if is_affected(record, place, name, version))
            assert sorted(item.id for item in answer.vulnerabilities) == expected, (ecosystem, name, version)


def real_records() -> dict[tuple[str, str], list[Record]]:
    """The OSV records of the pack by package: Python, Go, AlmaLinux and Bitnami."""
    found: dict[tuple[str, str], list[Record]] = defaultdict(list)
    with PACK.open("rb") as file:
        data = zstandard.ZstdDecompressor().stream_reader(file).read()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            if not member.isfile() or not member.name.endswith(".json") or not any(part in member.name for part in ("govuln/", "alma/", "bitnami/")):
                continue
            file_ = archive.extractfile(member)
            assert file_
            record = json.load(file_)
            if not isinstance(record, dict) or record.get("withdrawn"):
                continue
            places = {(item["package"]["ecosystem"], item["package"]["name"]) for item in record.get("affected", ())}
            for ecosystem, name in places:
                place = normalise_ecosystem(ecosystem)
                found[place, normalise_name(place, name)].append(record)
    return found


REAL_PURLS = {
    "go": "pkg:golang/{}@{}",
    "almalinux:8": "pkg:rpm/almalinux/{}@{}?distro=almalinux-8.9",
    "almalinux:9": "pkg:rpm/almalinux/{}@{}?distro=almalinux-9.4",
    "bitnami": "pkg:bitnami/{}@{}",
}


def bounds(records: Iterable[Record]) -> set[str]:
    """The versions at which a real answer changes."""
    ranges = [entry for record in records for affected in record["affected"] for entry in affected.get("ranges", ())]
    return {value for entry in ranges for event in entry["events"] for value in event.values() if value != "0"}


def test_real_records_match_as_the_specification_says(real_database: sqlite3.Connection) -> None:
    """Packages at every version at which the answer may change. Modules of AlmaLinux are left out: there the specification knows less."""
    found = real_records()
    chosen = random.Random(11).sample(sorted(place for place in found if place[0] in REAL_PURLS), 700)
    questions = []
    for place, name in chosen:
        ranked = sorted(bounds(found[place, name]))
        for version in random.Random(name).sample(ranked, min(6, len(ranked))):
            questions.append((place, name, version))
    assert len(questions) > 1000
    texts = []
    for place, name, version in questions:
        epoch, colon, rest = version.partition(":") if place.startswith("alma") else ("", "", version)
        purl = REAL_PURLS[place].format(name, (rest if colon else version).replace("+", "%2B"))
        texts.append(purl + (f"&epoch={epoch}" if colon else ""))
    compared = 0
    for (place, name, version), answer in zip(questions, match(real_database, list(map(read_purl, texts))), strict=True):
        if any(".module_" in bound for bound in bounds(found[place, name])):
            continue
        compared += 1
        expected = {record["id"] for record in found[place, name] if is_affected(record, place, name, version)}
        ids = {one for item in answer.vulnerabilities for one in (item.id, *item.aliases)}
        own = {one for one in ids if one.startswith(("GO-", "ALSA-", "ALBA-", "ALEA-", "BIT-"))}
        assert own == expected, (place, name, version)
    assert compared > 800


# --- near misses


def test_a_release_of_a_distribution_is_told_of_by_its_own_advisories(database_of: DatabaseOf) -> None:
    connection = database_of(osv("DSA-1-1", "Debian:12", "x", since("0"), until("2-1"), upstream=["CVE-2024-0001"]))
    assert known(connection, "pkg:deb/debian/x@1-1?distro=debian-12") == ["CVE-2024-0001"]
    assert known(connection, "pkg:deb/debian/x@2-1?distro=debian-12") == []
    other = ask(connection, "pkg:deb/debian/x@1-1?distro=debian-11")
    assert other.vulnerabilities == ()
    assert other.not_evaluated == "the database has no advisories for debian:11"


def test_source_versions_count_where_a_binary_has_another(database_of: DatabaseOf) -> None:
    connection = database_of(osv("DSA-1-1", "Debian:12", "src", since("0"), until("1.5-2")))
    package = Package(type="deb", name="bin", version="1:9.0-1", source=SourcePackage("src", "1.5-1"))
    fixed = Package(type="deb", name="bin", version="1:0.1-1", source=SourcePackage("src", "1.5-2"))
    rebuilt = Package(type="deb", name="src", version="1.5-2+b1")
    debian = Distro("debian", "12")
    assert [len(answer.vulnerabilities) for answer in match(connection, [(package, debian), (fixed, debian), (rebuilt, debian)])] == [1, 0, 0]


def test_a_withdrawn_record_does_not_count(database_of: DatabaseOf) -> None:
    connection = database_of(
        osv("A-1", "PyPI", "x", since("0"), withdrawn="2025-02-02T00:00:00Z"),
        osv("A-2", "PyPI", "x", since("0")),
        osv("A-3", "PyPI", "x-y", since("0")),
    )
    assert known(connection, "pkg:pypi/x@1") == ["A-2"]


def test_a_module_is_told_of_by_advisories_on_its_stream_only(database_of: DatabaseOf) -> None:
    module = {"ecosystem_specific": {"module": "nodejs:18"}}
    connection = database_of(
        osv("RLSA-1", "Rocky Linux:8", "nodejs", since("0"), until("1:18.9-1.module+el8.9.0+1+a"), affected=module),
        osv("ALSA-1", "AlmaLinux:8", "nodejs", since("0"), until("1:16.9-1.module_el8.9.0+1+a")),
        osv("ALSA-2", "AlmaLinux:8", "nodejs", since("0"), until("1:10.5-1.el8")),
    )
    rocky = "pkg:rpm/rocky/nodejs@{}?distro=rocky-8.9&epoch=1{}"
    assert known(connection, rocky.format("18.1-1.module%2Bel8.8.0%2B1%2Bb", "&rpmmod=nodejs:18")) == ["RLSA-1"]
    assert known(connection, rocky.format("18.1-1.module%2Bel8.8.0%2B1%2Bb", "&rpmmod=nodejs:18:8080020230101:ab")) == ["RLSA-1"]
    assert known(connection, rocky.format("18.1-1.module%2Bel8.8.0%2B1%2Bb", "&rpmmod=nodejs:16")) == []
    assert known(connection, rocky.format("18.1-1.el8", "")) == []
    alma = "pkg:rpm/almalinux/nodejs@{}?distro=almalinux-8.9&epoch=1"
    assert known(connection, alma.format("10.1-1.module_el8.1.0%2B1%2Bb")) == ["ALSA-1"]
    assert known(connection, alma.format("10.1-1.el8")) == ["ALSA-2"]


def test_an_advisory_on_some_architectures(database_of: DatabaseOf) -> None:
    connection = database_of(
        osv("RHSA-1", "Red Hat:enterprise_linux:9::baseos", "x", since("0"), affected={"ecosystem_specific": {"arch": ["aarch64"]}})
    )
    purl = "pkg:rpm/redhat/x@1-1.el9?distro=rhel-9.2&arch={}"
    assert known(connection, purl.format("x86_64")) == []
    for arch in ("aarch64", "arm64", "noarch", "src"):
        assert known(connection, purl.format(arch)) == ["RHSA-1"], arch


@pytest.mark.parametrize(
    ("version", "events", "expected"),
    [
        # PEP 440: "<= 1.2" and "== 1.2" hold for 1.2+local; it is newer than a fix in 1.2.
        ("1.2+cu118", [since("1.2"), {"last_affected": "1.2"}], True),
        ("1.2+cu118", [since("0"), {"last_affected": "1.2"}], True),
        ("1.2+cu118", [since("0"), until("1.2")], False),
        ("1.2+cu118", [since("0"), until("1.2+sec1")], True),
        ("1.2+sec1", [since("0"), until("1.2+sec1")], False),
        ("1.2.1+cu118", [since("0"), {"last_affected": "1.2"}], False),
    ],
)
def test_local_versions_of_python(database_of: DatabaseOf, version: str, events: list[dict[str, str]], *, expected: bool) -> None:
    connection = database_of(osv("A-1", "PyPI", "x", *events))
    assert bool(known(connection, f"pkg:pypi/x@{version.replace('+', '%2B')}")) is expected


def test_versions_of_go(database_of: DatabaseOf) -> None:
    connection = database_of(
        osv("GO-1", "Go", "example.org/x", since("0"), until("0.0.0-20210101000000-abcdefabcdef")),
        osv("GO-2", "Go", "example.org/y", since("0"), until("2.3.0+incompatible")),
        osv("GO-3", "Go", "example.org/z/v2", since("0"), until("2.1.0")),
        osv("GO-4", "Go", "stdlib", since("0"), until("1.19.7"), since("1.20.0-0"), until("1.20.2")),
    )
    assert known(connection, "pkg:golang/example.org/x@v0.0.0-20200101000000-000000000000") == ["GO-1"]
    assert known(connection, "pkg:golang/example.org/x@v0.0.0-20220101000000-000000000000") == []
    assert known(connection, "pkg:golang/example.org/y@v2.2.0%2Bincompatible") == ["GO-2"]
    assert known(connection, "pkg:golang/example.org/z/v2@v2.0.9") == ["GO-3"]
    assert known(connection, "pkg:golang/example.org/z@v1.0.0") == []
    assert known(connection, "pkg:golang/stdlib@go1.20rc1") == ["GO-4"]
    assert known(connection, "pkg:golang/stdlib@1.19.7") == []
    assert known(connection, "pkg:golang/stdlib@1.20.1") == ["GO-4"]
    assert "no released version" in ask(connection, "pkg:golang/example.org/x@%28devel%29").not_evaluated


# --- what a finding says


def test_records_of_one_vulnerability_are_one_finding(database_of: DatabaseOf) -> None:
    connection = database_of(
        osv("PYSEC-1", "PyPI", "x", since("0"), until("1.5"), aliases=["CVE-2024-0001", "GHSA-aaaa-bbbb-cccc"]),
        osv("GHSA-aaaa-bbbb-cccc", "PyPI", "X", since("0"), until("1.6"), aliases=["CVE-2024-0001"], database_specific={"severity": "MODERATE"}),
        osv("GHSA-dddd-eeee-ffff", "npm", "x", since("0"), aliases=["CVE-2024-0001"]),
    )
    found = only(connection, "pkg:pypi/x@1.0")
    assert found.id == "CVE-2024-0001"
    assert set(found.aliases) == {"PYSEC-1", "GHSA-aaaa-bbbb-cccc"}
    assert found.fixed == ("1.6", "1.5"), "the first fix is one that no record calls affected"
    assert found.state == "fixed"
    assert only(connection, "pkg:pypi/x@1.5").aliases == ("GHSA-aaaa-bbbb-cccc",)


def test_what_two_databases_say_of_a_package_is_one_finding(database_of: DatabaseOf) -> None:
    connection = database_of(
        osv("CVE-2023-2727", "kubernetes", "k8s.io/kubernetes", since("0"), until("1.24.15")),
        osv("GO-2023-1891", "Go", "k8s.io/kubernetes", since("0"), until("1.24.14"), aliases=["CVE-2023-2727", "GHSA-qc2g-gmh6-95p4"]),
    )
    for purl in ("pkg:golang/k8s.io/kubernetes@v1.24.1", "pkg:k8s/k8s.io/kubernetes@1.24.1"):
        found = only(connection, purl)
        assert found.id == "CVE-2023-2727"
        assert set(found.aliases) == {"GO-2023-1891", "GHSA-qc2g-gmh6-95p4"}
        assert found.fixed == ("1.24.15", "1.24.14")
    assert known(connection, "pkg:golang/k8s.io/kubernetes@v1.24.14") == ["CVE-2023-2727"]
    assert known(connection, "pkg:golang/k8s.io/kubernetes@v1.24.15") == []


def test_the_fix_of_the_own_branch_comes_first(database_of: DatabaseOf) -> None:
    events = (since("0"), until("1.19.7"), since("1.20.0"), until("1.20.2"), since("1.21.0"), until("1.21.5"))
    connection = database_of(osv("A-1", "npm", "x", *events))
    assert only(connection, "pkg:npm/x@1.19.1").fixed == ("1.19.7", "1.20.2", "1.21.5")
    assert only(connection, "pkg:npm/x@1.20.1").fixed == ("1.20.2", "1.21.5")
    assert only(connection, "pkg:npm/x@1.21.1").fixed == ("1.21.5",)
    found = only(connection, "pkg:npm/x@1.20.1")
    assert [found.affects(version) for version in ("1.19.6", "1.19.7", "1.20.0", "1.20.2", "1.21.4")] == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("records", "severity", "rated_by"),
    [
        ([osv("DSA-1", "Debian:12", "x", since("0"), affected={"ecosystem_specific": {"urgency": "unimportant"}})], Severity.INFO, "distribution"),
        (
            [osv("DSA-1", "Debian:12", "x", since("0"), severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}])],
            Severity.CRITICAL,
            "cvss",
        ),
        (
            [
                osv("DSA-1", "Debian:12", "x", since("0"), upstream=["CVE-2024-0001"]),
                osv(
                    "CVE-2024-0001", "PyPI", "y", since("0"), severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}]
                ),
            ],
            Severity.LOW,
            "cvss",
        ),
        ([osv("DSA-1", "Debian:12", "x", since("0"))], Severity.UNKNOWN, ""),
        ([osv("DSA-1", "Debian:12", "x", since("0"), severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}])], Severity.UNKNOWN, ""),
    ],
)
def test_severity_by_its_stated_order(database_of: DatabaseOf, records: list[Record], severity: Severity, rated_by: str) -> None:
    found = only(database_of(*records), "pkg:deb/debian/x@1-1?distro=debian-12")
    assert (found.severity, found.rated_by) == (severity, rated_by)


def test_version_2_of_cvss_counts_only_where_there_is_no_later_one(database_of: DatabaseOf) -> None:
    old = {"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:C/I:C/A:C"}
    new = {"type": "CVSS_V4", "score": "CVSS:4.0/AV:L/AC:L/AT:N/PR:N/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"}
    connection = database_of(osv("A-1", "npm", "x", since("0"), severity=[old]), osv("A-2", "npm", "y", since("0"), severity=[old, new]))
    assert only(connection, "pkg:npm/x@1.0.0").severity is Severity.HIGH
    both = only(connection, "pkg:npm/y@1.0.0")
    assert both.severity is Severity.MEDIUM
    assert [rating.score for rating in both.cvss] == [10.0, 4.6]


def test_a_malicious_package_is_critical(database_of: DatabaseOf) -> None:
    found = only(database_of(osv("MAL-2024-1", "npm", "x", since("0"))), "pkg:npm/x@1.0.0")
    assert (found.kind, found.severity, found.state) == ("malicious", Severity.CRITICAL, "unfixed")


def insert(connection: sqlite3.Connection, *, status: str, identifier: str, vulnerability: str) -> None:
    """A statement on every version, as Debian's tracker and Alpine's secdb make them."""
    number = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM advisory").fetchone()[0]
    connection.execute(
        "INSERT INTO advisory VALUES (?, ?, 'debian', 'vulnerability', ?, '[]', '', '', '', '', '', '[]', '[]')", (number, identifier, vulnerability)
    )
    connection.execute("INSERT INTO affected VALUES ('debian:12', 'x', x'', NULL, 0, '', ?, '', '', '', ?)", (status, number))
    connection.commit()


def test_an_explicit_denial_wins(database_of: DatabaseOf) -> None:
    connection = database_of(osv("DSA-1", "Debian:12", "x", since("0"), upstream=["CVE-2024-0001", "CVE-2024-0002"]))
    insert(connection, status="not-affected", identifier="CVE-2024-0001", vulnerability="CVE-2024-0001")
    assert known(connection, "pkg:deb/debian/x@1-1?distro=debian-12") == ["CVE-2024-0002"]


@pytest.mark.parametrize(
    ("status", "state"), [("", "unfixed"), ("wont-fix", "wont-fix"), ("end-of-life", "end-of-life"), ("deferred", "deferred"), ("undetermined", None)]
)
def test_why_there_is_no_fix(database_of: DatabaseOf, status: str, state: str | None) -> None:
    connection = database_of(osv("DSA-9", "Debian:12", "y", since("0")))
    insert(connection, status=status, identifier="CVE-2024-0001", vulnerability="CVE-2024-0001")
    found = ask(connection, "pkg:deb/debian/x@1-1?distro=debian-12").vulnerabilities
    assert [item.state for item in found] == ([state] if state else [])


def test_exploitation_is_told(database_of: DatabaseOf) -> None:
    connection = database_of(osv("A-1", "npm", "x", since("0"), aliases=["CVE-2024-0001"]))
    connection.execute("INSERT INTO exploited VALUES ('CVE-2024-0001', '2024-05-01', '2024-05-22', 1)")
    connection.execute("INSERT INTO likelihood VALUES ('CVE-2024-0001', 0.91, 0.99, '2026-01-01')")
    found = only(connection, "pkg:npm/x@1.0.0")
    assert found.kev
    assert found.epss
    assert (found.kev.added, found.kev.ransomware, found.epss.score) == ("2024-05-01", True, 0.91)


def test_packages_of_the_kernels_source_are_told_apart(database_of: DatabaseOf) -> None:
    connection = database_of(osv("DSA-1", "Debian:12", "linux", since("0"), until("6.1.99-1")), osv("DSA-2", "Debian:12", "linuxinfo", since("0")))
    purl = "pkg:deb/debian/{}@6.1.76-1?distro=debian-12&upstream=linux"
    assert "does not hold the kernel" in only(connection, purl.format("linux-libc-dev")).note
    assert "runs the kernel of its node" in only(connection, purl.format("linux-image-6.1.0-18-amd64")).note
    assert only(connection, "pkg:deb/debian/linuxinfo@1-1?distro=debian-12").note == ""
    assert only(connection, "pkg:deb/debian/linux@6.1.76-1?arch=source&distro=debian-12").note == ""


def test_answers_come_in_order_and_once_for_each_question(database_of: DatabaseOf) -> None:
    connection = database_of(osv("A-1", "npm", "x", since("0"), until("2.0.0")))
    purls = ["pkg:npm/x@1.0.0", "pkg:generic/x@1", "pkg:npm/x@2.0.0", "pkg:npm/x@1.0.0", "pkg:npm/unknown@1.0.0"]
    answers = match(connection, list(map(read_purl, purls)))
    assert [(len(answer.vulnerabilities), bool(answer.not_evaluated)) for answer in answers] == [
        (1, False),
        (0, True),
        (0, False),
        (1, False),
        (0, False),
    ]
    assert [answer.package.purl for answer in answers] == purls
    assert match(connection, []) == []


def test_a_name_never_stands_for_another(database_of: DatabaseOf) -> None:
    connection = database_of(
        osv("A-1", "npm", "redis", since("0")), osv("A-2", "PyPI", "redis", since("0")), osv("A-3", "Maven", "org.x:redis", since("0"))
    )
    assert known(connection, "pkg:gem/redis@1.0.0") == []
    assert known(connection, "pkg:npm/%40scope/redis@1.0.0") == []
    assert known(connection, "pkg:maven/org.y/redis@1.0.0") == []
    assert known(connection, "pkg:deb/debian/redis@1.0.0?distro=debian-12") == []
    assert known(connection, "pkg:npm/redis-x@1.0.0") == []


def test_a_known_old_release_of_django(real_database: sqlite3.Connection) -> None:
    found = {item.id: item for item in ask(real_database, "pkg:pypi/Django@3.2.0").vulnerabilities}
    assert found["CVE-2021-31542"].fixed[0] == "3.2.1"
    assert "PYSEC-2021-7" in found["CVE-2021-31542"].aliases
    assert "CVE-2019-19844" not in found, "mended long before"
