"""Edits of random documents, written by hand in random styles, against a twin that changes plain data in the slowest and plainest way."""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path as FilePath
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seawall.core.fix import Append, Change, Edit, Remove, Set
from seawall.core.pod import pods
from seawall.core.resource import Field, Path, Resource
from seawall.io.sources.document import Document, NodePositions, Source, documents, value_of
from seawall.io.sources.edits import apply, edits
from seawall.io.sources.emit import scalar
from seawall.io.sources.manifests import decode, resources

CORPUS = FilePath(__file__).parents[4] / "shared" / "data" / "corpus"

Changes = list[tuple[Path, Change]]
Key = str | int

NO_FIELD = Field(Resource("", {}, None), (), None)  # type: ignore[arg-type]
"""Edits go by the path that is given beside a change."""


def last_document(text: str) -> Document:
    *_, document = documents(Source("file.yaml", text))
    assert isinstance(document, Document), document
    return document


def edits_of(text: str, changes: Changes) -> tuple[Edit, ...]:
    document = last_document(text)
    return edits(NodePositions(document, document.root), changes)


def data_of(text: str) -> Any:
    return value_of(last_document(text).root)


# The twin


def changed(data: Any, changes: Changes) -> Any:
    """The data after changes of which none is about what another one removes or sets: first what comes, then what goes, the last first."""
    data = deepcopy(data)
    for path, change in changes:
        if isinstance(change, Set):
            parent = parent_of(data, path)
            parent[path[-1]] = deepcopy(change.value)
        elif isinstance(change, Append):
            parent_of(data, (*path, 0), [])
            parent_of(data, path)[path[-1]].append(deepcopy(change.item))
    for path in sorted((path for path, change in changes if isinstance(change, Remove)), reverse=True):
        while path:
            parent = parent_of(data, path)
            del parent[path[-1]]
            path = path[:-1] if not parent else ()
    return data


def parent_of(data: Any, path: Path, last: Any = None) -> Any:
    """The collection that the last step of a path is in, made where it is missing: a mapping, or ``last``."""
    for place, step in enumerate(path[:-1], 2):
        if (data.get(step) if isinstance(data, dict) else data[step]) is None:
            data[step] = last if last is not None and place == len(path) else {}
        data = data[step]
    return data


