"""Random clusters with policies of every kind: the engine against the evaluator in ``brute``, which knows only the documentation."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from seawall.deploy.network.load import Loaded
from seawall.deploy.network.model import EndpointKind, Protocol
from seawall.deploy.network.question import Questions
from seawall.deploy.network.reach import reach
from tests.deploy.network.brute import Brute, End, Packet
from tests.deploy.network.objects import Object, loaded

NAMESPACES = ("a", "b", "default")
KEYS = ("app", "tier", "env")
VALUES = ("x", "y", "xy")
OUTSIDE = ("10.9.0.1", "10.1.0.77", "203.0.113.9", "2001:db8::9", "fd00::99")
NETWORKS = (
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.0.0/28",
    "10.1.0.2/32",
    "203.0.113.0/24",
    "::/0",
    "fd00::/8",
    "fd00::1/128",
    "2001:db8::/32",
)
EXCEPTS = {
    "0.0.0.0/0": ["10.0.0.0/8", "10.1.0.2/32"],
    "10.0.0.0/8": ["10.1.0.0/16", "10.9.0.0/24"],
    "::/0": ["fd00::/8"],
    "fd00::/8": ["fd00::1/128"],
}
PROBES = (("TCP", 80), ("TCP", 81), ("TCP", 65535), ("UDP", 53), ("UDP", 80), ("SCTP", 80), ("ICMP", 8), ("ICMP", 0))


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Object]:
    """A mapping in which each field may be missing."""
    return st.fixed_dictionaries({}, optional=fields)


def several(strategy: st.SearchStrategy[Any], least: int = 0, most: int = 2) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, min_size=least, max_size=most)


def one_of_these(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Object]:
    """A union: a mapping with exactly one of the fields."""
    return st.one_of(*(st.fixed_dictionaries({name: field}) for name, field in fields.items()))


# The cluster

keys, values = st.sampled_from(KEYS), st.sampled_from(VALUES)
labels = st.dictionaries(keys, values, max_size=3)
port_names = st.sampled_from(["web", "dns"])
container_ports = st.sampled_from(
    [
        [],
        [{"name": "web", "containerPort": 80}],
        [{"name": "web", "containerPort": 81, "protocol": "TCP"}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}],
        [{"name": "web", "containerPort": 80, "protocol": "UDP"}, {"containerPort": 81}],
        [{"name": "dns", "containerPort": 80, "protocol": "SCTP"}],
    ]
)


@st.composite
def clusters(draw: st.DrawFn) -> list[Object]:
    """Namespaces, two nodes and a few pods; some have addresses, some none, and some are on the host's network."""
    found: list[Object] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": draw(labels)}}
        for name in NAMESPACES[: draw(st.integers(0, 3))]
    ]
    found += [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": f"node-{number}", "labels": draw(labels)},
            "status": {"addresses": [{"type": "InternalIP", "address": f"10.9.0.{number + 10}"}]},
        }
        for number in range(draw(st.integers(0, 2)))
    ]
    found += [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "a", "labels": draw(labels)}}
        for name in ("default", "bot")
    ]
    for number in range(draw(st.integers(1, 4))):
        spec: Object = {"containers": [{"name": "c", "image": "i", "ports": draw(container_ports)}]}
        if draw(st.booleans()):
            spec["serviceAccountName"] = draw(st.sampled_from(["bot", "default"]))
        if draw(st.integers(0, 5)) == 0:
            spec |= {"hostNetwork": True, "nodeName": "node-0"}
        status: Object = {}
        if not spec.get("hostNetwork") and draw(st.booleans()):
            addresses = draw(st.sampled_from([[f"10.1.0.{number + 1}"], [f"10.1.0.{number + 1}", f"fd00::{number + 1}"], [f"fd00::{number + 1}"]]))
            status = {"podIP": addresses[0], "podIPs": [{"ip": address} for address in addresses]}
        metadata = {"name": f"pod-{number}", "namespace": draw(st.sampled_from(NAMESPACES)), "labels": draw(labels)}
        found.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status})
    return found


# metav1.LabelSelector

