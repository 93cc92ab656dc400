"""Each feed's own format, with records as it publishes them, near misses and broken ones."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.build.advisories.feeds import (
    alpine,
    cpan,
    debian_list,
    debian_tracker,
    end_of_life,
    exploited,
    haskell,
    kubernetes,
    likelihood,
    php,
    retire,
    rubysec,
    rustsec,
)
from seawall.build.advisories.feeds.recognise import READERS, recognise
from seawall.build.advisories.model import Advisory, Affected, EndOfLife, Exploited, FeedProblem, Interval, Likelihood, Record
from seawall.build.advisories.rows import rows_of
from seawall.build.advisories.versions import scheme_of

Read = Callable[[str, bytes], Iterator[Record | FeedProblem]]


def only(read: Read, path: str, data: str | bytes) -> Any:
    """The only record of a file without problems."""
    (record,) = read(path, data.encode() if isinstance(data, str) else data)
    assert not isinstance(record, FeedProblem), record
    return record


def problems(read: Read, path: str, data: str | bytes) -> list[str]:
    found = read(path, data.encode() if isinstance(data, str) else data)
    return [item.message for item in found if isinstance(item, FeedProblem)]


def is_affected(advisory: Advisory, version: str) -> bool:
    rows, _ = rows_of(advisory.affected)
    key = scheme_of(advisory.affected[0].ecosystem).key(version)
    return any(row.low <= key and (row.high is None or key < row.high or (row.closed and key == row.high)) for row in rows)


RUSTSEC = """```toml
[advisory]
id = "RUSTSEC-2020-0019"
package = "tokio-rustls"
aliases = ["CVE-2020-35875", "GHSA-2jfv-g3fh-xq3v"]
cvss = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
date = "2020-05-19"
url = "https://example.org/14"

[affected.functions]
"tokio_rustls::x" = ["< 9"]

[versions]
patched = [">= 0.12.3, < 0.13.0", ">= 0.13.1"]
unaffected = ["< 0.12"]
```

# tokio-rustls reads may cause   excessive memory usage

Text.
"""


def test_rustsec_affects_what_is_neither_patched_nor_unaffected() -> None:
    advisory = only(rustsec.read, "crates/tokio-rustls/RUSTSEC-2020-0019.md", RUSTSEC)
    assert advisory.summary == "tokio-rustls reads may cause excessive memory usage"
    assert advisory.affected[0].ecosystem == "crates.io"
    assert [(interval.introduced, interval.fixed) for interval in advisory.affected[0].intervals] == [("0.12.0", "0.12.3"), ("0.13.0", "0.13.1")]
    assert [version for version in ("0.11.9", "0.12.0", "0.12.2", "0.12.3", "0.13.0", "0.13.1", "1.0.0") if is_affected(advisory, version)] == [
        "0.12.0",
        "0.12.2",
        "0.13.0",
    ]


def test_rustsec_unaffected_up_to_a_version_starts_behind_it() -> None:
    text = RUSTSEC.replace('patched = [">= 0.12.3, < 0.13.0", ">= 0.13.1"]', "patched = []").replace('"< 0.12"', '"<= 1.2.3"')
    advisory = only(rustsec.read, "crates/x/a.md", text)
    assert not is_affected(advisory, "1.2.3")
    assert is_affected(advisory, "1.2.4-alpha")
    assert is_affected(advisory, "99.0.0")


def test_rustsec_informational_withdrawn_and_toolchain() -> None:
    text = RUSTSEC.replace('date = "2020-05-19"', 'date = "2020-05-19"\ninformational = "unmaintained"\nwithdrawn = "2021-01-01"')
    advisory = only(rustsec.read, "crates/x/a.md", text)
    assert (advisory.kind, advisory.withdrawn) == ("unmaintained", "2021-01-01T00:00:00Z")
    assert only(rustsec.read, "rust/std/CVE-2015-20001.md", RUSTSEC).affected[0].ecosystem == "Rust"
    assert only(rustsec.read, "/rust/crates/x/a.md", RUSTSEC).affected[0].ecosystem == "crates.io"


def test_rustsec_problems() -> None:
    assert problems(rustsec.read, "a.md", "# no block") == ["no TOML block at the top"]
    assert "not valid TOML" in problems(rustsec.read, "a.md", "```toml\n[advisory\n```")[0]
    assert problems(rustsec.read, "a.md", "```toml\n[advisory]\n```\n") == ["no id or no package"]
    assert "no Cargo requirement" in problems(rustsec.read, "a.md", RUSTSEC.replace('"< 0.12"', '"around 0.12"'))[0]
    assert problems(rustsec.read, "a.md", RUSTSEC.replace('"< 0.12"', '"*"')) == ["RUSTSEC-2020-0019: every version is patched or unaffected"]


RUBY = """---
gem: webrick
cve: 2020-25613
ghsa: gwfg-cqmg-cf8f
url: https://example.org/
title: Potential HTTP Request Smuggling
date: 2020-09-29
description: |
  Text.
