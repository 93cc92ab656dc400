"""Host ports: a container does not listen on the addresses of its node. Level: baseline.

| restricted field | allowed values |
|---|---|
| ``spec.{containers,initContainers,ephemeralContainers}[*].ports[*].hostPort`` | unset, ``0`` |

In a Pod with ``hostNetwork: true`` the API server copies each containerPort to an unset hostPort, and admission then names both controls. Only the
host network is reported here: nobody wrote a host port, and the verdict is the same.
"""

from seawall.core.fix import Plan, Remove
from seawall.core.pod import Pod
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.pss.literal import literal


def v1_0(pod: Pod) -> Verdicts:
    """No container asks for a port of the node."""
    for container in pod.containers:
        for port in container["ports"].items():
            field = port["hostPort"]
            if field.is_set and field.integer != 0:
                plan = Plan("remove hostPort and reach the pod through a Service", (Remove(field),))
                yield Failure(field, f"{container} binds port {literal(field)} of the node", plan, container=container.name)


latest = v1_0
