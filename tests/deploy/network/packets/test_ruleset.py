"""Policies as text of nftables: exactly, and by what the text means."""

from hypothesis import given, settings

from seawall.deploy.network.model import (
    DEFAULT,
    Action,
    Anything,
    Cluster,
    Endpoint,
    EndpointKind,
    Policy,
    Port,
    PortMatch,
    Protocol,
    Rule,
)
from seawall.deploy.network.packets.plan import Plan, plan
from seawall.deploy.network.packets.ruleset import ruleset
from seawall.deploy.network.reach import reach
from tests.deploy.network.objects import Object, documents, loaded
from tests.deploy.network.packets.clusters import any_clusters
from tests.deploy.network.packets.interpreter import Packet, Rules

SHOP = """
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c, image: i, ports: [{name: sql, containerPort: 5432}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - from: [{podSelector: {matchLabels: {app: web}}}]
    ports: [{port: sql}, {port: 8000, endPort: 8010}, {port: 53, protocol: UDP}]
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: guard}
spec:
  priority: 1
  subject: {namespaces: {}}
  ingress:
  - {action: Pass, from: [{namespaces: {}}], ports: [{portNumber: {protocol: TCP, port: 80}}]}
  - {action: Deny, from: [{namespaces: {}}], ports: [{portNumber: {protocol: TCP, port: 8005}}]}
"""
EXPECTED = """\
define allow = 1
define deny = 2
define pass = 3
table ip seawall {
	set who_0 {
		type ipv4_addr
		elements = { 10.0.0.1, 10.0.0.2 }
	}
	set who_1 {
		type ipv4_addr
		elements = { 10.0.0.1 }
	}
	set ports_0 {
		type ipv4_addr . inet_proto . inet_service
		elements = { 10.0.0.2 . tcp . 5432 }
	}
	chain egress {
	}
	chain ingress_0_0 { # AdminNetworkPolicy guard
		ip saddr @who_0 meta l4proto . th dport { tcp . 80 } meta mark set $pass return
		ip saddr @who_0 meta l4proto . th dport { tcp . 8005 } meta mark set $deny return
	}
	chain ingress_0_for_0 {
		jump ingress_0_0
		meta mark != 0 return
	}
	chain ingress_0 { # tier kube-admin
		ip daddr vmap { 10.0.0.1 : jump ingress_0_for_0, 10.0.0.2 : jump ingress_0_for_0 }
	}
	chain ingress_1_0 { # NetworkPolicy shop/db
		ip saddr @who_1 meta l4proto . th dport { tcp . 8000-8010, udp . 53 } meta mark set $allow return
		ip saddr @who_1 ip daddr . meta l4proto . th dport @ports_0 meta mark set $allow return
	}
	chain ingress_1_for_0 {
		jump ingress_1_0
		meta mark != 0 return
		meta mark set $deny
	}
	chain ingress_1 { # tier default
		ip daddr vmap { 10.0.0.2 : jump ingress_1_for_0 }
	}
	chain ingress {
		meta mark set 0 jump ingress_0 # tier kube-admin
		meta mark { $allow, $deny } return
		meta mark set 0 jump ingress_1 # tier default
		meta mark { $allow, $deny } return
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		meta l4proto icmp accept
		tcp flags & (syn | ack) != syn accept
		jump egress
		meta mark $deny goto refuse
		meta mark set 0
		jump ingress
		meta mark $deny goto refuse
	}
	chain refuse {
		meta l4proto tcp reject with tcp reset
		reject with icmp type admin-prohibited
	}
}
"""


def planned(objects: list[Object]) -> tuple[Cluster, Plan]:
    cluster = loaded(objects).cluster
    return cluster, plan(cluster, reach(cluster), 50, 16)


def test_the_text() -> None:
    cluster, chosen = planned(documents(SHOP))
    assert ruleset(cluster, chosen.stations) == EXPECTED


def test_names_of_others_stay_in_their_comments() -> None:
    evil = documents(SHOP)
    evil[2]["metadata"]["name"] = 'x" }\n\tinclude "/etc/passwd"\r;`$(id)`' + "y" * 500
    evil[0]["metadata"]["namespace"] = evil[1]["metadata"]["namespace"] = evil[2]["metadata"]["namespace"] = "s\n}\n"
    cluster, chosen = planned(evil)
    text = ruleset(cluster, chosen.stations)
    (line,) = (line for line in text.splitlines() if "include" in line)
    assert line.startswith("\tchain ingress_1_0 { # NetworkPolicy s???/x? ???include ?/etc/passwd???")
    assert len(line) < 200
    assert text.replace(line, "") == EXPECTED.replace("\tchain ingress_1_0 { # NetworkPolicy shop/db", "")


def test_what_is_taken_away_by_name_differs_from_pod_to_pod() -> None:
    """A Calico rule that allows all but the port called web, whose number each pod chooses itself."""
    pods = tuple(
        Endpoint(kind=EndpointKind.POD, workload=f"n/{number}[Pod]", name=str(number), namespace="n", ports=(Port(number, Protocol.TCP, "web"),))
        for number in (80, 81)
    )
    rule = Rule(action=Action.ALLOW, not_ports=(PortMatch(Protocol.TCP, name="web"), PortMatch(Protocol.UDP, 53, 53)))
    policy = Policy(kind="P", name="p", tier=DEFAULT.name, subject=Anything(), egress=(rule,), isolates_egress=True)
    cluster = Cluster(endpoints=pods, tiers=(DEFAULT,), policies=(policy,))
    stations = plan(cluster, reach(cluster), 50, 16).stations
    rules = Rules(ruleset(cluster, stations))
    one, other = (str(station.address) for station in stations[:2])
    for source, destination, own, foreign in ((one, other, 81, 80), (other, one, 80, 81)):
        assert not rules.allow(Packet(source, destination, "tcp", own))
        assert rules.allow(Packet(source, destination, "tcp", foreign))
        assert rules.allow(Packet(source, destination, "udp", own))
        assert not rules.allow(Packet(source, destination, "udp", 53))


@settings(max_examples=300)
@given(any_clusters)
def test_the_text_means_what_the_matrix_says(cluster: Cluster) -> None:
    judged = reach(cluster)
    chosen = plan(cluster, judged, 50, 16)
    rules = Rules(ruleset(cluster, chosen.stations))
    for source, destination in chosen.pairs():
        one, other = chosen.stations[source], chosen.stations[destination]
        allowed = judged.ports(one.class_, other.class_)
        for protocol, port in (*chosen.ports[destination], (Protocol.SCTP, 80), (Protocol.SCTP, 9999)):
            expected = any(item.protocol is protocol and item.first <= port <= item.last for item in allowed)
            packet = Packet(str(one.address), str(other.address), protocol.lower(), port)
            assert rules.allow(packet) == expected, (one.name, other.name, protocol, port)
