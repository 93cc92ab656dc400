"""Explanations: which policies select each end of a connection, what their rules say of it, and which of them decides.

Ports that are treated alike, by the same rules, are explained together.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from seawall.deploy.network.atoms import TRANSPORT, atoms, joined
from seawall.deploy.network.documents import ports as written
from seawall.deploy.network.mesh.layer import MeshDecision
from seawall.deploy.network.model import Action, Cluster, Direction, Endpoint, PortRange, Protocol, Restriction
from seawall.deploy.network.proof import DecidedBy, decided_by
from seawall.deploy.network.question import Answer, Questions
from seawall.deploy.network.reach import isolates, matches_of
from seawall.deploy.network.walk import Decision

_VERBS: Final = {Action.ALLOW: "allows it", Action.DENY: "denies it", Action.PASS: "passes it on to the next tier"}
_DEFAULTS: Final = {
    Action.DENY.value: "denies what no rule of it matches, where a policy isolates",
    Action.PASS.value: "passes on what no rule of it matches",
}


class Step(Struct, frozen=True):
    """A policy that selects the end. ``rule`` is the first of its rules that matches, ``action`` what that does; both ``None`` where none matches.

    ``isolates`` says that the tier's default (``default``) speaks for the end where no rule of the tier matches; ``decides`` that it is this one.
    """

    tier: str
    default: str
    kind: str
    namespace: str
    name: str
    path: str
    line: int | None
    rule: str | None
    action: str | None
    restrictions: tuple[str, ...]
    isolates: bool
    decides: bool


class SideExplained(Struct, frozen=True):
    """What one end says, and all policies that were asked, in their order."""

    allowed: bool
    by: DecidedBy | None
    steps: tuple[Step, ...]


class MeshExplained(Struct, frozen=True):
    """What the mesh says after the network. ``restrictions`` must all hold, and all of one item of ``either``, where it has any."""

    allowed: bool
    by: DecidedBy | None
    restrictions: tuple[str, ...]
    either: tuple[tuple[str, ...], ...]


class Explanation(Struct, frozen=True):
    """Why some ports of one destination are allowed or denied to one source. ``mesh`` is ``None`` where there is none."""

    src: str
    dst: str
    ports: tuple[PortRange, ...]
    allowed: bool
    egress: SideExplained
    ingress: SideExplained
    mesh: MeshExplained | None = None


def explain(questions: Questions, cluster: Cluster, source: int, destination: int, asked: PortRange | None = None) -> list[Explanation]:
    """Why one group may connect to another, or may not; of all ports, or of some, each kind of treatment once, by the first of its ports."""
    end = questions.groups[destination].endpoint
    spoken = {match.protocol for match in matches_of(cluster.policies)}
    found: dict[tuple[SideExplained, SideExplained, MeshExplained | None], list[PortRange]] = {}
    answers: dict[object, Answer] = {}
    for item in _cut(cluster, end, asked):
        if asked is None and item.protocol not in TRANSPORT and item.protocol not in spoken:
            continue
        answer = questions.ask(source, destination, item.protocol, item.first)
        key = _side(answer.egress, Direction.EGRESS), _side(answer.ingress, Direction.INGRESS), _mesh(answer.mesh)
        found.setdefault(key, []).append(item)
        answers[key] = answer
    return [
        Explanation(answers[key].source.workload, answers[key].destination.workload, joined(ranges), answers[key].allowed, *key)
        for key, ranges in found.items()
    ]


def _cut(cluster: Cluster, destination: Endpoint, asked: PortRange | None) -> Iterator[PortRange]:
    """The ranges of ports that no policy tells apart at a destination, as far as they are asked about."""
    for item in atoms(matches_of(cluster.policies), [destination]).ranges:
        if asked is None:
            yield item
        elif item.protocol is asked.protocol and item.first <= asked.last and asked.first <= item.last:
            yield PortRange(item.protocol, max(item.first, asked.first), min(item.last, asked.last))


def _side(decision: Decision, direction: Direction) -> SideExplained:
    return SideExplained(decision.allowed, decided_by(decision, direction.value), tuple(_steps(decision, direction)))


def _mesh(decision: MeshDecision | None) -> MeshExplained | None:
    if decision is None:
        return None
    either = tuple(tuple(map(_restriction, own)) for own in decision.either)
    return MeshExplained(decision.allowed, decided_by(decision, "mesh"), tuple(map(_restriction, decision.restrictions)), either)


def _restriction(item: Restriction) -> str:
    return f"{item.kind} {item.detail}"


def _steps(decision: Decision, direction: Direction) -> Iterator[Step]:
    for step in decision.steps:
        where, rule = step.policy.location, step.rule
        yield Step(
            tier=step.tier.name,
            default=step.tier.default.value,
            kind=step.policy.kind,
            namespace=step.policy.namespace,
            name=step.policy.name,
            path=where.path if where else "",
            line=where.line if where else None,
            rule=(rule.name or rule.field or f"rule {rule.index}") if rule else None,
            action=rule.action.value if rule else None,
            restrictions=tuple(map(_restriction, rule.restrictions)) if rule else (),
            isolates=isolates(step.policy, direction),
            decides=decision.policy is step.policy and decision.rule is rule,
        )


def text(explained: Iterable[Explanation]) -> Iterator[str]:
    """The explanations in words."""
    for number, item in enumerate(explained):
        if number:
            yield ""
        yield f"{item.src} => {item.dst}, {written(item.ports)}: {'allowed' if item.allowed else 'denied'}"
        yield from _words(item.egress, "egress", item.src)
        yield from _words(item.ingress, "ingress", item.dst)
        if item.mesh is not None:
            yield from _mesh_words(item.mesh, item.dst)


def _words(side: SideExplained, direction: str, end: str) -> Iterator[str]:
    yield f"  {direction} of {end}: {'allowed' if side.allowed else 'denied'}{_why(side)}"
    tier = ""
    for step in side.steps:
        if step.tier != tier:
            tier = step.tier
            yield f"    tier {tier} ({_DEFAULTS[step.default]})"
        place = f" ({step.path}:{step.line})" if step.path and step.line else ""
        name = f"{step.kind} {step.namespace + '/' if step.namespace else ''}{step.name}"
        what = f"{step.rule} {_VERBS[Action(step.action)]}" if step.action else "no rule of it matches"
        only = f", restricted to {'; '.join(step.restrictions)}" if step.restrictions else ""
        yield f"      {name} selects it{place}: {what}{only}{' <- decides' if step.decides else ''}"


def _mesh_words(mesh: MeshExplained, end: str) -> Iterator[str]:
    by = mesh.by
    if by is None:
        why = "; no policy of it speaks of this"
    else:
        place = f" ({by.path}:{by.line})" if by.path and by.line else ""
        rule = by.rule or "no rule of which allows it"
        why = f" by {by.kind} {by.namespace + '/' if by.namespace else ''}{by.name}, {rule}{place}"
    yield f"  mesh at {end}: {'allowed' if mesh.allowed else 'denied'}{why}"
    for item in mesh.restrictions:
        yield f"    only {item}"
    for number, own in enumerate(mesh.either):
        yield f"    {'either' if number == 0 else 'or'} {' and '.join(own) or 'anything'}"


def _why(side: SideExplained) -> str:
    if not side.steps:
        return "; no policy selects it"
    if side.by is None:
        return "; no rule matches, and nothing isolates it"
    return "" if side.by.rule is not None else "; it is isolated, and no rule allows it"


def asked_range(protocol: str, port: int | None) -> PortRange | None:
    """What is asked about: one port, a whole protocol, or (``None``) everything. ``protocol`` may be empty."""
    if port is not None:
        return PortRange(Protocol(protocol or "TCP"), port, port)
    return PortRange(Protocol(protocol), 1, 65535) if protocol else None
