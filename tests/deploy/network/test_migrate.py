"""Migrated policies mean the same: asked of the evaluator in ``brute``, which knows only the documentation; and a proof can fail."""

import copy
from typing import Any

import msgspec
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given

from seawall.app.cli.network_migrate import command
from seawall.core.resource import Resource
from seawall.deploy.network.migrate import MAX_ITEMS, Migration, migrate, prove
from tests.deploy.network.brute import Brute, Packet
from tests.deploy.network.objects import Nowhere, Object
from tests.deploy.network.test_against_brute import (
    OUTSIDE,
    PROBES,
    admin_policies,
    baselines,
    clusters,
    kubernetes_policies,
    several,
)


def resources(objects: list[Object]) -> list[Resource]:
    return [Resource("-", item, Nowhere()) for item in objects]


def replaced(objects: list[Object], migration: Migration) -> list[Object]:
    """The objects with the new policies instead of those that were not left."""
    left = {error.message.split()[1] for error in migration.left}
    old = [item for item in objects if item["apiVersion"].endswith("/v1alpha1") and item["metadata"]["name"] not in left]
    assert len(old) == len(migration.documents)
    return [item for item in objects if item not in old] + list(migration.documents)


def allowed(objects: list[Object]) -> dict[tuple[str, str, str, int], bool]:
    brute = Brute(objects)
    ends = [*brute.ends.values(), *map(brute.address, OUTSIDE)]
    return {
        (f"{source.namespace}/{source.name}", f"{destination.namespace}/{destination.name}", protocol, port): brute.allowed(
            Packet(source, destination, protocol, port)
        )
        for source in ends
        for destination in ends
        if source is not destination and not source.kind == destination.kind == "address"
        for protocol, port in PROBES
    }


@given(clusters(), several(admin_policies, 1, 3), several(baselines, 0, 1), several(kubernetes_policies, 0, 1))
def test_nothing_changes(cluster: list[Object], admin: list[Object], baseline: list[Object], policies: list[Object]) -> None:
    objects = [*cluster, *admin, *baseline, *policies]
    migration = migrate(resources(objects))
    assert migration.proof.equal
    assert allowed(objects) == allowed(replaced(objects, migration))


POD: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"containers": []}}
OTHER: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db", "namespace": "bank"}, "spec": {"containers": []}}


def admin(name: str = "rules", **spec: Any) -> Object:
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": "AdminNetworkPolicy",
        "metadata": {"name": name, "uid": "1", "labels": {"team": "net"}, "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}},
        "spec": {"priority": 7, "subject": {"namespaces": {}}, **spec},
    }


def baseline(**spec: Any) -> Object:
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": "BaselineAdminNetworkPolicy",
        "metadata": {"name": "default"},
        "spec": {"subject": {"namespaces": {}}, **spec},
    }


def test_every_field_goes_where_the_newer_kind_has_it() -> None:
    ports = [
        {"portNumber": {"protocol": "TCP", "port": 80}},
        {"portRange": {"start": 10, "end": 20, "protocol": "UDP"}},
        {"namedPort": "web"},
    ]
    given_ = admin(
        ingress=[{"name": "in", "action": "Allow", "from": [{"pods": {"namespaceSelector": {}, "podSelector": {}}}], "ports": ports}],
        egress=[{"action": "Pass", "to": [{"networks": ["10.0.0.0/8"]}]}],
    )
    migration = migrate(resources([given_, POD]))
    assert migration.documents == (
        {
            "apiVersion": "policy.networking.k8s.io/v1alpha2",
            "kind": "ClusterNetworkPolicy",
            "metadata": {"name": "rules", "labels": {"team": "net"}},
            "spec": {
                "tier": "Admin",
                "priority": 7,
                "subject": {"namespaces": {}},
                "ingress": [
                    {
                        "name": "in",
                        "action": "Accept",
                        "from": [{"pods": {"namespaceSelector": {}, "podSelector": {}}}],
                        "protocols": [
                            {"tcp": {"destinationPort": {"number": 80}}},
                            {"udp": {"destinationPort": {"range": {"start": 10, "end": 20}}}},
                            {"destinationNamedPort": "web"},
                        ],
                    }
                ],
                "egress": [{"action": "Pass", "to": [{"networks": ["10.0.0.0/8"]}]}],
            },
        },
    )
    assert migration.proof.everywhere
    assert not migration.left


def test_both_kinds_may_have_one_name() -> None:
    rules = [{"action": "Deny", "from": [{"namespaces": {}}]}]
    migration = migrate(resources([baseline(ingress=rules), admin("default", egress=[{"action": "Deny", "to": [{"namespaces": {}}]}]), POD]))
    assert [(item["metadata"]["name"], item["spec"]["tier"]) for item in migration.documents] == [
        ("default-baseline", "Baseline"),
        ("default", "Admin"),
    ]
    assert any("default-baseline" in note for note in migration.notes)
    assert migration.proof.equal


