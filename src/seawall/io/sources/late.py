"""Places of fields, found after their file was read and forgotten.

Rules about several objects run when all files have been read. To keep every node tree until then would cost about a hundred bytes for each
byte of input, so objects are kept without places, and the files in which something was found are read a second time, one after the other.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from seawall.core.errors import InputError
from seawall.core.fix import Change, Edit
from seawall.core.location import Location
from seawall.core.resource import Path, Resource
from seawall.core.verdict import Failure

Changes = Sequence[tuple[Path, Change]]


class LatePositions:
    """Stands in for the positions of the object that was the ``ordinal``-th (from 0) of its input, until :func:`find_places` fills it."""

    __slots__ = ("_edits", "_locations", "ordinal")

    def __init__(self, ordinal: int) -> None:
        self.ordinal = ordinal
        self._locations: dict[Path, Location] = {}
        self._edits: dict[tuple[int, ...], tuple[Edit, ...]] = {}

    def locate(self, path: Path, field: str) -> Location:  # noqa: ARG002 (the location knows its field)
        return self._locations[path]

    def edits(self, changes: Changes) -> tuple[Edit, ...]:
        return self._edits[_key(changes)]

    def learn(self, resource: Resource, fields: Iterable[Path], plans: Iterable[Changes]) -> None:
        """Take over what will be asked for from the same object with its places."""
        for path in fields:
            self._locations[path] = resource.root.at(*path).locate()
        for changes in plans:
            self._edits[_key(changes)] = resource.positions.edits(changes)


def find_places(failures: Iterable[Failure], read: Callable[[str], Iterator[Resource | InputError]], *, with_edits: bool = True) -> None:
    """Read the inputs of these failures once more, so that their fields can say where they stand, and how to edit them.

    Raises ``InputError`` for an input that changed or vanished in between.
    """
    wanted: dict[str, dict[int, list[tuple[LatePositions, set[Path], list[Changes]]]]] = defaultdict(lambda: defaultdict(list))
    for failure in failures:
        for field in (failure.field, *failure.also):
            if isinstance(positions := field.resource.positions, LatePositions):
                wanted[field.resource.path][positions.ordinal].append((positions, {field.path}, []))
        if with_edits and failure.fix and isinstance(positions := failure.field.resource.positions, LatePositions):
            changes = [(change.field.path, change) for change in failure.fix.changes]
            wanted[failure.field.resource.path][positions.ordinal].append((positions, set(), [changes]))
    for path, ordinals in wanted.items():
        resources = (item for item in read(path) if isinstance(item, Resource))
        for ordinal, resource in enumerate(resources):
            for positions, fields, plans in ordinals.pop(ordinal, ()):
                positions.learn(resource, fields, plans)
            if not ordinals:
                break
        if ordinals:
            raise InputError(path, "changed while it was scanned")


def _key(changes: Changes) -> tuple[int, ...]:
    """A plan is asked for by the very changes that it was learned with; they live as long as the failure that proposes them."""
    return tuple(id(change) for _, change in changes)
