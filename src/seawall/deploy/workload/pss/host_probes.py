"""Hosts of probes and lifecycle hooks: the kubelet must not be sent to call other addresses than the pod's. Level: baseline, since v1.34.

For ``spec.{containers,initContainers,ephemeralContainers}[*]``:

| restricted field | allowed values |
|---|---|
| ``{livenessProbe,readinessProbe,startupProbe}.{httpGet,tcpSocket}.host`` | unset, ``""`` |
| ``lifecycle.{postStart,preStop}.{httpGet,tcpSocket}.host`` | unset, ``""`` |
"""

from collections.abc import Iterator

from seawall.core.fix import Plan, Remove
from seawall.core.pod import Container, Pod
from seawall.core.resource import Field
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.pss.literal import literal


def v1_34(pod: Pod) -> Verdicts:
    """No probe and no hook names a host."""
    for container in pod.containers:
        for what, handler in _handlers(container):
            for action in ("httpGet", "tcpSocket"):
                field = handler.at(action, "host")
                if field.is_set and field.value != "":
                    plan = Plan("remove host, so that the kubelet calls the pod itself", (Remove(field),))
                    yield Failure(field, f"the {what} of {container} is sent to host {literal(field)}", plan, container=container.name)


def _handlers(container: Container) -> Iterator[tuple[str, Field]]:
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        yield probe, container[probe]
    for hook in ("postStart", "preStop"):
        yield f"{hook} hook", container["lifecycle"][hook]


latest = v1_34
