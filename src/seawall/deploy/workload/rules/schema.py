"""Objects against the schemas of their kinds: those of Kubernetes, and those of the CustomResourceDefinitions in the input.

One rule, two checks: a built-in kind is judged object by object, a custom one when all input was read, because its definition may stand anywhere.
"""

from collections import defaultdict
from itertools import islice
from typing import Final

from seawall.core.resource import Field, Resource
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Unjudged, Verdicts
from seawall.deploy.schema import Library, Schema, Unavailable, library, problems, schemas_of
from seawall.deploy.workload.check import CHECKS, Check, Scope, resource_rule
from seawall.deploy.workload.inventory import Inventory

MAX_ERRORS: Final = 20
"""Errors of one object that are reported; the rest mostly follow from them."""


@resource_rule(
    "schema-validation",
    "Object does not fit its schema",
    # Medium: the API server refuses the object or drops the field, so that what was meant (a limit, a security context) is not there.
    Severity.MEDIUM,
    category="correctness",
    by_default=False,
    aliases={"kube-linter": "schema-validation"},
    references=(
        "https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation",
        "https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation",
    ),
    parameters={
        "kubernetes_version": "The version of Kubernetes whose schemas are used (1.29, v1.29 or latest); --kubernetes-version sets it.",
        "strict": "Whether an unknown field is an error, as in kubectl --validate=strict.",
        "skip_kinds": "Kinds that are not checked.",
    },
)
def schema_validation(resource: Resource, *, kubernetes_version: str = "latest", strict: bool = True, skip_kinds: tuple[str, ...] = ()) -> Verdicts:
    """
    What it finds: A field that its kind does not have, that is missing although required, or whose value is of the wrong type or form, by the OpenAPI
        schema of a version of Kubernetes. Custom resources are checked against the CustomResourceDefinitions in the input.
    Why it matters: The API server refuses such an object, or silently drops the field that it does not know: a misspelt securityContext protects
        nothing.
    How to fix: Correct the name or the value; `kubectl explain` shows the fields of a kind. If the field is newer, set the version of Kubernetes.
    Exceptions: Kinds without a known schema are reported as not evaluated. Needs the extra: pip install 'seawall[schemas]'.
    """
    if resource.kind in skip_kinds:
        return
    try:
        schema = library(kubernetes_version, strict=strict).schema(resource.api_version, resource.kind)
    except Unavailable as reason:
        yield Unjudged(resource.root, str(reason))
        return
    if schema:
        yield from _judge(resource, schema)


def custom_resources(inventory: Inventory, *, kubernetes_version: str = "latest", strict: bool = True, skip_kinds: tuple[str, ...] = ()) -> Verdicts:
    """The custom resources of the input; a kind that has no schema anywhere is said to be so once, at its first object."""
    try:
        builtin = library(kubernetes_version, strict=strict)
    except Unavailable:
        return  # said of every object already
    custom: dict[tuple[str, str], list[Resource]] = defaultdict(list)
    for resource in inventory.resources:
        if resource.kind not in skip_kinds and not builtin.knows(resource.api_version, resource.kind):
            custom[resource.api_version, resource.kind].append(resource)
    if not custom:
        return
    schemas, broken = _custom_schemas(inventory, builtin)
    for (api_version, kind), resources in custom.items():
        if schema := schemas.get((api_version, kind)):
            for resource in resources:
                yield from _judge(resource, schema)
        else:
            reason = (
                broken.get((api_version, kind)) or f"Kubernetes {builtin.version} has no such kind, and no CustomResourceDefinition of it is given"
            )
            others = f" ({len(resources)} objects)" if len(resources) > 1 else ""
            yield Unjudged(resources[0].root, f"no schema for {kind} in {api_version}{others}: {reason}")


CHECKS.append(Check(CHECKS[-1].rule, Scope.INVENTORY, custom_resources))


def _custom_schemas(inventory: Inventory, builtin: Library) -> tuple[dict[tuple[str, str], Schema], dict[tuple[str, str], str]]:
    """By apiVersion and kind: the schemas of the definitions in the input, and why one is of no use. The last definition of a kind wins."""
    schemas: dict[tuple[str, str], Schema] = {}
    broken = {}
    for definition in inventory.of_kind("CustomResourceDefinition"):
        for api_version, kind, schema in schemas_of(definition.data, strict=builtin.strict):
            try:
                schemas[api_version, kind] = builtin.compile(schema)
            except ValueError:
                broken[api_version, kind] = f"the schema in {definition.path} is no valid one"
    return schemas, broken


def _judge(resource: Resource, schema: Schema) -> Verdicts:
    found = problems(resource.data, schema)
    try:
        shown = list(islice(found, MAX_ERRORS + 1))
    except ValueError as error:  # text that is no Unicode, a number that JSON does not have
        yield Unjudged(resource.root, f"the object cannot be written as JSON: {error}")
        return
    for problem in shown[:MAX_ERRORS]:
        field = resource.field(*problem.path)
        secret = _may_be_secret(resource, field)
        yield Failure(field, problem.demand if secret else problem.message, secret=secret)
    if len(shown) > MAX_ERRORS:
        yield Unjudged(resource.root, f"it has more than {MAX_ERRORS} errors; the others are not shown")


def _may_be_secret(resource: Resource, field: Field) -> bool:
    """Whether what stands there must not be repeated: anything in a Secret, and the environment of a container."""
    return resource.kind == "Secret" or "env" in field.path
