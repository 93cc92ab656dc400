"""A native audit event, decoded lazily: what a rule set names at the top level, and the bodies as text until somebody asks for them.

``event_type(("verb", "user"))`` makes a struct of only these parts, so that the decoder skips the rest of the line: reading a whole event into
dictionaries takes four times as long. The decoder is strict about types; ``tidied`` makes an odd event fit (nulls, numbers where texts belong).

Source: audit.k8s.io/v1 ``Event``.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType


class Target(Struct, frozen=True, gc=False):
    """``ObjectReference``: what is asked for."""

    resource: str | None = None
    namespace: str | None = None
    name: str | None = None
    apiGroup: str | None = None  # noqa: N815 (Kubernetes' name)
    subresource: str | None = None


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
    "objectRef": (Target, Target()),
    "user": (Raw, Raw()),
    "impersonatedUser": (Raw, Raw()),
    "responseStatus": (Raw, Raw()),
    "sourceIPs": (Raw, Raw()),
    "annotations": (Raw, Raw()),
    "requestObject": (Raw, Raw()),
    "responseObject": (Raw, Raw()),
}
"""What an event is decoded into. Everything else is read from the line again by the few rules that want it."""

ALWAYS: Final = ("auditID", "stage")
REPEATED: Final = frozenset({"user", "impersonatedUser", "responseStatus", "sourceIPs", "annotations"})
"""Parts that many events have in common to the letter. They stay text, and each distinct text is decoded once."""

AuditEvent = Any
"""An instance of an ``event_type``. Beside its parts it has ``line``, the text it came from, and ``cache``, what was decoded since."""


@cache
def event_type(parts: frozenset[str]) -> type[Struct]:
    """The struct with these of the :data:`PARTS`."""
    fields: list[Any] = [(name, *PARTS[name]) for name in PARTS if name in parts or name in ALWAYS]
    # No JSON value fits UnsetType, so nobody but us sets these two.
    return msgspec.defstruct("AuditEvent", [*fields, ("line", UnsetType, UNSET), ("cache", UnsetType, UNSET)], gc=False)


def decoder(parts: Iterable[str] = PARTS) -> Callable[[bytes], AuditEvent]:
    """Decodes the text of one native event; ``line`` is for the caller to set. Raises ``msgspec.DecodeError`` for what is no JSON, and
    ``msgspec.ValidationError``, which is one, for odd types."""
    return msgspec.json.Decoder(event_type(frozenset(parts))).decode


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
        raw = bytes(getattr(event, part))
        cache_[part] = _PLAIN(raw) if raw else None
    return cache_[part]


@lru_cache(8192)
def decoded(text: bytes) -> Any:
    """What such a text says. The same few come again and again; they are not to be changed."""
    return _PLAIN(text) if text else None


def _cache(event: AuditEvent) -> dict[str, Any]:
    if event.cache is UNSET:
        event.cache = {}
    cache_: dict[str, Any] = event.cache
    return cache_


def tidied(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with what does not fit :data:`PARTS` made to fit, or left out."""
    result: dict[str, Any] = {}
    for name, value in event.items():
        kind = PARTS.get(name, (None,))[0]
        if kind is Target:
            result[name] = {key: as_text(part) for key, part in value.items() if part is not None} if isinstance(value, dict) else {}
        elif value is not None:
            result[name] = value if kind in (Raw, None) else as_text(value)
    return result


def as_text(value: Any) -> str:
    """A JSON value as rules compare it: a string as it is, anything else as compact JSON."""
    if type(value) is str:
        return value
    return msgspec.json.encode(value).decode()
