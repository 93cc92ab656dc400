"""Minimal policies: NetworkPolicies that allow given connections and no others, and the proof that they do.

Each namespace gets a policy that isolates all its pods, and each workload one that allows, on both ends, what it needs. What is written is read again
and judged by the engine; the proof is the difference between what was wanted and what is then allowed, which should be none.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, collapse_addresses, summarize_address_range
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from seawall.core.errors import InputError, UsageError
from seawall.deploy.network.atoms import TRANSPORT, joined
from seawall.deploy.network.changes import Change, changes, interval_of
from seawall.deploy.network.connections import Connection, connections
from seawall.deploy.network.documents import ports as written
from seawall.deploy.network.entries import TIER as ENTRIES
from seawall.deploy.network.identity import Unit, units
from seawall.deploy.network.load import load
from seawall.deploy.network.mesh.layer import layered
from seawall.deploy.network.mesh.model import Mesh
from seawall.deploy.network.model import Cluster, EndpointKind, Network, PortRange, Protocol
from seawall.deploy.network.naming import intersected, remaining
from seawall.deploy.network.reach import Reach, reach
from seawall.deploy.network.universe import Interval
from seawall.io.sources.document import Source
from seawall.io.sources.emit import block, block_entry, block_item
from seawall.io.sources.manifests import resources
from seawall.io.sources.style import Style

DEFAULT_DENY: Final = "default-deny"
DNS_PORTS: Final = (PortRange(Protocol.TCP, 53, 53), PortRange(Protocol.UDP, 53, 53))
_MAX_NAME: Final = 253
_WHOLE: Final = {4: (0, 2**32 - 1), 6: (0, 2**128 - 1)}
_STYLE: Final = Style()

Ports = tuple[PortRange, ...]
Peer = str | Interval
"""The other end: the name of a unit, or a range of addresses."""


class Wanted(Struct, frozen=True):
    """What the policies are to allow.

    ``why`` says, for a pair, where the wish comes from; ``dns`` are workloads that ask a DNS of the cluster that is not in the input itself.
    """

    connections: tuple[Connection, ...]
    why: Mapping[tuple[str, str], str] = {}
    dns: frozenset[str] = frozenset()


class Generated(Struct, frozen=True):
    """``text`` are the policies as YAML. ``missing`` and ``extra`` are the proof: both are empty when exactly what was wanted is allowed.

    ``inexpressible`` are wishes that no NetworkPolicy can grant, ``together`` workloads that no selector tells apart, so that they share a policy.
    """

    text: str
    policies: int
    wanted: int
    missing: tuple[Change, ...]
    extra: tuple[Change, ...]
    inexpressible: tuple[str, ...]
    together: tuple[str, ...]

    @property
    def is_exact(self) -> bool:
        return not self.missing and not self.extra


def declared(cluster: Cluster, mesh: Mesh = Mesh()) -> Wanted:
    """All that is allowed now, between the pods of one workload too; of a mesh, what it does not refuse."""
    judged = layered(cluster, mesh)
    found = (*connections(cluster, judged), *within(cluster, judged))
    return Wanted(tuple(sorted(replace(item, ports=kept) for item in found if (kept := _transport(item.ports)))))


def within(cluster: Cluster, judged: Reach) -> Iterator[Connection]:
    """What the pods of one workload may open to each other, where there is more than one or may be."""
    places: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for place, group in enumerate(judged.groups):
        for member in group.members:
            endpoint = cluster.endpoints[member]
            if endpoint.kind is EndpointKind.POD and not endpoint.workload.endswith("[Pod]"):
                places[endpoint.workload][int(judged.class_of[place])] += 1
    for workload, classes in places.items():
        mask = judged.atoms.mask(())
        for one in classes:
            for other in classes:
                mask = mask | judged.between(one, other)
        if ports := _transport(judged.atoms.ports(mask)):
            yield Connection(workload, workload, ports)


def _transport(ports: Iterable[PortRange]) -> Ports:
    return tuple(item for item in ports if item.protocol in TRANSPORT)


def generate(cluster: Cluster, wanted: Wanted) -> Generated:
    """The policies for all workloads of a cluster, and their proof."""
    plan = _Plan(cluster, wanted)
    text = "\n".join(plan.lines())
    after = under(cluster, text)
    judged = reach(after)
    allowed = [item for item in (*connections(after, judged), *within(after, judged)) if plan.is_governed(item)]
    now = [replace(item, ports=kept) for item in allowed if (kept := _transport(item.ports))]
    differences = list(changes(plan.granted, now))
    return Generated(
        text=text,
        policies=plan.policies,
        wanted=len(plan.granted),
        missing=tuple(item for item in differences if item.change == "removed" or (item.change == "changed" and _lost(item))),
        extra=tuple(item for item in differences if item.change == "added" or (item.change == "changed" and not _lost(item))),
        inexpressible=tuple(plan.inexpressible),
        together=tuple(", ".join(unit.workloads) for unit in plan.units if len(unit.workloads) > 1),
    )


def _lost(change: Change) -> bool:
    after = set(change.after)
    return any(item not in after for item in change.before)


def under(cluster: Cluster, text: str) -> Cluster:
    """The cluster with the policies of a text instead of its own. Ways in are no policies, and stay."""
    read = list(resources(Source("generated", text)))
    objects = [item for item in read if not isinstance(item, InputError)]
    loaded = load(objects)
    problems = [str(item) for item in (*(item for item in read if isinstance(item, InputError)), *loaded.errors)]
    if problems:
        raise UsageError(f"no valid policy can be made of the input's names and labels: {problems[0]}")
    entries = [policy for policy in cluster.policies if policy.tier == ENTRIES.name]
    tiers = {tier.name: tier for tier in (*cluster.tiers, *loaded.cluster.tiers)}
    endpoints = tuple(endpoint for endpoint in cluster.endpoints if endpoint.kind is not EndpointKind.NAME)  # nothing speaks of a name any more
    return replace(cluster, endpoints=endpoints, policies=(*entries, *loaded.cluster.policies), tiers=tuple(tiers.values()))


class _Plan:
    """Who needs what, by unit and peer."""

    def __init__(self, cluster: Cluster, wanted: Wanted) -> None:
        self.units = units(cluster)
        self.policies = 0
        self.inexpressible: list[str] = []
        self._wanted = wanted
        self._unit_of = {workload: unit for unit in self.units for workload in unit.workloads}
        self._fixed = _fixed_addresses(cluster)
        self._ingress: dict[str, dict[Peer, set[PortRange]]] = defaultdict(lambda: defaultdict(set))
        self._egress: dict[str, dict[Peer, set[PortRange]]] = defaultdict(lambda: defaultdict(set))
        self._why: dict[tuple[str, Peer], dict[str, None]] = defaultdict(dict)
        granted: dict[tuple[str, str], set[PortRange]] = defaultdict(set)
        for item in wanted.connections:
            for src, dst, ports in self._add(item):
                granted[src, dst] |= set(ports)
        self.granted = [Connection(src, dst, _merged(ports)) for (src, dst), ports in sorted(granted.items())]

    def is_governed(self, item: Connection) -> bool:
        """Whether a policy can speak of a connection: an end of it is a pod with an address of its own."""
        return item.src in self._unit_of or item.dst in self._unit_of

    def _add(self, item: Connection) -> Iterator[tuple[str, str, Ports]]:
        """Note what a connection needs on both of its ends, and tell all pairs that are allowed by it."""
        source, destination = self._unit_of.get(item.src), self._unit_of.get(item.dst)
        if source is None and destination is None:
            return
        sources, destinations = self._peers(item.src, source), self._peers(item.dst, destination)
        if not sources or not destinations:
            self.inexpressible.append(f"{item.src} => {item.dst} : {written(item.ports)}")
            return
        why = self._wanted.why.get((item.src, item.dst), "")
        for unit, own, peers in ((source, self._egress, destinations), (destination, self._ingress, sources)):
            if unit is not None:
                for peer in peers:
                    own[unit.name][peer] |= set(item.ports)
                    if why:
                        self._why[unit.name, peer][why] = None
        for src in source.workloads if source else self._sharing(item.src):
            for dst in destination.workloads if destination else self._sharing(item.dst):
                if src != dst or not src.endswith("[Pod]"):
                    yield src, dst, item.ports

    def _sharing(self, name: str) -> list[str]:
        """The workloads on the host's network that have an address of this one: a policy cannot tell them apart."""
        own = self._fixed.get(name)
        return [name] if own is None else [other for other, ranges in self._fixed.items() if intersected(ranges, own)]

    def _peers(self, name: str, unit: Unit | None) -> list[Peer]:
        if unit is not None:
            return [unit.name]
        place = interval_of(name)
        return [place] if place is not None else list(self._fixed.get(name, ()))

    # Writing

    def lines(self) -> Iterator[str]:
        namespaces = sorted({unit.namespace for unit in self.units})
        names: dict[str, set[str]] = defaultdict(lambda: {DEFAULT_DENY})
        for number, namespace in enumerate(namespaces):
            yield from ("---",) if number else ()
            yield _comment(f"Nothing reaches the pods of {namespace}, and they reach nothing, but for what the policies below allow.")
            yield from _head(DEFAULT_DENY, namespace)
            yield from ("spec:", "  podSelector: {}", "  policyTypes:", "    - Ingress", "    - Egress")
            self.policies += 1
        for unit in self.units:
            ingress, egress = self._ingress.get(unit.name, {}), self._egress.get(unit.name, {})
            needs_dns = any(workload in self._wanted.dns for workload in unit.workloads)
            if not ingress and not egress and not needs_dns:
                continue
            yield "---"
            yield _comment(", ".join(unit.workloads))
            if len(unit.workloads) > 1:
                yield "# No selector tells these apart, so they may all do what one of them needs."
            yield from _head(_policy_name(unit, names[unit.namespace]), unit.namespace)
            yield from ("spec:", *(f"  {line}" for line in block_entry("podSelector", unit.selector(), _STYLE)))
            yield from ("  policyTypes:", "    - Ingress", "    - Egress")
            yield from self._rules(unit, "ingress", ingress)
            yield from self._rules(unit, "egress", egress, needs_dns=needs_dns)
            self.policies += 1

    def _rules(self, unit: Unit, direction: str, needs: Mapping[Peer, set[PortRange]], *, needs_dns: bool = False) -> Iterator[str]:
        """One rule for each set of ports."""
        by_ports: dict[Ports, list[Peer]] = defaultdict(list)
        for peer, needed in needs.items():
            by_ports[_merged(needed)].append(peer)
        if not by_ports and not needs_dns:
            return
        yield f"  {direction}:"
        side = "from" if direction == "ingress" else "to"
        for ports in sorted(by_ports, key=_order):
            peers = sorted(by_ports[ports], key=lambda peer: (isinstance(peer, tuple), str(peer) if isinstance(peer, str) else "", peer))
            for peer in peers:
                yield from self._reason(unit, peer)
            rule: dict[str, Any] = {side: [one for peer in _gathered(peers) for one in self._peer(unit, peer)]}
            if listed := list(_ports(ports)):
                rule["ports"] = listed
            yield from (f"    {line}" for line in block_item(rule, _STYLE))
        if needs_dns:
            yield "    # The DNS of the cluster, which was asked; it is not in the input."
            peer_ = {"namespaceSelector": _namespace("kube-system"), "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
            yield from (f"    {line}" for line in block_item({side: [peer_], "ports": list(_ports(DNS_PORTS))}, _STYLE))

    def _reason(self, unit: Unit, peer: Peer) -> Iterator[str]:
        why = "; ".join(self._why.get((unit.name, peer), ()))
        if isinstance(peer, str):
            yield "    " + _comment(f"{', '.join(self._unit_of[peer].workloads)}{f': {why}' if why else ''}")
        elif why:
            yield "    " + _comment(f"{_range_text(peer)}: {why}")

    def _peer(self, unit: Unit, peer: "str | list[Interval]") -> Iterator[dict[str, Any]]:
        if isinstance(peer, str):
            other = self._unit_of[peer]
            own = {} if other.namespace == unit.namespace else {"namespaceSelector": _namespace(other.namespace)}
            yield {**own, "podSelector": other.selector()}
        else:
            yield from blocks(peer)


def _comment(text: str) -> str:
    """On one line, whatever the names and times in it hold."""
    return "# " + " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _gathered(peers: Sequence[Peer]) -> Iterator["str | list[Interval]"]:
    """Units one by one, and all addresses together."""
    yield from (peer for peer in peers if isinstance(peer, str))
    if ranges := [peer for peer in peers if isinstance(peer, tuple)]:
        yield ranges


def _head(name: str, namespace: str) -> Iterator[str]:
    yield from block(
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name, "namespace": namespace}},
        _STYLE,
    )


