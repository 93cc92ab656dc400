"""Quantities against a slow twin, and against the parser of Kubernetes itself."""

from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.quantity import parse_quantity

NANO = Fraction(1, 1_000_000_000)
SUFFIXES = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("0", 0),
        ("500m", Fraction(1, 2)),
        ("0.5", Fraction(1, 2)),
        (".5", Fraction(1, 2)),
        ("1.", 1),
        ("+1", 1),
        ("-1Ki", -1024),
        ("1k", 1000),
        ("1Ki", 1024),
        ("1.5Gi", 3 * 2**29),
        ("1E", 10**18),
        ("1E2", 100),
        ("1e-2", Fraction(1, 100)),
        ("12e+6", 12_000_000),
        ("0.1n", NANO),
        ("-0.1n", -NANO),
        ("0.00000000049Ki", Fraction(502, 10**9)),
        ("8Ei", 2**63 - 1),
        ("-8Ei", 1 - 2**63),
        ("10E", 10**19),
        (" 1Gi ", 2**30),
        ("m", 0),
        (1, 1),
        (0.5, Fraction(1, 2)),
        (1e-05, Fraction(1, 100_000)),
        (1e22, 10**22),
    ],
)
def test_values(value: object, number: Fraction) -> None:
    assert parse_quantity(value) == number


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "plenty", "1 Gi", "1GB", "1gi", "1K", "1ki", "1mi", "1,5", "1.5.5", "0x10", "1e", "1e1.5", "--1", "1_000", "٣", "1\n1", "nan", "inf",
        True, None, [], {}, float("nan"), float("inf"), "1" * 257, "1e1001", "1e999999999999", "1e-1001",
    ],
)  # fmt: skip
def test_what_is_no_quantity_is_refused_in_one_line(value: object) -> None:
    with pytest.raises(ValueError, match=r"is not a quantity|is out of bounds") as caught:
        parse_quantity(value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 120


def slow(sign: str, whole: str, decimals: str, suffix: str) -> Fraction:
    """The number, by multiplying and dividing step by step, and by counting billionths."""
    number = Fraction(0)
    for digit in whole:
        number = number * 10 + "0123456789".index(digit)
    place = Fraction(1)
    for digit in decimals:
        place /= 10
        number += place * "0123456789".index(digit)
    binary = suffix.endswith("i")
    steps = "num kMGTPE".index(suffix.replace("K", "k")[:1] or " ") - 3
    for _ in range(abs(steps)):
        number = number * (1024 if binary else 1000) if steps > 0 else number / 1000
    billionths = int(number / NANO)
    if billionths * NANO < number:
        billionths += 1
    number = billionths * NANO
    if binary and number > 2**63 - 1:
        number = Fraction(2**63 - 1)
    return -number if sign == "-" else number


@settings(max_examples=300)
@given(
    st.sampled_from(["", "+", "-"]),
    st.text("0123456789", min_size=1, max_size=24),
    st.text("0123456789", max_size=14),
    st.sampled_from(SUFFIXES),
)
def test_against_a_slow_twin(sign: str, whole: str, decimals: str, suffix: str) -> None:
    text = f"{sign}{whole}.{decimals}{suffix}" if decimals else f"{sign}{whole}{suffix}"
    assert parse_quantity(text) == slow(sign, whole, decimals, suffix)


def test_against_the_parser_of_kubernetes(answers: Callable[[str, list[str]], list[Any]]) -> None:
    """Texts of the right letters in any order, and numbers of any size. Those without a digit are left out: there Kubernetes is not consistent."""
    random = Random(1)
    letters = [*"0123456789..+-eEinumkKMGTP", *SUFFIXES, "1024", "000", "999999999", "e3", "E-3", "x"]
    texts = ["".join(random.choices(letters, k=random.randint(1, 6))) for _ in range(4000)]
    for _ in range(4000):
        sign, exponent = random.choice(["", "-", "+"]), f"e{random.randint(-30, 30)}"
        decimals = f".{random.randint(0, 10 ** random.randint(1, 14))}" if random.random() < 0.5 else ""
        texts.append(f"{sign}{random.randint(0, 10 ** random.randint(1, 25))}{decimals}{random.choice([*SUFFIXES, exponent])}")
    texts = [text for text in texts if any(character.isdigit() for character in text.lower().partition("e")[0]) and not _huge(text)]
    assert len(texts) > 5000
    theirs = [None if answer is None else Fraction(answer) for answer in answers("quantity", texts)]
    assert dict(zip(texts, map(_parsed, texts), strict=True)) == dict(zip(texts, theirs, strict=True))


def _huge(text: str) -> bool:
    """Whether the exponent is one that Kubernetes would take minutes to write out."""
    exponent = text.lower().rpartition("e")[2].lstrip("+-")
    return exponent.isdigit() and len(exponent) > 2 and "e" in text.lower()


def _parsed(text: str) -> Fraction | None:
    try:
        return parse_quantity(text)
    except ValueError:
        return None
