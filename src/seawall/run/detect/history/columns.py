"""What the store keeps of an audit event: one column for each field that rules use much, and the event itself as text.

Columns are filled by the very functions that the stream computes fields with, so they hold what the engine would see: an absent field is NULL, a list
is never empty. ``stored(field)`` says which column holds a field; whatever has none is computed from the text, of the few rows where it matters.
"""

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from seawall.io.stores.days import Column, Type
from seawall.run.detect.engine.operands import shaping
from seawall.run.detect.language.tree import Field
from seawall.run.events.audit.model import AuditEvent
from seawall.run.events.audit.source import AuditSource
from seawall.run.events.fields import known
from seawall.run.events.source import Extract

VERSION: Final = "seawall.history/v1"
EVENT: Final = "event"
HAS_REQUEST: Final = "has_request"
HAS_RESPONSE: Final = "has_response"

SOURCE: Final = AuditSource()

_ELSEWHERE: Final = frozenset({
    "ka.req.configmap.name",  # the name of the target
    "ka.req.container.host_network",  # an older name
    "ka.target.pod.name",  # the name of the target, where that is a pod
    "ka.req.binding.subject.has_name",  # always the same
    "ka.req.configmap.obj",  # as large as the event itself
    "ka.uri.param",  # a part of the URI
    "ka.req.volume.hostpath",  # says of ka.req.pod.volumes.hostpath whether it holds something
})  # fmt: skip

_SAME: Final = {"ka.req.configmap.name": "ka.target.name", "ka.req.container.host_network": "ka.req.pod.host_network"}
"""Fields that are others under an older name."""

_POINTERS: Final = {
    "/auditID": "ka.auditid",
    "/stage": "ka.stage",
    "/verb": "ka.verb",
    "/requestURI": "ka.uri",
    "/userAgent": "ka.useragent",
    "/user/username": "ka.user.name",
    "/impersonatedUser/username": "ka.impuser.name",
    "/objectRef/name": "ka.target.name",
    "/objectRef/namespace": "ka.target.namespace",
    "/objectRef/resource": "ka.target.resource",
    "/objectRef/subresource": "ka.target.subresource",
    "/responseStatus/code": "ka.response.code",
    "/responseStatus/reason": "ka.response.reason",
    "/annotations/authorization.k8s.io~1decision": "ka.auth.decision",
    "/annotations/authorization.k8s.io~1reason": "ka.auth.reason",
}
"""Places in the event that are fields, too."""

_MORE: Final = {
    name: Field("jevt.value", pointer)
    for name, pointer in {
        "level": "/level",
        "target_api_group": "/objectRef/apiGroup",
        "response_message": "/responseStatus/message",
        "source_ip": "/sourceIPs/0",
        "impuser_groups": "/impersonatedUser/groups",
        "user_pod_name": "/user/extra/authentication.kubernetes.io~1pod-name/0",
        "user_node_name": "/user/extra/authentication.kubernetes.io~1node-name/0",
        "user_credential_id": "/user/extra/authentication.kubernetes.io~1credential-id/0",
        "legacy_token": "/annotations/authentication.k8s.io~1legacy-token",
        "deprecated": "/annotations/k8s.io~1deprecated",
        "removed_release": "/annotations/k8s.io~1removed-release",
    }.items()
}
"""Columns for places that have no field of their own: those that our own rules name."""

_MORE_POINTERS: Final = {field.argument: name for name, field in _MORE.items()}


class Stored(Struct, frozen=True):
    """Where a field is. ``part`` says that the field is only some of the values of the column: ``ka.user.groups[1]``."""

    column: str
    is_list: bool
    part: bool = False


def _column_name(field: str) -> str:
    return field.removeprefix("ka.").replace(".", "_")


_FIELDS: Final = {name: info for name, info in known("k8s_audit").items() if name.startswith("ka.") and name not in _ELSEWHERE}

LISTS: Final = frozenset(_column_name(name) for name, info in _FIELDS.items() if info.is_list)
"""Columns with many values."""

