"""The GitLab report against what the documentation of the SAST report, schema 15.0.7, demands."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from seawall.core.finding import Status, Suppression
from seawall.core.location import Origin
from seawall.core.report import Report, ScanError, Scanned
from seawall.core.rule import Rule
from seawall.core.severity import Severity
from seawall.core.verdict import NotEvaluated
from seawall.io.reports import render
from seawall.io.reports.context import Context

Build = Callable[..., Any]
NOW = "2027-01-31T12:00:00Z"


def closed(required: str, optional: str = "", **types: Any) -> dict[str, Any]:
    """The schema of an object with these members and no others; text that is not empty where nothing else is said."""
    names = {*required.split(), *optional.split()}
    properties = {name: types.get(name, {"type": "string", "minLength": 1}) for name in names}
    return {"type": "object", "required": required.split(), "properties": properties, "additionalProperties": False}


def texts(**limits: int) -> dict[str, Any]:
    return {name: {"type": "string", "maxLength": limit} for name, limit in limits.items()}


TOOL = closed("id name version vendor", vendor=closed("name"))
TIME = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$"}
LINE = {"type": "integer", "minimum": 1}
MESSAGE = closed("level value", level={"enum": ["info", "warn", "fatal"]})
SCAN = closed(
    "analyzer scanner start_time end_time status type",
    "messages",
    analyzer=TOOL,
    scanner=TOOL,
    start_time=TIME,
    end_time=TIME,
    status={"enum": ["success", "failure"]},
    type={"const": "sast"},
    messages={"type": "array", "items": MESSAGE},
)
VULNERABILITY = closed(
    "id identifiers location",
    "name description severity solution links raw_source_code_extract",
    severity={"enum": ["Info", "Unknown", "Low", "Medium", "High", "Critical"]},
    identifiers={"type": "array", "minItems": 1, "maxItems": 20, "items": closed("type name value")},
    links={"type": "array", "items": closed("url", url={"type": "string", "pattern": "^(https?|ftp)://.+"})},
    location=closed("", "file start_line end_line", start_line=LINE, end_line=LINE),
    **texts(name=255, description=1048576, solution=7000, raw_source_code_extract=10**6),
)
SCHEMA = Draft202012Validator(
    closed(
        "version scan vulnerabilities",
        version={"type": "string", "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+$"},
        scan=SCAN,
        vulnerabilities={"type": "array", "items": VULNERABILITY},
    )
)


def document(report: Report, **context: Any) -> Any:
    found = json.loads(render("gitlab", report, Context(now=NOW, **context)))
    SCHEMA.validate(found)
    ids = [vulnerability["id"] for vulnerability in found["vulnerabilities"]]
    assert len(set(ids)) == len(ids)
    assert all(str(UUID(name)) == name for name in ids)
    for vulnerability in found["vulnerabilities"]:
        place = vulnerability["location"]
        assert place.get("start_line", 1) <= place.get("end_line", 1)
    return found


def test_one_finding(finding: Build, report: Build, rules: dict[str, Rule]) -> None:
    [vulnerability] = document(report(finding()), rules=rules)["vulnerabilities"]
    assert vulnerability["name"] == "Container runs privileged"
    assert vulnerability["severity"] == "Critical"
    assert vulnerability["location"] == {"file": "deploy/web.yaml", "start_line": 24, "end_line": 24}
    assert vulnerability["identifiers"] == [
        {"type": "seawall", "name": "Seawall privileged", "value": "privileged"},
        {"type": "trivy", "name": "trivy KSV-0017", "value": "KSV-0017"},
    ]
    assert vulnerability["description"] == (
        "```text\ncontainer app sets privileged: true\nabout: Deployment shop/web, container app\n```\n\nIt owns the node.\n\nReally {so}."
    )
    assert vulnerability["solution"] == "Set it to &lt;false&gt;.\n\nHere: `set privileged to false`"
    assert vulnerability["links"] == [{"url": "https://kubernetes.io/docs/concepts/security/"}]
    assert vulnerability["raw_source_code_extract"] == "            privileged: true"


def test_the_times_are_those_of_the_scan(report: Build) -> None:
    scan = document(report(scanned=Scanned(targets=("x",), files=1, seconds=61.5)))["scan"]
    assert (scan["start_time"], scan["end_time"]) == ("2027-01-31T11:58:58", "2027-01-31T12:00:00")
    assert "messages" not in scan


def test_no_time_is_made_up(report: Build) -> None:
    assert not {"start_time", "end_time"} & json.loads(render("gitlab", report(), Context()))["scan"].keys()


def test_an_id_stays_and_is_unique(finding: Build, report: Build, location: Build) -> None:
    moved = finding(locations=(location(line=99, end_line=99),))
    [first] = document(report(finding()))["vulnerabilities"]
    again, twin = document(report(moved, finding()))["vulnerabilities"]
    assert again["id"] == first["id"] != twin["id"]
    [other] = document(report(finding(fingerprint="sha256:" + "1" * 64)))["vulnerabilities"]
    assert other["id"] != first["id"]


def test_findings_that_are_not_open_are_counted(finding: Build, report: Build) -> None:
    accepted = finding(status=Status.SUPPRESSED, suppression=Suppression("comment", "known"))
    found = document(report(accepted, accepted, finding(status=Status.BASELINE)))
    assert found["vulnerabilities"] == []
    assert [message["value"] for message in found["scan"]["messages"]] == [
        "left out: 2 findings with the status suppressed",
        "left out: 1 finding with the status baseline",
    ]


def test_errors_and_blind_spots_are_messages(finding: Build, report: Build) -> None:
    blind = NotEvaluated("netpol-missing", finding().target, "no NetworkPolicy was given to the scan")
    scan = document(report(errors=(ScanError("broken.yaml", 3, "not valid YAML"),), not_evaluated=(blind,)))["scan"]
    assert scan["status"] == "success"
    assert [(message["level"], message["value"]) for message in scan["messages"]] == [
        ("warn", "broken.yaml:3: not valid YAML"),
        ("info", "not evaluated[netpol-missing]: 1 object: no NetworkPolicy was given to the scan"),
    ]
    nothing = document(report(errors=(ScanError("broken.yaml", 3, "not valid YAML"),), scanned=Scanned(targets=("broken.yaml",))))
    assert nothing["scan"]["status"] == "failure"


@pytest.mark.parametrize("severity", list(Severity))
def test_severities(severity: Severity, finding: Build, report: Build) -> None:
    [vulnerability] = document(report(finding(severity=severity)))["vulnerabilities"]
    assert vulnerability["severity"].lower() == severity.value


def test_places(finding: Build, location: Build, report: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rendered = location(path="chart", origin=Origin("helm", "chart/templates/web.yaml", 7))
    somewhere = location(path="chart", origin=Origin("helm", "chart/templates/web.yaml"))
    lines = location(path=f"{tmp_path}/./a.yaml", line=3, column=1, end_line=6, end_column=1)
    found = report(*(finding(locations=places) for places in ((rendered,), (somewhere,), (lines,), (location(path="-"),), ())))
    assert [vulnerability["location"] for vulnerability in document(found)["vulnerabilities"]] == [
        {"file": "chart/templates/web.yaml", "start_line": 7, "end_line": 7},
        {"file": "chart/templates/web.yaml"},
        {"file": "a.yaml", "start_line": 3, "end_line": 5},
        {"file": "stdin", "start_line": 24, "end_line": 24},
        {},
    ]


def test_no_more_identifiers_than_gitlab_keeps(finding: Build, report: Build, rules: dict[str, Rule]) -> None:
    rule = replace(rules["privileged"], aliases={"kics": tuple(map(str, range(30))), "checkov": ("CKV_K8S_16",)})
    [vulnerability] = document(report(finding()), rules={rule.id: rule})["vulnerabilities"]
    assert [identifier["type"] for identifier in vulnerability["identifiers"]] == ["seawall", "checkov", *["kics"] * 18]


@settings(max_examples=50)
@given(data=st.data())
def test_any_report_is_accepted(reports: st.SearchStrategy[Report], rules: dict[str, Rule], data: st.DataObject) -> None:
    report = data.draw(reports)
    found = document(report, rules=rules)
    assert len(found["vulnerabilities"]) == sum(finding.status is Status.OPEN for finding in report.findings)
    for vulnerability in found["vulnerabilities"]:
        fence, message, *_ = vulnerability["description"].splitlines()
        assert fence.startswith("```")
        assert fence.removesuffix("text") not in message
