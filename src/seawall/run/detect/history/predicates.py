"""Operators of the rule language on one text (or number) of a database, as bounds: what SQL can say exactly, and where it can only say less or more.

What each operator means stands in ``engine.comparison``. All databases compare texts by their bytes here, which orders UTF-8 as Python orders
characters. Patterns become regular expressions of RE2, and only where every database reads them alike: literals, ``.``, sets, repetition, choice.
"""

import re
from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

from seawall.run.detect.engine.comparison import number
from seawall.run.detect.history.truth import Bounds, all_of, any_of, exactly
from seawall.run.detect.language.tree import Check

Test = Callable[[Any], Bounds]
"""Of a value that is there; where it is not, the bounds are NULL, or constant."""

_ASCII_LETTERS: Final = re.compile(r"[\x00-\x7f]*").fullmatch
_EXPRESSION: Final = re.compile(
    r"""(?:
        (?: [\w/\ :,@=~%&!;"'<>-]                                                                # literals
          | \\[.\-/\\+*?()\[\]{}|^$dDwW] | \.
          | \[\^? [\w.,:/\ @]* (?: [a-z]-[a-z] | [A-Z]-[A-Z] | [0-9]-[0-9] )* [\w.,:/\ @]* (?<!\[) (?<!\[\^) \]  # sets
        ) [*+?]?
        | \( (?:\?:)? | \) [*+?]? | \|
    )*""",
    re.ASCII | re.VERBOSE,
).fullmatch
"""The part of regular expressions that Python, RE2 and Java read alike."""


def text_test(check: Check, *, number: bool) -> Test | None:
    """The test that a check makes of one value that is there (of a list, of each item), or None where SQL says nothing of it.

    ``number``: the value is a number, as ``len()`` gives."""
    if not all(map(_is_writable, check.values)):
        return None
    one = _of_number if number else _of_text
    if not check.modifier:
        return one(check.operator, check.values)
    if check.modifier == "anyof" and not number and check.values and check.operator in _AS_EXPRESSION:
        return _one_of_many(check.operator, check.values)
    tests = [one(check.operator, (value,)) for value in check.values]
    return _modified(check.modifier, [test for test in tests if test is not None], len(tests))


