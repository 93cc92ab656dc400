"""Generated policies allow exactly what was wanted: by their own proof, and by asking for every connection of every pod."""

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.deploy.network.atoms import TRANSPORT
from seawall.deploy.network.connections import Connection
from seawall.deploy.network.generate import Wanted, blocks, declared, generate, under
from seawall.deploy.network.identity import units
from seawall.deploy.network.model import Cluster, EndpointKind, PortRange, Protocol
from seawall.deploy.network.question import Questions
from tests.deploy.network.objects import Object, documents, loaded
from tests.deploy.network.test_against_brute import admin_policies, calico_clusters, cilium_policies, clusters, kubernetes_policies, several
from tests.deploy.network.test_proof import SHOP

TCP, UDP = Protocol.TCP, Protocol.UDP


def pod(name: str, namespace: str = "a", **labels: str) -> Object:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "c", "image": "i"}]}}


def deployment(name: str, namespace: str = "a", **labels: str) -> Object:
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace}, "spec": {"template": template}}


def policies_of(text: str) -> dict[str, Any]:
    return {f"{item['metadata']['namespace']}/{item['metadata']['name']}": item["spec"] for item in documents(text)}


def test_what_is_allowed_said_explicitly() -> None:
    made = generate(loaded(documents(SHOP)).cluster, declared(loaded(documents(SHOP)).cluster))
    assert made.is_exact
    assert not made.inexpressible
    found = policies_of(made.text)
    assert [name for name in found if name.endswith("default-deny")] == ["db/default-deny", "monitoring/default-deny", "shop/default-deny"]
    assert found["db/db"] == {
        "podSelector": {"matchLabels": {"app": "db"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "from": [
                    {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}, "podSelector": {"matchLabels": {"app": name}}}
                    for name in ("api", "web")
                ],
                "ports": [{"protocol": "TCP", "port": 5432}],
            }
        ],
    }


def test_only_what_is_wanted() -> None:
    cluster = loaded([deployment("web", app="web"), deployment("db", app="db"), pod("x", "b", app="x")]).cluster
    wanted = Wanted(
        (Connection("a/web[Deployment]", "a/db[Deployment]", (PortRange(TCP, 5432, 5432),)),),
        {("a/web[Deployment]", "a/db[Deployment]"): "seen 3 times\n- {evil: true}\u2028x"},
    )
    made = generate(cluster, wanted)
    assert made.is_exact
    assert sorted(policies_of(made.text)) == ["a/db", "a/default-deny", "a/web", "b/default-deny"]
    assert made.text.count("# a/web[Deployment]: seen 3 times - {evil: true} x\n") == 1
    assert generate(cluster, wanted) == made


