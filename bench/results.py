"""What was measured, as data, as tables, and against the bars."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.measure import Measurement
from bench.peers import Counts, Installed, Tool


@dataclass(frozen=True)
class Result:
    """One tool on one case. ``runs`` is empty where ``problem`` says why there is nothing to compare."""

    case: str
    tool: str
    runs: Sequence[float] = ()  # seconds of wall-clock time
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0
    counts: Counts | None = None
    problem: str = ""

    @property
    def seconds(self) -> float | None:
        return median(self.runs) if self.runs else None


@dataclass(frozen=True)
class Bar:
    """What was promised, and what came of it; ``met`` is None where the case was not measured."""

    promise: str
    measured: str
    met: bool | None


@dataclass(frozen=True)
class Machine:
    """Where it was measured, in general terms."""

    cores: int
    memory_gib: int
    processor: str
    system: str
    python: str

    def __str__(self) -> str:
        return f"{self.cores} cores ({self.processor}), {self.memory_gib} GiB of memory, {self.system}, Python {self.python}"


@dataclass
class Results:
    """A whole run of the benchmark."""

    machine: Machine
    versions: dict[str, str]
    missing: list[str]
    date: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())
    results: list[Result] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)

    def get(self, case: str, tool: str = "seawall") -> Result | None:
        return next((result for result in self.results if (result.case, result.tool) == (case, tool) and result.runs), None)


def this_machine() -> Machine:
    """The machine of this run; the processor without the numbers that tell one model from the next."""
    match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(memory / 2**30),
        processor=re.sub(r"\((?:R|TM)\)|@.*", "", match[1]).strip() if match else platform.machine(),
        system=f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        python=platform.python_version(),
    )


def start(installed: Sequence[Installed], missing: Sequence[Tool]) -> Results:
    """Results to be filled."""
    return Results(this_machine(), {item.tool.name: item.version for item in installed}, [tool.name for tool in missing])


def markdown(results: Results) -> str:
    """The results as a section of a page."""
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    lines = [f"Measured on {results.date}: {results.machine}.", f"Versions: {versions}.", ""]
    if results.missing:
        lines[2:2] = [f"Not installed, and so not compared: {', '.join(results.missing)}."]
    lines += _table(
        ["bar", "measured", "met"], [[bar.promise, bar.measured, {True: "yes", False: "**no**", None: "-"}[bar.met]] for bar in results.bars]
    )
    lines.append("")
    rows = []
    for result in results.results:
        own = results.get(result.case)
        rows.append([result.case if result.tool == "seawall" else "", result.tool, *_figures(result, own)])
    lines += _table(["what", "tool", "median", "fastest to slowest", "times seawall", "CPU", "peak memory", "resources", "findings"], rows)
    return "\n".join(lines) + "\n"


def _figures(result: Result, own: Result | None) -> list[str]:
    if result.seconds is None:
        return [result.problem, *[""] * 6]
    ratio = ""
    if own and own.seconds and own is not result:
        ratio = f"{(times := result.seconds / own.seconds):.{1 if times >= 1 else 2}f}"
    counts = result.counts
    return [
        f"{result.seconds:.2f} s",
        f"{min(result.runs):.2f} to {max(result.runs):.2f} s ({len(result.runs)})",
        ratio,
        f"{result.cpu_seconds:.2f} s",
        f"{result.peak_mib:.0f} MiB",
        "" if counts is None or counts.resources is None else f"{counts.resources:,}",
        "" if counts is None else f"{counts.findings:,}",
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def combine(case: str, tool: str, timed: Sequence[Measurement], watched: Measurement, counts: Counts | None, problem: str) -> Result:
    """The result of several timed runs and of one in which memory was watched."""
    if problem:
        return Result(case, tool, problem=problem)
    return Result(
        case=case,
        tool=tool,
        runs=[round(run.seconds, 3) for run in timed],
        cpu_seconds=round(median(run.cpu_seconds for run in timed), 3),
        peak_mib=round(max(run.peak_mib for run in (*timed, watched)), 1),
        counts=counts,
    )
