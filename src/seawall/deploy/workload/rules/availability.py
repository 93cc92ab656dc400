"""Reliability: enough replicas, and enough of them left standing while nodes are drained."""

from collections.abc import Iterator

from seawall.core.fix import Plan, Remove, Set
from seawall.core.resource import MISSING, Resource
from seawall.core.selector import labels_of, selector_of
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Unjudged, Verdicts
from seawall.deploy.workload.check import inventory_rule, resource_rule
from seawall.deploy.workload.inventory import Inventory, name_field

HPA = "HorizontalPodAutoscaler"
PDB = "PodDisruptionBudget"
DEPLOYMENTS = ("Deployment", "DeploymentConfig", "Rollout")
_HAVE_REPLICAS = (*DEPLOYMENTS, "StatefulSet", "ReplicaSet", "ReplicationController")


@inventory_rule(
    "replicas-min",
    "Deployment runs too few replicas",
    # Low: one drained node is an outage. Many services are not worth three replicas, so this is advice.
    Severity.LOW,
    category="reliability",
    kinds=DEPLOYMENTS,
    by_default=False,
    aliases={"kube-linter": "minimum-three-replicas", "kube-score": "deployment-replicas", "polaris": "deploymentMissingReplicas"},
    parameters={"minimum": "The smallest number of replicas that passes."},
)
def replicas_min(inventory: Inventory, *, minimum: int = 3) -> Verdicts:
    """
    What it finds: A Deployment with fewer replicas than the minimum; without the field it has one.
    Why it matters: With one replica every node drain, eviction or crash is an outage; with two, the second runs alone exactly then.
    How to fix: Set replicas to three or more, or let a HorizontalPodAutoscaler keep a minimum.
    Exceptions: Deployments that an autoscaler in the same input scales, and those scaled to zero on purpose (replicas 0).
    """
    scaled = set(_scaled(inventory))
    for resource in inventory.of_kind(*DEPLOYMENTS):
        replicas = resource.field("spec", "replicas")
        count = 1 if not replicas.is_set else replicas.integer
        if count is not None and 0 < count < minimum and _identity(resource) not in scaled:
            yield Failure(replicas, f"{resource.kind} {resource.name} runs {count} replica{'s'[: count > 1]}, fewer than {minimum}")


@resource_rule(
    "hpa-min",
    "HorizontalPodAutoscaler may go below the wanted minimum",
    # Low: as with too few replicas, an outage waits for the next node drain.
    Severity.LOW,
    category="reliability",
    kinds=(HPA,),
    by_default=False,
    aliases={"kube-linter": "hpa-minimum-three-replicas", "kube-score": "horizontalpodautoscaler-replicas", "polaris": "hpaMinAvailability"},
    parameters={"minimum": "The smallest minReplicas that passes."},
)
def hpa_min(resource: Resource, *, minimum: int = 3) -> Verdicts:
    """
    What it finds: A HorizontalPodAutoscaler whose minReplicas is below the minimum; without the field it is one.
    Why it matters: In quiet hours the workload shrinks to what one node drain can take away.
    How to fix: Set minReplicas to three or more.
    Exceptions: Workloads that may be away for a while.
    """
    field = resource.field("spec", "minReplicas")
    count = 1 if not field.is_set else field.integer
    if count is not None and count < minimum:
        yield Failure(field, f"{HPA} {resource.name} may scale down to {count}, below {minimum}")


@resource_rule(
    "hpa-max-eq-min",
    "HorizontalPodAutoscaler cannot scale",
    # Low: it looks like elasticity and is none.
    Severity.LOW,
    category="reliability",
    kinds=(HPA,),
    aliases={"polaris": "hpaMaxAvailability"},
)
def hpa_max_eq_min(resource: Resource) -> Verdicts:
    """
    What it finds: A HorizontalPodAutoscaler whose maxReplicas is not above its minReplicas.
    Why it matters: It never scales, and whoever looks at the cluster believes that it does.
    How to fix: Raise maxReplicas, or drop the autoscaler and set replicas.
    Exceptions: None known.
    """
    maximum = resource.field("spec", "maxReplicas")
    low = resource.field("spec", "minReplicas")
    lowest = 1 if not low.is_set else low.integer
    if maximum.integer is not None and lowest is not None and maximum.integer <= lowest:
        yield Failure(maximum, f"{HPA} {resource.name} has maxReplicas {maximum.integer} and minReplicas {lowest}: it cannot scale")


