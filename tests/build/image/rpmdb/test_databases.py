"""The three database formats: round trips through writers of ours and of others, damage of every kind, and hostile shapes."""

import shutil
import sqlite3
import struct
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.build.image.rpmdb import Damage, headers
from tests.build.image.rpmdb import writers

Writer = Callable[[Sequence[bytes]], bytes]

WRITERS: dict[str, Writer] = {
    "sqlite": writers.sqlite,
    "sqlite-wal": lambda blobs: writers.sqlite(blobs, wal=True),
    "ndb": writers.ndb,
    "ndb-gaps": lambda blobs: writers.ndb(blobs, pages=3, gap=5),
    "bdb-little": writers.berkeley,
    "bdb-big": lambda blobs: writers.berkeley(blobs, order=">"),
    "bdb-512": lambda blobs: writers.berkeley(blobs, page_size=512),
    "bdb-64k": lambda blobs: writers.berkeley(blobs, order=">", page_size=65536),
}
BLOBS = [b"first", b"x" * 20_000, bytes(range(256)) * 5]


def read(data: bytes) -> tuple[list[bytes], list[str]]:
    items = list(headers(data))
    return [item for item in items if isinstance(item, bytes)], [item.message for item in items if isinstance(item, Damage)]


@pytest.mark.parametrize("name", WRITERS)
@given(blobs=st.lists(st.binary(min_size=1, max_size=9000), max_size=8))
@settings(max_examples=30)
def test_what_is_written_is_read(name: str, blobs: list[bytes]) -> None:
    assert read(WRITERS[name](blobs)) == (blobs, [])


@pytest.mark.parametrize("name", WRITERS)
@given(data=st.data())
@settings(max_examples=60)
def test_damaged_bytes_never_raise_and_never_multiply(name: str, data: st.DataObject) -> None:
    whole = bytearray(WRITERS[name](BLOBS))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.one_of(st.integers(0, len(whole) - 1), st.integers(0, min(600, len(whole) - 1))))
        whole[at] = data.draw(st.integers(0, 255))
    found, _ = read(bytes(whole))
    assert sum(map(len, found)) <= len(whole)


@pytest.mark.parametrize("name", WRITERS)
@given(data=st.data())
@settings(max_examples=40)
def test_what_is_cut_off_is_told(name: str, data: st.DataObject) -> None:
    whole = WRITERS[name](BLOBS)
    found, damage = read(whole[: data.draw(st.integers(0, len(whole) - 1))])
    assert set(found) <= set(BLOBS)
    assert damage or found == BLOBS


@given(
    st.binary(max_size=2000),
    st.sampled_from([b"", b"RpmP\0\0\0\0", b"SQLite format 3\0", bytes(12) + b"\x61\x15\x06\0", bytes(12) + b"\0\x06\x15\x61"]),
)
def test_noise_is_damage(noise: bytes, magic: bytes) -> None:
    found, damage = read(magic + noise)
    assert damage or found or magic == b"RpmP\0\0\0\0"


@pytest.mark.parametrize("data", [b"", b"hello", b"RpmP", b"SQLite format 3\0", bytes(100), bytes(12) + b"\x61\x15\x06\0"])
def test_no_database(data: bytes) -> None:
    found, damage = read(data)
    assert not found
    assert len(damage) == 1


# SQLite


def made(*statements: str) -> bytes:
    connection = sqlite3.connect(":memory:")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    data = connection.serialize()
    connection.close()
    return data


ENDLESS = "WITH RECURSIVE n(hnum, blob) AS (SELECT 1, x'00' UNION ALL SELECT hnum + 1, blob FROM n) SELECT hnum, blob FROM n"


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE Other (hnum INTEGER PRIMARY KEY, blob BLOB)",
        f"CREATE VIEW Packages AS {ENDLESS}",
        "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob AS (zeroblob(900000000)))",
        "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY)",
    ],
)
def test_only_a_plain_table_is_read(statement: str) -> None:
    assert read(made(statement)) == ([], ["the SQLite database has no table Packages as rpm writes it"])


def test_columns_that_rpm_does_not_have_are_not_computed() -> None:
    more = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB, more AS (zeroblob(900000000)))"
    assert read(made(more, "INSERT INTO Packages VALUES (1, x'78')")) == ([b"x"], [])


def test_a_value_that_is_no_blob_is_told() -> None:
    data = made(
        "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)",
        "INSERT INTO Packages VALUES (1, 7), (2, NULL), (3, x'61'), (4, CAST(x'ff62' AS TEXT))",
    )
    assert read(data) == ([b"a", b"\xffb"], ["header 1 is no blob", "header 2 is no blob"])


def test_an_error_that_quotes_names_that_are_not_utf_8() -> None:
    data = made("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)").replace(b"TABLE Packages (", b"TABLE \xff\xfeckages )")
    found, damage = read(data)
    assert not found
    assert damage[0].startswith("the SQLite database cannot be read")