def test_what_is_too_long_is_split() -> None:
    peers = [{"networks": [f"10.{number}.0.0/16"]} for number in range(MAX_ITEMS + 1)]
    ports = [{"portNumber": {"protocol": "TCP", "port": number}} for number in range(1, 2 * MAX_ITEMS + 2)]
    migration = migrate(resources([admin(egress=[{"action": "Deny", "to": peers, "ports": ports}]), POD, OTHER]))
    rules = migration.documents[0]["spec"]["egress"]
    assert len(rules) == 2 * 3
    assert all(len(rule["to"]) <= MAX_ITEMS and len(rule["protocols"]) <= MAX_ITEMS for rule in rules)
    assert migration.proof.equal
    assert not migration.proof.everywhere  # they compile to other rules, so the proof is about this input


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"action": "Allow", "from": [{"namespaces": {"sameLabels": ["team"]}, "pods": {}}]}, "exactly one"),
        ({"action": "Allow", "from": []}, "at least one peer"),
        ({"action": "Log", "from": [{"namespaces": {}}]}, "must be one of"),
        ({"action": "Allow", "from": [{"namespaces": {}}], "icmp": {}}, "does not know"),
    ],
)
def test_what_cannot_be_carried_over_is_told(rule: Object, reason: str) -> None:
    migration = migrate(resources([admin("bad", ingress=[rule]), admin("good", egress=[]), POD]))
    assert [item["metadata"]["name"] for item in migration.documents] == ["good"]
    assert len(migration.left) == 1
    assert "AdminNetworkPolicy bad stays as it is" in migration.left[0].message
    assert reason in migration.left[0].message


def test_more_rules_than_the_newer_kind_takes_are_left() -> None:
    rules = [{"action": "Deny", "to": [{"networks": [f"10.{number}.0.0/16"]}]} for number in range(MAX_ITEMS + 1)]
    assert "26 rules" in migrate(resources([admin(egress=rules)])).left[0].message


@pytest.mark.parametrize(
    "spoil",
    [
        lambda spec: spec["ingress"][0].update(action="Accept"),
        lambda spec: spec.update(tier="Baseline"),
        lambda spec: spec["ingress"][0].update(protocols=[{"tcp": {}}, {"udp": {}}]),
        lambda spec: spec["ingress"][0].update({"from": [{"namespaces": {"matchLabels": {"team": "red"}}}]}),
        lambda spec: spec.update(subject={"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}),
    ],
)
def test_a_wrong_translation_is_refuted(spoil: Any) -> None:
    """The policy denies what a NetworkPolicy allows; each change shows in some connection."""
    allow = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "all", "namespace": "bank"},
        "spec": {"podSelector": {}, "ingress": [{}]},
    }
    given_ = resources([admin(ingress=[{"action": "Deny", "from": [{"namespaces": {}}]}]), allow, POD, OTHER])
    document = copy.deepcopy(migrate(given_).documents[0])
    assert prove(given_, {id(given_[0]): document}).equal
    spoil(document["spec"])
    proof = prove(given_, {id(given_[0]): document})
    assert proof.changes
    assert not proof.everywhere


def test_the_command_writes_yaml_and_proves(tmp_path: Any) -> None:
    peers = [{"networks": [f"10.{number}.0.0/16"]} for number in range(MAX_ITEMS + 1)]
    ports = [{"portNumber": {"protocol": "TCP", "port": number}} for number in range(1, MAX_ITEMS + 2)]
    (tmp_path / "cluster.yaml").write_text(yaml.safe_dump_all([admin(egress=[{"action": "Deny", "to": peers, "ports": ports}]), POD]))
    result = CliRunner().invoke(command, [str(tmp_path)])
    assert result.exit_code == 0
    assert "proved: all" in result.stderr
    assert "&id" not in result.stdout  # no anchors
    assert len(next(yaml.safe_load_all(result.stdout))["spec"]["egress"]) == 4
    document = msgspec.json.decode(CliRunner().invoke(command, [str(tmp_path), "--format", "json"]).stdout)
    assert document["schema"] == "seawall.network-migration/v1"
    assert document["proof"]["equal"] is True
    assert document["policies"] == list(yaml.safe_load_all(result.stdout))


def test_the_command_tells_what_stays(tmp_path: Any) -> None:
    (tmp_path / "cluster.yaml").write_text(yaml.safe_dump_all([admin(priority=5000), POD]))
    result = CliRunner().invoke(command, [str(tmp_path)])
    assert result.exit_code == 1
    assert "stays as it is" in result.stderr
    assert result.stdout == ""
