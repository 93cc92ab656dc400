"""What changes between two clusters, connection by connection.

Ranges of outside addresses are cut at the bounds of both sides first, so that a range that was split shows as a change only where one is.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from msgspec import Struct

from seawall.deploy.network.connections import Connection
from seawall.deploy.network.model import PortRange
from seawall.deploy.network.universe import Interval, text

Pair = tuple[str, str]
Ports = tuple[PortRange, ...]


class Change(Struct, frozen=True, order=True):
    """What one workload may open to another, before and after. ``change`` is ``added``, ``removed`` or ``changed``."""

    src: str
    dst: str
    change: str
    before: Ports = ()
    after: Ports = ()


def changes(before: Iterable[Connection], after: Iterable[Connection]) -> Iterator[Change]:
    """Every pair whose ports differ, sorted."""
    old, new = list(before), list(after)
    cuts = _cuts([*old, *new])
    one, other = _pieces(old, cuts), _pieces(new, cuts)
    found = [
        _change(src, dst, one.get((src, dst), ()), other.get((src, dst), ()))
        for src, dst in one.keys() | other.keys()
        if one.get((src, dst)) != other.get((src, dst))
    ]
    yield from sorted(_joined(found))


def _change(src: str, dst: str, before: Ports, after: Ports) -> Change:
    return Change(src, dst, "added" if not before else "removed" if not after else "changed", before, after)


def interval_of(name: str) -> Interval | None:
    """The range of addresses that a name spells (``10.0.0.0-10.0.0.255``), or ``None`` for a workload."""
    first, dash, last = name.partition("-")
    if not dash:
        return None
    try:
        low, high = ip_address(first), ip_address(last)
    except ValueError:
        return None
    return low.version, int(low), int(high)


def _cuts(given: Iterable[Connection]) -> dict[int, list[int]]:
    """The first addresses of all ranges, and what follows their last ones, by IP version."""
    found: dict[int, set[int]] = defaultdict(set)
    for connection in given:
        for name in (connection.src, connection.dst):
            if place := interval_of(name):
                found[place[0]] |= {place[1], place[2] + 1}
    return {version: sorted(cuts) for version, cuts in found.items()}


def _pieces(given: Iterable[Connection], cuts: dict[int, list[int]]) -> dict[Pair, Ports]:
    found: dict[Pair, Ports] = {}
    for connection in given:
        for src in _cut(connection.src, cuts):
            for dst in _cut(connection.dst, cuts):
                found[src, dst] = connection.ports
    return found


def _cut(name: str, cuts: dict[int, list[int]]) -> list[str]:
    place = interval_of(name)
    if place is None:
        return [name]
    version, first, last = place
    starts = [cut for cut in cuts[version] if first <= cut <= last]
    return [text((version, start, end - 1)) for start, end in zip(starts, [*starts[1:], last + 1], strict=True)]


def _joined(found: Iterable[Change]) -> Iterator[Change]:
    """Neighbouring ranges with the same change as one."""
    by_kind: dict[object, list[tuple[Interval, Change]]] = defaultdict(list)
    for change in found:
        src, dst = interval_of(change.src), interval_of(change.dst)
        if src is None and dst is None:
            yield change
        elif src is not None:
            by_kind["", change.dst, change.change, change.before, change.after].append((src, change))
        elif dst is not None:
            by_kind[change.src, "", change.change, change.before, change.after].append((dst, change))
    for group in by_kind.values():
        yield from _runs(sorted(group, key=lambda item: item[0]))


def _runs(group: list[tuple[Interval, Change]]) -> Iterator[Change]:
    (version, first, last), sample = group[0]
    for (own, low, high), _ in group[1:]:
        if own == version and low == last + 1:
            last = high
            continue
        yield _with_range(sample, (version, first, last))
        version, first, last = own, low, high
    yield _with_range(sample, (version, first, last))


def _with_range(change: Change, place: Interval) -> Change:
    name = text(place)
    src, dst = (name, change.dst) if interval_of(change.src) else (change.src, name)
    return Change(src, dst, change.change, change.before, change.after)
