import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.build.image.binaries import Binary, Damaged, read
from seawall.build.image.binaries.model import MAX_SECTIONS

READELF = shutil.which("readelf")
_ROW = re.compile(r"^\s*\[\s*\d+\]\s+(\S+)\s+(?!NOBITS)([A-Z_0-9]+)\s+([0-9a-f]{8,16})\s+([0-9a-f]+)\s+([0-9a-f]+)\s", re.MULTILINE)


def _programs() -> list[Path]:
    candidates = [Path(sys.executable).resolve(), *map(Path, ("/bin/true", "/bin/sh", "/lib/x86_64-linux-gnu/libc.so.6"))]
    return [path for path in candidates if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]


@pytest.mark.parametrize("path", _programs(), ids=str)
def test_sections_as_binutils_reads_them(path: Path) -> None:
    if READELF is None:
        pytest.skip("readelf is not installed")
    output = subprocess.run([READELF, "-SW", str(path)], capture_output=True, check=True, text=True).stdout
    expected = [(name, int(address, 16), int(offset, 16), int(size, 16)) for name, _, address, offset, size in _ROW.findall(output)]
    (binary,) = read(path.read_bytes())
    assert [(each.name, each.address, each.offset, each.size) for each in binary.sections if each.name] == expected
    assert len(expected) > 10


@pytest.mark.parametrize("path", _programs(), ids=str)
def test_addresses_lead_to_the_bytes_of_sections(path: Path) -> None:
    (binary,) = read(path.read_bytes())
    loaded = [each for each in binary.sections if each.address and each.size]
    assert loaded
    for section in loaded:
        assert binary.loaded(section.address, min(section.size, 64)) == bytes(binary.data[section.offset : section.offset + min(section.size, 64)])
    assert binary.loaded(2**63, 8) == b""


def _elf(count: int, names: int, rows: bytes = b"") -> bytes:
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, 64, 0, 64, 0, 0, 64, count, names)
    return header + rows


def _row(size: int = 0, link: int = 0, name: int = 0, offset: int = 0, kind: int = 1) -> bytes:
    return struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, offset, size, link, 0, 0, 0)


def test_more_sections_than_the_header_can_count() -> None:
    names = b"\0.first\0"
    data = _elf(0, 0xFFFF, _row(size=3, link=2, kind=0) + _row(name=1) + _row(offset=64 + 3 * 64, size=len(names)) + names)
    (binary,) = read(data)
    assert [section.name for section in binary.sections] == ["", ".first", ""]
    assert binary.section(".first") is not None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x7fELF", "bad header"),
        (b"\x7fELF\x03\x01" + bytes(100), "bad header"),
        (_elf(2, 0, _row()), "section table lies outside"),
        (_elf(1, 0), "section table lies outside"),
        (_elf(0, 0, _row(size=2**60)), f"more than {MAX_SECTIONS:,} sections"),
        (b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<HHIIIHH", 0, 9, 0, 0, 0, 0, 0), "section table lies outside"),
        (struct.pack("<IIIIII", 0xFEEDFACF, 0, 0, 2, 1, 72), "ends in its header"),
        (struct.pack("<IIIIIIIIII", 0xFEEDFACF, 0, 0, 2, 1, 72, 0, 0, 0x19, 4), "load command"),
        (struct.pack("<IIIIIIIIII", 0xFEEDFACF, 0, 0, 2, 1, 8, 0, 0, 0x19, 8), "too short"),
        (b"\xca\xfe\xba\xbe\0\0\0\x02", "ends in its header"),
    ],
)
def test_damaged(data: bytes, message: str) -> None:
    with pytest.raises(Damaged, match=message):
        list(read(data))


@pytest.mark.parametrize("data", [b"", b"MZ", b"MZ" + bytes(100), b"#!/bin/sh", b"\xca\xfe\xba\xbe\0\0\0\x34", b"MZ" + b"\xff" * 100])
def test_other_files(data: bytes) -> None:
    assert list(read(data)) == []


def test_a_section_without_a_name_table() -> None:
    (binary,) = read(_elf(1, 7, _row()))
    assert isinstance(binary, Binary)
    assert [section.name for section in binary.sections] == [""]
