"""One HTML file to read, to keep and to mail: totals, charts, every finding by object, and what could not be checked.

The page has no script and loads nothing; a Content-Security-Policy, which names its only style sheet by hash, says so to the browser. Drill-down is
``<details>``, filters are radio buttons. Everything that comes from the input is escaped, and characters that cannot be seen are made visible.
Bars are SVG in the cells of a table, so a screen reader has the numbers.
"""

import hashlib
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Final

from msgspec import UNSET

from seawall.core.finding import Finding, Status
from seawall.core.location import Location
from seawall.core.report import Report
from seawall.core.rule import Outcome, Rule
from seawall.core.severity import Confidence, Severity
from seawall.core.target import ResourceTarget
from seawall.io.reports import phrases, prose
from seawall.io.reports.context import Context
from seawall.io.reports.terminal import Paint, printable

MEANINGS: Final = {
    Severity.CRITICAL: "hands over the node or the cluster",
    Severity.HIGH: "removes a boundary that an attacker has to cross",
    Severity.MEDIUM: "weakens a boundary, or the object does not work",
    Severity.LOW: "hardening and hygiene",
    Severity.INFO: "worth knowing in a review",
    Severity.UNKNOWN: "nobody has rated it yet",
}
OUTCOMES: Final = {
    Outcome.PASS: "passed",
    Outcome.FAIL: "failed",
    Outcome.NOT_EVALUATED: "could not be judged",
    Outcome.NOT_APPLICABLE: "did not apply",
}
FILTERS: Final = {1: "all", 2: "low and worse", 3: "medium and worse", 4: "high and worse", 5: "critical"}
TOP: Final = 10
BESIDE: Final = 100  # characters of a line shown on either side of the marked region
MARKED: Final = 300  # characters of the region
ITEMS: Final = 1000  # rows in each of the lists of what is not an open finding

Bars = Sequence[tuple[str, Mapping[str, int]]]


def render(report: Report, context: Context) -> Iterator[str]:
    """The page, from top to bottom."""
    found = [finding for finding in report.findings if finding.status is Status.OPEN]
    yield from _head(report)
    yield from _summary(report, found)
    yield from _charts(report, found, context.rules)
    yield from _rules(found)
    yield from _objects(found, context.rules)
    yield from _rest(report, context)
    yield (
        f'<footer class="soft small">{text(report.tool.name)} {text(report.tool.version)}'
        f"{f', {text(context.now)}' if context.now else ''}. Scanned: {text(', '.join(map(phrases.file, report.scanned.targets)) or 'nothing')}"
        "</footer>\n</div>\n</body>\n</html>\n"
    )


def text(value: str) -> str:
    """Text for an element or a quoted attribute."""
    return escape(printable(value))


def _head(report: Report) -> Iterator[str]:
    style = files(__package__).joinpath("assets", "report.css").read_text("utf-8")
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f'<meta name="generator" content="{text(report.tool.name)} {text(report.tool.version)}">\n'
        f"<title>Seawall report</title>\n<style>{style}</style>\n</head>\n"
    )


def _summary(report: Report, found: list[Finding]) -> Iterator[str]:
    yield '<body>\n<a class="skip" href="#findings">To the findings</a>\n<div class="page">\n<header>\n<h1>Seawall report</h1>\n'
    yield f'<p class="lead">{_verdict(report)}</p>\n<p class="soft">{text(phrases.totals(report, Paint(on=False)))}</p>\n'
    if fixes := _fixes(found):
        yield f'<p class="soft">{fixes}</p>\n'
    yield '</header>\n<ul class="tiles">\n'
    for name, count in _by_severity(report):
        none = "" if count else " none"
        yield f'<li class="tile {name}{none}"><b>{count:,}</b><span>{name}</span><small>{MEANINGS[Severity(name)]}</small></li>\n'
    yield "</ul>\n"


def _by_severity(report: Report) -> list[tuple[str, int]]:
    counts = [(severity.value, getattr(report.summary, severity.value)) for severity in Severity]
    return [(name, count) for name, count in counts if count or name != Severity.UNKNOWN.value]


def _fixes(found: list[Finding]) -> str:
    safe = sum(finding.fix is not None and finding.fix.safe for finding in found)
    unsafe = sum(finding.fix is not None and not finding.fix.safe for finding in found)
    parts = [
        f"{safe:,} cannot break an application (<code>seawall fix</code>)" if safe else "",
        f"{unsafe:,} should be tried out first (<code>seawall fix --unsafe</code>)" if unsafe else "",
    ]
    return f"Proposed fixes: {', '.join(filter(None, parts))}." if safe or unsafe else ""


