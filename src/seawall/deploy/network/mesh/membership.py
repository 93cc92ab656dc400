"""Who is in the mesh, and which of its ports go through a proxy.

A pod has a sidecar where it, or its namespace, asks for one (``sidecar.istio.io/inject``, ``istio-injection``, ``istio.io/rev``) and neither refuses,
or where the container ``istio-proxy`` is there already; it is behind the node's proxy where it or its namespace says ``istio.io/dataplane-mode:
ambient``. Pods on the host's network and those of Kubernetes' own namespaces get none. Where nothing in the input speaks of either at all, every pod
is taken to be in the mesh, and a note says so: manifests often leave to others what labels a namespace.

Sources: the Istio documentation of sidecar injection (v1.27, "Controlling the injection policy"), of ambient mode ("Add workloads"), of resource
annotations, of protocol selection and of the ports that Istio uses.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from msgspec import Struct

from seawall.core.pod import Pod, pods
from seawall.core.resource import Resource
from seawall.core.selector import labels_of
from seawall.deploy.network.mesh.model import ALL_PORTS, Member, Profile, Span
from seawall.deploy.network.mesh.spans import meet, minus, spans
from seawall.deploy.network.model import Endpoint, EndpointKind, Protocol
from seawall.deploy.network.services import Pods, ServicePort, namespace_of, service_ports

PROXY: Final = "istio-proxy"
_INJECT: Final = "sidecar.istio.io/inject"
_NAMESPACE_INJECTION: Final = "istio-injection"
_REVISION: Final = "istio.io/rev"
_MODE: Final = "istio.io/dataplane-mode"
_TLS_MODE: Final = "security.istio.io/tlsMode"  # set on every pod that got a sidecar
_INCLUDE: Final = "traffic.sidecar.istio.io/includeInboundPorts"
_EXCLUDE: Final = "traffic.sidecar.istio.io/excludeInboundPorts"
_IGNORED: Final = ("kube-system", "kube-public", "kube-node-lease", "local-path-storage")
_OWN_PORTS: Final = (15020, 15021, 15090)  # statistics and health of the proxy itself
_OPAQUE: Final = ("tcp", "tls", "https", "mongo", "mysql", "redis")
_HTTP: Final = ("http", "http2", "grpc", "grpc-web")
_SERVER_FIRST: Final = (25, 53, 3306, 27017)  # where the server speaks first, so that nothing is guessed


class Traits(Struct, frozen=True):
    """What a pod says beyond its labels."""

    has_proxy: bool = False
    annotations: Mapping[str, str] = {}


def profiles(resources: Sequence[Resource], endpoints: Sequence[Endpoint], notes: list[str]) -> tuple[Profile, ...]:
    """A profile for each endpoint; mutual TLS is not looked at yet."""
    namespaces = _namespaces(resources)
    traits = _traits(resources)
    own = [traits.get(_key(endpoint.namespace, endpoint.name, endpoint.labels), Traits()) for endpoint in endpoints]
    spoken = is_spoken_of(resources, endpoints) or any(trait.has_proxy or _INJECT in trait.annotations for trait in own)
    if not spoken:
        notes.append("nothing in the input says which pods are in the mesh; all are taken to be")
    opaque = _opaque(resources, endpoints)
    return tuple(
        _profile(endpoint, trait, namespaces.get(endpoint.namespace, {}), opaque.get(place, frozenset()), spoken=spoken)
        for place, (endpoint, trait) in enumerate(zip(endpoints, own, strict=True))
    )


def _profile(endpoint: Endpoint, traits: Traits, namespace: Mapping[str, str], opaque: frozenset[int], *, spoken: bool) -> Profile:
    if endpoint.kind is EndpointKind.ENTRY:
        return Profile(Member.UNKNOWN)
    if endpoint.kind is not EndpointKind.POD:
        return Profile()
    member = member_of(endpoint.namespace, endpoint.labels, namespace, traits) if spoken else Member.SIDECAR
    if member is None:
        return Profile()
    bypassed = _bypassed(traits.annotations.get(_INCLUDE, "*"), traits.annotations.get(_EXCLUDE, "")) if member is Member.SIDECAR else ()
    return Profile(member, bypassed, tuple(sorted(opaque)))


def is_spoken_of(resources: Iterable[Resource], endpoints: Iterable[Endpoint]) -> bool:
    """Whether a label says anything of the mesh."""
    return any(map(_speaks, _namespaces(resources).values())) or any(_speaks(endpoint.labels) for endpoint in endpoints)


def _namespaces(resources: Iterable[Resource]) -> dict[str, dict[str, str]]:
    return {
        resource.name: labels_of(resource.field("metadata", "labels").value)
        for resource in resources
        if resource.kind == "Namespace" and not resource.group
    }


def _speaks(labels: Mapping[str, str]) -> bool:
    return any(key in labels for key in (_INJECT, _NAMESPACE_INJECTION, _REVISION, _MODE, _TLS_MODE))


def member_of(namespace: str, labels: Mapping[str, str], namespace_labels: Mapping[str, str], traits: Traits) -> Member | None:
    """How a pod is in the mesh, if it is."""
    if traits.has_proxy or labels.get(_TLS_MODE) == "istio" or _is_injected(namespace, labels, namespace_labels, traits):
        return Member.SIDECAR
    return Member.AMBIENT if labels.get(_MODE, namespace_labels.get(_MODE)) == "ambient" and namespace not in _IGNORED else None


def _is_injected(namespace: str, labels: Mapping[str, str], namespace_labels: Mapping[str, str], traits: Traits) -> bool:
    own, injection = labels.get(_INJECT), namespace_labels.get(_NAMESPACE_INJECTION)
    if namespace in _IGNORED or own == "false" or injection == "disabled":
        return False
    if own is None and traits.annotations.get(_INJECT) == "false":  # the way before labels; it never asked for a sidecar by itself
        return False
    return own == "true" or injection == "enabled" or _REVISION in labels or (injection is None and _REVISION in namespace_labels)


Key = tuple[str, str, frozenset[tuple[str, str]]]


def _key(namespace: str, name: str, labels: Mapping[str, str]) -> Key:
    return namespace, name, frozenset(labels.items())


def _traits(resources: Iterable[Resource]) -> dict[Key, Traits]:
    """What pods say beyond their labels, for those that say anything."""
    found: dict[Key, Traits] = {}
    for resource in resources:
        for pod in pods(resource):
            traits = _traits_of(pod)
            if traits != Traits():
                found[_key(namespace_of(resource), resource.name, labels_of(pod.metadata["labels"].value))] = traits
    return found


def _traits_of(pod: Pod) -> Traits:
    given = labels_of(pod.annotations.value)
    return Traits(
        any(container.name == PROXY and container.stays for container in pod.containers),
        {key: given[key] for key in (_INJECT, _INCLUDE, _EXCLUDE) if key in given},
    )


@lru_cache(maxsize=256)
def _bypassed(included: str, excluded: str) -> tuple[Span, ...]:
    """The ports that do not go through the sidecar: all but those included, and those excluded."""
    through = ALL_PORTS if included == "*" else meet(ALL_PORTS, spans(_numbers(included)))
    return minus(ALL_PORTS, minus(through, spans([*_OWN_PORTS, *_numbers(excluded)])))


def _numbers(text: str) -> list[int]:
    return [int(part) for part in map(str.strip, text.split(",")) if part.isascii() and part.isdecimal() and len(part) <= 5]


def _opaque(resources: Sequence[Resource], endpoints: Sequence[Endpoint]) -> dict[int, frozenset[int]]:
    """For each endpoint the ports that a Service declares to be something else than HTTP."""
    behind = Pods(endpoints)
    found: dict[int, set[int]] = {}
    for service in resources:
        if service.kind != "Service" or service.group:
            continue
        ports = [port for port in service_ports(service) if port.protocol is Protocol.TCP and is_opaque(port)]
        for place in behind.behind(service) if ports else ():
            for port in ports:
                found.setdefault(place, set()).update(_numbers_at(port, endpoints[place]))
    return {place: frozenset(own) for place, own in found.items()}


def _numbers_at(port: ServicePort, endpoint: Endpoint) -> Iterator[int]:
    if not port.target.name:
        yield port.target.first
    for own in endpoint.ports if port.target.name else ():
        if own.name == port.target.name and own.protocol is port.protocol:
            yield own.number


def is_opaque(port: ServicePort) -> bool:
    """Whether Istio takes a port for plain TCP: by ``appProtocol``, else by what its name starts with, else by its number; others it looks into."""
    said = port.application.lower() or port.name.partition("-")[0].lower()
    if said in _HTTP or port.name.lower().startswith("grpc-web") or said.startswith("kubernetes.io/"):
        return False
    return said in _OPAQUE or port.number in _SERVER_FIRST
