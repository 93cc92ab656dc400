"""Proofs against an enumeration of all pairs that asks for each connection one by one."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.deploy.network.assertions import Isolated, Reaches, parse
from seawall.deploy.network.model import Cluster, Direction, EndpointKind, Protocol
from seawall.deploy.network.proof import Prover, Result
from seawall.deploy.network.question import Questions
from tests.deploy.network.objects import Object, documents, loaded
from tests.deploy.network.test_against_brute import admin_policies, calico_clusters, cilium_policies, clusters, kubernetes_policies, several

SHOP = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: red}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: web, tier: front}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 8080}]}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec: {template: {metadata: {labels: {app: api}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 8080, name: http}]}]}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: db}
spec: {template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 5432}]}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: prom, namespace: monitoring, labels: {app: prom}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: db}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  ingress:
  - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}}]
    ports: [{port: 5432}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec:
  podSelector: {matchLabels: {app: api}}
  ingress:
  - from: [{podSelector: {matchLabels: {tier: front}}}]
    ports: [{port: http}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: prom, namespace: monitoring}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.0.0/16]}}]
    ports: [{port: 443}]
"""


@pytest.fixture(scope="module")
def shop() -> Prover:
    return Prover(loaded(documents(SHOP)).cluster)


@pytest.mark.parametrize(
    "text",
    [
        "no pod in ns shop reaches ns db on any port but 5432",
        "ns shop reaches ns db on TCP 5432",
        "ns shop reaches ns db",
        "nothing outside reaches ns db",
        "nothing outside ns shop reaches ns db",
        "every pod in ns db is isolated for ingress",
        "ns db is isolated",
        "pods with tier=front reach workload shop/api on 8080",
        "only workload shop/web reaches workload shop/api",
        "ns db cannot reach anything",
        "ns monitoring reaches only outside",
        "ns monitoring reaches only 0.0.0.0/0",
        "no pod in ns monitoring reaches 169.254.169.254",
        "no pod in ns monitoring reaches outside on TCP but 443",
        "no pod in ns monitoring reaches anything on UDP",
        "ns monitoring reaches 8.8.8.8 on 443",
        "ns monitoring reaches 8.0.0.0/8 on 443",
        "some pod in ns shop reaches outside on TCP 22",
        "pods in namespaces with team=red reach ns db on 5432",
        "pods in ns shop reach some pod in ns db on 5432",
    ],
)
def test_what_holds(shop: Prover, text: str) -> None:
    assert shop.prove(parse(text)) == Result(parse(text).text, holds=True)


@pytest.mark.parametrize(
    ("text", "src", "dst", "port", "by"),
    [
        (
            "no pod in ns shop reaches ns db on any port but 443",
            "shop/web[Deployment]",
            "db/db[StatefulSet]",
            5432,
            "NetworkPolicy db/db spec.ingress[0]",
        ),
        ("no pod with app=web in ns shop reaches 169.254.169.254", "shop/web[Deployment]", "169.254.169.254", 1, None),
        ("ns monitoring reaches 169.254.0.0/15 on 443", "monitoring/prom[Pod]", "169.254.0.0", 443, "NetworkPolicy monitoring/prom None"),
        (
            "only ns monitoring reaches workload shop/api on 8080",
            "shop/web[Deployment]",
            "shop/api[Deployment]",
            8080,
            "NetworkPolicy shop/api spec.ingress[0]",
        ),
        ("ns monitoring reaches ns db on TCP 5432", "monitoring/prom[Pod]", "db/db[StatefulSet]", 5432, "NetworkPolicy monitoring/prom None"),
        ("ns monitoring reaches outside on TCP 443", "monitoring/prom[Pod]", "169.254.0.0", 443, "NetworkPolicy monitoring/prom None"),
        ("ns shop reaches ns db on TCP 5432, 5433", "shop/web[Deployment]", "db/db[StatefulSet]", 5433, "NetworkPolicy db/db None"),
        ("nothing outside reaches ns shop", "203.0.113.1", "shop/web[Deployment]", 8080, None),
        ("only 203.0.113.0/24 reaches ns shop", "shop/api[Deployment]", "shop/web[Deployment]", 8080, None),
    ],
)
def test_what_is_refuted(shop: Prover, text: str, src: str, dst: str, port: int, by: str | None) -> None:
    found = shop.prove(parse(text))
    shown = found.counterexample
    assert not found.holds
    assert shown is not None
    assert (shown.src, shown.dst, shown.port) == (src, dst, port)
    assert (shown.by and f"{shown.by.kind} {shown.by.namespace}/{shown.by.name} {shown.by.rule}") == by


