"""OSV records, real in shape, against the evaluation algorithm of the specification."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.build.advisories.feeds import osv
from seawall.build.advisories.model import Advisory, Cvss, FeedProblem, Interval
from seawall.build.advisories.rows import rows_of
from seawall.build.advisories.versions import scheme_of


def read(record: Any, path: str = "record.json") -> tuple[list[Advisory], list[str]]:
    found = list(osv.read(path, record if isinstance(record, bytes) else json.dumps(record).encode()))
    return [item for item in found if isinstance(item, Advisory)], [item.message for item in found if isinstance(item, FeedProblem)]


def record(*events: dict[str, str], **more: Any) -> dict[str, Any]:
    affected = {"package": {"ecosystem": "npm", "name": "demo"}, "ranges": [{"type": "SEMVER", "events": list(events)}]}
    return {"id": "GHSA-aaaa-bbbb-cccc", "modified": "2025-01-01T00:00:00Z", "affected": [affected | more.pop("affected", {})], **more}


def intervals(*events: dict[str, str], **more: Any) -> list[Interval]:
    (advisory,), problems = read(record(*events, **more))
    assert problems == []
    return [interval for affected in advisory.affected for interval in affected.intervals]


def test_pairs_in_any_order_become_intervals_in_order() -> None:
    # As in Kubernetes' feed: the newest branch first, and the beginning last.
    events = [{"introduced": "1.25.0"}, {"fixed": "1.25.1"}, {"introduced": "1.24.0"}, {"fixed": "1.24.5"}, {"introduced": "0"}, {"fixed": "1.21.14"}]
    assert intervals(*events) == [Interval("0", "1.21.14"), Interval("1.24.0", "1.24.5"), Interval("1.25.0", "1.25.1")]


def test_last_affected_is_inclusive_and_an_open_end_stays_open() -> None:
    assert intervals({"introduced": "1.0.0"}, {"last_affected": "1.0.0"}) == [Interval("1.0.0", last_affected="1.0.0")]
    assert intervals({"introduced": "2.0.0"}) == [Interval("2.0.0")]


def test_an_interval_that_ends_where_it_begins_is_empty_unless_its_end_is_affected() -> None:
    assert intervals({"introduced": "1.0.0"}, {"fixed": "1.0.0"}) == [Interval("1.0.0", "1.0.0")]
    (advisory,), _ = read(record({"introduced": "1.0.0"}, {"fixed": "1.0.0"}))
    assert rows_of(advisory.affected) == ([], ["npm demo: from 1.0.0 to 1.0.0 is empty"])
    (row,), _ = rows_of(read(record({"introduced": "1.0.0"}, {"last_affected": "1.0.0"}))[0][0].affected)
    assert row.low == row.high
    assert row.closed


def test_a_branch_that_begins_where_another_is_fixed_stays_affected() -> None:
    assert intervals({"introduced": "1.0.0"}, {"fixed": "2.0.0"}, {"introduced": "2.0.0"}, {"fixed": "2.0.5"}) == [
        Interval("1.0.0", "2.0.0"),
        Interval("2.0.0", "2.0.5"),
    ]


def test_a_limit_ends_what_has_no_fix_before_it() -> None:
    assert intervals({"introduced": "1.0.0"}, {"limit": "3.0.0"}) == [Interval("1.0.0", "3.0.0", unfixed=True)]
    assert intervals({"introduced": "1.0.0"}, {"fixed": "2.0.0"}, {"limit": "3.0.0"}) == [Interval("1.0.0", "2.0.0")]
    assert intervals({"introduced": "4.0.0"}, {"limit": "3.0.0"}) == []
    assert intervals({"introduced": "1.0.0"}, {"limit": "*"}) == [Interval("1.0.0")]
    (row,), _ = rows_of(read(record({"introduced": "1.0.0"}, {"limit": "3.0.0"}))[0][0].affected)
    assert row.fixed == ""


events = st.lists(
    st.tuples(st.sampled_from(["introduced", "fixed", "last_affected"]), st.integers(0, 8)), min_size=1, max_size=6, unique_by=lambda pair: pair[1]
)


def specified(told: list[tuple[str, int]], version: int) -> bool:
    """The pseudocode of the specification, section "Evaluation": events sorted by version, each switches."""
    vulnerable = False
    for kind, at in sorted(told, key=lambda pair: pair[1]):
        if kind == "introduced" and version >= at:
            vulnerable = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            vulnerable = False
    return vulnerable


@given(events, st.randoms(use_true_random=False))
def test_rows_hold_what_the_specification_calls_vulnerable(told: list[tuple[str, int]], random: Any) -> None:
    told = [("introduced", 0) if kind != "introduced" and at == 0 else (kind, at) for kind, at in told]
    if not any(kind == "introduced" for kind, _ in told):
        told.append(("introduced", 9))
    shuffled = list(told)
    random.shuffle(shuffled)
    (advisory,), problems = read(record(*({kind: f"{at}.0.0" if at else "0"} for kind, at in shuffled)))
    assert problems == []
    rows, _ = rows_of(advisory.affected) if advisory.affected else ([], [])
    for version in range(11):
        key = scheme_of("npm").key(f"{version}.0.0")
        found = any(row.low <= key and (row.high is None or key < row.high or (row.closed and key == row.high)) for row in rows)
        assert found == specified(told, version), (told, version)


def test_git_ranges_are_left_out_and_alone_name_no_version() -> None:
    git = {"type": "GIT", "repo": "https://example.org/x.git", "events": [{"introduced": "0"}, {"fixed": "0a1b2c"}]}
    (advisory,), problems = read(record(affected={"ranges": [git, {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2.0"}]}]}))
    assert problems == []
    assert advisory.affected[0].intervals == (Interval("0", "1.2.0"),)
    (advisory,), problems = read(record(affected={"ranges": [git]}))
    assert advisory.affected == ()
    assert problems == ["GHSA-aaaa-bbbb-cccc: npm demo: names no affected version"]


def test_versions_inside_an_interval_are_not_stored_again() -> None:
    (advisory,), _ = read(record({"introduced": "1.0.0"}, {"fixed": "2.0.0"}, affected={"versions": ["1.0.0", "1.5.0", "2.0.0", "0.9.0"]}))
    rows, problems = rows_of(advisory.affected)
    assert problems == []
    key = scheme_of("npm").key
    assert [(row.low, row.high, row.closed) for row in rows] == [
        (key("1.0.0"), key("2.0.0"), 0),
        (key("2.0.0"), key("2.0.0"), 1),
        (key("0.9.0"), key("0.9.0"), 1),
    ]


def test_no_version_at_all_is_all_of_a_malicious_package_and_nothing_of_another() -> None:
    entry = {"package": {"ecosystem": "npm", "name": "evil"}}
    (advisory,), problems = read({"id": "MAL-2025-1", "modified": "2025-01-01T00:00:00Z", "affected": [entry]})
    assert (advisory.kind, advisory.affected[0].intervals, problems) == ("malicious", (Interval(),), [])
    (advisory,), problems = read({"id": "PYSEC-2025-1", "modified": "2025-01-01T00:00:00Z", "affected": [entry]})
    assert advisory.affected == ()
    assert problems == ["PYSEC-2025-1: npm evil: names no affected version"]


@pytest.mark.parametrize(
    ("known", "expected"),
    [("<= 4.2.1", Interval("0", last_affected="4.2.1")), ("< 4.2.1", Interval("0", "4.2.1", unfixed=True)), ("soon", Interval("0"))],
)
def test_github_bounds_what_has_no_fix(known: str, expected: Interval) -> None:
    assert intervals({"introduced": "0"}, affected={"database_specific": {"last_known_affected_version_range": known}}) == [expected]
    fixed = intervals({"introduced": "0"}, {"fixed": "9.0.0"}, affected={"database_specific": {"last_known_affected_version_range": known}})
    assert fixed == [Interval("0", "9.0.0")]


def test_severities_words_and_vectors_of_the_record_and_of_each_package() -> None:
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
    (advisory,), _ = read(
        record(
            {"introduced": "0"},
            affected={"severity": [{"type": "CVSS_V3", "score": vector}], "ecosystem_specific": {"severity": "Low"}},
            severity=[{"type": "Ubuntu", "score": "medium"}, {"type": "CVSS_V3", "score": vector}],
            database_specific={"severity": "MODERATE"},
        )
    )
    assert (advisory.severity, advisory.cvss, advisory.affected[0].severity) == ("medium", (Cvss(vector),), "low")


def test_errata_name_their_cves_as_related_and_their_severity_in_the_summary() -> None:
    entry = {
        "package": {"ecosystem": "AlmaLinux:9", "name": "tpm2-tss"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.2.2-2.el9"}]}],
    }
    (advisory,), _ = read({"id": "ALSA-2023:6685", "summary": "Low: tpm2-tss security update", "related": ["CVE-2023-22745"], "affected": [entry]})
    assert (advisory.source, advisory.upstream, advisory.related, advisory.severity) == ("almalinux", ("CVE-2023-22745",), (), "low")
    (advisory,), _ = read({"id": "ALBA-2020:1622", "summary": "sed bug fix", "related": [], "affected": [entry]})
    assert (advisory.kind, advisory.severity) == ("notice", "")
    # The related vulnerabilities of others are not theirs.
    (advisory,), _ = read(record({"introduced": "0"}, related=["CVE-2020-1"]))
    assert (advisory.upstream, advisory.related) == ((), ("CVE-2020-1",))


def test_yaml_versions_stay_as_they_are_written() -> None:
    text = (
        b"id: PYSEC-2025-9\n"
        b"modified: 2025-01-01T00:00:00Z\n"
        b"withdrawn: 2025-02-01T00:00:00Z\n"
        b"affected:\n"
        b"- package: {name: Demo, ecosystem: PyPI}\n"
        b"  ranges:\n"
        b"  - type: ECOSYSTEM\n"
        b"    events:\n"
        b"    - introduced: 1.10\n"
        b"    - fixed: 1.20\n"
        b"  versions: [1.10, 2]\n"
    )
    (advisory,), problems = read(text, "PYSEC-2025-9.yaml")
    assert problems == []
    assert advisory.affected[0].intervals == (Interval("1.10", "1.20"),)
    assert advisory.affected[0].versions == ("1.10", "2")
    assert (advisory.modified, advisory.withdrawn) == ("2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z")


BOMB = b"id: X-1\na: &a [1,1,1,1,1,1,1,1,1]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + level, 98 + level, b",".join([b"*%c" % (97 + level)] * 9)) for level in range(9)
)


@pytest.mark.parametrize(
    ("data", "path", "message"),
    [
        (b"{", "a.json", "not valid JSON"),
        (b"[" * 100_000, "a.json", "not valid JSON"),
        (b"[]", "a.json", "no OSV record"),
        (b"3", "a.json", "no OSV record"),
        (b'{"modified": "x"}', "a.json", "no id"),
        (b"\xff\xfe", "a.yaml", "not UTF-8"),
        (b"a: [" * 1000, "a.yaml", "nested deeper"),
        (b"a: b: c", "a.yaml", "not valid YAML"),
        (b"id: &a [*a]", "a.yaml", "aliases written out"),
        (BOMB, "a.yaml", "aliases written out"),
        (b"!!python/object/apply:os.system [id]", "a.yaml", "no OSV record"),
    ],
)
def test_hostile_records_are_problems(data: bytes, path: str, message: str) -> None:
    advisories, problems = read(data, path)
    assert advisories == []
    assert len(problems) == 1
    assert message in problems[0]


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["package", "ecosystem", "name", "events", "type", "introduced", "score"]), inner)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["id", "aliases", "affected", "severity", "references", "related", "summary", "details", "database_specific", "modified"]),
        junk,
    )
)
def test_fields_of_any_type_never_break_the_reader(document: dict[str, Any]) -> None:
    for item in osv.read("a.json", json.dumps({"id": "X-1"} | document).encode()):
        assert isinstance(item, Advisory | FeedProblem)
        if isinstance(item, Advisory):
            assert isinstance(rows_of(item.affected), tuple)


def test_an_ecosystem_without_an_order_is_told() -> None:
    (advisory,), problems = read(record({"introduced": "0"}, affected={"package": {"ecosystem": "Nowhere", "name": "x"}}))
    assert advisory.affected == ()
    assert "Nowhere" in problems[0] or "nowhere" in problems[0]
