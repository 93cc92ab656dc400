"""The same request in every shape that clouds and collectors give it."""

import base64
import json
from typing import Any

import msgspec
import pytest

from seawall.run.events.audit.model import PARTS
from seawall.run.events.audit.shapes import native_events
from seawall.run.events.reading import EventReader

NATIVE: dict[str, Any] = {
    "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Request", "auditID": "a-1", "stage": "ResponseComplete", "verb": "create",
    "requestURI": "/api/v1/namespaces/shop/pods", "user": {"username": "alice"}, "objectRef": {"resource": "pods", "namespace": "shop"},
}  # fmt: skip
TEXT = json.dumps(NATIVE)

GKE: dict[str, Any] = {
    "insertId": "g-1",
    "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity",
    "timestamp": "2026-01-01T00:00:00.5Z",
    "labels": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC"},
    "resource": {"type": "k8s_cluster", "labels": {"cluster_name": "c"}},
    "protoPayload": {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "authenticationInfo": {"principalEmail": "alice@example.com"},
        "authorizationInfo": [{"granted": True, "permission": "io.k8s.core.v1.pods.create", "resource": "core/v1/namespaces/shop/pods/web"}],
        "methodName": "io.k8s.core.v1.pods.create",
        "request": {"@type": "core.k8s.io/v1.Pod", "spec": {"hostNetwork": True}},
        "requestMetadata": {"callerIp": "203.0.113.7", "callerSuppliedUserAgent": "kubectl"},
        "resourceName": "core/v1/namespaces/shop/pods/web",
        "response": {"@type": "core.k8s.io/v1.Pod", "metadata": {"name": "web"}},
    },
}


def gke(**payload: Any) -> dict[str, Any]:
    (event,) = native_events({**GKE, "protoPayload": {**GKE["protoPayload"], **payload}})
    return event


@pytest.mark.parametrize(
    "wrapped",
    [
        NATIVE,
        {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": [NATIVE]},
        [NATIVE],
        {"logEvents": [{"id": "1", "timestamp": 1, "message": TEXT}], "messageType": "DATA_MESSAGE"},
        {"events": [{"message": TEXT, "timestamp": 1}]},
        {"category": "kube-audit", "properties": {"log": TEXT + "\n", "stream": "stdout", "pod": "kube-apiserver"}},
        {"records": [{"category": "kube-audit", "properties": {"log": TEXT}}]},
        {"records": [{"category": "kube-audit", "properties": json.dumps({"log": TEXT})}]},
        {"log_s": TEXT, "Category": "kube-audit"},
        {"jsonPayload": NATIVE, "insertId": "1"},
        {"message": TEXT},
        {"@timestamp": "2026", "@message": TEXT},
        {"log": TEXT},
        {"message": {"data": base64.b64encode(TEXT.encode()).decode(), "messageId": "1"}},
        {"message": NATIVE},
    ],
)
def test_shapes(wrapped: Any) -> None:
    assert list(native_events(wrapped)) == [NATIVE]


@pytest.mark.parametrize(
    "value",
    [
        {}, [], None, 7, "x", "{broken", {"kind": "Event", "apiVersion": "v1", "message": "Pulled image"}, {"message": "hello"},
        {"protoPayload": {"methodName": "compute.instances.insert"}}, {"kind": "EventList", "items": []}, {"data": "not base64"},
        {"log": {"log": {"log": {"log": {"log": {"log": {"log": {"log": NATIVE}}}}}}}}, {"auditID": 7}, {"verb": "get"},
    ],
)  # fmt: skip
def test_what_is_no_audit_event(value: Any) -> None:
    assert list(native_events(value)) == []


@pytest.mark.parametrize(
    "event",
    [{"auditID": "1"}, {"apiVersion": "audit.k8s.io/v1"}, {"verb": "get", "requestURI": "/x"}, {"verb": "get", "objectRef": {"resource": "pods"}}],
)
def test_native_events_may_lack_much(event: dict[str, Any]) -> None:
    assert list(native_events(event)) == [event]


def test_a_log_entry_of_gke() -> None:
    event = gke()
    assert event["auditID"] == "g-1"
    assert event["verb"] == "create"
    assert event["objectRef"] == {"apiVersion": "v1", "resource": "pods", "namespace": "shop", "name": "web"}
    assert event["requestURI"] == "/api/v1/namespaces/shop/pods/web"
    assert event["user"] == {"username": "alice@example.com"}
    assert event["sourceIPs"] == ["203.0.113.7"]
    assert event["responseStatus"] == {"code": 201}
    assert event["annotations"] == {"cluster_name": "c", "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC"}
    assert event["requestObject"] == {"spec": {"hostNetwork": True}}
    assert event["responseObject"] == {"metadata": {"name": "web"}}
    assert (event["level"], event["stage"]) == ("RequestResponse", "ResponseComplete")


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("core/v1/nodes/n/proxy", {"apiVersion": "v1", "resource": "nodes", "name": "n", "subresource": "proxy"}),
        ("core/v1/namespaces/shop", {"apiVersion": "v1", "resource": "namespaces", "namespace": "shop", "name": "shop"}),
        ("core/v1/namespaces/shop/pods", {"apiVersion": "v1", "resource": "pods", "namespace": "shop"}),
        ("core/v1/secrets", {"apiVersion": "v1", "resource": "secrets"}),
        (
            "rbac.authorization.k8s.io/v1/clusterrolebindings/x",
            {"apiGroup": "rbac.authorization.k8s.io", "apiVersion": "v1", "resource": "clusterrolebindings", "name": "x"},
        ),
        (
            "apps/v1/namespaces/a/deployments/d/scale",
            {"apiGroup": "apps", "apiVersion": "v1", "namespace": "a", "resource": "deployments", "name": "d", "subresource": "scale"},
        ),
    ],
)
def test_objects_of_gke(name: str, target: dict[str, str]) -> None:
    assert gke(resourceName=name)["objectRef"] == target


