"""What a rule's function says of one object, and how that becomes a finding.

A rule yields a :class:`Failure` for each thing that is wrong and an :class:`Unjudged` for each thing it could not check; yielding nothing means
that the object passes. Rules know fields, not files: places, fingerprints and edits are worked out here, once, for failures only.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from seawall.core.finding import Evidence, Finding, fingerprint
from seawall.core.fix import Change, Fix, Plan
from seawall.core.pod import CONTAINER_LISTS
from seawall.core.resource import MISSING, Field, dotted
from seawall.core.rule import Rule
from seawall.core.severity import Severity
from seawall.core.target import ResourceTarget, Target


class Failure(Struct, frozen=True):
    """Something is wrong at ``field`` (which may be missing). ``secret`` keeps the value out of every output.

    ``also`` are further fields that a reader needs to see. ``container`` names the container it is about, if one.
    ``severity`` replaces the rule's own where the case is worse or milder than usual.
    """

    field: Field
    message: str
    fix: Plan | None = None
    container: str = ""
    also: tuple[Field, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    severity: Severity | None = None
    secret: bool = False


class Unjudged(Struct, frozen=True):
    """The rule could not be checked at ``field``, for this reason."""

    field: Field
    reason: str


class NotEvaluated(Struct, frozen=True):
    """An :class:`Unjudged` with its rule and target, as the report shows it."""

    rule: str
    target: Target
    reason: str


Verdict = Failure | Unjudged
Verdicts = Iterator[Verdict]


def finding(rule: Rule, failure: Failure, target: Target, *, severity: Severity | None = None, with_edits: bool = True) -> Finding:
    """The finding that a failure of ``rule`` makes. ``severity`` is the policy's, where it has one for this rule."""
    fields = (failure.field, *failure.also)
    locations = tuple(field.locate() for field in fields)
    evidence = failure.evidence
    if failure.secret:
        locations = tuple(replace(location, snippet=UNSET) for location in locations)
    elif not evidence and _is_scalar(failure.field.value):
        evidence = (Evidence("value", failure.field.value),)
    return Finding(
        rule=rule.id,
        severity=severity or failure.severity or rule.severity,
        confidence=rule.confidence,
        title=rule.title,
        message=failure.message,
        target=target,
        locations=locations,
        evidence=evidence,
        fix=_fix(failure.fix, failure.field, with_edits) if failure.fix else None,
        controls=rule.controls,
        aliases=rule.alias_ids,
        fingerprint=fingerprint(rule.id, target, _stable_path(failure.field, target)),
    )


def _fix(plan: Plan, field: Field, with_edits: bool) -> Fix:
    changes: list[tuple[tuple[str | int, ...], Change]] = [(change.field.path, change) for change in plan.changes]
    edits = field.resource.positions.edits(changes) if with_edits else ()
    return Fix(safe=plan.safe, description=plan.description, edits=edits)


def _stable_path(field: Field, target: Target) -> str:
    """The field without the container's place in its list, which another container can move; the target names the container."""
    if not (isinstance(target, ResourceTarget) and target.container):
        return str(field)
    path = field.path
    return dotted(tuple("*" if type(key) is int and path[place - 1] in CONTAINER_LISTS else key for place, key in enumerate(path)))


def _is_scalar(value: Any) -> bool:
    return value is not MISSING and (value is None or isinstance(value, str | int | float | bool))
