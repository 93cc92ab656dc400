"""The objects of the OpenReports API: YAML that loads, the fields of the custom resource definition, sizes that a cluster takes."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from seawall.app.scan import scan
from seawall.core.finding import Status, Suppression
from seawall.core.policy import Policy
from seawall.core.report import Report
from seawall.core.rule import Rule
from seawall.core.severity import Severity
from seawall.core.target import NodeTarget, ResourceTarget, SubjectTarget
from seawall.core.verdict import NotEvaluated
from seawall.deploy.workload import compile_checks
from seawall.io.reports import render
from seawall.io.reports.context import Context

Build = Callable[..., Any]
CORPUS = Path(__file__).parents[4] / "shared" / "data" / "corpus"
ANNOTATIONS = 256 * 1024  # bytes; `kubectl apply` keeps the object in an annotation

TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}


def closed(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties, "additionalProperties": False}


RESULT = closed(
    "policy result",
    policy=TEXT,
    rule=TEXT,
    category=TEXT,
    severity={"enum": ["critical", "high", "medium", "low", "info"]},
    result={"enum": ["pass", "fail", "warn", "error", "skip"]},
    scored={"type": "boolean"},
    message=TEXT,
    resources={"type": "array", "items": closed("", apiVersion=TEXT, kind=TEXT, namespace=TEXT, name=TEXT)},
    properties={"type": "object", "additionalProperties": TEXT},
)
SCHEMA = Draft202012Validator(
    closed(
        "apiVersion kind metadata",
        apiVersion={"const": "openreports.io/v1alpha1"},
        kind={"enum": ["Report", "ClusterReport"]},
        metadata=closed("name", name=TEXT, namespace=TEXT, labels={"type": "object", "additionalProperties": TEXT}),
        source=TEXT,
        summary=closed("", **dict.fromkeys(("pass", "fail", "warn", "error", "skip"), COUNT)),
        results={"type": "array", "items": RESULT},
    )
)


def objects(report: Report, **context: Any) -> list[Any]:
    text = render("openreports", report, Context(**context))
    found = [document for document in yaml.safe_load_all(text) if document is not None]
    for document in found:
        SCHEMA.validate(document)
        assert ("namespace" in document["metadata"]) <= (document["kind"] == "Report")
        counts = Counter(result["result"] for result in document["results"])
        assert document["summary"] == {name: counts[name] for name in ("fail", "warn", "error", "skip")}
        assert len(json.dumps(document, ensure_ascii=False).encode()) < ANNOTATIONS
    names = [(document["kind"], document["metadata"].get("namespace"), document["metadata"]["name"]) for document in found]
    assert len(set(names)) == len(names)
    return found


def test_one_finding(finding: Build, report: Build, rules: dict[str, Rule]) -> None:
    [found] = objects(report(finding()), rules=rules)
    assert found["kind"] == "Report"
    assert (found["metadata"]["name"], found["metadata"]["namespace"], found["source"]) == ("seawall", "shop", "seawall")
    [result] = found["results"]
    properties = result.pop("properties")
    assert result == {
        "policy": "privileged",
        "rule": "privileged",
        "category": "isolation",
        "severity": "critical",
        "result": "fail",
        "scored": True,
        "message": "container app sets privileged: true",
        "resources": [{"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"}],
    }
    assert properties["place"] == "deploy/web.yaml:24:13"
    assert properties["target"] == "Deployment shop/web, container app"


def test_no_findings(report: Build) -> None:
    assert objects(report()) == []


def test_results(finding: Build, report: Build) -> None:
    accepted = finding(status=Status.SUPPRESSED, suppression=Suppression("comment", "known"))
    blind = NotEvaluated("netpol-missing", finding().target, "no NetworkPolicy was given to the scan")
    unrated = finding(severity=Severity.UNKNOWN)
    [found] = objects(report(finding(), accepted, finding(status=Status.BASELINE), unrated, not_evaluated=(blind,)))
    assert found["summary"] == {"fail": 2, "warn": 1, "error": 1, "skip": 1}
    assert [(result["result"], result["scored"]) for result in found["results"]] == [
        ("fail", True),
        ("skip", False),
        ("warn", False),
        ("fail", True),
        ("error", False),
    ]
    assert found["results"][1]["properties"]["status"] == "suppressed by comment: known"
    assert "severity" not in found["results"][3]
    assert found["results"][4]["message"] == "no NetworkPolicy was given to the scan"


def test_scopes(finding: Build, report: Build) -> None:
    targets = (
        ResourceTarget("Pod", "a", namespace="shop", api_version="v1"),
        ResourceTarget("Pod", "a", api_version="v1"),
        ResourceTarget("ClusterRole", "a", api_version="rbac.authorization.k8s.io/v1"),
        NodeTarget("one"),
        SubjectTarget("User", "jane"),
        SubjectTarget("ServiceAccount", "robot", "bank"),
    )
    found = objects(report(*(finding(target=target) for target in targets)))
    shown = {
        (document["kind"], document["metadata"].get("namespace", "")): [
            resource["kind"] for result in document["results"] for resource in result.get("resources", [])
        ]
        for document in found
    }
    assert shown == {
        ("ClusterReport", ""): ["ClusterRole", "Node"],
        ("Report", ""): ["Pod"],
        ("Report", "bank"): ["ServiceAccount"],
        ("Report", "shop"): ["Pod"],
    }
    assert sum(len(document["results"]) for document in found) == len(targets)


def test_large_reports_are_split(finding: Build, report: Build) -> None:
    many = report(*(finding(message=f"{number} " + "\u6f22<" * 3000) for number in range(400)))
    found = objects(many)
    assert [document["metadata"]["name"] for document in found] == ["seawall", *(f"seawall-{part}" for part in range(2, len(found) + 1))]
    assert len(found) > 3
    numbers = [result["message"].split()[0] for document in found for result in document["results"]]
    assert numbers == [str(number) for number in range(400)]


@pytest.mark.parametrize(
    "name", ["yes", "1e3", "null", "~", "- a", "a: b", "!!python/object:os.system", "*a", "&a", "\u0085\x00\x7f", "\ufffe\ud800", "\\x41"]
)
def test_no_value_is_taken_for_something_else(name: str, finding: Build, report: Build) -> None:
    [found] = objects(report(finding(target=ResourceTarget("Pod", name=name, namespace=name), message=name, rule=name)))
    [result] = found["results"]
    assert len({found["metadata"]["namespace"], result["message"], result["policy"], result["resources"][0]["name"]}) == 1
    if name.isprintable():
        assert result["message"] == name


@settings(max_examples=50)
@given(data=st.data())
def test_any_report_loads(reports: st.SearchStrategy[Report], rules: dict[str, Rule], data: st.DataObject) -> None:
    report = data.draw(reports)
    found = objects(report, rules=rules)
    assert sum(len(document["results"]) for document in found) == len(report.findings) + len(report.not_evaluated)


def test_a_real_report() -> None:
    if not CORPUS.is_dir():
        pytest.skip(f"no corpus at {CORPUS}")
    checks = compile_checks(Policy())
    report = scan([str(CORPUS / "kubernetes-goat")], checks)
    found = objects(report, rules=checks.rules)
    assert {document["kind"] for document in found} == {"Report", "ClusterReport"}
    assert sum(document["summary"]["fail"] for document in found) == report.summary.open
