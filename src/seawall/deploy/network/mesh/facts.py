"""What rules ask of a mesh: which mutual TLS each workload demands, and which workloads nobody's authorization guards."""

from collections.abc import Iterator

from msgspec import Struct

from seawall.deploy.network.mesh.compiled import subject_of
from seawall.deploy.network.mesh.layer import joined
from seawall.deploy.network.mesh.model import Member, Mesh, Mode, Modes
from seawall.deploy.network.model import Cluster, EndpointKind
from seawall.deploy.network.select import Selection
from seawall.deploy.network.universe import Group


class MeshWorkload(Struct, frozen=True):
    """Pods of one workload that are alike: ``member`` is how they are in the mesh, ``None`` where they are not, and then ``modes`` means nothing.

    ``authorized`` says that an ALLOW, DENY or CUSTOM policy is for them.
    """

    namespace: str
    workload: str
    member: Member | None
    modes: Modes
    authorized: bool

    @property
    def is_strict(self) -> bool:
        """Whether every port demands mutual TLS."""
        return self.member is not None and {self.modes.default, *(mode for _, mode in self.modes.by_port)} == {Mode.STRICT}


def mtls_modes(cluster: Cluster, mesh: Mesh) -> list[MeshWorkload]:
    """Every pod's workload, sorted; none where nothing speaks of Istio."""
    return sorted(set(_workloads(cluster, mesh)), key=lambda item: (item.workload, item.member or "", item.modes.default, item.modes.by_port))


def unauthorized(cluster: Cluster, mesh: Mesh) -> list[MeshWorkload]:
    """The workloads that demand mutual TLS, so know who comes, and let everyone in: no authorization policy is for them."""
    return [item for item in mtls_modes(cluster, mesh) if item.is_strict and not item.authorized]


def _workloads(cluster: Cluster, mesh: Mesh) -> Iterator[MeshWorkload]:
    if not mesh.profiles:
        return
    both = joined(cluster, mesh)
    pods = [place for place, endpoint in enumerate(both.endpoints) if endpoint.kind is EndpointKind.POD]
    selection = Selection(both, [Group(both.endpoints[place], (place,)) for place in pods])
    guarded = {subject_of(policy.target) for policy in mesh.authorizations if policy.action != "AUDIT"}
    vectors = [selection.vector(subject) for subject in guarded]
    for number, place in enumerate(pods):
        endpoint, profile = cluster.endpoints[place], mesh.profiles[place]
        yield MeshWorkload(endpoint.namespace, endpoint.workload, profile.member, profile.modes, any(vector[number] for vector in vectors))
