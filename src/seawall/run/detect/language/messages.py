"""Errors and warnings, collected while rule files are read, merged and compiled."""

from seawall.run.detect.language.assembly import Place
from seawall.run.detect.language.tree import Message


class Bad(Exception):
    """Something in a rule file that makes an item unusable."""

    def __init__(self, code: str, message: str, place: Place, item: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.place = place
        self.item = item


class Messages:
    def __init__(self) -> None:
        self.errors: list[Message] = []
        self.warnings: list[Message] = []

    def error(self, code: str, message: str, place: Place, item: str = "") -> None:
        self.errors.append(Message(place.file, place.line, place.column, item, message, code))

    def bad(self, bad: Bad, item: str = "") -> None:
        self.error(bad.code, bad.message, bad.place, bad.item or item)

    def warn(self, code: str, message: str, place: Place, item: str = "") -> None:
        self.warnings.append(Message(place.file, place.line, place.column, item, message, code))
