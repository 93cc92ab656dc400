"""A document: the value that Kubernetes would read out of a node tree, and where each field of it stands."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from seawall.core.fix import Change, Edit
from seawall.core.location import Location
from seawall.core.resource import Path
from seawall.io.sources import scalars
from seawall.io.sources.limits import MAX_ALIAS_NODES, MAX_DEPTH
from seawall.io.sources.nodes import PLAIN, STRING, Malformed, compose

MERGE_TAG = "tag:yaml.org,2002:merge"
MAX_SNIPPET = 500

_SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_CONTENT = re.compile(r"^[ \t]*[^\s#%]", re.MULTILINE)


class Source:
    """The text of one input, decoded, with a map from characters to lines. ``path`` is the input as the user named it."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def line_and_column(self, index: int) -> tuple[int, int]:
        """Line and column, both from 1, of the character at ``index``."""
        line = bisect_right(self._line_starts, index)
        return line, index - self._line_starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """A line without its end; a very long one is cut."""
        start = self._line_starts[line - 1]
        end = self._line_starts[line] if line < len(self._line_starts) else len(self.text)
        return self.text[start : min(end, start + MAX_SNIPPET)].rstrip("\r\n")


class Document:
    """One YAML document of a source: ``root`` is its node tree, ``base`` the character at which its part of the text starts."""

    __slots__ = ("base", "root", "source")

    def __init__(self, source: Source, root: Node, base: int) -> None:
        self.source = source
        self.root = root
        self.base = base


def documents(source: Source) -> Iterator[Document | Malformed]:
    """The documents of a source, one after the other, as kubectl splits them: a broken one does not hide the next.

    The ``index`` of a :class:`Malformed` counts from the start of the source.
    """
    starts = [match.start() for match in _SEPARATOR.finditer(source.text)]
    if not starts or starts[0] > 0:
        starts.insert(0, 0)
    for start, end in zip(starts, [*starts[1:], len(source.text)], strict=True):
        part = source.text[start:end]
        if not _CONTENT.search(part, 3 if part.startswith("---") else 0):
            continue
        try:
            for root in compose(part):
                yield Document(source, root, start)
        except Malformed as error:
            yield Malformed(error.message, start + error.index)


def value_of(node: Node) -> Any:
    """The value of a node tree as sigs.k8s.io/yaml makes it: JSON types, string keys, the last of equal keys, merge keys in document order.

    Raises :class:`Malformed` for what Kubernetes refuses as well: bombs, aliases of themselves, keys that are no scalars.
    """
    return _Constructor().construct(node, 0)


