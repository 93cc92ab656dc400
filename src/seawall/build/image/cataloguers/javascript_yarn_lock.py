"""``yarn.lock``: the classic format of Yarn 1, which only looks like YAML, and the YAML of Yarn 2 and later (berry).

Both list, under the descriptors (``name@range``) that led to it, a package with its dependencies as names and ranges.

Source: Yarn's own lockfile parser and documentation.
"""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Problem
from seawall.build.image.cataloguers.javascript_names import IN_A_PACKAGE, NAME, is_local, npm, origin, split_spec, unaliased
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_yaml, string, table, text_of
from seawall.core.package import Package


class Entry(Struct):
    """``origin`` is where it was taken from: an address (classic) or a locator without the name (berry)."""

    descriptors: list[str]
    name: str
    version: str = ""
    origin: str = ""
    dependencies: list[tuple[str, str]] = []


def parse(file: File) -> Facts:
    if IN_A_PACKAGE.search(file.path):
        return
    try:
        text = text_of(file.data)
        is_berry = re.search(r"^__metadata:", text, re.MULTILINE) is not None
        entries = list(_berry(file.data) if is_berry else _classic(text))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    if not entries and text.strip() and not is_berry and "# yarn lockfile v1" not in text:
        yield Problem(file.path, "not a yarn lockfile")
    yield from distinct(file.path, _packages(entries))


def _packages(entries: list[Entry]) -> Iterator[Package]:
    own = [is_local(entry.origin) for entry in entries]
    refs = {
        descriptor: f"{entry.name}@{entry.version}"
        for entry, is_own in zip(entries, own, strict=True)
        if not is_own
        for descriptor in entry.descriptors
    }
    for entry, is_own in zip(entries, own, strict=True):
        if is_own or not NAME.fullmatch(entry.name):
            continue
        found = (refs.get(f"{name}@{wanted}") or refs.get(f"{name}@npm:{wanted}") for name, wanted in entry.dependencies)
        yield npm(entry.name, entry.version, tuple(dict.fromkeys(ref for ref in found if ref)), qualifiers=origin(entry.origin))


# One line of the classic format: its indent, then words that stand in quotes where they have odd characters.
_WORD: Final = r'(?:"(?:[^"\\]|\\.)*+"|[^\s",:][^\s",]*?(?=[\s,]|:?$))'
_HEAD: Final = re.compile(rf"({_WORD}(?:,[ ]*{_WORD})*+):")
_PAIR: Final = re.compile(rf"({_WORD})[ ]+({_WORD})[ ]*")
_WORDS: Final = re.compile(_WORD)


def _classic(text: str) -> Iterator[Entry]:
    entry: Entry | None = None
    in_dependencies = False
    for number, line in enumerate(text.splitlines(), 1):
        content = line.strip(" ")
        if not content or content.startswith("#"):
            continue
        if content.startswith(("<<<<<<<", "=======", ">>>>>>>")):
            raise Unreadable("has merge conflicts; not read", number)
        indent = len(line) - len(line.lstrip(" "))
        if indent == 0:
            if entry:
                yield entry
            head = _HEAD.fullmatch(content)
            if head is None:
                raise Unreadable("not a yarn lockfile", number)
            descriptors = [_unquoted(word) for word in _WORDS.findall(head[1])]
            name, _ = unaliased(*split_spec(descriptors[0]))
            # A file: or link: entry may have no address of its own; its descriptor tells.
            _, wanted = split_spec(descriptors[0])
            entry = Entry(descriptors, name, origin=wanted if is_local(wanted) else "")
            in_dependencies = False
        elif indent == 2 and content.endswith(":"):
            in_dependencies = content in ("dependencies:", "optionalDependencies:")
        elif entry and (pair := _PAIR.fullmatch(content)):
            key, value = _unquoted(pair[1]), _unquoted(pair[2])
            if indent == 2:
                in_dependencies = False
                if key == "version":
                    entry.version = value
                elif key == "resolved" and not entry.origin:
                    entry.origin = value
            elif in_dependencies:
                entry.dependencies.append((key, value))
    if entry:
        yield entry


def _unquoted(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word


def _berry(data: bytes) -> Iterator[Entry]:
    for key, value in table(read_yaml(data)).items():
        if key == "__metadata":
            continue
        entry = table(value)
        # The locator: `name@npm:1.0.0`, `name@workspace:packages/a`, `name@patch:name@npm%3A1.0.0#...`, `name@https://...#commit=...`
        name, source = split_spec(string(entry.get("resolution")))
        dependencies = [(name, string(wanted)) for name, wanted in table(entry.get("dependencies")).items()]
        source = "link:" if entry.get("linkType") == "soft" else source
        yield Entry([part.strip() for part in key.split(",")], name, string(entry.get("version")), source, dependencies)


CATALOGUER: Final = Cataloguer("javascript-yarn-lock", parse, ("yarn.lock",), installed=False)
