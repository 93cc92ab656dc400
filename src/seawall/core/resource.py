"""A Kubernetes object in which every field knows its place in the file.

A rule reads an object through :class:`Field`: ``pod.spec["hostPID"]`` never raises, whatever shape the object has, and can always say
where it stands, or, when it is missing, where it would have to stand.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

from seawall.core.fix import Change, Edit
from seawall.core.location import Location, Origin
from seawall.core.target import ResourceTarget

Path = tuple[str | int, ...]


class Missing:
    """The type of :data:`MISSING`, which stands for a field that is not in the object."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()


class Positions(Protocol):
    """Where the fields of one object stand; implemented by whatever read the object."""

    def locate(self, path: Path, field: str) -> Location:
        """The region of the field at ``path``, or of its nearest existing parent, labelled with ``field``."""
        ...

    def edits(self, changes: Sequence[tuple[Path, Change]]) -> tuple[Edit, ...]:
        """The edits of text that carry out these changes, or none where the text cannot be edited."""
        ...


class Field:
    """A value in an object together with its path. Indexing a value that has no such child gives a missing field."""

    __slots__ = ("path", "resource", "value")

    def __init__(self, resource: "Resource", path: Path, value: Any) -> None:
        self.resource = resource
        self.path = path
        self.value = value

    def __getitem__(self, key: str | int) -> "Field":
        value = self.value
        if type(value) is dict:
            child = value.get(key, MISSING)
        elif type(value) is list and type(key) is int and 0 <= key < len(value):
            child = value[key]
        else:
            child = MISSING
        return Field(self.resource, (*self.path, key), child)

    def at(self, *keys: str | int) -> "Field":
        """The field below this one along several keys."""
        value = self.value
        for key in keys:
            if type(value) is dict:
                value = value.get(key, MISSING)
            elif type(value) is list and type(key) is int and 0 <= key < len(value):
                value = value[key]
            else:
                value = MISSING
                break
        return Field(self.resource, self.path + keys, value)

    def items(self) -> Iterator["Field"]:
        """The items of a list; nothing where the value is no list."""
        if type(self.value) is list:
            for index, item in enumerate(self.value):
                yield Field(self.resource, (*self.path, index), item)

    def entries(self) -> Iterator[tuple[str, "Field"]]:
        """The keys and fields of a mapping; nothing where the value is no mapping."""
        if type(self.value) is dict:
            for key, value in self.value.items():
                yield key, Field(self.resource, (*self.path, key), value)

    @property
    def is_set(self) -> bool:
        """Whether the field has a value. As in the API, ``null`` is the same as not being there."""
        return self.value is not MISSING and self.value is not None

    @property
    def text(self) -> str:
        """The value where it is a string, else the empty string."""
        return self.value if type(self.value) is str else ""

    @property
    def integer(self) -> int | None:
        """The value where it is a whole number (as in JSON, 1.0 is one; a boolean is none)."""
        value = self.value
        if type(value) is int:
            return value
        return int(value) if type(value) is float and value.is_integer() else None

    def locate(self) -> Location:
        """The region of this field in its file, or that of its nearest existing parent."""
        return self.resource.positions.locate(self.path, str(self))

    def __str__(self) -> str:
        return dotted(self.path)

    def __repr__(self) -> str:
        return f"<{self}: {self.value!r}>"


_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+").fullmatch


def dotted(path: Path) -> str:
    """A path as Kubernetes writes it: ``spec.containers[0].image``, ``metadata.annotations[example.com/key]``."""
    parts: list[str] = []
    for key in path:
        if type(key) is str and _PLAIN_KEY(key):
            parts.append(f".{key}" if parts else key)
        else:
            parts.append(f"[{key}]")
    return "".join(parts)


class Resource:
    """One Kubernetes object out of one input.

    ``data`` is the object as the API server would read it; it is shared and never changed. ``path`` is the input as the user named it.
    ``origin`` is the template or overlay it was rendered from, if any.
    """

    __slots__ = ("api_version", "data", "group", "kind", "name", "namespace", "origin", "path", "positions")

    def __init__(self, path: str, data: dict[str, Any], positions: Positions, origin: Origin | None = None) -> None:
        self.path = path
        self.data = data
        self.positions = positions
        self.origin = origin
        # Rules ask for these many times over, so they are read once.
        self.kind = self.field("kind").text
        self.api_version = self.field("apiVersion").text
        group, slash, _ = self.api_version.partition("/")
        self.group = group if slash else ""
        """The API group; empty for the core group."""
        metadata = self.field("metadata")
        self.name = metadata["name"].text or metadata["generateName"].text
        """``metadata.name``, or ``metadata.generateName`` where the API server is to choose."""
        self.namespace = metadata["namespace"].text

    @property
    def root(self) -> Field:
        return Field(self, (), self.data)

    def field(self, *path: str | int) -> Field:
        """The field at ``path``, counted from the top of the object."""
        return Field(self, (), self.data).at(*path)

    def target(self, container: str = "") -> ResourceTarget:
        """This object, or one container of it, as the target of a finding."""
        return ResourceTarget(kind=self.kind, name=self.name, namespace=self.namespace, api_version=self.api_version, container=container)

    def __repr__(self) -> str:
        return f"<{self.api_version} {self.kind} {self.namespace}/{self.name} in {self.path}>"
