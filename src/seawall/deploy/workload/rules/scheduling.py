"""Reliability: where the scheduler puts pods, and what it gives way to."""

from seawall.core.pod import Pod
from seawall.core.resource import Field
from seawall.core.selector import labels_of, selector_of
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.check import pod_rule
from seawall.deploy.workload.rules.availability import DEPLOYMENTS

_SPREAD_BY_HOST = "kubernetes.io/hostname"


@pod_rule(
    "anti-affinity-deploy",
    "Replicas of a Deployment may share a node",
    # Low: the scheduler spreads pods by itself when it can; one node may still hold all of them.
    Severity.LOW,
    category="reliability",
    by_default=False,
    aliases={
        "kube-linter": "no-anti-affinity",
        "kube-score": "deployment-has-host-podantiaffinity",
        "kics": "deployment_has_no_pod_anti_affinity",
    },
)
def anti_affinity_deploy(pod: Pod) -> Verdicts:
    """
    What it finds: A Deployment with several replicas and no pod anti-affinity of its own labels by host.
    Why it matters: All replicas may end up on one node and go down with it.
    How to fix: Add a preferred podAntiAffinity with topologyKey kubernetes.io/hostname that selects the pod's own labels.
    Exceptions: A topologySpreadConstraint by host does the same and passes.
    """
    if pod.resource.kind in DEPLOYMENTS:
        yield from _together(pod)


@pod_rule(
    "anti-affinity-sts",
    "Replicas of a StatefulSet may share a node",
    # Low: the scheduler spreads pods by itself when it can; one node may still hold the quorum.
    Severity.LOW,
    category="reliability",
    by_default=False,
    aliases={"kube-score": "statefulset-has-host-podantiaffinity", "kics": "statefulset_has_no_pod_anti_affinity"},
)
def anti_affinity_sts(pod: Pod) -> Verdicts:
    """
    What it finds: A StatefulSet with several replicas and no pod anti-affinity of its own labels by host.
    Why it matters: The members of a quorum may share a node and go down together.
    How to fix: Add a podAntiAffinity with topologyKey kubernetes.io/hostname that selects the pod's own labels.
    Exceptions: A topologySpreadConstraint by host does the same and passes.
    """
    if pod.resource.kind == "StatefulSet":
        yield from _together(pod)


@pod_rule(
    "node-affinity",
    "No node affinity",
    # Info: whether pods belong on certain nodes only the owner knows.
    Severity.INFO,
    category="reliability",
    by_default=False,
    aliases={"kube-linter": "no-node-affinity"},
)
def node_affinity(pod: Pod) -> Verdicts:
    """
    What it finds: A pod without nodeAffinity.
    Why it matters: In clusters with different kinds of nodes it may run where it should not (spot nodes, GPU nodes, another tenant's).
    How to fix: Add affinity.nodeAffinity for the nodes it belongs on.
    Exceptions: Clusters whose nodes are all alike. DaemonSets are not asked.
    """
    field = pod.spec.at("affinity", "nodeAffinity")
    if not field.is_set and pod.resource.kind != "DaemonSet":
        yield Failure(field, f"{pod} has no nodeAffinity")


@pod_rule(
    "topology-spread",
    "No valid topology spread",
    # Low: a zone may hold all replicas.
    Severity.LOW,
    category="reliability",
    by_default=False,
    aliases={"kube-score": "pod-topology-spread-constraints", "polaris": "topologySpreadConstraint"},
    references=("https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/",),
)
def topology_spread(pod: Pod) -> Verdicts:
    """
    What it finds: A replicated workload without topologySpreadConstraints, or with a constraint that lacks maxSkew, topologyKey, whenUnsatisfiable
        or a selector of its own pods.
    Why it matters: All replicas may run in one zone and go away with it.
    How to fix: Add a constraint with maxSkew 1 and topologyKey topology.kubernetes.io/zone that selects the pod's own labels.
    Exceptions: Kinds without replicas are not asked.
    """
    if pod.resource.kind not in (*DEPLOYMENTS, "StatefulSet", "ReplicaSet"):
        return
    constraints = pod.spec["topologySpreadConstraints"]
    if not constraints.value:
        yield Failure(constraints, f"{pod} has no topologySpreadConstraints")
    for constraint in constraints.items():
        problem = _useless(constraint, pod)
        if problem:
            yield Failure(constraint, f"topologySpreadConstraint of {pod} {problem}")


