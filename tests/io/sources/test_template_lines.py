"""Origins of lines, against a slow twin that is obviously right: it prints templates itself and remembers the line that it printed."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.io.sources import template_lines
from seawall.io.sources.template_lines import Template

Printed = list[tuple[str, int]]
Block = tuple[str, list["Block | str"], list["Block | str"]]  # if or range, its body, its else

LINES = (
    "a: 1",
    "b: 2",
    "  c: 3",
    "d: {{ .x }}",
    "  e: {{ .y }}-z",
    "{{- toYaml .l | nindent 2 }}",
    "f: {{- toYaml .m | nindent 4 }}",
    "# {{/* no */}}",
    "",
)
VALUES = ("a: 1", "3", "c: 3", "", "x y")


def blocks() -> st.SearchStrategy[list[Block | str]]:
    line: st.SearchStrategy[Block | str] = st.sampled_from(LINES)
    return st.recursive(
        st.lists(line, max_size=4),
        lambda inner: st.lists(
            st.one_of(line, st.tuples(st.sampled_from(("if", "range")), inner, inner)),
            max_size=4,
        ),
        max_leaves=12,
    )


def write(parts: list[Block | str], lines: list[str]) -> Iterator[tuple[int, Block | str, list[object]]]:
    """The template of a tree, and the tree with the line of each part."""
    for part in parts:
        number = len(lines) + 1
        if isinstance(part, str):
            lines.append(part)
            yield number, part, []
        else:
            keyword, body, other = part
            lines.append(f"{{{{- {keyword} .c }}}}")
            inner = list(write(body, lines))
            lines.append("{{- else }}")
            outer = list(write(other, lines))
            lines.append("{{- end }}")
            yield number, part, [inner, outer]


def show(tree: list[tuple[int, Block | str, list[object]]], chance: random.Random) -> Printed:
    """One of the outputs of a template: conditions and values fall as they may."""
    printed: Printed = []
    for number, part, below in tree:
        if isinstance(part, str):
            printed += [(text, number) for text in shown(part, chance)]
            continue
        inner, outer = below
        times = chance.randint(0, 2) if part[0] == "range" else chance.randint(0, 1)
        for _ in range(times):
            printed += show(inner, chance)  # type: ignore[arg-type]
        if not times:
            printed += show(outer, chance)  # type: ignore[arg-type]
    return printed


def shown(line: str, chance: random.Random) -> list[str]:
    if "toYaml" in line:
        indent = " " * (2 if line.startswith("{{-") else 4)
        more = [indent + chance.choice(VALUES) for _ in range(chance.randint(1, 2))]
        return more if line.startswith("{{-") else ["f:", *more]
    if "/*" in line:
        return ["# "]
    before, brace, after = line.partition("{{")
    return [before + chance.choice(VALUES) + after.partition("}}")[2] if brace else line]


@settings(max_examples=300)
@given(blocks(), st.randoms(use_true_random=False))
def test_what_is_said_is_right(parts: list[Block | str], chance: random.Random) -> None:
    lines: list[str] = []
    tree = list(write(parts, lines))
    printed = show(tree, chance)
    (traced,) = Template("\n".join(lines)).trace([[text for text, _ in printed]])
    for (text, number), said in zip(printed, traced, strict=True):
        assert said in (None, number), (lines, text)


def test_plain_lines_are_told_without_exception() -> None:
    lines = [f"key{number}: value" for number in range(50)]
    assert Template("\n".join(lines)).trace([lines]) == [list(range(1, 51))]
    assert Template("\n".join(lines)).trace([lines[:-1]]) == [[None] * 49]


def test_actions_over_several_lines_and_braces_in_texts() -> None:
    template = 'a: 1\n{{- include "x" (dict\n  "a" "}}" ) | nindent 2 }}\nb: {{ "{{" }}\nc: {{ `}}\n` }}d\ne: 5\n'
    assert Template(template).trace([["a: 1", "  x: y", "b: {{", "e: 5"]])[0] == [None] * 4
    assert Template(template).trace([["a: 1", "  x: y", "b: {{", "c: zd", "e: 5"]])[0] == [1, 2, 4, 5, 7]


def test_hostile_templates_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_lines, "MAX_STEPS", 100_000)
    optional = "{{ if .a }}\nx: {{ .b }}\n{{ end }}\n" * 2_000
    assert Template(optional).trace([["x: 1"] * 2_000]) == [[None] * 2_000]
    wild = "a: " + "{{ .x }}a" * 2_000
    assert Template(wild).trace([["a: " + "a" * 100_000 + "b"]]) == [[None]]
    assert Template("{{" * 5_000).trace([["a"]]) == [[None]]
    assert Template("{{ end }}\n{{ else }}\n{{ if }}\na: 1\n").trace([["a: 1"]])[0] in ([4], [None])
