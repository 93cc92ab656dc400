"""Privileged containers: they have every capability and see the devices of the node. Level: baseline.

| restricted field | allowed values |
|---|---|
| ``spec.{containers,initContainers,ephemeralContainers}[*].securityContext.privileged`` | unset, ``false`` |
"""

from seawall.core.fix import Plan, Set
from seawall.core.pod import Pod
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.pss.literal import literal


def v1_0(pod: Pod) -> Verdicts:
    """No container is privileged."""
    for container in pod.containers:
        field = container.security_context["privileged"]
        if field.is_set and field.value is not False:
            yield Failure(
                field,
                f"{container} sets privileged: {literal(field)}",
                Plan("set privileged to false", (Set(field, False),)),
                container=container.name,
            )


latest = v1_0
