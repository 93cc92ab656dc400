"""What a test with packets consists of: stations that stand for pods and outside addresses, the ports that are tried, and what is left out.

Every station has an IPv4 address of the test: pods an invented one in 10.0.0.0/8, outside ranges one of their own where a packet can carry it. An
address only tells who somebody is; which peers a policy means was decided before, by labels and real addresses.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network
from itertools import chain, zip_longest
from typing import Final

from msgspec import Struct

from seawall.deploy.network.atoms import MAX_PORT, TRANSPORT, plain
from seawall.deploy.network.model import Cluster, Endpoint, EndpointKind, Policy, Protocol
from seawall.deploy.network.reach import Reach, expressions_of, matches_of
from seawall.deploy.network.universe import Group, networks_of

PROTOCOLS: Final = (Protocol.TCP, Protocol.UDP)
MAX_OUTSIDE: Final = 64  # stations that stand for outside addresses
_TEST_NETWORK: Final = IPv4Network("10.0.0.0/8")
_UNDECLARED: Final = (9999, 40000)  # tried where no policy or container speaks of it; the next free one otherwise
# What a packet may come from and go to: not 0/8 and 127/8, and nothing from multicast (224/4) on.
_USABLE: Final = tuple(
    (int(IPv4Address(first)), int(IPv4Address(last))) for first, last in (("1.0.0.0", "126.255.255.255"), ("128.0.0.0", "223.255.255.255"))
)
_OPENS: Final = (EndpointKind.POD, EndpointKind.HOST, EndpointKind.NODE, EndpointKind.ENTRY, EndpointKind.OUTSIDE)
_RECEIVES: Final = (EndpointKind.POD, EndpointKind.HOST, EndpointKind.NODE, EndpointKind.NAME, EndpointKind.OUTSIDE)

PortOf = tuple[Protocol, int]


class Station(Struct, frozen=True):
    """One end in the test: ``endpoint`` as policies see it, at ``address``. ``class_`` is its class in the matrix."""

    endpoint: Endpoint
    class_: int
    address: IPv4Address
    name: str


class Plan(Struct, frozen=True):
    """``ports[n]`` are tried at ``stations[n]``. ``router`` is an address that no station has. ``not_tested`` is for people."""

    stations: tuple[Station, ...]
    ports: tuple[tuple[PortOf, ...], ...]
    router: IPv4Address
    notes: tuple[str, ...]
    not_tested: tuple[str, ...]

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Who tries to connect to whom: everyone to everyone, but for the outside to itself, and for what opens or receives nothing."""
        sources = [number for number, station in enumerate(self.stations) if station.endpoint.kind in _OPENS]
        destinations = [number for number, station in enumerate(self.stations) if station.endpoint.kind in _RECEIVES]
        for source in sources:
            is_outside = self.stations[source].endpoint.kind is EndpointKind.OUTSIDE
            for destination in destinations:
                kind = self.stations[destination].endpoint.kind
                if source != destination and not (is_outside and kind in (EndpointKind.OUTSIDE, EndpointKind.NAME)):
                    yield source, destination


def plan(cluster: Cluster, reach: Reach, max_pods: int, max_ports: int) -> Plan:
    """Choose what is tested: at most so many pods, those of different classes first, and at most so many ports of policies for each protocol."""
    notes: list[str] = []
    not_tested: list[str] = []
    if any(True for expression in expressions_of(_enforced(cluster)) for _ in networks_of(expression)):
        notes.append("every pod stands at a test address; which address ranges hold it was decided by its real address")
    inside = [(cluster.endpoints[member], place) for place, group in enumerate(reach.groups) for member in group.members]
    chosen = _by_class([int(reach.class_of[place]) for _, place in inside])
    if len(chosen) > max_pods:
        left = {int(reach.class_of[inside[number][1]]) for number in chosen[max_pods:]}
        untested = len(left - {int(reach.class_of[inside[number][1]]) for number in chosen[:max_pods]})
        notes.append(f"{max_pods} of {len(chosen)} pods stand for all: pods of one class are treated alike (--max-pods)")
        if untested:
            not_tested.append(f"{untested} classes of pods, of which none is among the {max_pods} (--max-pods)")
    outside = list(_samples(reach.groups))
    if len(outside) > MAX_OUTSIDE:
        not_tested.append(f"{len(outside) - MAX_OUTSIDE} of {len(outside)} samples of outside addresses")
    given = [*(inside[number] for number in sorted(chosen[:max_pods])), *outside[:MAX_OUTSIDE]]
    free = _free_addresses([endpoint for endpoint, _ in given])
    stations = tuple(Station(endpoint, int(reach.class_of[place]), _carried(endpoint) or next(free), _name(endpoint)) for endpoint, place in given)
    moved = [station.name for station in stations if station.endpoint.kind is EndpointKind.OUTSIDE and _carried(station.endpoint) is None]
    if moved:
        notes.append(f"stood at a test address, as IPv4 packets cannot carry theirs: {', '.join(moved)}")
    edges = _policy_ports(cluster)
    common = [(protocol, port) for protocol in PROTOCOLS for port in (*_spread(edges[protocol], max_ports), _unspoken(cluster, edges[protocol]))]
    ports = tuple(_ports_at(station.endpoint, common, max_ports) for station in stations)
    if any(len(found) > max_ports for found in edges.values()):
        not_tested.append(f"ports that policies name, beyond {max_ports} of a protocol (--max-ports)")
    if any(len(_declared(station.endpoint, protocol)) > max_ports for station in stations for protocol in PROTOCOLS):
        not_tested.append(f"ports that a pod declares, beyond {max_ports} of a protocol (--max-ports)")
    not_tested += _never_tested(cluster, stations)
    return Plan(stations, ports, next(free), tuple(notes), tuple(not_tested))


