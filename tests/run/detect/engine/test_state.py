"""Windows, sequences and first sightings, against slow twins that remember everything."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.app.detect import Detection, judged_rules
from seawall.io.sources.audit import Block
from seawall.run.detect.engine.alert import Alert
from seawall.run.detect.engine.extensions import Counting, Extension, ExtensionError, FirstSeen, Sequence_, duration, extension_of
from seawall.run.detect.engine.state import Memory
from seawall.run.detect.language import RuleFile, compile_rules
from seawall.run.detect.language.tree import Check, CompiledRule, Field

KEY, VALUE = Field("proc.name"), Field("fd.name")
STEP = Check(KEY, "exists")
EVENTS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from("ab"), st.sampled_from([None, "x", "y", "z"])), max_size=40)


def in_time(events: list[tuple[int, str, str | None]]) -> list[tuple[int, str, str | None]]:
    return sorted(events, key=lambda event: event[0])


def fired(memory: Memory, events: list[tuple[int, str, str | None]], steps: Any = lambda _: ()) -> list[int]:
    def values(event: tuple[int, str, str | None]) -> Any:
        return {KEY: event[1], VALUE: event[2]}

    return [number for number, event in enumerate(events) if memory.fires(event[0], values(event), steps(event))]


@settings(max_examples=200, deadline=None)
@given(EVENTS.map(in_time), st.integers(1, 4), st.integers(0, 10))
def test_counting(events: list[tuple[int, str, str | None]], threshold: int, window: int) -> None:
    seen: dict[str, list[int]] = {}
    expected = []
    for number, (time, key, _) in enumerate(events):
        times = [moment for moment in seen.get(key, []) if time - moment <= window] + [time]
        if len(times) >= threshold:
            expected.append(number)
            times = []
        seen[key] = times
    assert fired(Memory(Extension((KEY,), counting=Counting(window, threshold))), events) == expected


@settings(max_examples=200, deadline=None)
@given(EVENTS.map(in_time), st.integers(1, 3), st.integers(0, 10))
def test_distinct_values(events: list[tuple[int, str, str | None]], threshold: int, window: int) -> None:
    seen: dict[str, list[tuple[int, str]]] = {}
    expected = []
    for number, (time, key, value) in enumerate(events):
        if value is None:
            continue
        pairs = [pair for pair in seen.get(key, []) if time - pair[0] <= window] + [(time, value)]
        if len({each for _, each in pairs}) >= threshold:
            expected.append(number)
            pairs = []
        seen[key] = pairs
    assert fired(Memory(Extension((KEY,), counting=Counting(window, threshold, VALUE))), events) == expected


@settings(max_examples=200, deadline=None)
@given(EVENTS.map(in_time), st.integers(0, 12))
def test_sequences(events: list[tuple[int, str, str | None]], window: int) -> None:
    """x, then y, then z of one group; the twin looks at all combinations since the last time it fired."""
    since: dict[str, int] = {}
    expected = []
    for number, (time, key, value) in enumerate(events):
        past = [each for each in events[since.get(key, 0) : number] if each[1] == key]
        if value == "z" and any(
            one[2] == "x" and other[2] == "y" and time - one[0] <= window for place, one in enumerate(past) for other in past[place + 1 :]
        ):
            expected.append(number)
            since[key] = number + 1
    memory = Memory(Extension((KEY,), sequence=Sequence_((STEP, STEP, STEP), window)))
    assert fired(memory, events, lambda event: [event[2] == "x", event[2] == "y", event[2] == "z"]) == expected


@settings(max_examples=200, deadline=None)
@given(EVENTS.map(in_time), st.integers(0, 10), st.integers(0, 5))
def test_first_sightings(events: list[tuple[int, str, str | None]], memory: int, learn: int) -> None:
    last: dict[tuple[str, str | None], int] = {}
    expected = []
    for number, (time, key, value) in enumerate(events):
        known = (key, value) in last and time - last[key, value] <= memory
        last[key, value] = time
        if not known and time >= events[0][0] + learn:
            expected.append(number)
    assert fired(Memory(Extension(first_seen=FirstSeen((KEY, VALUE), memory, learn))), events) == expected


def test_late_events_count_where_they_belong() -> None:
    memory = Memory(Extension(counting=Counting(10, 3)))
    assert fired(memory, [(100, "a", None), (95, "a", None), (104, "a", None)]) == [2]
    memory = Memory(Extension(counting=Counting(10, 3)))
    assert fired(memory, [(100, "a", None), (50, "a", None), (104, "a", None)]) == []


def test_what_is_remembered_is_bounded_and_the_loss_counted() -> None:
    memory = Memory(Extension((KEY,), counting=Counting(10, 2)), limit=10)
    assert not any(memory.fires(0, {KEY: f"k{number}"}, ()) for number in range(25))
    assert memory.forgotten == 15


RULES = """
- macro: opens
  condition: evt.type in (open, openat)
