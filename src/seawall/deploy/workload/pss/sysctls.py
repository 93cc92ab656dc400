"""Kernel parameters: those that the kernel keeps apart for each pod. Level: baseline.

| restricted field | allowed values |
|---|---|
| ``spec.securityContext.sysctls[*].name`` | names in ``SAFE``, from the version on at which they stand |
"""

from collections.abc import Collection
from typing import Final

from seawall.core.fix import Plan, Remove
from seawall.core.pod import Pod
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.pss.literal import literal

SAFE_V1_0: Final = frozenset({
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_syncookies",
})  # fmt: skip
SAFE_V1_27: Final = SAFE_V1_0 | {"net.ipv4.ip_local_reserved_ports"}
SAFE_V1_29: Final = SAFE_V1_27 | {
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
}
SAFE_V1_32: Final = SAFE_V1_29 | {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}
SAFE_V1_37: Final = SAFE_V1_32 | {"net.ipv4.tcp_notsent_lowat", "net.ipv4.tcp_slow_start_after_idle"}


def v1_0(pod: Pod) -> Verdicts:
    """The first five safe sysctls."""
    return _judge(pod, SAFE_V1_0)


def v1_27(pod: Pod) -> Verdicts:
    """And the ports that are not given out by themselves."""
    return _judge(pod, SAFE_V1_27)


def v1_29(pod: Pod) -> Verdicts:
    """And the timers of TCP connections."""
    return _judge(pod, SAFE_V1_29)


def v1_32(pod: Pod) -> Verdicts:
    """And the buffers of TCP connections."""
    return _judge(pod, SAFE_V1_32)


def v1_37(pod: Pod) -> Verdicts:
    """And how TCP starts after a pause and how much it holds unsent."""
    return _judge(pod, SAFE_V1_37)


def _judge(pod: Pod, safe: Collection[str]) -> Verdicts:
    for sysctl in pod.security_context["sysctls"].items():
        field = sysctl["name"]
        if field.text not in safe:
            yield Failure(field, f"{pod} sets sysctl {literal(field)}, which is not a safe one", Plan("do not set it", (Remove(sysctl),)))


latest = v1_37
