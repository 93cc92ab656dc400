"""Values and places of documents: random ones in every style, whose writer knows what it put where, and the real corpus against Kubernetes."""

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path as FilePath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.resource import Path
from seawall.io.sources.document import Document, NodePositions, Source, child_of, documents, value_of
from seawall.io.sources.limits import MAX_DOCUMENTS
from seawall.io.sources.manifests import decode
from seawall.io.sources.nodes import Malformed, compose

Compare = Callable[[str], None]
Kubernetes = Callable[[str], dict[str, Any]]
Span = tuple[int, int]

CORPUS = FilePath(__file__).parents[4] / "shared" / "data" / "corpus"


# The writer

KEYS = {"a": "a", "b": "b", "long key": "long key", "yes": "true", "010": "8", '"q: 1"': "q: 1", "'#'": "#", "é": "é", "~x": "~x", "1.5": "1.5"}
"""As they are written, and what they are."""
WORDS = [
    "x", "true", "012", "0x1f", "1e3", "~", "a b", "a:b", "a#b", "-1", "é", "😀 b", "http://x/y",
    "''", '""', "'it''s # no comment'", '"\\u00e9 \\n"', "'- x: y'",
]  # fmt: skip


class Writer:
    """Writes one random document and keeps, for each field, where its text stands, and where its key (or dash) does.

    Merging and giving a key again overwrite what was there, in the order of the text: exactly what a dictionary does.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.line_end = self.random.choice(["\n", "\r\n"])
        self.parts: list[str] = []
        self.at = 0
        self.spans: dict[Path, tuple[Span, Span]] = {}
        self.anchors: dict[str, tuple[str, dict[Path, tuple[Span, Span]]]] = {}
        self.open: set[str] = set()
        self.in_text = False  # a comment would become part of the block scalar above
        self.put(self.random.choice(["", "# first\n", "--- # first\n", "---\n", "\n \n"]))
        self.collection((), 0, self.choose(block_mapping=6, flow_mapping=1))
        self.put(self.random.choice(["", "\n", "\n# last\n", "\n...\n"]))

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def put(self, text: str) -> Span:
        text = text.replace("\n", self.line_end)
        self.parts.append(text)
        start, self.at = self.at, self.at + len(text)
        return start, self.at

    def choose(self, **weights: float) -> str:
        return self.random.choices(list(weights), list(weights.values()))[0]

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def forget(self, path: Path) -> None:
        for known in [known for known in self.spans if known[: len(path)] == path]:
            del self.spans[known]

    # What a collection holds

    def collection(self, path: Path, indent: int, style: str) -> int:
        """Writes the inside of a collection, its first line being where the pen is; tells where it ends."""
        end = self.at
        count = self.random.randint(1 if style.startswith("block") else 0, 3)
        if style.startswith("flow"):
            self.put("[" if style == "flow_sequence" else "{")
        for place in range(count):
            if style.startswith("block") and place:
                between = ["\n", "\n", "\n\n", f"\n{' ' * indent}# between - x: y\n", "\n" if self.in_text else " # behind - x\n"]
                self.put(self.random.choice(between) + " " * indent)
                self.in_text = False
            elif style.startswith("flow"):
                comma = "," if place else ""
                self.put(comma + self.random.choice(["", " ", "\n" + " " * indent, " # in - {flow\n" + " " * indent] if place else ["", " "]))
            end = self.item(path, place, indent, style) if style.endswith("sequence") else self.entry(path, indent, style)
        if style.startswith("flow"):
            end = self.put(self.random.choice(["", " "]) + ("]" if style == "flow_sequence" else "}"))[1]
        return end

    def item(self, path: Path, place: int, indent: int, style: str) -> int:
        path = (*path, place)
        if style == "flow_sequence":
            start, end = self.value(path, indent, in_flow=True)
            self.spans[path] = ((start, end), (start, start + 1))
            return end
        dash = self.put("-")
        if self.maybe(0.1):
            self.put(" # a - comment")
            self.put("\n" + " " * (indent + 1))
        else:
            self.put(" ")
        start, end = self.value(path, indent + 2 if self.maybe(0.9) else indent + 4, compact=True)
        if end < start:
            start = end = dash[1]  # nothing was written
        self.spans[path] = ((start, end), dash)
        return end

    def entry(self, path: Path, indent: int, style: str) -> int:
        mappings = [name for name, (kind, _) in self.anchors.items() if kind == "mapping" and name not in self.open]
        if mappings and self.maybe(0.15):
            return self.merge(path, mappings)
        text = self.random.choice(list(KEYS))
        path = (*path, KEYS[text])
        self.forget(path)
        key = self.put(text)
        colon = self.put(":")
        self.put(" ")
        end = max(self.value(path, indent, in_flow=style.startswith("flow"))[1], colon[1])
        self.spans[path] = ((key[0], end), key)
        return end

    def merge(self, path: Path, names: list[str]) -> int:
        chosen = [self.random.choice(names) for _ in range(self.random.choice([1, 1, 2]))]
        written = f"*{chosen[0]}" if len(chosen) == 1 else f"[{', '.join('*' + name for name in chosen)}]"
        end = self.put(f"<<: {written}")[1]
        for name in reversed(chosen):
            inside = self.anchors[name][1]
            for key in dict.fromkeys(known[0] for known in inside if known):
                self.forget((*path, key))
            self.spans |= {(*path, *known): spans for known, spans in inside.items() if known}
        return end

    # What a field may be

    def value(self, path: Path, indent: int, *, in_flow: bool = False, compact: bool = False) -> Span:
        """Writes a value; tells where it stands, the end being before the start when there is nothing."""
        known = [name for name in self.anchors if name not in self.open]
        if known and self.maybe(0.15):
            name = self.random.choice(known)
            span = self.put(f"*{name}")
            self.spans |= {(*path, *inside): spans for inside, spans in self.anchors[name][1].items() if inside}
            self.put(" " if in_flow else "")
            return span
        deep = len(path) > 4
        kind = self.choose(
            scalar=5, nothing=0 if in_flow else 0.5, lines=0 if in_flow else 1, block=0 if in_flow else 1,
            flow_mapping=0 if deep else 1, flow_sequence=0 if deep else 1,
            block_mapping=0 if deep or in_flow else 3, block_sequence=0 if deep or in_flow else 3,
        )  # fmt: skip
        anchor = self.random.choice("xyz") if self.maybe(0.2) else ""
        start = self.at
        if anchor:
            self.put(f"&{anchor} ")
            self.open.add(anchor)
        start_of_text, end = self.written(kind, path, indent, bool(anchor), compact)
        if anchor in self.open:  # else it was given again further in, and that one counts
            self.open.discard(anchor)
            inside = {known[len(path) :]: spans for known, spans in self.spans.items() if known[: len(path)] == path and known != path}
            self.anchors[anchor] = ("mapping" if kind.endswith("mapping") else "other", inside)
        return (start, max(end, start + 2)) if anchor else (start_of_text, end)

    def written(self, kind: str, path: Path, indent: int, has_anchor: bool, compact: bool) -> Span:
        margin = "\n" + " " * (indent + self.random.choice([1, 2, 3]))
        match kind:
            case "nothing":
                return self.at, -1
            case "scalar":
                return self.put(self.random.choice(WORDS))
            case "lines":
                form = self.random.choice(["one{0}two", "'one{0}{0}two'", '"one\\{0}two{0} "'])
                return self.put(form.format(margin))
            case "block":
                header = self.random.choice(["|", ">", "|-", ">+", "|+", "| # no text"])
                span = self.put(f"{header}{margin}one # text{margin}  - two{self.random.choice(['', margin, margin + 'x: y'])}".rstrip(" \n"))
                self.put(self.random.choice(["", "\n", "\n\n", "\n   \n"]))
                self.in_text = True
                return span
            case "flow_mapping" | "flow_sequence":
                return self.at, self.collection(path, indent + 1, kind)
        if compact and not has_anchor and self.maybe(0.7):
            return self.at, self.collection(path, self.column(), kind)
        # A list may stand as far to the left as the key that it belongs to.
        inner = indent if kind == "block_sequence" and not compact and self.maybe(0.4) else len(margin) - 1
        self.put((" # behind" if self.maybe(0.1) else "") + "\n" + " " * inner)
        return self.at, self.collection(path, inner, kind)

    def column(self) -> int:
        text = self.text
        return len(text) - text.rfind("\n") - 1


def fields(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every field below a value."""
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from fields(child, (*path, key))


