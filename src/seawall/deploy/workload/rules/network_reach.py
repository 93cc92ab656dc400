"""Network: what only shows when the policies of all kinds are judged together, and what is proved by the engine of ``deploy/network``.

The engine needs numpy, so it is imported when the input has something for it to judge.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from seawall.core.errors import UsageError
from seawall.core.resource import Field, Resource
from seawall.core.severity import Confidence, Severity
from seawall.core.verdict import Failure, Unjudged, Verdicts
from seawall.deploy.workload.check import inventory_rule
from seawall.deploy.workload.inventory import Inventory, name_field

if TYPE_CHECKING:
    from seawall.deploy.network.model import PortRange
    from seawall.deploy.network.rules.compiled import Compiled
    from seawall.deploy.network.rules.destinations import Way
    from seawall.deploy.network.rules.facts import Facts
    from seawall.deploy.network.rules.mesh import MeshFacts

POLICY_KINDS = {
    # Kind: its API groups.
    "NetworkPolicy": ("networking.k8s.io", "extensions", "crd.projectcalico.org", "projectcalico.org"),
    "GlobalNetworkPolicy": ("crd.projectcalico.org", "projectcalico.org"),
    "AdminNetworkPolicy": ("policy.networking.k8s.io",),
    "BaselineAdminNetworkPolicy": ("policy.networking.k8s.io",),
    "ClusterNetworkPolicy": ("policy.networking.k8s.io",),
    "CiliumNetworkPolicy": ("cilium.io",),
    "CiliumClusterwideNetworkPolicy": ("cilium.io",),
}
PLAIN = ("networking.k8s.io", "extensions")
WORKLOADS = ("Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")
NONE_GIVEN = "no NetworkPolicy kind was given to the scan"


def policies(inventory: Inventory) -> list[Resource]:
    """The policies of all kinds that the engine knows."""
    return [policy for kind, groups in POLICY_KINDS.items() for policy in inventory.of_kind(kind) if policy.group in groups]


def others(inventory: Inventory) -> list[Resource]:
    """The policies that are no NetworkPolicy of Kubernetes itself."""
    return [policy for policy in policies(inventory) if policy.kind != "NetworkPolicy" or policy.group not in PLAIN]


def facts(inventory: Inventory) -> "Facts":
    """What the engine knows of the input, worked out once."""
    return inventory.derived(_facts)


def _facts(inventory: Inventory) -> "Facts":
    from seawall.deploy.network.rules.facts import Facts

    return Facts(inventory.derived(_compiled))


def _compiled(inventory: Inventory) -> "Compiled":
    from seawall.deploy.network.rules.compiled import Compiled

    return Compiled(inventory.resources)


def mesh_policies(inventory: Inventory) -> list[Resource]:
    """The policies of Istio."""
    return [policy for policy in inventory.of_kind("PeerAuthentication", "AuthorizationPolicy") if policy.group == "security.istio.io"]


def mesh_facts(inventory: Inventory) -> "MeshFacts":
    """What is known of the mesh, worked out once."""
    return inventory.derived(_mesh_facts)


def _mesh_facts(inventory: Inventory) -> "MeshFacts":
    from seawall.deploy.network.rules.mesh import MeshFacts

    return MeshFacts(inventory.resources)


def workload_fields(inventory: Inventory, workload: str) -> Iterator[Field]:
    """The names of the objects that are called so (``shop/web[Deployment]``); several when the input has several versions of one."""
    namespace, _, rest = workload.partition("/")
    name, _, kind = rest.removesuffix("]").rpartition("[")
    return map(name_field, inventory.named(kind, namespace, name))


@inventory_rule(
    "netpol-invalid",
    "Network policy is void",
    # High: the API server or the controller refuses it, and what it was to protect is open.
    Severity.HIGH,
    category="network",
    kinds=(*POLICY_KINDS, "PeerAuthentication", "AuthorizationPolicy"),
)
def netpol_invalid(inventory: Inventory) -> Verdicts:
    """
    What it finds: A network policy of any kind, also of Istio, that the API server or its controller refuses: a selector, an address, a port or an
        action that is none, or fields that may not stand together.
    Why it matters: The policy is not enforced. What it was written to keep out comes in, or what it was to let in stays out.
    How to fix: Correct the field that the message names.
    Exceptions: None known.
    """
    if policies(inventory) or mesh_policies(inventory):
        for error in inventory.derived(_compiled).void:
            policy = inventory.resources[error.line or 0]
            if f"no Tier {policy.field('spec', 'tier').text}" in error.message:
                yield Unjudged(name_field(policy), error.message)
            else:
                yield Failure(name_field(policy), error.message)


@inventory_rule(
    "netpol-superfluous",
    "Network policy or rule changes nothing",
    # Low: no hole by itself; but who reads it believes that it does something, and who deletes the other one is surprised.
    Severity.LOW,
    category="network",
    kinds=tuple(POLICY_KINDS),
    confidence=Confidence.MEDIUM,
    parameters={
        "max_work": "How much is judged again at most, in machine words; policies beyond that are not evaluated.",
        "repeat": "also report policies that select only pods that are open anyway, of which netpol-allow-all and netpol-ineffective speak",
    },
    in_default={"repeat": False},
)
def netpol_superfluous(inventory: Inventory, *, max_work: int = 60_000_000, repeat: bool = True) -> Verdicts:
    """
    What it finds: A policy of any kind, or a rule of one, without which every connection between all pods, nodes and outside addresses, and those of
        a pod without labels in each namespace, would be just as it is: it repeats others, is shadowed by them, or allows what the other end forbids.
    Why it matters: It looks like protection or permission and is neither. A deny rule that never decides is a hole that somebody believes is closed.
    How to fix: Delete it, or correct what keeps it from having an effect (the order, the selector, the policy at the other end).
    Exceptions: Pods that are deployed from elsewhere may need it. Policies that select no pod at all are left to netpol-targets, rules for peers that
        do not exist to netpol-peer-targets, and those whose pods have rules about requests (HTTP, DNS, Kafka) are not evaluated.
    """
    if not policies(inventory) or not inventory.pods:
        return
    from seawall.deploy.network.rules.redundancy import Untried, superfluous

    known = facts(inventory)
    for item in superfluous(known, max_work):
        field = name_field(known.resource_of(item.policy))
        if isinstance(item, Untried):
            yield Unjudged(field, item.reason)
            continue
        if item.rule is not None:
            field = known.field_of(item.policy, item.rule.field)
        what = f"{item.rule.field} of {item.policy}" if item.rule else str(item.policy)
        names = [str(policy) for policy in item.beside[:3]]
        if not repeat and item.rule is None and item.why == "repeated" and item.opens:
            continue
        also = tuple(name_field(known.resource_of(policy)) for policy in item.beside[:3]) if item.why == "repeated" else ()
        reason = {
            "repeated": f"{' and '.join(names)} {'decide' if len(names) > 1 else 'decides'} the same" if names else "what it selects is open anyway",
            "blocked": "what it would change is forbidden at the other end",
            "empty": "no pod has a port of that name",
        }[item.why]
        yield Failure(field, f"without {what} every connection would be as it is: {reason}", also=also)


@inventory_rule(
    "netpol-ineffective",
    "Policies select the pod and leave it open",
    # Medium: the same as no policy, behind the look of one.
    Severity.MEDIUM,
    category="network",
    kinds=WORKLOADS,
    parameters={
        "directions": "The directions that are looked at: ingress, egress.",
        "repeat": "also report pods that are open because of a rule that netpol-allow-all reports",
    },
    in_default={"repeat": False},
)
def netpol_ineffective(inventory: Inventory, *, directions: tuple[str, ...] = ("ingress",), repeat: bool = True) -> Verdicts:
    """
    What it finds: A workload that policies select, and that still allows every pod, every node and every outside address to connect to it on every
        port.
    Why it matters: Allowing rules add up. One that is for everybody, or a policy that only speaks of egress, leaves the pod as open as without any.
    How to fix: Add a policy that isolates the pod for ingress, and narrow the rule that lets everybody in.
    Exceptions: Pods that no policy selects are left to netpol-missing.
    """
    if not policies(inventory) or not inventory.pods:
        return
    from seawall.deploy.network.model import Direction
    from seawall.deploy.network.rules.openness import open_to_all, opened, selected

    known = facts(inventory)
    unknown = set(directions) - set(Direction)
    if unknown:
        raise UsageError(f"netpol-ineffective knows the directions ingress and egress, not {', '.join(sorted(unknown))}")
    for direction in map(Direction, directions):
        told = open_to_all(known, direction) & selected(known)
        for workload in sorted(told if repeat else told - opened(known, direction)):
            for field in workload_fields(inventory, workload):
                yield Failure(field, f"policies select {workload}, and its {direction} is open to everybody on every port")


@inventory_rule(
    "exposed-without-policy",
    "Workload is exposed to the outside and no policy limits it",
    # Medium: what stands at the edge is attacked first, and all of its ports are open to whatever gets a foot in beside it.
    Severity.MEDIUM,
    category="network",
    kinds=("Service", "Ingress", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute", "Route"),
    by_default=False,  # of the same pods netpol-missing and netpol-ineffective speak
)
def exposed_without_policy(inventory: Inventory) -> Verdicts:
    """
    What it finds: A workload that a LoadBalancer, a NodePort, an external address, an Ingress, a Route or a Gateway opens to the outside, while its
        ingress is open to everybody on every port.
    Why it matters: The way in is meant for one port and passes the entrance. Without a policy every other port is open as well, and to every pod, so
        that whoever takes over a neighbour goes around the entrance with its TLS, login and log.
    How to fix: Add a policy that lets in the ingress controller, or the outside on the one port, and nothing else.
    Exceptions: Load balancers that are internal, or that name the networks that may reach them. Without any network policy in the input the rule is
        not evaluated.
    """
    ways = _ways_in(inventory)
    if not ways or not inventory.pods:
        return
    if not policies(inventory):
        for resource in ways:
            yield Unjudged(name_field(resource), NONE_GIVEN)
        return
    from seawall.deploy.network.exposures import exposures
    from seawall.deploy.network.model import Direction
    from seawall.deploy.network.rules.openness import open_to_all

    known = facts(inventory)
    unlimited = open_to_all(known, Direction.INGRESS)
    for way in exposures(known.cluster, known.numbered, known.reach):
        if way.workload in unlimited and way.ports and not way.internal and not way.sources:
            message = f"{way.kind} {way.namespace}/{way.name} leads to {way.workload} from outside, and no policy limits who connects to it"
            yield Failure(known.own(way.field), message)


def _ways_in(inventory: Inventory) -> list[Resource]:
    services = [
        service
        for service in inventory.of_kind("Service")
        if not service.group
        and (service.field("spec", "type").text in ("LoadBalancer", "NodePort") or service.field("spec", "externalIPs").value)
        and service.field("spec", "selector").value
    ]
    return services + inventory.of_kind("Ingress", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute", "Route")


@inventory_rule(
    "egress-anywhere",
    "Pod may connect to the whole Internet",
    # Low: many need it; for all others it is the way out for data and the way to a second stage.
    Severity.LOW,
    category="network",
    kinds=WORKLOADS,
    by_default=False,
    parameters={"except_ports": "Ports that are not counted: name resolution, which has to go out somewhere."},
)
def egress_anywhere(inventory: Inventory, *, except_ports: tuple[int, ...] = (53,)) -> Verdicts:
    """
    What it finds: A workload whose egress is open to more than half of all public addresses on some port.
    Why it matters: Whoever runs code in the pod can fetch tools, be controlled from outside, and send away what he finds.
    How to fix: Restrict egress to the networks and names that the workload needs, or to a proxy that knows them.
    Exceptions: Workloads whose work is on the Internet: proxies, crawlers, mail servers. Without any network policy in the input the rule is not
        evaluated.
    """
    if not policies(inventory) or not inventory.pods:
        yield from without_policies(inventory)
        return
    from seawall.deploy.network.rules.destinations import to_anywhere

    yield from _ways_out(inventory, to_anywhere(facts(inventory), except_ports))


@inventory_rule(
    "egress-api-server",
    "Pod may connect to the API server",
    # Low: it needs an identity as well; anonymous access and stolen tokens are what is left.
    Severity.LOW,
    category="network",
    kinds=WORKLOADS,
    by_default=False,
)
def egress_api_server(inventory: Inventory) -> Verdicts:
    """
    What it finds: A workload whose egress is open to the API server. Where that is, its Endpoints, EndpointSlice or pods tell, or a policy that calls
        it kube-apiserver.
    Why it matters: Most workloads never talk to it. From one that is taken over it is the next thing that is tried, with every token that was found.
    How to fix: Restrict egress, and allow the API server for operators and controllers alone.
    Exceptions: Workloads that work with the API. Where the input does not say where the API server is, or has no network policy, the rule is not
        evaluated.
    """
    if not policies(inventory) or not inventory.pods:
        yield from without_policies(inventory)
        return
    from seawall.deploy.network.rules.destinations import to_api_server

    ways = to_api_server(facts(inventory))
    if ways is None:
        for pod in inventory.pods:
            yield Unjudged(name_field(pod.resource), "the input does not say where the API server is")
        return
    yield from _ways_out(inventory, ways)


def egress_to_addresses(inventory: Inventory, addresses: Iterable[str], port: int) -> Verdicts:
    """A failure for each workload whose egress is open to one of these addresses on a TCP port."""
    from ipaddress import ip_address

    from seawall.deploy.network.rules.destinations import to_addresses

    try:
        wanted = [ip_address(text) for text in addresses]
    except ValueError as error:
        raise UsageError(f"the addresses of a rule must be IP addresses: {error}") from None
    yield from _ways_out(inventory, to_addresses(facts(inventory), wanted, port))


def _ways_out(inventory: Inventory, ways: "Iterable[Way]") -> Verdicts:
    known = facts(inventory)
    for way in ways:
        deciding = way.decision.policy
        also: tuple[Field, ...] = ()
        if deciding is None:
            reason = "no policy restricts its egress"
        elif way.decision.rule is None:
            reason = f"{deciding} allows it"
        else:
            also = (known.field_of(deciding, way.decision.rule.field),)
            reason = f"{way.decision.rule.field} of {deciding} allows it"
        for field in workload_fields(inventory, way.workload):
            yield Failure(field, f"{way.workload} may connect to {way.to} on {_ports(way.ports)}: {reason}", also=also)


def _ports(ranges: "tuple[PortRange, ...]") -> str:
    whole = len(ranges) == 3 and all((item.first, item.last) == (1, 65535) for item in ranges)
    if whole:
        return "every port"
    shown = [f"{item.protocol} {item.first}" if item.first == item.last else f"{item.protocol} {item.first}-{item.last}" for item in ranges]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")


def without_policies(inventory: Inventory) -> Verdicts:
    """That nothing can be said of any workload."""
    return (Unjudged(name_field(pod.resource), NONE_GIVEN) for pod in inventory.pods)
