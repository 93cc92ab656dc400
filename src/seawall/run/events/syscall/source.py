"""System-call events as a source of the engines."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from seawall.run.events.source import Extract, Getter, Value, nothing, of_time
from seawall.run.events.syscall.derive import ANCESTORS, DERIVED, any_ancestor, argument_of
from seawall.run.events.time import nanoseconds

Event = Mapping[str, Any]

_PREFIXES: Final = ("evt.", "proc.", "fd.", "user.", "container.", "k8s.", "group.", "thread.", "fs.")


def as_event(value: Any) -> Event | None:
    """The event that a JSON value is: an object with names of fields as keys, or the ``output_fields`` of one of Falco's alerts."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("output_fields"), dict) and "rule" in value:
        value = {**value["output_fields"]}
    return value if "evt.type" in value or any(key.startswith(_PREFIXES) for key in value) else None


class SyscallSource:
    """``syscall``. Events are dictionaries; ``null`` and a missing key both mean absent, but only a missing key is derived."""

    name: Final = "syscall"
    is_typed: Final = False

    def getter(self, name: str, argument: str | None) -> Getter:
        if name == "evt.source":
            return Getter(lambda _: self.name)
        keys = _spellings(name, argument)
        return Getter(_first(keys, self._derivation(name, argument)))

    def _derivation(self, name: str, argument: str | None) -> Extract:
        if name in ANCESTORS and argument is None:
            return any_ancestor(name)
        if name in DERIVED and argument is None:
            return DERIVED[name]
        return argument_of(name, argument) or of_time(name, self.time) or nothing

    def time(self, event: Event) -> int | None:
        return time_of(event)


def time_of(event: Event) -> int | None:
    raw = event.get("evt.rawtime")
    if isinstance(raw, int):
        return raw
    if isinstance(raw, str) and raw.isdecimal():
        return int(raw)
    for name in ("evt.time.iso8601", "evt.datetime", "evt.time", "time"):
        value = event.get(name)
        if isinstance(value, int) and value > 0:
            return value
        if isinstance(value, str) and (found := nanoseconds(value)) is not None:
            return found
    return None


def _spellings(name: str, argument: str | None) -> tuple[str, ...]:
    """``evt.arg.flags`` is also written ``evt.arg[flags]``."""
    if argument is None:
        stem, dot, last = name.rpartition(".")
        return (name, f"{stem}[{last}]") if dot and stem in ("evt.arg", "evt.rawarg", "container.label", "k8s.pod.label") else (name,)
    return f"{name}[{argument}]", f"{name}.{argument}"


def _first(keys: tuple[str, ...], derive: Callable[[Event], Value | None]) -> Extract:
    if len(keys) == 1:
        (key,) = keys
        if derive is nothing:
            return lambda event: event.get(key)
        return lambda event: event[key] if key in event else derive(event)
    one, other = keys
    return lambda event: event[one] if one in event else event[other] if other in event else derive(event)
