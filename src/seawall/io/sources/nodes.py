"""Text to a tree of nodes, each with its place in the text: YAML by libyaml, JSON by libyaml too, or by our own reader where that cannot.

libyaml composes a tree with positions at about 30 MB/s. It bounds neither the depth, though it recurses on the C stack, nor the count of nodes,
each of which takes about 400 bytes; so both are counted here, in the hooks that it calls for every node.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import yaml
from yaml._yaml import CParser
from yaml.composer import Composer
from yaml.error import Mark
from yaml.events import AliasEvent, ScalarEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from seawall.io.sources.limits import MAX_DEPTH, MAX_NODES, MAX_TAG_DIRECTIVES

PLAIN: Final = ""
"""The tag of a scalar whose type is still to be told from its text."""
STRING: Final = "tag:yaml.org,2002:str"

_FIRST_CHARACTER: Final = re.compile(r"^(?:---(?=\s))?+[ \t]*+([^\s#])", re.MULTILINE)
_FOLDED_BY_YAML: Final = re.compile("[\x85\u2028\u2029]")
"""Line breaks to YAML 1.1, ordinary characters of a string to JSON."""
_BARE_TAG: Final = re.compile(r"!(?<![^\s,\[{]!)\s")
"""Perhaps the tag ``!``: it makes a string of anything."""


class Malformed(Exception):
    """The text is not YAML (or not JSON). ``index`` is the character where the reader gave up, counted from the start of the text."""

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.message = message
        self.index = index


class _Composer(CParser):
    """libyaml's composer, bounded, without type resolution: :mod:`scalars` resolves types as Kubernetes does, and only where a value is read."""

    __slots__ = ("depth", "nodes")  # a tenth faster than with a dictionary

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.depth = 0
        self.nodes = 0

    def resolve(self, kind: type[Node], value: str | None, implicit: Any) -> str:  # noqa: ARG002 (called by libyaml's binding)
        return PLAIN if kind is ScalarNode and implicit[0] else STRING

    def descend_resolver(self, parent: Node | None, index: Any) -> None:  # noqa: ARG002
        self.depth += 1
        self.nodes += 1
        if self.depth > MAX_DEPTH:
            raise _too_deep(parent.start_mark.index if parent else 0)
        if self.nodes > MAX_NODES:
            raise _too_many(parent.start_mark.index if parent else 0)

    def ascend_resolver(self) -> None:
        self.depth -= 1


class _PatientComposer(Composer, _Composer):
    """PyYAML's own composer on libyaml's events. Slower, and able to do what libyaml's cannot: an anchor may be given again, ``!`` is a tag."""

    def __init__(self, data: bytes) -> None:
        _Composer.__init__(self, data)
        Composer.__init__(self)

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        if not self.check_event(AliasEvent):
            event: Any = self.peek_event()
            self.anchors.pop(event.anchor, None)
            if isinstance(event, ScalarEvent) and event.tag == "!" and event.value != "<<":
                event.tag = STRING
        return super().compose_node(parent, index)


def compose(text: str) -> Iterator[Node]:
    """The root nodes of the documents in ``text``. Positions are ``node.start_mark.index``, in characters.

    Raises :class:`Malformed`, also for text beyond the limits.
    """
    first = _FIRST_CHARACTER.search(text)
    may_be_json = first is not None and first[1] == "{"
    json_start = first.start(1) if first else 0
    if may_be_json and _FOLDED_BY_YAML.search(text) and (roots := _compose_json(text, json_start)):
        yield from roots
        return
    data = text.encode("utf-8", "surrogatepass")
    if data.count(b"%TAG") > MAX_TAG_DIRECTIVES:
        raise Malformed(f"more than {MAX_TAG_DIRECTIVES:,} %TAG directives; not read", text.index("%TAG"))
    done = 0
    try:
        for root in _roots(_PatientComposer(data) if _BARE_TAG.search(text) else _Composer(data), data):
            yield root
            done += 1
    except Malformed as error:
        rest: Iterator[Node]
        if "found duplicate anchor" in error.message:
            rest = _roots(_PatientComposer(data), data)
        elif may_be_json and (roots := _compose_json(text, json_start)):
            rest = iter(roots)
        else:
            raise
        yield from islice(rest, done, None)