selectors = optional(
    matchLabels=st.dictionaries(keys, values, max_size=2),
    matchExpressions=several(
        st.one_of(
            st.fixed_dictionaries({"key": keys, "operator": st.sampled_from(["In", "NotIn"]), "values": several(values, 1)}),
            st.fixed_dictionaries({"key": keys, "operator": st.sampled_from(["Exists", "DoesNotExist"])}),
        )
    ),
)
namespace_selectors = st.one_of(
    selectors, st.builds(lambda name: {"matchLabels": {"kubernetes.io/metadata.name": name}}, st.sampled_from(NAMESPACES)), st.just({})
)
networks = st.sampled_from(NETWORKS)
numbers = st.sampled_from([1, 53, 80, 81, 65535])
ranges = st.sampled_from([(1, 65535), (80, 81), (81, 65535), (53, 80)])
names = st.uuids().map(lambda value: f"p-{value}")


def policy(version: str, kind: str, namespaced: bool, **spec: Any) -> st.SearchStrategy[Object]:
    metadata = st.fixed_dictionaries({"name": names} | ({"namespace": st.sampled_from(NAMESPACES)} if namespaced else {}))
    required = {name.removesuffix("_"): value for name, value in spec.items() if name.endswith("_")}
    rest = {name: value for name, value in spec.items() if not name.endswith("_")}
    return st.fixed_dictionaries(
        {"apiVersion": st.just(version), "kind": st.just(kind), "metadata": metadata, "spec": st.fixed_dictionaries(required, optional=rest)}
    )


# NetworkPolicy


@st.composite
def blocks(draw: st.DrawFn) -> Object:
    cidr = draw(networks)
    excepts = draw(st.lists(st.sampled_from(EXCEPTS[cidr]), max_size=2)) if cidr in EXCEPTS else []
    return {"ipBlock": {"cidr": cidr} | ({"except": excepts} if excepts else {})}


kubernetes_peers = st.one_of(
    blocks(),
    st.fixed_dictionaries({"podSelector": selectors}),
    st.fixed_dictionaries({"namespaceSelector": namespace_selectors}, optional={"podSelector": selectors}),
)
kubernetes_ports = st.one_of(
    optional(protocol=st.sampled_from(["TCP", "UDP", "SCTP"])),
    st.fixed_dictionaries({"port": st.one_of(numbers, port_names)}, optional={"protocol": st.sampled_from(["TCP", "UDP", "SCTP"])}),
    st.builds(lambda ends: {"port": ends[0], "endPort": ends[1]}, ranges),
)
kubernetes_policies = policy(
    "networking.k8s.io/v1",
    "NetworkPolicy",
    True,
    podSelector_=selectors,
    policyTypes=several(st.sampled_from(["Ingress", "Egress"])),
    ingress=several(optional(**{"from": several(kubernetes_peers), "ports": several(kubernetes_ports)})),
    egress=several(optional(to=several(kubernetes_peers), ports=several(kubernetes_ports))),
)

# network-policy-api

subjects = one_of_these(namespaces=namespace_selectors, pods=optional(namespaceSelector=namespace_selectors, podSelector=selectors))
egress_peers = st.one_of(subjects, one_of_these(nodes=selectors, networks=several(networks, 1)))
protocols = st.sampled_from(["TCP", "UDP", "SCTP"])
alpha_ports = st.one_of(
    st.builds(lambda protocol, port: {"portNumber": {"protocol": protocol, "port": port}}, protocols, numbers),
    st.builds(lambda protocol, ends: {"portRange": {"protocol": protocol, "start": ends[0], "end": ends[1]}}, protocols, ranges),
    one_of_these(namedPort=port_names),
)
beta_ports = st.one_of(
    st.builds(lambda protocol: {protocol.lower(): {}}, protocols),
    st.builds(lambda protocol, port: {protocol.lower(): {"destinationPort": {"number": port}}}, protocols, numbers),
    st.builds(lambda protocol, ends: {protocol.lower(): {"destinationPort": {"range": {"start": ends[0], "end": ends[1]}}}}, protocols, ranges),
    one_of_these(destinationNamedPort=port_names),
)