cvss_v3: 7.5
unaffected_versions:
  - "< 1.4"
patched_versions:
  - "~> 1.5.3"
  - ">= 1.6.1"
related:
  cve: ["2006-2582"]
  url: [https://example.org/2]
"""


def test_rubysec() -> None:
    advisory = only(rubysec.read, "gems/webrick/CVE-2020-25613.yml", RUBY)
    assert (advisory.id, advisory.aliases, advisory.related) == ("CVE-2020-25613", ("GHSA-gwfg-cqmg-cf8f",), ("CVE-2006-2582",))
    assert (advisory.severity, advisory.published) == ("high", "2020-09-29T00:00:00Z")
    versions = ["1.3.9", "1.4", "1.5.2", "1.5.3", "1.5.9", "1.6.0.rc1", "1.6.0", "1.6.1", "1.6.1.beta"]
    assert [version for version in versions if is_affected(advisory, version)] == ["1.4", "1.5.2", "1.6.0.rc1", "1.6.0", "1.6.1.beta"]


def test_rubysec_without_a_patch_affects_all_and_engines_are_no_gems() -> None:
    text = "engine: ruby\ncve: 2020-10933\nosvdb: 12\ndate: 2020-01-01\ntitle: x\n"
    advisory = only(rubysec.read, "rubies/ruby/CVE-2020-10933.yml", text)
    assert (advisory.affected[0].ecosystem, advisory.affected[0].name, advisory.aliases) == ("Ruby", "ruby", ("OSVDB-12",))
    assert advisory.affected[0].intervals[0].fixed == ""
    assert only(rubysec.read, "gems/x/GHSA-a-b-c.yml", "gem: x\nghsa: a-b-c\ncvss_v2: 9.3\n").severity == "high"
    assert problems(rubysec.read, "x.yml", "title: x") == ["neither a gem nor an engine"]
    assert "no RubyGems requirement" in problems(rubysec.read, "gems/x/CVE-2020-1.yml", "gem: x\npatched_versions: ['later']")[0]


PHP = """title: "CVE-2018-19789: Temporary uploaded file path disclosure"
link: https://example.org/
cve: CVE-2018-19789
branches:
    2.7.x: {time: 2018-11-06 11:52:00, versions: ['>=2.7.38', '<2.7.50']}
    3.0.x: {time: 2018-11-06 11:52:00, versions: ['>=3.0.0', '<3.1.0']}
    3.1.x: {time: ~, versions: ['>=3.1.0', '<3.1.20']}
reference: composer://symfony/form
"""


def test_php_branches_that_touch_are_one_interval() -> None:
    advisory = only(php.read, "symfony/form/CVE-2018-19789.yaml", PHP)
    assert [(interval.introduced, interval.fixed) for interval in advisory.affected[0].intervals] == [("2.7.38", "2.7.50"), ("3.0.0", "3.1.20")]
    assert (advisory.aliases, advisory.published) == (("symfony/form/CVE-2018-19789",), "2018-11-06T11:52:00Z")
    assert not is_affected(advisory, "2.7.37")
    assert is_affected(advisory, "v3.1.0")
    assert problems(php.read, "a.yaml", PHP.replace("composer://", "npm://"))[0].startswith("its reference is no Composer package")
    assert problems(php.read, "a.yaml", "reference: composer://a/b\nbranches: {1.x: {versions: []}}") == [
        "branch 1.x: names no versions",
        "no affected version",
    ]


def test_cpan_reports_are_read_even_where_their_yaml_is_none() -> None:
    text = (
        "cve: CVE-2020-36659\n"
        "description: In Apache::Session::Browseable before 1.3.6, a flaw: bad.\n"
        "CVSS_3: CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N\n"
        "references: \n"
        "- https://example.org/?a=b: c\n"
        "cpan_distribution: ~\n"
        "version_range: ~\n"
    )
    advisory = only(cpan.read, "triage/CVE-2020-36659.yml", text)
    assert (advisory.id, advisory.affected, advisory.references) == ("CVE-2020-36659", (), ("https://example.org/?a=b: c",))
    named = text.replace("cpan_distribution: ~", "cpan_distribution: Apache-Session-Browseable").replace(
        "version_range: ~", 'version_range: ">=1.0,<1.3.6"'
    )
    assert only(cpan.read, "a.yml", named).affected == (Affected("CPAN", "Apache-Session-Browseable", (Interval("1.0", "1.3.6"),)),)
    assert "no CPAN range" in problems(cpan.read, "a.yml", named.replace(">=1.0", "somewhere"))[0]


def test_haskell_names_packages_and_components_of_ghc() -> None:
    text = (
        "```toml\n"
        "[advisory]\n"
        'id = "HSEC-2024-0007"\n'
        'aliases = ["CVE-1"]\n'
        "\n"
        "[[affected]]\n"
        'package = "git-annex"\n'
        'cvss = "CVSS:3.1/AV:N"\n'
        "\n"
        "[[affected.versions]]\n"
        'introduced = "0"\n'
        'fixed = "6.20170818"\n'
        "\n"
        "[[affected]]\n"
        'ghc-component = "ghc"\n'
        "[[affected.versions]]\n"
        'introduced = "9.2.4"\n'
        "```\n"
        "# A title\n"
    )
    advisory = only(haskell.read, "a.md", text)
    assert advisory.affected == (Affected("Hackage", "git-annex", (Interval("0", "6.20170818"),)), Affected("GHC", "ghc", (Interval("9.2.4"),)))
    assert advisory.summary == "A title"
    assert problems(haskell.read, "a.md", '```toml\n[advisory]\nid = "HSEC-1"\n[[affected]]\npackage = "x"\n```') == [
        "HSEC-1: an affected entry without a package or its versions"
    ]


SECDB = {
    "distroversion": "v3.19",
    "reponame": "main",
    "packages": [
        {
            "pkg": {
                "name": "xen",
                "secfixes": {
                    "4.12.1-r0": ["CVE-2019-17349  CVE-2019-17350 XSA-295", "CVE-2019-17340 XSA-284", "CVE-????-?????  XSA-300"],
                    "0": ["(was fixed in libpcap)", "CVE_2021-29999 (BGP)"],
                },
            }
        },
        {"pkg": {"name": "curl", "secfixes": {"8.1-r0": ["CVE-2023-28319", "soon"], "8.2-r0": ["CVE-2023-28319"]}}},
        {"pkg": {"name": "none", "secfixes": None}},
    ],
}


@pytest.mark.parametrize("path", ["main.json", "main.yaml"])
def test_alpine(path: str) -> None:
    found = list(alpine.read(path, json.dumps(SECDB).encode()))
    advisories = {item.id: item for item in found if isinstance(item, Advisory)}
    assert advisories["CVE-2019-17340"].aliases == ("XSA-284",)
    assert advisories["CVE-2019-17340"].affected == (Affected("Alpine:v3.19", "xen", (Interval("0", "4.12.1-r0"),)),)
    # Of several CVEs each is one, and the id beside them is nobody's.
    assert (advisories["CVE-2019-17349"].aliases, advisories["CVE-2019-17350"].aliases) == ((), ())
    assert advisories["XSA-300"].aliases == ()
    assert advisories["CVE-2021-29999"].affected == (Affected("Alpine:v3.19", "xen", status="not-affected"),)
    (row,), _ = rows_of(advisories["CVE-2023-28319"].affected)
    assert row.fixed == "8.2-r0"
    assert [item.message for item in found if isinstance(item, FeedProblem)] == [
        "xen 0: no id: '(was fixed in libpcap)'",
        "curl 8.1-r0: no id: 'soon'",
    ]


DSA = b"""[30 Mar 2023] DSA-5380-1 xorg-server - security update
\t{CVE-2023-1393 CVE-2023-1394}
\t[bullseye] - xorg-server 2:1.20.11-1+deb11u6
\t[bookworm] - xorg-server <not-affected> (Vulnerable code not present)
\tNOTE: fixed in testing at time of DSA
[17 Mar 2023] DSA-5356-2 sox - regression update
        [buster] - sox <end-of-life> (no longer supported)
\t[woody] - sudo 1.6.6-1.3woody1 (medium; bug #1)
\t[stretch] - gone <removed>
\t[bullseye] - php <unfixed>
\t[atari] - sox 1.0
\twhat is this
"""


def test_debian_lists() -> None:
    found = list(debian_list.read("list", DSA))
    first, second = (item for item in found if isinstance(item, Advisory))
    assert (first.id, first.upstream, first.published) == ("DSA-5380-1", ("CVE-2023-1393", "CVE-2023-1394"), "2023-03-30T00:00:00Z")
    assert first.affected == (
        Affected("Debian:11", "xorg-server", (Interval("0", "2:1.20.11-1+deb11u6"),)),
        Affected("Debian:12", "xorg-server", status="not-affected"),
    )
    assert second.upstream == ()
    assert second.affected == (
        Affected("Debian:10", "sox", status="end-of-life"),
        Affected("Debian:3.0", "sudo", (Interval("0", "1.6.6-1.3woody1"),), severity="medium"),
        Affected("Debian:11", "php"),
    )
    assert [item.message for item in found if isinstance(item, FeedProblem)] == [
        "line 11: DSA-5356-2: release 'atari' is not known",
        "line 12: DSA-5356-2: not understood: 'what is this'",
    ]


def test_debian_tracker() -> None:
    release = {"status": "resolved", "repositories": {"bookworm": "1.2-1"}, "urgency": "not yet assigned"}
    data = {
        "curl": {
            "CVE-2023-1": {
                "description": "A  flaw",
                "releases": {
                    "bookworm": release | {"fixed_version": "7.88.1-10", "urgency": "unimportant"},
                    "bullseye": {"status": "open", "nodsa": "Minor issue", "nodsa_reason": ""},
                    "buster": {"status": "open", "nodsa": "", "nodsa_reason": "ignored"},
                    "trixie": release | {"fixed_version": "0"},
                    "sid": {"status": "undetermined"},
                    "warty": release,
                },
            }
        },
        "broken": {"CVE-2023-2": {"releases": 7}},
    }
    found = list(debian_tracker.read("json", json.dumps(data).encode()))
    (advisory,) = (item for item in found if isinstance(item, Advisory))
    assert advisory.affected == (
        Affected("Debian:12", "curl", (Interval("0", "7.88.1-10"),), severity="negligible"),
        Affected("Debian:11", "curl", status="deferred"),
        Affected("Debian:10", "curl", status="wont-fix"),
        Affected("Debian:13", "curl", status="not-affected"),
        Affected("Debian:unstable", "curl", status="undetermined"),
    )
    messages = [item.message for item in found if isinstance(item, FeedProblem)]
    assert messages[0].startswith("broken: ")
    assert messages[1] == "release 'warty' is not known"


def test_known_exploited_as_json_and_as_csv() -> None:
    row = {"cveID": "CVE-2025-48384", "dateAdded": "2025-08-25", "dueDate": "2025-09-15", "knownRansomwareCampaignUse": "Known"}
    expected = Exploited("CVE-2025-48384", "2025-08-25", "2025-09-15", ransomware=True)
    assert only(exploited.read, "kev.json", json.dumps({"vulnerabilities": [row]})) == expected
    assert only(exploited.read, "kev.csv", ",".join(row) + "\r\n" + ",".join(row.values()) + "\r\n") == expected
    assert problems(exploited.read, "kev.json", '{"vulnerabilities": [{"cveID": 0.0, "x": []}, {}]}') == ["an entry without cveID"]
    assert "unexpected end" in problems(exploited.read, "kev.csv", 'cveID,dateAdded\n"CVE-1,2\n')[0]


def test_epss_takes_its_day_from_the_comment() -> None:
    text = (
        "#model_version:v2025.03.14,score_date:2025-06-01T00:00:00+0000\n"
        "cve,epss,percentile\n"
        "CVE-1999-0001,0.01141,0.77658\n"
        "CVE-2,nan,0\n"
        "CVE-3,2,0\n"
        "CVE-4,0.1\n"
    )
    found = list(likelihood.read("epss.csv", text.encode()))
    assert found[0] == Likelihood("CVE-1999-0001", 0.01141, 0.77658, "2025-06-01")
    assert [isinstance(item, FeedProblem) for item in found] == [False, True, True, True]
    assert only(likelihood.read, "epss.csv", "cve,epss,percentile\nCVE-1999-0001,0.01141,0.77658\n").date == ""


def test_end_of_life_in_all_three_forms() -> None:
    markdown = (
        "---\n"
        "title: Debian\n"
        "permalink: /debian\n"
        "identifiers:\n"
        "- cpe: cpe:/o:debian\n"
        "releases:\n"
        "  - releaseCycle: '12'\n"
        "    codename: Bookworm\n"
        "    releaseDate: 2023-06-10\n"
        "    eol: 2026-07-11\n"
        "    eoes: 2028-06-30\n"
        "  - releaseCycle: '3'\n"
        "    eol: true\n"
        "  - releaseCycle: '14'\n"
        "    eol: false\n"
        "---\n"
        "> text\n"
    )
    first, second, third = end_of_life.read("products/debian.md", markdown.encode())
    assert first == EndOfLife("debian", "12", "Bookworm", "2023-06-10", "2026-07-11", "2028-06-30", identifiers=("cpe:/o:debian",))
    assert isinstance(second, EndOfLife)
    assert isinstance(third, EndOfLife)
    assert (second.ended, third.ended, third.eol) == (True, False, "")
    api = {
        "result": {
            "name": "debian",
            "identifiers": [{"id": "cpe:/o:debian", "type": "cpe"}],
            "releases": [
                {"name": "12", "codename": "Bookworm", "releaseDate": "2023-06-10", "isEol": True, "eolFrom": "2026-07-11", "eoesFrom": "2028-06-30"}
            ],
        }
    }
    assert only(end_of_life.read, "x.json", json.dumps(api)) == first
    old = [{"cycle": "12", "codename": "Bookworm", "releaseDate": "2023-06-10", "eol": "2026-07-11", "extendedSupport": "2028-06-30"}]
    assert only(end_of_life.read, "debian.json", json.dumps(old)) == EndOfLife("debian", "12", "Bookworm", "2023-06-10", "2026-07-11", "2028-06-30")
    assert problems(end_of_life.read, "debian.json", '[{"eol": true}]') == ["debian: a release without a name"]


def test_retirejs_names_npm_packages_only_where_there_is_one() -> None:
    entry = {
        "below": "1.6.3",
        "severity": "medium",
        "identifiers": {"summary": "XSS", "CVE": ["CVE-2011-4969"], "githubID": "GHSA-579v-mp3v-rrw5"},
        "info": ["https://example.org"],
    }
    data = {
        "retire-example": {"vulnerabilities": [entry]},
        "angularjs": {"npmname": "angular", "vulnerabilities": [entry]},
        "ExtJS": {"vulnerabilities": [entry]},
    }
    advisory, problem = retire.read("jsrepository.json", json.dumps(data).encode())
    assert isinstance(advisory, Advisory)
    assert (advisory.id, advisory.aliases, advisory.affected[0].name) == ("GHSA-579v-mp3v-rrw5", ("CVE-2011-4969",), "angular")
    assert is_affected(advisory, "1.6.3-beta")
    assert not is_affected(advisory, "1.6.3")
    assert problem == FeedProblem("jsrepository.json", "ExtJS: no npm package is named")


def test_retirejs_ranges_excludes_and_several_cves() -> None:
    entry = {
        "ranges": [{"atOrAbove": "1.0.0", "below": "2.0.0", "excludes": ["1.5.0"]}, {"below": "0.5.0"}],
        "identifiers": {"CVE": ["CVE-2020-1111", "CVE-2020-2222"]},
    }
    found = list(retire.read("jsrepository-master.json", json.dumps({"jquery": {"vulnerabilities": [entry]}}).encode()))
    assert [item.id for item in found if isinstance(item, Advisory)] == ["CVE-2020-1111", "CVE-2020-2222"]
    assert isinstance(found[0], Advisory)
    assert [version for version in ("0.4.9", "0.5.0", "1.0.0", "1.5.0", "1.5.1", "2.0.0") if is_affected(found[0], version)] == [
        "0.4.9",
        "1.0.0",
        "1.5.1",
    ]


def test_kubernetes_official_feed() -> None:
    data = {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [{"id": "CVE-2022-3172", "date_published": "2022-09-16T13:14:50Z", "summary": "x", "external_url": "https://example.org"}, {}],
    }
    found = list(kubernetes.read("index.json", json.dumps(data).encode()))
    assert isinstance(found[0], Advisory)
    assert (found[0].id, found[0].affected) == ("CVE-2022-3172", ())
    assert found[1] == FeedProblem("index.json", "an item without an id")


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("a/b.md", RUSTSEC, "rustsec"),
        ("a/b.md", RUSTSEC.replace("RUSTSEC-2020-0019", "RUSTSEC-0000-0000"), ""),
        ("a/b.md", "# Readme\n```toml\n[advisory]\n[versions]\n```", ""),
        ("a/b.yml", RUBY, "rubysec"),
        ("a/b.yaml", PHP, "php"),
        ("a/b.yml", "name: ci\non: push\n", ""),
        ("x.json", json.dumps(SECDB), "alpine"),
        ("x.yaml", "---\ndistroversion: v3.3\npackages: []\n", "alpine"),
        ("whatever", DSA, "debian-list"),
        ("x.json", '{"id": "A-1", "modified": "2025", "affected": []}', "osv"),
        ("x.json", '[{"id": "A-1", "modified": "2025", "withdrawn": "2025"}]', "osv"),
        ("composer.json", '{"name": "x", "require": {}}', ""),
        ("x.json", '{"$schema": "x", "properties": {"cveID": 1, "vulnerabilities": 1}}', ""),
        ("x", "#model_version:v1\ncve,epss,percentile\n", "epss"),
        ("x", "cveID,vendorProject\n", "kev"),
        ("debian.json", '[{"cycle": "12", "eol": "2026-07-11"}]', "end-of-life"),
        ("x.md", "---\ntitle: x\nreleases:\n- releaseCycle: '1'\n---\n", "end-of-life"),
        ("x", "", ""),
        ("x", b"\x00\xff", ""),
    ],
)
def test_formats_are_recognised_by_what_files_hold(path: str, data: str | bytes, expected: str) -> None:
    assert recognise(path, data.encode() if isinstance(data, str) else data) == expected


@pytest.mark.parametrize("name", sorted(READERS))
@given(
    data=st.one_of(
        st.binary(max_size=60),
        st.sampled_from(
            [
                b"{",
                b"[]",
                b"null",
                b"[" * 5000,
                b"---\n",
                b"a: &a [*a]",
                b"```toml\n```",
                b"[1]",
                b'{"a":1}',
                b"cve,epss\n,,",
                b"cve,epss\n" + b"x" * 200_000,
                b'{"id": ' + b"9" * 5_000 + b"}",
            ]
        ),
    )
)
def test_readers_never_raise(name: str, data: bytes) -> None:
    for path in ("a.json", "a.yaml"):
        for item in READERS[name](path, data):
            assert isinstance(item, Record | FeedProblem)
