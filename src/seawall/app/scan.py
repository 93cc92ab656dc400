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

import msgspec
from msgspec import Struct, field

from seawall.core.errors import InputError
from seawall.core.finding import Finding
from seawall.core.report import Report, ScanError, Scanned, summarize
from seawall.core.resource import Resource
from seawall.core.rule import Outcome
from seawall.core.verdict import NotEvaluated
from seawall.deploy.workload import Checks, Inventory, judge, judge_together
from seawall.deploy.workload.inventory import outline
from seawall.io.sources.late import LatePositions, find_places
from seawall.io.sources.manifests import read_manifest
from seawall.io.sources.walk import walk

BATCH_BYTES = 1 << 20
WORTH_ANOTHER_PROCESS = 3 << 20  # bytes of input; starting the workers costs about as much as judging this much


class Input(Struct, frozen=True):
    """A file to read. ``found`` says that a directory above it was named, not the file itself."""

    path: str
    size: int
    found: bool


class Outline(Struct, frozen=True):
    """An object without places: the ``ordinal``-th (from 0) of its input, its data as MessagePack (a tenth of the memory of Python objects)."""

    path: str
    ordinal: int
    data: bytes


class Batch(Struct):
    """What was found in some of the files. ``files`` counts those of which at least a part could be read."""

    findings: list[Finding] = field(default_factory=list)
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    errors: list[ScanError] = field(default_factory=list)
    files: int = 0
    resources: int = 0
    outcomes: dict[str, dict[Outcome, int]] = field(default_factory=dict)
    outlines: list[Outline] = field(default_factory=list)

    def add(self, other: "Batch") -> None:
        self.findings += other.findings
        self.not_evaluated += other.not_evaluated
        self.errors += other.errors
        self.files += other.files
        self.resources += other.resources
        self.outlines += other.outlines
        self.count(other.outcomes)

    def count(self, outcomes: Mapping[str, Mapping[Outcome, int]]) -> None:
        for rule, counts in outcomes.items():
            mine = self.outcomes.setdefault(rule, {})
            for outcome, count in counts.items():
                mine[outcome] = mine.get(outcome, 0) + count


def scan(targets: Sequence[str], checks: Checks, *, with_edits: bool = True, processes: int | None = None) -> Report:
    """Judge everything that the targets hold. ``processes`` defaults to the cores this process may use."""
    started = time.perf_counter()
    total = Batch()
    inputs = []
    for item in _inputs(targets):
        if isinstance(item, InputError):
            total.errors.append(ScanError.of(item))
        else:
            inputs.append(item)
    for batch in _judge_all(inputs, checks, with_edits, processes or len(os.sched_getaffinity(0))):
        total.add(batch)
    if checks.inventory:
        _judge_together(total, checks, with_edits)
    order = {item.path: place for place, item in enumerate(inputs)}
    total.findings.sort(key=lambda finding: _place(finding, order))
    return Report(
        scanned=Scanned(targets=tuple(targets), files=total.files, resources=total.resources, seconds=round(time.perf_counter() - started, 3)),
        findings=tuple(total.findings),
        not_evaluated=tuple(total.not_evaluated),
        errors=tuple(total.errors),
        summary=summarize(total.findings),
        outcomes=total.outcomes,
    )


def judge_files(inputs: Iterable[Input], checks: Checks, with_edits: bool) -> Batch:
    """Read and judge some files, one object after the other."""
    batch = Batch()
    for item in inputs:
        errors = resources = 0
        for resource in read_manifest(item.path, found=item.found):
            if isinstance(resource, InputError):
                batch.errors.append(ScanError.of(resource))
                errors += 1
                continue
            if checks.inventory:
                batch.outlines.append(Outline(item.path, resources, msgspec.msgpack.encode(outline(resource))))
            resources += 1
            judgement = judge(resource, checks, with_edits=with_edits)
            batch.findings += judgement.findings
            batch.not_evaluated += judgement.not_evaluated
            batch.errors += [ScanError.of(error) for error in judgement.errors]
            for rule, outcome in judgement.outcomes.items():
                counts = batch.outcomes.setdefault(rule, {})
                counts[outcome] = counts.get(outcome, 0) + 1
        batch.resources += resources
        if resources or not errors:
            batch.files += 1
    return batch


def _judge_together(total: Batch, checks: Checks, with_edits: bool) -> None:
    """Run the rules about what stands between objects, and find the places of what they found."""
    resources = [Resource(item.path, msgspec.msgpack.decode(item.data), LatePositions(item.ordinal)) for item in total.outlines]
    together = judge_together(Inventory(resources), checks)
    try:
        find_places((failure for _, failure in together.failures), read_manifest)
    except InputError as error:
        total.errors.append(ScanError.of(error))
        return
    total.findings += [checks.finding(rule, failure, with_edits=with_edits) for rule, failure in together.failures]
    total.not_evaluated += together.not_evaluated
    total.count(together.outcomes)


def _place(finding: Finding, order: Mapping[str, int]) -> tuple[int, int, int, str]:
    location = finding.locations[0]
    return order[location.path], location.line, location.column, finding.rule


def _inputs(targets: Sequence[str]) -> Iterator[Input | InputError]:
    for target in targets:
        if target != "-" and os.path.isdir(target):
            for path in walk(target):
                yield path if isinstance(path, InputError) else Input(path, _size(path), found=True)
        else:
            yield Input(target, _size(target), found=False)


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except (OSError, ValueError):
        return 0  # reading it says what is wrong with it


def _judge_all(inputs: list[Input], checks: Checks, with_edits: bool, processes: int) -> Iterator[Batch]:
    if processes < 2 or sum(item.size for item in inputs) < WORTH_ANOTHER_PROCESS:
        yield judge_files(inputs, checks, with_edits)
        return
    # Workers are forked, so that they have the rules loaded already; nothing here runs threads that a fork could surprise.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    with ProcessPoolExecutor(
        processes, mp_context=multiprocessing.get_context(method), initializer=_start_worker, initargs=(checks, with_edits)
    ) as pool:
        yield from pool.map(_judge_batch, _batches(inputs))


def _batches(inputs: Iterable[Input]) -> Iterator[list[Input]]:
    batch: list[Input] = []
    size = 0
    for item in inputs:
        batch.append(item)
        size += item.size
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


_worker: tuple[Checks, bool]


def _start_worker(checks: Checks, with_edits: bool) -> None:
    global _worker
    _worker = (checks, with_edits)


def _judge_batch(inputs: list[Input]) -> Batch:
    return judge_files(inputs, *_worker)
