"""The cluster-wide kinds of policy.networking.k8s.io: AdminNetworkPolicy and BaselineAdminNetworkPolicy (v1alpha1), ClusterNetworkPolicy (v1alpha2).

They do not isolate: what their rules leave open is decided by the tiers below.

Sources: the API of network-policy-api v0.1 (v1alpha1) and v0.2 (v1alpha2), NPEP-122 (tiers), NPEP-126 (egress peers), NPEP-133 (domain names).
"""

from collections.abc import Callable, Iterator
from typing import Final

from seawall.core.resource import Field, Resource
from seawall.deploy.network.kinds.invalid import Invalid, listed, mapped, only
from seawall.deploy.network.kinds.kubernetes import PROTOCOLS, number
from seawall.deploy.network.kinds.objects import Objects
from seawall.deploy.network.kinds.selectors import NODES, PODS, both, labels, network
from seawall.deploy.network.model import (
    ADMIN,
    BASELINE,
    Action,
    Any,
    Called,
    Direction,
    Expression,
    Policy,
    PortMatch,
    Protocol,
    Rule,
    Scope,
    Tier,
    Within,
)

MAX_PRIORITY: Final = 1_000
ACTIONS: Final = {"Allow": Action.ALLOW, "Accept": Action.ALLOW, "Deny": Action.DENY, "Pass": Action.PASS}

_ADMIN_ACTIONS: Final = ("Allow", "Deny", "Pass")
_BASELINE_ACTIONS: Final = ("Allow", "Deny")
_CLUSTER_ACTIONS: Final = ("Accept", "Deny", "Pass")
_INGRESS_PEERS: Final = ("namespaces", "pods")
_EGRESS_PEERS: Final = ("namespaces", "pods", "nodes", "networks", "domainNames")
_CLUSTER_TIERS: Final = {"Admin": ADMIN, "Baseline": BASELINE}

Ports = Callable[[Field], tuple[PortMatch, ...]]


def admin_network_policy(resource: Resource, objects: Objects) -> Iterator[Policy]:
    """Raises ``Invalid``."""
    spec = mapped(resource.field("spec"))
    yield _policy(resource, ADMIN, _priority(spec["priority"]), _ADMIN_ACTIONS, _ports)


def baseline_admin_network_policy(resource: Resource, objects: Objects) -> Iterator[Policy]:
    """The one of a cluster, called ``default``. Raises ``Invalid``."""
    if resource.name != "default":
        raise Invalid(resource.field("metadata", "name"), "a BaselineAdminNetworkPolicy must be called default")
    yield _policy(resource, BASELINE, 0, _BASELINE_ACTIONS, _ports)


def cluster_network_policy(resource: Resource, objects: Objects) -> Iterator[Policy]:
    """Raises ``Invalid``."""
    spec = mapped(resource.field("spec"))
    tier = _CLUSTER_TIERS.get(spec["tier"].text)
    if tier is None:
        raise Invalid(spec["tier"], f"spec.tier must be Admin or Baseline, not {spec['tier'].value!r}")
    yield _policy(resource, tier, _priority(spec["priority"]), _CLUSTER_ACTIONS, _protocols)


def _policy(resource: Resource, tier: Tier, order: int, actions: tuple[str, ...], ports: Ports) -> Policy:
    spec = resource.field("spec")
    return Policy(
        kind=resource.kind,
        name=resource.name,
        tier=tier.name,
        order=order,
        subject=_pods(spec["subject"], _INGRESS_PEERS),
        ingress=tuple(_rules(spec["ingress"], Direction.INGRESS, actions, ports)),
        egress=tuple(_rules(spec["egress"], Direction.EGRESS, actions, ports)),
        location=resource.field("metadata", "name").locate(),
    )


def _priority(field: Field) -> int:
    value = field.integer
    if value is None or not 0 <= value <= MAX_PRIORITY:
        raise Invalid(field, f"{field} must be a whole number from 0 to {MAX_PRIORITY}, not {field.value!r}")
    return value


