"""Runs one command to its end and tells what it took.

The command is started by a small process of its own (this file, run as a script), because Linux charges a new process with the memory peak of
the one that starts it: started from the benchmark itself, every tool would seem to need what the benchmark needs.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.01
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MIB = 2**20


@dataclass(frozen=True)
class Measurement:
    """What one run took.

    ``seconds`` is wall-clock time from start to exit; ``cpu_seconds`` is user and system time of the process and of the children it waited for.
    ``peak_mib`` is the kernel's own peak of the largest single process, or, when sampled and larger, the highest sum over all processes of
    the command at one moment. It is resident memory: pages that several processes share count for each of them. ``status`` is the exit
    status, negative for a signal.
    """

    seconds: float
    cpu_seconds: float
    peak_mib: float
    status: int
    timed_out: bool


def measure(command: Sequence[str], output: Path, *, timeout: float, sample: bool) -> Measurement:
    """Run a command with its standard output in a file, and what it complains of in another with ``.err`` behind its name.

    ``timeout`` is in seconds; ``sample`` also looks at the memory of its children.

    Sampling disturbs the command a little, so that a run is either sampled or worth timing.
    """
    order = json.dumps({"command": list(command), "output": str(output), "timeout": timeout, "sample": sample})
    result = subprocess.run([sys.executable, __file__], input=order, capture_output=True, text=True, check=True)
    return Measurement(**json.loads(result.stdout))


def _run(command: list[str], output: str, timeout: float, sample: bool) -> Measurement:
    with open(output, "wb") as stdout, open(f"{output}.err", "wb") as stderr:
        started = time.perf_counter()
        # A session of its own, so that all its descendants can be found, and ended together.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True)
    sampled, finished = 0, False
    try:
        poll = select.poll()
        poll.register(os.pidfd_open(process.pid), select.POLLIN)
        while not finished and (left := started + timeout - time.perf_counter()) > 0:
            finished = bool(poll.poll(1000 * (min(left, SAMPLE_SECONDS) if sample else left)))
            if sample and not finished:
                sampled = max(sampled, _resident_bytes(process.pid))
    finally:
        if not finished:
            os.killpg(process.pid, signal.SIGKILL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    return Measurement(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_mib=max(sampled, usage.ru_maxrss * 1024) / MIB,
        status=os.waitstatus_to_exitcode(status),
        timed_out=not finished,
    )


def _resident_bytes(session: int) -> int:
    """The resident memory of all processes of a session, added up."""
    pages = 0
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()  # behind the name, which may hold anything; see proc(5)
            except OSError:
                continue  # it has ended since
            if int(fields[3]) == session:
                pages += int(fields[21])
    return pages * PAGE_BYTES


if __name__ == "__main__":
    json.dump(asdict(_run(**json.load(sys.stdin))), sys.stdout)
