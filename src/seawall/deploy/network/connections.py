"""What is allowed, as people read it: from workload to workload, with ports."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from msgspec import Struct

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
    classes = _classes(cluster, reach, _SHOWN)
    names = _classes(cluster, reach, {EndpointKind.NAME})
    ranges = _ranges(reach)
    shown = _shown_mask(cluster, reach)
    outside_masks: dict[tuple[str, bool], dict[bytes, list[Interval]]] = defaultdict(lambda: defaultdict(list))
    found: dict[tuple[str, str], Words] = {}
    for src, own in _classes(cluster, reach, _OPENS).items():
        rows = np.bitwise_or.reduce([reach.from_class(source) for source in own]) & shown
        some = np.asarray(rows.any(axis=1))
        for dst, others in classes.items():
            # What is allowed to every address is not said again for the names that lead to one.
            if dst in names and ranges and not (np.bitwise_or.reduce(rows[others]) & ~np.bitwise_and.reduce(rows[list(ranges)])).any():
                continue
            if src != dst and some[others].any():
                found[src, dst] = np.bitwise_or.reduce(rows[others])
        for place, pieces in ranges.items():
            if some[place]:
                outside_masks[src, True][rows[place].tobytes()] += pieces
    for place, pieces in ranges.items():
        rows = reach.from_class(place) & shown
        some = np.asarray(rows.any(axis=1))
        for dst, others in classes.items():
            if dst not in names and some[others].any():
                outside_masks[dst, False][np.bitwise_or.reduce(rows[others]).tobytes()] += pieces
    answers = [Connection(src, dst, reach.atoms.ports(mask)) for (src, dst), mask in found.items()]
    for (workload, outgoing), masks in outside_masks.items():
        for raw, pieces in masks.items():
            ports = reach.atoms.ports(np.frombuffer(raw, dtype=np.uint64))
            texts = [text(piece) for piece in joined(pieces)]
            answers += [Connection(workload, name, ports) if outgoing else Connection(name, workload, ports) for name in texts]
    yield from sorted(answers)


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
