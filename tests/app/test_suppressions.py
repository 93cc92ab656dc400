"""Findings that somebody decided not to fix: comments, annotations, policy entries, baselines, and what happens when they are out of date."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from seawall.app.scan import Settings, scan
from seawall.core.baseline import baseline_of, compare
from seawall.core.finding import Finding, Status
from seawall.core.policy import Policy
from seawall.core.suppression import Match
from seawall.deploy.workload import compile_checks, registry
from seawall.deploy.workload.exemptions import translation
from seawall.io.sources.baseline_file import read_baseline, write_baseline
from tests.app.test_scan import PRIVILEGED, seawall

RULES = ("privileged", "host-pid")
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web{annotations}
spec:
  hostPID: true{host_pid}
  containers:
    - name: app{app}
      image: registry.example/app:1
      securityContext:
        privileged: true{privileged}
    - name: other
      securityContext:
        privileged: true
"""


def judged(folder: Path, text: str, *, only: tuple[str, ...] = RULES, **settings: Any) -> list[tuple[str, int, str]]:
    """Rule, line and status of every finding."""
    (folder / "pod.yaml").write_text(text)
    report = scan([str(folder / "pod.yaml")], compile_checks(Policy(), only=only), Settings(translation=translation(registry()), **settings))
    assert not report.errors
    return [(finding.rule, finding.locations[0].line, finding.status.value) for finding in report.findings]


def pod(**comments: str) -> str:
    places = dict.fromkeys(("annotations", "host_pid", "app", "privileged"), "")
    return POD.format(**(places | comments))


@pytest.mark.parametrize(
    ("comments", "suppressed"),
    [
        ({}, []),
        ({"privileged": " # seawall: ignore[privileged] reason=it mounts"}, [("privileged", 11)]),
        ({"privileged": " # seawall:ignore[host-pid, privileged]"}, [("privileged", 11)]),
        ({"app": " # seawall: ignore[privileged]"}, [("privileged", 11)]),
        ({"app": "\n      # seawall: ignore[privileged]"}, []),
        ({"host_pid": " # seawall: ignore[*] until=2999-12-31"}, [("host-pid", 6)]),
        ({"host_pid": "\n  # seawall: ignore[privileged]"}, [("privileged", 12), ("privileged", 15)]),
    ],
)
def test_a_comment_covers_what_starts_on_its_line_or_after_it(tmp_path: Path, comments: dict[str, str], suppressed: list[tuple[str, int]]) -> None:
    found = judged(tmp_path, pod(**comments))
    assert [(rule, line) for rule, line, status in found if status == "suppressed"] == suppressed
    assert len([rule for rule, _, _ in found if rule in RULES]) == 3


def test_a_comment_at_the_top_covers_the_object_and_not_the_next(tmp_path: Path) -> None:
    found = judged(tmp_path, f"# seawall: ignore[privileged] reason=agents\n{pod()}---\n{pod()}")
    assert [status for rule, _, status in found if rule == "privileged"] == ["suppressed", "suppressed", "open", "open"]


