"""Tenancy and policy: whose namespace it is, and which mechanism keeps its pods to the rules."""

from seawall.core.pod import pods
from seawall.core.resource import Resource
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.check import inventory_rule, resource_rule
from seawall.deploy.workload.inventory import Inventory, name_field

_PSA = "pod-security.kubernetes.io/"
_SYSTEM = ("kube-system", "kube-public", "kube-node-lease")
_POLICY_ENGINES = (
    "ValidatingAdmissionPolicy",
    "ValidatingWebhookConfiguration",
    "ClusterPolicy",
    "ConstraintTemplate",
    "ClusterAdmissionPolicy",
    "AdmissionPolicy",
    "ValidatingPolicy",
)
_LEVELS = {"privileged": 0, "baseline": 1, "restricted": 2}
_NAMESPACED = (
    "Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob", "Service", "Ingress", "ConfigMap",
    "Secret", "ServiceAccount", "Role", "RoleBinding", "NetworkPolicy", "PersistentVolumeClaim", "HorizontalPodAutoscaler", "PodDisruptionBudget",
)  # fmt: skip


@resource_rule(
    "ns-default",
    "Object in the default namespace",
    # Low: quotas, policies and grants are given by namespace, and everybody's things are in this one.
    Severity.LOW,
    category="tenancy",
    kinds=_NAMESPACED,
    by_default=False,
    aliases={
        "kube-linter": "use-namespace",
        "trivy": "KSV-0110",
        "kubescape": "C-0061 C-0212",
        "checkov": "CKV_K8S_21",
        "kics": "using_unrecommended_namespace",
    },
    controls={"cis-kubernetes-1.12": "5.6.4"},
)
def ns_default(resource: Resource) -> Verdicts:
    """
    What it finds: An object that names the namespace default, or none.
    Why it matters: Network policies, quotas, Pod Security and grants are kept by namespace; in default they are everybody's.
    How to fix: Give each application a namespace, and write it down in metadata.namespace.
    Exceptions: Manifests whose namespace is given at apply time, and the objects of Kubernetes itself in default.
    """
    if resource.namespace in ("", "default") and not (resource.kind == "Service" and resource.name == "kubernetes"):
        field = resource.field("metadata", "namespace")
        yield Failure(field, f"{resource.kind} {resource.name} is in the default namespace")


@resource_rule(
    "ns-kube-system",
    "User object in kube-system",
    # Medium: what can write there, or is run there, is close to the control plane and often exempt from policies.
    Severity.MEDIUM,
    category="tenancy",
    by_default=False,
    aliases={"trivy": "KSV-0037", "kics": "using_unrecommended_namespace"},
)
def ns_kube_system(resource: Resource) -> Verdicts:
    """
    What it finds: A workload in kube-system, kube-public or kube-node-lease.
    Why it matters: Policies usually exempt these namespaces, and their Secrets and accounts are those of the control plane.
    How to fix: Use a namespace of its own.
    Exceptions: Parts of the cluster: network plugins, DNS, storage drivers. That is why the rule is off by default.
    """
    if resource.namespace in _SYSTEM and pods(resource):
        yield Failure(resource.field("metadata", "namespace"), f"{resource.kind} {resource.name} is in {resource.namespace}")


@inventory_rule(
    "ns-boundaries",
    "Everything is in one namespace",
    # Info: a review question.
    Severity.INFO,
    category="tenancy",
    kinds=("Namespace",),
    by_default=False,
    aliases={"kubescape": "C-0209", "kics": "ensure_administrative_boundaries_between_resources"},
    controls={"cis-kubernetes-1.12": "5.6.1"},
)
def ns_boundaries(inventory: Inventory) -> Verdicts:
    """
    What it finds: A Namespace without a ResourceQuota, a NetworkPolicy or a RoleBinding of its own in the input.
    Why it matters: A namespace is a boundary only when something is kept at it.
    How to fix: Give each namespace a quota, a default-deny policy and bindings of its own.
    Exceptions: The namespaces of Kubernetes itself; boundaries that are kept elsewhere.
    """
    kept = {resource.namespace or "default" for resource in inventory.of_kind("ResourceQuota", "NetworkPolicy", "RoleBinding", "LimitRange")}
    for namespace in inventory.of_kind("Namespace"):
        if namespace.name not in (*_SYSTEM, "default") and namespace.name not in kept:
            yield Failure(name_field(namespace), f"nothing is kept at the boundary of namespace {namespace.name}")


