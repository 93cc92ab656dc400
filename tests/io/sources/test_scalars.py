"""What a scalar means, against Kubernetes' own reading of it: near every border between the types, as a value and as a key."""

import json
from base64 import b64encode
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.io.sources import scalars

Compare = Callable[[str], None]

WORDS = [
    *("y", "Y", "yes", "Yes", "yEs", "on", "oN", "true", "True", "tRUE", "n", "no", "off", "false", "null", "Null", "nULL", "~", "<<", "="),
    *("", "_", "+", "-", ".", "0", "1", "7", "8", "9", "00", "08", "017", "0x", "0X1F", "0b", "0B1", "0b2", "0o", "0O7", "0o8", "f", "e", "E5"),
    *(".inf", ".Inf", ".iNF", "+.inf", "-.INF", ".nan", ".NaN", "NaN", "inf", "1.", ".5", "1.5", "e3", "e+3", "e-400", "e400", "1e21", "1e20"),
    *("9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "9007199254740993", "0" * 80, "1" * 400),
    *("2001-01-01", "2001-1-1", "2001-12-14t21:59:43.10Z", "2001-01-01 1:2:3", "190:20:30", "1:30", "12e03", "0.1e1_0", "1_000", "1__0", "_1", "1_"),
]
TAGS = ["!!int", "!!float", "!!bool", "!!null", "!!str", "!!binary", "!!timestamp", "!custom", "!", "!!merge", "!<tag:yaml.org,2002:int>", "!!set"]
plain_texts = st.lists(st.sampled_from(WORDS) | st.sampled_from("0123456789+-._eExXbBoO"), min_size=1, max_size=4).map("".join)
binaries = st.binary(max_size=9).map(lambda data: b64encode(data).decode()) | st.text("aGk=\n\r +/-", max_size=8)
quoted_texts = (plain_texts | binaries).map(json.dumps)
texts = plain_texts | quoted_texts | st.builds("{} {}".format, st.sampled_from(TAGS), plain_texts | quoted_texts | st.just(""))


@settings(max_examples=300)
@given(texts)
def test_values(compare: Compare, text: str) -> None:
    compare(f"a: {text}\n")


@settings(max_examples=300)
@given(texts)
def test_keys(compare: Compare, text: str) -> None:
    compare(f"? {text}\n: a\n")


@settings(max_examples=200)
@given(st.floats() | st.floats(width=32) | st.integers().map(float), st.sampled_from(["{!r}", "{:g}", "{:e}", "{:f}", "{:.3E}"]))
def test_floats(compare: Compare, number: float, form: str) -> None:
    text = {"nan": ".nan", "inf": ".inf", "-inf": "-.inf"}.get(str(number)) or form.format(number)
    compare(f"a: {text}\n")
    compare(f"? {text}\n: a\n")


@settings(max_examples=200)
@given(st.integers() | st.integers(-(2**66), 2**66), st.sampled_from(["{}", "{:#x}", "{:#o}", "{:#b}", "{:+}", "0{}", "{:_}", "{}.0", "{}e0"]))
def test_integers(compare: Compare, number: int, form: str) -> None:
    compare(f"a: {form.format(number)}\n")
    compare(f"? {form.format(number)}\n: a\n")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True), ("Off", False), ("y", True), ("tRUE", "tRUE"), ("~", None), ("", None), ("nulL", "nulL"),
        ("010", 8), ("08", 8), ("0o10", 8), ("0x1F", 31), ("-0b11", -3), ("1_000", 1000), ("_1", "_1"), ("+5", 5), ("-0", 0),
        ("1e3", 1000), ("1.5", 1.5), (".5", 0.5), (".", "."), ("1:30", "1:30"), ("2001-01-01", "2001-01-01"), ("1e400", "1e400"),
        ("18446744073709551615", 2**64 - 1), ("=", "="), ("<<", "<<"), ("1.2.3", "1.2.3"), ("64Mi", "64Mi"),
    ],
)  # fmt: skip
def test_what_a_reader_should_know(text: str, value: object) -> None:
    read = scalars.plain(text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("text", [".inf", "-.Inf", ".NaN"])
def test_json_has_no_infinity(text: str) -> None:
    with pytest.raises(ValueError, match="no values in JSON"):
        scalars.plain(text)


def test_a_very_long_number_costs_nothing() -> None:
    """Python takes quadratic time for a decimal of millions of digits; none is ever made an integer."""
    many = 5_000_000
    for text in ("1" * many, "-" + "7" * many, "1" * many + ".5", "0x" + "f" * many):
        assert scalars.plain(text) == text
    assert scalars.plain("0x" + "0" * many + "1") == 1
    assert scalars.plain("0" * many + "9") == 9
