"""RPM's SQLite database, ``rpmdb.sqlite``: the default since RPM 4.16 (Fedora 33, RHEL 9).

Headers stand in the table ``Packages`` (``hnum INTEGER PRIMARY KEY, blob BLOB``); all other tables are indexes. The file is opened as memory, so
that nothing is written anywhere. A foreign file is foreign code: its schema may hold views and triggers that never end, so only a plain table is
read, and only for a bounded number of steps.

Source: rpm's lib/backend/sqlite.c, and the SQLite file format (https://www.sqlite.org/fileformat2.html).
"""

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from seawall.build.image.rpmdb.damage import Damage

if TYPE_CHECKING:
    import sqlite3

_MAGIC: Final = b"SQLite format 3\0"
_PAGE_SIZE: Final = struct.Struct(">16xH")  # 1 is 65536
_PAGES: Final = struct.Struct(">I")
_PAGES_AT: Final = 28
_CHANGE: Final = slice(24, 28)
_CHANGE_OF_COUNT: Final = slice(92, 96)
_JOURNAL_AT: Final = 18  # the write and the read version: 1 is a rollback journal, 2 a write-ahead log
_HEADER_SIZE: Final = 100
_STEPS_AT_ONCE: Final = 100_000
_BYTES_PER_TURN: Final = 1 << 16
_FEWEST_TURNS: Final = 100
# Nothing but a table with two plain columns: SQLite computes generated columns and views when they are read.
_IS_PLAIN: Final = "SELECT name FROM pragma_table_xinfo('Packages') WHERE hidden = 0"
_IS_TABLE: Final = "SELECT count(*) FROM sqlite_schema WHERE name = 'Packages' AND type = 'table' AND rootpage > 0"


def is_database(data: bytes) -> bool:
    return data.startswith(_MAGIC)


def headers(data: bytes) -> Iterator[bytes | Damage]:
    """See :func:`seawall.build.image.rpmdb.headers`."""
    import sqlite3  # 7 ms, and only images with such a database need it

    if len(data) < _HEADER_SIZE:
        yield Damage("the SQLite database is cut off in its first 100 bytes")
        return
    if not hasattr(sqlite3.Connection, "deserialize"):
        yield Damage("the SQLite of this Python is too old to read a database from memory (3.36 is needed)")
        return
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        whole = _openable(data)
        if len(whole) < _said_size(data):
            yield Damage(f"the SQLite database is cut off: {len(data)} of {_said_size(data)} bytes are there")
        yield from _rows(connection, whole)
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:  # its words may quote names that are not UTF-8
        yield Damage(f"the SQLite database cannot be read: {error}")
    finally:
        connection.close()


def _said_size(data: bytes) -> int:
    """How long the database must be, or 0 where its last writer did not say: its page count holds for the change that it names."""
    if data[_CHANGE] != data[_CHANGE_OF_COUNT]:
        return 0
    return _page_size(data) * int(_PAGES.unpack_from(data, _PAGES_AT)[0])


def _page_size(data: bytes) -> int:
    (size,) = _PAGE_SIZE.unpack_from(data)
    return 65536 if size == 1 else max(int(size), 512)


def _openable(data: bytes) -> bytes:
    """The whole pages of a database, as one without a write-ahead log, which memory has not: a database that is not being written is the same
    with and without one. SQLite would take what is missing for zeros, so the header is made to say how many pages there are."""
    head = bytearray(data[:_HEADER_SIZE])
    head[_JOURNAL_AT : _JOURNAL_AT + 2] = b"\1\1"
    size = _page_size(data)
    if len(data) < _said_size(data):
        _PAGES.pack_into(head, _PAGES_AT, len(data) // size)
        return bytes(head) + data[_HEADER_SIZE : len(data) // size * size]
    return data if head == data[:_HEADER_SIZE] else bytes(head) + data[_HEADER_SIZE:]


def _rows(connection: "sqlite3.Connection", data: bytes) -> Iterator[bytes | Damage]:
    import sqlite3

    turns = _FEWEST_TURNS + len(data) // _BYTES_PER_TURN

    def spend() -> bool:
        nonlocal turns
        turns -= 1
        return turns < 0

    connection.text_factory = bytes  # as for rpm, a header is bytes even where it says it is text; and text need not be UTF-8
    connection.deserialize(data)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(len(data), 1 << 20))
    connection.set_progress_handler(spend, _STEPS_AT_ONCE)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    columns = [name for (name,) in connection.execute(_IS_PLAIN)]
    if connection.execute(_IS_TABLE).fetchone() != (1,) or columns != [b"hnum", b"blob"]:
        yield Damage("the SQLite database has no table Packages as rpm writes it")
        return
    left = len(data)
    for number, blob in connection.execute("SELECT hnum, blob FROM Packages NOT INDEXED"):
        if not isinstance(blob, bytes):
            yield Damage(f"header {number} is no blob")
            continue
        left -= len(blob)
        if left < 0:  # overflow chains that are shared: a bomb
            yield Damage("the SQLite database holds more than its size; the rest is not read")
            return
        yield blob
