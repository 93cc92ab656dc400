"""The Go code that Kubernetes and the container runtimes read values with (tests/oracle/values), to compare with."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ORACLE = Path(__file__).parents[1] / "oracle" / "values"


@pytest.fixture(scope="session")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, list[str]], list[Any]]:
    """``answers("quantity" or "reference", texts)``: what Kubernetes makes of each text, None for what it refuses."""
    if shutil.which("go") is None:
        pytest.skip("Go is not installed, so there is no code of Kubernetes to compare with")
    download = subprocess.run(["go", "mod", "download"], cwd=ORACLE, capture_output=True, text=True)
    if download.returncode:
        pytest.skip(f"the Go modules of Kubernetes cannot be had: {download.stderr.strip()[-300:]}")
    program = tmp_path_factory.mktemp("values") / "values"
    subprocess.run(["go", "build", "-o", program, "."], cwd=ORACLE, check=True)

    def ask(kind: str, texts: list[str]) -> list[Any]:
        questions = "".join(f"{json.dumps(text)}\n" for text in texts)
        done = subprocess.run([program, kind], input=questions, capture_output=True, text=True, check=True)
        replies = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(replies) == len(texts)
        return replies

    return ask
