"""``seawall scan`` from end to end: targets to files, files to resources, resources to findings, findings to one report.

Files are judged in batches, in this process when there is little to do and in one process per core when there is much. A batch is read, judged
and forgotten, so that memory depends on the largest file and not on their number; what is kept is the outline of each object, for the rules about
what stands between objects, which run at the end.
"""

import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, Struct, field

from seawall.app.inputs import Input, Kind, Reading, find_inputs, read, read_objects
from seawall.app.packages import PackageSettings
from seawall.core.baseline import Baseline, compare
from seawall.core.errors import InputError
from seawall.core.finding import Finding
from seawall.core.registry import Registry
from seawall.core.report import PlanStep, Report, ScanError, Scanned, summarize
from seawall.core.resource import Resource
from seawall.core.rule import Outcome
from seawall.core.suppression import EVERY_RULE, EXPIRED, UNUSED, Exemption, Match, apply, remark
from seawall.core.verdict import NotEvaluated
from seawall.deploy.workload import Checks, Inventory, judge, judge_together
from seawall.deploy.workload.exemptions import Translation, object_exemptions, policy_entry, policy_exemptions, policy_location
from seawall.deploy.workload.inventory import outline
from seawall.io.sources.comments import comment_exemptions
from seawall.io.sources.document import NodePositions
from seawall.io.sources.late import LatePositions, find_places
from seawall.io.sources.rendering import Rendered

WORTH_ANOTHER_PROCESS = 200_000  # bytes of input; starting the workers costs about as much as judging a quarter of it
LARGEST_BATCH = 1 << 20
BATCHES_FOR_EACH = 4  # batches for each process, so that none waits long for the last one


class Settings(Reading, frozen=True, kw_only=True):
    """What a scan is to do beside its checks.

    ``suppressions`` are the entries of the policy at ``policy_path``; ``translation`` knows the rules by the ids of other tools, and ``registry``
    all that a suppression may name.
    ``packages`` says what to do with what holds packages. ``changed`` limits what is reported (not what is read) to these absolute paths.
    ``processes`` defaults to the cores this process may use.
    """

    with_edits: bool = True
    suppressions: tuple[Match, ...] = ()
    policy_path: str = ""
    translation: Translation = field(default_factory=dict)
    registry: Registry = field(default_factory=Registry)
    baseline: Baseline = Baseline()
    changed: frozenset[str] | None = None
    packages: PackageSettings = PackageSettings()
    processes: int = 0


class Outline(Struct, frozen=True):
    """An object without places: the ``ordinal``-th (from 0) of its input, its data as MessagePack (a tenth of the memory of Python objects)."""

    path: str
    ordinal: int
    data: bytes


class Batch(Struct):
    """What was found in some of the files. ``paths`` are those of which at least a part could be read."""

    findings: list[Finding] = field(default_factory=list)
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    errors: list[ScanError] = field(default_factory=list)
    exemptions: list[Exemption] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    rendered: dict[str, Rendered] = field(default_factory=dict)
    resources: int = 0
    images: int = 0
    advisories: str = ""
    plan: list[PlanStep] = field(default_factory=list)
    outcomes: dict[str, dict[Outcome, int]] = field(default_factory=dict)
    outlines: list[Outline] = field(default_factory=list)

    def add(self, other: "Batch") -> None:
        self.findings += other.findings
        self.not_evaluated += other.not_evaluated
        self.errors += other.errors
        self.exemptions += other.exemptions
        self.paths += other.paths
        self.rendered |= other.rendered
        self.resources += other.resources
        self.outlines += other.outlines
        self.count(other.outcomes)

    def count(self, outcomes: Mapping[str, Mapping[Outcome, int]]) -> None:
        for rule, counts in outcomes.items():
            mine = self.outcomes.setdefault(rule, {})
            for outcome, count in counts.items():
                mine[outcome] = mine.get(outcome, 0) + count


