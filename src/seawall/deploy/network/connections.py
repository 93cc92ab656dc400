"""What is allowed, as people read it: from workload to workload, with ports."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seawall.deploy.network.atoms import TRANSPORT, Words
from seawall.deploy.network.model import Cluster, EndpointKind, PortRange
from seawall.deploy.network.reach import Reach, matches_of
from seawall.deploy.network.universe import Interval, joined, text

_SHOWN: Final = {EndpointKind.POD, EndpointKind.HOST, EndpointKind.ENTRY, EndpointKind.NAME}
_OPENS: Final = {EndpointKind.POD, EndpointKind.HOST, EndpointKind.ENTRY}  # a DNS name is only ever connected to


class Connection(Struct, frozen=True, order=True):
    """What one workload (or range of outside addresses) may open to another."""

    src: str
    dst: str
    ports: tuple[PortRange, ...]


def connections(cluster: Cluster, reach: Reach) -> Iterator[Connection]:
    """Every pair between which something is allowed, sorted by name. What a workload may open to itself is left out, and what the outside to itself.

    Pods of one workload that differ are taken together: a port is listed where one of them has it.
    """
    workloads = _Workloads(_classes(cluster, reach, _SHOWN))
    names = _classes(cluster, reach, {EndpointKind.NAME})
    is_name = np.array([name in names for name in workloads.names], dtype=np.bool_)
    ranges = _ranges(reach)
    shown = _shown_mask(cluster, reach)
    ports = _Ports(reach)
    outside: dict[tuple[str, bool], dict[bytes, list[Interval]]] = defaultdict(lambda: defaultdict(list))
    found: list[Connection] = []
    for src, own in _classes(cluster, reach, _OPENS).items():
        rows = np.bitwise_or.reduce([reach.from_class(source) for source in own]) & shown
        masks = workloads.masks(rows)
        if ranges:
            # What is allowed to every address is not said again for the names that lead to one.
            everywhere = np.bitwise_and.reduce(rows[list(ranges)])
            masks[is_name & ~(masks & ~everywhere).any(axis=1)] = 0
        found += [Connection(src, dst, ports.of(raw)) for dst, raw in workloads.named(masks) if dst != src]
        for place, pieces in ranges.items():
            if rows[place].any():
                outside[src, True][rows[place].tobytes()] += pieces
    for place, pieces in ranges.items():
        masks = workloads.masks(reach.from_class(place) & shown)
        masks[is_name] = 0
        for dst, raw in workloads.named(masks):
            outside[dst, False][raw] += pieces
    for (workload, outgoing), by_mask in outside.items():
        for raw, pieces in by_mask.items():
            texts = [text(piece) for piece in joined(pieces)]
            found += [Connection(workload, name, ports.of(raw)) if outgoing else Connection(name, workload, ports.of(raw)) for name in texts]
    yield from sorted(found, key=attrgetter("src", "dst"))


class _Workloads:
    """Workloads as destinations, with their classes one behind the other."""

    def __init__(self, classes: Mapping[str, list[int]]) -> None:
        self.names = list(classes)
        self._classes = np.array([place for own in classes.values() for place in own], dtype=np.intp)
        self._starts = np.cumsum([0, *(len(own) for own in classes.values())][:-1], dtype=np.intp)

    def masks(self, rows: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Of rows for classes, those for workloads: what any of its classes has."""
        if not self.names:
            return np.zeros((0, rows.shape[1]), dtype=np.uint64)
        masks: NDArray[np.uint64] = np.bitwise_or.reduceat(rows[self._classes], self._starts, axis=0)
        return masks

    def named(self, masks: NDArray[np.uint64]) -> Iterator[tuple[str, bytes]]:
        """The workloads whose mask is not empty, and these masks."""
        for place in np.flatnonzero(masks.any(axis=1)).tolist():
            yield self.names[place], masks[place].tobytes()


class _Ports:
    """The ranges of masks; there are few different ones."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._known: dict[bytes, tuple[PortRange, ...]] = {}

    def of(self, raw: bytes) -> tuple[PortRange, ...]:
        found = self._known.get(raw)
        if found is None:
            found = self._known[raw] = self._reach.atoms.ports(np.frombuffer(raw, dtype=np.uint64))
        return found


def _classes(cluster: Cluster, reach: Reach, kinds: set[EndpointKind]) -> dict[str, list[int]]:
    """The classes of each workload of these kinds."""
    found: dict[str, set[int]] = defaultdict(set)
    for place, group in enumerate(reach.groups):
        for member in group.members:
            endpoint = cluster.endpoints[member]
            if endpoint.kind in kinds:
                found[endpoint.workload].add(int(reach.class_of[place]))
    return {workload: sorted(own) for workload, own in sorted(found.items())}


def _ranges(reach: Reach) -> Mapping[int, list[Interval]]:
    """The outside addresses of each class that has some."""
    found: dict[int, list[Interval]] = defaultdict(list)
    for place, group in enumerate(reach.groups):
        if group.ranges:
            found[int(reach.class_of[place])] += group.ranges
    return found


def _shown_mask(cluster: Cluster, reach: Reach) -> Words:
    """TCP, UDP and SCTP; ICMP where a policy speaks of it."""
    spoken = {match.protocol for match in matches_of(cluster.policies)}
    return reach.atoms.mask(item for item in reach.atoms.ranges if item.protocol in TRANSPORT or item.protocol in spoken)
