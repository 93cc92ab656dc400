"""CEL over one object: values, errors, and expressions that want to run for ever."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.errors import UsageError
from seawall.deploy.cel import Result, compile_expression, evaluate

pytest.importorskip("cel_expr_python.cel", reason="the extra seawall[cel] is not installed")

OBJECT: dict[str, Any] = {"a": {"b": 1}, "none": None, "text": "Grüße", "list": list(range(1000)), "labels": {"example.com/tür": "x"}, "half": 0.5}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("object.a.b == 1", True),
        ("has(object.a) && has(object.a.b) && !has(object.a.c)", True),
        ("object.none == null", True),
        ("object.text.size()", 5),
        ("object.labels['example.com/tür']", "x"),
        ("object.list.all(x, x >= 0)", True),
        ("object.list.exists(x, x == 'a')", False),
        ("object.list.filter(x, x < 3)", [0, 1, 2]),
        ("object.?a.?c.orValue('none')", "none"),
        ("object.text.lowerAscii()", "grüße"),
        ("object.a", {"b": 1}),
        ("object.missing || true", True),
        ("object.half", 0.5),
        ("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.matches('(a+)+b')", False),
    ],
)
def test_values(text: str, value: Any) -> None:
    assert evaluate(text, OBJECT) == Result(value, evaluate(text, OBJECT).type)
    assert not evaluate(text, OBJECT).error


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("object.missing", "no such key: missing"),
        ("has(object.missing.deeper)", "no such key: missing"),
        ("object.none.x", "a field of a value that has no fields"),
        ("object.a.b + 'x'", "no matching overloads"),
        ("object.list[5000]", "index error"),
        ("1 / 0", "divide by zero"),
        ("9223372036854775807 + object.a.b", "overflow"),
        ("'x'.matches('[')", "invalid regular expression"),
        ("object.?missing", "cannot be shown"),
    ],
)
def test_errors_are_results(text: str, error: str) -> None:
    assert error in evaluate(text, OBJECT).error


def test_a_number_that_cel_has_not_is_an_error() -> None:
    assert "out of range" in evaluate("object.n > 0", {"n": 2**70}).error


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("1 +", "line 1, column 4: mismatched input '<EOF>'"),
        ("true &&\n now()", "line 2, column 5: undeclared reference to 'now'"),
        ("objekt.x", "line 1, column 7: undeclared reference to 'objekt.x'"),
        ("'a' * 3", "line 1, column 5: found no matching overload for '_*_' applied to '(string, int)'"),
        ("(" * 400 + "1" + ")" * 400, "the expression nests too deep"),
        ("object" + ".a" * 1000, "the expression nests too deep"),
        ("true" + " " * 5000, "the expression has 5004 characters; it may have 4000"),
        ("[1]" + ".map(x, [x])" * 4, "the expression uses map (or optMap, optFlatMap) more than 3 times"),
        ("", "line 1"),
    ],
)
def test_what_is_no_cel_is_told_with_its_place(text: str, error: str) -> None:
    with pytest.raises(UsageError) as raised:
        compile_expression(text)
    assert error in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("object.list.all(a, object.list.all(b, object.list.all(c, true)))", "the expression loops too often"),
        ("object.list.all(a, object.list.all(b, true))", "the expression loops too often"),
        ("'aaaaaaaaaa'" + ".replace('a', 'aaaaaaaaaa')" * 12 + ".size() > 1", "the expression needs too much memory"),
        ("[['a']]" + f".map(x, [{','.join('x' * 300)}])" * 3, "the result has more than 100000 values"),
        ("[object.list.map(x, object.list)].map(y, [y, y, y])", "the result has more than 100000 values"),
    ],
)
def test_bombs_are_bounded(text: str, error: str) -> None:
    assert evaluate(text, OBJECT).error == error


def test_what_ran_out_of_memory_is_not_tried_again_and_others_work() -> None:
    bomb = compile_expression("object.s" + ".replace('a', 'aaaaaaaaaaaaaaaaaaaa')" * 10 + ".size() > 1")
    assert bomb.run({"s": "a"}).error == "the expression needs too much memory"
    assert bomb.run({"s": "b"}).error == "the expression needs too much memory"
    assert evaluate("object.s == 'a'", {"s": "a"}).value is True


@pytest.mark.parametrize("data", [{"s": "a\0b"}, {"a\0b": 1}, {"l": [{"s": "\0"}]}])
def test_text_that_the_core_would_cut_is_not_judged(data: dict[str, Any]) -> None:
    assert evaluate("true", data).error == "text with a NUL character cannot be judged"


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(TEXT, JSON, max_size=3))
def test_an_object_goes_through_unchanged(data: dict[str, Any]) -> None:
    assert evaluate("object", data).value == data


@settings(max_examples=150, deadline=None)
@given(st.text("()[]{}.,+-*/%!=<>?:&|'\"\\ object1a\n", max_size=30))
def test_no_text_is_more_than_an_error(text: str) -> None:
    try:
        result = evaluate(text, OBJECT)
    except UsageError:
        return
    assert isinstance(result, Result)
