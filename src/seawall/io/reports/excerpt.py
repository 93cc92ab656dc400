"""One line of source with marks under the region that a location names, fitted into the width of a terminal."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from msgspec import UNSET, Struct

from seawall.core.location import Location
from seawall.io.reports.terminal import columns, printable

TAB: Final = "    "
CUT: Final = "..."


class Excerpt(Struct, frozen=True):
    """``marks`` belongs under ``line``; it is empty where the region lies beyond what is known of the line."""

    line: str
    marks: str


def excerpt(location: Location, width: int, mark: str = "^") -> Excerpt | None:
    """The first line of a region, marked, in at most ``width`` columns; ``None`` where the location carries no text.

    A region of several lines is marked to the end of the first one, an empty region by a single mark. Of a line that does not fit, the part
    around the region is shown. A location carries only the beginning of a very long line.
    """
    text = location.snippet
    if text is UNSET:
        return None
    first = location.column - 1
    last = max(first, location.end_column - 1 if location.end_line == location.line else len(text.rstrip()))
    known = first < len(text) or last == len(text)
    cut = last > len(text)
    if not known:
        first = last = 0
    cells, edges = _cells(text)
    last = min(last, len(text))
    left, right = _window(edges, first, last, width, cut)
    shown = (CUT if left else "") + "".join(cells[left:right]) + (CUT if cut or right < len(text) else "")
    if not known:
        return Excerpt(shown, "")
    start = edges[first] - edges[left] + (len(CUT) if left else 0)
    return Excerpt(shown, " " * start + mark * max(1, edges[min(last, right)] - edges[first]))


def _cells(text: str) -> tuple[Sequence[str], Sequence[int]]:
    """What is shown of each character, and the column at which each starts; one more for the end of the line."""
    if text.isascii() and text.isprintable():
        return text, range(len(text) + 1)
    cells = [TAB if character == "\t" else printable(character) for character in text]
    return cells, [0, *accumulate(map(columns, cells))]


def _window(edges: Sequence[int], first: int, last: int, width: int, cut: bool) -> tuple[int, int]:
    """The range of characters to show, with room for the signs that something was cut off."""
    whole = edges[-1]
    if whole + (len(CUT) if cut else 0) <= width:
        return 0, len(edges) - 1
    room = max(1, width - 2 * len(CUT))
    before = max(0, room - (edges[last] - edges[first])) // 2
    left = bisect_left(edges, max(0, min(edges[first] - before, whole - room)))
    return left, max(left, bisect_right(edges, edges[left] + room) - 1)
