"""The third pass: each rule's condition with its exceptions, lists and macros put in, checked against the fields of its event source."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from seawall.run.detect.language.assembly import Assembly, Place, TooLong, replace_lists
from seawall.run.detect.language.event_types import MANY, event_types
from seawall.run.detect.language.exceptions import add_exceptions
from seawall.run.detect.language.fields import Misfit, checks, field_misfit, misfits
from seawall.run.detect.language.macros import MAX_CHECKS, MAX_NESTING, measure, names, substitute
from seawall.run.detect.language.merge import ListDefinition, MacroDefinition, Merged, RuleDefinition, merge
from seawall.run.detect.language.messages import Bad, Messages
from seawall.run.detect.language.nearest import hint
from seawall.run.detect.language.output import CONTAINER_INFO, Slot, TemplateError, parse_template
from seawall.run.detect.language.parser import MAX_CHARACTERS, ConditionError, parse
from seawall.run.detect.language.printer import print_check, print_operand
from seawall.run.detect.language.reader import SYSCALL, read
from seawall.run.detect.language.tree import Check, CompiledRule, Condition, Field, Message, Name, RuleFile, RuleSet
from seawall.run.detect.language.yaml_values import Written
from seawall.run.events.fields import SOURCES

MAX_ITEMS: Final = 200_000
"""Items of one list, once the lists in it are expanded."""

_DEPRECATED_FIELD: Final = "evt.dir"
_ABSENT: Final = "<NA>"
_UNSAFE_PREFIXES: Final = ("ka.", "jevt.")
_EQUALITY: Final = frozenset({"=", "==", "!=", "in", "intersects", "pmatch"})


def compile_rules(files: Sequence[RuleFile], *, sources: Collection[str] = tuple(SOURCES), check_fields: bool = True) -> RuleSet:
    """One rule set from all files, merged in this order. What is wrong is in ``errors`` and ``warnings``; rules with errors are left out.

    Rules of sources that are not in ``sources`` are warned about and skipped. Without ``check_fields`` any field is taken for known.
    """
    messages = Messages()
    merged = merge((statement for file in files for statement in read(file, messages)), sources, messages, check_fields=check_fields)
    return _Compiler(merged, sources, messages, check_fields=check_fields).rule_set()


def compile_condition(
    text: str, rules: RuleSet | None = None, *, source: str | None = None, syntax_only: bool = False
) -> tuple[Condition | None, list[Message]]:
    """One condition alone, with the lists and macros of a rule set; and its errors, whose line and column are those of the text.

    ``syntax_only`` looks at the grammar alone. Without a ``source``, fields of any source may be used.
    """
    place = _places_in(text)
    messages = Messages()
    try:
        expanded, origin = replace_lists(text, rules.lists if rules else {}, set())
    except TooLong:
        messages.error("too-large", f"the condition has over {MAX_CHARACTERS:,} characters once its lists are written out", Place())
        return None, messages.errors
    try:
        condition = parse(expanded)
        if not syntax_only:
            condition = _substituted(condition, rules.macros if rules else {}, lambda at: place(origin(at)))
            for check in checks(condition):
                for misfit in misfits(check, source):
                    messages.error("unknown-field" if misfit.unknown else "bad-comparison", misfit.message, place(origin(misfit.at)))
    except ConditionError as error:
        messages.error("syntax", error.message, place(origin(error.at)))
        return None, messages.errors
    except Bad as bad:
        messages.bad(bad)
        return None, messages.errors
    return condition, messages.errors


def _places_in(text: str) -> Callable[[int], Place]:
    def place(index: int) -> Place:
        before = text[:index]
        return Place("", before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1)

    return place


def _substituted(condition: Condition, macros: Mapping[str, Condition], place: Callable[[int], Place]) -> Condition:
    for name in names(condition):
        if name.name not in macros:
            raise Bad("undefined-macro", f"there is no macro {name.name!r}{hint(name.name, macros)}", place(name.at))
    result = substitute(condition, macros)
    _check_size(result, Place())
    return result


def _check_size(condition: Condition, place: Place, sizes: dict[int, tuple[int, int]] | None = None) -> None:
    count, depth = measure(condition, {} if sizes is None else sizes)
    if count > MAX_CHECKS:
        raise Bad("too-large", f"the condition has over {MAX_CHECKS:,} comparisons once its macros are put in; use lists", place)
    if depth > MAX_NESTING:
        raise Bad("too-large", f"the condition is nested deeper than {MAX_NESTING} levels once its macros are put in", place)


class _Broken(Exception):
    """Not to be used, for a reason that was told already."""


class _Compiler:
    def __init__(self, merged: Merged, sources: Collection[str], messages: Messages, *, check_fields: bool) -> None:
        self.merged = merged
        self.sources = sources
        self.messages = messages
        self.check_fields = check_fields
        self.used_lists: set[str] = set()
        self.used_macros: set[str] = set()
        self.lists: dict[str, tuple[str, ...]] = {}
        self.macros: dict[str, Condition] = {}
        self.broken: set[str] = set()
        self.sizes: dict[int, tuple[int, int]] = {}

    def rule_set(self) -> RuleSet:
        self._expand_lists()
        self._compile_macros()
        rules = [rule for definition in self.merged.rules.values() if (rule := self._rule_or_none(definition))]
        self._warn_unused()
        return RuleSet(rules, self.messages.errors, self.messages.warnings, self.lists, self.macros)

    # lists

    def _expand_lists(self) -> None:
        for name, definition in self.merged.lists.items():
            try:
                self.lists[name] = self._expanded(definition)
            except OverflowError:
                self.lists[name] = ()
                message = f"the list has over {MAX_ITEMS:,} items once the lists in it are written out"
                self.messages.error("too-large", message, definition.place, f"list {name}")

    def _expanded(self, definition: ListDefinition) -> tuple[str, ...]:
        """The items, the names of other lists replaced by theirs. A list inside itself stays a name."""
        done: list[str] = []
        path = [definition.name]
        stack = [iter(definition.items)]
        steps = 0
        while stack:
            item = next(stack[-1], None)
            if item is None:
                stack.pop()
                path.pop()
                continue
            steps += 1
            if steps > MAX_ITEMS:
                raise OverflowError
            other = self.merged.lists.get(item.text)
            if other is None or other.name in path:
                done.append(item.text)
            elif other.name in self.lists:
                self.used_lists.add(other.name)
                done += self.lists[other.name]
            else:
                self.used_lists.add(other.name)
                path.append(other.name)
                stack.append(iter(other.items))
            if len(done) > MAX_ITEMS:
                raise OverflowError
        return tuple(done)

    # macros

    def _compile_macros(self) -> None:
        parsed: dict[str, tuple[Condition, Assembly, Callable[[int], int]]] = {}
        for name, definition in self.merged.macros.items():
            try:
                parsed[name] = self._parsed(_joined(definition.condition))
            except Bad as bad:
                self.messages.bad(bad, f"macro {name}")
                self.broken.add(name)
        for name in parsed:
            self._resolve_macro(name, parsed)

    def _resolve_macro(self, wanted: str, parsed: Mapping[str, tuple[Condition, Assembly, Callable[[int], int]]]) -> None:
        path = [wanted]
        while path:
            name = path[-1]
            if name in self.macros or name in self.broken:
                path.pop()
                continue
            condition, assembly, origin = parsed[name]
            try:
                needed = self._next_needed(condition, self.merged.macros[name], assembly, origin, path)
                if needed is not None:
                    path.append(needed)
                    continue
                result = substitute(condition, self.macros)
                _check_size(result, self.merged.macros[name].place, self.sizes)
                self.macros[name] = result
            except Bad as bad:
                self.messages.bad(bad, f"macro {name}")
                self.broken.add(name)
            except _Broken:
                self.broken.add(name)
            path.pop()

    def _next_needed(
        self, condition: Condition, definition: MacroDefinition, assembly: Assembly, origin: Callable[[int], int], path: Sequence[str]
    ) -> str | None:
        for name in names(condition):
            other = self.merged.macros.get(name.name)
            place = assembly.place(origin(name.at))
            if other is None:
                raise self._undefined(name, place)
            if name.name in path:
                loop = " -> ".join([*path[path.index(name.name) :], name.name])
                raise Bad("macro-loop", f"the macro contains itself ({loop}): remove one of these references", place)
            if other.first >= definition.last:
                message = f"the macro {name.name!r} is defined below, at {other.place.file}:{other.place.line}: move it before this macro"
                raise Bad("undefined-macro", message, place)
            self.used_macros.add(name.name)
            if name.name in self.broken:
                raise _Broken
            if name.name not in self.macros:
                return name.name
        return None

    def _undefined(self, name: Name, place: Place) -> Bad:
        if name.name in self.merged.lists:
            return Bad(
                "undefined-macro", f"{name.name!r} is a list, not a macro: compare a field with it, such as 'proc.name in ({name.name})'", place
            )
        return Bad("undefined-macro", f"there is no macro {name.name!r}{hint(name.name, self.merged.macros)}; define it before it is used", place)

    # conditions

    def _parsed(self, assembly: Assembly) -> tuple[Condition, Assembly, Callable[[int], int]]:
        text = assembly.text
        try:
            expanded, origin = replace_lists(text, self.lists, self.used_lists)
        except TooLong:
            raise Bad(
                "too-large", f"the condition has over {MAX_CHARACTERS:,} characters once its lists are written out", assembly.place(0)
            ) from None
        try:
            return parse(expanded), assembly, origin
        except ConditionError as error:
            where = origin(error.at)
            inside = "" if expanded == text else _list_note(text, expanded, error.at, where)
            raise Bad("syntax", f"{error.message}{inside}", assembly.place(min(where, max(len(text) - 1, 0)))) from None

    # rules

    def _rule_or_none(self, definition: RuleDefinition) -> CompiledRule | None:
        if definition.source not in self.sources or definition.is_broken:
            return None
        label = f"rule {definition.name}"
        try:
            return self._rule(definition, label)
        except Bad as bad:
            self.messages.bad(bad, label)
        except _Broken:
            pass
        return None

    def _rule(self, definition: RuleDefinition, label: str) -> CompiledRule | None:
        output, is_known = self._output(definition, label)
        assembly = _joined(definition.condition)
        if definition.exceptions:
            assembly = add_exceptions(assembly, definition.exceptions)
        condition, assembly, origin = self._parsed(assembly)
        for name in names(condition):
            self.used_macros.add(name.name)
        for name in names(condition):
            if name.name in self.broken:
                raise _Broken
            if name.name not in self.macros:
                raise self._undefined(name, assembly.place(origin(name.at)))
        own = condition
        condition = substitute(condition, self.macros)
        _check_size(condition, definition.place, self.sizes)
        is_known = self._check_fields(condition, own, definition, assembly, origin, label) and is_known
        if not is_known:
            return None
        self._warn_types(condition, definition, label)
        return CompiledRule(
            name=definition.name,
            source=definition.source,
            condition=condition,
            output=output,
            priority=definition.priority,
            description=definition.description,
            tags=tuple(definition.tags),
            enabled=definition.enabled,
            file=definition.place.file,
            line=definition.place.line,
            column=definition.place.column,
            extensions=definition.extensions,
            warn_evttypes=definition.warn_evttypes,
            skip_if_unknown_filter=definition.skip_if_unknown_filter,
        )

    def _check_fields(
        self, condition: Condition, own: Condition, definition: RuleDefinition, assembly: Assembly, origin: Callable[[int], int], label: str
    ) -> bool:
        """Whether all fields are known; other misfits are errors. What came from a macro is located at the rule."""
        own_checks = set(map(id, checks(own)))
        is_known = True
        seen: set[int] = set()
        warned: set[str] = set()
        for check in checks(condition):
            if id(check) in seen:
                continue
            seen.add(id(check))
            is_own = id(check) in own_checks
            place = assembly.place(origin(check.at)) if is_own else definition.place
            self._warn_check(check, place, label, warned)
            for misfit in misfits(check, definition.source) if self.check_fields else ():
                if is_own:
                    place = assembly.place(origin(misfit.at))
                message = misfit.message if is_own else f"{misfit.message} (in a macro, as {_cut(print_check(check))})"
                is_known = self._misfit(misfit, message, place, definition, label) and is_known
        return is_known

    def _misfit(self, misfit: Misfit, message: str, place: Place, definition: RuleDefinition, label: str) -> bool:
        if misfit.unknown and definition.skip_if_unknown_filter:
            self.messages.warn("unknown-filter", f"{message}; the rule is skipped, as it asks with skip-if-unknown-filter", place, label)
            return False
        raise Bad("unknown-field" if misfit.unknown else "bad-comparison", message, place)

    def _warn_check(self, check: Check, place: Place, label: str, warned: set[str]) -> None:
        field = check.left
        if not isinstance(field, Field):
            return
        if field.name.startswith(_UNSAFE_PREFIXES) and check.operator in _EQUALITY and _ABSENT in check.values and "na" not in warned:
            warned.add("na")
            message = f"comparing {field.name} with <NA> does not tell whether it is there: write '{print_operand(field)} exists'"
            self.messages.warn("unsafe-na-check", message, place, label)
        if field.name == _DEPRECATED_FIELD and "dir" not in warned:
            warned.add("dir")
            self.messages.warn(
                "deprecated-field", "evt.dir is deprecated, as only exit events are made any more: remove the comparison", place, label
            )

    def _warn_types(self, condition: Condition, definition: RuleDefinition, label: str) -> None:
        if definition.source != SYSCALL or not definition.warn_evttypes:
            return
        types = event_types(condition)
        if not types or len(types) > MANY:
            what = (
                "can never be true: its comparisons of evt.type exclude each other"
                if not types
                else "is judged on too many types of events, which is slow"
            )
            message = f"the rule {what}; compare evt.type, or say 'warn_evttypes: false'"
            self.messages.warn("no-evttype", message, definition.place, label)

    def _output(self, definition: RuleDefinition, label: str) -> tuple[str, bool]:
        assembly = _joined(definition.output)
        text = assembly.text
        if CONTAINER_INFO in text:
            self.messages.warn(
                "deprecated-field", f"{CONTAINER_INFO} prints nothing any more: remove it", assembly.place(text.index(CONTAINER_INFO)), label
            )
        try:
            template = parse_template(text)
        except TemplateError as error:
            raise Bad("bad-output", error.message, assembly.place(min(error.at, max(len(text) - 1, 0)))) from None
        is_known = True
        for slot in template.parts:
            if not isinstance(slot, Slot) or not self.check_fields or print_operand(slot.field) == CONTAINER_INFO[1:]:
                continue
            misfit = field_misfit(slot.field, definition.source)
            if misfit is None:
                continue
            if not misfit.unknown or not definition.skip_if_unknown_filter:
                raise Bad("bad-output", f"in the output, {misfit.message}", assembly.place(slot.at))
            is_known = self._misfit(misfit, misfit.message, assembly.place(slot.at), definition, label)
        return text.replace(CONTAINER_INFO, "").strip(), is_known

    def _warn_unused(self) -> None:
        if self.messages.errors:
            return  # what is used cannot be told while something is broken
        for kind, definitions, used in (("macro", self.merged.macros, self.used_macros), ("list", self.merged.lists, self.used_lists)):
            for name, definition in definitions.items():
                if name not in used:
                    message = f"no rule, macro or list uses this {kind}: remove it, or correct the name where it should be used"
                    self.messages.warn(f"unused-{kind}", message, definition.place, f"{kind} {name}")


def _joined(pieces: Sequence[Written]) -> Assembly:
    assembly = Assembly()
    for number, piece in enumerate(pieces):
        if number:
            assembly.add_at(" ", piece.place)
        assembly.add(piece.text, piece.place_of)
    return assembly


def _list_note(text: str, expanded: str, at: int, where: int) -> str:
    """Where lists were put in, the reader sees their names, not what the parser saw."""
    start = max(at - 40, 0)
    return f" (with its lists written out: ...{_cut(expanded[start : at + 40])})" if text[where : where + 20] != expanded[at : at + 20] else ""


def _cut(text: str) -> str:
    return text if len(text) <= 100 else text[:97] + "..."
