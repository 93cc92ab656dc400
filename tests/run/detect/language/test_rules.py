"""Rule files: read, merged, compiled. Each case says what the rules come to, or which errors and warnings stand where."""

import warnings as python_warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.run.detect.language import RuleFile, RuleSet, compile_condition, compile_rules
from seawall.run.detect.language.printer import print_condition

SHARED = Path(__file__).parents[5] / "shared" / "data" / "falco-rules"


def rule(condition: str, more: str = "", name: str = "r") -> str:
    lines = "".join(f"  {line}\n" for line in more.strip("\n").split("\n") if line.strip())
    return f"- rule: {name}\n  desc: d\n  output: o\n  priority: INFO\n  condition: {condition}\n{lines}"


def compiled(*texts: str) -> RuleSet:
    return compile_rules([RuleFile(f"{number}.yaml", text) for number, text in enumerate(texts)])


def conditions(*texts: str) -> dict[str, str]:
    rules = compiled(*texts)
    assert not rules.errors
    return {each.name: print_condition(each.condition) for each in rules.rules}


def errors(*texts: str) -> list[tuple[str, int, str]]:
    return [(error.code, error.line, error.item) for error in compiled(*texts).errors]


def warnings(*texts: str) -> list[tuple[str, int, str]]:
    rules = compiled(*texts)
    assert not rules.errors
    return [(warning.code, warning.line, warning.item) for warning in rules.warnings]


@pytest.mark.parametrize(
    ("name", "live", "disabled"),
    [("falco_rules", 25, 0), ("falco-incubating_rules", 31, 0), ("falco-sandbox_rules", 37, 12), ("k8s_audit_rules", 48, 0)],
)
def test_the_rules_of_falco_load_as_they_are(name: str, live: int, disabled: int) -> None:
    path = SHARED / f"{name}.yaml"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    rules = compile_rules([RuleFile(path.name, path.read_text())])
    assert (rules.errors, rules.warnings) == ([], [])
    assert len(rules.rules) == live
    assert sum(not each.enabled for each in rules.rules) == disabled
    for each in rules.rules:
        again, problems = compile_condition(print_condition(each.condition), source=each.source)
        assert not problems
        assert again is not None
        assert print_condition(again) == print_condition(each.condition)


LISTS = "- list: inner\n  items: [a, 'b c']\n- list: outer\n  items: [inner, d]\n- list: empty\n  items: []\n- list: one\n  items: [z]\n"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("evt.type=open and proc.name in (outer)", '(evt.type = open and proc.name in (a, "b c", d))'),
        ("evt.type=open and proc.name in (x, inner, empty, y)", '(evt.type = open and proc.name in (x, a, "b c", y))'),
        ("evt.type=open and proc.name in (empty)", "(evt.type = open and proc.name in ())"),
        ("evt.type=open and proc.name in (empty, empty, x)", "(evt.type = open and proc.name in (x))"),
        ("evt.type=open and proc.name = one", "(evt.type = open and proc.name = z)"),
        ("evt.type=open and proc.name in one", "(evt.type = open and proc.name in z)"),
        ("evt.type=open and proc.name = 'one'", "(evt.type = open and proc.name = one)"),
        ("evt.type=open and proc.name in (one.x, xone)", "(evt.type = open and proc.name in (one.x, xone))"),
        ("evt.type=open and proc.name endswith anyof (inner)", '(evt.type = open and proc.name endswith anyof (a, "b c"))'),
    ],
)
def test_names_of_lists_are_replaced(condition: str, expected: str) -> None:
    assert conditions(LISTS + rule(condition))["r"] == expected


def test_items_stay_as_they_were_written() -> None:
    text = "- list: l\n  items: [010, 0x1F, 1.50, yes, ~x, 2024-01-01, '\"q w\"', -1, 1_000]\n" + rule("evt.type=open and proc.name in (l)")
    assert conditions(text)["r"].partition(" in ")[2] == '(010, 0x1F, 1.50, yes, ~x, 2024-01-01, "q w", -1, 1_000))'


def test_a_list_inside_itself_stays_a_name() -> None:
    text = "- list: l\n  items: [a]\n- list: l\n  items: [l, b]\n  override: {items: append}\n" + rule("evt.type=open and proc.name in (l)")
    assert conditions(text)["r"] == "(evt.type = open and proc.name in (a, l, b))"


