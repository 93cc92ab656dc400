"""What a database reader says of a part that it cannot read."""

from msgspec import Struct


class Damage(Struct, frozen=True):
    """A part of a database that could not be read; ``message`` is for users."""

    message: str
