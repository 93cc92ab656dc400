"""Kustomizations as they are written: what one says, what it names, and all that it includes."""

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from yaml.nodes import CollectionNode, Node

from seawall.core.errors import InputError
from seawall.core.resource import Path
from seawall.io.sources.document import Document, Source, child_of, documents, value_of
from seawall.io.sources.manifests import decode, read_bytes
from seawall.io.sources.nodes import Malformed

NAMES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
MAX_KUSTOMIZATIONS: Final = 1_000
_DIRECTORIES: Final = ("resources", "bases", "components", "generators", "transformers", "validators")
_FILES: Final = ("patchesStrategicMerge", "crds", "configurations")
_PATHS: Final = ("patches", "patchesJson6902", "replacements")
_GENERATORS: Final = ("configMapGenerator", "secretGenerator")


class Kustomization(Struct, frozen=True):
    """A kustomization that was read. ``file`` is its real path."""

    file: str
    source: Source
    document: Document | None
    data: dict[str, Any]

    @property
    def directory(self) -> str:
        return os.path.dirname(self.file)

    @property
    def is_component(self) -> bool:
        """Whether it is only there to be used by others."""
        return self.data.get("kind") == "Component"

    def texts(self, key: str) -> Iterator[tuple[Path, str]]:
        """The texts in the list under ``key``, with their paths."""
        listed = self.data.get(key)
        for index, item in enumerate(listed if isinstance(listed, list) else []):
            if isinstance(item, str):
                yield (key, index), item

    def entries(self, key: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """The mappings in the list under ``key``, with their paths."""
        listed = self.data.get(key)
        for index, item in enumerate(listed if isinstance(listed, list) else []):
            if isinstance(item, dict):
                yield (key, index), item

    def line(self, path: Path) -> int | None:
        """The line at which the field at ``path`` stands."""
        return line_of(self.document, path) if self.document else None


def is_kustomization(directory: str) -> bool:
    """Whether a directory is a kustomization."""
    return any(os.path.isfile(os.path.join(directory, name)) for name in NAMES)


def read_kustomization(directory: str) -> Kustomization | None:
    """The kustomization in a directory; ``None`` if there is none. One that cannot be understood is empty: Kustomize says what is wrong with it."""
    for name in NAMES:
        file = os.path.join(os.path.realpath(directory), name)
        if os.path.isfile(file):
            source = Source(file, read_text(file))
            document, data = next(understood(source), (None, None))
            return Kustomization(file, source, document, data if isinstance(data, dict) else {})
    return None


def references(kustomization: Kustomization) -> Iterator[tuple[Path, str]]:
    """The files and directories that a kustomization names, as it names them, with the paths of the fields that do."""
    for key in (*_DIRECTORIES, *_FILES):
        for path, text in kustomization.texts(key):
            if "\n" not in text:  # else it is the patch itself
                yield path, text
    for key in _PATHS:
        for path, entry in kustomization.entries(key):
            if isinstance(named := entry.get("path"), str):
                yield (*path, "path"), named
    for key in _GENERATORS:
        for path, entry in kustomization.entries(key):
            yield from _generated(path, entry)
    openapi = kustomization.data.get("openapi")
    if isinstance(openapi, dict) and isinstance(named := openapi.get("path"), str):
        yield ("openapi", "path"), named


def _generated(path: Path, entry: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for key in ("files", "envs"):
        listed = entry.get(key)
        for index, text in enumerate(listed if isinstance(listed, list) else []):
            if isinstance(text, str):
                yield (*path, key, index), text.partition("=")[2] if key == "files" and "=" in text else text
    if isinstance(text := entry.get("env"), str):
        yield (*path, "env"), text


def layers(directory: str) -> list[Kustomization]:
    """The kustomization in a directory and all that it includes, from the outside in, each once."""
    found: dict[str, Kustomization] = {}
    waiting = [os.path.realpath(directory)]
    while waiting and len(found) < MAX_KUSTOMIZATIONS:
        here = waiting.pop(0)
        if here in found or (kustomization := read_kustomization(here)) is None:
            continue
        found[here] = kustomization
        for _, text in references(kustomization):
            path = absolute(here, text)
            if os.path.isdir(path):
                waiting.append(os.path.realpath(path))
    return list(found.values())


def line_of(document: Document, path: Path) -> int | None:
    """The line of the key, or the list item, at ``path``."""
    start = document.root.start_mark.index
    if path:
        parent = node_at(document.root, path[:-1])
        found = child_of(parent, path[-1]) if parent is not None else None
        if found is None:
            return None
        start = (found[0] or found[1]).start_mark.index
    elif isinstance(document.root, CollectionNode) and not document.root.value:
        return None
    return document.source.line_and_column(document.base + start)[0]


def understood(source: Source) -> Iterator[tuple[Document, Any]]:
    """The documents that can be understood; what cannot, Kustomize complains of."""
    for document in documents(source):
        if isinstance(document, Document):
            try:
                yield document, value_of(document.root)
            except Malformed:
                continue


def absolute(directory: str, text: str) -> str:
    try:
        return os.path.realpath(os.path.join(directory, text))
    except ValueError:  # a name that no file can have
        return ""


def read_text(path: str) -> str:
    try:
        return decode(path, read_bytes(path)) if os.path.isfile(path) else ""
    except InputError:
        return ""


def node_at(root: Node, path: Path) -> Node | None:
    node = root
    for step in path:
        found = child_of(node, step)
        if found is None:
            return None
        node = found[1]
    return node
