"""JSON as promised: ``seawall.report/v1``. And how a document with a long list is written piece by piece."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from seawall.core.report import Report
from seawall.io.reports.context import Context


def render(report: Report, context: Context) -> Iterator[str]:  # noqa: ARG001 (all renderers are called alike)
    """The report as one JSON document."""
    fields = {name: value for name in report.__struct_fields__ if (value := getattr(report, name)) is not UNSET}
    yield from json_object({name: iter(value) if isinstance(value, tuple) else value for name, value in fields.items()})
    yield "\n"


def json_object(members: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """One object, indented. A member that is an iterator becomes an array that is written item by item."""
    separator = "{"
    for name, value in members.items():
        yield f"{separator}{_line(depth + 1)}{encode(name)}: "
        if isinstance(value, Iterator):
            yield from _json_array(value, depth + 1)
        else:
            yield _indented(value, depth + 1)
        separator = ","
    yield f"{_line(depth)}}}" if members else "{}"


def encode(value: Any) -> str:
    """Compact JSON. A lone surrogate, which is how Python reads a file name that is not UTF-8, becomes a question mark, as in ``ls``."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value), ensure_ascii=False).encode(errors="replace").decode()


def _json_array(items: Iterator[Any], depth: int) -> Iterator[str]:
    separator = "["
    for item in items:
        yield f"{separator}{_line(depth + 1)}{_indented(item, depth + 1)}"
        separator = ","
    yield "[]" if separator == "[" else f"{_line(depth)}]"


def _indented(value: Any, depth: int) -> str:
    return msgspec.json.format(encode(value), indent=2).replace("\n", _line(depth))


def _line(depth: int) -> str:
    return "\n" + "  " * depth