def test_isolation_is_refuted(shop: Prover) -> None:
    found = shop.prove(parse("every pod in ns shop is isolated for ingress"))
    assert found.counterexample is not None
    assert (found.counterexample.src, found.counterexample.dst) == (None, "shop/web[Deployment]")
    assert shop.prove(parse("ns db and monitoring is isolated for egress")).holds
    assert not shop.prove(parse("ns db and monitoring is isolated for ingress")).holds


@pytest.mark.parametrize(
    ("text", "holds", "reason"),
    [
        ("no pod in ns nowhere reaches ns db", True, "no pod in ns nowhere selects nothing"),
        ("ns nowhere reaches ns db", False, "ns nowhere selects nothing"),
        ("ns shop reaches pods with app=dp", False, "pods with app=dp selects nothing"),
        ("pods with app=dp are isolated", False, "pods with app=dp selects nothing"),
        ("ns db reaches ns db", False, "ns db selects nothing else than ns db"),
    ],
)
def test_what_speaks_of_nothing(shop: Prover, text: str, holds: bool, reason: str) -> None:
    found = shop.prove(parse(text))
    assert (found.holds, found.reason, found.counterexample) == (holds, reason, None)


def test_addresses_of_a_version_that_nothing_speaks_of_are_no_promise() -> None:
    def prover(*cidrs: str) -> Prover:
        spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": cidr}}]} for cidr in cidrs]}
        policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "a"}, "spec": spec}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": "a"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        return Prover(loaded([pod, policy]).cluster)

    outside = parse("ns a reaches outside on TCP 443")
    assert prover("0.0.0.0/0").prove(outside).holds
    assert prover("0.0.0.0/0", "::/0").prove(outside).holds
    refuted = prover("0.0.0.0/0", "2001:db8::/32").prove(outside).counterexample
    assert refuted is not None
    assert refuted.dst == "::1"


def test_pods_that_only_their_name_tells_apart() -> None:
    pods = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "a"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        for name in ("x", "y", "z")
    ]
    prover = Prover(loaded(pods).cluster)
    refuted = prover.prove(parse("only pod a/x reaches pod a/z")).counterexample
    assert refuted is not None
    assert (refuted.src, refuted.dst) == ("a/y[Pod]", "a/z[Pod]")
    assert prover.prove(parse("only pods a/x and a/y, outside reach pod a/z")).holds
    assert prover.prove(parse("pod a/x reaches pod a/z")).holds


# Against an enumeration

NAMES = ("a", "b", "default")
SOURCES = (
    "ns a",
    "pods with app=x",
    "pods outside ns a",
    "pods",
    "outside",
    "anything",
    "10.1.0.0/28",
    "pod a/pod-0",
    "ns b or pod a/pod-0",
    "nodes",
)
PORTS = ("", " on any port", " on TCP but 80", " on 80", " on UDP 53", " on TCP 79-81", " on ICMP 8")
assertion_texts = st.one_of(
    st.builds(
        lambda how, source, destination, ports: f"{how} {source} reaches {destination}{ports}".strip(),
        st.sampled_from(["no", "only", "every", "some", ""]),
        st.sampled_from(SOURCES),
        st.sampled_from(SOURCES),
        st.sampled_from(PORTS),
    ),
    st.builds(lambda source, destination, ports: f"{source} reaches only {destination}{ports}", *map(st.sampled_from, (SOURCES, SOURCES, PORTS))),
    st.builds(lambda source, destination, ports: f"{source} reach some {destination}{ports}", *map(st.sampled_from, (SOURCES, SOURCES, PORTS))),
)
OUTSIDE = ("0.0.0.1", "10.0.0.1", "10.1.0.9", "10.1.0.77", "10.9.0.1", "203.0.113.9", "198.51.100.1", "2001:db8::9", "fd00::99", "fc00::1")
PROBED = {
    "": [(protocol, port) for protocol in ("TCP", "UDP", "SCTP") for port in (1, 53, 79, 80, 81, 82, 65535)],
    " on any port": [(protocol, port) for protocol in ("TCP", "UDP", "SCTP") for port in (1, 53, 79, 80, 81, 82, 65535)],
    " on TCP but 80": [("TCP", port) for port in (1, 53, 79, 81, 82, 65535)],
    " on 80": [("TCP", 80), ("UDP", 80), ("SCTP", 80)],
    " on UDP 53": [("UDP", 53)],
    " on TCP 79-81": [("TCP", 79), ("TCP", 80), ("TCP", 81)],
    " on ICMP 8": [("ICMP", 8)],
}