def _roots(composer: _Composer, data: bytes) -> Iterator[Node]:
    try:
        while composer.check_node():
            root = composer.get_node()
            if root is not None:
                yield root
    except yaml.YAMLError as error:
        raise _malformed(error, data) from None


def _malformed(error: yaml.YAMLError, data: bytes) -> Malformed:
    if isinstance(error, yaml.reader.ReaderError):
        return Malformed(f"not valid YAML: {error.reason} (U+{error.character:04X})", len(data[: error.position].decode("utf-8", "replace")))
    if not isinstance(error, yaml.MarkedYAMLError):
        return Malformed(f"not valid YAML: {error}", 0)
    context = f" ({error.context})" if error.context else ""
    # What is never closed is better shown where it was opened than behind the end of the text.
    last = len(data.decode("utf-8", "surrogatepass").rstrip()) - 1
    places = [mark.index for mark in (error.problem_mark, error.context_mark) if mark]
    return Malformed(f"not valid YAML: {error.problem}{context}", next((place for place in places if place <= last), max(last, 0)))


def _too_deep(index: int) -> Malformed:
    return Malformed(f"nested deeper than {MAX_DEPTH} levels; not read", index)


def _too_many(index: int) -> Malformed:
    return Malformed(f"more than {MAX_NODES:,} values in one document; not read", index)


_JSON_TOKEN: Final = re.compile(r'[ \t\r\n]*(?:([{}\[\],:])|("(?:[^"\\]|\\.)*")|([^\s{}\[\],:"]+))')
_JSON_SPACE: Final = re.compile(r"[ \t\r\n]*")
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def _compose_json(text: str, start: int) -> list[Node] | None:
    """JSON values, one after the other, as the same kind of nodes; None if the text is something else.

    For what libyaml cannot read: surrogate pairs, tabs before the first brace, keys of over 1,024 characters, objects without ``---`` between them.
    """
    if sum(map(text.count, "[{,:")) > MAX_NODES:
        raise _too_many(start)
    if not _is_json(text, start):
        return None
    stack: list[list[Any]] = [[]]
    openings: list[int] = []
    for match in _JSON_TOKEN.finditer(text, start):
        mark, string, word = match.groups()
        begin, end = match.start(match.lastindex or 0), match.end()
        if mark in ("{", "["):
            if len(openings) >= MAX_DEPTH:
                raise _too_deep(begin)
            stack.append([])
            openings.append(begin)
        elif mark in ("}", "]"):
            children, opening = stack.pop(), _mark(openings.pop())
            stack[-1].append(
                MappingNode(STRING, list(zip(children[::2], children[1::2], strict=True)), opening, _mark(end), flow_style=True)
                if mark == "}"
                else SequenceNode(STRING, children, opening, _mark(end), flow_style=True)
            )
        elif string is not None:
            # As in Go, half of a surrogate pair is a replacement character.
            value = _LONE_SURROGATE.sub("\ufffd", json.loads(string))
            stack[-1].append(ScalarNode(STRING, value, _mark(begin), _mark(end), style='"'))
        elif word is not None:
            stack[-1].append(ScalarNode(PLAIN, word, _mark(begin), _mark(end), style=""))
    return stack[0]


def _is_json(text: str, index: int) -> bool:
    decoder = json.JSONDecoder(parse_constant=_refuse)
    try:
        while index < len(text):
            _, index = decoder.raw_decode(text, index)
            space = _JSON_SPACE.match(text, index)
            index = space.end() if space else index
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _mark(index: int) -> Mark:
    """A mark of which only the index is told, as nobody here asks for more."""
    return Mark("", index, 0, 0, None, 0)
