"""Programs that cargo-auditable built: their crates, as zlib-compressed JSON in the section ``.dep-v0``.

Build dependencies ran when the program was built, and are not in it: they are no packages of it.

Source: cargo-auditable's description of the format and its JSON schema.
"""

import zlib
from typing import Any, Final

from seawall.build.image.binaries import Damaged, read
from seawall.build.image.cataloguer import Cataloguer, Facts, File, Problem
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, items, read_json, string, table, tables
from seawall.core.package import Package

SECTION: Final = ".dep-v0"

MAX_LIST: Final = 8 * 2**20
"""Bytes of the list when inflated; cargo-auditable's own readers have this bound."""


def parse(file: File) -> Facts:
    try:
        sections = [bytes(found) for binary in read(file.data) if (found := binary.section(SECTION)) is not None]
    except Damaged as error:
        if SECTION.encode() in file.data:
            yield Problem(file.path, str(error))
        return
    packages: list[Package] = []
    for section in sections:
        try:
            listed = read_json(_inflated(section))
        except Unreadable as error:
            yield Problem(file.path, f"its list of crates is {error.message}")
        else:
            packages += _packages(tables(table(listed).get("packages")))
    yield from distinct(file.path, packages)


def _inflated(data: bytes) -> bytes:
    inflate = zlib.decompressobj()
    try:
        text = inflate.decompress(data, MAX_LIST)
    except zlib.error:
        raise Unreadable("damaged: not zlib data") from None
    if inflate.unconsumed_tail:
        raise Unreadable(f"larger than {MAX_LIST // 2**20} MiB; not read")
    if not inflate.eof:
        raise Unreadable("damaged: it ends too early")
    return text


def _packages(crates: list[dict[str, Any]]) -> list[Package]:
    """Dependencies are indices into the list; those to build dependencies lead out of it."""
    in_it = [crate.get("kind") != "build" for crate in crates]
    refs = [f"{string(crate.get('name'))}@{string(crate.get('version'))}" for crate in crates]
    found = []
    for index, crate in enumerate(crates):
        if in_it[index]:
            needed = [each for each in items(crate.get("dependencies")) if isinstance(each, int) and 0 <= each < len(crates) and in_it[each]]
            requires = tuple(dict.fromkeys(refs[each] for each in needed))
            found.append(Package(type="cargo", name=string(crate.get("name")), version=string(crate.get("version")), requires=requires))
    return found


CATALOGUER: Final = Cataloguer("rust-binary", parse, binaries=True)
