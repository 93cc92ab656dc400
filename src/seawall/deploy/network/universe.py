"""All ends that a connection can have: the pods and nodes of the cluster, and the outside, cut where a policy can tell addresses apart.

Endpoints that no policy can tell apart become one group: a thousand replicas cost as much as one. Outside addresses never include those of known
pods and nodes.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import pairwise

from msgspec import Struct

from seawall.deploy.network.model import All, Any, Cluster, Endpoint, EndpointKind, Expression, Network, Not, Selected, Within

Interval = tuple[int, int, int]
"""A range of addresses: IP version, first and last as numbers."""

_WHOLE = {4: (0, 2**32 - 1), 6: (0, 2**128 - 1)}
_OWN_ADDRESS = {EndpointKind.POD, EndpointKind.HOST, EndpointKind.NODE}


class Group(Struct, frozen=True):
    """Endpoints that no policy can tell apart. ``ranges`` are the addresses of an outside group; ``members`` the places in ``Cluster.endpoints``."""

    endpoint: Endpoint
    members: tuple[int, ...] = ()
    ranges: tuple[Interval, ...] = ()


def networks_of(expression: Expression) -> Iterator[Within]:
    """Every :class:`Within` of an expression."""
    match expression:
        case Within():
            yield expression
        case Not(inner) | Selected(inner):
            yield from networks_of(inner)
        case All(parts) | Any(parts):
            for part in parts:
                yield from networks_of(part)


def interval(network: Network) -> Interval:
    return network.version, int(network.network_address), int(network.broadcast_address)


def contains(networks: Iterable[Network], place: Interval) -> bool:
    """Whether one of the networks holds the whole range."""
    version, first, last = place
    return any(low <= first and last <= high for own, low, high in map(interval, networks) if own == version)


class _Pieces:
    """Every address by what holds it: bit ``n`` of a mask is the ``n``-th :class:`Within`. Networks are few and pieces are found by halving."""

    def __init__(self, withins: Sequence[Within]) -> None:
        self._withins = withins
        self.starts: dict[int, list[int]] = {}
        self._masks: dict[int, list[int]] = {}
        changes: dict[int, dict[int, list[tuple[int, int, int]]]] = {version: {low: []} for version, (low, _) in _WHOLE.items()}
        self.spoken = {network.version for within in withins for network in (*within.networks, *within.excepts)}
        for number, within in enumerate(withins):
            for networks, sign in ((within.networks, (1, 0)), (within.excepts, (0, 1))):
                for version, first, last in map(interval, networks):
                    changes[version].setdefault(first, []).append((number, *sign))
                    changes[version].setdefault(last + 1, []).append((number, -sign[0], -sign[1]))
        for version, at in changes.items():
            self.starts[version] = sorted(at)
            self._masks[version] = list(self._sweep(at[start] for start in self.starts[version]))

    def _sweep(self, changes: Iterable[list[tuple[int, int, int]]]) -> Iterator[int]:
        inside, outside = [0] * len(self._withins), [0] * len(self._withins)
        mask = 0
        for steps in changes:
            for number, more_inside, more_outside in steps:
                inside[number] += more_inside
                outside[number] += more_outside
                bit = 1 << number
                mask = mask | bit if inside[number] and not outside[number] else mask & ~bit
            yield mask

    def at(self, place: Interval) -> int:
        """What holds a single address, or the whole of a range."""
        version, first, last = place
        if first != last:
            return sum(1 << number for number, within in enumerate(self._withins) if holds(within, place))
        return self._masks[version][bisect_right(self.starts[version], first) - 1]


def groups(cluster: Cluster, expressions: Iterable[Expression], versions: Sequence[int] = (4,)) -> tuple[Group, ...]:
    """The groups of a cluster, in the order in which their first members stand; then the outside ones, by address.

    ``versions`` are the IP versions of the outside that are looked at in any case; one that a policy or an address speaks of is always.
    """
    withins = dict.fromkeys(within for expression in dict.fromkeys(expressions) for within in networks_of(expression))
    sets = (Within(endpoint.addresses) for endpoint in cluster.endpoints if endpoint.kind is EndpointKind.SET)
    pieces = _Pieces([*withins, *sets])
    return (*_inside(cluster, pieces), *_outside(cluster, pieces, versions))


def _inside(cluster: Cluster, pieces: _Pieces) -> Iterator[Group]:
    found: dict[object, list[int]] = {}
    for place, endpoint in enumerate(cluster.endpoints):
        if endpoint.kind is EndpointKind.SET:
            continue
        held = 0
        if endpoint.kind is not EndpointKind.NAME:
            for network in endpoint.addresses:
                held |= pieces.at(interval(network))
        key = (
            endpoint.kind,
            endpoint.workload if endpoint.kind in (EndpointKind.NAME, EndpointKind.ENTRY) else "",
            endpoint.namespace,
            tuple(sorted(endpoint.labels.items())),
            endpoint.service_account,
            endpoint.node,
            endpoint.ports,
            held,
        )
        found.setdefault(key, []).append(place)
    for places in found.values():
        yield Group(cluster.endpoints[places[0]], tuple(places))


def holds(within: Within, place: Interval) -> bool:
    return contains(within.networks, place) and not contains(within.excepts, place)


def _outside(cluster: Cluster, pieces: _Pieces, versions: Sequence[int]) -> Iterator[Group]:
    """Ranges between the cuts, those of equal membership as one group."""
    known = {interval(network) for endpoint in cluster.endpoints if endpoint.kind in _OWN_ADDRESS for network in endpoint.addresses}
    for version in sorted({*versions, *pieces.spoken, *(version for version, _, _ in known)}):
        low, high = _WHOLE[version]
        gone = sorted((first, last) for own, first, last in known if own == version)
        cuts = sorted({low, high + 1, *pieces.starts[version], *(cut for first, last in gone for cut in (first, last + 1))})
        found: dict[int, list[Interval]] = {}
        place, end = 0, -1  # of the known addresses that start at or before a piece: how many there are, and where the last of them ends
        for first, following in pairwise(cuts):
            while place < len(gone) and gone[place][0] <= first:
                end = max(end, gone[place][1])
                place += 1
            if end >= first:
                continue
            own = found.setdefault(pieces.at((version, first, first)), [])
            if own and own[-1][2] + 1 == first:
                own[-1] = (version, own[-1][1], following - 1)
            else:
                own.append((version, first, following - 1))
        for ranges in found.values():
            addresses = tuple(_network(piece) for piece in ranges[:1])
            yield Group(Endpoint(kind=EndpointKind.OUTSIDE, workload=text(ranges[0]), addresses=addresses), ranges=tuple(ranges))


def _network(place: Interval) -> Network:
    """The single first address of a range: enough to ask which networks hold it, as no network ends within it."""
    version, first, _ = place
    return IPv4Network((first, 32)) if version == 4 else IPv6Network((first, 128))


def text(place: Interval) -> str:
    """A range as results show it: ``10.0.0.0-10.255.255.255``."""
    version, first, last = place
    kind = IPv4Address if version == 4 else IPv6Address
    return f"{kind(first)}-{kind(last)}"


def joined(places: Iterable[Interval]) -> list[Interval]:
    """Sorted ranges, neighbours made one."""
    found: list[Interval] = []
    for version, first, last in sorted(places):
        if found and found[-1][0] == version and found[-1][2] + 1 >= first:
            found[-1] = (version, found[-1][1], max(last, found[-1][2]))
        else:
            found.append((version, first, last))
    return found