seeds = st.integers(0, 2**32)


@settings(max_examples=300)
@given(seeds)
def test_a_random_document_is_read_as_kubernetes_reads_it(compare: Compare, seed: int) -> None:
    compare(Writer(seed).text)


@settings(max_examples=300)
@given(seeds)
def test_every_field_is_located_where_it_was_written(seed: int) -> None:
    writer = Writer(seed)
    [document] = documents(Source("x.yaml", writer.text))
    assert isinstance(document, Document)
    positions = NodePositions(document, document.root)
    assert set(fields(value_of(document.root))) == set(writer.spans)
    for path, (span, head) in writer.spans.items():
        assert absolute(document, positions.span(path)) == span, path
        assert absolute(document, positions.span((*path, "no such field"))) == head, f"the parent {path} of a missing field"


def absolute(document: Document, span: Span) -> Span:
    return document.base + span[0], document.base + span[1]


# Real documents


def corpus(*suffixes: str) -> list[FilePath]:
    return sorted(path for path in CORPUS.rglob("*") if path.suffix in suffixes)


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of real manifests is not here")
def test_the_corpus_is_read_as_kubernetes_reads_it(compare: Compare) -> None:
    count = 0
    for path in corpus(".yaml", ".yml", ".json"):
        for document in re.split("^---.*$", decode(str(path), path.read_bytes()), flags=re.MULTILINE):
            compare(document)
            count += 1
    assert count > 400


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of real manifests is not here")
def test_places_in_the_corpus_hold_what_they_are_said_to_hold() -> None:
    """What stands at the place of a field reads as that field again, alone."""
    count = 0
    for path in corpus(".yaml", ".yml", ".json"):
        for document in documents(Source(str(path), decode(str(path), path.read_bytes()))):
            if isinstance(document, Malformed) or len(document.source.text) > 200_000:
                continue
            positions = NodePositions(document, document.root)
            try:
                value = value_of(document.root)
            except Malformed:
                continue  # a template
            for field in fields(value):
                start, end = absolute(document, positions.span(field))
                text = document.source.text[start:end]
                assert text == text.strip()
                column = document.source.line_and_column(start)[1]
                assert at(value, field) in readings(text, column, field[-1]), f"{path} {field}: {text!r}"
                count += 1
    assert count > 15_000


