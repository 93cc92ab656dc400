"""SARIF 2.1.0 (OASIS, with errata 01) for code scanning: rules, results with exact regions, fixes, suppressions, and what could not be scanned.

Section numbers in this file are those of the specification. The ``properties`` that it leaves to tools are those that GitHub reads.
"""

import os
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final
from urllib.parse import quote

from msgspec import UNSET

from seawall.core.finding import Finding, Status, Suppression
from seawall.core.fix import Edit, Fix
from seawall.core.location import Location, Origin
from seawall.core.report import Report, ScanError
from seawall.core.rule import Rule
from seawall.core.severity import Confidence, Severity
from seawall.core.target import ResourceTarget
from seawall.core.verdict import NotEvaluated
from seawall.io.reports import phrases, prose
from seawall.io.reports.context import Context
from seawall.io.reports.json import json_object

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
SOURCE_ROOT: Final = "%SRCROOT%"

LEVELS: Final = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.UNKNOWN: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
SCORES: Final = {
    # What GitHub calls critical is above 9.0, high from 7.0, medium from 4.0, low above 0; a score that nobody gave is left out.
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
    Severity.INFO: "0.5",
}
PRECISION: Final = {Confidence.HIGH: "high", Confidence.MEDIUM: "medium", Confidence.LOW: "low"}
IN_SOURCE: Final = {"comment", "annotation"}

Json = dict[str, Any]


def render(report: Report, context: Context) -> Iterator[str]:
    """One log with one run."""
    yield f'{{\n  "$schema": "{SCHEMA}",\n  "version": "2.1.0",\n  "runs": [\n    '
    yield from json_object(_run(report, context), depth=2)
    yield "\n  ]\n}\n"


def _run(report: Report, context: Context) -> Json:
    rules = _rules(report, context)
    index = {rule["id"]: place for place, rule in enumerate(rules)}
    compared = any(finding.status is Status.BASELINE for finding in report.findings)
    suppressed = any(finding.status is Status.SUPPRESSED for finding in report.findings)
    notifications = [_error(error) for error in report.errors] + [_not_evaluated(item, index) for item in report.not_evaluated]
    return {
        "tool": {"driver": {"name": report.tool.name, "version": report.tool.version, "rules": rules}},
        # §3.20.14: a run with errors has not succeeded, and nobody may take its results for complete.
        "invocations": [{"executionSuccessful": not report.errors, "toolExecutionNotifications": notifications}],
        "originalUriBaseIds": {SOURCE_ROOT: {"description": _message("The directory in which seawall ran.")}},
        "columnKind": "unicodeCodePoints",
        "results": (_result(finding, index, compared=compared, suppressed=suppressed) for finding in report.findings),
    }


def _rules(report: Report, context: Context) -> list[Json]:
    """The rules that results or notifications speak of, each as bad as its worst result: a policy may have changed the severity."""
    titles = {item.rule: item.rule for item in report.not_evaluated}
    worst: dict[str, Severity] = {}
    for finding in report.findings:
        titles[finding.rule] = finding.title
        worst[finding.rule] = max(worst.get(finding.rule, finding.severity), finding.severity, key=lambda severity: severity.rank)
    descriptors = []
    for rule_id, title in titles.items():
        rule = context.rules.get(rule_id)
        descriptors.append(_descriptor(rule, worst.get(rule_id, rule.severity)) if rule else {"id": rule_id, "shortDescription": _message(title)})
    return descriptors


def _descriptor(rule: Rule, severity: Severity) -> Json:
    descriptor: Json = {
        "id": rule.id,
        "shortDescription": _message(rule.title),
        "fullDescription": _message("\n\n".join(prose.paragraphs(rule.explanation.what))),
        "help": {**_message(prose.plain(rule)), "markdown": _braces(prose.markdown(rule))},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": _tags(rule), "precision": PRECISION[rule.confidence]},
    }
    if severity in SCORES:
        descriptor["properties"]["security-severity"] = SCORES[severity]
    if rule.references:
        descriptor["helpUri"] = rule.references[0]
    return descriptor


def _tags(rule: Rule) -> list[str]:
    controls = (f"{control.framework}/{control.control}" for control in rule.controls)
    return list(dict.fromkeys(["security", "kubernetes", rule.category, *controls]))


