"""The two sides of a comparison: a field, or a transformer on fields.

``compute(operand, source)`` gives a function that computes an operand from ``get``, a function from fields to values; ``kind(operand, source)`` its
type and whether it is a list. A transformer of an absent value is absent, except that ``join`` leaves such items out.

``getopt`` reads arguments as the C function does: without brackets it gives the letters of the options that are there, with ``[x]`` the argument of
the option (the empty text for one that takes none). One text is split at its spaces first.
"""

import base64
import binascii
import getopt
from collections.abc import Callable
from typing import Any, Final

from seawall.run.detect.engine.comparison import shaped
from seawall.run.detect.language.tree import Call, Field, Group, Operand, Text
from seawall.run.events import fields
from seawall.run.events.audit.model import as_text
from seawall.run.events.fields import Argument, Type
from seawall.run.events.source import Value

Get = Callable[[Field], Value | None]
Compute = Callable[[Get], Value | None]
Kind = tuple[Type, bool]

_TEXT: Final[Kind] = (Type.STRING, False)


def kind_of_field(field: Field, source: str) -> Kind:
    """The type of a field and whether it is a list; text for one that is not known."""
    found = fields.find(field.name, source) or fields.find(field.name)
    if found is None:
        return _TEXT
    info, _ = found
    if info.name == "fd.types" and field.argument is not None:
        return info.type, False
    return info.type, info.is_list


def kind(operand: Operand, source: str) -> Kind:
    """The type of an operand, and whether it has many values."""
    match operand:
        case Field():
            return kind_of_field(operand, source)
        case Call(name, arguments):
            if name == "len":
                return Type.UINT, False
            if name == "getopt":
                return Type.STRING, operand.index is None
            if name in ("join", "concat"):
                return _TEXT
            return kind(arguments[0], source)
        case Group():
            return Type.STRING, True
        case Text():
            return _TEXT


def fields_of(operand: Operand) -> tuple[Field, ...]:
    """The fields that an operand reads, from left to right."""
    match operand:
        case Field():
            return (operand,)
        case Call(_, arguments):
            return tuple(field for argument in arguments for field in fields_of(argument))
        case Group(items):
            return tuple(field for item in items for field in fields_of(item))
        case Text():
            return ()


def canonical(field: Field, source: str) -> Field:
    """The field without its place, an argument behind a dot taken apart where the source has it so."""
    found = fields.find(field.name, source)
    if found is not None and found[1] is not None and field.argument is None and found[0].argument is Argument.DOTTED:
        return Field(found[0].name, found[1])
    return Field(field.name, field.argument)


def compute(operand: Operand, source: str) -> Compute:
    """How to compute an operand from the values of fields."""
    match operand:
        case Field():
            field = canonical(operand, source)
            return lambda get: get(field)
        case Text(value):
            return lambda _: value
        case Group(items):
            parts = [compute(item, source) for item in items]
            return lambda get: tuple(flat for part in parts for flat in _flat(part(get)))
        case Call():
            return _compute_call(operand, source)


def _flat(value: Value | None) -> tuple[Any, ...]:
    return () if value is None else value if isinstance(value, tuple) else (value,)


def _compute_call(call: Call, source: str) -> Compute:
    arguments = [compute(argument, source) for argument in call.arguments]
    if call.name == "concat":

        def concat(get: Get) -> Value | None:
            values = [argument(get) for argument in arguments]
            return None if None in values else "".join(as_text(value) for value in values)

        return concat
    if call.name == "join":
        separator, items = arguments

        def join(get: Get) -> Value | None:
            values = items(get)
            return None if values is None else as_text(separator(get) or "").join(map(as_text, _flat(values)))

        return join
    first = arguments[0]
    if call.name == "getopt":
        options = arguments[1]
        return lambda get: _options(first(get), as_text(options(get) or ""), call.index)
    if call.name == "val":
        return first
    if call.name == "len":
        return lambda get: None if (value := first(get)) is None else len(value) if isinstance(value, tuple) else len(as_text(value).encode())
    return _each(first, _ON_TEXT[call.name])


def _each(first: Compute, change: Callable[[str], str | None]) -> Compute:
    def apply(get: Get) -> Value | None:
        value = first(get)
        if value is None:
            return None
        if isinstance(value, tuple):
            changed = [change(as_text(item)) for item in value]
            return tuple(item for item in changed if item is not None) or None
        return change(as_text(value))

    return apply


def _from_base64(text: str) -> str | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None


_ON_TEXT: Final[dict[str, Callable[[str], str | None]]] = {
    "tolower": str.lower,
    "toupper": str.upper,
    "basename": lambda text: text.rpartition("/")[2],
    "b64": _from_base64,
}


def _options(arguments: Value | None, letters: str, index: str | None) -> Value | None:
    values = _flat(arguments)
    words = as_text(values[0]).split() if len(values) == 1 else [as_text(value) for value in values]
    try:
        found, _ = getopt.gnu_getopt(words, letters)
    except getopt.GetoptError:
        return None
    if index is None:
        return tuple(dict.fromkeys(option[1:] for option, _ in found if not option.startswith("--"))) or None
    return next((value for option, value in found if option == f"-{index}"), None)


def shaping(field: Field, source: str) -> Callable[[Any], Value | None]:
    """Brings what events have for a field into the form of its type."""
    type_, is_list = kind_of_field(field, source)
    if type_ in (Type.STRING, Type.BYTES) and not is_list:
        return lambda value: value if type(value) is str else shaped(value, type_, is_list=False)
    return lambda value: shaped(value, type_, is_list=is_list)
