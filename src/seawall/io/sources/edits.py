"""Changes to fields as edits of text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seawall.core.fix import Change, Edit
from seawall.core.resource import Path

if TYPE_CHECKING:
    from seawall.io.sources.document import NodePositions


def edits(positions: "NodePositions", changes: Sequence[tuple[Path, Change]]) -> tuple[Edit, ...]:
    """The edits that carry out the changes."""
    return ()  # written by the edits slice
