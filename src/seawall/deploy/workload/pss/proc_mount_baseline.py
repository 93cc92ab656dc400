"""/proc: the parts of it that the runtime masks stay masked. Level: baseline.

| restricted field | allowed values |
|---|---|
| ``spec.{containers,initContainers,ephemeralContainers}[*].securityContext.procMount`` | unset, ``Default`` |

Since v1.35 a pod in a user namespace (``hostUsers: false``) may set any value.
"""

from seawall.core.fix import Plan, Set
from seawall.core.pod import Pod
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.pss.literal import literal


def v1_0(pod: Pod) -> Verdicts:
    """Every container has the default /proc."""
    for container in pod.containers:
        field = container.security_context["procMount"]
        if field.is_set and field.value != "Default":
            plan = Plan("set procMount to Default", (Set(field, "Default"),))
            yield Failure(field, f"{container} sets procMount: {literal(field)}", plan, container=container.name)


def v1_35(pod: Pod) -> Verdicts:
    """As before, but only where root in the container is root on the node."""
    if not pod.has_user_namespace:
        yield from v1_0(pod)


latest = v1_35
