"""/proc under the restricted standard: masked even in a user namespace. Since v1.35, in place of the baseline's check, which then became milder.

| restricted field | allowed values |
|---|---|
| ``spec.{containers,initContainers,ephemeralContainers}[*].securityContext.procMount`` | unset, ``Default`` |
"""

from seawall.core.pod import Pod
from seawall.core.verdict import Verdicts
from seawall.deploy.workload.pss import proc_mount_baseline


def v1_35(pod: Pod) -> Verdicts:
    """Every container has the default /proc, as the baseline demanded up to then."""
    return proc_mount_baseline.v1_0(pod)


latest = v1_35
