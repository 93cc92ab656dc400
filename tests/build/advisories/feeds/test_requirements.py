"""Requirements as spans, against evaluators that follow the documented rules one version at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.build.advisories.feeds.requirements import MAX_COMPARATORS, cargo, composer, gem
from seawall.build.advisories.feeds.spans import ALL, Cut, Span, intervals_of, join, meet, turn
from seawall.build.advisories.model import Affected
from seawall.build.advisories.rows import rows_of
from seawall.build.advisories.versions import scheme_of

Triple = tuple[int, int, int]
triples = st.tuples(*[st.integers(0, 3)] * 3)


def holds(spans: list[Span], key: bytes) -> bool:
    return any(span.low.key <= key and (span.high is None or key < span.high.key) for span in spans)


def dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


# --- Cargo, by the Cargo book: a comparator with parts left out is about all versions that begin with the others.


def cargo_twin(operator: str, given: tuple[int, ...], version: Triple) -> bool:
    head = version[: len(given)]
    padded = (*given, 0, 0)[:3]
    match operator:
        case "=":
            return head == given
        case ">":
            return head > given
        case ">=":
            return head >= given
        case "<":
            return head < given
        case "<=":
            return head <= given
        case "~":
            return version >= padded and version[: min(len(given), 2)] == given[:2]
        case "^" | "":
            # The leftmost number that is not zero must not change; of zeros alone, the last that is written.
            fixed = next((index for index, number in enumerate(given) if number), len(given) - 1)
            return version >= padded and version[: fixed + 1] == given[: fixed + 1]
    raise AssertionError(operator)


comparators = st.tuples(st.sampled_from(["=", ">", ">=", "<", "<=", "~", "^", ""]), st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple))


@given(st.lists(comparators, min_size=1, max_size=3), st.lists(triples, min_size=1, max_size=20), st.sampled_from(["", " "]))
def test_cargo_requirements_hold_for_the_versions_that_satisfy_them(
    parts: list[tuple[str, tuple[int, ...]]], versions: list[Triple], blank: str
) -> None:
    spans = cargo(f",{blank}".join(f"{operator}{blank}{dotted(numbers)}" for operator, numbers in parts))
    for version in versions:
        assert holds(spans, scheme_of("crates.io").key(dotted(version))) == all(cargo_twin(*part, version) for part in parts), version


@pytest.mark.parametrize(
    ("requirement", "inside", "outside"),
    [
        (">= 0.12.3, < 0.13.0", ["0.12.3", "0.12.99"], ["0.12.2", "0.13.0", "0.12.3-alpha"]),
        ("^0.3.4", ["0.3.4", "0.3.9"], ["0.3.3", "0.4.0"]),
        ("^ 1.2", ["1.2.0", "1.9.0"], ["1.1.9", "2.0.0"]),
        ("1.2.3", ["1.2.3", "1.3.0"], ["2.0.0", "1.2.2"]),
        ("> 1.2.3", ["1.2.4-alpha", "1.2.4"], ["1.2.3"]),
        (">= 1.0.0-rc.2", ["1.0.0-rc.2", "1.0.0"], ["1.0.0-rc.1"]),
        ("*", ["0.0.0-0", "9.9.9"], []),
        ("1.*", ["1.0.0", "1.9.9"], ["0.9.9", "2.0.0"]),
        (">= 0.0.8 ", ["0.0.8"], ["0.0.7"]),
    ],
)
def test_cargo_examples(requirement: str, inside: list[str], outside: list[str]) -> None:
    key = scheme_of("crates.io").key
    assert all(holds(cargo(requirement), key(version)) for version in inside)
    assert not any(holds(cargo(requirement), key(version)) for version in outside)


# --- RubyGems, by Gem::Requirement: numbers compare part by part, with zeros for those left out.


def gem_numbers(version: tuple[int, ...]) -> tuple[int, ...]:
    return (*version, 0, 0, 0, 0)[:4]


def gem_twin(operator: str, given: tuple[int, ...], version: tuple[int, ...]) -> bool:
    left, right = gem_numbers(version), gem_numbers(given)
    match operator:
        case "=" | "":
            return left == right
        case "!=":
            return left != right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case "~>":
            kept = given[:-1] or given
            return left >= right and left < gem_numbers((*kept[:-1], kept[-1] + 1))
    raise AssertionError(operator)


gem_versions = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(tuple)
gem_comparators = st.tuples(st.sampled_from(["=", "!=", ">", ">=", "<", "<=", "~>", ""]), gem_versions)


@given(st.lists(gem_comparators, min_size=1, max_size=3), st.lists(gem_versions, min_size=1, max_size=20))
def test_gem_requirements_hold_for_the_versions_that_satisfy_them(parts: list[tuple[str, tuple[int, ...]]], versions: list[tuple[int, ...]]) -> None:
    spans = gem(", ".join(f"{operator} {dotted(numbers)}".strip() for operator, numbers in parts))
    for version in versions:
        assert holds(spans, scheme_of("RubyGems").key(dotted(version))) == all(gem_twin(*part, version) for part in parts), version


@pytest.mark.parametrize(
    ("requirement", "inside", "outside"),
    [
        ("~> 1.2.3", ["1.2.3", "1.2.99", "1.2.4.rc1"], ["1.2.2", "1.3", "1.3.0.pre", "1.3.a", "1.2.3.rc1"]),
        ("~> 1", ["1", "1.9"], ["2", "2.0.0.alpha", "0.9"]),
        ("~> 2.0.0.rc1", ["2.0.0.rc1", "2.0.0", "2.0.9"], ["2.1", "2.0.0.beta"]),
        ("~> 3.0.10, >= 3.0.10.1", ["3.0.10.1", "3.0.11"], ["3.0.10", "3.1"]),
        ("= 1.0.0", ["1.0", "1"], ["1.0.1", "1.0.0.pre"]),
    ],
)
def test_gem_examples(requirement: str, inside: list[str], outside: list[str]) -> None:
    key = scheme_of("RubyGems").key
    assert [version for version in inside if not holds(gem(requirement), key(version))] == []
    assert [version for version in outside if holds(gem(requirement), key(version))] == []


def test_composer_compares_below_and_from_with_the_development_version() -> None:
    key = scheme_of("Packagist").key
    spans = composer([">=2.0.0", "<2.1.0"])
    assert all(holds(spans, key(version)) for version in ("2.0.0", "2.0.0-beta1", "2.0.99", "v2.0.1"))
    assert not any(holds(spans, key(version)) for version in ("2.1.0", "2.1.0-RC1", "1.9.9", "2.1.0-alpha"))
    exact = composer(["<=2.1.0", ">2.0.0"])
    assert not holds(exact, key("2.0.0"))
    assert holds(exact, key("2.1.0"))
    assert holds(composer(["<2.1.0-beta2"]), key("2.1.0-beta1"))


@pytest.mark.parametrize("parse", [cargo, gem, lambda text: composer([text])])
@pytest.mark.parametrize("text", ["", "abc", ">= ", "=> 1.0", "1.0 - 2.0", "\x00", ">= 1.0 || < 2", "~> "])
def test_what_is_no_requirement_is_said_to_be_none(parse: object, text: str) -> None:
    with pytest.raises(ValueError, match="no "):
        parse(text)  # type: ignore[operator]


def test_a_requirement_cannot_grow_without_end() -> None:
    with pytest.raises(ValueError, match="more than"):
        gem(", ".join(f"!= {number}" for number in range(MAX_COMPARATORS + 1)))
    assert len(gem(", ".join(f"!= {number}" for number in range(1, MAX_COMPARATORS)))) == MAX_COMPARATORS


# --- the algebra, on bytes


cuts = st.binary(min_size=1, max_size=2).map(lambda key: Cut(key, key.hex()))
spans_of_bytes = st.builds(Span, st.one_of(st.just(ALL.low), cuts), st.one_of(st.none(), cuts))


@given(st.lists(spans_of_bytes, max_size=6), st.binary(max_size=3))
def test_every_version_is_in_the_spans_or_in_their_turn_and_never_in_both(spans: list[Span], key: bytes) -> None:
    assert holds(spans, key) != holds(turn(spans), key)
    assert holds(spans, key) == holds(join(spans), key) == holds(turn(turn(spans)), key)


@given(spans_of_bytes, spans_of_bytes, st.binary(max_size=3))
def test_what_two_spans_share_is_in_both(first: Span, second: Span, key: bytes) -> None:
    assert holds([meet(first, second)], key) == (holds([first], key) and holds([second], key))


@given(st.lists(comparators, min_size=1, max_size=3), st.lists(triples, min_size=1, max_size=10))
def test_the_rows_of_the_database_hold_the_same_versions(parts: list[tuple[str, tuple[int, ...]]], versions: list[Triple]) -> None:
    affected = turn(span for operator, numbers in parts for span in cargo(f"{operator}{dotted(numbers)}"))
    intervals = intervals_of(affected)
    rows, problems = rows_of([Affected("crates.io", "demo", intervals)]) if intervals else ([], [])
    assert problems == []
    for version in versions:
        key = scheme_of("crates.io").key(dotted(version))
        found = any(row.low <= key and (row.high is None or key < row.high or (row.closed and key == row.high)) for row in rows)
        assert found != any(cargo_twin(*part, version) for part in parts)
