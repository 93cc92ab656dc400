"""`seawall render`, by the real program in a process of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHART = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
    "values.yaml": "size: 1\n",
    "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  size: {{ .Values.size | quote }}\n",
}
OVERLAY = {"kustomization.yaml": "resources: [a.yaml]\nnamePrefix: x-\n", "a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"}


def seawall(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "seawall", *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def write(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def helm() -> None:
    if not shutil.which(os.environ.get("SEAWALL_HELM", "helm")):
        pytest.skip("needs helm on the PATH, or SEAWALL_HELM")


@pytest.fixture
def kustomize() -> None:
    if not (shutil.which(os.environ.get("SEAWALL_KUSTOMIZE", "kustomize")) or shutil.which("kubectl")):
        pytest.skip("needs kustomize or kubectl on the PATH")


@pytest.mark.usefixtures("helm")
@pytest.mark.parametrize("target", ["charts/web", "chart:charts/web"])
def test_a_chart(tmp_path: Path, target: str) -> None:
    write(tmp_path / "charts/web", CHART)
    write(tmp_path, {"big.yaml": "size: 7\n"})
    run = seawall("render", target, "-f", "big.yaml", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split("\n")[:2] == ["---", "# Source: web/templates/a.yaml"]
    assert '  size: "7"' in run.stdout
    run = seawall("render", target, "-f", "big.yaml", "--set", "size=9", "--name", "shop", "--format", "json", cwd=tmp_path)
    assert json.loads(run.stdout) == {
        "schema": "seawall.render/v1",
        "objects": [
            {
                "object": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop"}, "data": {"size": "9"}},
                "origin": {"tool": "helm", "path": "charts/web/templates/a.yaml", "line": 1},
            }
        ],
        "errors": [],
    }


@pytest.mark.usefixtures("kustomize")
@pytest.mark.parametrize("target", [".", "kustomize:."])
def test_a_kustomization(tmp_path: Path, target: str) -> None:
    write(tmp_path, OVERLAY)
    run = seawall("render", target, cwd=tmp_path)
    assert run.stdout == "---\n# Source: a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x-a\n"
    run = seawall("render", target, "--format", "json", cwd=tmp_path)
    assert json.loads(run.stdout)["objects"][0]["origin"] == {"tool": "kustomize", "path": "a.yaml", "line": 1}
    assert seawall("render", target, "--set", "a=b", cwd=tmp_path).returncode == 2


def test_what_cannot_be_rendered(tmp_path: Path) -> None:
    write(tmp_path / "both", {**CHART, **OVERLAY})
    (tmp_path / "empty").mkdir()
    for target, said in {
        "both": "both is a chart and a kustomization; write chart:both or kustomize:both",
        "empty": "empty: is neither a chart nor a kustomization",
        "absent": "absent: is no directory",
        "chart:empty": "empty: is no chart: there is no Chart.yaml",
        "kustomize:empty": "empty: is no kustomization: there is no kustomization.yaml",
    }.items():
        run = seawall("render", target, cwd=tmp_path)
        assert (run.returncode, run.stdout, run.stderr) == (2, "", f"seawall: {said}\n")
