"""What is called superfluous may go, all of it together, and what is not may not: each checked by leaving it out and judging from the start."""

import copy
from collections.abc import Iterable
from ipaddress import ip_address

from hypothesis import given

from seawall.core.resource import Resource
from seawall.deploy.network.load import load
from seawall.deploy.network.reach import reach
from seawall.deploy.network.rules.compiled import Compiled
from seawall.deploy.network.rules.facts import Facts, with_strangers
from seawall.deploy.network.rules.openness import idle
from seawall.deploy.network.rules.redundancy import Superfluous, Untried, superfluous
from tests.deploy.network.objects import Nowhere, Object, documents
from tests.deploy.network.test_against_brute import (
    OUTSIDE,
    admin_policies,
    baselines,
    cilium_policies,
    clusters,
    kubernetes_policies,
    several,
)

ADDRESSES = (*OUTSIDE, "8.8.8.8", "10.200.0.1", "10.1.0.9", "10.1.0.2", "2a00::1", "fd00::1")


def facts(objects: Iterable[Object]) -> Facts:
    return Facts(Compiled([Resource("-", item, Nowhere()) for item in objects]))


def matrix(objects: Iterable[Object]) -> dict[tuple[object, object], object]:
    """What may be opened between all endpoints, strangers among them, and some outside addresses."""
    cluster = with_strangers(load([Resource("-", item, Nowhere()) for item in objects]).cluster)
    judged = reach(cluster, (4, 6))
    ends: dict[object, int] = {}
    for place, group in enumerate(judged.groups):
        number = int(judged.class_of[place])
        for member in group.members:
            endpoint = cluster.endpoints[member]
            ends[endpoint.kind, endpoint.namespace, endpoint.name] = number
        for text in ADDRESSES:
            address = ip_address(text)
            if any(version == address.version and first <= int(address) <= last for version, first, last in group.ranges):
                ends[text] = number
    return {(source, destination): judged.ports(ends[source], ends[destination]) for source in ends for destination in ends}


def without_rules(item: Object, fields: Iterable[str]) -> Object:
    """A policy without the rules of these names (``spec.ingress[0]``)."""
    found = copy.deepcopy(item)
    for side in ("ingress", "egress", "ingressDeny", "egressDeny"):
        gone = {int(field.partition("[")[2][:-1]) for field in fields if field.startswith(f"spec.{side}[")}
        if side in found["spec"] and found["spec"][side] is not None:
            given_policy_types = found["spec"].get("policyTypes")
            found["spec"][side] = [rule for number, rule in enumerate(found["spec"][side]) if number not in gone]
            if found["kind"] == "NetworkPolicy" and not given_policy_types:  # what is isolated stays isolated
                found["spec"]["policyTypes"] = ["Ingress", "Egress"] if item["spec"].get("egress") else ["Ingress"]
    return found


def reduced(objects: list[Object], found: Iterable[Superfluous], known: Facts) -> list[Object]:
    gone: set[int] = set()
    rules: dict[int, list[str]] = {}
    for item in found:
        number = item.policy.location.line if item.policy.location else -1
        if item.rule is None:
            gone.add(number)
        else:
            rules.setdefault(number, []).append(item.rule.field)
    return [without_rules(item, rules[number]) if number in rules else item for number, item in enumerate(objects) if number not in gone]


def check(objects: list[Object]) -> None:
    known = facts(objects)
    answers = list(superfluous(known))
    assert not [item for item in answers if isinstance(item, Untried)]
    found = [item for item in answers if isinstance(item, Superfluous)]
    rest = reduced(objects, found, known)
    assert matrix(rest) == matrix(objects)  # all of it may go together
    unused = {policy.location.line for policy in idle(known) if policy.location}
    gone = {item.policy.location.line for item in found if item.rule is None and item.policy.location}
    for number in {policy.location.line for policy in known.policies if policy.location} - unused - gone:
        others = [item for item in objects if item is not objects[number]]
        # A policy that stays would be missed, with all others still there or without those that were found.
        kept = reduced(objects, [item for item in found if item.rule is None and item.policy.location], known)
        assert matrix(others) != matrix(objects) or matrix([item for item in kept if item is not objects[number]]) != matrix(kept)


@given(clusters(), several(kubernetes_policies, 1, 3))
def test_network_policies(cluster: list[Object], policies: list[Object]) -> None:
    check([*cluster, *policies])


@given(clusters(), several(admin_policies, 1, 3), several(kubernetes_policies, 0, 1), several(baselines, 0, 1))
def test_cluster_wide_policies(cluster: list[Object], admin: list[Object], policies: list[Object], baseline: list[Object]) -> None:
    check([*cluster, *admin, *policies, *baseline])


PODS = """
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {containers: []}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: shop, labels: {app: db}}, spec: {containers: []}}
---
"""


TWIN = """
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: %s, namespace: shop}, spec: {podSelector: {matchLabels: {app: db}}}}
"""
TWINS = TWIN % "first" + "---" + TWIN % "second"


def told(text: str) -> list[tuple[str, str, str]]:
    items = list(superfluous(facts(documents(PODS + text))))
    return [(item.policy.name, item.rule.field if item.rule else "", item.why) for item in items if isinstance(item, Superfluous)]


def test_a_policy_that_denies_by_default_is_kept_for_the_pods_of_tomorrow() -> None:
    assert told("""
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: shop}, spec: {podSelector: {}}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web, namespace: shop}, spec: {podSelector: {matchLabels: {app: web}}}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: db, namespace: shop}, spec: {podSelector: {matchLabels: {app: db}}}}
""") == [("db", "", "repeated"), ("web", "", "repeated")]


def test_of_two_that_say_the_same_the_later_may_go() -> None:
    assert told(TWINS) == [("second", "", "repeated")]


def test_a_policy_that_both_ends_need_is_no_repetition() -> None:
    """Without its egress the ingress still denies, and without its ingress the egress; without both the connection is open."""
    assert (
        told("""
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: both, namespace: shop},
 spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}
""")
        == []
    )


def test_an_allowing_rule_that_the_other_end_forbids_is_told() -> None:
    assert told("""
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web, namespace: shop},
 spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{ports: [{port: 53, protocol: UDP}]}]}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: db, namespace: shop},
 spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}}
""") == [("db", "spec.ingress[0]", "blocked")]


def test_a_rule_that_looks_into_requests_is_not_judged() -> None:
    answers = list(superfluous(facts(documents(PODS + """
{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: l7, namespace: shop},
 spec: {endpointSelector: {matchLabels: {app: web}},
        ingress: [{toPorts: [{ports: [{port: "80"}]}]}, {toPorts: [{ports: [{port: "80"}], rules: {http: [{method: GET}]}}]}]}}
"""))))  # fmt: skip
    assert [type(item) for item in answers] == [Untried]


def test_work_is_limited_and_what_was_not_tried_is_told() -> None:
    answers = list(superfluous(facts(documents(PODS + TWINS)), max_work=1))
    assert [(type(item), item.policy.name) for item in answers] == [(Untried, "second"), (Untried, "first")]


@given(clusters(), several(cilium_policies, 1, 2))
def test_policies_of_cilium_may_go_together(cluster: list[Object], policies: list[Object]) -> None:
    objects = [*cluster, *policies]
    known = facts(objects)
    gone = {item.policy.location.line for item in superfluous(known) if isinstance(item, Superfluous) and item.rule is None and item.policy.location}
    assert matrix([item for number, item in enumerate(objects) if number not in gone]) == matrix(objects)
