"""Volume types: configuration, scratch space, and storage that an administrator provides. Level: restricted, in place of the hostPath check.

| restricted field | allowed values |
|---|---|
| ``spec.volumes[*]`` | has one of the types in ``ALLOWED``, or no type at all |

A volume without a type (``emptyDir:`` with nothing after it reads as null) becomes an emptyDir on the API server, before admission looks at it.
"""

from typing import Final

from seawall.core.pod import Pod
from seawall.core.verdict import Failure, Verdicts

ALLOWED: Final = ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret")


def v1_0(pod: Pod) -> Verdicts:
    """Every volume has one of the allowed types."""
    for volume in pod.spec["volumes"].items():
        if not any(volume[name].is_set for name in ALLOWED):
            for name, field in volume.entries():
                if name != "name" and field.is_set:
                    yield Failure(field, f"volume {volume['name'].text} is of type {name}, which is not allowed")


latest = v1_0
