"""/proc under the restricted standard: masked even in a user namespace. Since v1.35, in place of the baseline's check, which then became milder.

| restricted field | allowed values |
|---|---|
| ``spec.{containers,initContainers,ephemeralContainers}[*].securityContext.procMount`` | unset, ``Default`` |
"""

from seawall.deploy.workload.pss.proc_mount_baseline import v1_0 as v1_35

latest = v1_35

__all__ = ["latest", "v1_35"]