def enumerated(cluster: Cluster, text: str) -> bool | None:
    """Whether an assertion holds of all pods, nodes and some addresses of each range; ``None`` where it speaks of nothing."""
    assertion = parse(text)
    assert isinstance(assertion, Reaches)
    questions = Questions(cluster)
    said = next(said for said in sorted(PORTS, reverse=True) if text.endswith(said))
    probes = PROBED[said]
    if said == " on 80" and not assertion.negative:
        probes = probes[:1]
    if not said and any(
        item.protocol.startswith("ICMP")
        for policy in cluster.policies
        for rule in (*policy.ingress, *policy.egress)
        for item in (*rule.ports, *rule.not_ports)
        if item.protocol
    ):
        probes = [*probes, ("ICMP", 8), ("ICMP", 0), ("ICMPv6", 128), ("ICMPv6", 0)]
    known = {
        str(network.network_address) for endpoint in cluster.endpoints if endpoint.kind is not EndpointKind.SET for network in endpoint.addresses
    }
    ends = [
        (place, f"{cluster.endpoints[member].namespace}/{cluster.endpoints[member].name}", cluster.endpoints[member])
        for place, group in enumerate(questions.groups)
        for member in group.members
    ]
    outside = [(questions.find(address)[0], address, None) for address in OUTSIDE if address not in known]

    def meant(side: str) -> Iterator[tuple[int, str]]:
        for place, name, endpoint in (*ends, *outside):
            if is_meant(side, name, endpoint):
                yield place, name

    def is_meant(side: str, name: str, endpoint: Any) -> bool:
        is_pod = endpoint is not None and endpoint.kind in (EndpointKind.POD, EndpointKind.HOST)
        match side:
            case "ns a":
                return is_pod and endpoint.namespace == "a"
            case "pods with app=x":
                return is_pod and endpoint.labels.get("app") == "x"
            case "pods outside ns a":
                return is_pod and endpoint.namespace != "a"
            case "pods":
                return is_pod
            case "outside":
                return endpoint is None
            case "anything":
                return True
            case "10.1.0.0/28":
                texts = [name] if endpoint is None else [str(network.network_address) for network in endpoint.addresses]
                return any(ip_address(text) in ip_network("10.1.0.0/28") for text in texts)
            case "pod a/pod-0":
                return is_pod and name == "a/pod-0"
            case "ns b or pod a/pod-0":
                return is_pod and (endpoint.namespace == "b" or name == "a/pod-0")
            case _:
                return endpoint is not None and endpoint.kind is EndpointKind.NODE

    body = text.removesuffix(said)
    left, right = body.replace(" reaches ", "|").replace(" reach ", "|").split("|")
    left = left.removeprefix("no ").removeprefix("only ").removeprefix("every ").removeprefix("some ")
    right = right.removeprefix("some ").removeprefix("only ")
    sources, destinations = list(meant(left)), list(meant(right))
    if assertion.source.negated:
        sources = [(place, name) for place, name, _ in (*ends, *outside) if (place, name) not in sources]
    if assertion.destination.negated:
        destinations = [(place, name) for place, name, _ in (*ends, *outside) if (place, name) not in destinations]

    def is_pair(one: tuple[int, str], other: tuple[int, str]) -> bool:
        addresses = {name for _, name, endpoint in outside}
        return one != other and not (one[1] in addresses and other[1] in addresses)

    def fits(one: tuple[int, str], other: tuple[int, str]) -> bool:
        allowed = [questions.ask(one[0], other[0], Protocol(protocol), port).allowed for protocol, port in probes]
        return any(allowed) if assertion.negative or assertion.ports is None else all(allowed)

    rows = [[fits(one, other) for other in destinations if is_pair(one, other)] for one in sources]
    rows = [row for row in rows if row]
    if not rows:
        return None
    if assertion.negative:
        return not any(any(row) for row in rows)
    each = [any(row) if assertion.destination.some else all(row) for row in rows]
    return any(each) if assertion.source.some else all(each)


