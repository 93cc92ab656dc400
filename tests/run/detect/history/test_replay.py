"""History raises what the stream raises: with Falco's audit rules, our own, and rules that remember; and every event is stored once."""

import runpy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.app.detect import Detection, Options, Rules, built_in_rules, judged_rules
from seawall.io.sources.audit import Block
from seawall.run.detect.engine.alert import Alert
from seawall.run.detect.history.columns import COLUMNS, LISTS, recorder, stored
from seawall.run.detect.history.importing import Imported, import_events, store_at
from seawall.run.detect.language import RuleFile, compile_condition, compile_rules
from seawall.run.detect.language.tree import Field

pytest.importorskip("duckdb", reason="history is an extra")
pytest.importorskip("ibis", reason="history is an extra")
pytest.importorskip("pyarrow", reason="history is an extra")

from seawall.run.detect.history.backtest import backtest
from seawall.run.detect.history.replay import TIMELESS, HistorySource, Replay, Span
from seawall.run.detect.history.suggestions import suggest

_TOOLS: Any = runpy.run_path(str(Path(__file__).parent / "events.py"))
decoded, lines = _TOOLS["decoded"], _TOOLS["lines"]

FALCO_AUDIT = Path(__file__).parents[5] / "shared" / "data" / "falco-rules" / "k8s_audit_rules.yaml"

COUNTING = """
- rule: Many
  desc: d
  condition: ka.verb in (get, GET, pods, create)
  output: "%ka.user.name %jevt.value[/annotations/other~1x] %ka.uri.param[command] %evt.time %jevt.rawtime"
  priority: INFO
  source: k8s_audit
  window: 3d
  threshold: 2
  count_by: [ka.user.name]
- rule: New
  desc: d
  condition: ka.user.name exists
  output: "%ka.user.name %ka.user.groups[0] %ka.user.groups"
  priority: INFO
  source: k8s_audit
  unless_seen: {key: [ka.user.name, ka.target.name], for: 12h}
- rule: Then
  desc: d
  condition: ka.target.resource exists
  output: "%ka.target.pod.name %jevt.value[/requestObject/spec/type]"
  priority: INFO
  source: k8s_audit
  sequence: [ka.target.resource = pods, ka.target.resource = secrets]
  window: 2h
- rule: Inexact
  desc: d
  condition: jevt.value[/requestObject/spec/type] exists or ka.useragent icontains "İ" or tolower(ka.verb) = get
  output: "%ka.req.configmap.obj %ka.resp.name"
  priority: INFO
  source: k8s_audit
"""


def rules(*texts: str) -> Rules:
    compiled = compile_rules([RuleFile(f"{number}", text) for number, text in enumerate(texts)])
    assert not compiled.errors, compiled.errors
    return judged_rules(compiled)


def imported(directory: Path, texts: Iterable[bytes]) -> Imported:
    counts = Imported()
    problems = list(import_events(store_at(str(directory)), [Block("log", 1, list(texts))], counts))
    assert len(problems) == counts.malformed
    return counts


def key(alert: Alert) -> Any:
    return alert.time, alert.rule, alert.priority, alert.output, alert.message, alert.tags, repr(alert.output_fields)


def streamed(judged: Rules, texts: list[bytes]) -> list[Any]:
    found = Detection(judged, Options(arrival=TIMELESS)).run([Block("log", 1, texts)])
    return sorted(key(alert) for alert in found if isinstance(alert, Alert))


def replayed(judged: Rules, store: Path, **options: Any) -> list[Any]:
    return sorted(key(alert) for alert in Replay(store_at(str(store)), judged.judged, **options).alerts())


def in_time_order(texts: list[bytes]) -> list[bytes]:
    from seawall.run.detect.history.columns import SOURCE

    times = [SOURCE.time(event) or 2**62 for event in decoded(texts)]
    return [text for _, text in sorted(zip(times, texts, strict=True), key=lambda pair: pair[0])]


