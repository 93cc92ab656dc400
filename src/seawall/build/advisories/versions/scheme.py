"""What an order of versions has to offer."""

from collections.abc import Callable

from msgspec import Struct


class Scheme(Struct, frozen=True):
    """An order of versions. ``compare`` gives -1, 0 or 1; ``key`` gives bytes in the same order, equal for equal versions.

    Both take any text and never raise. Where the ecosystem's own tool contradicts itself, so that no order agrees with it, ``told`` is what the tool
    says of two versions; it equals ``compare`` everywhere else.
    """

    name: str
    compare: Callable[[str, str], int]
    key: Callable[[str], bytes]
    told: Callable[[str, str], int] | None = None

    def says(self, a: str, b: str) -> int:
        """What users of the ecosystem are told of two versions."""
        return (self.told or self.compare)(a, b)
