"""Fields of foreign documents, read tolerantly: a value of another type than expected counts as absent."""

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from seawall.io.sources.nodes import PLAIN, Malformed, compose

MAX_EXPANDED: Final = 1_000_000
"""Values of one YAML document with its aliases written out. The largest real one, Alpine's main repository, has 60,000."""

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BLANKS: Final = re.compile(r"\s+")


def text(value: object) -> str:
    """A text without blanks around it; numbers are written out, anything else is empty."""
    if isinstance(value, str):
        return value.strip()
    is_number = isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**64)
    return str(value) if is_number else ""


def line(value: object) -> str:
    """A text on one line."""
    return _BLANKS.sub(" ", text(value))


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list, each once and none empty; a text alone is a list of one."""
    items: Iterable[object] = value if isinstance(value, list) else (value,)
    return tuple(dict.fromkeys(found for item in items if (found := text(item))))


def mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict[str, Any]]:
    """The objects of a list; an object alone is a list of one."""
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def read_json(data: bytes) -> Any:
    """Raises ``ValueError`` when it is no JSON, also when it is nested too deep."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"not valid JSON: {error}") from None


def read_yaml(data: bytes) -> Any:
    """The first document: lists, dictionaries, None and texts. Everything else that YAML knows stays a text, so that version 1.10 is not 1.1.

    Raises ``ValueError`` when it is no YAML, or beyond the limits of depth and size, with aliases written out.
    """
    try:
        root = next(compose(data.decode("utf-8-sig")), None)
        return _Values().of(root)[0] if root else None
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte {error.start}") from None
    except Malformed as error:
        raise ValueError(error.message) from None


class _Values:
    """Nodes to values. What aliases share is made once and counted each time."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, int]] = {}

    def of(self, node: Node) -> tuple[Any, int]:
        """The value, and how many it holds when every alias is written out."""
        if isinstance(node, ScalarNode):
            return (None if node.tag is PLAIN and node.value in _NULL else node.value), 1
        made = self._made.get(id(node))
        if made is None:
            self._made[id(node)] = (None, MAX_EXPANDED)  # a node inside itself is refused as endless
            made = self._made[id(node)] = self._make(node)
        return made

    def _make(self, node: Node) -> tuple[Any, int]:
        size = 1
        value: Any
        if isinstance(node, SequenceNode):
            value = []
            for item in node.value:
                child, weight = self.of(item)
                value.append(child)
                size = self._sum(size, weight)
        elif isinstance(node, MappingNode):
            value = {}
            for key, item in node.value:
                child, weight = self.of(item)
                value[key.value if isinstance(key, ScalarNode) else ""] = child
                size = self._sum(size, weight)
        else:
            raise TypeError(node)
        return value, size

    @staticmethod
    def _sum(size: int, weight: int) -> int:
        if size + weight > MAX_EXPANDED:
            raise ValueError(f"more than {MAX_EXPANDED:,} values with aliases written out")
        return size + weight