@inventory_rule(
    "limitrange",
    "Namespace has no LimitRange",
    # Low: a container without limits of its own has none at all.
    Severity.LOW,
    category="resources",
    kinds=("Namespace",),
    by_default=False,
    aliases={"trivy": "KSV-0039", "kics": "pod_or_container_without_limit_range"},
)
def limitrange(inventory: Inventory) -> Verdicts:
    """
    What it finds: A Namespace of the input without a LimitRange that gives containers default limits for CPU and memory.
    Why it matters: Where a manifest forgets its limits, nothing fills them in.
    How to fix: Add a LimitRange with default and defaultRequest for cpu and memory.
    Exceptions: The namespaces of Kubernetes itself.
    """
    complete = {
        item.namespace or "default"
        for item in inventory.of_kind("LimitRange")
        if any(
            limit["type"].text == "Container" and all(limit["default"][name].is_set for name in ("cpu", "memory"))
            for limit in item.field("spec", "limits").items()
        )
    }
    for namespace in inventory.of_kind("Namespace"):
        if namespace.name not in _SYSTEM and namespace.name not in complete:
            yield Failure(name_field(namespace), f"namespace {namespace.name} has no LimitRange with default limits for cpu and memory")


@inventory_rule(
    "resourcequota",
    "Namespace has no ResourceQuota",
    # Low: one tenant can use up the cluster.
    Severity.LOW,
    category="resources",
    kinds=("Namespace",),
    by_default=False,
    aliases={"trivy": "KSV-0040", "kics": "pod_or_container_without_resource_quota"},
)
def resourcequota(inventory: Inventory) -> Verdicts:
    """
    What it finds: A Namespace of the input without a ResourceQuota on CPU and memory.
    Why it matters: One namespace may take everything that the cluster has.
    How to fix: Add a ResourceQuota with hard limits for cpu and memory (requests, limits, or both).
    Exceptions: The namespaces of Kubernetes itself.
    """
    limited: dict[str, set[str]] = {}
    for item in inventory.of_kind("ResourceQuota"):
        names = limited.setdefault(item.namespace or "default", set())
        names |= {key.removeprefix("limits.").removeprefix("requests.") for key, _ in item.field("spec", "hard").entries()}
    for namespace in inventory.of_kind("Namespace"):
        if namespace.name not in _SYSTEM and not {"cpu", "memory"} <= limited.get(namespace.name, set()):
            yield Failure(name_field(namespace), f"namespace {namespace.name} has no ResourceQuota on cpu and memory")


@inventory_rule(
    "policy-mechanism",
    "No mechanism keeps pods to a standard",
    # Medium: whoever may create a pod here may create a privileged one.
    Severity.MEDIUM,
    category="policy",
    kinds=("Namespace",),
    by_default=False,
    aliases={"kubescape": "C-0192 C-0068"},
    controls={"cis-kubernetes-1.12": "5.2.1"},
    references=("https://kubernetes.io/docs/concepts/security/pod-security-admission/",),
)
def policy_mechanism(inventory: Inventory) -> Verdicts:
    """
    What it finds: A Namespace without a Pod Security enforce label, in an input without a policy engine or admission policy.
    Why it matters: Without one, the right to create pods is the right to create privileged pods, and so the node.
    How to fix: Label the namespace with pod-security.kubernetes.io/enforce: baseline, or better restricted.
    Exceptions: Clusters with a default in the API server's admission configuration, which no manifest shows; the namespaces of Kubernetes itself.
    """
    if inventory.of_kind(*_POLICY_ENGINES):
        return
    for namespace in inventory.of_kind("Namespace"):
        label = namespace.field("metadata", "labels", f"{_PSA}enforce")
        if namespace.name not in _SYSTEM and not label.text:
            yield Failure(label, f"namespace {namespace.name} enforces no Pod Security level")