@pod_rule(
    "priority-class",
    "Priority class unset or not allowed",
    # Info: most workloads are fine with the default.
    Severity.INFO,
    category="reliability",
    by_default=False,
    aliases={"kube-linter": "priority-class-name", "polaris": "priorityClassNotSet"},
    parameters={"allowed": "The priority classes that pass; any when empty."},
)
def priority_class(pod: Pod, *, allowed: tuple[str, ...] = ()) -> Verdicts:
    """
    What it finds: A pod without priorityClassName, or with one that is not among the allowed.
    Why it matters: When a node runs full, the scheduler evicts by priority; a pod without one loses to everything that has one.
    How to fix: Set priorityClassName to the class that the cluster has for this kind of work.
    Exceptions: Clusters without priority classes.
    """
    field = pod.spec["priorityClassName"]
    if not field.text:
        yield Failure(field, f"{pod} has no priorityClassName")
    elif allowed and field.text not in allowed:
        yield Failure(field, f"{pod} uses priority class {field.text}; allowed are {', '.join(allowed)}")


@pod_rule(
    "dns-options",
    "DNS options not set",
    # Info: five search domains per look-up cost time in large clusters.
    Severity.INFO,
    category="reliability",
    by_default=False,
    aliases={"kube-linter": "dnsconfig-options"},
    parameters={"options": "Names of the options that must be set in dnsConfig."},
)
def dns_options(pod: Pod, *, options: tuple[str, ...] = ("ndots",)) -> Verdicts:
    """
    What it finds: A pod whose dnsConfig lacks an option, by default ndots.
    Why it matters: With the default of five dots every outside name is first looked up in each search domain, which multiplies the DNS load.
    How to fix: Set dnsConfig.options with ndots: "2".
    Exceptions: Pods that look up nothing outside the cluster.
    """
    field = pod.spec.at("dnsConfig", "options")
    names = {option["name"].text for option in field.items()}
    for wanted in options:
        if wanted not in names:
            yield Failure(field, f"{pod} does not set the DNS option {wanted}")


def _together(pod: Pod) -> Verdicts:
    """The failure of a replicated workload that does not keep its own pods apart by host."""
    replicas = pod.resource.field("spec", "replicas")
    if (1 if not replicas.is_set else replicas.integer or 0) < 2:
        return
    labels = labels_of(pod.metadata["labels"].value)
    affinity = pod.spec.at("affinity", "podAntiAffinity")
    terms = [
        *affinity["requiredDuringSchedulingIgnoredDuringExecution"].items(),
        *(preferred["podAffinityTerm"] for preferred in affinity["preferredDuringSchedulingIgnoredDuringExecution"].items()),
        *pod.spec["topologySpreadConstraints"].items(),
    ]
    for term in terms:
        selector = selector_of(term["labelSelector"].value)
        if term["topologyKey"].text == _SPREAD_BY_HOST and selector is not None and selector.matches(labels):
            return
    yield Failure(affinity, f"nothing keeps the {replicas.integer} replicas of {pod} on different nodes")


def _useless(constraint: Field, pod: Pod) -> str:
    """What makes a topology spread constraint useless, if anything."""
    for name in ("maxSkew", "topologyKey", "whenUnsatisfiable"):
        if not constraint[name].is_set:
            return f"lacks {name}"
    selector = selector_of(constraint["labelSelector"].value)
    if selector is None:
        return "has no valid labelSelector"
    if not selector.matches(labels_of(pod.metadata["labels"].value)):
        return "does not select the pod's own labels"
    return ""
