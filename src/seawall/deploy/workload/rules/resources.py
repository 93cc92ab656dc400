"""Resources: how much of its node a container may take, and how much it is sure to get.

What counts is what the API server makes of the manifest: a request that is missing is the limit (``SetDefaults_Pod``), and ``spec.resources`` of
the pod bounds and serves all its containers (KEP-2837; processor, memory and huge pages only). Init containers count, for they run on the node as
the others do and decide the pod's quality of service too. Ephemeral containers cannot have resources.
"""

from fractions import Fraction

from seawall.core.errors import UsageError
from seawall.core.fix import Plan, Set
from seawall.core.pod import Container, Pod, pods
from seawall.core.quantity import parse_quantity
from seawall.core.resource import Field, Resource
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Unjudged, Verdicts
from seawall.deploy.workload.check import container_rule, pod_rule, resource_rule

_LISTS = ("initContainers", "containers")
_OF_THE_POD = frozenset({"cpu", "memory"})

_MANAGING = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"
_QUALITY = "https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/"


def _without(container: Container, kind: str, name: str) -> Verdicts:
    """A failure when nothing gives the container a limit (or, by ``kind``, a request) of the resource ``name`` that is more than zero."""
    levels = [container["resources"]]
    if name in _OF_THE_POD:
        levels.append(container.pod.spec["resources"])
    for resources in levels:
        given = resources[kind][name] if resources[kind][name].is_set else resources["limits"][name]
        try:
            if given.is_set and parse_quantity(given.value) > 0:
                return
        except ValueError as error:
            yield Unjudged(given, f"{given}: {error}")
            return
    field = container["resources"][kind][name]
    word = f"{name} {kind.removesuffix('s')}"
    yield Failure(field, f"{container} sets a {word} of {field.value}, which is none" if field.is_set else f"{container} has no {word}")


@container_rule(
    "cpu-limit",
    "CPU limit is missing",
    # Low: the processor is shared by weight, so a greedy container slows others and kills none.
    Severity.LOW,
    category="resources",
    lists=_LISTS,
    by_default=False,  # many run without on purpose: idle processors are there to be used
    aliases={
        "kubeaudit": "LimitsCPUNotSet LimitsNotSet",
        "kube-linter": "unset-cpu-requirements",
        "kube-score": "container-resources",
        "polaris": "cpuLimitsMissing",
        "trivy": "KSV-0011",
        "kubescape": "C-0050 C-0270 C-0009",
        "checkov": "CKV_K8S_11",
        "kics": "cpu_limits_not_set",
    },
    controls={"cis-docker-1.6": "5.12"},
    references=(_MANAGING,),
)
def cpu_limit(container: Container) -> Verdicts:
    """
    What it finds: A container or init container for which neither it nor its pod sets a CPU limit above zero.
    Why it matters: Without a limit a container may use every idle cycle of the node: good for latency, and just as good for whoever mines coins
        in it or loops it from outside.
    How to fix: Set resources.limits.cpu, or spec.resources.limits.cpu for the pod as a whole. Too low a limit throttles the container although
        the node is idle, so measure first.
    Exceptions: A namespace whose LimitRange sets a default limit. Clusters that go by requests alone; they need not run this rule.
    """
    return _without(container, "limits", "cpu")


@container_rule(
    "cpu-request",
    "CPU request is missing",
    # Low: the container starves first when the node is busy, and the scheduler crowds nodes. That hurts this workload, and seldom others.
    Severity.LOW,
    category="resources",
    lists=_LISTS,
    aliases={
        "kube-linter": "unset-cpu-requirements",
        "kube-score": "container-resources",
        "polaris": "cpuRequestsMissing",
        "trivy": "KSV-0015",
        "kubescape": "C-0050 C-0268",
        "checkov": "CKV_K8S_10",
        "kics": "cpu_requests_not_set",
    },
    references=(_MANAGING,),
)
def cpu_request(container: Container) -> Verdicts:
    """
    What it finds: A container or init container that requests no CPU: no request and no limit, neither its own nor its pod's.
    Why it matters: The request is the container's share when the processor is scarce, and what the scheduler counts. Without it the container
        gets the smallest share there is, and any neighbour can starve it.
    How to fix: Set resources.requests.cpu to what the container needs at ordinary load.
    Exceptions: A limit is enough, because Kubernetes takes it for the request. A namespace whose LimitRange sets a default request.
    """
    return _without(container, "requests", "cpu")


