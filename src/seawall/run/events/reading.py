"""Lines to events of every source: what they are is found out line by line, so that logs may be mixed.

``EventReader(parts).read(lines)`` gives the events of some lines, each with its place in the whole input, counted from 0. A line that is one native
event, or one system call, is one place; a list or an envelope has one for each event in it; a line that is neither, or broken, has one too and no
event. Blank lines have none.
"""

import re
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from seawall.run.events.audit.decode import AuditDecoder
from seawall.run.events.audit.model import AuditEvent
from seawall.run.events.syscall.source import as_event

_STAMPED: Final = re.compile(rb"[\d-]{10}[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?\s+(?:(?:stdout|stderr)\s+[FP]\s+)?(?=[{\[])").match
"""The time that CloudWatch, when exported, and container runtimes put before a line."""

_AUDIT_ID: Final = attrgetter("auditID")
_plain: Final = msgspec.json.Decoder().decode


class Malformed(Struct, frozen=True):
    """``line`` is the place in the lines that were read, from 0."""

    line: int
    reason: str


class Events(Struct):
    """What was read. ``audit_index[n]`` is the place of ``audit[n]`` in the input. ``other`` counts JSON values that are no events."""

    audit: list[AuditEvent] = field(default_factory=list)
    audit_index: list[int] = field(default_factory=list)
    syscall: list[dict[str, Any]] = field(default_factory=list)
    syscall_index: list[int] = field(default_factory=list)
    malformed: list[Malformed] = field(default_factory=list)
    other: int = 0


class EventReader:
    """Reads lines, and counts."""

    def __init__(self, audit_parts: Iterable[str]) -> None:
        self.places = 0
        self._audit = AuditDecoder(audit_parts)
        self._expects_audit = True

    def read(self, lines: Sequence[bytes]) -> Events:
        """The events of these lines."""
        events = Events()
        start = 0
        while start < len(lines):
            start = self._read_audit(lines, start, events) if self._expects_audit else self._read_syscall(lines, start, events)
        return events

    def _read_audit(self, lines: Sequence[bytes], start: int, events: Events) -> int:
        """Read on while lines are native audit events, which is fast; one that is not is looked at closely."""
        if self._read_plain(lines, start, events):
            return len(lines)
        decode, found, index = self._audit.decode, events.audit, events.audit_index
        place = self.places
        for number in range(start, len(lines)):
            line = lines[number]
            try:
                event = decode(line)
            except (msgspec.DecodeError, RecursionError):
                event = None
            if event is not None and event.auditID:
                event.line = line
                found.append(event)
                index.append(place)
                place += 1
                continue
            self.places = place
            self._read_any(line, number, events)
            place = self.places
            if not self._expects_audit:
                return number + 1
        self.places = place
        return len(lines)

    def _read_plain(self, lines: Sequence[bytes], start: int, events: Events) -> bool:
        """Read lines of which each is a native audit event; false where one is not, and nothing is read."""
        mine = lines[start:] if start else lines
        try:
            found = list(map(self._audit.decode, mine))
        except (msgspec.DecodeError, RecursionError):
            return False
        if not all(map(_AUDIT_ID, found)):
            return False
        for event, line in zip(found, mine, strict=True):
            event.line = line
        events.audit.extend(found)
        events.audit_index.extend(range(self.places, self.places + len(found)))
        self.places += len(found)
        return True

    def _read_syscall(self, lines: Sequence[bytes], start: int, events: Events) -> int:
        for number in range(start, len(lines)):
            self._read_any(lines[number], number, events)
            if self._expects_audit:
                return number + 1
        return len(lines)

    def _read_any(self, line: bytes, number: int, events: Events) -> None:
        stamp = _STAMPED(line)
        text = line[stamp.end() :] if stamp else line
        try:
            value = _plain(text)
        except (msgspec.DecodeError, RecursionError) as error:
            if text.strip():
                events.malformed.append(Malformed(number, _reason(error)))
                self.places += 1
            return
        call = as_event(value)
        if call is not None:
            events.syscall.append(dict(call))
            events.syscall_index.append(self.places)
            self.places += 1
            self._expects_audit = False
            return
        found = self._audit.unwrap(value)
        if not found:
            events.other += 1
            self.places += 1
            return
        self._expects_audit = True
        events.audit.extend(found)
        events.audit_index.extend(range(self.places, self.places + len(found)))
        self.places += len(found)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    return f"is no JSON ({str(error)[:120]})"
