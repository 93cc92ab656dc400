"""Text put together from pieces, each of which knows where it was written; and the names of lists in it replaced by their items.

Falco replaces names of lists in the text, before it is parsed. So a list of one item may stand behind ``=``, and an item may be anything that
could be
written there. Inside quotes nothing is replaced.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from seawall.run.detect.language.parser import MAX_CHARACTERS

_TOKEN: Final = re.compile(r"""(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<word>[^ \t\n\r(),="']+)""", re.DOTALL)
_BLANKS: Final = " \t\n\r"
_EDGES: Final = frozenset(" \t\n\r(),=")


class Place(Struct, frozen=True):
    """A place in a rule file; line and column count from 1, and are 0 where the file as a whole is meant."""

    file: str = ""
    line: int = 0
    column: int = 0


class Assembly:
    """Text and the places of its pieces."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._starts: list[int] = []
        self._places: list[Callable[[int], Place]] = []
        self._size = 0

    def add(self, text: str, place: Callable[[int], Place]) -> None:
        """Append a piece; ``place`` tells where its n-th character was written."""
        self._starts.append(self._size)
        self._places.append(place)
        self._pieces.append(text)
        self._size += len(text)

    def add_at(self, text: str, place: Place) -> None:
        """Append a piece that as a whole stands for one place."""
        self.add(text, lambda _: place)

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def place(self, index: int) -> Place:
        """Where the character at ``index`` was written."""
        number = bisect_right(self._starts, index) - 1
        return self._places[number](index - self._starts[number]) if number >= 0 else Place()


def quote_item(item: str) -> str:
    """An item of a list as it goes into the text: quoted if it holds a space and is not quoted yet."""
    return f'"{item}"' if " " in item and item[0] not in "\"'" else item


class TooLong(Exception):
    """The text grew beyond the limit."""


def replace_lists(text: str, lists: Mapping[str, Sequence[str]], used: set[str]) -> tuple[str, Callable[[int], int]]:
    """The text with the names of lists replaced, and a function from its characters to those of the old text. Raises :class:`TooLong`."""
    if not any(match["word"] in lists for match in _TOKEN.finditer(text) if match["word"]):
        return text, lambda index: index
    chunks: list[tuple[str, int]] = []
    done = size = 0
    for match in _TOKEN.finditer(text):
        word, start, end = match["word"], match.start(), match.end()
        if word is None or word not in lists or start < done or not _stands_alone(text, start, end):
            continue
        used.add(word)
        chunks.append((text[done:start], done))
        replacement = ", ".join(map(quote_item, lists[word])) if any(lists[word]) else ""
        size += start - done + len(replacement)
        if size > MAX_CHARACTERS:
            raise TooLong
        done = end
        if replacement:
            chunks.append((replacement, start))
        else:
            done = _without_comma(chunks, text, done)
    chunks.append((text[done:], done))
    return _joined(chunks)


def _joined(chunks: Sequence[tuple[str, int]]) -> tuple[str, Callable[[int], int]]:
    starts, origins, position = [], [], 0
    for chunk, origin in chunks:
        starts.append(position)
        origins.append(origin)
        position += len(chunk)
    copied = [index % 2 == 0 for index in range(len(chunks))]

    def origin_of(index: int) -> int:
        number = max(bisect_right(starts, index) - 1, 0)
        return origins[number] + (index - starts[number] if copied[number] else 0)

    return "".join(chunk for chunk, _ in chunks), origin_of


def _stands_alone(text: str, start: int, end: int) -> bool:
    return (start == 0 or text[start - 1] in _EDGES) and (end == len(text) or text[end] in _EDGES)


def _without_comma(chunks: list[tuple[str, int]], text: str, done: int) -> int:
    """Where nothing stands between two commas, one of them goes: the left one, else the right one."""
    before, origin = chunks[-1]
    stripped = before.rstrip(_BLANKS)
    chunks.append(("", done))
    if stripped.endswith(","):
        chunks[-2] = (stripped[:-1], origin)
        return done
    after = done
    while after < len(text) and text[after] in _BLANKS:
        after += 1
    return after + 1 if after < len(text) and text[after] == "," else done
