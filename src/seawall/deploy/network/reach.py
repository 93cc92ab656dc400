"""What is allowed between all endpoints, at once.

1. Groups that no expression tells apart are one class; a cluster of ten thousand pods has about a thousand.
2. Classes to which the same policies apply are judged the same: one row for each such signature and direction, as words of atoms for each class at
   the other end. Rows are worked out by walking the tiers with masks of what is still undecided.
3. A connection from class ``a`` to class ``b`` is allowed where the egress row of ``a`` at ``b`` and the ingress row of ``b`` at ``a`` both are.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seawall.deploy.network.atoms import Atoms, Words, atoms, plain, resolved
from seawall.deploy.network.basis import Basis, basis
from seawall.deploy.network.model import Action, Anything, Cluster, Direction, Expression, Policy, PortMatch, PortRange, Rule, Tier
from seawall.deploy.network.universe import Group

_ANYTHING: Final = Anything()

Places = NDArray[np.intp]
Members = NDArray[np.bool_]


def rules_of(policy: Policy, direction: Direction) -> tuple[Rule, ...]:
    """The rules of one direction."""
    return policy.ingress if direction is Direction.INGRESS else policy.egress


def isolates(policy: Policy, direction: Direction) -> bool:
    """Whether the tier's default speaks for what the policy selects, in this direction."""
    return policy.isolates_ingress if direction is Direction.INGRESS else policy.isolates_egress


def chain(cluster: Cluster, direction: Direction) -> list[tuple[Tier, list[Policy]]]:
    """The enforced policies that speak of a direction, by tier, both in their order."""
    by_tier: dict[str, list[Policy]] = defaultdict(list)
    for policy in cluster.policies:
        if not policy.staged and (rules_of(policy, direction) or isolates(policy, direction)):
            by_tier[policy.tier].append(policy)
    tiers = sorted((tier for tier in cluster.tiers if tier.name in by_tier), key=lambda tier: (tier.order, tier.name))
    return [(tier, sorted(by_tier[tier.name], key=_place)) for tier in tiers]


def _place(policy: Policy) -> tuple[float, str, str]:
    """Where a policy stands in its tier; equal orders are told apart by name, as Calico does it."""
    return policy.order, f"{policy.namespace}/{policy.name}" if policy.namespace else policy.name, policy.kind


def expressions_of(policies: Iterable[Policy]) -> list[Expression]:
    """Every distinct expression, in the order of first use."""
    found: dict[Expression, None] = {}
    for policy in policies:
        found[policy.subject] = None
        for rule in (*policy.ingress, *policy.egress):
            found[rule.peer] = None
            found[rule.subject] = None
    return list(found)


def matches_of(policies: Iterable[Policy]) -> Iterator[PortMatch]:
    """Every port match."""
    for policy in policies:
        for rule in (*policy.ingress, *policy.egress):
            yield from rule.ports
            yield from rule.not_ports


class Side(Struct, frozen=True):
    """One direction: ``rows[signature[class]]`` holds, for each class at the other end, the words of what is allowed."""

    signature: Places
    rows: NDArray[np.uint64]


class Reach(Struct, frozen=True):
    """What is allowed. ``class_of[n]`` is the class of ``groups[n]``; ``first[c]`` the first group of class ``c``."""

    groups: tuple[Group, ...]
    atoms: Atoms
    class_of: Places
    first: Places
    ingress: Side
    egress: Side
    basis: Basis

    def between(self, source: int, destination: int) -> Words:
        """The mask from one class to another."""
        mask: Words = self.egress.rows[self.egress.signature[source], destination] & self.ingress.rows[self.ingress.signature[destination], source]
        return mask

    def from_class(self, source: int) -> NDArray[np.uint64]:
        """The masks from one class to all: one row of words for each class."""
        masks: NDArray[np.uint64] = self.egress.rows[self.egress.signature[source]] & self.ingress.rows[self.ingress.signature, source]
        return masks

    def ports(self, source: int, destination: int) -> tuple[PortRange, ...]:
        """What is allowed from one class to another, as ranges."""
        return self.atoms.ports(self.between(source, destination))


