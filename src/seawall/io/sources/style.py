"""The manner in which a part of a file is written, learned from what stands there, so that what is added looks like its neighbours."""

from weakref import WeakKeyDictionary

from msgspec import Struct
from msgspec.structs import replace
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from seawall.io.sources.layout import Layout


class Style(Struct, frozen=True):
    """How to write values.

    ``quote`` is put around texts even where they need none, ``key_quote`` around keys; with ``"`` for both, flow style is JSON.
    ``step`` is what a mapping in block style is indented by, ``dash`` a list against its key: 0 if both begin in one column.
    ``unit`` is the indentation of one level of JSON, ``None`` where it is on one line.
    """

    quote: str = ""
    key_quote: str = ""
    step: int = 2
    dash: int = 2
    unit: str | None = None
    colon: str = ": "
    comma: str = ", "


_LEARNED: WeakKeyDictionary[Node, Style] = WeakKeyDictionary()
"""By collection, as the fixes of one object ask for the same ones; forgotten with the document."""


def style_inside(node: Node, outside: Style, layout: Layout) -> Style:
    """The manner of a collection's own entries; what they do not show is as outside."""
    if node not in _LEARNED:
        _LEARNED[node] = _learn(node, outside, layout)
    return _LEARNED[node]


def _learn(node: Node, outside: Style, layout: Layout) -> Style:
    if not isinstance(node, CollectionNode) or not node.value:
        return outside
    if type(node) is not MappingNode:
        style = outside if outside.key_quote == '"' else replace(outside, quote=quote_of(node.value[-1]))
    elif node.flow_style:
        style = _of_flow_mapping(node, outside, layout)
    else:
        style = _of_block_mapping(node, outside, layout)
    unit = _unit(node, layout) if node.flow_style and style.key_quote == '"' else None
    return replace(style, unit=unit)


def _of_flow_mapping(node: MappingNode, outside: Style, layout: Layout) -> Style:
    key, value = node.value[0]
    key_quote = quote_of(key)
    is_dense = layout.text[layout.at(key.end_mark.index) : layout.start_of(value)] == ":"
    colon, comma = (":", ",") if is_dense else (": ", ", ")
    return replace(outside, quote='"' if key_quote == '"' else "", key_quote=key_quote, colon=colon, comma=comma)


def _of_block_mapping(node: MappingNode, outside: Style, layout: Layout) -> Style:
    first, *others = {quote_of(key) for key, _ in node.value}
    style = replace(outside, quote="", key_quote="" if others else first)
    for key, value in node.value:
        if not isinstance(value, CollectionNode) or value.flow_style or not value.value or value.start_mark.index < key.start_mark.index:
            continue
        if type(value) is MappingNode:
            style = replace(style, step=layout.column(layout.start_of(value.value[0][0])) - layout.column(layout.start_of(key)))
        elif layout.text[layout.start_of(value)] == "-":
            style = replace(style, dash=layout.column(layout.start_of(value)) - layout.column(layout.start_of(key)))
    return style


def _unit(node: CollectionNode, layout: Layout) -> str | None:
    last = node.value[-1][0] if type(node) is MappingNode else node.value[-1]
    place = layout.start_of(last)
    outer, inner = layout.indentation(layout.start_of(node)), layout.indentation(place)
    return inner.removeprefix(outer) if layout.opens_line(place) and inner.startswith(outer) else None


def quote_of(node: Node) -> str:
    """The quote around a scalar, empty where there is none."""
    return node.style if isinstance(node, ScalarNode) and node.style in ("'", '"') else ""