def test_macros() -> None:
    text = "- macro: one\n  condition: evt.type = open\n- macro: two\n  condition: one and not proc.name = a\n" + rule(
        "two or (one and proc.pid > 1)"
    )
    assert conditions(text)["r"] == "((evt.type = open and not proc.name = a) or (evt.type = open and proc.pid > 1))"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- macro: a\n  condition: b\n- macro: b\n  condition: evt.type=open\n" + rule("a"), [("undefined-macro", 2, "macro a")]),
        ("- macro: a\n  condition: evt.type=open\n- macro: a\n  condition: or a\n  append: true\n" + rule("a"), [("macro-loop", 4, "macro a")]),
        (rule("evt.type=open and nothing"), [("undefined-macro", 5, "rule r")]),
        (LISTS + rule("evt.type=open and one"), [("undefined-macro", 13, "rule r")]),
        (rule(">\n    evt.type=open and\n    (proc.name = a or\n     proc.nme = b)"), [("unknown-field", 8, "rule r")]),
        (rule("|\n    evt.type=open and\n    proc.name in (a b)"), [("syntax", 7, "rule r")]),
        (rule("'evt.type=open and\n   proc.pid = x'"), [("bad-comparison", 6, "rule r")]),
        ("- macro: m\n  condition: a and\n" + rule("m") + rule("m", name="s"), [("syntax", 2, "macro m")]),
        ("- list: l\n  items: [a=b]\n" + rule("evt.type=open and proc.name in (l)"), [("syntax", 7, "rule r")]),
        ("x: y\n", [("not-a-list", 1, "")]),
        ("- a\n- 3\n", [("not-a-mapping", 1, ""), ("not-a-mapping", 2, "")]),
        ("- rule: [a]\n", [("bad-value", 1, "rule")]),
        ("- rule: r\n  condition: a\n", [("missing-key", 1, "rule r")]),
        ("- macro: m\n", [("missing-key", 1, "macro m")]),
        ("- macro: m\n  condition:\n", [("bad-value", 2, "macro m")]),
        ("- list: l\n", [("missing-key", 1, "list l")]),
        ("- list: l\n  items: a\n", [("bad-value", 2, "list l")]),
        ("- list: l\n  items: [[a]]\n", [("bad-value", 2, "list l")]),
        ("- list: l\n  items: [a, ~]\n", [("bad-value", 2, "list l")]),
        (rule("evt.type=open", "enabled: maybe"), [("bad-value", 6, "rule r")]),
        (rule("evt.type=open").replace("INFO", "LOUD"), [("bad-priority", 4, "rule r")]),
        (rule("evt.type=open").replace("output: o", "output: '%proc.nme'"), [("bad-output", 3, "rule r")]),
        (rule("evt.type=open").replace("output: o", "output: 100%"), [("bad-output", 3, "rule r")]),
        ("- required_engine_version: 99999\n", [("engine-too-new", 1, "")]),
        ("- required_engine_version: 1.0.0\n", [("engine-too-new", 1, "")]),
        ("- required_engine_version: latest\n", [("bad-version", 1, "")]),
        ("- required_plugin_versions: [{name: a, version: x}]\n", [("bad-version", 1, "")]),
        ("- required_plugin_versions: [{name: a, version: 1.0.0, alternatives: [{name: a, version: 1.0.0}]}]\n", [("bad-version", 1, "")]),
        ("- rule: r\n  enabled: false\n", [("no-such-rule", 1, "rule r")]),
        ("- rule: r\n  condition: and a\n  append: true\n", [("no-such-rule", 1, "rule r")]),
        ("- rule: r\n  condition: a\n  override: {condition: replace}\n", [("no-such-rule", 1, "rule r")]),
        ("- macro: m\n  condition: or a\n  override: {condition: append}\n", [("nothing-to-append-to", 1, "macro m")]),
        ("- list: l\n  items: []\n  append: true\n", [("nothing-to-append-to", 1, "list l")]),
        ("- list: l\n  items: []\n  append: true\n  override: {items: append}\n", [("append-and-override", 4, "list l")]),
        ("- list: l\n  items: []\n  override: {items: prepend}\n", [("bad-override", 3, "list l")]),
        ("- list: l\n  items: []\n  override: {desc: replace}\n", [("bad-override", 3, "list l")]),
        (rule("evt.type=open") + "- rule: r\n  priority: DEBUG\n  override: {priority: append}\n", [("bad-override", 8, "rule r")]),
        (rule("evt.type=open") + "- rule: r\n  override: {priority: replace}\n", [("bad-override", 7, "rule r")]),
        (rule("evt.type=open") + "- rule: r\n  desc: x\n  output: y\n  override: {desc: replace}\n", [("bad-override", 8, "rule r")]),
        (rule("evt.type=open") + "- rule: r\n  append: true\n", [("nothing-to-append", 7, "rule r")]),
        (rule("evt.type=open") + rule("ka.verb = get", "source: k8s_audit"), [("other-source", 6, "rule r")]),
    ],
)
def test_errors_have_a_place_and_an_item(text: str, expected: list[tuple[str, int, str]]) -> None:
    assert errors(text) == expected