def reach(cluster: Cluster, versions: Sequence[int] = (4,), before: Reach | None = None) -> Reach:
    """Judge a cluster. ``versions`` are the IP versions of the outside that are looked at in any case.

    ``before`` is an earlier judgement of the same endpoints under other policies (policies that are the same objects are the same): what holds still
    is taken from there. Its classes are kept apart, so that there may be more of them than without it.
    """
    enforced = [policy for policy in cluster.policies if not policy.staged]
    expressions = expressions_of(enforced)
    ground = basis(cluster, expressions, matches_of(enforced), versions, before.basis if before else None)
    found = ground.groups
    cut = atoms(ground.matches, [group.endpoint for group in found])
    names = name_signatures(found, [match for match in ground.matches if match.name])
    class_of, first = _unique(_with_numbers(ground.columns, names))
    members = np.ascontiguousarray(np.unpackbits(ground.columns[first], axis=1).T).view(np.bool_)
    judge = Judge(cluster, cut, found, first, {expression: members[place] for expression, place in ground.place_of.items()}, names[first])
    kept = before if before and before.basis.groups is found and cut.ranges == before.atoms.ranges else None
    return Reach(found, cut, class_of, first, judge.side(Direction.INGRESS, kept), judge.side(Direction.EGRESS, kept), ground)


def name_signatures(found: Sequence[Group], named: Sequence[PortMatch]) -> Places:
    """A number for each group, equal where all port names mean the same."""
    if not named:
        return np.zeros(len(found), dtype=np.intp)
    numbers: dict[object, int] = {}
    return np.array(
        [numbers.setdefault(tuple(resolved(match, group.endpoint) for match in named), len(numbers)) for group in found], dtype=np.intp
    ).reshape(len(found))


def _with_numbers(columns: NDArray[np.uint8], numbers: Places) -> NDArray[np.uint8]:
    return np.concatenate([columns, numbers[:, None].astype(">u4").view(np.uint8).reshape(len(numbers), 4)], axis=1)


def _unique(rows: NDArray[np.uint8]) -> tuple[Places, Places]:
    """A number for each row, equal rows having equal ones, and the first row of each."""
    numbers: dict[bytes, int] = {}
    first: list[int] = []
    number = np.empty(len(rows), dtype=np.intp)
    for place, row in enumerate(np.ascontiguousarray(rows)):
        number[place] = numbers.setdefault(row.tobytes(), len(numbers))
        if len(numbers) > len(first):
            first.append(place)
    return number, np.array(first, dtype=np.intp)


