"""Flows over policies: what is denied, what is not used, whose ends are unknown, and what a proposal would cut."""

import io
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.deploy.network.flows.match import End, Matcher, Unknown
from seawall.deploy.network.flows.model import Flow, Party, Seen, Verdict
from seawall.deploy.network.flows.needs import needs
from seawall.deploy.network.flows.overlay import overlay
from seawall.deploy.network.flows.read import Observed, read
from seawall.deploy.network.flows.replay import proposed, replay
from seawall.deploy.network.generate import generate
from seawall.deploy.network.model import Cluster, EndpointKind, Protocol
from seawall.deploy.network.question import Questions
from tests.deploy.network.objects import Object, documents, loaded
from tests.deploy.network.test_against_brute import clusters, kubernetes_policies, several
from tests.deploy.network.test_proof import SHOP


def observed(rows: str) -> Observed:
    return read([("flows.csv", io.BytesIO(f"src,dst,port,protocol,verdict\n{rows}".encode()))])


def shop() -> Cluster:
    return loaded(documents(SHOP)).cluster


ROWS = """\
shop/web,shop/api,8080,TCP,
shop/web-7d4f8c7b9d-x2x4z,shop/api,8080,TCP,
shop/web,shop/api,8081,TCP,
shop/api,db/db-0,5432,TCP,
monitoring/prom,db/db,5432,TCP,allowed
monitoring/prom,203.0.113.5,443,TCP,
shop/gone,db/db,5432,TCP,
"""


def test_denied_unused_and_unknown() -> None:
    found = overlay(shop(), observed(ROWS))
    assert (found.records, found.allowed) == (7, 4)
    told = [(item.src, item.dst, item.port, item.count, item.verdict, item.by and f"{item.by.direction} {item.by.name}") for item in found.denied]
    assert told == [
        ("monitoring/prom[Pod]", "db/db[StatefulSet]", 5432, 1, "allowed", "egress prom"),
        ("shop/web[Deployment]", "shop/api[Deployment]", 8081, 1, "unknown", "ingress api"),
    ]
    assert found.unknown == {"no pod shop/gone in the input": 1}
    assert not found.unused_rules
    unused = {(item.src, item.dst) for item in found.unused}
    assert ("shop/web[Deployment]", "db/db[StatefulSet]") in unused
    assert ("shop/api[Deployment]", "db/db[StatefulSet]") not in unused
    assert ("monitoring/prom[Pod]", "0.0.0.0-169.253.255.255") in unused
    assert ("monitoring/prom[Pod]", "169.255.0.0-255.255.255.255") not in unused


def test_rules_that_nobody_used() -> None:
    found = overlay(shop(), observed("shop/web,shop/api,8080,TCP,\n"))
    assert [(item.namespace, item.name, item.direction, item.rule) for item in found.unused_rules] == [
        ("db", "db", "ingress", "spec.ingress[0]"),
        ("monitoring", "prom", "egress", "spec.egress[0]"),
    ]


def pod(name: str, namespace: str, address: str = "", owner: str = "", **labels: str) -> Object:
    metadata: Object = {"name": name, "namespace": namespace, "labels": labels}
    if owner:
        kind, _, other = owner.partition("/")
        metadata["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": kind, "name": other, "controller": True}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [{"name": "c", "image": "i"}]},
        "status": {"podIP": address} if address else {},
    }


def test_who_is_meant() -> None:
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    workloads = [
        {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "a"}, "spec": {"template": template}}
        for kind, name in (("Deployment", "web"), ("Deployment", "web-front"), ("StatefulSet", "db"), ("DaemonSet", "agent"))
    ]
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"addresses": [{"type": "InternalIP", "address": "10.9.0.1"}]}}
    cluster = loaded([*workloads, pod("lone", "a", "10.0.0.7"), node]).cluster
    matcher = Matcher(cluster, Questions(cluster).groups)

    def name(**party: Any) -> str:
        found = matcher.find(Party(**party))
        return found.name if isinstance(found, End) else found.reason

    assert name(namespace="a", name="web-7d4f8c7b9d-x2x4z") == "a/web[Deployment]"
    assert name(namespace="a", name="web-front-7d4f8c7b9d-x2x4z") == "a/web-front[Deployment]"
    assert name(namespace="a", name="web-*") == "a/web[Deployment]"
    assert name(namespace="a", name="web-7d4f8c7b9d-*") == "a/web[Deployment]"
    assert name(namespace="a", name="db-0") == "a/db[StatefulSet]"
    assert name(namespace="a", name="agent-x2x4z") == "a/agent[DaemonSet]"
    assert name(namespace="a", name="db-x") == "no pod a/db-x in the input"
    assert name(namespace="b", name="db-0") == "no pod b/db-0 in the input"
    assert name(namespace="a", name="whatever", workload="web") == "a/web[Deployment]"
    assert name(address="10.0.0.7") == "a/lone[Pod]"
    assert name(address="10.0.0.7", namespace="a", name="db-0") == "a/db[StatefulSet]"  # addresses are used again
    assert name(address="10.9.0.1") == "n1[Node]"
    assert name(address="203.0.113.9") == "203.0.113.9"
    assert name(address="2001:db8::9") == "2001:db8::9"
    assert name(entity="n1") == "n1[Node]"
    assert name(entity="world") == "world is not in the input"
    assert name(address="300.1.1.1") == "'300.1.1.1' is no address"


PROPOSAL = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec:
  podSelector: {matchLabels: {app: api}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {matchLabels: {tier: front}}}]}]