def _verdict(report: Report) -> str:
    """What a reader with ten seconds takes away."""
    summary = report.summary
    blind = " Not everything could be scanned." if report.errors else ""
    if report.errors and not report.scanned.files:
        return "Nothing could be scanned."
    if summary.critical:
        return f"<strong>Act now:</strong> {phrases.counted(summary.critical, 'finding')} would hand over a node or the cluster.{blind}"
    if summary.high:
        return f"<strong>Act soon:</strong> {phrases.counted(summary.high, 'finding')} would spare an attacker a boundary.{blind}"
    if summary.open:
        return f"Nothing critical or high; {phrases.counted(summary.open, 'finding')} to weigh.{blind}"
    return f"No findings.{blind}"


# Charts


def _charts(report: Report, found: list[Finding], rules: Mapping[str, Rule]) -> Iterator[str]:
    outcomes: Counter[Outcome] = Counter()
    for counts in report.outcomes.values():
        outcomes.update(counts)
    yield '<section aria-labelledby="overview">\n<h2 id="overview">Overview</h2>\n<div class="charts">\n'
    if found:
        yield from _chart("Findings by severity", [(name, {name: count}) for name, count in _by_severity(report)])
        yield from _chart("Findings by category", _by(found, lambda finding: _category(finding, rules)))
        yield from _chart(f"Namespaces with the worst findings (top {TOP})", _by(found, _namespace)[:TOP])
        yield from _chart(f"Objects with the worst findings (top {TOP})", _by(found, lambda finding: str(finding.target).rstrip())[:TOP])
    if outcomes:
        yield from _chart("Checks: a rule on an object", [(label, {outcome.value: outcomes[outcome]}) for outcome, label in OUTCOMES.items()])
    yield "</div>\n</section>\n"


def _category(finding: Finding, rules: Mapping[str, Rule]) -> str:
    rule = rules.get(finding.rule)
    return rule.category if rule else "other"


def _namespace(finding: Finding) -> str:
    return getattr(finding.target, "namespace", "") or "(no namespace)"


def _by(found: Iterable[Finding], key: Callable[[Finding], str]) -> list[tuple[str, Mapping[str, int]]]:
    """The findings of each group by severity, the worst group first."""
    groups: dict[str, Counter[Severity]] = defaultdict(Counter)
    for finding in found:
        groups[key(finding)][finding.severity] += 1
    ordered = sorted(groups.items(), key=lambda group: [-group[1][severity] for severity in WORST_FIRST])
    return [(label, {severity.value: counts[severity] for severity in WORST_FIRST if counts[severity]}) for label, counts in ordered]


WORST_FIRST: Final = sorted(Severity, key=lambda severity: -severity.rank)


def _chart(title: str, bars: Bars) -> Iterator[str]:
    longest = max((sum(parts.values()) for _, parts in bars), default=0) or 1
    yield f'<div class="card"><table class="chart"><caption>{text(title)}</caption>\n<tbody>\n'
    for label, parts in bars:
        told = ", ".join(f"{count} {name}" for name, count in parts.items() if count)
        yield (f'<tr><th scope="row">{text(label)}</th><td>{_bar(parts, longest, told)}</td><td class="number">{sum(parts.values()):,}</td></tr>\n')
    yield "</tbody></table></div>\n"


def _bar(parts: Mapping[str, int], longest: int, told: str) -> str:
    rects = []
    left = 0.0
    for name, count in parts.items():
        width = 1000 * count / longest
        if count:
            rects.append(f'<rect class="{name}" x="{left:.1f}" y="0" width="{width:.1f}" height="10"/>')
        left += width
    return f'<svg viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label="{told or "none"}">{"".join(rects)}</svg>'


# Findings