def _result(finding: Finding, index: Mapping[str, int], *, compared: bool, suppressed: bool) -> Json:
    result: Json = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": LEVELS[finding.severity],
        "message": _message(finding.message),
        "locations": [_location(location, finding) for location in finding.locations[:1]],
        "partialFingerprints": {"seawall/v1": finding.fingerprint},
        "properties": {"severity": finding.severity.value, "confidence": finding.confidence.value},
    }
    if related := list(_related(finding)):
        result["relatedLocations"] = [{"id": place, **location} for place, location in enumerate(related, 1)]
    if finding.fix and finding.fix.edits:
        result["fixes"] = [_fix(finding.fix)]
    if suppressed:  # §3.27.23: all results of a run have this, or none
        result["suppressions"] = [_suppression(finding.suppression)] if finding.status is Status.SUPPRESSED else []
    if compared:  # §3.27.24: the same
        result["baselineState"] = "unchanged" if finding.status is Status.BASELINE else "new"
    return result


def _related(finding: Finding) -> Iterator[Json]:
    """§3.27.12: ``locations`` has several places only where each of them must change, so what else a reader needs to see goes here."""
    for location in finding.locations[1:]:
        yield _location(location, finding)


def _location(location: Location, finding: Finding) -> Json:
    """What was rendered is no file that a viewer could open: there the place is that of the template or overlay."""
    logical: list[Json] = []
    if isinstance(finding.target, ResourceTarget):
        logical.append({"name": finding.target.name, "fullyQualifiedName": phrases.subject(finding.target), "kind": "resource"})
    if location.field:
        logical.append({"fullyQualifiedName": location.field, "kind": "property"})
    place = _origin(location.origin, location) if location.origin else {"physicalLocation": _physical(location)}
    return {**place, **({"logicalLocations": logical} if logical else {})}


def _physical(location: Location) -> Json:
    region = _region(location)
    physical: Json = {"artifactLocation": artifact(location.path), "region": region}
    if location.snippet is not UNSET and location.end_line == location.line and location.end_column - 1 <= len(location.snippet):
        text = location.snippet
        region["snippet"] = {"text": text[location.column - 1 : location.end_column - 1]}
        if len(text) > location.end_column - location.column:  # §3.29.5: a context is larger than its region
            physical["contextRegion"] = {
                "startLine": location.line,
                "startColumn": 1,
                "endLine": location.line,
                "endColumn": len(text) + 1,
                "snippet": {"text": text},
            }
    return physical


def _origin(origin: Origin, rendered: Location) -> Json:
    physical: Json = {"artifactLocation": artifact(origin.path)}
    if origin.line:
        physical["region"] = {"startLine": origin.line}
    return {"physicalLocation": physical, "message": _message(f"line {rendered.line} of what {origin.tool} renders from {rendered.path}")}


def _region(place: Location | Edit) -> Json:
    return {"startLine": place.line, "startColumn": place.column, "endLine": place.end_line, "endColumn": place.end_column}


def _fix(fix: Fix) -> Json:
    changes = [
        {
            "artifactLocation": artifact(path),
            "replacements": [{"deletedRegion": _region(edit), "insertedContent": {"text": edit.new}} for edit in edits],
        }
        for path, edits in groupby(sorted(fix.edits, key=lambda edit: edit.path), key=lambda edit: edit.path)
    ]
    return {"description": _message(fix.description), "artifactChanges": changes, "properties": {"safe": fix.safe}}


def _suppression(suppression: Suppression | None) -> Json:
    if suppression is None:
        return {"kind": "external", "status": "accepted"}
    found: Json = {"kind": "inSource" if suppression.source in IN_SOURCE else "external", "status": "accepted"}
    if suppression.reason:
        found["justification"] = suppression.reason
    if suppression.until:
        found["properties"] = {"until": suppression.until}
    return found


def _error(error: ScanError) -> Json:
    physical: Json = {"artifactLocation": artifact(error.path)}
    if error.line:
        physical["region"] = {"startLine": error.line}
    return {"level": "error", "message": _message(phrases.error(error)), "locations": [{"physicalLocation": physical}]}


def _not_evaluated(item: NotEvaluated, index: Mapping[str, int]) -> Json:
    message = _message(f"{phrases.subject(item.target)}: not evaluated: {item.reason}")
    return {"level": "warning", "message": message, "associatedRule": {"id": item.rule, "index": index[item.rule]}}


def _message(text: str) -> Json:
    """§3.11: braces are doubled, and what an input says must not become a link."""
    return {"text": _braces(text.replace("](", "] ("))}


def _braces(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def artifact(path: str) -> Json:
    """§3.4: a path below the current directory relative to it, any other as an absolute URI; standard input by its name."""
    if path == "-":
        return {"uri": "stdin", "description": _message("standard input")}
    relative = os.path.relpath(path) if os.path.isabs(path) else os.path.normpath(path)
    if relative.split(os.sep, 1)[0] == os.pardir:
        return {"uri": "file://" + quote(os.fsencode(os.path.abspath(path)))}
    return {"uri": quote(os.fsencode(relative)), "uriBaseId": SOURCE_ROOT}
