"""The detect command, started as users start it; and its webhook, spoken to as the API server does."""

import http.client
import json
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.io.sources.audit import webhook as webhook_module
from seawall.io.sources.audit.webhook import Webhook

RULES = """
- rule: Reads a secret
  desc: d
  condition: ka.target.resource = secrets and ka.verb = get
  output: "%ka.user.name read %ka.target.name"
  priority: WARNING
  source: k8s_audit
  tags: [secrets]
- rule: Anything
  desc: d
  condition: ka.verb exists
  output: "%ka.verb"
  priority: DEBUG
  source: k8s_audit
"""
PROGRAM = (
    "import sys; from seawall.app.cli.detect import command; from seawall.app.cli import main as m; m.cli.add_command(command, 'detect'); m.main()"
)


def event(number: int, **more: Any) -> dict[str, Any]:
    return {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": f"id-{number}", "stage": "ResponseComplete", "verb": "get",
        "user": {"username": "alice"}, "objectRef": {"resource": "secrets", "name": f"s{number}"}, **more,
    }  # fmt: skip


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return str(path)


def seawall(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", PROGRAM, "detect", *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False)


def started(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, "detect", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_alerts_as_lines_of_json(tmp_path: Path, rules: str) -> None:
    log = tmp_path / "audit.log"
    log.write_text("\n".join([json.dumps(event(0)), "{broken", "", '{"a":1}', json.dumps(event(1)), '{"kind":"Ev']))
    result = seawall(str(log), "--rules", rules, "--format", "json", "--tag", "secrets")
    assert [(alert["rule"], alert["event_index"]) for alert in map(json.loads, result.stdout.splitlines())] == [
        ("Reads a secret", 0),
        ("Reads a secret", 3),
    ]
    assert f"{log}:2: is no JSON" in result.stderr
    assert "2 events, 2 alerts, 1 rules, 1 lines that are no JSON, 1 values that are no events, 1 unfinished lines" in result.stderr
    assert result.returncode == 3


@pytest.mark.parametrize(
    ("arguments", "status", "names"),
    [
        ((), 0, ["Reads a secret", "Anything"]),
        (("--fail-on", "warning"), 1, ["Reads a secret", "Anything"]),
        (("--fail-on", "medium"), 1, ["Reads a secret", "Anything"]),
        (("--first",), 0, ["Reads a secret"]),
        (("--skip", "reads*"), 0, ["Anything"]),
        (("--skip-tag", "secrets"), 0, ["Anything"]),
        (("--priority", "notice"), 0, ["Reads a secret"]),
        (("--rule", "Any*"), 0, ["Anything"]),
    ],
)
def test_choices_and_exit_status(rules: str, arguments: tuple[str, ...], status: int, names: list[str]) -> None:
    result = seawall("-", "--rules", rules, "--format", "json", *arguments, stdin=json.dumps(event(0)))
    assert [json.loads(line)["rule"] for line in result.stdout.splitlines()] == names
    assert result.returncode == status, result.stderr


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("none.log",), "none.log"),
        (("-", "--rules", "none.yaml"), "none.yaml"),
        (("-", "--priority", "loud"), "no priority"),
        (("-", "--dedup", "soon"), "no duration"),
        (("-", "--rate", "10"), "no rate"),
        ((), "Usage"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(arguments: tuple[str, ...], what: str) -> None:
    result = seawall(*arguments)
    assert what in result.stderr + result.stdout
    assert "Traceback" not in result.stderr
    assert result.returncode == (2 if arguments else 0) or what == "Usage"


def test_text_cannot_steer_the_terminal(rules: str) -> None:
    result = seawall("-", "--rules", rules, stdin=json.dumps(event(0, user={"username": "a\x1b[31m\nb"})))
    assert "a\\x1b[31m\\x0ab read s0" in result.stdout
    assert "\x1b" not in result.stdout


def test_following_a_log(tmp_path: Path, rules: str) -> None:
    log = tmp_path / "audit.log"
    log.write_text(json.dumps(event(0)) + "\n")
    process = started(str(log), "--follow", "--rules", rules, "--first")
    try:
        assert process.stdout is not None
        assert "s0" in process.stdout.readline()
        with log.open("a") as stream:
            stream.write(json.dumps(event(1)) + "\n")
        assert "s1" in process.stdout.readline()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_fixtures_of_rules(tmp_path: Path, rules: str) -> None:
    folder = tmp_path / "fixtures"
    folder.mkdir()
    cases = [{"alerts": 1, "events": [event(0)]}, {"alerts": 0, "events": [event(0, verb="list")], "why": "a list"}]
    (folder / "secrets.yaml").write_text(json.dumps(cases))
    result = seawall("test", str(folder), "--rules", rules)
    assert (result.stdout, result.returncode) == ("2 of 2 cases pass\n", 0)
    assert "Anything: no fixture raises it" in result.stderr
    (folder / "Anything.yaml").write_text(json.dumps({"alerts": 2, "events": [event(0)], "why": "wrong"}))
    result = seawall("test", str(folder), "--rules", rules, "--format", "json")
    report = json.loads(result.stdout)
    assert [case["passed"] for case in report["cases"]] == [False, True, True]
    assert result.returncode == 1
    (folder / "Nobody.yaml").write_text("alerts: 1\nevents: []")
    assert "there is no rule Nobody" in seawall("test", str(folder), "--rules", rules).stderr


# The webhook


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    monkeypatch.setattr(webhook_module, "PATIENCE_SECONDS", 0.05)
    with Webhook(("127.0.0.1", 0), lists=2) as webhook:
        yield webhook


def post(address: tuple[str, int], body: str, path: str = "/", method: str = "POST", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(*address, timeout=20)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


LIST = json.dumps({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [event(0), event(1)]}, indent=1)


def test_lists_are_queued_and_refused_when_there_are_too_many(hook: Webhook) -> None:
    assert [post(hook.address, LIST)[0] for _ in range(4)] == [200, 200, 429, 429]
    assert (hook.received, hook.refused) == (2, 4)
    blocks = hook.blocks(lambda: True)
    found = [json.loads(line) for block in blocks for line in block.lines]
    assert [len(each["items"]) for each in found] == [2, 2]
    assert post(hook.address, LIST)[0] == 200, "there is room again"
    assert "seawall_audit_events_refused_total 4" in post(hook.address, "", "/metrics", "GET")[1]


def test_other_requests(hook: Webhook) -> None:
    assert post(hook.address, "", "/healthz", "GET") == (200, "ok\n")
    assert post(hook.address, "", "/x", "GET")[0] == 404
    assert post(hook.address, "", **{"Content-Length": str(2**40)})[0] == 413
    assert post(hook.address, "", **{"Content-Length": "x"})[0] == 411
    assert hook.received == 0


def test_serving_over_tls(tmp_path: Path, rules: str) -> None:
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    order = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, "-keyout", str(key), "-out", str(cert)]
    made = subprocess.run(order, capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no openssl here to make a certificate")
    process = started("serve", "--listen", "127.0.0.1:0", "--cert", str(cert), "--key", str(key), "--rules", rules)
    try:
        assert process.stderr is not None
        assert process.stdout is not None
        said = process.stderr.readline()
        assert said.startswith("listening on 127.0.0.1:"), said
        port = int(said.split()[2].rpartition(":")[2])
        with pytest.raises((ConnectionError, http.client.HTTPException, TimeoutError)):
            post(("127.0.0.1", port), LIST)  # no TLS
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=ssl.create_default_context(cafile=str(cert)))
        connection.request("POST", "/", LIST)
        assert connection.getresponse().status == 200
        connection.close()
        alerts = [json.loads(process.stdout.readline()) for _ in range(4)]
        assert [(alert["rule"], alert["event_index"]) for alert in alerts] == [
            ("Reads a secret", 0), ("Anything", 0), ("Reads a secret", 1), ("Anything", 1),
        ]  # fmt: skip
    finally:
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=30)
    assert process.returncode == 0, rest
    assert "2 events" in rest


def test_plain_http_is_for_loopback_only() -> None:
    result = seawall("serve", "--listen", "0.0.0.0:0", "--plain")
    assert "loopback" in result.stderr
    assert result.returncode == 2


def test_a_slow_client_holds_up_nobody(hook: Webhook) -> None:
    connection = http.client.HTTPConnection(*hook.address, timeout=20)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", "100")
    connection.endheaders(b"x")
    other = threading.Thread(target=post, args=(hook.address, LIST))
    other.start()
    other.join(10)
    deadline = time.monotonic() + 10
    while not hook.received and time.monotonic() < deadline:
        time.sleep(0.01)
    connection.close()
    assert hook.received == 1
