"""Network: what an Istio mesh demands of those who connect."""

from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.check import inventory_rule
from seawall.deploy.workload.inventory import Inventory, name_field
from seawall.deploy.workload.rules.network_reach import WORKLOADS, mesh_facts, workload_fields

GROUP = "security.istio.io"
_LABELS = ("istio-injection", "istio.io/rev", "istio.io/dataplane-mode", "sidecar.istio.io/inject")
_WEAK = ("PERMISSIVE", "DISABLE")


@inventory_rule(
    "mtls-not-strict",
    "Mesh accepts connections without mutual TLS",
    # Medium: who is not in the mesh gets in all the same, and is nobody that a policy could name.
    Severity.MEDIUM,
    category="network",
    kinds=("PeerAuthentication", "Namespace"),
    references=("https://istio.io/latest/docs/reference/config/security/peer_authentication/",),
)
def mtls_not_strict(inventory: Inventory) -> Verdicts:
    """
    What it finds: A PeerAuthentication with the mode PERMISSIVE or DISABLE, for a workload, a namespace, the mesh or a port; and, once for each
        namespace, workloads of the mesh for which no PeerAuthentication demands mutual TLS: PERMISSIVE is what holds without one.
    Why it matters: Plain text is accepted from anybody: it can be read on the way, and its sender has no identity, so that authorization policies by
        principal or namespace say nothing about it.
    How to fix: Set the mode to STRICT, for the mesh with a PeerAuthentication in the root namespace, once all clients have a proxy.
    Exceptions: A migration into the mesh, and single ports that clients outside of it need (health checks of a load balancer, metrics).
    """
    for policy in inventory.of_kind("PeerAuthentication"):
        if policy.group == GROUP:
            modes = [policy.field("spec", "mtls", "mode"), *(port["mode"] for _, port in policy.field("spec", "portLevelMtls").entries())]
            for mode in modes:
                if mode.text in _WEAK:
                    yield Failure(mode, f"PeerAuthentication {policy.name} lets in connections without mutual TLS ({mode.text})")
    if not _has_mesh(inventory):
        return
    known = mesh_facts(inventory)
    by_namespace: dict[str, list[str]] = {}
    for gap in known.without_mutual_tls() if known.told else ():
        by_namespace.setdefault(gap.namespace, []).append(gap.workload)
    for namespace, workloads in by_namespace.items():
        fields = list(map(name_field, inventory.named("Namespace", "", namespace))) or list(workload_fields(inventory, workloads[0]))
        for field in fields:
            message = f"no PeerAuthentication demands mutual TLS of {len(workloads)} workload{'s'[: len(workloads) > 1]} of namespace {namespace}"
            yield Failure(field, message)


@inventory_rule(
    "mesh-authorization-missing",
    "No AuthorizationPolicy for a workload of the mesh",
    # Low: who connects is known, and whoever it is may.
    Severity.LOW,
    category="network",
    kinds=WORKLOADS,
    references=("https://istio.io/latest/docs/reference/config/security/authorization-policy/",),
)
def mesh_authorization_missing(inventory: Inventory) -> Verdicts:
    """
    What it finds: A workload of the mesh that demands mutual TLS (PeerAuthentication with STRICT), and for which there is no AuthorizationPolicy
        of its namespace or of the root namespace.
    Why it matters: Mutual TLS says who somebody is, not what he may: every workload of the mesh may send every request.
    How to fix: Add an AuthorizationPolicy without rules to the namespace, which allows nothing, and others that allow what is needed.
    Exceptions: Gateways of Istio itself are left out. Policies that are kept elsewhere are not known here.
    """
    if not any(policy.group == GROUP for policy in inventory.of_kind("PeerAuthentication")):
        return
    for gap in mesh_facts(inventory).without_authorization():
        for field in workload_fields(inventory, gap.workload):
            yield Failure(field, f"{gap.workload} knows who connects by mutual TLS, and no AuthorizationPolicy says who may")


def _has_mesh(inventory: Inventory) -> bool:
    """Whether anything asks for a proxy."""
    metadata = [namespace.field("metadata") for namespace in inventory.of_kind("Namespace")] + [pod.metadata for pod in inventory.pods]
    return any(item[where][key].is_set for item in metadata for where in ("labels", "annotations") for key in _LABELS)
