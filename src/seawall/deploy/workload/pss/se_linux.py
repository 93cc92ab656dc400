"""SELinux: the types that are made for containers, and no user or role of one's own. Level: baseline.

For ``spec.securityContext.seLinuxOptions`` and ``spec.{containers,initContainers,ephemeralContainers}[*].securityContext.seLinuxOptions``:

| restricted field | allowed values |
|---|---|
| ``type`` | unset, ``""``, ``container_t``, ``container_init_t``, ``container_kvm_t``; since v1.31 also ``container_engine_t`` |
| ``user``, ``role`` | unset, ``""`` |
"""

from collections.abc import Collection
from typing import Final

from seawall.core.fix import Plan, Remove
from seawall.core.pod import Pod
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.pss.contexts import security_contexts
from seawall.deploy.workload.pss.literal import literal

TYPES_V1_0: Final = ("", "container_t", "container_init_t", "container_kvm_t")
TYPES_V1_31: Final = (*TYPES_V1_0, "container_engine_t")


def v1_0(pod: Pod) -> Verdicts:
    """Types are container types; users and roles are not set."""
    return _judge(pod, TYPES_V1_0)


def v1_31(pod: Pod) -> Verdicts:
    """As before, and the type of container engines is a container type too."""
    return _judge(pod, TYPES_V1_31)


def _judge(pod: Pod, types: Collection[str]) -> Verdicts:
    for owner, container, context in security_contexts(pod):
        options = context["seLinuxOptions"]
        for name, allowed in (("type", types), ("user", ("",)), ("role", ("",))):
            field = options[name]
            if field.is_set and field.value not in allowed:
                plan = Plan(f"remove the SELinux {name}", (Remove(field),))
                yield Failure(field, f"{owner} sets the SELinux {name} {literal(field)}", plan, container=container)


latest = v1_31
