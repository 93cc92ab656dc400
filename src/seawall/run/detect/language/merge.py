"""The second pass: statements of all files merged into one set of lists, macros and rules. What comes later changes what came before."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from seawall.run.detect.language.assembly import Place
from seawall.run.detect.language.fields import field_misfit
from seawall.run.detect.language.messages import Bad, Messages
from seawall.run.detect.language.nearest import hint
from seawall.run.detect.language.parser import ConditionError, parse_field
from seawall.run.detect.language.statements import (
    Entry,
    ListStatement,
    MacroStatement,
    RuleChange,
    RuleException,
    RuleStatement,
    RuleSwitch,
    Statement,
)
from seawall.run.detect.language.tree import LIST_OPERATORS, MODIFIERS, OPERATORS, STRING_OPERATORS
from seawall.run.detect.language.yaml_values import Written


class ListDefinition(Struct):
    name: str
    place: Place
    items: list[Written]


class MacroDefinition(Struct):
    """``first`` and ``last`` number the statements that defined it first and changed it last: a macro sees those that were first defined before."""

    name: str
    place: Place
    condition: list[Written]
    first: int
    last: int


class RuleDefinition(Struct):
    """``condition`` and ``output`` are the pieces that appending added, to be joined with spaces."""

    name: str
    place: Place
    condition: list[Written]
    output: list[Written]
    description: str
    priority: str
    source: str
    tags: list[str]
    exceptions: list[RuleException]
    enabled: bool
    warn_evttypes: bool
    skip_if_unknown_filter: bool
    extensions: Mapping[str, Any] = field(default_factory=dict)
    is_broken: bool = False
    """A later statement about it was wrong, so that what it would do is not known."""


class Merged(Struct):
    """Everything by name, in the order of first definition. ``broken`` names macros and lists whose statements could not be used."""

    lists: dict[str, ListDefinition] = field(default_factory=dict)
    macros: dict[str, MacroDefinition] = field(default_factory=dict)
    rules: dict[str, RuleDefinition] = field(default_factory=dict)


def merge(statements: Iterable[Statement], sources: Collection[str], messages: Messages, *, check_fields: bool = True) -> Merged:
    """Apply the statements in order. ``sources`` are the known event sources; fields of exceptions are checked against them."""
    merger = _Merger(sources, messages, check_fields=check_fields)
    for number, statement in enumerate(statements):
        merger.apply(statement, number)
    return merger.merged


class _Merger:
    def __init__(self, sources: Collection[str], messages: Messages, *, check_fields: bool) -> None:
        self.merged = Merged()
        self.sources = sources
        self.check_fields = check_fields
        self.messages = messages

    def apply(self, statement: Statement, number: int) -> None:
        try:
            match statement:
                case ListStatement():
                    label = f"list {statement.name}"
                    self._list(statement)
                case MacroStatement():
                    label = f"macro {statement.name}"
                    self._macro(statement, number)
                case RuleStatement():
                    label = f"rule {statement.name}"
                    self._rule(statement)
                case RuleChange():
                    label = f"rule {statement.name}"
                    self._change(statement)
                case RuleSwitch():
                    label = f"rule {statement.name}"
                    self._existing(statement.name, statement.place, "'enabled' alone switches an earlier rule").enabled = statement.enabled
        except Bad as bad:
            label = "list" if isinstance(statement, ListStatement) else "macro" if isinstance(statement, MacroStatement) else "rule"
            self.messages.bad(bad, f"{label} {statement.name}")
            rule = self.merged.rules.get(statement.name) if label == "rule" else None
            if rule is not None:
                rule.is_broken = True

    def _list(self, statement: ListStatement) -> None:
        lists = self.merged.lists
        previous = lists.get(statement.name)
        if not statement.append:
            definition = ListDefinition(statement.name, statement.place, list(statement.items))
            lists[statement.name] = definition
        elif previous is None:
            message = f"there is no list {statement.name!r} to append to{hint(statement.name, lists)}; define it before, or remove 'append'"
            raise Bad("nothing-to-append-to", message, statement.place)
        else:
            previous.items += statement.items

    def _macro(self, statement: MacroStatement, number: int) -> None:
        macros = self.merged.macros
        previous = macros.get(statement.name)
        if not statement.append:
            first = previous.first if previous else number
            macros[statement.name] = MacroDefinition(statement.name, statement.place, [statement.condition], first, number)
        elif previous is None:
            message = f"there is no macro {statement.name!r} to append to{hint(statement.name, macros)}; define it before, or remove 'append'"
            raise Bad("nothing-to-append-to", message, statement.place)
        else:
            previous.condition.append(statement.condition)
            previous.last = number

    def _rule(self, statement: RuleStatement) -> None:
        rules = self.merged.rules
        previous = rules.get(statement.name)
        if previous is not None and previous.source != statement.source:
            message = (
                f"the rule was defined before for source {previous.source!r}, here for {statement.source!r}: give it another name, or the same source"
            )
            raise Bad("other-source", message, statement.place)
        if statement.source not in self.sources:
            message = f"unknown source {statement.source!r}{hint(statement.source, self.sources)}; the rule is skipped"
            self.messages.warn("unknown-source", message, statement.place, f"rule {statement.name}")
        for exception in statement.exceptions:
            self._check_exception(exception, statement.source)
        rules[statement.name] = RuleDefinition(
            name=statement.name,
            place=statement.place,
            condition=[statement.condition],
            output=[statement.output],
            description=statement.description,
            priority=statement.priority,
            source=statement.source,
            tags=_unique(statement.tags),
            exceptions=list(statement.exceptions),
            enabled=statement.enabled,
            warn_evttypes=statement.warn_evttypes,
            skip_if_unknown_filter=statement.skip_if_unknown_filter,
            extensions=dict(statement.extensions),
        )

    def _existing(self, name: str, place: Place, why: str) -> RuleDefinition:
        rule = self.merged.rules.get(name)
        if rule is None:
            known = hint(name, self.merged.rules)
            message = f"there is no rule {name!r} before this{known}; {why}: load the file that defines it first, or correct the name"
            raise Bad("no-such-rule", message, place)
        return rule

    def _change(self, change: RuleChange) -> None:
        rule = self._existing(change.name, change.place, "'override' and 'append' change an earlier rule")
        if change.exceptions is not None:
            if change.replace:
                for exception in change.exceptions:
                    self._check_exception(exception, rule.source)
                rule.exceptions = list(change.exceptions)
            else:
                self._append_exceptions(change.exceptions, rule)
        if change.condition is not None:
            rule.condition = [change.condition] if change.replace else [*rule.condition, change.condition]
        if change.output is not None:
            rule.output = [change.output] if change.replace else [*rule.output, change.output]
        if change.description is not None:
            rule.description = change.description if change.replace else f"{rule.description} {change.description}"
        if change.tags is not None:
            rule.tags = _unique(change.tags if change.replace else [*rule.tags, *change.tags])
        rule.priority = change.priority or rule.priority
        rule.enabled = change.flags.get("enabled", rule.enabled)
        rule.warn_evttypes = change.flags.get("warn_evttypes", rule.warn_evttypes)
        rule.skip_if_unknown_filter = change.flags.get("skip-if-unknown-filter", rule.skip_if_unknown_filter)
        rule.extensions = {**rule.extensions, **change.extensions}

    def _append_exceptions(self, exceptions: Iterable[RuleException], rule: RuleDefinition) -> None:
        for exception in exceptions:
            label = f"exception {exception.name}"
            previous = next((index for index, other in enumerate(rule.exceptions) if other.name == exception.name), None)
            if previous is None:
                if exception.fields is None:
                    names = [other.name for other in rule.exceptions]
                    message = f"the rule has no exception {exception.name!r} yet{hint(exception.name, names)}; a new one needs 'fields'"
                    raise Bad("bad-exception", message, exception.place, label)
                if not exception.values:
                    raise Bad("bad-exception", "a new exception needs 'values': give the list of what it lets pass", exception.place, label)
                self._check_exception(exception, rule.source)
                rule.exceptions = [*rule.exceptions, exception]
                continue
            for key, entry in (("fields", exception.fields), ("comps", exception.comps)):
                if entry is not None:
                    message = f"{key!r} of an exception that exists cannot be changed, only 'values' added: remove {key!r}, or choose another name"
                    raise Bad("bad-exception", message, entry.place, label)
            old = rule.exceptions[previous]
            grown = RuleException(old.name, old.place, old.fields, old.comps, [*old.values, *exception.values])
            rule.exceptions = [grown if index == previous else other for index, other in enumerate(rule.exceptions)]

    def _check_exception(self, exception: RuleException, source: str) -> None:
        label = f"exception {exception.name}"
        fields, comps = exception.fields, exception.comps
        if fields is None:
            raise Bad("bad-exception", "the exception has no 'fields': name the field or the list of fields that it compares", exception.place, label)
        if fields.items is not None:
            if comps is not None and (comps.items is None or len(comps.items) != len(fields.items)):
                message = f"'comps' must be a list as long as 'fields', which has {len(fields.items)}: one operator for each field"
                raise Bad("bad-exception", message, comps.place, label)
            for entry in (comps.items if comps is not None else None) or ():
                _check_operator(entry, label)
        elif comps is not None:
            if comps.is_list:
                raise Bad("bad-exception", "'fields' is one field, so 'comps' is one operator, not a list; or make both lists", comps.place, label)
            if not (comps.text in LIST_OPERATORS or _has_modifier(comps.text)):
                usable = ", ".join(LIST_OPERATORS)
                raise Bad(
                    "bad-exception",
                    f"where 'fields' is one field, 'comps' is one of {usable}, not {comps.text!r}; or make both lists",
                    comps.place,
                    label,
                )
        if self.check_fields and source in self.sources:
            for entry in fields.items if fields.items is not None else [fields]:
                _check_field(entry, source, label)


def exception_operators(exception: RuleException) -> list[str]:
    """The operator for each field: what ``comps`` says, or ``=`` (``in`` where ``fields`` is one field)."""
    fields, comps = exception.fields, exception.comps
    if fields is None or fields.items is None:
        return [_normal(comps.text) if comps is not None else "in"]
    if comps is None or comps.items is None:
        return ["="] * len(fields.items)
    return [_normal(entry.text) for entry in comps.items]


def _normal(operator: str) -> str:
    return " ".join(operator.split())


def _check_operator(entry: Entry, label: str) -> None:
    if entry.is_list or (entry.text not in OPERATORS and not _has_modifier(entry.text)):
        shown = "a list" if entry.is_list else repr(entry.text)
        message = f"{shown} is no operator{hint(entry.text, OPERATORS)}; known are {', '.join(OPERATORS)}"
        raise Bad("bad-exception", message, entry.place, label)


def _has_modifier(operator: str) -> bool:
    words = operator.split()
    return len(words) == 2 and words[0] in STRING_OPERATORS and words[1] in MODIFIERS


def _check_field(entry: Entry, source: str, label: str) -> None:
    if entry.is_list:
        raise Bad("bad-exception", "'fields' is a field or a list of fields, not a list of lists", entry.place, label)
    try:
        misfit = field_misfit(parse_field(entry.text), source)
    except ConditionError as error:
        raise Bad("unknown-field", f"{entry.text!r} is no field: {error.message}", entry.place, label) from None
    if misfit is not None:
        raise Bad("unknown-field" if misfit.unknown else "bad-field", misfit.message, entry.place, label)


def _unique(tags: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(tags))
