"""What an image is: a configuration and layers, whose bytes come from somewhere by digest.

Source: the OCI image specification 1.1 (descriptor, index, manifest, config), and Docker's Image Manifest Version 2, Schema 2.
"""

import platform as host
import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

from msgspec import Struct

from seawall.core.errors import InputError

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
INDEX_TYPES: Final = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFEST_TYPES: Final = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})

_DIGEST_LENGTHS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}
_HEX: Final = re.compile(r"[0-9a-f]+")

# As uname -m says and users write them, in the words of Go, which images use.
_ARCHITECTURES: Final = {
    "x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armv8l": "arm", "armhf": "arm", "armv7l": "arm", "armel": "arm", "armv6l": "arm",
    "i386": "386", "i686": "386", "loongarch64": "loong64",
}  # fmt: skip
_VARIANTS: Final = {"armhf": "v7", "armv7l": "v7", "armv8l": "v7", "armel": "v6", "armv6l": "v6"}


class Platform(Struct, frozen=True):
    """``linux/arm/v7``. ``os_version`` is Windows' own."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def normalised(self) -> "Platform":
        """With one spelling for what is the same: ``x86_64`` is ``amd64``, ``arm64/v8`` is ``arm64``, ``arm`` alone is ``arm/v7``."""
        given = self.architecture.lower()
        architecture = _ARCHITECTURES.get(given, given)
        variant = self.variant.lower() or _VARIANTS.get(given, "")
        if architecture == "arm":
            variant = variant or "v7"
        elif (architecture, variant) in {("arm64", "v8"), ("arm64", "8"), ("amd64", "v1")}:
            variant = ""
        return Platform(self.os.lower(), architecture, f"v{variant}" if variant.isdigit() else variant, self.os_version)


def parse_platform(text: str) -> Platform:
    """Read ``os/arch[/variant]``, or an architecture alone. Raises ``ValueError`` with a message for users."""
    parts = text.strip().split("/")
    if len(parts) == 1:
        parts = ["linux", *parts]
    if len(parts) > 3 or not all(re.fullmatch(r"[A-Za-z0-9_.-]+", part) for part in parts):
        raise ValueError(f"{text[:80]!r} is not a platform; one is written as linux/amd64 or linux/arm/v7")
    return Platform(*parts).normalised()


def host_platform() -> Platform:
    """Linux on the architecture of this machine, since containers on other systems run in a Linux machine of the same architecture."""
    return Platform("linux", host.machine() or "amd64").normalised()


class Descriptor(Struct, frozen=True):
    """A blob that something refers to. ``size`` is in bytes, -1 where it is not told; ``digest`` is empty where there is none (docker-archive).

    ``is_foreign`` layers are not distributed with the image (Windows base layers); ``urls`` say where they would be. In a docker-archive the only
    one is the member's path.
    """

    media_type: str = ""
    digest: str = ""
    size: int = -1
    annotations: Mapping[str, str] = {}
    platform: Platform | None = None
    artifact_type: str = ""
    urls: tuple[str, ...] = ()

    @property
    def is_foreign(self) -> bool:
        return ".foreign." in self.media_type or ".nondistributable." in self.media_type


class History(Struct, frozen=True):
    """A step of the build. ``created`` is as written (RFC 3339), ``is_empty`` when it made no layer."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    is_empty: bool = False


class ImageConfig(Struct, frozen=True, kw_only=True):
    """How to run the image, and how it was made. What the configuration leaves out, or writes in a way nobody understands, is empty."""

    architecture: str = ""
    os: str = ""
    variant: str = ""
    os_version: str = ""
    created: str = ""
    author: str = ""
    user: str = ""
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    shell: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] = ()
    onbuild: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    exposed_ports: tuple[str, ...] = ()
    working_dir: str = ""
    stop_signal: str = ""
    labels: Mapping[str, str] = {}
    diff_ids: tuple[str, ...] = ()
    history: tuple[History, ...] = ()

    @property
    def platform(self) -> Platform:
        return Platform(self.os, self.architecture, self.variant, self.os_version)


