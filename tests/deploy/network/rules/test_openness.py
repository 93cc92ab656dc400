"""Who is open to everybody, and who reaches an address: every end asked one by one of the evaluator in ``brute``."""

import pytest
from hypothesis import given

from seawall.core.resource import Resource
from seawall.deploy.network.model import Direction
from seawall.deploy.network.rules.compiled import Compiled
from seawall.deploy.network.rules.destinations import to_addresses, to_anywhere, to_api_server
from seawall.deploy.network.rules.facts import Facts, path_of
from seawall.deploy.network.rules.openness import open_to_all, opened, selected, undefended
from tests.deploy.network.brute import Brute, Packet
from tests.deploy.network.objects import Nowhere, Object, documents
from tests.deploy.network.test_against_brute import OUTSIDE, admin_policies, baselines, clusters, kubernetes_policies, several

ADDRESSES = (*OUTSIDE, "8.8.8.8", "10.200.0.1", "10.1.0.9", "10.1.0.2", "2a00::1", "fd00::1")
PORTS = (1, 2, 53, 54, 80, 81, 82, 65535)  # every side of every bound that the policies have
METADATA = "169.254.169.254"


def facts(objects: list[Object]) -> Facts:
    return Facts(Compiled([Resource("-", item, Nowhere()) for item in objects]))


def stranger(namespace: str) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"stranger-{namespace}", "namespace": namespace}, "spec": {"containers": []}}


@given(clusters(), several(admin_policies, 0, 2), several(kubernetes_policies, 1, 2), several(baselines, 0, 1))
def test_open_means_open_to_every_end(cluster: list[Object], admin: list[Object], policies: list[Object], baseline: list[Object]) -> None:
    objects = [*cluster, *admin, *policies, *baseline]
    known = facts(objects)
    spaces = {name for name in known.cluster.namespaces if not name.startswith("{")} | {"nobody-knows"}
    brute = Brute([*objects, *map(stranger, spaces)])
    owned = {address for end in brute.ends.values() for address in end.addresses}
    ends = [*brute.ends.values(), *(brute.address(text) for text in ADDRESSES if text not in owned)]
    for direction in Direction:
        expected = set()
        for end in brute.ends.values():
            packets = (
                Packet(*((other, end) if direction is Direction.INGRESS else (end, other)), protocol, port)
                for other in ends
                for protocol in ("TCP", "UDP", "SCTP")
                for port in PORTS
            )
            if end.kind in ("pod", "host") and not end.name.startswith("stranger") and all(brute._side(packet, direction) for packet in packets):
                expected.add(f"{end.namespace}/{end.name}[Pod]")
        assert open_to_all(known, direction) == expected


@given(clusters(), several(admin_policies, 0, 2), several(kubernetes_policies, 1, 2))
def test_the_metadata_address(cluster: list[Object], admin: list[Object], policies: list[Object]) -> None:
    objects = [*cluster, *admin, *policies]
    brute = Brute(objects)
    expected = {
        f"{end.namespace}/{end.name}[Pod]"
        for end in brute.ends.values()
        if end.kind in ("pod", "host") and brute.allowed(Packet(end, brute.address(METADATA), "TCP", 80))
    }
    from ipaddress import ip_address

    ways = list(to_addresses(facts(objects), [ip_address(METADATA)], 80))
    assert {way.workload for way in ways} == expected
    assert all(way.decision.allowed for way in ways)


POD = "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {containers: []}}\n---\n"
POLICY = """
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {}, policyTypes: [%s], %s}}
"""


