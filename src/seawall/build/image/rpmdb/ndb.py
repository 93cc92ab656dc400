"""RPM's own database format, ``Packages.db``: the default of SUSE.

The file is a header, then slots of 16 bytes up to the end of the slot pages, then one blob per package, in blocks of 16 bytes. All numbers are
little-endian::

    header  "RpmP" version=0 generation slot_pages next_package  (12 bytes unused)
    slot    "Slot" package block_offset block_count              (block_offset 0: free)
    blob    "BlbS" package timestamp length  DATA  padding  adler32 length "BlbE"

The checksum covers everything of a blob before itself. rpm does not look at it when it reads; here a package whose checksum is wrong is read, and
told of.

Source: rpm's lib/backend/ndb/rpmpkg.c.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from seawall.build.image.rpmdb.damage import Damage

_MAGIC: Final = b"RpmP"
_VERSION: Final = 0
_HEADER: Final = struct.Struct("<4s4I")
_HEADER_SIZE: Final = 32
_SLOT: Final = struct.Struct("<4s3I")
_BLOCK: Final = 16
_PAGE: Final = 4096
_BLOB_HEAD: Final = struct.Struct("<4s3I")
_BLOB_TAIL: Final = struct.Struct("<2I4s")


def is_database(data: bytes) -> bool:
    return data.startswith(_MAGIC)


def headers(data: bytes) -> Iterator[bytes | Damage]:
    """See :func:`seawall.build.image.rpmdb.headers`."""
    if len(data) < _HEADER_SIZE:
        yield Damage("the ndb database is cut off in its header")
        return
    _, version, _, slot_pages, _ = _HEADER.unpack_from(data)
    if version != _VERSION:
        yield Damage(f"ndb database of version {version}; known is version {_VERSION}")
        return
    slots_end = slot_pages * _PAGE
    if slots_end > len(data):
        yield Damage(f"the ndb database is cut off: {slot_pages} pages of slots are not all there")
        slots_end = len(data)
    blocks_left = len(data) // _BLOCK
    for at in range(_HEADER_SIZE, slots_end - _BLOCK + 1, _BLOCK):
        magic, package, offset, count = _SLOT.unpack_from(data, at)
        if magic != b"Slot":
            yield Damage(f"no slot at byte {at} of the ndb database")
            continue
        if not offset:
            continue
        blocks_left -= count
        if blocks_left < 0:  # each block belongs to one package
            yield Damage("packages of the ndb database overlap; the rest is not read")
            return
        if offset * _BLOCK < slot_pages * _PAGE:
            yield Damage(f"package {package} of the ndb database lies among the slots")
            continue
        yield from _blob(data, package, offset * _BLOCK, count * _BLOCK)


def _blob(data: bytes, package: int, start: int, size: int) -> Iterator[bytes | Damage]:
    tail_at = start + size - _BLOB_TAIL.size
    if start + size > len(data) or size < _BLOB_HEAD.size + _BLOB_TAIL.size:
        yield Damage(f"package {package} of the ndb database is cut off")
        return
    magic, number, _, length = _BLOB_HEAD.unpack_from(data, start)
    checksum, length_again, end = _BLOB_TAIL.unpack_from(data, tail_at)
    whole = -(-(_BLOB_HEAD.size + length + _BLOB_TAIL.size) // _BLOCK) * _BLOCK
    if magic != b"BlbS" or end != b"BlbE" or number != package or length != length_again or whole != size:
        yield Damage(f"package {package} of the ndb database does not lie where its slot says")
        return
    if zlib.adler32(memoryview(data)[start:tail_at]) != checksum:
        yield Damage(f"package {package} of the ndb database has a wrong checksum")
    begin = start + _BLOB_HEAD.size
    yield data[begin : begin + length]