def test_one_broken_item_does_not_hide_the_next() -> None:
    text = (
        rule("evt.type = opne")
        + rule("evt.type = open", name="good")
        + rule("a and", name="bad")
        + "---\n- [\n---\n"
        + rule("evt.type=close", name="last")
    )
    rules = compiled(text)
    assert [each.name for each in rules.rules] == ["good", "last"]
    assert [error.code for error in rules.errors] == ["yaml", "unknown-field", "syntax"]


EXCEPTION = "exceptions:\n  - name: e\n    fields: {0}\n    comps: {1}\n    values: {2}"


@pytest.mark.parametrize(
    ("fields", "comps", "values", "expected"),
    [
        (
            "[proc.name, fd.name]",
            "[=, startswith]",
            "[[a, /b], [c, /d e]]",
            '((proc.name = a and fd.name startswith /b) or (proc.name = c and fd.name startswith "/d e"))',
        ),
        ("[proc.name, fd.name]", "[in, !=]", "[[[a, b], x]]", "(proc.name in (a, b) and fd.name != x)"),
        ("[proc.name]", '["!="]', "[[x]]", "proc.name != x"),
        ("[proc.name]", "[in]", "[[x]]", "proc.name in (x)"),
        ("[proc.name]", "[startswith oneof]", "[[[x, y]]]", "proc.name startswith oneof (x, y)"),
        (
            "[proc.name, proc.pname]",
            "[=, =]",
            "[['val(proc.pname)', 'tolower(proc.name)']]",
            "(proc.name = val(proc.pname) and proc.pname = tolower(proc.name))",
        ),
        ("proc.name", "in", "[a, 'b c', l]", 'proc.name in (a, "b c", x, y)'),
        ("fd.name", "pmatch", "[/a, /b]", "fd.name pmatch (/a, /b)"),
        ("[proc.name]", "[=]", "[[one]]", "proc.name = z"),
    ],
)
def test_exceptions(fields: str, comps: str, values: str, expected: str) -> None:
    lists = "- list: l\n  items: [x, y]\n- list: one\n  items: [z]\n"
    text = lists + rule("evt.type=open or evt.type=close", EXCEPTION.format(fields, comps, values))
    assert conditions(text)["r"] == f"((evt.type = open or evt.type = close) and not {expected})"


def test_exceptions_without_comps_or_values() -> None:
    text = rule(
        "evt.type=open",
        "exceptions:\n  - name: e\n    fields: [proc.name, fd.name]\n    values: [[a, b]]\n  - {name: f, fields: proc.name, values: [a]}",
    )
    assert conditions(text)["r"] == "(evt.type = open and not (proc.name = a and fd.name = b) and not proc.name in (a))"
    assert conditions(rule("evt.type=open", "exceptions:\n  - {name: e, fields: [proc.name]}"))["r"] == "evt.type = open"
    assert conditions(rule("evt.type=open", "exceptions:"))["r"] == "evt.type = open"


@pytest.mark.parametrize(
    "exception",
    [
        "{fields: proc.name}",
        "{name: e}",
        "{name: e, fields: [proc.name], comps: [=, =]}",
        "{name: e, fields: [proc.name], comps: '='}",
        "{name: e, fields: proc.name, comps: '='}",
        "{name: e, fields: proc.name, comps: [in]}",
        "{name: e, fields: [proc.name], comps: [equals]}",
        "{name: e, fields: [proc.nme]}",
        "{name: e, fields: proc.name, values: a}",
        "{name: e, fields: proc.name, values: [[a]]}",
        "{name: e, fields: [proc.name], values: [a]}",
        "{name: e, fields: [proc.name], values: [[a, b]]}",
        "{name: e, fields: [proc.name], values: [{a: b}]}",
        "{name: e, fields: [proc.name], comps: [in oneof], values: [[a]]}",
        "a",
        "[a]",
    ],
)
def test_exceptions_that_do_not_fit(exception: str) -> None:
    found = compiled(rule("evt.type=open", f"exceptions:\n  - {exception}")).errors
    assert len(found) == 1
    assert found[0].line in (7, 6)


