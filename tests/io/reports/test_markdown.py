"""The Markdown report: what it shows, how long it gets, and that nothing out of a manifest is anything but text."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from seawall.app.scan import scan
from seawall.core.finding import Status, Suppression
from seawall.core.fix import Fix
from seawall.core.policy import Policy
from seawall.core.report import Report, ScanError
from seawall.core.severity import Severity
from seawall.core.target import ResourceTarget
from seawall.core.verdict import NotEvaluated
from seawall.deploy.workload import compile_checks
from seawall.io.reports import render
from seawall.io.reports.context import Context
from seawall.io.reports.markdown import LIMIT, TOP, code, fence, words

Build = Callable[..., Any]
CORPUS = Path(__file__).parents[4] / "shared" / "data" / "corpus"
HOSTILE = [
    "@all see https://evil.example/",
    "www.evil.example me@evil.example GH-1 #1 !1 org/repo#1 deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    "[click](https://evil.example) ![x](https://evil.example/x.png)",
    "</details></code></summary><img src=x onerror=alert(1)><script>alert(1)</script>",
    "``` \n```\n@all\n~~~\n`````text\n@all",
    "`@all` ``@all`` ```",
    "| a | b |\n|---|---|",
    "<!-- \n\n# @all",
    "\u202e@all\u200b",
]


def text(report: Report, **context: Any) -> str:
    written = render("markdown", report, Context(**context))
    assert len(written) < 65_536
    assert len(written) <= LIMIT
    return written


def outside_code(markdown: str) -> Iterator[str]:
    """What a reader of CommonMark has left after fenced blocks, code spans and ``<code>``: written anew, not with the renderer's own rules."""
    fence_ = ""
    for line in markdown.split("\n"):
        if fence_:
            fence_ = "" if re.fullmatch(rf" {{0,3}}{fence_[0]}{{{len(fence_)},}}[ \t]*", line) else fence_
            continue
        if opening := re.fullmatch(r" {0,3}(`{3,}|~{3,})[^`]*", line):
            fence_ = opening[1]
            continue
        rest = re.sub(r"(?<!`)(`+)(?!`)(?:.*?[^`])\1(?!`)", "", line)
        yield re.sub(r"<code>[^<]*</code>", "", rest)
    assert not fence_


ALLOWED = re.compile(
    r"|<!-- seawall -->|## Seawall|\|[a-z0-9*:| -]+\||</details>"
    r"|<details(?: open)?><summary>[\w ]*</summary>"
    r"|\*\*(?:critical|high|medium|low|info|unknown)\*\* (?:[A-Za-z]+(?:(?:[ '-]|, )[A-Za-z]+)*)? ?\(\)"
    r"|\* (?:\.\.\. and \d+ more)?|\.\.\. and \d+ more\. The other reports \(\) have all of them\."
    r"|[\w ,;]+ \(\d+\.\d\d s\)[\w ,;]*"
)


def check(markdown: str) -> None:
    for line in outside_code(markdown):
        assert ALLOWED.fullmatch(line), line


def test_one_finding(finding: Build, report: Build) -> None:
    written = text(report(finding()))
    check(written)
    assert written == (
        "<!-- seawall -->\n"
        "## Seawall\n\n"
        "| critical | high | medium | low | info |\n"
        "|---:|---:|---:|---:|---:|\n"
        "| **1** | 0 | 0 | 0 | 0 |\n\n"
        "1 critical in 12 files, 31 objects (0.21 s)\n\n"
        "<details open><summary><code>deploy/web.yaml</code> 1 finding</summary>\n\n"
        "**critical** Container runs privileged (`privileged`)\n\n"
        "```text\n"
        "container app sets privileged: true\n"
        "  --> deploy/web.yaml:24:13\n"
        "24 |             privileged: true\n"
        "   |             ^^^^^^^^^^^^^^^^\n"
        "about: Deployment shop/web, container app\n"
        "fix: set privileged to false (safe)\n"
        "```\n\n"
        "</details>\n\n"
    )


def test_no_findings(report: Build) -> None:
    written = text(report())
    check(written)
    assert written == "<!-- seawall -->\n## Seawall\n\nno findings in 12 files, 31 objects (0.21 s)\n\n"