def _rules(found: list[Finding]) -> Iterator[str]:
    """Where one change of habit mends most: the rules by severity and number of findings."""
    rules: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        rules[finding.rule].append(finding)
    if not rules:
        return
    worst = sorted(rules.values(), key=lambda group: (-max(finding.severity.rank for finding in group), -len(group)))
    yield '<section aria-labelledby="rules">\n<h2 id="rules">What to mend first</h2>\n<div class="card scroll"><table class="list">\n'
    yield f"<caption>The {min(TOP, len(worst))} worst of {phrases.counted(len(worst), 'rule')} with findings</caption>\n"
    yield "<thead><tr><th>Severity</th><th>Rule</th><th>Findings</th><th>Objects</th><th>Proposed fix</th></tr></thead>\n<tbody>\n"
    for group in worst[:TOP]:
        first = max(group, key=lambda finding: finding.severity.rank)
        objects = len({str(finding.target) for finding in group})
        fix = _fix(first) or '<span class="soft">by hand</span>'
        yield (
            f'<tr><td>{_badge(first.severity)}</td><th scope="row">{text(first.title)} <code class="soft">{text(first.rule)}</code></th>'
            f'<td class="number">{len(group):,}</td><td class="number">{objects:,}</td><td>{fix}</td></tr>\n'
        )
    yield "</tbody></table></div>\n</section>\n"


def _objects(found: list[Finding], rules: Mapping[str, Rule]) -> Iterator[str]:
    """Every object that has findings, the worst first; of one rule on one object the explanation stands once."""
    yield '<section aria-labelledby="findings">\n<h2 id="findings">Findings by object</h2>\n'
    if not found:
        yield "<p>There are none.</p>\n</section>\n"
        return
    objects: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in found:
        objects[_object(finding)].append(finding)
    worst = max(finding.severity.rank for finding in found)
    filters = {floor: label for floor, label in FILTERS.items() if floor <= worst}  # none that would leave nothing to see
    for floor in filters:
        yield f'<input class="filter" type="radio" name="show" id="show-{floor}"{" checked" if floor == 1 else ""}>\n'
    labels = "".join(f'<label for="show-{floor}">{label}</label>' for floor, label in filters.items())
    yield f'<div class="filters"><span class="soft">Show</span>{labels}</div>\n<div class="objects">\n'
    explanations: dict[str, str] = {}
    ordered = sorted(objects.items(), key=lambda item: _weight(item[1]))
    for (target, file), group in ordered:
        counts = Counter(finding.severity for finding in group)
        badges = "".join(_badge(severity, counts[severity]) for severity in WORST_FIRST if counts[severity])
        worst = max(finding.severity.rank for finding in group)
        yield (
            f'<details class="object r{worst}"{" open" if len(ordered) == 1 else ""}><summary><h3>{text(target)}</h3>'
            f'<span class="counts">{badges}</span><span class="file soft small">{text(file)}</span></summary>\n'
        )
        by_rule: dict[tuple[int, str], list[Finding]] = defaultdict(list)
        for finding in group:
            by_rule[-finding.severity.rank, finding.rule].append(finding)
        for key in sorted(by_rule, key=lambda key: key[0]):
            yield from _group(by_rule[key], rules, explanations)
        yield "</details>\n"
    yield "</div>\n</section>\n"


def _object(finding: Finding) -> tuple[str, str]:
    return str(finding.target).rstrip(), phrases.file(finding.locations[0].path) if finding.locations else ""


def _weight(group: list[Finding]) -> list[int]:
    counts = Counter(finding.severity for finding in group)
    return [-counts[severity] for severity in WORST_FIRST]


def _group(group: list[Finding], rules: Mapping[str, Rule], explanations: dict[str, str]) -> Iterator[str]:
    first = group[0]
    if first.rule not in explanations:
        explanations[first.rule] = "".join(_explanation(first, rules.get(first.rule)))
    doubt = f' <span class="tag">confidence: {first.confidence.value}</span>' if first.confidence is not Confidence.HIGH else ""
    yield (
        f'<article class="finding r{first.severity.rank}"><header>{_badge(first.severity)}<h4>{text(first.title)}</h4>'
        f' <code class="soft">{text(first.rule)}</code>{doubt}</header>\n'
    )
    for finding in group:
        yield from _place(finding)
    yield explanations[first.rule] + "</article>\n"


def _place(finding: Finding) -> Iterator[str]:
    yield f'<div class="place"><p>{text(finding.message)}</p>'
    if isinstance(finding.target, ResourceTarget) and finding.target.container not in finding.message:
        yield f'<p class="soft small">Container {text(finding.target.container)}</p>'
    for location in finding.locations:
        yield f'<p class="soft small"><code>{text(phrases.place(location))}</code>{_field(location)}</p>'
        yield source(location)
    for origin in dict.fromkeys(location.origin for location in finding.locations if location.origin):
        line = f":{origin.line}" if origin.line else ""
        yield f'<p class="soft small">Rendered by {text(origin.tool)} from <code>{text(origin.path)}{line}</code></p>'
    if fix := _fix(finding):
        yield f"<p>{fix}</p>"
    yield "</div>\n"


