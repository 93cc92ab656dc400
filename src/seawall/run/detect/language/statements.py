"""The first pass: what a rule file says, item by item, before anything is merged."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from seawall.run.detect.language.assembly import Place
from seawall.run.detect.language.yaml_values import Written


class Entry(Struct):
    """Text, or a list of entries: what exceptions are made of. ``written`` is None for a list."""

    place: Place
    written: Written | None = None
    items: "list[Entry] | None" = None

    @property
    def text(self) -> str:
        return self.written.text if self.written else ""

    @property
    def is_list(self) -> bool:
        return self.items is not None


class RuleException(Struct):
    """``exceptions`` of a rule, one of them. ``fields`` and ``comps`` are None where they are not given."""

    name: str
    place: Place
    fields: Entry | None
    comps: Entry | None
    values: list[Entry]


class ListStatement(Struct):
    name: str
    place: Place
    items: list[Written]
    append: bool


class MacroStatement(Struct):
    name: str
    place: Place
    condition: Written
    append: bool


class RuleChange(Struct):
    """What an override, or ``append: true``, changes; None for what it leaves alone. ``tags``, ``exceptions`` are lists, the rest single values."""

    name: str
    place: Place
    replace: bool
    condition: Written | None = None
    output: Written | None = None
    description: str | None = None
    tags: list[str] | None = None
    exceptions: list[RuleException] | None = None
    priority: str | None = None
    flags: dict[str, bool] = field(default_factory=dict)
    extensions: dict[str, Any] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        values = (self.condition, self.output, self.description, self.tags, self.exceptions, self.priority)
        return all(value is None for value in values) and not self.flags and not self.extensions


class RuleSwitch(Struct):
    """A rule that only says ``enabled``."""

    name: str
    place: Place
    enabled: bool


class RuleStatement(Struct):
    name: str
    place: Place
    condition: Written
    output: Written
    description: str
    priority: str
    source: str
    tags: list[str]
    exceptions: list[RuleException]
    enabled: bool = True
    warn_evttypes: bool = True
    skip_if_unknown_filter: bool = False
    extensions: Mapping[str, Any] = field(default_factory=dict)


Statement = ListStatement | MacroStatement | RuleStatement | RuleChange | RuleSwitch
