"""What an entry of a role grants agrees with the authorizer, request for request; and a star is found once by default."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.app.scan import scan
from seawall.core.policy import Policy
from seawall.core.resource import Resource
from seawall.core.severity import Severity
from seawall.deploy.workload import compile_checks
from seawall.deploy.workload.grants import ANY, Access, Entry, entries
from seawall.io.sources.late import LatePositions

GROUPS, RESOURCES = ["", "apps", "*"], ["pods", "pods/exec", "deployments/exec", "secrets", "*/exec", "pods/*", "*"]
VERBS, NAMES = ["get", "list", "create", "Get", "*"], ["", "one", "two"]


def some(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), max_size=3)


def role(rules: list[Any]) -> Resource:
    data = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "x"}, "rules": rules}
    return Resource("x", data, LatePositions(0))


def allows(rule: dict[str, list[str]], verb: str, group: str, resource: str, name: str) -> bool:
    """RuleAllows of Kubernetes' RBAC authorizer, written down word for word."""
    verb_matches = "*" in rule["verbs"] or verb in rule["verbs"]
    group_matches = "*" in rule["apiGroups"] or group in rule["apiGroups"]
    _, _, subresource = resource.partition("/")
    resource_matches = any(item in ("*", resource) or (subresource != "" and item == f"*/{subresource}") for item in rule["resources"])
    name_matches = not rule["resourceNames"] or name in rule["resourceNames"]
    return verb_matches and group_matches and resource_matches and name_matches


@given(
    st.fixed_dictionaries(
        {
            "apiGroups": st.lists(st.sampled_from(GROUPS), min_size=1, max_size=2),
            "resources": some(RESOURCES),
            "verbs": some(VERBS),
            "resourceNames": some(NAMES),
        }
    ),
    st.sampled_from(["", "apps"]),
    st.lists(st.sampled_from(["pods", "pods/exec", "secrets"]), min_size=1, max_size=2, unique=True),
    st.lists(st.sampled_from(["get", "list", "create"]), min_size=1, max_size=2, unique=True),
    st.sampled_from([frozenset[str](), frozenset({"two"}), ANY]),
)
def test_an_entry_grants_what_the_authorizer_allows(
    rule: dict[str, list[str]], group: str, resources: list[str], verbs: list[str], names: frozenset[str]
) -> None:
    entry = Entry(role([rule]).field("rules", 0))
    grant = entry.grant(Access(group, tuple(resources), tuple(verbs), names=names))
    dangerous = {"", *(rule["resourceNames"] if names == ANY else names)}
    assert bool(grant) == any(allows(rule, verb, group, resource, name) for verb, resource, name in product(verbs, resources, dangerous))
    if grant:
        assert {item.value for item in grant.resources} <= set(rule["resources"])
        assert {item.value for item in grant.verbs} <= set(rule["verbs"])
        decided = {**rule, "resources": [grant.resources[0].value], "verbs": [grant.verbs[0].value]}
        assert any(allows(decided, verb, group, resource, name) for verb, resource, name in product(verbs, resources, dangerous))


@pytest.mark.parametrize(
    "rules", [None, {}, "x", [None], ["x"], [{"resources": "*", "verbs": {"get": 1}}], [{"resources": [None, 1], "verbs": [["*"]]}]]
)
def test_rules_of_another_shape_grant_nothing(rules: Any) -> None:
    assert not any(entry.grant(Access("", ("secrets",), ("get",))) for entry in entries(role(rules)))


def found(tmp_path: Path, text: str, profile: str = "default") -> dict[str, Severity]:
    path = tmp_path / "role.yaml"
    path.write_text(text)
    report = scan([str(path)], compile_checks(Policy(profile=profile)))
    assert not report.errors
    return {finding.rule: finding.severity for finding in report.findings if finding.rule.startswith(("rbac-", "sa-"))}


def role_text(kind: str, rule: str) -> str:
    return f"apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: x}}\nrules:\n  - {rule}\n"


EVERYTHING = '{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}'


def test_a_star_is_found_once_by_default_and_by_every_rule_in_all(tmp_path: Path) -> None:
    assert found(tmp_path, role_text("ClusterRole", EVERYTHING)) == {"rbac-wildcard": Severity.CRITICAL}
    everything = found(tmp_path, role_text("ClusterRole", EVERYTHING), "all")
    assert {"rbac-secrets", "rbac-exec", "rbac-impersonate", "rbac-nodes-proxy", "rbac-webhooks"} < everything.keys()


@pytest.mark.parametrize(
    ("kind", "rule", "expected"),
    [
        ("Role", EVERYTHING, {"rbac-wildcard": Severity.HIGH}),
        ("ClusterRole", '{apiGroups: [example.com], resources: ["*"], verbs: ["*"]}', {"rbac-wildcard": Severity.MEDIUM}),
        ("ClusterRole", '{apiGroups: [""], resources: ["*"], verbs: [list]}', {"rbac-wildcard": Severity.HIGH}),
        ("ClusterRole", '{apiGroups: [""], resources: [secrets], verbs: [list]}', {"rbac-secrets": Severity.HIGH}),
        ("ClusterRole", '{apiGroups: [""], resources: [secrets], verbs: [create]}', {"rbac-secrets": Severity.MEDIUM}),
        ("Role", '{apiGroups: [""], resources: [secrets], verbs: [list]}', {"rbac-secrets": Severity.MEDIUM}),
        ("Role", '{apiGroups: [""], resources: [nodes/proxy], verbs: [get]}', {"rbac-nodes-proxy": Severity.LOW}),
        (
            "ClusterRole",
            '{apiGroups: ["*"], resources: ["*"], verbs: [impersonate]}',
            {"rbac-impersonate": Severity.CRITICAL, "rbac-wildcard": Severity.HIGH},
        ),
        ("Role", '{apiGroups: [""], resources: [configmaps, events, services], verbs: [create, delete, update, get]}', {}),
    ],
)
def test_severity_follows_what_is_granted_where(tmp_path: Path, kind: str, rule: str, expected: dict[str, Severity]) -> None:
    assert found(tmp_path, role_text(kind, rule)) == expected
