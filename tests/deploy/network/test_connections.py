"""What is listed against what the matrices say, pair by pair."""

from hypothesis import given

from seawall.deploy.network.atoms import TRANSPORT
from seawall.deploy.network.changes import interval_of
from seawall.deploy.network.connections import connections
from seawall.deploy.network.model import Cluster, PortRange
from seawall.deploy.network.reach import matches_of, reach
from seawall.deploy.network.universe import Group
from tests.deploy.network.test_reach import clusters


@given(clusters)
def test_every_pair_of_workloads_and_every_outside_address(cluster: Cluster) -> None:
    judged = reach(cluster)
    spoken = {*TRANSPORT, *(match.protocol for match in matches_of(cluster.policies))}
    expected: dict[tuple[str, str], set[PortRange]] = {}
    for one, source in enumerate(judged.groups):
        for other, destination in enumerate(judged.groups):
            mask = judged.between(int(judged.class_of[one]), int(judged.class_of[other])).tolist()
            allowed = {item for bit, item in enumerate(judged.atoms.ranges) if _has(mask, bit) and item.protocol in spoken}
            for src in _names(cluster, source):
                for dst in _names(cluster, destination):
                    if src != dst and not (source.ranges and destination.ranges):
                        expected.setdefault((src, dst), set()).update(allowed)
    listed = list(connections(cluster, judged))
    assert len({(item.src, item.dst) for item in listed}) == len(listed)
    for (src, dst), ports in expected.items():
        found = {port for item in listed if _is(item.src, src) and _is(item.dst, dst) for port in item.ports}
        assert all(any(_within(part, whole) for whole in found) for part in ports), (src, dst)
        assert _size(found) == _size(ports), (src, dst)


def _names(cluster: Cluster, group: Group) -> list[str]:
    return [group.endpoint.workload] if group.ranges else [cluster.endpoints[place].workload for place in group.members]


def _has(words: list[int], bit: int) -> bool:
    return bool(words[bit // 64] >> bit % 64 & 1)


def _is(name: str, wanted: str) -> bool:
    """Whether a name is that workload, or a range that holds the start of that one."""
    whole, part = interval_of(name), interval_of(wanted)
    if whole is None or part is None:
        return name == wanted
    return whole[0] == part[0] and whole[1] <= part[1] <= whole[2]


def _within(part: PortRange, whole: PortRange) -> bool:
    return part.protocol is whole.protocol and whole.first <= part.first and part.last <= whole.last


def _size(ranges: set[PortRange]) -> int:
    return sum(item.last - item.first + 1 for item in ranges)
