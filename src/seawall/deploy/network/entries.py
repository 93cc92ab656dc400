"""Ways in: what Ingresses, Routes and Gateways forward, as policies of one endpoint ``{ingress-controller}``.

The controller is not known: it stands for a pod without labels in a namespace without labels, at no known address. So a workload's policies let it in
where they let in any pod (of any namespace, whatever its labels), and policies that select every pod there is select it too. What it may open is what
something forwards to it, and no more: a tier before all others passes on what is forwarded and denies the rest. Nothing connects to it.

Sources: the API references of Ingress, of the Gateway API (v1, and v1alpha2 of TCPRoute, TLSRoute and UDPRoute; GEP-1364, GEP-709) and of OpenShift's
Route.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Final

from msgspec import Struct

from seawall.core.resource import Field, Resource
from seawall.deploy.network.gateways import Attachment, attachments, may_refer
from seawall.deploy.network.kinds.objects import Objects
from seawall.deploy.network.model import Action, Endpoint, EndpointKind, Kind, Policy, Protocol, Rule, Tier
from seawall.deploy.network.services import ServicePort, namespace_of, pods_behind, service_ports

NAME: Final = "{ingress-controller}"
TIER: Final = Tier(name="{entries}", order=-inf, default=Action.DENY)


class Backend(Struct, frozen=True):
    """A Service that something is forwarded to. ``port`` is a number or name as it was given; ``None`` is every port of the Service, 0 none."""

    field: Field
    namespace: str
    service: str
    port: int | str | None


class Forwarding(Struct, frozen=True):
    """What an object forwards. ``encrypted`` says that the way to the controller is TLS for all of ``hosts``."""

    backends: tuple[Backend, ...]
    protocol: Protocol = Protocol.TCP
    hosts: tuple[str, ...] = ()
    encrypted: bool = False


class WaysIn(Struct, frozen=True):
    """The endpoint, if there is any way in, what it may open, and what could not be followed."""

    endpoints: tuple[Endpoint, ...] = ()
    policies: tuple[Policy, ...] = ()
    notes: tuple[str, ...] = ()


def ways_in(resources: Iterable[Resource], objects: Objects) -> WaysIn:
    """What all objects forward."""
    notes: list[str] = []
    policies = [policy for resource in resources for policy in _policy(resource, objects, notes)]
    found = (Endpoint(kind=EndpointKind.ENTRY, workload=NAME, name=NAME),) if policies else ()
    return WaysIn(found, tuple(policies), tuple(dict.fromkeys(notes)))


def forwarding_of(resource: Resource, objects: Objects, notes: list[str]) -> Forwarding | None:
    """What an object forwards, or ``None`` for kinds that forward nothing. What cannot be followed is added to ``notes``."""
    forwarder = FORWARDERS.get((resource.group, resource.kind))
    return forwarder(resource, objects, notes) if forwarder else None


def _policy(resource: Resource, objects: Objects, notes: list[str]) -> Iterator[Policy]:
    forwarding = forwarding_of(resource, objects, notes)
    if forwarding is None:
        return
    rules: list[Rule] = []
    for backend in forwarding.backends:
        service = _service(resource, backend, objects, notes)
        pods = pods_behind(service) if service else None
        if service is None or pods is None:
            continue
        targets = tuple(port.target for port in chosen_ports(service, backend, forwarding.protocol, by_target=resource.kind == "Route"))
        if targets:
            rules.append(Rule(action=Action.PASS, peer=pods, ports=targets, index=len(rules), field=str(backend.field)))
        else:
            notes.append(f"{describe(resource)} forwards to a port that Service {backend.namespace}/{backend.service} does not have: {backend.port}")
    if rules:
        yield Policy(
            kind=resource.kind,
            name=resource.name,
            namespace=namespace_of(resource),
            tier=TIER.name,
            subject=Kind((EndpointKind.ENTRY,)),
            egress=tuple(rules),
            isolates_ingress=True,
            isolates_egress=True,
            location=resource.field("metadata", "name").locate(),
        )


def _service(resource: Resource, backend: Backend, objects: Objects, notes: list[str]) -> Resource | None:
    """The Service of a backend. Where there is none, or it does not tell its pods, a note says so."""
    service = objects.get("Service", backend.namespace, backend.service)
    if service is None:
        notes.append(f"{describe(resource)} forwards to Service {backend.namespace}/{backend.service}, which is not in the input")
    elif pods_behind(service) is None:
        notes.append(f"{describe(resource)} forwards to Service {backend.namespace}/{backend.service}, which selects no pods itself")
    return service


def chosen_ports(service: Resource, backend: Backend, protocol: Protocol, *, by_target: bool = False) -> list[ServicePort]:
    """The ports of a Service that a backend means: by number or name, all where it says none.

    With ``by_target``, as Routes have it, a number is that of the target port; where no port leads there, it is the Service's own.
    """
    own = [port for port in service_ports(service) if port.protocol is protocol]
    if backend.port is None:
        return own
    if type(backend.port) is str:
        return [port for port in own if backend.port in ((port.name, port.target.name) if by_target else (port.name,))]
    by_number = [port for port in own if port.number == backend.port]
    return ([port for port in own if not port.target.name and port.target.first == backend.port] or by_number) if by_target else by_number


def describe(resource: Resource) -> str:
    return f"{resource.kind} {namespace_of(resource)}/{resource.name}"


def _port(field: Field) -> int | str | None:
    return field.text or field.integer


def _ingress(resource: Resource, _objects: Objects, notes: list[str]) -> Forwarding:
    """An Ingress of networking.k8s.io/v1, or of the versions before it, which wrote ``serviceName`` and ``servicePort``."""
    spec = resource.field("spec")
    given = [spec["defaultBackend"], spec["backend"]]
    hosts: dict[str, None] = {}
    for rule in spec["rules"].items():
        hosts[rule["host"].text] = None
        given += [path["backend"] for path in rule.at("http", "paths").items()]
    if spec["defaultBackend"].is_set or spec["backend"].is_set:
        hosts[""] = None
    backends = []
    for field in given:
        service = field["service"]["name"].text or field["serviceName"].text
        port = field.at("service", "port")
        if service:
            number = _port(port["name"]) or _port(port["number"]) or _port(field["servicePort"])
            backends.append(Backend(field, namespace_of(resource), service, number or 0))
        elif field["resource"].is_set:
            notes.append(f"{describe(resource)} forwards to {field['resource']['kind'].text or 'an object'}, where its backends cannot be followed")
    covered = [_covers(item, hosts) for item in spec["tls"].items()]
    return Forwarding(tuple(backends), hosts=_hosts(hosts), encrypted=bool(hosts) and all(any(host in own for own in covered) for host in hosts))


def _covers(tls: Field, hosts: Iterable[str]) -> set[str]:
    """The hosts of an Ingress that an item of its ``tls`` speaks of; without any of its own it is for all."""
    own = [item.text for item in tls["hosts"].items() if item.text]
    if not own:
        return set(hosts)
    return {host for host in hosts if host in own or any(name.startswith("*.") and host.partition(".")[2] == name[2:] for name in own)}


def _hosts(hosts: Iterable[str]) -> tuple[str, ...]:
    """Names; ``*`` is any."""
    return tuple(dict.fromkeys(host or "*" for host in hosts))


def _route(resource: Resource, _objects: Objects, notes: list[str]) -> Forwarding:
    """OpenShift's Route: one Service and its alternates, those of weight 0 left out."""
    spec = resource.field("spec")
    port = _port(spec.at("port", "targetPort"))
    backends = []
    for field in (spec["to"], *spec["alternateBackends"].items()):
        if field["kind"].text not in ("", "Service"):
            notes.append(f"{describe(resource)} forwards to a {field['kind'].text}, which cannot be followed")
        elif field["name"].text and field["weight"].integer != 0:
            backends.append(Backend(field, namespace_of(resource), field["name"].text, port))
    host = spec["host"].text
    return Forwarding(tuple(backends), hosts=(host,) if host else (), encrypted=spec.at("tls", "termination").is_set)


