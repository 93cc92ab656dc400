"""A document: the value that Kubernetes would read out of a node tree, and where each field of it stands."""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from seawall.core.fix import Change, Edit
from seawall.core.location import Location
from seawall.core.resource import Path
from seawall.io.sources import scalars
from seawall.io.sources.limits import MAX_ALIAS_NODES, MAX_DEPTH, MAX_DOCUMENTS, MAX_NODES
from seawall.io.sources.nodes import PLAIN, STRING, Malformed, compose

MERGE_TAG = "tag:yaml.org,2002:merge"
MAX_SNIPPET = 500
LONG_TEXT = 64
"""Characters of a scalar that weigh as much as a value of its own when aliases multiply it."""
MAX_SHARED_KEYS = 10_000

_BREAK = "\r\x85\u2028\u2029"  # what YAML 1.1 takes for the end of a line, beside the newline that editors count
_SEPARATOR = re.compile(rf"^---(?=[ \t\n{_BREAK}]|\Z)", re.MULTILINE)
_CONTENT = re.compile(rf"(?:^(?!%)|(?<=^---)|[{_BREAK}])[ \t]*[^ \t\n#{_BREAK}]", re.MULTILINE)
_LATE_MARK = re.compile(r"(?:---[ \t]*(?:#[^\n]*)?\r?\n\s*)?\ufeff+")
_ALIAS_OR_COMMENT = re.compile(r"#[^\n]*|\*([^\s,\[\]{}]+)")
_DASH_OR_COMMENT = re.compile(r"#[^\n]*|(-)")


class Source:
    """The text of one input, decoded, with a map from characters to lines. ``path`` is the input as the user named it."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def _line_starts(self) -> "array[int]":
        return array("I", chain((0,), (match.end() for match in re.finditer("\n", self.text))))

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
    """One YAML document of a source: ``root`` is its node tree, ``base`` the character at which its part of the text starts.

    ``has_aliases`` may be true of a document without any; only where it is false do all nodes stand in the order of the text.
    """

    __slots__ = ("base", "has_aliases", "root", "source")

    def __init__(self, source: Source, root: Node, base: int, *, has_aliases: bool = True) -> None:
        self.source = source
        self.root = root
        self.base = base
        self.has_aliases = has_aliases


def documents(source: Source) -> Iterator[Document | Malformed]:
    """The documents of a source, one after the other, as kubectl splits them: a broken one does not hide the next.

    The ``index`` of a :class:`Malformed` counts from the start of the source.
    """
    for count, (start, item) in enumerate(_documents(source)):
        if count == MAX_DOCUMENTS:
            yield Malformed(f"more than {MAX_DOCUMENTS:,} documents; the rest was not read", start)
            return
        yield item


def _documents(source: Source) -> Iterator[tuple[int, Document | Malformed]]:
    for start, end in _parts(source.text):
        part = source.text[start:end]
        has_aliases = "*" in part and "&" in part
        try:
            for root in compose(part):
                yield start, Document(source, root, start, has_aliases=has_aliases)
        except Malformed as error:
            yield start, Malformed(error.message, start + error.index)


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of the parts between lines that begin with ``---``, without those that hold nothing but comments and directives.

    A part may begin with a byte order mark, where files were joined; it is left out.
    """
    start = 0
    for separator in chain(_SEPARATOR.finditer(text), (None,)):
        end = separator.start() if separator else len(text)
        if _CONTENT.search(text, start + 3 if text.startswith("---", start) else start, end):
            mark = _LATE_MARK.match(text, start, end)
            yield mark.end() if mark else start, end
        start = end


def value_of(node: Node, *, has_aliases: bool = True) -> Any:
    """The value of a node tree as sigs.k8s.io/yaml makes it: JSON types, string keys, the last of equal keys, merge keys in document order.

    Raises :class:`Malformed` for what Kubernetes refuses as well: bombs, anchors that contain themselves, keys that are no scalars.
    """
    return (_AliasConstructor if has_aliases else _Constructor)().construct(node, 0)


