"""Detection as the commands use it: rule files to rules, targets to events, both to alerts.

rules = load_rules(paths)                       # built-in ones where no path is given
detection = Detection(rules, Options(...))
for item in detection.run(read(targets)):       # alerts and problems, in the order of the input
    ...
detection.counts                                # what was read, and what it came to
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from importlib.resources import files as package_files
from itertools import chain
from pathlib import Path
from typing import Any, Final

from msgspec import UNSET, Struct, structs

from seawall.core.errors import InputError
from seawall.io.sources.audit import Block
from seawall.io.sources.limits import MAX_FILE_BYTES
from seawall.run.detect.engine.alert import Alert, Writer
from seawall.run.detect.engine.choice import Choice, chosen
from seawall.run.detect.engine.detector import Detector, Judged, fields_to_remember
from seawall.run.detect.engine.extensions import ExtensionError, extension_of
from seawall.run.detect.engine.noise import Quiet, cause_of
from seawall.run.detect.engine.operands import canonical, fields_of
from seawall.run.detect.language import RuleFile, RuleSet, compile_rules
from seawall.run.detect.language.fields import checks
from seawall.run.detect.language.tree import CompiledRule, Condition, Message
from seawall.run.events.audit.decode import AuditDecoder
from seawall.run.events.audit.model import AuditEvent
from seawall.run.events.audit.source import AuditSource, parts_of
from seawall.run.events.reading import EventReader
from seawall.run.events.source import Source
from seawall.run.events.syscall.source import SyscallSource

BUILT_IN: Final = "seawall.run.detect.rules"
BATCH_EVENTS: Final = 8192
"""Events that are judged at once: enough for columns to be worth it, few enough to hold."""
MAX_REMEMBERED_EVENTS: Final = 100_000
"""Audit events that raised alerts, by id, to know a second delivery of them."""


class Options(Struct, frozen=True, kw_only=True):
    """How alerts are chosen and quietened. Durations are in nanoseconds; ``arrival`` is the time of events that have none, 0 for now."""

    choice: Choice = Choice()
    first_only: bool = False
    dedup: int = 0
    rate_limit: int = 0
    rate: int = 0
    arrival: int = 0


class Counts(Struct):
    """What was read. ``malformed`` lines are no JSON, ``other`` values no events, ``unfinished`` lines not yet written to their end."""

    events: int = 0
    alerts: int = 0
    malformed: int = 0
    other: int = 0
    unfinished: int = 0
    duplicates: int = 0


class Rules(Struct, frozen=True):
    """Rules that can judge, and what is wrong with the others."""

    judged: tuple[Judged, ...]
    errors: tuple[Message, ...]
    warnings: tuple[Message, ...] = ()


def built_in_rules() -> list[RuleFile]:
    """The rule files that come with Seawall: what rules share first, then by name."""
    folder = package_files(BUILT_IN.rpartition(".")[0]).joinpath(BUILT_IN.rpartition(".")[2])
    names = [item for item in folder.iterdir() if item.name.endswith(".yaml")]
    names.sort(key=lambda item: ("macros" not in item.name, item.name))
    return [RuleFile(item.name, item.read_text(encoding="utf-8")) for item in names]


def rule_files(paths: Sequence[str]) -> list[RuleFile]:
    """Rule files in this order, of a directory all of its YAML files by name. Raises ``InputError``."""
    found: list[RuleFile] = []
    for path in paths:
        place = Path(path)
        try:
            members = sorted(item for item in place.iterdir() if item.suffix in (".yaml", ".yml")) if place.is_dir() else [place]
            for member in members:
                if member.is_file() and member.stat().st_size > MAX_FILE_BYTES:
                    raise InputError(str(member), f"is over the limit of {MAX_FILE_BYTES // 2**20} MiB")
                found.append(RuleFile(str(member), member.read_text(encoding="utf-8")))
        except OSError as error:
            raise InputError(path, error.strerror or "cannot be read") from None
        except ValueError as error:
            raise InputError(path, f"is no text ({error})") from None
    return found


def load_rules(paths: Sequence[str], choice: Choice = Choice()) -> Rules:
    """The rules of these files, or the built-in ones, as chosen. Those with errors are left out, and the errors told."""
    return judged_rules(compile_rules(rule_files(paths) if paths else built_in_rules()), choice)


def judged_rules(rules: RuleSet, choice: Choice = Choice()) -> Rules:
    """What of a rule set judges."""
    errors = list(rules.errors)
    judged: list[Judged] = []
    for rule in chosen(rules.rules, choice):
        try:
            judged.append(Judged(rule, extension_of(rule, rules)))
        except ExtensionError as error:
            errors.append(Message(rule.file, rule.line, rule.column, f"rule {rule.name}", str(error), "bad-extension"))
    return Rules(tuple(judged), tuple(errors), tuple(rules.warnings))


class Detection:
    """Judges a whole input. One is for one input: it counts, and remembers."""

    def __init__(self, rules: Rules, options: Options = Options()) -> None:
        self.counts = Counts()
        self.rules = rules
        self._options = options
        self._quiet = Quiet(options.dedup, options.rate_limit, options.rate)
        self._audit = _AuditSide(rules.judged, options)
        self._syscall = _Side(rules.judged, SyscallSource(), options)
        self._reader = EventReader(parts_of((field.name, field.argument) for field in self._audit.fields))
        self._delivered: OrderedDict[tuple[str, str | None], int] = OrderedDict()
        self._dropped = 0

    def run(self, blocks: Iterable[Block | InputError], *, live: bool = False) -> Iterator[Alert | InputError]:
        """Alerts in the order of the input, and what could not be read. ``live`` events are judged as they come, others many at a time."""
        for block in blocks:
            if isinstance(block, InputError):
                yield block
                continue
            yield from self.take(block)
            if live or self._audit.waiting + self._syscall.waiting >= BATCH_EVENTS:
                yield from self.judge()
        yield from self.finish()

    def dropped(self, number: int) -> None:
        """So many events were lost; the next alert says so."""
        self._dropped += number

    def take(self, block: Block) -> Iterator[InputError]:
        """Read some lines, to be judged later. Gives what is wrong with them."""
        events = self._reader.read(block.lines)
        self.counts.events += len(events.audit) + len(events.syscall)
        self.counts.other += events.other
        for malformed in events.malformed:
            if block.cut and malformed.line == len(block.lines) - 1:
                self.counts.unfinished += 1
                continue
            self.counts.malformed += 1
            yield InputError(block.log, malformed.reason, block.number(malformed.line))
        self._audit.take(events.audit, events.audit_index)
        self._syscall.take(events.syscall, events.syscall_index)

    def judge(self) -> Iterator[Alert]:
        """What the events that were taken raise."""
        mixed = self._audit.waiting and self._syscall.waiting
        found: Iterable[tuple[Alert, int]] = chain(self._audit.judge(self._is_duplicate), self._syscall.judge())
        if mixed:
            found = sorted(found, key=lambda pair: pair[0].event_index)
        for alert, moment in found:
            yield from self._passed(alert, moment)

    def finish(self) -> Iterator[Alert]:
        """What is still to be judged, and to be said, at the end."""
        yield from self.judge()
        for alert in self._quiet.rest():
            self.counts.alerts += 1
            yield alert

    @property
    def forgotten(self) -> int:
        """Groups of events that rules had to forget."""
        return self._audit.detector.forgotten + self._syscall.detector.forgotten

    @property
    def held(self) -> int:
        """Alerts over the rate that no alert told of."""
        return self._quiet.held

    def _passed(self, alert: Alert, moment: int) -> Iterator[Alert]:
        if self._dropped:
            alert = structs.replace(alert, dropped=self._dropped)
        for each in self._quiet.pass_on(alert, moment):
            if each.dropped is not UNSET:
                self._dropped = 0
            self.counts.alerts += 1
            yield each

    def _is_duplicate(self, event: AuditEvent) -> bool:
        """Whether this very event, to the letter, raised alerts before: webhooks and collectors deliver some events twice."""
        key, text = (event.auditID, event.stage), hash(event.line)
        if self._delivered.get(key) == text:
            self.counts.duplicates += 1
            return True
        self._delivered[key] = text
        if len(self._delivered) > MAX_REMEMBERED_EVENTS:
            self._delivered.popitem(last=False)
        return False


class _Side:
    """The rules on the events of one source, and the events that wait to be judged."""

    def __init__(self, rules: Sequence[Judged], source: Source, options: Options) -> None:
        self.source = source
        mine = [judged for judged in rules if judged.rule.source == source.name]
        self.detector = Detector(mine, source, first_only=options.first_only)
        self._writers = [Writer(judged.rule, source) for judged in mine]
        self._columns = self.detector.columns()
        self._batch = self._columns.batch()
        self._index: list[int] = []
        self._arrival = options.arrival
        conditions: list[Condition] = [judged.rule.condition for judged in mine]
        conditions.extend(step for judged in mine if judged.extension and judged.extension.sequence for step in judged.extension.sequence.steps)
        named = [field for condition in conditions for field in _fields_in(condition)]
        self.fields = {canonical(field, source.name) for field in (*named, *fields_to_remember(mine))}
        self.printed = {field for writer in self._writers for field in writer.fields}

    @property
    def waiting(self) -> int:
        return self._batch.size

    def take(self, events: Sequence[Any], index: Sequence[int]) -> None:
        if self._writers:
            self._batch.extend(events)
            self._index.extend(index)

    def judge(self, is_duplicate: Callable[[Any], bool] | None = None) -> Iterator[tuple[Alert, int]]:
        """Alerts of all that waits, each with the time of its event."""
        batch, index = self._batch, self._index
        if not batch.size:
            return
        events = batch.events

        def moment(row: int) -> int:
            return self.source.time(events[row]) or self._arrival or time.time_ns()

        row, event = -1, None
        for match in self.detector.judge(batch, moment, None if is_duplicate is None else lambda row: is_duplicate(events[row])):
            if match.row != row:
                row, event = match.row, self.complete(events[match.row])
            at = moment(row)
            alert = self._writers[match.rule].alert(event, index[row], at)
            yield structs.replace(alert, finding=fingerprint_of(alert)), at
        self._batch, self._index = self._columns.batch(), []

    def complete(self, event: Any) -> Any:
        """The event with all that outputs print."""
        return event


class _AuditSide(_Side):
    def __init__(self, rules: Sequence[Judged], options: Options) -> None:
        super().__init__(rules, AuditSource(), options)
        self._complete = AuditDecoder(parts_of((field.name, field.argument) for field in self.printed))

    def complete(self, event: AuditEvent) -> AuditEvent:
        return self._complete.again(event)


def _fields_in(condition: Condition) -> Iterator[Any]:
    for check in checks(condition):
        yield from fields_of(check.left)
        if check.other is not None:
            yield from fields_of(check.other)


def fingerprint_of(alert: Alert) -> str:
    """A name for what the alert is about, the same whenever it happens again."""
    return "sha256:" + blake2b(repr(cause_of(alert)).encode(errors="surrogatepass"), digest_size=32).hexdigest()


def rules_without_source(rules: Iterable[CompiledRule]) -> list[str]:
    """Names of rules that no input here can raise."""
    return [rule.name for rule in rules if rule.source not in (AuditSource.name, SyscallSource.name)]
