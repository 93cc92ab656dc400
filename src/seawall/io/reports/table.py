"""Tables for people: one for each file, its rows grouped by object, then the same closing lines as in the text format."""

import io
from collections.abc import Iterable, Iterator
from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from seawall.core.finding import Finding, Status
from seawall.core.report import Report
from seawall.core.severity import Severity
from seawall.io.reports import phrases
from seawall.io.reports.context import Context
from seawall.io.reports.terminal import Paint, printable
from seawall.io.reports.text import after

STYLES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "bold yellow",
    Severity.LOW: "bold cyan",
    Severity.INFO: "bold blue",
    Severity.UNKNOWN: "bold magenta",
}


def render(report: Report, context: Context) -> Iterator[str]:
    """A table for each file in which something was found."""
    console = Console(
        file=io.StringIO(),
        width=context.width,
        force_terminal=context.color,
        color_system="standard" if context.color else None,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    by_file: dict[str, list[Finding]] = {}
    for finding in phrases.shown(report, context):
        by_file.setdefault(_file(finding), []).append(finding)
    for file, findings in by_file.items():
        with console.capture() as capture:
            console.print(_table(file, findings))
        yield "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()) + "\n"
    yield from after(report, context, Paint(context.color))


def _file(finding: Finding) -> str:
    return phrases.file(finding.locations[0].path) if finding.locations else ""


def _table(file: str, findings: Iterable[Finding]) -> Table:
    table = Table(title=Text(printable(file), style="bold"), title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("object", overflow="fold")
    table.add_column("severity", no_wrap=True)
    table.add_column("rule", overflow="fold")
    table.add_column("line", justify="right", no_wrap=True)
    table.add_column("message", overflow="fold")
    for target, group in groupby(findings, key=lambda finding: str(finding.target)):
        for place, finding in enumerate(group):
            table.add_row(*_row(finding, target if place == 0 else ""))
        table.add_section()
    return table


def _row(finding: Finding, target: str) -> Iterator[Text]:
    yield Text(printable(target))
    yield Text(finding.severity.value, style=STYLES[finding.severity])
    yield Text(printable(finding.rule))
    yield Text(str(finding.locations[0].line) if finding.locations else "")
    status = "" if finding.status is Status.OPEN else f" ({phrases.status(finding)})"
    yield Text(printable(finding.message + status))
