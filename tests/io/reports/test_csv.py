"""The CSV report: rows that a reader gets back, and cells that no spreadsheet runs."""

import csv
import io
from collections.abc import Callable
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.finding import Status, Suppression
from seawall.core.report import Report
from seawall.core.rule import Control
from seawall.core.target import ImageTarget, NodeTarget, ResourceTarget, SubjectTarget
from seawall.io.reports import render
from seawall.io.reports.context import Context
from seawall.io.reports.csv import COLUMNS, guarded
from seawall.io.reports.terminal import printable

Build = Callable[..., Any]


def rows(report: Report) -> list[dict[str, str]]:
    """The rows, read as RFC 4180 says, after the lines were counted: one for each finding."""
    text = render("csv", report, Context())
    lines = text.split("\r\n")
    assert len(lines) == len(report.findings) + 2  # the header, and what follows the last line end
    assert not set("\r\n") & set("".join(lines))
    header, *records = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert tuple(header) == COLUMNS
    assert all(len(record) == len(COLUMNS) for record in records)
    return [dict(zip(header, record, strict=True)) for record in records]


def test_one_finding(finding: Build, report: Build) -> None:
    found = finding(aliases=("KSV-0017", "C-0057"), controls=(Control("pss-baseline", "privileged"), Control("cis-kubernetes-1.12", "5.2.2")))
    assert rows(report(found)) == [
        {
            "rule": "privileged",
            "severity": "critical",
            "confidence": "high",
            "status": "open",
            "title": "Container runs privileged",
            "message": "container app sets privileged: true",
            "namespace": "shop",
            "kind": "Deployment",
            "name": "web",
            "container": "app",
            "path": "deploy/web.yaml",
            "line": "24",
            "column": "13",
            "end_line": "24",
            "end_column": "29",
            "field": "spec.template.spec.containers[0].securityContext.privileged",
            "fix": "set privileged to false",
            "fix_safe": "true",
            "aliases": "KSV-0017 C-0057",
            "controls": "pss-baseline/privileged cis-kubernetes-1.12/5.2.2",
            "fingerprint": "sha256:" + "0" * 64,
            "suppression_reason": "",
        }
    ]


def test_every_status_is_told(finding: Build, report: Build) -> None:
    accepted = finding(status=Status.SUPPRESSED, suppression=Suppression("comment", "known, and\nwatched"))
    told = [(row["status"], row["suppression_reason"]) for row in rows(report(finding(), accepted, finding(status=Status.BASELINE)))]
    assert told == [("open", ""), ("suppressed", "known, and\u240awatched"), ("baseline", "")]


def test_targets_that_are_no_objects(finding: Build, report: Build) -> None:
    targets = (ImageTarget("nginx:1"), NodeTarget("one"), SubjectTarget("User", "jane"))
    found = rows(report(*(finding(target=target, locations=(), fix=None) for target in targets)))
    assert [(row["kind"], row["name"], row["path"], row["line"], row["fix_safe"]) for row in found] == [
        ("image", "nginx:1", "", "", ""),
        ("node", "one", "", "", ""),
        ("User", "jane", "", "", ""),
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1", "\uff20x", "'=1", '=HYPERLINK("http://x")'])
def test_formulas_become_text(text: str, finding: Build, report: Build) -> None:
    [row] = rows(report(finding(target=ResourceTarget("Pod", name=text, namespace=text), message=text)))
    assert row["name"] == row["namespace"] == row["message"] == f"'{text}"


@pytest.mark.parametrize("text", ["\t=1", "\r=1", "\n=1", "a\r\n=1", "a=1", "", " =1", "x'"])
def test_no_other_cell_changes_its_beginning(text: str) -> None:
    assert guarded(text) == printable(text)
    assert not guarded(text).startswith(("\t", "\r", "\n", "="))


@settings(max_examples=50)
@given(data=st.data())
def test_any_report_comes_back(reports: st.SearchStrategy[Report], data: st.DataObject) -> None:
    report = data.draw(reports)
    for row, finding in zip(rows(report), report.findings, strict=True):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row.values())
        assert row["message"].removeprefix("'") == printable(finding.message)
        assert row["status"] == finding.status
        assert row["title"].removeprefix("'") == printable(finding.title)
        assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & set(map(category, "".join(row.values())))
