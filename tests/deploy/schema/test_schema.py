"""Objects against the schemas of Kubernetes and of CRDs; the package's own validator, another implementation of JSON Schema, is the oracle."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.errors import UsageError
from seawall.deploy.schema import Unavailable, library, problems, schemas_of

pytest.importorskip("kubernetes_validate", reason="the extra seawall[schemas] is not installed")
pytest.importorskip("jsonschema_rs", reason="the extra seawall[schemas] is not installed")

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "creationTimestamp": None},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "web:1",
                        "ports": [{"containerPort": 80}],
                        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
                        "livenessProbe": {"httpGet": {"port": 80}},
                    }
                ]
            },
        },
    },
}


def messages(data: dict[str, Any], version: str = "latest", *, strict: bool = True) -> list[str]:
    schema = library(version, strict=strict).schema(data["apiVersion"], data["kind"])
    assert schema is not None
    return [problem.message for problem in problems(data, schema)]


def with_value(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    data = deepcopy(DEPLOYMENT)
    *parents, last = path
    node: Any = data
    for key in parents:
        node = node[key]
    node[last] = value
    return data


CONTAINER = ("spec", "template", "spec", "containers", 0)


def test_a_sound_object_has_no_problems() -> None:
    assert messages(DEPLOYMENT) == []


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("spec", "replicas"), "3", 'spec.replicas must be an integer, not "3"'),
        (("spec", "replicas"), True, "spec.replicas must be an integer, not true"),
        (("spec", "replicas"), 2**31, "spec.replicas must be at most 2147483647, not 2147483648"),
        (("spec", "replicas"), 2**70, f"spec.replicas must be at most 2147483647, not {2**70}"),
        (("spec", "template"), [], "spec.template must be a mapping, not a list"),
        ((*CONTAINER, "imagee"), "x", "unknown field spec.template.spec.containers[0].imagee; did you mean image?"),
        ((*CONTAINER, "securitycontext"), {}, "unknown field spec.template.spec.containers[0].securitycontext; did you mean securityContext?"),
        ((*CONTAINER, "zzz"), 1, "unknown field spec.template.spec.containers[0].zzz"),
        ((*CONTAINER, "ports"), [{}], "spec.template.spec.containers[0].ports[0].containerPort is missing, and required"),
        (
            (*CONTAINER, "livenessProbe", "httpGet", "port"),
            1.5,
            "spec.template.spec.containers[0].livenessProbe.httpGet.port must be an integer or a string, not 1.5",
        ),
        (
            (*CONTAINER, "resources", "limits", "cpu"),
            "1,5",
            'spec.template.spec.containers[0].resources.limits.cpu must be a quantity (such as 500m, 0.5 or 1Gi), not "1,5"',
        ),
        (("metadata", "creationTimestamp"), "today", 'metadata.creationTimestamp must be a time such as 2027-01-31T12:00:00Z, not "today"'),
        (("metadata", "annotations"), {"example.com/a": 1}, "metadata.annotations[example.com/a] must be a string, not 1"),
    ],
)
def test_a_problem_is_told_in_plain_words(path: tuple[str | int, ...], value: Any, message: str) -> None:
    assert messages(with_value(path, value)) == [message]


@pytest.mark.parametrize("value", ["1", "500m", "1e3", ".5Gi", "-1", 1, 0.5, None])
def test_quantities(value: Any) -> None:
    assert messages(with_value((*CONTAINER, "resources", "limits", "cpu"), value)) == []


@pytest.mark.parametrize("port", ["http", 80, 80.0, None])
def test_an_integer_or_a_string(port: Any) -> None:
    assert messages(with_value((*CONTAINER, "livenessProbe", "httpGet", "port"), port)) == []


def test_only_strict_minds_unknown_fields() -> None:
    assert messages(with_value(("spec", "colour"), "red"), strict=False) == []


def test_the_version_decides() -> None:
    data = with_value((*CONTAINER, "restartPolicy"), "Always")  # since 1.28
    assert messages(data, "1.27") == ["unknown field spec.template.spec.containers[0].restartPolicy"]
    assert messages(data, "v1.29") == messages(data, "1.29.3") == messages(data) == []


def test_versions_without_schemas() -> None:
    with pytest.raises(Unavailable, match=r"schemas are known of Kubernetes 1\.25 to 1\.\d+, not of 1\.9$"):
        library("1.9")
    with pytest.raises(UsageError, match=r"'2\.0' is no version of Kubernetes"):
        library("2.0")


def test_a_group_that_only_begins_alike_is_another_one() -> None:
    assert not library().knows("apps.example.com/v1", "Deployment")
    assert library().schema("../apps/v1", "Deployment") is None
    assert library().knows("rbac.authorization.k8s.io/v1", "Role")


def test_every_kind_compiles() -> None:
    schemas = library()
    kinds = list(schemas._names)
    assert len(kinds) > 100
    assert all(schemas.schema(*kind) for kind in kinds)


def test_a_description_field_is_a_field() -> None:
    schema = {"type": "object", "description": "A thing.", "properties": {"format": {"type": "string"}, "description": {"type": "string"}}}
    definition = crd(schema)
    definition["metadata"] = {"name": "things.example.com"}
    assert messages(definition) == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "1", "1Gi", "80"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "image", "spec", "app"]), inner, max_size=2),
    max_leaves=4,
)
PATHS = st.sampled_from([
    ("metadata",), ("metadata", "labels"), ("spec",), ("spec", "replicas"), ("spec", "selector"), ("spec", "template", "spec"), CONTAINER,
    (*CONTAINER, "name"), (*CONTAINER, "ports"), (*CONTAINER, "command"), ("spec", "paused"), ("spec", "strategy"),
])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(PATHS, VALUES)
def test_as_another_implementation_of_json_schema_judges(path: tuple[str | int, ...], value: Any) -> None:
    """At these paths no quantity, IntOrString or range is concerned, in which we are stricter or more lenient on purpose."""
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="the extra seawall[schemas] is not installed")

    data = with_value(path, value)
    try:
        kubernetes_validate.validate(data, "1.37", strict=True)
        sound = True
    except kubernetes_validate.ValidationError:
        sound = False
    assert (messages(data) == []) is sound


def crd(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def custom(schema: dict[str, Any], thing: dict[str, Any], *, strict: bool = True) -> list[str]:
    [(api_version, kind, translated)] = schemas_of(crd(schema), strict=strict)
    assert (api_version, kind) == ("example.com/v1", "Thing")
    return [problem.message for problem in problems({"apiVersion": api_version, "kind": kind, **thing}, library().compile(translated))]


SPEC = {"spec": {"type": "integer"}}


@pytest.mark.parametrize(
    ("schema", "spec", "expected"),
    [
        ({"type": "integer"}, "1", 'spec must be an integer, not "1"'),
        ({"type": "integer"}, None, "spec must be an integer, not null"),
        ({"type": "integer", "nullable": True}, None, None),
        ({"type": "integer", "default": 1}, None, None),
        ({"type": "string", "nullable": True, "enum": ["a", "b"]}, None, None),
        ({"type": "string", "enum": ["a", "b"]}, "c", 'spec must be one of "a", "b", not "c"'),
        ({"type": "integer", "format": "int32"}, 2**31, "spec must be at most 2147483647, not 2147483648"),
        ({"type": "integer", "maximum": 5, "exclusiveMaximum": True}, 5, "spec must be less than 5, not 5"),
        ({"type": "integer", "maximum": 5, "exclusiveMaximum": False}, 5, None),
        ({"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}, "80%", None),
        ({"type": "object"}, {"a": 1}, "unknown field spec.a"),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, {"a": 1}, None),
        ({"x-kubernetes-preserve-unknown-fields": True}, [1], None),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"a": 1}, "spec.a must be a string, not 1"),
        ({"type": "object", "x-kubernetes-embedded-resource": True}, {"apiVersion": "v1", "kind": "Pod", "metadata": {}}, None),
        (
            {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"a": "1", "b": "2"},
            "spec must fit exactly one of the alternatives in its schema",
        ),
        ({"type": "object", "properties": {"a": {"type": "integer"}}, "anyOf": [{"properties": {"a": {"minimum": 1}}}]}, {"a": 1}, None),
        ({"type": "string", "format": "no-such-format"}, "x", None),
    ],
)
def test_custom_resources(schema: dict[str, Any], spec: Any, expected: str | None) -> None:
    assert custom({"type": "object", "properties": {"spec": schema}}, {"spec": spec}) == ([expected] if expected else [])


def test_metadata_of_a_custom_resource_is_that_of_every_object() -> None:
    schema = {"type": "object", "properties": {"metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 3}}}}}
    assert custom(schema, {"metadata": {"name": "abc", "labels": {"a": "b"}}}) == []
    assert custom(schema, {"metadata": {"name": "abcd"}}) == ['metadata.name must have at most 3 characters, not "abcd"']
    assert custom(schema, {"metadata": {"label": {}}}) == ["unknown field metadata.label; did you mean labels?"]


def test_a_reference_in_a_definition_reads_nothing() -> None:
    assert custom({"type": "object", "properties": {"spec": {"$ref": "file:///etc/passwd"}}}, {"spec": 1}) == []


@pytest.mark.parametrize("schema", [{"type": "sting"}, {"pattern": "("}, {"pattern": "(?=a)"}, {"minimum": "1"}, {"required": [1]}, {"enum": 1}])
def test_a_broken_definition_is_an_error_of_its_own(schema: dict[str, Any]) -> None:
    [(_, _, translated)] = schemas_of(crd({"type": "object", "properties": {"spec": schema}}))
    with pytest.raises(ValueError, match=r"."):
        library().compile(translated)


@given(VALUES)
@settings(max_examples=100, deadline=None)
def test_no_definition_makes_the_translation_fail(value: Any) -> None:
    for definition in ({"spec": value}, {"spec": {"group": "a", "names": {"kind": "B"}, "versions": value}}, crd(value)):
        list(schemas_of(definition))
