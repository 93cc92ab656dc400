"""Which policies select which workloads."""

from collections.abc import Mapping

import numpy as np

from seawall.deploy.network.entries import TIER as ENTRIES
from seawall.deploy.network.model import Cluster, EndpointKind
from seawall.deploy.network.reach import expressions_of
from seawall.deploy.network.select import Selection
from seawall.deploy.network.universe import groups

_PODS = (EndpointKind.POD, EndpointKind.HOST)


def selecting(cluster: Cluster) -> Mapping[str, tuple[str, ...]]:
    """The enforced policies that select a pod of each workload, in the order of the input, with the directions of which they speak."""
    policies = [policy for policy in cluster.policies if not policy.staged and policy.tier != ENTRIES.name]
    found = groups(cluster, expressions_of(policies))
    selection = Selection(cluster, found)
    names: dict[str, dict[str, None]] = {
        cluster.endpoints[member].workload: {} for group in found for member in group.members if group.endpoint.kind in _PODS
    }
    for policy in policies:
        directions = [
            direction
            for direction, speaks in (
                ("ingress", policy.isolates_ingress or policy.ingress),
                ("egress", policy.isolates_egress or policy.egress),
            )
            if speaks
        ]
        for place in np.flatnonzero(selection.vector(policy.subject)):
            for member in found[place].members:
                if (own := names.get(cluster.endpoints[member].workload)) is not None:
                    own[f"{policy} ({' and '.join(directions) or 'nothing'})"] = None
    return {workload: tuple(own) for workload, own in sorted(names.items())}
