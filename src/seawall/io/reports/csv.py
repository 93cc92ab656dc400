"""CSV (RFC 4180) for spreadsheets and scripts: a header, then one finding a line, whatever its status.

A spreadsheet runs a cell that starts with ``=``, ``+``, ``-`` or ``@`` (or their full-width forms) as a formula, and a manifest can put one into a
name. Such a cell gets a leading apostrophe, which a spreadsheet takes for "this is text". So does a cell that starts with an apostrophe: a program
that strips one leading apostrophe from every cell has the value back. Control characters, among them the tab and the line ends that could smuggle
a formula to the start of a cell or of a line, become visible characters; the JSON report has every value as it was.
"""

import csv
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from seawall.core.finding import Finding
from seawall.core.report import Report
from seawall.io.reports import phrases
from seawall.io.reports.context import Context
from seawall.io.reports.terminal import printable

COLUMNS: Final = (
    "rule",
    "severity",
    "confidence",
    "status",
    "title",
    "message",
    "namespace",
    "kind",
    "name",
    "container",
    "path",
    "line",
    "column",
    "end_line",
    "end_column",
    "field",
    "fix",
    "fix_safe",
    "aliases",
    "controls",
    "fingerprint",
    "suppression_reason",
)
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n", "'")


class _Line:
    """What ``csv.writer`` writes to: its ``writerow`` returns what this returns."""

    def write(self, line: str) -> str:
        return line


def render(report: Report, context: Context) -> Iterator[str]:  # noqa: ARG001 (all renderers are called alike)
    """All findings in the order of the report. Aliases and controls are separated by spaces."""
    rows: Any = csv.writer(_Line(), lineterminator="\r\n")
    yield rows.writerow(COLUMNS)
    for finding in report.findings:
        cells = _cells(finding)
        yield rows.writerow([guarded(cells.get(column, "")) for column in COLUMNS])


def guarded(value: object) -> str:
    """A cell that no spreadsheet takes for a formula, on one line."""
    text = printable(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cells(finding: Finding) -> dict[str, object]:
    target = msgspec.to_builtins(finding.target)
    cells: dict[str, object] = {
        "rule": finding.rule,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "status": finding.status,
        "title": finding.title,
        "message": finding.message,
        "namespace": target.get("namespace", ""),
        "kind": target.get("kind", target["type"]),
        "name": target.get("name", str(finding.target)),
        "container": target.get("container", ""),
        "aliases": " ".join(finding.aliases),
        "controls": " ".join(f"{control.framework}/{control.control}" for control in finding.controls),
        "fingerprint": finding.fingerprint,
        "suppression_reason": finding.suppression.reason if finding.suppression else "",
    }
    for location in finding.locations[:1]:
        cells |= {"path": phrases.file(location.path), "line": location.line, "column": location.column}
        cells |= {"end_line": location.end_line, "end_column": location.end_column, "field": location.field or ""}
    if finding.fix:
        cells |= {"fix": finding.fix.description, "fix_safe": str(finding.fix.safe).lower()}
    return cells
