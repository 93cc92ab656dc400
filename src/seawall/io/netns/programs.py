"""The programs that set up a network: ``ip`` of iproute2 and ``nft`` of nftables, each fed a script on its input."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Final

from seawall.core.errors import UsageError
from seawall.io.netns.namespace import Namespace

_PACKAGES: Final = {"ip": "iproute2", "nft": "nftables"}
_ARGUMENTS: Final = {"ip": ("-batch", "-"), "nft": ("-f", "-")}
_PLACES: Final = "/usr/sbin:/sbin:/usr/bin:/bin"  # often not on the PATH of a user
_SECONDS: Final = 120
_AT_ONCE: Final = 16

Script = tuple[Namespace, str]


def find_programs() -> None:
    """Raises ``UsageError`` that names what is missing and its package."""
    for program in _PACKAGES:
        _find(program)


def run_scripts(program: str, scripts: Sequence[Script]) -> None:
    """Run each script by ``ip`` or ``nft`` in its namespace, several at once. Raises ``UsageError`` with what the program said."""
    for start in range(0, len(scripts), _AT_ONCE):
        started: list[subprocess.Popen[str]] = []
        try:
            for namespace, script in scripts[start : start + _AT_ONCE]:
                with namespace.entered():
                    started.append(_start(program, script))
            for process in started:
                _finish(program, process)
        finally:
            for process in started:
                if process.poll() is None:
                    process.kill()
                process.communicate()


def _find(program: str) -> str:
    found = shutil.which(program) or shutil.which(program, path=_PLACES)
    if found is None:
        raise UsageError(f"packets need the program {program}, of the package {_PACKAGES[program]}")
    return found


def _start(program: str, script: str) -> "subprocess.Popen[str]":
    """Start a program in the namespace of this thread. A file takes a script of any size, where a pipe would have to be served."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        file.write(script)
        file.seek(0)
        command = [_find(program), *_ARGUMENTS[program]]
        return subprocess.Popen(  # noqa: S603 - a program of the system, and a list of arguments
            command, stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace", env={"LC_ALL": "C"}, cwd="/"
        )


def _finish(program: str, process: "subprocess.Popen[str]") -> None:
    try:
        _, said = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise UsageError(f"{program} did not end within {_SECONDS} seconds") from None
    if process.returncode != 0:
        lines = [line for line in said.splitlines() if line.strip()]
        raise UsageError(f"{program} fails: {lines[0] if lines else f'exit status {process.returncode}'}")
