"""Replay: what a proposed set of policies would have done to the flows of the past."""

from msgspec import Struct
from msgspec.structs import replace

from seawall.deploy.network.entries import TIER as ENTRIES
from seawall.deploy.network.flows.match import Matcher, Unknown
from seawall.deploy.network.flows.model import Verdict
from seawall.deploy.network.flows.overlay import Denied, denied_by_policy, locate
from seawall.deploy.network.flows.read import Observed
from seawall.deploy.network.mesh.model import Mesh
from seawall.deploy.network.model import Cluster, EndpointKind
from seawall.deploy.network.question import Questions


def proposed(current: Cluster, proposal: Cluster, *, keep: bool = False) -> Cluster:
    """A cluster under other policies: its workloads, and the policies of a proposal instead of its own.

    With ``keep`` those of its own stay of which the proposal has none of the same kind and name. Ways in are no policies, and stay.
    """
    given = {(policy.kind, policy.namespace, policy.name) for policy in proposal.policies if policy.tier != ENTRIES.name}
    kept = [
        policy for policy in current.policies if policy.tier == ENTRIES.name or (keep and (policy.kind, policy.namespace, policy.name) not in given)
    ]
    tiers = {tier.name: tier for tier in (*current.tiers, *proposal.tiers)}
    names = {EndpointKind.NAME, EndpointKind.SET}
    known = {(endpoint.kind, endpoint.namespace, endpoint.name) for endpoint in current.endpoints}
    added = [
        endpoint for endpoint in proposal.endpoints if endpoint.kind in names and (endpoint.kind, endpoint.namespace, endpoint.name) not in known
    ]
    return replace(
        current,
        endpoints=(*current.endpoints, *added),
        namespaces={**proposal.namespaces, **current.namespaces},
        tiers=tuple(tiers.values()),
        policies=(*kept, *(policy for policy in proposal.policies if policy.tier != ENTRIES.name)),
    )


class Replay(Struct, frozen=True):
    """What a proposal does to flows of the past. Counts are of records; ``cut`` are flows that are allowed now and would not be."""

    flows: int
    records: int
    kept: int
    cut: tuple[Denied, ...]
    still_denied: int
    opened: int
    unknown: dict[str, int]
    passed: dict[str, int]


def replay(current: Cluster, after: Cluster, observed: Observed, mesh: Mesh = Mesh(), mesh_after: Mesh = Mesh()) -> Replay:
    """What would have been cut, had the policies been those of ``after``. A flow that its log calls denied is none that could be cut."""
    now, then = Questions(current, mesh), Questions(after, mesh_after)
    located, unknown = locate(current, now, observed)
    matcher = Matcher(after, then.groups)
    kept = still = opened = 0
    cut: list[Denied] = []
    for item in located:
        source, destination = matcher.find(item.flow.source), matcher.find(item.flow.destination)
        if isinstance(source, Unknown) or isinstance(destination, Unknown):
            reason = source.reason if isinstance(source, Unknown) else destination.reason if isinstance(destination, Unknown) else ""
            unknown[reason] = unknown.get(reason, 0) + item.seen.count
            continue
        before = now.ask(item.source.group, item.destination.group, item.flow.protocol, item.flow.port)
        answer = then.ask(source.group, destination.group, item.flow.protocol, item.flow.port)
        was_allowed = before.allowed and item.flow.verdict is not Verdict.DENIED
        if answer.allowed:
            kept += item.seen.count if was_allowed else 0
            opened += 0 if was_allowed else item.seen.count
        elif was_allowed or item.flow.verdict is Verdict.ALLOWED:
            cut.append(denied_by_policy(item, answer))
        else:
            still += item.seen.count
    ordered = tuple(sorted(cut, key=lambda item: (-item.count, item.src, item.dst, item.protocol, item.port)))
    return Replay(len(observed.flows), observed.records, kept, ordered, still, opened, unknown, observed.passed)
