"""The schemas of one version of Kubernetes.

kubernetes-validate ships, for each minor version, one file with all definitions of the API server's OpenAPI document as JSON Schema, once as they
are and once with unknown fields forbidden. Its Python code is not used (importing it took 230 ms, and it compiles a schema anew for each object).

Sources: the OpenAPI v2 document of the API server (https://github.com/kubernetes/kubernetes/tree/master/api/openapi-spec), in which
``x-kubernetes-group-version-kind`` tells the kinds that a definition describes; the JSON decoders of ``Quantity`` and ``IntOrString`` in
k8s.io/apimachinery for what that document does not say of them.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.core.errors import SeawallError, UsageError
from seawall.deploy.schema.problem import Schema, compile_schema, registry

INSTALL: Final = "pip install 'seawall[schemas]'"
DEFINITIONS: Final = "https://kubernetes.io/api/_definitions.json"
OBJECT_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

_VERSION: Final = re.compile(r"v?1\.(0|[1-9][0-9]{0,3})(?:\.[0-9]{1,4})?", re.ASCII).fullmatch
_DIRECTORY: Final = re.compile(r"v1\.([0-9]+)\.[0-9]+-local").fullmatch

_OPENAPI_SAYS_TOO_LITTLE: Final[dict[str, dict[str, Any]]] = {
    # In the document these two are "a string or a number"; the first alternative there also refuses null, which the decoders take.
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["integer", "string", "null"], "format": "int32"},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {
        "type": ["number", "string", "null"],
        "minLength": 1,
        "pattern": r"^[ \t]*[+-]?[0-9]*(\.[0-9]*)?([numkMGTPE]?|[KMGTPE]i|[eE][+-]?[0-9]+)[ \t]*$",
    },
}
_RANGES: Final = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}


class Unavailable(SeawallError):
    """There are no schemas to check with; the message is a reason for the report."""


class Library:
    """The definitions of one version, and the schemas that were compiled from them so far.

    ``version`` is that of Kubernetes (``1.29``), ``strict`` whether unknown fields are errors.
    """

    def __init__(self, version: str, strict: bool, definitions: dict[str, dict[str, Any]]) -> None:
        self.version = version
        self.strict = strict
        self.definitions = tighten(definitions)
        self.registry = registry(DEFINITIONS, {"$defs": self.definitions})
        self._names = dict(_kinds(definitions))
        self._schemas: dict[tuple[str, str], Schema | None] = {}

    def knows(self, api_version: str, kind: str) -> bool:
        """Whether this version of Kubernetes has the kind built in."""
        return (api_version, kind) in self._names

    def schema(self, api_version: str, kind: str) -> Schema | None:
        """The schema of a built-in kind, or None for any other."""
        key = (api_version, kind)
        if key not in self._schemas:
            name = self._names.get(key)
            self._schemas[key] = self.compile({"$ref": f"{DEFINITIONS}#/$defs/{name}"}) if name else None
        return self._schemas[key]

    def compile(self, schema: dict[str, Any]) -> Schema:
        """A schema that may refer to these definitions. Raises ``ValueError`` when it is no JSON Schema."""
        return compile_schema(schema, self.definitions, self.registry)


def library(version: str = "latest", *, strict: bool = True) -> Library:
    """The schemas of a version: ``v1.29``, ``1.29``, ``1.29.3`` (the schemas of a minor version do not change), or ``latest``.

    Raises ``UsageError`` for what is no version, and ``Unavailable`` for one without schemas or when the extra is not installed.
    """
    return _load(_minor(version), strict)


@lru_cache(maxsize=8)
def _load(minor: int | None, strict: bool) -> Library:
    directories = _directories()
    newest = max(directories)
    directory = directories.get(newest if minor is None else minor)
    if directory is None:
        raise Unavailable(f"schemas are known of Kubernetes 1.{min(directories)} to 1.{newest}, not of 1.{minor}")
    path = directory.with_name(f"{directory.name}-strict" if strict else directory.name) / "_definitions.json"
    try:
        document = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise Unavailable(f"the schemas of Kubernetes cannot be read ({error}); {INSTALL}") from None
    return Library(f"1.{newest if minor is None else minor}", strict, document["$defs"])


@lru_cache(maxsize=1)
def _directories() -> dict[int, Path]:
    """Where the schemas of each minor version are. Looks the packages up without importing them."""
    package = find_spec("kubernetes_validate")
    if package is None or not package.submodule_search_locations or find_spec("jsonschema_rs") is None:
        raise Unavailable(INSTALL)
    root = Path(next(iter(package.submodule_search_locations))) / "kubernetes-json-schema"
    directories = {int(match[1]): path for path in root.iterdir() if (match := _DIRECTORY(path.name))} if root.is_dir() else {}
    if not directories:
        raise Unavailable(f"the package kubernetes-validate has no schemas; {INSTALL}")
    return directories


def _minor(version: str) -> int | None:
    if version == "latest":
        return None
    match = _VERSION(version)
    if match is None:
        raise UsageError(f"{version!r} is no version of Kubernetes; write 1.29, v1.29 or latest")
    return int(match[1])


def _kinds(definitions: dict[str, dict[str, Any]]) -> Iterator[tuple[tuple[str, str], str]]:
    for name, definition in definitions.items():
        kinds = definition.get("x-kubernetes-group-version-kind", ())
        if len(kinds) == 1:  # DeleteOptions and WatchEvent belong to every group; they are never objects of their own
            group, version, kind = (kinds[0][key] for key in ("group", "version", "kind"))
            yield (f"{group}/{version}" if group else version, kind), name


def tighten(definitions: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The definitions with what the decoders of Kubernetes demand beyond them: the range of numbers and the grammar of quantities."""
    return {name: _in_range(_OPENAPI_SAYS_TOO_LITTLE.get(name, definition)) for name, definition in definitions.items()}


def _in_range(schema: Any) -> Any:
    if type(schema) is list:
        return [_in_range(item) for item in schema]
    if type(schema) is not dict:
        return schema
    narrowed = {key: _in_range(value) if type(value) in (dict, list) else value for key, value in schema.items()}
    bounds = _RANGES.get(schema["format"]) if type(schema.get("format")) is str else None
    if bounds:
        narrowed["minimum"], narrowed["maximum"] = bounds
    return narrowed
