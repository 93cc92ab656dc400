"""From a reference to an image: index, manifest, configuration. Every document is verified by its digest before it is believed.

Source: the OCI image specification 1.1; Docker's Image Manifest Version 2, Schema 2. Which platform fits which: containerd's ``platforms`` package.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from seawall.core.errors import InputError
from seawall.io.sources.image.limits import (
    MAX_CONFIG_BYTES,
    MAX_INDEX_DEPTH,
    MAX_INDEX_ENTRIES,
    MAX_LAYERS,
    MAX_MANIFEST_BYTES,
)
from seawall.io.sources.image.model import (
    CONTAINERD_NAME,
    DOCKER_CONFIG,
    INDEX_TYPES,
    OCI_CONFIG,
    REF_NAME,
    BlobSource,
    Descriptor,
    History,
    Image,
    ImageConfig,
    Layer,
    Platform,
    RawManifest,
    Stream,
    hash_name,
    host_platform,
    is_digest,
    text_of,
)
from seawall.io.sources.image.names import shown

ATTESTATION: Final = "vnd.docker.reference.type"
_SCHEMA_1: Final = "application/vnd.docker.distribution.manifest.v1+"
_FOREIGN_FALLBACK: Final = "is not distributed with the image; its files are not known"
_CHUNK: Final = 2**16
_VAGUE_TYPES: Final = frozenset({"", "application/json", "application/octet-stream", "text/plain"})
"""What some builders call a configuration."""

_ARM_VARIANTS: Final = ("v8", "v7", "v6", "v5")

Document = Mapping[str, Any]


def read_image(source: BlobSource, reference: str = "", platform: Platform | None = None, *, name: str = "") -> Image:
    """The image that a tag or digest (or nothing: the source's default) means on a platform.

    Without a platform: that of this machine where the image has several, else the only one there is. ``name`` is the image as the user wrote it.
    Raises ``InputError``: something cannot be had, is damaged, is no container image, or is not there for the platform.
    """
    name = name or reference
    raw = source.manifest(reference)
    expected = reference if is_digest(reference) else ""
    document, digest = _verified(name, raw, expected)
    if not _is_index(name, document, raw.media_type):
        return _image(source, name, document, digest, platform)
    entries = descriptors(name, document.get("manifests"), "manifests")
    found = list(_candidates(source, name, entries, "" if raw.is_local else digest))
    chosen = _choose(source, name, found, platform)
    raw = source.manifest(chosen.descriptor.digest)
    _check_size(name, "manifest", chosen.descriptor, len(raw.data))
    document, digest = _verified(name, raw, chosen.descriptor.digest)
    if _is_index(name, document, raw.media_type or chosen.descriptor.media_type):
        raise InputError(name, f"has an index ({digest}) where its own index promises an image")
    image = _image(source, name, document, digest, None if chosen.descriptor.platform else platform)
    return replace(image, index_digest=chosen.index_digest, tags=chosen.tags)


def _image(source: BlobSource, name: str, document: Document, digest: str, platform: Platform | None) -> Image:
    config_descriptor = descriptor(name, document.get("config"), "config")
    layers = descriptors(name, document.get("layers"), "layers")
    if config_descriptor.media_type not in {OCI_CONFIG, DOCKER_CONFIG} | _VAGUE_TYPES:
        what = text_of(document.get("artifactType")) or config_descriptor.media_type
        raise InputError(name, f"is no container image but an artifact of type {shown(what)}")
    config = parse_config(name, read_blob(source, config_descriptor, MAX_CONFIG_BYTES, name, "configuration"))
    if platform is not None and not fits(platform, config):
        raise InputError(name, f"is not for {platform} but for {shown(str(config.platform))}")
    return assemble(
        source, name, config, layers,
        manifest_digest=digest, config_digest=config_descriptor.digest, annotations=_texts(document.get("annotations")),
    )  # fmt: skip


def assemble(
    source: BlobSource,
    name: str,
    config: ImageConfig,
    layers: Sequence[Descriptor],
    *,
    manifest_digest: str = "",
    config_digest: str = "",
    tags: tuple[str, ...] = (),
    annotations: Mapping[str, str] = {},
    reading_order: tuple[int, ...] = (),
    has_diff_ids: bool = True,
) -> Image:
    """The image of these parts. Raises ``InputError`` where configuration and layers do not belong together."""
    if len(layers) > MAX_LAYERS:
        raise InputError(name, f"has more than {MAX_LAYERS:,} layers")
    if has_diff_ids and len(config.diff_ids) != len(layers):
        raise InputError(name, f"has {len(layers)} layers, but its configuration speaks of {len(config.diff_ids)}")
    problems: list[InputError] = []
    made = [step for step in config.history if not step.is_empty]
    if made and len(made) != len(layers):
        problems.append(InputError(name, f"has {len(layers)} layers, but a history of {len(made)}; no layer can be assigned to its instruction"))
    steps: Sequence[History | None] = made if len(made) == len(layers) else [None] * len(layers)
    diff_ids = config.diff_ids if has_diff_ids else [""] * len(layers)
    built = tuple(Layer(*parts) for parts in zip(range(len(layers)), layers, diff_ids, steps, strict=True))
    problems += [InputError(name, f"layer {layer.index + 1} ({layer.digest}) {_FOREIGN_FALLBACK}") for layer in built if layer.descriptor.is_foreign]
    return Image(
        reference=name, config=config, layers=built, source=source,
        manifest_digest=manifest_digest, config_digest=config_digest,
        tags=tags, annotations=annotations, problems=tuple(problems), reading_order=reading_order,
    )  # fmt: skip


# Documents


def _document(name: str, data: bytes, what: str) -> Document:
    limit = MAX_CONFIG_BYTES if what == "configuration" else MAX_MANIFEST_BYTES
    if len(data) > limit:
        raise InputError(name, f"the {what} is over the limit of {limit // 2**20} MiB")
    document = json_of(name, data, f"the {what}")
    if not isinstance(document, dict):
        raise InputError(name, f"the {what} is no JSON object")
    return document


def json_of(name: str, data: bytes, what: str) -> Any:
    """JSON from outside. Raises ``InputError``."""
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = "too deeply nested" if isinstance(error, RecursionError) else str(error)
        raise InputError(name, f"{what} is no JSON: {why}") from None


def _is_index(name: str, document: Document, media_type: str) -> bool:
    """Whether a document is an index. One that could be read both ways is refused, since tools would see different images (CVE-2021-41190)."""
    has_manifests, has_layers = "manifests" in document, "layers" in document or "config" in document
    if has_manifests and has_layers:
        raise InputError(name, "has a manifest that is also an index; such images are refused, as tools disagree on what they contain")
    kind = text_of(document.get("mediaType")) or media_type.partition(";")[0].strip()
    if kind.startswith(_SCHEMA_1) or "fsLayers" in document or document.get("schemaVersion") == 1:
        raise InputError(name, "has a manifest of schema 1, a format that was given up in 2019; push it again with a current tool")
    if has_manifests or kind in INDEX_TYPES:
        return True
    if not has_layers:
        raise InputError(name, f"has a manifest without layers{f', of type {shown(kind)}' if kind else ''}; it is no container image")
    return False


def descriptors(name: str, value: Any, what: str) -> tuple[Descriptor, ...]:
    """The descriptors of a list. Raises ``InputError``."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_INDEX_ENTRIES:
        raise InputError(name, f"the manifest's {what} are no list of at most {MAX_INDEX_ENTRIES:,} descriptors")
    return tuple(descriptor(name, item, what) for item in value)


def descriptor(name: str, value: Any, what: str) -> Descriptor:
    """A descriptor whose digest can be verified. Raises ``InputError``."""
    if not isinstance(value, dict):
        raise InputError(name, f"the manifest's {what} is no descriptor")
    digest, size = text_of(value.get("digest")), value.get("size", -1)
    if not is_digest(digest):
        raise InputError(name, f"the manifest's {what} has {shown(digest) if digest else 'nothing'} as a digest, which cannot be verified")
    if not isinstance(size, int) or isinstance(size, bool) or not -1 <= size < 2**63:
        raise InputError(name, f"the manifest's {what} has an impossible size")
    platform = value.get("platform")
    return Descriptor(
        media_type=text_of(value.get("mediaType")),
        digest=digest,
        size=size,
        annotations=_texts(value.get("annotations")),
        platform=_platform(platform) if isinstance(platform, dict) else None,
        artifact_type=text_of(value.get("artifactType")),
        urls=_strings(value.get("urls")),
    )


def _platform(value: Document) -> Platform:
    return Platform(*(text_of(value.get(key)) for key in ("os", "architecture", "variant", "os.version")))


def parse_config(name: str, data: bytes) -> ImageConfig:
    """Read an image configuration. Fields that nobody understands are empty; ``rootfs`` must be right. Raises ``InputError``."""
    document = _document(name, data, "configuration")
    rootfs = _mapping(document.get("rootfs"))
    diff_ids = rootfs.get("diff_ids") or []
    if not isinstance(diff_ids, list) or not all(isinstance(item, str) and is_digest(item) for item in diff_ids):
        raise InputError(name, "the configuration has diff_ids that cannot be verified")
    return config_of(document, tuple(diff_ids))


def config_of(document: Document, diff_ids: tuple[str, ...] = ()) -> ImageConfig:
    """A configuration from its JSON, also from that of Docker's old per-layer documents."""
    run = _mapping(document.get("config"))
    steps = document.get("history")
    return ImageConfig(
        architecture=text_of(document.get("architecture")),
        os=text_of(document.get("os")),
        variant=text_of(document.get("variant")),
        os_version=text_of(document.get("os.version")),
        created=text_of(document.get("created")),
        author=text_of(document.get("author")),
        user=text_of(run.get("User")),
        env=_strings(run.get("Env")),
        entrypoint=_strings(run.get("Entrypoint")),
        cmd=_strings(run.get("Cmd")),
        shell=_strings(run.get("Shell")),
        healthcheck=_strings(_mapping(run.get("Healthcheck")).get("Test")),
        onbuild=_strings(run.get("OnBuild")),
        volumes=tuple(map(str, _mapping(run.get("Volumes")))),
        exposed_ports=tuple(map(str, _mapping(run.get("ExposedPorts")))),
        working_dir=text_of(run.get("WorkingDir")),
        stop_signal=text_of(run.get("StopSignal")),
        labels=_texts(run.get("Labels")),
        diff_ids=diff_ids,
        history=tuple(history_of(step) for step in steps) if isinstance(steps, list) else (),
    )


def history_of(value: Any) -> History:
    step = _mapping(value)
    created, created_by, author, comment = (text_of(step.get(key)) for key in ("created", "created_by", "author", "comment"))
    return History(created, created_by, author, comment, step.get("empty_layer") is True)


def _mapping(value: Any) -> Document:
    return value if isinstance(value, dict) else {}


def _strings(value: Any) -> tuple[str, ...]:
    """A list of texts; a text alone, as old configurations have it, is one of one."""
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _texts(value: Any) -> dict[str, str]:
    return {key: item for key, item in _mapping(value).items() if isinstance(key, str) and isinstance(item, str)}


# Platforms


class _Candidate(Struct, frozen=True):
    """An image that an index offers. ``index_digest`` is the outermost index that has a digest; ``tags`` are the names that the list has for it."""

    descriptor: Descriptor
    index_digest: str
    tags: tuple[str, ...]


def _candidates(source: BlobSource, name: str, entries: Sequence[Descriptor], index_digest: str, depth: int = 1) -> Iterator[_Candidate]:
    """The images of an index, and of the indexes in it. Attestations that build tools put beside images are passed over."""
    for entry in entries:
        if _is_attestation(entry):
            continue
        tags = tuple(dict.fromkeys(entry.annotations[key] for key in (CONTAINERD_NAME, REF_NAME) if key in entry.annotations))
        if entry.media_type not in INDEX_TYPES:
            yield _Candidate(entry, index_digest, tags)
            continue
        if depth == MAX_INDEX_DEPTH:
            raise InputError(name, f"has indexes nested over {MAX_INDEX_DEPTH} deep")
        raw = source.manifest(entry.digest)
        document, digest = _verified(name, raw, entry.digest)
        if not _is_index(name, document, raw.media_type or entry.media_type):
            raise InputError(name, f"has a manifest ({digest}) where its own index promises an index")
        nested = descriptors(name, document.get("manifests"), "manifests")
        for candidate in _candidates(source, name, nested, index_digest or digest, depth + 1):
            yield replace(candidate, tags=tags or candidate.tags)


def _choose(source: BlobSource, name: str, candidates: Sequence[_Candidate], platform: Platform | None) -> _Candidate:
    """The image for a platform. Raises ``InputError`` that lists those that there are."""
    distinct = {candidate.descriptor.digest: candidate for candidate in candidates}
    if not distinct:
        raise InputError(name, "is an index without any image")
    if len(distinct) > MAX_INDEX_ENTRIES:
        raise InputError(name, f"offers more than {MAX_INDEX_ENTRIES:,} images")
    if len(distinct) == 1 and platform is None:
        return candidates[0]
    asked = (platform or host_platform()).normalised()
    ranked: list[tuple[int, int]] = []
    known: list[Platform] = []
    for place, candidate in enumerate(candidates):
        found = candidate.descriptor.platform or _config_platform(source, name, candidate.descriptor)
        known.append(found)
        rank = _rank(asked, found.normalised())
        if rank is not None:
            ranked.append((rank, place))
    if not ranked:
        there = ", ".join(dict.fromkeys(shown(str(found)) or "images that do not tell their platform" for found in known))
        advice = "" if platform else "; choose one with --platform"
        raise InputError(name, f"has no image for {asked}; there is {there}{advice}")
    return candidates[min(ranked)[1]]


def fits(platform: Platform, config: ImageConfig) -> bool:
    """Whether an image is for a platform, as far as its configuration tells."""
    there = config.platform
    return not there.os or not there.architecture or _rank(platform.normalised(), there.normalised()) is not None


def _is_attestation(entry: Descriptor) -> bool:
    return ATTESTATION in entry.annotations or (entry.platform is not None and entry.platform.os == "unknown")


def _rank(asked: Platform, there: Platform) -> int | None:
    """How well an image fits, 0 best; ``None`` where it does not. An older variant of arm runs on a newer one, amd64 without variant anywhere."""
    if (asked.os, asked.architecture) != (there.os, there.architecture) or (asked.os_version and asked.os_version != there.os_version):
        return None
    if asked.variant == there.variant:
        return 0
    if asked.architecture == "arm" and asked.variant in _ARM_VARIANTS and there.variant in _ARM_VARIANTS:
        distance = _ARM_VARIANTS.index(there.variant) - _ARM_VARIANTS.index(asked.variant)
        return distance if distance > 0 else None
    if not there.variant:
        return 1
    return 2 if not asked.variant else None


def _config_platform(source: BlobSource, name: str, entry: Descriptor) -> Platform:
    """The platform of an image whose index does not tell it."""
    document, _ = _verified(name, source.manifest(entry.digest), entry.digest)
    config = descriptor(name, document.get("config"), "config")
    return parse_config(name, read_blob(source, config, MAX_CONFIG_BYTES, name, "configuration")).platform


# Verification


def _verified(name: str, raw: RawManifest, expected: str) -> tuple[Document, str]:
    """A manifest or an index, and its digest."""
    digest = verified_digest(name, raw.data, expected)
    return _document(name, raw.data, "manifest"), digest


def read_blob(source: BlobSource, wanted: Descriptor, limit: int, name: str, what: str) -> bytes:
    """A small blob, verified. Raises ``InputError``."""
    if wanted.size > limit:
        raise InputError(name, f"the {what} is over the limit of {limit // 2**20} MiB")
    stream = source.open_blob(wanted)
    try:
        data = read_all(stream, limit + 1)
    finally:
        stream.close()
    if len(data) > limit:
        raise InputError(name, f"the {what} is over the limit of {limit // 2**20} MiB")
    _check_size(name, what, wanted, len(data))
    verified_digest(name, data, wanted.digest, what)
    return data


def read_all(stream: Stream, limit: int) -> bytes:
    """All of a stream, but no more than ``limit`` bytes."""
    return b"".join(_chunks(stream, limit))


def _chunks(stream: Stream, limit: int) -> Iterable[bytes]:
    while limit > 0 and (chunk := stream.read(min(_CHUNK, limit))):
        limit -= len(chunk)
        yield chunk


def _check_size(name: str, what: str, wanted: Descriptor, size: int) -> None:
    if wanted.size >= 0 and wanted.size != size:
        raise InputError(name, f"the {what} {wanted.digest} has {size:,} bytes instead of {wanted.size:,}")


def verified_digest(name: str, data: bytes, expected: str, what: str = "manifest") -> str:
    """The digest of a document. Raises ``InputError`` where it is not the one that was asked for."""
    algorithm = hash_name(expected) if expected else "sha256"
    digest = f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
    if expected and digest != expected:
        raise InputError(name, f"the {what} is damaged: {digest} where {expected} should be")
    return digest