@resource_rule(
    "pss-baseline-all-ns",
    "Namespace is below the baseline",
    # Medium: privileged pods are admitted here, on purpose.
    Severity.MEDIUM,
    category="policy",
    kinds=("Namespace",),
    controls={"cis-gke-1.9.0": "4.2.1"},
)
def pss_baseline_all_ns(resource: Resource) -> Verdicts:
    """
    What it finds: A Namespace that enforces the level privileged, or a level that does not exist.
    Why it matters: Pods with every privilege are admitted, so everybody who may create one here has the node.
    How to fix: Enforce baseline, and give the one workload that needs more a namespace of its own.
    Exceptions: The namespaces of node agents and network plugins.
    """
    field = resource.field("metadata", "labels", f"{_PSA}enforce")
    if field.is_set and _LEVELS.get(field.text, 0) < 1:
        yield Failure(field, f"namespace {resource.name} enforces {field.value!r}, which admits everything")


@resource_rule(
    "webhook-validating",
    "A validating webhook exists",
    # Info: nothing is wrong with it; a review wants the list.
    Severity.INFO,
    category="policy",
    kinds=("ValidatingWebhookConfiguration",),
    by_default=False,
    aliases={"kubescape": "C-0036"},
)
def webhook_validating(resource: Resource) -> Verdicts:
    """
    What it finds: Every ValidatingWebhookConfiguration.
    Why it matters: It sees every object that it matches, secrets included, and can stop the cluster.
    How to fix: Nothing, when it is known. Make sure that somebody owns it, that it is narrow, and what its failurePolicy means.
    Exceptions: This is a list for a review, not a fault.
    """
    yield Failure(resource.field("kind"), f"validating webhook configuration {resource.name} judges requests to the API")


@resource_rule(
    "webhook-mutating",
    "A mutating webhook exists",
    # Info: nothing is wrong with it; a review wants the list.
    Severity.INFO,
    category="policy",
    kinds=("MutatingWebhookConfiguration",),
    by_default=False,
    aliases={"kubescape": "C-0039"},
)
def webhook_mutating(resource: Resource) -> Verdicts:
    """
    What it finds: Every MutatingWebhookConfiguration.
    Why it matters: It can change every object that it matches: add a container, an image, a variable. Attackers use it to stay.
    How to fix: Nothing, when it is known. Make sure that somebody owns it and that it is narrow.
    Exceptions: This is a list for a review, not a fault.
    """
    yield Failure(resource.field("kind"), f"mutating webhook configuration {resource.name} changes requests to the API")


@resource_rule(
    "scc-privileged",
    "SecurityContextConstraints admit privileged containers",
    # High: whoever may use it may have the node.
    Severity.HIGH,
    category="policy",
    kinds=("SecurityContextConstraints",),
    aliases={"kube-linter": "scc-deny-privileged-container"},
    controls={"cis-openshift-1.8": "1.2.12 5.2.10"},
)
def scc_privileged(resource: Resource) -> Verdicts:
    """
    What it finds: OpenShift SecurityContextConstraints with allowPrivilegedContainer: true.
    Why it matters: Every account that may use the constraint may run a privileged container.
    How to fix: Set allowPrivilegedContainer to false, and name the capabilities that are needed.
    Exceptions: The constraint privileged that OpenShift brings, and those of node agents.
    """
    field = resource.field("allowPrivilegedContainer")
    if field.value is True and not (resource.name == "privileged" and resource.field("metadata", "annotations", "kubernetes.io/description").is_set):
        yield Failure(field, f"SecurityContextConstraints {resource.name} admit privileged containers")


@resource_rule(
    "gatekeeper-repo-open",
    "Allowed repository lacks its end",
    # High: the list looks closed and is open: registry.example/team admits registry.example/team-of-somebody-else.
    Severity.HIGH,
    category="policy",
    kinds=("K8sAllowedRepos",),
    aliases={"trivy": "KSV-0124"},
)
def gatekeeper_repo_open(resource: Resource) -> Verdicts:
    """
    What it finds: An entry of a Gatekeeper K8sAllowedRepos constraint that does not end in a slash, a tag or a digest.
    Why it matters: Entries are prefixes. `registry.example/team` also admits `registry.example/team-evil/app`, and `registry.example` also
        `registry.example.attacker.net/app`.
    How to fix: End the entry with a slash.
    Exceptions: Entries that name one image with its tag or digest.
    """
    for item in resource.field("spec", "parameters", "repos").items():
        last = item.text.rsplit("/", 1)[-1]
        if item.text and not item.text.endswith("/") and ":" not in last and "@" not in last:
            yield Failure(item, f"{item.text} also admits images of {item.text}-something; end it with a slash")
