"""Seccomp under the restricted standard: every container has a profile. Since v1.19, in place of the baseline's check.

| restricted field | allowed values |
|---|---|
| ``spec.securityContext.seccompProfile.type`` | ``RuntimeDefault``, ``Localhost``; no profile where every container has one |
| ``spec.{containers,initContainers,ephemeralContainers}[*].securityContext.seccompProfile.type`` | the same; no profile where the pod has one |

Since v1.25 Windows pods are exempt, which have no seccomp.
"""

from seawall.core.fix import Plan, Set
from seawall.core.pod import Pod
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.pss import seccomp_baseline


def missing(pod: Pod) -> Verdicts:
    """Containers that have no profile, neither of their own nor of the pod."""
    if pod.security_context["seccompProfile"].is_set:
        return  # a wrong one is said where it stands, not once more for each container that inherits it
    for container in pod.containers:
        profile = container.security_context["seccompProfile"]
        if not profile.is_set:
            # Not safe: the runtime's profile refuses system calls that an application may make.
            plan = Plan("set the seccomp profile to RuntimeDefault", (Set(profile["type"], "RuntimeDefault"),))
            yield Failure(profile["type"], f"{container} has no seccomp profile", plan, container=container.name)


def v1_19(pod: Pod) -> Verdicts:
    """Every container has a profile, and every profile is RuntimeDefault or Localhost."""
    yield from seccomp_baseline.v1_19(pod)
    yield from missing(pod)


def v1_25(pod: Pod) -> Verdicts:
    """As before, but for Linux only."""
    if not pod.is_windows:
        yield from v1_19(pod)


latest = v1_25
