"""Calico: NetworkPolicy, GlobalNetworkPolicy and their staged twins, Tier, NetworkSet and GlobalNetworkSet.

Policies stand in tiers and have an order; the first rule that matches decides. A policy isolates the directions that its ``types`` name. Rules can
narrow both ends. Policies for host endpoints alone (``preDNAT``, ``doNotTrack``) concern no pod.

What the model cannot tell apart: source ports and ICMP codes. An allowing rule that speaks of them counts as allowing (some connection is allowed), a
denying one as not denying (some connection is left).

Source: the Calico resource reference (v3.30) and the documented order of evaluation.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from math import inf
from typing import Final

from msgspec.structs import replace

from seawall.core.resource import Field, Resource
from seawall.core.selector import labels_of, labels_selector
from seawall.deploy.network.kinds import kubernetes
from seawall.deploy.network.kinds.calico_selector import BadSelector, parse
from seawall.deploy.network.kinds.invalid import Invalid, listed, mapped
from seawall.deploy.network.kinds.objects import Objects
from seawall.deploy.network.kinds.selectors import PODS, both, network
from seawall.deploy.network.model import (
    DEFAULT,
    Action,
    Any,
    Anything,
    Called,
    Compare,
    Direction,
    Endpoint,
    EndpointKind,
    Expression,
    Not,
    Policy,
    PortMatch,
    Protocol,
    Restriction,
    Rule,
    Scope,
    Selected,
    Tier,
    Within,
)

_ACTIONS: Final = {"allow": Action.ALLOW, "deny": Action.DENY, "pass": Action.PASS, "log": Action.LOG}
_PROTOCOLS: Final = {
    "tcp": Protocol.TCP, "6": Protocol.TCP, "udp": Protocol.UDP, "17": Protocol.UDP, "sctp": Protocol.SCTP, "132": Protocol.SCTP,
    "icmp": Protocol.ICMP, "1": Protocol.ICMP, "icmpv6": Protocol.ICMPV6, "58": Protocol.ICMPV6,
}  # fmt: skip
_WITH_PORTS: Final = (Protocol.TCP, Protocol.UDP, Protocol.SCTP)
_NONE: Final = PortMatch(Protocol.TCP, 1, 0)  # a protocol that the model does not have: no port of it
_STAGED: Final = "Staged"
_NOT_STAGED: Final = ("Delete", "Ignore")
_IPV4: Final = Within((IPv4Network("0.0.0.0/0"),))
_IPV6: Final = Within((IPv6Network("::/0"),))


def policy(resource: Resource, objects: Objects) -> Iterator[Policy]:
    """A policy of any of the four kinds. Raises ``Invalid``."""
    spec = mapped(resource.field("spec"))
    if spec["stagedAction"].text in _NOT_STAGED or spec["preDNAT"].value is True or spec["doNotTrack"].value is True:
        return
    namespace = "" if "Global" in resource.kind else resource.namespace or "default"
    types = _types(spec)
    order = spec["order"].value
    subject = both(
        PODS,
        Called((namespace,), Scope.NAMESPACE) if namespace else Anything(),
        _selector(spec["selector"], Scope.POD),
        _selector(spec["namespaceSelector"], Scope.NAMESPACE) if not namespace else Anything(),
        _selector(spec["serviceAccountSelector"], Scope.SERVICE_ACCOUNT),
    )
    yield Policy(
        kind=resource.kind,
        name=resource.name,
        namespace=namespace,
        tier=spec["tier"].text or DEFAULT.name,
        order=float(order) if isinstance(order, int | float) and not isinstance(order, bool) else inf,
        subject=subject,
        ingress=tuple(_rules(spec["ingress"], Direction.INGRESS, namespace, objects)) if "Ingress" in types else (),
        egress=tuple(_rules(spec["egress"], Direction.EGRESS, namespace, objects)) if "Egress" in types else (),
        isolates_ingress="Ingress" in types,
        isolates_egress="Egress" in types,
        staged=resource.kind.startswith(_STAGED),
        location=resource.field("metadata", "name").locate(),
    )


def staged_kubernetes_policy(resource: Resource, objects: Objects) -> Iterator[Policy]:
    """A NetworkPolicy of Kubernetes as Calico stages it. Raises ``Invalid``."""
    if resource.field("spec", "stagedAction").text not in _NOT_STAGED:
        for found in kubernetes.network_policy(resource, objects):
            yield replace(found, kind=resource.kind, staged=True)


def tier(resource: Resource, objects: Objects) -> Iterator[Tier]:
    """A tier without an order comes last. Raises ``Invalid``."""
    spec = mapped(resource.field("spec"))
    order, default = spec["order"].value, spec["defaultAction"].text or "Deny"
    if default not in ("Deny", "Pass"):
        raise Invalid(spec["defaultAction"], f"spec.defaultAction must be Deny or Pass, not {default!r}")
    number = float(order) if isinstance(order, int | float) and not isinstance(order, bool) else inf
    if resource.name == DEFAULT.name:
        number = DEFAULT.order
    yield Tier(name=resource.name, order=number, default=Action.DENY if default == "Deny" else Action.PASS)


def network_set(resource: Resource, objects: Objects) -> Iterator[Endpoint]:
    """Networks that selectors mean by labels. Raises ``Invalid``."""
    namespace = "" if "Global" in resource.kind else resource.namespace or "default"
    yield Endpoint(
        kind=EndpointKind.SET,
        workload=f"{namespace}/{resource.name}[{resource.kind}]" if namespace else f"{resource.name}[{resource.kind}]",
        name=resource.name,
        namespace=namespace,
        labels=labels_of(resource.field("metadata", "labels").value),
        addresses=tuple(network(item, single=True) for item in listed(resource.field("spec", "nets"))),
    )


def _types(spec: Field) -> set[str]:
    """Unless they are said: egress where only it has rules, ingress where egress has none, and both where both have."""
    given = listed(spec["types"])
    for item in given:
        if item.text not in ("Ingress", "Egress"):
            raise Invalid(item, f"{item} must be Ingress or Egress, not {item.value!r}")
    if given:
        return {item.text for item in given}
    if not listed(spec["egress"]):
        return {"Ingress"}
    return {"Ingress", "Egress"} if listed(spec["ingress"]) else {"Egress"}


def _selector(field: Field, scope: Scope) -> Expression:
    if field.is_set and type(field.value) is not str:
        raise Invalid(field, f"{field} must be a text")
    try:
        return parse(field.text, scope)
    except BadSelector as error:
        raise Invalid(field, f"{field} is no selector: {error}") from None


def _rules(field: Field, direction: Direction, namespace: str, objects: Objects) -> Iterator[Rule]:
    peer_side, own_side = ("source", "destination") if direction is Direction.INGRESS else ("destination", "source")
    for index, item in enumerate(listed(field)):
        mapped(item)
        action = _ACTIONS.get(item["action"].text.lower())
        if action is None:
            raise Invalid(item["action"], f"{item['action']} must be Allow, Deny, Pass or Log, not {item['action'].value!r}")
        source, destination = mapped(item["source"]), mapped(item["destination"])
        if action is Action.DENY and (listed(source["ports"]) or listed(source["notPorts"]) or mapped(item["icmp"])["code"].is_set):
            continue
        peer = _entity(item[peer_side], namespace, objects)
        subject = _entity(item[own_side], namespace, objects)
        ports, not_ports = _ports(item, destination)
        services = _service_ports(destination, namespace, objects)
        yield Rule(
            action=action,
            peer=_of_version(peer, item["ipVersion"]),
            subject=subject,
            ports=services or ports,
            not_ports=not_ports,
            restrictions=tuple(_http(item["http"])) if action is Action.ALLOW else (),
            index=index,
            field=str(item),
        )


def _entity(field: Field, namespace: str, objects: Objects) -> Expression:
    """One end of a rule: every condition that it names must hold.

    In a namespaced policy a selector of any sort, a negative one too, means endpoints of that namespace, unless a namespace selector says which.
    """
    parts: list[Expression] = []
    selector, namespace_selector = field["selector"], field["namespaceSelector"]
    wanted = [*_accounts(mapped(field["serviceAccounts"])), *([_selector(selector, Scope.POD)] if selector.text else [])]
    if namespace_selector.text:
        wanted.append(_selector(namespace_selector, Scope.NAMESPACE))
    elif namespace and (wanted or field["notSelector"].text):
        wanted.append(Called((namespace,), Scope.NAMESPACE))
    if wanted:
        parts.append(Selected(both(*wanted)))
    if field["notSelector"].text:
        parts.append(Not(Selected(_selector(field["notSelector"], Scope.POD))))
    if nets := listed(field["nets"]):
        parts.append(Within(tuple(network(item, single=True) for item in nets)))
    if not_nets := listed(field["notNets"]):
        parts.append(Not(Within(tuple(network(item, single=True) for item in not_nets))))
    if field["services"].is_set:
        parts.append(_service(mapped(field["services"]), namespace, objects))
    return both(*parts)


def _accounts(field: Field) -> Iterator[Expression]:
    names = tuple(item.text for item in listed(field["names"]))
    if names:
        yield Called(names, Scope.SERVICE_ACCOUNT)
    if field["selector"].text:
        yield _selector(field["selector"], Scope.SERVICE_ACCOUNT)


def _service(field: Field, namespace: str, objects: Objects) -> Expression:
    """The pods behind a Service; nothing where it is not in the input or selects nothing."""
    where = field["namespace"].text or namespace or "default"
    service = objects.get("Service", where, field["name"].text)
    selector = labels_selector(service.field("spec", "selector").value) if service else None
    if selector is None or not selector.requirements:
        return Any(())
    equal = (Compare(requirement.key, tuple(requirement.values)) for requirement in selector.requirements)
    return both(PODS, Called((where,), Scope.NAMESPACE), *equal)


def _service_ports(destination: Field, namespace: str, objects: Objects) -> tuple[PortMatch, ...]:
    """The ports at which the pods of a destination's Service serve."""
    field = destination["services"]
    if not field.is_set:
        return ()
    service = objects.get("Service", field["namespace"].text or namespace or "default", field["name"].text)
    found = []
    for item in service.field("spec", "ports").items() if service else ():
        target = item["targetPort"] if item["targetPort"].is_set else item["port"]
        protocol = _PROTOCOLS.get(item["protocol"].text.lower() or "tcp", Protocol.TCP)
        if target.text:
            found.append(PortMatch(protocol, name=target.text))
        elif (number := target.integer) is not None:
            found.append(PortMatch(protocol, number, number))
    return tuple(found) or (_NONE,)


