"""The text of audit events to structs: fast for native events, tolerant of everything else."""

from collections.abc import Iterable
from typing import Any

import msgspec

from seawall.run.events.audit.model import AuditEvent, decoder, tidied
from seawall.run.events.audit.shapes import native_events


class AuditDecoder:
    """``decode(line)`` gives the event of a line that is a native one; ``unwrap(value)`` all events in a JSON value of any shape."""

    def __init__(self, parts: Iterable[str]) -> None:
        self.decode = decoder(parts)
        """Raises ``msgspec.DecodeError`` for what is no such event. What it gives is one only where it has an ``auditID``; ``line`` is not set."""

    def unwrap(self, value: Any) -> list[AuditEvent]:
        """The events in a JSON value: none where there is no audit event in it."""
        return [self._native(msgspec.json.encode(event), event) for event in native_events(value)]

    def again(self, event: AuditEvent) -> AuditEvent:
        """An event that another decoder has read, with the parts of this one."""
        return self._native(event.line, None)

    def _native(self, text: bytes, event: dict[str, Any] | None) -> AuditEvent:
        try:
            found = self.decode(text)
        except msgspec.ValidationError:
            found = self.decode(msgspec.json.encode(tidied(msgspec.json.decode(text) if event is None else event)))
        found.line = text
        return found
