"""Rule files to statements. All tolerance of bad input is here: an item that cannot be read is an error with a place, and the next item is read."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from seawall.io.sources.document import Source, documents
from seawall.io.sources.nodes import Malformed
from seawall.run.detect.language import version
from seawall.run.detect.language.assembly import Place
from seawall.run.detect.language.messages import Bad, Messages
from seawall.run.detect.language.nearest import hint
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
from seawall.run.detect.language.tree import PRIORITIES, RuleFile
from seawall.run.detect.language.yaml_values import Value, Written, place_at, readable

MAX_BYTES: Final = 16 * 2**20
MAX_ENTRIES: Final = 1_000_000
"""Items of lists and values of exceptions in one file, so that aliases cannot multiply them."""

SYSCALL: Final = "syscall"
EXTENSIONS: Final = ("window", "threshold", "distinct", "sequence", "unless_seen", "count_by")
"""The keys of a rule beyond Falco's."""
ABOUT: Final = "seawall"
"""A key whose value is for people: technique, what to look at, known false alarms. It has no effect on judging."""

_LIST_KEYS: Final = ("list", "items", "append", "override")
_MACRO_KEYS: Final = ("macro", "condition", "append", "override")
_FLAGS: Final = ("enabled", "warn_evttypes", "skip-if-unknown-filter", "capture")
_NUMBERS: Final = ("capture_duration", "capture_events", "capture_filesize")
_RULE_KEYS: Final = (
    "rule", "desc", "condition", "output", "priority", "source", "tags", "exceptions", "append", "override", *_FLAGS, *_NUMBERS, *EXTENSIONS, ABOUT,
)  # fmt: skip
_EXCEPTION_KEYS: Final = ("name", "fields", "comps", "values")
_ITEMS: Final = ("rule", "macro", "list", "required_engine_version", "required_plugin_versions")
_APPENDABLE: Final = ("condition", "output", "desc", "tags", "exceptions")
_REPLACEABLE: Final = (*_APPENDABLE, "priority", *_FLAGS, *_NUMBERS, *EXTENSIONS)

_IDENTIFIER: Final = re.compile("[a-zA-Z][a-zA-Z0-9_]*").fullmatch
_BARE: Final = re.compile("[^()\"' \t\n\v\f\r=,]+").fullmatch
_PRIORITY: Final = {**{name.lower(): name for name in PRIORITIES}, "info": "INFORMATIONAL"}


def read(file: RuleFile, messages: Messages) -> Iterator[Statement]:
    """The statements of a file, in order. What is wrong goes to ``messages``."""
    yield from _Reader(file, messages).statements()


class _Keys:
    """The keys of a mapping, the last of equal ones."""

    def __init__(self, value: Value) -> None:
        self.place = value.place
        self.values: dict[str, Value] = {}
        self.keys: dict[str, Written] = {}
        self.repeated: list[Written] = []
        for key, entry in value.entries():
            if key.text in self.values:
                self.repeated.append(key)
            self.values[key.text] = entry
            self.keys[key.text] = key

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def get(self, key: str) -> Value | None:
        return self.values.get(key)

    def place_of(self, key: str) -> Place:
        return self.keys[key].place if key in self.keys else self.place


