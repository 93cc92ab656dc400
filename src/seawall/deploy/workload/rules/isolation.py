"""Isolation: what separates a container from its node."""

from seawall.core.fix import Plan, Set
from seawall.core.pod import Container
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.check import container_rule


@container_rule(
    "privileged",
    "Container runs privileged",
    # Critical: root in a privileged container is root on the node; there is no boundary left to cross.
    Severity.CRITICAL,
    category="isolation",
    aliases={
        "kubeaudit": "PrivilegedTrue PrivilegedNil",
        "kube-linter": "privileged-container",
        "kube-score": "container-security-context-privileged",
        "polaris": "runAsPrivileged",
        "trivy": "KSV-0017",
        "kubescape": "C-0057 C-0193 C-0213",
        "checkov": "CKV_K8S_16",
        "kics": "container_is_privileged",
    },
    controls={"cis-kubernetes-1.12": "5.2.2", "pss-baseline": "privileged", "cis-docker-1.6": "5.5"},
    references=("https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",),
)
def privileged(container: Container) -> Verdicts:
    """
    What it finds: A container, of whatever kind, whose security context sets privileged to true.
    Why it matters: A privileged container has every capability, sees all devices of the node and runs without seccomp, AppArmor and SELinux
        confinement. Whoever takes it over owns the node.
    How to fix: Set privileged to false, and add the one capability or device that is really needed.
    Exceptions: Node agents (CNI and CSI plugins, some debuggers) that manage the node itself.
    """
    field = container.security_context["privileged"]
    if field.value is True:
        yield Failure(field, f"{container} sets privileged: true", Plan("set privileged to false", (Set(field, False),), safe=True))
