"""Network: which pods the policies isolate. NetworkPolicies are read off the objects; for the rest :mod:`network_reach` asks the engine."""

from seawall.core.pod import Pod
from seawall.core.resource import Field, Resource
from seawall.core.selector import selector_of
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Unjudged, Verdicts
from seawall.deploy.workload.check import inventory_rule, resource_rule
from seawall.deploy.workload.inventory import Inventory, name_field, namespace_of
from seawall.deploy.workload.rules.network_reach import (
    NONE_GIVEN,
    egress_to_addresses,
    facts,
    others,
    policies,
    without_policies,
    workload_fields,
)

GROUPS = ("networking.k8s.io", "extensions")


@inventory_rule(
    "netpol-missing",
    "Pod is not isolated by any NetworkPolicy",
    # Medium: every pod of the cluster can talk to it, so one taken over pod reaches all others.
    Severity.MEDIUM,
    category="network",
    kinds=("Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"),
    aliases={
        "kube-linter": "non-isolated-pod",
        "kube-score": "pod-networkpolicy",
        "polaris": "missingNetworkPolicy",
        "kubescape": "C-0206 C-0260",
        "checkov": "CKV2_K8S_6",
    },
    controls={"cis-kubernetes-1.12": "5.3.2"},
    references=("https://kubernetes.io/docs/concepts/services-networking/network-policies/",),
)
def netpol_missing(inventory: Inventory) -> Verdicts:
    """
    What it finds: A pod or workload that no NetworkPolicy of its namespace selects, nor any policy of Calico, Cilium or an administrator.
    Why it matters: Without a policy everything in the cluster may connect to the pod, and the pod may connect to everything.
    How to fix: Add a policy that denies by default in the namespace, and policies that allow what is needed.
    Exceptions: Pods on the host's network, which policies do not reach. Without any network policy in the input the rule is not evaluated, as
        policies are often kept elsewhere.
    """
    if others(inventory) and inventory.pods:
        yield from _not_selected(inventory)
        return
    given = _policies(inventory)
    isolated = {id(pod.field.value) for policy in given for pod in _selected(inventory, policy)}
    for pod in inventory.pods:
        if pod.spec["hostNetwork"].value is True:
            continue
        name = name_field(pod.resource)
        if not given:
            yield Unjudged(name, NONE_GIVEN)
        elif id(pod.field.value) not in isolated:
            yield Failure(name, f"no NetworkPolicy in namespace {namespace_of(pod.resource)} selects {pod}")


def _not_selected(inventory: Inventory) -> Verdicts:
    """The same for policies of any kind, as the engine reads them."""
    from seawall.deploy.network.rules.openness import selected

    known = facts(inventory)
    for workload in known.classes.keys() - selected(known) - known.on_host:
        for field in workload_fields(inventory, workload):
            yield Failure(field, f"no network policy of any kind selects {workload}")


@inventory_rule(
    "netpol-default-deny",
    "Namespace has no default deny",
    # Low: what is not covered today is open, and so is what is added tomorrow.
    Severity.LOW,
    category="network",
    kinds=("Namespace",),
    by_default=False,
    aliases={
        "kubeaudit": ("MissingDefaultDenyIngressAndEgressNetworkPolicy MissingDefaultDenyIngressNetworkPolicy MissingDefaultDenyEgressNetworkPolicy"),
        "kubescape": "C-0030 C-0049 C-0054",
    },
)
def netpol_default_deny(inventory: Inventory) -> Verdicts:
    """
    What it finds: A Namespace of the input in which a pod that no policy names would be open: it carries no labels, and a pod of an unknown namespace
        or every outside address may connect to it (ingress), or it to them (egress), on ports that no policy names. Policies of all kinds count.
    Why it matters: Only with a default deny is a forgotten pod closed instead of open.
    How to fix: Add a NetworkPolicy with an empty podSelector, policyTypes Ingress and Egress, and no rules.
    Exceptions: The namespaces of Kubernetes itself (kube-system, kube-public, kube-node-lease).
    """
    namespaces = [namespace for namespace in inventory.of_kind("Namespace") if not namespace.name.startswith("kube-")]
    if not namespaces:
        return
    open_: dict[str, list[str]] = {}
    if policies(inventory):
        from seawall.deploy.network.rules.openness import undefended

        open_ = {name: list(map(str, directions)) for name, directions in undefended(facts(inventory)).items()}
    for namespace in namespaces:
        missing = open_.get(namespace.name, []) if policies(inventory) else ["ingress", "egress"]
        if missing:
            yield Failure(name_field(namespace), f"namespace {namespace.name} has no default deny for {' and '.join(missing)}")