class Layer(Struct, frozen=True):
    """A layer; ``index`` counts from 0, the lowest. ``diff_id`` is the digest of the uncompressed tar, empty where nothing tells it (old archives).

    ``history`` is the step that made it, ``None`` where the history does not fit the layers.
    """

    index: int
    descriptor: Descriptor
    diff_id: str = ""
    history: History | None = None

    @property
    def digest(self) -> str:
        """What the layer is called: the digest of the blob, or where it has none that of its content."""
        return self.descriptor.digest or self.diff_id


class Step(Struct, frozen=True):
    """A line of the image's story: a step of the history and the layer that it made, where it made one."""

    history: History | None
    layer: Layer | None


class Stream(Protocol):
    """Bytes as they come. ``read`` gives at most ``size`` and none at the end; it raises ``InputError`` where the rest cannot be had."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class RawManifest(Struct, frozen=True):
    """A manifest or an index as it was served. ``media_type`` is empty where only the document itself tells it.

    ``is_local``: no image's own document but a list that the source has of its images (a layout's ``index.json``); its digest means nothing.
    """

    data: bytes
    media_type: str = ""
    is_local: bool = False


class BlobSource(Protocol):
    """Where images come from. Nothing is verified by the source, all by its reader."""

    def manifest(self, reference: str) -> RawManifest:
        """The manifest or index with a digest (``sha256:...``) or a tag; the empty reference asks for what the source has by default.

        Raises ``InputError``.
        """

    def open_blob(self, descriptor: Descriptor) -> Stream:
        """A blob from its first byte, as stored. The caller closes it. Raises ``InputError``."""


class Image(Struct, frozen=True, kw_only=True):
    """An image of one platform.

    ``reference`` is as the user gave it. ``manifest_digest`` is empty where there is no manifest (docker-archive); ``config_digest`` is what Docker
    calls the image's id. ``index_digest`` is that of the multi-platform index that led here. ``tags`` are names that the source knows it by.
    ``problems`` are what a user should hear of though the image can be read. ``reading_order`` has the layers in the order in which they are best
    read (a compressed archive has them one behind another), empty where that does not matter.
    """

    reference: str
    config: ImageConfig
    layers: tuple[Layer, ...]
    source: BlobSource
    manifest_digest: str = ""
    config_digest: str = ""
    index_digest: str = ""
    tags: tuple[str, ...] = ()
    annotations: Mapping[str, str] = {}
    problems: tuple[InputError, ...] = ()
    reading_order: tuple[int, ...] = ()

    @property
    def digest(self) -> str:
        """What the image is pinned by: the manifest's digest, or the image id where there is no manifest."""
        return self.manifest_digest or self.config_digest

    @property
    def steps(self) -> tuple[Step, ...]:
        """The history with the layers it made, the first step first. Where the two do not fit: the layers alone."""
        if not self.config.history or any(layer.history is None for layer in self.layers):
            return tuple(Step(layer.history, layer) for layer in self.layers)
        layers = iter(self.layers)
        return tuple(Step(history, None if history.is_empty else next(layers)) for history in self.config.history)

    def open_layer(self, layer: Layer) -> Stream:
        """The layer's bytes, as stored. Raises ``InputError``."""
        return self.source.open_blob(layer.descriptor)


def is_digest(text: str) -> bool:
    """Whether a text is a digest that we can verify. No other may become part of a path or an address."""
    algorithm, _, encoded = text.partition(":")
    return _DIGEST_LENGTHS.get(algorithm) == len(encoded) and _HEX.fullmatch(encoded) is not None


def hash_name(digest: str) -> str:
    """The algorithm of a valid digest, as hashlib calls it."""
    return digest.partition(":")[0]


REF_NAME: Final = "org.opencontainers.image.ref.name"
CONTAINERD_NAME: Final = "io.containerd.image.name"


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""
