"""The grammar: what is a condition, what is none, and that what is printed reads back the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.run.detect.language.parser import MAX_DEPTH, ConditionError, parse
from seawall.run.detect.language.printer import print_condition
from seawall.run.detect.language.tree import (
    LIST_OPERATORS,
    MODIFIERS,
    NUMBER_OPERATORS,
    STRING_OPERATORS,
    And,
    Call,
    Check,
    Condition,
    Field,
    Group,
    Name,
    Not,
    Or,
    Text,
)

ACCEPTED = {
    "a": "a",
    " \t\b\r\n a \n": "a",
    "not a": "not a",
    "not not a": "a",
    "not(a)": "not a",
    "not not(a)": "a",
    "not ( a )": "not a",
    "nota": "nota",
    "a and b or c": "((a and b) or c)",
    "a or b and c": "(a or (b and c))",
    "a and(b)or(c)": "((a and b) or c)",
    "(a)and b": "(a and b)",
    "x.y exists": "x.y exists",
    "x.y existsand a": "(x.y exists and a)",
    "x.y=z": "x.y = z",
    "x.y == z": "x.y == z",
    "x.y!=z": "x.y != z",
    "x.y = /a/b:c@d*[]{}|;!<>%": "x.y = /a/b:c@d*[]{}|;!<>%",
    "x.y='a b'": 'x.y = "a b"',
    'x.y = "it\'s"': 'x.y = "it\'s"',
    r"x.y = 'it\'s \t \\ \/'": 'x.y = "it\'s \\t \\\\ /"',
    r"x.y = 'a\ b'": r'x.y = "a\\b"',
    "x.y = ''": 'x.y = ""',
    "x.y<5": "x.y < 5",
    "x.y >= -1.5e+3": "x.y >= -1.5e+3",
    "x.y > 0xFf": "x.y > 0xFf",
    "x.y > 5and a": "(x.y > 5 and a)",
    "x.y in (a,b , 'c d')": 'x.y in (a, b, "c d")',
    "x.y in ()": "x.y in ()",
    "x.y in(a)": "x.y in (a)",
    "x.y in list": "x.y in list",
    "x.y intersects(a)": "x.y intersects (a)",
    "x.y pmatch (/a,/b)": "x.y pmatch (/a, /b)",
    "x.y contains\na": "x.y contains a",
    "x.y regex 'a.*b'": "x.y regex a.*b",
    "x.y startswith oneof (a, b)": "x.y startswith oneof (a, b)",
    "x.y = anyof(a)": "x.y = anyof (a)",
    "x.y glob allof list": "x.y glob allof list",
    "x.y = oneof": "x.y = oneof",
    "x.y = oneof and a": "(x.y = oneof and a)",
    "x.y[1]=a": "x.y[1] = a",
    "x.y['a b'] = c": 'x.y["a b"] = c',
    "x.y[/a/b] exists": "x.y[/a/b] exists",
    "tolower(x.y) = a": "tolower(x.y) = a",
    "tolower( toupper( x.y[1] ) ) = a": "tolower(toupper(x.y[1])) = a",
    "x.y = val(x.z)": "x.y = val(x.z)",
    "x.y in val(x.z)": "x.y in val(x.z)",
    "x.y > len(x.z)": "x.y > len(x.z)",
    "join(',', (x.y, 'a', 3)) = b": 'join(",", (x.y, "a", 3)) = b',
    "concat(x.y, ':', tolower(x.z)) in (a)": 'concat(x.y, ":", tolower(x.z)) in (a)',
    "getopt(x.y, 'ab:')[b] = c": 'getopt(x.y, "ab:")[b] = c',
    "or or or": "(or or or)",
    "not": "not",
}

REJECTED = [
    "", " ", "()", "(", ")", "(a", "a)", "a b", "a and", "a andb", "a or", "a orb", "a or(b) and c", "a AND b", "a && b",
    "x.y", "x.y =", "x.y = a b", "x.y = a,b", "x.y = (a)", "x.y = a=b", "x.y equals a", "x.y contains(a)", "x.y containsa", "x.y contains",
    "x.y < a", "x.y > 'a'", "x.y <", "x.y > +", "x.y = 'a", 'x.y = "a\\"', r"x.y = '\x41'", r"x.y = '\"'", r'x.y = "\'"',
    "x.y in", "x.y in (a", "x.y in (a,)", "x.y in (,a)", "x.y in (a b)", "x.y in a, b", "x.y in ((a))", "x.y in 'a'", "x.y in (a=b)",
    "x.y[] = a", "x.y[1 = a", "x.y [1] = a", "x.y[a b] = c", "x.y['a] = c", "x.y[[1]] = a", "x. = a", ".y = a", "1.x = a", "x..y = a",
    "tolower (x.y) = a", "tolower() = a", "tolower(x.y = a", "tolower(a) = b", "val(x.y) = a", "x.y = val(a)", "x.y = val(val(x.z))",
    "x.y = tolower(", "join(',', (x.y,)) = a", "x.y exists = a", "not_a not b", "a,b", "x.y startswith oneof (a", "in (a)", "'a' = x.y",
]  # fmt: skip


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(text: str) -> None:
    assert print_condition(parse(text)) == ACCEPTED[text]


@pytest.mark.parametrize("text", REJECTED)
def test_rejected_with_a_place_inside(text: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert 0 <= caught.value.at <= len(text)
    assert caught.value.message


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("proc.name in (a b)", 16, "',' or ')'"),
        ("proc.name = a b", 14, "quote values"),
        ("proc.nam contain b", 9, "did you mean contains"),
        ("(a and b", 0, "never closed"),
        ("a and b)", 7, "too many"),
        ("a AND b", 2, "'and'"),
        ("x.y = 'abc", 6, "no closing"),
        (r"x.y = 'ab\q'", 9, "no escape"),
    ],
)
def test_the_place_and_the_advice(text: str, at: int, says: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert caught.value.at == at
    assert says in caught.value.message


@pytest.mark.parametrize("opening", ["(", "not(", "tolower(", "x.y in (", "not ", "(x.y = a and "])
def test_depth_is_bounded_whatever_nests(opening: str) -> None:
    with pytest.raises(ConditionError):
        parse(opening * 300_000)


def test_the_limit_of_depth_is_where_it_is_said_to_be() -> None:
    depth = MAX_DEPTH - 1
    assert parse("(" * depth + "a" + ")" * depth) == Name("a", depth)
    with pytest.raises(ConditionError, match="deeper"):
        parse("(" * (depth + 1) + "a" + ")" * (depth + 1))


def test_length_is_not_depth() -> None:
    condition = parse(" and ".join(["x.y = a"] * 20_000))
    assert isinstance(condition, And)
    assert len(condition.parts) == 20_000


WORDS = st.from_regex("[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(lambda word: not word.startswith(("not", "and", "or")))
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.from_regex(r"[+-]?[0-9]{1,4}(\.[0-9]{0,3})?|0x[0-9a-f]{1,4}", fullmatch=True)
FIELDS = st.builds(Field, st.builds("{}.{}".format, WORDS, WORDS), st.none() | VALUES)
OPERANDS = st.recursive(
    FIELDS,
    lambda inner: st.builds(
        Call,
        st.sampled_from(["tolower", "join", "concat", "getopt", "len"]),
        st.lists(
            inner | st.builds(Text, VALUES) | st.builds(Group, st.lists(inner | st.builds(Text, VALUES), max_size=2).map(tuple)), min_size=1
        ).map(tuple),
        st.none() | VALUES,
    ),
    max_leaves=4,
)
COMPUTED = st.builds(lambda field: Call("val", (field,)), FIELDS) | OPERANDS.filter(lambda operand: isinstance(operand, Call))
LISTS = st.lists(VALUES, max_size=3).map(tuple)
CHECKS = st.one_of(
    st.builds(lambda left: Check(left, "exists"), OPERANDS),
    st.builds(lambda left, operator, value: Check(left, operator, (value,)), OPERANDS, st.sampled_from(NUMBER_OPERATORS), NUMBERS),
    st.builds(lambda left, operator, value: Check(left, operator, (value,)), OPERANDS, st.sampled_from(STRING_OPERATORS), VALUES),
    st.builds(lambda left, operator, values: Check(left, operator, values, is_list=True), OPERANDS, st.sampled_from(LIST_OPERATORS), LISTS),
    st.builds(
        lambda left, operator, other: Check(left, operator, other=other), OPERANDS, st.sampled_from(STRING_OPERATORS + LIST_OPERATORS), COMPUTED
    ),
    st.builds(
        lambda left, operator, modifier, values: Check(left, operator, values, modifier=modifier, is_list=True),
        OPERANDS,
        st.sampled_from(STRING_OPERATORS),
        st.sampled_from(MODIFIERS),
        LISTS,
    ),
)
CONDITIONS = st.recursive(
    CHECKS | st.builds(Name, WORDS),
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Not, inner.filter(lambda part: not isinstance(part, Not))),
    ),
    max_leaves=8,
)


@settings(max_examples=300)
@given(CONDITIONS)
def test_what_is_printed_reads_back_the_same(condition: Condition) -> None:
    text = print_condition(condition)
    assert print_condition(parse(text)) == text
    assert without_places(parse(text)) == without_places(condition)


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from([*"ab.=!<>()[]'\"\\ ,\n1x", "and", "or", "not", "in", "exists", "x.y", "tolower(", "val("]), max_size=30).map("".join)
)
def test_any_text_is_a_condition_or_an_error_with_a_place(text: str) -> None:
    try:
        condition = parse(text)
    except ConditionError as error:
        place = error.at
    else:
        place = 0
        assert without_places(parse(print_condition(condition))) == without_places(condition)
    assert 0 <= place <= len(text)


def without_places(node: object) -> object:
    """The tree as nested tuples, without where things stand."""
    if isinstance(node, tuple):
        return tuple(map(without_places, node))
    if hasattr(node, "__struct_fields__"):
        return type(node).__name__, *(without_places(getattr(node, name)) for name in node.__struct_fields__ if name != "at")
    return node
