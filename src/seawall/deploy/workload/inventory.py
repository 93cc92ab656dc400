"""Everything that was given to one scan, indexed, for rules about what stands between objects.

Building it is one pass over the objects, and a question costs what its answer holds, so that 20,000 objects take seconds.

An object without a namespace is taken to be in ``default``, as kubectl would put it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, TypeVar, cast

from seawall.core.pod import POD_TEMPLATES, Pod, pods
from seawall.core.resource import Field, Resource
from seawall.core.selector import Selector, labels_of

Derived = TypeVar("Derived")

CLUSTER_SCOPED = frozenset({
    "Namespace", "Node", "PersistentVolume", "StorageClass", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "PriorityClass",
    "RuntimeClass", "IngressClass", "GatewayClass", "APIService", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "PodSecurityPolicy", "CSIDriver", "CertificateSigningRequest",
    "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy", "CiliumClusterwideNetworkPolicy", "GlobalNetworkPolicy",
})  # fmt: skip


_CONTENTS = ("data", "stringData", "binaryData")
_STATUS = {
    # What is kept of a status: where pods and nodes are in the network.
    "Pod": ("phase", "podIP", "podIPs", "hostIP", "hostIPs"),
    "Node": ("addresses",),
}
MAX_ANNOTATION = 256


def outline(resource: Resource, *, whole: bool = False) -> dict[str, Any]:
    """What an inventory keeps of an object: of a status addresses alone, no schemas of CRDs, no bulky annotations, and the keys of
    ConfigMaps and Secrets.

    ``whole`` keeps the schemas too, and what they speak of.
    """
    data = {key: value for key, value in resource.data.items() if key != "status"}
    if type(status := resource.data.get("status")) is dict and (kept := _STATUS.get(resource.kind)) and not resource.group:
        data["status"] = {key: status[key] for key in kept if key in status}
    metadata = data.get("metadata")
    if type(metadata) is dict:
        data["metadata"] = {key: value for key, value in metadata.items() if key != "managedFields"}
        if type(annotations := metadata.get("annotations")) is dict:
            data["metadata"]["annotations"] = {
                key: value if type(value) is str and len(value) <= MAX_ANNOTATION else "" for key, value in annotations.items()
            }
    if resource.kind in ("ConfigMap", "Secret"):
        data |= {name: dict.fromkeys(data[name]) for name in _CONTENTS if type(data.get(name)) is dict}
    elif not whole and resource.kind in ("CustomResourceDefinition", "PrometheusRule"):
        data.pop("spec", None)
    return data


class Inventory:
    """The objects of a scan. Ask by kind, by name, or by the labels of the pods that they make."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(resources)
        self._by_kind: dict[str, list[Resource]] = defaultdict(list)
        self._by_name: dict[tuple[str, str, str], list[Resource]] = defaultdict(list)
        for resource in self.resources:
            self._by_kind[resource.kind].append(resource)
            self._by_name[resource.kind, namespace_of(resource), resource.name].append(resource)
        self._derived: dict[Callable[[Inventory], object], object] = {}

    def derived(self, make: Callable[["Inventory"], Derived]) -> Derived:
        """What ``make`` makes of the objects, made once for all rules that ask for it."""
        if make not in self._derived:
            self._derived[make] = make(self)
        return cast("Derived", self._derived[make])

    def of_kind(self, *kinds: str) -> list[Resource]:
        """The objects of these kinds, in the order of the input."""
        return [resource for kind in kinds for resource in self._by_kind.get(kind, ())]

    def named(self, kind: str, namespace: str, name: str) -> list[Resource]:
        """The objects of that name; several when the input has several versions of one."""
        return self._by_name.get((kind, "" if kind in CLUSTER_SCOPED else namespace or "default", name), [])

    @cached_property
    def pods(self) -> list[Pod]:
        """All pods and pod templates."""
        return [pod for resource in self.resources for pod in pods(resource)]

    @cached_property
    def _pods_by_label(self) -> dict[tuple[str, str, str], list[Pod]]:
        index: dict[tuple[str, str, str], list[Pod]] = defaultdict(list)
        for pod in self.pods:
            for key, value in labels_of(pod.metadata["labels"].value).items():
                index[namespace_of(pod.resource), key, value].append(pod)
        return index

    @cached_property
    def _pods_by_namespace(self) -> dict[str, list[Pod]]:
        index: dict[str, list[Pod]] = defaultdict(list)
        for pod in self.pods:
            index[namespace_of(pod.resource)].append(pod)
        return index

    def maker(self, namespace: str, selector: Selector) -> Resource | None:
        """A custom resource whose operator may make pods that the selector selects: its labels, or those it wants for its pods, say nothing else.

        Operators label the pods they make after the object they make them for; which labels they add beside, only they know.
        """
        wanted = dict(selector.equalities)
        for resource in self._custom:
            if namespace_of(resource) != (namespace or "default"):
                continue
            spec = resource.field("spec")
            own = {
                **labels_of(resource.field("metadata", "labels").value),
                **labels_of(spec.at("podMetadata", "labels").value),
                **labels_of(spec.at("template", "metadata", "labels").value),
            }
            common = own.keys() & wanted.keys()
            if common and all(own[key] == wanted[key] for key in common):
                return resource
        return None

    @cached_property
    def _custom(self) -> list[Resource]:
        """The objects of custom kinds that hold no pod template."""
        return [
            resource
            for resource in self.resources
            if "." in resource.group and not resource.group.endswith(".k8s.io") and (resource.group, resource.kind) not in POD_TEMPLATES
        ]

    @property
    def namespaces(self) -> list[str]:
        """The namespaces that have pods."""
        return list(self._pods_by_namespace)

    def pods_in(self, namespace: str) -> list[Pod]:
        """The pods of a namespace."""
        return self._pods_by_namespace.get(namespace or "default", [])

    def select(self, namespace: str, selector: Selector) -> list[Pod]:
        """The pods of a namespace that a selector selects."""
        namespace = namespace or "default"
        narrow = [self._pods_by_label.get((namespace, key, value), []) for key, value in selector.equalities]
        candidates = min(narrow, key=len) if narrow else self.pods_in(namespace)
        return [pod for pod in candidates if selector.matches(labels_of(pod.metadata["labels"].value))]


def namespace_of(resource: Resource) -> str:
    """Where an object lives: its namespace, ``default`` when it names none, "" for kinds that live in no namespace."""
    return "" if resource.kind in CLUSTER_SCOPED else resource.namespace or "default"


def name_field(resource: Resource) -> Field:
    """Where a finding about an object that is missing points: the name of the one that needs it."""
    return resource.field("metadata", "name")