@inventory_rule(
    "hpa-target",
    "HorizontalPodAutoscaler scales nothing",
    # Medium: the workload it was written for does not scale when it has to.
    Severity.MEDIUM,
    category="reliability",
    kinds=(HPA,),
    aliases={
        "kube-linter": "dangling-horizontalpodautoscaler",
        "kube-score": "horizontalpodautoscaler-has-target",
        "kubescape": "C-0300",
        "kics": "hpa_targets_invalid_object",
    },
)
def hpa_target(inventory: Inventory) -> Verdicts:
    """
    What it finds: A HorizontalPodAutoscaler whose scaleTargetRef names no object of the input, or a kind that cannot be scaled.
    Why it matters: It does nothing, silently, until the load comes that it was written for.
    How to fix: Correct kind, name or namespace of the target; they live in the same namespace.
    Exceptions: Targets that are deployed from elsewhere. Without any workload in the input the rule is not evaluated.
    """
    for resource in inventory.of_kind(HPA):
        target = resource.field("spec", "scaleTargetRef")
        kind, name = target["kind"].text, target["name"].text
        if kind in ("DaemonSet", "Job", "CronJob", "Pod", "Service"):
            yield Failure(target["kind"], f"{HPA} {resource.name} targets a {kind}, which cannot be scaled")
        elif not inventory.pods:
            yield Unjudged(target, "no workload was given to the scan")
        elif not inventory.named(kind, resource.namespace, name) and (kind in _HAVE_REPLICAS or not kind):
            yield Failure(target["name"], f"{HPA} {resource.name} targets {kind} {name}, which is not in the input")


@inventory_rule(
    "hpa-static-replicas",
    "Autoscaled workload also pins its replicas",
    # Low: each apply resets the count that the autoscaler chose, in the middle of the load.
    Severity.LOW,
    category="reliability",
    kinds=("Deployment", "StatefulSet"),
    aliases={
        "kube-score": "deployment-targeted-by-hpa-does-not-have-replicas-configured",
        "kics": "hpa_targeted_deployments_with_configured_replica_count",
    },
)
def hpa_static_replicas(inventory: Inventory) -> Verdicts:
    """
    What it finds: A workload with replicas set that a HorizontalPodAutoscaler of the same input scales.
    Why it matters: Two owners of one number: each deployment puts it back, and throws pods away that the load needs.
    How to fix: Remove replicas from the workload.
    Exceptions: None known.
    """
    scaled = set(_scaled(inventory))
    for resource in inventory.of_kind("Deployment", "StatefulSet", "Rollout"):
        replicas = resource.field("spec", "replicas")
        if replicas.is_set and _identity(resource) in scaled:
            plan = Plan("remove replicas; the autoscaler decides", (Remove(replicas),), safe=True)
            yield Failure(replicas, f"{resource.kind} {resource.name} sets replicas although a {HPA} scales it", plan)


@inventory_rule(
    "pdb-missing-deploy",
    "Deployment without PodDisruptionBudget",
    # Low: a drain may take all replicas at once.
    Severity.LOW,
    category="reliability",
    kinds=("Deployment",),
    by_default=False,
    aliases={
        "kube-score": "deployment-has-poddisruptionbudget",
        "polaris": "missingPodDisruptionBudget",
        "kics": "deployment_without_pod_disruption_budget",
    },
)
def pdb_missing_deploy(inventory: Inventory) -> Verdicts:
    """
    What it finds: A Deployment with more than one replica whose pods no PodDisruptionBudget of the input selects.
    Why it matters: Draining nodes for an upgrade may evict every replica at the same time.
    How to fix: Add a PodDisruptionBudget with maxUnavailable: 1 for the labels of the pods.
    Exceptions: Deployments of one replica (a budget would only block the drain) and autoscaled ones whose minimum is one.
    """
    yield from _without_budget(inventory, "Deployment")