def test_sqlite_is_left_by_damage_with_what_was_read_before() -> None:
    blobs = [bytes([number]) * 3000 for number in range(60)]
    whole = writers.sqlite(blobs)
    found, damage = read(whole[: len(whole) * 3 // 4 // 4096 * 4096])
    assert damage
    assert set(found) <= set(blobs)


# ndb


def test_a_wrong_checksum_is_told_beside_the_package() -> None:
    data = bytearray(writers.ndb([b"abcdef", b"ghijkl"]))
    data[data.index(b"abc")] ^= 1
    assert read(bytes(data)) == ([b"`bcdef", b"ghijkl"], ["package 1 of the ndb database has a wrong checksum"])


def test_slots_that_share_a_blob_do_not_multiply_it() -> None:
    data = bytearray(writers.ndb([b"x" * 5000]))
    slot = data[48:64]
    assert slot.startswith(b"Slot\1")
    for at in range(32, 4096, 16):
        data[at : at + 16] = slot
    found, damage = read(bytes(data))
    assert sum(map(len, found)) <= len(data)
    assert damage[-1] == "packages of the ndb database overlap; the rest is not read"


@pytest.mark.parametrize(("at", "word"), [(4, 1), (12, 2**31), (48, 0), (52, 9), (56, 3), (56, 2**32 - 1), (60, 1), (60, 2**32 - 1)])
def test_a_wrong_number_in_ndb_is_told(at: int, word: int) -> None:
    data = bytearray(writers.ndb([b"x" * 100]))
    struct.pack_into("<I", data, at, word)
    assert read(bytes(data))[1]


# Berkeley DB


def test_an_overflow_chain_that_turns_back_ends() -> None:
    data = bytearray(writers.berkeley([b"x" * 20_000]))
    kinds = [data[page * 4096 + 25] for page in range(len(data) // 4096)]
    first, last = max(page for page, kind in enumerate(kinds) if kind == 7), kinds.index(7)
    struct.pack_into("<I", data, last * 4096 + 16, first)
    struct.pack_into("<H", data, last * 4096 + 22, 1)
    found, damage = read(bytes(data))
    assert not found
    assert "belongs to another entry too" in damage[0]


def test_entries_that_share_a_chain_do_not_multiply_it() -> None:
    data = bytearray(writers.berkeley([b"x" * 20_000, b"y" * 20_000]))
    pages = [page for page in range(len(data) // 4096) if data[page * 4096 + 25] == 13]
    offset = struct.unpack_from("<H", data, pages[1] * 4096 + 28)[0]
    data[pages[2] * 4096 + offset : pages[2] * 4096 + offset + 12] = data[pages[1] * 4096 + offset : pages[1] * 4096 + offset + 12]
    found, damage = read(bytes(data))
    assert found == [b"x" * 20_000]
    assert len(damage) == 1


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (12, 0x053162, "a Berkeley DB btree; rpm keeps its packages in a hash"),
        (16, 7, "Berkeley DB hash of version 7; known are 8 to 10"),
        (20, 0, "0 is no page size of Berkeley DB"),
        (20, 4095, "4095 is no page size of Berkeley DB"),
        (24, 1, "the Berkeley DB database is encrypted"),
        (32, 2**32 - 1, "the Berkeley DB database is cut off: 2 of 4294967296 pages are there"),
    ],
)
def test_berkeley_databases_that_rpm_does_not_write(at: int, value: int, message: str) -> None:
    data = bytearray(writers.berkeley([]))
    struct.pack_into("<I", data, at, value)
    assert read(bytes(data))[1] == [message]


LOADERS = [name for name in ("db5.3_load", "db_load") if shutil.which(name)]


@pytest.mark.skipif(not LOADERS, reason="no db_load (Debian: db-util)")
@pytest.mark.parametrize("order", ["1234", "4321"])
@pytest.mark.parametrize("page_size", [512, 4096, 65536])
@pytest.mark.parametrize("checksum", ["0", "1"])
def test_what_berkeley_db_itself_writes(tmp_path: Path, order: str, page_size: int, checksum: str) -> None:
    byte_order = "<" if order == "1234" else ">"
    blobs = {number: bytes([number]) * (number * number + 1) for number in range(1, 150)}
    pairs = [(0, struct.pack(f"{byte_order}I", 150)), *blobs.items()]
    lines = [f"VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize={page_size}\ndb_lorder={order}", "chksum=1" if checksum == "1" else "duplicates=0"]
    lines += ["HEADER=END", *(f" {struct.pack(f'{byte_order}I', key).hex()}\n {value.hex()}" for key, value in pairs), "DATA=END\n"]
    path = tmp_path / "Packages"
    subprocess.run([LOADERS[0], str(path)], input="\n".join(lines), text=True, check=True)
    found, damage = read(path.read_bytes())
    assert damage == []
    assert sorted(found) == sorted(blobs.values())
