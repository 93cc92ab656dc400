"""The mesh against an evaluator that knows only Istio's documentation, on random clusters; and its corners one by one."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.deploy.network.mesh.layer import layered
from seawall.deploy.network.model import EndpointKind, Protocol
from seawall.deploy.network.question import Questions
from tests.deploy.network.mesh_brute import MeshBrute, Object, Pod
from tests.deploy.network.objects import loaded

OUTSIDE = "203.0.113.9"
PORTS = (80, 8080, 9000, 15020)
PRINCIPALS = [
    "cluster.local/ns/a/sa/one", "cluster.local/ns/b/sa/*", "*/sa/one", "*", "cluster.local/ns/a/*", "spiffe/ns/a/sa/one", "*/ns/b/sa/two"
]  # fmt: skip
NAMESPACES = ["a", "b", "*", "a*", "*b", "c"]
BLOCKS = ["10.0.0.0/24", "10.0.0.2/32", "203.0.113.0/24", "0.0.0.0/0"]


def several(values: list[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


def but_something(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Object]:
    """One of the fields, or two."""
    names = st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=2, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: fields[name] for name in chosen}))


plain_sources = but_something(
    principals=several(PRINCIPALS),
    notPrincipals=several(PRINCIPALS),
    namespaces=several(NAMESPACES),
    notNamespaces=several(NAMESPACES),
    ipBlocks=several(BLOCKS),
    notIpBlocks=several(BLOCKS[:3]),
    requestPrincipals=st.just(["*"]),
    remoteIpBlocks=st.just(["198.51.100.0/24"]),
)
account_sources = but_something(serviceAccounts=several(["one", "b/two", "a/one"]), notServiceAccounts=several(["two", "b/one"]))
operations = but_something(
    ports=several(["80", "8080", "9000"]),
    notPorts=several(["80", "9000"]),
    methods=st.just(["GET"]),
    notPaths=st.just(["/admin*"]),
)
conditions = st.sampled_from(
    [
        {"key": "source.namespace", "values": ["a"]},
        {"key": "source.principal", "notValues": ["*"]},
        {"key": "source.principal", "values": ["*/sa/two"], "notValues": ["cluster.local/ns/b/*"]},
        {"key": "source.ip", "values": ["10.0.0.0/24"]},
        {"key": "destination.ip", "notValues": ["10.0.0.2"]},
        {"key": "destination.ip", "values": ["10.0.0.0/24"]},
        {"key": "destination.port", "values": ["80", "9000"]},
        {"key": "request.headers[x-token]", "values": ["admin"]},
        {"key": "connection.sni", "values": ["www.example.org"]},
    ]
)
parts: dict[str, st.SearchStrategy[list[Object]]] = {
    "from": st.lists(st.one_of(plain_sources, plain_sources, account_sources).map(lambda one: {"source": one}), min_size=1, max_size=2),
    "to": st.lists(operations.map(lambda one: {"operation": one}), min_size=1, max_size=2),
    "when": st.lists(conditions, min_size=1, max_size=2),
}
rules = st.sampled_from([(), ("from",), ("from",), ("to",), ("when",), ("from", "to"), ("from", "when"), ("to", "when")]).flatmap(
    lambda names: st.fixed_dictionaries({name: parts[name] for name in names})
)
selectors = st.sampled_from([{}, {}, {"selector": {"matchLabels": {"app": "x"}}}, {"selector": {"matchLabels": {"app": "y"}}}])
spaces = st.sampled_from(["a", "istio-system"])


@st.composite
def authorization_policies(draw: st.DrawFn) -> Object:
    action = draw(st.sampled_from(["ALLOW", "ALLOW", "DENY", "CUSTOM", "AUDIT", None]))
    given: list[Object] = draw(st.lists(rules, min_size=0 if action in ("ALLOW", None) else 1, max_size=2))
    spec: Object = {**draw(selectors), **({"action": action} if action else {}), **({"provider": {"name": "oauth"}} if action == "CUSTOM" else {})}
    says_so = draw(st.booleans())
    if given or says_so:
        spec["rules"] = given
    return istio("AuthorizationPolicy", draw(st.uuids()).hex, draw(spaces), spec)


@st.composite
def peer_authentications(draw: st.DrawFn) -> Object:
    modes = st.sampled_from(["UNSET", "DISABLE", "PERMISSIVE", "STRICT", "STRICT"])
    spec: Object = dict(draw(selectors))
    if draw(st.booleans()):
        spec["mtls"] = {"mode": draw(modes)}
    if spec.get("selector") and draw(st.booleans()):
        spec["portLevelMtls"] = draw(st.dictionaries(st.sampled_from(["80", "9000"]), modes.map(lambda mode: {"mode": mode}), min_size=1))
    found = istio("PeerAuthentication", draw(st.uuids()).hex, draw(spaces), spec)
    if draw(st.booleans()):
        found["metadata"]["creationTimestamp"] = draw(st.sampled_from(["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]))
    return found


def istio(kind: str, name: str, namespace: str, spec: Object) -> Object:
    return {"apiVersion": "security.istio.io/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


@st.composite
def some_pods(draw: st.DrawFn) -> list[Pod]:
    found = []
    for number in range(draw(st.integers(2, 4))):
        labels: Object = {"app": draw(st.sampled_from(["x", "y"])), "n": str(number)}
        labels |= draw(st.sampled_from([{}, {}, {}, {}, {"sidecar.istio.io/inject": "true"}, {"sidecar.istio.io/inject": "false"}]))
        labels |= draw(st.sampled_from([{}, {}, {}, {}, {"istio.io/dataplane-mode": "ambient"}, {"istio.io/dataplane-mode": "none"}]))
        found.append(
            Pod(
                name=f"pod-{number}",
                namespace=draw(st.sampled_from(["a", "a", "b"])),
                labels=labels,
                annotations=draw(
                    st.sampled_from(
                        [{}, {}, {}, {}, {"sidecar.istio.io/inject": "false"}, {"traffic.sidecar.istio.io/excludeInboundPorts": "8080, 9000"}]
                    )
                ),
                account=draw(st.sampled_from(["one", "two"])),
                address=draw(st.sampled_from(["", f"10.0.{number % 2}.{number}"])),
                ports=draw(st.sampled_from([(), (("main", 80),), (("main", 9000),)])),
                host_network=draw(st.sampled_from([False, False, False, False, False, False, True])),
            )
        )
    return found


ports_of_services = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["http", "http-web", "tcp", "tcp-data", "redis", "web"]),
        "port": st.sampled_from([80, 9000]),
        "targetPort": st.sampled_from([80, 9000, "main"]),
    }
)
services = st.builds(
    lambda namespace, app, ports: {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": namespace},
        "spec": {"selector": {"app": app}, "ports": ports},
    },
    st.sampled_from(["a", "b"]),
    st.sampled_from(["x", "y"]),
    st.lists(ports_of_services, min_size=1, max_size=2),
)
ENABLED: Object = {"istio-injection": "enabled"}
namespace_labels = st.sampled_from([ENABLED, ENABLED, ENABLED, {}, {"istio-injection": "disabled"}, {"istio.io/dataplane-mode": "ambient"}])


def objects_of(namespaces: dict[str, Object], pods: list[Pod], *others: Object) -> list[Object]:
    found: list[Object] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}} for name, labels in namespaces.items()
    ]
    for pod in pods:
        found.append(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": pod.name, "namespace": pod.namespace, "labels": pod.labels, "annotations": pod.annotations},
                "spec": {
                    "serviceAccountName": pod.account,
                    "hostNetwork": pod.host_network,
                    "containers": [{"name": "c", "image": "x", "ports": [{"name": name, "containerPort": port} for name, port in pod.ports]}],
                },
                "status": {("hostIP" if pod.host_network else "podIP"): pod.address} if pod.address else {},
            }
        )
    return [*found, *others]


@settings(max_examples=300)
@given(
    st.fixed_dictionaries({"a": namespace_labels, "b": namespace_labels, "istio-system": st.just({"istio-injection": "disabled"})}),
    some_pods(),
    st.tuples(st.lists(authorization_policies(), min_size=1, max_size=3), st.lists(peer_authentications(), max_size=3)).map(
        lambda both: [*both[0], *both[1]]
    ),
    st.lists(services, max_size=2),
)
def test_it_decides_as_the_documentation_says(namespaces: dict[str, Object], pods: list[Pod], policies: list[Object], exposed: list[Object]) -> None:
    """Every pair, by the walk and by the matrices; an answer with restrictions is one where only some requests pass."""
    for number, service in enumerate(exposed):
        service["metadata"]["name"] = f"s{number}"
    found = loaded(objects_of(namespaces, pods, *policies, *exposed))
    assert not found.errors
    brute = MeshBrute(namespaces, policies, exposed)
    questions, matrix = Questions(found.cluster, found.mesh), layered(found.cluster, found.mesh, (4, 6))
    classes = {member: int(matrix.class_of[place]) for place, group in enumerate(matrix.groups) for member in (group.members or (f"{group.ranges}",))}
    outside = Pod("outside", address=OUTSIDE)
    for destination in pods:
        [end] = questions.find(f"{destination.namespace}/{destination.name}")
        for source in (*pods, outside):
            if source == destination:
                continue
            [start] = questions.find(f"{source.namespace}/{source.name}" if source.namespace else OUTSIDE)
            key = next(iter(questions.groups[start].members), f"{questions.groups[start].ranges}")
            for protocol, port in [*((Protocol.TCP, port) for port in PORTS), (Protocol.UDP, 80)]:
                expected = brute.allowed(source, destination, protocol.value, port)
                answer = questions.ask(start, end, protocol, port)
                restricted = answer.mesh is not None and bool(answer.mesh.restrictions or answer.mesh.either)
                said = (None if restricted else True) if answer.allowed else False
                assert said == expected, (source.name, destination.name, protocol, port, answer.mesh)
                mask = matrix.between(classes[key], classes[questions.groups[end].members[0]])
                assert any(item.protocol is protocol and item.first <= port <= item.last for item in matrix.atoms.ports(mask)) is (
                    expected is not False
                )


def test_without_policies_of_istio_there_is_no_layer() -> None:
    found = loaded(objects_of({"a": {"istio-injection": "enabled"}}, [Pod("x", "a"), Pod("y", "a")]))
    assert found.mesh.policies == ()
    assert Questions(found.cluster, found.mesh).ask(0, 1, Protocol.TCP, 80).mesh is None
    assert [group.endpoint.kind for group in layered(found.cluster, found.mesh).groups][-1] is EndpointKind.OUTSIDE


def test_where_nothing_speaks_of_the_mesh_all_pods_are_in_it() -> None:
    deny = istio("AuthorizationPolicy", "nothing", "a", {})
    found = loaded(objects_of({"a": {}}, [Pod("x", "a", {"app": "x"}), Pod("y", "a", {"app": "y"})], deny))
    assert found.cluster.notes == ("nothing in the input says which pods are in the mesh; all are taken to be",)
    answer = Questions(found.cluster, found.mesh).ask(0, 1, Protocol.TCP, 80)
    assert not answer.allowed
    assert answer.mesh is not None
    assert str(answer.mesh.policy) == "AuthorizationPolicy a/nothing"
