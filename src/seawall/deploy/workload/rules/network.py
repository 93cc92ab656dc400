"""Network: what a workload opens to others."""

from seawall.core.pod import Pod
from seawall.core.severity import Severity
from seawall.core.verdict import Verdicts
from seawall.deploy.workload.check import pod_rule
from seawall.deploy.workload.pss import host_ports


@pod_rule(
    "host-port",
    "Container binds a port of the node",
    # Medium: everybody who reaches the node reaches the container, past Services and, with many plugins, past network policies.
    Severity.MEDIUM,
    category="network",
    aliases={
        "polaris": "hostPortSet",
        "trivy": "KSV-0024",
        "kubescape": "C-0044 C-0204",
        "checkov": "CKV_K8S_26",
        "kics": "workload_host_port_not_specified",
    },
    controls={"cis-kubernetes-1.12": "5.2.12", "pss-baseline": "hostPorts", "cis-docker-1.6": "5.14"},
    references=(
        "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
        "https://kubernetes.io/docs/concepts/configuration/overview/#services",
    ),
    parameters={"repeat": "also report pods that host-network reports, whose ports are the node's anyway"},
    in_default={"repeat": False},
)
def host_port(pod: Pod, *, repeat: bool = True) -> Verdicts:
    """
    What it finds: A container port with a hostPort.
    Why it matters: The port is open on every node that runs the pod, on all its addresses unless hostIP says otherwise. Only one such pod fits on a
        node, and a pod that takes the port of a node's service first can pose as it.
    How to fix: Remove hostPort and use a Service; NodePort where it must be on the node.
    Exceptions: DaemonSets that serve their own node: DNS caches, log collectors (with hostIP: 127.0.0.1 where that is enough), ingress controllers
        on bare metal.
    """
    if repeat or pod.spec["hostNetwork"].value is not True:
        yield from host_ports.latest(pod)
