"""The tools that are compared, how each is asked for a report, and what its report says.

All run with their default checks and write JSON, and those that can be told to leave the network alone are. A tool that is not installed is left
out; ``docs/performance.md`` tells how to install them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_VERSION = re.compile(r"\bv?(\d+\.\d+[\w.+-]*)")
_GO_MODULE = re.compile(r"^\s*mod\s+\S+\s+v(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Counts:
    """What a report speaks of. Tools differ in what they call a resource, or do not tell (None)."""

    resources: int | None
    findings: int


@dataclass(frozen=True)
class Tool:
    """``scan`` gives the arguments for a file or directory, ``count`` reads the JSON that comes out."""

    name: str
    version: tuple[str, ...]
    scan: Callable[[Path], list[str]]
    count: Callable[[Any], Counts]
    help: tuple[str, ...] = ("--help",)


@dataclass(frozen=True)
class Installed:
    """A tool that was found: its program and the version that it says it has."""

    tool: Tool
    program: str
    version: str

    def help_command(self) -> list[str]:
        return [self.program, *self.tool.help]

    def scan_command(self, target: Path) -> list[str]:
        return [self.program, *self.tool.scan(target)]

    def counts(self, output: Path) -> Counts | None:
        """What a report says, or None where it is none: then the tool has failed, whatever its exit status."""
        try:
            return self.tool.count(json.loads(output.read_bytes()))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def find(tool: Tool, directories: Sequence[Path]) -> Installed | None:
    """Look for a tool in these directories, then beside the running Python, then on the search path."""
    places = [*map(str, directories), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    program = shutil.which(tool.name, path=os.pathsep.join(places))
    return Installed(tool, program, _version(program, tool) or "unknown") if program else None


def _version(program: str, tool: Tool) -> str | None:
    # Programs built with `go install` often do not know their version, but carry it.
    return _search(_VERSION, [program, *tool.version]) or (_search(_GO_MODULE, ["go", "version", "-m", program]) if shutil.which("go") else None)


def _search(pattern: re.Pattern[str], command: Sequence[str]) -> str | None:
    """The first group of a pattern in what a command prints."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = pattern.search(result.stdout)
    return match[1] if match else None


def _seawall(report: dict[str, Any]) -> Counts:
    return Counts(report["scanned"]["resources"], len(report["findings"]))


def _checkov(report: dict[str, Any]) -> Counts:
    summary = report.get("summary", report)  # without anything to check there is only the summary
    return Counts(summary["resource_count"], summary["failed"])


def _kube_score(report: list[dict[str, Any]]) -> Counts:
    checks = [check for item in report for check in item["checks"] or ()]
    return Counts(len(report), sum(not check["skipped"] and check["grade"] < 10 for check in checks))


def _kube_linter(report: dict[str, Any]) -> Counts:
    return Counts(None, len(report["Reports"] or ()))


def _trivy(report: dict[str, Any]) -> Counts:
    results = report.get("Results") or ()
    return Counts(None, sum(item["Status"] == "FAIL" for result in results for item in result.get("Misconfigurations") or ()))


def _files(target: Path) -> list[str]:
    return sorted(str(path) for path in target.rglob("*.y*ml")) if target.is_dir() else [str(target)]


SEAWALL = Tool("seawall", ("--version",), lambda target: ["scan", str(target), "--format", "json", "--fail-on", "never"], _seawall)

PEERS = (
    Tool(
        "checkov",
        ("--version",),
        lambda target: [
            *("--directory" if target.is_dir() else "--file", str(target)),
            *("--framework", "kubernetes", "--output", "json", "--quiet", "--compact", "--skip-download"),
        ],
        _checkov,
    ),
    Tool("kube-linter", ("version",), lambda target: ["lint", "--format", "json", str(target)], _kube_linter),
    Tool("trivy", ("--version",), lambda target: ["config", "--format", "json", "--quiet", "--skip-check-update", str(target)], _trivy),
    Tool("kube-score", ("version",), lambda target: ["score", "--output-format", "json", *_files(target)], _kube_score, ("score", "--help")),
)
