"""The table: grouped by file and object, plain without colours, harmless whatever is in it."""

import re
from collections.abc import Callable
from typing import Any
from unicodedata import category

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.finding import Status
from seawall.core.report import Report, ScanError
from seawall.core.severity import Severity
from seawall.core.target import ResourceTarget
from seawall.io.reports import render
from seawall.io.reports.context import Context

Build = Callable[..., Any]


def table(report: Report, **context: Any) -> str:
    return render("table", report, Context(**context))


def test_findings_are_grouped_by_file_and_object(finding: Build, location: Build, report: Build) -> None:
    pod = ResourceTarget(kind="Pod", name="debug")
    found = [
        finding(),
        finding(target=pod, rule="host-pid", message="sees the node", locations=(location(line=130, end_line=130),)),
        finding(severity=Severity.LOW, rule="image-tag", message="has no tag and says so at length", locations=(location(line=30, end_line=30),)),
        finding(locations=(location(path="-", line=7, end_line=7),)),
    ]
    assert table(report(*found, errors=(ScanError("broken.yaml", 3, "not valid YAML"),)), width=48) == (
        "deploy/web.yaml\n"
        "  Deployment shop/web\n"
        "    critical  privileged   24  container app\n"
        "                               sets privileged:\n"
        "                               true\n"
        "    low       image-tag    30  has no tag and\n"
        "                               says so at length\n"
        "  Pod debug\n"
        "    critical  host-pid    130  sees the node\n"
        "\n"
        "<stdin>\n"
        "  Deployment shop/web\n"
        "    critical  privileged    7  container app\n"
        "                               sets privileged:\n"
        "                               true\n"
        "\n"
        "error: broken.yaml:3: not valid YAML\n"
        "\n"
        "3 critical, 1 low in 12 files, 31 objects (0.21 s); errors in 1 file\n"
    )


def test_accepted_findings_are_shown_on_request(finding: Build, report: Build) -> None:
    found = report(finding(status=Status.BASELINE))
    assert "privileged" not in table(found)
    assert "sets privileged: true (baseline)\n" in table(found, verbose=True)


def test_a_clean_report_is_one_line(report: Build) -> None:
    assert table(report()) == "no findings in 12 files, 31 objects (0.21 s)\n"


def test_colours_change_nothing_but_colours(finding: Build, report: Build) -> None:
    found = report(*(finding(severity=severity) for severity in Severity))
    colored = table(found, color=True)
    assert len(set(re.findall(r"\x1b\[[0-9;]+m", colored))) > len(Severity)
    assert re.sub(r"\x1b\[[0-9;]+m", "", colored) == table(found)


@settings(max_examples=25)
@given(data=st.data())
def test_nothing_steers_the_terminal(reports: st.SearchStrategy[Report], data: st.DataObject) -> None:
    report = data.draw(reports)
    shown = table(report, verbose=True, width=10**6)
    assert not {category(character) for character in shown.replace("\n", "")} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    rows = re.findall(r"^    (\w+) +([a-z-]+) +\d*  ", shown, re.MULTILINE)
    assert sorted(rows) == sorted((found.severity.value, found.rule) for found in report.findings)
