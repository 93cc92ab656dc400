"""Cilium: CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy.

Rules of one endpoint add up, and a deny wins over every allow. A policy isolates the directions for which it has rules, unless
``enableDefaultDeny`` says otherwise. CIDRs mean what lies outside the cluster, never its pods, as Cilium knows those by identity. What a rule says of
HTTP, DNS or Kafka is kept as a restriction of the allowed connection.

Policies for nodes (``nodeSelector``) concern no pod.

Source: the Cilium documentation of network policies (v1.18), and the sanitising of its rules.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network
from math import inf
from typing import Final

from msgspec.structs import replace

from seawall.core.resource import Field, Resource
from seawall.core.selector import labels_selector, selector_of
from seawall.deploy.network.kinds.invalid import Invalid, listed, mapped
from seawall.deploy.network.kinds.kubernetes import ORDER
from seawall.deploy.network.kinds.objects import Objects
from seawall.deploy.network.kinds.selectors import NAMESPACE_NAME, NODES, PODS, both, labels, network
from seawall.deploy.network.model import (
    DEFAULT,
    Action,
    All,
    Any,
    Anything,
    Called,
    Compare,
    Direction,
    EndpointKind,
    Expression,
    Has,
    Kind,
    Not,
    Policy,
    PortMatch,
    Protocol,
    Restriction,
    Rule,
    Scope,
    Within,
)

_NAMESPACE: Final = "io.kubernetes.pod.namespace"
_NAMESPACE_LABELS: Final = "io.cilium.k8s.namespace.labels."
_ACCOUNT: Final = "io.cilium.k8s.policy.serviceaccount"
_CLUSTER: Final = "io.cilium.k8s.policy.cluster"
_RESERVED: Final = "reserved"
_SOURCES: Final = ("k8s", "any", _RESERVED, "cidr", "unspec")
_NONE: Final = PortMatch(Protocol.TCP, 1, 0)

_OUTSIDE: Final = Kind((EndpointKind.OUTSIDE, EndpointKind.NAME))
_ENTITIES: Final[dict[str, Expression]] = {
    "all": Anything(),
    "world": _OUTSIDE,
    "world-ipv4": All((_OUTSIDE, Within((IPv4Network("0.0.0.0/0"),)))),
    "world-ipv6": All((_OUTSIDE, Within((IPv6Network("::/0"),)))),
    "cluster": Any((Kind((EndpointKind.POD, EndpointKind.HOST, EndpointKind.NODE, EndpointKind.ENTRY)), Called(("kube-apiserver",), Scope.POD))),
    "host": NODES,
    "remote-node": NODES,
    "ingress": Kind((EndpointKind.ENTRY,)),
    "kube-apiserver": Called(("kube-apiserver",), Scope.POD),
    "health": Any(()),
    "init": Any(()),
    "unmanaged": Any(()),
    "none": Any(()),
}
_PROTOCOLS: Final = {"ANY": None, "TCP": Protocol.TCP, "UDP": Protocol.UDP, "SCTP": Protocol.SCTP, "ICMP": Protocol.ICMP, "ICMPV6": Protocol.ICMPV6}
_ICMP_TYPES: Final = {
    "EchoReply": 0, "DestinationUnreachable": 3, "Redirect": 5, "Echo": 8, "EchoRequest": 8, "RouterAdvertisement": 9, "RouterSelection": 10,
    "TimeExceeded": 11, "ParameterProblem": 12, "Timestamp": 13, "TimestampReply": 14, "Photuris": 40, "ExtendedEchoRequest": 42,
    "ExtendedEchoReply": 43,
}  # fmt: skip
_ICMPV6_TYPES: Final = {
    "DestinationUnreachable": 1, "PacketTooBig": 2, "TimeExceeded": 3, "ParameterProblem": 4, "EchoRequest": 128, "EchoReply": 129,
    "RouterSolicitation": 133, "RouterAdvertisement": 134, "NeighborSolicitation": 135, "NeighborAdvertisement": 136, "RedirectMessage": 137,
}  # fmt: skip


def policy(resource: Resource, objects: Objects) -> Iterator[Policy]:
    """The policies of an object: its ``spec`` and each of its ``specs``, the denying part before the allowing one. Raises ``Invalid``."""
    namespace = "" if "Clusterwide" in resource.kind else resource.namespace or "default"
    specs = [field for field in (resource.field("spec"), *listed(resource.field("specs"))) if field.is_set]
    if not specs:
        raise Invalid(resource.field("spec"), "spec must be there")
    made = [part for spec in specs for part in _policies(mapped(spec), resource, namespace, objects)]
    yield from made


def _policies(spec: Field, resource: Resource, namespace: str, objects: Objects) -> Iterator[Policy]:
    if spec["nodeSelector"].is_set:
        if namespace or spec["endpointSelector"].is_set:
            raise Invalid(spec["nodeSelector"], f"{spec['nodeSelector']} may stand in clusterwide policies only, and without an endpointSelector")
        return
    if not any(listed(spec[side]) for side in _SIDES):
        raise Invalid(spec, f"{spec} must have at least one rule in {', '.join(_SIDES)}")
    if not spec["endpointSelector"].is_set:
        raise Invalid(spec["endpointSelector"], f"{spec['endpointSelector']} must be there")
    mine = Called((namespace,), Scope.NAMESPACE) if namespace else Anything()
    whole = Policy(
        kind=resource.kind,
        name=resource.name,
        namespace=namespace,
        tier=DEFAULT.name,
        order=ORDER,
        subject=both(PODS, mine, _labels(spec["endpointSelector"])),
        ingress=tuple(_rules(spec["ingress"], Direction.INGRESS, Action.ALLOW, namespace, objects)),
        egress=tuple(_rules(spec["egress"], Direction.EGRESS, Action.ALLOW, namespace, objects)),
        isolates_ingress=_isolates(spec, "ingress"),
        isolates_egress=_isolates(spec, "egress"),
        location=resource.field("metadata", "name").locate(),
    )
    denied_in = tuple(_rules(spec["ingressDeny"], Direction.INGRESS, Action.DENY, namespace, objects))
    denied_out = tuple(_rules(spec["egressDeny"], Direction.EGRESS, Action.DENY, namespace, objects))
    if denied_in or denied_out:
        yield replace(whole, order=-inf, ingress=denied_in, egress=denied_out, isolates_ingress=False, isolates_egress=False)
    yield whole


def _isolates(spec: Field, side: str) -> bool:
    said = mapped(spec["enableDefaultDeny"])[side].value
    return said if isinstance(said, bool) else bool(listed(spec[side]) or listed(spec[f"{side}Deny"]))


def _rules(field: Field, direction: Direction, action: Action, namespace: str, objects: Objects) -> Iterator[Rule]:
    prefix = "from" if direction is Direction.INGRESS else "to"
    for index, item in enumerate(listed(field)):
        mapped(item)
        peers = _peers(item, prefix, namespace, objects)
        ports = list(_ports(item))
        if peers is None and not ports:
            continue  # an empty rule isolates, and allows nothing
        for number, (matches, restrictions) in enumerate(ports or [((), ())]):
            yield Rule(
                action=action,
                peer=Anything() if peers is None else Any(tuple(peers)),
                ports=matches,
                restrictions=restrictions,
                index=index,
                field=f"{item}.toPorts[{number}]" if len(ports) > 1 else str(item),
            )


_SIDES: Final = ("ingress", "ingressDeny", "egress", "egressDeny")
_PEERS: Final = ("Endpoints", "CIDR", "CIDRSet", "Entities", "Nodes", "Services", "FQDNs", "Groups")


def _peers(rule: Field, prefix: str, namespace: str, objects: Objects) -> list[Expression] | None:
    """The peers of a rule; ``None`` where it names none, which means all. An empty list of peers means nobody."""
    named = [f"{prefix}{name}" for name in _PEERS if rule[f"{prefix}{name}"].is_set]
    if rule[f"{prefix}Requires"].is_set:
        raise Invalid(rule[f"{prefix}Requires"], f"{rule[f'{prefix}Requires']} is no longer part of Cilium; name the labels in {prefix}Endpoints")
    if not named:
        return None
    given = [kind for kind in named if listed(rule[kind])]
    if len(given) > 1:
        raise Invalid(rule[given[1]], f"{rule[given[1]]} may not stand beside {given[0]}; write a rule for each")
    if len(given) < len(named):
        return []
    return [peer for kind in named for item in listed(rule[kind]) for peer in _peer(item, kind.removeprefix(prefix), namespace, objects)]


def _peer(item: Field, kind: str, namespace: str, objects: Objects) -> Iterator[Expression]:
    match kind:
        case "Endpoints":
            yield _endpoint(item, namespace)
        case "CIDR":
            yield All((_OUTSIDE, Within((network(item, single=True),))))
        case "CIDRSet":
            yield from _cidr_set(mapped(item), objects)
        case "Entities":
            if item.text not in _ENTITIES:
                raise Invalid(item, f"{item} must be one of {', '.join(_ENTITIES)}, not {item.value!r}")
            yield _ENTITIES[item.text]
        case "Nodes":
            yield both(NODES, labels(mapped(item), Scope.NODE))
        case "Services":
            yield from _services(mapped(item), namespace, objects)
        case "FQDNs":
            name = item["matchName"].text or item["matchPattern"].text
            if not name:
                raise Invalid(item, f"{item} must have a matchName or a matchPattern")
            yield Called((name.rstrip(".").lower(),), Scope.POD)
        case _:
            yield Called((f"group {item.path[-1]}",), Scope.POD)


def _endpoint(field: Field, namespace: str) -> Expression:
    """Pods of the policy's own namespace, unless the selector speaks of namespaces."""
    keys = set(_keys(field))
    if any(source == _RESERVED for source, _ in keys):
        return _labels(field)
    speaks = any(key == _NAMESPACE or key.startswith(_NAMESPACE_LABELS) for _, key in keys)
    here = Called((namespace,), Scope.NAMESPACE) if namespace and not speaks else Anything()
    return both(PODS, here, _labels(field))


