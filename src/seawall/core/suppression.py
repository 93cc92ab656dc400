"""Findings that somebody has said not to fix: matched, expired, unused. Pure; where exemptions are written is known to the sources.

An :class:`Exemption` covers a range of lines of one input, or what an entry of ``seawall.yaml`` describes. It never hides a finding: the finding
stays in the report with status ``suppressed`` and the reason.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from fnmatch import fnmatchcase

from msgspec import Struct
from msgspec.structs import replace

from seawall.core.finding import Finding, Status, Suppression, fingerprint
from seawall.core.location import Location
from seawall.core.rule import Explanation, Phase, Rule
from seawall.core.severity import Severity
from seawall.core.target import FileTarget

EVERY_RULE = "*"


class Exemption(Struct, frozen=True, kw_only=True):
    """One place where somebody said that a finding is accepted.

    ``rules`` are rule ids, or ``*``. It covers the ``lines`` (first and last, counted from 1) of ``path``, narrowed to one ``container`` if named.
    ``source`` says how it was written (``comment``, ``annotation``, ``policy``), ``written`` where. ``until`` is the last day on which it holds.
    ``entry`` tells the exemptions apart that one entry of a policy makes for many objects: they are used together.
    ``optional`` exemptions were written for another tool; nobody is told when they are unused. ``only`` is the fingerprint of the one finding that
    is meant, where lines cannot tell.
    """

    source: str
    rules: tuple[str, ...]
    path: str
    lines: tuple[int, int]
    written: Location
    container: str = ""
    reason: str = ""
    until: date | None = None
    entry: str = ""
    optional: bool = False
    only: str = ""

    def covers(self, finding: Finding) -> bool:
        if self.only and self.only != finding.fingerprint:
            return False
        if EVERY_RULE not in self.rules and finding.rule not in self.rules:
            return False
        if self.container and getattr(finding.target, "container", "") != self.container:
            return False
        first, last = self.lines
        place = finding.locations[0]
        return place.path == self.path and first <= place.line <= last

    @property
    def identity(self) -> str:
        return self.entry or f"{self.written.path}:{self.written.line}:{self.written.column}:{','.join(self.rules)}"


class Applied(Struct, frozen=True):
    """Findings with their status, and the exemptions that expired (with what they would have covered) or covered nothing."""

    findings: tuple[Finding, ...]
    expired: tuple[Exemption, ...]
    unused: tuple[Exemption, ...]


def apply(findings: Iterable[Finding], exemptions: Sequence[Exemption], today: date) -> Applied:
    """Give each finding the status that the exemptions say. An expired exemption covers nothing, and is told when it would have."""
    by_path: dict[str, list[Exemption]] = defaultdict(list)
    for exemption in exemptions:
        by_path[exemption.path].append(exemption)
    used: set[str] = set()
    expired: dict[str, Exemption] = {}
    judged = []
    for finding in findings:
        status = finding
        for exemption in by_path.get(finding.locations[0].path, ()):
            if not exemption.covers(finding):
                continue
            used.add(exemption.identity)
            if exemption.until is not None and exemption.until < today:
                expired[exemption.identity] = exemption
            elif status.status is Status.OPEN:
                until = exemption.until.isoformat() if exemption.until else None
                status = replace(finding, status=Status.SUPPRESSED, suppression=Suppression(exemption.source, exemption.reason, until))
        judged.append(status)
    unused = {item.identity: item for item in exemptions if item.identity not in used and not item.optional}
    return Applied(tuple(judged), tuple(expired.values()), tuple(unused.values()))


EXPIRED = Rule(
    id="suppression-expired",
    title="Suppression has expired",
    # Medium: somebody promised to have it mended by now.
    severity=Severity.MEDIUM,
    phase=Phase.GOVERN,
    category="policy",
    explanation=Explanation(
        what="A suppression whose date has passed, over a finding that is still there.",
        why="It was accepted for a time, and the time is over. The finding is open again.",
        fix="Mend the finding and remove the suppression, or decide anew and set another date.",
        exceptions="None.",
    ),
)
UNUSED = Rule(
    id="suppression-unused",
    title="Suppression covers nothing",
    # Low: it does no harm today, and hides the next finding of its kind.
    severity=Severity.LOW,
    phase=Phase.GOVERN,
    category="policy",
    explanation=Explanation(
        what="A suppression of Seawall's own (comment, annotation or policy entry) that covers no finding of the rules that ran.",
        why="What it was written for is mended or gone, or its rule is misspelled. It will hide the next finding in that place.",
        fix="Remove it.",
        exceptions="Suppressions that were written for another tool are left alone, and those of rules that did not run.",
    ),
)


def remark(rule: Rule, exemption: Exemption) -> Finding:
    """The finding that an exemption itself makes: :data:`EXPIRED` or :data:`UNUSED`."""
    rules = ", ".join(exemption.rules)
    said = f"the {exemption.source} that ignores {rules}"
    message = f"{said} expired on {exemption.until}" if rule is EXPIRED else f"{said} covers no finding"
    target = FileTarget(exemption.written.path)
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        confidence=rule.confidence,
        title=rule.title,
        message=message,
        target=target,
        locations=(exemption.written,),
        fingerprint=fingerprint(rule.id, target, f"{exemption.written.field or ''} {rules}"),
    )


class Match(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry of ``suppressions`` in ``seawall.yaml``. What is not named matches everything; names are globs, as in file names.

    ``labels`` must all be on the object. ``vulnerability`` (an id or an alias) and ``package`` (a name or a purl) are for findings about packages,
    the others but ``path`` for objects. ``reason`` is not optional: an exemption that nobody can explain is a mistake.
    """

    rules: tuple[str, ...]
    reason: str
    until: date | None = None
    path: str = "*"
    namespace: str = "*"
    kind: str = "*"
    name: str = "*"
    container: str = ""
    labels: dict[str, str] = {}
    vulnerability: str = "*"
    package: str = "*"

    @property
    def is_about_packages(self) -> bool:
        return (self.vulnerability, self.package) != ("*", "*")

    @property
    def is_about_objects(self) -> bool:
        return (self.namespace, self.kind, self.name, self.container, self.labels) != ("*", "*", "*", "", {})

    def selects_package(self, path: str, ids: Iterable[str], names: Iterable[str]) -> bool:
        """Whether a finding about a package is one that this entry speaks of: ``ids`` are those of the vulnerability, ``names`` the package's;
        case does not matter."""
        return (
            not self.is_about_objects
            and fnmatchcase(path, self.path)
            and any(fnmatchcase(one.lower(), self.vulnerability.lower()) for one in ids)
            and any(fnmatchcase(one.lower(), self.package.lower()) for one in names)
        )

    def selects(self, path: str, namespace: str, kind: str, name: str, labels: dict[str, str]) -> bool:
        """Whether an object is one that this entry speaks of."""
        if self.is_about_packages:
            return False
        wanted = ((path, self.path), (namespace, self.namespace), (kind, self.kind), (name, self.name))
        return all(fnmatchcase(value, pattern) for value, pattern in wanted) and self.labels.items() <= labels.items()
