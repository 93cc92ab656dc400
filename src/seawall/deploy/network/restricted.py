"""What is let through only in part: connections of which a policy above the port (HTTP, DNS, an external provider) lets some requests pass.

The reach is worked out a second time as if nothing restricted were let through; what is only in the first one is restricted.
"""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from seawall.deploy.network.mesh.layer import layered
from seawall.deploy.network.mesh.model import Mesh
from seawall.deploy.network.model import Action, Cluster, EndpointKind, Policy, PortRange, Restriction, Rule
from seawall.deploy.network.question import Answer, Questions
from seawall.deploy.network.universe import joined, text

_OPENS = (EndpointKind.POD, EndpointKind.HOST, EndpointKind.ENTRY, EndpointKind.OUTSIDE)


class RestrictedConnection(Struct, frozen=True):
    """Of the connections from ``src`` to ``dst`` on ``ports`` some are let through: each of ``either`` is a list of what must all hold for one."""

    src: str
    dst: str
    ports: tuple[PortRange, ...]
    either: tuple[tuple[Restriction, ...], ...]


def restricted(cluster: Cluster, mesh: Mesh = Mesh()) -> Iterator[RestrictedConnection]:
    """Every restricted connection between workloads and ranges of outside addresses, each once."""
    if not any(rule.restrictions for policy in (*cluster.policies, *mesh.policies) for rule in (*policy.ingress, *policy.egress)):
        return
    versions = (4, 6)
    every = layered(cluster, mesh, versions)
    free = layered(_unrestricted(cluster), replace(mesh, policies=tuple(map(_strict, mesh.policies))), versions)
    questions = Questions(cluster, mesh)
    names = [_names(cluster, questions, place) for place in range(len(every.groups))]
    seen: set[RestrictedConnection] = set()
    for source in range(len(every.first)):
        masks = every.from_class(source) & ~free.from_class(source)
        for destination in np.flatnonzero(masks.any(axis=1)):
            sources = [place for place in np.flatnonzero(every.class_of == source) if every.groups[place].endpoint.kind in _OPENS]
            destinations = np.flatnonzero(every.class_of == destination)
            for ports in every.atoms.ports(masks[destination]) if sources else ():
                answer = questions.ask(int(sources[0]), int(destinations[0]), ports.protocol, ports.first)
                for src in sorted({name for place in sources for name in names[place]}):
                    for dst in sorted({name for place in destinations for name in names[place]}):
                        found = RestrictedConnection(src, dst, (ports,), _either(answer))
                        if src != dst and found not in seen:
                            seen.add(found)
                            yield found


def _unrestricted(cluster: Cluster) -> Cluster:
    return replace(cluster, policies=tuple(map(_strict, cluster.policies)))


def _strict(policy: Policy) -> Policy:
    """The policy as if it let through nothing in part. Its expressions stay, so that classes do."""
    return replace(policy, ingress=tuple(map(_strict_rule, policy.ingress)), egress=tuple(map(_strict_rule, policy.egress)))


def _strict_rule(rule: Rule) -> Rule:
    if not rule.restrictions:
        return rule
    return replace(rule, action=Action.LOG if rule.action is Action.ALLOW else Action.DENY)


def _names(cluster: Cluster, questions: Questions, place: int) -> list[str]:
    group = questions.groups[place]
    if group.ranges:
        return [text(piece) for piece in joined(group.ranges)]
    return sorted({cluster.endpoints[member].workload for member in group.members})


def _either(answer: Answer) -> tuple[tuple[Restriction, ...], ...]:
    """What must hold on both sides and in the mesh; of what the mesh lets one choose from, each choice."""
    network = [item for decision in (answer.egress, answer.ingress) if decision.rule for item in decision.rule.restrictions]
    if answer.mesh is None:
        return (tuple(network),)
    return tuple((*network, *answer.mesh.restrictions, *choice) for choice in answer.mesh.either or ((),))
