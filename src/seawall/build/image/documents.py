"""JSON, TOML, YAML and XML of lockfiles and manifests, to plain data, bounded; and how the data is read when nobody promises its shape.

What these return is made of dictionaries, lists and scalars. Sizes and nesting are counted before they cost: a lockfile of a huge repository has
5 MB and a hundred thousand values.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from seawall.build.image.cataloguer import Problem

MAX_BYTES: Final = 16 * 2**20
MAX_LINES_BYTES: Final = 4 * 2**20
"""Of formats with one package on each line."""
MAX_VALUES: Final = 1_000_000
"""Values of one document, as far as they can be counted beforehand. Each takes about 100 bytes."""
MAX_TOML_VALUES: Final = 300_000
"""tomllib keeps about 1,000 bytes for each key and each table."""
MAX_DEEP_KEYS: Final = 10_000
"""Dotted keys of TOML of more than three parts; each part is a table."""
MAX_DEPTH: Final = 100
MAX_TAG_DIRECTIVES: Final = 100
"""``%TAG`` lines of YAML; libyaml compares each with all others."""


class Unreadable(Exception):
    """The document is not what it should be; ``line`` from 1, where it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line

    def problem(self, path: str) -> Problem:
        return Problem(path, self.message, self.line)


def text_of(data: bytes, most: int = MAX_BYTES) -> str:
    """UTF-8, or UTF-16 where a byte order mark says so; ``most`` bytes of it. Raises :class:`Unreadable`."""
    _bound(data, 0, most)
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable("not UTF-8 text", data.count(b"\n", 0, error.start) + 1) from None


def read_json(data: bytes) -> Any:
    """One JSON value. Raises :class:`Unreadable`."""
    _bound(data, sum(map(data.count, (b"{", b"[", b","))))
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"not valid JSON: {error}", _line_of_byte(data, str(error))) from None
    except RecursionError:
        raise Unreadable("nested too deeply; not read") from None


_COMMENT: Final = re.compile(r'("(?:[^"\\\n]|\\.)*+"?)|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?')
_LAST_COMMA: Final = re.compile(r'("(?:[^"\\\n]|\\.)*+"?)|,(?=\s*+[}\]])')


def read_json_with_comments(data: bytes) -> Any:
    """JSON as some tools write it for people: comments, and a comma after the last item. Raises :class:`Unreadable`."""
    _bound(data, 0)
    text = _COMMENT.sub(_string_only, text_of(data))
    return read_json(_LAST_COMMA.sub(_string_only, text).encode())


def _string_only(match: re.Match[str]) -> str:
    return match[1] or ""


_KEY_PART: Final = r"""(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
_LONG_KEY: Final = re.compile(rf"(?<![\w-]){_KEY_PART}{{64}}")
"""tomllib's time grows with the square of the parts of a dotted key."""
_DEEP_KEY: Final = re.compile(rf"(?:^|[\[{{,])[ \t]*+{_KEY_PART}{{3}}", re.MULTILINE)


def read_toml(data: bytes) -> dict[str, Any]:
    """A TOML document. Raises :class:`Unreadable`."""
    _bound(data, data.count(b","))
    text = text_of(data)
    if data.count(b"=") + data.count(b"[") > MAX_TOML_VALUES or sum(1 for _ in _DEEP_KEY.finditer(text)) > MAX_DEEP_KEYS:
        raise Unreadable(f"more than {MAX_TOML_VALUES:,} keys; not read")
    if long := _LONG_KEY.search(text):
        raise Unreadable("a key of more than 64 parts; not read", text.count("\n", 0, long.start()) + 1)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise Unreadable("nested too deeply; not read") from None
    except ValueError as error:
        line = re.search(r"\(at line (\d+),", str(error))
        raise Unreadable(f"not valid TOML: {error}", int(line[1]) if line else None) from None


