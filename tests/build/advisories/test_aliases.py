"""Which records belong together, and which only look like it."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from seawall.build.advisories.aliases import Names, cve_of, narrowed, preferred, vulnerabilities


def test_records_of_one_cve_belong_together_whichever_field_names_it() -> None:
    records = [
        Names("CVE-2024-0001"),
        Names("GHSA-aaaa", aliases=("CVE-2024-0001", "PYSEC-2024-1")),
        Names("PYSEC-2024-1", aliases=("GHSA-aaaa",)),
        Names("UBUNTU-CVE-2024-0001", upstream=("CVE-2024-0001",)),
        Names("DEBIAN-CVE-2024-0001"),
    ]
    assert vulnerabilities(records) == [("CVE-2024-0001",)] * 5


def test_without_a_cve_ids_join_over_any_number_of_steps() -> None:
    records = [Names("PYSEC-1"), Names("X-2", aliases=("GHSA-zz", "PYSEC-1")), Names("X-3", aliases=("X-2",)), Names("Y-1")]
    assert vulnerabilities(records) == [("GHSA-zz",)] * 3 + [("Y-1",)]


def test_a_cve_known_of_any_of_the_joined_ids_is_that_of_all() -> None:
    records = [Names("A-1", aliases=("B-1",)), Names("B-1", aliases=("C-1",)), Names("C-1", aliases=("CVE-2024-1111",))]
    assert vulnerabilities(records) == [("CVE-2024-1111",)] * 3


def test_a_collection_belongs_to_each_and_joins_none() -> None:
    records = [
        Names("DSA-1-1", upstream=("CVE-2024-1111", "CVE-2024-2222")),
        Names("GO-1", aliases=("CVE-2024-2222", "CVE-2024-3333", "GHSA-x")),
        Names("GHSA-x", aliases=("CVE-2024-3333",)),
        Names("GHSA-y", aliases=("CVE-2024-1111",)),
    ]
    assert vulnerabilities(records) == [
        ("CVE-2024-1111", "CVE-2024-2222"),
        ("CVE-2024-2222", "CVE-2024-3333"),
        ("CVE-2024-3333",),
        ("CVE-2024-1111",),
    ]


def test_an_id_given_with_two_cves_never_makes_them_one() -> None:
    records = [Names("CVE-2019-1111", aliases=("XSA-1",)), Names("CVE-2019-2222", aliases=("XSA-1",)), Names("XSA-1")]
    assert vulnerabilities(records) == [("CVE-2019-1111",), ("CVE-2019-2222",), ("CVE-2019-1111", "CVE-2019-2222")]


def test_a_collection_of_ids_that_are_no_cves() -> None:
    records = [
        Names("CGA-1", upstream=("GHSA-a", "GHSA-b", "GHSA-c")),
        Names("GHSA-a", aliases=("CVE-2024-1111",)),
        Names("GHSA-b", aliases=("X-1",)),
    ]
    assert vulnerabilities(records)[0] == ("CVE-2024-1111", "GHSA-b", "GHSA-c")


def test_names_are_narrowed_to_one_vulnerability() -> None:
    names = ("CVE-2024-1111", "CVE-2024-2222", "UBUNTU-CVE-2024-2222", "USN-1")
    assert narrowed(names, "CVE-2024-2222") == ("CVE-2024-2222", "UBUNTU-CVE-2024-2222", "USN-1")
    assert narrowed(names, "USN-1") == names


def test_what_a_cve_is() -> None:
    assert cve_of("CVE-2024-12345678") == "CVE-2024-12345678"
    assert cve_of("UBUNTU-CVE-2024-1234") == "CVE-2024-1234"
    assert [cve_of(name) for name in ("CVE-2024", "XCVE-2024-1234", "BIT-redis-2024-1234", "CVE-2024-1234-1", "cve-2024-1234", "")] == [""] * 6


def test_the_preferred_name() -> None:
    assert preferred(["PYSEC-1", "GHSA-1", "CVE-2024-1111"]) == "CVE-2024-1111"
    assert preferred(["ZZZ-1", "PYSEC-1", "GHSA-2", "GHSA-1"]) == "GHSA-1"
    assert preferred(["b-1", "a-1"]) == "a-1"


ids = st.sampled_from(["A-1", "B-1", "C-1", "D-1", "GHSA-1", "CVE-2024-1111", "CVE-2024-2222"])
names = st.builds(Names, ids, st.lists(ids, max_size=2, unique=True).map(tuple), st.lists(ids, max_size=2, unique=True).map(tuple))


@given(st.lists(names, min_size=1, max_size=4))
def test_the_order_of_records_does_not_matter(records: list[Names]) -> None:
    expected = dict(zip(map(id, records), vulnerabilities(records), strict=True))
    for shuffled in permutations(records):
        assert dict(zip(map(id, shuffled), vulnerabilities(shuffled), strict=True)) == expected


@given(st.lists(names, min_size=1, max_size=6))
def test_every_record_belongs_to_all_cves_it_names_and_to_something(records: list[Names]) -> None:
    for record, found in zip(records, vulnerabilities(records), strict=True):
        assert found
        assert list(found) == sorted(set(found))
        named = {name for name in record.all if name.startswith("CVE-")}
        assert not named or set(found) == named