class Judge:
    """Works out the rows of both directions. Everything here counts in classes."""

    def __init__(
        self, cluster: Cluster, cut: Atoms, found: Sequence[Group], first: Places, members: dict[Expression, Members], names: Places
    ) -> None:
        self._cluster = cluster
        self._first = first
        self._atoms = cut
        self._endpoints = [found[place].endpoint for place in first]
        self._members = members
        self._names = names
        self._size = len(first)
        self._masks: dict[object, NDArray[np.uint64]] = {}

    def side(self, direction: Direction, before: Reach | None = None) -> Side:
        """One direction. Of ``before``, which has the same groups and atoms, the rows of those are kept to whom still the same policies apply."""
        tiers = chain(self._cluster, direction)
        by_name = {tier.name: tier for tier, _ in tiers}
        policies = [policy for _, applied in tiers for policy in applied]
        narrowed = [rule for policy in policies for rule in rules_of(policy, direction) if rule.subject != _ANYTHING]
        bits = np.array(
            [*(self._members[policy.subject] for policy in policies), *(self._members[rule.subject] for rule in narrowed)], dtype=np.bool_
        ).reshape(len(policies) + len(narrowed), self._size)
        columns = np.packbits(bits.T, axis=1)
        if direction is Direction.INGRESS and any(match.name for match in matches_of(policies)):
            columns = _with_numbers(columns, self._names)
        if columns.shape[1] == 0:
            columns = np.zeros((self._size, 1), dtype=np.uint8)
        signature, first = _unique(columns)
        rows = np.empty((len(first), self._size, self._atoms.words), dtype=np.uint64)
        judged = self._keep(rows, first, direction, before) if before else np.zeros(len(first), dtype=np.bool_)
        for number, subject in enumerate(first):
            if judged[number]:
                continue
            applied = [policies[place] for place in np.flatnonzero(bits[: len(policies), subject])]
            by_tier = [(tier, list(group)) for tier, group in groupby(applied, key=lambda policy: by_name[policy.tier])]
            rows[number] = self.row(by_tier, direction, int(subject))
        return Side(signature, rows)

    def _keep(self, rows: NDArray[np.uint64], first: Places, direction: Direction, before: Reach) -> Members:
        """Fill in the rows that are known from before, and tell which these are."""
        old = before.basis.cluster
        if old.tiers != self._cluster.tiers:
            return np.zeros(len(first), dtype=np.bool_)
        was, now = ({id(policy): policy for _, applied in chain(cluster, direction) for policy in applied} for cluster in (old, self._cluster))
        changed = np.zeros(self._size, dtype=np.bool_)
        for number in was.keys() ^ now.keys():
            changed |= self._members[(was.get(number) or now[number]).subject]
        parent = before.class_of[self._first]
        side = before.ingress if direction is Direction.INGRESS else before.egress
        kept: Members = ~changed[first]
        for number in np.flatnonzero(kept).tolist():
            np.take(side.rows[side.signature[parent[first[number]]]], parent, axis=0, out=rows[number], mode="clip")
        return kept

    def row(self, tiers: Sequence[tuple[Tier, list[Policy]]], direction: Direction, subject: int) -> NDArray[np.uint64]:
        """What a class of subjects allows to or from every class, by the policies of each tier that select it."""
        allowed = np.zeros((self._size, self._atoms.words), dtype=np.uint64)
        undecided = np.tile(self._atoms.all, (self._size, 1))
        for tier, applied in tiers:
            rules = [rule for policy in applied for rule in rules_of(policy, direction) if self._members[rule.subject][subject]]
            here = undecided.copy()  # what no rule of this tier has matched
            if all(rule.action is Action.ALLOW for rule in rules):
                granted = self._granted(rules, direction, subject) & here
                allowed |= granted
                undecided &= ~granted
                here &= ~granted
            else:
                for rule in rules:
                    if rule.action is Action.LOG:
                        continue
                    matched = self._granted([rule], direction, subject) & here
                    here &= ~matched
                    if rule.action is not Action.PASS:
                        undecided &= ~matched
                    if rule.action is Action.ALLOW:
                        allowed |= matched
            if tier.default is Action.DENY and any(isolates(policy, direction) for policy in applied):
                undecided &= ~here
        return allowed | undecided

    def _granted(self, rules: Sequence[Rule], direction: Direction, subject: int) -> NDArray[np.uint64]:
        """What one of these rules matches. Rules of the same ports are joined first: most policies speak of few ports."""
        by_ports: dict[tuple[tuple[PortMatch, ...], tuple[PortMatch, ...]], set[Expression]] = defaultdict(set)
        for rule in rules:
            by_ports[rule.ports, rule.not_ports].add(rule.peer)
        granted = np.zeros((self._size, self._atoms.words), dtype=np.uint64)
        for (ports, not_ports), peers in by_ports.items():
            members = np.any([self._members[peer] for peer in peers], axis=0)
            granted[members] |= self._mask(ports, not_ports, direction, subject)[members if direction is Direction.EGRESS else slice(None)]
        return granted

    def _mask(self, ports: tuple[PortMatch, ...], not_ports: tuple[PortMatch, ...], direction: Direction, subject: int) -> NDArray[np.uint64]:
        """The words of a rule's ports: for egress one row for each destination, as names mean something else at each; for ingress one."""
        key = (ports, not_ports, direction, int(self._names[subject]) if direction is Direction.INGRESS else -1)
        found = self._masks.get(key)
        if found is None:
            if direction is Direction.INGRESS:
                found = self._at(ports, not_ports, subject)[None, :]
            elif any(match.name for match in (*ports, *not_ports)):
                found = np.array([self._at(ports, not_ports, destination) for destination in range(self._size)], dtype=np.uint64)
            else:
                found = np.broadcast_to(self._at(ports, not_ports, 0), (self._size, self._atoms.words))
            self._masks[key] = found
        return found

    def _at(self, ports: Iterable[PortMatch], not_ports: Iterable[PortMatch], destination: int) -> Words:
        """The mask of a rule's ports at a destination."""
        chosen = tuple(ports)
        mask = self._atoms.all.copy() if not chosen else self._of(chosen, destination)
        return mask & ~self._of(not_ports, destination)

    def _of(self, matches: Iterable[PortMatch], destination: int) -> Words:
        endpoint = self._endpoints[destination]
        return self._atoms.mask(item for match in matches for item in (resolved(match, endpoint) if match.name else plain(match)))