def _of_version(peer: Expression, field: Field) -> Expression:
    """A pod whose addresses are not known is taken for one of IPv4."""
    if field.integer == 4:
        return both(peer, Any((_IPV4, Not(_IPV6))))
    return both(peer, _IPV6) if field.integer == 6 else peer


def _ports(rule: Field, destination: Field) -> tuple[tuple[PortMatch, ...], tuple[PortMatch, ...]]:
    """What the rule speaks of, and what it takes away from that."""
    protocol = _protocol(rule["protocol"])
    ports: tuple[PortMatch, ...] = ()
    if protocol is not None:
        given = [_port(item, protocol) for item in listed(destination["ports"])]
        ports = tuple(given) or (_icmp(rule["icmp"], protocol),)
    elif rule["protocol"].is_set:
        ports = (_NONE,)
    elif listed(destination["ports"]) or listed(destination["notPorts"]):
        raise Invalid(rule, f"{rule} names ports, and so must name the protocol TCP, UDP or SCTP")
    away = [_port(item, protocol) for item in listed(destination["notPorts"]) if protocol is not None]
    excluded = _protocol(rule["notProtocol"])
    if excluded is not None:
        away.append(PortMatch(excluded))
    if protocol is not None and rule["notICMP"].is_set:
        away.append(_icmp(rule["notICMP"], protocol))
    return ports, tuple(away)


