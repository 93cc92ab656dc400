"""Objects that tell their number instead of their place.

The engine notes where each policy stands, for people. A rule needs the object itself, which is kept without places (see
:mod:`seawall.io.sources.late`), so here an object stands in the "line" that is its number.
"""

from collections.abc import Sequence

from seawall.core.location import Location
from seawall.core.resource import Field, Path, Resource


class _Number:
    """Stands in for the positions of the object of that number."""

    def __init__(self, number: int) -> None:
        self.number = number

    def locate(self, path: Path, field: str) -> Location:  # noqa: ARG002 (the object is enough)
        return Location("", self.number, 0, self.number, 0, field=field)

    def edits(self, changes: Sequence[object]) -> tuple[()]:  # noqa: ARG002
        return ()


def numbered(resources: Sequence[Resource]) -> list[Resource]:
    """The same objects, each with its number for a place."""
    return [Resource(item.path, item.data, _Number(number)) for number, item in enumerate(resources)]


def original(field: Field, resources: Sequence[Resource]) -> Field:
    """The field of the object as it came in."""
    positions = field.resource.positions
    return resources[positions.number].root.at(*field.path) if isinstance(positions, _Number) else field
