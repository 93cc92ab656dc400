"""The promises of `seawall scan` on the command line, kept by the real program in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seawall.app.cli.main import cli, main
from seawall.app.scan import Settings, scan
from seawall.core.policy import Policy
from seawall.deploy.workload import compile_checks

PRIVILEGED = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: app
      image: registry.example/app:1
      securityContext:
        privileged: true
"""
HARMLESS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
BROKEN = "apiVersion: v1\nkind: Pod\nmetadata: {name: [}\n"


def seawall(*arguments: str, cwd: Path, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seawall", *arguments]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def report(*arguments: str, cwd: Path, stdin: str = "") -> Any:
    return json.loads(seawall("scan", "--format", "json", "--rule", "privileged", *arguments, cwd=cwd, stdin=stdin).stdout)


@pytest.mark.parametrize(
    ("files", "arguments", "status"),
    [
        ({"web.yaml": HARMLESS}, ["."], 0),
        ({"web.yaml": PRIVILEGED}, ["."], 1),
        ({"web.yaml": PRIVILEGED}, [".", "--fail-on", "never"], 0),
        ({"web.yaml": PRIVILEGED, "seawall.yaml": "severity: {privileged: high}"}, [".", "--severity", "critical"], 1),
        ({"web.yaml": HARMLESS, "bad.yaml": BROKEN}, ["."], 3),
        ({"web.yaml": PRIVILEGED, "bad.yaml": BROKEN}, ["."], 1),
        ({"web.yaml": PRIVILEGED, "bad.yaml": BROKEN}, [".", "--fail-on", "never"], 3),
        ({"bad.yaml": BROKEN}, ["bad.yaml"], 2),
        ({}, ["absent.yaml"], 2),
        ({}, [".", "--no-such-option"], 2),
        ({}, [".", "--rule", "no-such-rule"], 2),
        ({}, [".", "--profile", "no-such-profile"], 2),
        ({}, [".", "--output", "nonsense"], 2),
    ],
)
def test_exit_status(tmp_path: Path, files: dict[str, str], arguments: list[str], status: int) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    narrowed = [] if "--rule" in arguments else ["--rule", "privileged"]
    run = seawall("scan", *arguments, *narrowed, cwd=tmp_path)
    assert run.returncode == status, run.stderr
    assert "Traceback" not in run.stderr


def test_what_admission_refuses_fails_whatever_its_severity(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: app, image: registry.example/a:1}]}\n"
    )
    assert seawall("scan", "pod.yaml", "--profile", "pss-baseline", cwd=tmp_path).returncode == 0
    assert seawall("scan", "pod.yaml", "--profile", "pss-restricted@v1.21", cwd=tmp_path).returncode == 1
    assert seawall("scan", "pod.yaml", "--profile", "pss-restricted", "--fail-on", "critical", cwd=tmp_path).returncode == 0


