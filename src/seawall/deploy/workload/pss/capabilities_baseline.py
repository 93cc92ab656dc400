"""Added capabilities: none beyond the set that container runtimes give by default, and of that set not NET_RAW. Level: baseline.

| restricted field | allowed values |
|---|---|
| ``spec.{containers,initContainers,ephemeralContainers}[*].securityContext.capabilities.add`` | unset, empty, names in ``ALLOWED`` |

A name counts as it is written: ``chown`` and ``CAP_CHOWN`` are not ``CHOWN``.
"""

from typing import Final

from seawall.core.fix import Plan, Remove
from seawall.core.pod import Pod
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.pss.capability_names import respell
from seawall.deploy.workload.pss.literal import literal

ALLOWED: Final = frozenset({
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID",
    "SYS_CHROOT",
})  # fmt: skip


def v1_0(pod: Pod) -> Verdicts:
    """Every capability that a container adds is one of the default set."""
    for container in pod.containers:
        for item in container.security_context.at("capabilities", "add").items():
            if item.text not in ALLOWED:
                plan = respell(item, ALLOWED) or Plan(f"do not add {literal(item)}", (Remove(item),))
                yield Failure(item, f"{container} adds capability {literal(item)}, beyond the default set", plan, container=container.name)


latest = v1_0
