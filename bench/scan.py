"""The benchmark: ``python -m bench.scan``.

Runs Seawall and the peers that are installed (``docs/performance.md`` tells how to get them) side by side on real and generated manifests, and prints
a table. Each tool runs once untimed, with its memory watched; then the tools take turns, so that a busy minute of the machine hits all of them.
Nothing is asserted: beside each bar stands whether it is met. ``--write`` puts the results into the repository.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench import results
from bench.bars import bars
from bench.corpora import CORPUS, ROOT, SAMPLE, Case, cases
from bench.measure import Measurement, measure
from bench.peers import PEERS, SEAWALL, Counts, Installed, find
from bench.results import Result, Results

PAGE = ROOT / "docs" / "performance.md"
DATA = ROOT / "bench" / "results.json"
BEGIN, END = "<!-- results -->\n", "<!-- end of results -->\n"

LONG_SECONDS = 20  # what takes longer than this varies less
LONG_RUNS = 3  #     and is timed so many times at most


def run(case: Case, tools: Sequence[Installed], runs: int, timeout: float, directory: Path) -> list[Result]:
    """Measure one case with all tools, which take turns. Reports are written to ``directory``."""
    first = {tool: _first(case, tool, timeout, directory / "report") for tool in tools}
    timed: dict[Installed, list[Measurement]] = {tool: [] for tool in tools}
    for turn in range(runs):
        for tool, (watched, _, problem) in first.items():
            if not problem and (turn < LONG_RUNS or watched.seconds < LONG_SECONDS):
                timed[tool].append(measure(_command(case, tool), directory / "report", timeout=timeout, sample=False))
    return [results.combine(case.name, tool.tool.name, timed[tool], *first[tool]) for tool in tools]


def _first(case: Case, tool: Installed, timeout: float, report: Path) -> tuple[Measurement, Counts | None, str]:
    """A run with memory watched, which also warms the caches; what the report said; and why it is not worth timing, if so."""
    watched = measure(_command(case, tool), report, timeout=timeout, sample=True)
    counts = tool.counts(report) if case.target else None
    if watched.timed_out:
        return watched, None, f"over {timeout:.0f} s"
    if (counts is None) if case.target else (watched.status != 0):
        print(*report.with_name(f"{report.name}.err").read_text(errors="replace").splitlines()[-1:], sep="", file=sys.stderr)
        return watched, None, f"failed (exit status {watched.status})"
    return watched, counts, ""


def _command(case: Case, tool: Installed) -> list[str]:
    return tool.scan_command(case.target) if case.target else tool.help_command()


def write(measured: Results) -> None:
    """Put the results into the page about performance, between its two marks, and beside the benchmark as JSON."""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{PAGE.name} has lost the marks between which the results stand")
    PAGE.write_text(f"{before}{begin}\n{results.markdown(measured)}\n{end}{after}")
    DATA.write_text(json.dumps(asdict(measured), indent=1) + "\n")


def _warm(tools: Sequence[Installed], timeout: float, directory: Path) -> None:
    """Let the tools that are written in Python compile themselves, as they have wherever they are in use, but into a place of our own."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(directory / "bytecode")
    for tool in tools:
        measure(tool.scan_command(SAMPLE), directory / "report", timeout=timeout, sample=False)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.scan", description="Measures seawall beside its peers.")
    parser.add_argument("--bin", action="append", type=Path, default=[], metavar="DIR", help="look for tools here first (repeatable)")
    parser.add_argument("--corpus", type=Path, default=CORPUS, metavar="DIR", help="directory of the real manifests")
    parser.add_argument("--case", action="append", default=[], metavar="TEXT", help="only cases whose name has this in it (repeatable)")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each command (default 5)")
    parser.add_argument("--timeout", type=float, default=180, metavar="SECONDS", help="the longest that a command may take (default 180)")
    parser.add_argument("--write", action="store_true", help=f"write the results to {PAGE.relative_to(ROOT)} and {DATA.relative_to(ROOT)}")
    options = parser.parse_args()

    seawall = find(SEAWALL, options.bin)
    if seawall is None:
        parser.error("seawall is not installed")
    found = {peer: find(peer, options.bin) for peer in PEERS}
    tools = [seawall, *(installed for installed in found.values() if installed)]
    measured = results.start(tools, [peer for peer, installed in found.items() if not installed])
    with tempfile.TemporaryDirectory(prefix="seawall-bench-") as name:
        _warm(tools, options.timeout, Path(name))
        for case in cases(options.corpus, Path(name)):
            if not options.case or any(text in case.name for text in options.case):
                for result in run(case, tools, options.runs, options.timeout, Path(name)):
                    print(f"{result.case}: {result.tool}: {result.problem or f'{result.seconds:.2f} s'}", flush=True)
                    measured.results.append(result)
    measured.bars += bars(measured)
    print("\n" + results.markdown(measured))
    if options.write:
        write(measured)


if __name__ == "__main__":
    main()