def scan(targets: Sequence[str], checks: Checks, settings: Settings = Settings()) -> Report:
    """Judge everything that the targets hold."""
    started = time.perf_counter()
    total = Batch()
    given = []
    for item in find_inputs(targets):
        if isinstance(item, InputError):
            total.errors.append(ScanError.of(item))
        else:
            given.append(item)
    holders = [item for item in given if item.kind in (Kind.PACKAGES, Kind.LOCKFILE)]
    for batch in _judge_all([item for item in given if item not in holders] if holders else given, checks, settings):
        total.add(batch)
    if holders and settings.packages.rules:
        _judge_packages(holders, total, settings)
    if checks.inventory:
        _judge_together(total, checks, settings)
    order = {item.path: place for place, item in enumerate(given)}
    total.findings.sort(key=lambda finding: _place(finding, order))
    findings = _reported(total, checks, settings)
    return Report(
        scanned=Scanned(
            targets=tuple(targets),
            files=len(total.paths),
            resources=total.resources,
            images=total.images,
            seconds=round(time.perf_counter() - started, 3),
            paths=tuple(total.paths),
            advisories=total.advisories,
        ),
        findings=findings,
        not_evaluated=tuple(total.not_evaluated),
        errors=tuple(total.errors),
        summary=summarize(findings),
        outcomes=total.outcomes,
        plan=tuple(sorted(total.plan, key=lambda step: -step.risk)) if settings.packages.plan else UNSET,
    )


def judge_files(inputs: Iterable[Input], checks: Checks, settings: Settings) -> Batch:
    """Read and judge some files, one object after the other."""
    batch = Batch()
    for item in inputs:
        errors = objects = 0
        commented: set[int] = set()
        for resource in read_objects(item, settings, batch.rendered):
            if isinstance(resource, InputError):
                batch.errors.append(ScanError.of(resource))
                errors += 1
                continue
            if checks.inventory:
                kept = outline(resource, whole="schema-validation" in checks.rules)
                batch.outlines.append(Outline(item.path, objects, msgspec.msgpack.encode(kept)))
            objects += 1
            judgement = judge(resource, checks, with_edits=settings.with_edits)
            batch.findings += judgement.findings
            batch.not_evaluated += judgement.not_evaluated
            batch.errors += [ScanError.of(error) for error in judgement.errors]
            for exemption in _exemptions(resource, settings, commented):
                if isinstance(exemption, InputError):
                    batch.errors.append(ScanError.of(exemption))
                else:
                    batch.exemptions.append(exemption)
                    batch.errors += _misnamed(exemption, settings.registry)
            for rule, outcome in judgement.outcomes.items():
                counts = batch.outcomes.setdefault(rule, {})
                counts[outcome] = counts.get(outcome, 0) + 1
        batch.resources += objects
        if objects or not errors:
            batch.paths.append(item.path)
    return batch


def _exemptions(resource: Resource, settings: Settings, commented: set[int]) -> Iterator[Exemption | InputError]:
    """What was said not to be fixed in this object; comments once for each document, as one may hold many objects."""
    yield from object_exemptions(resource, settings.translation)
    yield from policy_exemptions(resource, settings.suppressions, settings.policy_path)
    if isinstance(resource.positions, NodePositions):
        document = resource.positions.document
        if id(document.source) not in commented and "seawall:" not in document.source.text:
            commented.add(id(document.source))
        if not commented & {id(document.source), id(document)}:
            commented.add(id(document))
            yield from comment_exemptions(document)


def _misnamed(exemption: Exemption, registry: Registry) -> list[ScanError]:
    """An error for each rule that an exemption names and nobody has: it covers nothing, and would never be called unused."""
    unknown = (rule for rule in exemption.rules if len(registry) and rule != EVERY_RULE and rule not in registry)
    return [ScanError(exemption.written.path, exemption.written.line, registry.unknown(rule)) for rule in unknown]


def _judge_together(total: Batch, checks: Checks, settings: Settings) -> None:
    """Run the rules about what stands between objects, and find the places of what they found."""
    outlined = [Resource(item.path, msgspec.msgpack.decode(item.data), LatePositions(item.ordinal)) for item in total.outlines]
    together = judge_together(Inventory(outlined), checks)
    failures = (failure for _, failure in together.failures)
    try:
        find_places(failures, lambda path: read(path, settings, total.rendered), with_edits=settings.with_edits)
    except InputError as error:
        total.errors.append(ScanError.of(error))
        return
    total.findings += [checks.finding(rule, failure, with_edits=settings.with_edits) for rule, failure in together.failures]
    total.not_evaluated += together.not_evaluated
    total.count(together.outcomes)


