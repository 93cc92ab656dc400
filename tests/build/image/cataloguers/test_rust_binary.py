import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from seawall.build.image.binaries import read
from seawall.build.image.cataloguer import Fact, File, Problem
from seawall.build.image.cataloguers.rust_binary import MAX_LIST, parse
from seawall.core.package import Package

LIST = {
    "packages": [
        {"name": "shop", "version": "0.1.0", "source": "local", "dependencies": [1, 2, 3], "root": True},
        {"name": "serde", "version": "1.0.1", "source": "registry", "dependencies": [2]},
        {"name": "itoa", "version": "1.0.11", "source": "git"},
        {"name": "cc", "version": "1.0.0", "source": "registry", "kind": "build", "dependencies": [4]},
        {"name": "jobserver", "version": "0.1.0", "source": "registry", "kind": "build"},
    ]
}


def elf_with(section: bytes, name: bytes = b".dep-v0", *, wide: bool = True) -> bytes:
    """A program with two sections: the one given, and the names."""
    names = b"\0" + name + b"\0.shstrtab\0"
    header_size, row = (64, "IIQQQQIIQQ") if wide else (52, "IIIIIIIIII")
    place = header_size
    table = place + len(section) + len(names)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    header = ident + struct.pack(
        "<HHIQQQIHHHHHH" if wide else "<HHIIIIIHHHHHH", 2, 62, 1, 0, 0, table, 0, header_size, 0, 0, struct.calcsize("<" + row), 3, 2
    )
    rows = [
        (0,) * 10,
        (1, 1, 0, 0, place, len(section), 0, 0, 1, 0),
        (2 + len(name), 3, 0, 0, place + len(section), len(names), 0, 0, 1, 0),
    ]
    return header + section + names + b"".join(struct.pack("<" + row, *each) for each in rows)


def pe_with(section: bytes, name: bytes = b".dep-v0") -> bytes:
    """A program of Windows with one section; a name of more than eight letters stands behind the symbols, of which there are none."""
    start, optional, place = 0x80, 240, 0x400
    strings = struct.pack("<I", 4 + len(name) + 1) + name + b"\0"
    short = name if len(name) <= 8 else b"/4"
    header = b"MZ".ljust(60, b"\0") + struct.pack("<I", start)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, place + len(section), 0, optional, 0x22)
    row = struct.pack("<8sIIIIIIHHI", short, len(section), 0x1000, len(section), place, 0, 0, 0, 0, 0x40000040)
    return (header.ljust(start, b"\0") + coff + b"\x0b\x02".ljust(optional, b"\0") + row).ljust(place, b"\0") + section + strings


def macho_with(section: bytes, name: bytes = b".dep-v0", order: str = "<") -> bytes:
    place = 32 + 72 + 80
    header = struct.pack(order + "IIIIIIII", 0xFEEDFACF, 0x0100000C, 0, 2, 1, 72 + 80, 0, 0)
    segment = struct.pack(order + "II16sQQQQiiII", 0x19, 72 + 80, b"__DATA", 0x1000, len(section), place, len(section), 3, 3, 1, 0)
    row = struct.pack(order + "16s16sQQIIIIIIII", name, b"__DATA", 0x1000, len(section), place, 0, 0, 0, 0, 0, 0, 0)
    return header + segment + row + section


def fat_with(*parts: bytes) -> bytes:
    place = 8 + 20 * len(parts)
    header = struct.pack(">II", 0xCAFEBABE, len(parts))
    for part in parts:
        header += struct.pack(">IIIII", 7, 3, place, len(part), 0)
        place += len(part)
    return header + b"".join(parts)


def packed(value: Any) -> bytes:
    return zlib.compress(json.dumps(value).encode())


def told(data: bytes) -> list[Fact]:
    return list(parse(File("usr/bin/shop", data)))


EXPECTED = [
    Package(type="cargo", name="shop", version="0.1.0", path="usr/bin/shop", requires=("serde@1.0.1", "itoa@1.0.11")),
    Package(type="cargo", name="serde", version="1.0.1", path="usr/bin/shop", requires=("itoa@1.0.11",)),
    Package(type="cargo", name="itoa", version="1.0.11", path="usr/bin/shop"),
]


@pytest.mark.parametrize(
    "data",
    [
        elf_with(packed(LIST)),
        elf_with(packed(LIST), wide=False),
        pe_with(packed(LIST)),
        macho_with(packed(LIST)),
        macho_with(packed(LIST), order=">"),
        fat_with(macho_with(b"", b"__text"), macho_with(packed(LIST))),
    ],
    ids=["elf", "elf32", "pe", "macho", "macho-big", "universal"],
)
def test_what_runs_is_told_and_what_built_it_is_not(data: bytes) -> None:
    assert told(data) == EXPECTED


def test_long_names_of_windows() -> None:
    (binary,) = read(pe_with(b"content", b".a-long-name"))
    assert bytes(binary.section(".a-long-name") or b"") == b"content"


def test_two_architectures_with_one_list_are_one() -> None:
    assert told(fat_with(macho_with(packed(LIST)), macho_with(packed(LIST)))) == EXPECTED


def test_java_classes_are_no_universal_binaries() -> None:
    assert told(b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(2000)) == []


def test_a_bomb_is_not_inflated() -> None:
    (fact,) = told(elf_with(zlib.compress(bytes(MAX_LIST * 4))))
    assert fact == Problem("usr/bin/shop", "its list of crates is larger than 8 MiB; not read")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (b"not zlib", "its list of crates is damaged: not zlib data"),
        (packed(LIST)[:-8], "its list of crates is damaged: it ends too early"),
        (zlib.compress(b"{"), "its list of crates is not valid JSON: Input data was truncated"),
    ],
)
def test_damaged_lists(section: bytes, message: str) -> None:
    assert told(elf_with(section)) == [Problem("usr/bin/shop", message)]


def test_odd_lists() -> None:
    assert told(elf_with(packed([1]))) == []
    odd = {"packages": [1, {"name": "a", "version": "1.0.0", "dependencies": [0, -1, 99, "x", True]}]}
    assert [fact.name for fact in told(elf_with(packed(odd))) if isinstance(fact, Package)] == ["a"]


def test_a_section_table_outside_the_file() -> None:
    whole = elf_with(packed(LIST))
    (fact,) = told(whole[:-64])
    assert fact == Problem("usr/bin/shop", "not a valid ELF file: its section table lies outside the file")


def test_programs_of_others() -> None:
    assert told(elf_with(packed(LIST), b".text")) == []
    if not Path("/bin/true").is_file():
        pytest.skip("no /bin/true to read")
    assert told(Path("/bin/true").read_bytes()) == []
