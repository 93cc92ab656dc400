"""A native audit event, decoded lazily: what a rule set names at the top level, and the bodies as text until somebody asks for them.

``event_type(("verb", "user"))`` makes a struct of only these parts, so that the decoder skips the rest of the line: reading a whole event into
dictionaries takes four times as long. The decoder is strict about types; ``tidied`` makes an odd event fit (nulls, numbers where texts belong).

Source: audit.k8s.io/v1 ``Event``.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType


class User(Struct, frozen=True, gc=False):
    """Who asks: ``UserInfo`` of authentication.k8s.io."""

    username: str | None = None
    groups: tuple[str, ...] = ()


class Target(Struct, frozen=True, gc=False):
    """``ObjectReference``: what is asked for."""

    resource: str | None = None
    namespace: str | None = None
    name: str | None = None
    apiGroup: str | None = None  # noqa: N815 (Kubernetes' name)
    apiVersion: str | None = None  # noqa: N815
    subresource: str | None = None


class Status(Struct, frozen=True, gc=False):
    """``responseStatus``: ``code`` is that of HTTP."""

    code: int | None = None
    reason: str | None = None
    status: str | None = None
    message: str | None = None


PARTS: Final[Mapping[str, tuple[Any, Any]]] = {
    # name: (type, default)
    "auditID": (str, ""),
    "level": (str | None, None),
    "stage": (str | None, None),
    "verb": (str | None, None),
    "requestURI": (str | None, None),
    "userAgent": (str | None, None),
    "requestReceivedTimestamp": (str | None, None),
    "stageTimestamp": (str | None, None),
    "user": (User, User()),
    "impersonatedUser": (User, User()),
    "objectRef": (Target, Target()),
    "responseStatus": (Status, Status()),
    "sourceIPs": (tuple[str, ...], ()),
    "annotations": (dict[str, str], msgspec.field(default_factory=dict)),
    "requestObject": (Raw, Raw()),
    "responseObject": (Raw, Raw()),
}
"""What an event is decoded into. Everything else is read from the line again by the few rules that want it."""

ALWAYS: Final = ("auditID", "stage")

AuditEvent = Any
"""An instance of an ``event_type``. Beside its parts it has ``line``, the text it came from, and ``cache``, what was decoded since."""


@cache
def event_type(parts: frozenset[str]) -> type[Struct]:
    """The struct with these of the :data:`PARTS`."""
    fields: list[Any] = [(name, *PARTS[name]) for name in PARTS if name in parts or name in ALWAYS]
    # No JSON value fits UnsetType, so nobody but us sets these two.
    return msgspec.defstruct("AuditEvent", [*fields, ("line", UnsetType, UNSET), ("cache", UnsetType, UNSET)], gc=False)


def decoder(parts: Iterable[str] = PARTS) -> Callable[[bytes], AuditEvent]:
    """Decodes the text of one native event. Raises ``msgspec.DecodeError`` for what is no JSON, ``msgspec.ValidationError`` for odd types."""
    decode = msgspec.json.Decoder(event_type(frozenset(parts))).decode

    def read(line: bytes) -> AuditEvent:
        event: Any = decode(line)
        event.line = line
        return event

    return read


_PLAIN: Final = msgspec.json.Decoder().decode


def whole(event: AuditEvent) -> dict[str, Any]:
    """The event as dictionaries and lists, decoded once."""
    cache_ = _cache(event)
    if "" not in cache_:
        cache_[""] = _PLAIN(event.line)
    found: dict[str, Any] = cache_[""]
    return found


def body(event: AuditEvent, part: str) -> Any:
    """``requestObject`` or ``responseObject`` as dictionaries and lists, decoded once; ``None`` where the level of the event leaves it out."""
    cache_ = _cache(event)
    if part not in cache_:
        raw = getattr(event, part)
        cache_[part] = _PLAIN(raw) if bytes(raw) else None
    return cache_[part]


def _cache(event: AuditEvent) -> dict[str, Any]:
    if event.cache is UNSET:
        event.cache = {}
    cache_: dict[str, Any] = event.cache
    return cache_


def tidied(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with what does not fit :data:`PARTS` made to fit, or left out."""
    result: dict[str, Any] = {}
    for name, value in event.items():
        if name in ("user", "impersonatedUser", "objectRef", "responseStatus"):
            result[name] = _tidied_struct(value, PARTS[name][0])
        elif name == "annotations":
            result[name] = {str(key): as_text(part) for key, part in value.items() if part is not None} if isinstance(value, dict) else {}
        elif name == "sourceIPs":
            result[name] = _texts(value)
        elif name not in ("requestObject", "responseObject") and name in PARTS:
            result[name] = as_text(value) if value is not None else ""
        elif value is not None:
            result[name] = value
    return {name: value for name, value in result.items() if value != ""}


def _tidied_struct(value: Any, kind: type[Struct]) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    result: dict[str, Any] = {}
    for name in kind.__struct_fields__:
        part = value.get(name)
        if name == "groups":
            result[name] = _texts(part)
        elif name == "code":
            if isinstance(part, (int, float)) or (isinstance(part, str) and part.isdecimal()):
                result[name] = int(part)
        elif part is not None:
            result[name] = as_text(part)
    return result


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [as_text(item) for item in value if item is not None] if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """A JSON value as rules compare it: a string as it is, anything else as compact JSON."""
    if type(value) is str:
        return value
    return msgspec.json.encode(value).decode()
