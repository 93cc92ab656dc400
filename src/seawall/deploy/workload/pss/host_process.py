"""Windows HostProcess containers: they run on the node itself, without isolation. Level: baseline.

| restricted field | allowed values |
|---|---|
| ``spec.securityContext.windowsOptions.hostProcess`` | unset, ``false`` |
| ``spec.{containers,initContainers,ephemeralContainers}[*].securityContext.windowsOptions.hostProcess`` | unset, ``false`` |
"""

from seawall.core.fix import Plan, Set
from seawall.core.pod import Pod
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.pss.contexts import security_contexts
from seawall.deploy.workload.pss.literal import literal


def v1_0(pod: Pod) -> Verdicts:
    """Neither the pod nor a container asks to be a process of the host."""
    for owner, container, context in security_contexts(pod):
        field = context.at("windowsOptions", "hostProcess")
        if field.is_set and field.value is not False:
            plan = Plan("set hostProcess to false", (Set(field, False),))
            yield Failure(field, f"{owner} runs as a process of the Windows node (hostProcess: {literal(field)})", plan, container=container)


latest = v1_0