def test_workloads_that_labels_do_not_tell_apart() -> None:
    objects = [deployment("one", app="x"), deployment("two", app="x"), deployment("more", app="x", tier="y"), deployment("db", app="db")]
    cluster = loaded(objects).cluster
    made = generate(cluster, Wanted((Connection("a/one[Deployment]", "a/db[Deployment]", (PortRange(TCP, 1, 1),)),)))
    assert made.is_exact
    assert made.together == ("a/one[Deployment], a/two[Deployment]",)
    assert made.wanted == 2  # both may
    selector = policies_of(made.text)["a/one"]["podSelector"]
    assert selector == {"matchLabels": {"app": "x"}, "matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}


def test_what_no_network_policy_can_say() -> None:
    host = deployment("agent", app="agent")
    host["spec"]["template"]["spec"]["hostNetwork"] = True
    cluster = loaded([host, deployment("db", app="db")]).cluster
    wanted = Wanted((Connection("a/agent[Deployment]", "a/db[Deployment]", (PortRange(TCP, 1, 1),)),))
    made = generate(cluster, wanted)
    assert made.is_exact
    assert made.inexpressible == ("a/agent[Deployment] => a/db[Deployment] : TCP 1",)
    assert made.wanted == 0


def test_the_dns_that_is_not_in_the_input() -> None:
    cluster = loaded([deployment("web", app="web")]).cluster
    made = generate(cluster, Wanted((), dns=frozenset({"a/web[Deployment]"})))
    (rule,) = policies_of(made.text)["a/web"]["egress"]
    assert rule["to"][0]["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}
    assert rule["ports"] == [{"protocol": "TCP", "port": 53}, {"protocol": "UDP", "port": 53}]
    assert made.is_exact


def test_names_that_are_taken() -> None:
    stateful = {**deployment("web", app="db"), "kind": "StatefulSet"}
    cluster = loaded([deployment("web", app="web"), stateful, deployment("default-deny", app="z")]).cluster
    workloads = ("a/web[Deployment]", "a/web[StatefulSet]", "a/default-deny[Deployment]")
    made = generate(cluster, Wanted(tuple(Connection(one, other, (PortRange(TCP, 1, 1),)) for one in workloads for other in workloads)))
    assert sorted(policies_of(made.text)) == ["a/default-deny", "a/default-deny-deployment", "a/web", "a/web-statefulset"]
    assert made.is_exact


def test_pods_of_one_workload_may_talk_if_they_did() -> None:
    cluster = loaded([deployment("etcd", app="etcd"), pod("alone", app="alone")]).cluster
    before = [item for item in declared(cluster).connections if item.src == item.dst]
    assert [item.src for item in before] == ["a/etcd[Deployment]"]
    made = generate(cluster, Wanted(tuple(before)))
    assert made.is_exact
    assert policies_of(made.text)["a/etcd"]["ingress"] == [{"from": [{"podSelector": {"matchLabels": {"app": "etcd"}}}]}]


def test_blocks_are_as_short_as_can_be() -> None:
    assert list(blocks([(4, 0, 2**32 - 1)])) == [{"ipBlock": {"cidr": "0.0.0.0/0"}}]
    assert list(blocks([(4, 10 << 24, (10 << 24) + 1)])) == [{"ipBlock": {"cidr": "10.0.0.0/31"}}]
    assert list(blocks([(4, 0, 9), (4, 11, 2**32 - 1)])) == [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["0.0.0.10/32"]}}]
    assert list(blocks([(6, 1, 1), (4, 5, 5)])) == [{"ipBlock": {"cidr": "0.0.0.5/32"}}, {"ipBlock": {"cidr": "::1/128"}}]


# Against every connection

PORTS = (PortRange(TCP, 80, 80), PortRange(UDP, 53, 53), PortRange(TCP, 1, 65535), PortRange(TCP, 81, 90))
PROBES = ((TCP, 80), (TCP, 81), (TCP, 91), (UDP, 53), (UDP, 80), (Protocol.SCTP, 80))


@settings(max_examples=60)
@given(clusters(), several(kubernetes_policies, 0, 3), several(admin_policies, 0, 1))
def test_declared_connections_are_kept_exactly(cluster: list[Object], policies: list[Object], admin: list[Object]) -> None:
    before = loaded([*cluster, *policies, *admin]).cluster
    made = generate(before, declared(before))
    assert made.is_exact, (made.missing, made.extra)
    apart = {workload for unit in units(before) if len(unit.workloads) == 1 for workload in unit.workloads}
    after = under(before, made.text)
    compare(before, after, apart)


@settings(max_examples=40)
@given(st.one_of(calico_clusters(), st.builds(lambda one, two: [*one, *two], clusters(), several(cilium_policies, 1, 2))))
def test_declared_connections_of_other_kinds_are_kept_exactly(objects: list[Object]) -> None:
    before = loaded(objects).cluster
    made = generate(before, declared(before))
    assert made.is_exact, (made.missing, made.extra)
    compare(before, under(before, made.text), {workload for unit in units(before) if len(unit.workloads) == 1 for workload in unit.workloads})


