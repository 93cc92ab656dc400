"""JSON in parts: a document of 200 MB has a few lists with very many small values, of which only some are wanted, and never all at once."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from seawall.build.image.documents import Unreadable

Sections = Mapping[str, msgspec.Raw]


def sections(data: bytes | msgspec.Raw) -> Sections:
    """The members of an object, not decoded yet. Raises :class:`Unreadable`."""
    try:
        return msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # also where it is no object
        raise Unreadable(f"not valid JSON: {error}") from None
    except RecursionError:
        raise Unreadable("nested too deeply; not read") from None


def value(section: msgspec.Raw | None) -> Any:
    """A member as plain data; ``None`` where there is none. Raises :class:`Unreadable`."""
    if section is None:
        return None
    try:
        return msgspec.json.decode(section)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"not valid JSON: {error}") from None
    except RecursionError:
        raise Unreadable("nested too deeply; not read") from None


def each(section: msgspec.Raw | None) -> Iterator[dict[str, Any]]:
    """The objects in a list, one decoded at a time; ``null`` is an empty list. Raises :class:`Unreadable`, also where it is no list."""
    if section is None:
        return
    try:
        parts = msgspec.json.decode(section, type=list[msgspec.Raw] | None) or []
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"not valid JSON: {error}") from None
    except RecursionError:
        raise Unreadable("nested too deeply; not read") from None
    for part in parts:
        item = value(part)
        if isinstance(item, dict):
            yield item
