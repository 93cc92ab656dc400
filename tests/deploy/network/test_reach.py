"""The matrices against the walk, on random clusters."""

from ipaddress import ip_network

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from seawall.deploy.network.model import (
    ADMIN,
    BASELINE,
    DEFAULT,
    Action,
    All,
    Any,
    Anything,
    Called,
    Cluster,
    Compare,
    Direction,
    Endpoint,
    EndpointKind,
    Expression,
    Has,
    Kind,
    Network,
    Not,
    Policy,
    Port,
    PortMatch,
    Protocol,
    Rule,
    Scope,
    Within,
)
from seawall.deploy.network.reach import reach
from seawall.deploy.network.select import Selection
from seawall.deploy.network.universe import Group
from seawall.deploy.network.walk import decide

NETWORKS = [ip_network(text) for text in ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "192.168.0.0/24", "0.0.0.0/0")]


def single(text: str) -> Network:
    return ip_network(text)


endpoints = st.builds(
    Endpoint,
    kind=st.just(EndpointKind.POD),
    workload=st.sampled_from(["a/x[Pod]", "a/y[Pod]", "b/z[Pod]"]),
    namespace=st.sampled_from(["a", "b"]),
    labels=st.dictionaries(st.sampled_from(["app", "tier"]), st.sampled_from(["1", "2"])),
    addresses=st.sampled_from([(), (single("10.1.2.3/32"),), (single("192.168.0.7/32"),)]),
    ports=st.sampled_from([(), (Port(80, Protocol.TCP, "web"),), (Port(53, Protocol.UDP, "dns"), Port(81, Protocol.TCP, "web"))]),
)
leaves: st.SearchStrategy[Expression] = st.one_of(
    st.just(Anything()),
    st.builds(Has, st.sampled_from(["app", "tier"])),
    st.builds(Compare, st.sampled_from(["app", "tier"]), st.sampled_from([("1",), ("1", "2")])),
    st.builds(Compare, st.just("team"), st.just(("red",)), st.just(Scope.NAMESPACE)),
    st.builds(Called, st.just(("a",)), st.just(Scope.NAMESPACE)),
    st.builds(Kind, st.just((EndpointKind.POD,))),
    st.builds(
        Within, st.lists(st.sampled_from(NETWORKS), min_size=1, max_size=2).map(tuple), st.lists(st.sampled_from(NETWORKS), max_size=1).map(tuple)
    ),
)
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner), st.builds(All, st.lists(inner, max_size=2).map(tuple)), st.builds(Any, st.lists(inner, max_size=2).map(tuple))
    ),
    max_leaves=3,
)
matches = st.sampled_from(
    [
        PortMatch(),
        PortMatch(Protocol.TCP, 80, 80),
        PortMatch(Protocol.TCP, 70, 90),
        PortMatch(Protocol.UDP),
        PortMatch(Protocol.TCP, name="web"),
        PortMatch(None, name="dns"),
        PortMatch(Protocol.ICMP, 8, 8),
        PortMatch(Protocol.SCTP, 65535, 65535),
    ]
)
rules = st.lists(
    st.builds(
        Rule,
        action=st.sampled_from(list(Action)),
        peer=expressions,
        subject=st.one_of(st.just(Anything()), expressions),
        ports=st.lists(matches, max_size=2).map(tuple),
        not_ports=st.lists(matches, max_size=1).map(tuple),
    ),
    max_size=3,
).map(tuple)
policies = st.lists(
    st.builds(
        Policy,
        kind=st.just("P"),
        name=st.uuids().map(str),
        tier=st.sampled_from([ADMIN.name, DEFAULT.name, BASELINE.name]),
        order=st.sampled_from([0.0, 1.0]),
        subject=st.builds(All, st.tuples(st.just(Kind((EndpointKind.POD,))), expressions)),
        ingress=rules,
        egress=rules,
        isolates_ingress=st.booleans(),
        isolates_egress=st.booleans(),
    ),
    max_size=4,
).map(tuple)
clusters = st.builds(
    Cluster,
    endpoints=st.lists(endpoints, max_size=4).map(tuple),
    namespaces=st.just({"a": {"team": "red"}, "b": {}}),
    tiers=st.just((BASELINE, ADMIN, DEFAULT)),
    policies=policies,
)
PROBES = [
    (Protocol.TCP, 80),
    (Protocol.TCP, 81),
    (Protocol.TCP, 1),
    (Protocol.TCP, 65535),
    (Protocol.UDP, 53),
    (Protocol.SCTP, 65535),
    (Protocol.ICMP, 8),
    (Protocol.ICMP, 0),
]


@settings(deadline=None)
@given(clusters)
def test_the_matrices_agree_with_the_walk(cluster: Cluster) -> None:
    found = reach(cluster)
    selection = Selection(cluster, found.groups)

    def means(expression: Expression, group: int) -> bool:
        return bool(selection.vector(expression)[group])

    for source in range(len(found.groups)):
        for destination in range(len(found.groups)):
            allowed = found.ports(int(found.class_of[source]), int(found.class_of[destination]))
            end = found.groups[destination].endpoint
            for protocol, port in PROBES:
                out = decide(cluster, Direction.EGRESS, source, destination, end, means, protocol, port)
                into = decide(cluster, Direction.INGRESS, destination, source, end, means, protocol, port)
                said = any(item.protocol is protocol and item.first <= port <= item.last for item in allowed)
                assert said == (out.allowed and into.allowed), (found.groups[source], found.groups[destination], protocol, port)


@given(clusters, policies)
def test_a_change_of_policies_leaves_what_a_new_judgement_says(cluster: Cluster, others: tuple[Policy, ...]) -> None:
    before = reach(cluster, (4, 6))
    for changed in (cluster.policies[1:] + others, others, (*cluster.policies, *cluster.policies[:1]), ()):
        after = replace(cluster, policies=changed)
        quick, slow = reach(after, (4, 6), before), reach(after, (4, 6))
        ends = [_first(group) for group in slow.groups]
        place = {end: next(number for number, group in enumerate(quick.groups) if _holds(group, end)) for end in ends}
        for one, source in enumerate(slow.groups):
            for other, destination in enumerate(slow.groups):
                kept = quick.ports(int(quick.class_of[place[_first(source)]]), int(quick.class_of[place[_first(destination)]]))
                assert kept == slow.ports(int(slow.class_of[one]), int(slow.class_of[other]))
        before = quick


def _first(group: Group) -> tuple[int, ...]:
    """A member of a group, or the first of its addresses."""
    return group.members[:1] or group.ranges[0][:2]


def _holds(group: Group, end: tuple[int, ...]) -> bool:
    if len(end) == 1:
        return end[0] in group.members
    return any(version == end[0] and first <= end[1] <= last for version, first, last in group.ranges)


def test_no_policy_allows_everything() -> None:
    cluster = Cluster(endpoints=(Endpoint(kind=EndpointKind.POD, workload="a/x[Pod]", namespace="a"),))
    found = reach(cluster)
    assert [str(item.protocol) for item in found.ports(0, 0)] == ["TCP", "UDP", "SCTP", "ICMP", "ICMPv6"]
    assert [group.endpoint.workload for group in found.groups] == ["a/x[Pod]", "0.0.0.0-255.255.255.255"]
