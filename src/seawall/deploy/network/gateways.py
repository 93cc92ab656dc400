"""Which listeners of a Gateway take a route, and which objects a route may refer to in another namespace.

A listener takes a route of a kind that its protocol carries, from a namespace that it allows (its own, unless it says otherwise), with a host in
common. A Gateway that is not in the input is taken to accept what refers to it, and a note says so.

Source: the API reference of the Gateway API (Listener, AllowedRoutes, ParentReference, ReferenceGrant).
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from seawall.core.resource import Field, Resource
from seawall.core.selector import labels_of, selector_of
from seawall.deploy.network.kinds.objects import Objects
from seawall.deploy.network.kinds.selectors import NAMESPACE_NAME
from seawall.deploy.network.services import namespace_of

_GROUP: Final = "gateway.networking.k8s.io"
_CARRIED: Final = {
    "HTTP": ("HTTPRoute", "GRPCRoute"),
    "HTTPS": ("HTTPRoute", "GRPCRoute"),
    "TLS": ("TLSRoute", "TCPRoute"),
    "TCP": ("TCPRoute",),
    "UDP": ("UDPRoute",),
}
_WITH_HOSTS: Final = ("HTTPRoute", "GRPCRoute", "TLSRoute")


class Attachment(Struct, frozen=True):
    """A listener that takes a route, and the hosts for which it does; ``protocol`` is empty where the Gateway is not known."""

    protocol: str
    hosts: tuple[str, ...]


def attachments(route: Resource, objects: Objects, notes: list[str]) -> Iterator[Attachment]:
    """The listeners that take a route. Parents that are no Gateway (a Service, of a mesh) are no way in."""
    hosts = [item.text.lower() for item in route.field("spec", "hostnames").items() if item.text] if route.kind in _WITH_HOSTS else []
    for parent in route.field("spec", "parentRefs").items():
        if parent["kind"].text not in ("", "Gateway") or parent["group"].text not in ("", _GROUP):
            continue
        namespace, name = parent["namespace"].text or namespace_of(route), parent["name"].text
        gateway = objects.get("Gateway", namespace, name)
        if gateway is None or gateway.group != _GROUP:
            notes.append(f"{route.kind} {namespace_of(route)}/{route.name}: Gateway {namespace}/{name} is not in the input; it is taken to accept it")
            yield Attachment("", tuple(hosts) or ("*",))
            continue
        for listener in gateway.field("spec", "listeners").items():
            if _is_meant(listener, parent) and _allows_kind(listener, route) and _allows_namespace(listener, gateway, route, objects):
                common = _common(listener["hostname"].text.lower() if route.kind in _WITH_HOSTS else "", hosts)
                if common:
                    yield Attachment(listener["protocol"].text, common)


def _is_meant(listener: Field, parent: Field) -> bool:
    section, port = parent["sectionName"].text, parent["port"].integer
    return (not section or section == listener["name"].text) and (port is None or port == listener["port"].integer)


def _allows_kind(listener: Field, route: Resource) -> bool:
    kinds = list(listener.at("allowedRoutes", "kinds").items())
    carried = _CARRIED.get(listener["protocol"].text)
    if carried is not None and route.kind not in carried:
        return False
    return not kinds or any(item["kind"].text == route.kind and item["group"].text in ("", _GROUP) for item in kinds)


def _allows_namespace(listener: Field, gateway: Resource, route: Resource, objects: Objects) -> bool:
    allowed = listener.at("allowedRoutes", "namespaces")
    match allowed["from"].text or "Same":
        case "All":
            return True
        case "Same":
            return namespace_of(gateway) == namespace_of(route)
        case "Selector":
            namespace = objects.get("Namespace", "", namespace_of(route))
            labels = labels_of(namespace.field("metadata", "labels").value) if namespace else {}
            selector = selector_of(allowed["selector"].value)
            return selector is not None and selector.matches({**labels, NAMESPACE_NAME: namespace_of(route)})
        case _:
            return False


def _common(own: str, hosts: list[str]) -> tuple[str, ...]:
    """The hosts that a listener and a route have in common; the narrower of each two."""
    if not own:
        return tuple(hosts) or ("*",)
    if not hosts:
        return (own,)
    return tuple(dict.fromkeys(host if _holds(own, host) else own for host in hosts if _holds(own, host) or _holds(host, own)))


def _holds(pattern: str, host: str) -> bool:
    """Whether a host, or a pattern itself, is one of those that a pattern means: ``*.example.org`` means every name below it, however deep."""
    return pattern == host or (pattern.startswith("*.") and host.removeprefix("*").endswith(pattern[1:]))


def may_refer(route: Resource, namespace: str, name: str, objects: Objects) -> bool:
    """Whether a ReferenceGrant in ``namespace`` lets a route refer to its Service of that name."""
    return any(
        namespace_of(grant) == namespace
        and any(
            item["group"].text == route.group and item["kind"].text == route.kind and item["namespace"].text == namespace_of(route)
            for item in grant.field("spec", "from").items()
        )
        and any(
            not item["group"].text and item["kind"].text == "Service" and item["name"].text in ("", name)
            for item in grant.field("spec", "to").items()
        )
        for grant in objects.all("ReferenceGrant")
    )