def test_a_comment_in_a_string_is_text(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\ndata: |\n  # seawall: ignore[host-pid]\nspec: {hostPID: true}\n"
    assert judged(tmp_path, text) == [("host-pid", 6, "open")]


@pytest.mark.parametrize(
    ("annotation", "suppressed"),
    [
        ('ignore.seawall/host-pid: "node agent; until=2999-01-01"', ["host-pid"]),
        ('ignore.seawall/all: "legacy"', ["host-pid", "privileged", "privileged"]),
        ("ignore-check.kube-linter.io/privileged-container: reviewed", ["privileged", "privileged"]),
        ("kube-linter.io/ignore-all: reviewed", ["host-pid", "privileged", "privileged"]),
        ("kube-score/ignore: container-security-context-privileged,other", ["privileged", "privileged"]),
        ("checkov.io/skip1: CKV_K8S_17=reviewed", ["host-pid"]),
        ('polaris.fairwinds.com/hostPIDSet-exempt: "true"', ["host-pid"]),
        ('polaris.fairwinds.com/exempt: "true"', ["host-pid", "privileged", "privileged"]),
        ('polaris.fairwinds.com/exempt: "false"', []),
        ("example.com/ignore: privileged", []),
    ],
)
def test_annotations_of_ours_and_of_other_tools(tmp_path: Path, annotation: str, suppressed: list[str]) -> None:
    found = judged(tmp_path, pod(annotations=f"\n  annotations:\n    {annotation}"))
    assert [rule for rule, _, status in found if status == "suppressed"] == suppressed
    assert {rule for rule, _, _ in found} == set(RULES), "what was written for another tool is not called unused"


def test_a_label_of_kubeaudit_covers_its_container(tmp_path: Path) -> None:
    found = judged(tmp_path, pod(annotations="\n  labels:\n    container.kubeaudit.io/other.allow-privileged: SomeReason"))
    assert [(line, status) for rule, line, status in found if rule == "privileged"] == [(13, "open"), (16, "suppressed")]


@pytest.mark.parametrize(
    ("entry", "covers"),
    [
        ({}, True),
        ({"kind": "Pod", "name": "w*"}, True),
        ({"kind": "Deployment"}, False),
        ({"path": "*/pod.yaml"}, True),
        ({"path": "other.yaml"}, False),
        ({"labels": {"app": "web"}}, False),
        ({"namespace": "shop"}, False),
    ],
)
def test_policy_entries_select_objects(tmp_path: Path, entry: dict[str, Any], covers: bool) -> None:
    found = judged(tmp_path, pod(), suppressions=(Match(rules=("host-pid",), reason="agent", **entry),), policy_path="seawall.yaml")
    assert ("host-pid", 6, "suppressed" if covers else "open") in found
    assert any(rule == "suppression-unused" for rule, _, _ in found) is not covers


def test_an_expired_suppression_opens_the_finding_and_is_one(tmp_path: Path) -> None:
    found = judged(tmp_path, pod(host_pid=" # seawall: ignore[host-pid] until=2001-01-01 reason=for now"))
    assert ("host-pid", 6, "open") in found
    assert ("suppression-expired", 6, "open") in found


def test_an_unused_suppression_is_told_unless_its_rule_did_not_run(tmp_path: Path) -> None:
    text = pod(privileged=" # seawall: ignore[host-pid]")
    assert ("suppression-unused", 11, "open") in judged(tmp_path, text)
    assert "suppression-unused" not in {rule for rule, _, _ in judged(tmp_path, text, only=("privileged",))}


@pytest.mark.parametrize("comment", ["# seawall: ignore", "# seawall: ignore[]", "# seawall: ignore[host-pid] until=tomorrow"])
def test_a_suppression_that_nobody_understands_is_an_error_with_its_line(tmp_path: Path, comment: str) -> None:
    (tmp_path / "pod.yaml").write_text(pod(host_pid=f" {comment}"))
    report = scan([str(tmp_path)], compile_checks(Policy(), only=RULES))
    assert [error.line for error in report.errors] == [6]


@pytest.mark.parametrize(
    "place", [{"host_pid": " # seawall: ignore[host-pids]"}, {"annotations": "\n  annotations:\n    ignore.seawall/host-pids: why"}]
)
def test_a_rule_that_does_not_exist_is_an_error_with_the_nearest_name(tmp_path: Path, place: dict[str, str]) -> None:
    (tmp_path / "pod.yaml").write_text(pod(**place))
    report = scan([str(tmp_path)], compile_checks(Policy(), only=RULES), Settings(registry=registry()))
    [error] = report.errors
    assert error.line == 6
    assert error.message.startswith("no rule is called 'host-pids'; did you mean host-pid or")


def findings_of(folder: Path) -> tuple[Finding, ...]:
    return scan([str(folder)], compile_checks(Policy(), only=RULES)).findings


def test_a_baseline_knows_findings_whose_lines_moved_and_counts_them(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(pod())
    before = findings_of(tmp_path)
    path = str(tmp_path / "baseline.json")
    write_baseline(path, baseline_of(before))
    (tmp_path / "pod.yaml").write_text("# moved\n\n" + pod().replace("name: app", "name:   app"))
    moved = compare(findings_of(tmp_path), read_baseline(path))
    assert {finding.status for finding in moved} == {Status.BASELINE}
    (tmp_path / "copy.yaml").write_text(pod())
    assert [finding.status for finding in compare(findings_of(tmp_path), read_baseline(path))].count(Status.OPEN) == 3


def test_baseline_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(PRIVILEGED)
    assert seawall("scan", "web.yaml", "--rule", "privileged", "--write-baseline", "known.json", cwd=tmp_path).returncode == 1
    run = seawall("scan", "web.yaml", "--rule", "privileged", "--baseline", "known.json", "--format", "json", cwd=tmp_path)
    assert run.returncode == 0
    assert json.loads(run.stdout)["summary"]["baseline"] == 1
    (tmp_path / "known.json").write_text("[]")
    run = seawall("scan", "web.yaml", "--baseline", "known.json", cwd=tmp_path)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)


def test_changed_since_reports_only_what_changed(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example", *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "--quiet")
    for name in ("old.yaml", "edited.yaml"):
        (tmp_path / name).write_text(PRIVILEGED)
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    (tmp_path / "edited.yaml").write_text(f"# edited\n{PRIVILEGED}")
    (tmp_path / "new.yaml").write_text(PRIVILEGED)
    run = seawall("scan", ".", "--rule", "privileged", "--changed-since", "HEAD", "--format", "json", cwd=tmp_path)
    assert {finding["locations"][0]["path"] for finding in json.loads(run.stdout)["findings"]} == {"./edited.yaml", "./new.yaml"}
    run = seawall("scan", ".", "--changed-since", "no-such-revision", cwd=tmp_path)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
