"""AppArmor: the runtime's profile, or one that was installed on the node, but never none. Level: baseline.

| restricted field | allowed values |
|---|---|
| ``metadata.annotations["container.apparmor.security.beta.kubernetes.io/*"]`` | unset, ``""``, ``runtime/default``, ``localhost/*`` |
| ``spec.securityContext.appArmorProfile.type`` | no profile, ``RuntimeDefault``, ``Localhost`` |
| ``spec.{containers,initContainers,ephemeralContainers}[*].securityContext.appArmorProfile.type`` | no profile, ``RuntimeDefault``, ``Localhost`` |

The annotations count whether or not a container has the name that they end in, and at every version, as do the fields.
"""

from typing import Final

from seawall.core.fix import Plan, Set
from seawall.core.pod import Pod
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.pss.contexts import security_contexts
from seawall.deploy.workload.pss.literal import literal

ANNOTATION: Final = "container.apparmor.security.beta.kubernetes.io/"
ALLOWED: Final = ("RuntimeDefault", "Localhost")


def v1_0(pod: Pod) -> Verdicts:
    """No field and no annotation takes AppArmor away."""
    names = {container.name for container in pod.containers}
    for key, annotation in pod.annotations.entries():
        name, value = key.removeprefix(ANNOTATION), annotation.value
        if name != key and value not in (None, "", "runtime/default") and not annotation.text.startswith("localhost/"):
            message = f"an annotation sets the AppArmor profile of container {name} to {literal(annotation)}"
            plan = Plan("set it to runtime/default", (Set(annotation, "runtime/default"),))
            yield Failure(annotation, message, plan, container=name if name in names else "")
    for owner, container, context in security_contexts(pod):
        profile = context["appArmorProfile"]
        if profile.is_set and profile["type"].value not in ALLOWED:
            field = profile["type"]
            plan = Plan("set it to RuntimeDefault", (Set(field, "RuntimeDefault"),))
            yield Failure(field, f"{owner} sets the AppArmor profile to {literal(field)}", plan, container=container)


latest = v1_0
