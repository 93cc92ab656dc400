"""Text for people, in the manner of a compiler: what is wrong, the line of source with the place marked, notes, and how to mend it.

    critical[privileged]: container app sets privileged: true
      --> deploy/web.yaml:24:13
       |
    24 |             privileged: true
       |             ^^^^^^^^^^^^^^^^
       = note: Deployment shop/web, container app
       = fix: set privileged to false (safe)
       = help: seawall explain privileged

Findings come first, then what could not be scanned or judged, then one line of totals.
"""

from collections.abc import Iterator, Sequence

from msgspec import UNSET

from seawall.core.finding import Finding
from seawall.core.fix import Fix
from seawall.core.location import Location
from seawall.core.report import PlanStep, Report
from seawall.core.severity import Confidence
from seawall.core.target import Target
from seawall.io.reports import phrases
from seawall.io.reports.context import Context
from seawall.io.reports.excerpt import excerpt
from seawall.io.reports.json import encode
from seawall.io.reports.terminal import BOLD, ERROR, GUTTER, SEVERITY, Paint, columns, printable, wrap

HANGING = "  "
MOST_IDS = 5  # that a step of a plan names
MAX_EVIDENCE = 200  # characters of a value; the JSON report has all of it


def render(report: Report, context: Context) -> Iterator[str]:
    """One block for each finding, then the rest of what there is to say."""
    paint = Paint(context.color)
    for finding in phrases.shown(report, context):
        yield "\n".join(_block(finding, context, paint)) + "\n\n"
    yield from after(report, context, paint)


def after(report: Report, context: Context, paint: Paint) -> Iterator[str]:
    """What follows the findings: errors, what could not be judged, totals."""
    for error in report.errors:
        yield labelled("error:", phrases.error(error), context, paint, ERROR, HANGING) + "\n"
    for rule, text in phrases.not_evaluated(report, context):
        yield labelled(f"not evaluated[{rule}]:", text, context, paint, BOLD, HANGING) + "\n"
    if report.errors or report.not_evaluated:
        yield "\n"
    if report.plan is not UNSET:
        yield from _plan(report.plan, context, paint)
    yield phrases.totals(report, paint) + "\n"


def _plan(steps: Sequence[PlanStep], context: Context, paint: Paint) -> Iterator[str]:
    """The patch plan, what helps most first."""
    yield paint("patch plan:" if steps else "patch plan: there is nothing to upgrade", BOLD) + "\n"
    for number, step in enumerate(steps, 1):
        ids = ", ".join(step.removes[:MOST_IDS]) + (f" and {len(step.removes) - MOST_IDS} more" if len(step.removes) > MOST_IDS else "")
        yield labelled(f"{number:>3}.", f"{step.what}: removes {ids} (risk {step.risk:g})", context, paint, BOLD) + "\n"
    yield "\n"


def _block(finding: Finding, context: Context, paint: Paint) -> Iterator[str]:
    color = SEVERITY[finding.severity]
    yield labelled(f"{finding.severity.value}[{finding.rule}]:", finding.message, context, paint, color, HANGING)
    gutter = max((len(str(location.line)) for location in finding.locations), default=0)
    for place, location in enumerate(finding.locations):
        yield from _source(location, finding.target, "^" if place == 0 else "-", gutter, color, context, paint)
    for label, text in _notes(finding, context):
        yield labelled(f"{' ' * gutter} = {label}:", text, context, paint, BOLD)


def _source(location: Location, target: Target, mark: str, gutter: int, color: str, context: Context, paint: Paint) -> Iterator[str]:
    margin = " " * gutter
    arrow = "-->" if mark == "^" else ":::"
    yield f"{margin}{paint(arrow, GUTTER)} {printable(phrases.place(location, target))}"
    source = excerpt(location, context.width - gutter - len(" | "), mark)
    if source is None:
        return
    bar = paint("|", GUTTER)
    yield f"{margin} {bar}"
    yield f"{paint(str(location.line).rjust(gutter), GUTTER)} {bar} {source.line}".rstrip()
    if source.marks:
        indent = len(source.marks) - len(source.marks.lstrip())
        yield f"{margin} {bar} {' ' * indent}{paint(source.marks[indent:], color)}"


def _notes(finding: Finding, context: Context) -> Iterator[tuple[str, str]]:
    yield "note", phrases.subject(finding.target)
    if status := phrases.status(finding):
        yield "note", status
    for origin in dict.fromkeys(location.origin for location in finding.locations if location.origin):
        line = f":{origin.line}" if origin.line else ""
        yield "note", f"rendered by {origin.tool} from {origin.path}{line}"
    if finding.confidence is not Confidence.HIGH:
        yield "note", f"confidence is {finding.confidence.value}"
    if finding.vulnerability is not UNSET and not context.verbose:
        yield from (("note", f"{evidence.what}: {evidence.value}") for evidence in finding.evidence[1:])
    if context.verbose:
        if finding.locations and finding.locations[0].field:
            yield "note", f"field {finding.locations[0].field}"
        for evidence in finding.evidence:
            value = encode(evidence.value)
            yield "note", f"{evidence.what} is {value if len(value) <= MAX_EVIDENCE else value[:MAX_EVIDENCE] + '...'}"
    if finding.fix:
        yield "fix", _fix(finding.fix)
    yield "help", f"seawall explain {finding.rule}"
    if context.verbose and (rule := context.rules.get(finding.rule)):
        for reference in rule.references:
            yield "see", reference


def _fix(fix: Fix) -> str:
    return f"{fix.description} ({'safe' if fix.safe else 'may break the application'})"


def labelled(label: str, text: str, context: Context, paint: Paint, color: str, indent: str = "") -> str:
    """A coloured label and a text, wrapped; lines after the first start under the text, or at ``indent``."""
    label = printable(label)
    taken = columns(label) + 1
    return f"{paint(label, color)} {wrap(printable(text), context.width, indent or ' ' * taken, taken=taken)}"