class _Reader:
    def __init__(self, file: RuleFile, messages: Messages) -> None:
        self.file = file
        self.messages = messages
        self.budget = [MAX_ENTRIES]

    def statements(self) -> Iterator[Statement]:
        if len(self.file.text) > MAX_BYTES:
            self.messages.error("too-large", f"the file has over {MAX_BYTES:,} characters; split it", Place(self.file.path))
            return
        source = Source(self.file.path, readable(self.file.text))
        for document in documents(source):
            if isinstance(document, Malformed):
                self.messages.error("yaml", document.message, place_at(source, document.index))
                continue
            root = Value(document, document.root)
            if root.is_null:
                continue
            if not root.is_sequence:
                self.messages.error("not-a-list", "a rule file is a YAML list: begin each rule, macro and list with '- '", root.place)
                continue
            for item in root.items():
                if not item.is_null:
                    yield from self._item(item)

    def _item(self, value: Value) -> Iterator[Statement]:
        if not value.is_mapping:
            self.messages.error("not-a-mapping", "an item of a rule file is a mapping with a key 'rule', 'macro' or 'list'", value.place)
            return
        keys = _Keys(value)
        name = next((kind for kind in ("required_engine_version", "required_plugin_versions", "list", "macro", "rule") if kind in keys), None)
        label = _label(name, keys)
        for key in keys.repeated:
            self.messages.warn("repeated-key", f"the key {key.text!r} stands here twice; the last one counts", key.place, label)
        try:
            match name:
                case "required_engine_version":
                    self._required_engine(keys)
                case "required_plugin_versions":
                    self._required_plugins(keys)
                case "list":
                    yield self._list(keys, label)
                case "macro":
                    yield self._macro(keys, label)
                case "rule":
                    yield from self._rule(keys, label)
                case _:
                    found = next(iter(keys.values), "")
                    self.messages.warn("unknown-item", f"unknown item{f' {found!r}' if found else ''}: known are {', '.join(_ITEMS)}", keys.place)
        except Bad as bad:
            self.messages.bad(bad, label)

    # requirements

    def _required_engine(self, keys: _Keys) -> None:
        written = _text(keys, "required_engine_version")
        required = version.required_engine(written.text)
        if required is None:
            raise Bad("bad-version", f"{written.text!r} is no engine version: write x.y.z, such as 0.57.0, or a whole number", written.place)
        if not version.is_spoken(required):
            shown = ".".join(map(str, required))
            raise Bad(
                "engine-too-new",
                f"these rules require engine version {shown}; spoken here is {version.engine_version()}: use an older release of them, or update",
                written.place,
            )

    def _required_plugins(self, keys: _Keys) -> None:
        value = keys.values["required_plugin_versions"]
        if not value.is_sequence:
            raise Bad("bad-version", "required_plugin_versions is a list of mappings with 'name' and 'version'", value.place)
        for item in value.items():
            plugin = self._plugin(item, "a required plugin")
            names = {plugin}
            alternatives = _Keys(item).get("alternatives")
            if alternatives is None:
                continue
            if not alternatives.is_sequence:
                raise Bad("bad-version", "'alternatives' is a list of mappings with 'name' and 'version'", alternatives.place)
            for alternative in alternatives.items():
                name = self._plugin(alternative, "an alternative plugin")
                if name in names:
                    raise Bad("bad-version", f"plugin {name!r} is named twice among its alternatives; keep one version of each", alternative.place)
                names.add(name)

    def _plugin(self, value: Value, what: str) -> str:
        if not value.is_mapping:
            raise Bad("bad-version", f"{what} is a mapping with 'name' and 'version'", value.place)
        keys = _Keys(value)
        name = _text(keys, "name").text
        required = _text(keys, "version")
        if version.parse_version(required.text) is None:
            raise Bad("bad-version", f"{required.text!r} is no version for plugin {name!r}: write x.y.z", required.place)
        return name

    # lists and macros

    def _list(self, keys: _Keys, label: str) -> ListStatement:
        name = _text(keys, "list").text
        self._known_keys(keys, _LIST_KEYS, label)
        if not _BARE(name):
            message = f"{name!r} cannot be used as a list: a name has no spaces, quotes, commas, parentheses and '='"
            self.messages.warn("invalid-name", message, keys.place_of("list"), label)
        items = self._texts(keys, "items", required=True)
        append = self._append(keys, label)
        overrides = self._overrides(keys, ("items",), ("items",))
        self._not_both(append, overrides, keys)
        return ListStatement(name, keys.place_of("list"), items or [], append or overrides.get("items") == "append")

    def _macro(self, keys: _Keys, label: str) -> MacroStatement:
        name = _text(keys, "macro").text
        self._known_keys(keys, _MACRO_KEYS, label)
        if not _IDENTIFIER(name):
            message = f"{name!r} cannot be used as a macro: a name is made of letters, digits and '_', and begins with a letter"
            self.messages.warn("invalid-name", message, keys.place_of("macro"), label)
        condition = _text(keys, "condition")
        append = self._append(keys, label)
        overrides = self._overrides(keys, ("condition",), ("condition",))
        self._not_both(append, overrides, keys)
        return MacroStatement(name, keys.place_of("macro"), condition, append or overrides.get("condition") == "append")

    def _append(self, keys: _Keys, label: str) -> bool:
        append = _flag(keys, "append", default=False)
        if append:
            message = "'append: true' is deprecated: write 'override:' with the key and 'append' below it, such as 'condition: append'"
            self.messages.warn("deprecated-append", message, keys.place_of("append"), label)
        return append

    def _not_both(self, append: bool, overrides: Mapping[str, str], keys: _Keys) -> None:
        if append and overrides:
            raise Bad("append-and-override", "'append: true' and 'override' do not go together: keep 'override'", keys.place_of("override"))

    def _overrides(self, keys: _Keys, appendable: tuple[str, ...], replaceable: tuple[str, ...]) -> dict[str, str]:
        value = keys.get("override")
        if value is None or value.is_null:
            return {}
        if not value.is_mapping:
            raise Bad("bad-override", "'override' is a mapping of keys to 'append' or 'replace'", value.place)
        overrides: dict[str, str] = {}
        for key, operation in value.entries():
            usable = [word for word, known in (("append", appendable), ("replace", replaceable)) if key.text in known]
            written = operation.scalar()
            word = written.text if written else ""
            if word not in ("append", "replace"):
                choice = f"write {' or '.join(usable)}" if usable else "this key cannot be overridden"
                raise Bad("bad-override", f"{word!r} is no way to override {key.text!r}: {choice}", operation.place)
            if word not in usable:
                instead = f"; use '{usable[0]}'" if usable else hint(key.text, replaceable)
                what = "appended to" if word == "append" else "replaced"
                raise Bad("bad-override", f"the key {key.text!r} cannot be {what}{instead}", key.place)
            overrides[key.text] = word
        return overrides

    # rules

    def _rule(self, keys: _Keys, label: str) -> Iterator[Statement]:
        name = _text(keys, "rule").text
        self._known_keys(keys, _RULE_KEYS, label)
        append = self._append(keys, label)
        overrides = self._overrides(keys, _APPENDABLE, _REPLACEABLE)
        self._not_both(append, overrides, keys)
        if overrides:
            yield from self._changes(name, keys, overrides, label)
        elif append:
            change = RuleChange(name, keys.place_of("rule"), replace=False)
            if "condition" in keys:
                change.condition = _text(keys, "condition")
            if "exceptions" in keys:
                change.exceptions = self._exceptions(keys, label, append=True)
            if change.is_empty:
                raise Bad("nothing-to-append", "'append: true' needs a 'condition' or 'exceptions' to append", keys.place_of("append"))
            yield change
        elif not any(key in keys for key in ("condition", "output", "desc", "priority")):
            enabled = _flag(keys, "enabled", default=None)
            message = "'enabled' alone is deprecated: add 'override:' with 'enabled: replace' below it"
            self.messages.warn("deprecated-enabled", message, keys.place_of("enabled"), label)
            yield RuleSwitch(name, keys.place_of("rule"), enabled)
        else:
            yield self._definition(name, keys, label)

    def _definition(self, name: str, keys: _Keys, label: str) -> RuleStatement:
        condition, output, description = _text(keys, "condition"), _text(keys, "output"), _text(keys, "desc").text
        priority = _priority(keys)
        source = _text(keys, "source").text if "source" in keys else SYSCALL
        for key in _NUMBERS:
            _number(keys, key)
        _flag(keys, "capture", default=False)
        return RuleStatement(
            name=name,
            place=keys.place_of("rule"),
            condition=condition,
            output=output,
            description=description,
            priority=priority,
            source=source,
            enabled=_flag(keys, "enabled", default=True),
            warn_evttypes=_flag(keys, "warn_evttypes", default=True),
            skip_if_unknown_filter=_flag(keys, "skip-if-unknown-filter", default=False),
            tags=[tag.text for tag in self._texts(keys, "tags", required=False) or ()],
            exceptions=self._exceptions(keys, label, append=False),
            extensions=self._extensions(keys, EXTENSIONS),
        )

    def _changes(self, name: str, keys: _Keys, overrides: Mapping[str, str], label: str) -> Iterator[RuleChange]:
        for key in overrides:
            if key not in keys:
                word = overrides[key]
                raise Bad("bad-override", f"'override' says {word!r} for {key!r}, but the rule gives no {key!r}: add it", keys.place_of("override"))
        for key in keys.values:
            if key in _REPLACEABLE and key not in overrides:
                raise Bad("bad-override", f"{key!r} has no entry under 'override': add '{key}: replace' there, or remove the key", keys.place_of(key))
        for word in ("append", "replace"):
            chosen = {key for key, operation in overrides.items() if operation == word}
            if chosen:
                yield self._change(name, keys, chosen, label, replace=word == "replace")

    def _change(self, name: str, keys: _Keys, chosen: set[str], label: str, *, replace: bool) -> RuleChange:
        change = RuleChange(name, keys.place_of("rule"), replace=replace)
        if "condition" in chosen:
            change.condition = _text(keys, "condition")
        if "exceptions" in chosen:
            change.exceptions = self._exceptions(keys, label, append=not replace)
        if "output" in chosen:
            change.output = _text(keys, "output")
        if "desc" in chosen:
            change.description = _text(keys, "desc").text
        if "tags" in chosen:
            change.tags = [tag.text for tag in self._texts(keys, "tags", required=False) or ()]
        if "priority" in chosen:
            change.priority = _priority(keys)
        for key in chosen.intersection(_NUMBERS):
            _number(keys, key)
        change.flags = {key: _flag(keys, key, default=None) for key in _FLAGS if key in chosen}
        change.extensions = self._extensions(keys, tuple(key for key in EXTENSIONS if key in chosen))
        return change

    def _extensions(self, keys: _Keys, names: tuple[str, ...]) -> dict[str, Any]:
        try:
            return {name: keys.values[name].plain(self.budget) for name in names if name in keys}
        except OverflowError:
            raise _too_many(keys.place) from None

    # exceptions

    def _exceptions(self, keys: _Keys, label: str, *, append: bool) -> list[RuleException]:
        value = keys.get("exceptions")
        if value is None or value.is_null:
            return []
        if not value.is_sequence:
            raise Bad("bad-exception", "'exceptions' is a list of mappings with 'name', 'fields', 'comps' and 'values'", value.place)
        exceptions: list[RuleException] = []
        for item in value.items():
            exception = self._exception(item, label, append=append)
            if any(exception.name == other.name for other in exceptions):
                message = f"the exception {exception.name!r} is defined twice in this rule; give each its own name"
                self.messages.warn("exception-name", message, exception.place, f"exception {exception.name}")
            exceptions.append(exception)
        return exceptions

    def _exception(self, item: Value, label: str, *, append: bool) -> RuleException:
        if not item.is_mapping:
            raise Bad("bad-exception", "an exception is a mapping with 'name', 'fields', 'comps' and 'values'", item.place)
        keys = _Keys(item)
        name = _text(keys, "name").text
        own = f"exception {name}"
        self._known_keys(keys, _EXCEPTION_KEYS, f"{label}, {own}")
        try:
            return self._exception_named(name, keys, own, append=append)
        except Bad as bad:
            bad.item = bad.item or own
            raise

    def _exception_named(self, name: str, keys: _Keys, own: str, *, append: bool) -> RuleException:
        fields = self._entry(keys, "fields")
        if fields is None and not append:
            raise Bad("bad-exception", "the exception has no 'fields': name the field or the list of fields that it compares", keys.place)
        comps = self._entry(keys, "comps")
        values = keys.get("values")
        if values is None and append:
            self.messages.warn("no-values", "nothing is added to this exception: give it 'values'", keys.place, own)
        if values is not None and not values.is_sequence:
            raise Bad("bad-exception", "'values' is a list: one item, or one list of items, for each exception", values.place)
        entries = [self._entry_of(value, 0) for value in values.items()] if values is not None else []
        return RuleException(name, keys.place, fields, comps, entries)

    def _entry(self, keys: _Keys, key: str) -> Entry | None:
        value = keys.get(key)
        if value is None or value.is_null:
            return None
        entry = self._entry_of(value, 0)
        if not entry.is_list and not entry.text:
            raise Bad("bad-exception", f"{key!r} is empty: name a field or an operator", value.place)
        return entry if entry.items != [] else None

    def _entry_of(self, value: Value, depth: int) -> Entry:
        self.budget[0] -= 1
        if self.budget[0] < 0:
            raise _too_many(value.place)
        written = value.scalar()
        if written is not None:
            return Entry(value.place, written)
        if not value.is_sequence or depth > 2:
            raise Bad("bad-exception", "exceptions hold text and lists of text, nothing else", value.place)
        return Entry(value.place, None, [self._entry_of(item, depth + 1) for item in value.items()])

    # pieces

    def _texts(self, keys: _Keys, key: str, *, required: bool) -> list[Written] | None:
        value = keys.get(key)
        if value is None:
            if required:
                raise Bad("missing-key", f"{key!r} is missing: add it, as a list ([] for none)", keys.place)
            return None
        if not value.is_sequence:
            raise Bad("bad-value", f"{key!r} is a list: write [a, b], or one '- item' a line", value.place)
        texts: list[Written] = []
        for item in value.items():
            self.budget[0] -= 1
            if self.budget[0] < 0:
                raise _too_many(value.place)
            written = item.scalar()
            if written is None or item.is_null:
                raise Bad(
                    "bad-value",
                    f"an item of {key!r} is {'empty' if written else 'no text'}: every item is text; quote it if it has to be empty",
                    item.place,
                )
            texts.append(written)
        return texts

    def _known_keys(self, keys: _Keys, known: tuple[str, ...], label: str) -> None:
        for key, written in keys.keys.items():
            if key not in known:
                self.messages.warn("unknown-key", f"unknown key {key!r}: it has no effect{hint(key, known)}", written.place, label)


