"""What a user writes in ``seawall.yaml`` under ``custom_rules``."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from seawall.core.errors import UsageError
from seawall.core.severity import Severity
from seawall.deploy.cel.field_path import parse_field

_ID: Final = re.compile(r"[a-z0-9]+(?:[-./][a-z0-9]+)*").fullmatch
MAX_ID: Final = 100


class CustomRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule over one object, in CEL.

    ``expression`` is true where all is well; it sees the ``object``. ``kinds`` and ``groups`` (API groups, "" is the core group) say which objects
    are judged, all if empty. ``message`` says what is wrong; ``message_expression`` does in CEL, and falls back to ``message``, as in a
    ValidatingAdmissionPolicy. ``field`` is where the finding points, the object's name if empty.
    """

    id: str
    title: str
    expression: str
    severity: Severity = Severity.MEDIUM
    kinds: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    message: str = ""
    message_expression: str = ""
    field: str = "metadata.name"
    fix_description: str = ""
    references: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.id) > MAX_ID or not _ID(self.id):
            raise ValueError(f"{self.id[:MAX_ID]!r} is no id of a rule: write lower-case words joined by - . or /, such as team/owner-label")
        for name in ("title", "expression"):
            if not getattr(self, name).strip():
                raise ValueError(f"rule {self.id} has no {name}")
        parse_field(self.field)


def read_rules(entries: Sequence[Any]) -> list[CustomRule]:
    """The rules in ``custom_rules``, as they were read. Raises ``UsageError`` that names the entry (from 1) which is none, and why."""
    rules = []
    for number, entry in enumerate(entries, 1):
        try:
            rules.append(msgspec.convert(entry, CustomRule))
        except msgspec.ValidationError as error:
            name = entry.get("id") if isinstance(entry, Mapping) else None
            known = f" ({name})" if isinstance(name, str) else ""
            raise UsageError(f"custom rule {number}{known}: {str(error).replace('`$.', '`')}") from None
    return rules
