"""`seawall fix` on real files: what is asked for changes, everything else stays byte for byte, and a second run changes nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.test_scan import seawall

WEB = """\
# The front end.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: app   # the one
          image: "registry.example/app:1"
          securityContext:
            privileged: yes   # why?

            readOnlyRootFilesystem:   false
        - name: other
          image: registry.example/other:1   # last
"""


def changed(before: str, after: str) -> list[tuple[str, str]]:
    """The lines that differ, for texts of the same number of lines."""
    return [(old, new) for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]


def test_a_named_rule_is_fixed_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(WEB)
    run = seawall("fix", "web.yaml", "--rule", "privileged", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "fixed 1 finding in 1 file" in run.stderr
    assert changed(WEB, path.read_text()) == [("            privileged: yes   # why?", "            privileged: false   # why?")]
    again = path.read_text()
    assert "fixed 0 findings" in seawall("fix", "web.yaml", "--rule", "privileged", cwd=tmp_path).stderr
    assert path.read_text() == again


def test_several_fixes_in_one_container_compose(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(WEB)
    rules = ["privileged", "priv-escalation", "cap-drop-all", "readonly-rootfs", "seccomp-default", "run-as-non-root"]
    run = seawall("fix", "web.yaml", *(word for rule in rules for word in ("--rule", rule)), "--format", "json", cwd=tmp_path)
    assert json.loads(run.stdout)["findings"] == []
    text = path.read_text()
    for comment in ("# The front end.", "# the one", "# why?", "# last"):
        assert comment in text
    assert text.count("securityContext:") == 2


def test_unsafe_fixes_wait_for_a_word(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(WEB)
    run = seawall("fix", "web.yaml", "--skip", "deprecated-api", cwd=tmp_path)
    assert path.read_text() == WEB
    assert "can be fixed with --unsafe" in run.stderr
    seawall("fix", "web.yaml", "--unsafe", cwd=tmp_path)
    assert "readOnlyRootFilesystem:   true" in path.read_text()


@pytest.mark.parametrize("text", [WEB, WEB.rstrip("\n"), WEB.replace("\n", "\r\n"), "\ufeff" + WEB])
def test_the_patch_is_what_git_takes_and_what_fix_would_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "deploy" / "web.yaml"
    path.parent.mkdir()
    path.write_bytes(text.encode())
    rules = ("--rule", "privileged", "--rule", "priv-escalation")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True, capture_output=True)
    command = [sys.executable, "-m", "seawall", "fix", "deploy", *rules, "--diff"]
    patch = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout
    assert path.read_bytes() == text.encode(), "--diff must not write"
    if text.startswith("\ufeff"):
        return  # a patch is text; Git would see the mark as part of the first line
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=patch, check=True)
    patched = path.read_bytes()
    path.write_bytes(text.encode())
    seawall("fix", "deploy", *rules, cwd=tmp_path)
    assert path.read_bytes() == patched


def test_encoding_mode_and_links_survive(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_bytes(WEB.replace("front end", "Fröntend").encode("utf-16"))
    real.chmod(0o640)
    (tmp_path / "link.yaml").symlink_to("real.yaml")
    seawall("fix", "link.yaml", "--rule", "privileged", cwd=tmp_path)
    assert (tmp_path / "link.yaml").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    text = real.read_bytes().decode("utf-16")
    assert "Fröntend" in text
    assert "privileged: false" in text


def test_a_value_behind_an_alias_is_left_alone(tmp_path: Path) -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n    - name: a\n      securityContext: &strict\n"
        "        privileged: true\n    - name: b\n      securityContext: *strict\n"
    )
    (tmp_path / "pod.yaml").write_text(text)
    run = seawall("fix", "pod.yaml", "--rule", "privileged", "--format", "json", cwd=tmp_path)
    after = (tmp_path / "pod.yaml").read_text()
    left = json.loads(run.stdout)["findings"]
    assert (after == text and len(left) == 2) or (after != text and not left), "both containers share the text: all or nothing"


def test_standard_input_is_refused(tmp_path: Path) -> None:
    run = seawall("fix", "-", cwd=tmp_path, stdin=WEB)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