class _Constructor:
    """Aliases share nodes, so a node that was constructed is not constructed again; its size still counts each time it is used."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[Any, int]] = {}
        self._size = 0
        self._alias_size = 0

    def construct(self, node: Node, depth: int) -> Any:
        self._size += 1
        if type(node) is ScalarNode:
            tag = node.tag
            if tag is PLAIN:
                return scalars.plain(node.value)
            return node.value if tag is STRING else self._tagged(node)
        if depth > MAX_DEPTH:
            raise Malformed(f"nested deeper than {MAX_DEPTH} levels; not read", node.start_mark.index)
        known = self._done.get(id(node))
        if known is not None:
            return self._again(node, *known)
        before = self._size
        value: Any
        if type(node) is MappingNode:
            value = {}
            self._fill(value, node, depth)
        else:
            value = [self.construct(item, depth + 1) for item in node.value]
        self._done[id(node)] = (value, self._size - before + 1)
        return value

    def _again(self, node: Node, value: Any, size: int) -> Any:
        self._size += size
        self._alias_size += size
        if self._alias_size > MAX_ALIAS_NODES:
            raise Malformed("the document contains excessive aliasing; not read", node.start_mark.index)
        return value

    def _fill(self, mapping: dict[str, Any], node: Node, depth: int) -> None:
        for key, child in node.value:
            if type(key) is ScalarNode and key.tag is STRING:
                mapping[key.value] = self.construct(child, depth + 1)
            elif is_merge(key):
                for merged in merged_mappings(child):
                    mapping.update(self.construct(merged, depth + 1))
            else:
                mapping[key_text(key)] = self.construct(child, depth + 1)

    def _tagged(self, node: ScalarNode) -> Any:
        try:
            return scalars.tagged(node.tag, node.value)
        except ValueError as error:
            raise Malformed(str(error), node.start_mark.index) from None


def is_merge(key: Node) -> bool:
    """Whether a key is the plain ``<<`` of YAML 1.1."""
    return type(key) is ScalarNode and key.value == "<<" and key.tag in (PLAIN, MERGE_TAG)


def merged_mappings(node: Node) -> list[Node]:
    """The mappings behind a merge key, in the order in which they are applied: earlier ones of a list win, so they come last."""
    mappings = node.value[::-1] if type(node) is SequenceNode else [node]
    if any(type(mapping) is not MappingNode for mapping in mappings):
        raise Malformed("map merge requires map or sequence of maps as the value", node.start_mark.index)
    return mappings


def key_text(key: Node) -> str:
    """A mapping key as the string that JSON wants: ``yes:`` becomes ``true``, ``010:`` becomes ``8``."""
    if type(key) is not ScalarNode:
        raise Malformed("a mapping key must be a scalar", key.start_mark.index)
    if key.tag is STRING:
        return str(key.value)
    value = scalars.plain(key.value) if key.tag is PLAIN else scalars.tagged(key.tag, key.value)
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return f"{value:g}"
        case _:
            raise Malformed(f"unsupported mapping key {key.value!r}", key.start_mark.index)


def child_of(node: Node, step: str | int) -> tuple[Node | None, Node] | None:
    """The key node (None for a list item) and value node at one step below ``node``, or None: the last of equal keys, through merge keys."""
    if type(step) is int:
        if type(node) is SequenceNode and step < len(node.value):
            return None, node.value[step]
        return None
    found = None
    if type(node) is MappingNode:
        for key, child in node.value:
            if is_merge(key):
                for mapping in merged_mappings(child):
                    found = child_of(mapping, step) or found
            elif key_text(key) == step:
                found = (key, child)
    return found


class NodePositions:
    """Where the fields of the object at ``root`` stand. Implements :class:`seawall.core.resource.Positions`."""

    __slots__ = ("document", "root")

    def __init__(self, document: Document, root: Node) -> None:
        self.document = document
        self.root = root

    def locate(self, path: Path, field: str) -> Location:
        start, end = self.span(path)
        source, base = self.document.source, self.document.base
        line, column = source.line_and_column(base + start)
        end_line, end_column = source.line_and_column(base + end)
        return Location(source.path, line, column, end_line, end_column, field=field, snippet=source.line_text(line))

    def span(self, path: Path) -> tuple[int, int]:
        """First character and end, counted from the document's part of the text, of a field or of its nearest existing parent's key."""
        node = self.root
        parent = self._first_key()
        for place, step in enumerate(path):
            found = child_of(node, step)
            if found is None:
                return parent
            key, child = found
            if place == len(path) - 1:
                return self._field(key, child)
            parent = (key.start_mark.index, key.end_mark.index) if key is not None else self._dash(node, child)
            node = child
        return parent

    def edits(self, changes: Sequence[tuple[Path, Change]]) -> tuple[Edit, ...]:
        from seawall.io.sources.edits import edits

        return edits(self, changes)

    def _first_key(self) -> tuple[int, int]:
        if type(self.root) is MappingNode and self.root.value:
            key = self.root.value[0][0]
            return key.start_mark.index, key.end_mark.index
        return self.root.start_mark.index, self.root.start_mark.index + 1

    def _field(self, key: Node | None, value: Node) -> tuple[int, int]:
        if key is None:
            return value.start_mark.index, self.end_of(value)
        # The value of an alias stands where its anchor is, before the key.
        end = self.end_of(value) if value.start_mark.index >= key.end_mark.index else self._line_end(key.end_mark.index)
        return key.start_mark.index, end

    def _dash(self, sequence: Node, item: Node) -> tuple[int, int]:
        """The ``- `` of an item in a block list; in a flow list, the first character of the item."""
        start = item.start_mark.index
        if isinstance(sequence, CollectionNode) and not sequence.flow_style:
            text, base = self.document.source.text, self.document.base
            dash = text.rfind("-", base, base + start)
            if dash >= 0 and (between := text[dash + 1 : base + start]).strip() == "" or _only_comments(between):
                return dash - base, dash - base + 1
        return start, start + 1

    def end_of(self, node: Node) -> int:
        """The end of what is written of a node. libyaml ends a block at the next token, which may be lines further down."""
        if type(node) is ScalarNode:
            if node.style not in ("|", ">"):
                return int(node.end_mark.index)
        elif isinstance(node, CollectionNode) and node.flow_style:
            return int(node.end_mark.index)
        elif node.value:
            last = node.value[-1][1] if type(node) is MappingNode else node.value[-1]
            if last.start_mark.index >= node.start_mark.index:
                return self.end_of(last)
        start, end = self.document.base + node.start_mark.index, self.document.base + node.end_mark.index
        return start + len(self.document.source.text[start:end].rstrip()) - self.document.base

    def _line_end(self, index: int) -> int:
        text, base = self.document.source.text, self.document.base
        end = text.find("\n", base + index)
        return len(text[base : end if end >= 0 else len(text)].rstrip())


def _only_comments(text: str) -> bool:
    return all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines()[1:])