@inventory_rule(
    "pdb-missing-sts",
    "StatefulSet without PodDisruptionBudget",
    # Low: a drain may take the quorum away.
    Severity.LOW,
    category="reliability",
    kinds=("StatefulSet",),
    by_default=False,
    aliases={"kube-score": "statefulset-has-poddisruptionbudget", "kics": "statefulset_without_pod_disruption_budget"},
)
def pdb_missing_sts(inventory: Inventory) -> Verdicts:
    """
    What it finds: A StatefulSet with more than one replica whose pods no PodDisruptionBudget of the input selects.
    Why it matters: Stateful services have a quorum; a drain that takes two members at once stops them.
    How to fix: Add a PodDisruptionBudget with maxUnavailable: 1 for the labels of the pods.
    Exceptions: StatefulSets of one replica.
    """
    yield from _without_budget(inventory, "StatefulSet")


@resource_rule(
    "pdb-policy",
    "PodDisruptionBudget sets no budget",
    # Low: the object protects nothing.
    Severity.LOW,
    category="reliability",
    kinds=(PDB,),
    aliases={"kube-score": "poddisruptionbudget-has-policy"},
)
def pdb_policy(resource: Resource) -> Verdicts:
    """
    What it finds: A PodDisruptionBudget with neither minAvailable nor maxUnavailable.
    Why it matters: It allows every eviction, while its presence says that somebody took care.
    How to fix: Set maxUnavailable (usually 1).
    Exceptions: None known.
    """
    spec = resource.field("spec")
    if not spec["minAvailable"].is_set and not spec["maxUnavailable"].is_set:
        yield Failure(spec["maxUnavailable"], f"{PDB} {resource.name} has neither minAvailable nor maxUnavailable")


@resource_rule(
    "pdb-max-unavailable",
    "PodDisruptionBudget forbids every eviction (maxUnavailable 0)",
    # Medium: nodes cannot be drained, so they are not patched.
    Severity.MEDIUM,
    category="reliability",
    kinds=(PDB,),
    aliases={"kube-linter": "pdb-max-unavailable", "polaris": "pdbDisruptionsIsZero"},
)
def pdb_max_unavailable(resource: Resource) -> Verdicts:
    """
    What it finds: A PodDisruptionBudget with maxUnavailable 0 or 0%.
    Why it matters: No pod may ever be evicted, so a drain waits for ever and the node stays unpatched.
    How to fix: Set maxUnavailable to 1 or more.
    Exceptions: Pods that only a person may move; then the drain is done by hand.
    """
    field = resource.field("spec", "maxUnavailable")
    if field.integer == 0 or field.text in ("0", "0%"):
        yield Failure(
            field, f"{PDB} {resource.name} allows no eviction: maxUnavailable is {field.value}", Plan("set maxUnavailable to 1", (Set(field, 1),))
        )


@inventory_rule(
    "pdb-min-available",
    "PodDisruptionBudget forbids every eviction (minAvailable)",
    # Medium: nodes cannot be drained, so they are not patched.
    Severity.MEDIUM,
    category="reliability",
    kinds=(PDB,),
    aliases={"kube-linter": "pdb-min-available", "polaris": "pdbDisruptionsIsZero"},
)
def pdb_min_available(inventory: Inventory) -> Verdicts:
    """
    What it finds: A PodDisruptionBudget whose minAvailable is 100%, or at least as high as the replicas of the workload that it selects.
    Why it matters: No pod may ever be evicted, so a drain waits for ever and the node stays unpatched.
    How to fix: Use maxUnavailable: 1, which stays right when the replicas change.
    Exceptions: Pods that only a person may move; then the drain is done by hand.
    """
    for resource in inventory.of_kind(PDB):
        field = resource.field("spec", "minAvailable")
        if field.text == "100%":
            yield Failure(field, f"{PDB} {resource.name} allows no eviction: minAvailable is 100%")
        elif field.integer is not None:
            for workload in _budgeted(inventory, resource):
                replicas = workload.field("spec", "replicas")
                count = 1 if not replicas.is_set else replicas.integer
                if count is not None and 0 < count <= field.integer:
                    why = f"minAvailable is {field.integer}, {workload.kind} {workload.name} has {count} replicas"
                    yield Failure(field, f"{PDB} {resource.name} allows no eviction: {why}")
                    break


