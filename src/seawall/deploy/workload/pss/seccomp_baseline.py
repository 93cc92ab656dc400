"""Seccomp: where a profile is set, it is the runtime's or one that was installed on the node. Level: baseline.

Up to v1.18:

| restricted field | allowed values |
|---|---|
| ``metadata.annotations["seccomp.security.alpha.kubernetes.io/pod"]`` | unset, ``runtime/default``, ``docker/default``, ``localhost/*`` |
| ``metadata.annotations["container.seccomp.security.alpha.kubernetes.io/NAME"]``, for each container | the same |

Since v1.19:

| restricted field | allowed values |
|---|---|
| ``spec.securityContext.seccompProfile.type`` | no profile, ``RuntimeDefault``, ``Localhost`` |
| ``spec.{containers,initContainers,ephemeralContainers}[*].securityContext.seccompProfile.type`` | no profile, ``RuntimeDefault``, ``Localhost`` |
"""

from typing import Final

from seawall.core.fix import Plan, Set
from seawall.core.pod import Pod
from seawall.core.resource import MISSING, Field
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.pss.contexts import security_contexts
from seawall.deploy.workload.pss.literal import literal

POD_ANNOTATION: Final = "seccomp.security.alpha.kubernetes.io/pod"
CONTAINER_ANNOTATION: Final = "container.seccomp.security.alpha.kubernetes.io/"
ALLOWED: Final = ("RuntimeDefault", "Localhost")


def v1_0(pod: Pod) -> Verdicts:
    """No annotation turns seccomp off. An empty one does; one for a container that does not exist says nothing."""
    # A mapping, because an invalid pod may have two containers of one name.
    owners = {POD_ANNOTATION: (str(pod), ""), **{CONTAINER_ANNOTATION + each.name: (str(each), each.name) for each in pod.containers}}
    for key, (owner, container) in owners.items():
        field = pod.annotations[key]
        if field.value is not MISSING and not _allowed_annotation(field):
            plan = Plan("set it to runtime/default", (Set(field, "runtime/default"),))
            yield Failure(field, f"an annotation sets the seccomp profile of {owner} to {literal(field)}", plan, container=container)


def v1_19(pod: Pod) -> Verdicts:
    """No seccompProfile is another than RuntimeDefault or Localhost."""
    for owner, container, context in security_contexts(pod):
        profile = context["seccompProfile"]
        if profile.is_set and profile["type"].value not in ALLOWED:
            field = profile["type"]
            plan = Plan("set it to RuntimeDefault", (Set(field, "RuntimeDefault"),))
            yield Failure(field, f"{owner} sets the seccomp profile to {literal(field)}", plan, container=container)


def _allowed_annotation(field: Field) -> bool:
    return field.text in ("runtime/default", "docker/default") or field.text.startswith("localhost/")


latest = v1_19
