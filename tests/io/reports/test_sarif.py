"""The SARIF report against the rules of SARIF 2.1.0: those that a schema can say, and those that it cannot."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from seawall.app.scan import scan
from seawall.core.finding import Status, Suppression
from seawall.core.fix import Edit, Fix
from seawall.core.location import Origin
from seawall.core.policy import Policy
from seawall.core.report import Report, ScanError
from seawall.core.rule import Rule
from seawall.core.severity import Severity
from seawall.core.verdict import NotEvaluated
from seawall.deploy.workload import compile_checks
from seawall.io.reports import render
from seawall.io.reports.context import Context

Build = Callable[..., Any]
SCHEMA = Draft202012Validator(json.loads(Path(__file__).with_name("sarif.schema.json").read_text()))
CORPUS = Path(__file__).parents[4] / "shared" / "data" / "corpus"


def run_of(report: Report, **context: Any) -> Any:
    """The one run of the report, after its log was held against the specification."""
    log = json.loads(render("sarif", report, Context(**context)))
    SCHEMA.validate(log)
    [run] = log["runs"]
    check(run)
    return run


def check(run: Any) -> None:
    """What the specification demands beyond names and types."""
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(ids)) == len(ids)
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]  # 3.27.6
        related = [location["id"] for location in result.get("relatedLocations", [])]
        assert len(set(related)) == len(related)  # 3.28.2
    for name in ("suppressions", "baselineState"):  # 3.27.23, 3.27.24: on all results of the run, or on none
        assert len({name in result for result in run["results"]}) <= 1
    [invocation] = run["invocations"]
    failed = any(notification["level"] == "error" for notification in invocation["toolExecutionNotifications"])
    assert invocation["executionSuccessful"] is not failed  # 3.20.14
    for notification in invocation["toolExecutionNotifications"]:
        if "associatedRule" in notification:
            assert ids[notification["associatedRule"]["index"]] == notification["associatedRule"]["id"]
    for artifact in every(run, "artifactLocation"):
        absolute = artifact["uri"].startswith("file:///")
        assert absolute or not re.match(r"/|[^/]*:|(.*/)?\.\.(/|$)", artifact["uri"])  # 3.4.3, RFC 3986 4.2
        assert not (absolute and "uriBaseId" in artifact)  # 3.4.4
    for region in [*every(run, "region"), *every(run, "deletedRegion"), *every(run, "contextRegion")]:
        if "endLine" in region:
            assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])
    for physical in every(run, "physicalLocation"):
        if context := physical.get("contextRegion"):  # 3.29.5: a proper superset of the region
            region = physical["region"]
            assert context["startColumn"] <= region["startColumn"] <= region["endColumn"] <= context["endColumn"]
            assert context != region
    for message in every(run, "message"):
        # 3.11.5: braces are doubled; no argument is ever to be filled in.
        assert "{" not in message["text"].replace("{{", "")
        assert "}" not in message["text"].replace("}}", "")


def every(node: Any, name: str) -> Iterator[Any]:
    """All values of a property, at whatever depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == name:
                yield value
            yield from every(value, name)
    elif isinstance(node, list):
        for item in node:
            yield from every(item, name)


