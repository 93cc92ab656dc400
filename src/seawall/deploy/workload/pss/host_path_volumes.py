"""hostPath volumes: they open the file system of the node. Level: baseline.

| restricted field | allowed values |
|---|---|
| ``spec.volumes[*].hostPath`` | unset |
"""

from seawall.core.pod import Pod
from seawall.core.verdict import Failure, Verdicts


def v1_0(pod: Pod) -> Verdicts:
    """No volume is a path of the node."""
    for volume in pod.spec["volumes"].items():
        field = volume["hostPath"]
        if field.is_set:
            yield Failure(field, f"volume {volume['name'].text} is {field['path'].text or 'a path'} of the node")


latest = v1_0
