"""Less noise without silence: alerts of one cause are put together and counted, and rules that never stop are slowed down.

``Quiet(dedup, rate).pass_on(alert, time)`` gives what is to be printed at this moment; ``Quiet.rest()`` what is still to be said at the end.

* Put together: the first alert of a cause is printed at once. Those that follow within ``dedup`` are counted, and one more alert at the end of that
  time, the last of them, tells with ``count`` how many there were. A cause is the rule with the fields that its output names, without those that
  differ each time: numbers of processes, times, ids of requests, ports of clients.
* Slowed down: a rule gives at most ``limit`` alerts in ``rate`` of time. The next one that passes tells with ``dropped`` how many did not.

Times are those of the events.
"""

import re
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import UNSET, Struct

from seawall.run.detect.engine.alert import Alert

MAX_CAUSES: Final = 50_000
_VOLATILE: Final = re.compile(
    r"evt\.(?!type|arg|dir|res)|.*\.(?:[apv]*pid|tid|vtid|ts|duration|cport|lport|auditid|sid)(?:\[|$)|ka\.auditid|jevt\.(?:raw)?time"
).match


class _Cause(Struct):
    until: int
    count: int = 0
    last: Alert | None = None


class Quiet:
    """Keeps alerts back. ``dedup`` and ``rate`` are in nanoseconds, 0 for not at all."""

    def __init__(self, dedup: int = 0, limit: int = 0, rate: int = 0) -> None:
        self._dedup = dedup
        self._limit = limit
        self._rate = rate
        self._causes: OrderedDict[Hashable, _Cause] = OrderedDict()
        self._passed: dict[str, deque[int]] = {}
        self._held: dict[str, int] = {}

    def pass_on(self, alert: Alert, time: int) -> Iterator[Alert]:
        """What is to be printed now: summaries that are due, and the alert, unless it is kept back."""
        yield from self._due(time)
        if self._dedup and not self._is_first(alert, time):
            return
        if self._limit and not self._may_pass(alert.rule, time):
            self._held[alert.rule] = self._held.get(alert.rule, 0) + 1
            return
        held = self._held.pop(alert.rule, 0)
        yield msgspec.structs.replace(alert, dropped=held + (alert.dropped or 0 if alert.dropped is not UNSET else 0)) if held else alert

    def rest(self) -> Iterator[Alert]:
        """Summaries of what was kept back, at the end of the input."""
        for cause in self._causes.values():
            yield from _summary(cause)
        self._causes.clear()

    @property
    def held(self) -> int:
        """Alerts over the rate that no later alert told of."""
        return sum(self._held.values())

    def _due(self, time: int) -> Iterator[Alert]:
        while self._causes:
            key, cause = next(iter(self._causes.items()))
            if cause.until > time and len(self._causes) <= MAX_CAUSES:
                return
            del self._causes[key]
            yield from _summary(cause)

    def _is_first(self, alert: Alert, time: int) -> bool:
        key = cause_of(alert)
        cause = self._causes.get(key)
        if cause is None:
            self._causes[key] = _Cause(time + self._dedup)
            return True
        cause.count += 1
        cause.last = alert
        return False

    def _may_pass(self, rule: str, time: int) -> bool:
        passed = self._passed.setdefault(rule, deque(maxlen=self._limit))
        if len(passed) == self._limit and time - passed[0] < self._rate:
            return False
        passed.append(time)
        return True


def _summary(cause: _Cause) -> Iterator[Alert]:
    if cause.last is not None:
        yield msgspec.structs.replace(cause.last, count=cause.count)


def cause_of(alert: Alert) -> Hashable:
    """What alerts of one cause have in common."""
    return alert.rule, alert.source, tuple((key, str(value)) for key, value in alert.output_fields.items() if not _is_volatile(key))


@lru_cache(4096)
def _is_volatile(key: str) -> bool:
    return _VOLATILE(key) is not None
