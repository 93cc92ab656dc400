"""Hostile input, scanned by the real program in a process of its own, with little memory and a small stack: each file is one clear error,
the harmless one among them is still judged, and nothing hangs, crashes or grows.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seawall.io.sources.limits import MAX_DEPTH, MAX_NODES

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: a\n    securityContext: {privileged: true}\n"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"

MEGABYTE = 2**20


def limited(memory: int) -> Callable[[], None]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_STACK, (MEGABYTE, MEGABYTE))  # an eighth of the usual

    return limit


def scan(directory: Path, *targets: str, memory: int = 1024 * MEGABYTE) -> Any:
    """The report of ``seawall scan``, whose processes may take ``memory`` bytes each."""
    command = [sys.executable, "-m", "seawall", "scan", *(targets or ["."]), "--rule", "privileged", "--format", "json"]
    run = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120, preexec_fn=limited(memory))
    assert run.returncode in (0, 1, 2, 3), f"ended with {run.returncode}: {run.stderr[-2000:]}"
    assert not run.stderr
    return json.loads(run.stdout)


def laughs(collection: str) -> str:
    """Ten values, ten times ten, ... a thousand million."""
    lines = [f"a0: &a0 {collection.format(', '.join('x' * 10)) if collection == '[{}]' else '{k: x}'}"]
    for level in range(1, 10):
        aliases = [f"*a{level - 1}"] * 10
        inside = ", ".join(aliases if collection == "[{}]" else [f"k{place}: {alias}" for place, alias in enumerate(aliases)])
        lines.append(f"a{level}: &a{level} {collection.format(inside)}")
    return "\n".join(lines)


def chain(link: str) -> str:
    """A thousand values, each with the one before inside."""
    return "a0: &a0 {k: x}\n" + "".join(f"a{level}: &a{level} {link.format(level - 1)}\n" for level in range(1, 1000))


DEEP = f"nested deeper than {MAX_DEPTH} levels; not read"
BOMB = "the document contains excessive aliasing; not read"
STAIRS = [" " * level for level in range(2000)]

HOSTILE: dict[str, tuple[str | bytes, int, str]] = {
    # what is in the file, and the error: its line, and what it begins with
    "laughs-list": (laughs("[{}]"), 5, BOMB),
    "laughs-map": (laughs("{{{}}}"), 6, BOMB),
    "laughs-merge": ("a0: &a0 {k: x}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 10)), 6, BOMB),
    "quadratic-text": (f"a: &a {'x' * 100_000}\nb: [{'*a, ' * 50_000}]\n", 1, BOMB),
    "quadratic-list": (f"a: &a [{'x, ' * 10_000}]\nb: [{'*a, ' * 10_000}]\n", 1, BOMB),
    "many-aliases": (f"a: &a x\nb: [{'*a, ' * 9_000_000}]\n", 2, BOMB),
    "inside-itself": ("a: 1\nb: &b [*b]\n", 2, "the value of an anchor contains itself"),
    "merged-into-itself": ("a: 1\nb: &b\n  <<: *b\n", 2, "the value of an anchor contains itself"),
    "chain-of-lists": (chain("[*a{}]"), MAX_DEPTH, DEEP),
    "chain-of-merges": (chain("{{<<: *a{}}}"), MAX_DEPTH, DEEP),
    "brackets": ("a: 1\nb: " + "[" * 1_000_000, 2, DEEP),
    "closed-brackets": ("[" * 1_000_000 + "]" * 1_000_000, 1, DEEP),
    "braces": ("{a: " * 1_000_000, 1, DEEP),
    "closed-braces": ("{a: " * 100_000 + "}" * 100_000, 1, DEEP),
    "brackets-in-lines": ("[\n" * 100_000, MAX_DEPTH, DEEP),
    "dashes": ("- " * 1_000_000 + "a", 1, DEEP),
    "question-marks": ("? " * 1_000_000 + "a", 1, DEEP),
    "dashes-and-question-marks": ("- ? " * 100_000 + "a", 1, DEEP),
    "stairs": ("".join(f"{step}a:\n" for step in STAIRS), MAX_DEPTH, DEEP),
    "stairs-of-lists": ("".join(f"{step}-\n" for step in STAIRS), MAX_DEPTH, DEEP),
    "double-stairs": ("".join(f"{step}a:\n{step}-\n" for step in STAIRS), MAX_DEPTH, DEEP),
    "stairs-by-carriage-return": ("\r".join(f"{step}a:" for step in STAIRS), 1, DEEP),
    "stairs-by-other-line-ends": ("\u2028".join(f"{step}a:" for step in STAIRS), 1, DEEP),
    "redefined-and-deep": ("a: &a 1\nb: &a 2\nc: " + "[" * 100_000, 3, DEEP),
    "anchors-all-the-way": ("".join(f"&a{n} [" for n in range(100_000)), 1, DEEP),
    "tags-all-the-way": ("!t [" * 100_000, 1, DEEP),
    "tag-directives": ("a: 1\n...\n" + "".join(f"%TAG !a{n}! x\n" for n in range(100_000)), 3, "more than 1,000 %TAG directives"),
    "nul": ("a: 1\nb: \0\n", 2, "not valid YAML: control characters are not allowed (U+0000)"),
    "escape": ("a: 1\n\n# \x1b[31m\n", 3, "not valid YAML: control characters are not allowed (U+001B)"),
    "no-utf-8": (b"a: 1\nb: \xc3\x28\n", 2, "not valid UTF-8: invalid continuation byte"),
    "half-a-pair": ('a: 1\nb: "\\ud800"\n', 2, "not valid YAML: found invalid Unicode character escape code"),
    "open-quote": (f"a: 1\nb: '{'x' * 5_000_000}\n" + "c: d\n" * 1000, 2, "not valid YAML: found unexpected end of stream"),
    "open-double-quote": ("a: 1\nb: \"" + "c: d\n" * 100_000, 2, "not valid YAML: found unexpected end of stream"),
    "not-a-number": ("a: 1\nb: .nan\n", 2, "infinity and not-a-number are no values in JSON"),
    "tab": ("a:\n\tb: 1\n", 2, "not valid YAML: found character that cannot start any token"),
    "undefined-alias": ("a: 1\nb: *c\n", 2, "not valid YAML: found undefined alias"),
    "list-as-key": ("a: 1\n? [b]\n: c\n", 2, "a mapping key must be a scalar"),
    "no-base64": ("a: 1\nb: !!binary '*'\n", 2, "!!binary value contains invalid base64 data"),
    "template": ("a: 1\nb: {{ .Values.b }}\n", 2, "a mapping key must be a scalar; this looks like a template"),
    "long-key": (f"a: 1\n{'k' * 2000}: 1\n", 2, "not valid YAML: "),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 1, "not valid UTF-8: invalid start byte"),
    "archive": (b"PK\x03\x04" + bytes(range(256)), 2, "not valid UTF-8: "),
    "program": ("#!/bin/sh\nfor x in *: do\n  echo: {\ndone\n", 3, "not valid YAML: "),
}  # fmt: skip

STRANGE = {
    # strange, and no error: nothing in it is an object, or the object in it is all right
    "python-tags": "a: !!python/object/apply:os.system ['touch hacked']\nb: !!python/name:os.system\n",
    "long-number": f"a: {'1' * 100_000}\n",
    "long-word": f"a: {'x' * 5_000_000}\n",
    "many-words": "a: " + "x " * 1_000_000,
    "many-lines": "a: x\n" + "  x\n" * 500_000,
    "many-keys": f"{CONFIG}data:\n" + "".join(f"  k{number}: x\n" for number in range(300_000)),
    "blank-lines": "\n" * 3_000_000 + CONFIG,
    "comments": "# - {[\n" * 500_000 + CONFIG,
    "separators": "---\n" * 500_000 + CONFIG,
    "many-braces-in-text": f"{CONFIG}data:\n  dashboard.json: |\n" + '    {"a": [{"b": {"c": [[[{' + "\n    {[{[{[" * 50_000 + "\n",
    "anchor-again": "a: &a 1\n" * 1000,
    "page": "<html>\n<body>nothing</body>\n</html>\n",
    "two-objects-in-json": '{"a": 1}' * 1000,
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One scan of all hostile files, enough of them for worker processes."""
    directory = tmp_path_factory.mktemp("hostile")
    for name, (content, _, _) in HOSTILE.items():
        (directory / f"{name}.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    for name, text in STRANGE.items():
        (directory / f"{name}.yaml").write_text(text)
    (directory / "m.yaml").write_text(POD)
    (directory / "z.yaml").write_text(f"a: [\n---\n{POD}---\nb: {{\n")
    found = scan(directory)
    assert not (directory / "hacked").exists()
    return found


def test_the_harmless_files_are_judged(report: Any) -> None:
    places = [finding["locations"][0] for finding in report["findings"]]
    assert [(place["path"], place["line"]) for place in places] == [("./m.yaml", 7), ("./z.yaml", 9)]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_an_error_at_its_line(report: Any, name: str) -> None:
    _, line, message = HOSTILE[name]
    errors = [error for error in report["errors"] if error["path"] == f"./{name}.yaml"]
    assert errors, "said nothing"
    assert (errors[0]["line"], errors[0]["message"][: len(message)]) == (line, message)


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_file_is_no_error(report: Any, name: str) -> None:
    assert [error for error in report["errors"] if error["path"] == f"./{name}.yaml"] == []


def test_nothing_else_is_an_error(report: Any) -> None:
    assert {error["path"] for error in report["errors"]} == {"./z.yaml", *(f"./{name}.yaml" for name in HOSTILE)}


# Too large


def test_a_line_of_100_megabytes_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.yaml").open("wb") as sparse:
        sparse.write(b"a: ")
        sparse.truncate(100 * MEGABYTE)
    (tmp_path / "b.yaml").write_text(POD)
    for targets in ([], ["a.yaml", "b.yaml"]):
        report = scan(tmp_path, *targets, memory=300 * MEGABYTE)
        assert len(report["findings"]) == 1
        [error] = report["errors"]
        assert (error["line"], error["message"]) == (1, "100 MiB is over the limit of 64 MiB; not read")


def test_a_line_of_60_megabytes_is_read_in_a_few_times_its_size(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"{CONFIG}data: {{a: {'x' * 60_000_000}}}\n---\n{POD}")
    report = scan(tmp_path, memory=1024 * MEGABYTE)
    assert report["errors"] == []
    assert len(report["findings"]) == 1


@pytest.mark.parametrize("text", ["{" + "a," * (MAX_NODES // 2) + "}", "-\r" * MAX_NODES], ids=["keys-in-braces", "dashes-by-carriage-return"])
def test_more_values_than_anybody_needs_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_bytes(text.encode())
    (tmp_path / "b.yaml").write_text(POD)
    report = scan(tmp_path, memory=3072 * MEGABYTE)
    [error] = report["errors"]
    assert (error["line"], error["message"]) == (1, f"more than {MAX_NODES:,} values in one document; not read")
    assert len(report["findings"]) == 1


def test_twenty_thousand_objects_in_one_list_are_read(tmp_path: Path) -> None:
    """What ``kubectl get pods -A -o yaml`` writes in a large cluster: 2 kB for each object, half of it status and metadata."""
    filler = "".join(f"      field-{number}: value of field {number}\n" for number in range(44))
    pod = f"- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: web\n    annotations:\n{filler}  spec: {{hostPID: false}}\n"
    (tmp_path / "all.yaml").write_text("apiVersion: v1\nkind: List\nitems:\n" + pod * 20_000)
    report = scan(tmp_path, memory=3072 * MEGABYTE)
    assert report["errors"] == []
    assert report["scanned"]["resources"] == 20_000


# Names


def test_names_that_are_no_text_are_scanned_and_reported(tmp_path: Path) -> None:
    names = [b"bad\xff.yaml", b"new\nline.yaml", b"\x1b[31m.yaml", "é😀.yaml".encode()]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "w") as file:
            file.write(POD)
    with open(os.path.join(os.fsencode(tmp_path), b"broken\xfe.yaml"), "w") as file:
        file.write("a: [")
    report = scan(tmp_path)
    assert len(report["findings"]) == len(names)
    assert len(report["errors"]) == 1
    assert {finding["locations"][0]["path"] for finding in report["findings"]} >= {"./new\nline.yaml", "./\x1b[31m.yaml", "./é😀.yaml"}


@pytest.mark.parametrize("format_", ["text", "table"])
def test_names_do_not_forge_output(tmp_path: Path, format_: str) -> None:
    for name in (b"a\nerror: all is well.yaml", b"\x1b[2J\xff.yaml"):
        with open(os.path.join(os.fsencode(tmp_path), name), "w") as file:
            file.write(POD + "---\na: [\n")
    command = [sys.executable, "-m", "seawall", "scan", ".", "--rule", "privileged", "--format", format_]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
    assert run.returncode == 1
    output = (run.stdout + run.stderr).decode()
    assert "Traceback" not in output
    assert "\x1b[2J" not in output
    assert "\nerror: all is well" not in output