@inventory_rule(
    "netpol-allow-all",
    "NetworkPolicy allows everything",
    # Medium: allows add up, so one of these undoes every other policy for the pods that it selects.
    Severity.MEDIUM,
    category="network",
    kinds=("NetworkPolicy", "GlobalNetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"),
    aliases={"kubeaudit": "AllowAllIngressNetworkPolicyExists AllowAllEgressNetworkPolicyExists"},
)
def netpol_allow_all(inventory: Inventory) -> Verdicts:
    """
    What it finds: A policy that selects all pods of its namespace (or of the cluster) and has a rule that allows everything: without peers and ports,
        for 0.0.0.0/0, or in the words of Calico and Cilium.
    Why it matters: Policies only add permissions: whatever the others keep out, this one lets in.
    How to fix: Name the peers and the ports, or delete the rule.
    Exceptions: Egress that is open on purpose, where only ingress is kept.
    """
    for policy in _policies(inventory):
        for direction, side in (("ingress", "from"), ("egress", "to")) if _selects_everything(policy) else ():
            if direction not in policy_types(policy):
                continue
            for rule in policy.field("spec", direction).items():
                if not rule["ports"].value and _any_peer(rule[side]):
                    yield Failure(rule, f"NetworkPolicy {policy.name} allows all {direction} for every pod of the namespace")
    if others(inventory):
        from seawall.deploy.network.rules.openness import openings

        known = facts(inventory)
        for opening in openings(known):
            policy = known.resource_of(opening.policy)
            if policy.kind != "NetworkPolicy" or policy.group not in GROUPS:
                where = f"of namespace {opening.policy.namespace}" if opening.policy.namespace else "of the cluster"
                field = known.field_of(opening.policy, opening.rule.field)
                yield Failure(field, f"{opening.policy} allows all {opening.direction} for every pod {where}")


@resource_rule(
    "netpol-selector",
    "NetworkPolicy without a selector or with a rule for everybody",
    # Low: legal, and easily more than was meant.
    Severity.LOW,
    category="network",
    kinds=("NetworkPolicy",),
    by_default=False,
    aliases={"trivy": "KSV-0038", "kics": "pod_misconfigured_network_policy"},
)
def netpol_selector(resource: Resource) -> Verdicts:
    """
    What it finds: A NetworkPolicy with no podSelector, or with an allowing rule for any peer (an empty from or to, a peer that is empty).
    Why it matters: An absent selector means all pods, an empty peer list means all peers; both read like nothing.
    How to fix: Write the podSelector, if need be as {}, and the peers that are meant.
    Exceptions: Rules that open a public port to everybody.
    """
    if resource.group not in GROUPS:
        return
    selector = resource.field("spec", "podSelector")
    if not selector.is_set:
        yield Failure(selector, f"NetworkPolicy {resource.name} has no podSelector and so selects every pod of the namespace")
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for rule in resource.field("spec", direction).items():
            if _any_peer(rule[side]):
                yield Failure(rule[side] if rule[side].is_set else rule, f"NetworkPolicy {resource.name} has an {direction} rule for any peer")


@inventory_rule(
    "imds-access",
    "Pods can reach the cloud's metadata service",
    # Medium: on a cloud it may hand out the credentials of the node.
    Severity.MEDIUM,
    category="network",
    kinds=("Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"),
    by_default=False,
    aliases={"kubescape": "C-0052"},
    controls={"cis-gke-1.2.0": "5.4.1"},
    parameters={"addresses": "The addresses of the metadata service.", "port": "Its TCP port."},
)
def imds_access(inventory: Inventory, *, addresses: tuple[str, ...] = ("169.254.169.254", "fd00:ec2::254"), port: int = 80) -> Verdicts:
    """
    What it finds: A workload whose egress is open to 169.254.169.254 or fd00:ec2::254 on port 80, by the policies of all kinds.
    Why it matters: The metadata service at that address answers whoever asks from the node, on many clouds with the node's own credentials.
    How to fix: Restrict egress, with except: [169.254.169.254/32] in wide ipBlocks; and let the cloud require a hop limit of one and tokens.
    Exceptions: Clusters that are on no cloud. Without any NetworkPolicy in the input the rule is not evaluated.
    """
    if policies(inventory) and inventory.pods:
        yield from egress_to_addresses(inventory, addresses, port)
    else:
        yield from without_policies(inventory)


def policy_types(policy: Resource) -> set[str]:
    """The directions that a policy is about, as fields of its spec. Unset means ingress, and egress where it has egress rules."""
    types = policy.field("spec", "policyTypes")
    if types.value:
        return {item.text.lower() for item in types.items()}
    return {"ingress", "egress"} if policy.field("spec", "egress").value else {"ingress"}


def _policies(inventory: Inventory) -> list[Resource]:
    return [policy for policy in inventory.of_kind("NetworkPolicy") if policy.group in GROUPS]


def _selected(inventory: Inventory, policy: Resource) -> list[Pod]:
    field = policy.field("spec", "podSelector")
    selector = selector_of(field.value if field.is_set else {})
    return inventory.select(policy.namespace, selector) if selector is not None else []


def _selects_everything(policy: Resource) -> bool:
    field = policy.field("spec", "podSelector")
    selector = selector_of(field.value if field.is_set else {})
    return selector is not None and not selector.requirements


def _any_peer(peers: Field) -> bool:
    """No peers means any; so does the whole of IPv4 or IPv6."""
    if not peers.value:
        return True
    return any(peer.at("ipBlock", "cidr").text in ("0.0.0.0/0", "::/0") and not peer.at("ipBlock", "except").value for peer in peers.items())
