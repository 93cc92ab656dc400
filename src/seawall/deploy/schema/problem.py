"""What is wrong with an object according to a schema, each at its exact field and in plain words."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from seawall.core.resource import Path, dotted

if TYPE_CHECKING:
    import jsonschema_rs

MAX_SHOWN: Final = 40
_QUANTITY: Final = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_ARTICLES: Final = {"integer": "an integer", "object": "a mapping", "array": "a list", "null": "null"}


class Problem(Struct, frozen=True):
    """``path`` is the field that is wrong: a missing or unknown one is named itself. ``demand`` says what is wrong without the value, ``value``
    shows it (cut) or is empty."""

    path: Path
    demand: str
    value: str = ""

    @property
    def message(self) -> str:
        return f"{self.demand}, not {self.value}" if self.value else self.demand


class Schema(Struct, frozen=True):
    """A compiled schema, and the text of it that is needed to explain its errors."""

    root: Mapping[str, Any]
    definitions: Mapping[str, Any]
    validator: "jsonschema_rs.Validator"


def registry(address: str, document: dict[str, Any]) -> "jsonschema_rs.Registry":
    """A document that schemas may refer to by its address."""
    import jsonschema_rs  # 30 ms; only who checks schemas pays

    return jsonschema_rs.Registry([(address, document)])


def compile_schema(root: dict[str, Any], definitions: Mapping[str, Any], known: "jsonschema_rs.Registry") -> Schema:
    """Compile a schema, reading nothing but what is known. Raises ``ValueError`` when it is no JSON Schema.

    Patterns run in time linear in the text, as in Kubernetes, whose regular expressions have no look-around either.
    """
    import jsonschema_rs  # 30 ms; only who checks schemas pays

    validator = jsonschema_rs.Draft202012Validator(
        root,
        registry=known,
        offline=True,
        validate_formats=True,
        formats={"byte": _is_base64},
        pattern_options=jsonschema_rs.RegexOptions(),
    )
    return Schema(root, definitions, validator)


def problems(data: dict[str, Any], schema: Schema) -> Iterator[Problem]:
    """The errors of an object, in the order of the schema. Raises ``ValueError`` for values that JSON cannot express."""
    if schema.validator.is_valid(data):
        return
    for error in schema.validator.iter_errors(data):
        yield from _explain(error, schema)


def _explain(error: "jsonschema_rs.ValidationError", schema: Schema) -> Iterator[Problem]:
    path, kind = tuple(error.instance_path), error.kind
    here = dotted(path) or "the object"
    scalar = "" if isinstance(error.instance, dict | list) else _shown(error.instance)
    match kind.name:
        case _ if _QUANTITY in error.schema_path:
            yield Problem(path, f"{here} must be a quantity (such as 500m, 0.5 or 1Gi)", _shown(error.instance))
        case "additionalProperties":
            properties = _properties(error, schema)
            for name in kind.value if isinstance(kind.value, list) else kind.as_dict()["unexpected"]:
                yield Problem((*path, name), f"unknown field {dotted((*path, name))}{_suggestion(name, properties)}")
        case "required":
            name = str(kind.value)
            yield Problem((*path, name), f"{dotted((*path, name))} is missing, and required")
        case "type":
            yield Problem(path, f"{here} must be {_types(kind.as_dict()['types'])}", _shown(error.instance))
        case "enum" | "const":
            options = kind.value if isinstance(kind.value, list) else [kind.value]
            choices = ", ".join(_shown(option) for option in options if option is not None)
            yield Problem(path, f"{here} must be {'one of ' if len(options) > 1 else ''}{choices}", _shown(error.instance))
        case "format":
            yield Problem(path, f"{here} must be {_FORMATS.get(str(kind.value), f'of the format {kind.value}')}", scalar)
        case name:
            yield Problem(path, f"{here} {_WANTED.get(name, 'does not fit its schema').format(kind.value)}", scalar)


_WANTED: Final = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} keys",
    "maxProperties": "must have at most {} keys",
    "pattern": "must match {}",
    "uniqueItems": "must not have the same item twice",
    "oneOf": "must fit exactly one of the alternatives in its schema",
    "anyOf": "fits none of the alternatives in its schema",
    "not": "is just what its schema forbids",
}
_FORMATS: Final = {
    "byte": "text in base64",
    "date-time": "a time such as 2027-01-31T12:00:00Z",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
}


def _types(types: list[str]) -> str:
    return " or ".join(_ARTICLES.get(name, f"a {name}") for name in types if name != "null" or len(types) == 1)


def _shown(value: object) -> str:
    """A value as it would stand in JSON, cut; of lists and mappings only what they are."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, str) and len(value) > MAX_SHOWN:
        value = f"{value[:MAX_SHOWN]}..."
    return json.dumps(value, ensure_ascii=False)


def _suggestion(name: str, properties: Mapping[str, Any]) -> str:
    lower = {known.lower(): known for known in properties}
    near = get_close_matches(name.lower(), lower, n=1, cutoff=0.75)
    return f"; did you mean {lower[near[0]]}?" if near else ""


def _properties(error: "jsonschema_rs.ValidationError", schema: Schema) -> Mapping[str, Any]:
    """The fields that there are where an unknown one was found."""
    *parents, _ = error.schema_path
    node: Any = {"$defs": schema.definitions} if parents and parents[0] == "$defs" else schema.root
    for key in parents:
        if isinstance(node, Mapping):
            node = node.get(str(key), {})
        else:
            node = node[key] if isinstance(node, list) and type(key) is int and key < len(node) else {}
    found = node.get("properties", {}) if isinstance(node, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


def _is_base64(text: str) -> bool:
    """Whether Go's decoder, which skips line breaks and demands padding, reads it."""
    try:
        base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
