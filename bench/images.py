"""The benchmark of images: ``python -m bench.images``.

Builds real images from Debian packages (mmdebstrap and umoci, where they are installed), lists what is in them with Seawall and syft in turns, and
says where the lists differ; then the advisory database: building it, matching 500 packages, a fleet of a million rows. ``--write`` puts the results
into ``docs/performance.md`` and ``bench/images.json``.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.corpora import ROOT
from bench.measure import Measurement, measure
from bench.results import this_machine

PAGE = ROOT / "docs" / "performance.md"
DATA = ROOT / "bench" / "images.json"
PACK = ROOT.parent / "shared" / "data" / "advisories" / "advisories.tar.zst"
BEGIN, END = "<!-- images -->\n", "<!-- end of images -->\n"

SUITE = "bookworm"
FLEET_ROWS = 1_000_000
BARS = {
    "list the packages of a Debian image": "at most 2 s and 250 MiB",
    "build the advisory database": "at most 60 s",
    "match 500 packages": "at most 0.1 s",
    "join a fleet of 1,000,000 rows": "at most 5 s",
}


def build_image(directory: Path) -> str | None:
    """An OCI layout with a Debian image of one layer; ``None`` where the programs for it are not there."""
    if not all(shutil.which(program) for program in ("mmdebstrap", "umoci")):
        return None
    tar, layout = directory / "rootfs.tar", directory / "oci"
    steps = [
        ["mmdebstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(tar)],
        ["umoci", "init", "--layout", str(layout)],
        ["umoci", "new", "--image", f"{layout}:{SUITE}"],
        ["umoci", "raw", "add-layer", "--image", f"{layout}:{SUITE}", str(tar)],
        ["umoci", "config", "--image", f"{layout}:{SUITE}", "--os", "linux", "--architecture", "amd64"],
    ]
    for step in steps:
        if subprocess.run(step, capture_output=True, check=False).returncode:
            return None
    tar.unlink()
    return f"{layout}:{SUITE}"


def tools() -> dict[str, Callable[[str], list[str]]]:
    """The commands that list an image, for the tools that are there."""
    beside = Path(sys.executable).parent
    syft = shutil.which("syft", path=f"{beside}:{os.environ.get('PATH', '')}")
    found: dict[str, Callable[[str], list[str]]] = {"seawall": lambda image: [str(beside / "seawall"), "sbom", f"oci:{image}", "--format", "json"]}
    if syft:
        found["syft"] = lambda image: [syft, f"oci-dir:{image.rpartition(':')[0]}", "-q", "-o", "json"]
    return found


def names(tool: str, report: Path) -> set[tuple[str, str, str]]:
    """Type, name and version of each package in a report."""
    document: dict[str, Any] = json.loads(report.read_bytes())
    if tool == "seawall":
        return {(item["type"], item["name"], item["version"]) for item in document["packages"]}
    return {(item["type"], item["name"], item["version"]) for item in document["artifacts"]}


def time_images(image: str, runs: int, directory: Path) -> tuple[dict[str, Any], list[str]]:
    """How long each tool takes, in turns, and where their lists differ."""
    os.environ["SYFT_CHECK_FOR_APP_UPDATE"] = "false"
    found = tools()
    timed: dict[str, list[Measurement]] = {tool: [] for tool in found}
    lists = {}
    for turn in range(runs + 1):  # the first warms the caches
        for tool, command in found.items():
            report = directory / f"{tool}.json"
            taken = measure(command(image), report, timeout=300, sample=False)
            if taken.status:
                raise SystemExit(f"{tool} failed: {report.with_name(report.name + '.err').read_text()[-300:]}")
            lists[tool] = names(tool, report)
            if turn:
                timed[tool].append(taken)
    rows = {
        tool: {
            "seconds": round(median(run.seconds for run in taken), 2),
            "cpu_seconds": round(median(run.cpu_seconds for run in taken), 2),
            "peak_mib": round(max(run.peak_mib for run in taken)),
            "packages": len(lists[tool]),
        }
        for tool, taken in timed.items()
    }
    differences = []
    if "syft" in lists:
        differences = [f"only seawall: {' '.join(item)}" for item in sorted(lists["seawall"] - lists["syft"])]
        differences += [f"only syft: {' '.join(item)}" for item in sorted(lists["syft"] - lists["seawall"])]
    return rows, differences


def time_advisories(directory: Path) -> dict[str, float]:
    """Seconds for building the database from the pack, for a match of 500 packages and for a fleet."""
    from contextlib import closing

    from seawall.build.advisories.build import build_database
    from seawall.build.advisories.database import open_database
    from seawall.build.advisories.match import match
    from seawall.core.purl import read_purl

    pack = directory / "pack"
    pack.mkdir()
    subprocess.run(["tar", "--zstd", "-xf", str(PACK), "-C", str(pack)], check=True)
    database = str(directory / "advisories.db")
    started = time.perf_counter()
    build_database([str(pack)], database)
    taken = {"build the advisory database": round(time.perf_counter() - started, 2)}
    with closing(open_database(database)) as opened:
        rows = opened.connection.execute("SELECT DISTINCT name FROM affected WHERE ecosystem = 'pypi' ORDER BY name LIMIT 500").fetchall()
        packages = [read_purl(f"pkg:pypi/{name}@1.0.{number}") for number, (name,) in enumerate(rows)]
        times = []
        for _ in range(5):
            started = time.perf_counter()
            match(opened.connection, packages)
            times.append(time.perf_counter() - started)
        taken["match 500 packages"] = round(median(times), 3)
        taken["join a fleet of 1,000,000 rows"] = round(_time_fleet(opened.connection, [name for (name,) in rows]), 2)
    return taken


def _time_fleet(connection: Any, known: list[str]) -> float:
    from seawall.build.advisories.fleet import match_fleet

    rows = [f"pkg:pypi/{known[number % len(known)]}@{number % 7}.{number % 31}.0" for number in range(FLEET_ROWS)]
    started = time.perf_counter()
    match_fleet(connection, rows)
    return time.perf_counter() - started


def markdown(result: dict[str, Any]) -> str:
    machine = result["machine"]
    lines = [f"Measured on {result['date']}: {machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB of memory."]
    if result["image"]:
        lines += ["", "| Debian 12 minbase image | seconds | processor | peak memory | packages |", "|---|---|---|---|---|"]
        for tool, row in result["image"].items():
            lines.append(f"| {tool} | {row['seconds']} s | {row['cpu_seconds']} s | {row['peak_mib']} MiB | {row['packages']} |")
        lines += ["", *(f"* {line}" for line in result["differences"])] if result["differences"] else ["", "Both lists are the same."]
    else:
        lines += ["", "The image was not built: mmdebstrap and umoci are not installed."]
    lines += ["", "| advisories | seconds | promised |", "|---|---|---|"]
    lines += [f"| {name} | {seconds} s | {BARS[name]} |" for name, seconds in result["advisories"].items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.images", description="Measures seawall on images and advisories beside syft.")
    parser.add_argument("--image", metavar="DIR:TAG", help="an OCI layout to list instead of building one")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seawall-bench-") as name:
        directory = Path(name)
        image = options.image or build_image(directory)
        rows, differences = time_images(image, options.runs, directory) if image else ({}, [])
        result = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": asdict(this_machine()),
            "image": rows,
            "differences": differences,
            "advisories": time_advisories(directory) if PACK.exists() else {},
        }
    print(markdown(result))
    if options.write:
        before, begin, rest = PAGE.read_text().partition(BEGIN)
        _, end, after = rest.partition(END)
        if not (begin and end):
            raise SystemExit(f"{PAGE.name} has lost the marks between which the results stand")
        PAGE.write_text(f"{before}{begin}\n{markdown(result)}\n\n{end}{after}")
        DATA.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
