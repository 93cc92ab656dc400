"""What is tested, and what is said not to be."""

from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.deploy.network.model import Cluster, EndpointKind, Protocol
from seawall.deploy.network.packets.plan import MAX_OUTSIDE, Plan, plan
from seawall.deploy.network.reach import reach
from tests.deploy.network.objects import Object, loaded
from tests.deploy.network.packets.clusters import any_clusters


def pods(number: int, labels: Iterable[str] = ("a",), ports: list[Object] | None = None) -> list[Object]:
    """So many pods for each label, in its own class where a policy asks for it."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"{label}-{place}", "namespace": "n", "labels": {"app": label}},
            "spec": {"containers": [{"name": "c", "image": "i", "ports": ports or []}]},
        }
        for label in labels
        for place in range(number)
    ]


def policy(name: str, app: str, **spec: Any) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "n"},
        "spec": {"podSelector": {"matchLabels": {"app": app}}, **spec},
    }


def planned(objects: list[Object], max_pods: int = 50, max_ports: int = 16) -> Plan:
    return of_cluster(loaded(objects).cluster, max_pods, max_ports)


def of_cluster(cluster: Cluster, max_pods: int, max_ports: int) -> Plan:
    return plan(cluster, reach(cluster), max_pods, max_ports)


def named(chosen: Plan) -> set[str]:
    return {station.name for station in chosen.stations if station.endpoint.kind is EndpointKind.POD}


def test_classes_come_before_pods_of_the_same_class() -> None:
    objects = [*pods(5, "abc"), policy("one", "a"), policy("two", "b")]
    assert named(planned(objects, 3)) == {"n/a-0", "n/b-0", "n/c-0"}
    assert named(planned(objects, 5)) == {"n/a-0", "n/b-0", "n/c-0", "n/a-1", "n/b-1"}
    assert len(named(planned(objects))) == 15
    assert any("5 of 15 pods" in note for note in planned(objects, 5).notes)
    assert not any("classes" in item for item in planned(objects, 3).not_tested)
    assert any(item.startswith("1 classes of pods") for item in planned(objects, 2).not_tested)
    assert not any("pods stand for all" in note for note in planned(objects, 15).notes)


def test_ports_are_those_at_the_edges_and_one_of_which_nobody_speaks() -> None:
    ports = [{"port": 80}, {"port": 8000, "endPort": 8010}, {"port": "dns", "protocol": "UDP"}, {"port": 1, "endPort": 65535, "protocol": "UDP"}]
    objects = [*pods(1, ports=[{"name": "dns", "containerPort": 53, "protocol": "UDP"}, {"containerPort": 9999}]), *pods(1, "b")]
    chosen = planned([*objects, policy("p", "a", ingress=[{"ports": ports}])])
    at = {station.name: found for station, found in zip(chosen.stations, chosen.ports, strict=True)}
    common = {(Protocol.TCP, port) for port in (80, 7999, 8000, 8010, 8011, 40000)} | {(Protocol.UDP, 40000)}
    assert set(at["n/a-0"]) == common | {(Protocol.UDP, 53), (Protocol.TCP, 9999)}
    assert set(at["n/b-0"]) == common


def test_too_many_ports_are_thinned_and_said_to_be() -> None:
    many = [{"port": port} for port in range(1000, 1100)]
    chosen = planned([*pods(2), policy("p", "a", ingress=[{"ports": many}])], max_ports=5)
    assert [port for protocol, port in chosen.ports[0] if protocol is Protocol.TCP] == [1000, 1025, 1050, 1074, 1099, 9999]
    assert any("--max-ports" in item for item in chosen.not_tested)
    declared = [{"containerPort": port} for port in range(1000, 1100)]
    chosen = planned(pods(2, ports=declared), max_ports=1)
    assert chosen.ports[0] == ((Protocol.TCP, 9999), (Protocol.UDP, 9999), (Protocol.TCP, 1000))
    assert any("declares" in item for item in chosen.not_tested)


def test_outside_ranges_are_sampled_at_their_edges() -> None:
    block = {"ipBlock": {"cidr": "198.51.100.0/24", "except": ["198.51.100.128/25"]}}
    chosen = planned(
        [*pods(1), policy("p", "a", ingress=[{"from": [block, {"ipBlock": {"cidr": "127.0.0.0/8"}}, {"ipBlock": {"cidr": "2001:db8::/32"}}]}])]
    )
    outside = [station for station in chosen.stations if station.endpoint.kind is EndpointKind.OUTSIDE]
    carried = {str(station.address) for station in outside if station.name == str(station.address)}
    assert carried == {"1.0.0.0", "223.255.255.255", "198.51.100.0", "198.51.100.127"}
    moved = {station.name for station in outside if station.name != str(station.address)}
    assert any("2001:db8::" in name for name in moved)
    assert any("cannot carry" in note for note in chosen.notes)


def test_outside_samples_have_a_bound() -> None:
    blocks = [{"ipBlock": {"cidr": f"198.51.{number}.0/24"}} for number in range(200)]
    rules = [{"from": [block], "ports": [{"port": place + 1}]} for place, block in enumerate(blocks)]
    chosen = planned([*pods(1), policy("p", "a", ingress=rules)])
    assert sum(station.endpoint.kind is EndpointKind.OUTSIDE for station in chosen.stations) == MAX_OUTSIDE
    assert any("samples of outside addresses" in item for item in chosen.not_tested)


@settings(max_examples=100)
@given(any_clusters, st.integers(1, 4), st.integers(1, 4))
def test_every_plan_can_be_built(cluster: Cluster, max_pods: int, max_ports: int) -> None:
    chosen = of_cluster(cluster, max_pods, max_ports)
    addresses = [chosen.router, *(station.address for station in chosen.stations)]
    assert len(set(addresses)) == len(addresses)
    assert all(IPv4Address("1.0.0.0") <= address <= IPv4Address("223.255.255.255") and not address.is_loopback for address in addresses)
    assert sum(station.endpoint.kind is not EndpointKind.OUTSIDE for station in chosen.stations) <= max_pods
    for source, destination in chosen.pairs():
        assert source != destination
        kinds = chosen.stations[source].endpoint.kind, chosen.stations[destination].endpoint.kind
        assert kinds != (EndpointKind.OUTSIDE, EndpointKind.OUTSIDE)
        assert all(1 <= port <= 65535 for _, port in chosen.ports[destination])
        assert len(set(chosen.ports[destination])) == len(chosen.ports[destination])
