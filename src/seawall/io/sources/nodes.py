"""Text to a tree of nodes, each with its place in the text: YAML by libyaml, JSON by libyaml too, or by our own reader where that cannot.

libyaml composes a tree with positions at about 30 MB/s. Two things it does not bound are bounded here, before it starts: the depth, because
it recurses on the C stack, and the count of nodes, because each takes about 500 bytes.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml._yaml import CParser
from yaml.error import Mark
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from seawall.io.sources.limits import MAX_DEPTH, MAX_NODES

PLAIN: Final = ""
"""The tag of a scalar whose type is still to be told from its text."""
STRING: Final = "tag:yaml.org,2002:str"

_SAFE_C_RECURSION = 8_000  # libyaml's binding overflows an 8 MiB stack between 10,000 and 30,000 levels
_DEEP_INDENT = re.compile(rb"^[ \-?:\t]{2000}", re.MULTILINE)


class Malformed(Exception):
    """The text is not YAML (or not JSON). ``index`` is the character where the reader gave up, counted from the start of the text."""

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.message = message
        self.index = index


class _Composer(CParser):
    """libyaml's composer without type resolution: :mod:`scalars` resolves types as Kubernetes does, and later, and only where a value is read."""

    def resolve(self, kind: type[Node], value: str | None, implicit: Any) -> str:  # noqa: ARG002 (called by libyaml's binding)
        return PLAIN if kind is ScalarNode and implicit[0] else STRING

    def descend_resolver(self, parent: Node | None, index: Any) -> None:  # noqa: ARG002
        pass

    def ascend_resolver(self) -> None:
        pass


def compose(text: str) -> Iterator[Node]:
    """The root nodes of the documents in ``text``. Positions are ``node.start_mark.index``, in characters.

    Raises :class:`Malformed`, also for text beyond the limits.
    """
    data = text.encode("utf-8", "surrogatepass")
    _bound(data)
    try:
        parser = _Composer(data)
        try:
            while parser.check_node():
                yield parser.get_node()
        finally:
            parser.dispose()
    except yaml.YAMLError as error:
        if text.lstrip()[:1] == "{" and (root := _compose_json(text)):
            yield root
            return
        raise _malformed(error, text) from None


def _bound(data: bytes) -> None:
    """Refuse what is nested too deep or has too many nodes. A cheap upper bound first; exact counting only where that is not enough."""
    openers = data.count(b"[") + data.count(b"{")
    separators = data.count(b"\n") + data.count(b",") + data.count(b":") + data.count(b"- ") + openers
    if openers < _SAFE_C_RECURSION and separators < MAX_NODES and not _DEEP_INDENT.search(data):
        return
    depth = nodes = 0
    try:
        for event in yaml.parse(data, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                nodes += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            else:
                nodes += 1
            if depth > MAX_DEPTH or nodes > MAX_NODES:
                problem = f"nested deeper than {MAX_DEPTH} levels" if depth > MAX_DEPTH else f"more than {MAX_NODES:,} values in one document"
                raise Malformed(f"{problem}; not read", event.start_mark.index if event.start_mark else 0)
    except yaml.YAMLError:
        pass  # composing meets the same error, earlier than the place where it could overflow, and reports it


def _malformed(error: yaml.YAMLError, text: str) -> Malformed:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        problem = getattr(error, "problem", None) or "cannot be read"
        context = getattr(error, "context", None)
        return Malformed(f"not valid YAML: {problem}{f' ({context})' if context else ''}", mark.index)
    if isinstance(error, yaml.reader.ReaderError):
        control = re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]", text)
        return Malformed(f"not valid YAML: {error.reason}", control.start() if control else 0)
    return Malformed(f"not valid YAML: {error}", 0)


def _mark(index: int) -> Mark:
    """A mark of which only the index is told, as nobody here asks for more."""
    return Mark("", index, 0, 0, None, 0)


_JSON_TOKEN: Final = re.compile(r'[ \t\r\n]*(?:([{}\[\],:])|("(?:[^"\\]|\\.)*")|([^\s{}\[\],:"]+))')


def _compose_json(text: str) -> Node | None:
    """JSON that libyaml cannot read (surrogate pairs, tabs before the first brace, long keys), as the same kind of nodes; None if it is not JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    stack: list[list[Any]] = [[]]
    openings: list[int] = []
    for match in _JSON_TOKEN.finditer(text):
        mark, string, word = match.groups()
        start, end = match.start(match.lastindex or 0), match.end()
        if mark in ("{", "["):
            if len(openings) > MAX_DEPTH:
                raise Malformed(f"nested deeper than {MAX_DEPTH} levels; not read", start)
            stack.append([])
            openings.append(start)
        elif mark in ("}", "]"):
            children, begin = stack.pop(), openings.pop()
            stack[-1].append(
                MappingNode(STRING, list(zip(children[::2], children[1::2], strict=True)), _mark(begin), _mark(end), flow_style=True)
                if mark == "}"
                else SequenceNode(STRING, children, _mark(begin), _mark(end), flow_style=True)
            )
        elif string is not None:
            stack[-1].append(ScalarNode(STRING, json.loads(string), _mark(start), _mark(end), style='"'))
        elif word is not None:
            stack[-1].append(ScalarNode(PLAIN, word, _mark(start), _mark(end)))
    root: Node = stack[0][0]
    return root
