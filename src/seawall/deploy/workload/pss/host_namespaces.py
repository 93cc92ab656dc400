"""Host namespaces: a pod sees its own processes, message queues and network, not those of the node. Level: baseline.

| restricted field | allowed values |
|---|---|
| ``spec.hostPID`` | unset, ``false`` |
| ``spec.hostIPC`` | unset, ``false`` |
| ``spec.hostNetwork`` | unset, ``false`` |
"""

from seawall.core.fix import Plan, Set
from seawall.core.pod import Pod
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.pss.literal import literal


def host_pid(pod: Pod) -> Verdicts:
    """The pod has a process namespace of its own."""
    return _shares(pod, "hostPID", "processes")


def host_ipc(pod: Pod) -> Verdicts:
    """The pod has an IPC namespace of its own."""
    return _shares(pod, "hostIPC", "shared memory and message queues")


def host_network(pod: Pod) -> Verdicts:
    """The pod has a network namespace of its own."""
    return _shares(pod, "hostNetwork", "network")


def v1_0(pod: Pod) -> Verdicts:
    """The pod shares none of the three with the node."""
    yield from host_pid(pod)
    yield from host_ipc(pod)
    yield from host_network(pod)


def _shares(pod: Pod, name: str, what: str) -> Verdicts:
    field = pod.spec[name]
    if field.is_set and field.value is not False:
        yield Failure(field, f"{pod} shares the node's {what} ({name}: {literal(field)})", Plan(f"set {name} to false", (Set(field, False),)))


latest = v1_0
