"""Which addresses outside, or which ends by name, the pods may connect to, and by which rule."""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seawall.core.resource import Resource
from seawall.core.selector import labels_of
from seawall.deploy.network.atoms import Words
from seawall.deploy.network.model import Direction, EndpointKind, Network, PortRange, Protocol
from seawall.deploy.network.rules.facts import Facts
from seawall.deploy.network.universe import Interval, interval
from seawall.deploy.network.walk import Decision, decide

Address = IPv4Address | IPv6Address

# What is not the public Internet (IANA's registries of special-purpose addresses; multicast and reserved space beside them).
_SPECIAL: Final = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
)
_NOT_PUBLIC: Final[tuple[Network, ...]] = tuple(map(ip_network, _SPECIAL))
_PUBLIC_V6: Final = ip_network("2000::/3")
_KUBERNETES: Final = ("default", "kubernetes")
_API_PORTS: Final = (443, 6443)


class Way(Struct, frozen=True):
    """A workload that may connect to something, on which ports, and what decided that for one of them; no policy where nothing restricts it."""

    workload: str
    to: str
    ports: tuple[PortRange, ...]
    decision: Decision


def to_addresses(facts: Facts, addresses: Iterable[Address], port: int) -> Iterator[Way]:
    """The workloads whose egress is open to one of these addresses on a TCP port, each once, with the first address that is."""
    found = [(address, place) for address in addresses for place in [_place(facts, address)] if place is not None]
    atom = PortRange(Protocol.TCP, port, port)
    for workload, own in facts.classes.items():
        for address, place in found:
            if (number := _allowed(facts, own, place, [atom])) is not None:
                yield Way(workload, str(address), (atom,), _decision(facts, number, place, port))
                break


def to_api_server(facts: Facts) -> Iterator[Way] | None:
    """The workloads whose egress is open to the API server; ``None`` where the input does not say where that is."""
    known = list(dict.fromkeys(_api_servers(facts)))
    return _to_places(facts, known) if known else None


def _to_places(facts: Facts, known: Sequence[tuple[int, int]]) -> Iterator[Way]:
    for workload, own in facts.classes.items():
        for place, port in known:
            atom = PortRange(Protocol.TCP, port, port)
            if (number := _allowed(facts, own, place, [atom])) is not None:
                yield Way(workload, "the API server", (atom,), _decision(facts, number, place, port))
                break


def _api_servers(facts: Facts) -> Iterator[tuple[int, int]]:
    """Groups and ports behind the Service ``default/kubernetes``, and of what a policy calls kube-apiserver."""
    for resource in facts.resources:
        if resource.kind in ("Endpoints", "EndpointSlice") and (resource.namespace or "default") == _KUBERNETES[0]:
            for text, port in _listed(resource):
                place = _place(facts, address) if (address := _address(text)) else None
                if place is not None:
                    yield place, port
    for place, group in enumerate(facts.reach.groups):
        endpoint = group.endpoint
        is_server = endpoint.kind is EndpointKind.HOST and endpoint.labels.get("component") == "kube-apiserver"
        if is_server or (endpoint.kind is EndpointKind.NAME and endpoint.name == "kube-apiserver"):
            yield from ((place, port) for port in _API_PORTS)


def _listed(resource: Resource) -> Iterator[tuple[str, int]]:
    """The addresses and ports of an Endpoints or EndpointSlice of ``kubernetes``."""
    if resource.kind == "EndpointSlice":
        if labels_of(resource.field("metadata", "labels").value).get("kubernetes.io/service-name") != _KUBERNETES[1]:
            return
        texts = [item.text for endpoint in resource.field("endpoints").items() for item in endpoint["addresses"].items()]
        ports = [item["port"].integer for item in resource.field("ports").items()]
    elif resource.name == _KUBERNETES[1]:
        subsets = list(resource.field("subsets").items())
        texts = [item["ip"].text for subset in subsets for item in subset["addresses"].items()]
        ports = [item["port"].integer for subset in subsets for item in subset["ports"].items()]
    else:
        return
    yield from ((text, port) for text in texts for port in ports if port)


def _address(text: str) -> Address | None:
    try:
        return ip_network(text).network_address
    except ValueError:
        return None


