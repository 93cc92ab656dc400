"""The rules of the whole house: the registries of all rooms in one, their names in other tools, and ``seawall.rules/v1``."""

from collections.abc import Iterable
from functools import cache
from typing import Final

import msgspec

from seawall.build import rules
from seawall.core.registry import Registry
from seawall.core.rule import Rule
from seawall.deploy import workload

SCHEMA: Final = "seawall.rules/v1"


class Alias(msgspec.Struct, frozen=True):
    """What another tool calls a rule."""

    tool: str
    id: str
    rule: Rule


@cache
def catalogue() -> Registry:
    """Every rule, in the order of the rooms."""
    rooms = (rules.registry(), workload.registry())
    return Registry(rule for room in rooms for rule in room)


def aliases(name: str) -> list[Alias]:
    """The rules that other tools call by this name, in whatever case; one id may stand for several rules of ours."""
    wanted = name.lower()
    return [Alias(tool, alias, rule) for rule in catalogue() for tool, ids in rule.aliases.items() for alias in ids if alias.lower() == wanted]


def document(rules: Iterable[Rule]) -> str:
    """All that is known of these rules as JSON: ``{"schema": "seawall.rules/v1", "rules": [...]}``."""
    return msgspec.json.format(msgspec.json.encode({"schema": SCHEMA, "rules": list(rules)}), indent=2).decode()