def _namespace(name: str) -> dict[str, Any]:
    return {"matchLabels": {"kubernetes.io/metadata.name": name}}


def _policy_name(unit: Unit, taken: set[str]) -> str:
    """The workload's own name; with its kind, or a number, where another policy has it already."""
    name, _, kind = unit.name.rpartition("/")[2].partition("[")
    base = name[: _MAX_NAME - 20]
    options = (base, f"{base}-{kind.rstrip(']').lower()}", *(f"{base}-{number}" for number in range(2, len(taken) + 3)))
    chosen = next(option for option in options if option not in taken)
    taken.add(chosen)
    return chosen


def _merged(ports: Iterable[PortRange]) -> Ports:
    return joined(sorted(ports, key=lambda item: (TRANSPORT.index(item.protocol), item.first, item.last)))


def _order(ports: Ports) -> list[tuple[int, int, int]]:
    return [(TRANSPORT.index(item.protocol), item.first, item.last) for item in ports]


def _ports(ports: Sequence[PortRange]) -> Iterator[dict[str, Any]]:
    """As ``NetworkPolicyPort``; nothing where everything is meant."""
    if all(PortRange(protocol, 1, 65535) in ports for protocol in TRANSPORT):
        return
    for item in ports:
        if (item.first, item.last) == (1, 65535):
            yield {"protocol": item.protocol.value}
        elif item.first == item.last:
            yield {"protocol": item.protocol.value, "port": item.first}
        else:
            yield {"protocol": item.protocol.value, "port": item.first, "endPort": item.last}


