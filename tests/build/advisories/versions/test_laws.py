"""Laws that every order obeys: it is total, its keys have the same order, and it takes any text."""

from functools import cmp_to_key
from itertools import pairwise, product
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.build.advisories.versions import scheme_of
from seawall.build.advisories.versions.scheme import Scheme

NAMES: Final = """
    alpine bitnami conan conda cpan cran debian generic go hackage maven npm nuget opam packagist pub pypi rpm rubygems
"""
SCHEMES: Final = [pytest.param(scheme_of(name), id=name) for name in NAMES.split()]

# Pieces that mean something somewhere, so that short texts of them meet every rule.
PIECES: Final = """
    0 00 1 01 2 9 10 010 99 207 208 4303 4304 65535 65536 20240101 999999999999999999 1000000000000000000 18446744073709551616
    . .. - -- _ + ~ ^ : ! @ = / , * v V a b c m p r x A B Z as alpha beta pre rc cr RC dev post rev sp ga final release snapshot
    SNAPSHOT patch pl stable milestone preview foo _alpha _beta _pre _rc _p _git _cvs -r1 -r0 ~ab .x -dev dev- post1 .dev1 a1 b1 rc1
    go go1 +local +incompatible @dev .0 .0.0 -0 -1 .1
"""
STRANGE: Final = (" ", "\0", "\n", "\t", "é", "²", "٣", "\udc80", "\ue000", "\U0001f600")
VERSIONS: Final = st.one_of(
    st.lists(st.sampled_from([*PIECES.split(), *STRANGE]), max_size=7).map("".join),
    st.lists(st.sampled_from("012..-ab+~"), max_size=7).map("".join),
    st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}([-.+~]?[a-c][0-9]?)?", fullmatch=True),
    st.text(max_size=8),
)


def order_of_keys(scheme: Scheme, a: str, b: str) -> int:
    key_a, key_b = scheme.key(a), scheme.key(b)
    return (key_a > key_b) - (key_a < key_b)


@pytest.mark.parametrize("scheme", SCHEMES)
@given(st.lists(VERSIONS, min_size=2, max_size=6))
@settings(max_examples=100)
def test_keys_have_the_order_of_the_comparator(scheme: Scheme, versions: list[str]) -> None:
    for a, b in product(versions, repeat=2):
        assert order_of_keys(scheme, a, b) == scheme.compare(a, b), (a, b, scheme.key(a), scheme.key(b))


@pytest.mark.parametrize("scheme", SCHEMES)
@given(st.lists(VERSIONS, min_size=3, max_size=6))
@settings(max_examples=60)
def test_the_comparator_is_a_total_order(scheme: Scheme, versions: list[str]) -> None:
    for a, b in product(versions, repeat=2):
        assert scheme.compare(a, b) in (-1, 0, 1)
        assert scheme.compare(a, b) == -scheme.compare(b, a)
    for version in versions:
        assert scheme.compare(version, version) == 0
    # Sorted by a comparator that is transitive, nothing stands before what it follows, however far apart.
    ascending = sorted(versions, key=cmp_to_key(scheme.compare))
    assert all(scheme.compare(low, high) <= 0 for index, low in enumerate(ascending) for high in ascending[index:])
    # What is equal to a version compares with all others as it does.
    for a, b in pairwise(ascending):
        if scheme.compare(a, b) == 0:
            assert all(scheme.compare(a, other) == scheme.compare(b, other) for other in versions)


# Ten thousand characters of what makes a careless pattern slow; a pattern that backtracks would not come to an end.
HUGE: Final = [
    piece * (10_000 // len(piece))
    for piece in ("1", "0", "1.", "0.", "1a", "a", "-", "1-", ".", "~", "^", "+", "_", "!", " ", "1_", "a.", "-a", "_p1", "\0", "é", "@dev", "1 as ")
] + ["1" + ".0" * 5_000 + "x", "1" + ".0" * 5_000 + "a", " " * 10_000 + "1", "1." * 5_000 + "!", "1-" + "0." * 5_000 + "\n"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_huge_versions_have_a_place(scheme: Scheme) -> None:
    for version in HUGE:
        assert scheme.compare(version, version) == 0
        for other in ("", "1", "1.0-rc1", version + "2"):
            assert order_of_keys(scheme, version, other) == scheme.compare(version, other) == -scheme.compare(other, version)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_numbers_of_any_length_have_the_order_of_numbers(scheme: Scheme) -> None:
    prefix = "v" if scheme.name == "cpan" else ""  # without it they are decimal
    numbers = [f"{prefix}{number}" for number in range(0, 70_000, 7)]
    numbers += [f"{prefix}{10**length - 1 + more}" for length in range(5, 60) for more in (0, 1)] + [prefix + "9" * 5_000, prefix + "1" + "0" * 5_000]
    keys = [scheme.key(number) for number in numbers]
    assert all(low < high for low, high in pairwise(keys))
    assert all(scheme.compare(low, high) == -1 for low, high in pairwise(numbers[::50]))
