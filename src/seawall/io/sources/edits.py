"""Changes to fields as edits of text, so that comments, quotes, order and everything else that is not changed stay as they are.

The way from changes to edits:

1. The deepest mapping that all changes are in is cut out of the text and read: the value as it is.
2. :mod:`wanted` applies the changes to that value, so that several changes below one missing parent become one new parent by themselves.
3. :mod:`patch` compares old and new value along the node tree and replaces text where they differ.
4. The text is read again with the replacements made. If it does not say exactly what was wanted, there are no edits.

There are no edits either, rather than a guess, where

* the field stands behind an alias or a merge key, or below an anchor that an alias uses: the same text serves another place;
* a key to be changed is there twice in one mapping;
* a change does not fit the value (a field of a list, an item of a text), or would take the whole object away;
* the text is odd: explicit keys (``? key``), aliases as keys, mappings without braces in a flow list (``[key: value]``), line breaks that
  hardly anything but YAML knows (lone carriage returns, U+0085, U+2028, U+2029), and a block scalar that ends the file without a line break,
  if something would have to stand below it;
* entries of a flow collection shall go that have lines of comments within or between them;
* the mapping around the changes is larger than :data:`MAX_LENGTH`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from yaml.nodes import CollectionNode, MappingNode, Node

from seawall.core.fix import Change, Edit
from seawall.core.resource import Path
from seawall.io.sources.document import NodePositions, Source, value_of
from seawall.io.sources.layout import Layout, Unsafe, index_of
from seawall.io.sources.nodes import Malformed, compose
from seawall.io.sources.patch import Replacement, replacements
from seawall.io.sources.style import Style, style_inside
from seawall.io.sources.wanted import Impossible, is_gone, is_same, settled, wanted

Changes = Sequence[tuple[Path, Change]]

MAX_LENGTH: Final = 2**20
"""Characters of a mapping that is edited, as it is read twice for every change. An API server stores no larger object."""

_ALIAS_NAME: Final = re.compile(r"\*([\w-]+)")
_OTHER_BREAKS: Final = re.compile("\r(?!\n)|[\x85\u2028\u2029]")


def edits(positions: NodePositions, changes: Changes) -> tuple[Edit, ...]:
    """The edits that carry out all of the changes, in the order of the text; none if there is nothing to do, or no safe way.

    Changes count one after the other; the numbers of list items are those of the list as it stands in the file. What goes takes the comment on
    its own line along; lines of comments stay, unless they are inside of what was to go.
    """
    try:
        return tuple(_edits(positions, changes)) if changes else ()
    except (Unsafe, Impossible, Malformed):
        return ()


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with the edits made, in whatever order they come.

    Raises ``ValueError`` if one does not find its ``old`` text at its place, or if two overlap or begin at one place.
    """
    starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(line: int, column: int) -> int:
        if not (1 <= line <= len(starts) and column >= 1):
            raise ValueError(f"the text has no line {line}, column {column}")
        return starts[line - 1] + column - 1

    regions = [(place(edit.line, edit.column), place(edit.end_line, edit.end_column), edit) for edit in edits]
    parts, done, last = [], 0, -1
    for start, end, edit in sorted(regions, key=lambda region: region[:2]):
        if start < done or start == last:
            raise ValueError(f"two edits overlap in line {edit.line}")
        if not start <= end <= len(text) or text[start:end] != edit.old:
            raise ValueError(f"line {edit.line} is not what it was")
        parts += [text[done:start], edit.new]
        done, last = end, start
    return "".join([*parts, text[done:]])


