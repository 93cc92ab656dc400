"""The schemas in a CustomResourceDefinition, as JSON Schema.

A structural schema says what a JSON Schema says and a little more: a field is nullable only if it says so, what is not described is unknown, and
some extensions open it up again. Rules in CEL (``x-kubernetes-validations``) are not evaluated.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/ (structural schemas, pruning, nullable,
IntOrString, RawExtension), and JSONSchemaProps in k8s.io/apiextensions-apiserver.
"""

from collections.abc import Iterator
from typing import Any, Final

from seawall.deploy.schema.library import DEFINITIONS, OBJECT_META

KIND: Final = "CustomResourceDefinition"

_KEPT: Final = frozenset({
    "enum", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "pattern",
    "uniqueItems", "required",
})  # fmt: skip
_FORMATS: Final = frozenset({"byte", "date-time", "ipv4", "ipv6"})
_RANGES: Final = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_IMPLICIT: Final[dict[str, Any]] = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
_META: Final[dict[str, Any]] = {"$ref": f"{DEFINITIONS}#/$defs/{OBJECT_META}"}


def schemas_of(definition: dict[str, Any], *, strict: bool = True) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """For each version with a schema: the ``apiVersion``, the kind, and the schema of its objects.

    ``definition`` is the object as it was read (apiextensions.k8s.io/v1); what is malformed in it gives no schema. ``strict`` forbids unknown fields.
    """
    spec = _mapping(definition.get("spec"))
    group, kind, versions = spec.get("group"), _mapping(spec.get("names")).get("kind"), spec.get("versions")
    if type(group) is not str or type(kind) is not str or type(versions) is not list:
        return
    for version in versions:
        name, schema = _mapping(version).get("name"), _mapping(_mapping(_mapping(version).get("schema")).get("openAPIV3Schema"))
        if type(name) is str and schema:
            yield f"{group}/{name}", kind, _object(schema, strict and spec.get("preserveUnknownFields") is not True)


def _object(schema: dict[str, Any], strict: bool) -> dict[str, Any]:
    """The schema of a whole object: what every object has needs no mention."""
    translated = _structural(schema, strict)
    own = translated.get("properties", {})
    metadata = {"allOf": [_META, {**_structural(_mapping(schema.get("properties")).get("metadata"), strict=False), "type": "object"}]}
    return {**translated, "type": "object", "properties": {**_IMPLICIT, **own, "metadata": metadata}}


def _structural(schema: Any, strict: bool) -> dict[str, Any]:
    """A schema that describes fields: what it does not name is unknown, unless it says otherwise."""
    schema = _mapping(schema)
    result = _value(schema)
    properties = {name: _structural(child, strict) for name, child in _mapping(schema.get("properties")).items()}
    embedded = schema.get("x-kubernetes-embedded-resource") is True
    if embedded:
        properties = {**_IMPLICIT, "metadata": _META, **properties}
    if properties:
        result["properties"] = properties
    if schema.get("x-kubernetes-int-or-string") is True:
        result["type"] = ["integer", "string"]
    elif type(schema.get("type")) is str:
        result["type"] = [schema["type"]]
    if "type" in result and (schema.get("nullable") is True or "default" in schema):
        # A null where there is a default is dropped, and the default takes its place.
        result["type"] = [*result["type"], "null"]
        if "enum" in result:
            result["enum"] = [*result["enum"], None]
    if type(schema.get("items")) is dict:
        result["items"] = _structural(schema["items"], strict)
    additional = schema.get("additionalProperties")
    if type(additional) is dict:
        result["additionalProperties"] = _structural(additional, strict)
    elif additional is not True and strict and schema.get("type") == "object" and schema.get("x-kubernetes-preserve-unknown-fields") is not True:
        result["properties"] = properties  # even without any: only then are the unknown ones named
        result["additionalProperties"] = False
    return result


def _condition(schema: Any) -> dict[str, Any]:
    """A schema below allOf, anyOf, oneOf or not: it judges values and describes no fields."""
    schema = _mapping(schema)
    result = _value(schema)
    if properties := _mapping(schema.get("properties")):
        result["properties"] = {name: _condition(child) for name, child in properties.items()}
    if type(schema.get("type")) is str:
        result["type"] = schema["type"]
    for key in ("items", "additionalProperties"):
        if type(schema.get(key)) is dict:
            result[key] = _condition(schema[key])
    return result


def _value(schema: dict[str, Any]) -> dict[str, Any]:
    """What a schema demands of a value. References are left out: a structural schema has none, and nothing outside must be read."""
    result = {key: value for key, value in schema.items() if key in _KEPT}
    for side in ("minimum", "maximum"):
        # A flag in OpenAPI, the limit itself in JSON Schema.
        if schema.get(f"exclusive{side.title()}") is True and side in result:
            result[f"exclusive{side.title()}"] = result.pop(side)
    form = schema.get("format")
    if type(form) is str and form in _FORMATS:
        result["format"] = form
    elif type(form) is str and form in _RANGES and schema.get("type") == "integer":
        least, most = _RANGES[form]
        result.setdefault("minimum", least)
        result.setdefault("maximum", most)
    for key in ("allOf", "anyOf", "oneOf"):
        if type(schema.get(key)) is list and not (key == "anyOf" and schema.get("x-kubernetes-int-or-string") is True):
            result[key] = [_condition(item) for item in schema[key]]
    if type(schema.get("not")) is dict:
        result["not"] = _condition(schema["not"])
    return result


def _mapping(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}