def at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def readings(text: str, column: int, key: str | int) -> list[Any]:
    """What a part of a document may mean by itself: in a block, or between braces."""
    found = []
    block = " " * (column - 1) + text
    for whole in (block, f"{block}\n", f"{{{text}}}"):
        try:
            value = value_of(next(compose(whole)))
        except Malformed:
            continue
        if isinstance(key, int):
            found.append(value)
        elif isinstance(value, dict) and list(value) == [key]:
            found.append(value[key])
    return found


# What is known to differ, and why


@pytest.mark.parametrize(
    ("text", "ours", "theirs"),
    [
        # A question mark in a flow: go-yaml takes it for a key indicator, libyaml for a letter. We read more than Kubernetes.
        ("[http://x/?y]", ["http://x/?y"], None),
        # A colon at the end of a plain word in a flow: go-yaml takes it for a letter, libyaml refuses it. We report an error where Kubernetes reads.
        ("{a: [b:]}", None, {"a": ["b:"]}),
        # Something behind the root of a document: Kubernetes drops it unread, we report it.
        ("{}: a", None, {}),
    ],
)
def test_where_the_parsers_differ(kubernetes: Kubernetes, text: str, ours: object, theirs: object) -> None:
    assert kubernetes(text).get("json") == theirs
    try:
        read = value_of(next(compose(text)))
    except Malformed:
        read = None
    assert read == ours


