"""What one calls the ends of connections: the names of pods and workloads, and ranges of addresses cut by other ranges."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from seawall.deploy.network.model import Endpoint, EndpointKind
from seawall.deploy.network.universe import Interval

# Addresses that are kept free for examples (RFC 5737, RFC 3849).
_EXAMPLES: Final = tuple((address.version, int(address)) for address in (ip_address("203.0.113.1"), ip_address("2001:db8::1")))


def names_of(endpoint: Endpoint) -> set[str]:
    """What a pod may be called by: its own name and its workload's, in their namespace; the latter with its kind and without."""
    if endpoint.kind not in (EndpointKind.POD, EndpointKind.HOST):
        return set()
    return {endpoint.workload, endpoint.workload.partition("[")[0], f"{endpoint.namespace}/{endpoint.name}"}


def intersected(places: Iterable[Interval], others: Sequence[Interval]) -> list[Interval]:
    """What of some ranges of addresses lies in others."""
    return [
        (version, max(first, low), min(last, high))
        for version, first, last in places
        for own, low, high in others
        if version == own and first <= high and low <= last
    ]


def remaining(places: Iterable[Interval], others: Iterable[Interval]) -> list[Interval]:
    """What of some ranges of addresses lies in no other."""
    left = list(places)
    for own, low, high in others:
        pieces: list[Interval] = []
        for version, first, last in left:
            if version != own or last < low or high < first:
                pieces.append((version, first, last))
                continue
            if first < low:
                pieces.append((version, first, low - 1))
            if high < last:
                pieces.append((version, high + 1, last))
        left = pieces
    return left


def example(places: Sequence[Interval]) -> str:
    """One address of some ranges: one that is kept free for examples if it can be, otherwise the first that a host may have."""
    for kind, number in _EXAMPLES:
        if any(own == kind and first <= number <= last for own, first, last in places):
            return _text(kind, number)
    own, first, last = places[0]
    return _text(own, max(first, 1) if last else first)


def _text(version: int, number: int) -> str:
    return str(IPv4Address(number) if version == 4 else IPv6Address(number))