def administered(kind: str, actions: list[str], ports: str, strategy: st.SearchStrategy[Object], **spec: Any) -> st.SearchStrategy[Object]:
    def rules(side: str, peers: st.SearchStrategy[Object]) -> st.SearchStrategy[list[Object]]:
        return several(
            st.fixed_dictionaries({"action": st.sampled_from(actions), side: several(peers, 1)}, optional={ports: several(strategy, 1)}), most=3
        )

    version = "policy.networking.k8s.io/v1alpha2" if ports == "protocols" else "policy.networking.k8s.io/v1alpha1"
    return policy(version, kind, False, subject_=subjects, ingress=rules("from", subjects), egress=rules("to", egress_peers), **spec)


def called_default(item: Object) -> Object:
    return {**item, "metadata": {"name": "default"}}


priorities = st.integers(0, 3)
admin_policies = st.one_of(
    administered("AdminNetworkPolicy", ["Allow", "Deny", "Pass"], "ports", alpha_ports, priority_=priorities),
    administered(
        "ClusterNetworkPolicy",
        ["Accept", "Deny", "Pass"],
        "protocols",
        beta_ports,
        priority_=priorities,
        tier_=st.sampled_from(["Admin", "Baseline"]),
    ),
)
baselines = administered("BaselineAdminNetworkPolicy", ["Allow", "Deny"], "ports", alpha_ports).map(called_default)

# Calico

tests = st.one_of(
    st.builds("{} {} '{}'".format, keys, st.sampled_from(["==", "!=", "contains", "starts with", "ends with"]), values),
    st.builds("{} {} {{'{}', '{}'}}".format, keys, st.sampled_from(["in", "not in"]), values, values),
    st.builds("has({})".format, keys),
    st.just("all()"),
)
calico_selectors = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.builds("({})".format, inner),
        st.builds("!({})".format, inner),
        st.builds("{} && {}".format, inner, inner),
        st.builds("{} || {}".format, inner, inner),
    ),
    max_leaves=3,
)
pod_selectors = st.one_of(
    calico_selectors,
    st.builds("projectcalico.org/namespace == '{}'".format, st.sampled_from(NAMESPACES)),
    st.builds("pcns.{} == '{}'".format, keys, values),
    st.builds("!has(pcsa.{})".format, keys),
)
calico_namespaces = st.one_of(
    calico_selectors,
    st.just("global()"),
    st.just("global() || has(app)"),
    st.builds("projectcalico.org/name == '{}'".format, st.sampled_from(NAMESPACES)),
)
calico_ports = several(st.one_of(numbers, st.sampled_from(["80:81", "1:65535", "53:80"]), port_names), 1)
SERVICES: list[Object] = [
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "svc", "namespace": "a"},
        "spec": {"selector": {"app": "x"}, "ports": [{"port": 8080, "targetPort": "web"}, {"port": 81}]},
    },
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "headless", "namespace": "a"}, "spec": {"ports": [{"port": 81}]}},
]


def entities(*, ports: bool) -> st.SearchStrategy[Object]:
    fields = {
        "selector": pod_selectors,
        "notSelector": pod_selectors,
        "namespaceSelector": calico_namespaces,
        "nets": several(networks, 1),
        "notNets": several(networks, 1),
        "serviceAccounts": optional(names=several(st.sampled_from(["bot", "default"]), 1), selector=calico_selectors),
    }
    return optional(**fields, **({"ports": calico_ports, "notPorts": calico_ports} if ports else {}))


@st.composite
def calico_rules(draw: st.DrawFn, direction: str) -> Object:
    rule: Object = {"action": draw(st.sampled_from(["Allow", "Deny", "Pass", "Log"]))}
    if draw(st.integers(0, 7)) == 0:
        side = "source" if direction == "ingress" else "destination"
        return {**rule, side: {"services": {"name": draw(st.sampled_from(["svc", "headless", "none"])), "namespace": "a"}}}
    protocol = draw(st.sampled_from([None, "TCP", "UDP", "SCTP", "ICMP", 6, 17]))
    if protocol is not None:
        rule["protocol"] = protocol
    if draw(st.integers(0, 4)) == 0:
        rule["notProtocol"] = draw(st.sampled_from(["TCP", "UDP", "ICMP", 132, 47]))
    if protocol == "ICMP":
        rule |= draw(optional(icmp=st.just({"type": 8}), notICMP=st.just({"type": 0})))
    with_ports = protocol not in (None, "ICMP")
    return rule | draw(optional(source=entities(ports=False), destination=entities(ports=with_ports)))


