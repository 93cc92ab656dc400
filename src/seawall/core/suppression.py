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

from seawall.core.finding import Finding, Status, Suppression
from seawall.core.location import Location

EVERY_RULE = "*"


class Exemption(Struct, frozen=True, kw_only=True):
    """One place where somebody said that a finding is accepted.

    ``rules`` are rule ids, or ``*``. It covers lines ``first_line`` to ``last_line`` of ``path``, narrowed to one ``container`` if named.
    ``source`` says how it was written (``comment``, ``annotation``, ``policy``), ``written`` where. ``until`` is the last day on which it holds.
    ``entry`` tells the exemptions apart that one entry of a policy makes for many objects: they are used together.
    ``optional`` exemptions were written for another tool; nobody is told when they are unused.
    """

    source: str
    rules: tuple[str, ...]
    path: str
    first_line: int
    last_line: int
    written: Location
    container: str = ""
    reason: str = ""
    until: date | None = None
    entry: str = ""
    optional: bool = False

    def covers(self, finding: Finding) -> bool:
        if EVERY_RULE not in self.rules and finding.rule not in self.rules:
            return False
        if self.container and getattr(finding.target, "container", "") != self.container:
            return False
        return any(location.path == self.path and self.first_line <= location.line <= self.last_line for location in finding.locations[:1])

    @property
    def identity(self) -> str:
        return self.entry or f"{self.written.path}:{self.written.line}:{self.written.column}:{','.join(self.rules)}"


class Outcome(Struct, frozen=True):
    """Findings with their status, and the exemptions that expired (with what they would have covered) or covered nothing."""

    findings: tuple[Finding, ...]
    expired: tuple[Exemption, ...]
    unused: tuple[Exemption, ...]


def apply(findings: Iterable[Finding], exemptions: Sequence[Exemption], today: date) -> Outcome:
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
    return Outcome(tuple(judged), tuple(expired.values()), tuple(unused.values()))


class Match(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry of ``suppressions`` in ``seawall.yaml``. What is not named matches everything; names are globs, as in file names.

    ``labels`` must all be on the object. ``reason`` is not optional: an exemption that nobody can explain is a mistake.
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

    def selects(self, path: str, namespace: str, kind: str, name: str, labels: dict[str, str]) -> bool:
        """Whether an object is one that this entry speaks of."""
        wanted = ((path, self.path), (namespace, self.namespace), (kind, self.kind), (name, self.name))
        return all(fnmatchcase(value, pattern) for value, pattern in wanted) and self.labels.items() <= labels.items()
