"""Where the fields of a kustomization's objects come from: patches, files, generators, and what the overlays set.

A field is looked for in the patches, from the outermost overlay inwards, then in the file of its object, and then in what the overlays set.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from msgspec import Struct
from yaml.nodes import ScalarNode

from seawall.core.location import Origin
from seawall.core.resource import Path
from seawall.io.sources.document import Document, Source
from seawall.io.sources.kustomization import Kustomization, layers, line_of, node_at, read_text, understood
from seawall.io.sources.rendering import Place, user_path

_IDENTITY: Final = ("name", "containerPort", "mountPath", "devicePath", "port", "key", "ip", "topologyKey", "uid")
"""Keys that tell the items of a list apart, the surest first."""

Identity = tuple[str, str, str, str]


def identity_of(data: Mapping[str, Any]) -> Identity:
    metadata = data.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return str(data.get("apiVersion")), str(data.get("kind")), str(metadata.get("namespace", "")), str(metadata.get("name", ""))


class Came(Struct, frozen=True):
    """The real path of the file that an object was read from, or of the kustomization that generated it."""

    path: str
    generated: bool


Base = tuple[Document, dict[str, Any]]
"""An object as it is written in its file."""
Candidate = tuple[Document, Any, Path, Path]
"""A document, a value in it, the path of the value there, and its path in the object."""
_ITS_NAME: Final = (("apiVersion",), ("kind",), ("metadata", "name"))


class KustomizeOrigins:
    """Looks for fields in the files that a kustomization was built from. Files are read when the first field in them is asked for."""

    def __init__(self, directory: str, sources: dict[Identity, Came]) -> None:
        self.sources = sources
        self._directory = directory
        self._files: dict[str, list[tuple[Document, Any]]] = {}

    def __reduce__(self) -> "tuple[type[KustomizeOrigins], tuple[str, dict[Identity, Came]]]":
        return KustomizeOrigins, (self._directory, self.sources)  # what was read can be read again

    @cached_property
    def _stack(self) -> list[Kustomization]:
        """The kustomizations, from the outside in."""
        return layers(self._directory)

    @cached_property
    def _patches(self) -> "list[Patch]":
        """All patches, the last to be applied first."""
        return [patch for kustomization in self._stack for patch in list(_patches(kustomization))[::-1]]

    def of_line(self, line: int) -> Place | None:  # noqa: ARG002 (lines are put together anew, a line alone says nothing)
        return None

    def of_object(self, line: int, data: Mapping[str, Any]) -> Place | None:
        return self.of_field(line, data, ())

    def of_field(self, line: int, data: Mapping[str, Any], path: Path) -> Place | None:  # noqa: ARG002 (the path says it all)
        came = self.sources.get(identity_of(data))
        if came is None:
            return None
        while path and _value(data, path) is _NOTHING:
            path = path[:-1]  # a missing field stands where its parent stands
        if came.generated:
            return self._of_generated(came, data)
        base = self._base(came.path, data)
        for document, value, at, offset in self._candidates(base, data, path):
            if (found := _locate(document, value, at, offset, data, path)) is not None:
                return self._place(document.source, found)
        if (place := self._of_setting(data, base[1] if base else {}, path)) is not None:
            return place
        return Place(Origin("kustomize", user_path(self._directory, came.path)))

    def _candidates(self, base: "Base | None", data: Mapping[str, Any], path: Path) -> Iterator[Candidate]:
        """What may hold a field, the surest first: a value stands in the outermost patch, what holds other fields in the base."""
        own: list[Candidate] = [(base[0], base[1], (), ())] if base else []
        if path in _ITS_NAME:
            yield from own  # in a patch they only say what it is for
            return
        patches = [(patch, patch.fits(data, base[1] if base else data)) for patch in self._patches]
        sure: list[Candidate] = [(patch.document, patch.data, patch.at, patch.offset) for patch, fits in patches if fits]
        unsure: list[Candidate] = [(patch.document, patch.data, patch.at, patch.offset) for patch, fits in patches if fits is None]
        order = [own, sure[::-1], unsure[::-1]] if isinstance(_value(data, path), (dict, list)) else [sure, own, unsure]
        for candidates in order:
            yield from candidates

    def _place(self, source: Source, line: int) -> Place:
        text = source.line_text(line)
        return Place(Origin("kustomize", user_path(self._directory, source.path), line), text)

    def _base(self, path: str, data: Mapping[str, Any]) -> "Base | None":
        """The object in its file, before anything was done to it; its name may have got a prefix and a suffix since."""
        if path not in self._files:
            self._files[path] = list(understood(Source(path, read_text(path))))
        api_version, kind, _, name = identity_of(data)
        same = [
            (document, value)
            for document, value in self._files[path]
            if isinstance(value, dict) and value.get("kind") == kind and value.get("apiVersion") == api_version
        ]
        for exact in (True, False):
            named = [pair for pair in same if (_name(pair[1]) == name if exact else _name(pair[1]) in name)]
            if len(named) == 1:
                return named[0]
        return None

    def _of_generated(self, came: Came, data: Mapping[str, Any]) -> Place | None:
        """The entry of the generator; there may be several that could have made the object."""
        file = Place(Origin("kustomize", user_path(self._directory, came.path)))
        key = {"ConfigMap": "configMapGenerator", "Secret": "secretGenerator"}.get(str(data.get("kind")), "")
        for kustomization in self._stack:
            if kustomization.file == came.path:
                named = [path for path, entry in kustomization.entries(key) if _is_part(entry.get("name"), _name(data))]
                line = kustomization.line((*named[0], "name")) if len(named) == 1 else None
                return self._place(kustomization.source, line) if line else file
        return file

    def _of_setting(self, data: Mapping[str, Any], base: Mapping[str, Any], path: Path) -> Place | None:
        """The field of a kustomization that sets this one: images, replicas, namespace, labels, annotations."""
        value = _value(data, path)
        for kustomization in self._stack:
            for setting in _settings(kustomization, data, base, path, value):
                if line := kustomization.line(setting):
                    return self._place(kustomization.source, line)
        return None


def _settings(kustomization: Kustomization, data: Mapping[str, Any], base: Mapping[str, Any], path: Path, value: Any) -> Iterator[Path]:
    if path == ("metadata", "namespace") and kustomization.data.get("namespace") == value:
        yield ("namespace",)
    if path == ("spec", "replicas"):
        for at, entry in kustomization.entries("replicas"):
            if entry.get("count") == value and entry.get("name") in (_name(base), _name(data)):
                yield (*at, "count")
    if path and path[-1] == "image" and isinstance(value, str):
        for at, entry in kustomization.entries("images"):
            yield from ((*at, key) for key in ("newTag", "digest", "newName") if _sets_image(entry, key, value))
    if len(path) > 1 and isinstance(key := path[-1], str):
        kinds = {"labels": ("commonLabels",), "matchLabels": ("commonLabels",), "selector": ("commonLabels",), "annotations": ("commonAnnotations",)}
        for setting in kinds.get(str(path[-2]), ()):
            if _value(kustomization.data, (setting, key)) == value:
                yield setting, key
        if path[-2] != "annotations":
            for at, entry in kustomization.entries("labels"):
                if _value(entry, ("pairs", key)) == value:
                    yield (*at, "pairs", key)


def _sets_image(entry: Mapping[str, Any], key: str, value: str) -> bool:
    """Whether ``value`` is what an entry of ``images`` makes of an image, and ``key`` has a part in it."""
    part, name = entry.get(key), entry.get("newName") or entry.get("name")
    if not isinstance(part, str) or not isinstance(name, str) or not value.startswith(name):
        return False
    rest = value[len(name) :]
    return {"newTag": rest == f":{part}", "digest": rest == f"@{part}", "newName": rest[:1] in ("", ":", "@")}[key]


# Patches


_PATTERN: Final = re.compile(r"[^\w.-]|\.[*+?]")


class Patch(Struct, frozen=True):
    """A part of an object that an overlay lays over others: ``data``, the value at ``at`` of its document, belongs at ``offset`` of the object.

    ``kind`` and ``name`` say for which objects it is, as names or patterns; empty for all. ``selects_more`` says that there are other conditions.
    """

    document: Document
    at: Path
    offset: Path
    data: Any
    kind: str
    name: str
    selects_more: bool = False

    def fits(self, data: Mapping[str, Any], base: Mapping[str, Any]) -> bool | None:
        """Whether it is for an object, which may have had another name in its ``base``; ``None`` if only Kustomize can tell."""
        verdicts = (_is_meant(self.kind, [str(data.get("kind"))]), _is_meant(self.name, [_name(data), _name(base)]))
        if False in verdicts:
            return False
        return None if self.selects_more or None in verdicts else True


def _is_meant(wanted: str, names: Sequence[str]) -> bool | None:
    """Whether one of the names is the wanted one. Patterns are not tried: a hostile one could take for ever."""
    if not wanted or wanted in names:
        return True
    return None if _PATTERN.search(wanted) else False


def _patches(kustomization: Kustomization) -> Iterator[Patch]:
    """The patches of one kustomization, in its order."""
    for path, text in kustomization.texts("patchesStrategicMerge"):
        yield from _patch_of(kustomization, path, text, None)
    for key in ("patches", "patchesJson6902"):
        for path, entry in kustomization.entries(key):
            target = entry.get("target") if isinstance(entry.get("target"), dict) else None
            for form in ("patch", "path"):
                if isinstance(written := entry.get(form), str):
                    yield from _patch_of(kustomization, (*path, form), written, target)


def _patch_of(kustomization: Kustomization, path: Path, text: str, target: Mapping[str, Any] | None) -> Iterator[Patch]:
    inline = path[-1] == "patch" or "\n" in text
    source = _inline(kustomization, path) if inline else _file(os.path.join(kustomization.directory, text))
    for document, data in understood(source) if source else ():
        kind, name = (str(target.get(key, "")) for key in ("kind", "name")) if target else ("", "")
        more = bool(target and target.keys() - {"kind", "name"})
        if isinstance(data, list):
            yield from _operations(document, data, kind, name, more)
        elif isinstance(data, dict) and target:
            yield Patch(document, (), (), data, kind, name, more)
        elif isinstance(data, dict):
            yield Patch(document, (), (), data, str(data.get("kind", "")), _name(data))


def _operations(document: Document, operations: Sequence[Any], kind: str, name: str, more: bool) -> Iterator[Patch]:
    """The values that a JSON patch (RFC 6902) sets. ``-`` and numbers of list items stay as they are written."""
    for index, operation in enumerate(operations):
        if isinstance(operation, dict) and operation.get("op") in ("add", "replace") and isinstance(pointer := operation.get("path"), str):
            steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
            yield Patch(document, (index, "value"), tuple(steps), operation.get("value"), kind, name, more)


def _file(path: str) -> Source | None:
    real = os.path.realpath(path)
    return Source(real, read_text(real)) if os.path.isfile(real) else None


def _inline(kustomization: Kustomization, path: Path) -> Source | None:
    """An inline patch, as the kustomization file with everything around it blanked, so that its lines are lines of the file."""
    document = kustomization.document
    node = node_at(document.root, path) if document else None
    if document is None or not isinstance(node, ScalarNode) or node.style != "|":
        return None
    start = kustomization.source.text.find("\n", document.base + node.start_mark.index)
    if start < 0:
        return None
    lines = kustomization.source.text.count("\n", 0, start) + 1
    return Source(kustomization.file, "\n" * lines + node.value)


# Fields in documents

_NOTHING: Final = object()


def _value(data: Any, path: Path) -> Any:
    """The value at a path; ``_NOTHING`` where there is none."""
    for step in path:
        known = step in data if isinstance(data, dict) else isinstance(data, list) and isinstance(step, int) and step < len(data)
        if not known:
            return _NOTHING
        data = data[step]
    return data


def _locate(document: Document, value: Any, at: Path, offset: Path, data: Mapping[str, Any], path: Path) -> int | None:
    """The line at which ``document``, whose ``value`` at ``at`` belongs at ``offset`` of the object ``data``, has the field at ``path`` of it."""
    if len(offset) > len(path) or not all(_is_step(step, path[place], data, path[:place]) for place, step in enumerate(offset)):
        return None
    steps = _translate(value, _value(data, path[: len(offset)]), path[len(offset) :])
    if steps is None:
        return None
    found, rendered = _value(value, steps), _value(data, path)
    if isinstance(rendered, (dict, list)):
        return line_of(document, at + steps) if type(found) is type(rendered) else None
    if path == ("metadata", "name") and _is_part(found, str(rendered)):
        return line_of(document, at + steps)  # with what a prefix or suffix added
    if type(found) is not type(rendered) or found != rendered:
        return None
    return line_of(document, at + steps)


def _is_step(written: str | int, step: str | int, data: Mapping[str, Any], parent: Path) -> bool:
    """Whether a step of a JSON pointer is this one; ``-`` is the item behind the last."""
    if written == "-" and isinstance(step, int):
        listed = _value(data, parent)
        return isinstance(listed, list) and step == len(listed) - 1
    return str(written) == str(step)


def _translate(there: Any, here: Any, path: Path) -> Path | None:
    """The path in one version of an object of the field at ``path`` in another. Items of lists are known by their names, not by their numbers."""
    steps: list[str | int] = []
    for step in path:
        if isinstance(step, int):
            if not isinstance(there, list) or not isinstance(here, list) or (place := _same_item(there, here, step)) is None:
                return None
            steps.append(place)
            there, here = there[place], here[step]
        else:
            if not isinstance(there, dict) or not isinstance(here, dict) or step not in there:
                return None
            steps.append(step)
            there, here = there[step], here[step]
    return tuple(steps)


def _same_item(there: list[Any], here: list[Any], index: int) -> int | None:
    item = here[index]
    if isinstance(item, dict):
        key = next((key for key in _IDENTITY if key in item), None)
        same = [place for place, other in enumerate(there) if key and isinstance(other, dict) and other.get(key) == item[key]]
    else:
        same = [place for place, other in enumerate(there) if other == item and type(other) is type(item)]
    if len(same) == 1:
        return same[0]
    return index if there == here else None


def _name(data: Mapping[str, Any]) -> str:
    return identity_of(data)[3]


def _is_part(part: Any, whole: str) -> bool:
    return isinstance(part, str) and bool(part) and part in whole
