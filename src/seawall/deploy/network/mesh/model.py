"""Istio's security policies as they were meant, before they are compiled; and what is known of each endpoint in the mesh."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from seawall.core.location import Location
from seawall.core.selector import Selector
from seawall.deploy.network.model import Network, Policy, Restriction, Tier

ROOT_NAMESPACE: Final = "istio-system"
TRUST_DOMAIN: Final = "cluster.local"

Span = tuple[int, int]
"""TCP ports, ends inclusive."""
ALL_PORTS: Final[tuple[Span, ...]] = ((1, 65535),)


class Member(StrEnum):
    """How an endpoint is in the mesh: a proxy beside it, the node's proxy, or, for ``{ingress-controller}``, in a way that is not known."""

    SIDECAR = "sidecar"
    AMBIENT = "ambient"
    UNKNOWN = "unknown"


class Mode(StrEnum):
    """Mutual TLS for what comes in: never, where the other end has it, always."""

    DISABLE = "DISABLE"
    PERMISSIVE = "PERMISSIVE"
    STRICT = "STRICT"


class Target(Struct, frozen=True):
    """Which workloads a policy is for: those of ``namespace`` (of every one, where it is the root's) that meet ``selector``, or with ``gateways`` the
    gateways of these names."""

    namespace: str
    selector: Selector = Selector()
    gateways: tuple[str, ...] = ()


class PeerAuthentication(Struct, frozen=True, kw_only=True):
    """``mode`` and the values of ``ports`` are ``None`` where they are inherited. ``created`` orders those that compete: the oldest counts."""

    name: str
    target: Target
    mode: Mode | None
    ports: Mapping[int, Mode | None] = {}
    created: str = ""
    location: Location | None = None

    @property
    def age(self) -> tuple[str, str]:
        return self.created, f"{self.name}.{self.target.namespace}"


class Identities(Struct, frozen=True):
    """Patterns of who the other end is: principals, namespaces, and service accounts as ``namespace/name``."""

    principals: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()


class Condition(Struct, frozen=True):
    """What one source, operation or ``when`` demands; all that is set must hold, each by one of its values, and nothing that is ``excluded`` may.

    ``None`` is not set. ``http`` are demands on requests, which a TCP connection does not have; ``other`` are those that only the proxy can judge.
    """

    principals: tuple[str, ...] | None = None
    namespaces: tuple[str, ...] | None = None
    accounts: tuple[str, ...] | None = None
    excluded: Identities = Identities()
    networks: tuple[Network, ...] | None = None
    not_networks: tuple[Network, ...] = ()
    own_networks: tuple[Network, ...] | None = None
    not_own_networks: tuple[Network, ...] = ()
    ports: tuple[int, ...] | None = None
    not_ports: tuple[int, ...] = ()
    http: tuple[Restriction, ...] = ()
    other: tuple[Restriction, ...] = ()


class AuthorizationRule(Struct, frozen=True):
    """One of ``sources``, one of ``operations`` and all of ``conditions`` must hold; no sources are any, and no operations."""

    sources: tuple[Condition, ...]
    operations: tuple[Condition, ...]
    conditions: tuple[Condition, ...]
    field: str


class AuthorizationPolicy(Struct, frozen=True, kw_only=True):
    """``action`` is ``ALLOW``, ``DENY``, ``CUSTOM`` or ``AUDIT``; ``provider`` is who decides for ``CUSTOM``."""

    name: str
    target: Target
    action: str
    rules: tuple[AuthorizationRule, ...]
    provider: str = ""
    location: Location | None = None


class Modes(Struct, frozen=True):
    """The mutual TLS of one destination. ``by_port`` holds the TCP ports that differ from ``default``, sorted."""

    default: Mode = Mode.PERMISSIVE
    by_port: tuple[tuple[int, Mode], ...] = ()

    def at(self, port: int) -> Mode:
        return dict(self.by_port).get(port, self.default)


class Profile(Struct, frozen=True):
    """All that the mesh knows of an endpoint as a destination, but for its labels.

    ``bypassed`` are the ports that do not go through the proxy, ``opaque`` those that it takes for plain TCP, where nothing is known of requests.
    """

    member: Member | None = None
    bypassed: tuple[Span, ...] = ()
    opaque: tuple[int, ...] = ()
    modes: Modes = Modes()


class Mesh(Struct, frozen=True, kw_only=True):
    """The mesh of a cluster. ``profiles[n]`` is that of ``Cluster.endpoints[n]``; ``policies`` and ``tiers`` are the compiled ones.

    Where nothing speaks of Istio there are no profiles; without policies of it there are no compiled ones, and the layer says nothing.
    """

    profiles: tuple[Profile, ...] = ()
    authentications: tuple[PeerAuthentication, ...] = ()
    authorizations: tuple[AuthorizationPolicy, ...] = ()
    tiers: tuple[Tier, ...] = ()
    policies: tuple[Policy, ...] = ()
    notes: tuple[str, ...] = ()
