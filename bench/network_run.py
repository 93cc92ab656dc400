"""One cluster of a given size, judged once in a process of its own: ``python -m bench.network_run PODS POLICIES REPLICAS KIND...``.

Prints figures as JSON, times in seconds. The objects are made up in memory: reading files is not the engine's work.
"""

import json
import sys
import time
from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from bench.clusters import KINDS, Maker
from seawall.core.fix import Change, Edit
from seawall.core.location import Location
from seawall.core.resource import Path, Resource
from seawall.deploy.network.load import load
from seawall.deploy.network.model import Cluster, PortRange, Protocol
from seawall.deploy.network.reach import Reach, reach

CHANGES = 5


class Nowhere:
    """The positions of an object that stands in no file."""

    def locate(self, path: Path, field: str) -> Location:  # noqa: ARG002 (the interface)
        return Location("-", 1, 1, 1, 1, field)

    def edits(self, changes: Sequence[tuple[Path, Change]]) -> tuple[Edit, ...]:  # noqa: ARG002 (the interface)
        return ()


def run(pods: int, policies: int, replicas: int, kinds: tuple[str, ...]) -> dict[str, float]:
    """Load, judge, count what is allowed, prove something, and change policies one at a time."""
    started = time.perf_counter()
    cluster = load(Resource("-", item, Nowhere()) for item in Maker(pods, policies, kinds, replicas=replicas).objects()).cluster
    loaded = time.perf_counter()
    judged = reach(cluster)
    decided = time.perf_counter()
    pairs = _pairs(judged)
    counted = time.perf_counter()
    proofs, changes = [], []
    for number in range(CHANGES):
        start = time.perf_counter()
        _holds(judged, f"ns-{number}", f"ns-{number + 1}")
        proofs.append(time.perf_counter() - start)
        start = time.perf_counter()
        reach(_changed(cluster, number), before=judged)
        changes.append(time.perf_counter() - start)
    return {
        "load": loaded - started,
        "judge": decided - loaded,
        "pairs": counted - decided,
        "proof": max(proofs),
        "change": max(changes),
        "classes": len(judged.first),
        "allowed": pairs,
    }


def _pairs(judged: Reach) -> int:
    """How many pairs of pods have anything allowed between them."""
    sizes = np.zeros(len(judged.first), dtype=np.int64)
    for place, group in enumerate(judged.groups):
        sizes[judged.class_of[place]] += len(group.members)
    return int(sum(sizes[source] * sizes[judged.from_class(source).any(axis=1)].sum() for source in range(len(sizes))))


def _holds(judged: Reach, source: str, destination: str) -> bool:
    """Whether no pod of one namespace reaches another on TCP, other than on 8443."""
    forbidden = judged.atoms.mask([PortRange(Protocol.TCP, 1, 65535)])
    of = {
        name: sorted({int(judged.class_of[place]) for place, group in enumerate(judged.groups) if group.endpoint.namespace == name})
        for name in (source, destination)
    }
    return not any((judged.from_class(one)[of[destination]] & forbidden).any() for one in of[source])


def _changed(cluster: Cluster, number: int) -> Cluster:
    """The same cluster with one policy that selects and says something else."""
    policies = list(cluster.policies)
    other = policies[-number - 1]
    policies[number] = replace(policies[number], subject=other.subject, ingress=policies[number].ingress[:1])
    return replace(cluster, policies=tuple(policies))


def main() -> None:
    pods, policies, replicas, *kinds = sys.argv[1:]
    print(json.dumps(run(int(pods), int(policies), int(replicas), tuple(kinds) or KINDS)))


if __name__ == "__main__":
    main()
