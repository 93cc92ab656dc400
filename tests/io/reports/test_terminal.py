"""Text on a terminal: harmless, measured, wrapped; and lines of source with marks under the region."""

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET

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


LONG = "".join(chr(ord("a") + number % 26) for number in range(500))  # all that a location carries of a very long line


@pytest.mark.parametrize(
    ("text", "region", "line", "marks"),
    [
        pytest.param("  key: true", (3, 1, 12), "  key: true", "  ^^^^^^^^^", id="the region"),
        pytest.param("  key: true", (3, 1, 3), "  key: true", "  ^", id="an empty region"),
        pytest.param("  key: true", (12, 1, 12), "  key: true", "           ^", id="the end of the line"),
        pytest.param("    - name: x  ", (7, 3, 5), "    - name: x  ", "      ^^^^^^^", id="several lines"),
        pytest.param("    - name: x  ", (14, 3, 5), "    - name: x  ", "             ^", id="several lines, of the first only its end"),
        pytest.param("\ta: b", (2, 1, 5), "    a: b", "    ^^^", id="a tab before"),
        pytest.param("漢字x漢字", (4, 1, 6), "漢字x漢字", "     ^^^^", id="wide characters"),
        pytest.param("e\u0301ab", (3, 1, 5), "e\u0301ab", " ^^", id="a combining accent before"),
        pytest.param("a\x1b[2Jb", (2, 1, 5), "a␛[2Jb", " ^^^", id="an escape sequence"),
        pytest.param("x", (901, 1, 905), "x...", "", id="beyond what is known"),
        pytest.param(LONG, (901, 1, 905), "abcdefghijklmnopq...", "", id="beyond what is known of a long line"),
        pytest.param(LONG, (1, 1, 4), "abcdefghijklmnopq...", "^^^", id="window at the start"),
        pytest.param(LONG, (301, 1, 304), "...hijklmnopqrstuvwx...", "          ^^^", id="window in the middle"),
        pytest.param(LONG, (498, 1, 501), "...pqrstuvwxyzabcdef", "                 ^^^", id="window at the end"),
        pytest.param(LONG, (5, 1, 505), "...efghijklmnopqrstu...", "   ^^^^^^^^^^^^^^^^^", id="a region that does not fit"),
    ],
)
def test_excerpt(location: Locate, text: str, region: tuple[int, int, int], line: str, marks: str) -> None:
    """Regions are (column, lines, end column), the terminal has 23 columns."""
    column, lines, end_column = region
    place = location(line=1, column=column, end_line=lines, end_column=end_column, snippet=text)
    source = excerpt(place, 23)
    assert source is not None
    assert source.line == line
    assert source.marks == marks


def test_there_is_no_excerpt_without_text(location: Locate) -> None:
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
