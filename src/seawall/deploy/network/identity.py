"""Which labels say who a workload is: the fewest that select its pods and, in its namespace, no others.

Pods that no selector can tell apart belong to one unit, and get one policy.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from msgspec import Struct

from seawall.deploy.network.model import Cluster, Endpoint, EndpointKind
from seawall.deploy.network.workloads import OWN_LABELS

# The labels that people name things by, the best first (Kubernetes' recommended labels, and what was used before them).
_PREFERRED: Final = (
    "app.kubernetes.io/name",
    "app",
    "k8s-app",
    "name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/component",
    "component",
    "tier",
    "role",
)

Labels = Mapping[str, str]


class Unit(Struct, frozen=True):
    """Workloads of one namespace that can be selected together and, if there are several, only together.

    A pod is of the unit when it has ``labels`` and none of the keys ``absent``.
    """

    namespace: str
    workloads: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    absent: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.workloads[0]

    def selector(self) -> dict[str, Any]:
        """As a ``metav1.LabelSelector``."""
        found: dict[str, Any] = {}
        if self.labels:
            found["matchLabels"] = dict(self.labels)
        if self.absent:
            found["matchExpressions"] = [{"key": key, "operator": "DoesNotExist"} for key in self.absent]
        return found


def units(cluster: Cluster) -> list[Unit]:
    """All workloads with pods on the pod network, sorted."""
    pods: dict[str, dict[str, list[Labels]]] = {}
    for endpoint in cluster.endpoints:
        if endpoint.kind is EndpointKind.POD:
            pods.setdefault(endpoint.namespace, {}).setdefault(endpoint.workload, []).append(_lasting(endpoint))
    return [unit for namespace, workloads in sorted(pods.items()) for unit in _of_namespace(namespace, workloads)]


def _lasting(endpoint: Endpoint) -> Labels:
    """The labels without those that controllers add for themselves, which another revision or another pod does not have."""
    return {key: value for key, value in endpoint.labels.items() if key not in OWN_LABELS}


def _of_namespace(namespace: str, workloads: Mapping[str, Sequence[Labels]]) -> list[Unit]:
    """Workloads are joined until each can be told from the others."""
    sets = [([name], list(pods)) for name, pods in sorted(workloads.items())]
    place = 0
    while place < len(sets):
        names, own = sets[place]
        common = _common(own)
        others = [(number, labels) for number, (_, pods) in enumerate(sets) if number != place for labels in pods]
        confused = next((number for number, labels in others if _holds(labels, common) and not _extra(labels, own)), None)
        if confused is None:
            place += 1
            continue
        sets[place] = (sorted([*names, *sets[confused][0]]), [*own, *sets[confused][1]])
        del sets[confused]
        place = 0
    found = []
    for names, own in sets:
        others_ = [labels for other, pods in sets if other is not names for labels in pods]
        found.append(_unit(namespace, names, own, others_))
    return sorted(found, key=lambda unit: unit.name)


def _unit(namespace: str, names: Sequence[str], own: Sequence[Labels], others: Sequence[Labels]) -> Unit:
    common = _common(own)
    keys = sorted(common, key=lambda key: (_PREFERRED.index(key) if key in _PREFERRED else len(_PREFERRED), key))
    for size in (1, 2, 3):
        for chosen in combinations(keys, size):
            labels = {key: common[key] for key in chosen}
            if not any(_holds(other, labels) for other in others):
                return Unit(namespace, tuple(names), tuple(sorted(labels.items())))
    absent: dict[str, None] = {}
    for other in others:
        if _holds(other, common) and not any(key in other for key in absent):
            absent[_extra(other, own)[0]] = None
    return Unit(namespace, tuple(names), tuple(sorted(common.items())), tuple(sorted(absent)))


def _common(pods: Sequence[Labels]) -> Labels:
    """What all pods have."""
    return {key: value for key, value in pods[0].items() if all(other.get(key) == value for other in pods[1:])}


def _holds(labels: Labels, wanted: Labels) -> bool:
    return all(labels.get(key) == value for key, value in wanted.items())


def _extra(labels: Labels, own: Iterable[Labels]) -> list[str]:
    """The keys of labels that no pod of a unit has."""
    return sorted(key for key in labels if not any(key in pod for pod in own))
