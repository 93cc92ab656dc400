"""Text on a terminal: harmless, measured, wrapped; and lines of source with marks under the region."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seawall.core.location import Location
from seawall.io.reports.excerpt import excerpt
from seawall.io.reports.terminal import Paint, columns, printable, wrap

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT)
@example("\x1b]0;owned\x07\x9b31m")
@example("safe\u202e\u2066txt.lmay")
@example("a\r\nb\u2028c\x85d")
def test_printable_text_is_one_harmless_line_of_the_same_length(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\ufeff")
    shown.encode()  # no lone surrogate


@pytest.mark.parametrize("text", ["plain", "naïve café", "漢字", "emoji 🙂", "a\u00a0b"])
def test_what_can_be_seen_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("漢字", 4), ("e\u0301", 1), ("ﾊﾝ", 2), ("🙂", 2), ("", 0)])
def test_columns(text: str, width: int) -> None:
    assert columns(text) == width


@given(st.text("ab 漢 "), st.integers(1, 20), st.integers(0, 10), st.sampled_from(["", "    "]))
def test_wrapping_breaks_at_spaces_only_where_it_must(text: str, width: int, taken: int, indent: str) -> None:
    first, *rest = wrap(text, width, indent, taken=taken).split("\n")
    assert all(line.startswith(indent) for line in rest)
    lines = [first, *(line.removeprefix(indent) for line in rest)]
    assert " ".join(lines).split() == text.split()
    for number, line in enumerate(lines):
        room = width - (len(indent) if number else taken)
        assert columns(line.strip()) <= room or " " not in line.strip()
        if number + 1 < len(lines):
            assert columns(f"{line} {lines[number + 1].split(' ')[0]}") > room, "the next word would have fitted"


def test_paint() -> None:
    assert Paint(False)("text", "1") == "text"
    assert Paint(True)("text", "1;31") == "\x1b[1;31mtext\x1b[0m"


Locate = Callable[..., Location]


@pytest.mark.parametrize(
    ("changes", "width", "expected"),
    [
        pytest.param({}, 80, ["            privileged: true", "            ^^^^^^^^^^^^^^^^"], id="the region"),
        pytest.param({"end_column": 13}, 80, ["            privileged: true", "            ^"], id="an empty region"),
        pytest.param({"column": 29, "end_column": 29}, 80, ["            privileged: true", " " * 28 + "^"], id="the end of the line"),
        pytest.param({"end_line": 26, "end_column": 5, "snippet": "    - name: x  "}, 80, ["    - name: x  ", " " * 12 + "^"], id="lines: only the end"),
        pytest.param({"column": 7, "end_line": 26, "snippet": "    - name: x  "}, 80, ["    - name: x  ", "      ^^^^^^^"], id="several lines"),
        pytest.param({"column": 2, "end_column": 5, "snippet": "\ta: b"}, 80, ["    a: b", "    ^^^"], id="a tab before"),
        pytest.param({"column": 4, "end_column": 6, "snippet": "漢字x漢字"}, 80, ["漢字x漢字", "     ^^^^"], id="wide characters"),
        pytest.param({"column": 3, "end_column": 5, "snippet": "e\u0301ab"}, 80, ["e\u0301ab", " ^^"], id="a combining accent before"),
        pytest.param({"column": 2, "end_column": 5, "snippet": "a\x1b[2Jb"}, 80, ["a␛[2Jb", " ^^^"], id="an escape sequence"),
        pytest.param({"column": 901, "end_column": 905, "snippet": "x" * 500}, 23, ["x" * 17 + "...", ""], id="beyond what is known"),
        pytest.param({"column": 901, "end_column": 905, "snippet": "x"}, 23, ["x...", ""], id="beyond what is known of a short line"),
        pytest.param({"column": 5, "end_column": 505, "snippet": "x" * 500}, 23, ["...xxxxxxxxxxxxxxxxx...", "   ^^^^^^^^^^^^^^^^^"], id="ends beyond"),
        pytest.param({"column": 301, "end_column": 304, "snippet": "x" * 300 + "abc" + "x" * 197}, 23, ["...xxxxxxxabcxxxxxxx...", " " * 10 + "^^^"], id="window"),
        pytest.param({"column": 498, "end_column": 501, "snippet": "x" * 497 + "abc"}, 23, ["..." + "x" * 14 + "abc", " " * 17 + "^^^"], id="window at the end"),
        pytest.param({"column": 1, "end_column": 4, "snippet": "abc" + "x" * 497}, 23, ["abc" + "x" * 14 + "...", "^^^"], id="window at the start"),
    ],
)  # fmt: skip
def test_excerpt(location: Locate, changes: dict[str, Any], width: int, expected: list[str]) -> None:
    source = excerpt(location(**changes), width)
    assert source is not None
    assert [source.line, source.marks] == expected


def test_there_is_no_excerpt_without_text(location: Locate) -> None:
    from msgspec import UNSET

    assert excerpt(location(snippet=UNSET), 80) is None


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60), st.integers(1, 61), st.integers(1, 61), st.integers(60, 90))
def test_marks_stand_exactly_under_the_region(text: str, column: int, end_column: int, width: int) -> None:
    """Slow twin for lines of plain characters that fit: the marks are where the characters of the region are."""
    column, end_column = sorted((min(column, len(text) + 1), min(end_column, len(text) + 1)))
    source = excerpt(Location("a.yaml", 1, column, 1, end_column, snippet=text), width)
    assert source is not None
    assert source.line == text
    marked = [number for number, mark in enumerate(source.marks, 1) if mark == "^"]
    assert marked == (list(range(column, end_column)) or [column])


@given(st.data(), st.integers(12, 120))
def test_an_excerpt_fits_whatever_the_line_holds(any_location: st.SearchStrategy[Location], data: st.DataObject, width: int) -> None:
    source = excerpt(data.draw(any_location), width)
    if source is not None:
        assert columns(source.line) <= width
        assert columns(source.marks) <= width + 1  # one beyond, for the end of a line that fits exactly
        assert printable(source.line) == source.line


@given(st.integers(1, 490), st.integers(1, 10), st.integers(30, 200))
def test_the_region_of_a_long_line_is_in_sight(column: int, length: int, width: int) -> None:
    text = "".join(chr(ord("!") + number % 90) for number in range(500))
    source = excerpt(Location("a.yaml", 1, column, 1, column + length, snippet=text), width)
    assert source is not None
    start = source.marks.index("^")
    assert source.line[start : len(source.marks)] == text[column - 1 : column - 1 + length]
