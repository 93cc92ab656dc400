"""Patterns of the rule language as functions on texts.

Sources: fnmatch(3) with extended patterns (``glob``), RE2's syntax (``regex``, the whole text has to match), Falco's documentation of ``pmatch``.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

Test = Callable[[str], bool]

_POSIX_CLASSES: Final = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7f", "blank": r"\t ", "cntrl": r"\x00-\x1f\x7f", "digit": "0-9", "graph": "!-~",
    "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\v\f\r ", "upper": "A-Z", "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip


def glob_test(pattern: str, *, ignore_case: bool = False) -> Test:
    """``*`` and ``?`` match slashes too."""
    found = re.compile(_glob(pattern), re.DOTALL | (re.IGNORECASE if ignore_case else 0)).fullmatch
    return lambda text: found(text) is not None


def regex_test(pattern: str) -> Test:
    """Raises ``re.error`` for what is no expression."""
    found = re.compile(_as_python(pattern), re.ASCII).fullmatch
    return lambda text: found(text) is not None


def path_prefix_test(paths: Sequence[str]) -> Test:
    """Whether a path is one of these or lies below one, part by part; parts may be globs. ``/var`` holds ``/var/log`` but not ``/variable``."""
    plain: set[tuple[str, ...]] = set()
    globs: list[tuple[Test, ...]] = []
    for path in paths:
        parts = _parts(path)
        if any(character in path for character in "*?["):
            globs.append(tuple(glob_test(part) for part in parts))
        else:
            plain.add(parts)
    depths = sorted({len(parts) for parts in plain})

    def test(text: str) -> bool:
        parts = _parts(text)
        if any(parts[:depth] in plain for depth in depths if depth <= len(parts)):
            return True
        return any(len(tests) <= len(parts) and all(test(part) for test, part in zip(tests, parts, strict=False)) for tests in globs)

    return test


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)


@lru_cache(4096)
def _glob(pattern: str) -> str:
    return _Glob(pattern).read("")


class _Glob:
    """A glob read into a regular expression, alternatives in ``@(a|b)`` and the like included."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def read(self, ends: str) -> str:
        result: list[str] = []
        pattern = self._pattern
        while self._at < len(pattern) and pattern[self._at] not in ends:
            character = pattern[self._at]
            self._at += 1
            if character in "?*+@!" and pattern[self._at : self._at + 1] == "(" and ")" in pattern[self._at :]:
                self._at += 1
                result.append(self._alternatives(character))
            elif character == "*":
                if result[-1:] != [".*"]:  # more stars mean the same, and would take for ever
                    result.append(".*")
            elif character == "?":
                result.append(".")
            elif character == "[":
                result.append(self._set())
            elif character == "\\" and self._at < len(pattern):
                result.append(re.escape(pattern[self._at]))
                self._at += 1
            else:
                result.append(re.escape(character))
        return "".join(result)

    def _alternatives(self, kind: str) -> str:
        choices = [self.read("|)")]
        while self._pattern[self._at : self._at + 1] == "|":
            self._at += 1
            choices.append(self.read("|)"))
        self._at += 1
        inner = "|".join(choices)
        return f"(?:(?!(?:{inner})$).*)" if kind == "!" else f"(?:{inner}){'' if kind == '@' else kind}"

    def _set(self) -> str:
        pattern, start = self._pattern, self._at
        end = pattern.find("]", start + 2 if pattern[start : start + 1] in ("!", "^") else start + 1)
        while end > 0 and pattern[:end].rfind("[:", start) > pattern[:end].rfind(":]", start):
            end = pattern.find("]", end + 1)
        if end < 0:
            return re.escape("[")
        self._at = end + 1
        body = pattern[start:end]
        negated = body[:1] in ("!", "^")
        body = re.sub(r"\[:(\w+):\]", lambda found: f"\0{found[1]}\0", body[1:] if negated else body)
        body = re.sub(r"([\\\[\]^&~|])", r"\\\1", body)
        body = re.sub("\0(\\w+)\0", lambda found: _POSIX_CLASSES.get(found[1], ""), body)
        try:
            re.compile(f"[{body}]")
        except re.error:
            return re.escape(pattern[start - 1 : end + 1])
        return f"[{'^' if negated else ''}{body}]"


def _as_python(pattern: str) -> str:
    """An expression of RE2 in Python's spelling: POSIX classes, ``\\z``, ``\\Q...\\E``, and brackets that need no escape there."""
    result: list[str] = []
    at, in_set = 0, False
    while at < len(pattern):
        character = pattern[at]
        if character == "\\" and at + 1 < len(pattern):
            escaped = pattern[at + 1]
            if escaped == "Q" and not in_set:
                end = pattern.find("\\E", at + 2)
                literal = pattern[at + 2 :] if end < 0 else pattern[at + 2 : end]
                result.append(re.escape(literal))
                at = len(pattern) if end < 0 else end + 2
                continue
            result.append("\\Z" if escaped == "z" else character + escaped)
            at += 2
        elif in_set and pattern.startswith("[:", at) and (end := pattern.find(":]", at)) > 0:
            name = pattern[at + 2 : end]
            result.append(_POSIX_CLASSES.get(name, re.escape(pattern[at : end + 2])))
            at = end + 2
        else:
            if in_set:
                in_set = character != "]"
                result.append("\\[" if character == "[" else f"\\{character}" if character in "&~|" else character)
            elif character == "[":
                in_set = True
                opening = re.match(r"\[\^?\]?", pattern[at:])
                start = opening.group() if opening else "["
                result.append(start.replace("]", "\\]"))
                at += len(start)
                continue
            else:
                result.append(character)
            at += 1
    return "".join(result)
