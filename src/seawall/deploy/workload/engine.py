"""The engine of this room: one object in, its findings out. Pure; what it runs was chosen before by :mod:`selection`."""

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


class Checks:
    """Checks sorted by what they are called with, their parameters bound, so that judging an object is three plain loops."""

    def __init__(self, checks: Iterable[tuple[Check, Mapping[str, object]]], severity: Mapping[str, Severity] | None = None) -> None:
        self.containers: list[tuple[Rule, Callable[[Container], Verdicts], tuple[str, ...]]] = []
        self.pods: list[tuple[Rule, Callable[[Pod], Verdicts]]] = []
        self.resources: list[tuple[Rule, Callable[[Resource], Verdicts], frozenset[str]]] = []
        self.severity = severity or {}
        self.rules: dict[str, Rule] = {}
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


class Judgement(Struct):
    """What the checks say of one object: findings in the order of their places, and for every rule how it came out."""

    findings: list[Finding] = field(default_factory=list)
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    errors: list[InputError] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)


def judge(resource: Resource, checks: Checks, *, with_edits: bool = True) -> Judgement:
    """Judge one object. ``with_edits=False`` leaves the text edits of fixes out, for outputs that do not show them."""
    judgement = Judgement(outcomes=dict.fromkeys(checks.rules, Outcome.NOT_APPLICABLE))
    templates = pods(resource)
    for pod in templates:
        for field_, message in malformed(pod):
            judgement.errors.append(InputError(resource.path, message, field_.locate().line))
    for rule, container, verdicts in _verdicts(resource, templates, checks):
        outcome = Outcome.PASS
        for verdict in verdicts:
            if isinstance(verdict, Failure):
                target = resource.target(verdict.container or container)
                judgement.findings.append(finding(rule, verdict, target, severity=checks.severity.get(rule.id), with_edits=with_edits))
                outcome = Outcome.FAIL
            else:
                judgement.not_evaluated.append(NotEvaluated(rule.id, resource.target(container), verdict.reason))
                outcome = max(outcome, Outcome.NOT_EVALUATED, key=_WEIGHT.__getitem__)
        judgement.outcomes[rule.id] = max(judgement.outcomes[rule.id], outcome, key=_WEIGHT.__getitem__)
    judgement.findings.sort(key=_place)
    return judgement


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