def agree(objects: list[Object], text: str) -> None:
    cluster = loaded(objects).cluster
    found = Prover(cluster).prove(parse(text))
    expected = enumerated(cluster, text)
    if expected is None:
        assert found.reason.count("selects nothing") == 1
    else:
        assert found.holds == expected, (text, found)
    if found.counterexample is not None:
        confirm(cluster, found)


def confirm(cluster: Cluster, found: Result) -> None:
    """The counter-example is one, asked for itself."""
    shown = found.counterexample
    assert shown is not None
    assert shown.src is not None
    assert shown.dst is not None
    assert shown.protocol is not None
    assert shown.port is not None
    questions = Questions(cluster)
    source, destination = questions.find(shown.src_pod or shown.src)[0], questions.find(shown.dst_pod or shown.dst)[0]
    answer = questions.ask(source, destination, Protocol(shown.protocol), shown.port)
    assert answer.allowed == shown.allowed
    if shown.by is not None:
        decision = answer.egress if shown.by.direction == Direction.EGRESS else answer.ingress
        assert decision.policy is not None
        assert (decision.policy.name, decision.policy.namespace) == (shown.by.name, shown.by.namespace)


def with_both_versions(objects: list[Object]) -> list[Object]:
    """So that outside addresses of both versions are spoken of: a policy that changes nothing."""
    peers = [{"ipBlock": {"cidr": "::/0"}}, {"ipBlock": {"cidr": "0.0.0.0/0"}}]
    spec = {"podSelector": {"matchLabels": {"never": "there"}}, "policyTypes": ["Egress"], "egress": [{"to": peers}]}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "versions", "namespace": "a"}, "spec": spec}
    return [*objects, policy]


@settings(max_examples=150)
@given(clusters(), several(kubernetes_policies, 0, 3), several(admin_policies, 0, 1), assertion_texts)
def test_proofs_agree_with_the_enumeration(cluster: list[Object], policies: list[Object], admin: list[Object], text: str) -> None:
    agree(with_both_versions([*cluster, *policies, *admin]), text)


@settings(max_examples=60)
@given(calico_clusters(), assertion_texts)
def test_proofs_agree_with_the_enumeration_on_calico(cluster: list[Object], text: str) -> None:
    agree(with_both_versions(cluster), text)


@settings(max_examples=60)
@given(clusters(), several(cilium_policies, 1, 2), assertion_texts)
def test_proofs_agree_with_the_enumeration_on_cilium(cluster: list[Object], policies: list[Object], text: str) -> None:
    agree(with_both_versions([*cluster, *policies]), text)


@settings(max_examples=60)
@given(clusters(), several(kubernetes_policies, 0, 3), st.sampled_from(["ingress", "egress", "ingress and egress"]))
def test_isolation_agrees_with_the_policies(cluster: list[Object], policies: list[Object], directions: str) -> None:
    given_ = loaded([*cluster, *policies]).cluster
    assertion = parse(f"ns a is isolated for {directions}")
    assert isinstance(assertion, Isolated)
    found = Prover(given_).prove(assertion)
    questions = Questions(given_)
    # An isolated pod is one whose decision names a policy on a port that no rule speaks of, or on any.
    pods = [
        place
        for place, group in enumerate(questions.groups)
        if any(
            given_.endpoints[member].namespace == "a" and given_.endpoints[member].kind in (EndpointKind.POD, EndpointKind.HOST)
            for member in group.members
        )
    ]
    if not pods:
        assert found.reason == "ns a selects nothing"
        return
    other = questions.find("203.0.113.9")[0]

    def isolated(place: int, direction: Direction) -> bool:
        source, destination = (other, place) if direction is Direction.INGRESS else (place, other)
        answer = questions.ask(source, destination, Protocol.TCP, 1)
        return (answer.ingress if direction is Direction.INGRESS else answer.egress).policy is not None

    assert found.holds == all(isolated(place, direction) for place in pods for direction in assertion.directions)
