"""How to mend a finding: first as changes to fields (what the rule says), then as edits of text (what the file needs)."""

from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from seawall.core.resource import Field


class Set(Struct, frozen=True):
    """Give a field this value; parents that are missing are made."""

    field: "Field"
    value: Any


class Append(Struct, frozen=True):
    """Add an item to the list at this field; a missing list is made."""

    field: "Field"
    item: Any


class Remove(Struct, frozen=True):
    """Take a field or a list item away; a list or mapping that becomes empty goes with it."""

    field: "Field"


Change = Set | Append | Remove


class Plan(Struct, frozen=True):
    """A rule's proposal. ``safe`` means: it cannot break an application that worked, so ``seawall fix`` may apply it unasked."""

    description: str
    changes: tuple[Change, ...]
    safe: bool = False


class Edit(Struct, frozen=True):
    """Replace ``old``, which stands at this region of the file, by ``new``. An insertion has an empty ``old`` and an empty region.

    Lines and columns count from 1, the end is exclusive.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    old: str
    new: str


class Fix(Struct, frozen=True):
    """What a finding shows of its plan. ``edits`` is empty where no text can be edited (a template, a live object)."""

    safe: bool
    description: str
    edits: tuple[Edit, ...] = ()