def _edits(positions: NodePositions, changes: Changes) -> Iterator[Edit]:
    source, layout = positions.document.source, Layout(positions.document)
    for depth, mapping, style in reversed(_mappings(positions.root, changes, layout)):
        start, end = _extent(mapping, layout)
        indentation = "" if mapping.flow_style else " " * layout.column(start)
        # The text that is cut out means what its nodes mean, unless it uses an anchor that stands outside of it.
        old = _read(indentation + source.text[start:end]) if positions.document.has_aliases else value_of(mapping, has_aliases=False)
        new = wanted(old, [(path[depth:], change) for path, change in changes])
        if is_gone(new):
            continue  # the mapping goes, too: a change of the one around it
        goal = settled(new, old)
        if is_same(old, goal):
            return
        parts = replacements(layout, mapping, old, new, style)
        if not is_same(goal, _read(indentation + _replaced(source.text, start, end, parts))):
            raise Unsafe("the edited text would not say what was wanted")
        yield from (_edit(source, part) for part in parts if part.new != source.text[part.start : part.end])
        return
    raise Unsafe("nothing would be left of the object")


def _edit(source: Source, part: Replacement) -> Edit:
    region = *source.line_and_column(part.start), *source.line_and_column(part.end)
    return Edit(source.path, *region, source.text[part.start : part.end], part.new)


def _mappings(root: Node, changes: Changes, layout: Layout) -> list[tuple[int, MappingNode, Style]]:
    """The mappings that all changes are in, outermost first: how many steps below the root, and the manner of what is around."""
    ways = [_nodes(root, path[:-1], layout) for path, _ in changes]
    common = _common([path[:-1] for path, _ in changes])
    style, found = Style(), []
    for depth, node in enumerate(min(ways, key=len)[: len(common) + 1]):
        if isinstance(node, MappingNode):
            found.append((depth, node, style))
        style = style_inside(node, style, layout)
    return found


def _nodes(root: Node, path: Path, layout: Layout) -> list[Node]:
    """The root and what is below it along a path, as far as that exists. Raises :class:`Unsafe` where an alias has to do with it."""
    nodes = [root]
    for step in path:
        node = nodes[-1]
        index = index_of(node, step) if isinstance(node, CollectionNode) else None
        if index is None:
            break
        nodes.append(node.value[index][1] if isinstance(node, MappingNode) else node.value[index])
    if any(layout.is_shared(node) for node in nodes):
        raise Unsafe("an alias uses this text, too")
    return nodes


def _common(paths: list[Path]) -> Path:
    """The steps with which all of the paths begin."""
    shortest = min(paths, key=len, default=())
    for place, step in enumerate(shortest):
        if any(path[place] != step for path in paths):
            return shortest[:place]
    return shortest


def _extent(mapping: MappingNode, layout: Layout) -> tuple[int, int]:
    """A part of the text that can be read by itself: whole lines, but for a mapping behind a dash or in flow style."""
    start, end = layout.start_of(mapping), layout.at(mapping.end_mark.index)
    if not mapping.flow_style and layout.opens_line(start):
        start -= layout.column(start)
    if end - start > MAX_LENGTH:
        raise Unsafe("a mapping of this size takes seconds")
    if _OTHER_BREAKS.search(layout.text, start, end):
        raise Unsafe("line breaks that hardly anything but YAML knows")
    return start, end


def _read(text: str) -> Any:
    """The value of a part of a document. An alias whose anchor is elsewhere counts as a mapping that nothing else is equal to."""
    try:
        return _value(text)
    except Malformed:
        names = dict.fromkeys(_ALIAS_NAME.findall(text))
        if not names:
            raise
    anchors = "".join(f"- &{name} {{'*{name}': }}\n" for name in names)
    return _value(f"{anchors}-\n  " + text.replace("\n", "\n  "))[-1]


def _value(text: str) -> Any:
    roots = list(compose(text))
    if len(roots) != 1:
        raise Unsafe("the edited text would be two documents")
    return value_of(roots[0])


def _replaced(text: str, start: int, end: int, parts: list[Replacement]) -> str:
    """A part of the text after replacements, all of which must be within it."""
    pieces, done = [], start
    for part in parts:
        if not done <= part.start <= part.end <= end:
            raise Unsafe("two replacements overlap")
        pieces += [text[done : part.start], part.new]
        done = part.end
    return "".join([*pieces, text[done:end]])
