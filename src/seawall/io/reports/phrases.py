"""What the formats for people say in the same words: what a finding is about, where it is, what was left out, and the totals."""

from collections import Counter
from collections.abc import Iterator

from seawall.core.finding import Finding, Status
from seawall.core.location import Location
from seawall.core.report import Report, ScanError
from seawall.core.severity import Severity
from seawall.core.target import ImageTarget, PackageTarget, ResourceTarget, Target
from seawall.io.reports.context import Context
from seawall.io.reports.terminal import SEVERITY, Paint

STANDARD_INPUT = "<stdin>"


def shown(report: Report, context: Context) -> Iterator[Finding]:
    """The findings to show: the open ones, and all of them on request."""
    return (finding for finding in report.findings if finding.status is Status.OPEN or context.verbose)


def subject(target: Target) -> str:
    """What a finding is about: ``Deployment shop/web, container app``."""
    text = str(target).rstrip()  # an object with generateName has no name
    return f"{text}, container {target.container}" if isinstance(target, ResourceTarget) and target.container else text


def file(path: str) -> str:
    """A path as a reader expects it."""
    return STANDARD_INPUT if path == "-" else path


def place(location: Location, target: Target | None = None) -> str:
    """Where something stands: a place in a file, or a file within an image."""
    if isinstance(target, PackageTarget | ImageTarget) and location.field:
        return f"{location.path}: {location.field}"
    return f"{file(location.path)}:{location.line}:{location.column}"


def error(failure: ScanError) -> str:
    """One line for an input that could not be scanned."""
    line = f":{failure.line}" if failure.line else ""
    return f"{file(failure.path)}{line}: {failure.message}"


def status(finding: Finding) -> str:
    """Why a finding is not open, in a few words; nothing for one that is."""
    if finding.status is Status.OPEN:
        return ""
    if finding.status is Status.BASELINE or finding.suppression is None:
        return finding.status.value
    suppression = finding.suppression
    reason = f": {suppression.reason}" if suppression.reason else ""
    until = f" (until {suppression.until})" if suppression.until else ""
    return f"suppressed by {suppression.source}{reason}{until}"


def not_evaluated(report: Report, context: Context) -> Iterator[tuple[str, str]]:
    """Rules that could not be checked, and why. The objects are counted, or named on request."""
    if context.verbose:
        yield from ((item.rule, f"{subject(item.target)}: {item.reason}") for item in report.not_evaluated)
        return
    for (rule, reason), count in Counter((item.rule, item.reason) for item in report.not_evaluated).items():
        yield rule, f"{counted(count, 'object')}: {reason}"


def totals(report: Report, paint: Paint) -> str:
    """The one summary line."""
    scanned, summary = report.scanned, report.summary
    if report.errors and not scanned.files:
        text = "nothing could be scanned"
    else:
        counts = [(severity, getattr(summary, severity.value)) for severity in Severity]
        found = ", ".join(paint(f"{count} {severity.value}", SEVERITY[severity]) for severity, count in counts if count)
        files = max(scanned.files - scanned.images, 0)  # an image is not called a file as well
        parts = [counted(files, "file"), counted(scanned.resources, "object")] if files or not scanned.images else []
        if scanned.images:
            parts.append(counted(scanned.images, "image"))
        text = f"{found or 'no findings'} in {', '.join(parts)}"
    beside = [
        f"advisories of {scanned.advisories[:10]}" if scanned.advisories else "",
        f"{summary.suppressed} suppressed" if summary.suppressed else "",
        f"{summary.baseline} in the baseline" if summary.baseline else "",
        f"errors in {counted(len({failure.path for failure in report.errors}), 'file')}" if report.errors else "",
        f"{counted(len(report.not_evaluated), 'check')} not evaluated" if report.not_evaluated else "",
    ]
    return "; ".join([f"{text} ({scanned.seconds:.2f} s)", *filter(None, beside)])


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
