"""All ends that a connection can have: the pods and nodes of the cluster, and the outside, cut where a policy can tell addresses apart.

Endpoints that no policy can tell apart become one group: a thousand replicas cost as much as one. Outside addresses never include those of known
pods and nodes.
"""

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


def groups(cluster: Cluster, expressions: Iterable[Expression], versions: Sequence[int] = (4,)) -> tuple[Group, ...]:
    """The groups of a cluster, in the order in which their first members stand; then the outside ones, by address.

    ``versions`` are the IP versions of the outside that are looked at in any case; one that a policy or an address speaks of is always.
    """
    withins = sorted({within for expression in set(expressions) for within in networks_of(expression)}, key=repr)
    sets = [endpoint for endpoint in cluster.endpoints if endpoint.kind is EndpointKind.SET]
    inside = list(_inside(cluster, withins, sets))
    return (*inside, *_outside(cluster, withins, sets, versions))


def _inside(cluster: Cluster, withins: Sequence[Within], sets: Sequence[Endpoint]) -> Iterator[Group]:
    found: dict[object, list[int]] = {}
    for place, endpoint in enumerate(cluster.endpoints):
        if endpoint.kind is EndpointKind.SET:
            continue
        own = [interval(network) for network in endpoint.addresses] if withins or sets else []
        networks = tuple(number for number, within in enumerate(withins) if any(holds(within, address) for address in own))
        held = tuple(number for number, item in enumerate(sets) if any(contains(item.addresses, address) for address in own))
        key = (
            endpoint.kind,
            endpoint.workload if endpoint.kind in (EndpointKind.NAME, EndpointKind.ENTRY) else "",
            endpoint.namespace,
            tuple(sorted(endpoint.labels.items())),
            endpoint.service_account,
            endpoint.node,
            endpoint.ports,
            networks,
            held,
        )
        found.setdefault(key, []).append(place)
    for places in found.values():
        yield Group(cluster.endpoints[places[0]], tuple(places))


def holds(within: Within, place: Interval) -> bool:
    return contains(within.networks, place) and not contains(within.excepts, place)


def _outside(cluster: Cluster, withins: Sequence[Within], sets: Sequence[Endpoint], versions: Sequence[int]) -> Iterator[Group]:
    """Ranges between the cuts, those of equal membership as one group."""
    named = [interval(network) for within in withins for network in (*within.networks, *within.excepts)]
    named += [interval(network) for item in sets for network in item.addresses]
    known = [interval(network) for endpoint in cluster.endpoints if endpoint.kind in _OWN_ADDRESS for network in endpoint.addresses]
    spoken = {version for version, _, _ in (*named, *known)}
    for version in sorted({*versions, *spoken}):
        low, high = _WHOLE[version]
        bounds = {low, high + 1}
        for own, first, last in (*named, *known):
            if own == version:
                bounds |= {first, last + 1}
        cuts = sorted(bounds)
        gone = sorted((first, last) for own, first, last in known if own == version)
        found: dict[tuple[tuple[int, ...], tuple[int, ...]], list[Interval]] = {}
        place = 0
        for first, following in pairwise(cuts):
            while place < len(gone) and gone[place][1] < first:
                place += 1
            if place < len(gone) and gone[place][0] <= first:
                continue
            piece = (version, first, following - 1)
            key = (
                tuple(number for number, within in enumerate(withins) if holds(within, piece)),
                tuple(number for number, item in enumerate(sets) if contains(item.addresses, piece)),
            )
            pieces = found.setdefault(key, [])
            if pieces and pieces[-1][2] + 1 == first:
                pieces[-1] = (version, pieces[-1][1], following - 1)
            else:
                pieces.append(piece)
        for pieces in found.values():
            addresses = tuple(_network(piece) for piece in pieces[:1])
            yield Group(Endpoint(kind=EndpointKind.OUTSIDE, workload=text(pieces[0]), addresses=addresses), ranges=tuple(pieces))


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
