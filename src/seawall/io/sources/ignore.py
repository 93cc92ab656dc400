"""Which files a project ignores: patterns as Git reads them (gitignore(5)), one file of them for each directory.

Written here because the patterns may be hostile: those libraries that turn a line into one regular expression take minutes for five stars in it.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

_WILDCARD: Final = re.compile(
    r"\\(?P<escaped>.)|(?P<star>\*+)|(?P<any>\?)|\[(?P<negated>[!^]?)(?P<set>\]?+(?:\[:\w+:\]|\\.|[^\]\\])*)\]|(?P<broken>[\[\\])", re.DOTALL
)
_TRAILING_SPACE: Final = re.compile(r"(?<![\\ ]) +\Z")
_IN_SET: Final = re.compile(r"\[:(?P<name>\w+):\]|(?P<first>\\.|.)-(?P<last>\\.|[^\]])|(?P<one>\\.|.)", re.DOTALL)
_CLASSES: Final = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "blank": r" \t", "cntrl": r"\0-\x1f\x7f", "digit": "0-9", "graph": "!-~", "lower": "a-z",
    "print": " -~", "punct": "!-/:-@\\[-`{-~", "space": r"\t-\r ", "upper": "A-Z", "xdigit": "0-9A-Fa-f",
}  # fmt: skip

Match = Callable[[str], object]
"""Whether a pattern matches one name of a path."""


class Pattern(Struct, frozen=True):
    """One line. ``names`` match the names of a path from the directory of the file down, None being any number of them (``**``).

    A pattern without a slash has one name, for the last of a path, wherever it stands.
    """

    names: tuple[Match | None, ...]
    is_anchored: bool
    ignores: bool
    directories_only: bool

    def matches(self, path: Sequence[str]) -> bool:
        if not self.is_anchored:
            [match] = self.names
            return match is not None and bool(match(path[-1]))
        reached = {0}
        for place, match in enumerate(self.names, 1):
            if match is None:
                more = 1 if place == len(self.names) else 0  # "a/**" is everything in a, and not a itself
                reached = set(range(min(reached) + more, len(path) + 1))
            else:
                reached = {index + 1 for index in reached if index < len(path) and match(path[index])}
            if not reached:
                return False
        return len(path) in reached


class Ignore:
    """The patterns of one file. The last one that matches decides."""

    def __init__(self, text: str) -> None:
        lines = text.removeprefix("\ufeff").split("\n")
        self._patterns = [pattern for line in reversed(lines) if (pattern := _pattern(line.removesuffix("\r")))]

    def verdict(self, path: Sequence[str], *, is_directory: bool) -> bool | None:
        """Whether to ignore a path, given as its names from the directory of the file down; None where no pattern speaks of it."""
        for pattern in self._patterns:
            if (is_directory or not pattern.directories_only) and pattern.matches(path):
                return pattern.ignores
        return None


def _pattern(line: str) -> Pattern | None:
    if line.startswith("#"):
        return None
    line = _TRAILING_SPACE.sub("", line)
    ignores = not line.startswith("!")
    line = line.removeprefix("!")
    directories_only = line.endswith("/")
    line = line.removesuffix("/")
    is_anchored = "/" in line
    names = line.removeprefix("/").split("/")
    if "" in names:
        return None  # nothing, or what no path has: an empty name
    matches = tuple(None if is_anchored and not name.strip("*") and len(name) > 1 else _match(name) for name in names)
    return Pattern(matches, is_anchored, ignores, directories_only)


def _match(name: str) -> Match:
    """One name with wildcards. What stands between two stars is found at its first place and never tried again, so that time stays linear."""
    parts = [""]
    at = 0
    for wildcard in _WILDCARD.finditer(name):
        parts[-1] += re.escape(name[at : wildcard.start()])
        at = wildcard.end()
        if wildcard["star"]:
            parts.append("")
        elif wildcard["any"]:
            parts[-1] += "."
        elif wildcard["escaped"]:
            parts[-1] += re.escape(wildcard["escaped"])
        elif wildcard["set"] is None or (members := _members(wildcard["set"])) is None:
            return _nothing
        else:
            parts[-1] += f"[{'^' if wildcard['negated'] else ''}{members}]"
    parts[-1] += re.escape(name[at:])
    first, *middle = parts
    last = f".*{middle.pop()}" if middle else ""
    return re.compile(first + "".join(f"(?>.*?{part})" for part in middle) + last, re.DOTALL).fullmatch


def _members(text: str) -> str | None:
    """What stands between brackets, as a regular expression wants it; None where it means nothing."""
    members = ""
    for member in _IN_SET.finditer(text):
        if member["name"]:
            if member["name"] not in _CLASSES:
                return None
            members += _CLASSES[member["name"]]
        elif member["one"]:
            members += re.escape(member["one"][-1])
        else:
            first, last = member["first"][-1], member["last"][-1]
            members += f"{re.escape(first)}-{re.escape(max(first, last))}"
    return members


def _nothing(name: str) -> None:  # noqa: ARG001
    return None