def to_anywhere(facts: Facts, except_ports: Sequence[int] = ()) -> Iterator[Way]:
    """The workloads whose egress is open to more than half of the public addresses of an IP version, and on which ports.

    ``except_ports`` are not looked at.
    """
    ignored = facts.reach.atoms.mask(atom for atom in facts.reach.atoms.ranges if atom.first == atom.last and atom.first in except_ports)
    wanted = facts.transport & ~ignored
    outside = [_outside(facts, version) for version in (4, 6)]
    known: dict[tuple[int, ...], tuple[tuple[PortRange, ...], Decision] | None] = {}
    for workload, own in facts.classes.items():
        alike = tuple(sorted(set(facts.reach.egress.signature[own].tolist())))
        if alike not in known:
            known[alike] = next((found for item in outside if (found := _internet(facts, own, item, wanted))), None)
        if (found := known[alike]) is not None:
            yield Way(workload, "the Internet", *found)


class _Public(Struct, frozen=True):
    """The outside groups with public addresses of one IP version, the largest first: their places, classes, and how many such addresses they hold."""

    places: list[int]
    classes: NDArray[np.intp]
    sizes: NDArray[np.float64]


def _outside(facts: Facts, version: int) -> _Public:
    given = ((_public(group.ranges, version), place) for place, group in enumerate(facts.reach.groups) if group.ranges)
    found = sorted(((size, place) for size, place in given if size), reverse=True)
    places = [place for _, place in found]
    return _Public(places, facts.reach.class_of[places] if places else np.empty(0, dtype=np.intp), np.array([float(size) for size, _ in found]))


def _internet(facts: Facts, own: Sequence[int], outside: _Public, wanted: Words) -> tuple[tuple[PortRange, ...], Decision] | None:
    """The ports on which some classes may connect to more than half of the public addresses, and what decided."""
    side = facts.reach.egress
    rows = np.bitwise_or.reduce(side.rows[side.signature[own]][:, outside.classes]) & wanted
    bits = np.unpackbits(np.ascontiguousarray(rows).view(np.uint8), axis=1, bitorder="little")[:, : len(facts.reach.atoms.ranges)]
    reached = outside.sizes @ bits
    ports = facts.reach.atoms.ports(_words(facts, reached * 2 > outside.sizes.sum())) if outside.places else ()
    return (ports, _most(facts, own, outside.places, ports)) if ports else None


def _most(facts: Facts, own: Sequence[int], places: Iterable[int], ports: Sequence[PortRange]) -> Decision:
    """What decided for the first of some outside groups to which one of the ports is open."""
    for place in places:
        for item in ports:
            if (number := _allowed(facts, own, place, [item])) is not None:
                return _decision(facts, number, place, item.first, item.protocol)
    return Decision(True)


def _words(facts: Facts, bits: NDArray[np.bool_]) -> Words:
    return facts.reach.atoms.mask(item for item, chosen in zip(facts.reach.atoms.ranges, bits, strict=True) if chosen)


def _public(ranges: Iterable[Interval], version: int) -> int:
    """How many public addresses of a version some ranges hold."""
    total = 0
    for own, first, last in ranges:
        if own != version:
            continue
        if version == 6:
            total += _overlap((own, first, last), interval(_PUBLIC_V6))
        else:
            total += last - first + 1 - sum(_overlap((own, first, last), interval(network)) for network in _NOT_PUBLIC)
    return total


def _overlap(one: Interval, other: Interval) -> int:
    return max(0, min(one[2], other[2]) - max(one[1], other[1]) + 1)


def _place(facts: Facts, address: Address) -> int | None:
    """The group that an address belongs to: a pod or node whose it is, else the outside around it."""
    version, value = address.version, int(address)
    outside = None
    for place, group in enumerate(facts.reach.groups):
        if group.endpoint.kind is not EndpointKind.NAME and any(address in network for network in group.endpoint.addresses) and not group.ranges:
            return place
        if any(own == version and first <= value <= last for own, first, last in group.ranges):
            outside = place
    return outside


def _allowed(facts: Facts, own: Sequence[int], place: int, ports: Iterable[PortRange]) -> int | None:
    """The first of some classes whose egress is open to a group on one of these ports."""
    side, number = facts.reach.egress, facts.reach.class_of[place]
    wanted = [facts.reach.atoms.number(item.protocol, item.first) for item in ports]
    mask = facts.reach.atoms.mask(facts.reach.atoms.ranges[atom] for atom in wanted)
    return next((one for one in own if (side.rows[side.signature[one], number] & mask).any()), None)


def _decision(facts: Facts, number: int, place: int, port: int, protocol: Protocol = Protocol.TCP) -> Decision:
    """What decides for the egress of a class; the same for all to which the same policies apply."""
    key = (int(facts.reach.egress.signature[number]), place, port, protocol)
    if key not in facts.decisions:
        group = int(facts.reach.first[number])
        end = facts.reach.groups[place].endpoint
        facts.decisions[key] = decide(facts.cluster, Direction.EGRESS, group, place, end, facts.means, protocol, port)
    return facts.decisions[key]
