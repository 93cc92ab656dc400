"""Kubernetes' own reading of YAML (tests/oracle/yaml), to compare with."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ORACLE = Path(__file__).parents[2] / "oracle" / "yaml"


class Refused(Exception):
    """Kubernetes does not read this document, for the reason given."""


Kubernetes = Callable[[str], Any]
"""The value that Kubernetes reads out of a document, as Python reads the JSON of it. Raises :class:`Refused`."""


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

        def ask(text: str) -> Any:
            questions.write(json.dumps({"text": text}).encode() + b"\n")
            questions.flush()
            reply = json.loads(replies.readline())
            if "error" in reply:
                raise Refused(reply["error"])
            return reply.get("json")

        yield ask
        questions.close()
