"""NetworkPolicy of networking.k8s.io/v1.

Policies of one pod add up: it is isolated for each direction in which a policy selects it, and whatever one of them allows is allowed.

Source: the API reference of NetworkPolicy, and the defaulting and validation of k8s.io/kubernetes.
"""

import re
from collections.abc import Iterator
from typing import Final

from seawall.core.resource import Field, Resource
from seawall.deploy.network.kinds.invalid import Invalid, listed, mapped
from seawall.deploy.network.kinds.objects import Objects
from seawall.deploy.network.kinds.selectors import PODS, block, both, labels, pods_in
from seawall.deploy.network.model import DEFAULT, Action, Any, Anything, Expression, Policy, PortMatch, Protocol, Rule, Scope

ORDER = 1_000.0  # the one that Calico gives it within the default tier
PROTOCOLS = {"TCP": Protocol.TCP, "UDP": Protocol.UDP, "SCTP": Protocol.SCTP}
MAX_PORT = 65535
_is_port_name: Final = re.compile(r"(?=[a-z0-9-]{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*").fullmatch  # IANA service name, RFC 6335


def network_policy(resource: Resource, objects: Objects) -> Iterator[Policy]:
    """The policy of an object. Raises ``Invalid``."""
    spec = mapped(resource.field("spec"))
    namespace = resource.namespace or "default"
    types = _types(spec)
    yield Policy(
        kind="NetworkPolicy",
        name=resource.name,
        namespace=namespace,
        tier=DEFAULT.name,
        order=ORDER,
        subject=pods_in(namespace, labels(mapped(spec["podSelector"]), Scope.POD)),
        ingress=tuple(_rules(spec["ingress"], "from", namespace)) if "Ingress" in types else (),
        egress=tuple(_rules(spec["egress"], "to", namespace)) if "Egress" in types else (),
        isolates_ingress="Ingress" in types,
        isolates_egress="Egress" in types,
        location=resource.field("metadata", "name").locate(),
    )


def _types(spec: Field) -> set[str]:
    """The directions. Unless they are said, ingress is always one, and egress where there are rules for it."""
    given = listed(spec["policyTypes"])
    for item in given:
        if item.text not in ("Ingress", "Egress"):
            raise Invalid(item, f"{item} must be Ingress or Egress, not {item.value!r}")
    if given:
        return {item.text for item in given}
    return {"Ingress", "Egress"} if listed(spec["egress"]) else {"Ingress"}


def _rules(field: Field, side: str, namespace: str) -> Iterator[Rule]:
    for index, item in enumerate(listed(field)):
        mapped(item)
        peers = [_peer(peer, namespace) for peer in listed(item[side])]
        ports = tuple(_port(port) for port in listed(item["ports"]))
        yield Rule(
            action=Action.ALLOW, peer=_either(peers) if peers else Anything(), ports=ports, index=index, field=str(item)
        )  # no peers and no ports: any


def _either(peers: list[Expression]) -> Expression:
    return peers[0] if len(peers) == 1 else Any(tuple(peers))


def _peer(field: Field, namespace: str) -> Expression:
    mapped(field)
    pod_selector, namespace_selector, ip_block = field["podSelector"], field["namespaceSelector"], field["ipBlock"]
    if ip_block.is_set:
        if pod_selector.is_set or namespace_selector.is_set:
            raise Invalid(field, f"{field} has an ipBlock, beside which no selector may stand")
        return block(mapped(ip_block))
    if not pod_selector.is_set and not namespace_selector.is_set:
        raise Invalid(field, f"{field} must have a podSelector, a namespaceSelector or an ipBlock")
    pods = labels(pod_selector, Scope.POD)
    if not namespace_selector.is_set:
        return pods_in(namespace, pods)
    return both(PODS, labels(namespace_selector, Scope.NAMESPACE), pods)


def _port(field: Field) -> PortMatch:
    mapped(field)
    name = field["protocol"].text if field["protocol"].is_set else "TCP"
    if name not in PROTOCOLS:
        raise Invalid(field["protocol"], f"{field['protocol']} must be TCP, UDP or SCTP, not {field['protocol'].value!r}")
    protocol, port, end = PROTOCOLS[name], field["port"], field["endPort"]
    if not port.is_set:
        if end.is_set:
            raise Invalid(end, f"{end} needs a port before it")
        return PortMatch(protocol)
    if port.text:
        if end.is_set:
            raise Invalid(end, f"{end} must not stand beside a port name")
        if not _is_port_name(port.text):
            raise Invalid(port, f"{port} must be a number or the name of a port, not {port.value!r}")
        return PortMatch(protocol, name=port.text)
    first = number(port)
    last = number(end) if end.is_set else first
    if last < first:
        raise Invalid(end, f"{end} is smaller than {port}")
    return PortMatch(protocol, first, last)


def number(field: Field) -> int:
    """A port number. Raises ``Invalid`` when it is none."""
    value = field.integer
    if value is None or not 1 <= value <= MAX_PORT:
        raise Invalid(field, f"{field} must be a port from 1 to {MAX_PORT}, not {field.value!r}")
    return value


COMPILERS = {("networking.k8s.io", "NetworkPolicy"): network_policy, ("extensions", "NetworkPolicy"): network_policy}
TIERS = (DEFAULT,)
