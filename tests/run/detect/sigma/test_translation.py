"""Sigma rules in our language: each is translated, compiled, and raises what it should on events, and not on the near misses."""

import json
from typing import Any

import pytest

pytest.importorskip("sigma.collection", reason="pySigma is an extra")

from seawall.app.detect import Detection, judged_rules
from seawall.io.sources.audit import Block
from seawall.run.detect.engine.alert import Alert
from seawall.run.detect.language import RuleFile, compile_rules
from seawall.run.detect.sigma.places import field_at
from seawall.run.detect.sigma.translation import Translation, translate, written


def sigma(detection: str, *, title: str = "A rule", level: str = "medium", source: str = "product: kubernetes\n    service: audit") -> str:
    lines = "\n".join(f"    {line}" for line in detection.strip().splitlines())
    return f"title: {title}\nstatus: test\nlogsource:\n    {source}\ndetection:\n{lines}\nlevel: {level}\ntags: [attack.t1609, attack.execution]\n"


EVENT: dict[str, Any] = {
    "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "1", "stage": "ResponseComplete", "verb": "create", "level": "Request",
    "requestURI": "/api/v1/namespaces/shop/pods/web/exec?command=sh", "userAgent": "kubectl/v1.30",
    "user": {"username": "Alice@example.com", "groups": ["system:authenticated", "Devs"]}, "sourceIPs": ["172.20.1.9"],
    "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "web[1]", "apiGroup": "apps"},
    "responseStatus": {"code": 201}, "annotations": {"authorization.k8s.io/decision": "allow", "pod-security.kubernetes.io/x": "Y"},
    "requestObject": {"spec": {"hostNetwork": True, "volumes": [{"hostPath": {"path": "/etc"}}],
                               "containers": [{"image": "Nginx:1", "securityContext": {"privileged": True}}]}},
}  # fmt: skip


def fires(translation: Translation, **changes: Any) -> bool:
    assert not translation.refused, translation.refused
    event = {name: value for name, value in {**EVENT, **changes}.items() if value is not None}
    detection = Detection(judged_rules(compile_rules([RuleFile("sigma.yaml", written(translation.rules))])))
    found = list(detection.run([Block("log", 1, [json.dumps(event).encode()])]))
    assert all(isinstance(each, Alert) for each in found)
    return bool(found)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("verb: create", True),
        ("verb: get", False),
        ("verb: [get, create]", True),
        ("user.username: alice@EXAMPLE.com", True),  # without regard to case
        ("user.username|cased: alice@example.com", False),
        ("user.username|startswith: ALICE", True),
        ("user.username|endswith: .com", True),
        ("user.username|contains: '@exam'", True),
        ("user.username|contains|all: ['@exam', alice]", True),
        ("user.username|contains|all: ['@exam', bob]", False),
        ("user.username: 'a*@*.c?m'", True),
        ("user.username: 'a?@*'", False),
        ("objectRef.name: 'web[1]'", True),  # what glob would take for a set
        ("objectRef.name: 'WEB[1*'", True),
        ("objectRef.name: web1", False),
        ("user.username|re: 'lice@[a-z]+'", True),  # anywhere in the value
        ("user.username|re: '^lice'", False),
        ("user.username|re|i: '^ALICE'", True),
        ("user.groups: devs", True),  # one of many
        ("user.groups|startswith: 'system:'", True),
        ("user.groups|endswith: ':masters'", False),
        ("sourceIPs|cidr: 172.16.0.0/12", True),
        ("sourceIPs|cidr: 172.32.0.0/12", False),
        ("responseStatus.code: 201", True),
        ("responseStatus.code: 20", False),
        ("objectRef.subresource: null", False),
        ("impersonatedUser.username: null", True),
        ("impersonatedUser.username: ''", True),
        ("objectRef.apiGroup|exists: true", True),
        ("objectRef.apiGroup|exists: false", False),
        ("hostPath: '*'", True),
        ("requestObject.spec.volumes.hostPath.path|startswith: /etc", True),
        ("requestObject.spec.hostNetwork: true", True),
        ("requestObject.spec.containers.image: 'nginx:*'", True),
        ("requestObject.spec.containers.securityContext.privileged: true", True),
        ("annotations.pod-security.kubernetes.io/x: y", True),
        ("requestObject.spec.serviceAccountName: x", False),
    ],
)
def test_selections(selection: str, expected: bool) -> None:
    assert fires(translate(sigma(f"sel:\n    {selection}\ncondition: sel"))) is expected


