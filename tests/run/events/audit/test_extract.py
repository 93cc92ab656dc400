"""Fields of audit events, as Falco's plugins document them."""

from typing import Any

import msgspec
import pytest

from seawall.run.events import fields
from seawall.run.events.audit.decode import AuditDecoder
from seawall.run.events.audit.extract import extractor, repository
from seawall.run.events.audit.source import AuditSource, parts_of
from seawall.run.events.fields import Argument

POD = {
    "spec": {
        "hostNetwork": True,
        "hostPID": False,
        "securityContext": {"runAsUser": 1000, "fsGroup": 7, "supplementalGroups": [1, 2]},
        "containers": [
            {
                "name": "a",
                "image": "localhost:5000/shop/web:1.2",
                "ports": [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}],
                "securityContext": {"privileged": True, "capabilities": {"add": ["SYS_ADMIN", "NET_RAW"]}, "runAsUser": 0, "procMount": "Unmasked"},
            },
            {"name": "b", "image": "nginx@sha256:00ff", "securityContext": {"privileged": False, "allowPrivilegeEscalation": False}},
            {"name": "c", "image": "busybox"},
        ],
        "initContainers": [{"name": "i", "image": "init", "securityContext": {"privileged": True}}],
        "volumes": [{"name": "v", "hostPath": {"path": "/etc"}}, {"name": "w", "emptyDir": {}}, {"name": "x", "flexVolume": {"driver": "d"}}],
    }
}
ROLE = {"rules": [{"apiGroups": [""], "verbs": ["get", "*"], "resources": ["pods"]}, {"nonResourceURLs": ["/x"], "verbs": ["list"]}]}
EVENT: dict[str, Any] = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "RequestResponse",
    "auditID": "id-1",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/shop/pods/web/exec?command=sh&command=-c&stdin=true&empty=",
    "verb": "create",
    "user": {"username": "alice", "groups": ["dev", "system:authenticated"], "extra": {"authentication.kubernetes.io/pod-name": ["p-1"]}},
    "impersonatedUser": {"username": "root"},
    "sourceIPs": ["10.0.0.1", "192.0.2.1"],
    "userAgent": "kubectl",
    "objectRef": {"resource": "pods", "namespace": "shop", "name": "web", "subresource": "exec", "apiGroup": "g", "apiVersion": "v1"},
    "responseStatus": {"metadata": {}, "code": 201, "reason": "Created"},
    "responseObject": {"metadata": {"name": "web-1"}},
    "requestReceivedTimestamp": "2026-01-01T00:00:00.000001Z",
    "stageTimestamp": "2026-01-01T00:00:01.000002Z",
    "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC", "k8s.io/deprecated": "true"},
}


def value(name: str, argument: str | None = None, event: dict[str, Any] = EVENT, **more: Any) -> Any:
    """The value, decoded no further than the field needs; and it must not depend on what other rules need."""
    text = msgspec.json.encode({**event, **more})
    results = []
    for parts in (
        parts_of([(name, argument)]),
        parts_of([(name, argument), ("ka.verb", None), ("ka.req.pod.host_pid", None), ("ka.resp.name", None)]),
    ):
        (decoded,) = AuditDecoder(parts).unwrap(msgspec.json.decode(text))
        getter = AuditSource().getter(name, argument)
        results.append(getter.get(decoded))
        if getter.column is not None and getter.convert is not None:
            content = getter.column.raw(decoded)
            content = content if getter.column.key is None else getter.column.key(content)
            results.append(None if content is None else getter.convert(content))
    assert all(result == results[0] for result in results)
    return results[0]


