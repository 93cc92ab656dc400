"""The levels of the standard: which controls they have, from which version of Kubernetes on, and which function judges them.

Sources: the Pod Security Standards (https://kubernetes.io/docs/concepts/security/pod-security-standards/), and the revisions of the checks in
k8s.io/pod-security-admission v0.37.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from seawall.core.pod import Pod
from seawall.core.verdict import Verdicts
from seawall.deploy.workload.pss import (
    allow_privilege_escalation,
    app_armor,
    capabilities_baseline,
    capabilities_restricted,
    host_namespaces,
    host_path_volumes,
    host_ports,
    host_probes,
    host_process,
    privileged,
    proc_mount_baseline,
    proc_mount_restricted,
    run_as_non_root,
    run_as_user,
    se_linux,
    seccomp_baseline,
    seccomp_restricted,
    sysctls,
    volume_types,
)

NEWEST: Final = 37
"""The newest minor version of Kubernetes (1.x) whose revisions are known: what ``latest`` means."""


class Level(StrEnum):
    """What a namespace can demand, from nothing to best practice. Each level demands what the ones before it do."""

    PRIVILEGED = "privileged"
    BASELINE = "baseline"
    RESTRICTED = "restricted"


Function = Callable[[Pod], Verdicts]
Revisions = Mapping[int, Function]
"""The functions that judged a thing over time, oldest first, each with the minor version from which on it does."""


class Control(Struct, frozen=True):
    """A control of the standard. ``name`` is the id of admission's check; ``rules`` are the rules of the catalogue that report it.

    ``replaces`` names the control of the baseline level that it makes superfluous at the restricted one, from its own first version on.
    """

    name: str
    level: Level
    rules: Mapping[str, Revisions]
    replaces: str = ""

    @property
    def since(self) -> int:
        """The first minor version that has this control."""
        return min(min(revisions) for revisions in self.rules.values())


CONTROLS: Final = (
    Control("privileged", Level.BASELINE, {"privileged": {0: privileged.v1_0}}),
    Control(
        "hostNamespaces",
        Level.BASELINE,
        {
            "host-pid": {0: host_namespaces.host_pid},
            "host-ipc": {0: host_namespaces.host_ipc},
            "host-network": {0: host_namespaces.host_network},
        },
    ),
    Control("hostPorts", Level.BASELINE, {"host-port": {0: host_ports.v1_0}}),
    Control("windowsHostProcess", Level.BASELINE, {"host-process-windows": {0: host_process.v1_0}}),
    Control("hostProbesAndHostLifecycle", Level.BASELINE, {"host-probe-field": {34: host_probes.v1_34}}),
    Control("hostPathVolumes", Level.BASELINE, {"hostpath": {0: host_path_volumes.v1_0}}),
    Control("capabilities_baseline", Level.BASELINE, {"cap-beyond-default": {0: capabilities_baseline.v1_0}}),
    Control("appArmorProfile", Level.BASELINE, {"apparmor": {0: app_armor.v1_0}}),
    Control("seLinuxOptions", Level.BASELINE, {"selinux-custom": {0: se_linux.v1_0, 31: se_linux.v1_31}}),
    Control("procMount", Level.BASELINE, {"proc-mount": {0: proc_mount_baseline.v1_0, 35: proc_mount_baseline.v1_35}}),
    Control("seccompProfile_baseline", Level.BASELINE, {"seccomp-unconfined": {0: seccomp_baseline.v1_0, 19: seccomp_baseline.v1_19}}),
    Control(
        "sysctls",
        Level.BASELINE,
        {"sysctls-unsafe": {0: sysctls.v1_0, 27: sysctls.v1_27, 29: sysctls.v1_29, 32: sysctls.v1_32, 37: sysctls.v1_37}},
    ),
    Control("restrictedVolumes", Level.RESTRICTED, {"volume-types-core": {0: volume_types.v1_0}}, replaces="hostPathVolumes"),
    Control(
        "allowPrivilegeEscalation",
        Level.RESTRICTED,
        {"priv-escalation": {8: allow_privilege_escalation.v1_8, 25: allow_privilege_escalation.v1_25}},
    ),
    Control("runAsNonRoot", Level.RESTRICTED, {"run-as-non-root": {0: run_as_non_root.v1_0, 35: run_as_non_root.v1_35}}),
    Control("runAsUser", Level.RESTRICTED, {"run-as-uid-zero": {23: run_as_user.v1_23, 35: run_as_user.v1_35}}),
    Control(
        "seccompProfile_restricted",
        Level.RESTRICTED,
        {"seccomp-default": {19: seccomp_restricted.v1_19, 25: seccomp_restricted.v1_25}},
        replaces="seccompProfile_baseline",
    ),
    Control(
        "capabilities_restricted",
        Level.RESTRICTED,
        {
            "cap-drop-all": {22: capabilities_restricted.drop_all_v1_22, 25: capabilities_restricted.drop_all_v1_25},
            "cap-only-net-bind": {22: capabilities_restricted.added_v1_22, 25: capabilities_restricted.added_v1_25},
        },
        replaces="capabilities_baseline",
    ),
    Control("procMount_restricted", Level.RESTRICTED, {"proc-mount": {35: proc_mount_restricted.v1_35}}, replaces="procMount"),
)


def controls(level: Level, minor: int) -> list[Control]:
    """The controls of a level at a minor version; those that a stricter one replaces are left out."""
    if level is Level.PRIVILEGED:
        return []
    existing = [control for control in CONTROLS if control.since <= minor and (control.level is Level.BASELINE or level is Level.RESTRICTED)]
    replaced = {control.replaces for control in existing}
    return [control for control in existing if control.name not in replaced]


def revisions(control: Control, minor: int) -> Iterator[tuple[str, Function]]:
    """The rules of a control, each with the function that judges it at a minor version."""
    for rule, functions in control.rules.items():
        yield rule, functions[max(since for since in functions if since <= minor)]
