"""Audit events as a source of the engines."""

from collections.abc import Iterable
from typing import Final

from seawall.run.events.audit.extract import extractor, time_of
from seawall.run.events.audit.model import PARTS, AuditEvent
from seawall.run.events.source import Getter, nothing, of_time

_VARIED: Final = ("sourceIPs", "requestURI")


class AuditSource:
    """``k8s_audit``. Events are those of ``model.decoder``, decoded into at least the parts that the fields need."""

    name: Final = "k8s_audit"
    is_typed: Final = True

    def getter(self, name: str, argument: str | None) -> Getter:
        found = extractor(name, argument)
        if found is not None:
            sure = name in ("jevt.rawtime", "json.rawtime")
            varied = found.column is None or found.column.name in _VARIED
            return Getter(found.extract, slow=found.deep, varied=varied, sure=sure, column=found.column, convert=found.convert)
        if name == "evt.source":
            return Getter(lambda _: self.name)
        if name == "evt.pluginname":
            return Getter(lambda _: "k8saudit")
        return Getter(of_time(name, time_of) or nothing)

    def time(self, event: AuditEvent) -> int | None:
        return time_of(event)


def parts_of(fields: Iterable[tuple[str, str | None]]) -> frozenset[str]:
    """The parts that events have to be decoded into for these fields (name, argument)."""
    needed: set[str] = {"stageTimestamp"}
    for name, argument in fields:
        found = extractor(name, argument)
        needed.update(found.parts if found else ())
    return frozenset(needed) & PARTS.keys()
