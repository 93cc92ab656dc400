"""Which of the loaded rules judge."""

import fnmatch
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from seawall.run.detect.language.tree import PRIORITIES, CompiledRule

_OTHER_NAMES: Final = {"INFO": "INFORMATIONAL", "EMERG": "EMERGENCY", "CRIT": "CRITICAL", "ERR": "ERROR", "WARN": "WARNING"}


class Choice(Struct, frozen=True):
    """``tags`` and ``rules`` keep those with one of them, ``skip_tags`` and ``skip`` drop them; names are globs, whatever their case. ``priority`` is
    the least urgent one that is kept. A rule named by ``rules`` is judged even where its file disables it."""

    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    priority: str = ""


def rank(priority: str) -> int:
    """0 is the most urgent. Raises ``ValueError`` for what is no priority."""
    name = priority.upper()
    return PRIORITIES.index(_OTHER_NAMES.get(name, name))


def chosen(rules: Iterable[CompiledRule], choice: Choice) -> list[CompiledRule]:
    """The rules that are to judge."""
    return [rule for rule in rules if _is_chosen(rule, choice)]


def _is_chosen(rule: CompiledRule, choice: Choice) -> bool:
    if choice.rules:
        if not _named(rule, choice.rules):
            return False
    elif not rule.enabled:
        return False
    if choice.tags and not set(choice.tags) & set(rule.tags):
        return False
    if set(choice.skip_tags) & set(rule.tags) or _named(rule, choice.skip):
        return False
    return not choice.priority or rank(rule.priority) <= rank(choice.priority)


def _named(rule: CompiledRule, globs: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(rule.name.lower(), glob.lower()) or glob in rule.tags for glob in globs)