def blocks(ranges: Sequence[Interval]) -> Iterator[dict[str, Any]]:
    """Ranges of addresses as ``ipBlock`` peers: as CIDRs, or as everything with exceptions, whichever is shorter."""
    for version in (4, 6):
        own = sorted(item for item in ranges if item[0] == version)
        if not own:
            continue
        cidrs = _cidrs(own)
        holes = _cidrs(remaining([(version, *_WHOLE[version])], own))
        if len(holes) + 1 >= len(cidrs):
            yield from ({"ipBlock": {"cidr": str(cidr)}} for cidr in cidrs)
        else:
            whole = {"cidr": "0.0.0.0/0" if version == 4 else "::/0"}
            yield {"ipBlock": {**whole, "except": [str(cidr) for cidr in holes]} if holes else whole}


def _cidrs(ranges: Iterable[Interval]) -> list[Network]:
    found: list[Network] = []
    for version, first, last in ranges:
        if version == 4:
            found += summarize_address_range(IPv4Address(first), IPv4Address(last))
        else:
            found += summarize_address_range(IPv6Address(first), IPv6Address(last))
    four = collapse_addresses(item for item in found if item.version == 4)
    six = collapse_addresses(item for item in found if item.version == 6)
    return [*four, *six]


def _range_text(place: Interval) -> str:
    return ", ".join(map(str, _cidrs([place])))


def _fixed_addresses(cluster: Cluster) -> dict[str, list[Interval]]:
    """The addresses by which a policy can speak of pods on the host's network, all of which must have one."""
    found: dict[str, list[Interval] | None] = {}
    for endpoint in cluster.endpoints:
        if endpoint.kind is EndpointKind.HOST:
            own = [(network.version, int(network.network_address), int(network.broadcast_address)) for network in endpoint.addresses]
            before = found.get(endpoint.workload, [])
            found[endpoint.workload] = None if before is None or not own else sorted({*before, *own})
    return {workload: own for workload, own in found.items() if own}
