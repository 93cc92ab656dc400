"""What leads to workloads from outside the cluster: Services of the types LoadBalancer and NodePort, external addresses, and what is forwarded.

An exposure says which container ports something opens to the outside, and which of those the policies let through. For Services the source is the
outside (or the part of it that ``loadBalancerSourceRanges`` names), for what is forwarded ``{ingress-controller}``.

Source: the API reference of Service; what is forwarded, as in :mod:`seawall.deploy.network.entries`.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from ipaddress import ip_network

import numpy as np
from msgspec import Struct

from seawall.core.resource import Field, Resource
from seawall.deploy.load_balancers import is_internal
from seawall.deploy.network.atoms import joined, resolved
from seawall.deploy.network.entries import chosen_ports, forwarding_of
from seawall.deploy.network.kinds.objects import Objects
from seawall.deploy.network.model import Cluster, EndpointKind, PortRange
from seawall.deploy.network.reach import Reach, reach
from seawall.deploy.network.services import Pods, ServicePort, namespace_of, service_ports
from seawall.deploy.network.universe import Group, Interval, interval


class Exposure(Struct, frozen=True, kw_only=True):
    """One workload that an object opens to the outside.

    ``kind`` is ``LoadBalancer``, ``NodePort``, ``ExternalIP`` or the kind of what forwards (``Ingress``, ``Route``, ``HTTPRoute``...), ``namespace``
    and ``name`` are the object's. ``ports`` are the container ports behind it, ``open`` those of them that the policies let through from there.
    ``hosts`` and ``tls`` are of what is forwarded: TLS for all hosts. ``sources`` are the only networks a load balancer lets in, if it names some;
    ``internal`` says that an annotation keeps it inside the provider's network.
    """

    kind: str
    namespace: str
    name: str
    workload: str
    ports: tuple[PortRange, ...]
    open: tuple[PortRange, ...]
    hosts: tuple[str, ...] = ()
    tls: bool = False
    sources: tuple[str, ...] = ()
    internal: bool = False
    field: Field


def exposures(cluster: Cluster, resources: Sequence[Resource], judged: Reach | None = None) -> list[Exposure]:
    """Every way from outside to a workload, in the order of the input. ``judged`` is the reach of the cluster where it is there already."""
    objects = Objects(resources)
    pods = Pods(cluster.endpoints)
    opened = _Opened(judged or reach(cluster, (4, 6)))
    found: list[Exposure] = []
    for resource in resources:
        if resource.kind == "Service" and not resource.group:
            found += _of_service(resource, cluster, pods, opened)
        else:
            found += _forwarded(resource, objects, cluster, pods, opened)
    return found


def _of_service(service: Resource, cluster: Cluster, pods: Pods, opened: "_Opened") -> Iterator[Exposure]:
    spec = service.field("spec")
    ways = [("ExternalIP", spec["externalIPs"])] if any(item.text for item in spec["externalIPs"].items()) else []
    if spec["type"].text in ("LoadBalancer", "NodePort"):
        ways.insert(0, (spec["type"].text, spec["type"]))
    if not ways:
        return
    ports = list(service_ports(service))
    by_workload = _by_workload(cluster, pods.behind(service))
    for kind, field in ways:
        sources = tuple(item.text for item in spec["loadBalancerSourceRanges"].items() if item.text) if kind == "LoadBalancer" else ()
        for workload, places in by_workload.items():
            led = _led_to(cluster, places, ports)
            yield Exposure(
                kind=kind,
                namespace=namespace_of(service),
                name=service.name,
                workload=workload,
                ports=led,
                open=opened.of(led, places, opened.outside(sources)),
                sources=sources,
                internal=kind == "LoadBalancer" and is_internal(service),
                field=field,
            )


def _forwarded(resource: Resource, objects: Objects, cluster: Cluster, pods: Pods, opened: "_Opened") -> Iterator[Exposure]:
    forwarding = forwarding_of(resource, objects, [])
    if forwarding is None:
        return
    ports: dict[str, set[PortRange]] = {}
    places_of: dict[str, set[int]] = {}
    for backend in forwarding.backends:
        service = objects.get("Service", backend.namespace, backend.service)
        if service is None:
            continue
        chosen = chosen_ports(service, backend, forwarding.protocol, by_target=resource.kind == "Route")
        for workload, places in _by_workload(cluster, pods.behind(service)).items():
            ports.setdefault(workload, set()).update(_led_to(cluster, places, chosen))
            places_of.setdefault(workload, set()).update(places)
    for workload, own in ports.items():
        led = joined(sorted(own))
        yield Exposure(
            kind=resource.kind,
            namespace=namespace_of(resource),
            name=resource.name,
            workload=workload,
            ports=led,
            open=opened.of(led, sorted(places_of[workload]), opened.entries),
            hosts=forwarding.hosts,
            tls=forwarding.encrypted,
            field=resource.field("metadata", "name"),
        )


def _by_workload(cluster: Cluster, places: Iterable[int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place in places:
        found.setdefault(cluster.endpoints[place].workload, []).append(place)
    return found


def _led_to(cluster: Cluster, places: Iterable[int], ports: Sequence[ServicePort]) -> tuple[PortRange, ...]:
    """The container ports that these ports of a Service lead to at some pods."""
    return joined(sorted({item for place in places for port in ports for item in resolved(port.target, cluster.endpoints[place])}))


class _Opened:
    """What the policies let through to pods, from the outside or from ``{ingress-controller}``."""

    def __init__(self, judged: Reach) -> None:
        self._judged = judged
        self._class_of = {member: int(judged.class_of[place]) for place, group in enumerate(judged.groups) for member in group.members}
        self._outside = [(group, int(judged.class_of[place])) for place, group in enumerate(judged.groups) if group.ranges]
        self.entries = sorted({int(judged.class_of[place]) for place, group in enumerate(judged.groups) if group.endpoint.kind is EndpointKind.ENTRY})

    def outside(self, sources: Sequence[str]) -> list[int]:
        """The classes of outside addresses, those of ``sources`` where it names networks."""
        wanted = list(_intervals(sources)) or None
        return sorted({number for group, number in self._outside if wanted is None or _meets(group, wanted)})

    def of(self, ports: Iterable[PortRange], places: Iterable[int], sources: Sequence[int]) -> tuple[PortRange, ...]:
        """Which of some ports of pods are open to one of these classes."""
        destinations = sorted({self._class_of[place] for place in places})
        masks = [self._judged.between(source, destination) for source in sources for destination in destinations]
        if not masks:
            return ()
        return tuple(_overlap(ports, self._judged.atoms.ports(np.bitwise_or.reduce(masks))))


def _intervals(texts: Iterable[str]) -> Iterator[Interval]:
    for text in texts:
        with suppress(ValueError):
            yield interval(ip_network(text, strict=False))


def _meets(group: Group, wanted: Sequence[Interval]) -> bool:
    return any(own[0] == other[0] and own[1] <= other[2] and other[1] <= own[2] for own in group.ranges for other in wanted)


def _overlap(some: Iterable[PortRange], others: Sequence[PortRange]) -> Iterator[PortRange]:
    for one in some:
        for other in others:
            if one.protocol is other.protocol and (first := max(one.first, other.first)) <= (last := min(one.last, other.last)):
                yield PortRange(one.protocol, first, last)