@container_rule(
    "mem-limit",
    "Memory limit is missing",
    # Medium: one leak, or one large request from outside, takes the node's memory, and the kernel kills somebody else's process.
    Severity.MEDIUM,
    category="resources",
    lists=_LISTS,
    aliases={
        "kubeaudit": "LimitsMemoryNotSet LimitsNotSet",
        "kube-linter": "unset-memory-requirements",
        "kube-score": "container-resources",
        "polaris": "memoryLimitsMissing",
        "trivy": "KSV-0018",
        "kubescape": "C-0004 C-0271 C-0009",
        "checkov": "CKV_K8S_13",
        "kics": "memory_limits_not_defined",
    },
    controls={"cis-docker-1.6": "5.11"},
    references=(_MANAGING,),
    parameters={"repeat": "also report what sandbox-resource-ceiling reports"},
    in_default={"repeat": False},
)
def mem_limit(container: Container, *, repeat: bool = True) -> Verdicts:
    """
    What it finds: A container or init container for which neither it nor its pod sets a memory limit above zero.
    Why it matters: Memory cannot be taken back. A container that grows without bound ends with the node out of memory: pods are evicted and
        processes killed, and they need not be the guilty ones.
    How to fix: Set resources.limits.memory somewhat above the highest use that was measured, or spec.resources.limits.memory for the whole pod.
    Exceptions: A namespace whose LimitRange sets a default limit.
    """
    if repeat or not _is_sandbox(container.pod.resource):
        yield from _without(container, "limits", "memory")


@container_rule(
    "mem-request",
    "Memory request is missing",
    # Low: the pod is evicted first and lands on nodes that are full. That hurts this workload, and seldom others.
    Severity.LOW,
    category="resources",
    lists=_LISTS,
    by_default=False,  # what has no request has no limit either, and mem-limit reports that
    aliases={
        "kube-linter": "unset-memory-requirements",
        "kube-score": "container-resources",
        "polaris": "memoryRequestsMissing",
        "trivy": "KSV-0016",
        "kubescape": "C-0004 C-0269",
        "checkov": "CKV_K8S_12",
        "kics": "memory_requests_not_defined",
    },
    references=(_MANAGING,),
)
def mem_request(container: Container) -> Verdicts:
    """
    What it finds: A container or init container that requests no memory: no request and no limit, neither its own nor its pod's.
    Why it matters: The scheduler puts the pod where memory may be short already, and under pressure the kubelet evicts first what uses more
        than it requested, which here is anything at all.
    How to fix: Set resources.requests.memory to what the container uses at ordinary load.
    Exceptions: A limit is enough, because Kubernetes takes it for the request. A namespace whose LimitRange sets a default request.
    """
    return _without(container, "requests", "memory")


@container_rule(
    "ephemeral-storage",
    "Limit on ephemeral storage is missing",
    # Low: a full disk makes the kubelet evict pods, but slowly, and the noisiest first.
    Severity.LOW,
    category="resources",
    lists=_LISTS,
    by_default=False,  # few clusters run short of it, and most have a LimitRange then
    aliases={"kube-score": "container-ephemeral-storage-request-and-limit"},
    references=("https://kubernetes.io/docs/concepts/storage/ephemeral-storage/",),
)
def ephemeral_storage(container: Container) -> Verdicts:
    """
    What it finds: A container or init container without a limit on ephemeral-storage. A limit is a request as well, a request alone is no limit.
    Why it matters: Logs, emptyDirs and what is written to the root file system share the node's disk. Whoever makes a container log without end
        fills it, and the kubelet evicts pods of that node until there is room.
    How to fix: Set resources.limits.ephemeral-storage, and sizeLimit on large emptyDirs.
    Exceptions: A namespace whose LimitRange sets a default limit. The limit of the pod (spec.resources) does not know this resource.
    """
    return _without(container, "limits", "ephemeral-storage")


