"""Whether a comparison fits its field: the field exists, takes that argument, knows that operator, and the value is one of its type."""

import ipaddress
import re
import socket
import warnings
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from seawall.run.detect.language.nearest import hint
from seawall.run.detect.language.printer import print_operand
from seawall.run.detect.language.tree import And, Call, Check, Condition, Field, Group, Name, Not, Operand, Or, Text
from seawall.run.events import fields
from seawall.run.events.fields import Argument, FieldInfo, Type
from seawall.run.events.fields.types import OTHERS, SYSTEM_CALLS

NUMBERS: Final = frozenset({Type.INT, Type.UINT, Type.FLOAT, Type.DURATION, Type.TIME, Type.PORT})
_EQUALITY: Final = frozenset({"=", "==", "!=", "in", "intersects", "exists"})
_ORDER: Final = _EQUALITY | {"<", "<=", ">", ">="}
_OPERATORS: Final = {
    **dict.fromkeys(NUMBERS, _ORDER),
    **dict.fromkeys((Type.BOOL, Type.IP, Type.NETWORK), _EQUALITY),
    Type.STRING: _ORDER | {"contains", "icontains", "startswith", "endswith", "glob", "iglob", "pmatch", "regex"},
    Type.BYTES: _EQUALITY | {"contains", "startswith", "endswith", "bcontains", "bstartswith"},
}
_LIST_OPERATORS: Final = frozenset({"in", "intersects", "exists"})
_NAMES: Final = {
    Type.STRING: "a string", Type.BYTES: "bytes", Type.BOOL: "true or false", Type.INT: "a number", Type.UINT: "a number", Type.FLOAT: "a number",
    Type.DURATION: "a time in nanoseconds", Type.TIME: "a time in nanoseconds", Type.IP: "an IP address", Type.NETWORK: "an IP network",
    Type.PORT: "a port", Type.DYNAMIC: "of a type that the event decides",
}  # fmt: skip
_INTEGER: Final = re.compile(r"[+-]?[0-9]+|0[xX][0-9a-fA-F]+").fullmatch
_HEXADECIMAL: Final = re.compile(r"(?:[0-9a-fA-F]{2})+").fullmatch
_DIGITS: Final = re.compile("[0-9]{1,5}").fullmatch
_ARGUMENT_NUMBER: Final = re.compile("[0-9]+").fullmatch
_NOT_IN_RE2: Final = re.compile(r"(?<!\\)(?:\\\\)*(?:\(\?(?:<?[=!]|>)|\\[1-9])")
_LONGEST: Final = 1024
"""Characters of a value; Falco refuses longer ones."""
_EVENT_TYPES: Final = SYSTEM_CALLS | OTHERS


class Misfit(Struct, frozen=True):
    """What does not fit. ``unknown`` is true where a field or an event type is not known, which ``skip-if-unknown-filter`` forgives."""

    message: str
    at: int
    unknown: bool = False


class Operands(Struct, frozen=True):
    """The type of what stands left or right of an operator."""

    type: Type
    is_list: bool = False
    is_literal: bool = False


