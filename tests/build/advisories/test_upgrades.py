"""The patch plan, against trying every version."""

import sqlite3
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from seawall.build.advisories.match import Vulnerability, match
from seawall.build.advisories.model import Exploited, Likelihood
from seawall.build.advisories.upgrades import risk, upgrades
from seawall.build.advisories.versions import scheme_of
from seawall.core.package import Package
from seawall.core.purl import read_purl
from seawall.core.severity import Severity

KEY = scheme_of("npm").key


def vulnerability(name: str, *spans: tuple[str, str], package: str = "x", **more: Any) -> Vulnerability:
    """Affected from each span's first version to before its second (empty: never mended)."""
    intervals = tuple((KEY(low), KEY(high) if high else None, False) for low, high in spans)
    fixed = tuple(high for _, high in sorted(spans) if high and KEY(high) > KEY("1.0.0"))
    values: dict[str, Any] = {
        "id": name,
        "aliases": (),
        "package": Package(type="npm", name=package, version="1.0.0", purl=f"pkg:npm/{package}@1.0.0"),
        "ecosystem": "npm",
        "name": package,
        "version": "1.0.0",
        "kind": "vulnerability",
        "state": "fixed" if fixed else "unfixed",
        "fixed": fixed,
        "severity": Severity.HIGH,
        "rated_by": "cvss",
        "cvss": (),
        "epss": None,
        "kev": None,
        "summary": "",
        "published": "",
        "references": (),
        "feeds": (),
        "intervals": intervals,
    }
    return Vulnerability(**{**values, **more})


def test_one_upgrade_mends_all_of_a_package() -> None:
    (found,) = upgrades([vulnerability("A", ("0.0.0", "1.2.0")), vulnerability("B", ("0.0.0", "1.5.0")), vulnerability("C", ("0.0.0", ""))])
    assert found.version == "1.5.0"
    assert [item.id for item in found.removes] == ["A", "B"]
    assert [item.id for item in found.remains] == ["C"]


def test_the_fix_of_one_must_not_be_affected_by_another() -> None:
    branches = vulnerability("A", ("0.0.0", "1.2.0"), ("2.0.0", "2.3.0"))
    (found,) = upgrades([branches, vulnerability("B", ("0.0.0", "2.1.0"))])
    assert found.version == "2.3.0"
    (found,) = upgrades([branches, vulnerability("B", ("0.0.0", "1.4.0"))])
    assert found.version == "1.4.0"


def test_what_removes_most_risk_comes_first() -> None:
    found = upgrades(
        [
            vulnerability("A", ("0.0.0", "2.0.0"), package="many"),
            vulnerability("B", ("0.0.0", "2.0.0"), package="many"),
            vulnerability("C", ("0.0.0", "2.0.0"), package="known", severity=Severity.LOW, kev=Exploited("C", "2024-01-01")),
            vulnerability("D", ("0.0.0", "2.0.0"), package="likely", severity=Severity.LOW, epss=Likelihood("D", 0.9, 0.99)),
            vulnerability("E", ("0.0.0", ""), package="hopeless"),
        ]
    )
    assert [item.name for item in found] == ["known", "likely", "many"]


def test_a_vulnerability_counts_once_for_all_binaries_of_a_source() -> None:
    one = vulnerability("A", ("0.0.0", "2.0.0"), package="src")
    both = [one, replace(one, package=Package(type="deb", name="lib", version="1.0.0", purl="pkg:deb/lib@1"))]
    (found,) = upgrades(both)
    assert len(found.packages) == 2
    assert found.risk == risk(both[0])


VERSIONS = [f"{major}.{minor}.0" for major in (1, 2, 3) for minor in (0, 1, 2, 3)]


SPANS = st.tuples(st.sampled_from(VERSIONS), st.sampled_from([*VERSIONS[1:], ""])).filter(lambda span: not span[1] or span[0] < span[1])


@given(st.lists(st.lists(SPANS, min_size=1, max_size=3), min_size=1, max_size=5))
def test_no_other_fix_removes_more_and_no_lower_one_as_much(spans: list[list[tuple[str, str]]]) -> None:
    given_ = [vulnerability(f"V{number}", ("0.0.0", "1.1.0"), *items) for number, items in enumerate(spans)]
    found = upgrades(given_)
    candidates = sorted({version for item in given_ for version in item.fixed}, key=KEY)
    mended = {version: sum(not item.affects(version) for item in given_) for version in candidates}
    best = max(mended.values())
    if not best:
        assert found == []
        return
    assert found[0].version == next(version for version in candidates if mended[version] == best)
    assert {item.id for item in (*found[0].removes, *found[0].remains)} == {item.id for item in given_}


def test_real_packages(real_database: sqlite3.Connection) -> None:
    (answer,) = match(real_database, [read_purl("pkg:pypi/django@3.2.0")])
    (found,) = upgrades(answer.vulnerabilities)
    (after,) = match(real_database, [read_purl(f"pkg:pypi/django@{found.version}")])
    assert {item.id for item in after.vulnerabilities}.isdisjoint(item.id for item in found.removes)
