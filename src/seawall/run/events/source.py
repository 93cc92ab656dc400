"""What the engines know of a source of events: how to compute a field, and when an event happened."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from msgspec import Struct

from seawall.run.events.time import clock, date_and_time

Value = str | int | float | bool | tuple[Any, ...]
"""What an event has for a field; a tuple where the field is a list. ``None`` stands for absent everywhere."""

Extract = Callable[[Any], Value | None]


class Column(Struct, frozen=True):
    """What several fields are computed from, and is encoded once for all of them: ``raw`` gives it, ``key`` makes it hashable where it is not.

    Two columns with the same ``name`` are the same.
    """

    name: str
    raw: Callable[[Any], Any]
    key: Callable[[Any], Any] | None = None


class Getter(Struct, frozen=True):
    """How a field is computed from an event. ``slow`` says that it takes long, so that the engines ask for it last, and ``varied`` that events seldom
    have the same value, so that they ask for it late; ``sure`` that every event has it and it is never 0, which decides what Falco's rules ask to be
    always or never true (``jevt.rawtime exists``, ``jevt.rawtime = 0``).

    Where ``column`` is given, ``get(event)`` is what ``convert`` makes of its content, so that engines compute it once for each distinct content.
    """

    get: Extract
    slow: bool = False
    varied: bool = False
    sure: bool = False
    column: Column | None = None
    convert: Callable[[Any], Value | None] | None = None


class Source(Protocol):
    """A kind of events. ``name`` is what rules call it; ``is_typed`` says that its values are in the form of their field's type already."""

    @property
    def name(self) -> str: ...

    @property
    def is_typed(self) -> bool: ...

    def getter(self, name: str, argument: str | None) -> Getter:
        """How to compute a field; one that no event has gives ``None`` for each."""
        ...

    def time(self, event: Any) -> int | None:
        """Nanoseconds since 1970, or ``None`` where the event does not say."""
        ...


def nothing(_: Any) -> None:
    """A field that no event has."""


_SECOND: Final = 1_000_000_000
_OF_TIME: Final[Mapping[str, Callable[[int], Value]]] = {
    "evt.rawtime": int,
    "evt.rawtime.s": lambda time: time // _SECOND,
    "evt.rawtime.ns": lambda time: time % _SECOND,
    "evt.time": clock,
    "evt.time.s": lambda time: clock(time).partition(".")[0],
    "evt.outputtime": clock,
    "evt.time.iso8601": date_and_time,
    "evt.datetime": lambda time: date_and_time(time).rstrip("Z").replace("T", " "),
    "evt.datetime.s": lambda time: date_and_time(time).partition(".")[0].replace("T", " "),
}


def of_time(name: str, time: Callable[[Any], int | None]) -> Extract | None:
    """The fields that are the time of an event, written in some way."""
    write = _OF_TIME.get(name)
    if write is None:
        return None
    known = write

    def get(event: Any) -> Value | None:
        moment = time(event)
        return None if moment is None else known(moment)

    return get
