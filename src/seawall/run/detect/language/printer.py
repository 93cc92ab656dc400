"""A condition written out again, so that parsing it gives the same tree."""

import re
from typing import Final

from seawall.run.detect.language.tree import And, Call, Check, Condition, Field, Group, Name, Not, Operand, Or, Text
from seawall.run.detect.language.values import quoted, written, written_argument

_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]+|[+-]?[0-9]+\.?[0-9]*(?:[eE][+-][0-9]+)?").fullmatch


def print_condition(condition: Condition) -> str:
    """Falco syntax: ``and`` and ``or`` stand in parentheses, lists as ``(a, b)``; strings are quoted where they must be."""
    parts: list[str] = []
    _print(condition, parts)
    return "".join(parts)


def _print(condition: Condition, parts: list[str]) -> None:
    match condition:
        case And(inner) | Or(inner):
            word = " and " if isinstance(condition, And) else " or "
            for number, part in enumerate(inner):
                parts.append(word if number else "(")
                _print(part, parts)
            parts.append(")")
        case Not(child):
            parts.append("not ")
            _print(child, parts)
        case Name(name):
            parts.append(name)
        case Check():
            parts.append(print_check(condition))


def print_check(check: Check) -> str:
    """One comparison."""
    words = [print_operand(check.left), check.operator]
    if check.modifier:
        words.append(check.modifier)
    if check.other is not None:
        words.append(print_operand(check.other))
    elif check.is_list:
        words.append(f"({', '.join(map(written, check.values))})")
    elif check.values:
        words.append(written(check.values[0]))
    return " ".join(words)


def print_operand(operand: Operand) -> str:
    """A field, a transformer, or one of its arguments."""
    match operand:
        case Field(name, argument):
            return name if argument is None else f"{name}[{written_argument(argument)}]"
        case Call(name, arguments, index):
            call = f"{name}({', '.join(map(print_operand, arguments))})"
            return call if index is None else f"{call}[{written_argument(index)}]"
        case Group(items):
            return f"({', '.join(map(print_operand, items))})"
        case Text(value):
            return value if _NUMBER(value) else quoted(value)
