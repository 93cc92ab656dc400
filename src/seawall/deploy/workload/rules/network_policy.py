"""Network: which pods a NetworkPolicy isolates, read off the objects. What can reach what is worked out in another room (``deploy/network``)."""

from collections.abc import Iterator

from seawall.core.pod import Pod
from seawall.core.resource import Field, Resource
from seawall.core.selector import selector_of
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Unjudged, Verdicts
from seawall.deploy.workload.check import inventory_rule, resource_rule
from seawall.deploy.workload.inventory import Inventory, name_field, namespace_of

GROUPS = ("networking.k8s.io", "extensions")
_OTHER_POLICIES = (
    "CiliumNetworkPolicy",
    "CiliumClusterwideNetworkPolicy",
    "GlobalNetworkPolicy",
    "AdminNetworkPolicy",
    "BaselineAdminNetworkPolicy",
    "ClusterNetworkPolicy",
)


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
    What it finds: A pod or workload that no NetworkPolicy of its namespace selects.
    Why it matters: Without a policy everything in the cluster may connect to the pod, and the pod may connect to everything.
    How to fix: Add a policy that denies by default in the namespace, and policies that allow what is needed.
    Exceptions: Pods on the host's network, which policies do not reach. Without any network policy in the input the rule is not evaluated, as
        policies are often kept elsewhere; with policies of Calico, Cilium or an administrator it is left to the reachability analysis.
    """
    policies = _policies(inventory)
    others = inventory.of_kind(*_OTHER_POLICIES) or [policy for policy in inventory.of_kind("NetworkPolicy") if policy.group not in GROUPS]
    isolated = {id(pod.field.value) for policy in policies for pod in _selected(inventory, policy)}
    for pod in inventory.pods:
        if pod.spec["hostNetwork"].value is True:
            continue
        name = name_field(pod.resource)
        if others:
            yield Unjudged(name, f"the input has a {others[0].kind}, which this rule cannot read")
        elif not policies:
            yield Unjudged(name, "no NetworkPolicy kind was given to the scan")
        elif id(pod.field.value) not in isolated:
            yield Failure(name, f"no NetworkPolicy in namespace {namespace_of(pod.resource)} selects {pod}")


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
    What it finds: A Namespace of the input without a NetworkPolicy that selects all its pods and allows nothing, for ingress and for egress.
    Why it matters: Only with a default deny is a forgotten pod closed instead of open.
    How to fix: Add a NetworkPolicy with an empty podSelector, policyTypes Ingress and Egress, and no rules.
    Exceptions: The namespaces of Kubernetes itself (kube-system, kube-public, kube-node-lease).
    """
    for namespace in inventory.of_kind("Namespace"):
        if namespace.name.startswith("kube-"):
            continue
        denied = {
            direction
            for policy in _policies(inventory)
            if namespace_of(policy) == namespace.name and _selects_everything(policy)
            for direction in policy_types(policy)
            if not policy.field("spec", direction).value
        }
        missing = [direction for direction in ("ingress", "egress") if direction not in denied]
        if missing:
            yield Failure(name_field(namespace), f"namespace {namespace.name} has no default deny for {' and '.join(missing)}")


@resource_rule(
    "netpol-allow-all",
    "NetworkPolicy allows everything",
    # Medium: allows add up, so one of these undoes every other policy for the pods that it selects.
    Severity.MEDIUM,
    category="network",
    kinds=("NetworkPolicy",),
    aliases={"kubeaudit": "AllowAllIngressNetworkPolicyExists AllowAllEgressNetworkPolicyExists"},
)
def netpol_allow_all(resource: Resource) -> Verdicts:
    """
    What it finds: A NetworkPolicy that selects all pods of its namespace and has a rule without peers and ports, which allows everything.
    Why it matters: Policies only add permissions: whatever the others keep out, this one lets in.
    How to fix: Name the peers and the ports, or delete the rule.
    Exceptions: Egress that is open on purpose, where only ingress is kept.
    """
    if resource.group not in GROUPS or not _selects_everything(resource):
        return
    for direction, side in (("ingress", "from"), ("egress", "to")):
        if direction not in policy_types(resource):
            continue
        for rule in resource.field("spec", direction).items():
            if not rule["ports"].value and _any_peer(rule[side]):
                yield Failure(rule, f"NetworkPolicy {resource.name} allows all {direction} for every pod of the namespace")


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
)
def imds_access(inventory: Inventory) -> Verdicts:
    """
    What it finds: A pod to which no NetworkPolicy applies for egress, or only policies whose ipBlock contains 169.254.169.254 without an exception.
    Why it matters: The metadata service at that address answers whoever asks from the node, on many clouds with the node's own credentials.
    How to fix: Restrict egress, with except: [169.254.169.254/32] in wide ipBlocks; and let the cloud require a hop limit of one and tokens.
    Exceptions: Clusters that are on no cloud. Without any NetworkPolicy in the input the rule is not evaluated.
    """
    policies = _policies(inventory)
    limiting: dict[int, list[Resource]] = {}
    for policy in policies:
        if "egress" in policy_types(policy):
            for pod in _selected(inventory, policy):
                limiting.setdefault(id(pod.field.value), []).append(policy)
    for pod in inventory.pods:
        name = name_field(pod.resource)
        if not policies:
            yield Unjudged(name, "no NetworkPolicy kind was given to the scan")
            continue
        applied = limiting.get(id(pod.field.value), [])
        opening = next((field for policy in applied for field in _metadata_blocks(policy)), None)
        if not applied:
            yield Failure(name, f"no NetworkPolicy restricts egress of {pod}, so it can ask 169.254.169.254")
        elif opening is not None:
            yield Failure(name, f"{opening} of NetworkPolicy {opening.resource.name} lets {pod} ask 169.254.169.254", also=(opening,))


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


def _metadata_blocks(policy: Resource) -> Iterator[Field]:
    """The places at which a policy allows egress to the metadata address."""
    from ipaddress import ip_address, ip_network

    address = ip_address("169.254.169.254")
    for rule in policy.field("spec", "egress").items():
        if not rule["to"].value:
            yield rule
        for peer in rule["to"].items():
            block = peer["ipBlock"]
            try:
                inside = block["cidr"].text and address in ip_network(block["cidr"].text, strict=False)
                excepted = any(address in ip_network(item.text, strict=False) for item in block["except"].items())
            except ValueError:
                continue  # the API server refuses such a block
            if inside and not excepted:
                yield block["cidr"]
