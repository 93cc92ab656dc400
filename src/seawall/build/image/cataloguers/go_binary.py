"""Programs that Go built: the modules in them, and the standard library, as the linker wrote them down.

The linker leaves a block of 32 bytes that starts with a magic word: since Go 1.18 the version and the module list follow it, each with its length
as a varint; before, it has the addresses of the two as Go strings.

Source: the package ``debug/buildinfo`` of Go's standard library and its documentation of ``runtime/debug.BuildInfo``.
"""

import json
import re
from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct

from seawall.build.image.binaries import Binary, Damaged, read
from seawall.build.image.cataloguer import Cataloguer, Facts, File, Problem
from seawall.build.image.cataloguers.go_version import stdlib
from seawall.build.image.distinct import distinct
from seawall.core.package import Package

MAGIC: Final = b"\xff Go buildinf:"
_ALIGNED: Final = 16
_HEADER: Final = 32
_BIG_ENDIAN, _INLINE = 1, 2

MAX_STRING: Final = 16 * 2**20
"""Bytes of the module list. Kubernetes' own has 20 kB."""


class BuildInfo(Struct, frozen=True):
    """``version`` is the toolchain's, ``modules`` the lines that ``go version -m`` prints, without the leading tab."""

    version: str
    modules: str


def parse(file: File) -> Facts:
    try:
        infos = [info for binary in read(file.data) if (info := build_info(binary))]
    except Damaged as error:
        # Any damaged binary comes here; it is of interest only if Go built it.
        if MAGIC in file.data:
            yield Problem(file.path, str(error))
        return
    yield from distinct(file.path, (package for info in infos for package in _packages(info)))


def build_info(binary: Binary) -> BuildInfo | None:
    """What the linker wrote down, or ``None`` where it did not: the program is no Go program, or is older than Go 1.13."""
    region = binary.section(".go.buildinfo", "__go_buildinfo")
    if region is None:
        region = binary.variables()
    if region is None:
        return None
    data = bytes(region)
    start = data.find(MAGIC)
    while start % _ALIGNED and start >= 0:
        start = data.find(MAGIC, start + 1)
    header = data[start : start + _HEADER]
    if start < 0 or len(header) < _HEADER:
        return None
    pointer_size, flags = header[14], header[15]
    if flags & _INLINE:
        version, end = _inline(data, start + _HEADER)
        modules, _ = _inline(data, end)
    elif pointer_size in (4, 8):
        order: Literal["big", "little"] = "big" if flags & _BIG_ENDIAN else "little"
        version = _pointed(binary, header[16:], pointer_size, order)
        modules = _pointed(binary, header[16 + pointer_size :], pointer_size, order)
    else:
        return None
    # The list stands between two marks of sixteen bytes each.
    modules = modules[16:-16] if len(modules) >= 33 and modules[-17:-16] == b"\n" else b""
    return BuildInfo(version.decode("utf-8", "replace"), modules.decode("utf-8", "replace"))


def _inline(data: bytes, start: int) -> tuple[bytes, int]:
    """The string at ``start`` and where it ends: its length as a varint of at most ten bytes, then the string."""
    length = 0
    for index, byte in enumerate(data[start : start + 10]):
        length |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            start += index + 1
            return (data[start : start + length], start + length) if length <= MAX_STRING else (b"", start)
    return b"", start


def _pointed(binary: Binary, header: bytes, size: int, order: Literal["big", "little"]) -> bytes:
    """The Go string (an address and a length) at the address with which ``header`` begins."""
    string = binary.loaded(int.from_bytes(header[:size], order), 2 * size)
    length = int.from_bytes(string[size:], order)
    return binary.loaded(int.from_bytes(string[:size], order), length) if len(string) == 2 * size and length <= MAX_STRING else b""


def _packages(info: BuildInfo) -> Iterator[Package]:
    if library := stdlib(info.version):
        yield library
    main: list[str] = []
    modules: list[list[str]] = []
    flags = ""
    for line in info.modules.split("\n"):
        kind, _, rest = line.partition("\t")
        words = [*rest.split("\t"), "", ""]
        if kind == "mod":
            main = words[:2]
            modules.append(main)
        elif kind == "dep":
            modules.append(words[:2])
        elif kind == "=>" and modules:
            # A directory: the code is here, but of no version that anyone knows.
            modules[-1][:] = [modules[-1][0], ""] if words[0].startswith((".", "/")) or words[0][1:2] == ":" else words[:2]
        elif kind == "build" and rest.startswith("-ldflags="):
            flags = _unquoted(rest.removeprefix("-ldflags="))
    if main and main[1] in ("", "(devel)"):
        main[1] = _linked_version(flags, main[0])
    for name, version in modules:
        if name:
            yield Package(type="golang", name=name, version="" if version == "(devel)" else version)


def _unquoted(value: str) -> str:
    if value.startswith('"'):
        try:
            return str(json.loads(value))
        except ValueError:  # an escape that Go has and JSON has not
            return value.strip('"')
    return value.strip("`")


_LINKED: Final = re.compile(r"""-X[ =]["']?(?P<package>[\w./~-]+)\.[vV]ersion=(?P<version>v?\d+\.\d+\.\d+(?:-[\w.-]+)?(?:\+[\w.-]+)?)(?=["'\s]|$)""")


def _linked_version(flags: str, module: str) -> str:
    """The main module's version where it was told to the linker: a variable ``version`` of one of its own packages, and not two different ones."""
    given = {
        f"v{match['version'].removeprefix('v')}"
        for match in _LINKED.finditer(flags)
        if match["package"] == "main" or f"{match['package']}/".startswith(f"{module}/")
    }
    return given.pop() if len(given) == 1 else ""


CATALOGUER: Final = Cataloguer("go-binary", parse, binaries=True)
