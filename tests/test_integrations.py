"""What other tools load must be what they can load, and the commands in it must exist."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from seawall.app.cli.main import cli
from seawall.io.reports import FORMATS

ROOT = Path(__file__).parents[1]


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def options_of(command: str) -> set[str]:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    return {option for parameter in found.params for option in parameter.opts}


def test_pre_commit_hooks_call_commands_that_exist() -> None:
    for hook in load(".pre-commit-hooks.yaml"):
        program, command, *arguments = hook["entry"].split()
        assert program == "seawall"
        assert {word for word in arguments if word.startswith("-")} <= options_of(command)


def test_the_action_runs_and_hands_inputs_over_safely(tmp_path: Path) -> None:
    """The step is run as the runner would, with an input that tries to be a command."""
    action = load("integrations/github/action.yml")
    step = action["runs"]["steps"][-1]
    assert "${{" not in step["run"], "an expression in the script would be read as a command"
    (tmp_path / "pod.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {hostPID: true, containers: [{name: app}]}\n")
    inputs = {name: about["default"] for name, about in action["inputs"].items()} | {"targets": "pod.yaml $(touch${IFS}hacked)"}
    environment = {name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda match: inputs[match[1]], value) for name, value in step["env"].items()}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=tmp_path, env={**os.environ, **environment, "PATH": path}, capture_output=True, check=False
    )
    assert run.returncode == 1, run.stderr
    assert "host-pid" in (tmp_path / "seawall.sarif").read_text()
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("job", ["seawall"])
def test_the_gitlab_job_writes_reports_that_it_collects(job: str) -> None:
    about = load("integrations/gitlab/seawall.gitlab-ci.yml")[job]
    [script] = about["script"]
    written = dict(pair.split("=", 1) for pair in re.findall(r"--output (\S+)", script))
    assert set(written) <= set(FORMATS)
    assert set(about["artifacts"]["reports"].values()) == set(written.values())
    assert {word for word in script.split() if word.startswith("--") and word != "--"} <= options_of("scan")
