"""Kubernetes' own reading of YAML (tests/oracle/yaml), to compare with."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.io.sources.document import value_of
from seawall.io.sources.nodes import Malformed, compose

ORACLE = Path(__file__).parents[2] / "oracle" / "yaml"


Kubernetes = Callable[[str], dict[str, Any]]
"""What Kubernetes reads out of the first document of a text: ``{"json": VALUE}`` or ``{"error": REASON}``."""


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubernetes]:
    """The program runs as long as the tests do and answers line by line."""
    if shutil.which("go") is None:
        pytest.skip("Go is not installed, so there is no code of Kubernetes to compare with")
    download = subprocess.run(["go", "mod", "download"], cwd=ORACLE, capture_output=True, text=True)
    if download.returncode:
        pytest.skip(f"the Go modules of Kubernetes cannot be had: {download.stderr.strip()[-300:]}")
    program = tmp_path_factory.mktemp("yaml") / "yaml"
    subprocess.run(["go", "build", "-o", program, "."], cwd=ORACLE, check=True)
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        questions, replies = process.stdin, process.stdout

        def ask(text: str) -> dict[str, Any]:
            questions.write(json.dumps({"text": text}).encode() + b"\n")
            questions.flush()
            reply: dict[str, Any] = json.loads(replies.readline())
            return reply

        yield ask
        questions.close()


@pytest.fixture(scope="session")
def compare(kubernetes: Kubernetes) -> Callable[[str], None]:
    """Asserts that we read the first document of a text as Kubernetes does, or that both refuse it."""

    def assert_read_alike(text: str) -> None:
        theirs = kubernetes(text)
        ours = read(text)
        if "error" in theirs or "error" in ours:
            assert ("error" in theirs) == ("error" in ours), f"{text!r} is {ours} to us and {theirs} to Kubernetes"
        else:
            assert same(ours["json"], theirs["json"]), f"{text!r} is {ours} to us and {theirs} to Kubernetes"

    return assert_read_alike


def read(text: str) -> dict[str, Any]:
    """Our answer to what the oracle is asked."""
    try:
        root = next(compose(text), None)
        return {"json": value_of(root) if root else None}
    except Malformed as error:
        return {"error": error.message}


def same(ours: Any, theirs: Any) -> bool:
    """Equality as JSON sees it, in which 1 and 1.0 are one number, and true is none."""
    if isinstance(ours, dict):
        return isinstance(theirs, dict) and ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list):
        return isinstance(theirs, list) and len(ours) == len(theirs) and all(map(same, ours, theirs))
    if type(ours) in (int, float) and type(theirs) in (int, float):
        return bool(ours == theirs or (float in (type(ours), type(theirs)) and float(ours) == float(theirs)))
    return type(ours) is type(theirs) and bool(ours == theirs)