@pytest.mark.parametrize(
    ("name", "argument", "expected"),
    [
        ("ka.auditid", None, "id-1"),
        ("ka.stage", None, "ResponseComplete"),
        ("ka.verb", None, "create"),
        ("ka.uri", None, EVENT["requestURI"]),
        ("ka.uri.param", "command", "sh"),
        ("ka.uri.param", "stdin", "true"),
        ("ka.uri.param", "empty", ""),
        ("ka.uri.param", "tty", None),
        ("ka.useragent", None, "kubectl"),
        ("ka.user.name", None, "alice"),
        ("ka.user.groups", None, ("dev", "system:authenticated")),
        ("ka.user.groups", "1", ("system:authenticated",)),
        ("ka.impuser.name", None, "root"),
        ("ka.sourceips", None, ("10.0.0.1", "192.0.2.1")),
        ("ka.sourceips", "0", ("10.0.0.1",)),
        ("ka.sourceips", "5", None),
        ("ka.auth.decision", None, "allow"),
        ("ka.auth.reason", None, "RBAC"),
        ("ka.target.name", None, "web"),
        ("ka.target.namespace", None, "shop"),
        ("ka.target.resource", None, "pods"),
        ("ka.target.subresource", None, "exec"),
        ("ka.target.pod.name", None, "web"),
        ("ka.response.code", None, "201"),
        ("ka.response.reason", None, "Created"),
        ("ka.resp.name", None, "web-1"),
        ("jevt.value", "/stage", "ResponseComplete"),
        ("jevt.value", "stage", "ResponseComplete"),
        ("jevt.value", "/objectRef/apiGroup", "g"),
        ("jevt.value", "/responseStatus/code", "201"),
        ("jevt.value", "/annotations/k8s.io~1deprecated", "true"),
        ("jevt.value", "/annotations/none", None),
        ("jevt.value", "/user/groups/0", "dev"),
        ("jevt.value", "/user/groups", '["dev","system:authenticated"]'),
        ("jevt.value", "/user/extra/authentication.kubernetes.io~1pod-name/0", "p-1"),
        ("jevt.value", "/sourceIPs/1", "192.0.2.1"),
        ("jevt.value", "/sourceIPs/9", None),
        ("jevt.value", "/kind", "Event"),
        ("jevt.value", "/objectRef", '{"resource":"pods","namespace":"shop","name":"web","subresource":"exec","apiGroup":"g","apiVersion":"v1"}'),
        ("jevt.value", "/responseObject/metadata/name", "web-1"),
        ("jevt.value", "/requestObject/spec", None),
        ("jevt.rawtime", None, "1767225601000002000"),
        ("jevt.time", None, "00:00:01.000002000"),
        ("jevt.time.iso8601", None, "2026-01-01T00:00:01.000002000Z"),
        ("evt.time.iso8601", None, "2026-01-01T00:00:01.000002000Z"),
        ("evt.source", None, "k8s_audit"),
        ("ka.req.binding.subject.has_name", "x", "true"),
    ],
)
def test_fields_of_the_event(name: str, argument: str | None, expected: Any) -> None:
    assert value(name, argument) == expected


@pytest.mark.parametrize(
    ("name", "argument", "expected"),
    [
        ("ka.req.pod.containers.image", None, ("localhost:5000/shop/web:1.2", "nginx@sha256:00ff", "busybox")),
        ("ka.req.pod.containers.image", "1", ("nginx@sha256:00ff",)),
        ("ka.req.pod.containers.image", "7", None),
        ("ka.req.pod.containers.image.repository", None, ("localhost:5000/shop/web", "nginx", "busybox")),
        ("ka.req.pod.initContainers.image", None, ("init",)),
        ("ka.req.pod.ephemeralContainers.image", None, None),
        ("ka.req.container.image", None, "localhost:5000/shop/web:1.2"),
        ("ka.req.container.image.repository", None, "localhost:5000/shop/web"),
        ("ka.req.pod.containers.privileged", None, ("true", "false")),
        ("ka.req.pod.initContainers.privileged", None, ("true",)),
        ("ka.req.container.privileged", None, "true"),
        ("ka.req.pod.containers.allow_privilege_escalation", None, ("false",)),
        ("ka.req.pod.containers.read_only_fs", None, None),
        ("ka.req.pod.containers.add_capabilities", None, ("SYS_ADMIN", "NET_RAW")),
        ("ka.req.pod.containers.host_port", None, ("8080", "81")),
        ("ka.req.pod.containers.run_as_user", None, ("0",)),
        ("ka.req.pod.containers.eff_run_as_user", None, ("0", "1000", "1000")),
        ("ka.req.pod.containers.eff_run_as_group", None, ("0", "0", "0")),
        ("ka.req.pod.containers.proc_mount", None, ("Unmasked",)),
        ("ka.req.pod.host_network", None, "true"),
        ("ka.req.pod.host_pid", None, "false"),
        ("ka.req.pod.host_ipc", None, None),
        ("ka.req.pod.run_as_user", None, "1000"),
        ("ka.req.pod.fs_group", None, "7"),
        ("ka.req.pod.supplemental_groups", None, ("1", "2")),
        ("ka.req.pod.volumes.hostpath", None, ("/etc",)),
        ("ka.req.pod.volumes.flexvolume_driver", None, ("d",)),
        ("ka.req.pod.volumes.volume_type", None, ("hostPath", "emptyDir", "flexVolume")),
        ("ka.req.volume.hostpath", "/etc", "true"),
        ("ka.req.volume.hostpath", "/e*", "true"),
        ("ka.req.volume.hostpath", "/proc", "false"),
        ("jevt.value", "/requestObject/spec/containers/1/image", "nginx@sha256:00ff"),
        ("jevt.value", "/requestObject/spec/hostNetwork", "true"),
    ],
)
def test_fields_of_pods(name: str, argument: str | None, expected: Any) -> None:
    assert value(name, argument, requestObject=POD) == expected
    assert value(name, argument) is None, "a body that was not logged has nothing"


