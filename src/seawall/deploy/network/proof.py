"""Proof: an assertion holds for every pair of ends and every port, or here is a pair for which it does not.

The matrices of ``reach`` say what is allowed between all classes of endpoints and of outside addresses, over all atoms of ports; nothing is left
out. So what holds for each pair of classes is proved, and what does not is shown by two of their members, a port, and what decides it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seawall.deploy.network.assertions import Assertion, Ends, Isolated, Reaches
from seawall.deploy.network.atoms import TRANSPORT, Words
from seawall.deploy.network.mesh import layer as layers
from seawall.deploy.network.mesh.layer import MeshDecision
from seawall.deploy.network.mesh.model import Mesh
from seawall.deploy.network.model import Action, Cluster, Direction, Endpoint, EndpointKind, PortRange, Protocol
from seawall.deploy.network.naming import example, intersected, names_of, remaining
from seawall.deploy.network.reach import Places, Reach, Side, chain, expressions_of, isolates, matches_of
from seawall.deploy.network.select import Selection
from seawall.deploy.network.universe import Group, Interval, interval, networks_of
from seawall.deploy.network.walk import Decision, decide

_PODS: Final = (EndpointKind.POD, EndpointKind.HOST)
_BEYOND: Final = frozenset({EndpointKind.OUTSIDE, EndpointKind.NAME, EndpointKind.ENTRY})

Members = NDArray[np.bool_]
One = tuple[int, int]
"""A group, and the place of one of its endpoints; -1 for addresses, which are no endpoints."""
Test = Callable[[NDArray[np.uint64]], Members]


class DecidedBy(Struct, frozen=True):
    """The policy and rule that decide, and where the policy stands; ``rule`` is ``None`` where a policy isolates and no rule matched."""

    direction: str
    kind: str
    namespace: str
    name: str
    rule: str | None
    path: str
    line: int | None


class CounterExample(Struct, frozen=True):
    """A connection that is not as the assertion wants it. ``src_pod`` and ``dst_pod`` name the pods where they are called otherwise.

    For isolation, one end, the port and the protocol are ``None``.
    """

    src: str | None
    dst: str | None
    port: int | None
    protocol: str | None
    allowed: bool
    by: DecidedBy | None
    src_pod: str | None = None
    dst_pod: str | None = None


class Result(Struct, frozen=True):
    """Whether an assertion holds. ``reason`` says in words why it does not, or that it speaks of nothing."""

    assertion: str
    holds: bool
    counterexample: CounterExample | None = None
    reason: str = ""


class Prover:
    """Proves assertions on one cluster; the matrices are worked out once. ``judged`` are they, where they are there already: for IPv4 and IPv6."""

    def __init__(self, cluster: Cluster, mesh: Mesh = Mesh(), judged: Reach | None = None) -> None:
        self.cluster = layers.joined(cluster, mesh)
        self._mesh = layers.meshed(self.cluster, mesh) if mesh.policies else None
        self.reach = layers.layered(cluster, mesh, (4, 6)) if judged is None else judged
        self.groups = self.reach.groups
        self.selection = Selection(cluster, self.groups)
        self.beyond = self._of_kind(*_BEYOND)
        spoken = {match.protocol for match in matches_of(cluster.policies)}
        self._everything = tuple(item for item in self.reach.atoms.ranges if item.protocol in TRANSPORT or item.protocol in spoken)

    def prove(self, assertion: Assertion) -> Result:
        """Whether an assertion holds."""
        return self._isolated(assertion) if isinstance(assertion, Isolated) else self._reaches(assertion)

    def _reaches(self, assertion: Reaches) -> Result:
        source, destination = _Side(self, assertion.source), _Side(self, assertion.destination)
        source.groups &= ~self._names  # a name is only ever connected to
        destination.groups &= ~self._entries  # and nothing connects to the controller of a way in
        if not assertion.negative:
            source.groups &= ~self._unspoken
            destination.groups &= ~self._unspoken
        search = _Search(self, source, destination)
        for side in (source, destination):
            if not side.groups.any():
                return _nothing(assertion, f"{side.ends.text} selects nothing")
        if not search.has_pair():
            return _nothing(assertion, f"{destination.ends.text} selects nothing else than {source.ends.text}")
        wanted = self._everything if assertion.ports is None else assertion.ports
        mask = self.reach.atoms.mask(wanted)  # every atom that overlaps them: what is allowed of an atom is so for each port in it
        if assertion.negative:
            search.narrow(mask)
            found = search.first(lambda allowed: _any(allowed & mask))
        else:
            fits: Test = (lambda allowed: _any(allowed & mask)) if assertion.ports is None else (lambda allowed: ~_any(mask & ~allowed))
            some = source.ends.some or destination.ends.some
            found = search.lacking(fits) if some else search.first(lambda allowed: ~fits(allowed))
        if found is None:
            return Result(assertion.text, holds=True)
        return self._refuted(assertion, source, destination, found, wanted)

    def _refuted(self, assertion: Reaches, source: "_Side", destination: "_Side", found: tuple[One, One], wanted: Sequence[PortRange]) -> Result:
        (src, src_member), (dst, dst_member) = found
        allowed = self.reach.between(int(self.reach.class_of[src]), int(self.reach.class_of[dst]))
        wrong = allowed if assertion.negative else self.reach.atoms.all & ~allowed
        protocol, port = _port(_overlaps(wanted, self.reach.atoms.ports(wrong)), self.endpoint(dst, dst_member))
        shown = CounterExample(
            src=source.name(src, src_member),
            dst=destination.name(dst, dst_member),
            port=port,
            protocol=protocol.value,
            allowed=assertion.negative,
            by=self._by(src, dst, protocol, port),
            src_pod=self._pod(src, src_member),
            dst_pod=self._pod(dst, dst_member),
        )
        verb = "reaches" if assertion.negative else "does not reach"
        return Result(assertion.text, False, shown, f"{shown.src} {verb} {shown.dst} on {protocol.value} {port}")

    def _by(self, source: int, destination: int, protocol: Protocol, port: int) -> DecidedBy | None:
        """What decides."""
        end = self.groups[destination].endpoint
        egress = decide(self.cluster, Direction.EGRESS, source, destination, end, self.selection.means, protocol, port)
        ingress = decide(self.cluster, Direction.INGRESS, destination, source, end, self.selection.means, protocol, port)
        mesh = layers.judge(self._mesh, destination, source, end, self.selection.means, protocol, port) if self._mesh else None
        return deciding(egress, ingress, mesh)

    def _isolated(self, assertion: Isolated) -> Result:
        side = _Side(self, assertion.subject)
        side.groups &= ~self.beyond
        if not side.groups.any():
            return _nothing(assertion, f"{side.ends.text} selects nothing")
        for direction in assertion.directions:
            bare = np.flatnonzero(side.groups & ~self._isolating(direction))
            if not len(bare):
                continue
            place = int(bare[0])
            member = next(side.members(place))
            name, pod = side.name(place, member), self._pod(place, member)
            if direction is Direction.INGRESS:
                shown = CounterExample(None, name, None, None, allowed=True, by=None, dst_pod=pod)
            else:
                shown = CounterExample(name, None, None, None, allowed=True, by=None, src_pod=pod)
            return Result(assertion.text, False, shown, f"no policy isolates {name} for {direction.value}")
        return Result(assertion.text, holds=True)

    def _isolating(self, direction: Direction) -> Members:
        """What is isolated, so that the default of a tier denies what no rule allows."""
        found = np.zeros(len(self.groups), dtype=np.bool_)
        for tier, policies in chain(self.cluster, direction):
            if tier.default is Action.DENY:
                for policy in policies:
                    if isolates(policy, direction):
                        found |= self.selection.vector(policy.subject)
        return found

    # What is known of all groups, worked out when it is first asked for

    def _of_kind(self, *kinds: EndpointKind) -> Members:
        return np.array([group.endpoint.kind in kinds for group in self.groups], dtype=np.bool_)

    @cached_property
    def _names(self) -> Members:
        return self._of_kind(EndpointKind.NAME)

    @cached_property
    def _entries(self) -> Members:
        return self._of_kind(EndpointKind.ENTRY)

    @cached_property
    def _unspoken(self) -> Members:
        """Outside addresses of an IP version that nothing in the input speaks of: nobody promises to reach those."""
        own = {network.version for endpoint in self.cluster.endpoints if endpoint.kind not in _BEYOND for network in endpoint.addresses}
        withins = (within for expression in expressions_of(self.cluster.policies) for within in networks_of(expression))
        spoken = own | {4} | {network.version for within in withins for network in (*within.networks, *within.excepts)}
        return np.array([bool(group.ranges) and group.ranges[0][0] not in spoken for group in self.groups], dtype=np.bool_)

    @cached_property
    def by_name(self) -> dict[str, list[One]]:
        """Pods and workloads by ``NAMESPACE/NAME``, with and without the kind."""
        found: dict[str, list[One]] = defaultdict(list)
        for place, group in enumerate(self.groups):
            for member in group.members:
                for name in names_of(self.cluster.endpoints[member]):
                    found[name].append((place, member))
        return found

    @cached_property
    def by_address(self) -> list[tuple[Interval, One]]:
        """What is known of the addresses of pods and nodes."""
        return [
            (interval(network), (place, member))
            for place, group in enumerate(self.groups)
            if group.endpoint.kind not in _BEYOND
            for member in group.members
            for network in self.cluster.endpoints[member].addresses
        ]

    def endpoint(self, place: int, member: int) -> Endpoint:
        return self.cluster.endpoints[member] if member >= 0 else self.groups[place].endpoint

    def _pod(self, place: int, member: int) -> str | None:
        endpoint = self.endpoint(place, member)
        name = f"{endpoint.namespace}/{endpoint.name}"
        return name if endpoint.kind in _PODS and not endpoint.workload.startswith(f"{name}[") else None


class _Side:
    """Whom one side of an assertion means: ``groups`` of whom at least one member is meant, and which members those are."""

    def __init__(self, prover: Prover, ends: Ends) -> None:
        self.ends = ends
        self._prover = prover
        self._whole = np.zeros(len(prover.groups), dtype=np.bool_)
        self._part: dict[int, set[int]] = defaultdict(set)
        self._networks = [interval(end.network) for end in ends.ends if end.network is not None]
        for end in ends.ends:
            vector = prover.selection.vector(end.expression)
            if end.name:
                self._add(prover.by_name.get(end.name, ()), vector)
            elif end.network is not None:
                place = interval(end.network)
                self._add((one for own, one in prover.by_address if intersected([own], [place])), vector)
            else:
                self._whole |= vector
        self.groups = ~self._whole if ends.negated else self._whole.copy()
        touched = {*self._part, *(place for place, group in enumerate(prover.groups) if group.ranges and self._networks)}
        for number in touched:
            if not self._whole[number]:
                self.groups[number] = next(self.members(number), None) is not None

    def _add(self, found: Iterable[One], vector: Members) -> None:
        for place, member in found:
            if vector[place]:
                self._part[place].add(member)

    def members(self, place: int) -> Iterator[int]:
        """The members of a group that are meant."""
        group = self._prover.groups[place]
        if group.ranges:
            yield from (-1,) if self.ranges(group, whole=bool(self._whole[place])) else ()
        elif self._whole[place]:
            yield from () if self.ends.negated else group.members
        else:
            part = self._part.get(place, set())
            yield from (member for member in group.members if (member in part) is not self.ends.negated)

    def ranges(self, group: Group, *, whole: bool) -> list[Interval]:
        """The addresses of an outside group that are meant."""
        if self.ends.negated:
            return [] if whole else remaining(group.ranges, self._networks)
        return list(group.ranges) if whole else intersected(group.ranges, self._networks)

    def name(self, place: int, member: int) -> str:
        """How results show one that is meant: a workload, or one of the addresses."""
        group = self._prover.groups[place]
        return example(self.ranges(group, whole=bool(self._whole[place]))) if group.ranges else self._prover.endpoint(place, member).workload


class _Search:
    """Looks through all pairs of a source and a destination: class by class, as all members of a class are treated alike.

    Pairs that are no connections are left out: a pod with itself, and two ends that are both beyond the cluster.
    """

    def __init__(self, prover: Prover, source: _Side, destination: _Side) -> None:
        self._prover = prover
        self._reach = prover.reach
        self._source, self._destination = source, destination
        self._sources = np.unique(prover.reach.class_of[source.groups])
        self._destinations = np.unique(prover.reach.class_of[destination.groups])

    def has_pair(self) -> bool:
        return self._pair(self._sources, self._destinations) is not None

    def first(self, test: Test) -> tuple[One, One] | None:
        """The first pair for which a test of what is allowed is true. The shorter side is gone through one by one."""
        if len(self._sources) <= len(self._destinations):
            for source in self._sources:
                for destination in self._destinations[test(self._row(source))]:
                    if found := self._pair([source], [destination]):
                        return found
        else:
            ingress, egress = self._reach.ingress, self._reach.egress
            own = egress.signature[self._sources]
            for destination in self._destinations:
                column = egress.rows[own, destination] & ingress.rows[ingress.signature[destination], self._sources]
                for source in self._sources[test(column)]:
                    if found := self._pair([source], [destination]):
                        return found
        return None

    def narrow(self, mask: Words) -> None:
        """Leave out sources whose own side lets nothing of a mask out to any destination, and destinations whose side lets nothing in."""
        sources, destinations = self._sources, self._destinations
        self._sources = sources[_open(self._reach.egress, sources, destinations, mask)]
        self._destinations = destinations[_open(self._reach.ingress, destinations, sources, mask)]

    def _row(self, source: int) -> NDArray[np.uint64]:
        ingress, egress = self._reach.ingress, self._reach.egress
        row: NDArray[np.uint64] = (
            egress.rows[egress.signature[source], self._destinations] & ingress.rows[ingress.signature[self._destinations], source]
        )
        return row

    def lacking(self, fits: Test) -> tuple[One, One] | None:
        """A pair that does not fit and for whose source (or, with ``some`` sources, for every source) this breaks the assertion."""
        some_source, some_destination = self._source.ends.some, self._destination.ends.some
        shown: tuple[One, One] | None = None
        for source in self._sources:
            fitting = fits(self._row(source))
            good, bad = self._few(self._destination, self._destinations[fitting]), self._few(self._destination, self._destinations[~fitting])
            for one in self._members(self._source, [source]):
                reached = next((other for other in good if self._is_connection(one, other)), None)
                missed = next((other for other in bad if self._is_connection(one, other)), None)
                if reached is None and missed is None:
                    continue
                satisfied = reached is not None if some_destination else missed is None
                if satisfied and some_source:
                    return None
                if not satisfied and missed is not None:
                    shown = shown or (one, missed)
                    if not some_source:
                        return shown
        return shown

    def _pair(self, sources: Sequence[int] | Places, destinations: Sequence[int] | Places) -> tuple[One, One] | None:
        """Two members of these classes between which a connection is possible."""
        ends = self._few(self._destination, destinations)
        return next(((one, other) for one in self._few(self._source, sources) for other in ends if self._is_connection(one, other)), None)

    def _few(self, side: _Side, classes: Sequence[int] | Places) -> list[One]:
        """Two members within the cluster and one beyond: if a pair can be made with any, then with one of these."""
        within = islice((one for one in self._members(side, classes) if not self._prover.beyond[one[0]]), 2)
        return [*within, *islice((one for one in self._members(side, classes) if self._prover.beyond[one[0]]), 1)]

    def _members(self, side: _Side, classes: Sequence[int] | Places) -> Iterator[One]:
        chosen = np.isin(self._reach.class_of, classes) if len(classes) != 1 else self._reach.class_of == classes[0]
        for place in np.flatnonzero(side.groups & chosen):
            for member in side.members(int(place)):
                yield int(place), member

    def _is_connection(self, one: One, other: One) -> bool:
        if self._prover.beyond[one[0]] and self._prover.beyond[other[0]]:
            return False
        return one != other or self._prover.endpoint(*one).count > 1


def deciding(egress: Decision, ingress: Decision, mesh: MeshDecision | None) -> DecidedBy | None:
    """The first that denies: what lets out, what lets in, the mesh. Where none does, what lets in, or else what lets out."""
    out, into = decided_by(egress, Direction.EGRESS.value), decided_by(ingress, Direction.INGRESS.value)
    if not egress.allowed:
        return out
    if mesh is not None and ingress.allowed and not mesh.allowed:
        return decided_by(mesh, "mesh")
    return into if not ingress.allowed else into or out


def decided_by(decision: Decision | MeshDecision, direction: str) -> DecidedBy | None:
    """What decided, for documents; ``None`` where no policy did."""
    policy, rule = decision.policy, decision.rule
    if policy is None:
        return None
    where = policy.location
    said = (rule.name or rule.field) if rule else None
    return DecidedBy(direction, policy.kind, policy.namespace, policy.name, said, where.path if where else "", where.line if where else None)


def _open(side: Side, subjects: Places, peers: Places, mask: Words) -> Members:
    """Which subjects allow something of a mask to or from one of the peers: asked once for all subjects of one signature."""
    signatures, which = np.unique(side.signature[subjects], return_inverse=True)
    is_peer = np.zeros(side.rows.shape[1], dtype=np.bool_)
    is_peer[peers] = True
    found = np.array([bool((_any(side.rows[signature] & mask) & is_peer).any()) for signature in signatures], dtype=np.bool_)
    chosen: Members = found[which]
    return chosen


def _any(masks: NDArray[np.uint64]) -> Members:
    found: Members = np.any(masks != 0, axis=-1)
    return found


def _nothing(assertion: Assertion, reason: str) -> Result:
    """An assertion that speaks of nothing: a negative one is true, though hardly as it was meant; a positive one is not proved by it."""
    return Result(assertion.text, isinstance(assertion, Reaches) and assertion.negative, None, reason)


def _overlaps(one: Iterable[PortRange], other: Sequence[PortRange]) -> list[PortRange]:
    return [
        PortRange(item.protocol, max(item.first, own.first), min(item.last, own.last))
        for item in one
        for own in other
        if item.protocol is own.protocol and item.first <= own.last and own.first <= item.last
    ]


def _port(wrong: Sequence[PortRange], destination: Endpoint) -> tuple[Protocol, int]:
    """One port of some ranges: one that the destination declares if there is one, otherwise the first."""
    for port in destination.ports:
        if any(item.protocol is port.protocol and item.first <= port.number <= item.last for item in wrong):
            return port.protocol, port.number
    return wrong[0].protocol, wrong[0].first
