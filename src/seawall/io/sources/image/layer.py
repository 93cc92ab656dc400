"""Reads one layer, once and forwards: verified, listed, and its wanted files handed over while they stream past. Nothing is written to disk."""

import hashlib
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Final

from seawall.core.errors import InputError
from seawall.io.sources.compression import Hash, Inflated
from seawall.io.sources.image.limits import MAX_FILE_BYTES
from seawall.io.sources.image.listing import Listing
from seawall.io.sources.image.model import Descriptor, Stream, hash_name
from seawall.io.sources.image.tar import FILE, OTHER, Feed, Pieces, members, read_data

WHITEOUT: Final = ".wh."
"""A name that begins so hides the lower layers' file of the rest of the name (OCI image specification, "Whiteouts")."""

_MAGIC_BYTES: Final = 8
_MAX_FAT_ARCHITECTURES: Final = 32
_SHORT_DIGEST: Final = 19  # sha256: and 12 digits


class Want(IntEnum):
    """Whether somebody wants the content of a file. ``IF_BINARY``: where its first bytes are those of an ELF, PE or Mach-O file."""

    NO = 0
    YES = 1
    IF_BINARY = 2


Wanted = Callable[[str, int, int], Want | bool]
"""Asked with path, mode and size (bytes) of every regular file."""

Take = Callable[[str, bytes], None]
"""Told the path and content of a wanted file. The same path may come again in one layer; the later one counts."""


def read_layer(stream: Stream, descriptor: Descriptor, diff_id: str, wanted: Wanted, take: Take, *, name: str) -> Listing:
    """Read a layer to its end, and close the stream.

    ``descriptor`` and ``diff_id`` are what it must prove to be, as far as they tell; ``name`` is the image as the user wrote it.
    Raises ``InputError`` where the layer is damaged, is not what its digests say, or goes beyond the limits. What was taken before is void then.
    A single file that cannot be had is a recorded problem of the listing.
    """
    label = f"layer {(descriptor.digest or diff_id)[:_SHORT_DIGEST]}".rstrip()
    listing = Listing(name, label)
    if descriptor.media_type.endswith("+encrypted"):
        stream.close()
        raise InputError(name, f"{label} is encrypted; it cannot be read")
    compressed = hashlib.new(hash_name(descriptor.digest or "sha256"))
    content = hashlib.new(hash_name(diff_id or "sha256"))
    try:
        with Inflated(stream, label, compressed, expected=descriptor.size) as inflated:
            feed = Pieces(_hashed(inflated, content, same=compressed.name == content.name), label)
            read_members(feed, listing, wanted, take)
            if feed.drain():
                listing.problem("", "bytes follow the end of the archive; they belong to no file")
    except InputError as error:
        if error.path != label:  # the source could not give the bytes
            raise
        raise InputError(name, f"{label} {error.message}") from None
    if inflated.kind == "plain" and compressed.name == content.name:
        content = compressed
    if inflated.trailing:
        listing.problem("", f"bytes follow the end of the {inflated.kind} data; they are no part of the layer")
    listing.digest, listing.diff_id = (f"{hash.name}:{hash.hexdigest()}" for hash in (compressed, content))  # noqa: A001 (it is one)
    listing.size, listing.uncompressed = inflated.size, inflated.output
    _verify(name, label, descriptor, diff_id, listing)
    return listing


def read_members(feed: Feed, listing: Listing, wanted: Wanted, take: Take) -> None:
    """List an archive and hand over what is wanted."""
    add, taken = listing.add, listing.taken
    last: dict[str, int] = {}
    for member in members(feed):
        kind = member.kind
        path = add(member.name, kind, member.mode, member.size, member.link)
        if kind is not FILE or not path:
            if kind is OTHER and path:
                listing.problem(path, "is of a type that no container runtime unpacks")
            continue
        want = wanted(path, member.mode, member.size)
        if not want or (WHITEOUT in path and path.rpartition("/")[2].startswith(WHITEOUT)):
            continue
        if want == Want.IF_BINARY and not is_binary(feed.peek(_MAGIC_BYTES)):
            continue
        if member.size > MAX_FILE_BYTES:
            listing.problem(path, f"has {member.size:,} bytes, more than the limit of {MAX_FILE_BYTES // 2**20} MiB; not read")
            continue
        index = len(listing) - 1
        take(path, read_data(feed, member))
        taken.discard(last.get(path, -1))
        taken.add(index)
        last[path] = index
    listing.complete()


def is_binary(start: bytes) -> bool:
    """Whether a file that begins so is an ELF, PE or Mach-O executable or library.

    A universal Mach-O file has the first four bytes of a Java class; the next four are a small count there, a version (45 and more) here.

    Sources: the ELF specification; Microsoft's PE format; Apple's ``mach-o/loader.h`` and ``mach-o/fat.h``.
    """
    magic = start[:4]
    if magic == b"\x7fELF" or magic[:2] == b"MZ":
        return True
    if magic in {b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"}:
        return True
    return magic in {b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"} and 0 < int.from_bytes(start[4:8]) < _MAX_FAT_ARCHITECTURES


def _hashed(inflated: Inflated, content: Hash, *, same: bool) -> Iterator[bytes]:
    """The pieces, hashed as they pass; once is enough for what is not compressed."""
    for piece in inflated:
        if not (same and inflated.kind == "plain"):
            content.update(piece)
        yield piece


def _verify(name: str, label: str, descriptor: Descriptor, diff_id: str, listing: Listing) -> None:
    if descriptor.size >= 0 and listing.size != descriptor.size:
        raise InputError(name, f"{label} is truncated: it has {listing.size:,} bytes instead of {descriptor.size:,}")
    if descriptor.digest and listing.digest != descriptor.digest:
        raise InputError(name, f"{label} is damaged: {listing.digest} where {descriptor.digest} should be")
    if diff_id and listing.diff_id != diff_id:
        raise InputError(name, f"{label} is not the one that the configuration means: {listing.diff_id} where {diff_id} should be")
