"""What one layer says: its entries in their order, in columns, so that a million of them take some 100 MB and not a thousand.

Paths are normal (``names.py``) but otherwise as the layer has them: whiteouts are entries whose name begins with ``.wh.``, links are not followed,
and a path may come more than once. What all of it means is decided by ``filesystem.py``.
"""

from array import array
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from seawall.core.errors import InputError
from seawall.io.sources.image.limits import MAX_ENTRIES, MAX_NAME_BYTES, MAX_PATH_BYTES, MAX_PATH_DEPTH, MAX_PROBLEMS
from seawall.io.sources.image.names import leaves_root, normal, shown
from seawall.io.sources.image.tar import DIRECTORY, HARDLINK, SYMLINK, Kind

_KINDS: Final = tuple(Kind)
_MODE_BITS: Final = 12


class Entry(Struct, frozen=True):
    """One entry. ``size`` is that of the file in bytes; ``link`` the target of a link, as written for a symbolic one, normal for a hard one."""

    path: str
    kind: Kind
    mode: int
    size: int
    link: str = ""


class Listing:
    """The entries of a layer.

    ``taken`` has the entries (from 0) whose content somebody has read. ``digest`` and ``diff_id`` are what the bytes were found to have, ``size`` and
    ``uncompressed`` how many there were. ``problems`` are what a user should hear of; each is told with ``name``, the image.
    """

    def __init__(self, name: str, label: str = "") -> None:
        self.name = name
        self.label = label
        self.digest = ""
        self.diff_id = ""
        self.size = 0
        self.uncompressed = 0
        self.content_size = 0
        self.links: dict[int, str] = {}
        self.taken: set[int] = set()
        self._problems: list[InputError] = []
        self._more_problems = 0
        self._parents: list[str] = []
        self._names: list[str] = []
        self._sizes = array("Q")
        self._kinds = array("H")
        self._known_parents: dict[str, str] = {}
        self.name_bytes = 0

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[tuple[str, str, Kind]]:
        """Directory, name and kind of each entry."""
        return ((parent, name, _KINDS[kind >> _MODE_BITS]) for parent, name, kind in zip(self._parents, self._names, self._kinds, strict=True))

    def entry(self, index: int) -> Entry:
        packed = self._kinds[index]
        return Entry(self.path(index), _KINDS[packed >> _MODE_BITS], packed & 0o7777, self._sizes[index], self.links.get(index, ""))

    def path(self, index: int) -> str:
        parent, name = self._parents[index], self._names[index]
        return f"{parent}/{name}" if parent else name

    def kind(self, index: int) -> Kind:
        return _KINDS[self._kinds[index] >> _MODE_BITS]

    def size_of(self, index: int) -> int:
        return self._sizes[index]

    def add(self, raw: str, kind: Kind, mode: int, size: int, link: str = "") -> str:
        """Add an entry under its normal path, which is returned; nothing where there is none to add. Raises ``InputError`` over the limits."""
        path = normal(raw)
        if ".." in raw and leaves_root(raw):
            self.problem(raw, f"leads out of the image; taken as {shown(path)}" if path else "leads out of the image; left out")
        if not path:
            if kind is not DIRECTORY:
                self.problem(raw, "is an entry without a name; left out")
            return ""
        if len(path) > MAX_PATH_BYTES // 4 and _is_too_long(path):
            self.problem(raw, "is longer or deeper than any path can be; left out")
            return ""
        parent, _, name = path.rpartition("/")
        known = self._known_parents.get(parent)
        if known is None:
            known = self._known_parents[parent] = parent
            self.name_bytes += len(parent)
        if kind is SYMLINK or kind is HARDLINK:
            if len(link) > MAX_PATH_BYTES:
                self.problem(raw, "is a link to a path that is longer than any can be; left out")
                return ""
            self.links[len(self._names)] = link if kind is SYMLINK else normal(link)
            self.name_bytes += len(link)
        self._parents.append(known)
        self._names.append(name)
        self._sizes.append(size)
        self._kinds.append(kind << _MODE_BITS | mode)
        self.content_size += size
        self.name_bytes += len(name)
        if len(self._names) > MAX_ENTRIES or self.name_bytes > MAX_NAME_BYTES:
            what = f"{MAX_ENTRIES:,} entries" if len(self._names) > MAX_ENTRIES else f"{MAX_NAME_BYTES // 2**20} MiB of names"
            raise InputError(self.label or self.name, f"has more than {what}")
        return path

    def complete(self) -> None:
        """No more entries come."""
        self._known_parents = {}

    def problem(self, path: str, message: str) -> None:
        """Record that something of the layer was not read as it stands."""
        if len(self._problems) < MAX_PROBLEMS:
            where = f"{self.label}: " if self.label else ""
            self._problems.append(InputError(self.name, f"{where}{shown(path)} {message}" if path else f"{where}{message}"))
        else:
            self._more_problems += 1

    @property
    def problems(self) -> tuple[InputError, ...]:
        rest = (InputError(self.name, f"{self.label}: {self._more_problems:,} more problems"),) if self._more_problems else ()
        return (*self._problems, *rest)


def _is_too_long(path: str) -> bool:
    return len(path.encode("utf-8", "surrogateescape")) > MAX_PATH_BYTES or path.count("/") >= MAX_PATH_DEPTH