def test_of_equal_keys_of_different_types_the_last_counts(kubernetes: Kubernetes) -> None:
    """Kubernetes picks one by chance: the keys differ until they become strings."""
    text = "1: a\n'1': b\n"
    assert {kubernetes(text)["json"]["1"] for _ in range(50)} <= {"a", "b"}
    assert value_of(next(compose(text))) == {"1": "b"}


# Streams of documents


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        ("\n \n", []),
        ("# only\n  # comments", []),
        ("# a\n---\n# b\n--- # c\n", []),
        ("a: 1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("---\na: 1\n---\n---\n# none\n---\nb: 2", [{"a": 1}, {"b": 2}]),
        ("--- # first\na: 1\n---   \r\nb: 2\r\n", [{"a": 1}, {"b": 2}]),
        ("--- {a: 1}\n--- [b]\n--- c", [{"a": 1}, ["b"], "c"]),
        ("a: 1\n...\n---\nb: 2\n...\n", [{"a": 1}, {"b": 2}]),
        ("a: 1\n...\nb: 2\n", [{"a": 1}, "not valid YAML: did not find expected <document start>"]),
        ("%YAML 1.2\n%TAG ! tag:x,2000:\n---\na: 1\n", [{"a": 1}]),
        ("a: |\n  ---\n  b\n", [{"a": "---\nb\n"}]),
        ("a: '\n ---'\n", [{"a": " ---"}]),
        ("----\n", ["----"]),
        ("---x\n", ["---x"]),
        ("\ufeffa: 1\n---\n\ufeffb: 2\n--- # joined\n\n\ufeff# c\nc: 3\n", [{"a": 1}, {"b": 2}, {"c": 3}]),
        # Line ends that editors do not count are line ends all the same: nothing hides behind a comment.
        ("# x\ra: 1\rb: 2\r", [{"a": 1, "b": 2}]),
        ("# x\x85a: 1\u2028# y\u2029b: 2", [{"a": 1, "b": 2}]),
        ("a: 1\r---\rb: 2\r", [{"a": 1}, {"b": 2}]),
    ],
)
def test_documents_of_a_stream(text: str, values: list[object]) -> None:
    found = list(documents(Source("x", text)))
    assert [value_of(document.root) if isinstance(document, Document) else document.message for document in found] == values


@settings(max_examples=100)
@given(st.lists(seeds, max_size=4), st.sampled_from(["---\n", "---\r\n", "--- # next\n", "...\n---\n", "# before\n---\n\n"]))
def test_documents_do_not_depend_on_what_stands_around_them(numbers: list[int], separator: str) -> None:
    writers = [Writer(number) for number in numbers]
    texts = [writer.text + writer.line_end for writer in writers]
    together = list(documents(Source("x", separator.join(texts))))
    assert len(together) == len(writers)
    base = 0
    for writer, text, document in zip(writers, texts, together, strict=True):
        assert isinstance(document, Document)
        assert value_of(document.root) == value_of(next(compose(text)))
        positions = NodePositions(document, document.root)
        for path, (span, _) in writer.spans.items():
            assert absolute(document, positions.span(path)) == (base + span[0], base + span[1])
        base += len(text) + len(separator)


def test_a_broken_document_does_not_hide_the_others() -> None:
    source = Source("x", "a: 1\n---\nb: [\n---\nc: 3\n---\nd: 'x\n---\ne: 5\n")
    found = list(documents(source))
    lines = [source.line_and_column(item.index)[0] if isinstance(item, Malformed) else value_of(item.root) for item in found]
    assert lines == [{"a": 1}, 3, {"c": 3}, 7, {"e": 5}]


