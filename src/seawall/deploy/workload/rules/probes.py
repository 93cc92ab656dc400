"""Reliability: the probes by which the kubelet learns whether a container lives, serves and has started.

Probes mean something for containers that stay: the ordinary ones and sidecars. Init containers, ephemeral containers and the pods of Jobs end by
themselves, so nothing is asked of them.
"""

from collections.abc import Iterator

from seawall.core.pod import Container
from seawall.core.resource import Field
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.check import container_rule

_STAYING = ("containers", "initContainers")
_ENDING_KINDS = frozenset({"Job", "CronJob", "ScaledJob", "BroadcastJob", "AdvancedCronJob", "JobSet"})
_ACTIONS = ("httpGet", "tcpSocket", "exec", "grpc")


@container_rule(
    "liveness",
    "Liveness probe missing",
    # Low: a hung process keeps its place until somebody looks; and a careless probe restarts healthy pods, so this is advice.
    Severity.LOW,
    category="reliability",
    lists=_STAYING,
    by_default=False,
    aliases={
        "kube-linter": "no-liveness-probe",
        "kube-score": "pod-probes",
        "polaris": "livenessProbeMissing",
        "kubescape": "C-0056",
        "checkov": "CKV_K8S_8",
        "kics": "liveness_probe_is_not_defined",
    },
    controls={"cis-docker-1.6": "4.6 5.27"},
    references=("https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/",),
)
def liveness(container: Container) -> Verdicts:
    """
    What it finds: A container that stays and has no livenessProbe.
    Why it matters: The kubelet restarts a process that exits. One that hangs looks alive for ever without a probe.
    How to fix: Add a livenessProbe that fails only when a restart would help, and never because another service is down.
    Exceptions: Containers that exit when they are stuck; pods of Jobs, init containers and ephemeral containers are not asked.
    """
    yield from _missing(container, "livenessProbe")


@container_rule(
    "readiness",
    "Readiness probe missing",
    # Low: requests fail while a pod starts or is overloaded; nothing is exposed.
    Severity.LOW,
    category="reliability",
    lists=_STAYING,
    by_default=False,
    aliases={
        "kube-linter": "no-readiness-probe",
        "kube-score": "pod-probes",
        "polaris": "readinessProbeMissing",
        "kubescape": "C-0018",
        "checkov": "CKV_K8S_9",
        "kics": "readiness_probe_is_not_configured",
    },
    references=("https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",),
)
def readiness(container: Container) -> Verdicts:
    """
    What it finds: A container that stays and has no readinessProbe.
    Why it matters: Without it a pod gets traffic from the moment its process exists, before it can answer, and rollouts go on over broken pods.
    How to fix: Add a readinessProbe that asks the container whether it can serve now.
    Exceptions: Containers that serve nobody (queue workers). Pods of Jobs, init containers and ephemeral containers are not asked.
    """
    yield from _missing(container, "readinessProbe")


@container_rule(
    "probes-identical",
    "Liveness and readiness probe are the same",
    # Low: under load the pod is taken out of service and restarted at once, which turns a slow minute into an outage.
    Severity.LOW,
    category="reliability",
    lists=_STAYING,
    aliases={"kube-score": "pod-probes-identical"},
)
def probes_identical(container: Container) -> Verdicts:
    """
    What it finds: A container whose livenessProbe and readinessProbe do the same (action and thresholds).
    Why it matters: They ask different questions. Not ready means: send no traffic. Not alive means: kill it. With one answer for both, an overloaded
        pod is restarted where it should have been left alone.
    How to fix: Let the liveness probe ask less (is the process responsive?), or give it a much higher failureThreshold.
    Exceptions: None known.
    """
    probe, other = container["livenessProbe"], container["readinessProbe"]
    if type(probe.value) is dict and probe.value and probe.value == other.value:
        yield Failure(probe, f"{container} uses the same probe for liveness and readiness", also=(other,))


@container_rule(
    "liveness-port",
    "Liveness probe asks a port that the container does not open",
    # Medium: the probe fails for ever, and the kubelet restarts the container for ever.
    Severity.MEDIUM,
    category="reliability",
    lists=_STAYING,
    aliases={"kube-linter": "liveness-port"},
)
def liveness_port(container: Container) -> Verdicts:
    """
    What it finds: A livenessProbe with a port that is not among the container's ports.
    Why it matters: A named port that does not exist is refused by the API server. A number that nobody listens on restarts the container for ever.
    How to fix: Correct the port of the probe, or declare the port in the container's ports.
    Exceptions: A container that listens on a port without declaring it works; declare it all the same, as others read it there.
    """
    yield from _wrong_port(container, "livenessProbe")


@container_rule(
    "readiness-port",
    "Readiness probe asks a port that the container does not open",
    # Medium: the pod never gets ready, the rollout never ends.
    Severity.MEDIUM,
    category="reliability",
    lists=_STAYING,
    aliases={"kube-linter": "readiness-port"},
)
def readiness_port(container: Container) -> Verdicts:
    """
    What it finds: A readinessProbe with a port that is not among the container's ports.
    Why it matters: The pod never becomes ready, so its Service has no endpoint.
    How to fix: Correct the port of the probe, or declare the port in the container's ports.
    Exceptions: A container that listens on a port without declaring it works; declare it all the same, as others read it there.
    """
    yield from _wrong_port(container, "readinessProbe")


@container_rule(
    "startup-port",
    "Startup probe asks a port that the container does not open",
    # Medium: the container is killed before it ever counts as started.
    Severity.MEDIUM,
    category="reliability",
    lists=_STAYING,
    aliases={"kube-linter": "startup-port"},
)
def startup_port(container: Container) -> Verdicts:
    """
    What it finds: A startupProbe with a port that is not among the container's ports.
    Why it matters: The container never counts as started and is killed when the probe has failed often enough.
    How to fix: Correct the port of the probe, or declare the port in the container's ports.
    Exceptions: A container that listens on a port without declaring it works; declare it all the same, as others read it there.
    """
    yield from _wrong_port(container, "startupProbe")


def _missing(container: Container, name: str) -> Verdicts:
    if container.stays and container.pod.resource.kind not in _ENDING_KINDS and not any(container[name][action].is_set for action in _ACTIONS):
        yield Failure(container[name], f"{container} has no {name}")


def _wrong_port(container: Container, name: str) -> Verdicts:
    declared = set(_declared_ports(container))
    for action in ("httpGet", "tcpSocket", "grpc"):
        port = container.field.at(name, action, "port")
        if port.is_set and not container.field.at(name, action, "host").is_set and _port(port) not in declared:
            yield Failure(port, f"{name} of {container} asks port {port.value}, which is not among the container's ports")


def _declared_ports(container: Container) -> Iterator[int | str]:
    for port in container["ports"].items():
        if (number := port["containerPort"].integer) is not None:
            yield number
        if port["name"].text:
            yield port["name"].text


def _port(port: Field) -> int | str | None:
    """A port is a number or a name; a number in quotes is a name that cannot exist, but everybody means the number."""
    if port.integer is not None:
        return port.integer
    return int(port.text) if port.text.isdecimal() else port.text
