"""Privilege escalation: no program may gain what its caller has not, not even a set-user-ID one. Level: restricted, since v1.8.

| restricted field | allowed values |
|---|---|
| ``spec.{containers,initContainers,ephemeralContainers}[*].securityContext.allowPrivilegeEscalation`` | ``false`` |

Since v1.25 Windows pods are exempt, which have no such field.
"""

from seawall.core.fix import Plan, Set
from seawall.core.pod import Container, Pod
from seawall.core.verdict import Failure, Verdicts


def v1_8(pod: Pod) -> Verdicts:
    """Every container says that it does not escalate."""
    for container in pod.containers:
        field = container.security_context["allowPrivilegeEscalation"]
        if field.value is not False:
            says = "allows privilege escalation" if field.is_set else "does not set allowPrivilegeEscalation: false"
            # Not safe: sudo, ping and others are set-user-ID programs.
            plan = None if _cannot_be_false(container) else Plan("set allowPrivilegeEscalation to false", (Set(field, False),))
            yield Failure(field, f"{container} {says}", plan, container=container.name)


def v1_25(pod: Pod) -> Verdicts:
    """As before, but for Linux only."""
    if not pod.is_windows:
        yield from v1_8(pod)


def _cannot_be_false(container: Container) -> bool:
    """The API server refuses false beside privileged and beside CAP_SYS_ADMIN (validation of SecurityContext)."""
    context = container.security_context
    return context["privileged"].value is True or any(item.value == "CAP_SYS_ADMIN" for item in context.at("capabilities", "add").items())


latest = v1_25
