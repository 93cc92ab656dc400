"""The text report: exact words for a few small reports, properties for all of them."""

import re
from collections.abc import Callable
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from seawall.core.finding import Evidence, Finding, Status, Suppression
from seawall.core.fix import Fix
from seawall.core.location import Location, Origin
from seawall.core.report import Report, ScanError, Scanned
from seawall.core.rule import Rule
from seawall.core.severity import Confidence, Severity
from seawall.core.target import ResourceTarget, SubjectTarget
from seawall.core.verdict import NotEvaluated
from seawall.io.reports import render
from seawall.io.reports.context import Context
from seawall.io.reports.terminal import columns

Build = Callable[..., Any]
SGR = re.compile(r"\x1b\[[0-9;]+m")


def text(report: Report, **context: Any) -> str:
    return render("text", report, Context(**context))


def test_one_finding(finding: Build, report: Build) -> None:
    assert text(report(finding())) == (
        "critical[privileged]: container app sets privileged: true\n"
        "  --> deploy/web.yaml:24:13\n"
        "   |\n"
        "24 |             privileged: true\n"
        "   |             ^^^^^^^^^^^^^^^^\n"
        "   = note: Deployment shop/web, container app\n"
        "   = fix: set privileged to false (safe)\n"
        "   = help: seawall explain privileged\n"
        "\n"
        "1 critical in 12 files, 31 objects (0.21 s)\n"
    )


def test_everything_that_is_known_on_request(finding: Build, location: Build, report: Build, rules: dict[str, Rule]) -> None:
    found = finding(
        severity=Severity.UNKNOWN,
        confidence=Confidence.MEDIUM,
        locations=(
            location(origin=Origin("helm", "chart/templates/web.yaml", 7)),
            location(path="-", line=7, column=1, end_line=7, end_column=3, snippet="ab cd", field=None),
            location(path="secret.yaml", line=123, column=1, snippet=UNSET, field=None),
        ),
        evidence=(Evidence("value", True), Evidence("ports", [22, 2222])),
        fix=Fix(safe=False, description="set privileged to false"),
        status=Status.SUPPRESSED,
        suppression=Suppression("comment", "debugging until the driver is out", "2031-01-01"),
    )
    assert text(report(found), verbose=True, rules=rules, width=60) == (
        "unknown[privileged]: container app sets privileged: true\n"
        "   --> deploy/web.yaml:24:13\n"
        "    |\n"
        " 24 |             privileged: true\n"
        "    |             ^^^^^^^^^^^^^^^^\n"
        "   ::: <stdin>:7:1\n"
        "    |\n"
        "  7 | ab cd\n"
        "    | --\n"
        "   ::: secret.yaml:123:1\n"
        "    = note: Deployment shop/web, container app\n"
        "    = note: suppressed by comment: debugging until the\n"
        "            driver is out (until 2031-01-01)\n"
        "    = note: rendered by helm from chart/templates/web.yaml:7\n"
        "    = note: confidence is medium\n"
        "    = note: field\n"
        "            spec.template.spec.containers[0].securityContext.privileged\n"
        "    = note: value is true\n"
        "    = note: ports is [22,2222]\n"
        "    = fix: set privileged to false (may break the\n"
        "           application)\n"
        "    = help: seawall explain privileged\n"
        "    = see: https://kubernetes.io/docs/concepts/security/\n"
        "\n"
        "no findings in 12 files, 31 objects (0.21 s); 1 suppressed\n"
    )


def test_suppressed_and_baseline_findings_are_counted_but_not_shown(finding: Build, report: Build) -> None:
    found = [finding(severity=Severity.LOW), finding(status=Status.SUPPRESSED), finding(status=Status.BASELINE), finding(status=Status.BASELINE)]
    shown = text(report(*found))
    assert shown.count("[privileged]:") == 1
    assert shown.endswith("\n\n1 low in 12 files, 31 objects (0.21 s); 1 suppressed; 2 in the baseline\n")
    assert text(report(*found), verbose=True).count("[privileged]:") == 4


def test_errors_and_blind_spots_follow_the_findings(finding: Build, report: Build) -> None:
    service = ResourceTarget(kind="Service", name="web", namespace="shop")
    blind = NotEvaluated("service-targets-pod", service, "no workload was given to the scan")
    incomplete = report(
        finding(locations=(), fix=None, target=SubjectTarget("User", "jane")),
        errors=(ScanError("broken.yaml", 3, "not valid YAML"), ScanError("-", None, "over the limit"), ScanError("broken.yaml", 9, "not valid YAML")),
        not_evaluated=(blind, blind, replace(blind, reason="another")),
    )
    assert text(incomplete) == (
        "critical[privileged]: container app sets privileged: true\n"
        " = note: User jane\n"
        " = help: seawall explain privileged\n"
        "\n"
        "error: broken.yaml:3: not valid YAML\n"
        "error: <stdin>: over the limit\n"
        "error: broken.yaml:9: not valid YAML\n"
        "not evaluated[service-targets-pod]: 2 objects: no workload was given to the scan\n"
        "not evaluated[service-targets-pod]: 1 object: another\n"
        "\n"
        "1 critical in 12 files, 31 objects (0.21 s); errors in 2 files; 3 checks not evaluated\n"
    )
    assert text(incomplete, verbose=True).count("not evaluated[service-targets-pod]: Service shop/web: ") == 3