@pod_rule(
    "limit-exceeds-threshold",
    "Limit is above the ceiling",
    # Low: it is more than most need, and somebody may have meant it.
    Severity.LOW,
    category="resources",
    by_default=False,  # the ceiling is a matter of the cluster
    aliases={"kubeaudit": "LimitsCPUExceeded LimitsMemoryExceeded"},
    references=(_MANAGING,),
    parameters={
        "cpu": "the highest CPU limit of a container or pod, as a quantity; empty for none",
        "memory": "the highest memory limit of a container or pod, as a quantity; empty for none",
    },
)
def limit_exceeds_threshold(pod: Pod, *, cpu: str = "8", memory: str = "32Gi") -> Verdicts:
    """
    What it finds: A CPU or memory limit, of a container or of the whole pod, above a ceiling that you set.
    Why it matters: A limit that no node can honour limits nothing: it is often a typing error (32Gi for 32Mi, 1000 for 1000m).
    How to fix: Lower the limit to what the workload was seen to use, or raise the ceiling for those that need it.
    Exceptions: Databases, builds and models that do need large nodes.
    """
    for name, ceiling in (("cpu", cpu), ("memory", memory)):
        if not ceiling:
            continue
        highest = _parameter(name, ceiling)
        for container in (container for container in pod.containers if container.list_name in _LISTS):
            yield from _above(container["resources"]["limits"][name], highest, f"{container} has", ceiling, container.name)
        yield from _above(pod.spec["resources"]["limits"][name], highest, f"{pod} has", ceiling)


def _parameter(name: str, text: str) -> Fraction:
    try:
        return parse_quantity(text)
    except ValueError as error:
        raise UsageError(f"parameter {name} of rule limit-exceeds-threshold: {error}") from None


def _above(limit: Field, highest: Fraction, who_has: str, ceiling: str, container: str = "") -> Verdicts:
    if limit.is_set:
        try:
            if parse_quantity(limit.value) > highest:
                yield Failure(limit, f"{who_has} a {limit.path[-1]} limit of {limit.value}, above {ceiling}", container=container)
        except ValueError as error:
            yield Unjudged(limit, f"{limit}: {error}")


@pod_rule(
    "requests-equal-limits",
    "Requests differ from limits",
    # Low: the pod is evicted before those of class Guaranteed; a matter of how much the workload is worth.
    Severity.LOW,
    category="resources",
    by_default=False,  # not every workload is worth the class Guaranteed
    aliases={"kube-score": "container-resource-requests-equal-limits"},
    references=(_QUALITY,),
)
def requests_equal_limits(pod: Pod) -> Verdicts:
    """
    What it finds: A CPU or memory request that is not the same amount as its limit, or that has no limit.
    Why it matters: Only a pod whose requests equal its limits in every container is of the class Guaranteed: evicted last, and able to get
        processors of its own. One that promises less than it uses lives on what its neighbours leave.
    How to fix: Set each request to the value of its limit, or leave the request out: it is the limit then.
    Exceptions: Workloads that can stand being evicted, and that would waste what they reserve. Containers that state nothing are left to the
        rules on missing requests and limits.
    """
    yield from _unequal(pod, "cpu")
    yield from _unequal(pod, "memory")


@pod_rule(
    "cpu-requests-equal-limits",
    "CPU request differs from the limit",
    # Low: as requests-equal-limits, for those who care for one of the two.
    Severity.LOW,
    category="resources",
    by_default=False,  # not every workload is worth it
    aliases={"kube-score": "container-cpu-requests-equal-limits"},
    references=(_QUALITY,),
)
def cpu_requests_equal_limits(pod: Pod) -> Verdicts:
    """
    What it finds: A CPU request that is not the same amount as its limit, or that has no limit.
    Why it matters: What a container uses above its request it has only while nobody else wants it, so its speed depends on its neighbours. The
        CPU manager gives whole processors only to containers whose request is their limit.
    How to fix: Set the request to the value of the limit, or leave it out: it is the limit then.
    Exceptions: Workloads with short peaks, for which the difference is the point.
    """
    return _unequal(pod, "cpu")


@pod_rule(
    "mem-requests-equal-limits",
    "Memory request differs from the limit",
    # Low: as requests-equal-limits, for those who care for one of the two.
    Severity.LOW,
    category="resources",
    by_default=False,  # not every workload is worth it
    aliases={"kube-score": "container-memory-requests-equal-limits"},
    references=(_QUALITY,),
)
def mem_requests_equal_limits(pod: Pod) -> Verdicts:
    """
    What it finds: A memory request that is not the same amount as its limit, or that has no limit.
    Why it matters: Memory above the request is nobody's promise, and cannot be taken back slowly: when the node runs short, the containers that
        use more than they requested are killed first.
    How to fix: Set the request to the value of the limit, or leave it out: it is the limit then.
    Exceptions: Workloads that can be killed at any time.
    """
    return _unequal(pod, "memory")


