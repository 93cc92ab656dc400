"""Capabilities under the restricted standard: drop all of them, add back NET_BIND_SERVICE at most. Since v1.22, in place of the baseline's check.

For ``spec.{containers,initContainers,ephemeralContainers}[*].securityContext``:

| restricted field | allowed values |
|---|---|
| ``capabilities.drop`` | a list with ``ALL`` |
| ``capabilities.add`` | unset, empty, ``NET_BIND_SERVICE`` |

Since v1.25 Windows pods are exempt, which have no capabilities. A name counts as it is written: ``all`` is not ``ALL``.
"""

from typing import Final

from seawall.core.fix import Append, Plan, Remove
from seawall.core.pod import Pod
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.pss.capability_names import respell
from seawall.deploy.workload.pss.literal import literal

ALLOWED: Final = "NET_BIND_SERVICE"


def drop_all_v1_22(pod: Pod) -> Verdicts:
    """Every container drops ALL."""
    for container in pod.containers:
        drop = container.security_context.at("capabilities", "drop")
        if all(item.value != "ALL" for item in drop.items()):
            # Respelled it is safe, appended not: an application may live on one of the defaults, and nothing in the manifest shows it.
            plan = next(filter(None, (respell(item, ("ALL",)) for item in drop.items())), Plan("drop ALL capabilities", (Append(drop, "ALL"),)))
            yield Failure(drop, f"{container} does not drop ALL capabilities", plan, container=container.name)


def drop_all_v1_25(pod: Pod) -> Verdicts:
    """As before, but for Linux only."""
    if not pod.is_windows:
        yield from drop_all_v1_22(pod)


def added_v1_22(pod: Pod) -> Verdicts:
    """No container adds a capability other than NET_BIND_SERVICE."""
    for container in pod.containers:
        for item in container.security_context.at("capabilities", "add").items():
            if item.value != ALLOWED:
                plan = respell(item, (ALLOWED,)) or Plan(f"do not add {literal(item)}", (Remove(item),))
                yield Failure(item, f"{container} adds capability {literal(item)}", plan, container=container.name)


def added_v1_25(pod: Pod) -> Verdicts:
    """As before, but for Linux only."""
    if not pod.is_windows:
        yield from added_v1_22(pod)


drop_all = drop_all_v1_25
added = added_v1_25


def latest(pod: Pod) -> Verdicts:
    """Every container drops ALL and adds NET_BIND_SERVICE at most."""
    yield from drop_all(pod)
    yield from added(pod)
