"""Ports as bits: every protocol cut into ranges that no policy tells apart, so that a set of ports is a few machine words.

A policy set that names the ports 80 and 8000-8100 of TCP has the atoms TCP 1-79, 80, 81-7999, 8000-8100 and 8101-65535, one for UDP, one for SCTP,
and one for each of ICMP and ICMPv6. Bit ``n`` of a mask is atom ``n``; masks are ``uint64`` words, the lowest bits first.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seawall.deploy.network.model import Endpoint, PortMatch, PortRange, Protocol

Words = NDArray[np.uint64]

MAX_PORT: Final = 65535
MAX_ICMP: Final = 255
TRANSPORT: Final[tuple[Protocol, ...]] = (Protocol.TCP, Protocol.UDP, Protocol.SCTP)
_BOUNDS: Final = {protocol: (1, MAX_PORT) if protocol in TRANSPORT else (0, MAX_ICMP) for protocol in Protocol}
_WORD: Final = 64


class Atoms(Struct, frozen=True, dict=True):
    """The atoms of a policy set, sorted by protocol and port. ``ranges[n]`` is what bit ``n`` stands for."""

    ranges: tuple[PortRange, ...]

    @property
    def words(self) -> int:
        return max(1, -(-len(self.ranges) // _WORD))

    @cached_property
    def all(self) -> Words:
        """The mask of everything."""
        return self._mask(range(len(self.ranges)))

    @cached_property
    def _starts(self) -> dict[Protocol, tuple[list[int], list[int]]]:
        """For each protocol the first ports of its atoms, and their numbers."""
        found: dict[Protocol, tuple[list[int], list[int]]] = {protocol: ([], []) for protocol in Protocol}
        for number, atom in enumerate(self.ranges):
            found[atom.protocol][0].append(atom.first)
            found[atom.protocol][1].append(number)
        return found

    def number(self, protocol: Protocol, port: int) -> int:
        """The atom of a port. Raises ``ValueError`` for a port that the protocol does not have."""
        low, high = _BOUNDS[protocol]
        if not low <= port <= high:
            raise ValueError(f"{protocol} has the ports {low} to {high}, not {port}")
        starts, numbers = self._starts[protocol]
        return numbers[bisect_right(starts, port) - 1]

    def mask(self, ranges: Iterable[PortRange]) -> Words:
        """The mask of ports whose bounds were among the cuts."""
        numbers: list[int] = []
        for item in ranges:
            starts, own = self._starts[item.protocol]
            first = bisect_right(starts, item.first) - 1
            last = bisect_right(starts, item.last) - 1
            numbers += own[max(first, 0) : last + 1]
        return self._mask(numbers)

    def _mask(self, numbers: Iterable[int]) -> Words:
        mask = np.zeros(self.words, dtype=np.uint64)
        for number in numbers:
            mask[number // _WORD] |= np.uint64(1 << (number % _WORD))
        return mask

    def ports(self, mask: Words) -> tuple[PortRange, ...]:
        """The ranges of a mask, neighbours joined."""
        bits = np.unpackbits(mask.view(np.uint8), bitorder="little")[: len(self.ranges)]
        return joined(self.ranges[number] for number in np.flatnonzero(bits))


def joined(ranges: Iterable[PortRange]) -> tuple[PortRange, ...]:
    """Sorted ranges with neighbours made one."""
    found: list[PortRange] = []
    for item in ranges:
        before = found[-1] if found else None
        if before is not None and before.protocol is item.protocol and before.last + 1 >= item.first:
            found[-1] = PortRange(item.protocol, before.first, max(item.last, before.last))
        else:
            found.append(item)
    return tuple(found)


def plain(match: PortMatch) -> tuple[PortRange, ...]:
    """The ranges of a match without a name; none where they are empty or lie outside what the protocol has."""
    found = []
    for protocol in TRANSPORT if match.protocol is None else (match.protocol,):
        low, high = _BOUNDS[protocol]
        if protocol not in TRANSPORT and (match.first, match.last) == (1, MAX_PORT):
            found.append(PortRange(protocol, low, high))  # all types
        elif (first := max(match.first, low)) <= (last := min(match.last, high)):
            found.append(PortRange(protocol, first, last))
    return tuple(found)


def resolved(match: PortMatch, endpoint: Endpoint) -> tuple[PortRange, ...]:
    """The ranges of a match at a destination: a name means the declared ports that are called so, on the protocol that the match names."""
    if not match.name:
        return plain(match)
    wanted = TRANSPORT if match.protocol is None else (match.protocol,)
    return tuple(PortRange(port.protocol, port.number, port.number) for port in endpoint.ports if port.name == match.name and port.protocol in wanted)


def atoms(matches: Iterable[PortMatch], endpoints: Sequence[Endpoint] = ()) -> Atoms:
    """The atoms that these matches tell apart; names are resolved at all endpoints."""
    starts: dict[Protocol, set[int]] = {protocol: {low} for protocol, (low, _) in _BOUNDS.items()}
    names: set[str] = set()
    for match in matches:
        if match.name:
            names.add(match.name)
        for item in plain(match) if not match.name else ():
            starts[item.protocol] |= {item.first, item.last + 1}
    if names:
        for endpoint in endpoints:
            for port in endpoint.ports:
                if port.name in names:
                    starts[port.protocol] |= {port.number, port.number + 1}
    ranges: list[PortRange] = []
    for protocol, cuts in starts.items():
        low, high = _BOUNDS[protocol]
        bounds = [cut for cut in sorted(cuts) if low <= cut <= high]
        ranges += [PortRange(protocol, first, following - 1) for first, following in zip(bounds, [*bounds[1:], high + 1], strict=True)]
    return Atoms(tuple(ranges))
