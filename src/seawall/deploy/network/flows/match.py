"""Who an end of a flow is: the pod, workload, node or outside address of the cluster that it means.

A name goes before an address, as addresses are used again. A pod that is not in the input itself belongs to the workload whose template is, where the
log names the owner, or where the pod's name is one that the owner's controller would have given it.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from ipaddress import ip_address
from typing import Final

from msgspec import Struct

from seawall.deploy.network.flows.model import Party
from seawall.deploy.network.model import Cluster, Endpoint, EndpointKind
from seawall.deploy.network.naming import names_of
from seawall.deploy.network.universe import Group, text

# What the controllers add to the name of a workload for its pods; the letters are those of k8s.io/apimachinery's rand.SafeEncodeString.
_RANDOM: Final = "[bcdfghjklmnpqrstvwxz2456789]"
_SUFFIXES: Final = {
    "Deployment": re.compile(rf"-{_RANDOM}{{1,10}}(-({_RANDOM}{{5}}|\*))?|-\*").fullmatch,
    "Rollout": re.compile(rf"-{_RANDOM}{{1,10}}(-({_RANDOM}{{5}}|\*))?|-\*").fullmatch,
    "StatefulSet": re.compile(r"-[0-9]+|-\*").fullmatch,
    "CronJob": re.compile(rf"-[0-9]+(-({_RANDOM}{{5}}|\*|[0-9]+-({_RANDOM}{{5}}|\*)))?|-\*").fullmatch,
}
_OTHER: Final = re.compile(rf"-{_RANDOM}{{5}}|-[0-9]+(-{_RANDOM}{{5}})?|-\*").fullmatch
_PODS: Final = (EndpointKind.POD, EndpointKind.HOST)


class End(Struct, frozen=True):
    """An end that is known: a group and the place of one of its endpoints, or (-1) an address of an outside group. ``name`` is as results show it."""

    group: int
    member: int
    name: str


class Unknown(Struct, frozen=True):
    """An end that is not, and why."""

    reason: str


class Matcher:
    """Finds the ends of flows among the groups of a cluster."""

    def __init__(self, cluster: Cluster, groups: Sequence[Group]) -> None:
        self._cluster = cluster
        self._groups = groups
        self._found: dict[Party, End | Unknown] = {}

    def find(self, party: Party) -> End | Unknown:
        """Who is meant."""
        if party not in self._found:
            self._found[party] = self._find(party)
        return self._found[party]

    def _find(self, party: Party) -> End | Unknown:
        if party.namespace and (party.name or party.workload):
            found = self._pod(party)
            return found if found is not None else Unknown(f"no pod {party.namespace}/{party.name or party.workload} in the input")
        if party.entity in self._nodes:
            return self._end(*self._nodes[party.entity])
        if party.address:
            return self._address(party.address)
        return self._names.get(party.entity) or Unknown(f"{party.entity or 'an end without a name and an address'} is not in the input")

    def _pod(self, party: Party) -> End | None:
        for name in filter(None, (party.name, party.workload)):
            if own := self._by_name.get(f"{party.namespace}/{name}"):
                return self._end(*own[0])
        if not party.name:
            return None
        templates = [
            (len(name), one)
            for name, kind, one in self._workloads.get(party.namespace, ())
            if party.name.startswith(f"{name}-") and _SUFFIXES.get(kind, _OTHER)(party.name[len(name) :])
        ]
        return self._end(*max(templates)[1]) if templates else None

    def _address(self, given: str) -> End | Unknown:
        try:
            address = ip_address(given)
        except ValueError:
            return Unknown(f"{given[:60]!r} is no address")
        own = self._by_address.get(str(address))
        if own is not None:
            return self._end(*own)
        value = int(address)
        for place, group in enumerate(self._groups):
            if any(version == address.version and first <= value <= last for version, first, last in group.ranges):
                return End(place, -1, str(address))
        return Unknown(f"{address} is nobody's that is in the input")

    def _end(self, place: int, member: int) -> End:
        return End(place, member, self._cluster.endpoints[member].workload)

    def _members(self, *kinds: EndpointKind) -> Iterator[tuple[int, int, Endpoint]]:
        for place, group in enumerate(self._groups):
            if group.endpoint.kind in kinds:
                for member in group.members:
                    yield place, member, self._cluster.endpoints[member]

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[int, int]]]:
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for place, member, endpoint in self._members(*_PODS):
            for name in names_of(endpoint):
                # The pod of that name goes before the workload.
                found[name].insert(0 if name == f"{endpoint.namespace}/{endpoint.name}" else len(found[name]), (place, member))
        return found

    @cached_property
    def _workloads(self) -> dict[str, list[tuple[str, str, tuple[int, int]]]]:
        """The names and kinds of the workloads of each namespace."""
        found: dict[str, dict[tuple[str, str], tuple[int, int]]] = defaultdict(dict)
        for place, member, endpoint in self._members(*_PODS):
            name, _, kind = endpoint.workload.rpartition("/")[2].partition("[")
            found[endpoint.namespace].setdefault((name, kind.rstrip("]")), (place, member))
        return {namespace: [(*key, one) for key, one in own.items() if key[1] != "Pod"] for namespace, own in found.items()}

    @cached_property
    def _by_address(self) -> dict[str, tuple[int, int]]:
        """Single addresses; those that a node shares with the pods on its network are the node's, where it is there."""
        found: dict[str, tuple[int, int]] = {}
        for kinds in ((EndpointKind.NODE,), (EndpointKind.POD,), (EndpointKind.HOST,)):
            for place, member, endpoint in self._members(*kinds):
                for network in endpoint.addresses:
                    if network.prefixlen == network.max_prefixlen:
                        found.setdefault(str(network.network_address), (place, member))
        return found

    @cached_property
    def _nodes(self) -> dict[str, tuple[int, int]]:
        return {endpoint.name: (place, member) for place, member, endpoint in self._members(EndpointKind.NODE)}

    @cached_property
    def _names(self) -> dict[str, End]:
        return {endpoint.name: End(place, member, endpoint.workload) for place, member, endpoint in self._members(EndpointKind.NAME)}


def outside_range(name: str) -> str:
    """A single address as connections show it, a range of one."""
    try:
        address = ip_address(name)
    except ValueError:
        return name
    return text((address.version, int(address), int(address)))