def test_parameters_of_a_policy_do_not_touch_the_standard(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(PRIVILEGED)
    (tmp_path / "seawall.yaml").write_text("parameters:\n  cap-drop-all: {repeat: false}\n")
    run = seawall("scan", "pod.yaml", "--profile", "pss-restricted", "--format", "json", cwd=tmp_path)
    assert "cap-drop-all" in {finding["rule"] for finding in json.loads(run.stdout)["findings"]}


def test_a_finding_has_the_promised_shape(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(PRIVILEGED)
    document = report("web.yaml", cwd=tmp_path)
    assert document["schema"] == "seawall.report/v1"
    assert document["scanned"]["targets"] == ["web.yaml"]
    assert (document["scanned"]["files"], document["scanned"]["resources"]) == (1, 1)
    [finding] = document["findings"]
    assert finding["target"] == {
        "type": "resource", "kind": "Pod", "name": "web", "namespace": "", "api_version": "v1", "container": "app", "cluster": "",
    }  # fmt: skip
    [place] = finding["locations"]
    assert (place["path"], place["line"], place["column"], place["end_line"], place["end_column"]) == ("web.yaml", 9, 9, 9, 25)
    assert place["field"] == "spec.containers[0].securityContext.privileged"
    assert document["outcomes"] == {"privileged": {"fail": 1}}


def test_the_rest_is_scanned_when_one_document_is_broken(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(f"{BROKEN}---\n{PRIVILEGED}")
    document = report("all.yaml", cwd=tmp_path)
    assert [finding["locations"][0]["line"] for finding in document["findings"]] == [13]
    [error] = document["errors"]
    assert (error["path"], error["line"]) == ("all.yaml", 3)


def test_standard_input(tmp_path: Path) -> None:
    document = report("-", cwd=tmp_path, stdin=PRIVILEGED)
    assert [finding["locations"][0]["path"] for finding in document["findings"]] == ["-"]


def test_outputs_are_written_beside_the_screen(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(PRIVILEGED)
    run = seawall("scan", "web.yaml", "--output", "json=a.json", "--output", "sarif=b.sarif", cwd=tmp_path)
    assert run.stdout
    assert json.loads((tmp_path / "a.json").read_text())["findings"]
    assert json.loads((tmp_path / "b.sarif").read_text())["runs"]


def test_an_output_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(HARMLESS)
    run = seawall("scan", "web.yaml", "--output", "json=absent/a.json", cwd=tmp_path)
    assert run.returncode == 2
    assert run.stderr == "seawall: absent/a.json: cannot be written: no such file or directory\n"


def test_policy_above_the_target_decides(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "web.yaml").write_text(PRIVILEGED)
    (tmp_path / "seawall.yaml").write_text("severity:\n  privileged: low\n")
    document = report("deploy", cwd=tmp_path)
    assert [finding["severity"] for finding in document["findings"]] == ["low"]
    assert report("deploy", "--severity", "high", cwd=tmp_path)["findings"] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rulez: []\n", "unknown field `rulez`"),
        ("severity: {privileged: awful}\n", "Invalid enum value 'awful'"),
        ("skip: [priviledged]\n", "no rule is called 'priviledged'; did you mean privileged"),
        ("profile: [\n", "not valid YAML"),
    ],
)
def test_a_policy_that_says_nonsense_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "web.yaml").write_text(HARMLESS)
    (tmp_path / "team.yaml").write_text(text)
    run = seawall("scan", "web.yaml", "--policy", "team.yaml", cwd=tmp_path)
    assert run.returncode == 2
    assert message in run.stderr
    assert run.stderr.count("\n") == 1


def test_options_come_from_the_environment_too(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(PRIVILEGED)
    run = seawall("scan", "web.yaml", cwd=tmp_path, SEAWALL_FORMAT="json", SEAWALL_RULE="privileged", SEAWALL_FAIL_ON="never")
    assert run.returncode == 0
    assert json.loads(run.stdout)["findings"]


def test_many_processes_say_the_same_as_one(tmp_path: Path) -> None:
    """Three megabytes are split over processes; the report must not show it."""
    filler = "x" * 40_000
    for number in range(100):
        (tmp_path / f"{number:03}.yaml").write_text(f"{PRIVILEGED.replace('web', f'web-{number}')}# {filler}\n---\n{HARMLESS}")
    (tmp_path / "050-broken.yaml").write_text(BROKEN)
    checks = compile_checks(Policy(), only=["privileged"])
    alone = scan([str(tmp_path)], checks, Settings(processes=1))
    together = scan([str(tmp_path)], checks, Settings(processes=3))
    assert len(together.findings) == 100
    assert together.findings == alone.findings
    assert together.errors == alone.errors
    assert together.outcomes == alone.outcomes
    assert together.summary == alone.summary


def test_a_defect_is_one_line_and_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(cli, "main", broken)
    with pytest.raises(SystemExit) as stopped:
        main(["scan", "."])
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("seawall: defect in test_scan.py:")
    assert message.count("\n") == 1
