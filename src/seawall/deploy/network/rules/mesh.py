"""What the mesh demands of connections: mutual TLS, and an AuthorizationPolicy. Nothing here needs the engine."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

from msgspec import Struct

from seawall.core.resource import Resource
from seawall.deploy.network import workloads
from seawall.deploy.network.mesh import load, membership
from seawall.deploy.network.mesh.model import ROOT_NAMESPACE, Mode, Profile, Target
from seawall.deploy.network.model import Endpoint
from seawall.deploy.network.rules.numbering import numbered

_GATEWAYS: Final = ("ingressgateway", "egressgateway", "eastwestgateway")


class Gap(Struct, frozen=True):
    """A workload that lacks something."""

    namespace: str
    workload: str


class MeshFacts:
    """Who is in the mesh among the objects of an input; ``told`` says whether the input says so, and not only Istio's policies are in it."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        given = numbered(resources)
        self._endpoints = tuple(workloads.endpoints(given))
        self._mesh = load.load(given, self._endpoints).mesh
        self.told = membership.is_spoken_of(given, self._endpoints)

    @cached_property
    def _members(self) -> list[tuple[Endpoint, Profile]]:
        pairs = zip(self._endpoints, self._mesh.profiles, strict=bool(self._mesh.profiles))
        return [(endpoint, profile) for endpoint, profile in pairs if profile.member is not None and endpoint.labels.get("istio") not in _GATEWAYS]

    def without_mutual_tls(self) -> list[Gap]:
        """The workloads of the mesh that accept plain text, and of which no PeerAuthentication says that they shall."""
        spoken = [policy for policy in self._mesh.authentications if policy.mode is not None]
        return _gaps(
            endpoint
            for endpoint, profile in self._members
            if profile.modes.default is not Mode.STRICT and not any(_is_for(policy.target, endpoint) for policy in spoken)
        )

    def without_authorization(self) -> list[Gap]:
        """The workloads that demand mutual TLS and that no AuthorizationPolicy is for; one that only audits does not count."""
        policies = [policy for policy in self._mesh.authorizations if policy.action != "AUDIT"]
        return _gaps(
            endpoint
            for endpoint, profile in self._members
            if profile.modes.default is Mode.STRICT and not any(_is_for(policy.target, endpoint) for policy in policies)
        )


def _is_for(target: Target, endpoint: Endpoint) -> bool:
    return not target.gateways and target.namespace in (endpoint.namespace, ROOT_NAMESPACE) and target.selector.matches(endpoint.labels)


def _gaps(endpoints: Iterable[Endpoint]) -> list[Gap]:
    return list(dict.fromkeys(Gap(endpoint.namespace, endpoint.workload) for endpoint in endpoints))
