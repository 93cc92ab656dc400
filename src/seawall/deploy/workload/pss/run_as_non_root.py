"""Non-root: the kubelet refuses to start a container as root. Level: restricted.

| restricted field | allowed values |
|---|---|
| ``spec.securityContext.runAsNonRoot`` | ``true``; unset where every container sets it |
| ``spec.{containers,initContainers,ephemeralContainers}[*].securityContext.runAsNonRoot`` | ``true``; unset where the pod sets it |

Since v1.35 a pod in a user namespace (``hostUsers: false``) may set any value. A runAsUser other than 0 does not stand in for it.
"""

from seawall.core.fix import Plan, Set
from seawall.core.pod import Container, Pod
from seawall.core.resource import Field
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.pss.literal import literal


def v1_0(pod: Pod) -> Verdicts:
    """Every container has runAsNonRoot: true, its own or the pod's, and none says false."""
    inherited = pod.security_context["runAsNonRoot"]
    heirs = [container for container in pod.containers if not container.security_context["runAsNonRoot"].is_set]
    if inherited.is_set and inherited.value is not True:
        yield Failure(inherited, f"{pod} sets runAsNonRoot: {literal(inherited)}", _plan(inherited, heirs))
    for container in pod.containers:
        field = container.security_context["runAsNonRoot"]
        if field.is_set:
            if field.value is not True:
                yield Failure(field, f"{container} sets runAsNonRoot: {literal(field)}", _plan(field, [container]), container=container.name)
        elif not inherited.is_set:
            yield Failure(field, f"neither {container} nor its pod sets runAsNonRoot: true", _plan(field, [container]), container=container.name)


def v1_35(pod: Pod) -> Verdicts:
    """As before, but only where root in the container is root on the node."""
    if not pod.has_user_namespace:
        yield from v1_0(pod)


def _plan(field: Field, containers: list[Container]) -> Plan:
    """Safe where the user is a number that is not 0: then the kubelet, which looks at nothing else, starts the containers as before."""
    return Plan("set runAsNonRoot to true", (Set(field, True),), safe=all(container.effective("runAsUser").integer for container in containers))


latest = v1_35
