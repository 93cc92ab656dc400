"""How a rule of this room is declared: a description and a pure function over a container, a pod or an object.

    @container_rule("privileged", "Container runs privileged", Severity.CRITICAL, category="isolation", aliases={"trivy": "KSV-0017"})
    def privileged(container: Container) -> Verdicts:
        \"\"\"
        What it finds: ...
        Why it matters: ...
        How to fix: ...
        Exceptions: ...
        \"\"\"
        field = container.security_context["privileged"]
        if field.value is True:
            yield Failure(field, f"{container} sets privileged: true")

Keyword-only arguments are the rule's parameters: their defaults are the rule's, and a policy may replace them.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypedDict, Unpack

from msgspec import Struct

from seawall.core.pod import CONTAINER_LISTS
from seawall.core.rule import Control, Phase, Rule, explanation_of, parameters_of
from seawall.core.severity import Confidence, Severity
from seawall.core.verdict import Verdicts

Judge = Callable[..., Verdicts]
"""``function(subject, **parameters)``; what the subject is, the scope says."""


class Scope(StrEnum):
    """What a check's function is called with, once for each: the subjects of one object, or everything that was given to the scan."""

    CONTAINER = "container"
    POD = "pod"
    RESOURCE = "resource"
    INVENTORY = "inventory"


class Check(Struct, frozen=True):
    """A rule and the function that judges it.

    ``lists`` are the container lists that a container rule looks at; ``kinds`` the kinds of object that a rule judges, all if empty.
    ``in_all`` are the parameter values of ``--profile all``, which is stricter; ``in_default`` those of the default profile, in which a rule may
    leave to another one what that one says better. A rule that is named on the command line gets no ``in_default`` and judges by itself.
    """

    rule: Rule
    scope: Scope
    judge: Judge
    lists: tuple[str, ...] = CONTAINER_LISTS
    kinds: frozenset[str] = frozenset()
    in_all: Mapping[str, object] = {}
    in_default: Mapping[str, object] = {}


class Description(TypedDict, total=False):
    """What a rule may say of itself beside id, title, severity and category. Several ids of one tool are separated by spaces."""

    confidence: Confidence
    by_default: bool
    aliases: Mapping[str, str]
    controls: Mapping[str, str]
    references: Sequence[str]
    parameters: Mapping[str, str]
    in_all: Mapping[str, object]
    in_default: Mapping[str, object]


CHECKS: list[Check] = []
"""Every check of this room, filled as the modules of ``rules`` are imported."""


def container_rule(
    rule_id: str, title: str, severity: Severity, *, category: str, lists: tuple[str, ...] = CONTAINER_LISTS, **more: Unpack[Description]
) -> Callable[[Judge], Judge]:
    """Declare a rule that judges each container of the named lists: ``function(container: Container, **parameters)``."""

    def declare(function: Judge) -> Judge:
        CHECKS.append(Check(_rule(function, rule_id, title, severity, category, more), Scope.CONTAINER, function, lists=lists, **_profiles(more)))
        return function

    return declare


def pod_rule(rule_id: str, title: str, severity: Severity, *, category: str, **more: Unpack[Description]) -> Callable[[Judge], Judge]:
    """Declare a rule that judges each pod or pod template: ``function(pod: Pod, **parameters)``."""

    def declare(function: Judge) -> Judge:
        CHECKS.append(Check(_rule(function, rule_id, title, severity, category, more), Scope.POD, function, **_profiles(more)))
        return function

    return declare


def resource_rule(
    rule_id: str, title: str, severity: Severity, *, category: str, kinds: Sequence[str] = (), **more: Unpack[Description]
) -> Callable[[Judge], Judge]:
    """Declare a rule that judges each object of these kinds: ``function(resource: Resource, **parameters)``."""

    def declare(function: Judge) -> Judge:
        CHECKS.append(
            Check(
                _rule(function, rule_id, title, severity, category, more),
                Scope.RESOURCE,
                function,
                kinds=frozenset(kinds),
                in_all=more.get("in_all", {}),
            )
        )
        return function

    return declare


def inventory_rule(
    rule_id: str, title: str, severity: Severity, *, category: str, kinds: Sequence[str], **more: Unpack[Description]
) -> Callable[[Judge], Judge]:
    """Declare a rule about what stands between objects: ``function(inventory: Inventory, **parameters)``, called once.

    ``kinds`` are the kinds that it finds something wrong with.
    """

    def declare(function: Judge) -> Judge:
        rule = _rule(function, rule_id, title, severity, category, more)
        CHECKS.append(Check(rule, Scope.INVENTORY, function, kinds=frozenset(kinds), **_profiles(more)))
        return function

    return declare


class _Profiles(TypedDict):
    in_all: Mapping[str, object]
    in_default: Mapping[str, object]


def _profiles(more: Description) -> _Profiles:
    return {"in_all": more.get("in_all", {}), "in_default": more.get("in_default", {})}


def _rule(function: Judge, rule_id: str, title: str, severity: Severity, category: str, more: Description) -> Rule:
    return Rule(
        id=rule_id,
        title=title,
        severity=severity,
        phase=Phase.DEPLOY,
        category=category,
        explanation=explanation_of(function),
        confidence=more.get("confidence", Confidence.HIGH),
        by_default=more.get("by_default", True),
        aliases={tool: tuple(ids.split()) for tool, ids in more.get("aliases", {}).items()},
        controls=tuple(Control(framework, control) for framework, ids in more.get("controls", {}).items() for control in ids.split()),
        references=tuple(more.get("references", ())),
        parameters=parameters_of(function, more.get("parameters", {})),
    )
