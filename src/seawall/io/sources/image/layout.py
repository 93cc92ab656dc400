"""OCI image layouts: a directory, or the same files in an archive.

    oci-layout  {"imageLayoutVersion": "1.0.0"}
    index.json  the images, by name in the annotation org.opencontainers.image.ref.name
    blobs/sha256/...

Source: the OCI image layout specification 1.1.
"""

import os
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from seawall.core.errors import InputError
from seawall.core.image_reference import parse_image_reference
from seawall.io.sources.image.beneath import open_beneath, open_root, reason
from seawall.io.sources.image.limits import MAX_MANIFEST_BYTES
from seawall.io.sources.image.manifest import json_of, read_all, read_image
from seawall.io.sources.image.model import (
    CONTAINERD_NAME,
    OCI_INDEX,
    REF_NAME,
    Descriptor,
    Image,
    Platform,
    RawManifest,
    Stream,
    is_digest,
    text_of,
)
from seawall.io.sources.image.names import shown

INDEX: Final = "index.json"
_MAX_LISTED: Final = 20


class Files(Protocol):
    """Files by their path: of a directory or of an archive."""

    def open(self, path: str) -> Stream:
        """Raises ``InputError`` where there is no such regular file."""


class Layout(Struct, frozen=True):
    """A :class:`~seawall.io.sources.image.model.BlobSource`; ``name`` is the layout as the user wrote it."""

    files: Files
    name: str

    def manifest(self, reference: str) -> RawManifest:
        if is_digest(reference):
            return RawManifest(self._read(_blob_path(reference)))
        document = json_of(self.name, self._read(INDEX), INDEX)
        entries = document.get("manifests") if isinstance(document, dict) else None
        if not isinstance(entries, list):
            raise InputError(self.name, f"{INDEX} is no image index")
        chosen = [entry for entry in entries if not reference or any(is_called(name, reference) for name in _names(entry))]
        names = list(dict.fromkeys(name for entry in entries for name in _names(entry)[:1]))
        if not chosen:
            there = f"there is {listed(names)}" if names else "its images have no names" if entries else "it is empty"
            raise InputError(self.name, f"has no image {shown(reference)}; {there}" if reference else "is a layout without any image")
        if not reference and len(names) > 1 and len({text_of(entry.get("digest")) for entry in entries if isinstance(entry, dict)}) > 1:
            raise InputError(self.name, f"has several images, choose one by its name: {listed(names)}")
        return RawManifest(msgspec.json.encode({"manifests": chosen}), OCI_INDEX, is_local=True)

    def open_blob(self, descriptor: Descriptor) -> Stream:
        return self.files.open(_blob_path(descriptor.digest))

    def _read(self, path: str) -> bytes:
        stream = self.files.open(path)
        try:
            return read_all(stream, MAX_MANIFEST_BYTES + 1)
        finally:
            stream.close()


def _blob_path(digest: str) -> str:
    """Only for digests of the right form, so that no path leads elsewhere."""
    algorithm, _, encoded = digest.partition(":")
    return f"blobs/{algorithm}/{encoded}"


def _names(entry: object) -> list[str]:
    """What an entry of the index is called, the most usual name first."""
    annotations = entry.get("annotations") if isinstance(entry, dict) else None
    if not isinstance(annotations, dict):
        return []
    return [name for key in (REF_NAME, CONTAINERD_NAME) if (name := text_of(annotations.get(key)))]


def is_called(name: str, reference: str) -> bool:
    """Whether a name in a layout or an archive (``alpine:3.20``) is what is asked for: the same, however long it is written, or the tag alone."""
    if reference in (name, name.rpartition(":")[2]):
        return True
    try:
        return str(parse_image_reference(name)) == str(parse_image_reference(reference))
    except ValueError:
        return False


def listed(names: Sequence[str]) -> str:
    """The names of images for an error, the first twenty."""
    rest = len(names) - _MAX_LISTED
    return ", ".join(map(shown, names[:_MAX_LISTED])) + (f" and {rest:,} more" if rest > 0 else "")


class _DirectoryFiles(Struct, frozen=True):
    directory: str
    name: str

    def open(self, path: str) -> Stream:
        try:
            with open_root(self.directory) as root:
                return open_beneath(root, path)
        except OSError as error:
            raise InputError(self.name, f"{path} {reason(error)}") from None


def open_layout(place: str, platform: Platform | None = None, *, name: str = "") -> Image:
    """The image of a layout: ``DIR``, ``DIR:TAG`` or ``DIR@sha256:...``. Raises ``InputError``."""
    directory, reference = split_place(place)
    name = name or place
    if not os.path.lexists(os.path.join(directory, INDEX)):
        if os.path.isdir(directory):
            raise InputError(name, f"is no OCI layout: there is no {INDEX}")
        raise InputError(name, "is no directory; an archive is read as archive:FILE" if os.path.exists(directory) else "there is no such directory")
    return read_image(Layout(_DirectoryFiles(directory, name), name), reference, platform, name=name)


def split_place(place: str) -> tuple[str, str]:
    """Path and reference. The path is the longest that exists, since it may have colons too."""
    for end in range(len(place), 0, -1):
        if (end == len(place) or place[end] in ":@") and os.path.lexists(place[:end]):
            return place[:end], place[end + 1 :]
    return place, ""
