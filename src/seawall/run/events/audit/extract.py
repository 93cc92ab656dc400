"""The fields of audit events: what ``ka.user.name`` or ``jevt.value[/stage]`` means.

``extractor("ka.verb", None)`` gives a :class:`Extractor`: a function from an event to its value, the parts of the event that it reads, and whether it
has to open a body. Values are texts, or tuples of texts where the field is a list; ``None`` where the event has none, an empty list included.

A list that hangs in several places (the images of all containers) is collected from all of them; an index (``ka.req.pod.containers.image[1]``) picks
from the first list on the way. Two fields follow their documentation where Falco's plugin does otherwise: ``ka.sourceips`` and ``eff_run_as_user``
and ``_group``, which fall back to the pod's security context and then to 0.

Source: the field tables of Falco's plugins k8saudit and json.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Struct

from seawall.run.events.audit.model import PARTS, REPEATED, AuditEvent, Target, as_text, body, decoded, whole
from seawall.run.events.source import Column
from seawall.run.events.time import clock, date_and_time, nanoseconds

Value = str | tuple[str, ...] | None
Extract = Callable[[AuditEvent], Value]


class Extractor(Struct, frozen=True):
    """How a field is computed. ``parts`` are what the event has to be decoded into; ``deep`` says that it decodes more, which takes long.

    Where ``column`` is given, the value is what ``convert`` makes of its content.
    """

    extract: Extract
    parts: tuple[str, ...]
    deep: bool = False
    column: Column | None = None
    convert: Callable[[Any], Value] | None = None


def extractor(name: str, argument: str | None) -> Extractor | None:
    """``None`` where audit events have no such field."""
    if name in _ATTRIBUTES:
        return _attribute(_ATTRIBUTES[name])
    if name in _PLACES:
        part, *steps = _PLACES[name]
        return _in_part(part, partial(_value_at, steps, _index(argument)))
    if name == "ka.uri.param":
        return _converted(_URI, ("requestURI",), _uri_parameter(argument))
    if name in _SHALLOW:
        parts, make_extract = _SHALLOW[name]
        return Extractor(make_extract(argument), parts, deep=parts is _TIMES)
    if name in _REQUEST:
        return Extractor(partial(_REQUEST[name], argument), ("requestObject",), deep=True)
    if name == "ka.resp.name":
        return Extractor(_response_name, ("responseObject",), deep=True)
    if name in ("jevt.value", "json.value"):
        return _pointer(argument or "")
    if name in ("jevt.obj", "json.obj"):
        return Extractor(_indented, (), deep=True)
    return None


# What stands at the top of an event.

_ATTRIBUTES: Final = {
    "ka.auditid": "auditID",
    "ka.stage": "stage",
    "ka.verb": "verb",
    "ka.uri": "requestURI",
    "ka.useragent": "userAgent",
    "ka.target.name": "objectRef.name",
    "ka.target.namespace": "objectRef.namespace",
    "ka.target.resource": "objectRef.resource",
    "ka.target.subresource": "objectRef.subresource",
    "ka.req.configmap.name": "objectRef.name",
}
_PLACES: Final = {
    "ka.user.name": ("user", "username"),
    "ka.user.groups": ("user", "groups"),
    "ka.impuser.name": ("impersonatedUser", "username"),
    "ka.response.code": ("responseStatus", "code"),
    "ka.response.reason": ("responseStatus", "reason"),
    "ka.sourceips": ("sourceIPs",),
    "ka.auth.decision": ("annotations", "authorization.k8s.io/decision"),
    "ka.auth.reason": ("annotations", "authorization.k8s.io/reason"),
    "ka.auth.openshift.decision": ("annotations", "authentication.openshift.io/decision"),
    "ka.auth.openshift.username": ("annotations", "authentication.openshift.io/username"),
    "ka.validations.admission.policy.failure": ("annotations", "validation.policy.admission.k8s.io/validation_failure"),
    "ka.cluster.name": ("annotations", "cluster_name"),
}
"""Fields that stand in one of the ``REPEATED`` parts."""


_WHAT_ATTRIBUTES: Final = (
    "stage", "verb", "level", "objectRef.resource", "objectRef.subresource", "objectRef.apiGroup", "objectRef.namespace",
)  # fmt: skip
_WHAT: Final = Column("what", attrgetter(*_WHAT_ATTRIBUTES))
"""What is asked for. The same few combinations come again and again, so rules look at the whole of it at once."""
_URI: Final = Column("requestURI", attrgetter("requestURI"))
_TEXTS: Final = {part: Column(part, attrgetter(part), bytes) for part in REPEATED}


def _converted(column: Column, parts: tuple[str, ...], convert: Callable[[Any], Value]) -> Extractor:
    raw, key = column.raw, column.key

    def extract(event: AuditEvent) -> Value:
        content = raw(event) if key is None else key(raw(event))
        return None if content is None else convert(content)

    return Extractor(extract, parts, column=column, convert=convert)


def _attribute(path: str) -> Extractor:
    part = path.partition(".")[0]
    if path not in _WHAT_ATTRIBUTES:
        return Extractor(attrgetter(path), (part,))
    parts = tuple({attribute.partition(".")[0] for attribute in _WHAT_ATTRIBUTES})
    return Extractor(attrgetter(path), parts, column=_WHAT, convert=itemgetter(_WHAT_ATTRIBUTES.index(path)))


def _in_part(part: str, convert: Callable[[Any], Value]) -> Extractor:
    """A value inside of a part that stays text."""
    return _converted(_TEXTS[part], (part,), lambda text: convert(decoded(text)))


def _value_at(steps: Sequence[str], index: int | None, value: Any) -> Value:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, list):
        texts = tuple(as_text(item) for item in (value if index is None else value[index : index + 1]) if item is not None)
        return texts or None
    return None if value is None else as_text(value)


def _uri_parameter(argument: str | None) -> Callable[[str], Value]:
    wanted = argument or ""

    def convert(uri: str) -> Value:
        if "?" not in uri:
            return None
        try:
            return next((value for key, value in parse_qsl(urlsplit(uri).query, keep_blank_values=True) if key == wanted), None)
        except ValueError:  # what no URI may hold
            return None

    return convert


def _named(resource: str) -> Callable[[str | None], Extract]:
    """The name of the target, where it is one of these."""
    return lambda _: lambda event: event.objectRef.name if event.objectRef.resource == resource else None


_TIMES: Final = ("stageTimestamp",)


def time_of(event: AuditEvent) -> int | None:
    """When the event happened, in nanoseconds since 1970: the time of its stage, else that of the request."""
    found = nanoseconds(event.stageTimestamp)
    if found is None:
        received = whole(event).get("requestReceivedTimestamp")
        found = nanoseconds(received) if isinstance(received, str) else None
    return found


def _time(write: Callable[[int], str]) -> Callable[[str | None], Extract]:
    def make(_: str | None) -> Extract:
        return lambda event: write(time_of(event) or 1)  # an event without a time still has one for Falco: that of its arrival, which is not 0

    return make


_SHALLOW: Final[dict[str, tuple[tuple[str, ...], Callable[[str | None], Extract]]]] = {
    "ka.target.pod.name": (("objectRef",), _named("pods")),
    "ka.req.binding.subject.has_name": ((), lambda _: lambda _: "true"),  # documented as of no use, kept for old rules
    "jevt.rawtime": (_TIMES, _time(str)),
    "json.rawtime": (_TIMES, _time(str)),
    "jevt.time": (_TIMES, _time(clock)),
    "jevt.time.iso8601": (_TIMES, _time(date_and_time)),
}


# What stands in the body of a request.


def _walk(value: Any, path: tuple[str, ...], index: int | None) -> Iterator[Any]:
    """What a path leads to, through every list on the way (or, with an index, through one element of the first). ``None`` where it leads nowhere."""
    for step, key in enumerate(path):
        if isinstance(value, list):
            if index is None:
                for item in value:
                    yield from _walk(item, path[step:], None)
                return
            if index >= len(value):
                return
            value = value[index]
            index = None
        if not isinstance(value, dict) or value.get(key) is None:
            yield None
            return
        value = value[key]
    yield value


def _index(argument: str | None) -> int | None:
    return int(argument) if argument is not None and argument.isdecimal() else None


def _listed(values: Iterator[Any]) -> Value:
    """The texts of what was found; of lists, their items."""
    texts: list[str] = []
    for value in values:
        if isinstance(value, list):
            texts.extend(as_text(item) for item in value)
        elif value is not None:
            texts.append(as_text(value))
    return tuple(texts) or None


def _single(path: str, _: str | None, event: AuditEvent) -> Value:
    value = next(_walk(body(event, "requestObject"), tuple(path.split(".")), 0), None)
    return None if value is None else as_text(value)


def _list(path: str, argument: str | None, event: AuditEvent) -> Value:
    return _listed(_walk(body(event, "requestObject"), tuple(path.split(".")), _index(argument)))


def _first(path: str, _: str | None, event: AuditEvent) -> Value:
    found = _list(path, "0", event)
    return found[0] if found else None


def repository(image: str) -> str:
    """An image without tag and digest, as rules name it."""
    name = image.partition("@")[0]
    slash = name.rfind("/")
    colon = name.find(":", slash + 1)
    return name if colon < 0 else name[:colon]


def _repositories(path: str, argument: str | None, event: AuditEvent) -> Value:
    images = _list(path, argument, event)
    return tuple(repository(image) for image in images) if images else None


def _first_repository(path: str, _: str | None, event: AuditEvent) -> Value:
    images = _list(path, "0", event)
    return repository(images[0]) if images else None


def _any_privileged(_: str | None, event: AuditEvent) -> Value:
    found = _list("spec.containers.securityContext.privileged", None, event)
    if found is None and next(_walk(body(event, "requestObject"), ("spec", "containers"), None), None) is None:
        return None
    return "true" if found and "true" in found else "false"


def _host_ports(path: str, argument: str | None, event: AuditEvent) -> Value:
    """Ports on the host; where none is set the container's, which is the host's under ``hostNetwork``."""
    ports: list[str] = []
    for found in _walk(body(event, "requestObject"), (*path.split("."), "ports"), _index(argument)):
        for port in found if isinstance(found, list) else ():
            number = (port.get("hostPort") or port.get("containerPort")) if isinstance(port, dict) else None
            if number is not None:
                ports.append(as_text(number))
    return tuple(ports) or None


def _effective(path: str, key: str, argument: str | None, event: AuditEvent) -> Value:
    request = body(event, "requestObject")
    pod = next(_walk(request, ("spec", "securityContext", key), None), None)
    default = "0" if pod is None else as_text(pod)
    containers = next(_walk(request, tuple(path.split(".")), None), None)
    if not isinstance(containers, list):
        return None
    index = _index(argument)
    chosen = containers if index is None else containers[index : index + 1]
    own = [next(_walk(container, ("securityContext", key), None), None) for container in chosen]
    return tuple(default if value is None else as_text(value) for value in own) or None


def _subjects(argument: str | None, event: AuditEvent) -> Value:
    return _list("subjects", argument, event)


def _hostpath_used(argument: str | None, event: AuditEvent) -> Value:
    paths = _list("spec.volumes.hostPath.path", None, event)
    if paths is None:
        return None
    wanted = argument or ""
    if wanted.endswith("*"):
        return "true" if any(path.startswith(wanted[:-1]) for path in paths) else "false"
    return "true" if wanted in paths else "false"


def _volume_types(argument: str | None, event: AuditEvent) -> Value:
    volumes = next(_walk(body(event, "requestObject"), ("spec", "volumes"), None), None)
    if not isinstance(volumes, list):
        return None
    index = _index(argument)
    chosen = volumes if index is None else volumes[index : index + 1]
    return tuple(key for volume in chosen if isinstance(volume, dict) for key in volume if key != "name") or None


def _of_containers(name: str, path: str) -> dict[str, Callable[[str | None, AuditEvent], Value]]:
    """The fields of one of a pod's lists of containers."""
    context = f"{path}.securityContext"
    return {
        f"{name}.image": partial(_list, f"{path}.image"),
        f"{name}.image.repository": partial(_repositories, f"{path}.image"),
        f"{name}.host_port": partial(_host_ports, path),
        f"{name}.privileged": partial(_list, f"{context}.privileged"),
        f"{name}.allow_privilege_escalation": partial(_list, f"{context}.allowPrivilegeEscalation"),
        f"{name}.read_only_fs": partial(_list, f"{context}.readOnlyRootFilesystem"),
        f"{name}.run_as_user": partial(_list, f"{context}.runAsUser"),
        f"{name}.eff_run_as_user": partial(_effective, path, "runAsUser"),
        f"{name}.run_as_group": partial(_list, f"{context}.runAsGroup"),
        f"{name}.eff_run_as_group": partial(_effective, path, "runAsGroup"),
        f"{name}.proc_mount": partial(_list, f"{context}.procMount"),
        f"{name}.add_capabilities": partial(_list, f"{context}.capabilities.add"),
    }