def read_yaml(data: bytes) -> Any:
    """The first document of a YAML text. Scalars stay text as written (``1.10`` is no number); aliases share what they name; null is ``""``.

    Raises :class:`Unreadable`.
    """
    import yaml  # 15 ms, and few images have a YAML lockfile

    _bound(data, 0)
    if data.count(b"%TAG") > MAX_TAG_DIRECTIVES:
        raise Unreadable(f"more than {MAX_TAG_DIRECTIVES} %TAG directives; not read")
    try:
        return _yaml_value(yaml.parse(data, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        raise Unreadable(f"not valid YAML: {error.problem}", _line(error.problem_mark)) from None
    except yaml.YAMLError as error:
        raise Unreadable(f"not valid YAML: {error}".partition("\n")[0]) from None


def _yaml_value(events: Iterator[Any]) -> Any:
    """libyaml's events, stacked up. The composer of PyYAML would recurse on the C stack, and takes four times the memory."""
    import yaml

    root: list[Any] = []
    stack: list[tuple[Any, bool]] = [(root, False)]  # what is open, and whether it is a mapping
    begins: list[int] = []  # for everything open but the root the count before it
    keys: list[Any] = []  # for every open mapping the key that waits for its value, or _NO_KEY
    anchors: dict[str, Any] = {}
    count = 0
    sizes: dict[int, int] = {}  # of the collections that an alias may name, with all below them
    for event in events:
        count += 1
        if count > MAX_VALUES:
            raise Unreadable(f"more than {MAX_VALUES:,} values; not read")
        if isinstance(event, yaml.ScalarEvent):
            value: Any = event.value if event.value not in ("~", "null") or event.style else ""
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchors:
                raise Unreadable(f"not valid YAML: no anchor {event.anchor!r}", _line(event.start_mark))
            value = anchors[event.anchor]
            count += sizes.get(id(value), 0)  # who reads the data passes it once more
        elif isinstance(event, yaml.CollectionStartEvent):
            value = {} if isinstance(event, yaml.MappingStartEvent) else []
        elif isinstance(event, yaml.CollectionEndEvent):
            ended, is_mapping = stack.pop()
            sizes[id(ended)] = count - begins.pop()
            if is_mapping:
                keys.pop()
            continue
        elif isinstance(event, yaml.DocumentEndEvent):
            break
        else:
            continue
        if anchor := getattr(event, "anchor", None):
            anchors.setdefault(anchor, value)
        parent, is_mapping = stack[-1]
        if not is_mapping:
            parent.append(value)
        elif keys[-1] is _NO_KEY:
            keys[-1] = value
        else:
            if isinstance(keys[-1], str):
                parent[keys[-1]] = value
            keys[-1] = _NO_KEY
        if isinstance(event, yaml.CollectionStartEvent):
            if len(stack) > MAX_DEPTH:
                raise Unreadable(f"nested deeper than {MAX_DEPTH} levels; not read", _line(event.start_mark))
            stack.append((value, isinstance(value, dict)))
            begins.append(count)
            if isinstance(value, dict):
                keys.append(_NO_KEY)
    return root[0] if root else ""


_NO_KEY: Final = object()


class Element(msgspec.Struct):
    """An XML element: its name without namespace, its own text, its children in order."""

    name: str
    text: str = ""
    children: list["Element"] = []
    attributes: dict[str, str] = {}

    def child(self, *names: str) -> "Element | None":
        """The first descendant along these names."""
        found: Element | None = self
        for name in names:
            found = next((child for child in found.children if child.name == name), None) if found else None
        return found

    def value(self, *names: str) -> str:
        """The stripped text of :meth:`child`, empty where there is none."""
        found = self.child(*names)
        return found.text.strip() if found else ""

    def all(self, *names: str) -> "list[Element]":
        """Every element along these names."""
        found = [self]
        for name in names:
            found = [child for element in found for child in element.children if child.name == name]
        return found


def read_xml(data: bytes) -> Element:
    """An XML document without a DTD, so without entities: one that has one is refused. Raises :class:`Unreadable`."""
    from xml.parsers import expat

    _bound(data, data.count(b"<"))
    parser = expat.ParserCreate()
    parser.buffer_text = True
    open_elements = [Element("")]
    texts: list[list[str]] = [[]]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(open_elements) > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH} levels; not read", parser.CurrentLineNumber)
        element = Element(name.rpartition(":")[2], attributes=attributes)
        open_elements[-1].children.append(element)
        open_elements.append(element)
        texts.append([])

    def end(_: str) -> None:
        open_elements.pop().text = "".join(texts.pop())

    def characters(text: str) -> None:
        texts[-1].append(text)

    def refuse(*_: object) -> None:
        raise Unreadable("has a document type declaration; not read", parser.CurrentLineNumber)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise Unreadable(f"not valid XML: {expat.ErrorString(error.code)}", error.lineno) from None
    except (ValueError, LookupError):  # an encoding that Python does not know, or that is not one byte for one character
        raise Unreadable("not valid XML: unknown encoding", 1) from None
    return open_elements[0].children[0]


def table(value: Any) -> dict[str, Any]:
    """The value if it is a table (with text for keys), else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def tables(value: Any) -> list[dict[str, Any]]:
    """The tables in a list."""
    return [item for item in items(value) if isinstance(item, dict)]


def string(value: Any) -> str:
    """The value if it is text, else nothing."""
    return value if isinstance(value, str) else ""


def strings(value: Any) -> list[str]:
    """The texts in a list."""
    return [item for item in items(value) if isinstance(item, str)]


def _bound(data: bytes, values: int, most: int = MAX_BYTES) -> None:
    if len(data) > most:
        raise Unreadable(f"larger than {most // 2**20} MiB; not read")
    if values > MAX_VALUES:
        raise Unreadable(f"more than {MAX_VALUES:,} values; not read")


def _line(mark: Any) -> int | None:
    return int(mark.line) + 1 if mark else None


def _line_of_byte(data: bytes, message: str) -> int | None:
    place = re.search(r"\(byte (\d+)\)", message)
    return data.count(b"\n", 0, int(place[1])) + 1 if place else None
