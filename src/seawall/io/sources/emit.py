"""A value as text: YAML in block style, YAML in flow style, and JSON, in the manner of the text that stands around it.

Everything here gives lists of lines without line ends, the first line without indentation, the others indented against the first.
What is written plain means the same to YAML 1.1 and 1.2; whatever could be taken for something else is quoted.
"""

import json
import re
from typing import Any, Final

from seawall.io.sources.scalars import plain
from seawall.io.sources.style import Style

Lines = list[str]


def block_entry(key: str, value: Any, style: Style) -> Lines:
    """``key: value``, or the key and below it the lines of a collection."""
    name = _text(key, style.key_quote, flow=False)
    if not is_nested(value):
        return [f"{name}: {scalar(value, style.quote)}"]
    indent = " " * (style.step if isinstance(value, dict) else style.dash)
    return [f"{name}:", *(indent + line for line in block(value, style))]


def block_item(value: Any, style: Style) -> Lines:
    """``- value``; the first line of a collection stands on the line of the dash."""
    first, *rest = block(value, style)
    return [f"- {first}", *(f"  {line}" for line in rest)]


def block(value: Any, style: Style) -> Lines:
    """The entries of a collection, or a scalar."""
    if not is_nested(value):
        return [scalar(value, style.quote)]
    if isinstance(value, dict):
        return [line for key, child in value.items() for line in block_entry(key, child, style)]
    return [line for child in value for line in block_item(child, style)]


def flow_entry(key: str, value: Any, style: Style) -> Lines:
    """``key: value`` within braces."""
    first, *rest = flow(value, style)
    return [f"{_text(key, style.key_quote, flow=True)}{style.colon}{first}", *rest]


def flow(value: Any, style: Style) -> Lines:
    """A value within braces or brackets: on one line, or as indented JSON."""
    if not is_nested(value):
        return [scalar(value, style.quote, flow=True)]
    if isinstance(value, dict):
        opening, closing, entries = "{", "}", [flow_entry(key, child, style) for key, child in value.items()]
    else:
        opening, closing, entries = "[", "]", [flow(child, style) for child in value]
    if style.unit is None:
        return [opening + style.comma.join(line for entry in entries for line in entry) + closing]
    separated = [[*entry[:-1], entry[-1] + ","] for entry in entries[:-1]] + entries[-1:]
    return [opening, *(style.unit + line for entry in separated for line in entry), closing]


def scalar(value: Any, quote: str = "", *, flow: bool = False) -> str:
    """A value on one line: a scalar or an empty collection. ``quote`` is the preferred one for texts, empty for none."""
    return _text(value, quote, flow=flow) if isinstance(value, str) else json.dumps(value)


def is_nested(value: Any) -> bool:
    """Whether a value takes more than one line in block style."""
    return isinstance(value, dict | list) and bool(value)


_PLAIN: Final = re.compile(r"(?:-{0,2}[A-Za-z]|[0-9_./])(?:[\w./@%*=~$()-]|[:+,](?! |$)| (?![ #]))*(?<! )", re.ASCII).fullmatch
_PLAIN_IN_FLOW: Final = re.compile(r"(?:-{0,2}[A-Za-z]|[0-9_./])[\w./@%=~$-]*", re.ASCII).fullmatch
_LIKE_A_NUMBER: Final = re.compile(r"[0-9.][0-9a-fxo_.:,TtZz +-]*", re.ASCII).fullmatch  # dates and base 60, too
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def _text(text: str, quote: str, *, flow: bool) -> str:
    if not quote and _is_plain(text, flow):
        return text
    if quote == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))


def _is_plain(text: str, flow: bool) -> bool:
    if not (_PLAIN_IN_FLOW if flow else _PLAIN)(text) or _LIKE_A_NUMBER(text):
        return False
    try:
        return plain(text) == text
    except ValueError:
        return False
