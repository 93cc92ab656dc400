"""The two layers together: what the network lets through and the mesh does not refuse."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from seawall.deploy.network.mesh.compiled import ALLOWING, BYPASS, marked
from seawall.deploy.network.mesh.model import Mesh
from seawall.deploy.network.model import Action, Cluster, Direction, Endpoint, Policy, Protocol, Restriction, Rule
from seawall.deploy.network.reach import Reach, Side, chain, reach
from seawall.deploy.network.walk import Means, decide


class MeshDecision(Struct, frozen=True):
    """What the mesh says of a connection.

    ``policy`` and ``rule`` decide; a ``policy`` without a rule is an ALLOW policy none of which matched; without a policy nothing speaks of it.
    ``restrictions`` are what of an allowed connection is let through: all of them must hold, and all of one item of ``either``, where it has any.
    """

    allowed: bool
    policy: Policy | None = None
    rule: Rule | None = None
    restrictions: tuple[Restriction, ...] = ()
    either: tuple[tuple[Restriction, ...], ...] = ()


def joined(cluster: Cluster, mesh: Mesh) -> Cluster:
    """The cluster with its endpoints marked and the policies of both layers, but the tiers of the network alone.

    Policies of tiers that are not there decide nothing. So every reach of this cluster, whatever its tiers, has the same groups and classes.
    """
    if not mesh.policies:
        return cluster
    return replace(cluster, endpoints=marked(cluster.endpoints, mesh.profiles), policies=(*cluster.policies, *mesh.policies))


def meshed(cluster: Cluster, mesh: Mesh) -> Cluster:
    """A :func:`joined` cluster with the tiers of the mesh alone."""
    return replace(cluster, tiers=mesh.tiers)


def layered(cluster: Cluster, mesh: Mesh, versions: Sequence[int] = (4,)) -> Reach:
    """The reach of a cluster under both layers."""
    if not mesh.policies:
        return reach(cluster, versions)
    both = joined(cluster, mesh)
    network, refused = reach(both, versions), reach(meshed(both, mesh), versions)
    return replace(network, ingress=_both(network.ingress, refused.ingress), egress=_both(network.egress, refused.egress))


def _both(one: Side, other: Side) -> Side:
    """What both sides allow. Classes of the same two signatures have the same row."""
    pairs = one.signature * len(other.rows) + other.signature
    distinct, signature = np.unique(pairs, return_inverse=True)
    rows = one.rows[distinct // len(other.rows)] & other.rows[distinct % len(other.rows)]
    return Side(signature.reshape(len(pairs)).astype(np.intp), rows)


def judge(cluster: Cluster, subject: int, peer: int, destination: Endpoint, means: Means, protocol: Protocol, port: int) -> MeshDecision:
    """What the mesh says of a connection from group ``peer`` to group ``subject``, which is ``destination``; ``cluster`` is a :func:`meshed` one."""
    verdict = decide(cluster, Direction.INGRESS, subject, peer, destination, means, protocol, port)
    if not verdict.allowed:
        return MeshDecision(False, verdict.policy, verdict.rule)
    restrictions: list[Restriction] = []
    allowing: list[tuple[Policy, Rule]] = []
    for tier, policies in chain(cluster, Direction.INGRESS):
        for policy in policies:
            for rule in policy.ingress if means(policy.subject, subject) else ():
                if not (means(rule.subject, subject) and means(rule.peer, peer) and _holds(rule, protocol, port)):
                    continue
                if policy.kind == BYPASS:
                    return MeshDecision(True)
                if rule.action is Action.LOG:
                    restrictions += rule.restrictions
                elif rule.action is Action.ALLOW and tier.name == ALLOWING.name:
                    allowing.append((policy, rule))
    if verdict.policy is None:
        return MeshDecision(True, restrictions=tuple(dict.fromkeys(restrictions)))
    policy, rule = next(((policy, rule) for policy, rule in allowing if not rule.restrictions), allowing[0])
    choices = tuple(dict.fromkeys(own.restrictions for _, own in allowing)) if rule.restrictions else ()
    if len(choices) == 1:
        restrictions += choices[0]
    return MeshDecision(True, policy, rule, tuple(dict.fromkeys(restrictions)), choices if len(choices) > 1 else ())


def _holds(rule: Rule, protocol: Protocol, port: int) -> bool:
    """Rules of the mesh know ports by number only."""
    return any(match.protocol is protocol and match.first <= port <= match.last for match in rule.ports)
