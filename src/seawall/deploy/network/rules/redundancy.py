"""Policies and rules without which every connection would be as it is, proved by leaving each out and judging again.

The proof covers every pair of pods, nodes and outside ranges on every port, and a pod without labels in each namespace. What was found superfluous
stays away while the rest is tried, so that all of it together may go.

Only rows of what the policy selects are judged again. Where the input is large, that is limited, and what was not tried is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from seawall.deploy.network.model import Action, Direction, Policy, Rule, Tier
from seawall.deploy.network.reach import Judge, chain, expressions_of, isolates, matches_of, name_signatures, rules_of
from seawall.deploy.network.rules.facts import Facts
from seawall.deploy.network.rules.openness import DIRECTIONS, idle, side_of

Row = NDArray[np.uint64]
Rows = Mapping[tuple[Direction, int], Row]

MAX_WORK: Final = 60_000_000
"""Words that are judged again at most; about two seconds."""


class Superfluous(Struct, frozen=True):
    """A policy, or a rule of it, that changes nothing.

    ``why`` is ``repeated`` (others allow and deny the same), ``blocked`` (what it would change is forbidden at the other end) or ``empty`` (no
    destination has its ports). ``beside`` are policies that select the same pods; ``opens`` says that there are none, and the pods are open anyway.
    """

    policy: Policy
    rule: Rule | None
    why: str
    beside: tuple[Policy, ...] = ()
    opens: bool = False


class Untried(Struct, frozen=True):
    """A policy that was not tried, and why."""

    policy: Policy
    reason: str


def superfluous(facts: Facts, max_work: int = MAX_WORK) -> Iterator[Superfluous | Untried]:
    """What could go: whole policies first, then single rules of those that stay; of what says the same twice, the later."""
    trial = _Trial(facts, max_work)
    unused = {id(facts.resource_of(policy)) for policy in idle(facts)}
    objects: dict[int, list[Policy]] = {}
    for policy in facts.policies:
        if id(facts.resource_of(policy)) not in unused:
            objects.setdefault(id(facts.resource_of(policy)), []).append(policy)
    staying: list[list[Policy]] = []
    for parts in reversed(objects.values()):
        answer = trial.without(parts, dict.fromkeys(map(id, parts)))
        if isinstance(answer, str):
            yield Untried(parts[0], answer)
        elif answer is not None:
            yield Superfluous(parts[0], None, answer.why, answer.beside, opens=not answer.beside)
        else:
            staying.append(parts)
    for parts in reversed(staying):
        names = dict.fromkeys(rule.field for part in parts for rule in (*part.ingress, *part.egress) if rule.action is not Action.LOG)
        for name in reversed(names):
            found = _tried(trial, parts, name)
            if isinstance(found, Untried):
                yield found
                break
            if found is not None:
                yield found


def _tried(trial: "_Trial", parts: Sequence[Policy], name: str) -> Superfluous | Untried | None:
    """One rule of an object; where it was compiled to several, all of them together."""
    now = [trial.current(part) for part in parts]
    rules = [rule for part in now for rule in (*part.ingress, *part.egress) if rule.field == name]
    if not rules or not any(trial.facts.members(rule.peer).any() for rule in rules):
        return None  # a peer that nobody is: the rule waits for somebody
    less = {id(part): _less(own, name) for part, own in zip(parts, now, strict=True)}
    answer = trial.without([part for part, own in zip(parts, now, strict=True) if less[id(part)] is not own], less)
    if isinstance(answer, str):
        return Untried(parts[0], answer)
    if answer is None:
        return None
    return Superfluous(parts[0], rules[0], "empty" if trial.matches_no_port(rules[0]) else answer.why, answer.beside)


def _less(policy: Policy, name: str) -> Policy:
    kept = [tuple(rule for rule in rules_of(policy, direction) if rule.field != name) for direction in DIRECTIONS]
    return policy if kept == [policy.ingress, policy.egress] else replace(policy, ingress=kept[0], egress=kept[1])


class _Answer(Struct, frozen=True):
    why: str
    beside: tuple[Policy, ...]


class _Trial:
    """The rows of both directions, and what they become when policies are left out or changed."""

    def __init__(self, facts: Facts, max_work: int) -> None:
        self.facts = facts
        self._left = max_work
        judged = facts.reach
        enforced = [policy for policy in facts.cluster.policies if not policy.staged]
        self._members = {expression: facts.members(expression) for expression in expressions_of(enforced)}
        named = [match for match in dict.fromkeys(matches_of(enforced)) if match.name]
        names = name_signatures(judged.groups, named)[judged.first]
        self._judge = Judge(facts.cluster, judged.atoms, judged.groups, judged.first, self._members, names)
        self._rows = {direction: side_of(facts, direction).rows.copy() for direction in DIRECTIONS}
        self._signature = {direction: side_of(facts, direction).signature for direction in DIRECTIONS}
        self._chains = {
            direction: [(tier, policy) for tier, policies in chain(facts.cluster, direction) for policy in policies] for direction in DIRECTIONS
        }
        self._selects = {
            direction: np.array([self._members[policy.subject] for _, policy in self._chains[direction]], dtype=np.bool_) for direction in DIRECTIONS
        }
        self._current: dict[int, Policy | None] = {id(policy): policy for policy in enforced}

    def current(self, policy: Policy) -> Policy:
        """A policy without the rules that were found superfluous."""
        return self._current[id(policy)] or policy

    def matches_no_port(self, rule: Rule) -> bool:
        """Whether the ports of a rule are names that no pod has."""
        known = {port.name for endpoint in self.facts.cluster.endpoints for port in endpoint.ports}
        return bool(rule.ports) and all(match.name and match.name not in known for match in rule.ports)

    def without(self, parts: Sequence[Policy], instead: Mapping[int, Policy | None]) -> _Answer | str | None:
        """Why nothing changes when these policies are replaced, by nothing where it says ``None``.

        ``None`` where something does change; a text where it is not known, and why.
        """
        changed: dict[tuple[Direction, int], Row] = {}
        beside: dict[int, Policy] = {}
        for direction in DIRECTIONS:
            speaking = [part for part in parts if rules_of(part, direction) or isolates(part, direction)]
            if not speaking:
                continue
            subjects = np.any([self._members[part.subject] for part in speaking], axis=0)
            numbers, first = np.unique(self._signature[direction][subjects], return_index=True)
            for number, subject in zip(numbers, np.flatnonzero(subjects)[first], strict=True):
                before, after = self._applied(direction, subject, {}), self._applied(direction, subject, instead)
                rules = [rule for _, policies in before for policy in policies for rule in rules_of(policy, direction)]
                if any(rule.restrictions for rule in rules):
                    return "rules that look into requests select the same pods"
                self._left -= self._rows[direction][number].size * (1 + len(rules))
                if self._left < 0:
                    return "there are too many policies to try each"
                beside |= {id(policy): policy for _, policies in after for policy in policies}
                row = self._judge.row(after, direction, int(subject))
                if not np.array_equal(row, self._rows[direction][number]):
                    changed[direction, int(number)] = row
        if changed and not self._connects_alike(changed):
            return None
        for (direction, number), row in changed.items():
            self._rows[direction][number] = row
        self._current |= instead
        ids = {id(self.facts.resource_of(part)) for part in parts}
        others = {id(self.facts.resource_of(policy)): policy for policy in beside.values() if id(self.facts.resource_of(policy)) not in ids}
        return _Answer("blocked" if changed else "repeated", tuple(others.values()))

    def _applied(self, direction: Direction, subject: int, instead: Mapping[int, Policy | None]) -> list[tuple[Tier, list[Policy]]]:
        """The policies that select a class as they are now, or as they would be."""
        found: list[tuple[Tier, Policy]] = []
        for place in np.flatnonzero(self._selects[direction][:, subject]):
            tier, policy = self._chains[direction][place]
            own = instead.get(id(policy), self._current[id(policy)])
            if own is not None:
                found.append((tier, own))
        return [(tier, [policy for _, policy in group]) for tier, group in groupby(found, key=lambda item: item[0])]

    def _connects_alike(self, changed: Rows) -> bool:
        """Whether both sides together allow the same with the changed rows."""
        for (direction, number), row in changed.items():
            other = Direction.EGRESS if direction is Direction.INGRESS else Direction.INGRESS
            before = self._rows[direction][number]
            for subject in np.flatnonzero(self._signature[direction] == number):
                there = self._column(other, int(subject), {})
                here = self._column(other, int(subject), changed)
                if not np.array_equal(before & there, row & here):
                    return False
        return True

    def _column(self, direction: Direction, subject: int, changed: Rows) -> Row:
        """What every class allows to or from one class."""
        column: Row = self._rows[direction][self._signature[direction], subject]
        for (own, number), row in changed.items():
            if own is direction:
                column[self._signature[direction] == number] = row[subject]
        return column