def test_fields_of_roles_bindings_services_and_config_maps() -> None:
    assert value("ka.req.role.rules.verbs", requestObject=ROLE) == ("get", "*", "list")
    assert value("ka.req.role.rules.verbs", "1", requestObject=ROLE) == ("list",)
    assert value("ka.req.role.rules.resources", requestObject=ROLE) == ("pods",)
    assert value("ka.req.role.rules.nonResourceURLs", requestObject=ROLE) == ("/x",)
    assert value("ka.req.role.rules.apiGroups", requestObject=ROLE) == ("",)
    binding = {"roleRef": {"name": "cluster-admin"}, "subjects": [{"kind": "User", "name": "eve"}]}
    assert value("ka.req.binding.role", requestObject=binding) == "cluster-admin"
    assert value("ka.req.binding.subjects", requestObject=binding) == ('{"kind":"User","name":"eve"}',)
    assert value("ka.req.configmap.obj", requestObject={"data": {"k": "password"}}) == '{"k":"password"}'
    assert value("ka.req.service.type", requestObject={"spec": {"type": "NodePort", "ports": [{"port": 1}]}}) == "NodePort"
    assert value("ka.req.service.ports", requestObject={"spec": {"ports": [{"port": 1}]}}) == ('{"port":1}',)


def test_every_documented_field_has_a_meaning() -> None:
    for info in fields.known("k8s_audit").values():
        if info.name.startswith(("ka.", "jevt.", "json.")):
            argument = None if info.argument is Argument.NONE else "0"
            assert extractor(info.name, argument) is not None, info.name


@pytest.mark.parametrize(
    "odd",
    [
        {"user": None, "objectRef": None, "responseStatus": None, "annotations": None, "sourceIPs": None},
        {"user": "x", "objectRef": "x", "responseStatus": 7, "annotations": [], "sourceIPs": "10.0.0.1"},
        {"user": {"username": 7, "groups": "x"}, "objectRef": {"name": 7}, "responseStatus": {"code": "200"}, "requestObject": [], "level": 3},
        {"requestObject": {"spec": {"containers": "x", "volumes": [None, 3]}}, "stageTimestamp": "yesterday", "requestReceivedTimestamp": None},
        {"requestObject": {"spec": {"containers": [None, {"image": None}, []]}}, "requestURI": "/%zz?%gg=1&command=%ff"},
    ],
)
def test_odd_events_break_nothing(odd: dict[str, Any]) -> None:
    for info in fields.known("k8s_audit").values():
        found = value(info.name, None if info.argument is Argument.NONE else "0", **odd)
        assert found is None or isinstance(found, (str, tuple, int))


def test_odd_types_are_still_read() -> None:
    assert value("ka.target.name", objectRef={"name": 7}) == "7"
    assert value("ka.user.name", user={"username": 7}) == "7"
    assert value("ka.response.code", responseStatus={"code": "403"}) == "403"
    assert value("ka.stage", stage=None) is None


def test_an_event_without_a_time_has_a_time_that_is_not_0() -> None:
    assert value("jevt.rawtime", stageTimestamp=None, requestReceivedTimestamp=None) == "1"


@pytest.mark.parametrize(
    ("image", "expected"),
    [("nginx", "nginx"), ("nginx:1", "nginx"), ("a.b:5000/c/d:1@sha256:0", "a.b:5000/c/d"), ("a.b:5000/c", "a.b:5000/c"), ("c@sha256:0", "c")],
)
def test_repositories(image: str, expected: str) -> None:
    assert repository(image) == expected
