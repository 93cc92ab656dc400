"""Who is open to everybody, whatever the policies look like."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from seawall.deploy.network.atoms import Words
from seawall.deploy.network.model import Cluster, Direction, EndpointKind, Policy, Rule
from seawall.deploy.network.reach import Side, isolates, reach, rules_of
from seawall.deploy.network.rules.facts import ELSEWHERE, STRANGER, Facts
from seawall.deploy.network.select import Vector

DIRECTIONS: Final = (Direction.INGRESS, Direction.EGRESS)


def side_of(facts: Facts, direction: Direction) -> Side:
    return facts.reach.ingress if direction is Direction.INGRESS else facts.reach.egress


def selected(facts: Facts) -> set[str]:
    """The workloads that a policy selects, in either direction. Of a workload whose pods differ, all must be."""
    chosen = np.zeros(len(facts.reach.first), dtype=np.bool_)
    for policy in facts.policies:
        chosen |= facts.members(policy.subject)
    return {workload for workload, own in facts.classes.items() if chosen[own].all()}


def opened(facts: Facts, direction: Direction) -> set[str]:
    """The workloads for which one of the :func:`openings` speaks."""
    chosen = np.zeros(len(facts.reach.first), dtype=np.bool_)
    for opening in openings(facts):
        if opening.direction is direction:
            chosen |= facts.members(opening.policy.subject)
    return {workload for workload, own in facts.classes.items() if chosen[own].any()}


def idle(facts: Facts) -> list[Policy]:
    """The policies that select no pod, not even one without labels in a namespace of the input; objects with several parts once."""
    by_object: dict[int, list[Policy]] = {}
    for policy in facts.policies:
        by_object.setdefault(id(facts.resource_of(policy)), []).append(policy)
    return [parts[0] for parts in by_object.values() if not any((facts.members(part.subject) & facts.pods).any() for part in parts)]


def open_to_all(facts: Facts, direction: Direction) -> set[str]:
    """The workloads that allow everything of TCP, UDP and SCTP, with every pod, node and outside address, in this direction."""
    side = side_of(facts, direction)
    unlimited = np.array([_is_full(facts, row) for row in side.rows], dtype=np.bool_)
    return {workload for workload, own in facts.classes.items() if unlimited[side.signature[own]].any()}


def _is_full(facts: Facts, row: Words) -> bool:
    return bool(((row[facts.everybody] & facts.transport) == facts.transport).all())


class Opening(Struct, frozen=True):
    """A rule that allows everything to every pod of a namespace, or with no namespace to every pod there is."""

    policy: Policy
    rule: Rule
    direction: Direction


def openings(facts: Facts) -> Iterator[Opening]:
    """The rules that let through everything for all pods that their policy could select."""
    pods = {"": facts.where(lambda endpoint: endpoint.kind is EndpointKind.POD)}
    for namespace in {policy.namespace for policy in facts.policies if policy.namespace}:
        pods[namespace] = facts.where(lambda endpoint, own=namespace: endpoint.kind is EndpointKind.POD and endpoint.namespace == own)  # type: ignore[misc]
    for policy in facts.policies:
        wanted = pods[policy.namespace]
        if not facts.members(policy.subject)[wanted].all():
            continue
        for direction in DIRECTIONS:
            for rule in rules_of(policy, direction) if isolates(policy, direction) else ():
                if rule.action == "allow" and _is_everything(facts, rule, wanted):
                    yield Opening(policy, rule, direction)


def _is_everything(facts: Facts, rule: Rule, subjects: Vector) -> bool:
    plain = not rule.ports and not rule.not_ports and not rule.restrictions
    return plain and bool(facts.members(rule.subject)[subjects].all()) and bool(facts.members(rule.peer)[facts.everybody].all())


def undefended(facts: Facts) -> dict[str, list[Direction]]:
    """For each namespace the directions in which a pod that no policy knows is open, on ports that no policy speaks of.

    The pod carries no labels. Its ingress is open when a pod of an unknown namespace, or every outside address, may connect to it; its egress, when
    it may connect to those.
    """
    cluster = _on_other_ports(facts.cluster)
    judged = reach(cluster, (4, 6))
    number = {
        cluster.endpoints[member].namespace: int(judged.class_of[place])
        for place, group in enumerate(judged.groups)
        for member in group.members
        if cluster.endpoints[member].name == STRANGER
    }
    outside = sorted({int(judged.class_of[place]) for place, group in enumerate(judged.groups) if group.ranges})
    others = [[number[ELSEWHERE]], outside]
    transport = judged.atoms.mask(item for item in judged.atoms.ranges if item.protocol in ("TCP", "UDP", "SCTP"))
    found: dict[str, list[Direction]] = {}
    for namespace, own in number.items():
        for direction in DIRECTIONS:
            side = judged.ingress if direction is Direction.INGRESS else judged.egress
            full = ((side.rows[side.signature[own]] & transport) == transport).all(axis=1)
            if any(full[peers].all() for peers in others):
                found.setdefault(namespace, []).append(direction)
    return found


def _on_other_ports(cluster: Cluster) -> Cluster:
    """The cluster as a port sees it that no rule names."""

    def unnamed(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(replace(rule, not_ports=()) for rule in rules if not rule.ports)

    return replace(
        cluster,
        policies=tuple(replace(policy, ingress=unnamed(policy.ingress), egress=unnamed(policy.egress)) for policy in cluster.policies),
    )