def test_a_result(finding: Build, report: Build, rules: dict[str, Rule]) -> None:
    run = run_of(report(finding()), rules=rules)
    [result] = run["results"]
    assert (result["ruleId"], result["ruleIndex"], result["level"]) == ("privileged", 0, "error")
    assert result["message"] == {"text": "container app sets privileged: true"}
    assert result["partialFingerprints"] == {"seawall/v1": "sha256:" + "0" * 64}
    assert "fixes" not in result  # a fix without edits is no fix in SARIF
    [location] = result["locations"]
    assert location == {
        "physicalLocation": {
            "artifactLocation": {"uri": "deploy/web.yaml", "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": 24, "startColumn": 13, "endLine": 24, "endColumn": 29, "snippet": {"text": "privileged: true"}},
            "contextRegion": {
                "startLine": 24,
                "startColumn": 1,
                "endLine": 24,
                "endColumn": 29,
                "snippet": {"text": "            privileged: true"},
            },
        },
        "logicalLocations": [
            {"name": "web", "fullyQualifiedName": "Deployment shop/web, container app", "kind": "resource"},
            {"fullyQualifiedName": "spec.template.spec.containers[0].securityContext.privileged", "kind": "property"},
        ],
    }
    assert run["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]
    assert run["columnKind"] == "unicodeCodePoints"


def test_a_rule(finding: Build, report: Build, rules: dict[str, Rule]) -> None:
    [rule] = run_of(report(finding()), rules=rules)["tool"]["driver"]["rules"]
    assert rule["shortDescription"] == {"text": "Container runs privileged"}
    assert rule["fullDescription"] == {"text": "A container that runs privileged."}
    assert rule["help"]["text"].startswith("What it finds: A container that runs privileged.\n\nWhy it matters: It owns the node.\n\nReally {{so}}.")
    assert "## How to fix\n\nSet it to &lt;false&gt;.\n" in rule["help"]["markdown"]
    assert rule["helpUri"] == "https://kubernetes.io/docs/concepts/security/"
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert rule["properties"] == {
        "tags": ["security", "kubernetes", "isolation", "cis-kubernetes-1.12/5.2.2", "pss-baseline/privileged"],
        "precision": "high",
        "security-severity": "9.5",
    }


@pytest.mark.parametrize(
    ("severity", "level", "score"),
    [
        (Severity.CRITICAL, "error", "9.5"),
        (Severity.HIGH, "error", "8.0"),
        (Severity.MEDIUM, "warning", "5.5"),
        (Severity.UNKNOWN, "warning", None),
        (Severity.LOW, "note", "2.5"),
        (Severity.INFO, "note", "0.5"),
    ],
)
def test_a_severity_that_the_policy_changed_counts(
    finding: Build, report: Build, rules: dict[str, Rule], severity: Severity, level: str, score: str | None
) -> None:
    run = run_of(report(finding(severity=severity)), rules=rules)
    assert run["results"][0]["level"] == level
    assert run["results"][0]["properties"]["severity"] == severity
    [rule] = run["tool"]["driver"]["rules"]
    assert rule["properties"].get("security-severity") == score
    assert rule["defaultConfiguration"] == {"level": "error"}  # the rule's own


def test_a_rendered_place_is_its_template_and_further_places_are_related(finding: Build, location: Build, report: Build) -> None:
    found = finding(locations=(location(origin=Origin("helm", "chart/templates/web.yaml", 7)), location(line=30, end_line=30)))
    [result] = run_of(report(found))["results"]
    [template] = result["locations"]
    [further] = result["relatedLocations"]
    assert further["physicalLocation"]["region"]["startLine"] == 30
    assert template["message"]["text"].startswith("line 24 of what helm renders from ")
    assert template["physicalLocation"] == {
        "artifactLocation": {"uri": "chart/templates/web.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 7},
    }


def test_suppressed_and_baseline_findings(finding: Build, report: Build) -> None:
    by_comment = finding(status=Status.SUPPRESSED, suppression=Suppression("comment", "known", "2031-01-01"))
    by_policy = finding(status=Status.SUPPRESSED, suppression=Suppression("policy"))
    results = run_of(report(finding(), by_comment, by_policy, finding(status=Status.BASELINE)))["results"]
    assert [result["suppressions"] for result in results] == [
        [],
        [{"kind": "inSource", "status": "accepted", "justification": "known", "properties": {"until": "2031-01-01"}}],
        [{"kind": "external", "status": "accepted"}],
        [],
    ]
    assert [result["baselineState"] for result in results] == ["new", "new", "new", "unchanged"]
    [alone] = run_of(report(finding()))["results"]
    assert not {"suppressions", "baselineState"} & alone.keys()


def test_what_could_not_be_scanned_or_judged(finding: Build, report: Build, rules: dict[str, Rule]) -> None:
    blind = NotEvaluated("service-targets-pod", finding().target, "no workload was given to the scan")
    run = run_of(report(finding(), errors=(ScanError("a b.yaml", 3, "broken {"),), not_evaluated=(blind,)), rules=rules)
    [invocation] = run["invocations"]
    assert invocation["executionSuccessful"] is False
    error, warning = invocation["toolExecutionNotifications"]
    assert (error["level"], error["message"]["text"]) == ("error", "a b.yaml:3: broken {{")
    assert error["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b.yaml"
    assert warning["level"] == "warning"
    assert warning["associatedRule"]["id"] == "service-targets-pod"


def test_an_input_cannot_write_a_link_into_the_message(finding: Build, report: Build) -> None:
    [result] = run_of(report(finding(message="container [click here](https://evil.example) runs")))["results"]
    assert "](" not in result["message"]["text"]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("deploy/web.yaml", "deploy/web.yaml"),
        ("./deploy//web.yaml", "deploy/web.yaml"),
        ("{cwd}/deploy/web.yaml", "deploy/web.yaml"),
        ("deploy/../web.yaml", "web.yaml"),
        ("a b/ü%20[x]#?.yaml", "a%20b/%C3%BC%2520%5Bx%5D%23%3F.yaml"),
        ("c:d.yaml", "c%3Ad.yaml"),
        ("bad\udcff.yaml", "bad%FF.yaml"),
    ],
)
def test_a_path_below_the_current_directory_is_relative(
    finding: Build, location: Build, report: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, uri: str
) -> None:
    monkeypatch.chdir(tmp_path)
    found = finding(locations=(location(path=path.format(cwd=tmp_path)),))
    [result] = run_of(report(found))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": uri, "uriBaseId": "%SRCROOT%"}


@pytest.mark.parametrize("path", ["../web.yaml", "{parent}/web.yaml", "deploy/../../web.yaml"])
def test_any_other_path_is_absolute(
    finding: Build, location: Build, report: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    found = finding(locations=(location(path=path.format(parent=tmp_path.parent)),))
    [result] = run_of(report(found))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": (tmp_path.parent / "web.yaml").as_uri()}


def test_standard_input_has_a_name(finding: Build, location: Build, report: Build) -> None:
    [result] = run_of(report(finding(locations=(location(path="-"),))))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "stdin"


# --- fixes: whoever applies them with nothing but the SARIF in hand gets what the edits mean


def replay(fix: Any, texts: dict[str, str]) -> dict[str, str]:
    """Apply a fix as 3.55 to 3.57 say: regions are those of the original text."""
    done = dict(texts)
    for change in fix["artifactChanges"]:
        uri = change["artifactLocation"]["uri"]
        starts = [0, *(match.end() for match in re.finditer("\n", texts[uri]))]
        for replacement in sorted(change["replacements"], key=lambda item: position(item["deletedRegion"]), reverse=True):
            region = replacement["deletedRegion"]
            start = starts[region["startLine"] - 1] + region["startColumn"] - 1
            end = starts[region["endLine"] - 1] + region["endColumn"] - 1
            done[uri] = done[uri][:start] + replacement["insertedContent"]["text"] + done[uri][end:]
    return done


def position(region: Any) -> tuple[int, int]:
    return region["startLine"], region["startColumn"]


def test_a_fix_can_be_applied(finding: Build, report: Build) -> None:
    texts = {"a.yaml": "one: 1\ntwo: 2\nthree: 3\n", "b.yaml": "x: {y: 1}\n"}
    edits = (
        Edit("a.yaml", 1, 6, 1, 7, "1", "11"),
        Edit("b.yaml", 1, 5, 1, 9, "y: 1", "y: 2, z: 3"),
        Edit("a.yaml", 3, 1, 3, 1, "", "new: true\n"),
        Edit("a.yaml", 2, 1, 3, 1, "two: 2\n", ""),
    )
    [result] = run_of(report(finding(fix=Fix(safe=True, description="mend it", edits=edits))))["results"]
    [fix] = result["fixes"]
    assert fix["description"] == {"text": "mend it"}
    assert fix["properties"] == {"safe": True}
    assert replay(fix, texts) == {"a.yaml": "one: 11\nnew: true\nthree: 3\n", "b.yaml": "x: {y: 2, z: 3}\n"}


# --- for anything that hostile input can make the rules say, and for real files


@settings(max_examples=40)
@given(data=st.data())
def test_any_report_makes_valid_sarif(reports: st.SearchStrategy[Report], rules: dict[str, Rule], data: st.DataObject) -> None:
    report = data.draw(reports)
    results = run_of(report, rules=rules)["results"]
    assert [(result["ruleId"], result["properties"]["severity"]) for result in results] == [(found.rule, found.severity) for found in report.findings]
    for result, found in zip(results, report.findings, strict=True):
        for place, expected in zip(result["locations"], found.locations[:1], strict=True):
            if expected.origin:
                assert place["physicalLocation"].get("region", {}).get("startLine") == expected.origin.line
            else:
                assert region_of(place) == (expected.line, expected.column, expected.end_line, expected.end_column)


def region_of(place: Any) -> tuple[int, int, int, int]:
    region = place["physicalLocation"]["region"]
    return region["startLine"], region["startColumn"], region["endLine"], region["endColumn"]


def test_the_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every snippet and every text that a fix replaces is exactly what stands at this region, in the file that the URI names."""
    if not CORPUS.is_dir():
        pytest.skip("the corpus ../shared/data/corpus is not here")
    monkeypatch.chdir(CORPUS)
    checks = compile_checks(Policy(profile="all"))
    report = scan(["."], checks)
    results = run_of(report, rules=checks.rules)["results"]
    texts: dict[str, str] = {}

    def region_text(artifact: Any, region: Any) -> str:
        uri = artifact["uri"]
        if uri not in texts:
            with open(unquote_to_bytes(uri), encoding="utf-8-sig", newline="") as file:
                texts[uri] = file.read()
        starts = [0, *(match.end() for match in re.finditer("\n", texts[uri]))]
        return texts[uri][starts[region["startLine"] - 1] + region["startColumn"] - 1 : starts[region["endLine"] - 1] + region["endColumn"] - 1]

    compared = replaced = 0
    for result, found in zip(results, report.findings, strict=True):
        for place in (*result["locations"], *result.get("relatedLocations", ())):
            physical = place["physicalLocation"]
            if "snippet" in physical.get("region", {}):
                assert region_text(physical["artifactLocation"], physical["region"]) == physical["region"]["snippet"]["text"]
                compared += 1
        edits = list(found.fix.edits) if found.fix else []
        replacements = [
            region_text(change["artifactLocation"], replacement["deletedRegion"])
            for fix in result.get("fixes", ())
            for change in fix["artifactChanges"]
            for replacement in change["replacements"]
        ]
        assert sorted(replacements) == sorted(edit.old for edit in edits)
        replaced += len(replacements)
    assert compared > 1000
    assert replaced > 100
