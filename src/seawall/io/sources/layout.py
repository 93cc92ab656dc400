"""How a collection stands in its text: where its entries begin and end, and what lines, commas and comments are around them.

libyaml tells where keys and values begin. What this adds is exact ends (libyaml ends a block at the next token, lines further down), dashes,
commas, and the certainty that between the entries there is nothing but white space and comments. All places are characters of the source's text.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from seawall.io.sources.document import Document, child_of, is_merge, key_text, merged_mappings


class Unsafe(Exception):
    """The text cannot be edited without guessing."""


class Entry(NamedTuple):
    """An entry of a mapping, or an item of a list (``key`` is None).

    ``start`` is where the key begins, or the dash of the item, or within brackets the item itself. ``end`` is the end of the value, without
    comment; ``after`` is behind the comma, if there is one. ``is_alias`` says that what is written as the value is ``*name``.
    """

    key: Node | None
    value: Node
    start: int
    value_start: int
    end: int
    after: int
    is_alias: bool


_SPACE: Final = re.compile(r"(?:[ \t\r\n]++|#[^\r\n]*+)*+")
_WHITE: Final = re.compile(r"[ \t\r\n]*+")
_PROPERTIES: Final = re.compile(r"(?:[&!]\S*+[ \t\r\n]++)*+")  # anchor and tag in front of a value
_ALIAS: Final = re.compile(r"\*[\w-]+")
_KEEPING: Final = re.compile(r"[|>][0-9]?\+")  # the header of a block scalar that keeps the empty lines at its end
_INDENTATION: Final = re.compile(r"[ \t]*+")
_LINE_END: Final = re.compile(r"[ \t]*+(?:#[^\r\n]*+)?(?=\r?\n|\Z)")
_BREAK: Final = re.compile(r"\r?\n|\Z")


class Layout:
    """The layout of the collections of one document."""

    def __init__(self, document: Document) -> None:
        self.text = document.source.text
        self._document = document

    # Collections and their entries

    def at(self, index: int) -> int:
        """The place of a mark's index, which counts from the document's part of the text."""
        return self._document.base + index

    def start_of(self, node: Node) -> int:
        """Where a node begins, with its anchor and tag."""
        return self.at(node.start_mark.index)

    def entries(self, node: CollectionNode) -> list[Entry]:
        """The entries of a collection, in order. Raises :class:`Unsafe` where something stands between them that is not understood."""
        return list(self._flow_entries(node) if node.flow_style else self._block_entries(node))

    def brackets(self, node: CollectionNode) -> tuple[int, int]:
        """The places of the opening and the closing bracket or brace of a collection in flow style."""
        opening, closing = _end(_PROPERTIES, self.text, self.start_of(node)), self.at(node.end_mark.index) - 1
        if self.text[opening] + self.text[closing] != ("{}" if type(node) is MappingNode else "[]"):
            raise Unsafe("a mapping without braces in a list: [key: value]")
        return opening, closing

    def is_shared(self, node: Node) -> bool:
        """Whether the node stands in a part of the document that an alias uses a second time."""
        return id(node) in _shared_nodes(self._document)

    def _block_entries(self, node: CollectionNode) -> Iterator[Entry]:
        place, is_mapping = self.start_of(node), type(node) is MappingNode
        begins_at_once = place == self.start_of(node.value[0][0]) if is_mapping else self.text[place] == "-"
        if not begins_at_once:
            place = _end(_PROPERTIES, self.text, place)
        for child in node.value:
            key, value = child if is_mapping else (None, child)
            start = _end(_SPACE, self.text, place)
            is_there = start == self.start_of(key) if key else self.text.startswith("-", start)
            if not is_there:
                raise Unsafe("an explicit key, or an alias as a key")
            value_start, end, is_alias = self._value(self.at(key.end_mark.index) if key else start + 1, value)
            yield Entry(key, value, start, value_start, end, end, is_alias)
            place = end

    def _flow_entries(self, node: CollectionNode) -> Iterator[Entry]:
        opening, closing = self.brackets(node)
        place, is_mapping = opening + 1, type(node) is MappingNode
        for number, child in enumerate(node.value, 1):
            key, value = child if is_mapping else (None, child)
            start = _end(_SPACE, self.text, place)
            if key and start != self.start_of(key):
                raise Unsafe("an explicit key, or an alias as a key")
            value_start, end, is_alias = self._value(self.at(key.end_mark.index) if key else start, value)
            comma = _end(_SPACE, self.text, end)
            place = comma + 1 if self.text[comma] == "," else end
            if place == end and number < len(node.value):
                raise Unsafe("no comma between two entries")
            yield Entry(key, value, start, value_start, end, place, is_alias)
        if _end(_SPACE, self.text, place) != closing:
            raise Unsafe("no closing bracket after the last entry")

    def _value(self, place: int, node: Node) -> tuple[int, int, bool]:
        """Start and end of what is written as a value after its key or dash, and whether that is an alias.

        The node of an alias is the one that the anchor is at, so it begins before the place.
        """
        start = self.start_of(node)
        if start >= place:
            return start, self._end_of(node), False
        start = _end(_SPACE, self.text, place)
        if self.text[start] == ":":
            start = _end(_SPACE, self.text, start + 1)
        alias = _ALIAS.match(self.text, start)
        if alias is None:
            raise Unsafe("an alias that is not where it should be")
        return start, alias.end(), True

    def _end_of(self, node: Node) -> int:
        if isinstance(node, CollectionNode) and not node.flow_style:
            return self._end_of_block(node)
        start, end = self.start_of(node), self.at(node.end_mark.index)
        if type(node) is not ScalarNode or node.style not in ("|", ">"):
            return end
        # A block scalar ends before a line break: the last one if it keeps all of them, else the first of those at its end.
        written = self.text[start:end]
        if _KEEPING.match(self.text, _end(_PROPERTIES, self.text, start)):
            return start + len(written.removesuffix("\n").removesuffix("\r"))
        return start + len(written.rstrip("\r\n"))

    def _end_of_block(self, node: CollectionNode) -> int:
        last = node.value[-1]
        if isinstance(node, MappingNode):
            key, value = last
            return self._value(self.at(key.end_mark.index), value)[1]
        return self.entries(node)[-1].end if self.is_shared(last) else self._end_of(last)

    # Lines

    @cached_property
    def newline(self) -> str:
        """How lines end in this file."""
        first = self.text.find("\n")
        return "\r\n" if self.text[first - 1 : first] == "\r" else "\n"

    def column(self, place: int) -> int:
        """How many characters stand before this one in its line."""
        return self._document.source.line_and_column(place)[1] - 1

    def indentation(self, place: int) -> str:
        """The white space at the beginning of a place's line."""
        start = place - self.column(place)
        return self.text[start : _end(_INDENTATION, self.text, start)]

    def opens_line(self, place: int) -> bool:
        """Whether only white space stands before this place in its line."""
        return len(self.indentation(place)) >= self.column(place)

    def line_end(self, place: int) -> int | None:
        """The end of a place's line, before the line break, if nothing but a comment follows there."""
        match = _LINE_END.match(self.text, place)
        return match.end() if match else None

    def next_line(self, line_end: int) -> int:
        """The start of the line after the one that ends here, or the end of the text."""
        return _end(_BREAK, self.text, line_end)

    def next_word(self, place: int) -> int:
        """The first place that is not white space; a comment is a word here."""
        return _end(_WHITE, self.text, place)


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    """The end of what matches at a place; the place itself where nothing does."""
    match = pattern.match(text, place)
    return match.end() if match else place