def test_exceptions_are_appended_to_by_name() -> None:
    base = rule("evt.type=open", EXCEPTION.format("[proc.name]", "[=]", "[[a]]"))
    more = (
        "- rule: r\n  exceptions:\n    - {name: e, values: [[b]]}\n    - {name: f, fields: fd.name, values: [c]}\n  override: {exceptions: append}\n"
    )
    assert conditions(base, more)["r"] == "(evt.type = open and not (proc.name = a or proc.name = b) and not fd.name in (c))"
    assert errors(base, more.replace("{name: e,", "{name: e, fields: [proc.name],")) == [("bad-exception", 3, "exception e")]
    assert errors(base, more.replace("fields: fd.name, ", "")) == [("bad-exception", 4, "exception f")]
    replaced = more.replace("{name: e, values: [[b]]}", "{name: g, fields: proc.pid, values: [1]}").replace("append}", "replace}")
    assert conditions(base, replaced)["r"] == "(evt.type = open and not proc.pid in (1) and not fd.name in (c))"


def test_what_comes_later_changes_what_came_before() -> None:
    base = "- list: l\n  items: [a]\n- macro: m\n  condition: evt.type = open\n" + rule("m and proc.name in (l)", "tags: [x]")
    later = (
        "- list: l\n  items: [b]\n  override: {items: append}\n- macro: m\n  condition: or evt.type = close\n  append: true\n"
        "- rule: r\n  condition: and proc.pid = 1\n  output: '%proc.name'\n  priority: critical\n  tags: [y]\n  enabled: false\n"
        "  override: {condition: append, output: append, priority: replace, tags: append, enabled: replace}\n"
    )
    rules = compiled(base, later)
    assert not rules.errors
    only = rules.rules[0]
    assert print_condition(only.condition) == "((evt.type = open or evt.type = close) and proc.name in (a, b) and proc.pid = 1)"
    assert (only.output, only.priority, only.tags, only.enabled) == ("o %proc.name", "CRITICAL", ("x", "y"), False)
    redefined = rule("evt.type = close", "enabled: no")
    assert [(each.enabled, each.tags, each.file) for each in compiled(base, redefined).rules] == [(False, (), "1.yaml")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rule("proc.name=a"), [("no-evttype", 1, "rule r")]),
        (rule("evt.type!=open"), [("no-evttype", 1, "rule r")]),
        (rule("evt.type=open and evt.type=close"), [("no-evttype", 1, "rule r")]),
        (rule("not (not evt.type=open or proc.name=a)"), []),
        (rule("proc.name=a", "warn_evttypes: false"), []),
        (rule("evt.type=open", "source: cloud"), [("unknown-source", 1, "rule r")]),
        (rule("evt.type=open", "foo: bar"), [("unknown-key", 6, "rule r")]),
        (rule("evt.type=open", "rule: r"), [("repeated-key", 6, "rule r")]),
        (rule("ka.verb=get and ka.uri != <NA>", "source: k8s_audit"), [("unsafe-na-check", 5, "rule r")]),
        (rule("evt.type=open and evt.dir=<"), [("deprecated-field", 5, "rule r")]),
        (rule("evt.type=open and proc.nme=a", "skip-if-unknown-filter: true"), [("unknown-filter", 5, "rule r")]),
        (rule("evt.type=open").replace("output: o", "output: '%x.y'") + "  skip-if-unknown-filter: true\n", [("unknown-filter", 3, "rule r")]),
        (rule("evt.type=open").replace("output: o", "output: a %container.info"), [("deprecated-field", 3, "rule r")]),
        (rule("evt.type=open") + "- rule: r\n  enabled: false\n", [("deprecated-enabled", 7, "rule r")]),
        (rule("evt.type=open") + "- rule: r\n  append: true\n  condition: or evt.type=close\n", [("deprecated-append", 7, "rule r")]),
        (rule("evt.type=open") + "- foo: bar\n-\n", [("unknown-item", 6, "")]),
        (
            "- macro: m\n  condition: evt.type=open\n- list: l\n  items: []\n" + rule("evt.type=open"),
            [("unused-macro", 1, "macro m"), ("unused-list", 3, "list l")],
        ),
        ("- macro: a-b\n  condition: evt.type=open\n" + rule("evt.type=open"), [("invalid-name", 1, "macro a-b"), ("unused-macro", 1, "macro a-b")]),
        (
            rule("evt.type=open", "exceptions:\n  - {name: e, fields: [proc.name]}\n  - {name: e, fields: [fd.name]}"),
            [("exception-name", 8, "exception e")],
        ),
    ],
)
def test_warnings(text: str, expected: list[tuple[str, int, str]]) -> None:
    assert warnings(text) == expected