"""


def test_what_a_proposal_would_have_cut() -> None:
    current, proposal = shop(), loaded(documents(PROPOSAL)).cluster
    found = replay(current, proposed(current, proposal), observed(ROWS))
    assert [(item.src, item.dst, item.port, item.by and item.by.name) for item in found.cut] == [
        ("shop/api[Deployment]", "db/db[StatefulSet]", 5432, "api"),
    ]
    assert (found.kept, found.opened, found.still_denied) == (3, 2, 0)
    kept = replay(current, proposed(current, proposal, keep=True), observed(ROWS))
    assert [item.src for item in kept.cut] == ["monitoring/prom[Pod]", "shop/api[Deployment]"]  # the log says that it came about
    assert (kept.kept, kept.opened, kept.still_denied) == (3, 1, 0)


def test_a_flow_that_was_denied_cannot_be_cut() -> None:
    current = shop()
    empty = loaded(documents(PROPOSAL.replace("app: api}}\n", "app: api}}\n  egress: []\n"))).cluster
    found = replay(current, proposed(current, empty), observed("shop/api,db/db,5432,TCP,denied\n"))
    assert (found.cut, found.still_denied) == ((), 1)


def test_needs_keep_to_what_is_allowed() -> None:
    found = needs(shop(), observed(ROWS))
    assert [(item.src, item.dst) for item in found.wanted.connections] == [
        ("monitoring/prom[Pod]", "203.0.113.5-203.0.113.5"),
        ("shop/api[Deployment]", "db/db[StatefulSet]"),
        ("shop/web[Deployment]", "shop/api[Deployment]"),
    ]
    assert found.wanted.why["shop/web[Deployment]", "shop/api[Deployment]"] == "seen 2 times"
    assert list(found.denied) == [
        "monitoring/prom[Pod] => db/db[StatefulSet] TCP 5432",
        "shop/web[Deployment] => shop/api[Deployment] TCP 8081",
    ]
    assert generate(shop(), found.wanted).is_exact
    everything = needs(shop(), observed(ROWS), denied_too=True)
    assert len(everything.wanted.connections) == 4
    assert generate(shop(), everything.wanted).is_exact


def test_dns_is_kept() -> None:
    service = {"src": "shop/web", "dst": "10.96.0.10", "port": 53, "protocol": "UDP"}
    hubble = {
        "flow": {
            "verdict": "FORWARDED",
            "l4": {"UDP": {"destination_port": 53}},
            "source": {"namespace": "shop", "pod_name": "api-7d4f8c7b9d-x2x4z"},
            "destination": {"namespace": "kube-system", "pod_name": "coredns-1", "labels": ["k8s:k8s-app=kube-dns"]},
        }
    }
    flows = read([("f", io.BytesIO("\n".join(map(json.dumps, (service, hubble))).encode()))])
    assert needs(shop(), flows).wanted.dns == {"shop/web[Deployment]", "shop/api[Deployment]"}
    with_dns = loaded([*documents(SHOP), pod("coredns-1", "kube-system", "10.0.0.53", **{"k8s-app": "kube-dns"})]).cluster
    wanted = needs(with_dns, flows).wanted
    assert not wanted.dns
    assert {(item.src, item.dst) for item in wanted.connections} == {
        (f"shop/{name}[Deployment]", "kube-system/coredns-1[Pod]") for name in ("web", "api")
    }


@settings(max_examples=80)
@given(clusters(), several(kubernetes_policies, 0, 3), several(kubernetes_policies, 0, 3), st.data())
def test_flows_agree_with_questions(objects: list[Object], now: list[Object], then: list[Object], data: st.DataObject) -> None:
    current = loaded([*objects, *now]).cluster
    pods = [endpoint for endpoint in current.endpoints if endpoint.kind is EndpointKind.POD]
    if not pods:
        return
    parties = st.sampled_from([*(Party(namespace=item.namespace, name=item.name) for item in pods), Party("203.0.113.9")])
    flows = data.draw(
        st.dictionaries(
            st.builds(Flow, parties, parties, st.sampled_from([Protocol.TCP, Protocol.UDP]), st.sampled_from([53, 80, 81]), st.just(Verdict.UNKNOWN)),
            st.builds(Seen, st.integers(1, 5)),
            max_size=5,
        )
    )
    seen = Observed(flows, len(flows), {}, ())
    after = loaded([*objects, *then]).cluster
    found, played = overlay(current, seen), replay(current, proposed(current, after), seen)

    def allowed(cluster: Cluster, flow: Flow) -> bool:
        questions = Questions(cluster)
        ends = [
            questions.find(party.address)[0]
            if party.address
            else next(
                place
                for place, group in enumerate(questions.groups)
                for member in group.members
                if (cluster.endpoints[member].namespace, cluster.endpoints[member].name) == (party.namespace, party.name)
            )
            for party in (flow.source, flow.destination)
        ]
        return questions.ask(ends[0], ends[1], flow.protocol, flow.port).allowed

    assert found.allowed == sum(count.count for flow, count in flows.items() if allowed(current, flow))
    assert sum(item.count for item in found.denied) == sum(count.count for flow, count in flows.items() if not allowed(current, flow))
    assert sum(item.count for item in played.cut) == sum(
        count.count for flow, count in flows.items() if allowed(current, flow) and not allowed(after, flow)
    )
    assert generate(current, needs(current, seen).wanted).is_exact
    assert not isinstance(found, Unknown)