def _judge_packages(holders: Sequence[Input], total: Batch, settings: Settings) -> None:
    """Judge what holds packages, and note what the policy accepts of it."""
    from seawall.app.vulnerabilities import judge_inputs  # advisories and dozens of formats, where there is something of the kind

    judged = judge_inputs(holders, settings.packages)
    total.findings += judged.findings
    total.not_evaluated += judged.not_evaluated
    total.errors += [ScanError.of(error) for error in judged.errors]
    total.paths += judged.scanned
    total.images += judged.images
    total.advisories = judged.advisories
    total.plan += judged.plan
    for finding in judged.findings:
        total.exemptions += _package_exemptions(finding, settings)


def _package_exemptions(finding: Finding, settings: Settings) -> Iterator[Exemption]:
    """What the entries of the policy exempt of a finding about a package or an image."""
    told = finding.vulnerability if finding.vulnerability is not UNSET else {}
    ids = (told.get("id", ""), *finding.aliases)
    names = (told.get("package", ""), told.get("purl", ""))
    place = finding.locations[0]
    for number, entry in enumerate(settings.suppressions):
        if (finding.rule in entry.rules or EVERY_RULE in entry.rules) and entry.selects_package(place.path, ids, names):
            written = policy_location(settings.policy_path, number)
            name = policy_entry(settings.policy_path, number)
            yield Exemption(
                source="policy", rules=entry.rules, path=place.path, lines=(place.line, place.line), written=written,
                reason=entry.reason, until=entry.until, entry=name, only=finding.fingerprint,
            )  # fmt: skip


def _reported(total: Batch, checks: Checks, settings: Settings) -> tuple[Finding, ...]:
    """The findings with their status, and those that the suppressions make themselves."""
    applied = apply(total.findings, total.exemptions, datetime.now(UTC).date())
    findings = [*applied.findings, *(remark(EXPIRED, exemption) for exemption in applied.expired)]
    unused = list(applied.unused)
    selected = {exemption.entry for exemption in total.exemptions}
    for place, entry in enumerate(settings.suppressions):
        name = policy_entry(settings.policy_path, place)
        if name not in selected:
            written = policy_location(settings.policy_path, place)
            unused.append(Exemption(source="policy", rules=entry.rules, path=written.path, lines=(1, 1), written=written, entry=name))
    ran = checks.rules.keys() | settings.packages.rules | {EVERY_RULE}
    findings += [remark(UNUSED, exemption) for exemption in unused if ran >= set(exemption.rules)]
    if settings.changed is not None:
        findings = [finding for finding in findings if _written_in(finding) & settings.changed]
    return compare(findings, settings.baseline)


def _written_in(finding: Finding) -> set[str]:
    """The real paths of the files in which a finding can be mended: for what was rendered, those that it was rendered from."""
    places = [(location.origin or location).path for location in finding.locations]
    return {os.path.realpath(path) for path in places[:1]}


def _place(finding: Finding, order: Mapping[str, int]) -> tuple[int, int, int, str]:
    location = finding.locations[0]
    return order[location.path], location.line, location.column, finding.rule


def _judge_all(inputs: list[Input], checks: Checks, settings: Settings) -> Iterator[Batch]:
    processes = settings.processes or len(os.sched_getaffinity(0))
    size = sum(item.size for item in inputs)
    if processes < 2 or len(inputs) < 2 or size < WORTH_ANOTHER_PROCESS:
        yield judge_files(inputs, checks, settings)
        return
    # Workers are forked, so that they have the rules loaded already; nothing here runs threads that a fork could surprise.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_start_worker, initargs=(checks, settings)) as pool:
        yield from pool.map(_judge_batch, _batches(inputs, min(LARGEST_BATCH, size // (processes * BATCHES_FOR_EACH))))


def _batches(inputs: Iterable[Input], largest: int) -> Iterator[list[Input]]:
    batch: list[Input] = []
    size = 0
    for item in inputs:
        batch.append(item)
        size += item.size
        if size >= largest:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


_worker: tuple[Checks, Settings]


def _start_worker(checks: Checks, settings: Settings) -> None:
    global _worker
    _worker = (checks, settings)


def _judge_batch(inputs: list[Input]) -> Batch:
    return judge_files(inputs, *_worker)
