"""Text for a terminal: made harmless, measured in columns, broken into lines, and coloured.

Names, messages and source lines come out of files that nobody has vetted. Nothing of them may steer the terminal, hide or reorder text, or start
a line of its own.
"""

from typing import Final
from unicodedata import category, combining, east_asian_width

from seawall.core.severity import Severity

_DELETE: Final = 0x7F
_PICTURES: Final = 0x2400  # U+2400 to U+241F are pictures of the control characters 0 to 31
_PICTURE_OF_DELETE: Final = "\u2421"
_UNSEEN: Final = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_REPLACEMENT: Final = "\ufffd"


def printable(text: str) -> str:
    """The text on one line, with what a reader cannot see made visible, character for character.

    Control characters become their pictures; formatting characters (writing direction, zero width), separators and lone surrogates become U+FFFD.
    """
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    code = ord(character)
    if code < ord(" "):
        return chr(_PICTURES + code)
    if code == _DELETE:
        return _PICTURE_OF_DELETE
    return _REPLACEMENT if category(character) in _UNSEEN else character


def columns(text: str) -> int:
    """How many columns a terminal needs for a printable text."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if combining(character) or category(character) in ("Mn", "Me"):
        return 0
    return 2 if east_asian_width(character) in ("W", "F") else 1


def wrap(text: str, width: int, indent: str = "", *, taken: int = 0) -> str:
    """Break a text at its spaces into lines of at most ``width`` columns, the first of which has ``taken`` columns less.

    Lines after the first start with ``indent``. A word is never broken, so that it can be copied and searched; one that is too long stands on a
    line of its own.
    """
    lines = []
    line, room = "", width - taken
    for word in text.split(" "):
        extended = f"{line} {word}" if line else word
        if line and columns(extended) > room:
            lines.append(line)
            line, room = word, width - columns(indent)
        else:
            line = extended
    return f"\n{indent}".join([*lines, line])


class Paint:
    """Colours text where ``on``: ``paint("error", BOLD)``. The codes are those of ECMA-48 (Select Graphic Rendition)."""

    __slots__ = ("on",)

    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, codes: str) -> str:
        return f"\x1b[{codes}m{text}\x1b[0m" if self.on else text


BOLD: Final = "1"
DIM: Final = "2"
GUTTER: Final = "1;34"
ERROR: Final = "1;31"
SEVERITY: Final = {
    Severity.CRITICAL: "1;97;41",
    Severity.HIGH: "1;31",
    Severity.MEDIUM: "1;33",
    Severity.LOW: "1;36",
    Severity.INFO: "1;34",
    Severity.UNKNOWN: "1;35",
}
