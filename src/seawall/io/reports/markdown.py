"""Markdown for a comment on a pull request: a table of the totals, then the worst findings by file, then what else there is to say.

What comes out of a manifest must not become a link, an image, a mention of a person or HTML in somebody's project. Backslashes do not achieve that
(GitHub and GitLab look for mentions and addresses after Markdown is done), so such text stands in code, where neither looks: in a code span, in a
fenced block, or in ``<code>``. Only plain words stand as they are.

GitHub refuses a comment of more than 65,536 characters. This one keeps below :data:`LIMIT`, and says what it left out.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from heapq import nsmallest
from html import escape
from itertools import islice
from typing import Final

from seawall.core.finding import Finding, Status
from seawall.core.report import Report
from seawall.core.severity import Confidence, Severity
from seawall.io.reports import phrases
from seawall.io.reports.context import Context
from seawall.io.reports.excerpt import excerpt
from seawall.io.reports.terminal import Paint, printable

LIMIT: Final = 60_000
TOP: Final = 50  # findings shown
ITEMS: Final = 20  # lines in each of the lists after them
OPENED: Final = 10  # up to so many findings are shown without a click
MARKER: Final = "<!-- seawall -->"  # lets a job find its own comment and replace it
WIDTH: Final = 100
MESSAGE: Final = 600
PLACE: Final = 250
_WORDS: Final = re.compile(r"[A-Za-z]+(?:(?:[ '-]|, )[A-Za-z]+)*")


def render(report: Report, context: Context) -> Iterator[str]:
    """One comment."""
    head = "".join(_head(report))
    tail = "".join(_tail(report, context))
    yield head
    yield from _findings(report, context, LIMIT - len(head) - len(tail))
    yield tail


def _head(report: Report) -> Iterator[str]:
    yield f"{MARKER}\n## Seawall\n\n"
    counts = [(severity, getattr(report.summary, severity.value)) for severity in Severity]
    shown = [(severity, count) for severity, count in counts if count or severity is not Severity.UNKNOWN]
    if report.summary.open:
        yield f"| {' | '.join(severity.value for severity, _ in shown)} |\n"
        yield f"|{'---:|' * len(shown)}\n"
        yield f"| {' | '.join(f'**{count}**' if count else '0' for _, count in shown)} |\n\n"
    yield f"{phrases.totals(report, Paint(on=False))}\n\n"


def _findings(report: Report, context: Context, room: int) -> Iterator[str]:
    found = list(phrases.shown(report, context))
    worst = nsmallest(TOP, enumerate(found), key=lambda item: (-item[1].severity.rank, item[0]))
    totals = Counter(map(_file, found))
    blocks: dict[str, list[str]] = defaultdict(list)
    shown = 0
    room -= MESSAGE  # for the closing line
    for _, finding in worst:
        file = _file(finding)
        block = "".join(_block(finding))
        room -= len(block) + (0 if file in blocks else len(_opening(file, TOP, len(found))) + len(CLOSING))
        if room < 0:
            break
        blocks[file].append(block)
        shown += 1
    for file, group in blocks.items():
        yield _opening(file, len(group), totals[file], opened=len(found) <= OPENED)
        yield from group
        yield CLOSING
    if shown < len(found):
        yield f"... and {len(found) - shown} more. The other reports (`--output html=seawall.html`) have all of them.\n\n"


CLOSING: Final = "</details>\n\n"


def _opening(file: str, shown: int, total: int, *, opened: bool = False) -> str:
    count = phrases.counted(shown, "finding") if shown == total else f"{shown} of {phrases.counted(total, 'finding')}"
    return f"<details{' open' if opened else ''}><summary><code>{escape(cut(file, PLACE))}</code> {count}</summary>\n\n"


def _file(finding: Finding) -> str:
    return phrases.file(finding.locations[0].path) if finding.locations else phrases.subject(finding.target)


def _block(finding: Finding) -> Iterator[str]:
    yield f"**{finding.severity.value}** {words(finding.title)} ({code(cut(finding.rule, PLACE))})\n\n"
    yield f"{fence(_lines(finding))}\n\n"


def _lines(finding: Finding) -> Iterator[str]:
    """The finding as the text format shows it."""
    yield cut(finding.message, MESSAGE)
    for location in finding.locations[:1]:
        number = str(location.line)
        margin = " " * len(number)
        yield f"{margin}--> {cut(phrases.place(location), PLACE)}"
        if source := excerpt(location, WIDTH):
            yield f"{number} | {source.line}".rstrip()
            if source.marks:
                yield f"{margin} | {source.marks}"
        if location.origin:
            line = f":{location.origin.line}" if location.origin.line else ""
            yield cut(f"rendered by {location.origin.tool} from {location.origin.path}{line}", PLACE)
    yield f"about: {cut(phrases.subject(finding.target), PLACE)}"
    if status := phrases.status(finding):
        yield f"status: {cut(status, PLACE)}"
    if finding.confidence is not Confidence.HIGH:
        yield f"confidence: {finding.confidence.value}"
    if finding.fix:
        yield f"fix: {cut(finding.fix.description, PLACE)} ({'safe' if finding.fix.safe else 'may break the application'})"


def _tail(report: Report, context: Context) -> Iterator[str]:
    yield from _section(phrases.counted(len(report.errors), "error"), map(phrases.error, report.errors), len(report.errors))
    unseen = [f"{rule}: {text}" for rule, text in phrases.not_evaluated(report, context)]
    yield from _section(f"{phrases.counted(len(report.not_evaluated), 'check')} not evaluated", unseen, len(unseen))
    if not context.verbose:
        accepted = report.summary.suppressed + report.summary.baseline
        texts = (
            f"{finding.rule}: {phrases.subject(finding.target)}: {phrases.status(finding)}"
            for finding in report.findings
            if finding.status is not Status.OPEN
        )
        yield from _section(f"{phrases.counted(accepted, 'finding')} suppressed or in the baseline", texts, accepted)


def _section(title: str, texts: Iterable[str], total: int) -> Iterator[str]:
    if not total:
        return
    yield f"<details><summary>{title}</summary>\n\n"
    for text in islice(texts, ITEMS):
        yield f"* {code(cut(text, PLACE))}\n"
    if total > ITEMS:
        yield f"* ... and {total - ITEMS} more\n"
    yield f"\n{CLOSING}"


def words(text: str) -> str:
    """Text that is nothing but plain words as it is, any other as code: ``GH-1``, ``@all`` and ``www.example.org`` would become links."""
    return text if _WORDS.fullmatch(text) else code(cut(text, PLACE))


def code(text: str) -> str:
    """A code span (CommonMark 0.31, 6.1): its ticks are more than any in the text."""
    text = printable(text)
    ticks = "`" * (_longest(text) + 1)
    return f"{ticks} {text} {ticks}" if "`" in text or not text.strip() else f"{ticks}{text}{ticks}"


def fence(lines: Iterable[str]) -> str:
    """A fenced block (CommonMark 0.31, 4.5), each line made harmless for the eye too."""
    body = [printable(line) for line in lines]
    ticks = "`" * max(3, _longest("\n".join(body)) + 1)
    return "\n".join([f"{ticks}text", *body, ticks])


def _longest(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def cut(text: str, length: int) -> str:
    """At most so many characters, printable ones."""
    text = printable(text)
    return text if len(text) <= length else text[: length - 3] + "..."