class _Wrong(Exception):
    def __init__(self, message: str, at: int, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.misfit = Misfit(message, at, unknown)


def checks(condition: Condition) -> Iterator[Check]:
    """Every comparison, from left to right."""
    match condition:
        case And(parts) | Or(parts):
            for part in parts:
                yield from checks(part)
        case Not(inner):
            yield from checks(inner)
        case Check():
            yield condition
        case Name():
            pass


def misfits(check: Check, source: str | None) -> Iterator[Misfit]:
    """What is wrong with a comparison over events of ``source`` (of any source, for None)."""
    try:
        _judge(check, source)
    except _Wrong as wrong:
        yield wrong.misfit


def field_misfit(field: Field | Call, source: str | None) -> Misfit | None:
    """What is wrong with a field by itself, as exceptions and outputs name it."""
    try:
        type_of(field, source)
    except _Wrong as wrong:
        return wrong.misfit
    return None


def info_of(field: Field, source: str | None) -> tuple[FieldInfo, str | None] | None:
    """The field that is meant, and its argument, from brackets or behind a dot. None where there is no such field."""
    found = fields.find(field.name, source)
    return found and (found[0], field.argument if field.argument is not None else found[1])


def _judge(check: Check, source: str | None) -> None:
    left = type_of(check.left, source)
    shown = print_operand(check.left)
    _judge_operator(check, left, shown)
    if check.other is not None:
        _judge_other(check, left, shown, source)
        return
    for value in check.values:
        problem = _value_problem(value, check, left)
        if problem:
            raise _Wrong(f"{shown} is {_NAMES[left.type]}: {problem}", check.at)
    if _is_event_type(check.left):
        _judge_event_types(check)


def _judge_operator(check: Check, left: Operands, shown: str) -> None:
    if check.operator == "exists" or (left.type is Type.DYNAMIC and not left.is_list):
        return
    plain = "list of strings" if left.type is Type.STRING else "list"
    if left.is_list and not check.modifier and check.operator not in _LIST_OPERATORS:
        raise _Wrong(f"{shown} has many values (a {plain}): {check.operator!r} cannot compare it; use in, intersects or exists", check.at)
    if check.operator not in _OPERATORS[left.type]:
        usable = " ".join(sorted(_OPERATORS[left.type]))
        raise _Wrong(f"{check.operator!r} cannot compare {shown}, which is {_NAMES[left.type]}; usable are {usable}", check.at)


def _judge_other(check: Check, left: Operands, shown: str, source: str | None) -> None:
    other = check.other
    if other is None:
        return
    if other.name == "val" and isinstance(other.arguments[0], Field):
        found = info_of(other.arguments[0], source)
        if found and found[0].comparable_only:
            raise _Wrong(f"{other.arguments[0].name} can only stand on the left side of a comparison", other.at)
    right = type_of(other, source)
    if Type.DYNAMIC not in (left.type, right.type) and not _alike(left.type, right.type):
        raise _Wrong(
            f"{shown} is {_NAMES[left.type]}, but {print_operand(other)} is {_NAMES[right.type]}; only values of one type can be compared", check.at
        )
    if right.is_list and check.operator not in ("in", "intersects", "pmatch") and not check.modifier:
        raise _Wrong(f"{print_operand(other)} has many values: {check.operator!r} compares with one; use in or intersects", check.at)
    if check.operator in ("glob", "iglob", "regex", "pmatch", "bcontains", "bstartswith"):
        raise _Wrong(f"{check.operator!r} needs a value that is written down, not one from the event", other.at)


def _alike(one: Type, other: Type) -> bool:
    return one is other or (one in NUMBERS and other in NUMBERS) or {one, other} == {Type.STRING, Type.BYTES}


def type_of(operand: Operand, source: str | None) -> Operands:
    """The type of an operand. Raises an exception of this module's own where it is wrong in itself."""
    match operand:
        case Field():
            return _type_of_field(operand, source)
        case Call():
            return _type_of_call(operand, source)
        case Group(items):
            for item in items:
                type_of(item, source)
            return Operands(Type.STRING, is_list=True)
        case Text():
            return Operands(Type.STRING, is_literal=True)


def _type_of_field(field: Field, source: str | None) -> Operands:
    found = info_of(field, source)
    if found is None:
        raise _Wrong(_unknown_field(field.name, source), field.at, unknown=True)
    info, argument = found
    match info.argument:
        case Argument.NONE if field.argument is not None:
            raise _Wrong(f"{field.name} takes no argument: remove [{field.argument}]", field.at)
        case Argument.REQUIRED | Argument.REQUIRED_NUMBER | Argument.DOTTED if not argument:
            example = "name" if info.argument is Argument.REQUIRED else "0" if info.argument is Argument.REQUIRED_NUMBER else "name"
            shape = f"{info.name}.{example}" if info.argument is Argument.DOTTED else f"{info.name}[{example}]"
            raise _Wrong(f"{info.name} needs an argument: write {shape}", field.at)
        case Argument.OPTIONAL_NUMBER | Argument.REQUIRED_NUMBER if argument is not None and not _ARGUMENT_NUMBER(argument):
            raise _Wrong(f"the argument of {info.name} is a number, like {info.name}[1], not {argument!r}", field.at)
    return Operands(info.type, info.is_list)


def _unknown_field(name: str, source: str | None) -> str:
    if source is not None:
        elsewhere = sorted(other for other in fields.SOURCES if other != source and fields.find(name, other))
        if elsewhere:
            return f"{name} is a field of {' and '.join(elsewhere)} events, not of {source} events; set the rule's source, or use another field"
    return f"there is no field {name}{hint(name, fields.known(source))}"


def _type_of_call(call: Call, source: str | None) -> Operands:
    if call.index is not None and call.name != "getopt":
        raise _Wrong(f"{call.name}() takes no [{call.index}] behind it; only getopt() does", call.at)
    types = [type_of(argument, source) for argument in call.arguments]
    if call.name != "val":
        for argument in call.arguments:
            found = info_of(argument, source) if isinstance(argument, Field) else None
            if found and found[0].comparable_only:
                raise _Wrong(f"{found[0].name} cannot be transformed, only compared", argument.at)
    match call.name:
        case "join":
            return _type_of_join(call, types)
        case "concat":
            return _type_of_concat(call, types)
        case "getopt":
            return _type_of_getopt(call, types)
    if len(types) != 1:
        raise _Wrong(f"{call.name}() takes one argument, not {len(types)}", call.at)
    only = types[0]
    if only.is_literal:
        raise _Wrong(f"{call.name}() of a fixed text: it needs a field", call.at)
    if call.name == "val":
        return only
    if call.name == "len":
        if not only.is_list and only.type not in (Type.STRING, Type.BYTES, Type.DYNAMIC):
            raise _Wrong(f"len() measures strings, bytes and lists; {print_operand(call.arguments[0])} is {_NAMES[only.type]}", call.at)
        return Operands(Type.UINT)
    usable = (Type.STRING, Type.BYTES, Type.DYNAMIC) if call.name == "b64" else (Type.STRING, Type.DYNAMIC)
    if only.type not in usable:
        raise _Wrong(f"{call.name}() works on strings; {print_operand(call.arguments[0])} is {_NAMES[only.type]}", call.at)
    return only


def _type_of_join(call: Call, types: list[Operands]) -> Operands:
    if len(types) != 2:
        raise _Wrong(f"join() takes a separator and a list, not {len(types)} arguments: join(',', (proc.name, fd.name))", call.at)
    if types[0].is_list:
        raise _Wrong("the first argument of join() is the separator, one string", call.at)
    if not types[1].is_list:
        raise _Wrong("the second argument of join() is a list: a field with many values, or items in parentheses", call.at)
    return Operands(Type.STRING)


def _type_of_concat(call: Call, types: list[Operands]) -> Operands:
    if len(types) < 2:
        raise _Wrong("concat() takes at least two strings", call.at)
    for argument, each in zip(call.arguments, types, strict=True):
        if each.is_list or each.type is not Type.STRING:
            raise _Wrong(f"concat() joins strings; {print_operand(argument)} is {'a list' if each.is_list else _NAMES[each.type]}", call.at)
    return Operands(Type.STRING)


def _type_of_getopt(call: Call, types: list[Operands]) -> Operands:
    if len(types) != 2:
        raise _Wrong(f"getopt() takes a list of arguments and the known options, not {len(types)} arguments: getopt((fd.name), 'ab:')", call.at)
    if types[0].type not in (Type.STRING, Type.DYNAMIC) or types[0].is_literal:
        raise _Wrong("the first argument of getopt() are the arguments of a command: proc.args, or items in parentheses", call.at)
    if types[1].is_list or types[1].type is not Type.STRING:
        raise _Wrong("the second argument of getopt() is a string of option letters, like 'ab:'", call.at)
    if call.index is not None and len(call.index) != 1:
        raise _Wrong(f"behind getopt() stands one option letter, not {call.index!r}", call.at)
    return Operands(Type.STRING, is_list=call.index is None)


def _value_problem(value: str, check: Check, left: Operands) -> str | None:
    if check.operator in ("bcontains", "bstartswith"):
        return None if _HEXADECIMAL(value) else f"{check.operator!r} takes hexadecimal digits in pairs, like CAFE, not {value[:40]!r}"
    if check.operator == "regex":
        return _expression_problem(value)
    match left.type:
        case Type.INT | Type.UINT | Type.DURATION | Type.TIME:
            fits = _INTEGER(value) and not (value.startswith("-") and left.type is not Type.INT)
            return None if fits else f"{value[:40]!r} is no {'whole' if left.type is Type.INT else 'positive whole'} number"
        case Type.FLOAT:
            return None if _is_float(value) else f"{value[:40]!r} is no number"
        case Type.PORT:
            return None if not value or _DIGITS(value) or _is_service(value) else f"{value[:40]!r} is neither a port number nor the name of a service"
        case Type.BOOL:
            return None if value in ("true", "false") else f"{value[:40]!r} is neither true nor false"
        case Type.IP:
            return (
                None
                if _is_address(value)
                else f"{value[:60]!r} is no IP address{'; compare networks with fd.net, fd.snet or fd.cnet' if '/' in value else ''}"
            )
        case Type.NETWORK:
            return None if _is_network(value) else f"{value[:60]!r} is no IP network, like 10.0.0.0/8"
        case Type.STRING | Type.BYTES if len(value.encode("utf-8", "surrogatepass")) >= _LONGEST:
            return f"a value has over {_LONGEST - 1:,} characters"
    return None


def _expression_problem(value: str) -> str | None:
    beyond = _NOT_IN_RE2.search(value)
    if beyond:
        return f"{beyond[0]!r} is not known to Falco's regular expressions (RE2): no look-around and no references back"
    try:
        with warnings.catch_warnings(action="ignore"):  # Python warns of [[:classes:]]
            re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        return f"{value[:60]!r} is no regular expression: {error}"
    return None


def _is_float(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return "%" not in value


def _is_network(value: str) -> bool:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return "/" in value and value.rpartition("/")[2].isdigit()


def _is_service(value: str) -> bool:
    try:
        socket.getservbyname(value)
    except (OSError, ValueError, UnicodeError):
        return False
    return True


def _is_event_type(operand: Field | Call) -> bool:
    return isinstance(operand, Field) and operand.name in ("evt.type", "syscall.type")


def _judge_event_types(check: Check) -> None:
    if check.operator not in ("=", "==", "!=", "in", "intersects") or check.modifier:
        return
    for value in check.values:
        if value not in _EVENT_TYPES:
            raise _Wrong(f"there is no event type {value[:60]!r}{hint(value, _EVENT_TYPES)}", check.at, unknown=True)
