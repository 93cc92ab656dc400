"""What the values of a rule file are: always the text that was written, whatever type YAML would give it, and its place, character by character."""

import re
from collections.abc import Iterator
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from seawall.io.sources.document import Document, Source
from seawall.run.detect.language.assembly import Place

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"y", "yes", "true", "on"})
_FALSE: Final = frozenset({"n", "no", "false", "off"})
_NOT_EQUAL: Final = "!="
_STAND_IN: Final = "\ue000\ue001"
_LOOSE_NOT_EQUAL: Final = re.compile(r"(?<=[\[,\s])!=(?=[\s,\]]|\Z)")
_BLANK: Final = frozenset(" \t\r\n\x85\u2028\u2029")


class Written:
    """A scalar: ``text`` and where each character of it stands."""

    def __init__(self, text: str, source: Source, start: int, end: int, *, is_block: bool) -> None:
        self.text = text
        self._source = source
        self._start = start
        self._end = end
        self._is_block = is_block

    @property
    def place(self) -> Place:
        """Where it begins."""
        return place_at(self._source, self._start)

    def place_of(self, index: int) -> Place:
        """Where the character at ``index`` of the text was written.

        YAML folds lines, but leaves alone what is not blank; so the n-th character that is not blank stands for the n-th in the file.
        """
        raw = self._source.text
        position = self._start
        if self._is_block:
            newline = raw.find("\n", position, self._end)
            position = newline + 1 if newline >= 0 else position
        elif raw[position : position + 1] in ("'", '"') and not self.text.startswith(raw[position]):
            position += 1
        wanted = sum(1 for character in self.text[: index + 1] if character not in _BLANK)
        for at in range(position, self._end):
            if raw[at] not in _BLANK:
                wanted -= 1
                if wanted <= 0:
                    return place_at(self._source, at)
        return place_at(self._source, max(self._end - 1, self._start))


def place_at(source: Source, index: int) -> Place:
    line, column = source.line_and_column(index)
    return Place(source.path, line, column)


def readable(text: str) -> str:
    """The text with ``!=`` written so that YAML leaves it alone, which takes it for a tag; people mean the operator. Nothing changes its place."""
    return text if _STAND_IN in text else _LOOSE_NOT_EQUAL.sub(_STAND_IN, text)


class Value:
    """A node of a rule file."""

    def __init__(self, document: Document, node: Node) -> None:
        self._document = document
        self._node = node

    @property
    def place(self) -> Place:
        return place_at(self._document.source, self._document.base + self._node.start_mark.index)

    @property
    def is_mapping(self) -> bool:
        return isinstance(self._node, MappingNode)

    @property
    def is_sequence(self) -> bool:
        return isinstance(self._node, SequenceNode)

    @property
    def is_null(self) -> bool:
        """Nothing, or YAML's word for it, unquoted."""
        node = self._node
        return isinstance(node, ScalarNode) and not node.style and node.value in _NULLS

    def scalar(self) -> Written | None:
        """The text that was written; None for mappings and sequences."""
        node = self._node
        if not isinstance(node, ScalarNode):
            return None
        start = self._document.base + node.start_mark.index
        end = self._document.base + node.end_mark.index
        text = node.value.replace(_STAND_IN, _NOT_EQUAL)
        return Written(text, self._document.source, start, max(end, start), is_block=node.style in ("|", ">"))

    def boolean(self) -> bool | None:
        """True or false in YAML's words; None for anything else."""
        text = self._node.value.lower() if isinstance(self._node, ScalarNode) else ""
        return True if text in _TRUE else False if text in _FALSE else None

    def items(self) -> "Iterator[Value]":
        """The items of a sequence."""
        if isinstance(self._node, SequenceNode):
            for node in self._node.value:
                yield Value(self._document, node)

    def entries(self) -> "Iterator[tuple[Written, Value]]":
        """The keys and values of a mapping, in order. Keys that are no scalars are left out."""
        if isinstance(self._node, MappingNode):
            for key, value in self._node.value:
                written = Value(self._document, key).scalar()
                if written is not None:
                    yield written, Value(self._document, value)

    def plain(self, budget: list[int]) -> object:
        """Mappings, sequences and the text of scalars, for what is kept as it is. ``budget`` counts down the nodes that may still be read."""
        budget[0] -= 1
        if budget[0] < 0:
            raise OverflowError
        if self.is_mapping:
            return {key.text: value.plain(budget) for key, value in self.entries()}
        if self.is_sequence:
            return [item.plain(budget) for item in self.items()]
        written = self.scalar()
        return written.text if written else ""
