"""Tables for people: a row for each finding, grouped by file and object, then the same closing lines as in the text format.

    deploy/web.yaml
      Deployment shop/web
        critical  privileged  24  container app sets privileged: true

The layout is our own: a table library took half a millisecond for each row.
"""

from collections import defaultdict
from collections.abc import Iterator

from seawall.core.finding import Finding, Status
from seawall.core.report import Report
from seawall.core.severity import Severity
from seawall.io.reports import phrases
from seawall.io.reports.context import Context
from seawall.io.reports.terminal import BOLD, SEVERITY, Paint, printable, wrap
from seawall.io.reports.text import after

GAP = "  "
SEVERITY_WIDTH = max(len(severity.value) for severity in Severity)


def render(report: Report, context: Context) -> Iterator[str]:
    """The rows of all findings; columns have the same width in all groups."""
    paint = Paint(context.color)
    findings = list(phrases.shown(report, context))
    files: dict[str, dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for finding in findings:
        files[phrases.file(finding.locations[0].path) if finding.locations else ""][str(finding.target).rstrip()].append(finding)
    rule_width = max((len(finding.rule) for finding in findings), default=0)
    line_width = max((len(_line(finding)) for finding in findings), default=0)
    for file, objects in files.items():
        yield f"{paint(printable(file), BOLD)}\n"
        for target, group in objects.items():
            yield f"{GAP}{printable(target)}\n"
            for finding in group:
                severity = finding.severity.value.ljust(SEVERITY_WIDTH)
                middle = f"{GAP}{printable(finding.rule).ljust(rule_width)}{GAP}{_line(finding).rjust(line_width)}{GAP}"
                before = len(GAP + GAP + severity + middle)
                message = wrap(_message(finding), context.width, " " * before, taken=before)
                yield f"{GAP}{GAP}{paint(severity, SEVERITY[finding.severity])}{middle}{message}\n"
        yield "\n"
    yield from after(report, context, paint)


def _message(finding: Finding) -> str:
    status = "" if finding.status is Status.OPEN else f" ({phrases.status(finding)})"
    return printable(f"{finding.message}{status}")


def _line(finding: Finding) -> str:
    return str(finding.locations[0].line) if finding.locations else ""
