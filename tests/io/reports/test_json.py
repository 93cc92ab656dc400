"""The JSON report: exactly the report, in the promised shape."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from seawall.app.scan import scan
from seawall.core.policy import Policy
from seawall.core.report import Report
from seawall.deploy.workload import compile_checks
from seawall.io.reports import pieces, render
from seawall.io.reports.context import Context

Build = Callable[..., Any]
SHARED = Path(__file__).parents[4] / "shared"


def promised() -> Draft202012Validator:
    path = SHARED / "schema" / "report.v1.schema.json"
    if not path.is_file():
        pytest.skip("the schema ../shared/schema/report.v1.schema.json is not here")
    return Draft202012Validator(json.loads(path.read_text()))


def test_an_empty_report(report: Build) -> None:
    text = render("json", report(), Context())
    assert text.startswith('{\n  "schema": "seawall.report/v1",\n  "tool": {\n    "name": "seawall",\n')
    assert '\n  "findings": [],\n  "not_evaluated": [],\n  "errors": [],\n  "summary": {\n    "critical": 0,\n' in text
    assert text.endswith("\n}\n")


def test_it_is_indented_like_any_other_json(finding: Build, report: Build) -> None:
    text = render("json", report(finding(), finding()), Context())
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


def test_a_file_name_that_is_not_utf_8(finding: Build, location: Build, report: Build) -> None:
    found = report(finding(locations=(location(path="bad\udcff.yaml"),)))
    [written] = json.loads(render("json", found, Context()).encode())["findings"]
    assert written["locations"][0]["path"] == "bad?.yaml"


def test_it_is_written_finding_by_finding(finding: Build, report: Build) -> None:
    one = max(len(piece) for piece in pieces("json", report(finding()), Context()))
    many = max(len(piece) for piece in pieces("json", report(*[finding()] * 100), Context()))
    assert many == one


@settings(max_examples=40)
@given(data=st.data())
def test_it_says_exactly_what_the_report_says(reports: st.SearchStrategy[Report], data: st.DataObject) -> None:
    report = data.draw(reports)
    text = render("json", report, Context())
    plain = json.dumps(msgspec.to_builtins(report), ensure_ascii=False).encode(errors="replace")
    assert json.loads(text.encode()) == json.loads(plain)


@settings(max_examples=25)
@given(data=st.data())
def test_any_report_has_the_promised_shape(reports: st.SearchStrategy[Report], data: st.DataObject) -> None:
    promised().validate(json.loads(render("json", data.draw(reports), Context())))


def test_the_corpus_has_the_promised_shape() -> None:
    corpus = SHARED / "data" / "corpus"
    if not corpus.is_dir():
        pytest.skip("the corpus ../shared/data/corpus is not here")
    report = scan([str(corpus)], compile_checks(Policy(profile="all")))
    document = json.loads(render("json", report, Context()))
    promised().validate(document)
    assert len(document["findings"]) == len(report.findings) > 1000
