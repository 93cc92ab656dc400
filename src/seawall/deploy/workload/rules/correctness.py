"""Correctness: objects that point at each other, and past each other."""

from seawall.core.selector import labels_selector
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Unjudged, Verdicts
from seawall.deploy.workload.check import inventory_rule
from seawall.deploy.workload.inventory import Inventory, namespace_of


@inventory_rule(
    "service-targets-pod",
    "Service selects no workload",
    # Medium: the Service answers nobody. It is an outage, not a breach, until another pod takes the labels.
    Severity.MEDIUM,
    category="correctness",
    kinds=("Service",),
    aliases={"kube-linter": "dangling-service", "kube-score": "service-targets-pod", "kubescape": "C-0293", "kics": "service_does_not_target_pod"},
    references=("https://kubernetes.io/docs/concepts/services-networking/service/#defining-a-service",),
)
def service_targets_pod(inventory: Inventory) -> Verdicts:
    """
    What it finds: A Service whose selector matches the labels of no pod, template or workload in its namespace.
    Why it matters: Traffic to the Service goes nowhere, and it goes to whoever first creates a pod with these labels.
    How to fix: Correct the selector, or the labels in the workload's pod template (not those of the workload itself).
    Exceptions: Services without a selector, whose endpoints somebody else keeps, and ExternalName Services. Without any workload in the input
        the rule is not evaluated.
    """
    for service in inventory.of_kind("Service"):
        selector = service.field("spec", "selector")
        wanted = labels_selector(selector.value)
        if service.group or not wanted or not wanted.requirements or service.field("spec", "type").value == "ExternalName":
            continue
        if not inventory.pods:
            yield Unjudged(selector, "no workload was given to the scan")
        elif not inventory.select(service.namespace, wanted):
            labels = ", ".join(f"{key}={value}" for key, value in wanted.equalities)
            yield Failure(selector, f"no pod in namespace {namespace_of(service)} has the labels {labels}")