def paths_of(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    yield path, data
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, child in entries:
        yield from paths_of(child, (*path, step))


def begins(path: Path, other: Path) -> bool:
    return path == other[: len(path)]


# Random data and changes

TEXTS = [
    "x",
    "app:1",
    "a b",
    "--flag=1",
    "yes",
    "",
    "null",
    "10",
    "1.5",
    "it's",
    'say "hi"',
    "# no",
    "a: b",
    "- x",
    "naïve \U0001f600",
    "*a",
    "{}",
    "~",
]
LINES = ["one\ntwo\n", "one\n\n  two", "one\n\n\n", "  indented\n", "# no comment\n", "one\n \n"]
PLAIN = {"x", "a b"}
PLAIN_IN_BLOCK = PLAIN | {"app:1", "--flag=1", "it's", 'say "hi"'}
KEYS = ["name", "image", "labels", "a b", "yes", "8", "x/y.z", "ключ", "args", "limits"]


def random_value(rnd: random.Random, depth: int = 2) -> Any:
    kind = rnd.randrange(8 if depth else 5)
    if kind < 2:
        return rnd.choice(TEXTS)
    if kind == 2:
        return rnd.choice([0, 7, -1, 1.5, True, False, None])
    if kind == 3:
        return rnd.choice([{}, []])
    if kind == 4:
        return rnd.choice(LINES)
    if kind == 5:
        return [random_value(rnd, depth - 1) for _ in range(rnd.randint(1, 3))]
    return {key: random_value(rnd, depth - 1) for key in rnd.sample(KEYS, rnd.randint(1, 3))}


def random_changes(rnd: random.Random, data: Any) -> Changes:
    changes: Changes = []
    for _ in range(rnd.randint(1, 4)):
        path, change = random_change(rnd, data)
        if path and not any(conflict(path, change, *other) for other in changes):
            changes.append((path, change))
    return changes


def random_change(rnd: random.Random, data: Any) -> tuple[Path, Change]:
    path, value = rnd.choice(list(paths_of(data)))
    if isinstance(value, list) and rnd.random() < 0.5:
        return path, Append(NO_FIELD, random_value(rnd))
    if value is None or (isinstance(value, dict) and rnd.random() < 0.6):
        new = [f"new {number}" for number in range(rnd.randint(1, 2))]
        if rnd.random() < 0.3:
            return (*path, *new), Append(NO_FIELD, random_value(rnd))
        return (*path, *new), Set(NO_FIELD, random_value(rnd))
    return path, Remove(NO_FIELD) if rnd.random() < 0.5 else Set(NO_FIELD, random_value(rnd))


def conflict(path: Path, change: Change, other_path: Path, other: Change) -> bool:
    """Only what is below the same new parent, and removing items of a list that something is appended to, goes together."""
    if isinstance(change, Append) and isinstance(other, Append) and path == other_path:
        return False
    if isinstance(change, Append) and isinstance(other, Remove) and begins(path, other_path) and path != other_path:
        return False
    if isinstance(other, Append) and isinstance(change, Remove) and begins(other_path, path) and path != other_path:
        return False
    return begins(path, other_path) or begins(other_path, path)


# Random documents


class Comment(NamedTuple):
    text: str
    path: Path
    where: str  # "above" the entry at the path, "behind" it, or at the "end" of the collection at the path


class Writer:
    """Makes up a mapping and writes it down at once. ``odd`` tells what is in it that may rightly be too much for an edit."""

    def __init__(self, rnd: random.Random, *, with_comments: bool, with_aliases: bool) -> None:
        self.rnd = rnd
        self.with_comments = with_comments
        self.with_aliases = with_aliases
        self.comments: list[Comment] = []
        self.anchors: list[tuple[str, Any]] = []
        self.count = 0
        self.odd = False
        self.keeps_lines = False  # the last line is of a scalar that keeps the empty lines behind it
        self.in_block_scalar = False  # the last line is of a scalar to which a line indented deeper would belong

    def maybe(self, chance: float) -> bool:
        return self.rnd.random() < chance

    def document(self) -> tuple[Any, str]:
        flow = self.maybe(0.15)
        data, lines = self.flow_collection((), 4, 0, "dict") if flow else self.block_mapping((), 4, 0)
        text = "\n".join(lines) + "\n"
        if not self.keeps_lines and self.maybe(0.2) and not lines[-1].startswith(" "):
            text = text.removesuffix("\n")
        if self.maybe(0.2):
            text = "---\n" + text
        if self.maybe(0.2):
            text = "other: [1]\n---\n" + text.removeprefix("---\n")
        if self.maybe(0.2):
            text = text.replace("\n", "\r\n")
        return data, text

    # Comments

    def comment(self, path: Path, where: str, chance: float = 0.2) -> str:
        if not self.with_comments or not self.maybe(chance):
            return ""
        text = f"# comment {len(self.comments)}."
        self.comments.append(Comment(text, path, where))
        return text

    def behind(self, path: Path) -> str:
        text = self.comment(path, "behind")
        return self.rnd.choice([" ", "  "]) + text if text else ""

    def between(self, path: Path, indent: int) -> list[str]:
        lines = []
        if not self.keeps_lines and self.maybe(0.1):
            lines.append("" if self.in_block_scalar else self.rnd.choice(["", "  "]))
        if text := self.comment(path, "above"):
            is_free = not self.keeps_lines and not self.in_block_scalar
            lines.append(" " * (self.rnd.choice([indent, 0, indent + 3]) if is_free else indent) + text)
            self.keeps_lines = self.in_block_scalar = False
        return lines

    # Block style

    def keys(self) -> list[str]:
        return self.rnd.sample(KEYS, self.rnd.randint(1, 4))

    def block_mapping(self, path: Path, depth: int, indent: int) -> tuple[Any, list[str]]:
        data: dict[str, Any] = {}
        lines: list[str] = []
        for key in self.keys():
            here = (*path, key)
            lines += self.between(here, indent) if lines or not path or not isinstance(path[-1], int) else []
            data[key], after = self.block_value(here, depth, indent, self.key(key, False) + self.rnd.choice([":", ":", ":", " :"]))
            lines += after
        return data, lines

    def block_list(self, path: Path, depth: int, indent: int) -> tuple[Any, list[str]]:
        data: list[Any] = []
        lines: list[str] = []
        for index in range(self.rnd.randint(1, 4)):
            here = (*path, index)
            lines += self.between(here, indent) if lines or not path or not isinstance(path[-1], int) else []
            value, after = self.block_value(here, depth, indent, "-")
            data.append(value)
            lines += after
        return data, lines

    def block_value(self, path: Path, depth: int, indent: int, head: str) -> tuple[Any, list[str]]:
        """What comes behind a key or dash, whose line begins with ``head`` at the column ``indent``."""
        start = " " * indent + head
        self.keeps_lines = self.in_block_scalar = False
        if self.with_aliases and self.anchors and self.maybe(0.2):
            name, value = self.rnd.choice(self.anchors)
            self.odd = True
            return deepcopy(value), [f"{start} *{name}{self.behind(path)}"]
        anchor = ""
        if self.with_aliases and self.maybe(0.2):
            self.count += 1
            anchor = f" &anchor{self.count}"
        value, lines = self.block_content(path, depth, indent, start + anchor, head == "-" and not anchor)
        if anchor:
            self.anchors.append((anchor[2:], value))
        return value, lines

    def block_content(self, path: Path, depth: int, indent: int, start: str, may_share_line: bool) -> tuple[Any, list[str]]:
        kind = self.rnd.randrange(10 if depth else 5)
        if kind >= 5:
            is_list = self.maybe(0.4)
            child = self.block_list if is_list else self.block_mapping
            if may_share_line and self.maybe(0.7):
                gap = self.rnd.choice([1, 1, 1, 3])
                value, lines = child(path, depth - 1, indent + 1 + gap)
                return value, [start + " " * gap + lines[0].lstrip(), *lines[1:]]
            step = self.rnd.choice([0, 2, 4]) if is_list and not start.lstrip().startswith("-") else self.rnd.choice([1, 2, 4])
            head = start + self.behind(path)
            value, lines = child(path, depth - 1, indent + step)
            return value, [head, *lines]
        if kind == 4:
            value, lines = self.flow_collection(path, min(depth, 2), indent + 1, self.rnd.choice(["dict", "list"]))
            lines[0] = f"{start} {lines[0]}"
            lines[-1] += self.behind(path)
            return value, lines
        if kind == 3:
            return self.folded(path, indent, start) if self.maybe(0.3) else self.block_scalar(path, indent, start)
        value = self.rnd.choice([*TEXTS, 0, 7, 1.5, True, False, None])
        text = self.scalar(value, False)
        tab = "\t" if text and self.maybe(0.1) else ""
        return value, [f"{start}{' ' if text else ''}{text}{tab}{self.behind(path)}"]

    def block_scalar(self, path: Path, indent: int, start: str) -> tuple[Any, list[str]]:
        value = self.rnd.choice(LINES)
        body = value.rstrip("\n")
        ends = len(value) - len(body)
        chomp = {0: "-", 1: ""}.get(ends, "+")
        self.keeps_lines = ends > 1
        self.in_block_scalar = self.odd = True
        step = self.rnd.choice([1, 2, 4])
        header = f"{start} |{step if value.startswith(' ') else ''}{chomp}{self.behind(path)}"
        lines = [" " * (indent + step) + line if line else "" for line in value.removesuffix("\n").split("\n")]
        return value, [header, *lines]

    def folded(self, path: Path, indent: int, start: str) -> tuple[Any, list[str]]:
        """A text on several lines that mean one."""
        first, second = self.rnd.choice([("one", "two"), ('"one', 'two"'), ("'one", "two'"), (">-", "one\n{}two"), ("", "one two")])
        inner = " " * (indent + self.rnd.choice([1, 2]))
        self.in_block_scalar = first == ">-"
        self.odd |= self.in_block_scalar
        behind = "" if first == ">-" else self.behind(path)
        return "one two", [f"{start} {first}".rstrip(), *(inner + second.format(inner) + behind).split("\n")]

    # Flow style

    def flow_value(self, path: Path, depth: int, indent: int) -> tuple[Any, list[str]]:
        if depth and self.maybe(0.4):
            return self.flow_collection(path, depth - 1, indent, self.rnd.choice(["dict", "list"]))
        value = self.rnd.choice([*TEXTS, 0, 1.5, True, None])
        return value, [self.scalar(value, True)]

    def flow_collection(self, path: Path, depth: int, indent: int, kind: str) -> tuple[Any, list[str]]:
        """All lines but the first are indented."""
        opening, closing = "{}" if kind == "dict" else "[]"
        steps: list[Key] = list(self.keys()) if kind == "dict" else list(range(self.rnd.randint(1, 3)))
        if not path:
            steps = steps or ["name"]
        elif self.maybe(0.2):
            return ({}, [opening + self.rnd.choice(["", " "]) + closing]) if kind == "dict" else ([], [opening + closing])
        on_lines = self.maybe(0.4)
        data: Any = {} if kind == "dict" else []
        lines = [opening]
        for number, step in enumerate(steps):
            here = (*path, step)
            if on_lines:
                inner = " " * (indent + 2)
                if text := self.comment(here, "above", 0.1):
                    lines.append(inner + text)
                    self.odd = True
                lines.append(inner)
            value, after = self.flow_value(here, depth, indent + 2)
            key = f"{self.key(step, True)}: " if isinstance(step, str) else ""
            lines[-1] += key + after[0]
            lines += after[1:]
            if isinstance(step, str):
                data[step] = value
            else:
                data.append(value)
            if number < len(steps) - 1 or self.maybe(0.2):
                lines[-1] += "," if on_lines else self.rnd.choice([",", ", "])
            if on_lines and (text := self.behind(here)):
                lines[-1] += text
                self.odd = True
        if on_lines:
            if text := self.comment(path, "end", 0.1):
                lines.append(" " * (indent + 2) + text)
                self.odd = True
            lines.append(" " * indent + closing)
        else:
            lines[-1] += closing
        return data, lines

    # Scalars

    def key(self, key: str, in_flow: bool) -> str:
        return key if key not in ("yes", "8", "ключ") and self.maybe(0.8) else self.quoted(key)

    def scalar(self, value: Any, in_flow: bool) -> str:
        if not isinstance(value, str):
            spellings = {True: ["true", "yes", "on"], False: ["false", "no"], None: ["null", "~"] if in_flow else ["null", "~", ""]}
            return self.rnd.choice(spellings[value]) if value is None or isinstance(value, bool) else str(value)
        if value in (PLAIN if in_flow else PLAIN_IN_BLOCK) and self.maybe(0.6):
            return value
        return self.quoted(value)

    def quoted(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=False) if self.maybe(0.5) else "'" + text.replace("'", "''") + "'"


def is_collection(value: Any) -> bool:
    return isinstance(value, dict | list)


def may_be_lost(comment: Comment, data: Any, changes: Changes) -> bool:
    """Whether a comment belongs to what was to go, or was to be replaced."""
    values = dict(paths_of(data))
    for path, change in changes:
        is_inside = begins(path, comment.path) and (path != comment.path or comment.where == "end")
        if isinstance(change, Set) and (is_inside or (path == comment.path and comment.where == "behind" and not is_plain(values.get(path)))):
            return True
        if isinstance(change, Remove) and is_inside:
            return True
    return comment.where == "behind" and is_gone(comment.path, values[comment.path], changes)


def is_plain(value: Any) -> bool:
    return not is_collection(value) and not (isinstance(value, str) and "\n" in value)


def is_gone(path: Path, value: Any, changes: Changes) -> bool:
    if any(isinstance(change, Remove) and begins(other, path) for other, change in changes):
        return True
    if not is_collection(value) or not value or any(begins(path, other) and not isinstance(change, Remove) for other, change in changes):
        return False
    return all(is_gone((*path, step), child, changes) for step, child in (value.items() if isinstance(value, dict) else enumerate(value)))


def check(data: Any, text: str, changes: Changes, comments: list[Comment], odd: bool) -> bool:
    """Everything that edits promise; whether there were any."""
    after = changed(data, changes)
    found = edits_of(text, changes)
    if after == data and json.dumps(after, sort_keys=True) == json.dumps(data, sort_keys=True):
        assert found == ()
        return False
    if not found:
        assert odd or not after, "no edits"
        return False
    new = apply(text, found)
    assert data_of(new) == after
    assert json.dumps(data_of(new), sort_keys=True) == json.dumps(after, sort_keys=True)  # true is not 1
    assert [edit for edit in found if edit.old == edit.new] == []
    for comment in comments:
        assert new.count(comment.text) == 1 or (new.count(comment.text) == 0 and may_be_lost(comment, data, changes)), comment
    check_lines(text, new, found)
    if all(isinstance(change, Set) for _, change in changes):
        assert edits_of(new, changes) == ()
    return True


def check_lines(text: str, new: str, found: tuple[Edit, ...]) -> None:
    """The lines that no edit touches are all there, in order."""
    touched = set()
    for edit in found:
        ends_with_line = edit.end_column == 1 and (edit.new.endswith("\n") or (not edit.new and edit.column == 1))
        touched |= set(range(edit.line, edit.end_line + (not ends_with_line)))
    untouched = [line for number, line in enumerate(text.split("\n"), 1) if number not in touched]
    rest = iter(new.split("\n"))
    assert all(line in rest for line in untouched)


SEEDS = st.integers(0, 2**32)


@settings(max_examples=300)
@given(SEEDS)
def test_plain_documents(seed: int) -> None:
    rnd = random.Random(seed)
    writer = Writer(rnd, with_comments=False, with_aliases=False)
    data, text = writer.document()
    assert data_of(text) == data
    check(data, text, random_changes(rnd, data), writer.comments, writer.odd)


@settings(max_examples=300)
@given(SEEDS)
def test_documents_with_comments(seed: int) -> None:
    rnd = random.Random(seed)
    writer = Writer(rnd, with_comments=True, with_aliases=False)
    data, text = writer.document()
    assert data_of(text) == data
    check(data, text, random_changes(rnd, data), writer.comments, writer.odd)


@settings(max_examples=300)
@given(SEEDS)
def test_documents_with_aliases(seed: int) -> None:
    rnd = random.Random(seed)
    writer = Writer(rnd, with_comments=True, with_aliases=True)
    data, text = writer.document()
    assert data_of(text) == data
    check(data, text, random_changes(rnd, data), writer.comments, writer.odd)


# JSON


def random_json(rnd: random.Random) -> tuple[Any, dict[str, Any]]:
    data = {key: random_value(rnd, 3) for key in rnd.sample(KEYS, rnd.randint(1, 4))}
    indent = rnd.choice([None, 1, 2, 4, "\t"])
    dense = indent is None and rnd.random() < 0.5
    return data, {"indent": indent, "separators": (",", ":") if dense else None, "ensure_ascii": rnd.random() < 0.5}


@settings(max_examples=300)
@given(SEEDS)
def test_json_stays_json_in_its_own_style(seed: int) -> None:
    rnd = random.Random(seed)
    data, style = random_json(rnd)
    text = json.dumps(data, **style)
    changes = random_changes(rnd, data)
    if not check(data, text, changes, [], odd=False):
        return
    new = apply(text, edits_of(text, changes))
    after = changed(data, changes)
    assert json.loads(new) == after
    values = dict(paths_of(data))
    if not any(isinstance(change, Set) and is_collection(change.value) and is_collection(values.get(path)) for path, change in changes):
        # What is there keeps its place, so that this is how the whole would have been written in the first place.
        assert json.dumps(json.loads(new), **style) == json.dumps(after, **style)
        if not style["ensure_ascii"]:
            assert new == json.dumps(after, **style)


# Texts


@given(st.text() | st.sampled_from(TEXTS + LINES), st.sampled_from(["", "'", '"']), st.booleans())
def test_a_text_is_read_as_it_was_meant(text: str, quote: str, flow: bool) -> None:
    assume(not any("\ud800" <= character <= "\udfff" for character in text))
    written = scalar(text, quote, flow=flow)
    document = f"a: [{written}]\n" if flow else f"a: {written}\n"
    expected = {"a": [text] if flow else text}
    assert data_of(document) == expected
    assert yaml.load(document, Loader=yaml.CSafeLoader) == expected  # another one's idea of YAML 1.1


# Real manifests


def corpus() -> Iterator[Resource]:
    for path in sorted(CORPUS.rglob("*")):
        if path.suffix in (".yaml", ".yml", ".json"):
            yield from (item for item in resources(Source(str(path), decode(str(path), path.read_bytes()))) if isinstance(item, Resource))


def test_real_manifests() -> None:
    """Every pod: what the rules of the catalogue do most, one by one and all at once; every comment stays."""
    if not CORPUS.is_dir():
        pytest.skip(f"no corpus of real manifests at {CORPUS}")
    count = 0
    for resource in corpus():
        for pod in pods(resource):
            for container in pod.containers:
                context, image = (*container.field.path, "securityContext"), (*container.field.path, "image")
                one_by_one: Changes = [
                    ((*context, "privileged"), Set(NO_FIELD, False)),
                    ((*context, "capabilities", "drop"), Append(NO_FIELD, "ALL")),
                    (image, Set(NO_FIELD, "registry.example/app@sha256:0")),
                    ((*pod.spec.path, "automountServiceAccountToken"), Set(NO_FIELD, False)),
                ]
                changes = [[change] for change in one_by_one] + [one_by_one] + [[(path, Remove(NO_FIELD))] for path in entries_of(container.field)]
                for some in changes:
                    check_real(resource, some)
                    count += 1
    assert count > 1000


def entries_of(field: Field) -> list[Path]:
    return [child.path for _, child in field.entries()]


def check_real(resource: Resource, changes: Changes) -> None:
    assert isinstance(resource.positions, NodePositions)
    source = resource.positions.document.source
    after = changed(resource.data, changes)
    found = resource.positions.edits(changes)
    if after == resource.data:
        assert found == ()
        return
    new = apply(source.text, found)
    others = [item for item in resources(Source(source.path, source.text)) if isinstance(item, Resource)]
    place = next(place for place, item in enumerate(others) if span(item) == span(resource))
    again = [item for item in resources(Source(source.path, new)) if isinstance(item, Resource)]
    assert [item.data for item in again] == [after if number == place else item.data for number, item in enumerate(others)]
    if not any(isinstance(change, Remove) for _, change in changes):
        assert comment_lines(new) == comment_lines(source.text)


def comment_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.lstrip().startswith("#")]


def span(resource: Resource) -> tuple[int, int]:
    assert isinstance(resource.positions, NodePositions)
    return resource.positions.document.base, resource.positions.root.start_mark.index
