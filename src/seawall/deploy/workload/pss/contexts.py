"""Where a pod says how its processes run: its own security context and those of its containers."""

from collections.abc import Iterator

from seawall.core.pod import Container, Pod
from seawall.core.resource import Field


def security_contexts(pod: Pod) -> Iterator[tuple[Pod | Container, str, Field]]:
    """The pod's security context first, then each container's: whose it is, the name of the container (or ""), and the context.

    Each is what was written there, with nothing inherited.
    """
    yield pod, "", pod.security_context
    for container in pod.containers:
        yield container, container.name, container.security_context
