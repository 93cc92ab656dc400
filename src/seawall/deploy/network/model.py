"""The one model that every kind of network policy compiles to: tier, policy, rule.

A connection goes from an endpoint to an endpoint on a protocol and a port. Its source's egress and its destination's ingress decide together, each by
the same walk:

1. The tiers in their order. In a tier, the policies that select the endpoint and speak of this direction, in their order; in a policy its rules.
2. The first rule that matches decides: ``allow`` and ``deny`` are final, ``pass`` goes on with the next tier, ``log`` goes on with the next rule.
3. When none matched, and a policy of the tier that ``isolates`` this direction selects the endpoint, the tier's ``default`` decides. A tier in which
   no policy selects the endpoint is skipped.
4. What no tier decided is allowed.

So a NetworkPolicy isolates, in a tier whose default is ``deny``; an AdminNetworkPolicy stands in a tier whose default is ``pass``; in Calico the tier
says so itself; a Cilium deny rule is a policy of order minus infinity beside the allowing one. Service meshes are a layer after this one.

Sources: the Kubernetes documentation of NetworkPolicy; network-policy-api v1alpha1 and v1alpha2; the Calico and Cilium policy references.
"""

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from msgspec import Struct

from seawall.core.location import Location

Network = IPv4Network | IPv6Network


class Protocol(StrEnum):
    """What a policy can tell apart. Everything is TCP, UDP and SCTP on 1 to 65535; ICMP has no ports and is listed apart."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"
    ICMP = "ICMP"
    ICMPV6 = "ICMPv6"


class Action(StrEnum):
    ALLOW = "allow"
    DENY = "deny"
    PASS = "pass"
    LOG = "log"


class Direction(StrEnum):
    INGRESS = "ingress"
    EGRESS = "egress"


class Scope(StrEnum):
    """Whose labels an expression reads: the pod's own, its namespace's, its service account's, its node's."""

    POD = "pod"
    NAMESPACE = "namespace"
    SERVICE_ACCOUNT = "serviceaccount"
    NODE = "node"


class EndpointKind(StrEnum):
    """``host`` is a pod on the host's network, seen by its node's addresses; ``node`` the node itself; ``set`` a Calico NetworkSet;
    ``outside`` an address range that belongs to nothing known; ``name`` a DNS name that a policy speaks of; ``entry`` is ``{ingress-controller}``."""

    POD = "pod"
    HOST = "host"
    NODE = "node"
    SET = "set"
    OUTSIDE = "outside"
    NAME = "name"
    ENTRY = "entry"


# Expressions: which endpoints a selector means. They are values, so that equal selectors are evaluated once.


class Anything(Struct, frozen=True, tag=True):
    """Every endpoint."""


class Has(Struct, frozen=True, tag=True):
    """The label is there."""

    key: str
    scope: Scope = Scope.POD


class Compare(Struct, frozen=True, tag=True):
    """The label is there, and its value is one of ``values``; ``how`` is ``in`` or, in Calico, ``contains``, ``starts-with``, ``ends-with``."""

    key: str
    values: tuple[str, ...]
    scope: Scope = Scope.POD
    how: str = "in"


class Kind(Struct, frozen=True, tag=True):
    """The endpoint is of one of these kinds."""

    kinds: tuple[EndpointKind, ...]


class Within(Struct, frozen=True, tag=True):
    """The endpoint's address is in one of these networks and in none of ``excepts``. A pod whose address is not known is in none."""

    networks: tuple[Network, ...]
    excepts: tuple[Network, ...] = ()


class Called(Struct, frozen=True, tag=True):
    """The endpoint is named so: a namespace (``scope`` NAMESPACE), a service account, a node, or a DNS pattern (``*.example.org``, scope POD)."""

    names: tuple[str, ...]
    scope: Scope


class Selected(Struct, frozen=True, tag=True):
    """The endpoint meets a selector of labels, itself or through a network set that holds its address.

    Addresses have no labels, so ``Not(Selected(x))`` holds for any address outside such sets, and ``Selected(Not(x))`` for none of them.
    """

    inner: "Expression"


class Not(Struct, frozen=True, tag=True):
    inner: "Expression"


class All(Struct, frozen=True, tag=True):
    """Every part holds; of none, everything does."""

    parts: tuple["Expression", ...]


class Any(Struct, frozen=True, tag=True):
    """One part holds; of none, nothing does."""

    parts: tuple["Expression", ...]