def _rules(field: Field, direction: Direction, actions: tuple[str, ...], ports: Ports) -> Iterator[Rule]:
    side, kinds = ("from", _INGRESS_PEERS) if direction is Direction.INGRESS else ("to", _EGRESS_PEERS)
    for index, item in enumerate(listed(field)):
        mapped(item)
        action = item["action"].text
        if action not in actions:
            raise Invalid(item["action"], f"{item['action']} must be one of {', '.join(actions)}, not {item['action'].value!r}")
        peers = listed(item[side])
        if not peers:
            raise Invalid(item[side], f"{item[side]} must have at least one peer")
        for peer in peers:
            if peer["domainNames"].is_set and ACTIONS[action] is not Action.ALLOW:
                raise Invalid(peer, f"{peer} names domains, which a rule can only allow")
        yield Rule(
            action=ACTIONS[action],
            peer=Any(tuple(_pods(peer, kinds) for peer in peers)),
            ports=ports(item),
            name=item["name"].text,
            index=index,
            field=str(item),
        )


def _pods(field: Field, kinds: tuple[str, ...]) -> Expression:
    """A subject or a peer: exactly one of its members."""
    kind, child = only(field, *kinds)
    match kind:
        case "namespaces":
            return both(PODS, labels(mapped(child), Scope.NAMESPACE))
        case "pods":
            mapped(child)
            return both(PODS, labels(mapped(child["namespaceSelector"]), Scope.NAMESPACE), labels(mapped(child["podSelector"]), Scope.POD))
        case "nodes":
            return both(NODES, labels(mapped(child), Scope.NODE))
        case "networks":
            return Within(tuple(network(item) for item in _some(child)))
        case _:
            return Called(tuple(item.text.rstrip(".").lower() for item in _some(child)), Scope.POD)


def _some(field: Field) -> list[Field]:
    found = listed(field)
    if not found:
        raise Invalid(field, f"{field} must not be empty")
    return found


def _ports(rule: Field) -> tuple[PortMatch, ...]:
    """``ports`` of v1alpha1: ``portNumber``, ``portRange`` or ``namedPort``."""
    found = []
    for item in listed(rule["ports"]):
        kind, child = only(item, "portNumber", "portRange", "namedPort")
        if kind == "namedPort":
            found.append(PortMatch(None, name=child.text))
            continue
        protocol = _protocol(child["protocol"])
        first = number(child["port" if kind == "portNumber" else "start"])
        last = first if kind == "portNumber" else number(child["end"])
        found.append(_range(item, protocol, first, last))
    return tuple(found)


def _protocols(rule: Field) -> tuple[PortMatch, ...]:
    """``protocols`` of v1alpha2: ``tcp``, ``udp`` or ``sctp`` with a destination port or without, or ``destinationNamedPort``."""
    found = []
    for item in listed(rule["protocols"]):
        kind, child = only(item, "tcp", "udp", "sctp", "destinationNamedPort")
        if kind == "destinationNamedPort":
            found.append(PortMatch(None, name=child.text))
            continue
        protocol, port = PROTOCOLS[kind.upper()], mapped(child)["destinationPort"]
        if not port.is_set:
            found.append(PortMatch(protocol))
            continue
        how, value = only(port, "number", "range")
        first = number(value if how == "number" else mapped(value)["start"])
        last = first if how == "number" else number(value["end"])
        found.append(_range(item, protocol, first, last))
    return tuple(found)


def _protocol(field: Field) -> Protocol:
    name = field.text if field.is_set else "TCP"
    if name not in PROTOCOLS:
        raise Invalid(field, f"{field} must be TCP, UDP or SCTP, not {field.value!r}")
    return PROTOCOLS[name]


def _range(field: Field, protocol: Protocol, first: int, last: int) -> PortMatch:
    if last < first:
        raise Invalid(field, f"{field} ends before it starts")
    return PortMatch(protocol, first, last)


COMPILERS = {
    ("policy.networking.k8s.io", "AdminNetworkPolicy"): admin_network_policy,
    ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"): baseline_admin_network_policy,
    ("policy.networking.k8s.io", "ClusterNetworkPolicy"): cluster_network_policy,
}
TIERS = (ADMIN, BASELINE)
