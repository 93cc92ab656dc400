"""The rule schema-validation where a fixture cannot show it: what is not evaluated, what is not printed."""

import json
from pathlib import Path
from typing import Any

import pytest

from seawall.app.scan import scan
from seawall.core.policy import Policy
from seawall.core.report import Report
from seawall.core.rule import Outcome
from seawall.deploy.schema import Unavailable
from seawall.deploy.workload import compile_checks
from seawall.deploy.workload.rules import schema as rule

pytest.importorskip("kubernetes_validate", reason="the extra seawall[schemas] is not installed")


def judged(tmp_path: Path, *objects: dict[str, Any], **parameters: Any) -> Report:
    path = tmp_path / "objects.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    checks = compile_checks(Policy(parameters={"schema-validation": parameters}), only=["schema-validation"])
    return scan([str(path)], checks)


def shop(name: str) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Shop", "metadata": {"name": name}, "spec": 1}


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "web"}], **spec}}


def test_a_kind_without_schema_is_said_once(tmp_path: Path) -> None:
    report = judged(tmp_path, shop("a"), shop("b"))
    assert not report.findings
    assert [item.reason for item in report.not_evaluated] == [
        "no schema for Shop in example.com/v1 (2 objects): Kubernetes 1.37 has no such kind, and no CustomResourceDefinition of it is given"
    ]


def test_a_broken_definition_is_named(tmp_path: Path) -> None:
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "shops.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Cluster",
            "names": {"kind": "Shop", "plural": "shops"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "thing"}}}},
                }
            ],
        },
    }
    report = judged(tmp_path, shop("a"), definition)
    assert [item.reason.partition(": ")[2] for item in report.not_evaluated] == [f"the schema in {tmp_path / 'objects.json'} is no valid one"]


def test_without_the_extra_nothing_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(version: str, *, strict: bool) -> None:
        raise Unavailable("pip install 'seawall[schemas]'")

    monkeypatch.setattr(rule, "library", unavailable)
    report = judged(tmp_path, pod())
    assert [item.reason for item in report.not_evaluated] == ["pip install 'seawall[schemas]'"]
    assert report.outcomes["schema-validation"] == {Outcome.NOT_EVALUATED: 1}


def test_a_version_that_nobody_has_schemas_of(tmp_path: Path) -> None:
    [item] = judged(tmp_path, pod(), kubernetes_version="1.20").not_evaluated
    assert item.reason.startswith("schemas are known of Kubernetes 1.25 to 1.")


def test_skipped_kinds(tmp_path: Path) -> None:
    report = judged(tmp_path, pod(colour="red"), shop("a"), skip_kinds=["Pod", "Shop"])
    assert not report.findings
    assert not report.not_evaluated


def test_errors_beyond_the_limit_are_not_silent(tmp_path: Path) -> None:
    report = judged(tmp_path, pod(**{f"colour{number}": 1 for number in range(30)}))
    assert len(report.findings) == rule.MAX_ERRORS
    assert [item.reason for item in report.not_evaluated] == ["it has more than 20 errors; the others are not shown"]


def test_secrets_are_not_printed(tmp_path: Path) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "a"},
        "data": {"a": "hunter2!"},
        "password": "hunter2",
        "stringData": {"n": 77712},
    }
    variable = pod(containers=[{"name": "web", "env": [{"name": "PIN", "value": 77712}, {"name": "A", "valeu": "hunter2"}]}])
    report = judged(tmp_path, secret, variable)
    assert len(report.findings) == 5
    shown = "".join(f"{finding.message}{finding.evidence}{[location.snippet for location in finding.locations]}" for finding in report.findings)
    assert "hunter" not in shown
    assert "777" not in shown
