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
        finding(severity=Severity.LOW, rule="image-tag", message="no tag", locations=(location(line=30, end_line=30),)),
        finding(target=pod, rule="host-pid", message="sees the node", locations=(location(line=130, end_line=130),)),
        finding(locations=(location(path="other.yaml", line=7, end_line=7),)),
    ]
    shown = table(report(*found, errors=(ScanError("broken.yaml", 3, "not valid YAML"),)))
    rows = [line.split(maxsplit=2) for line in shown.splitlines()]
    assert [row[0] for row in rows if len(row) == 1 and "─" not in row[0]] == ["deploy/web.yaml", "other.yaml"]
    assert re.search(r"Deployment shop/web +critical +privileged +24 +container app sets privileged: true\n +low +image-tag +30 +no tag\n", shown)
    assert re.search(r"\n *─* *\n?Pod debug +critical +host-pid +130 +sees the node\n", shown)
    assert shown.endswith("\nerror: broken.yaml:3: not valid YAML\n\n3 critical, 1 low in 12 files, 31 objects (0.21 s); errors in 1 file\n")


def test_accepted_findings_are_shown_on_request(finding: Build, report: Build) -> None:
    found = report(finding(status=Status.BASELINE))
    assert "privileged" not in table(found)
    assert "(baseline)" in table(found, verbose=True)


def test_a_clean_report_is_one_line(report: Build) -> None:
    assert table(report()) == "no findings in 12 files, 31 objects (0.21 s)\n"


def test_it_fits_the_terminal(finding: Build, report: Build) -> None:
    found = report(finding(message="a long message " * 20))
    for width in (50, 80, 200):
        lines = table(found, width=width).splitlines()
        assert max(map(len, lines)) <= width
        assert sum(line.count("message") for line in lines) == 1 + 20  # the heading, and nothing cut away


def test_colours(finding: Build, report: Build) -> None:
    colored = table(report(finding()), color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]+m", "", colored).split() == table(report(finding())).split()


@settings(max_examples=30)
@given(data=st.data())
def test_nothing_steers_the_terminal(reports: st.SearchStrategy[Report], data: st.DataObject) -> None:
    report = data.draw(reports)
    shown = table(report, verbose=True)
    assert not {category(character) for character in shown.replace("\n", "")} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert shown.count("severity") >= (1 if report.findings else 0)
