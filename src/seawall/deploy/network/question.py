"""Questions about one connection: who is meant by ``shop/web`` or ``10.0.0.1``, whether it is allowed, and what decides."""

from ipaddress import ip_address

from msgspec import Struct

from seawall.core.errors import UsageError
from seawall.deploy.network.mesh import layer as layers
from seawall.deploy.network.mesh.layer import MeshDecision
from seawall.deploy.network.mesh.model import Mesh
from seawall.deploy.network.model import Cluster, Direction, Endpoint, EndpointKind, Expression, Protocol
from seawall.deploy.network.reach import chain, expressions_of
from seawall.deploy.network.select import Selection
from seawall.deploy.network.universe import groups
from seawall.deploy.network.walk import Decision, decide


class Answer(Struct, frozen=True):
    """Both sides' decisions on one connection, and the mesh's where there is one; it is allowed when all allow it."""

    source: Endpoint
    destination: Endpoint
    egress: Decision
    ingress: Decision
    mesh: MeshDecision | None = None

    @property
    def allowed(self) -> bool:
        return self.egress.allowed and self.ingress.allowed and (self.mesh is None or self.mesh.allowed)


class Questions:
    """Answers questions about one cluster; its groups and selectors are worked out once."""

    def __init__(self, cluster: Cluster, mesh: Mesh = Mesh()) -> None:
        cluster = layers.joined(cluster, mesh)
        self._cluster = cluster
        self._mesh = layers.meshed(cluster, mesh) if mesh.policies else None
        self.groups = groups(cluster, expressions_of(policy for policy in cluster.policies if not policy.staged), (4, 6))
        self._selection = Selection(cluster, self.groups)
        self._tiers = {direction: chain(cluster, direction) for direction in Direction}

    def ask(self, source: int, destination: int, protocol: Protocol, port: int) -> Answer:
        """Whether one group may open a connection to another. ``port`` is the destination's, for ICMP the type."""
        end = self.groups[destination].endpoint
        out, into = self._tiers[Direction.EGRESS], self._tiers[Direction.INGRESS]
        egress = decide(self._cluster, Direction.EGRESS, source, destination, end, self._means, protocol, port, out)
        ingress = decide(self._cluster, Direction.INGRESS, destination, source, end, self._means, protocol, port, into)
        if source == destination and self.groups[source].endpoint.kind is EndpointKind.POD and self._is_single(source):
            egress = ingress = Decision(True)  # a pod always reaches itself
            return Answer(self.groups[source].endpoint, end, egress, ingress)
        mesh = layers.judge(self._mesh, destination, source, end, self._means, protocol, port) if self._mesh else None
        return Answer(self.groups[source].endpoint, end, egress, ingress, mesh)

    def _is_single(self, group: int) -> bool:
        return len(self.groups[group].members) == 1

    def _means(self, expression: Expression, group: int) -> bool:
        return self._selection.means(expression, group)

    def find(self, text: str) -> list[int]:
        """The groups that a text names: a pod or workload (``NS/NAME``, ``NS/NAME[Kind]``, or a name that only one has), a node, or an address.

        Raises ``UsageError`` when nothing is called so.
        """
        found = self._address(text) if _is_address(text) else self._named(text)
        if not found:
            raise UsageError(f"nothing is called {text!r}; write NAMESPACE/POD, NAMESPACE/WORKLOAD, the name of a node or an address")
        return found

    def _named(self, text: str) -> list[int]:
        namespace, slash, name = text.rpartition("/")
        found: list[int] = []
        for place, group in enumerate(self.groups):
            for member in group.members:
                endpoint = self._cluster.endpoints[member]
                names = {
                    endpoint.name,
                    endpoint.workload,
                    endpoint.workload.rpartition("/")[2].partition("[")[0],
                    endpoint.workload.rpartition("/")[2],
                }
                if (text == endpoint.workload or name in names) and (not slash or endpoint.namespace == namespace):
                    found.append(place)
        return list(dict.fromkeys(found))

    def _address(self, text: str) -> list[int]:
        address = ip_address(text)
        inside = [
            place
            for place, group in enumerate(self.groups)
            if group.endpoint.kind is not EndpointKind.NAME
            and any(address in network for member in group.members for network in self._cluster.endpoints[member].addresses)
        ]
        if inside:
            # Pods on the host's network share the address of their node, and count as it.
            nodes = [place for place in inside if self.groups[place].endpoint.kind is EndpointKind.NODE]
            return nodes or inside
        value = int(address)
        return [
            place
            for place, group in enumerate(self.groups)
            if any(version == address.version and first <= value <= last for version, first, last in group.ranges)
        ]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
