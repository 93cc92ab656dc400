"""What a renderer may know beside the report: the rules it speaks of, and the terminal it writes to."""

from collections.abc import Mapping

from msgspec import Struct

from seawall.core.rule import Rule


class Context(Struct, frozen=True, kw_only=True):
    """``color`` and ``width`` (columns) describe the terminal; ``verbose`` asks for everything, suppressed findings included."""

    rules: Mapping[str, Rule] = {}
    color: bool = False
    width: int = 100
    verbose: bool = False
