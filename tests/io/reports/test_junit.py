"""The JUnit report: XML that parses whatever is in it, and counts that add up."""

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.finding import Status, Suppression
from seawall.core.report import Report, ScanError
from seawall.core.rule import Outcome
from seawall.core.severity import Severity
from seawall.core.target import SubjectTarget
from seawall.core.verdict import NotEvaluated
from seawall.io.reports import phrases, render
from seawall.io.reports.context import Context

Build = Callable[..., Any]
RESULTS = {"failure", "error", "skipped"}


def parsed(report: Report) -> ET.Element:
    """The report, after its structure was checked as Ant's, Jenkins' and GitLab's readers expect it."""
    text = render("junit", report, Context())
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    root = ET.fromstring(text.encode())
    assert root.tag == "testsuites"
    for suite in root:
        assert suite.tag == "testsuite"
        assert suite.attrib.keys() == {"name", "tests", "failures", "errors", "skipped"}
        for case in suite:
            assert case.tag == "testcase"
            assert case.attrib.keys() == {"name", "classname"}
            assert {result.tag for result in case} <= RESULTS
            assert len(case) <= 1
        check_counts(suite, "testcase")
    check_counts(root, "testsuite/testcase")
    assert re.fullmatch(r"\d+\.\d{3}", root.attrib["time"])
    return root


def check_counts(element: ET.Element, cases: str) -> None:
    for name, path in {"tests": cases, "failures": f"{cases}/failure", "errors": f"{cases}/error", "skipped": f"{cases}/skipped"}.items():
        assert element.attrib[name] == str(len(element.findall(path))), name


def outcomes(root: ET.Element) -> dict[tuple[str, str], tuple[str, str]]:
    """For each case (suite, name): what came out, and the message."""
    found = {}
    for suite in root:
        for case in suite:
            result = next(iter(case), None)
            found[suite.attrib["name"], case.attrib["name"]] = ("passed", "") if result is None else (result.tag, result.attrib["message"])
    return found


def test_findings_are_failures_of_their_file(finding: Build, location: Build, report: Build) -> None:
    elsewhere = finding(locations=(location(path="-"),), severity=Severity.LOW)
    nowhere = finding(locations=(), target=SubjectTarget("User", "jane"))
    root = parsed(report(finding(), elsewhere, nowhere))
    assert outcomes(root) == {
        ("deploy/web.yaml", "privileged: Deployment shop/web, container app"): ("failure", "container app sets privileged: true"),
        ("<stdin>", "privileged: Deployment shop/web, container app"): ("failure", "container app sets privileged: true"),
        ("User jane", "privileged: User jane"): ("failure", "container app sets privileged: true"),
    }
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.attrib["type"] == "critical"
    assert failure.text == "deploy/web.yaml:24:13: critical: container app sets privileged: true\n  fix: set privileged to false"


def test_findings_of_one_rule_on_one_object_are_one_case(finding: Build, report: Build) -> None:
    accepted = finding(status=Status.SUPPRESSED, suppression=Suppression("comment", "known"))
    low, high = finding(severity=Severity.LOW, message="small"), finding(severity=Severity.HIGH, message="grave")
    root = parsed(report(low, accepted, high))
    assert outcomes(root) == {("deploy/web.yaml", "privileged: Deployment shop/web, container app"): ("failure", "grave")}
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.attrib["type"] == "high"
    assert [line.split(": ")[1:3] for line in (failure.text or "").splitlines()[::2]] == [["low", "small"], ["high", "grave"]]


def test_accepted_findings_are_skipped(finding: Build, report: Build) -> None:
    accepted = finding(status=Status.SUPPRESSED, suppression=Suppression("comment", "known"))
    assert list(outcomes(parsed(report(accepted))).values()) == [("skipped", "suppressed by comment: known")]
    assert list(outcomes(parsed(report(finding(status=Status.BASELINE)))).values()) == [("skipped", "baseline")]


def test_files_that_cannot_be_scanned_are_errors(finding: Build, report: Build) -> None:
    root = parsed(report(finding(), errors=(ScanError("broken.yaml", 3, "not valid YAML"),)))
    assert outcomes(root)["broken.yaml", "readable"] == ("error", "not valid YAML")


def test_rules_that_found_nothing_are_told_apart(finding: Build, report: Build) -> None:
    blind = NotEvaluated("netpol-missing", finding().target, "no NetworkPolicy was given to the scan")
    counts = {
        "privileged": {Outcome.FAIL: 1, Outcome.PASS: 3},
        "host-pid": {Outcome.PASS: 3, Outcome.NOT_APPLICABLE: 1},
        "hpa-target": {Outcome.NOT_APPLICABLE: 4},
        "netpol-missing": {Outcome.NOT_EVALUATED: 1, Outcome.FAIL: 1},
    }
    rules = {
        name: result
        for (suite, name), result in outcomes(parsed(report(finding(), not_evaluated=(blind,), outcomes=counts))).items()
        if suite == "seawall.rules"
    }
    assert rules == {
        "host-pid": ("passed", ""),
        "hpa-target": ("skipped", "not applicable"),
        "netpol-missing": ("skipped", "not evaluated: no NetworkPolicy was given to the scan"),
    }


def test_what_xml_cannot_say_is_replaced(finding: Build, report: Build) -> None:
    root = parsed(report(finding(message='\x1b[31m <&"> \ufffe \ud800 ]]> \n\ttwo')))
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.attrib["message"] == '\ufffd[31m <&"> \ufffd \ufffd ]]> \n\ttwo'


@settings(max_examples=40)
@given(data=st.data())
def test_any_report_makes_valid_junit(reports: st.SearchStrategy[Report], data: st.DataObject) -> None:
    report = data.draw(reports)
    root = parsed(report)
    opened = {
        (phrases.file(found.locations[0].path) if found.locations else phrases.subject(found.target), found.rule, phrases.subject(found.target))
        for found in report.findings
        if found.status is Status.OPEN
    }
    assert len(root.findall("testsuite/testcase/failure")) == len(opened)
    assert len(root.findall("testsuite/testcase/error")) == len(report.errors)
