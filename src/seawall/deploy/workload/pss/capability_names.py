"""How capabilities are spelled: container runtimes take them in any case, the standard in upper case alone."""

from collections.abc import Collection

from seawall.core.fix import Plan, Set
from seawall.core.resource import Field


def respell(item: Field, allowed: Collection[str]) -> Plan | None:
    """The plan to write a capability in upper case, where that makes it an allowed one. Safe: it means the same to the runtime.

    A name with the prefix ``CAP_`` is left alone, because runtimes differ in what they make of it.
    """
    name = item.text.upper()
    return Plan(f"spell it {name}", (Set(item, name),), safe=True) if name in allowed else None