def _is_writable(value: str) -> bool:
    """Whether every database can read the text back that we write."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def _modified(modifier: str, tests: list[Test], wanted: int) -> Test | None:
    if len(tests) < wanted:
        return None
    if not tests:
        return lambda _: Bounds(False, False)
    match modifier:
        case "anyof":
            return lambda value: _joined([test(value) for test in tests], any_of)
        case "allof":
            return lambda value: _joined([test(value) for test in tests], all_of)
        case _:
            return lambda value: _exactly_one([test(value) for test in tests])


def _joined(parts: list[Bounds], join: Callable[[list[Any]], Any]) -> Bounds:
    upper = join([part.upper for part in parts])
    return Bounds(upper, upper if all(part.is_exact for part in parts) else join([part.lower for part in parts]))


def _exactly_one(parts: list[Bounds]) -> Bounds:
    if not all(part.is_exact for part in parts):
        return Bounds(any_of([part.upper for part in parts]), False)
    sure = sum(part.upper for part in parts if isinstance(part.upper, bool))
    counts = [part.upper.cast("int8") for part in parts if not isinstance(part.upper, bool)]
    if not counts or sure > 1:
        return exactly(sure == 1)
    while len(counts) > 1:
        counts = [sum(counts[at + 1 : at + 2], counts[at]) for at in range(0, len(counts), 2)]
    return exactly(counts[0] == 1 - sure)


def _one_of_many(operator: str, values: tuple[str, ...]) -> Test | None:
    """``anyof`` as one expression: databases evaluate one expression of twenty choices faster than twenty comparisons."""
    parts = [_AS_EXPRESSION[operator](value) for value in values]
    if None in parts:
        return None
    if len(values) == 1:
        return _of_text(operator, values)
    start, end = _ANCHORS[operator]
    return _exact(lambda text: text.re_search(f"{start}(?:{'|'.join(filter(None, parts))}){end}")) if all(parts) else _always


def _exact(truth: Callable[[Any], Any]) -> Test:
    return lambda value: exactly(truth(value))


_COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {"=": eq, "==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


def _of_text(operator: str, values: tuple[str, ...]) -> Test | None:
    wanted = values[0] if values else ""
    match operator:
        case "in" | "intersects":
            return _exact(lambda text: text.isin(list(values)) if values else False)
        case _ if operator in _COMPARISONS:
            return _exact(lambda text: _COMPARISONS[operator](text, wanted))
        case "contains":
            return _contains(wanted)
        case "startswith":
            return _starts(wanted)
        case "endswith":
            return _exact(lambda text: text.endswith(wanted)) if wanted else _always
        case "icontains":
            return _contains_in_any_case(wanted)
        case "glob":
            return _matching(_glob_expression(wanted))
        case "iglob":
            return _matching_in_any_case(wanted)
        case "regex":
            return _matching(wanted if _EXPRESSION(wanted) else None)
        case "pmatch":
            return _below_a_path(values)
        case "bcontains" | "bstartswith":
            return _bytes_test(operator, wanted)
        case _:
            return None


def _always(_: Any) -> Bounds:
    return Bounds(True, True)


def _contains(wanted: str) -> Test:
    return _exact(lambda text: text.contains(wanted)) if wanted else _always


def _starts(wanted: str) -> Test:
    return _exact(lambda text: text.startswith(wanted)) if wanted else _always


def _bytes_test(operator: str, wanted: str) -> Test | None:
    """Bytes that are whole characters are found where these are: no character of UTF-8 begins inside of another."""
    try:
        text = bytes.fromhex(wanted).decode()
    except ValueError:
        return None
    if not _is_writable(text):
        return None
    return _contains(text) if operator == "bcontains" else _starts(text)


def _in_any_case(upper: Callable[[Any], Any]) -> Test:
    """A test that holds for texts of ASCII alone; what is beyond may fit or not."""

    def test(text: Any) -> Bounds:
        beyond = text.re_search(r"[^\x00-\x7F]")
        found = upper(text)
        return Bounds(found | beyond, found & ~beyond)

    return test


def _contains_in_any_case(wanted: str) -> Test | None:
    if not wanted:
        return _always
    if not _ASCII_LETTERS(wanted):
        return None
    return _in_any_case(lambda text: text.lower().contains(wanted.lower()))


def _matching(expression: str | None) -> Test | None:
    if expression is None:
        return None
    return _exact(lambda text: text.re_search(rf"\A(?-s:{expression})\z"))


def _matching_in_any_case(wanted: str) -> Test | None:
    expression = _glob_expression(wanted)
    if expression is None or not _ASCII_LETTERS(wanted):
        return None
    return _in_any_case(lambda text: text.re_search(rf"\A(?i:{expression})\z"))


def _glob_expression(pattern: str) -> str | None:
    """Globs of stars and question marks alone."""
    if any(character in pattern for character in "[]()\\|"):
        return None
    return "".join(_GLOB.get(character) or _literal(character) for character in re.sub(r"\*+", "*", pattern))


_GLOB: Final = {"*": "(?s:.*)", "?": "(?s:.)"}


def _literal(character: str) -> str:
    return character if character.isalnum() or character in "_ \n\t" or character > "\x7f" else f"\\{character}"


def _below_a_path(paths: tuple[str, ...]) -> Test | None:
    """Parts of paths, however many slashes are between them."""
    expressions: list[str] = []
    for path in paths:
        if any(character in path for character in "*?[\n"):
            return None
        parts = ["".join(map(_literal, part)) for part in path.split("/") if part]
        if not parts:
            return _always
        expressions.append("/+".join(parts))
    if not expressions:
        return lambda _: Bounds(False, False)
    return _exact(lambda text: text.re_search(rf"\A/*(?:{'|'.join(expressions)})(?:/(?s:.*))?\z"))


def _of_number(operator: str, values: tuple[str, ...]) -> Test | None:
    numbers = [found for value in values if (found := number(value)) is not None and abs(found) < 2**53]
    if len(numbers) < len(values) or not numbers:
        return None
    wanted = numbers[0]
    match operator:
        case "in" | "intersects":
            return _exact(lambda value: value.isin(numbers))
        case _ if operator in _COMPARISONS:
            return _exact(lambda value: _COMPARISONS[operator](value, wanted))
        case _:
            return None


_AS_EXPRESSION: Final[dict[str, Callable[[str], str | None]]] = {
    "startswith": lambda value: "".join(map(_literal, value)),
    "contains": lambda value: "".join(map(_literal, value)),
    "endswith": lambda value: "".join(map(_literal, value)),
    "glob": _glob_expression,
}
_ANCHORS: Final = {"startswith": (r"\A", ""), "contains": ("", ""), "endswith": ("", r"\z"), "glob": (r"\A", r"\z")}