@pod_rule(
    "ephemeral-storage-equal",
    "Ephemeral storage request differs from the limit",
    # Low: pods above their request are evicted first when the disk is full; a matter of how much the workload is worth.
    Severity.LOW,
    category="resources",
    by_default=False,  # not every workload is worth it
    aliases={"kube-score": "container-ephemeral-storage-request-equals-limit"},
    references=("https://kubernetes.io/docs/concepts/storage/ephemeral-storage/",),
)
def ephemeral_storage_equal(pod: Pod) -> Verdicts:
    """
    What it finds: A request for ephemeral-storage that is not the same amount as its limit, or that has no limit.
    Why it matters: The scheduler counts requests. Where limits are higher, the pods of a node may fill its disk although each keeps to its limit.
    How to fix: Set the request to the value of the limit, or leave it out: it is the limit then.
    Exceptions: Containers that state nothing are left to the rule ephemeral-storage.
    """
    return _unequal(pod, "ephemeral-storage")


def _unequal(pod: Pod, name: str) -> Verdicts:
    """Failures where a request differs from its limit. Resources of the pod decide alone, where it has some: so does its quality of service."""
    of_pod = pod.spec["resources"]
    containers = [container for container in pod.containers if container.list_name in _LISTS]
    if name in _OF_THE_POD and (of_pod["requests"][name].is_set or of_pod["limits"][name].is_set):
        if of_pod["requests"][name].is_set or not any(_states(container["resources"], name) for container in containers):
            yield from _differs(of_pod, name, str(pod))
        else:
            yield Unjudged(of_pod["requests"][name], f"the {name} request of {pod} is the sum of its containers', which is not worked out")
        return
    for container in containers:
        yield from _differs(container["resources"], name, str(container), container.name)


def _states(resources: Field, name: str) -> bool:
    return resources["requests"][name].is_set or resources["limits"][name].is_set


def _differs(resources: Field, name: str, who: str, container: str = "") -> Verdicts:
    request, limit = resources["requests"][name], resources["limits"][name]
    if not request.is_set:
        return  # the limit is the request, or there is neither
    if not limit.is_set:
        yield Failure(request, f"{who} requests {name} without a limit", container=container)
        return
    try:
        equal = parse_quantity(request.value) == parse_quantity(limit.value)
    except ValueError as error:
        yield Unjudged(request, f"{request}: {error}")
        return
    if not equal:
        plan = Plan("request as much as the limit", (Set(request, limit.value),))
        yield Failure(request, f"{who} requests {request.value} of {name}, its limit is {limit.value}", plan, container, also=(limit,))


@resource_rule(
    "sandbox-resource-ceiling",
    "Agent sandbox has no resource ceiling",
    # Medium: what runs there is not known beforehand and may be told by anybody to use all it can; the node's other pods pay for it.
    Severity.MEDIUM,
    category="resources",
    kinds=("Sandbox", "SandboxTemplate"),
    aliases={"kubescape": "C-0303"},
    references=("https://agent-sandbox.sigs.k8s.io/docs/", _MANAGING),
)
def sandbox_resource_ceiling(resource: Resource) -> Verdicts:
    """
    What it finds: A Sandbox or SandboxTemplate of agents.x-k8s.io with a container that lacks a limit on CPU or on memory.
    Why it matters: A sandbox runs code that a model or a stranger wrote a moment ago. A loop, a fork bomb or a miner is a matter of time, and
        without ceilings the sandbox contains everything but the use of the node.
    How to fix: Set resources.limits.cpu and resources.limits.memory on every container of spec.podTemplate, or both in its spec.resources.
    Exceptions: A namespace whose LimitRange sets default limits.
    """
    if not _is_sandbox(resource):
        return
    for pod in pods(resource):
        for container in pod.containers:
            if container.list_name in _LISTS:
                missing = [verdict for name in ("cpu", "memory") for verdict in _without(container, "limits", name)]
                yield from (verdict for verdict in missing if isinstance(verdict, Unjudged))
                failures = [verdict for verdict in missing if isinstance(verdict, Failure)]
                if failures:
                    names = " and ".join(str(failure.field.path[-1]) for failure in failures)
                    field = failures[0].field if len(failures) == 1 else container["resources"]["limits"]
                    yield Failure(field, f"{container} of {resource.kind} {resource.name} has no limit on {names}", container=container.name)


def _is_sandbox(resource: Resource) -> bool:
    return resource.kind in ("Sandbox", "SandboxTemplate") and resource.group in ("agents.x-k8s.io", "extensions.agents.x-k8s.io")
