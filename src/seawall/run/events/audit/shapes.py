"""Native audit events inside what others wrapped around them.

``native_events(value)`` takes one JSON value of a log and yields the native events in it, in order:

* an event of audit.k8s.io itself, an ``EventList`` (what the API server's webhook sends), an array of anything below
* Google Cloud: log entries, alone or under ``entries``, whose ``protoPayload`` is a Kubernetes call (``gke``), or ``jsonPayload`` an event
* Azure: records whose ``properties.log`` is the event as text, alone or under ``records``; rows of Log Analytics (``log_s``)
* Amazon: envelopes of CloudWatch with ``logEvents`` or ``events``, whose ``message`` is the event as text
* collectors: the event as text or object under ``message``, ``log``, ``@message`` or ``event``

Anything else holds no audit event, and yields nothing.

Sources: audit.k8s.io/v1; Azure resource logs (category kube-audit); CloudWatch Logs subscription filters; Cloud Audit Logs ``LogEntry``.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from seawall.run.events.audit.gke import is_kubernetes_entry, native_event

MAX_DEPTH: Final = 6
"""Wrappers within wrappers. A record of CloudWatch, in a message of a collector, in an array has four."""

_LISTS: Final = ("items", "logEvents", "events", "records", "entries")
_WRAPPERS: Final = ("message", "@message", "log", "log_s", "Log", "event", "jsonPayload", "textPayload", "properties")

_decode: Final = msgspec.json.Decoder().decode


def is_native(value: dict[str, Any]) -> bool:
    """Whether it is an event of audit.k8s.io, be it without ``apiVersion``, ``stage`` or ``user``."""
    if value.get("kind") == "EventList" or not isinstance(value.get("apiVersion", ""), str):
        return False
    if isinstance(value.get("auditID"), str) or value.get("apiVersion", "").startswith("audit.k8s.io/"):
        return True
    return isinstance(value.get("verb"), str) and ("requestURI" in value or "objectRef" in value) and "protoPayload" not in value


def native_events(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """The native events in a JSON value."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, (str, bytes)):
        yield from _in_text(value, depth)
    elif isinstance(value, list):
        for item in value:
            yield from native_events(item, depth + 1)
    elif isinstance(value, dict):
        yield from _in_object(value, depth)


def _in_object(value: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    if is_native(value):
        yield value
        return
    if is_kubernetes_entry(value):
        yield native_event(value)
        return
    for name in _LISTS:
        if isinstance(value.get(name), list):
            yield from native_events(value[name], depth + 1)
            return
    for name in _WRAPPERS:
        if isinstance(value.get(name), (str, dict)):
            yield from native_events(value[name], depth + 1)
            return
    if isinstance(value.get("data"), str):  # a push of Pub/Sub, where the entry is in base64
        try:
            yield from native_events(base64.b64decode(value["data"], validate=True), depth + 1)
        except (binascii.Error, ValueError):
            return


def _in_text(text: str | bytes, depth: int) -> Iterator[dict[str, Any]]:
    start = text.lstrip()[:1]
    if start not in ("{", b"{", "[", b"["):
        return
    try:
        value = _decode(text)
    except (msgspec.DecodeError, RecursionError):
        return
    yield from native_events(value, depth + 1)