def test_more_documents_than_anybody_needs_are_an_error() -> None:
    found = list(documents(Source("x", "--- a\n" * (MAX_DOCUMENTS + 5))))
    assert len(found) == MAX_DOCUMENTS + 1
    assert isinstance(found[-1], Malformed)
    assert found[-1].index == MAX_DOCUMENTS * 6


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 'open\nc: 2\n\n\n", 2),  # an open quote is shown where it was opened
        ('a: 1\nb:\n  - "open\nc: 2\n', 3),
        ("a: 1\nb: [1,\n  2\n", 2),
        ("a: 1\nb: {c: 1\nd: 2\n", 3),
        ("a: 1\n  b: 2\n", 2),
        ("a:\n\t- b\n", 2),
        ("a: *x\n", 1),
        ("# é\na: é\nb: \x07\n", 3),
        ("a: 1\nb: \x7f", 2),
        ("a: 1\nb: c\x00d", 2),
        ("a: \U0001f600\nb: 1\nc: \x9f", 3),
        ("a: 1\nb: .inf\n", 2),
        ("a: 1\n? [b]\n: c\n", 2),
        ("a: 1\n~: b\n", 2),
        ("a: 1\nb:\n  <<: [1]\n", 3),
        ("a: 1\nb: !!int x\n", 2),
        ("\n\na: \u0085\u2028\u2029 '\n", 3),
    ],
)
def test_an_error_has_the_line_that_an_editor_shows(text: str, line: int) -> None:
    source = Source("x", text)
    [found] = documents(source)
    if isinstance(found, Document):
        with pytest.raises(Malformed) as caught:
            value_of(found.root)
        found = caught.value
    assert source.line_and_column(found.index)[0] == line


# JSON, read by libyaml or by our own reader


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
json_objects = st.dictionaries(st.text(max_size=6), json_values, max_size=4)


@settings(max_examples=300)
@given(st.lists(json_objects, min_size=1, max_size=3), st.sampled_from([None, 0, 1, 2, "\t"]), st.booleans(), st.sampled_from(["", "\n", " \r\n\t"]))
def test_json_is_json(objects: list[dict[str, Any]], indent: int | str | None, ascii_only: bool, between: str) -> None:
    """One object or several, with surrogate pairs and without: as Python's own reader has it, and every place as JSON by itself."""
    try:
        text = between.join(json.dumps(value, indent=indent, ensure_ascii=ascii_only) for value in objects)
        text.encode()
    except UnicodeEncodeError:
        return  # a lone surrogate cannot stand in a file
    found = list(documents(Source("x.json", text)))
    assert len(found) == len(objects)
    for document, value in zip(found, objects, strict=True):
        assert isinstance(document, Document)
        assert same_json(value_of(document.root), value)
        for field in fields(value):
            start, end = absolute(document, NodePositions(document, document.root).span(field))
            part = json.loads(text[start:end] if isinstance(field[-1], int) else f"{{{text[start:end]}}}")
            assert part == (at(value, field) if isinstance(field[-1], int) else {field[-1]: at(value, field)})