_REQUEST: Final[dict[str, Callable[[str | None, AuditEvent], Value]]] = {
    "ka.req.binding.subjects": _subjects,
    "ka.req.binding.role": partial(_single, "roleRef.name"),
    "ka.req.configmap.obj": partial(_single, "data"),
    "ka.req.container.image": partial(_first, "spec.containers.image"),
    "ka.req.container.image.repository": partial(_first_repository, "spec.containers.image"),
    "ka.req.container.privileged": _any_privileged,
    "ka.req.container.host_network": partial(_single, "spec.hostNetwork"),
    **_of_containers("ka.req.pod.containers", "spec.containers"),
    **_of_containers("ka.req.pod.initContainers", "spec.initContainers"),
    **_of_containers("ka.req.pod.ephemeralContainers", "spec.ephemeralContainers"),
    "ka.req.pod.host_ipc": partial(_single, "spec.hostIPC"),
    "ka.req.pod.host_network": partial(_single, "spec.hostNetwork"),
    "ka.req.pod.host_pid": partial(_single, "spec.hostPID"),
    "ka.req.pod.run_as_user": partial(_single, "spec.securityContext.runAsUser"),
    "ka.req.pod.run_as_group": partial(_single, "spec.securityContext.runAsGroup"),
    "ka.req.pod.fs_group": partial(_single, "spec.securityContext.fsGroup"),
    "ka.req.pod.supplemental_groups": partial(_list, "spec.securityContext.supplementalGroups"),
    "ka.req.pod.volumes.hostpath": partial(_list, "spec.volumes.hostPath.path"),
    "ka.req.pod.volumes.flexvolume_driver": partial(_list, "spec.volumes.flexVolume.driver"),
    "ka.req.pod.volumes.volume_type": _volume_types,
    "ka.req.volume.hostpath": _hostpath_used,
    "ka.req.role.rules": partial(_list, "rules"),
    "ka.req.role.rules.apiGroups": partial(_list, "rules.apiGroups"),
    "ka.req.role.rules.nonResourceURLs": partial(_list, "rules.nonResourceURLs"),
    "ka.req.role.rules.verbs": partial(_list, "rules.verbs"),
    "ka.req.role.rules.resources": partial(_list, "rules.resources"),
    "ka.req.sa.name": partial(_single, "metadata.name"),
    "ka.req.service.type": partial(_single, "spec.type"),
    "ka.req.service.ports": partial(_list, "spec.ports"),
}


def _response_name(event: AuditEvent) -> Value:
    value = next(_walk(body(event, "responseObject"), ("metadata", "name"), 0), None)
    return None if value is None else as_text(value)


# Anything at all, by its place (RFC 6901).


def _pointer(pointer: str) -> Extractor:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.removeprefix("/").split("/")]
    part, inner = steps[0], steps[1:]
    kind = PARTS.get(part, (None, None))[0]
    if not inner and kind in (str, str | None):
        return _attribute(part)
    if part in REPEATED:
        return _in_part(part, lambda value: _text_at(value, inner))
    if kind is Target and len(inner) == 1 and inner[0] in Target.__struct_fields__:
        return _attribute(f"{part}.{inner[0]}")
    if part in ("requestObject", "responseObject"):
        return Extractor(lambda event: _text_at(body(event, part), inner), (part,), deep=True)
    return Extractor(lambda event: _text_at(whole(event), steps), (), deep=True)


def _text_at(value: Any, steps: list[str]) -> Value:
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return None if value is None else as_text(value)


def _indented(event: AuditEvent) -> Value:
    return bytes(msgspec.json.format(event.line, indent=2)).decode()
