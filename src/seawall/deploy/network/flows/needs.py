"""What observed flows need to be allowed: the wish that policies are generated from."""

from collections import defaultdict
from ipaddress import ip_address

from msgspec import Struct

from seawall.deploy.network.atoms import TRANSPORT, joined
from seawall.deploy.network.connections import Connection
from seawall.deploy.network.flows.match import Matcher, Unknown, outside_range
from seawall.deploy.network.flows.model import Party, Seen, Verdict
from seawall.deploy.network.flows.read import Observed
from seawall.deploy.network.generate import Wanted
from seawall.deploy.network.mesh.model import Mesh
from seawall.deploy.network.model import Cluster, EndpointKind, PortRange, Protocol
from seawall.deploy.network.question import Questions

_PODS = (EndpointKind.POD, EndpointKind.HOST)


class Needs(Struct, frozen=True):
    """The wish, and what was left out of it: records whose ends are not known, by the reason, and what the policies of now deny, by the pair."""

    wanted: Wanted
    unknown: dict[str, int]
    denied: dict[str, int]


def needs(cluster: Cluster, observed: Observed, mesh: Mesh = Mesh(), *, denied_too: bool = False) -> Needs:
    """What was observed and is allowed now; with ``denied_too``, whatever was observed, but for what its log calls denied.

    Questions to a DNS that is not in the input are needs of the cluster's DNS: to a Service's address, or to a pod that is named like one.
    """
    questions = Questions(cluster, mesh)
    matcher = Matcher(cluster, questions.groups)
    ports: dict[tuple[str, str], set[PortRange]] = defaultdict(set)
    seen: dict[tuple[str, str], Seen] = {}
    unknown: dict[str, int] = defaultdict(int)
    denied: dict[str, int] = defaultdict(int)
    asks_dns: set[str] = set()
    own_dns = _dns_workload(cluster)
    for flow, count in observed.flows.items():
        if flow.protocol not in TRANSPORT or (flow.verdict is Verdict.DENIED and not denied_too):
            continue
        source, destination = matcher.find(flow.source), matcher.find(flow.destination)
        if isinstance(source, Unknown):
            unknown[source.reason] += count.count
            continue
        is_pod = questions.groups[source.group].endpoint.kind in _PODS
        if is_pod and flow.port == 53 and flow.protocol is not Protocol.SCTP and _is_dns(flow.destination, outside=_is_outside(destination)):
            if own_dns is None:
                asks_dns.add(source.name)
                continue
            target = own_dns
        elif isinstance(destination, Unknown):
            unknown[destination.reason] += count.count
            continue
        else:
            target = outside_range(destination.name) if destination.member < 0 else destination.name
            answer = questions.ask(source.group, destination.group, flow.protocol, flow.port)
            if not answer.allowed and not denied_too:
                denied[f"{source.name} => {destination.name} {flow.protocol.value} {flow.port}"] += count.count
                continue
        pair = outside_range(source.name) if source.member < 0 else source.name, target
        ports[pair].add(PortRange(flow.protocol, flow.port, flow.port))
        seen[pair] = seen[pair].and_again(count) if pair in seen else count
    wanted = Wanted(
        connections=tuple(
            Connection(src, dst, joined(sorted(own, key=lambda item: (TRANSPORT.index(item.protocol), item.first))))
            for (src, dst), own in sorted(ports.items())
        ),
        why={pair: _told(count) for pair, count in seen.items()},
        dns=frozenset(asks_dns),
    )
    return Needs(wanted, dict(sorted(unknown.items())), dict(sorted(denied.items())))


def _told(seen: Seen) -> str:
    times = f", {seen.first} to {seen.last}" if seen.first and seen.first != seen.last else f", {seen.first}" if seen.first else ""
    return f"seen {seen.count:,} times{times}" if seen.count != 1 else f"seen once{times}"


def _is_outside(end: object) -> bool:
    return isinstance(end, Unknown) or getattr(end, "member", 0) < 0


def _is_dns(party: Party, *, outside: bool) -> bool:
    """Whether the other end of a connection to port 53, which no pod of the input is, is the cluster's DNS."""
    if not outside:
        return False
    if ("k8s-app", "kube-dns") in party.labels or (party.namespace == "kube-system" and "dns" in (party.name or party.workload)):
        return True
    try:
        return bool(party.address) and not party.namespace and ip_address(party.address).is_private
    except ValueError:
        return False


def _dns_workload(cluster: Cluster) -> str | None:
    """The cluster's DNS, where it is in the input."""
    return next(
        (
            endpoint.workload
            for endpoint in cluster.endpoints
            if endpoint.kind is EndpointKind.POD and endpoint.namespace == "kube-system" and endpoint.labels.get("k8s-app") == "kube-dns"
        ),
        None,
    )
