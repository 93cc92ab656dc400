"""One weakness, one finding: what rules of the default profile leave to a rule that says more.

Rules judge independently, unless their parameter ``repeat`` is false, as it is in the default profile, where all of them run together.
"""

from seawall.core.pod import Pod
from seawall.core.verdict import Failure, Verdicts


def without(verdicts: Verdicts, containers: set[str]) -> Verdicts:
    """The verdicts that are not about these containers."""
    return (verdict for verdict in verdicts if not (isinstance(verdict, Failure) and verdict.container in containers))


def privileged_containers(pod: Pod) -> set[str]:
    """The names of the containers that ``privileged`` reports: no other confinement holds them, whatever they set."""
    return {container.name for container in pod.containers if container.security_context["privileged"].value is True}


def root_containers(pod: Pod) -> set[str]:
    """The names of the containers that run as user 0 because the manifest says so, which ``run-as-uid-zero`` reports."""
    return {container.name for container in pod.containers if container.effective("runAsUser").integer == 0}
