"""The file system that the layers make together, as a container sees it.

Entries are applied in their order, as containerd does when it unpacks: a directory over a directory keeps what is in it, everything else replaces
what was there; directories that a name implies are made; links to directories are followed, but never out of the root. Whiteouts hide what lower
layers have, never what their own layer has, wherever they stand in it.

A node is a directory, or the place of an entry (layer and number in its listing) as one integer: a million files take some 75 MB besides the
listings.

Sources: the OCI image specification, "Applying Changesets" and "Whiteouts"; containerd, ``pkg/archive`` and ``continuity/fs`` (RootPath).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from seawall.core.errors import InputError
from seawall.io.sources.image.layer import WHITEOUT, Want, Wanted
from seawall.io.sources.image.limits import MAX_ENTRIES, MAX_LINKS, MAX_NAME_BYTES, MAX_SECOND_NAMES, MAX_STEPS
from seawall.io.sources.image.listing import Entry, Listing
from seawall.io.sources.image.tar import DIRECTORY, FILE, HARDLINK, SYMLINK, Kind

OPAQUE: Final = ".wh..wh..opq"
_META: Final = ".wh..wh."
_SHIFT: Final = 24  # bits for the number of an entry; listings have at most 3 million
_NUMBER: Final = (1 << _SHIFT) - 1
_MAX_REMEMBERED: Final = 200_000


class Directory:
    """``place`` is that of its own entry, -1 where only other names imply it. ``layer`` is the layer that made it or last spoke of it.

    ``clean`` is the layer in which it was found (or made) to hold nothing of lower ones.
    """

    __slots__ = ("children", "clean", "layer", "place")

    def __init__(self, layer: int, place: int = -1) -> None:
        self.children: dict[str, Node] | None = None  # most directories of an attack, and many of an image, stay empty
        self.layer = layer
        self.clean = layer
        self.place = place

    def get(self, name: str) -> "Node | None":
        return self.children.get(name) if self.children else None

    def put(self, name: str, node: "Node") -> None:
        if self.children is None:
            self.children = {}
        self.children[name] = node

    def items(self) -> "Sequence[tuple[str, Node]]":
        return list(self.children.items()) if self.children else []

    def children_in_order(self) -> "Iterator[tuple[str, Node]]":
        """Those of :meth:`items`, where nothing changes meanwhile."""
        return iter((self.children or _NO_CHILDREN).items())


Node = Directory | int
_NO_CHILDREN: Final[dict[str, Node]] = {}


class File(Struct, frozen=True):
    """Where a path leads. ``path`` is canonical: no part of it is a link. ``layer`` (from 0) is where its content comes from, ``stored`` the name
    that it has there. ``entry`` describes the content: of a hard link, that of the file it stands for. ``was_taken``: somebody read it.
    """

    path: str
    layer: int
    stored: str
    entry: Entry
    was_taken: bool = False


class Unread(Struct, frozen=True):
    """A wanted path whose content was not taken, because it is a link, or leads through one: read ``stored`` in this layer."""

    path: str
    layer: int
    stored: str


class Wasted(Struct, frozen=True):
    """A file that a later layer replaced or removed: its bytes are in the image, but nobody sees them."""

    path: str
    size: int
    by: int


class _Walk(Struct):
    """A way through the tree: the directories passed, with their names; the root is the first."""

    directories: list[Directory]
    names: list[str]


class _Lost(Exception):
    """A path cannot be followed to its end; the message says why."""


class Filesystem:
    """The view of the layers applied so far, the lowest first.

    ``problems`` are what could not be applied as it stands. Everything raises ``InputError`` when an image goes beyond the limits.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.layers: list[Listing] = []
        self.root = Directory(0)
        self._hard: dict[int, int] = {}
        self._hidden: dict[str, int] = {}
        self._wasted: list[list[tuple[int, int]]] = []
        self._read_as: dict[str, int] = {}
        self._problems: list[InputError] = []
        self._nodes = 0
        self._name_bytes = 0
        self._steps = 0
        self._known: dict[str, Directory] = {}
        self._ways: dict[str, tuple[Directory, str] | None] = {}

    # Building

    def apply(self, listing: Listing) -> None:
        """Put a layer on top."""
        layer = len(self.layers)
        self.layers.append(listing)
        self._wasted.append([])
        self._known, self._ways = {}, {}
        self._nodes += len(listing)
        self._name_bytes += listing.name_bytes
        self._check_size()
        if layer == 0:
            self.root = Directory(0)
        base = layer << _SHIFT
        for number, (parent, name, kind) in enumerate(listing):
            try:
                if name.startswith(WHITEOUT) or parent.startswith(_META):
                    self._apply_mark(parent, name, layer, base + number)
                else:
                    self._put(parent, name, kind, layer, base + number)
            except _Lost as lost:
                listing.problem(listing.path(number), f"{lost}; left out")
        self._known = {}

    def _put(self, parent: str, name: str, kind: Kind, layer: int, place: int) -> None:
        directory = self._known.get(parent)
        if directory is None:
            directory = self._known[parent] = self._make(parent, layer)
        if kind is HARDLINK:
            self._hard[place] = self._linked(self.layers[layer].links[place & _NUMBER])
        old = directory.get(name)
        if kind is DIRECTORY:
            if isinstance(old, Directory):
                old.place, old.layer = place, layer
                return
            if old is not None:
                self._forget(old, layer)
            directory.put(name, Directory(layer, place))
            return
        if old is not None:
            self._forget(old, layer)
        directory.put(name, place)

    def _apply_mark(self, parent: str, name: str, layer: int, place: int) -> None:
        """A whiteout, an opaque marker, or something of AUFS' own, of which only files that others are hard links to matter."""
        if name == OPAQUE:
            if directory := self._find(parent):
                self._clean(directory, layer)
            return
        if name.startswith(_META) or parent.startswith(_META):
            self._hidden[self.layers[layer].path(place & _NUMBER)] = place
            return
        target = name[len(WHITEOUT) :]
        if target in {"", ".", ".."}:
            raise _Lost("is a whiteout of nothing")
        directory = self._find(parent)
        old = directory.get(target) if directory else None
        if directory is None or directory.children is None or old is None:
            return
        if isinstance(old, Directory):
            self._clean(old, layer)
            if old.layer != layer and not old.children:
                self._forget(old, layer)
                del directory.children[target]
            elif old.layer != layer:
                old.layer, old.place = layer, -1
        elif old >> _SHIFT != layer:
            self._forget(old, layer)
            del directory.children[target]

    def _find(self, path: str) -> Directory | None:
        try:
            return self._walk(path).directories[-1]
        except _Lost:
            return None

    def _clean(self, directory: Directory, layer: int) -> None:
        """Take all out of a directory that does not come from this layer. Done once for each directory and layer."""
        order = [directory]
        for current in order:  # parents before children
            if current.clean != layer:
                order += [child for _, child in current.items() if isinstance(child, Directory)]
        for current in reversed(order):
            if current.clean == layer:
                continue
            current.clean = layer
            for name, node in current.items():
                if isinstance(node, Directory):
                    gone = node.layer != layer and not node.children
                    if not gone and node.layer != layer:  # it is there again only because something new is in it
                        node.layer, node.place = layer, -1
                else:
                    gone = node >> _SHIFT != layer
                if gone and current.children is not None:
                    self._forget(node, layer)
                    del current.children[name]

    def _forget(self, node: Node, by: int) -> None:
        """A node leaves the tree: what remembers ways through it must go, and files of lower layers are waste."""
        waiting = [node]
        while waiting:
            gone = waiting.pop()
            if isinstance(gone, Directory):
                self._known.clear()
                waiting += (gone.children or {}).values()
            else:
                listing = self.layers[gone >> _SHIFT]
                kind = listing.kind(gone & _NUMBER)
                if kind is SYMLINK or kind is HARDLINK:
                    self._known.clear()
                if gone >> _SHIFT != by and kind is FILE and listing.size_of(gone & _NUMBER):
                    self._wasted[gone >> _SHIFT].append((gone, by))

    def _make(self, path: str, layer: int) -> Directory:
        self._count_steps(path.count("/") + 1)
        return self._walk(path, make=layer).directories[-1]

    def _linked(self, target: str) -> int:
        """The place that a hard link to a path stands for."""
        parent, _, name = target.rpartition("/")
        directory = self._find(parent)
        node = directory.get(name) if directory else None
        if node is None:
            node = self._hidden.get(target)
        if node is None:
            raise _Lost("is a hard link to a file that is not there")
        if isinstance(node, Directory):
            raise _Lost("is a hard link to a directory")
        return self._hard.get(node, node)

    # Walking

    def _walk(self, path: str, *, make: int = -1, follow_last: bool = True) -> _Walk:
        """The directories of a path, through links, as if in a chroot. ``make`` is the layer for which missing ones are made.

        Raises ``_Lost`` where there is no such directory.
        """
        directories, names = [self.root], [""]
        waiting = path.split("/")[::-1]
        links = 0
        while waiting:
            name = waiting.pop()
            if name in ("", "."):
                continue
            if name == "..":
                if len(directories) > 1:
                    directories.pop(), names.pop()
                continue
            node = directories[-1].get(name)
            if isinstance(node, int) and self._kind(node) is SYMLINK and (waiting or follow_last):
                links += 1
                if links > MAX_LINKS:
                    raise _Lost("leads through a loop of links")
                target = self._target(node)
                parts = target.split("/")[::-1]
                self._count_steps(len(parts))
                waiting += parts
                if target.startswith("/"):
                    del directories[1:], names[1:]
                continue
            if not isinstance(node, Directory):
                if make < 0:
                    raise _Lost("is not there" if node is None else "leads through a file")
                if node is not None:
                    self._forget(node, make)
                self._nodes += 1
                self._check_size()
                node = Directory(make)
                directories[-1].put(name, node)
            directories.append(node)
            names.append(name)
        return _Walk(directories, names)

    def _kind(self, place: int) -> Kind:
        place = self._hard.get(place, place)
        return self.layers[place >> _SHIFT].kind(place & _NUMBER)

    def _target(self, place: int) -> str:
        place = self._hard.get(place, place)
        return self.layers[place >> _SHIFT].links[place & _NUMBER]

    def _count_steps(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise InputError(self.name, "has names and links that take too long to follow")

    def _check_size(self) -> None:
        if self._nodes > MAX_ENTRIES:
            raise InputError(self.name, f"has more than {MAX_ENTRIES:,} files and directories")
        if self._name_bytes > MAX_NAME_BYTES:
            raise InputError(self.name, f"has more than {MAX_NAME_BYTES // 2**20} MiB of names")

    # Asking

    def _way(self, parent: str) -> tuple[Directory, str] | None:
        """A directory and its canonical path, remembered."""
        if parent not in self._ways:
            if len(self._ways) >= _MAX_REMEMBERED:
                self._ways.clear()
            try:
                walk = self._walk(parent)
                self._ways[parent] = walk.directories[-1], "/".join(walk.names[1:])
            except _Lost:
                self._ways[parent] = None
        return self._ways[parent]

    def _locate(self, path: str) -> tuple[str, Node] | None:
        """The node of a path, through all links, with its canonical path."""
        for _ in range(MAX_LINKS):
            parent, _, name = path.strip("/").rpartition("/")
            if name in ("", ".", ".."):
                way = self._way(path)
                return (way[1], way[0]) if way else None
            way = self._way(parent)
            node = way[0].get(name) if way else None
            if way is None or node is None:
                return None
            here = f"{way[1]}/{name}" if way[1] else name
            if isinstance(node, Directory) or self._kind(node) is not SYMLINK:
                return here, node
            target = self._target(node)
            self._count_steps(target.count("/") + 1)
            path = target if target.startswith("/") or not way[1] else f"{way[1]}/{target}"
        return None

    def resolve(self, path: str) -> File | None:
        """The file, directory or device that a path leads to through all links; ``None`` where that is nothing."""
        found = self._locate(path)
        return self._file(*found) if found else None

    def canonical(self, path: str) -> str:
        """The path without links in it. Where there is no such file: its directory's, and the name; or the path as it is."""
        parent, _, name = path.strip("/").rpartition("/")
        if found := self._locate(path):
            return found[0]
        way = self._way(parent)
        return path.strip("/") if way is None else f"{way[1]}/{name}" if way[1] else name

    def survives(self, path: str, layer: int) -> bool:
        """Whether what was taken from a layer under this path is what the path has in the end."""
        found = self._locate(path)
        if found is None or isinstance(found[1], Directory):
            return False
        place = self._hard.get(found[1], found[1])
        if self._read_as.get(path) == place:
            return True
        listing, number = self.layers[place >> _SHIFT], place & _NUMBER
        return place >> _SHIFT == layer and number in listing.taken and listing.path(number) == path

    def files(self) -> Iterator[File]:
        """All there is but directories without an entry, each directory before what is in it, links as links."""
        for path, node in self._nodes_below("", self.root):
            if not isinstance(node, Directory) or node.place >= 0:
                yield self._file(path, node)

    def waste(self, layer: int) -> int:
        """The bytes of a layer's files that later layers replaced or removed."""
        return sum(self.layers[layer].size_of(place & _NUMBER) for place, _ in self._wasted[layer])

    def wasted(self, layer: int) -> list[Wasted]:
        """These files, the biggest first."""
        listing = self.layers[layer]
        files = [Wasted(listing.path(place & _NUMBER), listing.size_of(place & _NUMBER), by) for place, by in self._wasted[layer]]
        return sorted(files, key=lambda file: (-file.size, file.path))

    @property
    def problems(self) -> tuple[InputError, ...]:
        return (*(problem for listing in self.layers for problem in listing.problems), *self._problems)

    def _file(self, path: str, node: Node) -> File:
        if isinstance(node, Directory):
            if node.place < 0:
                return File(path, node.layer, path, Entry(path, DIRECTORY, 0o755, 0))
            node = node.place
        place = self._hard.get(node, node)
        listing, number = self.layers[place >> _SHIFT], place & _NUMBER
        entry = listing.entry(number)
        return File(path, place >> _SHIFT, entry.path, entry, number in listing.taken)

    def _nodes_below(self, path: str, directory: Directory) -> Iterator[tuple[str, Node]]:
        ways = [(path, directory.children_in_order())]
        while ways:
            path, nodes = ways[-1]
            for name, node in nodes:
                below = f"{path}/{name}" if path else name
                yield below, node
                if isinstance(node, Directory):
                    ways.append((below, node.children_in_order()))
                    break
            else:
                ways.pop()

    # Second names

    def unread(self, wanted: Wanted) -> list[Unread]:
        """Wanted paths whose files were not taken under a name that survives: links to files, and files behind links to directories.

        ``wanted`` is asked as while reading. ``IF_BINARY`` counts only for what was taken, and so is one: others were looked at under their own name.
        """
        found: list[Unread] = []
        for path, place in self._second_names():
            located = self._locate(path) if self._kind(place) is SYMLINK else (path, place)
            if located is None or isinstance(located[1], Directory):
                continue
            content = self._hard.get(located[1], located[1])
            layer, listing, number = content >> _SHIFT, self.layers[content >> _SHIFT], content & _NUMBER
            if listing.kind(number) is not FILE:
                continue
            entry = listing.entry(number)
            was_taken = number in listing.taken
            if was_taken and self.survives(entry.path, layer):
                continue
            want = wanted(path, entry.mode, entry.size)
            if want == Want.YES or (want == Want.IF_BINARY and was_taken):
                found.append(Unread(path, layer, entry.path))
        return found

    def read_as(self, unread: Unread) -> None:
        """An unread path was read after all."""
        if located := self._locate(unread.path):
            place = located[1]
            if not isinstance(place, Directory):
                self._read_as[unread.path] = self._hard.get(place, place)

    def add_problems(self, problems: Iterable[InputError]) -> None:
        self._problems += problems

    def _second_names(self) -> Iterator[tuple[str, int]]:
        """Every link to a file; every file that lies behind a link to a directory, under the name that it has so; and files whose layer has them
        under another name, since a directory on the way was a link."""
        ways: list[tuple[str, Iterator[tuple[str, Node]], tuple[Directory, ...]]] = [("", self.root.children_in_order(), ())]
        budget = MAX_SECOND_NAMES
        while ways:
            path, nodes, through = ways[-1]
            for name, node in nodes:
                budget -= bool(through)
                if budget < 0:
                    message = f"has links that give its files more than {MAX_SECOND_NAMES:,} further names; the rest was not looked at"
                    self._problems.append(InputError(self.name, message))
                    return
                below = f"{path}/{name}" if path else name
                if isinstance(node, Directory):
                    ways.append((below, node.children_in_order(), through))
                    break
                if self._kind(node) is not SYMLINK:
                    if through or node in self._hard or self.layers[node >> _SHIFT].path(node & _NUMBER) != below:
                        yield below, node
                elif target := self._locate(below):
                    inside = target[1]
                    if not isinstance(inside, Directory):
                        yield below, node
                    elif inside not in through and inside is not self.root and len(through) < MAX_LINKS:
                        ways.append((below, inside.children_in_order(), (*through, inside)))
                        break
            else:
                ways.pop()