def _by_class(classes: Sequence[int]) -> list[int]:
    """Places, one of each class first, then a second of each, and so on."""
    of: dict[int, list[int]] = defaultdict(list)
    for place, class_ in enumerate(classes):
        of[class_].append(place)
    return [place for row in zip_longest(*of.values()) for place in row if place is not None]


def _samples(groups: Iterable[Group]) -> Iterator[tuple[Endpoint, int]]:
    """For each group of outside addresses its first and its last one that a packet can carry: rules are most often wrong at the edges."""
    for place, group in enumerate(groups):
        if group.endpoint.kind is not EndpointKind.OUTSIDE:
            continue
        usable = [
            (4, max(first, low), min(last, high))
            for version, first, last in group.ranges
            for low, high in _USABLE
            if version == 4 and first <= high and low <= last
        ]
        edges = dict.fromkeys((usable[0][1], usable[-1][2])) if usable else {}
        for address in edges:
            network = IPv4Network(address)
            yield Endpoint(kind=EndpointKind.OUTSIDE, workload=str(network.network_address), addresses=(network,)), place
        if not usable:
            yield group.endpoint, place


def _carried(endpoint: Endpoint) -> IPv4Address | None:
    """The address of an outside station itself, if a packet can carry it."""
    if endpoint.kind is not EndpointKind.OUTSIDE:
        return None
    network = endpoint.addresses[0]
    if isinstance(network, IPv4Network) and any(low <= int(network.network_address) <= high for low, high in _USABLE):
        return network.network_address
    return None


def _free_addresses(endpoints: Iterable[Endpoint]) -> Iterator[IPv4Address]:
    taken = {_carried(endpoint) for endpoint in endpoints}
    return (address for address in _TEST_NETWORK.hosts() if address not in taken)


def _name(endpoint: Endpoint) -> str:
    return f"{endpoint.namespace}/{endpoint.name}" if endpoint.namespace and endpoint.name else endpoint.workload


def _enforced(cluster: Cluster) -> list[Policy]:
    return [policy for policy in cluster.policies if not policy.staged]


def _policy_ports(cluster: Cluster) -> dict[Protocol, list[int]]:
    """The ports at the edges of what policies say of ports: of a range its first and last port, and their neighbours outside."""
    found: dict[Protocol, set[int]] = {protocol: set() for protocol in TRANSPORT}
    for match in set(matches_of(_enforced(cluster))):
        for item in () if match.name else plain(match):
            if item.protocol in found and (item.first, item.last) != (1, MAX_PORT):
                found[item.protocol] |= {item.first, item.last}
                found[item.protocol] |= {item.first - 1, item.last + 1} if item.first != item.last else set()
    return {protocol: sorted(found[protocol] & set(range(1, MAX_PORT + 1))) for protocol in PROTOCOLS}


def _unspoken(cluster: Cluster, edges: Sequence[int]) -> int:
    """A port that no container declares and no policy names."""
    spoken = {*edges, *(port.number for endpoint in cluster.endpoints for port in endpoint.ports)}
    return next((port for port in chain(_UNDECLARED, range(1, MAX_PORT + 1)) if port not in spoken), _UNDECLARED[0])


def _spread(numbers: Sequence[int], most: int) -> list[int]:
    """At most so many of them, evenly spread, the first and the last among them."""
    if len(numbers) <= most:
        return list(numbers)
    return [numbers[round(place * (len(numbers) - 1) / max(1, most - 1))] for place in range(most)]


def _declared(endpoint: Endpoint, protocol: Protocol) -> list[int]:
    return sorted({port.number for port in endpoint.ports if port.protocol is protocol})


def _ports_at(endpoint: Endpoint, common: Sequence[PortOf], most: int) -> tuple[PortOf, ...]:
    """The common ports and those that the destination declares: what names mean there is among them."""
    declared = [(protocol, port) for protocol in PROTOCOLS for port in _spread(_declared(endpoint, protocol), most)]
    return tuple(dict.fromkeys((*common, *declared)))


def _never_tested(cluster: Cluster, stations: Iterable[Station]) -> Iterator[str]:
    yield "SCTP, ICMP and ICMPv6"
    yield "ports between those that were tried"
    yield "pods with themselves, and what policies say above the port (HTTP, DNS names)"
    if any(station.endpoint.kind is EndpointKind.POD and not station.endpoint.workload.endswith("[Pod]") for station in stations):
        yield "the replicas of a workload with one another, where the input has no pod but its template"
    if any(policy.staged for policy in cluster.policies):
        yield "staged policies, which are not enforced"
