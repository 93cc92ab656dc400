"""An alert: a rule and the event that it fits, in the shape that Falco prints.

``Writer(rule, source)`` prepares a rule's output once. ``output`` is the text that people read, its fields filled in (``<NA>`` where an event has
none), behind the time and the priority; ``output_fields`` holds the values of these fields, ``null`` where there is none.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from seawall.run.detect.engine.operands import canonical, compute, fields_of, kind, shaping
from seawall.run.detect.language.output import Slot, Template, TemplateError, parse_template
from seawall.run.detect.language.tree import CompiledRule, Field
from seawall.run.events.audit.model import as_text
from seawall.run.events.fields import Type
from seawall.run.events.source import Source, Value
from seawall.run.events.time import clock, date_and_time

ABSENT: Final = "<NA>"
MAX_TEXT: Final = 16_384
"""Characters of one field in the text. A body of a megabyte is not what people read; ``output_fields`` has all of it."""


class Alert(Struct, frozen=True, omit_defaults=False):
    """``time`` is RFC 3339 with nanoseconds; ``event_index`` the place of the event in the input, from 0.

    ``count`` says how many alerts this one stands for where they are put together, ``dropped`` how many events were lost before it; both are left out
    where they are 1 and 0.
    """

    time: str
    rule: str
    priority: str
    source: str
    hostname: str | None
    output: str
    message: str
    tags: tuple[str, ...]
    output_fields: Mapping[str, Any]
    event_index: int
    finding: str | None = None
    count: int | UnsetType = UNSET
    dropped: int | UnsetType = UNSET


class Writer:
    """Makes alerts of one rule."""

    def __init__(self, rule: CompiledRule, source: Source) -> None:
        self.rule = rule
        self.source = source
        self.priority = rule.priority.capitalize()
        try:
            template = parse_template(rule.output)
        except TemplateError:
            template = Template((rule.output,))
        self._parts = template.parts
        slots = [part for part in template.parts if isinstance(part, Slot)]
        self._slots = [(slot, compute(slot.field, source.name), kind(slot.field, source.name)) for slot in slots]
        fields = {canonical(found, source.name) for slot in slots for found in fields_of(slot.field)}
        self.fields = frozenset(fields)
        self._getters = {field: (source.getter(field.name, field.argument).get, shaping(field, source.name)) for field in fields}

    def alert(self, event: Any, index: int, time: int, hostname: str | None = None) -> Alert:
        """The alert that an event raises. ``time`` is in nanoseconds since 1970."""

        def get(field: Field) -> Value | None:
            compute_, shape = self._getters[field]
            return shape(compute_(event))

        values = [part(get) for _, part, _ in self._slots]
        fields = {slot.key: value for (slot, _, _), value in zip(self._slots, values, strict=True)}
        texts = iter([_printed(value, slot.width, kind_) for (slot, _, kind_), value in zip(self._slots, values, strict=True)])
        message = "".join(part if isinstance(part, str) else next(texts) for part in self._parts)
        return Alert(
            time=date_and_time(time),
            rule=self.rule.name,
            priority=self.priority,
            source=self.source.name,
            hostname=hostname,
            output=f"{clock(time)}: {self.priority} {message}",
            message=message,
            tags=self.rule.tags,
            output_fields={"evt.time": time, **fields},
            event_index=index,
        )


def _printed(value: Any, width: int, kind_: tuple[Type, bool]) -> str:
    if value is None:
        text = ABSENT
    elif isinstance(value, tuple):
        items = ",".join(map(as_text, value))
        text = f"({items})" if kind_[1] else items
    else:
        text = as_text(value)
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}... ({len(text):,} characters)"
    return text.ljust(width)