@pytest.mark.parametrize(
    ("types", "rules", "missing"),
    [
        ("Ingress, Egress", "ingress: []", []),
        ("Ingress", "ingress: []", ["egress"]),
        ("Egress", "egress: []", ["ingress"]),
        ("Ingress, Egress", "ingress: [{ports: [{port: 80}]}], egress: [{ports: [{port: 53}]}]", []),
        ("Ingress, Egress", "ingress: [{from: [{podSelector: {}}]}]", []),
        ("Ingress, Egress", "ingress: [{from: [{namespaceSelector: {}}]}]", ["ingress"]),
        ("Ingress, Egress", "egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]", []),
        ("Ingress, Egress", "egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: '::/0'}}]}]", ["egress"]),
        ("Ingress, Egress", "ingress: [{}], egress: [{}]", ["ingress", "egress"]),
    ],
)
def test_default_deny(types: str, rules: str, missing: list[str]) -> None:
    found = undefended(facts(documents(POD + POLICY % (types, rules))))
    assert sorted(found.get("shop", [])) == sorted(missing)


def test_an_administrator_may_deny_by_default_too() -> None:
    text = """
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: deny}
spec:
  tier: Baseline
  priority: 1
  subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: shop}}}
  ingress: [{action: Deny, from: [{namespaces: {}}]}]
"""
    # Ingress rules of this kind cannot speak of the outside, so that it stays open.
    assert undefended(facts(documents(POD + text)))["shop"] == ["ingress", "egress"]
    with_both = text.replace("v1alpha2", "v1alpha2") + "  egress: [{action: Deny, to: [{namespaces: {}}, {networks: [0.0.0.0/0, '::/0']}]}]\n"
    assert undefended(facts(documents(POD + with_both)))["shop"] == ["ingress"]


def test_a_rule_for_everybody_opens_what_its_policy_selects() -> None:
    known = facts(documents(POD + POLICY % ("Ingress", "ingress: [{}]")))
    assert opened(known, Direction.INGRESS) == selected(known) == {"shop/web[Pod]"}
    assert opened(known, Direction.EGRESS) == set()


@pytest.mark.parametrize(
    ("rules", "ports"),
    [
        ("egress: [{to: [{ipBlock: {cidr: 0.0.0.0/2}}, {ipBlock: {cidr: 10.0.0.0/8}}, {ipBlock: {cidr: 224.0.0.0/3}}]}]", []),
        ("egress: [{to: [{ipBlock: {cidr: 0.0.0.0/2}}, {ipBlock: {cidr: 128.0.0.0/2}}]}]", [(1, 65535)] * 3),
        ("egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [8.8.8.8/32]}}], ports: [{port: 443}]}]", [(443, 443)]),
        ("egress: [{ports: [{port: 53}]}]", []),
        ("egress: [{to: [{ipBlock: {cidr: '2000::/3'}}], ports: [{port: 25}]}]", [(25, 25)]),
        ("egress: [{to: [{namespaceSelector: {}}]}]", []),
    ],
)
def test_the_internet_is_more_than_half_of_it(rules: str, ports: list[tuple[int, int]]) -> None:
    ways = list(to_anywhere(facts(documents(POD + POLICY % ("Egress", rules))), except_ports=[53]))
    assert [(item.first, item.last) for way in ways for item in way.ports] == ports
    assert all(way.decision.allowed and way.decision.policy for way in ways)


def test_where_the_api_server_is_must_be_in_the_input() -> None:
    assert to_api_server(facts(documents(POD + POLICY % ("Egress", "egress: []")))) is None


@pytest.mark.parametrize(("port", "reached"), [(6443, True), (443, False)])
def test_the_api_server_by_its_endpoints(port: int, reached: bool) -> None:
    endpoints = """
---
{apiVersion: v1, kind: Endpoints, metadata: {name: kubernetes, namespace: default},
 subsets: [{addresses: [{ip: 10.0.0.1}], ports: [{port: 6443}]}]}
"""
    ways = to_api_server(facts(documents(POD + POLICY % ("Egress", f"egress: [{{ports: [{{port: {port}}}]}}]") + endpoints)))
    assert ways is not None
    assert [way.workload for way in ways] == ["shop/web[Pod]"] * reached


def test_a_name_of_a_field_is_a_path() -> None:
    assert path_of("spec.ingress[0].from[12].podSelector") == ("spec", "ingress", 0, "from", 12, "podSelector")
