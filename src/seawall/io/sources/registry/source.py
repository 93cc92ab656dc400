"""An image in a registry, as the readers of images want it."""

from collections.abc import Generator

from seawall.core.errors import InputError
from seawall.core.image_reference import ImageReference, parse_image_reference
from seawall.io.sources.http import Http
from seawall.io.sources.image.manifest import read_image
from seawall.io.sources.image.model import Descriptor, Image, Platform, RawManifest
from seawall.io.sources.registry.client import Repository
from seawall.io.sources.registry.options import RegistryOptions


def open_registry_image(
    reference: str, platform: Platform | None = None, options: RegistryOptions = RegistryOptions(), *, http: Http | None = None
) -> Image:
    """The image that a reference means on a platform. Its layers are fetched as they are read.

    Raises ``InputError`` for what is no reference, or cannot be had; ``UsageError`` for options that make no sense.
    """
    try:
        parsed = parse_image_reference(reference)
    except ValueError as error:
        raise InputError(reference[:80], str(error)) from None
    return read_image(RegistrySource(parsed, options, http=http), parsed.digest or parsed.effective_tag, platform, name=reference)


class RegistrySource:
    """The repository of a reference. Implements :class:`~seawall.io.sources.image.model.BlobSource`.

    ``repository`` also answers what else may be asked of it, such as what refers to an image.
    """

    def __init__(self, reference: ImageReference, options: RegistryOptions = RegistryOptions(), *, http: Http | None = None) -> None:
        self.repository = Repository(reference, options, http=http)
        self._default = reference.digest or reference.effective_tag

    def manifest(self, reference: str) -> RawManifest:
        found = self.repository.manifest(reference or self._default)
        return RawManifest(found.data, found.media_type)

    def open_blob(self, descriptor: Descriptor) -> "BlobStream":
        return BlobStream(self.repository.blob(descriptor.digest, descriptor.size if descriptor.size >= 0 else None))


class BlobStream:
    """Pieces of whatever size as a stream. Implements :class:`~seawall.io.sources.image.model.Stream`."""

    def __init__(self, pieces: Generator[bytes, None, None]) -> None:
        self._pieces = pieces
        self._piece = b""
        self._place = 0  # in the piece

    def read(self, size: int, /) -> bytes:
        if self._place >= len(self._piece):
            self._piece, self._place = next(self._pieces, b""), 0
        data = self._piece[self._place : self._place + size]
        self._place += len(data)
        return data

    def close(self) -> None:
        self._piece = b""
        self._pieces.close()  # and with it the connection