class _Constructor:
    """Builds the value of a tree in which every node stands once."""

    def construct(self, node: Node, depth: int) -> Any:
        if isinstance(node, ScalarNode):
            return _scalar(node)
        depth += 1
        if isinstance(node, SequenceNode):
            return [self.construct(item, depth) for item in node.value]
        mapping: dict[str, Any] = {}
        for key, child in node.value:
            if key.tag is PLAIN and (name := _PLAIN_KEYS.get(key.value)):
                mapping[name] = self.construct(child, depth)
            elif is_merge(key):
                for merged in merged_mappings(child):
                    mapping.update(self.construct(merged, depth))
            else:
                mapping[key_text(key)] = self.construct(child, depth)
        return mapping


class _AliasConstructor(_Constructor):
    """Aliases share nodes, so a collection or long text that was constructed is not constructed again; its size still counts each time."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[Any, int, int] | None] = {}  # by node: value, size and height; None while it is under construction
        self._size = 0
        self._alias_size = 0
        self._deepest = 0

    def construct(self, node: Node, depth: int) -> Any:
        self._size += 1
        if isinstance(node, ScalarNode) and len(node.value) <= LONG_TEXT:
            return _scalar(node)
        if id(node) in self._done:
            return self._again(node, depth)
        self._done[id(node)] = None
        size, deepest, self._deepest = self._size, self._deepest, depth
        value = super().construct(node, depth)
        if isinstance(node, ScalarNode):
            self._size += len(node.value) // LONG_TEXT
        self._done[id(node)] = (value, self._size - size + 1, self._deepest - depth)
        self._deepest = max(self._deepest, deepest)
        if self._size > 2 * MAX_NODES:
            raise _excessive(node)
        return value

    def _again(self, node: Node, depth: int) -> Any:
        known = self._done[id(node)]
        if known is None:
            raise Malformed("the value of an anchor contains itself", node.start_mark.index)
        value, size, height = known
        self._size += size
        self._alias_size += size
        self._deepest = max(self._deepest, depth + height)
        if self._alias_size > MAX_ALIAS_NODES:
            raise _excessive(node)
        if self._deepest > MAX_DEPTH:
            raise Malformed(f"nested deeper than {MAX_DEPTH} levels; not read", node.start_mark.index)
        return value


def _scalar(node: ScalarNode) -> scalars.Scalar:
    text: str = node.value
    if node.tag is STRING:
        return text
    try:
        return scalars.plain(text) if node.tag is PLAIN else scalars.tagged(node.tag, text)
    except ValueError as error:
        raise Malformed(str(error), node.start_mark.index) from None


def _excessive(node: Node) -> Malformed:
    return Malformed("the document contains excessive aliasing; not read", node.start_mark.index)


def is_merge(key: Node) -> bool:
    """Whether a key is the plain ``<<`` of YAML 1.1."""
    return type(key) is ScalarNode and key.value == "<<" and key.tag in (PLAIN, MERGE_TAG)


def merged_mappings(node: Node) -> list[Node]:
    """The mappings behind a merge key, in the order in which they are applied: earlier ones of a list win, so they come last."""
    mappings = node.value[::-1] if type(node) is SequenceNode else [node]
    if any(type(mapping) is not MappingNode for mapping in mappings):
        raise Malformed("map merge requires map or sequence of maps as the value", node.start_mark.index)
    return mappings


_PLAIN_KEYS: dict[str, str] = {}
"""What plain keys mean, for the few thousand that manifests are made of. Sharing them saves memory, too."""


def key_text(key: Node) -> str:
    """A mapping key as the string that JSON wants: ``yes:`` becomes ``true``, ``010:`` becomes ``8``."""
    if type(key) is not ScalarNode:
        raise Malformed("a mapping key must be a scalar", key.start_mark.index)
    text: str = key.value
    if key.tag is STRING:
        return text
    if key.tag is PLAIN and text in _PLAIN_KEYS:
        return _PLAIN_KEYS[text]
    try:
        name = scalars.plain_key(text) if key.tag is PLAIN else scalars.tagged_key(key.tag, text)
    except ValueError as error:
        raise Malformed(str(error), key.start_mark.index) from None
    if key.tag is PLAIN and len(text) <= LONG_TEXT and len(_PLAIN_KEYS) < MAX_SHARED_KEYS and text != "<<":
        _PLAIN_KEYS[text] = name
    return name


def _find(node: Node, step: str | int) -> tuple[Node, int] | None:
    """The collection that holds one step below ``node``, through merge keys another one, and the place of the value among :func:`_children`."""
    if type(step) is int:
        return (node, step) if type(node) is SequenceNode and step < len(node.value) else None
    found = None
    if type(node) is MappingNode:
        for place, (key, child) in enumerate(node.value):
            if is_merge(key):
                for mapping in merged_mappings(child):
                    found = _find(mapping, step) or found
            elif key_text(key) == step:
                found = node, 2 * place + 1
    return found


def _children(node: Node) -> list[Node]:
    """The items of a list; the keys and values of a mapping in turn."""
    return list(chain.from_iterable(node.value)) if type(node) is MappingNode else node.value


def child_of(node: Node, step: str | int) -> tuple[Node | None, Node] | None:
    """The key node (None for a list item) and value node at one step below ``node``, or None: the last of equal keys, through merge keys."""
    found = _find(node, step)
    if found is None:
        return None
    holder, place = found
    return holder.value[place // 2] if type(holder) is MappingNode else (None, holder.value[place])


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
        parent = self._written(node, 0) if type(node) is MappingNode and node.value else (node.start_mark.index, node.start_mark.index + 1)
        for depth, step in enumerate(path, 1):
            found = _find(node, step)
            if found is None:
                return parent
            holder, place = found
            if depth == len(path):
                start, end = self._written(holder, place)
                if type(holder) is MappingNode:
                    start = self._written(holder, place - 1)[0]
                return start, self._trimmed(start, end)
            parent = self._written(holder, place - 1) if type(holder) is MappingNode else self._dash(holder, place)
            node = _children(holder)[place]
        return parent

    def edits(self, changes: Sequence[tuple[Path, Change]]) -> tuple[Edit, ...]:
        from seawall.io.sources.edits import edits

        return edits(self, changes)

    def end_of(self, node: Node) -> int:
        """The end of what is written of a node. libyaml ends a block at the next token, which may be lines further down."""
        is_block = node.style in ("|", ">") if isinstance(node, ScalarNode) else isinstance(node, CollectionNode) and not node.flow_style
        if not is_block:
            return int(node.end_mark.index)
        if isinstance(node, CollectionNode) and node.value:
            return self._written(node, len(_children(node)) - 1)[1]
        return self._trimmed(node.start_mark.index, node.end_mark.index)

    def _written(self, holder: Node, place: int) -> tuple[int, int]:
        """Where the child of a collection is written. The node of an alias stands where its anchor is; here it counts where the alias is."""
        children = _children(holder)
        if not self.document.has_aliases:
            return children[place].start_mark.index, self.end_of(children[place])
        start = end = holder.start_mark.index
        for child in children[: place + 1]:
            if child.start_mark.index >= end:
                start, end = child.start_mark.index, self.end_of(child)
            else:
                start, end = self._after(end, _ALIAS_OR_COMMENT)
        return start, end

    def _trimmed(self, start: int, end: int) -> int:
        """The end of a region without the blanks before it."""
        base = self.document.base
        return start + len(self.document.source.text[base + start : base + end].rstrip(" \t\r\n"))

    def _dash(self, sequence: Node, place: int) -> tuple[int, int]:
        """The ``-`` of an item in a block list; in a flow list, the first character of the item."""
        if not isinstance(sequence, CollectionNode) or sequence.flow_style:
            start, _ = self._written(sequence, place)
            return start, start + 1
        return self._after(self._written(sequence, place - 1)[1] if place else sequence.start_mark.index, _DASH_OR_COMMENT)

    def _after(self, index: int, wanted: re.Pattern[str]) -> tuple[int, int]:
        """The first match of a pattern after a character, leaving out comments, which it matches without a group."""
        base = self.document.base
        for match in wanted.finditer(self.document.source.text, base + index):
            if match[1]:
                return match.start() - base, match.end() - base
        return index, index