def _gateway_route(resource: Resource, objects: Objects, notes: list[str]) -> Forwarding | None:
    """A route of the Gateway API, where a listener takes it; its backends, those of weight 0 left out, and what its filters mirror to."""
    found = list(attachments(resource, objects, notes))
    if not found:
        return None
    backends: list[Backend] = []
    for rule in resource.field("spec", "rules").items():
        filters = [*rule["filters"].items(), *(item for reference in rule["backendRefs"].items() for item in reference["filters"].items())]
        mirrors = [item.at("requestMirror", "backendRef") for item in filters]
        for field in (*(item for item in rule["backendRefs"].items() if item["weight"].integer != 0), *mirrors):
            backends += _reference(resource, field, objects, notes)
    protocol = Protocol.UDP if resource.kind == "UDPRoute" else Protocol.TCP
    hosts = dict.fromkeys(host for attachment in found for host in attachment.hosts)
    return Forwarding(tuple(backends), protocol, tuple(hosts), all(map(_is_encrypted, found)))


def _is_encrypted(attachment: Attachment) -> bool:
    return attachment.protocol in ("HTTPS", "TLS")


def _reference(resource: Resource, field: Field, objects: Objects, notes: list[str]) -> Iterator[Backend]:
    name = field["name"].text
    if not name:
        return
    if field["group"].text or field["kind"].text not in ("", "Service"):
        notes.append(f"{describe(resource)} forwards to {field['kind'].text} {name}, which cannot be followed")
        return
    namespace = field["namespace"].text or namespace_of(resource)
    if namespace != namespace_of(resource) and not may_refer(resource, namespace, name, objects):
        notes.append(f"{describe(resource)} refers to Service {namespace}/{name}, which no ReferenceGrant permits")
        return
    yield Backend(field, namespace, name, field["port"].integer or 0)


Forwarder = Callable[[Resource, Objects, list[str]], Forwarding | None]
_GATEWAY: Final = "gateway.networking.k8s.io"
FORWARDERS: Final[Mapping[tuple[str, str], Forwarder]] = {
    ("networking.k8s.io", "Ingress"): _ingress,
    ("extensions", "Ingress"): _ingress,
    ("route.openshift.io", "Route"): _route,
    ("", "Route"): _route,  # OpenShift's own name of before there were groups
    **{(_GATEWAY, kind): _gateway_route for kind in ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")},
}


def forwarders(resources: Sequence[Resource]) -> Iterator[Resource]:
    """The objects that may forward something."""
    return (resource for resource in resources if (resource.group, resource.kind) in FORWARDERS)
