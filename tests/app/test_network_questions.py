"""`seawall network prove|explain|flows|generate`: what reaches the user, and with which exit status."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.network.test_proof import SHOP


def seawall(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "seawall", "network", *arguments], capture_output=True, text=True, check=False, input=stdin)


def answer(*arguments: str) -> tuple[int, Any]:
    run = seawall(*arguments, "--format", "json")
    return run.returncode, json.loads(run.stdout)


@pytest.fixture
def shop(tmp_path: Path) -> str:
    path = tmp_path / "shop"
    path.mkdir()
    (path / "shop.yaml").write_text(SHOP.lstrip())
    return str(path)


def test_prove(shop: str) -> None:
    status, document = answer("prove", shop, "--assert", "ns shop reaches ns db on TCP 5432", "--assert", "nothing outside reaches ns shop")
    assert status == 1
    first, second = document["results"]
    assert (first["assertion"], first["holds"], first["counterexample"]) == ("ns shop reaches ns db on TCP 5432", True, None)
    assert {key: second["counterexample"][key] for key in ("src", "dst", "port", "protocol", "by")} == {
        "src": "203.0.113.1",
        "dst": "shop/web[Deployment]",
        "port": 8080,
        "protocol": "TCP",
        "by": None,
    }
    assert (document["errors"], document["notes"]) == ([], [])


def test_prove_by_a_rule(shop: str) -> None:
    _, document = answer("prove", shop, "--assert", "no pod in ns shop reaches ns db on any port but 443")
    by = document["results"][0]["counterexample"]["by"]
    assert {key: by[key] for key in ("direction", "kind", "namespace", "name", "rule")} == {
        "direction": "ingress",
        "kind": "NetworkPolicy",
        "namespace": "db",
        "name": "db",
        "rule": "spec.ingress[0]",
    }
    assert Path(by["path"]).name == "shop.yaml"
    line = SHOP.lstrip().splitlines()[by["line"] - 1]
    assert line == "metadata: {name: db, namespace: db}"


def test_prove_a_file(shop: str, tmp_path: Path) -> None:
    file = tmp_path / "network.txt"
    file.write_text("# what must hold\n\nns shop reaches ns db on TCP 5432   # the shop needs it\nns db is isolated\n")
    run = seawall("prove", shop, "--assertions", str(file))
    assert (run.returncode, run.stdout) == (0, "holds: ns shop reaches ns db on TCP 5432\nholds: ns db is isolated\n")
    file.write_text("ns shop reaches ns db on TCP 5432\nns shop talks to ns db\n")
    run = seawall("prove", shop, "--assertions", str(file))
    assert run.returncode == 3
    assert f"{file}:2: column 9: " in run.stderr
    assert "'reaches'" in run.stderr
    file.write_text("ns shop talks to ns db\n")
    assert seawall("prove", shop, "--assertions", str(file)).returncode == 2


def test_prove_wants_something_to_prove(shop: str, tmp_path: Path) -> None:
    assert seawall("prove", shop).returncode == 2
    assert seawall("prove", str(tmp_path / "none"), "--assert", "ns a reaches ns b").returncode == 2


def test_explain(shop: str) -> None:
    run = seawall("explain", shop, "--src", "shop/web", "--dst", "shop/api", "--port", "8080")
    assert run.returncode == 0
    assert "NetworkPolicy shop/api selects it" in run.stdout
    assert "shop.yaml:" in run.stdout
    assert run.stdout.rstrip().endswith("spec.ingress[0] allows it <- decides")
    status, document = answer("explain", shop, "--src", "shop/web", "--dst", "shop/api")
    assert status == 0
    assert [item["allowed"] for item in document["explanations"]] == [False, True]
    assert document["explanations"][1]["ports"] == [{"protocol": "TCP", "first": 8080, "last": 8080}]
    assert seawall("explain", shop, "--src", "shop/nobody", "--dst", "shop/api").returncode == 2


FLOWS = "src,dst,port,protocol\nshop/web,shop/api,8080,TCP\nshop/api,db/db,5432,TCP\n"


def test_flows(shop: str, tmp_path: Path) -> None:
    file = tmp_path / "flows.csv"
    file.write_text(FLOWS)
    status, document = answer("flows", shop, "--flows", str(file))
    assert (status, document["records"], document["allowed"], document["denied"]) == (0, 2, 2, [])
    assert [item["name"] for item in document["unused_rules"]] == ["prom"]
    run = seawall("flows", shop, "--flows", "-", stdin=f"{FLOWS}monitoring/prom,db/db,5432,TCP\n")
    assert run.returncode == 1
    assert "monitoring/prom[Pod] => db/db[StatefulSet] TCP 5432 (1 times); egress: NetworkPolicy monitoring/prom isolates" in run.stdout
    assert seawall("flows", shop, "--flows", str(tmp_path / "none")).returncode == 2
    file.write_text("nothing\n")
    assert seawall("flows", shop, "--flows", str(file)).returncode == 2


def test_replay(shop: str, tmp_path: Path) -> None:
    file = tmp_path / "flows.csv"
    file.write_text(FLOWS)
    proposal = tmp_path / "proposal"
    proposal.mkdir()
    (proposal / "p.yaml").write_text(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: all, namespace: db}\n"
        "spec: {podSelector: {}, policyTypes: [Ingress]}\n"
    )
    status, document = answer("flows", shop, "--flows", str(file), "--replay", str(proposal))
    assert status == 1
    assert [(item["src"], item["dst"], item["by"]["name"]) for item in document["cut"]] == [("shop/api[Deployment]", "db/db[StatefulSet]", "all")]
    assert document["kept"] == 1


def test_generate(shop: str, tmp_path: Path) -> None:
    file = tmp_path / "flows.csv"
    file.write_text(FLOWS)
    run = seawall("generate", shop, "--from-flows", str(file))
    assert run.returncode == 0
    names = [item["metadata"]["name"] for item in yaml.safe_load_all(run.stdout)]
    assert names == ["default-deny"] * 3 + ["db", "api", "web"]
    assert "proved: exactly these" in run.stderr
    status, document = answer("generate", shop)
    assert status == 0
    assert document["proof"] == {"exact": True, "connections": document["proof"]["connections"], "missing": [], "extra": []}
    # What was generated, put in place of the policies, lists the same connections.
    generated = tmp_path / "generated"
    generated.mkdir()
    kept = [item for item in yaml.safe_load_all(SHOP) if item["kind"] != "NetworkPolicy"]
    (generated / "objects.yaml").write_text(yaml.safe_dump_all(kept))
    (generated / "policies.yaml").write_text(document["policies"])
    assert (
        json.loads(seawall("list", str(generated), "--format", "json").stdout)["connections"]
        == (json.loads(seawall("list", shop, "--format", "json").stdout)["connections"])
    )
    assert seawall("generate", shop, "--observed").returncode == 2


def test_a_mesh_is_part_of_the_proof(shop: str) -> None:
    mesh = Path(shop) / "mesh.yaml"
    mesh.write_text(
        """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: nothing, namespace: shop}
spec: {}
"""
    )
    shop_file = Path(shop) / "shop.yaml"
    shop_file.write_text(shop_file.read_text().split("---\n", 1)[1])  # without the namespace
    status, document = answer("prove", shop, "--assert", "pods with tier=front reach workload shop/api on 8080")
    assert status == 1
    by = document["results"][0]["counterexample"]["by"]
    assert (by["direction"], by["kind"], by["name"]) == ("mesh", "AuthorizationPolicy", "nothing")
    assert "mesh at shop/api[Deployment]: denied by AuthorizationPolicy shop/nothing" in (
        seawall("explain", shop, "--src", "shop/web", "--dst", "shop/api", "--port", "8080").stdout
    )
