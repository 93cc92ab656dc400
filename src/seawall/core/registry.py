"""All rules of one room or of the whole house, by id."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from seawall.core.errors import UsageError
from seawall.core.rule import Rule


class Registry:
    """Rules by id, in the order in which they were added. An id stands once; a rule may be added again (it may have several checks)."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules: dict[str, Rule] = {}
        for rule in rules:
            self.add(rule)

    def add(self, rule: Rule) -> None:
        if self._rules.setdefault(rule.id, rule) is not rule:
            raise ValueError(f"two rules are called {rule.id}")

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules.values())

    def __len__(self) -> int:
        return len(self._rules)

    def __contains__(self, rule_id: str) -> bool:
        return rule_id in self._rules

    def __getitem__(self, rule_id: str) -> Rule:
        """The rule of that id. An unknown one is a ``UsageError`` that names the nearest ids."""
        try:
            return self._rules[rule_id]
        except KeyError:
            raise UsageError(self.unknown(rule_id)) from None

    def unknown(self, rule_id: str) -> str:
        """That no rule has this id, and which have a similar one, in one line."""
        return f"no rule is called {rule_id!r}{self._suggestion(rule_id)}"

    def _suggestion(self, rule_id: str) -> str:
        known_elsewhere = [rule.id for rule in self if rule_id.lower() in (alias.lower() for alias in rule.alias_ids)]
        near = known_elsewhere or get_close_matches(rule_id, self._rules, n=3)
        return f"; did you mean {' or '.join(near)}?" if near else "; `seawall rules` lists them"