def _keys(field: Field) -> Iterator[tuple[str, str]]:
    for key, _ in mapped(field)["matchLabels"].entries():
        yield _split(key)
    for item in listed(field["matchExpressions"]):
        yield _split(item["key"].text)


def _split(key: str) -> tuple[str, str]:
    """The source of a label (``k8s``, ``any``, ``reserved``) and its key."""
    for mark in (":", "."):
        source, found, rest = key.partition(mark)
        if found and source in _SOURCES:
            return source, rest
    return "any", key


def _labels(field: Field) -> Expression:
    selector = selector_of(mapped(field).value)
    if selector is None:
        raise Invalid(field, f"{field} is no valid label selector")
    parts: list[Expression] = []
    for requirement in selector.requirements:
        source, key = _split(requirement.key)
        if key == _CLUSTER:
            continue  # one cluster is looked at
        there, means = _label(key, tuple(sorted(requirement.values))) if source != _RESERVED else (_ENTITIES.get(key, Any(())),) * 2
        parts.append({"In": means, "NotIn": Not(means), "Exists": there}.get(requirement.operator, Not(there)))
    return both(*parts)


def _label(key: str, values: tuple[str, ...]) -> tuple[Expression, Expression]:
    """That a label is there, and that it has one of these values."""
    if key == _NAMESPACE:
        return Has(NAMESPACE_NAME, Scope.NAMESPACE), Called(values, Scope.NAMESPACE)
    if key == _ACCOUNT:
        return PODS, Called(values, Scope.SERVICE_ACCOUNT)
    if key.startswith(_NAMESPACE_LABELS):
        name = key.removeprefix(_NAMESPACE_LABELS)
        return Has(name, Scope.NAMESPACE), Compare(name, values, Scope.NAMESPACE)
    return Has(key), Compare(key, values)


