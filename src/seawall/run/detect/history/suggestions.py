"""Exceptions for noisy rules, found in what they raised: the few combinations of values that explain most of the alerts.

A good exception is narrow and says who: it names the user (a program may call itself anything) together with what was touched. So candidates are the
user with up to two other fields that differ among the alerts; of those that explain the alerts about equally well the narrowest wins. What happened
rarely is never excepted: that is what a rule is for. An exception is a suggestion: whoever takes it over should know why these alerts are harmless.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import yaml
from msgspec import Struct

from seawall.io.stores.days import DayStore
from seawall.run.detect.engine.detector import Judged
from seawall.run.detect.history.replay import Replay, Span
from seawall.run.detect.language.tree import Field
from seawall.run.detect.language.values import quoted

WHO: Final = "ka.user.name"
WHAT: Final = ("ka.useragent", "ka.verb", "ka.target.resource", "ka.target.namespace", "ka.target.name", "ka.target.subresource", "ka.response.code")

NOISY: Final = 10
"""Fewer alerts of a rule are not worth an exception."""
MAX_VALUES: Final = 5
"""Combinations in one exception."""
MAX_ALERTS: Final = 200_000
"""Of one rule, that are looked at."""
MIN_SHARE: Final = 0.3
"""An exception that explains less of the alerts is not suggested."""
MIN_VALUE_SHARE: Final = 0.05
"""Nor is a combination in it that explains less."""
_ABOUT: Final = 0.1
"""Shares that differ by less are about the same."""


class Suggestion(Struct, frozen=True):
    """``removes`` of the ``alerts`` of a rule would not have been raised with this exception. ``values`` come with their counts, the most frequent
    first; ``exception`` is the YAML that appends it to the rule."""

    rule: str
    alerts: int
    removes: int
    fields: tuple[str, ...]
    values: tuple[tuple[tuple[str, ...], int], ...]
    exception: str


def suggest(store: DayStore, judged: Sequence[Judged], span: Span = Span()) -> list[Suggestion]:
    """Exceptions for the rules that fire often, the noisiest first; not for rules that count, for an exception changes what they count."""
    plain = [each for each in judged if each.extension is None]
    replay = Replay(store, plain, span, also=[Field(name) for name in (WHO, *WHAT)])
    getters = [replay.source.getter(name, None).get for name in (WHO, *WHAT)]
    seen: dict[int, Counter[tuple[Any, ...]]] = {}
    for number, event in replay.fired():
        rows = seen.setdefault(number, Counter())
        if rows.total() < MAX_ALERTS:
            rows[tuple(get(event) for get in getters)] += 1
    found = [_suggestion(replay.judged[number].rule.name, rows) for number, rows in seen.items() if rows.total() >= NOISY]
    return sorted((each for each in found if each is not None), key=lambda each: (-each.alerts, each.rule))


def _suggestion(rule: str, rows: Mapping[tuple[Any, ...], int]) -> Suggestion | None:
    names = (WHO, *WHAT)
    alerts = sum(rows.values())
    differing = [place for place in range(1, len(names)) if len({row[place] for row in rows}) > 1]
    best: tuple[float, tuple[int, ...], list[tuple[tuple[str, ...], int]]] | None = None
    for others in (each for size in (2, 1, 0) for each in combinations(differing, size)):
        values = _frequent(rows, (0, *others), alerts)
        share = sum(count for _, count in values) / alerts
        if best is None or share > best[0] + (_ABOUT if len(others) + 1 < len(best[1]) else 0):
            best = (share, (0, *others), values)
    if best is None or best[0] < MIN_SHARE:
        return None
    _, places, values = best
    fields = tuple(names[place] for place in places)
    return Suggestion(rule, alerts, sum(count for _, count in values), fields, tuple(values), _exception(rule, fields, values))


def _frequent(rows: Mapping[tuple[Any, ...], int], places: Sequence[int], alerts: int) -> list[tuple[tuple[str, ...], int]]:
    counts: Counter[tuple[str, ...]] = Counter()
    for row, count in rows.items():
        values = tuple(row[place] for place in places)
        if all(isinstance(value, str) and value for value in values):
            counts[values] += count
    frequent = [(values, count) for values, count in counts.most_common(MAX_VALUES) if count >= alerts * MIN_VALUE_SHARE]
    return sorted(frequent, key=lambda item: (-item[1], item[0]))


def _exception(rule: str, fields: Sequence[str], values: Sequence[tuple[tuple[str, ...], int]]) -> str:
    rows = [[quoted(value) for value in each] for each, _ in values]  # a bare word might be the name of a list
    exception = {"name": "suggested_by_history", "fields": list(fields), "comps": ["="] * len(fields), "values": rows}
    item = {"rule": rule, "exceptions": [exception], "override": {"exceptions": "append"}}
    return yaml.safe_dump([item], sort_keys=False, allow_unicode=True, width=150)
