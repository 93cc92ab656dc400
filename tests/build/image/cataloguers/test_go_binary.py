import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from seawall.build.image.cataloguer import File, Problem
from seawall.build.image.cataloguers.go_binary import MAGIC, parse
from seawall.core.package import Package

GO = shutil.which("go")

MODULES = (
    "path\texample.com/shop\nmod\texample.com/shop\tv1.0.0\th1:a=\ndep\texample.com/a\tv1.2.3\th1:a=\ndep\texample.com/b\tv1.0.0\n"
    "=>\texample.org/fork\tv1.1.0\th1:a=\ndep\texample.com/here\tv1.0.0\n=>\t./here\t(devel)\t\nbuild\t-compiler=gc\n"
)
TOLD = [
    ("stdlib", "1.17.3"),
    ("example.com/shop", "v1.0.0"),
    ("example.com/a", "v1.2.3"),
    ("example.org/fork", "v1.1.0"),
    ("example.com/here", ""),
]


def told(data: bytes) -> list[tuple[str, str]]:
    facts = list(parse(File("usr/bin/shop", data)))
    assert all(isinstance(fact, Package) and fact.type == "golang" for fact in facts), facts
    return [(fact.name, fact.version) for fact in facts if isinstance(fact, Package)]


def _environment(**more: str) -> dict[str, str]:
    return {**os.environ, "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": "-buildvcs=false", "GO111MODULE": "on", "CGO_ENABLED": "0", **more}


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module without dependencies but one, which a directory replaces."""
    directory = tmp_path_factory.mktemp("module")
    (directory / "here").mkdir()
    (directory / "here/go.mod").write_text("module example.com/here\n\ngo 1.18\n")
    (directory / "here/here.go").write_text("package here\n\nvar Word = 1\n")
    (directory / "go.mod").write_text("module example.com/shop\n\ngo 1.18\n\nrequire example.com/here v1.2.3\n\nreplace example.com/here => ./here\n")
    (directory / "main.go").write_text(
        'package main\n\nimport "example.com/here"\n\nvar version = "dev"\n\nfunc main() { println(version, here.Word) }\n'
    )
    return directory


@pytest.mark.parametrize(
    ("system", "architecture", "flags"),
    [
        ("linux", "amd64", []),
        ("linux", "amd64", ["-ldflags=-s -w -X main.version=1.2.3"]),
        ("linux", "amd64", ["-buildmode=pie", "-ldflags=-s -w"]),
        ("linux", "386", []),
        ("linux", "s390x", []),
        ("windows", "amd64", ["-ldflags=-s -w"]),
        ("darwin", "arm64", []),
    ],
)
def test_as_go_reads_it(module: Path, tmp_path: Path, system: str, architecture: str, flags: list[str]) -> None:
    if GO is None:
        pytest.skip("go is not installed")
    built = tmp_path / "shop"
    subprocess.run([GO, "build", *flags, "-o", built, "."], cwd=module, check=True, env=_environment(GOOS=system, GOARCH=architecture))
    told_by_go = subprocess.run([GO, "version", "-m", built], capture_output=True, check=True, text=True, env=_environment()).stdout.splitlines()
    toolchain = told_by_go[0].split()[1].removeprefix("go")
    version = "v1.2.3" if "main.version" in "".join(flags) else ""
    assert "\tdep\texample.com/here\tv1.2.3" in [line.rstrip() for line in told_by_go]
    assert told(built.read_bytes()) == [("stdlib", toolchain), ("example.com/shop", version), ("example.com/here", "")]


def test_the_go_command_itself() -> None:
    if GO is None:
        pytest.skip("go is not installed")
    toolchain = subprocess.run([GO, "env", "GOVERSION"], capture_output=True, check=True, text=True, env=_environment()).stdout.strip()
    assert ("stdlib", toolchain.removeprefix("go")) in told(Path(GO).resolve().read_bytes())


def _elf(block: bytes, *, wide: bool = True, order: str = "<", address: int = 0x400000, flags: int = 6) -> bytes:
    """A program of one segment, without sections. ``block`` follows the headers, at 0x80."""
    size = 0x80 + len(block)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    if wide:
        header = ident + struct.pack(order + "HHIQQQIHHHHHH", 2, 62, 1, address, 64, 0, 0, 64, 56, 1, 64, 0, 0)
        header += struct.pack(order + "IIQQQQQQ", 1, flags, 0, address, address, size, size, 4096)
    else:
        header = ident + struct.pack(order + "HHIIIIIHHHHHH", 2, 3, 1, address, 52, 0, 0, 52, 32, 1, 40, 0, 0)
        header += struct.pack(order + "IIIIIIII", 1, 0, address, address, size, size, flags, 4096)
    return header.ljust(0x80, b"\0") + block


def _framed(modules: str) -> bytes:
    return bytes.fromhex("3077af0c9274080241e1c107e6d618e6") + modules.encode() + bytes.fromhex("f932433186182072008242104116d8f2")


def _with_pointers(version: str, modules: str, *, wide: bool, order: str, address: int = 0x400000) -> bytes:
    """The block that Go 1.13 to 1.17 wrote: addresses of two strings, each an address and a length."""
    size, word = (8, "Q") if wide else (4, "I")
    strings = [version.encode(), _framed(modules)]
    headers = address + 0x80 + 32
    text = headers + 4 * size
    head = MAGIC + bytes([size, order == ">"]) + struct.pack(order + 2 * word, headers, headers + 2 * size).ljust(16, b"\0")
    table = struct.pack(order + 4 * word, text, len(strings[0]), text + len(strings[0]), len(strings[1]))
    return _elf(head + table + b"".join(strings), wide=wide, order=order, address=address)


@pytest.mark.parametrize(("wide", "order"), [(True, "<"), (False, "<"), (True, ">"), (False, ">")])
def test_strings_by_address(tmp_path: Path, wide: bool, order: str) -> None:
    data = _with_pointers("go1.17.3", MODULES, wide=wide, order=order)
    assert told(data) == TOLD
    if GO is None:
        pytest.skip("go is not installed: not compared")
    (tmp_path / "shop").write_bytes(data)
    (tmp_path / "shop").chmod(0o755)
    output = subprocess.run([GO, "version", "-m", tmp_path / "shop"], capture_output=True, check=True, text=True, env=_environment()).stdout
    assert output.splitlines()[0].endswith("go1.17.3")
    assert "example.org/fork\tv1.1.0" in output


def _inline(version: bytes, modules: bytes) -> bytes:
    def varint(number: int) -> bytes:
        return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)

    return MAGIC + bytes([8, 2]) + bytes(16) + varint(len(version)) + version + varint(len(modules)) + modules


def test_strings_in_place() -> None:
    assert told(_elf(_inline(b"go1.17.3", _framed(MODULES)))) == TOLD


def test_the_word_must_be_aligned_and_among_the_variables() -> None:
    block = _inline(b"go1.17.3", _framed(MODULES))
    assert told(_elf(b"12345678" + block)) == []
    assert told(_elf((b"12345678" + MAGIC).ljust(32, b"\0") + block)) == TOLD
    assert told(_elf(block, flags=5)) == []


@pytest.mark.parametrize(
    ("flags", "version"),
    [
        ('"-X main.version=v1.2.3"', "v1.2.3"),
        ('"-s -w -X example.com/shop/internal.Version=1.2.3-rc.1 -X main.commit=aa"', "v1.2.3-rc.1"),
        ("\"-X 'main.version=v1.2.3'\"", "v1.2.3"),
        ('`-X "main.version=v1.2.3"`', "v1.2.3"),
        ("-X=main.version=v1.2.3", "v1.2.3"),
        ('"-X main.version=v1.2.3 -X example.com/shop/build.version=v1.2.4"', ""),
        ('"-X example.com/other.version=v1.2.3"', ""),
        ('"-X main.version=nightly"', ""),
        ('"-X main.version=v1.2.3.4"', ""),
        ('"-X main.version=1.2"', ""),
    ],
)
def test_versions_told_to_the_linker(flags: str, version: str) -> None:
    modules = f"path\texample.com/shop\nmod\texample.com/shop\t(devel)\t\nbuild\t-ldflags={flags}\n"
    assert told(_elf(_inline(b"go1.22.1", _framed(modules)))) == [("stdlib", "1.22.1"), ("example.com/shop", version)]


def test_no_modules_and_no_release() -> None:
    assert told(_elf(_inline(b"go1.22.1", b""))) == [("stdlib", "1.22.1")]
    assert told(_elf(_inline(b"devel go1.23-0a1b2c", b"x" * 40))) == []


def test_hostile_blocks() -> None:
    endless = MAGIC + bytes([8, 2]) + bytes(16) + b"\xff" * 64
    assert told(_elf(endless)) == []
    far = MAGIC + bytes([8, 0]) + struct.pack("<QQ", 2**63, 2**64 - 1)
    assert told(_elf(far)) == []
    loop = MAGIC + bytes([8, 0]) + struct.pack("<QQ", 0x400080, 0x400080)
    assert told(_elf(loop)) == []
    assert told(_elf(MAGIC)) == []
    assert told(_elf(MAGIC + bytes([7, 0]) + bytes(32))) == []


def test_damaged_programs_are_a_problem_only_if_go_built_them() -> None:
    data = bytearray(_elf(_inline(b"go1.17.3", _framed(MODULES))))
    data[32:40] = struct.pack("<Q", 2**40)
    (fact,) = parse(File("usr/bin/shop", bytes(data)))
    assert fact == Problem("usr/bin/shop", "not a valid ELF file: its program headers lie outside the file")
    assert list(parse(File("usr/bin/shop", bytes(data).replace(MAGIC, b"x" * len(MAGIC))))) == []
    assert list(parse(File("usr/bin/shop", b"#!/bin/sh\n" + MAGIC))) == []
