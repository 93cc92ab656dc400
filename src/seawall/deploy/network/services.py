"""Services: which pods stand behind one, and on which of their ports.

A port of a Service leads to ``targetPort`` of each of its pods: a number, whether a container declares it or not, or the name of a declared port,
which may mean another number at each pod. A Service without a selector, or of the type ExternalName, leads somewhere that it does not tell.

Source: the API reference of Service (ServiceSpec, ServicePort).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from seawall.core.resource import Field, Resource
from seawall.core.selector import Selector, labels_selector
from seawall.deploy.network.kinds.selectors import both
from seawall.deploy.network.model import Called, Compare, Endpoint, EndpointKind, Expression, Kind, PortMatch, Protocol, Scope

DEFAULT_NAMESPACE: Final = "default"
MAX_PORT: Final = 65535
_BEHIND: Final = (EndpointKind.POD, EndpointKind.HOST)  # a Service does not mind whose network a pod is on
_PROTOCOLS: Final = {protocol.value: protocol for protocol in (Protocol.TCP, Protocol.UDP, Protocol.SCTP)}


class ServicePort(Struct, frozen=True):
    """A port of a Service. ``target`` is what it leads to at a pod; ``application`` is ``appProtocol``."""

    number: int
    target: PortMatch
    name: str = ""
    application: str = ""

    @property
    def protocol(self) -> Protocol:
        return self.target.protocol or Protocol.TCP


def selector_of_service(service: Resource) -> Selector | None:
    """The selector, or ``None`` where the Service does not choose pods itself."""
    if service.field("spec", "type").text == "ExternalName":
        return None
    selector = labels_selector(service.field("spec", "selector").value)
    return selector if selector is not None and selector.requirements else None


def pods_behind(service: Resource) -> Expression | None:
    """The pods of a Service, or ``None`` where it does not choose them."""
    selector = selector_of_service(service)
    if selector is None:
        return None
    wanted = (Compare(requirement.key, tuple(requirement.values)) for requirement in selector.requirements)
    return both(Kind(_BEHIND), Called((namespace_of(service),), Scope.NAMESPACE), *wanted)


def service_ports(service: Resource) -> Iterator[ServicePort]:
    """The ports that are well-formed, in their order."""
    for item in service.field("spec", "ports").items():
        number = item["port"].integer
        protocol = _PROTOCOLS.get(item["protocol"].text or "TCP")
        target = _target(item["targetPort"], number, protocol) if protocol is not None else None
        if number is not None and target is not None:
            yield ServicePort(number, target, item["name"].text, item["appProtocol"].text)


def _target(field: Field, number: int | None, protocol: Protocol) -> PortMatch | None:
    """``targetPort``, by default the Service's own number; 0 counts as not given."""
    if field.text:
        return PortMatch(protocol, name=field.text)
    wanted = field.integer or number
    return PortMatch(protocol, wanted, wanted) if wanted is not None and 1 <= wanted <= MAX_PORT else None


def namespace_of(resource: Resource) -> str:
    return resource.namespace or DEFAULT_NAMESPACE


class Pods:
    """Pods by namespace and label, so that those of a Service are found without looking at all."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = endpoints
        self._by_label: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for place, endpoint in enumerate(endpoints):
            if endpoint.kind in _BEHIND:
                for key, value in endpoint.labels.items():
                    self._by_label[endpoint.namespace, key, value].append(place)

    def behind(self, service: Resource) -> list[int]:
        """The places of the pods of a Service; none where it does not choose them."""
        selector = selector_of_service(service)
        if selector is None:
            return []
        namespace = namespace_of(service)
        fewest = min((self._by_label.get((namespace, key, value), []) for key, value in selector.equalities), key=len, default=[])
        return [place for place in fewest if selector.matches(self._endpoints[place].labels)]
