"""The database of installed RPM packages, read from the bytes of its main file, whichever of its three formats it has.

A database is a bag of package headers; :func:`headers` gives them out, :mod:`.header` reads one. What is damaged is told beside what could be read::

    for item in headers(data):
        if isinstance(item, Damage):
            print(item.message)
        else:
            print(Header(item).text(Tag.NAME))
"""

from collections.abc import Iterator

from seawall.build.image.rpmdb import berkeley, ndb, sqlite
from seawall.build.image.rpmdb.damage import Damage

__all__ = ["Damage", "headers"]


def headers(data: bytes) -> Iterator[bytes | Damage]:
    """The header of every package in a database, and a :class:`Damage` for each part that cannot be read. Never raises on bad input."""
    if not data:
        yield Damage("the rpm database is empty")
    elif sqlite.is_database(data):
        yield from sqlite.headers(data)
    elif ndb.is_database(data):
        yield from ndb.headers(data)
    elif berkeley.is_database(data):
        yield from berkeley.headers(data)
    else:
        yield Damage("not an rpm database: neither SQLite, nor ndb, nor Berkeley DB")
