"""Kubernetes calls in Cloud Audit Logs, as native events.

What the entry does not hold is inferred as carefully as it can be: the verb is the end of ``methodName``, the object comes from ``resourceName``
(``core/v1/namespaces/default/pods/web/exec``), the code of the response from the status, which counts as gRPC does. Labels become annotations,
the decision of the authorizer among them.

Sources: Cloud Audit Logs ``LogEntry`` and ``AuditLog``; gRPC status codes and their HTTP counterparts (google.rpc.Code); the URIs of the API.
"""

from typing import Any, Final
from urllib.parse import urlencode

_HTTP: Final = {
    0: 200, 1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501, 13: 500, 14: 503, 15: 500, 16: 401,
}  # fmt: skip
_REFUSED: Final = (7, 16, 401, 403)
_FIRST_HTTP_CODE: Final = 100
_STREAMS: Final = ("exec", "attach", "portforward")
_METHOD: Final = "io.k8s."
_CALLS_WITHOUT_OBJECT: Final = {"post": "create", "put": "update"}


def is_kubernetes_entry(value: dict[str, Any]) -> bool:
    """Whether a JSON object is a log entry of a call to the Kubernetes API. The name of the service is often missing."""
    payload = value.get("protoPayload")
    method = payload.get("methodName") if isinstance(payload, dict) else None
    return isinstance(method, str) and method.startswith(_METHOD)


def native_event(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry as an event of audit.k8s.io/v1."""
    payload = entry["protoPayload"]
    verb = payload["methodName"].rpartition(".")[2]
    resource_name = _text(payload.get("resourceName"))
    target = _target(resource_name)
    request, response = _body(payload.get("request")), _body(payload.get("response"))
    streams = target.get("subresource") in _STREAMS
    annotations = _annotations(entry, payload)
    metadata = _mapping(payload.get("requestMetadata"))
    authentication = _mapping(payload.get("authenticationInfo"))
    time = _text(entry.get("timestamp")) or _text(entry.get("receiveTimestamp"))
    event: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse" if response else "Request" if request else "Metadata",
        "auditID": _text(entry.get("insertId")) or annotations.get("auditID") or "gke",
        "stage": "ResponseStarted" if streams and target["subresource"] != "portforward" else "ResponseComplete",
        "requestURI": _uri(resource_name, request if streams else None),
        "verb": verb if target else _CALLS_WITHOUT_OBJECT.get(verb, verb),
        "user": {"username": _text(authentication.get("principalEmail")) or _text(authentication.get("principalSubject"))},
        "sourceIPs": [address] if (address := _text(metadata.get("callerIp"))) else [],
        "userAgent": _text(metadata.get("callerSuppliedUserAgent")),
        "responseStatus": _status(payload, verb, streams=streams),
        "requestReceivedTimestamp": time,
        "stageTimestamp": time,
        "annotations": annotations,
    }
    if target:
        event["objectRef"] = target
    if request:
        event["requestObject"] = request
    if response:
        event["responseObject"] = response
    impersonated = _impersonated(authentication)
    if impersonated:
        event["impersonatedUser"] = {"username": impersonated}
    return {name: value for name, value in event.items() if value not in ("", [], {})}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _body(value: Any) -> dict[str, Any]:
    """A body without the mark that protocol buffers put on it."""
    return {name: part for name, part in _mapping(value).items() if name != "@type"}


def _target(name: str) -> dict[str, str]:
    """The object of ``GROUP/VERSION[/namespaces/NAMESPACE]/RESOURCE[/NAME[/SUBRESOURCE...]]``."""
    parts = name.strip("/").split("/")
    if len(parts) < 3 or not parts[0]:
        return {}
    group, version, *rest = parts
    target = {"apiVersion": version} if group == "core" else {"apiGroup": group, "apiVersion": version}
    if rest[0] == "namespaces" and len(rest) >= 3:
        if rest[2] in ("finalize", "status"):  # of the namespace itself
            return {**target, "resource": "namespaces", "name": rest[1], "namespace": rest[1], "subresource": rest[2]}
        target["namespace"] = rest[1]
        rest = rest[2:]
    elif rest[0] == "namespaces" and len(rest) == 2:
        target["namespace"] = rest[1]  # as the API server says it of namespaces
    target["resource"] = rest[0]
    if len(rest) > 1:
        target["name"] = rest[1]
    if len(rest) > 2:
        target["subresource"] = rest[2]
    return target


def _uri(name: str, options: dict[str, Any] | None) -> str:
    """What the client sent, as far as the entry tells: for exec and attach the options are in the request."""
    path = name.strip("/")
    group = path.partition("/")[0]
    if path.startswith("core/"):
        uri = f"/api/{path[5:]}"
    else:
        uri = f"/apis/{path}" if "/" in path and not path.startswith(("api/", "apis/")) and ("." in group or group in _PLAIN_GROUPS) else f"/{path}"
    known = [(key, item) for key, value in (options or {}).items() for item in (value if isinstance(value, list) else [value])]
    query = urlencode([(key, str(item).lower() if isinstance(item, bool) else item) for key, item in known if key in _OPTIONS])
    return f"{uri}?{query}" if query else uri


_PLAIN_GROUPS: Final = ("apps", "batch", "autoscaling", "policy", "extensions")
_OPTIONS: Final = ("command", "container", "stdin", "stdout", "stderr", "tty", "ports")


def _status(payload: dict[str, Any], verb: str, *, streams: bool) -> dict[str, Any]:
    given = _mapping(payload.get("status"))
    code = given.get("code")
    if not isinstance(code, int) or isinstance(code, bool) or code == 0:
        if False in _grants(payload) and code != 0:
            return {"code": 403, "reason": "Forbidden"}
        return {"code": 101 if streams else 201 if verb == "create" else 200}
    status: dict[str, Any] = {"code": code if code >= _FIRST_HTTP_CODE else _HTTP.get(code, 500)}
    if _text(given.get("message")):
        status["message"] = given["message"]
    reason = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "AlreadyExists"}.get(status["code"])
    return {**status, "reason": reason} if reason else status


def _annotations(entry: dict[str, Any], payload: dict[str, Any]) -> dict[str, str]:
    labels = {**_mapping(_mapping(entry.get("resource")).get("labels")), **_mapping(entry.get("labels"))}
    annotations = {key: value for key, value in labels.items() if isinstance(value, str)}
    if "authorization.k8s.io/decision" not in annotations:
        grants = _grants(payload)
        if False in grants or _mapping(payload.get("status")).get("code") in _REFUSED:
            annotations["authorization.k8s.io/decision"] = "forbid"
        elif True in grants:
            annotations["authorization.k8s.io/decision"] = "allow"
    return annotations


def _grants(payload: dict[str, Any]) -> list[Any]:
    """What was decided of each permission; None where the entry leaves it out."""
    given = payload.get("authorizationInfo")
    return [item.get("granted") for item in given if isinstance(item, dict)] if isinstance(given, list) else []


def _impersonated(authentication: dict[str, Any]) -> str:
    """The account that was acted as, where ``authoritySelector`` names one."""
    return _text(authentication.get("authoritySelector"))