def calico_policy(kind: str, tiers: list[str], **spec: Any) -> st.SearchStrategy[Object]:
    return policy(
        "projectcalico.org/v3",
        kind,
        "Global" not in kind,
        selector=pod_selectors,
        serviceAccountSelector=calico_selectors,
        order=st.sampled_from([1, 1, 2, 1500, 2.5, None]),
        tier=st.sampled_from(tiers),
        types=several(st.sampled_from(["Ingress", "Egress"]), 1),
        ingress=several(calico_rules("ingress"), most=3),
        egress=several(calico_rules("egress"), most=3),
        **spec,
    )


@st.composite
def calico_clusters(draw: st.DrawFn) -> list[Object]:
    tiers: list[Object] = [
        {"apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": {"name": name}, "spec": draw(spec)}
        for name, spec in (
            ("early", st.fixed_dictionaries({"order": st.just(10)}, optional={"defaultAction": st.sampled_from(["Pass", "Deny"])})),
            ("late", st.fixed_dictionaries({}, optional={"defaultAction": st.sampled_from(["Pass", "Deny"])})),
        )
    ]
    called = ["early", "default", "default", "late"]
    kinds = [calico_policy("NetworkPolicy", called), calico_policy("GlobalNetworkPolicy", called, namespaceSelector=calico_namespaces)]
    kinds += [calico_policy("StagedNetworkPolicy", called), calico_policy("StagedGlobalNetworkPolicy", called), kubernetes_policies]
    sets = [
        {
            "apiVersion": "projectcalico.org/v3",
            "kind": kind,
            "metadata": {"name": "set", "labels": draw(labels)} | ({"namespace": "a"} if kind == "NetworkSet" else {}),
            "spec": {"nets": draw(several(networks, 1))},
        }
        for kind in ("NetworkSet", "GlobalNetworkSet")
        if draw(st.booleans())
    ]
    return [*draw(clusters()), *tiers, *sets, *SERVICES, *draw(several(st.one_of(kinds[:2]), 1, 3)), *draw(several(st.one_of(kinds[2:]), 0, 2))]


# Cilium

prefixed = st.builds("{}{}".format, st.sampled_from(["", "k8s:", "any:"]), keys)
cilium_selectors = st.one_of(
    selectors,
    st.builds(lambda key, value: {"matchLabels": {key: value}}, prefixed, values),
    st.builds(lambda name: {"matchLabels": {"k8s:io.kubernetes.pod.namespace": name}}, st.sampled_from(NAMESPACES)),
    st.builds(lambda key, value: {"matchLabels": {f"k8s:io.cilium.k8s.namespace.labels.{key}": value}}, keys, values),
    st.just({"matchExpressions": [{"key": "io.kubernetes.pod.namespace", "operator": "Exists"}]}),
    st.just({"matchLabels": {"io.cilium.k8s.policy.serviceaccount": "bot"}}),
)
cilium_blocks = blocks().map(lambda item: item["ipBlock"])
entity_names = st.sampled_from(["all", "world", "world-ipv4", "world-ipv6", "cluster", "host", "remote-node"])
cilium_ports = several(
    st.fixed_dictionaries(
        {
            "ports": several(
                st.one_of(
                    st.fixed_dictionaries(
                        {"port": st.sampled_from(["0", "80", "81", "web", "dns"])},
                        optional={"protocol": st.sampled_from(["TCP", "UDP", "SCTP", "ANY"])},
                    ),
                    st.just({"port": "80", "endPort": 81, "protocol": "TCP"}),
                ),
                1,
            )
        }
    ),
    1,
)


def cilium_rules(direction: str) -> st.SearchStrategy[list[Object]]:
    prefix = "from" if direction == "ingress" else "to"
    peers = {
        f"{prefix}Endpoints": several(cilium_selectors),
        f"{prefix}CIDR": several(networks),
        f"{prefix}CIDRSet": several(cilium_blocks),
        f"{prefix}Entities": several(entity_names),
    }
    what = st.one_of(
        st.just({}),
        st.fixed_dictionaries({"toPorts": cilium_ports}),
        st.just({"icmps": [{"fields": [{"type": 8, "family": "IPv4"}, {"type": 128, "family": "IPv6"}]}]}),
    )
    return several(st.builds(lambda peer, ports: {**peer, **ports}, st.one_of(st.just({}), one_of_these(**peers)), what))