def _cidr_set(field: Field, objects: Objects) -> Iterator[Expression]:
    excepts = tuple(network(item, single=True) for item in listed(field["except"]))
    if field["cidr"].is_set:
        yield All((_OUTSIDE, Within((network(field["cidr"], single=True),), excepts)))
        return
    groups: Sequence[Resource]
    if field["cidrGroupRef"].is_set:
        found = objects.get("CiliumCIDRGroup", "", field["cidrGroupRef"].text)
        groups = [found] if found else []
    else:
        selector = selector_of(mapped(field["cidrGroupSelector"]).value if field["cidrGroupSelector"].is_set else None)
        if selector is None:
            raise Invalid(field, f"{field} must have a cidr, a cidrGroupRef or a cidrGroupSelector")
        groups = [group for group in objects.all("CiliumCIDRGroup") if selector.matches(_texts(group.field("metadata", "labels")))]
    cidrs = tuple(network(item, single=True) for group in groups for item in listed(group.field("spec", "externalCIDRs")))
    yield All((_OUTSIDE, Within(cidrs, excepts)))


def _texts(field: Field) -> dict[str, str]:
    return {key: value.text for key, value in field.entries()}


def _services(field: Field, namespace: str, objects: Objects) -> Iterator[Expression]:
    """The pods behind Services, by name or by the Services' labels."""
    one, many = mapped(field["k8sService"]), mapped(field["k8sServiceSelector"])
    where = one["namespace"].text or many["namespace"].text
    chosen = selector_of(many["selector"].value) if many["selector"].is_set else None
    for service in objects.all("Service"):
        own = service.namespace or "default"
        by_name = one.is_set and service.name == one["serviceName"].text and own == (where or namespace or "default")
        by_label = chosen is not None and where in ("", own) and chosen.matches(_texts(service.field("metadata", "labels")))
        selector = labels_selector(service.field("spec", "selector").value) if by_name or by_label else None
        if selector is not None and selector.requirements:
            equal = (Compare(item.key, tuple(item.values)) for item in selector.requirements)
            yield both(PODS, Called((own,), Scope.NAMESPACE), *equal)