def test_a_rule_of_an_unknown_source_is_left_out() -> None:
    assert [each.name for each in compiled(rule("anything x", "source: cloud") + rule("evt.type=open", name="s")).rules] == ["s"]


def test_not_equal_need_not_be_quoted() -> None:
    for comps in ("[!=, =]", "[=,!=]", "[=, !=]"):
        assert not errors(rule("evt.type=open", EXCEPTION.format("[proc.name, fd.name]", comps, "[[a, b]]")))
    assert not errors(
        rule("evt.type=open", "exceptions:\n  - name: e\n    fields:\n      - proc.name\n    comps:\n      - !=\n    values:\n      - [x]")
    )
    assert conditions(rule("proc.name != a and evt.type = open"))["r"] == "(proc.name != a and evt.type = open)"


def test_extensions_are_kept_as_they_were_written() -> None:
    only = compiled(rule("evt.type=open", "window: 5m\nthreshold: 010\nsequence:\n  - {rule: a}")).rules[0]
    assert only.extensions == {"window": "5m", "threshold": "010", "sequence": [{"rule": "a"}]}


@pytest.mark.parametrize(
    "text",
    [
        "- list: l0\n  items: [aaaaaaaa]\n"
        + "".join(f"- list: l{n}\n  items: [l{n - 1}, l{n - 1}]\n" for n in range(1, 40))
        + rule("evt.type=open and proc.name in (l39)"),
        "- macro: m0\n  condition: proc.name = a\n"
        + "".join(f"- macro: m{n}\n  condition: m{n - 1} and m{n - 1}\n" for n in range(1, 40))
        + rule("m39"),
        "- macro: m0\n  condition: proc.name = a\n"
        + "".join(f"- macro: m{n}\n  condition: not (m{n - 1} and evt.type=open)\n" for n in range(1, 400))
        + rule("m399"),
        "- list: l\n  items: &a [" + "x," * 1000 + "]\n- rule: r\n  tags: *a\n" + "  desc: *a\n",
        rule("(" * 100_000 + "a"),
        rule("evt.type=open", "exceptions: " + "[" * 150 + "]" * 150),
        "[" * 100_000,
        "- list: l\n  items: [" + "x, " * 300_000 + "y]\n",
    ],
)
def test_hostile_files_are_errors(text: str) -> None:
    rules = compiled(text)
    assert rules.errors
    assert all(len(error.message) < 600 for error in rules.errors)


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            [
                "- rule: r\n",
                "  condition: ",
                "evt.type=open",
                "\n",
                "  output: o\n",
                "  desc: d\n",
                "  priority: info\n",
                "- list: l\n",
                "  items: ",
                "[a]",
                "- macro: m\n",
                "  override: {",
                "condition: append",
                "}\n",
                "  append: true\n",
                "  exceptions:\n",
                "    - {name: e, fields: [proc.name], values: [[a]]}\n",
                ":",
                "&a ",
                "*a",
                "!x",
                "---\n",
                "m",
                "(",
                "%",
                "\t",
                "'",
            ]
        ),
        max_size=25,
    ).map("".join)
)
def test_any_text_compiles_or_is_an_error(text: str) -> None:
    rules = compiled(text)
    for message in [*rules.errors, *rules.warnings]:
        assert message.file == "0.yaml"
        assert 0 <= message.line <= text.count("\n") + 1


def test_classes_of_characters_in_expressions_do_not_make_python_complain() -> None:
    with python_warnings.catch_warnings():
        python_warnings.simplefilter("error")
        assert compile_condition("proc.name regex '[[:alpha:]]+'")[1] == []
    assert compile_condition("proc.name regex 'a(?=b)'")[1]
