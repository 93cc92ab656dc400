"""The scenarios of Kubernetes' own conformance tests of network policies, with tables that follow from the documentation of NetworkPolicy.

Nine pods: ``a``, ``b`` and ``c`` in each of the namespaces ``x``, ``y`` and ``z``, which serve 80 and 81 on TCP, UDP and SCTP under names. A table
says who may open a connection to whom, and a pod always reaches itself.
"""

from collections.abc import Callable
from typing import Any

import pytest

from seawall.deploy.network.model import Protocol
from seawall.deploy.network.question import Questions
from seawall.deploy.network.reach import reach
from tests.deploy.network.objects import Object, loaded

Table = Callable[[str, str], bool]
"""Whether a pod (``x/a``) may reach another."""

PODS = [f"{namespace}/{pod}" for namespace in "xyz" for pod in "abc"]
ADDRESS = {pod: f"10.{number + 1}.0.{'xyz'.index(pod[0]) + 1}" for number, pod in enumerate(PODS)}


def cluster(*policies: Object, labels: dict[str, dict[str, str]] | None = None) -> list[Object]:
    """The pods with those policies; ``labels`` adds to those of a pod (``x/a``) or a namespace (``y``)."""
    more = labels or {}
    found: list[Object] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"ns": name, **more.get(name, {})}}} for name in "xyz"
    ]
    for pod in PODS:
        ports = [
            {"name": f"serve-{port}-{protocol.lower()}", "containerPort": port, "protocol": protocol}
            for port in (80, 81)
            for protocol in ("TCP", "UDP", "SCTP")
        ]
        metadata = {"name": pod[2], "namespace": pod[0], "labels": {"pod": pod[2], **more.get(pod, {})}}
        spec = {"containers": [{"name": "serve", "image": "serve", "ports": ports}]}
        found.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"podIP": ADDRESS[pod]}})
    return [*found, *policies]


def policy(
    selector: Object | None = None,
    *,
    ingress: list[Object] | None = None,
    egress: list[Object] | None = None,
    types: list[str] | None = None,
    name: str = "policy",
    namespace: str = "x",
) -> Object:
    """A policy in ``x``; its types are those for which there are rules, unless they are said."""
    sides = {"ingress": ingress, "egress": egress}
    given = {side: rules for side, rules in sides.items() if rules is not None}
    spec = {"podSelector": selector or {}, "policyTypes": types or [side.capitalize() for side in given], **given}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def labelled(key: str, value: str) -> Object:
    return {"matchLabels": {key: value}}


def expressed(key: str, operator: str, *values: str) -> Object:
    return {"matchExpressions": [{"key": key, "operator": operator} | ({"values": list(values)} if values else {})]}


def pod(value: str) -> Object:
    return labelled("pod", value)


def peer(pods: Object | None = None, namespaces: Object | None = None) -> Object:
    return ({"podSelector": pods} if pods is not None else {}) | ({"namespaceSelector": namespaces} if namespaces is not None else {})


def block(cidr: str, *excepts: str) -> Object:
    return {"ipBlock": {"cidr": cidr} | ({"except": list(excepts)} if excepts else {})}


def into(*targets: str, sources: Callable[[str], bool] = lambda _: False) -> Table:
    """Of what goes to the targets (``x`` or ``x/a``) only what comes from some sources."""
    return lambda source, destination: not destination.startswith(targets) or sources(source)


def out_of(*targets: str, destinations: Callable[[str], bool] = lambda _: False) -> Table:
    return lambda source, destination: not source.startswith(targets) or destinations(destination)


def both(*tables: Table) -> Table:
    return lambda source, destination: all(table(source, destination) for table in tables)


def anything(_source: str, _destination: str) -> bool:
    return True


DEFAULT_NAME = "kubernetes.io/metadata.name"
NAMED_81 = [{"port": "serve-81-tcp", "protocol": "TCP"}]
TCP_80, TCP_81, UDP_80, UDP_81, SCTP_80, SCTP_81 = (f"{protocol} {port}" for protocol in ("TCP", "UDP", "SCTP") for port in (80, 81))
Scenario = tuple[str, list[Object], dict[str, Table]]
"""What it is about; the objects; and the table of each port."""


