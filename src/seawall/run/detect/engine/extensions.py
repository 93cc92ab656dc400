"""What a rule may say beyond Falco's language: counting, order, and what was never seen before.

All of it stands beside ``condition``, which says what events are looked at. Times are those of the events, not of the clock, so that a log gives the
same alerts whenever it is read. Durations are written ``30s``, ``5m``, ``12h``, ``30d``.

    count_by: [FIELD, ...]    the events of one rule fall into groups with the same values of these fields, each judged by itself; absent is a value

    window: 5m                the rule fires when ``threshold`` events of a group fall into that time (with ``distinct``: events with that many
    threshold: 10             different values of a field). It fires on the event that completes the number, and then counts from 0 again.
    distinct: FIELD           An event without the field counts for nothing; one with a list counts for each of its values.

    sequence: [CONDITION, ...]  the rule fires when events of a group fit these conditions one after the other, each a later event than the one
    window: 5m                  before, the last one within ``window`` of the first. Other events may lie between. Macros and lists may be used.

    unless_seen:              the rule fires when the values of these fields are seen for the first time in ``for`` (30 days where it is not
      key: [FIELD, ...]       said). During ``learn`` (no time where it is not said) after the first event of the input, keys are only learnt.
      for: 30d                Every event renews its key.
      learn: 1d

With ``unless_seen`` and ``threshold`` together, only first sightings are counted.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from seawall.run.detect.language import RuleSet, compile_condition
from seawall.run.detect.language.parser import ConditionError, parse_field
from seawall.run.detect.language.tree import CompiledRule, Condition, Field

DAY: Final = 86_400_000_000_000
_UNITS: Final = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": DAY, "w": 7 * DAY}
_DURATION: Final = re.compile(r"(\d{1,9})(ms|s|m|h|d|w)")
MAX_THRESHOLD: Final = 100_000
MAX_STEPS: Final = 32
KEYS: Final = frozenset({"window", "threshold", "distinct", "sequence", "unless_seen", "count_by"})


class ExtensionError(ValueError):
    """What is wrong with an extension, and what to write instead."""


class Counting(Struct, frozen=True):
    window: int
    threshold: int
    distinct: Field | None = None


class Sequence_(Struct, frozen=True):  # noqa: N801 (a sequence of Python is something else)
    steps: tuple[Condition, ...]
    window: int


class FirstSeen(Struct, frozen=True):
    key: tuple[Field, ...]
    memory: int = 30 * DAY
    learn: int = 0


class Extension(Struct, frozen=True):
    """The extensions of a rule, understood. Times are in nanoseconds."""

    count_by: tuple[Field, ...] = ()
    counting: Counting | None = None
    sequence: Sequence_ | None = None
    first_seen: FirstSeen | None = None

    @property
    def fields(self) -> tuple[Field, ...]:
        """What has to be known of an event."""
        distinct = (self.counting.distinct,) if self.counting and self.counting.distinct else ()
        return (*self.count_by, *distinct, *(self.first_seen.key if self.first_seen else ()))


def extension_of(rule: CompiledRule, rules: RuleSet | None = None) -> Extension | None:
    """What a rule says beyond its condition, ``None`` where it says nothing. ``rules`` gives macros and lists. Raises :class:`ExtensionError`."""
    given = rule.extensions
    if not given:
        return None
    window = duration(given["window"]) if "window" in given else None
    count_by = _fields("count_by", given.get("count_by", ()))
    counting = sequence = None
    if "sequence" in given:
        if "threshold" in given or "distinct" in given:
            raise ExtensionError("a rule has either 'sequence' or 'threshold' and 'distinct', not both")
        if window is None:
            raise ExtensionError("'sequence' needs 'window', the time from the first event to the last, such as 5m")
        sequence = Sequence_(_steps(given["sequence"], rule, rules), window)
    elif "threshold" in given or "distinct" in given or window is not None:
        if window is None or "threshold" not in given:
            raise ExtensionError("'window' and 'threshold' are written together: how many events in what time")
        distinct = _field("distinct", given["distinct"]) if "distinct" in given else None
        counting = Counting(window, _threshold(given["threshold"]), distinct)
    first_seen = _first_seen(given["unless_seen"]) if "unless_seen" in given else None
    if count_by and counting is None and sequence is None:
        raise ExtensionError("'count_by' is written with 'threshold' or 'sequence'")
    return Extension(count_by, counting, sequence, first_seen)


def duration(value: Any) -> int:
    """``1h30m`` in nanoseconds."""
    text = str(value).strip()
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ExtensionError(f"{text[:40]!r} is no duration: write a number and s, m, h or d, such as 5m")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def _threshold(value: Any) -> int:
    text = str(value).strip()
    if not text.isdecimal() or not 1 <= int(text) <= MAX_THRESHOLD:
        raise ExtensionError(f"'threshold' is a number from 1 to {MAX_THRESHOLD:,}, not {text[:40]!r}")
    return int(text)


def _field(key: str, value: Any) -> Field:
    try:
        found = parse_field(str(value))
    except ConditionError as error:
        raise ExtensionError(f"'{key}' names a field, not {str(value)[:40]!r}: {error.message}") from None
    if not isinstance(found, Field):
        raise ExtensionError(f"'{key}' names a field, without transformers")
    return Field(found.name, found.argument)


def _fields(key: str, value: Any) -> tuple[Field, ...]:
    return tuple(_field(key, item) for item in ([value] if isinstance(value, str) else value))


def _steps(value: Any, rule: CompiledRule, rules: RuleSet | None) -> tuple[Condition, ...]:
    if isinstance(value, str) or not isinstance(value, (list, tuple)) or not 2 <= len(value) <= MAX_STEPS:
        raise ExtensionError(f"'sequence' is a list of 2 to {MAX_STEPS} conditions")
    steps: list[Condition] = []
    for number, text in enumerate(value, 1):
        condition, errors = compile_condition(str(text), rules, source=rule.source)
        if condition is None or errors:
            raise ExtensionError(f"step {number} of 'sequence': {errors[0].message if errors else 'it is no condition'}")
        steps.append(condition)
    return tuple(steps)


def _first_seen(value: Any) -> FirstSeen:
    if not isinstance(value, Mapping) or not value.get("key"):
        raise ExtensionError("'unless_seen' has 'key', a list of fields, and may have 'for' and 'learn', durations")
    unknown = sorted(set(value) - {"key", "for", "learn"})
    if unknown:
        raise ExtensionError(f"'unless_seen' knows 'key', 'for' and 'learn', not {unknown[0]!r}")
    memory = duration(value["for"]) if "for" in value else 30 * DAY
    return FirstSeen(_fields("key", value["key"]), memory, duration(value["learn"]) if "learn" in value else 0)
