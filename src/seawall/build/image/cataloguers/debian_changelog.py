"""Debian's changelogs, ``/usr/share/doc/PACKAGE/changelog.Debian.gz``: which CVE ids the package says are fixed, and since which version.

An upstream changelog (``changelog.gz`` of a package that is not Debian's own) has no entries in this format, and tells nothing.

Source: Debian policy 4.4 and 12.7, deb-changelog(5).
"""

import re
import zlib
from collections.abc import Iterator
from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Changelog, Facts, File, Problem
from seawall.build.image.fixes import fixes, mentions_cve

MAX_BYTES: Final = 32 * 2**20
"""Of one changelog when inflated. The longest on a Debian 12 with 1,400 of them has 7 MB."""

_START: Final = 4096
_ENTRY: Final = re.compile(r"\n[A-Za-z0-9][A-Za-z0-9+.-]* \(([^()\s]+)\)[^;\n]*;")
_ITEM: Final = re.compile(r"\n(?=[ \t]*\*)")


def parse(file: File) -> Facts:
    try:
        text = _text(file)
    except (zlib.error, ValueError) as error:
        yield Problem(file.path, f"not a readable changelog: {error}")
        return
    if mentions_cve(text) and (found := fixes(_notes(text))):
        yield Changelog("deb", file.path.split("/")[-2], found)


def _text(file: File) -> str:
    """The changelog after an empty line; nothing of it when it is upstream's, which is worth half the time."""
    compressed = file.path.endswith(".gz")
    start = zlib.decompressobj(wbits=31).decompress(file.data, _START) if compressed else file.data[:_START]
    if not _ENTRY.search(f"\n{start.decode(errors='replace')}"):
        return ""
    return f"\n{(_inflated(file.data) if compressed else file.data).decode(errors='replace')}"


def _notes(text: str) -> Iterator[tuple[str, str]]:
    """Every item of every entry that speaks of a CVE, the oldest first; the file has the newest first."""
    end = len(text)
    for head in reversed(list(_ENTRY.finditer(text))):
        if mentions_cve(text, head.end(), end):
            for item in _ITEM.split(text[head.end() : end]):
                yield head[1], item
        end = head.start()


def _inflated(data: bytes) -> bytes:
    """All members of a gzip file. Raises ``ValueError`` when there is too much of it, or the end is missing."""
    whole: list[bytes] = []
    left = MAX_BYTES
    while data:
        member = zlib.decompressobj(wbits=31)
        whole.append(member.decompress(data, left))
        left -= len(whole[-1])
        if not member.eof:
            raise ValueError(f"more than {MAX_BYTES} bytes" if member.unconsumed_tail or left <= 0 else "cut off")
        data = member.unused_data.lstrip(b"\0")
    return b"".join(whole)


DEBIAN_CHANGELOG = Cataloguer(
    name="debian-changelog",
    parse=parse,
    paths=("usr/share/doc/*/changelog.Debian.gz", "usr/share/doc/*/changelog.gz", "usr/share/doc/*/changelog.Debian"),
)
