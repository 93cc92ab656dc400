"""Observed flows over what the policies allow: what policy would deny, and what it grants that nobody uses."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from msgspec import Struct

from seawall.deploy.network.changes import interval_of
from seawall.deploy.network.connections import Connection, connections
from seawall.deploy.network.entries import TIER as ENTRIES
from seawall.deploy.network.flows.match import End, Matcher, Unknown
from seawall.deploy.network.flows.model import Flow, Seen
from seawall.deploy.network.flows.read import Observed
from seawall.deploy.network.mesh.layer import layered
from seawall.deploy.network.mesh.model import Mesh
from seawall.deploy.network.model import Action, Cluster, Direction
from seawall.deploy.network.proof import DecidedBy, deciding
from seawall.deploy.network.question import Answer, Questions
from seawall.deploy.network.reach import rules_of
from seawall.deploy.network.universe import Interval


class Denied(Struct, frozen=True):
    """A flow that the policies deny, by which rule. ``seen`` is what the log says of it: a flow that was ``allowed`` came about all the same."""

    src: str
    dst: str
    port: int
    protocol: str
    verdict: str
    count: int
    first: str
    last: str
    by: DecidedBy | None


class Grant(Struct, frozen=True):
    """A rule that allows something, and decided no flow."""

    direction: str
    kind: str
    namespace: str
    name: str
    rule: str
    path: str
    line: int | None


class Overlay(Struct, frozen=True):
    """What the flows say of the policies. Counts are of records, ``unknown`` by the reason why an end is not known."""

    flows: int
    records: int
    allowed: int
    denied: tuple[Denied, ...]
    unused_rules: tuple[Grant, ...]
    unused: tuple[Connection, ...]
    unknown: dict[str, int]
    passed: dict[str, int]


class Located(Struct, frozen=True):
    """A flow whose both ends are known."""

    flow: Flow
    seen: Seen
    source: End
    destination: End


def locate(cluster: Cluster, questions: Questions, observed: Observed) -> tuple[list[Located], dict[str, int]]:
    """The flows whose ends are known, and how many records have an end that is not, by the reason."""
    matcher = Matcher(cluster, questions.groups)
    found: list[Located] = []
    unknown: Counter[str] = Counter()
    for flow, seen in observed.flows.items():
        source, destination = matcher.find(flow.source), matcher.find(flow.destination)
        if isinstance(source, Unknown):
            unknown[source.reason] += seen.count
        elif isinstance(destination, Unknown):
            unknown[destination.reason] += seen.count
        else:
            found.append(Located(flow, seen, source, destination))
    return found, dict(sorted(unknown.items()))


def overlay(cluster: Cluster, observed: Observed, mesh: Mesh = Mesh()) -> Overlay:
    """What the policies say of each flow, and which of their grants no flow needed."""
    questions = Questions(cluster, mesh)
    located, unknown = locate(cluster, questions, observed)
    denied: list[Denied] = []
    used: set[tuple[object, ...]] = set()
    allowed = 0
    for item in located:
        answer = questions.ask(item.source.group, item.destination.group, item.flow.protocol, item.flow.port)
        for direction, decision in ((Direction.EGRESS, answer.egress), (Direction.INGRESS, answer.ingress)):
            if decision.policy is not None and decision.rule is not None:
                used.add(
                    (direction, decision.policy.kind, decision.policy.namespace, decision.policy.name, decision.rule.index, decision.rule.action)
                )
        if answer.allowed:
            allowed += item.seen.count
        else:
            denied.append(denied_by_policy(item, answer))
    return Overlay(
        flows=len(observed.flows),
        records=observed.records,
        allowed=allowed,
        denied=tuple(sorted(denied, key=lambda item: (-item.count, item.src, item.dst, item.protocol, item.port))),
        unused_rules=tuple(_unused_rules(cluster, used)),
        unused=tuple(_unused(cluster, mesh, located)),
        unknown=unknown,
        passed=observed.passed,
    )


def denied_by_policy(item: Located, answer: Answer) -> Denied:
    """A flow as results show it."""
    flow, seen, by = item.flow, item.seen, deciding(answer.egress, answer.ingress, answer.mesh)
    return Denied(item.source.name, item.destination.name, flow.port, flow.protocol.value, flow.verdict.value, seen.count, seen.first, seen.last, by)


def _unused_rules(cluster: Cluster, used: set[tuple[object, ...]]) -> Iterator[Grant]:
    for policy in cluster.policies:
        if policy.staged or policy.tier == ENTRIES.name:
            continue
        for direction in Direction:
            for rule in rules_of(policy, direction):
                key = (direction, policy.kind, policy.namespace, policy.name, rule.index, rule.action)
                if rule.action is Action.ALLOW and key not in used:
                    where = policy.location
                    said = rule.name or rule.field or f"rule {rule.index}"
                    path, line = (where.path, where.line) if where else ("", None)
                    yield Grant(direction.value, policy.kind, policy.namespace, policy.name, said, path, line)


def _unused(cluster: Cluster, mesh: Mesh, located: Iterable[Located]) -> Iterator[Connection]:
    """The allowed connections of which no port was used."""
    inside: set[tuple[str, str]] = set()
    outgoing: dict[str, set[str]] = defaultdict(set)
    incoming: dict[str, set[str]] = defaultdict(set)
    for item in located:
        if item.destination.member < 0:
            outgoing[item.source.name].add(item.destination.name)
        elif item.source.member < 0:
            incoming[item.destination.name].add(item.source.name)
        else:
            inside.add((item.source.name, item.destination.name))
    for connection in connections(cluster, layered(cluster, mesh)):
        src, dst = interval_of(connection.src), interval_of(connection.dst)
        if src is not None:
            is_used = any(_is_in(src, address) for address in incoming[connection.dst])
        elif dst is not None:
            is_used = any(_is_in(dst, address) for address in outgoing[connection.src])
        else:
            is_used = (connection.src, connection.dst) in inside
        if not is_used:
            yield connection


def _is_in(place: Interval, address: str) -> bool:
    own = interval_of(f"{address}-{address}")
    return own is not None and own[0] == place[0] and place[1] <= own[1] <= place[2]
