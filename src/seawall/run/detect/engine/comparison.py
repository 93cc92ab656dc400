"""One comparison on one value: what ``=``, ``in``, ``startswith`` and the others mean for each type of field.

``test_of(check, type, is_list)`` gives a function on the values of the field; nothing compares with an absent value, so it is never asked about one
(``!=`` included: an absent name does not differ from ``root``, it is not there).

* Texts compare as texts, numbers as numbers however they are written, addresses and networks as what they are: an address is *in* a network.
* A field that is a list knows ``in`` (all of its values are among these) and ``intersects`` (one is).
* A field with several values that is no list, such as ``fd.ip`` (both ends) or ``proc.aname`` (all ancestors), compares when one of them does;
  ``fd.ip != 10.0.0.1`` holds when neither end is that address.
* ``oneof``, ``anyof`` and ``allof`` say of how many of the values on the right a comparison has to hold: exactly one, one or more, all.

Source: Falco's documentation of operators and of the types of fields.
"""

import ipaddress
import operator
import socket
from collections.abc import Callable, Iterable
from typing import Any, Final

from seawall.run.detect.engine.patterns import glob_test, path_prefix_test, regex_test
from seawall.run.detect.language.tree import Check
from seawall.run.events.audit.model import as_text
from seawall.run.events.fields import Type
from seawall.run.events.source import Value

Test = Callable[[Any], bool]

_NUMBERS: Final = frozenset({Type.INT, Type.UINT, Type.FLOAT, Type.DURATION, Type.TIME, Type.PORT})
_ORDER: Final = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def shaped(value: Any, type_: Type, *, is_list: bool) -> Value | None:
    """A value of an event in the form that tests take: text, number, truth, or a tuple of them; ``None`` for what cannot be one of the type."""
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        items = [_scalar(item, type_) for item in value if item is not None]
        return tuple(item for item in items if item is not None) or None
    found = _scalar(value, type_)
    return (found,) if is_list and found is not None else found


def _scalar(value: Any, type_: Type) -> str | int | float | bool | None:
    if type_ in _NUMBERS:
        return number(value)
    if type_ is Type.BOOL:
        return truth(value)
    if type_ is Type.DYNAMIC and isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return value if type(value) is str else as_text(value)


