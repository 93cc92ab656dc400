"""One connection, judged by walking the tiers as the model says, so that the deciding rule can be named.

The answer is the same as that of ``reach``; this is the slow and readable way to it.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from seawall.deploy.network.atoms import plain, resolved
from seawall.deploy.network.model import Action, Cluster, Direction, Endpoint, Expression, Policy, PortMatch, Protocol, Rule, Tier
from seawall.deploy.network.reach import chain, isolates, rules_of

Chain = Sequence[tuple[Tier, Sequence[Policy]]]
"""Tiers with their policies, both in their order."""
Means = Callable[[Expression, int], bool]
"""Whether an expression means the group of that number: ``Selection.vector(expression)[number]``."""


class Step(Struct, frozen=True):
    """A policy that selects the endpoint, and the first of its rules that matched, if one did."""

    tier: Tier
    policy: Policy
    rule: Rule | None


class Decision(Struct, frozen=True):
    """What one side says.

    ``policy`` and ``rule`` decide; a ``policy`` without a rule is one that isolates where no rule matched; without a policy nothing selects the
    endpoint. ``steps`` are all policies that were asked, in order.
    """

    allowed: bool
    policy: Policy | None = None
    rule: Rule | None = None
    steps: tuple[Step, ...] = ()


def decide(
    cluster: Cluster,
    direction: Direction,
    subject: int,
    peer: int,
    destination: Endpoint,
    means: Means,
    protocol: Protocol,
    port: int,
    tiers: Chain | None = None,
) -> Decision:
    """What the side of ``subject`` says of a connection with ``peer`` on a port of ``destination``, which is one of both.

    For ICMP, ``port`` is the type. ``tiers`` are those of :func:`chain`, for callers that ask often.
    """
    steps: list[Step] = []
    for tier, policies in chain(cluster, direction) if tiers is None else tiers:
        isolating: Policy | None = None
        passed = False
        for policy in policies:
            if not means(policy.subject, subject):
                continue
            if isolating is None and isolates(policy, direction):
                isolating = policy
            rule = _first(rules_of(policy, direction), subject, peer, destination, means, protocol, port)
            steps.append(Step(tier, policy, rule))
            if rule is None:
                continue
            if rule.action is Action.PASS:
                passed = True
                break
            return Decision(rule.action is Action.ALLOW, policy, rule, tuple(steps))
        if not passed and isolating is not None and tier.default is Action.DENY:
            return Decision(False, isolating, None, tuple(steps))
    return Decision(True, steps=tuple(steps))


def _first(rules: tuple[Rule, ...], subject: int, peer: int, destination: Endpoint, means: Means, protocol: Protocol, port: int) -> Rule | None:
    """The first rule that matches and does more than log."""
    for rule in rules:
        if (
            rule.action is not Action.LOG
            and means(rule.subject, subject)
            and means(rule.peer, peer)
            and _speaks_of(rule, destination, protocol, port)
        ):
            return rule
    return None


def _speaks_of(rule: Rule, destination: Endpoint, protocol: Protocol, port: int) -> bool:
    named = not rule.ports or any(_holds(match, destination, protocol, port) for match in rule.ports)
    return named and not any(_holds(match, destination, protocol, port) for match in rule.not_ports)


def _holds(match: PortMatch, destination: Endpoint, protocol: Protocol, port: int) -> bool:
    ranges = resolved(match, destination) if match.name else plain(match)
    return any(item.protocol is protocol and item.first <= port <= item.last for item in ranges)
