"""Writers of the three database formats and of package headers, from the descriptions of the formats: what the readers are held against."""

import sqlite3
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence

Value = str | Sequence[str] | Sequence[int] | tuple[int, bytes, int]
"""A text, texts, numbers (32 bits), or what to write as it is: type, bytes, count."""


def header(tags: Mapping[int, Value], added: Mapping[int, Value] | None = None) -> bytes:
    """A header as it is in databases: a region with ``tags``, then the tags ``added`` at installation."""
    entries: list[tuple[int, int, int, int]] = []
    store = bytearray()

    def put(values: Mapping[int, Value]) -> None:
        for tag, value in sorted(values.items()):
            kind, data, count = _encoded(value)
            if kind == 4:
                store.extend(bytes(-len(store) % 4))
            entries.append((tag, kind, len(store), count))
            store.extend(data)

    put(tags)
    region = (63, 7, len(store), 16)
    store += struct.pack(">3iI", 63, 7, -16 * (len(entries) + 1), 16)
    put(added or {})
    return struct.pack(">2I", len(entries) + 1, len(store)) + b"".join(struct.pack(">4I", *entry) for entry in [region, *entries]) + bytes(store)


def _encoded(value: Value) -> tuple[int, bytes, int]:
    if isinstance(value, str):
        return 6, value.encode(errors="surrogateescape") + b"\0", 1
    if isinstance(value, tuple) and len(value) == 3 and isinstance(value[1], bytes):
        return value
    if all(isinstance(item, int) for item in value):
        return 4, struct.pack(f">{len(value)}I", *value), len(value)
    return 8, b"".join(str(item).encode(errors="surrogateescape") + b"\0" for item in value), len(value)


def sqlite(headers: Iterable[bytes], *, wal: bool = False) -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE IF NOT EXISTS 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(blob,) for blob in headers])
    connection.commit()
    data = connection.serialize()
    connection.close()
    return data[:18] + b"\2\2" + data[20:] if wal else data


def ndb(headers: Sequence[bytes], *, pages: int = 1, gap: int = 0) -> bytes:
    """``gap`` blocks are left free before each blob, as after a removal; every second slot is free."""
    slots = bytearray()
    blobs = bytearray()
    first = pages * 4096 // 16
    for number, blob in enumerate(headers, 1):
        blobs += bytes(16 * gap)
        head = struct.pack("<4s3I", b"BlbS", number, 1_700_000_000, len(blob))
        body = head + blob
        body += bytes(-(len(body) + 12) % 16)
        whole = body + struct.pack("<2I4s", zlib.adler32(body), len(blob), b"BlbE")
        slots += struct.pack("<4s3I", b"Slot", 0, 0, 0) + struct.pack("<4s3I", b"Slot", number, first + len(blobs) // 16, len(whole) // 16)
        blobs += whole
    slots += struct.pack("<4s3I", b"Slot", 0, 0, 0) * ((pages * 4096 - 32 - len(slots)) // 16)
    return struct.pack("<4s4I12x", b"RpmP", 0, 7, pages, len(headers) + 1) + bytes(slots) + bytes(blobs)


def berkeley(headers: Sequence[bytes], *, order: str = "<", page_size: int = 4096) -> bytes:
    """One pair on each hash page; a value that does not fit goes to overflow pages behind it, the last of which comes first."""
    pages: list[bytes] = [b""]
    counter = struct.pack(f"{order}I", len(headers))
    for number, value in enumerate([counter, *headers]):
        here = len(pages)
        room = page_size - 26
        if len(value) + 1 + 5 + 4 <= room:
            item, chain = b"\1" + value, []
        else:
            chain = [value[at : at + room] for at in range(0, len(value), room)]
            item = struct.pack(f"{order}B3xII", 3, here + len(chain), len(value))
        key = b"\1" + struct.pack(f"{order}I", number)
        offsets = (page_size - len(key), page_size - len(key) - len(item))
        head = struct.pack(f"{order}8xIII2H2B2H", here, 0, 0, 2, offsets[1], 0, 13, *offsets)
        pages.append(head.ljust(offsets[1], b"\0") + item + key)
        for index, part in reversed(list(enumerate(chain))):
            number_here = len(pages)
            following = number_here - 1 if index + 1 < len(chain) else 0
            overflow = struct.pack(f"{order}8xIII2H2B", number_here, 0, following, 1, len(part), 0, 7)
            pages.append((overflow + part).ljust(page_size, b"\0"))
    meta = struct.pack(f"{order}8x4I4B3I", 0, 0x061561, 9, page_size, 0, 8, 0, 0, 0, len(pages) - 1, 0)
    pages[0] = meta.ljust(page_size, b"\0")
    return b"".join(pages)