def _too_many(place: Place) -> Bad:
    return Bad("too-large", f"the file has over {MAX_ENTRIES:,} items in lists and exceptions; the rest was not read", place)


def _label(kind: str | None, keys: _Keys) -> str:
    if kind not in ("rule", "macro", "list"):
        return ""
    written = keys.values[kind].scalar()
    return f"{kind} {written.text}" if written and written.text else kind


def _text(keys: _Keys, key: str) -> Written:
    value = keys.get(key)
    if value is None:
        raise Bad("missing-key", f"{key!r} is missing: add it", keys.place)
    written = value.scalar()
    if written is None:
        raise Bad("bad-value", f"{key!r} is text, not a {'mapping' if value.is_mapping else 'list'}", value.place)
    if value.is_null or not written.text:
        raise Bad("bad-value", f"{key!r} is empty: give it a value", keys.place_of(key))
    return written


def _flag(keys: _Keys, key: str, *, default: bool | None) -> bool:
    value = keys.get(key)
    if value is None and default is not None:
        return default
    written = _text(keys, key)
    boolean = value.boolean() if value is not None else None
    if boolean is None:
        raise Bad("bad-value", f"{key!r} is true or false, not {written.text[:60]!r}", written.place)
    return boolean


def _number(keys: _Keys, key: str) -> None:
    if key in keys:
        written = _text(keys, key)
        if not written.text.isdecimal():
            raise Bad("bad-value", f"{key!r} is a whole number, not {written.text[:60]!r}", written.place)


def _priority(keys: _Keys) -> str:
    written = _text(keys, "priority")
    priority = _PRIORITY.get(written.text.lower())
    if priority is None:
        raise Bad("bad-priority", f"{written.text[:60]!r} is no priority: use {', '.join(PRIORITIES)} or INFO", written.place)
    return priority