CONDITIONS = """
sel_verb:
    verb: create
sel_user:
    user.username: alice@example.com
filter_ns:
    objectRef.namespace: shop
filter_other:
    objectRef.namespace: other
"""


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("sel_verb and sel_user", True),
        ("sel_verb and not filter_ns", False),
        ("all of sel_*", True),
        ("all of sel_* and not 1 of filter_*", False),
        ("all of sel_* and not all of filter_*", True),
        ("1 of filter_*", True),
        ("all of filter_*", False),
        ("all of them", False),
        ("1 of them", True),
        ("filter_other or (sel_verb and filter_ns)", True),
    ],
)
def test_conditions(condition: str, expected: bool) -> None:
    assert fires(translate(sigma(f"{CONDITIONS}condition: {condition}"))) is expected


def test_keywords_are_looked_for_everywhere() -> None:
    assert fires(translate(sigma("words: ['SECURITY.kubernetes', nothing]\ncondition: words")))
    assert fires(translate(sigma("words: ['kub*v1.30']\ncondition: words")))
    assert not fires(translate(sigma("words: [nothing]\ncondition: words")))


def test_a_request_fires_once_unless_the_rule_names_the_stage() -> None:
    plain = translate(sigma("sel:\n    verb: create\ncondition: sel"))
    assert not fires(plain, stage="RequestReceived")
    assert fires(plain, stage=None)
    assert fires(translate(sigma("sel:\n    stage: RequestReceived\ncondition: sel")), stage="RequestReceived")


def test_what_a_rule_becomes() -> None:
    (rule,) = translate(sigma("sel:\n    verb: create\ncondition: sel", level="high")).rules
    assert rule["rule"] == "A rule"
    assert rule["priority"] == "ERROR"
    assert rule["source"] == "k8s_audit"
    assert rule["tags"] == ["sigma", "T1609", "attack.execution"]
    assert rule["condition"] == "(not ka.stage = RequestReceived and ka.verb = create)"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (sigma("sel:\n    no.such.place: x\ncondition: sel"), "no.such.place"),
        (sigma("sel:\n    requestObject.spec.containers.env.name: x\ncondition: sel"), "env.name"),
        (sigma("sel:\n    responseStatus.code|gte: 400\ncondition: sel"), "as a number"),
        (sigma("sel:\n    sourceIPs|cidr: 'fd00::/8'\ncondition: sel"), "fd00::/8"),
        (sigma("sel:\n    user.username|re: 'a(?=b)'\ncondition: sel"), ""),
        (sigma("sel:\n    verb: create\ncondition: nothing"), "nothing"),
        (sigma("sel:\n    verb: create\ncondition: sel and"), ""),
        ("title: [", "no YAML"),
        ("a: &x [1]\nb: *x", "aliases"),
        ("[" * 200, "nested deeper"),
        ("just text", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused(text: str, reason: str) -> None:
    translation = translate(text)
    assert not translation.rules
    assert all(reason in refused.reason and not refused.other for refused in translation.refused)
    assert translation.refused or not text


def test_rules_for_other_logs_are_told_apart() -> None:
    (refused,) = translate(sigma("sel:\n    a: b\ncondition: sel", source="product: windows\n    service: security")).refused
    assert refused.other


def test_correlations_are_refused_and_the_rest_translated() -> None:
    correlation = (
        "title: Many\ncorrelation:\n    type: event_count\n    rules: [a_rule]\n    group-by: [user.username]\n    timespan: 5m\n"
        "    condition:\n        gte: 10\n"
    )
    translation = translate(sigma("sel:\n    verb: create\ncondition: sel").replace("status: test", "name: a_rule") + "---\n" + correlation)
    assert [rule["rule"] for rule in translation.rules] == ["A rule"]
    assert [refused.title for refused in translation.refused] == ["Many"]


def test_places() -> None:
    assert field_at("requestObject.metadata.labels") is not None
    assert field_at("annotations.a.b/c~d").argument == "/annotations/a.b~1c~0d"  # type: ignore[union-attr]
    assert field_at("user..name") is None
    assert field_at("requestObject.rules.verbs").name == "ka.req.role.rules.verbs"  # type: ignore[union-attr]
