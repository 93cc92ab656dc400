"""Exceptions as text behind a condition: ``(condition) and not (field op value and ...)``.

Falco puts exceptions into the text, before lists are replaced; so a value may be the name of a list, or a transformer.
"""

import re
from collections.abc import Sequence
from typing import Final

from seawall.run.detect.language.assembly import Assembly, Place, quote_item
from seawall.run.detect.language.merge import exception_operators
from seawall.run.detect.language.messages import Bad
from seawall.run.detect.language.statements import Entry, RuleException
from seawall.run.detect.language.tree import LIST_OPERATORS, MODIFIERS, TRANSFORMERS

_COMPUTED: Final = re.compile(rf"(?:val|{'|'.join(TRANSFORMERS)})\(.*\)(?:\[[^\]]*\])?", re.DOTALL).fullmatch


def add_exceptions(condition: Assembly, exceptions: Sequence[RuleException]) -> Assembly:
    """The condition in parentheses, and what it must not be. Raises :class:`Bad` where values do not match the fields."""
    assembly = Assembly()
    assembly.add_at("(", Place())
    assembly.add(condition.text, condition.place)
    assembly.add_at(")", condition.place(max(len(condition.text) - 1, 0)))
    for exception in exceptions:
        if exception.values:
            assembly.add_at(" and not (", exception.place)
            _add(assembly, exception)
            assembly.add_at(")", exception.place)
    return assembly


def _add(assembly: Assembly, exception: RuleException) -> None:
    fields, operators = exception.fields, exception_operators(exception)
    if fields is None:
        return
    if fields.items is None:
        _add_single(assembly, fields, operators[0], exception)
        return
    for number, values in enumerate(exception.values):
        wanted, given = len(fields.items), len(values.items or ())
        if wanted != given:
            what = f"{given} values" if values.is_list else "no list"
            message = f"each item of 'values' is a list with one value for each of the {wanted} fields; this one is {what}"
            raise Bad("bad-exception", message, values.place, f"exception {exception.name}")
        assembly.add_at(" or (" if number else "(", values.place)
        for position, (field, operator, value) in enumerate(zip(fields.items, operators, values.items or (), strict=True)):
            assembly.add_at(" and " if position else "", value.place)
            assembly.add_at(f"{field.text} ", field.place)
            assembly.add_at(f"{operator} ", value.place)
            assembly.add_at(_right_side(value, operator, exception), value.place)
        assembly.add_at(")", values.place)


def _add_single(assembly: Assembly, field: Entry, operator: str, exception: RuleException) -> None:
    assembly.add_at(f"{field.text} {operator} (", field.place)
    for number, value in enumerate(exception.values):
        assembly.add_at((", " if number else "") + quote_item(_plain(value, exception)), value.place)
    assembly.add_at(")", field.place)


def _right_side(value: Entry, operator: str, exception: RuleException) -> str:
    if value.items is not None:
        return f"({', '.join(quote_item(_plain(item, exception)) for item in value.items)})"
    text = value.text
    if _COMPUTED(text):
        return text
    if operator in LIST_OPERATORS or operator.endswith(MODIFIERS):
        return text if text.startswith("(") else f"({text})"
    return quote_item(text)


def _plain(value: Entry, exception: RuleException) -> str:
    if value.is_list:
        shape = (
            "one text for each item of 'values'" if exception.fields and not exception.fields.is_list else "text, or lists of text, for each field"
        )
        raise Bad("bad-exception", f"this exception takes {shape}; this is a list too deep", value.place, f"exception {exception.name}")
    return value.text
