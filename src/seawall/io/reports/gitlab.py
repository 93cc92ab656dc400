"""GitLab's report of a SAST job (``gl-sast-report.json``), security report schema 15.0.7: for merge requests and the vulnerability list.

Open findings only: GitLab has no word for "accepted", so those that are not open are counted in the messages of the scan. A finding in a rendered
object is placed in the template it came from, because that is the file which the repository has.

Source: the schema and "Security scanner integration" in GitLab's development documentation.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from msgspec import UNSET

from seawall.core.finding import Finding, Status
from seawall.core.report import Report
from seawall.core.rule import Rule
from seawall.io.reports import phrases, prose
from seawall.io.reports.context import Context
from seawall.io.reports.json import json_object
from seawall.io.reports.markdown import code, cut, fence

SCHEMA_VERSION: Final = "15.0.7"
MAX_NAME: Final = 255
MAX_SOLUTION: Final = 7000
MAX_TEXT: Final = 2000  # characters of what a finding says
MAX_IDENTIFIERS: Final = 20  # GitLab keeps no more
MAX_MESSAGES: Final = 200
TOOLS: Final = ("checkov", "trivy", "kubescape", "kics", "kube-linter", "polaris", "kube-score", "kubeaudit")

Json = dict[str, Any]


def render(report: Report, context: Context) -> Iterator[str]:
    """One document. It needs ``context.now``: GitLab refuses a report without times, and none are made up here."""
    yield from json_object({"version": SCHEMA_VERSION, "scan": _scan(report, context), "vulnerabilities": _vulnerabilities(report, context.rules)})
    yield "\n"


def _scan(report: Report, context: Context) -> Json:
    tool = {"id": report.tool.name, "name": report.tool.name.capitalize(), "version": report.tool.version, "vendor": {"name": "Seawall"}}
    scan: Json = {
        "type": "sast",
        "analyzer": tool,
        "scanner": tool,
        "status": "failure" if report.errors and not report.scanned.files else "success",
    }
    if context.now:
        end = datetime.fromisoformat(context.now).replace(tzinfo=UTC)
        scan |= {"start_time": _time(end - timedelta(seconds=report.scanned.seconds)), "end_time": _time(end)}
    if messages := list(_messages(report, context)):
        left = len(messages) - MAX_MESSAGES
        scan["messages"] = [*messages[:MAX_MESSAGES], *([_message("info", f"and {left} more messages")] if left > 0 else [])]
    return scan


def _time(moment: datetime) -> str:
    """The schema wants no fraction and no zone."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _messages(report: Report, context: Context) -> Iterator[Json]:
    for error in report.errors:
        yield _message("warn", phrases.error(error))
    for rule, text in phrases.not_evaluated(report, context):
        yield _message("info", f"not evaluated[{rule}]: {text}")
    for status, count in Counter(finding.status for finding in report.findings if finding.status is not Status.OPEN).items():
        yield _message("info", f"left out: {phrases.counted(count, 'finding')} with the status {status.value}")


def _message(level: str, text: str) -> Json:
    return {"level": level, "value": cut(text, MAX_TEXT) or "-"}


def _vulnerabilities(report: Report, rules: Mapping[str, Rule]) -> Iterator[Json]:
    seen: Counter[str] = Counter()
    for finding in report.findings:
        if finding.status is Status.OPEN:
            seen[finding.fingerprint] += 1
            yield _vulnerability(finding, rules.get(finding.rule), seen[finding.fingerprint])


def _vulnerability(finding: Finding, rule: Rule | None, nth: int) -> Json:
    """An id stays the same from scan to scan; of findings that share a fingerprint, each has its own."""
    repeated = f"#{nth}" if nth > 1 else ""
    vulnerability: Json = {
        "id": str(uuid5(NAMESPACE_URL, f"urn:seawall:finding:{finding.fingerprint}{repeated}")),
        "name": cut(finding.title, MAX_NAME),
        "description": _description(finding, rule),
        "severity": finding.severity.value.capitalize(),
        "identifiers": _identifiers(finding.rule, rule),
        "location": _location(finding),
    }
    if solution := _solution(finding, rule):
        vulnerability["solution"] = solution
    if rule and rule.references:
        vulnerability["links"] = [{"url": reference} for reference in rule.references]
    for location in finding.locations[:1]:
        if location.snippet is not UNSET:
            vulnerability["raw_source_code_extract"] = location.snippet
    return vulnerability


def _description(finding: Finding, rule: Rule | None) -> str:
    """GitLab renders this as Markdown, so what a manifest says stands in a fenced block."""
    said = fence([cut(finding.message, MAX_TEXT), cut(f"about: {phrases.subject(finding.target)}", MAX_TEXT)])
    why = prose.paragraphs(rule.explanation.why) if rule else []
    return "\n\n".join([said, *(escape(part, quote=False) for part in why)])


def _solution(finding: Finding, rule: Rule | None) -> str:
    parts = [escape(part, quote=False) for part in prose.paragraphs(rule.explanation.fix)] if rule else []
    if finding.fix:
        parts.append(f"Here: {code(cut(finding.fix.description, MAX_TEXT))}")
    text = "\n\n".join(parts)
    return text if len(text) <= MAX_SOLUTION else text[: MAX_SOLUTION - 3] + "..."


def _identifiers(rule_id: str, rule: Rule | None) -> list[Json]:
    """The first is the primary one, by which GitLab knows a vulnerability again; the others are what other tools call it."""
    identifiers = [{"type": "seawall", "name": f"Seawall {rule_id}", "value": rule_id}]
    aliases = rule.aliases if rule else {}
    for tool in sorted(aliases, key=lambda tool: (TOOLS.index(tool) if tool in TOOLS else len(TOOLS), tool)):
        identifiers += [{"type": tool, "name": f"{tool} {alias}", "value": alias} for alias in aliases[tool]]
    return identifiers[:MAX_IDENTIFIERS]


def _location(finding: Finding) -> Json:
    if not finding.locations:
        return {}
    location = finding.locations[0]
    if location.origin:
        line = {"start_line": location.origin.line, "end_line": location.origin.line} if location.origin.line else {}
        return {"file": _file(location.origin.path), **line}
    # The end is exclusive: a region that ends before the first column of a line does not touch that line.
    end = location.end_line - (location.end_column == 1 and location.end_line > location.line)
    return {"file": _file(location.path), "start_line": location.line, "end_line": end}


def _file(path: str) -> str:
    """Relative to the current directory, which in a job is the repository's."""
    return "stdin" if path == "-" else os.path.relpath(path)
