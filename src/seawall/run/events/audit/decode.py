"""Lines of an audit log to native events, fast for the lines that are one each, tolerant of everything else."""

from collections.abc import Iterable
from typing import Any

import msgspec

from seawall.run.events.audit.model import AuditEvent, decoder, tidied
from seawall.run.events.audit.shapes import native_events


class AuditDecoder:
    """``decode(line)`` gives the event of a line that is a native one, or ``None``; ``unwrap(value)`` all events in a JSON value of any shape."""

    def __init__(self, parts: Iterable[str]) -> None:
        self._decode = decoder(parts)

    def decode(self, line: bytes) -> AuditEvent | None:
        """Raises ``msgspec.DecodeError`` for a line that is no JSON."""
        try:
            event = self._decode(line)
        except msgspec.ValidationError:
            return None
        return event if event.auditID else None

    def unwrap(self, value: Any) -> list[AuditEvent]:
        """The events in a JSON value: none where there is no audit event in it."""
        return [self._native(event) for event in native_events(value)]

    def _native(self, event: dict[str, Any]) -> AuditEvent:
        text = msgspec.json.encode(event)
        try:
            return self._decode(text)
        except msgspec.ValidationError:
            found = self._decode(msgspec.json.encode(tidied(event)))
            found.line = text
            return found