def index_of(node: CollectionNode, step: str | int) -> int | None:
    """Which entry of a collection a step of a path means; None if there is none.

    Raises :class:`Unsafe` for a key that is there twice, and for one that comes from a merge key.
    """
    if not isinstance(node, MappingNode):
        return step if isinstance(step, int) and step < len(node.value) else None
    found = None
    for index, (key, value) in enumerate(node.value):
        if is_merge(key):
            if any(child_of(mapping, step) for mapping in merged_mappings(value)):
                raise Unsafe("the field comes from a merge key")
        elif key_text(key) == step:
            if found is not None:
                raise Unsafe("the key is there twice")
            found = index
    return found


_SHARED: WeakKeyDictionary[Node, frozenset[int]] = WeakKeyDictionary()
"""By root node of a document, so that it is worked out once and forgotten with the document."""


def _shared_nodes(document: Document) -> frozenset[int]:
    """The ids of all nodes that are reached in more than one way: those that aliases name, and everything below them."""
    root = document.root
    if root not in _SHARED:
        has_aliases = _MAYBE_ALIAS.search(document.source.text, document.base, document.base + root.end_mark.index)
        _SHARED[root] = frozenset(_reached_again(root)) if has_aliases else frozenset()
    return _SHARED[root]


_MAYBE_ALIAS: Final = re.compile(r"(?<![^\s\[\]{},:?-])\*[\w-]")


def _reached_again(root: Node) -> set[int]:
    seen: set[int] = set()
    again: list[Node] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            again.append(node)
            continue
        seen.add(id(node))
        waiting += children(node)
    shared: set[int] = set()
    while again:
        node = again.pop()
        if id(node) not in shared:
            shared.add(id(node))
            again += children(node)
    return shared


def children(node: Node) -> list[Node]:
    """The nodes directly below a node, keys too."""
    if type(node) is MappingNode:
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, CollectionNode) else []
