"""Pods and workloads as endpoints.

A workload is the topmost owner that is in the input; an object's template stands for its pods only where none of them is in the input itself. Pods on
the host's network are seen by their node's addresses. Pods that have ended have no network, and are no endpoints.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Final

from seawall.core.pod import Pod, pods
from seawall.core.resource import Field, Resource
from seawall.core.selector import labels_of
from seawall.deploy.network.kinds.selectors import NAMESPACE_NAME
from seawall.deploy.network.model import Endpoint, EndpointKind, Network, Port, Protocol

DEFAULT_NAMESPACE: Final = "default"
DEFAULT_ACCOUNT: Final = "default"
_PROTOCOLS: Final = {protocol.value: protocol for protocol in (Protocol.TCP, Protocol.UDP, Protocol.SCTP)}
_ENDED: Final = ("Succeeded", "Failed")
OWN_LABELS: Final = frozenset(
    # What controllers put on each pod of a workload, or each revision, for themselves.
    {
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "batch.kubernetes.io/job-name",
        "controller-revision-hash",
        "controller-uid",
        "job-name",
        "pod-template-generation",
        "pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    }
)
_MAX_OWNERS: Final = 20  # from a pod upwards; a circle of owners ends there

Key = tuple[str, str, str]
"""An object: kind, namespace and name."""


def endpoints(resources: Sequence[Resource]) -> Iterator[Endpoint]:
    """The endpoints of all workloads, in the order of the input."""
    machines = {node.node: node.addresses for node in nodes(resources)}
    owners = {_key(resource): resource for resource in resources if pods(resource)}
    given = [resource for resource in resources if resource.kind == "Pod" and resource.group == ""]
    ended = {_key(resource) for resource in given if resource.field("status", "phase").text in _ENDED}
    standing = {_key(resource) for resource in given} - ended
    represented: set[Key] = set()  # workloads of which a pod is there
    for key in standing:
        represented |= set(_owners(owners[key], owners)) if key in owners else set()
    for resource in resources:
        key = _key(resource)
        if key in ended or (key not in standing and (key in represented or _is_owned(resource, owners))):
            continue
        top = next(iter(reversed(list(_owners(resource, owners)))), key)
        for pod in pods(resource):
            yield _endpoint(pod, resource, top, machines)


def mixed(found: Iterable[Endpoint]) -> Iterator[str]:
    """A line for each workload whose pods differ in labels or ports, so that one name stands for more than one sort of pods."""
    sorts: dict[str, dict[object, None]] = {}
    for endpoint in found:
        if endpoint.kind in (EndpointKind.POD, EndpointKind.HOST):
            labels = frozenset((key, value) for key, value in endpoint.labels.items() if key not in OWN_LABELS)
            sorts.setdefault(endpoint.workload, {})[endpoint.kind, labels, frozenset(endpoint.ports)] = None
    for workload, own in sorts.items():
        if len(own) > 1:
            yield f"the pods of {workload} differ in labels or ports: what any of them may do is listed for all"


def _key(resource: Resource) -> Key:
    return resource.kind, resource.namespace or DEFAULT_NAMESPACE, resource.name


def _owners(resource: Resource, known: Mapping[Key, Resource]) -> Iterator[Key]:
    """The owners of an object that are in the input, from the nearest up."""
    current = resource
    for _ in range(_MAX_OWNERS):
        references = [reference for reference in current.field("metadata", "ownerReferences").items() if type(reference.value) is dict]
        chosen = next((item for item in references if item["controller"].value is True), references[0] if references else None)
        if chosen is None:
            return
        key = (chosen["kind"].text, current.namespace or DEFAULT_NAMESPACE, chosen["name"].text)
        if key not in known or known[key] is current:
            return
        yield key
        current = known[key]


def _is_owned(resource: Resource, known: Mapping[Key, Resource]) -> bool:
    """Whether a template belongs to an owner in the input, whose own template says the same (a ReplicaSet of a Deployment)."""
    return next(_owners(resource, known), None) is not None


def _endpoint(pod: Pod, resource: Resource, top: Key, machines: Mapping[str, tuple[Network, ...]]) -> Endpoint:
    kind, namespace, name = top
    on_host = pod.spec["hostNetwork"].value is True
    node = pod.spec["nodeName"].text
    known = tuple(_addresses(resource.field("status"), on_host=on_host)) if resource.kind == "Pod" else ()
    return Endpoint(
        kind=EndpointKind.HOST if on_host else EndpointKind.POD,
        workload=f"{namespace}/{name}[{kind}]",
        name=resource.name,
        namespace=namespace,
        labels=labels_of(pod.metadata["labels"].value),
        service_account=pod.spec["serviceAccountName"].text or pod.spec["serviceAccount"].text or DEFAULT_ACCOUNT,
        node=node,
        addresses=tuple(dict.fromkeys((*known, *machines.get(node, ())))) if on_host else known,
        ports=tuple(_ports(pod)),
    )


def _addresses(status: Field, *, on_host: bool) -> Iterator[Network]:
    """The addresses that a pod's status tells, each once."""
    one, many, key = ("hostIP", "hostIPs", "ip") if on_host else ("podIP", "podIPs", "ip")
    texts = [status[one].text, *(item[key].text for item in status[many].items())]
    yield from addresses(texts)


def addresses(texts: Iterable[str]) -> Iterator[Network]:
    """The networks of single addresses; what is no address is passed over."""
    for text in dict.fromkeys(filter(None, texts)):
        try:
            yield ip_network(text)
        except ValueError:
            continue


def _ports(pod: Pod) -> Iterator[Port]:
    """The declared ports of the containers that stay, each once."""
    found: dict[Port, None] = {}
    for container in pod.containers:
        if not container.stays:
            continue
        for item in container["ports"].items():
            number = item["containerPort"].integer
            protocol = _PROTOCOLS.get(item["protocol"].text or "TCP")
            if number is not None and 1 <= number <= 65535 and protocol is not None:
                found[Port(number, protocol, item["name"].text)] = None
    yield from found


def namespaces(resources: Iterable[Resource], found: Iterable[Endpoint]) -> dict[str, dict[str, str]]:
    """The labels of all namespaces that are there or are spoken of. Each has its name as a label, as the API server sees to."""
    labels: dict[str, dict[str, str]] = {endpoint.namespace: {} for endpoint in found if endpoint.namespace}
    for resource in resources:
        if resource.kind == "Namespace" and resource.group == "":
            labels[resource.name] = labels_of(resource.field("metadata", "labels").value)
    return {name: {**own, NAMESPACE_NAME: name} for name, own in labels.items()}


def nodes(resources: Iterable[Resource]) -> Iterator[Endpoint]:
    """The nodes as endpoints, by their names."""
    for resource in resources:
        if resource.kind == "Node" and resource.group == "":
            texts = [item["address"].text for item in resource.field("status", "addresses").items() if item["type"].text.endswith("IP")]
            yield Endpoint(
                kind=EndpointKind.NODE,
                workload=f"{resource.name}[Node]",
                name=resource.name,
                node=resource.name,
                labels=labels_of(resource.field("metadata", "labels").value),
                addresses=tuple(addresses(texts)),
            )


def service_accounts(resources: Iterable[Resource]) -> dict[str, dict[str, str]]:
    """The labels of service accounts by ``namespace/name``."""
    return {
        f"{resource.namespace or DEFAULT_NAMESPACE}/{resource.name}": labels_of(resource.field("metadata", "labels").value)
        for resource in resources
        if resource.kind == "ServiceAccount" and resource.group == ""
    }