@pytest.fixture(scope="module")
def log() -> list[bytes]:
    return in_time_order(lines(400, seed=7))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, log: list[bytes]) -> Path:
    directory = tmp_path_factory.mktemp("history") / "store"
    half = len(log) // 2
    assert imported(directory, log[:half]).added == half
    counts = imported(directory, log)  # the first half comes again
    assert (counts.added, counts.known) == (len(log) - half, half)
    return directory


def test_the_same_alerts_with_falcos_audit_rules(store: Path, log: list[bytes]) -> None:
    if not FALCO_AUDIT.exists():
        pytest.skip("Falco's rules are not here")
    judged = rules(FALCO_AUDIT.read_text())
    assert replayed(judged, store) == streamed(judged, log) != []


def test_the_same_alerts_with_our_rules(store: Path, log: list[bytes]) -> None:
    compiled = compile_rules(built_in_rules())
    judged = judged_rules(compiled)
    assert replayed(judged, store) == streamed(judged, log) != []


def test_the_same_alerts_with_rules_that_remember(store: Path, log: list[bytes]) -> None:
    judged = rules(COUNTING)
    found = replayed(judged, store)
    assert {alert[1] for alert in found} == {"Many", "New", "Then", "Inexact"}
    assert found == streamed(judged, log)


PIECES = ("ka.verb = get", "ka.user.name startswith system:", "ka.target.resource in (pods, secrets)", "ka.user.groups intersects (get, default)",
          "ka.useragent icontains ALICE", "jevt.value[/requestObject/rules] exists", "ka.response.code >= 300", "ka.target.name pmatch (/etc)",
          "ka.uri.param[command] = sh", "len(ka.user.groups) > 1", "ka.req.pod.containers.image glob anyof ('a*', 'ngin*')")  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(("and", "or", "and not")), st.sampled_from(PIECES)), min_size=1, max_size=3))
def test_the_same_alerts_with_any_rules(store: Path, log: list[bytes], parts: list[tuple[str, str, str]]) -> None:
    rule = '- {{rule: r{0}, desc: d, source: k8s_audit, priority: INFO, output: "%ka.auditid %ka.verb", condition: "{1}"}}'
    judged = rules("\n".join(rule.format(number, " ".join(part)) for number, part in enumerate(parts)))
    assert replayed(judged, store) == streamed(judged, log)


def test_a_span_of_time(store: Path) -> None:
    judged = rules(COUNTING.split("- rule: New", maxsplit=1)[0].replace("window: 3d", "window: 30d").replace("threshold: 2", "threshold: 1"))
    everything = replayed(judged, store)
    day = 86_400_000_000_000
    first = 1_793_491_200_000_000_000  # 2026-11-01
    days = [replayed(judged, store, span=Span(first + number * day, first + (number + 1) * day)) for number in range(3)]
    timed = [alert for alert in everything if not alert[0].startswith("1970")]
    assert sorted(alert for day_ in days for alert in day_) == timed
    assert all(days)
    assert replayed(judged, store, span=Span(first + 9 * day)) == []


def test_columns_hold_what_the_stream_sees() -> None:
    from seawall.run.detect.engine.operands import shaping
    from seawall.run.detect.history.columns import SOURCE

    record = recorder()
    names = [column.name for column in COLUMNS]
    escaped = b'{"auditID":"1","verb":"create","requestObject":{"sp\\u0065c":{"cont\\u0061iners":[{"image":"x"}]}},"us\\u0065r":{"username":"a"}}'
    for event in decoded([*lines(150, seed=3), escaped]):
        row = dict(zip(names, record(event), strict=True))
        for field in _all_fields():
            place = stored(field)
            assert place is not None
            assert (place.column in LISTS) == place.is_list
            expected = shaping(field, SOURCE.name)(SOURCE.getter(field.name, field.argument).get(event))
            assert row[place.column] == expected, field


def _all_fields() -> list[Field]:
    from seawall.run.events.fields import Argument, known

    plain = [Field(info.name) for info in known("k8s_audit").values() if info.argument in (Argument.NONE, Argument.OPTIONAL_NUMBER)]
    pointers = [
        Field("jevt.value", pointer)
        for pointer in ("/stage", "verb", "/user/username", "/objectRef/apiGroup", "/sourceIPs/0", "/responseStatus/code")
    ]
    return [field for field in (*plain, *pointers) if stored(field) is not None]


