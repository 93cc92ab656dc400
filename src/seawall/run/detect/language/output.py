"""Output templates: ``Shell in %container.name (user=%user.name parent=%proc.aname[2])``."""

import re
from typing import Final

from msgspec import Struct

from seawall.run.detect.language.parser import ConditionError, parse_field
from seawall.run.detect.language.tree import TRANSFORMERS, Call, Field

_TOKEN: Final = re.compile(r"%(?:[0-9]*)")
_FIELD: Final = re.compile(r"""[a-zA-Z][a-zA-Z0-9_]*(?:\.[a-zA-Z][a-zA-Z0-9_]*)+(?:\[(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\]"']*)\])?""")
_CALL: Final = re.compile(rf"(?:{'|'.join(TRANSFORMERS)})\(")

CONTAINER_INFO: Final = "%container.info"
"""Falco's old short hand; it prints nothing any more."""


class Slot(Struct, frozen=True):
    """A field in a template. ``key`` is how ``output_fields`` names it, ``at`` its place in the template, ``width`` the fewest characters."""

    field: Field | Call
    key: str
    at: int
    width: int = 0


class Template(Struct, frozen=True):
    """Texts and slots in order. ``always`` is true where the template begins with ``*``: absent values are printed as ``<NA>`` in any case."""

    parts: tuple[str | Slot, ...]
    always: bool = False


class TemplateError(ValueError):
    """``at`` is the character of the template that is wrong."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


def parse_template(text: str) -> Template:
    """The parts of an output. Raises :class:`TemplateError` for a ``%`` that no field follows. Whether the fields exist is not looked at."""
    always = text.startswith("*")
    parts: list[str | Slot] = []
    done = 1 if always else 0
    while match := _TOKEN.search(text, done):
        parts.append(text[done : match.start()])
        if match.end() == len(text):
            raise TemplateError("the output ends with a '%': name a field behind it, or remove it", match.start())
        end = _end_of_field(text, match.end())
        if end is None:
            shown = text[match.start() : match.start() + 30]
            raise TemplateError(f"behind '%' stands a field, such as %proc.name or %proc.aname[2], not {shown!r}", match.start())
        name = text[match.end() : end]
        try:
            parts.append(Slot(parse_field(name), name, match.end(), int(match[0][1:4] or 0)))
        except ConditionError as error:
            raise TemplateError(error.message, match.end() + error.at) from None
        done = end
    parts.append(text[done:])
    return Template(tuple(part for part in parts if part), always)


def _end_of_field(text: str, start: int) -> int | None:
    call = _CALL.match(text, start)
    if call is None:
        field = _FIELD.match(text, start)
        return field.end() if field else None
    depth, quote = 0, ""
    for at in range(call.end() - 1, len(text)):
        character = text[at]
        if quote:
            quote = "" if character == quote and text[at - 1] != "\\" else quote
        elif character in "\"'":
            quote = character
        elif character in "()":
            depth += 1 if character == "(" else -1
            if not depth:
                brackets = re.compile(r"\[[^\]]*\]").match(text, at + 1)
                return brackets.end() if brackets else at + 1
    return None
