"""The engine of this room: objects in, findings out. Pure; what it runs was chosen before by :mod:`selection`.

:func:`judge` takes one object at a time. :func:`judge_together` takes all of them, for the rules about what stands between objects; it gives
failures and not yet findings, because their places may have to be looked up first (see :mod:`seawall.io.sources.late`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from msgspec import Struct, field

from seawall.core.errors import InputError
from seawall.core.finding import Finding
from seawall.core.pod import Container, Pod, malformed, pods
from seawall.core.resource import Resource
from seawall.core.rule import Outcome, Rule
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, NotEvaluated, Verdicts, finding
from seawall.deploy.workload.check import Check, Scope
from seawall.deploy.workload.inventory import Inventory


class Checks:
    """Checks sorted by what they are called with, their parameters bound, so that judging an object is three plain loops."""

    def __init__(self, checks: Iterable[tuple[Check, Mapping[str, object]]], severity: Mapping[str, Severity] | None = None) -> None:
        self.containers: list[tuple[Rule, Callable[[Container], Verdicts], tuple[str, ...]]] = []
        self.pods: list[tuple[Rule, Callable[[Pod], Verdicts]]] = []
        self.resources: list[tuple[Rule, Callable[[Resource], Verdicts], frozenset[str]]] = []
        self.inventory: list[tuple[Rule, Callable[[Inventory], Verdicts], frozenset[str]]] = []
        self.severity = severity or {}
        self.rules: dict[str, Rule] = {}
        self.not_applicable: dict[str, Outcome] = {}
        for check, parameters in checks:
            self.rules[check.rule.id] = check.rule
            judge = partial(check.judge, **parameters) if parameters else check.judge
            match check.scope:
                case Scope.CONTAINER:
                    self.containers.append((check.rule, judge, check.lists))
                case Scope.POD:
                    self.pods.append((check.rule, judge))
                case Scope.RESOURCE:
                    self.resources.append((check.rule, judge, check.kinds))
                case Scope.INVENTORY:
                    self.inventory.append((check.rule, judge, check.kinds))
            if check.scope is not Scope.INVENTORY:
                self.not_applicable[check.rule.id] = Outcome.NOT_APPLICABLE

    def finding(self, rule: Rule, failure: Failure, container: str = "", *, with_edits: bool = True) -> Finding:
        """The finding of a failure, as bad as the policy says."""
        target = failure.field.resource.target(failure.container or container)
        return finding(rule, failure, target, severity=self.severity.get(rule.id), with_edits=with_edits)


class Judgement(Struct):
    """What the checks say of one object: findings in the order of their places, and for every rule how it came out."""

    findings: list[Finding] = field(default_factory=list)
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    errors: list[InputError] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)


def judge(resource: Resource, checks: Checks, *, with_edits: bool = True) -> Judgement:
    """Judge one object. ``with_edits=False`` leaves the text edits of fixes out, for outputs that do not show them."""
    judgement = Judgement(outcomes=checks.not_applicable.copy())
    templates = pods(resource)
    for pod in templates:
        for field_, message in malformed(pod):
            judgement.errors.append(InputError(resource.path, message, field_.locate().line))
    for rule, container, verdicts in _verdicts(resource, templates, checks):
        outcome = Outcome.PASS
        for verdict in verdicts:
            if isinstance(verdict, Failure):
                judgement.findings.append(checks.finding(rule, verdict, container, with_edits=with_edits))
                outcome = Outcome.FAIL
            else:
                judgement.not_evaluated.append(NotEvaluated(rule.id, resource.target(container), verdict.reason))
                outcome = outcome if outcome is Outcome.FAIL else Outcome.NOT_EVALUATED
        if _WEIGHT[outcome] > _WEIGHT[judgement.outcomes[rule.id]]:
            judgement.outcomes[rule.id] = outcome
    judgement.findings.sort(key=_place)
    return judgement


class Together(Struct):
    """What the checks say of all objects together. ``outcomes`` counts objects for each rule."""

    failures: list[tuple[Rule, Failure]] = field(default_factory=list)
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    outcomes: dict[str, dict[Outcome, int]] = field(default_factory=dict)


def judge_together(inventory: Inventory, checks: Checks) -> Together:
    """Run the rules about what stands between objects."""
    together = Together()
    for rule, judge_inventory, kinds in checks.inventory:
        failed, unjudged = set(), set()
        for verdict in judge_inventory(inventory):
            subject = verdict.field.resource
            if isinstance(verdict, Failure):
                together.failures.append((rule, verdict))
                failed.add(id(subject))
            else:
                together.not_evaluated.append(NotEvaluated(rule.id, subject.target(), verdict.reason))
                unjudged.add(id(subject))
        unjudged -= failed
        passed = sum(len(inventory.of_kind(kind)) for kind in kinds) - len(failed) - len(unjudged)
        counts = {Outcome.FAIL: len(failed), Outcome.NOT_EVALUATED: len(unjudged), Outcome.PASS: max(passed, 0)}
        together.outcomes[rule.id] = {outcome: count for outcome, count in counts.items() if count}
    return together


_WEIGHT = {Outcome.NOT_APPLICABLE: 0, Outcome.PASS: 1, Outcome.NOT_EVALUATED: 2, Outcome.FAIL: 3}
"""Which outcome an object has when its containers have several: one failure fails it, one blind spot keeps it from passing."""


def _verdicts(resource: Resource, templates: list[Pod], checks: Checks) -> Iterator[tuple[Rule, str, Verdicts]]:
    """Every judgement to be made on an object: the rule, the name of the container it is about (or ""), and the verdicts."""
    kind = resource.kind
    for rule, judge_resource, kinds in checks.resources:
        if not kinds or kind in kinds:
            yield rule, "", judge_resource(resource)
    for pod in templates:
        for rule, judge_pod in checks.pods:
            yield rule, "", judge_pod(pod)
        for container in pod.containers:
            list_name, name = container.list_name, container.name
            for rule, judge_container, lists in checks.containers:
                if list_name in lists:
                    yield rule, name, judge_container(container)


def _place(finding: Finding) -> tuple[int, int, str]:
    location = finding.locations[0]
    return location.line, location.column, finding.rule