COLUMNS: Final[tuple[Column, ...]] = (
    *(Column(_column_name(name), Type.TEXTS if info.is_list else Type.TEXT) for name, info in _FIELDS.items()),
    *(Column(name, Type.TEXT) for name in _MORE),
    Column(HAS_REQUEST, Type.BOOLEAN),
    Column(HAS_RESPONSE, Type.BOOLEAN),
    Column(EVENT, Type.TEXT),
)


def stored(field: Field) -> Stored | None:
    """The column of a field, or None where it has none."""
    name, argument = field.name, field.argument
    if name in ("jevt.value", "json.value"):
        return _stored_pointer("/" + (argument or "").removeprefix("/"))
    name = _SAME.get(name, name)
    info = _FIELDS.get(name)
    return None if info is None else Stored(_column_name(name), info.is_list, part=argument is not None)


def _stored_pointer(pointer: str) -> Stored | None:
    if pointer in _MORE_POINTERS:
        return Stored(_MORE_POINTERS[pointer], is_list=False)
    name = _POINTERS.get(pointer)
    return None if name is None else Stored(_column_name(name), is_list=False)


def recorder() -> Callable[[AuditEvent], list[Any]]:
    """A function from an event, decoded into all its parts, to the values of the columns."""
    shallow: list[tuple[int, Extract]] = []
    of_request: dict[bytes, list[tuple[int, Extract]]] = {}
    of_response: list[tuple[int, Extract]] = []
    elsewhere: list[tuple[bytes, bytes, int, Extract]] = []
    fields = [*(Field(name) for name in _FIELDS), *_MORE.values()]
    for place, field in enumerate(fields):
        getter = SOURCE.getter(field.name, field.argument)
        if not getter.slow:
            shallow.append((place, _listing(field, getter.get) if _column_name(field.name) in LISTS else getter.get))
        elif field.name.startswith("ka.req."):
            of_request.setdefault(_word(field.name), []).append((place, getter.get))
        elif field.name == "ka.resp.name":
            of_response.append((place, getter.get))
        else:
            steps = (field.argument or "").split("/")
            elsewhere.append((f'"{steps[1]}"'.encode(), f'"{steps[2]}"'.encode() if not steps[2].isdecimal() else b"", place, getter.get))
    width = len(fields)

    def record(event: AuditEvent) -> list[Any]:
        values: list[Any] = [None] * width
        for place, get in shallow:
            values[place] = get(event)
        request, response = bytes(event.requestObject), bytes(event.responseObject)
        if request:
            is_plain = b"\\u" not in request  # else a word may hide behind escapes
            for word, getters in of_request.items():
                if word in request or not is_plain:
                    for place, get in getters:
                        values[place] = get(event)
        if response:
            for place, get in of_response:
                values[place] = get(event)
        line = bytes(event.line)
        is_plain = b"\\u" not in line
        for key, inner, place, get in elsewhere:
            if not is_plain or (key in line and inner in line):
                values[place] = get(event)
        values += (bool(request), bool(response), line.decode())
        return values

    return record


def _listing(field: Field, get: Extract) -> Extract:
    """What an odd event has as one text where a list belongs, as a list of one."""
    shape = shaping(field, SOURCE.name)
    return lambda event: shape(get(event))


_WORDS: Final = {
    "ka.req.pod.containers.": b'"containers"',
    "ka.req.pod.initContainers.": b'"initContainers"',
    "ka.req.pod.ephemeralContainers.": b'"ephemeralContainers"',
    "ka.req.pod.volumes.": b'"volumes"',
    "ka.req.container.": b'"containers"',
    "ka.req.role.rules": b'"rules"',
    "ka.req.binding.subjects": b'"subjects"',
    "ka.req.binding.role": b'"roleRef"',
    "ka.req.sa.name": b'"metadata"',
}
"""A key without which a body has nothing for these fields: most bodies need not be looked into for most fields."""


def _word(field: str) -> bytes:
    return next((word for start, word in _WORDS.items() if field.startswith(start)), b'"spec"')
