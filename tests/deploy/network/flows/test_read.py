"""Flow files of every kind, whole and broken."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.deploy.network.flows.model import Flow, Party, Seen, Verdict
from seawall.deploy.network.flows.read import MAX_ERRORS, Observed, read
from seawall.deploy.network.model import Protocol


def observed(*texts: str | bytes) -> Observed:
    return read((f"{number}.log", io.BytesIO(text if isinstance(text, bytes) else text.encode())) for number, text in enumerate(texts))


def only(text: str | bytes) -> tuple[Flow, Seen]:
    found = observed(text)
    assert not found.errors
    ((flow, seen),) = found.flows.items()
    return flow, seen


HUBBLE: dict[str, Any] = {
    "time": "2026-03-01T10:00:00.000000001Z",
    "verdict": "FORWARDED",
    "IP": {"source": "10.0.1.5", "destination": "10.0.2.9", "ipVersion": "IPv4"},
    "l4": {"TCP": {"source_port": 40001, "destination_port": 8080, "flags": {"SYN": True}}},
    "source": {
        "identity": 4711,
        "namespace": "shop",
        "labels": ["k8s:app=web", "k8s:io.kubernetes.pod.namespace=shop"],
        "pod_name": "web-7d4f8c7b9d-x2x4z",
        "workloads": [{"name": "web", "kind": "Deployment"}],
    },
    "destination": {"namespace": "shop", "labels": ["k8s:app=api"], "pod_name": "api-0"},
    "traffic_direction": "EGRESS",
    "is_reply": False,
}


def test_hubble() -> None:
    flow, seen = only(json.dumps({"flow": HUBBLE, "node_name": "n1", "time": HUBBLE["time"]}))
    assert (flow.protocol, flow.port, flow.verdict) == (Protocol.TCP, 8080, Verdict.ALLOWED)
    assert (flow.source.namespace, flow.source.name, flow.source.workload) == ("shop", "web-7d4f8c7b9d-x2x4z", "web")
    assert ("app", "api") in flow.destination.labels
    assert seen == Seen(1, HUBBLE["time"], HUBBLE["time"])
    assert only(json.dumps(HUBBLE))[0] == flow  # without the envelope


def test_hubble_counts_and_passes_over() -> None:
    lines = [
        {"flow": HUBBLE},
        {"flow": {**HUBBLE, "time": "2026-03-01T09:00:00Z"}},
        {"flow": {**HUBBLE, "is_reply": True}},
        {"flow": {**HUBBLE, "l4": {}}},
        {"node_name": "n1", "lost_events": {"num_events_lost": 3}},
        {"flow": {**HUBBLE, "verdict": "DROPPED", "l4": {"ICMPv4": {"type": 8}}}},
        {"flow": {**HUBBLE, "destination": {"labels": ["reserved:world"]}, "destination_names": ["example.org"]}},
    ]
    found = observed("\n".join(map(json.dumps, lines)))
    assert not found.errors
    assert found.records == 7
    assert found.passed == {"answer": 1, "no transport layer": 1, "no flow": 1}
    first = next(iter(found.flows.values()))
    assert first == Seen(2, "2026-03-01T09:00:00Z", HUBBLE["time"])
    assert {(flow.protocol, flow.port, flow.verdict) for flow in found.flows} == {
        (Protocol.TCP, 8080, Verdict.ALLOWED),
        (Protocol.ICMP, 8, Verdict.DENIED),
    }
    assert [flow.destination.entity for flow in found.flows] == ["", "", "world"]


def test_calico_enterprise() -> None:
    record = {
        "start_time": 1700000000,
        "end_time": 1700000300,
        "action": "deny",
        "source_ip": None,
        "source_name": "-",
        "source_name_aggr": "web-7d4f8c7b9d-*",
        "source_namespace": "shop",
        "source_type": "wep",
        "source_labels": {"labels": ["app=web", "tier=front"]},
        "dest_ip": "203.0.113.5",
        "dest_name": "-",
        "dest_name_aggr": "pub",
        "dest_namespace": "-",
        "dest_type": "net",
        "dest_port": 443,
        "proto": "tcp",
        "reporter": "src",
        "num_flows": 7,
    }
    flow, seen = only(json.dumps(record))
    assert flow == Flow(
        Party("", "shop", "web-7d4f8c7b9d-*", labels=(("app", "web"), ("tier", "front"))), Party("203.0.113.5"), Protocol.TCP, 443, Verdict.DENIED
    )
    assert seen == Seen(7, "1700000000", "1700000000")


@pytest.mark.parametrize("camel", [False, True])
def test_goldmane(camel: bool) -> None:
    key = {
        "source_name": "web-*",
        "source_namespace": "shop",
        "source_type": "WorkloadEndpoint",
        "dest_name": "api-*",
        "dest_namespace": "shop",
        "dest_type": "WorkloadEndpoint",
        "dest_port": "8080",
        "proto": "tcp",
        "reporter": "Dst",
        "action": "Allow",
    }
    if camel:
        key = {(name.title().replace("_", "")[0].lower() + name.title().replace("_", "")[1:]): value for name, value in key.items()}
    flow, seen = only(json.dumps({"key": key, "numConnectionsStarted": "12", "startTime": "1700000000"}))
    assert (flow.source, flow.destination, flow.port, flow.verdict) == (
        Party("", "shop", "web-*"),
        Party("", "shop", "api-*"),
        8080,
        Verdict.ALLOWED,
    )
    assert seen.count == 12


# How conntrack prints: what was asked, and how it will be answered.
CONNTRACK = """\
[1700000000.123456]\t    [NEW] ipv4     2 tcp      6 120 SYN_SENT src=10.0.1.5 dst=10.96.0.7 sport=40001 dport=80 [UNREPLIED] {api}
[1700000000.223456]\t [UPDATE] ipv4     2 tcp      6 60 SYN_RECV src=10.0.1.5 dst=10.96.0.7 sport=40001 dport=80 {api}
[1700000001.000000]\t    [NEW] ipv4     2 udp      17 30 src=10.0.1.5 dst=10.0.0.10 sport=5000 dport=53 [UNREPLIED] {dns}
[1700000002.000000]\t    [NEW] ipv4     2 icmp     1 30 src=10.0.1.5 dst=10.0.2.9 type=8 code=0 id=1 [UNREPLIED] {echo}
[1700000003.000000]\t    [NEW] ipv6     10 tcp      6 120 SYN_SENT src=fd00::1 dst=fd00::2 sport=1 dport=443 [UNREPLIED] {six}
[1700000004.000000]\t    [NEW] ipv4     2 gre      47 30 src=10.0.1.5 dst=10.0.2.9 srckey=0x0 dstkey=0x0 src=10.0.2.9 dst=10.0.1.5 srckey=0x0
tcp      6 431999 ESTABLISHED src=10.0.1.6 dst=10.0.2.9 sport=40001 dport=8080 {api} [ASSURED] mark=0 use=1
""".format(
    api="src=10.0.2.9 dst=10.0.1.5 sport=8080 dport=40001",
    dns="src=10.0.0.10 dst=10.0.1.5 sport=53 dport=5000",
    echo="src=10.0.2.9 dst=10.0.1.5 type=0 code=0 id=1",
    six="src=fd00::2 dst=fd00::1 sport=443 dport=1",
)


def test_conntrack_sees_through_a_service() -> None:
    found = observed(CONNTRACK)
    assert not found.errors
    assert [(flow.source.address, flow.destination.address, flow.protocol.value, flow.port) for flow in found.flows] == [
        ("10.0.1.5", "10.0.2.9", "TCP", 8080),
        ("10.0.1.5", "10.0.0.10", "UDP", 53),
        ("10.0.1.5", "10.0.2.9", "ICMP", 8),
        ("fd00::1", "fd00::2", "TCP", 443),
        ("10.0.1.6", "10.0.2.9", "TCP", 8080),
    ]
    assert found.passed == {"a known connection": 1, "protocol 47": 1}
    assert next(iter(found.flows.values())).first == "1700000000.123456"


def test_plain_csv_and_json() -> None:
    wanted = Flow(Party(namespace="shop", name="web"), Party("10.0.0.1"), Protocol.UDP, 53)
    assert only("src,dst,port,protocol\nshop/web,10.0.0.1,53,udp\n")[0] == wanted
    assert only("\ufeffSource, Destination,dport,proto,time\r\nshop/web[Pod],10.0.0.1,53,UDP,now\r\n") == (wanted, Seen(1, "now", "now"))
    assert only('[{"src": "shop/web", "dst": "10.0.0.1", "port": 53, "protocol": "UDP", "count": 5}]') == (wanted, Seen(5))
    assert only('{"src": "shop/web", "dst": "10.0.0.1", "port": "53", "protocol": "17"}\n\n')[0] == wanted
    assert only('{\n "flows": [\n  {"src": "shop/web", "dst": "10.0.0.1", "port": 53, "protocol": "UDP"}\n ]\n}\n')[0] == wanted
    assert only("src,dst,port\na/b,c/d,80\n")[0].protocol is Protocol.TCP


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("when,who\n1,2\n", 1, "no header"),
        ("src,dst,port\na/b,c/d,http\n", 2, "'http' is no port of TCP"),
        ("src,dst,port\na/b,c/d,65536\n", 2, "no port"),
        ("src,dst,port\na/b,,80\n", 2, "no src and dst"),
        ('{"src": "a/b", "dst": "c/d", "port": 1}\n{"src": \n', 2, "no JSON"),
        ('{"src": "a/b", "dst": "c/d", "port": 1}\n[]\n', 2, "no object"),
        ("[1, 2", 1, "no JSON"),
        ('["x"]', 1, "no object"),
        ('{"flow": {"l4": {"TCP": {}}, "verdict": "FORWARDED"}}', 1, "no destination port"),
        ("[NEW] x src= dst= \n", 1, "no line of conntrack"),
        (b"\xff\xfe\x00", 1, "no header"),
        ("[" * 100_000, 1, "no JSON"),
        ('{"a":' * 5_000, 1, "no JSON"),
    ],
)
def test_what_cannot_be_read_is_told(text: str | bytes, line: int, said: str) -> None:
    found = observed(text)
    assert [error.line for error in found.errors] == [line]
    assert said in found.errors[0].message


def test_many_broken_records_are_counted() -> None:
    found = observed("src,dst,port\n" + "a/b,c/d,x\n" * 100 + "a/b,c/d,80\n")
    assert len(found.errors) == MAX_ERRORS + 1
    assert "80 more records" in found.errors[-1].message
    assert len(found.flows) == 1


def test_a_line_without_end() -> None:
    found = observed(b'{"src": "a/b", "dst": "c/d", "port": 1}\n{"src": "' + b"x" * 3_000_000 + b'"}\n{"src": "a/b", "dst": "c/d", "port": 2}\n')
    assert [error.message for error in found.errors] == ["the record is longer than 1,000,000 bytes"]
    assert len(found.flows) == 2


def test_nothing_is_nothing() -> None:
    assert observed("", "\n\n") == Observed({}, 0, {}, ())


@given(st.one_of(st.binary(max_size=200), st.text(max_size=80).map(str.encode)))
def test_whatever_is_in_a_file_is_read_or_told(data: bytes) -> None:
    found = observed(data)
    assert found.records >= len(found.flows)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 70_000), st.sampled_from(["", "-", "tcp", "80", "shop", "10.0.0.1"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["labels", "TCP", "source", "destination_port"]), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = [
    "flow",
    "l4",
    "IP",
    "source",
    "destination",
    "verdict",
    "key",
    "source_name",
    "dest_port",
    "dest_name",
    "proto",
    "src",
    "dst",
    "port",
    "time",
]


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6), min_size=1, max_size=3))
def test_fields_of_any_type(records: list[Any]) -> None:
    found = observed("\n".join(map(json.dumps, records)))
    assert found.records >= 1