def number(value: Any) -> int | float | None:
    """A number, or the text of one: decimal, or hexadecimal with ``0x``."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return value
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        return int(text, 16) if text[:2].lower() == "0x" else int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return None


def truth(value: Any) -> bool | None:
    if isinstance(value, (bool, int)):
        return bool(value)
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def test_of(check: Check, type_: Type, *, is_list: bool) -> Test:
    """What a check with written values says of the value of its left side."""
    if check.operator == "exists":
        return lambda _: True
    if check.modifier:
        return _over_values(_modified(check, type_), is_list=is_list, everywhere=False)
    if check.operator in ("in", "intersects"):
        one = _member(check.values, type_)
        if is_list:
            return (lambda value: all(map(one, value))) if check.operator == "in" else (lambda value: any(map(one, value)))
        return _over_values(one, is_list=False, everywhere=False)
    one = _simple(check.operator, check.values, type_)
    negative = check.operator == "!=" and (_is_end(check) or is_list)
    return _over_values(one, is_list=is_list, everywhere=negative)


def _is_end(check: Check) -> bool:
    """Whether the several values of the left side are the ends of a connection, and not a line of ancestors."""
    return getattr(check.left, "name", "").startswith("fd.")


def _over_values(one: Test, *, is_list: bool, everywhere: bool) -> Test:
    """The test for a field that may have several values."""
    over = all if everywhere else any
    if is_list:
        return lambda value: over(map(one, value))
    return lambda value: over(map(one, value)) if type(value) is tuple else one(value)


def _modified(check: Check, type_: Type) -> Test:
    tests = [_simple(check.operator, (value,), type_) for value in check.values]
    if not tests:
        return lambda _: False
    match check.modifier:
        case "oneof":
            return lambda value: sum(test(value) for test in tests) == 1
        case "allof":
            return lambda value: all(test(value) for test in tests)
        case _:
            return lambda value: any(test(value) for test in tests)


def _member(values: Iterable[str], type_: Type) -> Test:
    """``in`` for one value."""
    if type_ in (Type.IP, Type.NETWORK):
        tests = [_address_test(value) for value in values]
        return lambda value: any(test(value) for test in tests)
    if type_ in _NUMBERS:
        numbers = {_number_or_service(value, type_) for value in values} - {None}
        return numbers.__contains__
    if type_ is Type.BOOL:
        truths = {truth(value) for value in values}
        return truths.__contains__
    texts = frozenset(values)
    if type_ is Type.DYNAMIC:
        dynamic = {number(value) for value in values} - {None}
        return lambda value: value in texts if type(value) is str else value in dynamic
    return texts.__contains__


def _simple(op: str, values: tuple[str, ...], type_: Type) -> Test:
    if op in ("in", "intersects"):
        return _member(values, type_)
    if op == "pmatch":
        return _on_text(path_prefix_test(values))
    wanted = values[0] if values else ""
    if op in ("=", "==", "!="):
        equal = _member((wanted,), type_)
        return equal if op != "!=" else lambda value: not equal(value)
    if op in _ORDER:
        return _ordered(op, wanted, type_)
    return _on_text(_text_test(op, wanted))


def _on_text(test: Callable[[str], bool]) -> Test:
    return lambda value: test(value if type(value) is str else as_text(value))


def _ordered(op: str, wanted: str, type_: Type) -> Test:
    compare = _ORDER[op]
    bound = _number_or_service(wanted, type_) if type_ in _NUMBERS or type_ is Type.DYNAMIC else None
    if type_ in _NUMBERS:
        return (lambda _: False) if bound is None else lambda value: compare(value, bound)
    return lambda value: compare(value, wanted) if type(value) is str else bound is not None and compare(value, bound)


def _text_test(op: str, wanted: str) -> Callable[[str], bool]:
    match op:
        case "contains":
            return lambda text: wanted in text
        case "icontains":
            folded = wanted.lower()
            return lambda text: folded in text.lower()
        case "startswith":
            return lambda text: text.startswith(wanted)
        case "endswith":
            return lambda text: text.endswith(wanted)
        case "glob":
            return glob_test(wanted)
        case "iglob":
            return glob_test(wanted, ignore_case=True)
        case "regex":
            return regex_test(wanted)
        case "bcontains":
            part = bytes.fromhex(wanted)
            return lambda text: part in text.encode("utf-8", "surrogatepass")
        case "bstartswith":
            begin = bytes.fromhex(wanted)
            return lambda text: text.encode("utf-8", "surrogatepass").startswith(begin)
        case _:
            raise ValueError(f"{op} is no operator")


def _number_or_service(value: str, type_: Type) -> int | float | None:
    found = number(value)
    if found is None and type_ is Type.PORT and value:
        try:
            return socket.getservbyname(value)
        except OSError:
            return None
    return found


def _address_test(value: str) -> Test:
    """Whether an address is this one, or in this network."""
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return lambda _: False

    def test(text: Any) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return address in network

    return test


def compare_values(check: Check, left: Any, right: Any, type_: Type) -> bool:
    """A check whose right side comes from the event, too. Both values are there."""
    lefts = left if isinstance(left, tuple) else (left,)
    rights = right if isinstance(right, tuple) else (right,)
    if check.operator == "in" and not check.modifier:
        return all(item in rights for item in lefts) if isinstance(left, tuple) and not _is_end(check) else any(item in rights for item in lefts)
    if check.operator == "intersects":
        return any(item in rights for item in lefts)
    results = [[_pair(check.operator, one, other, type_) for other in rights] for one in lefts]
    match check.modifier:
        case "oneof":
            return any(sum(row) == 1 for row in results)
        case "allof":
            return any(all(row) for row in results)
        case _:
            return any(any(row) for row in results)


def _pair(op: str, left: Any, right: Any, type_: Type) -> bool:
    if op in ("=", "==", "in"):
        return bool(left == right)
    if op == "!=":
        return bool(left != right)
    if op in _ORDER:
        try:
            return bool(_ORDER[op](left, right))
        except TypeError:
            return False
    return _simple(op, (as_text(right),), type_)(left)