- rule: Many files
  desc: d
  condition: opens
  output: "%proc.name %fd.name"
  priority: WARNING
  count_by: [proc.name]
  window: 1m
  threshold: 3
  distinct: fd.name
- rule: Read then sent
  desc: d
  condition: evt.type exists
  output: "%proc.name"
  priority: CRITICAL
  count_by: [proc.pid]
  window: 30s
  sequence:
    - opens and fd.name = /etc/shadow
    - evt.type = connect
- rule: New program
  desc: d
  condition: evt.type = execve
  output: "%proc.name"
  priority: NOTICE
  unless_seen: {key: [proc.name], for: 1h}
"""


def test_rules_with_a_memory_from_file_to_alert() -> None:
    compiled = compile_rules([RuleFile("r", RULES)])
    assert not compiled.errors
    rules = judged_rules(compiled)
    assert not rules.errors
    second = 10**9
    calls = [
        ("execve", "cat", "", 0), ("open", "cat", "/a", 1), ("openat", "cat", "/a", 2), ("open", "cat", "/b", 3), ("open", "dd", "/c", 3),
        ("open", "cat", "/etc/shadow", 4), ("connect", "cat", "", 5), ("execve", "cat", "", 6), ("connect", "cat", "", 7), ("execve", "nc", "", 8),
    ]  # fmt: skip
    lines = [
        json.dumps({"evt.type": kind, "proc.name": name, "fd.name": path, "proc.pid": 7, "evt.rawtime": (at + 1) * second}).encode()
        for kind, name, path, at in calls
    ]
    whole = [(item.rule, item.event_index) for item in Detection(rules).run([Block("e", 1, lines)]) if isinstance(item, Alert)]
    assert whole == [("New program", 0), ("Many files", 5), ("Read then sent", 6), ("New program", 9)]
    apart = Detection(rules)
    found = [item for line in lines for item in apart.run([Block("e", 1, [line])], live=True)]
    assert [(item.rule, item.event_index) for item in found if isinstance(item, Alert)] == whole


@pytest.mark.parametrize(
    ("extensions", "what"),
    [
        ({"window": "5m"}, "threshold"),
        ({"threshold": "3"}, "window"),
        ({"window": "5 minutes", "threshold": "3"}, "no duration"),
        ({"window": "5m", "threshold": "0"}, "from 1"),
        ({"window": "5m", "threshold": "3", "distinct": "a b"}, "field"),
        ({"sequence": ["evt.type=open", "evt.type=read"]}, "window"),
        ({"sequence": ["evt.type=open"], "window": "5m"}, "2 to"),
        ({"sequence": ["evt.type=open", "evt.typ=read"], "window": "5m"}, "step 2"),
        ({"sequence": ["evt.type=open", "evt.type=read"], "window": "5m", "threshold": "2"}, "not both"),
        ({"unless_seen": {"for": "1d"}}, "key"),
        ({"unless_seen": {"key": ["proc.name"], "unless": "1d"}}, "unless"),
        ({"count_by": ["proc.name"]}, "written with"),
    ],
)
def test_wrong_extensions_are_told(extensions: dict[str, Any], what: str) -> None:
    rule = CompiledRule("R", "syscall", STEP, "o", "INFORMATIONAL", extensions=extensions)
    with pytest.raises(ExtensionError, match=what):
        extension_of(rule)


def test_durations() -> None:
    assert duration("1h30m") == 5400 * 10**9
    assert duration("30d") == 30 * 86400 * 10**9