def test_the_worst_come_first_and_the_rest_is_counted(finding: Build, location: Build, report: Build) -> None:
    low = [finding(severity=Severity.LOW, locations=(location(path=f"{number % 7}.yaml"),)) for number in range(100)]
    written = text(report(*low, finding()))
    check(written)
    assert written.count("```text") == TOP
    assert written.index("**critical**") < written.index("**low**")
    assert f"... and {101 - TOP} more." in written
    shown = re.findall(r"</code> (?:(\d+) of )?(\d+) findings?</summary>", written)
    assert sum(int(some or every) for some, every in shown) == TOP


def test_findings_that_are_not_open_are_told_apart(finding: Build, report: Build) -> None:
    accepted = finding(status=Status.SUPPRESSED, suppression=Suppression("comment", "@all known"))
    found = report(accepted, finding(status=Status.BASELINE))
    written = text(found)
    check(written)
    assert "**critical**" not in written
    assert "<summary>2 findings suppressed or in the baseline</summary>" in written
    assert "suppressed by comment: @all known`" in written
    told = text(found, verbose=True)
    check(told)
    assert "status: suppressed by comment: @all known\n" in told
    assert "status: baseline\n" in told


def test_errors_and_blind_spots(finding: Build, report: Build) -> None:
    errors = tuple(ScanError(f"{number}.yaml", 3, "not valid YAML") for number in range(30))
    blind = NotEvaluated("netpol-missing", finding().target, "no NetworkPolicy was given to the scan")
    written = text(report(errors=errors, not_evaluated=(blind,)))
    check(written)
    assert "<summary>30 errors</summary>\n\n* `0.yaml:3: not valid YAML`\n" in written
    assert "* ... and 10 more\n" in written
    assert "* `netpol-missing: 1 object: no NetworkPolicy was given to the scan`\n" in written


@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_text_stays_text(payload: str, finding: Build, location: Build, report: Build) -> None:
    found = finding(
        rule=payload,
        title=payload,
        message=payload,
        target=ResourceTarget(kind=payload, name=payload, namespace=payload, container=payload),
        locations=(location(path=payload, snippet=payload.replace("\n", " ") * 5, column=3, end_column=9),),
        fix=Fix(safe=True, description=payload),
    )
    accepted = replace(found, status=Status.SUPPRESSED, suppression=Suppression(payload, payload))
    errors = (ScanError(payload, 1, payload),)
    for verbose in (False, True):
        check(text(report(found, accepted, errors=errors, not_evaluated=(NotEvaluated(payload, found.target, payload),)), verbose=verbose))


def test_a_long_report_of_long_texts_fits(finding: Build, location: Build, report: Build) -> None:
    long = "<`@" * 5000
    found = [
        finding(
            rule=long, title=long, message=long, locations=(location(path=f"{number}{long}", snippet=long),), fix=Fix(safe=True, description=long)
        )
        for number in range(300)
    ]
    blind = tuple(NotEvaluated(f"{number}{long}", found[0].target, long) for number in range(300))
    written = text(report(*found, errors=(ScanError(long, 1, long),) * 300, not_evaluated=blind))
    check(written)
    assert written.count("**critical**") >= 5
    assert re.search(r"\.\.\. and \d+ more\.", written)


@pytest.mark.parametrize("title", ["Container runs privileged", "Pod shares the node's IPC namespace", "Too-wide, all in all"])
def test_plain_words_stay(title: str) -> None:
    assert words(title) == title


@settings(max_examples=100)
@given(st.text(max_size=30))
def test_code_comes_back(value: str) -> None:
    span = code(value)
    ticks = re.match("`+", span)
    assert ticks
    inner = span[len(ticks[0]) : -len(ticks[0])]
    assert ticks[0] not in re.findall("`+", inner)
    check(f"* {span}")
    check(fence([value, value]))


@settings(max_examples=50)
@given(data=st.data())
def test_any_report_is_only_text(reports: st.SearchStrategy[Report], data: st.DataObject) -> None:
    report = data.draw(reports)
    written = text(report, verbose=data.draw(st.booleans()))
    check(written)
    assert len(re.findall("^<details", written, re.MULTILINE)) == len(re.findall("^</details>$", written, re.MULTILINE))


def test_a_real_report() -> None:
    if not CORPUS.is_dir():
        pytest.skip(f"no corpus at {CORPUS}")
    checks = compile_checks(Policy())
    found = scan([str(CORPUS / "kubernetes-goat")], checks)
    written = text(found, rules=checks.rules)
    check(written)
    assert written.count("```text") == min(TOP, found.summary.open)