def _ports(rule: Field) -> Iterator[tuple[tuple[PortMatch, ...], tuple[Restriction, ...]]]:
    """For each entry of ``toPorts`` and ``icmps`` its ports, and what may pass on them."""
    if listed(rule["toPorts"]) and listed(rule["icmps"]):
        raise Invalid(rule["icmps"], f"{rule['icmps']} may not stand beside toPorts; write a rule for each")
    for item in listed(rule["toPorts"]):
        matches = tuple(_port(port) for port in listed(mapped(item)["ports"]))
        yield matches or (_NONE,), tuple(_restrictions(mapped(item["rules"])))
    for item in listed(rule["icmps"]):
        fields = tuple(_icmp(entry) for entry in listed(mapped(item)["fields"]))
        if fields:
            yield fields, ()


def _port(field: Field) -> PortMatch:
    name = mapped(field)["protocol"].text.upper() or "ANY"
    if name not in _PROTOCOLS:
        raise Invalid(field["protocol"], f"{field['protocol']} must be one of {', '.join(_PROTOCOLS)}, not {field['protocol'].value!r}")
    protocol, port = _PROTOCOLS[name], field["port"]
    text = port.text or ("" if port.integer is None else str(port.integer))
    if text in ("", "0"):
        return PortMatch(protocol)
    if not text.isdecimal():
        return PortMatch(protocol, name=text)
    first = int(text)
    last = field["endPort"].integer or first
    if not 1 <= first <= 65535 or not first <= last <= 65535:
        raise Invalid(port, f"{port} must lie between 1 and 65535, and endPort not before it")
    return PortMatch(protocol, first, last)


def _icmp(field: Field) -> PortMatch:
    newer = mapped(field)["family"].text == "IPv6"
    kind = field["type"].integer
    if kind is None:
        text = field["type"].text
        kind = int(text) if text.isdecimal() else (_ICMPV6_TYPES if newer else _ICMP_TYPES).get(text)
    if kind is None or not 0 <= kind <= 255:
        raise Invalid(field["type"], f"{field['type']} is no type of ICMP: {field['type'].value!r}")
    return PortMatch(Protocol.ICMPV6 if newer else Protocol.ICMP, kind, kind)


def _restrictions(rules: Field) -> Iterator[Restriction]:
    for item in listed(rules["http"]):
        yield Restriction(
            "http", " ".join(part for part in (item["method"].text or "any method", item["path"].text or "any path", item["host"].text) if part)
        )
    for item in listed(rules["dns"]):
        yield Restriction("dns", item["matchName"].text or item["matchPattern"].text)
    for item in listed(rules["kafka"]):
        yield Restriction("kafka", " ".join(part for part in (item["role"].text or item["apiKey"].text, item["topic"].text) if part) or "any request")
    if rules["l7proto"].text:
        yield Restriction(rules["l7proto"].text, f"{len(listed(rules['l7']))} rules")


COMPILERS: Final = {
    ("cilium.io", "CiliumNetworkPolicy"): policy,
    ("cilium.io", "CiliumClusterwideNetworkPolicy"): policy,
}
TIERS: Final = (DEFAULT,)
