"""Findings that were there before: known by fingerprint, so that moved lines do not bring them back.

Several findings may have one fingerprint (an object that stands in two files), so a baseline counts: what comes on top is new.
"""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from seawall.core.finding import Finding, Status


class Known(Struct, frozen=True):
    """One entry: a finding as it was; ``rule``, ``target`` and ``path`` are there for people who read the file."""

    fingerprint: str
    rule: str
    target: str
    path: str


class Baseline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The findings that a team has decided to look at later. JSON: ``seawall.baseline/v1``."""

    schema: str = "seawall.baseline/v1"
    findings: tuple[Known, ...] = ()


def baseline_of(findings: Iterable[Finding]) -> Baseline:
    """All findings that are not suppressed."""
    return Baseline(
        findings=tuple(
            Known(finding.fingerprint, finding.rule, str(finding.target), finding.locations[0].path)
            for finding in findings
            if finding.status is not Status.SUPPRESSED
        )
    )


def compare(findings: Iterable[Finding], baseline: Baseline) -> tuple[Finding, ...]:
    """The findings, with those that the baseline knows marked as ``baseline``."""
    left = Counter(known.fingerprint for known in baseline.findings)
    compared = []
    for finding in findings:
        if finding.status is Status.OPEN and left[finding.fingerprint]:
            left[finding.fingerprint] -= 1
            compared.append(replace(finding, status=Status.BASELINE))
        else:
            compared.append(finding)
    return tuple(compared)
