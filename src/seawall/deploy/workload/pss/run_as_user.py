"""User 0: neither the pod nor a container asks for root. Level: restricted, since v1.23.

| restricted field | allowed values |
|---|---|
| ``spec.securityContext.runAsUser`` | unset, any number but ``0`` |
| ``spec.{containers,initContainers,ephemeralContainers}[*].securityContext.runAsUser`` | unset, any number but ``0`` |

Since v1.35 a pod in a user namespace (``hostUsers: false``) may set any value.
"""

from seawall.core.pod import Pod
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.pss.contexts import security_contexts
from seawall.deploy.workload.pss.literal import literal


def v1_23(pod: Pod) -> Verdicts:
    """No runAsUser is 0."""
    for owner, container, context in security_contexts(pod):
        field = context["runAsUser"]
        if field.is_set and not field.integer:
            yield Failure(field, f"{owner} sets runAsUser: {literal(field)}", container=container)


def v1_35(pod: Pod) -> Verdicts:
    """As before, but only where root in the container is root on the node."""
    if not pod.has_user_namespace:
        yield from v1_23(pod)


latest = v1_35
