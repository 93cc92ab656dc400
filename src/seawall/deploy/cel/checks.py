"""User rules as checks like any other."""

from collections.abc import Collection, Iterable
from functools import partial
from typing import Final

from seawall.core.errors import UsageError
from seawall.core.fix import Plan
from seawall.core.resource import Resource
from seawall.core.rule import Explanation, Phase, Rule
from seawall.core.verdict import Failure, Unjudged, Verdicts
from seawall.deploy.cel.expression import compile_expression
from seawall.deploy.cel.field_path import parse_field
from seawall.deploy.cel.model import CustomRule
from seawall.deploy.workload.check import Check, Scope

CATEGORY: Final = "custom"
MAX_MESSAGE: Final = 1000


def custom_checks(definitions: Iterable[CustomRule], taken: Collection[str] = ()) -> list[Check]:
    """The checks of these rules, whose ids must differ from each other and from those that are ``taken``.

    Raises ``UsageError`` that names the rule where an id stands twice or an expression cannot be compiled or gives no truth value.
    """
    checks = []
    seen = set(taken)
    for definition in definitions:
        if definition.id in seen:
            raise UsageError(f"custom rule {definition.id}: there is a rule with this id already")
        seen.add(definition.id)
        _compile(definition.id, "expression", definition.expression, "bool")
        if definition.message_expression:
            _compile(definition.id, "message_expression", definition.message_expression, "string")
        checks.append(Check(_rule(definition), Scope.RESOURCE, partial(_judge, definition), kinds=frozenset(definition.kinds)))
    return checks


def _compile(rule_id: str, where: str, text: str, wanted: str) -> None:
    try:
        returns = compile_expression(text).returns
    except UsageError as error:
        raise UsageError(f"custom rule {rule_id}: {where}: {error}") from None
    if returns not in (wanted, "dyn"):
        raise UsageError(f"custom rule {rule_id}: {where} gives a {returns}, and has to give a {wanted}")


def _rule(definition: CustomRule) -> Rule:
    subject = f"An object of kind {', '.join(definition.kinds)}" if definition.kinds else "An object"
    return Rule(
        id=definition.id,
        title=definition.title,
        severity=definition.severity,
        phase=Phase.DEPLOY,
        category=CATEGORY,
        explanation=Explanation(
            what=f"{subject} for which this is not true: {definition.expression.strip()}",
            why=definition.message or definition.title,
            fix=definition.fix_description or definition.message or "Change the object so that the expression is true.",
            exceptions="An object on which the expression ends in an error is reported as not evaluated.",
        ),
        references=definition.references,
    )


def _judge(definition: CustomRule, resource: Resource) -> Verdicts:
    if definition.groups and resource.group not in definition.groups:
        return
    # What a rule says of a Secret must not repeat what is in it, and an error of CEL may quote a value.
    secret = resource.kind == "Secret"
    field = resource.field(*parse_field(definition.field))
    result = compile_expression(definition.expression).run(resource.data)
    if result.error:
        yield Unjudged(field, "the expression ends in an error" if secret else result.error)
    elif type(result.value) is not bool:
        yield Unjudged(field, f"the expression gives a {result.type}, not a bool")
    elif not result.value:
        message = definition.message or definition.title
        if definition.message_expression and not secret:
            message = _message(definition.message_expression, resource) or message
        plan = Plan(definition.fix_description, ()) if definition.fix_description else None
        yield Failure(field, message, plan, secret=secret)


def _message(expression: str, resource: Resource) -> str:
    """What the expression says, in one line of bounded length; nothing when it does not end in text."""
    result = compile_expression(expression).run(resource.data)
    return " ".join(result.value.split())[:MAX_MESSAGE] if type(result.value) is str else ""