def scenario(name: str, policies: list[Object], table: Table | None = None, labels: Any = None, **tables: Table) -> Scenario:
    """``table`` is that of all ports that have none of their own (``TCP_80``, ...)."""
    named = {port.replace("_", " "): own for port, own in tables.items()}
    return name, cluster(*policies, labels=labels), ({TCP_80: table, TCP_81: table, UDP_80: table, SCTP_81: table} if table else {}) | named


def from_pods(*wanted: str) -> Callable[[str], bool]:
    return lambda source: source in wanted


def from_namespaces(*wanted: str) -> Callable[[str], bool]:
    return lambda source: source[0] in wanted


def from_names(*wanted: str) -> Callable[[str], bool]:
    return lambda source: source[2] in wanted


def everyone(_: str) -> bool:
    return True


DENY = policy(ingress=[], name="deny")
FROM_ALL = [{"from": [peer(namespaces={})]}]
SCENARIOS = [
    scenario("no policy", [], anything),
    scenario("deny all ingress of a namespace", [DENY], into("x")),
    scenario("deny all of a namespace", [policy(ingress=[], egress=[])], both(into("x"), out_of("x"))),
    scenario("deny all by types alone", [policy(types=["Ingress", "Egress"])], both(into("x"), out_of("x"))),
    scenario("from pods of the own namespace", [policy(pod("a"), ingress=[{"from": [peer(pod("b"))]}])], into("x/a", sources=from_pods("x/b"))),
    scenario("allow a target beside deny", [DENY, policy(pod("a"), ingress=FROM_ALL)], into("x/b", "x/c")),
    scenario("from all namespaces", [DENY, policy(pod("a"), ingress=[{"from": [peer({}, {})]}])], into("x/b", "x/c")),
    scenario(
        "from a namespace", [policy(pod("a"), ingress=[{"from": [peer(namespaces=labelled("ns", "y"))]}])], into("x/a", sources=from_namespaces("y"))
    ),
    scenario(
        "pods by expressions", [policy(pod("a"), ingress=[{"from": [peer(expressed("pod", "In", "b"))]}])], into("x/a", sources=from_pods("x/b"))
    ),
    scenario(
        "namespaces by expressions",
        [policy(pod("a"), ingress=[{"from": [peer(namespaces=expressed("ns", "In", "y"))]}])],
        into("x/a", sources=from_namespaces("y")),
    ),
    scenario(
        "namespaces that are not",
        [policy(pod("a"), ingress=[{"from": [peer(namespaces=expressed("ns", "NotIn", "x"))]}])],
        into("x/a", sources=from_namespaces("y", "z")),
    ),
    scenario(
        "a label that is not there",
        [policy(pod("a"), ingress=[{"from": [peer(namespaces=expressed("team", "NotIn", "red"))]}])],
        into("x/a", sources=everyone),
    ),
    scenario(
        "a label that must not be there",
        [policy(pod("a"), ingress=[{"from": [peer(expressed("team", "DoesNotExist"))]}])],
        into("x/a", sources=from_namespaces("x")),
    ),
    scenario("a label that must be there", [policy(pod("a"), ingress=[{"from": [peer(expressed("team", "Exists"), {})]}])], into("x/a")),
    scenario(
        "pods or namespaces",
        [policy(pod("a"), ingress=[{"from": [peer(pod("b")), peer(namespaces=labelled("ns", "y"))]}])],
        into("x/a", sources=lambda source: source == "x/b" or source[0] == "y"),
    ),
    scenario(
        "pods and namespaces", [policy(pod("a"), ingress=[{"from": [peer(pod("b"), labelled("ns", "y"))]}])], into("x/a", sources=from_pods("y/b"))
    ),
    scenario(
        "several of both",
        [policy(pod("a"), ingress=[{"from": [peer(expressed("pod", "In", "b", "c"), expressed("ns", "NotIn", "x"))]}])],
        into("x/a", sources=from_pods("y/b", "y/c", "z/b", "z/c")),
    ),
    scenario(
        "any of several pods", [policy(pod("a"), ingress=[{"from": [peer(pod("b")), peer(pod("c"))]}])], into("x/a", sources=from_pods("x/b", "x/c"))
    ),
    scenario(
        "one pod of another namespace",
        [policy(pod("a"), ingress=[{"from": [peer(pod("a"), labelled("ns", "y"))]}])],
        into("x/a", sources=from_pods("y/a")),
    ),
    scenario(
        "by port",
        [policy(pod("a"), ingress=[{"from": [peer(namespaces=labelled("ns", "y"))], "ports": [{"port": 81}]}])],
        TCP_80=into("x/a"),
        TCP_81=into("x/a", sources=from_namespaces("y")),
        UDP_81=into("x/a"),
    ),
    scenario(
        "policies add up",
        [
            policy(pod("a"), ingress=[{"from": [peer(namespaces=labelled("ns", "y"))], "ports": [{"port": 81}]}], name="one"),
            policy(pod("a"), ingress=[{"from": [peer(namespaces=labelled("ns", "y"))], "ports": [{"port": 80}]}], name="two"),
        ],
        TCP_80=into("x/a", sources=from_namespaces("y")),
        TCP_81=into("x/a", sources=from_namespaces("y")),
        SCTP_80=into("x/a"),
    ),
    scenario("allow all", [policy(ingress=[{}])], anything),
    scenario("allow all beside deny", [DENY, policy(ingress=[{}])], anything),
    scenario("an empty list of sources is everyone", [policy(ingress=[{"from": [], "ports": []}])], anything),
    scenario("a named port", [policy(pod("a"), ingress=[{"ports": NAMED_81}])], TCP_80=into("x/a"), TCP_81=anything, UDP_81=into("x/a")),
    scenario(
        "a named port from a namespace",
        [policy(pod("a"), ingress=[{"from": [peer(namespaces=labelled("ns", "y"))], "ports": NAMED_81}])],
        TCP_80=into("x/a"),
        TCP_81=into("x/a", sources=from_namespaces("y")),
    ),
    scenario("a named port outwards", [policy(pod("a"), egress=[{"ports": NAMED_81}])], TCP_80=out_of("x/a"), TCP_81=anything, UDP_81=out_of("x/a")),
    scenario("a name that no port has", [policy(pod("a"), ingress=[{"ports": [{"port": "metrics"}]}])], into("x/a")),
    scenario("a name on another protocol", [policy(pod("a"), ingress=[{"ports": [{"port": "serve-81-tcp", "protocol": "UDP"}]}])], into("x/a")),
    scenario("a policy that was tightened", [policy(ingress=[{"ports": [{"port": 81}]}])], TCP_80=into("x"), TCP_81=anything),
    scenario(
        "a namespace that got a label",
        [policy(pod("a"), ingress=[{"from": [peer(namespaces=labelled("team", "blue"))]}])],
        into("x/a", sources=from_namespaces("y")),
        labels={"y": {"team": "blue"}},
    ),
    scenario(
        "a pod that got a label",
        [policy(pod("a"), ingress=[{"from": [peer(labelled("team", "blue"))]}])],
        into("x/a", sources=from_pods("x/b")),
        labels={"x/b": {"team": "blue"}, "y/b": {"team": "blue"}},
    ),
    scenario("no pods of other namespaces", [policy(ingress=[{"from": [peer({})]}])], into("x", sources=from_namespaces("x"))),
    scenario(
        "a target that got a label",
        [policy(labelled("target", "yes"), ingress=[])],
        into("x/a"),
        labels={"x/a": {"target": "yes"}, "y/a": {"target": "yes"}},
    ),
    scenario("a target without the label", [policy(labelled("target", "yes"), ingress=[])], anything),
    scenario("no egress of a pod", [policy(pod("a"), egress=[])], out_of("x/a")),
    scenario("no egress of a namespace", [policy(egress=[])], out_of("x")),
    scenario(
        "both directions",
        [policy(pod("a"), ingress=[{"ports": [{"port": 80}]}], egress=[{"ports": [{"port": 81}]}])],
        TCP_80=out_of("x/a"),
        TCP_81=into("x/a"),
    ),
    scenario(
        "egress to a namespace",
        [policy(pod("a"), egress=[{"to": [peer(namespaces=labelled("ns", "y"))]}])],
        out_of("x/a", destinations=from_namespaces("y")),
    ),
    scenario("egress to pods", [policy(pod("a"), egress=[{"to": [peer(pod("b"), {})]}])], out_of("x/a", destinations=from_names("b"))),
    scenario("egress to a block", [policy(pod("a"), egress=[{"to": [block(f"{ADDRESS['y/b']}/32")]}])], out_of("x/a", destinations=from_pods("y/b"))),
    scenario(
        "egress to a block with exceptions",
        [policy(pod("a"), egress=[{"to": [block("10.0.0.0/8", f"{ADDRESS['y/b']}/32")]}])],
        out_of("x/a", destinations=lambda destination: destination != "y/b"),
    ),
    scenario(
        "an exception that another policy allows",
        [
            policy(pod("a"), egress=[{"to": [block("10.0.0.0/8", f"{ADDRESS['y/b']}/32")]}], name="one"),
            policy(pod("a"), egress=[{"to": [block(f"{ADDRESS['y/b']}/32")]}], name="two"),
        ],
        anything,
    ),
    scenario("ingress from a block", [policy(pod("a"), ingress=[{"from": [block(f"{ADDRESS['z/c']}/32")]}])], into("x/a", sources=from_pods("z/c"))),
    scenario(
        "directions apart",
        [policy(pod("a"), ingress=[{"from": [peer(pod("b"))]}], name="in"), policy(pod("a"), egress=[{"to": [peer(pod("b"))]}], name="out")],
        both(into("x/a", sources=from_pods("x/b")), out_of("x/a", destinations=from_pods("x/b"))),
    ),
    scenario(
        "by the name of a namespace",
        [policy(pod("a"), ingress=[{"from": [peer(namespaces=labelled(DEFAULT_NAME, "y"))]}])],
        into("x/a", sources=from_namespaces("y")),
    ),
    scenario(
        "by the names of namespaces",
        [policy(pod("a"), ingress=[{"from": [peer(namespaces=expressed(DEFAULT_NAME, "NotIn", "x"))]}])],
        into("x/a", sources=from_namespaces("y", "z")),
    ),
    scenario("a range of ports", [policy(ingress=[{"ports": [{"port": 1, "endPort": 80}]}])], TCP_80=anything, TCP_81=into("x"), UDP_80=into("x")),
    scenario("a policy of another namespace", [policy(pod("a"), ingress=[], namespace="y")], into("y/a")),
    # UDP
    scenario("deny UDP too", [DENY], UDP_80=into("x"), UDP_81=into("x")),
    scenario(
        "UDP alone is no TCP", [policy(ingress=[{"ports": [{"port": 80, "protocol": "UDP"}]}])], TCP_80=into("x"), UDP_80=anything, UDP_81=into("x")
    ),
    scenario(
        "UDP from a namespace",
        [policy(pod("a"), ingress=[{"from": [peer(namespaces=labelled("ns", "y"))], "ports": [{"protocol": "UDP"}]}])],
        UDP_80=into("x/a", sources=from_namespaces("y")),
        UDP_81=into("x/a", sources=from_namespaces("y")),
        TCP_80=into("x/a"),
    ),
    # SCTP
    scenario("deny SCTP too", [DENY], SCTP_80=into("x")),
    scenario(
        "SCTP alone is no TCP",
        [policy(ingress=[{"ports": [{"port": 80, "protocol": "SCTP"}]}])],
        TCP_80=into("x"),
        SCTP_80=anything,
        SCTP_81=into("x"),
    ),
    scenario(
        "SCTP from a pod",
        [policy(pod("a"), ingress=[{"from": [peer(pod("b"), labelled("ns", "y"))], "ports": [{"protocol": "SCTP", "port": "serve-80-sctp"}]}])],
        SCTP_80=into("x/a", sources=from_pods("y/b")),
        SCTP_81=into("x/a"),
        TCP_80=into("x/a"),
    ),
]


@pytest.mark.parametrize(("name", "objects", "tables"), SCENARIOS, ids=[name for name, _, _ in SCENARIOS])
def test_the_tables_of_conformance(name: str, objects: list[Object], tables: dict[str, Table]) -> None:
    found = loaded(objects)
    assert not found.errors
    questions, matrix = Questions(found.cluster), reach(found.cluster)
    place = {f"{group.endpoint.namespace}/{group.endpoint.name}": number for number, group in enumerate(questions.groups)}
    column = {f"{group.endpoint.namespace}/{group.endpoint.name}": int(matrix.class_of[number]) for number, group in enumerate(matrix.groups)}
    for port, table in tables.items():
        protocol, number = port.split()
        for source in PODS:
            for destination in PODS:
                expected = source == destination or table(source, destination)
                assert questions.ask(place[source], place[destination], Protocol(protocol), int(number)).allowed is expected, (
                    port,
                    source,
                    destination,
                )
                if source != destination:
                    ranges = matrix.ports(column[source], column[destination])
                    assert any(item.protocol == protocol and item.first <= int(number) <= item.last for item in ranges) is expected
