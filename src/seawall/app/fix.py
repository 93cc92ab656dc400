"""``seawall fix`` from end to end: scan, edit, scan again, until nothing that may be fixed is left. Nothing is written here.

Fixes of one round must not meet: two that need the same missing ``securityContext`` would each write one. So a round takes what is apart, and the
next one sees what the first has written. A fix that did not make its finding go away is not tried twice.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from seawall.core.finding import Finding, Status
from seawall.core.fix import Edit
from seawall.core.report import Report
from seawall.io.sources.edits import apply

MAX_ROUNDS = 100

Name = tuple[str, str, int]
"""By what a finding is known while its file is edited: its fingerprint, its file, and which of its equals there it is."""


class Fixed(Struct, frozen=True):
    """What came of it: the findings that are gone, the new text of each file that changes, and the report of what remains."""

    findings: tuple[Finding, ...]
    texts: Mapping[str, str]
    report: Report


def fix(scan: Callable[[Mapping[str, str]], Report], read: Callable[[str], str], wanted: Callable[[Finding], bool]) -> Fixed:
    """Work out the fixes of all open findings that are ``wanted``.

    ``scan`` judges the files, with these texts in the place of some; ``read`` is the text of a file as it is. Raises ``InputError`` when one cannot
    be read.
    """
    texts: dict[str, str] = {}
    tried: dict[Name, Finding] = {}
    report = scan(texts)
    for _ in range(MAX_ROUNDS):
        by_path = defaultdict(list)
        for name, finding in _named(report.findings):
            if _can_be_fixed(finding) and wanted(finding) and name not in tried:
                by_path[_edits(finding)[0].path].append((name, finding))
        if not by_path:
            break
        for path, candidates in by_path.items():
            chosen = _apart(candidates)
            tried |= chosen
            text = texts[path] if path in texts else read(path)
            texts[path] = apply(text, [edit for finding in chosen.values() for edit in _edits(finding)])
        report = scan(texts)
    left = dict(_named(report.findings))
    gone = tuple(finding for name, finding in tried.items() if name not in left)
    return Fixed(findings=gone, texts=texts, report=report)


def _named(findings: Sequence[Finding]) -> Iterator[tuple[Name, Finding]]:
    """Each finding with its name. Equals are counted from the last, as those before it are fixed first."""
    left = Counter((finding.fingerprint, finding.locations[0].path) for finding in findings)
    for finding in findings:
        key = (finding.fingerprint, finding.locations[0].path)
        yield (*key, left[key]), finding
        left[key] -= 1


def _can_be_fixed(finding: Finding) -> bool:
    """One file is changed at a time, and only what can be judged again at once: not the template behind a rendered object."""
    rendered = any(location.origin for location in finding.locations)
    return finding.status is Status.OPEN and not rendered and len({edit.path for edit in _edits(finding)}) == 1


def _edits(finding: Finding) -> Sequence[Edit]:
    return finding.fix.edits if finding.fix else ()


def _apart(candidates: Sequence[tuple[Name, Finding]]) -> dict[Name, Finding]:
    """As many of the findings, first come first served, as have edits that neither meet nor stand on lines next to each other."""
    taken: list[tuple[int, int]] = []
    chosen = {}
    for name, finding in candidates:
        regions = [(edit.line, edit.end_line) for edit in _edits(finding)]
        if all(end + 1 < start_taken or start > end_taken + 1 for start, end in regions for start_taken, end_taken in taken):
            taken += regions
            chosen[name] = finding
    return chosen
