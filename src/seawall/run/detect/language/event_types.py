"""Which event types a condition can be true for. A rule that says none is judged on every event, and slow."""

from typing import Final

from seawall.run.detect.language.tree import And, Check, Condition, Field, Name, Not, Or
from seawall.run.events.fields.types import OTHERS, SYSTEM_CALLS

ALL: Final = SYSTEM_CALLS | OTHERS
MANY: Final = 100
"""More types than this, and the rule is warned about."""

_EQUAL: Final = frozenset({"=", "==", "in", "intersects"})


def event_types(condition: Condition) -> frozenset[str]:
    """The types for which the condition can be true; :data:`ALL` where it does not depend on them."""
    return _types(condition)[0]


def _types(condition: Condition) -> tuple[frozenset[str], frozenset[str]]:
    """The types for which it can be true, and those for which it can be false."""
    match condition:
        case And(parts) | Or(parts):
            both = [_types(part) for part in parts]
            true, false = both[0]
            for more_true, more_false in both[1:]:
                if isinstance(condition, And):
                    true, false = true & more_true, false | more_false
                else:
                    true, false = true | more_true, false & more_false
            return true, false
        case Not(inner):
            true, false = _types(inner)
            return false, true
        case Check(Field("evt.type", None), operator, values, None, None):
            chosen = frozenset(values) & ALL
            if operator in _EQUAL:
                return chosen, ALL - chosen
            if operator == "!=":
                return ALL - chosen, chosen
            if operator == "exists":
                return ALL, frozenset()
        case Check() | Name():
            pass
    return ALL, ALL