@pytest.mark.parametrize(
    ("scanned", "errors", "summary"),
    [
        (Scanned(("a",), files=1, resources=1, seconds=0.004), (), "no findings in 1 file, 1 object (0.00 s)\n"),
        (Scanned(("a",), files=0, resources=0, images=2, seconds=75), (), "no findings in 2 images (75.00 s)\n"),
        (Scanned(("a",)), (ScanError("a", None, "gone"),), "nothing could be scanned (0.00 s); errors in 1 file\n"),
    ],
)
def test_the_last_line_says_what_was_scanned(report: Build, scanned: Scanned, errors: tuple[ScanError, ...], summary: str) -> None:
    assert text(report(scanned=scanned, errors=errors)).splitlines(keepends=True)[-1] == summary


def test_an_object_without_a_name(finding: Build, report: Build) -> None:
    assert "   = note: Pod\n" in text(report(finding(target=ResourceTarget(kind="Pod", name=""))))


def test_a_message_wraps_and_a_source_line_is_cut(finding: Build, location: Build, report: Build) -> None:
    long = "key: " + "v" * 300
    found = finding(message="much to say " * 9, locations=(location(column=1, end_column=6, snippet=long),))
    lines = text(report(found), width=40).splitlines()
    assert lines[0] == "critical[privileged]: much to say much"
    assert lines[1] == "  to say much to say much to say much to"
    [source] = [line for line in lines if line.startswith("24 |")]
    assert source == "24 | key: " + "v" * 24 + "..."


# --- for anything that hostile input can make the rules say


@settings(max_examples=40)
@given(data=st.data(), verbose=st.booleans())
def test_nothing_steers_the_terminal(reports: st.SearchStrategy[Report], data: st.DataObject, verbose: bool) -> None:
    shown = text(data.draw(reports), verbose=verbose)
    # Control and formatting characters, lone surrogates, separators of lines and paragraphs: none but our own line ends.
    assert not {category(character) for character in shown.replace("\n", "")} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


# Every line that the report can begin; what an input says stands behind one of these, or indented below it.
OURS = re.compile(
    r"(critical|high|medium|low|info|unknown)\[[a-z-]+\]: | *(-->|:::) | *[0-9]* \|| *= (note|fix|help|see): |error: |not evaluated\[[a-z-]+\]: |$"
)


@settings(max_examples=40)
@given(data=st.data(), verbose=st.booleans())
def test_no_input_can_write_a_line_of_its_own(reports: st.SearchStrategy[Report], data: st.DataObject, verbose: bool) -> None:
    *lines, last = text(data.draw(reports), verbose=verbose, width=10**6).splitlines()
    assert all(OURS.match(line) for line in lines), lines
    assert re.match(r"(no findings in|nothing could be scanned|\d+ (critical|high|medium|low|info|unknown))", last)


@settings(max_examples=40)
@given(data=st.data())
def test_colours_change_nothing_but_colours(reports: st.SearchStrategy[Report], data: st.DataObject) -> None:
    report = data.draw(reports)
    assert SGR.sub("", text(report, color=True, verbose=True)) == text(report, verbose=True)


@settings(max_examples=40)
@given(data=st.data(), width=st.integers(24, 120))
def test_source_lines_fit_the_terminal(
    any_location: st.SearchStrategy[Location], finding: Build, report: Build, data: st.DataObject, width: int
) -> None:
    place = data.draw(any_location)
    lines = text(report(finding(locations=(place,))), width=width).splitlines()
    source = [line for line in lines if re.match(r" *[0-9]* \|", line)]
    assert all(columns(line) <= width + 1 for line in source)


def test_severities_have_colours_of_their_own(finding: Build, report: Build) -> None:
    first_codes = {text(report(finding(severity=severity)), color=True).split("m", 1)[0] for severity in Severity}
    assert len(first_codes) == len(Severity)


def findings_in(shown: str) -> list[str]:
    return re.findall(r"^\w+\[([a-z-]+)\]:", shown, re.MULTILINE)


@settings(max_examples=40)
@given(data=st.data())
def test_every_open_finding_has_its_block(reports: st.SearchStrategy[Report], data: st.DataObject) -> None:
    report = data.draw(reports)
    opened: list[Finding] = [finding for finding in report.findings if finding.status is Status.OPEN]
    assert findings_in(text(report)) == [finding.rule for finding in opened]
    assert findings_in(text(report, verbose=True)) == [finding.rule for finding in report.findings]
