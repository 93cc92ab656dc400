"""Values and places of documents: random ones in every style, whose writer knows what it put where, and the real corpus against Kubernetes."""

import json
import random
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


class Writer:
    """Writes one random document and keeps, for each field, where its text stands, and where its key (or dash) does.

    Merging and giving a key again overwrite what was there, in the order of the text: exactly what a dictionary does.
    """

    KEYS = ("a", "b", "name", "long key", "yes", "010", '"q: 1"', "'#'", "é", "~x", "1.5")
    NAMES = dict(zip(KEYS, ("a", "b", "name", "long key", "true", "8", "q: 1", "#", "é", "~x", "1.5"), strict=True))
    WORDS = ("x", "true", "012", "0x1f", "1e3", "~", "a b", "a:b", "a#b", "-1", "é", "😀 b", "http://x/y", "''", '""', "'it''s # no comment'", '"\\u00e9 \\n"')

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.line_end = self.random.choice(["\n", "\r\n"])
        self.parts: list[str] = []
        self.at = 0
        self.spans: dict[Path, tuple[Span, Span]] = {}
        self.anchors: dict[str, tuple[str, dict[Path, tuple[Span, Span]]]] = {}
        self.open: set[str] = set()
        self.put(self.random.choice(["", "# first\n", "--- # first\n", "---\n", "\n \n"]))
        self.collection((), 0, self.choose(block_mapping=6, flow_mapping=1))
        self.put(self.random.choice(["", "\n", " # last", "\n# last\n", "\n...\n"]))

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
                self.put(self.random.choice(["\n", "\n", "\n\n", "\n" + " " * indent + "# between - x: y\n", " # behind - x\n"]) + " " * indent)
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
            start = self.at
            end = self.value(path, indent, in_flow=True)
            self.spans[path] = ((start, end), (start, start + 1))
            return end
        dash = self.put("-")
        if self.maybe(0.1):
            self.put(" # a - comment")
            self.put("\n" + " " * (indent + 1))
        else:
            self.put(" ")
        start = self.at
        end = self.value(path, indent + 2 if self.maybe(0.9) else indent + 4, compact=True)
        if end < start:
            start = end = dash[1]  # nothing was written
        self.spans[path] = ((start, end), dash)
        return max(end, dash[1])

    def entry(self, path: Path, indent: int, style: str) -> int:
        mappings = [name for name, (kind, _) in self.anchors.items() if kind == "mapping" and name not in self.open]
        if mappings and self.maybe(0.15):
            return self.merge(path, mappings)
        text = self.random.choice(self.KEYS)
        path = (*path, self.NAMES[text])
        self.forget(path)
        key = self.put(text)
        colon = self.put(":")
        start = self.at
        self.put(" ")
        end = max(self.value(path, indent, in_flow=style.startswith("flow")), colon[1])
        self.forget(()) if False else None
        self.spans[path] = ((key[0], end), key)
        assert start
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

    def value(self, path: Path, indent: int, *, in_flow: bool = False, compact: bool = False) -> int:
        """Writes a value; tells where it ends, or less than where it began when there is nothing."""
        known = [name for name in self.anchors if name not in self.open]
        if known and self.maybe(0.15):
            name = self.random.choice(known)
            end = self.put(f"*{name}")[1]
            self.spans |= {(*path, *inside): spans for inside, spans in self.anchors[name][1].items() if inside}
            self.put(" " if in_flow else "")
            return end
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
        end = self.written(kind, path, indent, bool(anchor), compact)
        if anchor:
            self.open.discard(anchor)
            inside = {known[len(path) :]: spans for known, spans in self.spans.items() if known[: len(path)] == path and known != path}
            self.anchors[anchor] = ("mapping" if kind.endswith("mapping") else "other", inside)
            end = max(end, start + 2)
        return end

    def written(self, kind: str, path: Path, indent: int, has_anchor: bool, compact: bool) -> int:
        margin = "\n" + " " * (indent + self.random.choice([1, 2, 3]))
        match kind:
            case "nothing":
                return -1
            case "scalar":
                return self.put(self.random.choice(self.WORDS))[1]
            case "lines":
                form = self.random.choice(["one{0}two", "'one{0}{0}two'", '"one\\{0}two{0} "'])
                return self.put(form.format(margin))[1]
            case "block":
                header = self.random.choice(["|", ">", "|-", ">+", "|+", "| # no text"])
                end = self.put(f"{header}{margin}one # text{margin}  - two{self.random.choice(['', margin, margin + 'x: y'])}".rstrip(" \n"))[1]
                self.put(self.random.choice(["", "\n", "\n\n", "\n   \n"]))
                return end
            case "flow_mapping" | "flow_sequence":
                return self.collection(path, indent + 1, kind)
        if compact and not has_anchor and self.maybe(0.7):
            return self.collection(path, self.column(), kind)
        if kind == "block_sequence" and not compact and self.maybe(0.4):
            inner = indent  # a list may stand as far to the left as the key that it belongs to
        else:
            inner = len(margin) - 1
        self.put((" # behind" if self.maybe(0.1) else "") + "\n" + " " * inner)
        return self.collection(path, inner, kind)

    def column(self) -> int:
        text = self.text
        return len(text) - text.rfind("\n") - 1


def test_x() -> None:
    for seed in range(3):
        print(Writer(seed).text)
        print("=====")
