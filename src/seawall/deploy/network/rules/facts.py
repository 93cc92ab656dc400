"""A cluster judged once for all rules, and the way back from what the engine speaks of to the objects of the input.

To each namespace, and to one that nobody has heard of, a pod is added that carries no labels. What is proved for all pods is so proved for those that
come tomorrow as well: a policy that denies by default is not superfluous because every pod of today has one of its own.
"""

import re
from collections.abc import Callable
from functools import cached_property
from typing import Final

import numpy as np
from msgspec.structs import replace

from seawall.core.resource import Field, Path, Resource
from seawall.deploy.network.atoms import TRANSPORT, Words
from seawall.deploy.network.entries import TIER as ENTRIES
from seawall.deploy.network.model import Cluster, Endpoint, EndpointKind, Expression, Policy, Protocol
from seawall.deploy.network.reach import Reach, reach
from seawall.deploy.network.rules.compiled import Compiled
from seawall.deploy.network.rules.numbering import original
from seawall.deploy.network.select import Selection, Vector
from seawall.deploy.network.walk import Decision

STRANGER: Final = "{pod}"
ELSEWHERE: Final = "{namespace}"
_WORKLOADS: Final = (EndpointKind.POD, EndpointKind.HOST)
_ANYBODY: Final = (*_WORKLOADS, EndpointKind.NODE, EndpointKind.OUTSIDE)
_KEY: Final = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")


class Facts:
    """Who may reach whom among the objects of an input.

    ``cluster`` has the strangers at the end of its endpoints; the outside is looked at in both IP versions. ``decisions`` are kept by signature of
    the egress, group, port and protocol.
    """

    def __init__(self, compiled: Compiled) -> None:
        self.resources = compiled.resources
        self.numbered = compiled.numbered
        self.cluster = with_strangers(compiled.cluster)
        self.decisions: dict[tuple[int, int, int, Protocol], Decision] = {}

    @cached_property
    def reach(self) -> Reach:
        return reach(self.cluster, (4, 6))

    @cached_property
    def _selection(self) -> Selection:
        return Selection(self.cluster, self.reach.groups)

    def members(self, expression: Expression) -> Vector:
        """Which classes an expression means; ``True`` where it means the groups of a class, which are alike to every policy."""
        return self._selection.vector(expression)[self.reach.first]

    def means(self, expression: Expression, group: int) -> bool:
        return self._selection.means(expression, group)

    @cached_property
    def policies(self) -> list[Policy]:
        """The enforced policies that were written as such."""
        return [policy for policy in self.cluster.policies if not policy.staged and policy.tier != ENTRIES.name]

    @cached_property
    def classes(self) -> dict[str, list[int]]:
        """The classes of each workload of the input."""
        found: dict[str, set[int]] = {}
        for place, group in enumerate(self.reach.groups):
            for member in group.members:
                endpoint = self.cluster.endpoints[member]
                if endpoint.kind in _WORKLOADS and endpoint.name != STRANGER:
                    found.setdefault(endpoint.workload, set()).add(int(self.reach.class_of[place]))
        return {workload: sorted(own) for workload, own in found.items()}

    def where(self, test: Callable[[Endpoint], bool]) -> Vector:
        """The classes that hold an endpoint of which a test is true. A class may hold all sorts that no policy tells apart."""
        found = np.zeros(len(self.reach.first), dtype=np.bool_)
        for place, group in enumerate(self.reach.groups):
            if test(group.endpoint) or any(test(self.cluster.endpoints[member]) for member in group.members):
                found[self.reach.class_of[place]] = True
        return found

    @cached_property
    def pods(self) -> Vector:
        """The classes that hold pods, strangers among them."""
        return self.where(lambda endpoint: endpoint.kind in _WORKLOADS)

    @cached_property
    def on_host(self) -> set[str]:
        """The workloads on the host's network, which policies for pods do not reach."""
        return {endpoint.workload for endpoint in self.cluster.endpoints if endpoint.kind is EndpointKind.HOST}

    @cached_property
    def transport(self) -> Words:
        """TCP, UDP and SCTP."""
        return self.reach.atoms.mask(item for item in self.reach.atoms.ranges if item.protocol in TRANSPORT)

    @cached_property
    def everybody(self) -> Vector:
        """The classes of pods, nodes and outside addresses."""
        return self.where(lambda endpoint: endpoint.kind in _ANYBODY)

    def resource_of(self, policy: Policy) -> Resource:
        """The object that a policy was made of."""
        if policy.location is None:
            raise ValueError(f"{policy} does not say where it stands")  # every compiler does
        return self.resources[policy.location.line]

    def field_of(self, policy: Policy, name: str) -> Field:
        """A field of it by its name (``spec.ingress[0]``)."""
        return self.resource_of(policy).root.at(*path_of(name))

    def own(self, field: Field) -> Field:
        """The same field of the object as it came in."""
        return original(field, self.resources)


def path_of(name: str) -> Path:
    """The path that a name of a field spells."""
    return tuple(int(index) if index.isdecimal() else index or key for index, key in _KEY.findall(name))


def with_strangers(cluster: Cluster) -> Cluster:
    """The cluster with a pod that nobody knows in each namespace, and in one that nobody knows."""
    names = [*cluster.namespaces, ELSEWHERE]
    strangers = [Endpoint(kind=EndpointKind.POD, workload=f"{name}/{STRANGER}", name=STRANGER, namespace=name) for name in names]
    return replace(
        cluster,
        endpoints=(*cluster.endpoints, *strangers),
        namespaces={**cluster.namespaces, ELSEWHERE: {"kubernetes.io/metadata.name": ELSEWHERE}},
    )
