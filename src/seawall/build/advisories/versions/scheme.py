"""What an order of versions has to offer."""

from collections.abc import Callable

from msgspec import Struct


class Scheme(Struct, frozen=True):
    """An order of versions. ``compare`` gives -1, 0 or 1; ``key`` gives bytes in the same order, equal for equal versions.

    Both take any text and never raise.
    """

    name: str
    compare: Callable[[str, str], int]
    key: Callable[[str], bytes]
