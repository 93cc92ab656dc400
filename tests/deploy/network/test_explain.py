"""Explanations name every policy that was asked, and what decides; together they cover every port, and agree with the matrices."""

import re

from hypothesis import given, settings

from seawall.deploy.network.explain import asked_range, explain, text
from seawall.deploy.network.model import PortRange, Protocol
from seawall.deploy.network.question import Questions
from seawall.deploy.network.reach import reach
from tests.deploy.network.objects import Object, documents, loaded
from tests.deploy.network.test_against_brute import admin_policies, clusters, kubernetes_policies, several

OBJECTS = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c, image: i, ports: [{containerPort: 5432, name: sql}]}]}
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: floor}
spec:
  priority: 10
  subject: {namespaces: {}}
  ingress:
  - {name: no-telnet, action: Deny, from: [{namespaces: {}}], ports: [{portNumber: {protocol: TCP, port: 23}}]}
  - {name: team, action: Pass, from: [{namespaces: {}}], ports: [{portNumber: {protocol: TCP, port: 5432}}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: sql}]}]
"""


def explained(src: str, dst: str, port: int | None = None) -> list[str]:
    cluster = loaded(documents(OBJECTS)).cluster
    questions = Questions(cluster)
    return list(text(explain(questions, cluster, questions.find(src)[0], questions.find(dst)[0], asked_range("", port))))


def test_one_port_tier_by_tier() -> None:
    assert explained("shop/web", "shop/db", 5432) == [
        "shop/web[Pod] => shop/db[Pod], TCP 5432: allowed",
        "  egress of shop/web[Pod]: allowed; no policy selects it",
        "  ingress of shop/db[Pod]: allowed",
        "    tier kube-admin (passes on what no rule of it matches)",
        "      AdminNetworkPolicy floor selects it (-:1): team passes it on to the next tier",
        "    tier default (denies what no rule of it matches, where a policy isolates)",
        "      NetworkPolicy shop/db selects it (-:1): spec.ingress[0] allows it <- decides",
    ]


def test_all_ports_by_what_decides() -> None:
    heads = [line for line in explained("shop/web", "shop/db") if line.startswith("shop/")]
    assert heads == [
        "shop/web[Pod] => shop/db[Pod], TCP 1-22,24-5431,5433-65535 UDP 1-65535 SCTP 1-65535: denied",
        "shop/web[Pod] => shop/db[Pod], TCP 23: denied",
        "shop/web[Pod] => shop/db[Pod], TCP 5432: allowed",
    ]


def test_isolated_and_unselected() -> None:
    lines = explained("203.0.113.9", "shop/db", 80)
    assert "  ingress of shop/db[Pod]: denied; it is isolated, and no rule allows it" in lines
    assert "  egress of 203.0.113.9[Pod]" not in "".join(lines)
    assert lines[-1] == "      NetworkPolicy shop/db selects it (-:1): no rule of it matches <- decides"
    assert explained("shop/db", "203.0.113.9", 80)[1].endswith("allowed; no policy selects it")


@settings(max_examples=60)
@given(clusters(), several(kubernetes_policies, 1, 2), several(admin_policies, 0, 2))
def test_all_ports_are_explained_once_and_as_the_matrices_have_it(cluster: list[Object], policies: list[Object], admin: list[Object]) -> None:
    given_ = loaded([*cluster, *policies, *admin]).cluster
    questions, judged = Questions(given_), reach(given_, (4, 6))
    transport = {Protocol.TCP, Protocol.UDP, Protocol.SCTP}
    for source in range(len(questions.groups)):
        for destination in range(len(questions.groups)):
            if source == destination:
                continue
            found = explain(questions, given_, source, destination)
            whole = sorted(item for one in found for item in one.ports if item.protocol in transport)
            assert sum(item.last - item.first + 1 for item in whole) == 3 * 65535
            allowed = sorted(item for one in found if one.allowed for item in one.ports if item.protocol in transport)
            matrix = judged.ports(int(judged.class_of[source]), int(judged.class_of[destination]))
            assert ports(allowed) == ports([item for item in matrix if item.protocol in transport])


def ports(ranges: list[PortRange]) -> set[tuple[str, int]]:
    """The ports at which something begins or ends: ranges may be cut differently."""
    every = sorted((item.protocol.value, item.first, item.last) for item in ranges)
    joined: list[list[object]] = []
    for protocol, first, last in every:
        if joined and joined[-1][0] == protocol and joined[-1][2] == first - 1:
            joined[-1][2] = last
        else:
            joined.append([protocol, first, last])
    return {(str(protocol), int(str(edge))) for protocol, first, last in joined for edge in (first, last)}


def test_the_text_has_no_line_that_breaks_off() -> None:
    assert all(re.search(r"\S$", line) for line in explained("shop/web", "shop/db") if line)
