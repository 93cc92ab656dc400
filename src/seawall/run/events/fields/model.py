"""What a field is: its type, whether it holds one value or many, and what argument it takes."""

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Type(StrEnum):
    """What the values of a field are. Engines see text for all of them but numbers and booleans."""

    STRING = "string"
    BYTES = "bytes"
    BOOL = "bool"
    INT = "int"
    UINT = "uint"
    FLOAT = "float"
    DURATION = "duration"
    """Nanoseconds."""
    TIME = "time"
    """Nanoseconds since 1970."""
    IP = "ip"
    NETWORK = "net"
    PORT = "port"
    DYNAMIC = "any"
    """Decided by the event."""


class Argument(StrEnum):
    """What stands in the brackets: ``proc.aname[2]``, ``ka.uri.param[limit]``."""

    NONE = "-"
    OPTIONAL = "?"
    OPTIONAL_NUMBER = "?#"
    REQUIRED = "!"
    REQUIRED_NUMBER = "!#"
    DOTTED = "!."
    """Required, and written behind a dot (``evt.arg.flags``) or in brackets."""


class FieldInfo(Struct, frozen=True):
    """A field that rules may name.

    ``is_list``: an event has any number of values for it. ``comparable_only``: it may be compared, but neither transformed nor stand on
    the right side.
    ``filter_only``: it cannot be printed.
    """

    name: str
    type: Type
    argument: Argument
    description: str
    is_list: bool = False
    comparable_only: bool = False
    filter_only: bool = False


_WITH_MARKS: Final = 4


def table(text: str) -> tuple[FieldInfo, ...]:
    """Fields from lines ``NAME TYPE ARGUMENT TEXT``. A type may end in ``*`` (list), ``=`` (only compared), ``>`` (not printed)."""
    return tuple(_field(line) for line in text.splitlines() if line.strip())


def _field(line: str) -> FieldInfo:
    name, kind, argument, description = line.split(None, _WITH_MARKS - 1)
    return FieldInfo(name, Type(kind.rstrip("*=>")), Argument(argument), description, "*" in kind, "=" in kind or ">" in kind, ">" in kind)
