"""Strings as conditions write them: quotes and escapes, in both directions."""

import re
from typing import Final

_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "\\": "\\", "/": "/", " ": "\\"}
"""What follows a backslash, and what it means. ``\\ `` is a slip of old rules that Falco keeps alive: it means one backslash."""
_ESCAPED: Final = {"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", '"': '\\"'}
_NEEDS_QUOTES: Final = re.compile(r"[\x00-\x20\\\"'(),=\x7f]")
_NEEDS_QUOTES_IN_BRACKETS: Final = re.compile(r"[\x00-\x20\\\"'\[\]\x7f]")


class BadEscape(ValueError):
    """A backslash before something that has no meaning there; ``offset`` counts from the opening quote."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def unescape(token: str) -> str:
    """The value of a string token, its quotes included. Raises :class:`BadEscape`."""
    quote, body = token[0], token[1:-1]
    if "\\" not in body:
        return body
    result: list[str] = []
    characters = iter(enumerate(body, 1))
    for offset, character in characters:
        if character != "\\":
            result.append(character)
            continue
        _, escaped = next(characters, (offset, ""))
        if escaped in _ESCAPES:
            result.append(_ESCAPES[escaped])
        elif escaped and escaped == quote:
            result.append(quote)
        elif escaped in ("'", '"'):
            raise BadEscape(f"\\{escaped} inside {quote}...{quote}: write {escaped} without the backslash", offset)
        else:
            raise BadEscape(
                f"\\{escaped} is no escape: known are \\b \\f \\n \\r \\t \\\\ \\/ and the string's own quote; write \\\\ for a backslash", offset
            )
    return "".join(result)


def quoted(value: str) -> str:
    """The value as a string token in double quotes. A backslash right before the closing quote would escape it, so there it is written ``\\\\ ``."""
    token = "".join(_ESCAPED.get(character, character) for character in value)
    return f'"{token[:-1]} "' if value.endswith("\\") else f'"{token}"'


def written(value: str) -> str:
    """The value as a condition writes it: bare where that can be read back, else in quotes."""
    return quoted(value) if not value or _NEEDS_QUOTES.search(value) else value


def written_argument(value: str) -> str:
    """The value as the argument of a field."""
    return quoted(value) if not value or _NEEDS_QUOTES_IN_BRACKETS.search(value) else value
