"""The fields that rules may name, one file per class. ``find("proc.aname", "syscall")`` tells what one is."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from seawall.run.events.fields import audit, container, event, fd, json, path, process, user
from seawall.run.events.fields.model import Argument, FieldInfo, Type

__all__ = ["SOURCES", "Argument", "FieldInfo", "Type", "find", "known"]

SOURCES: Final[Mapping[str, Sequence[FieldInfo]]] = {
    "syscall": (*event.COMMON, *event.SYSCALL, *process.FIELDS, *fd.FIELDS, *path.FIELDS, *user.FIELDS, *container.FIELDS),
    "k8s_audit": (*event.COMMON, *audit.FIELDS, *json.FIELDS),
}
"""The fields of each event source."""


@cache
def known(source: str | None) -> Mapping[str, FieldInfo]:
    """The fields of a source by name; those of all sources for None."""
    if source is None:
        return {name: info for each in SOURCES for name, info in known(each).items()}
    return {info.name: info for info in SOURCES[source]}


def find(name: str, source: str | None = None) -> tuple[FieldInfo, str | None] | None:
    """The field of that name and the argument that its name carries (``flags`` for ``evt.arg.flags``), or None where there is none."""
    fields = known(source)
    info = fields.get(name)
    if info is not None:
        return info, None
    stem = name
    while "." in stem:
        stem, _, _ = stem.rpartition(".")
        info = fields.get(stem)
        if info is not None and info.argument is Argument.DOTTED:
            return info, name[len(stem) + 1 :]
    return None