def same_json(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, dict):
        return list(ours) == list(theirs) and all(same_json(ours[key], theirs[key]) for key in theirs)
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same_json, ours, theirs))
    if isinstance(theirs, float):
        return bool(ours == theirs)
    return type(ours) is type(theirs) and bool(ours == theirs)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ('{"a": "x\\ud800y\\udc00"}', {"a": "x\ufffdy\ufffd"}),  # as in Go
        ('\t{\n\t"a":\t1}', {"a": 1}),
        (f'{{"{"k" * 5000}": 1}}', {"k" * 5000: 1}),
        ('{"a"\n:\n1}', {"a": 1}),
        ('{"a": "x\x85y\u2028z\x7f\x9f"}', {"a": "x\x85y\u2028z\x7f\x9f"}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ('{"a": "\\/", "<<": {"b": 1}}', {"a": "/", "<<": {"b": 1}}),
        ("{a: 1, 'b': yes}", {"a": 1, "b": True}),
        ('---\n{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ('# c\n{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
    ],
)
def test_json_that_is_no_yaml(text: str, value: object) -> None:
    [document] = documents(Source("x.json", text))
    assert isinstance(document, Document)
    assert value_of(document.root) == value


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ('{"a": NaN}', {"a": "NaN"}),  # then it is YAML
        ('{"a": 1,} {', {"a": 1}),
        ('{"a": "\n\ty"} {', {"a": " y"}),
        ('{"a": "\\ud83d\\ude00", b: 1}', None),
        ('{"a": "\\ud83d\\ude00"', None),
        ('{"a": "\\ud83d\\ude00"} x', None),
    ],
)
def test_what_looks_like_json_and_is_not(text: str, first: object) -> None:
    found = list(documents(Source("x.json", text)))
    assert (value_of(found[0].root) if isinstance(found[0], Document) else None) == first
    assert isinstance(found[-1], Malformed) or len(found) == 1


# Places


@pytest.mark.parametrize(
    ("text", "path", "region"),
    [
        ("{ a , b: 1}", ("a",), "a"),
        ("? a\n? b\n: c\n", ("a",), "a"),
        ("? a\n? b\n: c\n", ("b",), "b\n: c"),
        ("a: &x 1 # *no\nb: *x # *x\n", ("b",), "b: *x"),
        ("a: &x 1\n*x : 2\n", ("1",), "*x : 2"),
        ("- &x a\n- b # *x\n- *x\n- *x # c\n", (3,), "*x"),
        ("- [&x a, &y b]\n- *x\n- *y\n", (2,), "*y"),
        ("a: 1\na: 2\n", ("a",), "a: 2"),
        ("a: |+\n  x\n\n\n", ("a",), "a: |+\n  x"),
        ("a:\n- b: 1\n  c: 2\n\n# end\n", ("a", 0), "b: 1\n  c: 2"),
        ("base: &b {x: 1}\na:\n  <<: *b\n", ("a", "x"), "x: 1"),
        ("a: !!str 1\n", ("a",), "a: !!str 1"),
        ("a: {}\n", ("a", "b", "c"), "a"),
        ("- # a - b\n  c: 1\n", (0, "d"), "-"),
        ("[ {c: 1} ]", (0, "d"), "{"),
        ("a: 1\nb: 2\n", (), "a"),
        ("{}", ("a",), "{"),
    ],
)
def test_regions(text: str, path: Path, region: str) -> None:
    [document] = documents(Source("x", text))
    assert isinstance(document, Document)
    start, end = NodePositions(document, document.root).span(path)
    assert text[start:end] == region


def test_lines_are_those_of_an_editor() -> None:
    """Only a newline counts: other line ends of YAML, and the carriage return before it, are characters of a line."""
    source = Source("x.yaml", "a: 1\r\nb: \u2028\n\u0085\nkey: value\r\n")
    [document] = documents(source)
    assert isinstance(document, Document)
    location = NodePositions(document, document.root).locate(("key",), "key")
    assert (location.line, location.column, location.end_line, location.end_column) == (4, 1, 4, 11)
    assert location.snippet == "key: value"


def test_child_of_looks_through_merge_keys() -> None:
    root = next(compose("base: &b {x: 1}\na: {<<: *b, w: 2, <<: {x: 3}}\nlist: [1]"))
    pair = child_of(root, "a")
    assert pair
    for step, value in {"x": 3, "w": 2}.items():
        child = child_of(pair[1], step)
        assert child
        assert value_of(child[1]) == value
    assert child_of(pair[1], "z") is None
    assert child_of(root, 0) is None
    items = child_of(root, "list")
    assert items
    assert child_of(items[1], "x") is None
    assert child_of(items[1], 1) is None
