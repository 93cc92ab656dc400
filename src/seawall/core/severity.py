"""How bad a finding is, and how sure we are of it: two separate questions."""

from enum import StrEnum


class Severity(StrEnum):
    """How bad it is when the finding is true.

    ``critical`` hands over the node or the cluster; ``high`` removes a boundary an attacker has to cross; ``medium`` weakens one;
    ``low`` is hardening or hygiene; ``info`` is worth knowing. ``unknown`` is a vulnerability that nobody has rated.
    """

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """Larger is worse; ``unknown`` ranks with ``medium``, because a thing that nobody rated is not harmless."""
        return _RANKS[self]

    def at_least(self, floor: "Severity") -> bool:
        """Whether this is as bad as ``floor`` or worse."""
        return self.rank >= floor.rank


_RANKS = {
    Severity.CRITICAL: 5,
    Severity.HIGH: 4,
    Severity.MEDIUM: 3,
    Severity.UNKNOWN: 3,
    Severity.LOW: 2,
    Severity.INFO: 1,
}


class Confidence(StrEnum):
    """How sure the rule is: ``high`` is read off the object, ``medium`` rests on a convention, ``low`` is a hint."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
