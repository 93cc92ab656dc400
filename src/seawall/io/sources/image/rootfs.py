"""Reads an unpacked root file system as if it were a layer. Links in it are listed, and never followed: they mean something else there than here."""

import os
import stat
from typing import Final

from seawall.io.sources.image.beneath import open_directory, open_file, open_root, reason
from seawall.io.sources.image.layer import Take, Want, Wanted, is_binary
from seawall.io.sources.image.limits import MAX_FILE_BYTES, MAX_ROOTFS_DEPTH
from seawall.io.sources.image.listing import Listing
from seawall.io.sources.image.tar import DEVICE, DIRECTORY, FIFO, FILE, OTHER, SYMLINK, Kind

_MAGIC_BYTES: Final = 8
_PSEUDO: Final = frozenset({"proc", "sys", "dev"})
"""Not entered at the top when they are mounted there: what the kernel shows is no part of the file system."""

_KINDS: Final = {
    stat.S_IFREG: FILE, stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: SYMLINK, stat.S_IFCHR: DEVICE, stat.S_IFBLK: DEVICE, stat.S_IFIFO: FIFO,
}  # fmt: skip


def read_rootfs(directory: str, wanted: Wanted, take: Take) -> Listing:
    """Walk a directory and hand over what is wanted. Raises ``InputError`` where it cannot be read at all, or goes beyond the limits."""
    listing = Listing(directory)
    with open_root(directory) as root:
        _walk(root, listing, wanted, take, os.fstat(root).st_dev)
    listing.complete()
    return listing


def _walk(root: int, listing: Listing, wanted: Wanted, take: Take, device: int) -> None:
    """Breadth within a directory, then its directories: each is opened from the root again, so few descriptors are open at a time."""
    waiting = [""]
    while waiting:
        path = waiting.pop()
        try:
            descriptor = _descend(root, path)
        except OSError as error:
            listing.problem(path, f"{reason(error)}; left out")
            continue
        try:
            if path in _PSEUDO and os.fstat(descriptor).st_dev != device:
                continue
            below = _read_directory(descriptor, path, listing, wanted, take)
        finally:
            os.close(descriptor)
        if below and path.count("/") >= MAX_ROOTFS_DEPTH:
            listing.problem(path, f"is more than {MAX_ROOTFS_DEPTH} directories deep; what is below was left out")
            continue
        waiting += reversed(below)


def _descend(root: int, path: str) -> int:
    current = os.dup(root)
    for name in path.split("/") if path else ():
        try:
            below = open_directory(current, name)
        finally:
            os.close(current)
        current = below
    return current


def _read_directory(descriptor: int, path: str, listing: Listing, wanted: Wanted, take: Take) -> list[str]:
    """List what is in a directory; the paths of those in it are given."""
    below: list[str] = []
    try:
        with os.scandir(descriptor) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError as error:
        listing.problem(path, f"{reason(error)}; left out")
        return below
    for name in names:
        here = f"{path}/{name}" if path else name
        try:
            kind = _read_entry(descriptor, name, here, listing, wanted, take)
        except OSError as error:
            listing.problem(here, f"{reason(error)}; not read")
            continue
        if kind is DIRECTORY:
            below.append(here)
    return below


def _read_entry(descriptor: int, name: str, path: str, listing: Listing, wanted: Wanted, take: Take) -> Kind:
    status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    kind = _KINDS.get(stat.S_IFMT(status.st_mode), OTHER)
    link = os.readlink(name, dir_fd=descriptor) if kind is SYMLINK else ""
    size = status.st_size if kind is FILE else 0
    mode = stat.S_IMODE(status.st_mode)
    if listing.add(path, kind, mode, size, link) and kind is FILE:
        want = wanted(path, mode, size)
        if want:
            _read_file(descriptor, name, path, size, listing, want, take)
    return kind


def _read_file(descriptor: int, name: str, path: str, size: int, listing: Listing, want: Want | bool, take: Take) -> None:
    index = len(listing) - 1
    with open_file(descriptor, name) as file:
        start = file.read(min(_MAGIC_BYTES, size + 1))
        if want == Want.IF_BINARY and not is_binary(start):
            return
        if size > MAX_FILE_BYTES:
            listing.problem(path, f"has {size:,} bytes, more than the limit of {MAX_FILE_BYTES // 2**20} MiB; not read")
            return
        data = start + file.read(size + 1 - len(start))
    if len(data) > size:
        listing.problem(path, "grew while it was read; not read")
        return
    take(path, data)
    listing.taken.add(index)