def with_rules(item: Object) -> Object:
    """A policy without any rule is void."""
    if any(item["spec"].get(side) for side in ("ingress", "ingressDeny", "egress", "egressDeny")):
        return item
    return {**item, "spec": {**item["spec"], "ingress": [{}]}}


def cilium_policy(kind: str) -> st.SearchStrategy[Object]:
    found = policy(
        "cilium.io/v2",
        kind,
        "Clusterwide" not in kind,
        endpointSelector_=selectors,
        ingress=cilium_rules("ingress"),
        egress=cilium_rules("egress"),
        ingressDeny=cilium_rules("ingress"),
        egressDeny=cilium_rules("egress"),
        enableDefaultDeny=optional(ingress=st.booleans(), egress=st.booleans()),
    )
    return found.map(with_rules)


cilium_policies = st.one_of(cilium_policy("CiliumNetworkPolicy"), cilium_policy("CiliumClusterwideNetworkPolicy"))


# The comparison


def disagreements(objects: list[Object], found: Loaded) -> Iterator[str]:
    """Every connection on which the evaluator and the engine differ, asked both one by one and in the matrices."""
    brute, questions, matrix = Brute(objects), Questions(found.cluster), reach(found.cluster, (4, 6))
    ends: list[tuple[End, int, int]] = []
    for which, groups in ((0, questions.groups), (1, matrix.groups)):
        place_of = {
            (found.cluster.endpoints[member].namespace, found.cluster.endpoints[member].name): place
            for place, group in enumerate(groups)
            for member in group.members
        }
        for number, end in enumerate((*brute.ends.values(), *map(brute.address, OUTSIDE))):
            place = place_of[end.namespace, end.name] if end.kind != "address" else questions.find(end.name)[0]
            if which == 0:
                ends.append((end, place, place))
            else:
                assert groups[place].endpoint.kind is (EndpointKind.OUTSIDE if end.kind == "address" else EndpointKind(end.kind))
                ends[number] = (end, ends[number][1], place)
    for source, asked_source, matrix_source in ends:
        for destination, asked_destination, matrix_destination in ends:
            if source == destination or source.kind == destination.kind == "address":
                continue
            allowed = matrix.ports(int(matrix.class_of[matrix_source]), int(matrix.class_of[matrix_destination]))
            for protocol, port in PROBES:
                expected = brute.allowed(Packet(source, destination, protocol, port))
                if questions.ask(asked_source, asked_destination, Protocol(protocol), port).allowed != expected:
                    yield f"asked: {source.name} -> {destination.name} {protocol} {port}: should be {expected}"
                if any(item.protocol == protocol and item.first <= port <= item.last for item in allowed) != expected:
                    yield f"matrix: {source.name} -> {destination.name} {protocol} {port}: should be {expected}"


def check(objects: list[Object]) -> None:
    found = loaded(objects)
    assert not found.errors
    assert not list(disagreements(objects, found))


@given(clusters(), several(kubernetes_policies, 1, 3))
def test_network_policies(cluster: list[Object], policies: list[Object]) -> None:
    check([*cluster, *policies])


@given(clusters(), several(admin_policies, 1, 3), several(kubernetes_policies, 0, 1), several(baselines, 0, 1))
def test_cluster_wide_policies(cluster: list[Object], admin: list[Object], policies: list[Object], baseline: list[Object]) -> None:
    check([*cluster, *admin, *policies, *baseline])


@given(calico_clusters(), several(admin_policies, 0, 1))
def test_calico(cluster: list[Object], admin: list[Object]) -> None:
    check([*cluster, *admin])


@given(clusters(), several(cilium_policies, 1, 3), several(kubernetes_policies, 0, 1))
def test_cilium(cluster: list[Object], cilium: list[Object], policies: list[Object]) -> None:
    check([*cluster, *cilium, *policies])