@inventory_rule(
    "pdb-vs-hpa",
    "PodDisruptionBudget wants more pods than the autoscaler keeps",
    # Medium: in quiet hours no node can be drained.
    Severity.MEDIUM,
    category="reliability",
    kinds=(PDB,),
    aliases={"polaris": "pdbMinAvailableGreaterThanHPAMinReplicas"},
)
def pdb_vs_hpa(inventory: Inventory) -> Verdicts:
    """
    What it finds: A PodDisruptionBudget whose minAvailable is at least the minReplicas of the HorizontalPodAutoscaler of the same workload.
    Why it matters: When the autoscaler is at its minimum, no pod may be evicted and drains hang.
    How to fix: Use maxUnavailable: 1, or keep minAvailable below minReplicas.
    Exceptions: None known.
    """
    scalers = {target: scaler for scaler in inventory.of_kind(HPA) if (target := _target_of(scaler))}
    for resource in inventory.of_kind(PDB):
        field = resource.field("spec", "minAvailable")
        if field.integer is None:
            continue
        for workload in _budgeted(inventory, resource):
            scaler = scalers.get(_identity(workload))
            if scaler is None:
                continue
            low = scaler.field("spec", "minReplicas")
            lowest = 1 if not low.is_set else low.integer
            if lowest is not None and field.integer >= lowest:
                yield Failure(field, f"{PDB} {resource.name} wants {field.integer} pods, {HPA} {scaler.name} keeps only {lowest}", also=(low,))
                break


@resource_rule(
    "pdb-unhealthy-policy",
    "PodDisruptionBudget keeps broken pods",
    # Low: a crash-looping pod blocks the drain of its node.
    Severity.LOW,
    category="reliability",
    kinds=(PDB,),
    by_default=False,
    aliases={"kube-linter": "pdb-unhealthy-pod-eviction-policy"},
    references=("https://kubernetes.io/docs/tasks/run-application/configure-pdb/#unhealthy-pod-eviction-policy",),
)
def pdb_unhealthy_policy(resource: Resource) -> Verdicts:
    """
    What it finds: A PodDisruptionBudget that does not set unhealthyPodEvictionPolicy.
    Why it matters: By default pods that are running but not ready count against the budget, so an application that crash-loops cannot be evicted.
    How to fix: Set unhealthyPodEvictionPolicy: AlwaysAllow.
    Exceptions: Applications in which a pod that is not ready still holds data nobody else has.
    """
    field = resource.field("spec", "unhealthyPodEvictionPolicy")
    if not field.is_set:
        plan = Plan("set unhealthyPodEvictionPolicy to AlwaysAllow", (Set(field, "AlwaysAllow"),))
        yield Failure(field, f"{PDB} {resource.name} does not say what to do with pods that are not ready", plan)


@resource_rule(
    "rolling-update",
    "Deployment does not roll",
    # Low: each rollout is a short outage.
    Severity.LOW,
    category="reliability",
    kinds=("Deployment", "DeploymentConfig"),
    by_default=False,
    aliases={"kube-linter": "no-rolling-update-strategy", "kube-score": "deployment-strategy", "kubescape": "C-0305"},
)
def rolling_update(resource: Resource) -> Verdicts:
    """
    What it finds: A Deployment whose strategy is not RollingUpdate.
    Why it matters: Recreate stops every old pod before the first new one starts.
    How to fix: Remove the strategy (RollingUpdate is the default) or set its type to RollingUpdate.
    Exceptions: Applications that cannot run twice at the same time (one writer on one volume).
    """
    field = resource.field("spec", "strategy", "type")
    if field.is_set and field.text not in ("RollingUpdate", "Rolling"):
        plan = Plan("set the strategy to RollingUpdate", (Set(field, "RollingUpdate"),))
        yield Failure(field, f"{resource.kind} {resource.name} uses strategy {field.value}", plan)


