"""From a matching event to what is printed: outputs, deduplication, rates, choice of rules, second deliveries."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from seawall.app.detect import Detection, Options, judged_rules
from seawall.io.sources.audit import Block
from seawall.run.detect.engine.alert import MAX_TEXT, Alert
from seawall.run.detect.engine.choice import Choice
from seawall.run.detect.language import RuleFile, compile_rules

SCHEMA = Path(__file__).parents[5] / "shared" / "schema" / "alert.schema.json"
SECOND = 10**9

RULES = """
- rule: Shell
  desc: d
  condition: proc.name in (sh, bash)
  output: "shell %proc.name by %user.name up %proc.aname[2] as %toupper(proc.name)"
  priority: WARNING
  tags: [shell, T1059]
- rule: Bash
  desc: d
  condition: proc.name = bash
  output: "bash %proc.pid"
  priority: INFO
  tags: [T1059]
- rule: Off
  desc: d
  condition: proc.name = bash
  output: "off"
  priority: DEBUG
  enabled: false
- rule: Cloud
  desc: d
  condition: ka.verb = get
  output: "%ka.user.groups %ka.target.name"
  priority: CRITICAL
  source: k8s_audit
"""


def alerts(events: list[Any], choice: Choice = Choice(), **options: Any) -> list[Alert]:
    compiled = compile_rules([RuleFile("r", RULES)])
    assert not compiled.errors
    detection = Detection(judged_rules(compiled, choice), Options(**options))
    found = list(detection.run([Block("e", 1, [json.dumps(event).encode() for event in events])]))
    assert detection.counts.alerts == len(found)
    return [item for item in found if isinstance(item, Alert)]


def call(name: str, at: int = 0, **more: Any) -> dict[str, Any]:
    return {"evt.type": "execve", "proc.name": name, "evt.rawtime": 1_700_000_000 * SECOND + at * SECOND, **more}


def test_an_alert_is_what_falco_prints() -> None:
    (found,) = alerts([{"x": 1}, {**call("sh"), "user.name": "root", "proc.aname[2]": None}])
    assert found.event_index == 1
    assert found.time == "2023-11-14T22:13:20.000000000Z"
    assert found.message == "shell sh by root up <NA> as SH"
    assert found.output == f"22:13:20.000000000: Warning {found.message}"
    assert found.output_fields == {
        "evt.time": 1_700_000_000 * SECOND, "proc.name": "sh", "user.name": "root", "proc.aname[2]": None, "toupper(proc.name)": "SH",
    }  # fmt: skip
    assert (found.rule, found.priority, found.source, found.tags) == ("Shell", "Warning", "syscall", ("shell", "T1059"))
    if SCHEMA.exists():
        jsonschema.validate(msgspec.json.decode(msgspec.json.encode(found)), json.loads(SCHEMA.read_text()))


def test_every_rule_that_fits_or_only_the_first() -> None:
    assert [alert.rule for alert in alerts([call("bash")])] == ["Shell", "Bash"]
    assert [alert.rule for alert in alerts([call("bash")], first_only=True)] == ["Shell"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(tags=("shell",)), ["Shell"]),
        (Choice(skip_tags=("shell",)), ["Bash"]),
        (Choice(rules=("b*",)), ["Bash"]),
        (Choice(rules=("Off",)), ["Off"]),
        (Choice(skip=("Sh*", "off")), ["Bash"]),
        (Choice(priority="WARNING"), ["Shell"]),
        (Choice(priority="info"), ["Shell", "Bash"]),
        (Choice(tags=("none",)), []),
    ],
)
def test_choice(choice: Choice, expected: list[str]) -> None:
    assert [alert.rule for alert in alerts([call("bash")], choice)] == expected


def test_lists_and_long_values_in_outputs() -> None:
    event = {"auditID": "1", "verb": "get", "user": {"groups": ["a", "b"]}, "objectRef": {"name": "x" * (MAX_TEXT + 5)}}
    (found,) = alerts([event])
    assert found.output_fields["ka.user.groups"] == ("a", "b")
    assert found.message.startswith("(a,b) xxx")
    assert found.message.endswith(f"({MAX_TEXT + 5:,} characters)")


def test_causes_are_put_together_and_counted() -> None:
    events = [call("sh", at, **{"user.name": user}) for at, user in ((0, "a"), (1, "a"), (2, "b"), (3, "a"), (70, "a"), (71, "a"))]
    found = alerts(events, dedup=60 * SECOND)
    assert [(alert.event_index, alert.count) for alert in found] == [(0, msgspec.UNSET), (2, msgspec.UNSET), (3, 2), (4, msgspec.UNSET), (5, 1)]


def test_what_differs_every_time_is_no_other_cause() -> None:
    found = alerts([call("bash", at, **{"proc.pid": at}) for at in range(5)], Choice(rules=("Bash",)), dedup=60 * SECOND)
    assert [(alert.event_index, alert.count) for alert in found] == [(0, msgspec.UNSET), (4, 4)]


def test_rates() -> None:
    found = alerts([call("sh", at) for at in (0, 1, 2, 3, 61)], rate_limit=2, rate=60 * SECOND)
    assert [(alert.event_index, alert.dropped) for alert in found] == [(0, msgspec.UNSET), (1, msgspec.UNSET), (4, 2)]


def test_an_alert_says_how_many_events_were_lost_before_it() -> None:
    detection = Detection(judged_rules(compile_rules([RuleFile("r", RULES)])))
    detection.dropped(3)
    detection.dropped(4)
    lines = [json.dumps(call("sh")).encode()] * 2
    found = [item for item in detection.run([Block("e", 1, lines)]) if isinstance(item, Alert)]
    assert [alert.dropped for alert in found] == [7, msgspec.UNSET]


def test_an_audit_event_that_is_delivered_twice_raises_one_alert() -> None:
    event = {"auditID": "1", "stage": "ResponseComplete", "verb": "get"}
    assert [alert.event_index for alert in alerts([event, event, {**event, "stage": "ResponseStarted"}, {**event, "verb": "list"}])] == [0, 2]
    assert len(alerts([call("sh"), call("sh")])) == 2, "system calls do repeat"


def test_an_event_without_a_time_has_one() -> None:
    (found,) = alerts([{"auditID": "1", "verb": "get"}], arrival=5 * SECOND)
    assert found.time == "1970-01-01T00:00:05.000000000Z"


def test_the_same_cause_has_the_same_finding() -> None:
    one, other, third = alerts([call("sh", 0), call("sh", 9), call("sh", 9, **{"user.name": "x"})])
    assert one.finding == other.finding != third.finding