def test_fields_that_are_columns_need_no_text() -> None:
    source = HistorySource(["verb", "uri"])
    assert not source.getter("ka.verb", None).slow
    assert not source.getter("ka.uri.param", "command").slow
    assert source.getter("jevt.value", "/annotations/other~1x").slow


def test_what_an_exception_would_have_done(store: Path) -> None:
    text = COUNTING[COUNTING.index("- rule: Inexact") :]
    judged = rules(text)
    exception, errors = compile_condition("ka.verb in (get, GET)", source="k8s_audit")
    assert not errors
    found = backtest(store_at(str(store)), judged.judged, exception=exception)
    (outcome,) = found.outcomes
    changed = rules(text.replace("condition: ", "condition: (").replace("= get\n", "= get) and not ka.verb in (get, GET)\n"))
    assert found.events == 400
    assert outcome.fired == len(replayed(judged, store)) == sum(outcome.days.values())
    assert outcome.remaining == len(replayed(changed, store))
    assert 0 < outcome.removed < outcome.fired
    assert outcome.added == 0
    assert [alert.output_fields["evt.time"] > 0 for alert in outcome.removed_examples] == [True] * 3


def test_an_exception_to_a_rule_that_counts(store: Path) -> None:
    """With fewer events to count, the rule fires elsewhere; the twin has a memory of its own."""
    text = COUNTING.split("- rule: New", maxsplit=1)[0]
    exception, _ = compile_condition("ka.useragent = get or ka.target.name exists", source="k8s_audit")
    (outcome,) = backtest(store_at(str(store)), rules(text).judged, exception=exception).outcomes
    changed = text.replace(
        "ka.verb in (get, GET, pods, create)", "ka.verb in (get, GET, pods, create) and not (ka.useragent = get or ka.target.name exists)"
    )
    assert outcome.remaining == len(replayed(rules(changed), store))
    assert outcome.fired == len(replayed(rules(text), store))


def test_suggested_exceptions_remove_what_they_say(tmp_path: Path) -> None:
    def event(number: int, user: str, name: str) -> bytes:
        return (
            f'{{"auditID":"{number}","stage":"ResponseComplete","verb":"get","user":{{"username":"{user}"}},"stageTimestamp":"2026-11-01T00:00:00Z",'
            f'"objectRef":{{"resource":"secrets","name":"{name}"}}}}'
        ).encode()

    text = "- {rule: Read, desc: d, condition: ka.verb = get, output: '%ka.user.name', priority: INFO, source: k8s_audit}"
    imported(tmp_path / "s", [event(n, 'bob the, \\"backup\\"' if n % 5 else f"user {n}", "tls" if n % 2 else f"other-{n}") for n in range(100)])
    store = store_at(str(tmp_path / "s"))
    (suggestion,) = suggest(store, rules(text).judged)
    assert suggestion.alerts == 100
    assert suggestion.fields == ("ka.user.name",)  # names differ too much to be among the fields
    assert suggestion.values == ((('bob the, "backup"',), 80),)
    assert suggestion.removes == 80
    assert len(replayed(rules(text, suggestion.exception), tmp_path / "s")) == 20
    assert not suggest(store, rules(text.replace("= get", "= list")).judged)


def test_odd_input_is_counted_and_told(tmp_path: Path) -> None:
    counts = Imported()
    block = Block("log", 1, [b'{"auditID":"1","verb":"get"}', b"{broken", b'{"x":1}', b"", b'{"auditID":"1","verb":"get"}'])
    (problem,) = import_events(store_at(str(tmp_path / "s")), [block], counts)
    assert problem.line == 2
    assert (counts.added, counts.known, counts.malformed, counts.other) == (1, 1, 1, 1)
    (alert,) = replayed(rules("- {rule: R, desc: d, condition: ka.verb = get, output: x, priority: INFO, source: k8s_audit}"), tmp_path / "s")
    assert alert[0].startswith("1970-01-01T00:00:00.0")
