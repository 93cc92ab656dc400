"""The report: everything one run has to say, in the shape of ``seawall.report/v1``."""

from collections.abc import Iterable, Mapping

from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import replace

from seawall import __version__
from seawall.core.errors import InputError
from seawall.core.finding import Finding, Status
from seawall.core.rule import Outcome
from seawall.core.severity import Severity
from seawall.core.verdict import NotEvaluated


class Tool(Struct, frozen=True):
    """Who made the report."""

    name: str = "seawall"
    version: str = __version__


class Scanned(Struct, frozen=True):
    """What was looked at. ``paths`` are the files of which at least a part could be read, ``seconds`` is wall-clock time.

    ``advisories`` is when the advisory database was built that packages were held against (RFC 3339), empty where none was.
    """

    targets: tuple[str, ...]
    files: int = 0
    resources: int = 0
    images: int = 0
    seconds: float = 0.0
    paths: tuple[str, ...] = ()
    advisories: str = ""


class ScanError(Struct, frozen=True):
    """An input that could not be scanned; the rest was."""

    path: str
    line: int | None
    message: str

    @classmethod
    def of(cls, error: InputError) -> "ScanError":
        return cls(error.path, error.line, error.message)


class Summary(Struct, frozen=True):
    """Open findings by severity, and how many others there are."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    info: int = 0
    unknown: int = 0
    suppressed: int = 0
    baseline: int = 0

    @property
    def open(self) -> int:
        return self.critical + self.high + self.medium + self.low + self.info + self.unknown


def summarize(findings: Iterable[Finding]) -> Summary:
    """Count findings for the summary line."""
    counts: dict[str, int] = {}
    for finding in findings:
        key = finding.severity.value if finding.status is Status.OPEN else finding.status.value
        counts[key] = counts.get(key, 0) + 1
    return Summary(**counts)


class PlanStep(Struct, frozen=True):
    """One step of a patch plan: ``what`` to do, the ids of the vulnerabilities that it removes and of those that remain, and the weight (``risk``)
    of the former.

    ``kind`` is ``upgrade`` (of ``package`` from ``installed`` to ``version``) or ``base-image``.
    """

    kind: str
    what: str
    removes: tuple[str, ...]
    remains: tuple[str, ...]
    risk: float
    target: str
    package: str = ""
    installed: str = ""
    version: str = ""


class Report(Struct, frozen=True, kw_only=True):
    """One run. The order of the findings is that of the input, then of the place in the file.

    ``plan`` is there when it was asked for: what removes the most risk comes first. ``outcomes`` counts, for every rule
    that was asked, the objects by how they came out, so that "no finding" can be told from "never checked".
    """

    schema: str = "seawall.report/v1"
    tool: Tool = field(default_factory=Tool)
    scanned: Scanned
    findings: tuple[Finding, ...]
    not_evaluated: tuple[NotEvaluated, ...] = ()
    errors: tuple[ScanError, ...] = ()
    summary: Summary
    outcomes: Mapping[str, Mapping[Outcome, int]] = {}
    plan: tuple[PlanStep, ...] | UnsetType = UNSET

    def fails(self, threshold: Severity | None) -> bool:
        """Whether an open finding is at or above the threshold; ``None`` is never reached."""
        return threshold is not None and any(finding.status is Status.OPEN and finding.severity.at_least(threshold) for finding in self.findings)

    def at_least(self, floor: Severity) -> "Report":
        """The same run without the findings below a severity; the summary counts what is left."""
        findings = tuple(finding for finding in self.findings if finding.severity.at_least(floor))
        return replace(self, findings=findings, summary=summarize(findings))