@pytest.mark.parametrize(
    ("status", "code"),
    [({}, 201), ({"code": 0}, 201), ({"code": 7, "message": "Forbidden"}, 403), ({"code": 5}, 404), ({"code": 16}, 401), ({"code": 409}, 409)],
)
def test_status_of_gke(status: dict[str, Any], code: int) -> None:
    assert gke(status=status)["responseStatus"]["code"] == code


def test_what_was_not_granted_was_refused() -> None:
    event = gke(authorizationInfo=[{"granted": False}], status=None)
    assert event["responseStatus"]["code"] == 403
    assert gke(status={"code": 7}, authorizationInfo=[{}])["annotations"]["authorization.k8s.io/decision"] == "allow", "the label says so"


def test_streams_of_gke() -> None:
    event = gke(
        methodName="io.k8s.core.v1.pods.exec.create",
        resourceName="core/v1/namespaces/shop/pods/web/exec",
        request={"@type": "core.k8s.io/v1.PodExecOptions", "command": ["sh", "-c"], "stdin": True},
    )
    assert (event["verb"], event["stage"], event["responseStatus"]) == ("create", "ResponseStarted", {"code": 101})
    assert event["objectRef"]["subresource"] == "exec"
    assert event["requestURI"] == "/api/v1/namespaces/shop/pods/web/exec?command=sh&command=-c&stdin=true"


def test_odd_entries_of_gke_break_nothing() -> None:
    payloads: list[dict[str, Any]] = [
        {"resourceName": None},
        {"authenticationInfo": []},
        {"requestMetadata": "x"},
        {"authorizationInfo": 3, "status": []},
        {"request": 7},
    ]
    for payload in payloads:
        entry = {**GKE, "labels": None, "resource": [], "protoPayload": {**GKE["protoPayload"], **payload}}
        assert len(list(native_events(entry))) == 1


def places(lines: list[Any]) -> tuple[list[int], list[int], EventReader, Any]:
    reader = EventReader(PARTS)
    events = reader.read([line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines])
    return events.audit_index, events.syscall_index, reader, events


def test_places_in_the_input() -> None:
    call = {"evt.type": "open"}
    audit, calls, reader, events = places(
        [NATIVE, b"", b"{broken", {"foo": 1}, {"items": [NATIVE, NATIVE], "kind": "EventList"}, call, b"  ", NATIVE, call, [], {"message": TEXT}]
    )
    assert audit == [0, 3, 4, 6, 9]
    assert calls == [5, 7]
    assert [(each.line, each.reason.startswith("is no JSON")) for each in events.malformed] == [(2, True)]
    assert events.other == 2
    assert reader.places == 10


def test_lines_behind_a_time() -> None:
    for stamp in (b"2026-01-01T00:00:00.000Z ", b"2026-01-01T00:00:00.000000000+01:00 stdout F "):
        audit, _, _, events = places([stamp + TEXT.encode(), b"2026-01-01T00:00:00.000Z hello"])
        assert audit == [0]
        assert len(events.malformed) == 1


def test_alerts_of_falco_are_events_too() -> None:
    _, calls, _, events = places([{"rule": "x", "output": "y", "output_fields": {"proc.name": "sh", "evt.time": 1}}])
    assert calls == [0]
    assert events.syscall[0]["proc.name"] == "sh"


def test_deep_nesting_is_malformed_not_fatal() -> None:
    _, _, _, events = places([b"[" * 200_000 + b"]" * 200_000, b'{"a":' * 50_000])
    assert len(events.malformed) == 2


def test_events_keep_their_text() -> None:
    _, _, _, events = places([NATIVE, {"message": TEXT}, {**NATIVE, "objectRef": None}])
    assert [msgspec.json.decode(event.line) for event in events.audit] == [NATIVE, NATIVE, {**NATIVE, "objectRef": None}]