def compare(before: Cluster, after: Cluster, apart: set[str]) -> None:
    """Pods with an address of their own that labels tell apart may do the same before and after."""
    one, other = Questions(before), Questions(after)
    places = [
        (endpoint.namespace, endpoint.name) for endpoint in before.endpoints if endpoint.kind is EndpointKind.POD and endpoint.workload in apart
    ]
    for source in places:
        for destination in places:
            if source != destination:
                for protocol, port in PROBES:
                    asked = [
                        questions.ask(at(questions, before, source), at(questions, before, destination), protocol, port).allowed
                        for questions in (one, other)
                    ]
                    assert asked[0] == asked[1], (source, destination, protocol, port)


def at(questions: Questions, cluster: Cluster, pod_: tuple[str, str]) -> int:
    return next(
        place
        for place, group in enumerate(questions.groups)
        for member in group.members
        if (cluster.endpoints[member].namespace, cluster.endpoints[member].name) == pod_
    )


@settings(max_examples=60)
@given(clusters(), st.data())
def test_what_is_wanted_is_allowed_and_nothing_else(objects: list[Object], data: st.DataObject) -> None:
    cluster = loaded(objects).cluster
    names = [endpoint.workload for endpoint in cluster.endpoints if endpoint.kind is EndpointKind.POD]
    ends = st.sampled_from([*names, "203.0.113.9-203.0.113.9", "198.51.100.0-198.51.100.255"])
    pairs = data.draw(st.dictionaries(st.tuples(ends, ends), st.lists(st.sampled_from(PORTS), min_size=1, max_size=2), max_size=4))
    wanted = {pair: ports for pair, ports in pairs.items() if pair[0] != pair[1] and (pair[0] in names or pair[1] in names)}
    made = generate(cluster, Wanted(tuple(Connection(src, dst, tuple(sorted(ports))) for (src, dst), ports in wanted.items())))
    assert made.is_exact, (made.missing, made.extra)
    together = {workload: unit.workloads for unit in units(cluster) for workload in unit.workloads}
    closed = {
        (src, dst): ports for (one, other), ports in wanted.items() for src in together.get(one, (one,)) for dst in together.get(other, (other,))
    }
    for (one, other), ports in wanted.items():
        for src in together.get(one, (one,)):
            for dst in together.get(other, (other,)):
                closed[src, dst] = [*closed.get((src, dst), []), *ports]
    after = under(cluster, made.text)
    questions = Questions(after)
    found = {name: questions.find(name)[0] for name in names}
    found |= {"203.0.113.9-203.0.113.9": questions.find("203.0.113.9")[0], "198.51.100.0-198.51.100.255": questions.find("198.51.100.7")[0]}
    for src, source in found.items():
        for dst, destination in found.items():
            if src == dst or (src not in names and dst not in names):
                continue
            for protocol, port in PROBES:
                expected = any(item.protocol is protocol and item.first <= port <= item.last for item in closed.get((src, dst), ()))
                assert questions.ask(source, destination, protocol, port).allowed == expected, (src, dst, protocol, port)


@settings(max_examples=60)
@given(clusters())
def test_units_select_their_pods_and_no_others(objects: list[Object]) -> None:
    cluster = loaded(objects).cluster
    found = units(cluster)
    for endpoint in cluster.endpoints:
        if endpoint.kind is EndpointKind.POD:
            chosen = [
                unit
                for unit in found
                if unit.namespace == endpoint.namespace
                and all(endpoint.labels.get(key) == value for key, value in unit.labels)
                and not any(key in endpoint.labels for key in unit.absent)
            ]
            assert [endpoint.workload in unit.workloads for unit in chosen] == [True]


def test_the_text_is_yaml_of_the_usual_kind() -> None:
    made = generate(loaded(documents(SHOP)).cluster, declared(loaded(documents(SHOP)).cluster))
    items = list(yaml.safe_load_all(made.text))
    assert {item["apiVersion"] for item in items} == {"networking.k8s.io/v1"}
    assert len(items) == made.policies
    assert all(item.protocol in TRANSPORT for one in declared(loaded(documents(SHOP)).cluster).connections for item in one.ports)