Expression = Anything | Has | Compare | Kind | Within | Called | Selected | Not | All | Any


class PortMatch(Struct, frozen=True):
    """Ports of a protocol, ends inclusive; ``protocol`` ``None`` is TCP, UDP and SCTP. ``name`` is a port's name, resolved by each destination.

    For ICMP, ``first`` and ``last`` are types (0 to 255), and ``code`` narrows to one code.
    """

    protocol: Protocol | None = None
    first: int = 1
    last: int = 65535
    name: str = ""
    code: int | None = None


class Restriction(Struct, frozen=True):
    """What of a connection is let through above the port: ``kind`` is ``http``, ``dns``, ``kafka``; ``detail`` is for people (``GET /api/*``)."""

    kind: str
    detail: str


class Rule(Struct, frozen=True, kw_only=True):
    """``peer`` is the other end, ``subject`` narrows this end further (Calico can). ``ports`` are the destination's, in both directions; empty means
    every port of every protocol, ICMP included. ``not_ports`` are taken away (Calico). ``restrictions`` say what the allowed connection may carry.

    ``index`` counts from 0 within the policy and direction; ``field`` names the rule in its object (``spec.ingress[0]``).
    """

    action: Action
    peer: Expression = Anything()
    subject: Expression = Anything()
    ports: tuple[PortMatch, ...] = ()
    not_ports: tuple[PortMatch, ...] = ()
    restrictions: tuple[Restriction, ...] = ()
    name: str = ""
    index: int = 0
    field: str = ""


class Policy(Struct, frozen=True, kw_only=True):
    """A compiled policy, or the part of one that has an order of its own.

    ``order`` sorts within the tier; equal orders are sorted by kind, namespace and name. ``isolates_ingress`` and ``isolates_egress`` say for
    which directions the tier's default speaks for the endpoints it selects. ``staged`` policies are never enforced, only compared.
    """

    kind: str
    name: str
    namespace: str = ""
    tier: str
    order: float = 0
    subject: Expression
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()
    isolates_ingress: bool = False
    isolates_egress: bool = False
    staged: bool = False
    location: Location | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class Tier(Struct, frozen=True, kw_only=True):
    """``default`` is what happens to a connection of an isolated endpoint that no rule of the tier matched: ``deny`` or ``pass``."""

    name: str
    order: float
    default: Action


# Where each upstream kind stands (Calico's own mapping of them, api/v3/tier.go).
ADMIN: Tier = Tier(name="kube-admin", order=1_000, default=Action.PASS)
DEFAULT: Tier = Tier(name="default", order=1_000_000, default=Action.DENY)
BASELINE: Tier = Tier(name="kube-baseline", order=10_000_000, default=Action.PASS)


class Port(Struct, frozen=True):
    """A declared port of a container."""

    number: int
    protocol: Protocol = Protocol.TCP
    name: str = ""


class Endpoint(Struct, frozen=True, kw_only=True):
    """One end of connections: a pod (or all equal pods of a workload), a node, a set, a range of outside addresses, a DNS name.

    ``workload`` is how it is shown: ``shop/web[Deployment]``, ``10.0.0.0-10.255.255.255``, ``{ingress-controller}``. ``addresses`` are single
    addresses or, for ranges and sets, networks; empty when not known. ``count`` is how many pods it stands for.
    """

    kind: EndpointKind
    workload: str
    name: str = ""
    namespace: str = ""
    labels: Mapping[str, str] = {}
    service_account: str = ""
    node: str = ""
    addresses: tuple[Network, ...] = ()
    ports: tuple[Port, ...] = ()
    count: int = 1


class Cluster(Struct, frozen=True, kw_only=True):
    """All that the engine judges. ``namespaces``, ``service_accounts`` (by ``namespace/name``) and ``nodes`` give the labels of those."""

    endpoints: tuple[Endpoint, ...]
    namespaces: Mapping[str, Mapping[str, str]] = {}
    service_accounts: Mapping[str, Mapping[str, str]] = {}
    nodes: Mapping[str, Mapping[str, str]] = {}
    tiers: tuple[Tier, ...] = ()
    policies: tuple[Policy, ...] = ()
    notes: tuple[str, ...] = ()


class PortRange(Struct, frozen=True, order=True):
    """Ports of one protocol, ends inclusive, as results show them."""

    protocol: Protocol
    first: int
    last: int
