"""The promised JSON documents, held against the schemas of ``../shared/schema``."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seawall.app.cli.main import _run

SCHEMAS = Path(__file__).parents[3] / "shared" / "schema"
MANIFESTS = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web, image: web:1, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: db, image: db:1}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]
"""
BROKEN = MANIFESTS.replace("port: 5432", "port: 99999")
AUDIT = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "Metadata",
    "auditID": "1",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/shop/pods/web/exec?command=sh",
    "verb": "get",
    "user": {"username": "eve", "groups": ["system:authenticated"]},
    "sourceIPs": ["10.0.0.1"],
    "objectRef": {"resource": "pods", "namespace": "shop", "name": "web", "subresource": "exec"},
    "responseStatus": {"code": 101},
    "requestReceivedTimestamp": "2026-01-01T00:00:00.000000Z",
    "stageTimestamp": "2026-01-01T00:00:00.000000Z",
}


def schema(name: str) -> Any:
    path = SCHEMAS / f"{name}.schema.json"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return json.loads(path.read_text())


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = _run([*arguments])
    return status, capsys.readouterr().out


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "good" / "shop.yaml").write_text(MANIFESTS)
    (tmp_path / "broken" / "shop.yaml").write_text(BROKEN)
    (tmp_path / "requirements.txt").write_text("flask==2.3.1\n")
    (tmp_path / "audit.log").write_text(json.dumps(AUDIT) + "\n")
    return tmp_path


@pytest.mark.parametrize(("which", "status"), [("good", 0), ("broken", 3)])
def test_network_list(folder: Path, which: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = schema("network.v1")
    found, out = run(capsys, "network", "list", str(folder / which), "--format", "json")
    document = json.loads(out)
    jsonschema.validate(document, wanted)
    assert found == status
    assert bool(document["errors"]) == bool(document["notes"]) == (which == "broken")


def test_network_diff(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = schema("network-diff.v1")
    status, out = run(capsys, "network", "diff", str(folder / "good"), str(folder / "broken"), "--format", "json")
    document = json.loads(out)
    jsonschema.validate(document, wanted)
    assert status == 3
    assert {change["change"] for change in document["changes"]} == {"added", "changed"}


def test_network_eval_and_prove(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = run(capsys, "network", "eval", str(folder / "good"), "--src", "shop/web", "--dst", "shop/db", "--port", "5432", "--format", "json")
    answer = json.loads(out)
    assert (status, answer["allowed"]) == (0, True)
    assert answer["ingress"]["by"] == {"kind": "NetworkPolicy", "namespace": "shop", "name": "db", "rule": "spec.ingress[0]"}
    status, out = run(capsys, "network", "prove", str(folder / "good"), "--assert", "nothing outside reaches ns shop", "--format", "json")
    (result,) = json.loads(out)["results"]
    assert (status, result["holds"]) == (1, False)
    assert result["counterexample"].keys() >= {"src", "dst", "port", "protocol", "by"}


def test_sbom(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = schema("sbom.v1")
    status, out = run(capsys, "sbom", str(folder / "requirements.txt"), "--format", "json")
    jsonschema.validate(json.loads(out), wanted)
    assert status == 0


def test_alerts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = schema("alert")
    status, out = run(capsys, "detect", str(folder / "audit.log"), "--format", "json", "--fail-on", "never")
    alerts = [json.loads(line) for line in out.splitlines()]
    for alert in alerts:
        jsonschema.validate(alert, wanted)
    assert status == 0
    assert any("aud.exec" in alert["tags"] for alert in alerts)
    assert {alert["event_index"] for alert in alerts} == {0}