@resource_rule(
    "naked-pod",
    "Pod without a controller",
    # Low: it is gone with its node; and nothing keeps it at the reviewed version.
    Severity.LOW,
    category="reliability",
    kinds=("Pod",),
    by_default=False,
    aliases={"polaris": "nakedPod", "kubescape": "C-0073"},
)
def naked_pod(resource: Resource) -> Verdicts:
    """
    What it finds: A Pod that no controller owns.
    Why it matters: It is not restarted elsewhere when its node goes away.
    How to fix: Make it a Deployment, StatefulSet, DaemonSet or Job.
    Exceptions: Static pods of the control plane, and pods for debugging.
    """
    owners = resource.field("metadata", "ownerReferences")
    mirror = resource.field("metadata", "annotations", "kubernetes.io/config.mirror")
    if not owners.value and not mirror.is_set:
        yield Failure(resource.field("kind"), f"Pod {resource.name} has no controller")


@inventory_rule(
    "sts-service-name",
    "StatefulSet has no headless Service",
    # Low: its pods have no stable names in DNS.
    Severity.LOW,
    category="reliability",
    kinds=("StatefulSet",),
    aliases={"kube-score": "statefulset-has-servicename", "kics": "statefulset_without_service_name"},
)
def sts_service_name(inventory: Inventory) -> Verdicts:
    """
    What it finds: A StatefulSet without serviceName, or whose serviceName is no headless Service of the input that selects its pods.
    Why it matters: The stable network names of the pods come from that Service; without it the members do not find each other.
    How to fix: Create a Service with clusterIP: None for the labels of the pods, and name it in serviceName.
    Exceptions: StatefulSets that need stable storage only. Without any Service in the input the rule is not evaluated.
    """
    for resource in inventory.of_kind("StatefulSet"):
        field = resource.field("spec", "serviceName")
        if not field.text:
            yield Failure(field, f"StatefulSet {resource.name} has no serviceName")
        elif not inventory.of_kind("Service"):
            yield Unjudged(field, "no Service was given to the scan")
        elif not any(_is_headless_for(service, resource) for service in inventory.named("Service", resource.namespace, field.text)):
            yield Failure(field, f"StatefulSet {resource.name} names Service {field.text}, which is no headless Service of its pods")


def _identity(resource: Resource) -> tuple[str, str, str]:
    return resource.kind, resource.namespace or "default", resource.name


def _target_of(scaler: Resource) -> tuple[str, str, str] | None:
    target = scaler.field("spec", "scaleTargetRef")
    return (target["kind"].text, scaler.namespace or "default", target["name"].text) if target.is_set else None


def _scaled(inventory: Inventory) -> Iterator[tuple[str, str, str]]:
    """The workloads that some autoscaler scales."""
    for scaler in inventory.of_kind(HPA):
        if target := _target_of(scaler):
            yield target
    for scaler in inventory.of_kind("ScaledObject"):
        target_ref = scaler.field("spec", "scaleTargetRef")
        yield target_ref["kind"].text or "Deployment", scaler.namespace or "default", target_ref["name"].text


def _budgeted(inventory: Inventory, budget: Resource) -> list[Resource]:
    """The workloads whose pods a PodDisruptionBudget selects, each once."""
    selector = selector_of(budget.field("spec", "selector").value)
    if selector is None:
        return []
    chosen = {id(pod.resource): pod.resource for pod in inventory.select(budget.namespace, selector)}
    return [resource for resource in chosen.values() if resource.kind in _HAVE_REPLICAS]


def _without_budget(inventory: Inventory, kind: str) -> Verdicts:
    protected = {id(workload) for budget in inventory.of_kind(PDB) for workload in _budgeted(inventory, budget)}
    lowest = {target: scaler.field("spec", "minReplicas").integer or 1 for scaler in inventory.of_kind(HPA) if (target := _target_of(scaler))}
    for resource in inventory.of_kind(kind):
        replicas = resource.field("spec", "replicas")
        count = lowest.get(_identity(resource), 1 if not replicas.is_set else replicas.integer)
        if id(resource) not in protected and count is not None and count > 1:
            yield Failure(name_field(resource), f"no PodDisruptionBudget covers {kind} {resource.name}, which has {count} replicas")


def _is_headless_for(service: Resource, workload: Resource) -> bool:
    wanted = service.field("spec", "selector").value
    labels = labels_of(workload.field("spec", "template", "metadata", "labels").value)
    return service.field("spec", "clusterIP").value == "None" and (wanted is MISSING or not wanted or wanted.items() <= labels.items())