def _field(location: Location) -> str:
    return f" field <code>{text(location.field)}</code>" if location.field else ""


def source(location: Location) -> str:
    """The first line of the region with the region marked; of a long line the part around it."""
    line = location.snippet
    if line is UNSET:
        return ""
    first = min(location.column - 1, len(line))
    last = location.end_column - 1 if location.end_line == location.line else len(line.rstrip())
    last = min(max(first, last), len(line))
    before, marked, after = line[:first], line[first:last], line[last:]
    before = "..." + before[-BESIDE:] if len(before) > BESIDE else before.lstrip()
    marked = marked[:MARKED] + "..." if len(marked) > MARKED else marked
    after = after[:BESIDE] + "..." if len(after) > BESIDE else after
    return f'<pre><span class="line">{location.line} </span>{text(before)}<mark>{text(marked)}</mark>{text(after)}</pre>'


def _fix(finding: Finding) -> str:
    if not finding.fix:
        return ""
    tag = '<span class="tag safe">safe</span>' if finding.fix.safe else '<span class="tag">may break the application</span>'
    return f"Fix: {text(finding.fix.description)} {tag}"


def _explanation(finding: Finding, rule: Rule | None) -> Iterator[str]:
    yield '<details class="why"><summary>Why it matters, how to fix it</summary><div>'
    if rule:
        for heading, body in prose.sections(rule.explanation):
            yield f"<h5>{heading}</h5>" + "".join(f"<p>{text(part)}</p>" for part in prose.paragraphs(body))
    controls = [f"{control.framework} {control.control}" for control in finding.controls]
    if controls:
        yield f"<h5>Controls</h5><p>{text(', '.join(controls))}</p>"
    known = "; ".join(f"{tool}: {' '.join(ids)}" for tool, ids in rule.aliases.items()) if rule else " ".join(finding.aliases)
    if known:
        yield f"<h5>What other tools call it</h5><p>{text(known)}</p>"
    references = [reference for reference in (rule.references if rule else ()) if reference.startswith("https://")]
    if references:
        links = "".join(f'<p><a rel="noopener noreferrer" href="{text(reference)}">{text(reference)}</a></p>' for reference in references)
        yield f"<h5>References</h5>{links}"
    yield f"<h5>On the command line</h5><p><code>seawall explain {text(finding.rule)}</code></p></div></details>"


def _badge(severity: Severity, count: int | None = None) -> str:
    label = severity.value if count is None else f"{count} {severity.value}"
    return f'<span class="badge {severity.value}{"" if count is None else " count"}">{label}</span>'


# What else there is to say


def _rest(report: Report, context: Context) -> Iterator[str]:
    errors = [(f"{phrases.file(error.path)}{f':{error.line}' if error.line else ''}", error.message) for error in report.errors]
    yield from _table("errors", "Could not be scanned", ("Input", "Reason"), errors, opened=True)
    blind = list(phrases.not_evaluated(report, context))
    yield from _table("blind", "Not evaluated", ("Rule", "Reason"), blind, opened=False)
    accepted = [
        (finding.severity.value, finding.rule, phrases.subject(finding.target), finding.message, phrases.status(finding))
        for finding in report.findings
        if finding.status is not Status.OPEN
    ]
    yield from _table("accepted", "Suppressed or in the baseline", ("Severity", "Rule", "Object", "Finding", "Status"), accepted, opened=False)


def _table(id_: str, title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, opened: bool) -> Iterator[str]:
    if not rows:
        return
    heads = "".join(f'<th scope="col">{column}</th>' for column in columns)
    yield f'<section aria-labelledby="{id_}">\n<h2 id="{id_}">{title}</h2>\n<details{" open" if opened else ""} class="card">'
    yield f"<summary>{len(rows):,} {'entry' if len(rows) == 1 else 'entries'}</summary>\n"
    yield f'<div class="scroll"><table class="list"><caption>{title}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n'
    for row in rows[:ITEMS]:
        yield f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in row)}</tr>\n"
    yield "</tbody></table></div>\n"
    if len(rows) > ITEMS:
        yield f"<p>... and {len(rows) - ITEMS:,} more.</p>\n"
    yield "</details>\n</section>\n"
