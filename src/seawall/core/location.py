"""Where something stands in a file. Lines and columns count from 1, columns in characters, and ends are exclusive (as in SARIF)."""

from msgspec import UNSET, Struct, UnsetType


class Origin(Struct, frozen=True):
    """The template or overlay that a rendered object came from.

    ``tool`` is ``helm`` or ``kustomize``; ``line`` is ``None`` where only the file can be told.
    """

    tool: str
    path: str
    line: int | None = None


class Location(Struct, frozen=True):
    """A region of a file, and the field that it belongs to.

    ``field`` names the field a finding speaks of. Where that field is missing, the region is that of its nearest existing parent.
    ``snippet`` is the text of the first line of the region, for readers who do not have the file.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    field: str | None = None
    origin: Origin | None = None
    snippet: str | UnsetType = UNSET
