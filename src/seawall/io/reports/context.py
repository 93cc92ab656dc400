"""What a renderer may know beside the report: the rules it speaks of, and the terminal it writes to."""

from collections.abc import Mapping

from msgspec import Struct

from seawall.core.rule import Rule


class Context(Struct, frozen=True, kw_only=True):
    """``color`` and ``width`` (columns) describe the terminal; ``verbose`` asks for everything, suppressed findings included.

    ``now`` is when the scan ended (ISO 8601, UTC: ``2027-01-31T12:00:00Z``), for the formats that must say so; the report itself has no clock.
    """

    rules: Mapping[str, Rule] = {}
    color: bool = False
    width: int = 100
    verbose: bool = False
    now: str = ""
