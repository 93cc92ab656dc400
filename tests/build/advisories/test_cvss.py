"""CVSS scores against FIRST's own examples, and against another implementation over every vector that matters."""

import random
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.build.advisories import cvss
from seawall.build.advisories.cvss import BaseScore, InvalidVector, base_score, rating


def score(vector: str) -> float:
    found = base_score(vector)
    assert isinstance(found, BaseScore), found
    return found.score


def every(major: str) -> list[str]:
    names = cvss._BASE[major]
    return ["/".join(f"{name}:{value}" for name, value in zip(names, values, strict=True)) for values in product(*map(sorted, names.values()))]


@pytest.fixture(scope="module")
def oracle() -> Any:
    return pytest.importorskip("cvss", reason="the package cvss, the oracle of scores, is not installed")


@pytest.mark.parametrize(
    ("vector", "expected"),
    [
        # "A Complete Guide to CVSS 2.0", section 3.3: CVE-2002-0392, CVE-2003-0818, CVE-2003-0062.
        ("AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8),
        ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0),
        ("AV:L/AC:H/Au:N/C:C/I:C/A:C", 6.2),
        ("(AV:N/AC:M/Au:N/C:P/I:N/A:N)", 4.3),
        # "CVSS v3.1 Examples": CVE-2013-1937, CVE-2013-0375, CVE-2014-3566, CVE-2012-1516, CVE-2014-0160, CVE-2014-6271.
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", 9.9),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        # "CVSS v4.0 Examples": CVE-2022-41741, CVE-2020-3549, CVE-2023-3089, CVE-2021-44714.
        ("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.3),
        ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.7),
        ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:H/VI:L/VA:L/SC:N/SI:N/SA:N", 8.3),
        ("CVSS:4.0/AV:L/AC:L/AT:N/PR:N/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N", 4.6),
    ],
)
def test_published_examples(vector: str, expected: float) -> None:
    assert score(vector) == expected


def test_every_vector_of_version_2(oracle: Any) -> None:
    for vector in every("2"):
        assert score(vector) == float(oracle.CVSS2(vector).base_score), vector


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_every_vector_of_version_3(oracle: Any, version: str) -> None:
    for metrics in every("3"):
        vector = f"CVSS:{version}/{metrics}"
        assert score(vector) == float(oracle.CVSS3(vector).base_score), vector


def test_many_vectors_of_version_4(oracle: Any) -> None:
    chosen = random.Random(4).sample(every("4"), 6_000)
    for metrics in chosen:
        vector = f"CVSS:4.0/{metrics}"
        assert score(vector) == float(oracle.CVSS4(vector).base_score), vector


def test_worse_metrics_never_lower_a_score_of_version_4_within_a_macro_vector() -> None:
    steps = cvss._STEPS
    for metrics in random.Random(5).sample(every("4"), 500):
        parts = dict(part.split(":") for part in metrics.split("/"))
        for name, order in steps.items():
            if (place := order.index(parts[name])) > 0:
                worse = parts | {name: order[place - 1]}
                if cvss._levels(worse) == cvss._levels(parts):
                    assert cvss._score_4(worse) >= cvss._score_4(parts), (metrics, name)


def test_the_table_of_macro_vectors_is_complete_and_falls() -> None:
    table = cvss._macro_vectors()
    # 3 x 2 x (2 x 2 + 1) x 3 x 3: an impact that is nowhere high has one level of requirements.
    assert len(table) == 270
    for name, value in table.items():
        for place in range(6):
            lower = name[:place] + str(int(name[place]) + 1) + name[place + 1 :]
            assert table.get(lower, 0) <= value, (name, lower)


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        ("", "is no metric"),
        ("7.5", "is no metric"),
        ("CVSS:5.0/AV:N", "no CVSS version 5.0"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H", "A is missing"),
        ("CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "AV is given twice"),
        ("CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "AV has no value 'X'"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/", "is no metric"),
        ("CVSS:3.1/av:n/ac:l/pr:n/ui:n/s:u/c:h/i:h/a:h", "is no metric"),
        ("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "is no metric"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:R/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "UI has no value 'R'"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:S/SA:N", "SI has no value 'S'"),
        ("CVSS:3.1/" + "AV:N/" * 1000, "longer than"),
    ],
)
def test_what_is_no_vector_is_told_why(vector: str, reason: str) -> None:
    found = base_score(vector)
    assert isinstance(found, InvalidVector)
    assert reason in found.reason


def test_threat_and_environment_do_not_count() -> None:
    base = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    assert score(f"{base}/E:U/RL:O/RC:U/MAV:P/CR:L") == score(base)
    base = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
    assert score(f"{base}/E:U/MAV:P/U:Amber") == score(base) == 9.3


def test_ratings_at_their_edges() -> None:
    assert [rating(value) for value in (0.0, 0.1, 3.9, 4.0, 6.9, 7.0, 8.9, 9.0, 10.0)] == [
        "none", "low", "low", "medium", "medium", "high", "high", "critical", "critical",
    ]  # fmt: skip
    assert [rating(value, "2.0") for value in (0.0, 3.9, 4.0, 6.9, 7.0, 10.0)] == ["low", "low", "medium", "medium", "high", "high"]


@given(st.text(max_size=60))
def test_any_text_has_a_score_or_a_reason(text: str) -> None:
    found = base_score(text)
    assert isinstance(found, InvalidVector)
    assert found.reason
