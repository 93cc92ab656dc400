"""What an exception would have done: "this rule fired 14 times last week, this exception would have removed 12".

Every rule runs twice over the same events, as it is and with ``and not (exception)``, each with a memory of its own; so the answer is right for rules
that count, too, where one event fewer may be one alert fewer, or none.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct, field, structs

from seawall.io.stores.days import DayStore, day_of
from seawall.run.detect.engine.alert import Alert
from seawall.run.detect.engine.detector import Judged
from seawall.run.detect.history.replay import Replay, Span
from seawall.run.detect.language.tree import And, Condition, Not

EXAMPLES: Final = 3


class Outcome(Struct):
    """What became of one rule. ``removed`` alerts would not have been raised with the exception, ``added`` only with it (a rule that counts may reach
    its threshold elsewhere). ``days`` counts the alerts of each day as the rule is."""

    rule: str
    fired: int = 0
    removed: int = 0
    added: int = 0
    days: dict[str, int] = field(default_factory=dict)
    examples: list[Alert] = field(default_factory=list)
    removed_examples: list[Alert] = field(default_factory=list)

    @property
    def remaining(self) -> int:
        return self.fired - self.removed + self.added


class Backtest(Struct):
    events: int
    outcomes: list[Outcome]


def backtest(store: DayStore, judged: Sequence[Judged], span: Span = Span(), exception: Condition | None = None) -> Backtest:
    """Run the rules over the store, with and without the exception. Of what remains and of what is removed, the first alerts are examples."""
    changed = [] if exception is None else [_without(each, exception) for each in judged]
    replay = Replay(store, [*judged, *changed], span)
    outcomes = [Outcome(each.rule.name) for each in replay.judged[: len(replay.judged) // (2 if changed else 1)]]
    for day, fired, still in _by_event(replay, len(outcomes), has_twin=bool(changed)):
        for number, alert in fired.items():
            outcome = outcomes[number]
            outcome.fired += 1
            outcome.days[day] = outcome.days.get(day, 0) + 1
            is_removed = bool(changed) and number not in still
            outcome.removed += is_removed
            kept = outcome.removed_examples if is_removed else outcome.examples
            if len(kept) < EXAMPLES:
                kept.append(alert)
        for number in still - fired.keys():
            outcomes[number].added += 1
    return Backtest(replay.events, outcomes)


def _without(judged: Judged, exception: Condition) -> Judged:
    return Judged(structs.replace(judged.rule, condition=And((judged.rule.condition, Not(exception)))), judged.extension)


def _by_event(replay: Replay, rules: int, *, has_twin: bool) -> Iterator[tuple[str, dict[int, Alert], frozenset[int]]]:
    """For each event that raised something: its day, the alerts of the rules as they are, and the rules that fired with the exception."""
    index, day, fired, still = -1, "", dict[int, Alert](), set[int]()
    for number, event in replay.fired():
        if event.index != index:
            if fired or still:
                yield day, fired, frozenset(still)
            index, day, fired, still = event.index, day_of(event.time), {}, set()
        if has_twin and number >= rules:
            still.add(number - rules)
        else:
            fired[number] = replay.alert(number, event)
    if fired or still:
        yield day, fired, frozenset(still)


def total(backtest_: Backtest) -> Counter[str]:
    """``fired``, ``removed`` and ``added`` of all rules together."""
    counts: Counter[str] = Counter()
    for outcome in backtest_.outcomes:
        counts.update(fired=outcome.fired, removed=outcome.removed, added=outcome.added)
    return counts