def _protocol(field: Field) -> Protocol | None:
    return _PROTOCOLS.get(str(field.value).lower()) if field.is_set else None


def _icmp(field: Field, protocol: Protocol) -> PortMatch:
    kind = mapped(field)["type"].integer
    return PortMatch(protocol) if kind is None or protocol in _WITH_PORTS else PortMatch(protocol, kind, kind, code=field["code"].integer)


def _port(field: Field, protocol: Protocol) -> PortMatch:
    """A number, a range ``first:last`` or a port's name."""
    if protocol not in _WITH_PORTS:
        raise Invalid(field, f"{field}: {protocol} has no ports")
    if (number := field.integer) is not None:
        return _numbers(field, protocol, number, number)
    first, colon, last = field.text.partition(":")
    if first.isdecimal() and (last.isdecimal() or not colon):
        return _numbers(field, protocol, int(first), int(last or first))
    if not field.text or colon:
        raise Invalid(field, f"{field} must be a port, a range or a name, not {field.value!r}")
    return PortMatch(protocol, name=field.text)


def _numbers(field: Field, protocol: Protocol, first: int, last: int) -> PortMatch:
    if not 0 <= first <= last <= 65535:
        raise Invalid(field, f"{field} must lie between 0 and 65535, the smaller number first")
    return PortMatch(protocol, first, last)


def _http(field: Field) -> Iterator[Restriction]:
    if field.is_set:
        methods = ",".join(item.text for item in listed(mapped(field)["methods"])) or "any method"
        paths = ",".join(text.text for item in listed(field["paths"]) for _, text in item.entries()) or "any path"
        yield Restriction("http", f"{methods} {paths}")


_KINDS: Final = ("NetworkPolicy", "GlobalNetworkPolicy", "StagedNetworkPolicy", "StagedGlobalNetworkPolicy")
_GROUPS: Final = ("projectcalico.org", "crd.projectcalico.org")
COMPILERS: Final = {
    **{(group, kind): policy for group in _GROUPS for kind in _KINDS},
    **{(group, "StagedKubernetesNetworkPolicy"): staged_kubernetes_policy for group in _GROUPS},
    **{(group, "Tier"): tier for group in _GROUPS},
    **{(group, kind): network_set for group in _GROUPS for kind in ("NetworkSet", "GlobalNetworkSet")},
}
TIERS: Final = (DEFAULT,)
