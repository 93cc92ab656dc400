"""Image archives: what ``docker save`` writes, today and in the past, and OCI layouts in a tar; plain or compressed, whatever the file is called.

    manifest.json   [{"Config": PATH, "RepoTags": [NAME:TAG], "Layers": [PATH, ...]}]       docker save since 1.10, podman, skopeo, crane
    repositories    {NAME: {TAG: ID}}, with ID/json (and its "parent") and ID/layer.tar     docker save before
    index.json      see ``layout.py``                                                       docker save since 25, skopeo's oci-archive

In a plain tar, members are found by seeking, and layers read where they lie. A compressed archive is read twice, forwards: once to learn what there
is (small documents are kept), once for the layers in the order in which they lie. Memory does not depend on its size.

Sources: moby, ``image/tarexport`` and the image specification 1.0 to 1.3; the OCI image layout specification.
"""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from posixpath import dirname, join
from typing import Any, Final
from weakref import finalize

from msgspec import Struct
from msgspec.structs import replace

from seawall.core.errors import InputError
from seawall.io.sources.compression import Inflated, kind_of
from seawall.io.sources.image.beneath import reason
from seawall.io.sources.image.layout import INDEX, Layout, is_called, listed, split_place
from seawall.io.sources.image.limits import (
    MAX_ARCHIVE_MEMBERS,
    MAX_CONFIG_BYTES,
    MAX_LAYERS,
    MAX_LINKS,
    MAX_MANIFEST_BYTES,
    MAX_SMALL_BYTES,
)
from seawall.io.sources.image.manifest import (
    assemble,
    config_of,
    fits,
    history_of,
    json_of,
    parse_config,
    read_all,
    read_image,
    verified_digest,
)
from seawall.io.sources.image.model import Descriptor, Image, Platform, RawManifest, Stream, is_digest, text_of
from seawall.io.sources.image.names import normal, shown
from seawall.io.sources.image.tar import FILE, HARDLINK, SYMLINK, Feed, Pieces, Seekable, members, read_data

MANIFEST: Final = "manifest.json"
REPOSITORIES: Final = "repositories"


def open_archive(place: str, platform: Platform | None = None, *, name: str = "") -> Image:
    """The image of an archive: ``FILE``, or ``FILE:NAME`` where it has several. Raises ``InputError``."""
    path, reference = split_place(place)
    name = name or place
    files = _open(path, name)
    if INDEX in files:
        image = read_image(Layout(files, name), reference, platform, name=name)
    elif MANIFEST in files:
        image = _docker_image(files, name, reference, platform)
    elif REPOSITORIES in files:
        image = _legacy_image(files, name, reference, platform)
    else:
        raise InputError(name, f"is no image archive: there is neither {INDEX} nor {MANIFEST} nor {REPOSITORIES} in it")
    return replace(image, reading_order=files.order([_path_of(layer.descriptor) for layer in image.layers]))


def _path_of(descriptor: Descriptor) -> str:
    if descriptor.digest:
        return f"blobs/{descriptor.digest.replace(':', '/', 1)}"
    return descriptor.urls[0] if descriptor.urls else ""


# Members


class _Place(Struct, frozen=True):
    """Where the data of a member lies in the uncompressed archive."""

    offset: int
    size: int


class _Members:
    """The members of an archive by their normal path; the last of several wins, as when unpacked."""

    def __init__(self, path: str, name: str) -> None:
        self.path = path
        self.name = name
        self._places: dict[str, _Place] = {}
        self._links: dict[str, str] = {}

    def read_index(self, feed: Feed) -> Iterator[tuple[str, Any]]:
        """Learn what there is; regular files are given while they are the current member."""
        for count, member in enumerate(members(feed)):
            if count == MAX_ARCHIVE_MEMBERS:
                raise InputError(self.name, f"has more than {MAX_ARCHIVE_MEMBERS:,} members; it is no image archive")
            path = normal(member.name)
            self._places.pop(path, None)
            self._links.pop(path, None)
            if member.kind is FILE and member.sparse is None:
                self._places[path] = _Place(member.start, member.stored)
                yield path, member
            elif member.kind is SYMLINK:
                self._links[path] = normal(member.link if member.link.startswith("/") else join(dirname(path), member.link))
            elif member.kind is HARDLINK:
                self._links[path] = normal(member.link)

    def __contains__(self, path: str) -> bool:
        return self._resolved(path) in self._places

    def _resolved(self, path: str) -> str:
        """The member that a path is, through links of the archive; a loop ends at something that is no file."""
        path = normal(path)
        for _ in range(MAX_LINKS):
            if path not in self._links:
                break
            path = self._links[path]
        return path

    def place(self, path: str) -> _Place:
        place = self._places.get(self._resolved(path))
        if place is None:
            raise InputError(self.name, f"{shown(path)} is not in the archive")
        return place

    def open(self, path: str) -> Stream:
        raise NotImplementedError

    def order(self, paths: Sequence[str]) -> tuple[int, ...]:  # noqa: ARG002 (where seeking is free, any order is good)
        """The order in which to read these, by their places."""
        return ()

    def read(self, path: str, limit: int) -> bytes:
        """A small member. Raises ``InputError``."""
        if self.place(path).size > limit:
            raise InputError(self.name, f"{shown(path)} is over the limit of {limit // 2**20} MiB")
        stream = self.open(path)
        try:
            return read_all(stream, limit)
        finally:
            stream.close()


def _open(path: str, name: str) -> _Members:
    """The members of a file. Raises ``InputError``."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InputError(name, "is no regular file")
            is_plain = kind_of(file.read(6)) == "plain"
            file.seek(0)
            return _PlainArchive(path, name, Seekable(file, status.st_size, name)) if is_plain else _CompressedArchive(path, name)
    except OSError as error:
        raise InputError(name, reason(error)) from None


class _PlainArchive(_Members):
    def __init__(self, path: str, name: str, feed: Feed) -> None:
        super().__init__(path, name)
        for _ in self.read_index(feed):
            pass

    def open(self, path: str) -> Stream:
        place = self.place(path)
        try:
            return _Section(self.path, place)
        except OSError as error:
            raise InputError(self.name, reason(error)) from None


class _Section:
    """A part of a file, as a stream."""

    def __init__(self, path: str, place: _Place) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 (closed by its reader)
        self._file.seek(place.offset)
        self._left = place.size

    def read(self, size: int, /) -> bytes:
        data = self._file.read(min(size, self._left)) or b""
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._file.close()


class _CompressedArchive(_Members):
    """Small documents are kept from the first pass; everything else comes from a second one, which is begun anew for what lies behind it."""

    def __init__(self, path: str, name: str) -> None:
        super().__init__(path, name)
        self._small: dict[str, bytes] = {}
        self._pass: _Pass | None = None
        kept = 0
        with Inflated(open(path, "rb"), name) as inflated:
            feed = Pieces(iter(inflated), name)
            for member_path, member in self.read_index(feed):
                self._small.pop(member_path, None)
                if member.stored <= MAX_CONFIG_BYTES and kept + member.stored <= MAX_SMALL_BYTES and _may_be_json(feed.peek(1)):
                    self._small[member_path] = read_data(feed, member)
                    kept += member.stored
            feed.drain()  # damage behind the last member is damage

    def open(self, path: str) -> Stream:
        place = self.place(path)
        small = self._small.get(self._resolved(path))
        if small is not None:
            return BytesIO(small)
        if self._pass is None or self._pass.feed.position > place.offset:
            if self._pass is not None:
                self._pass.close()
            self._pass = _Pass(self.path, self.name)
            finalize(self, self._pass.close)
        return _Part(self._pass, place)

    def order(self, paths: Sequence[str]) -> tuple[int, ...]:
        known = [self._places.get(self._resolved(path)) for path in paths]
        return tuple(sorted(range(len(paths)), key=lambda index: place.offset if (place := known[index]) else 0))


def _may_be_json(start: bytes) -> bool:
    return start[:1] in {b"{", b"[", b" ", b"\n", b"\r", b"\t", b"\xef"}


class _Pass:
    """One way through a compressed archive."""

    def __init__(self, path: str, name: str) -> None:
        self._inflated = Inflated(open(path, "rb"), name)  # noqa: SIM115 (closed with it)
        self.feed = Pieces(iter(self._inflated), name)

    def close(self) -> None:
        self._inflated.__exit__(None, None, None)


class _Part:
    """A member, as a stream of the pass that has come to it."""

    def __init__(self, pass_: _Pass, place: _Place) -> None:
        self._feed = pass_.feed
        self._left = place.size
        self._feed.skip(place.offset - self._feed.position)

    def read(self, size: int, /) -> bytes:
        out = BytesIO()
        size = min(size, self._left)
        self._feed.copy(size, out)
        self._left -= size
        return out.getvalue()

    def close(self) -> None:
        """The pass goes on."""


# docker save since 1.10


class _DockerSource(Struct, frozen=True):
    """Has no manifests; layers are found by their path."""

    files: _Members

    def manifest(self, reference: str) -> RawManifest:
        raise InputError(self.files.name, f"has no manifest {reference}")

    def open_blob(self, descriptor: Descriptor) -> Stream:
        return self.files.open(_path_of(descriptor))


def _docker_image(files: _Members, name: str, reference: str, platform: Platform | None) -> Image:
    document = json_of(name, files.read(MANIFEST, MAX_MANIFEST_BYTES), MANIFEST)
    images = [image for image in document if isinstance(image, dict)] if isinstance(document, list) else []
    if not images:
        raise InputError(name, f"{MANIFEST} has no images")
    tagged = [(image, _strings(image.get("RepoTags"))) for image in images]
    found = [(image, tags) for image, tags in tagged if not reference or any(is_called(tag, reference) for tag in tags)]
    names = [tag for _, tags in tagged for tag in tags]
    if not found:
        raise InputError(name, f"has no image {shown(reference)}; there is {listed(names) or 'none with a name'}")
    built = [_docker_built(files, name, image, tags) for image, tags in found]
    fitting = [image for image in built if platform is None or fits(platform, image.config)]
    if not fitting:
        there = ", ".join(dict.fromkeys(shown(str(image.config.platform)) for image in built))
        raise InputError(name, f"has no image for {platform}; there is {there}")
    if len({image.config_digest for image in fitting}) > 1:
        raise InputError(name, f"has several images, choose one by its name: {listed(names) or 'they have none'}")
    return fitting[0]


def _docker_built(files: _Members, name: str, image: Mapping[str, Any], tags: Sequence[str]) -> Image:
    config_path, layers = text_of(image.get("Config")), image.get("Layers")
    if not config_path or not isinstance(layers, list | None) or not all(isinstance(layer, str) for layer in layers or ()):
        raise InputError(name, f"{MANIFEST} does not tell where the configuration and the layers are")
    data = files.read(config_path, MAX_CONFIG_BYTES)
    stem = config_path.rpartition("/")[2].removesuffix(".json").removeprefix("sha256:")
    expected = f"sha256:{stem}" if is_digest(f"sha256:{stem}") else ""
    digest = verified_digest(name, data, expected, "configuration")
    config = parse_config(name, data)
    descriptors = [_layer(files, path) for path in layers or ()]
    return assemble(_DockerSource(files), name, config, descriptors, config_digest=digest, tags=tuple(tags))


def _layer(files: _Members, path: str) -> Descriptor:
    """Docker 25 and newer keep layers as blobs, whose names are their digests; older names mean nothing."""
    folder, _, encoded = path.rpartition("/")
    digest = f"sha256:{encoded}" if folder == "blobs/sha256" and is_digest(f"sha256:{encoded}") else ""
    return Descriptor(digest=digest, size=files.place(path).size, urls=(path,))


def _strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


# docker save before 1.10


def _legacy_image(files: _Members, name: str, reference: str, platform: Platform | None) -> Image:
    document = json_of(name, files.read(REPOSITORIES, MAX_MANIFEST_BYTES), REPOSITORIES)
    tags = {
        f"{repository}:{tag}": id_
        for repository, by_tag in (document if isinstance(document, dict) else {}).items()
        for tag, id_ in (by_tag if isinstance(by_tag, dict) else {}).items()
        if isinstance(id_, str)
    }
    found = {tag: id_ for tag, id_ in tags.items() if not reference or is_called(tag, reference)}
    if not found:
        raise InputError(name, f"has no image {shown(reference)}; there is {listed(list(tags)) or 'none with a name'}")
    if len(set(found.values())) > 1:
        raise InputError(name, f"has several images, choose one by its name: {listed(list(tags))}")
    top = next(iter(found.values()))
    chain = list(_ancestors(files, name, top))[::-1]
    config = config_of(chain[-1][1])
    if platform is not None and not fits(platform, config):
        raise InputError(name, f"is not for {platform} but for {shown(str(config.platform))}")
    config = replace(config, history=tuple(_legacy_history(document) for _, document in chain))
    layers = [Descriptor(size=files.place(f"{id_}/layer.tar").size, urls=(f"{id_}/layer.tar",)) for id_, _ in chain]
    digest = f"sha256:{top}" if is_digest(f"sha256:{top}") else ""
    return assemble(_DockerSource(files), name, config, layers, config_digest=digest, tags=tuple(found), has_diff_ids=False)


def _ancestors(files: _Members, name: str, top: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The layers from the top down, with what is written of each."""
    seen: set[str] = set()
    id_ = top
    while id_:
        if id_ in seen or len(seen) == MAX_LAYERS:
            raise InputError(name, "has layers that are their own parents" if id_ in seen else f"has more than {MAX_LAYERS:,} layers")
        seen.add(id_)
        path = f"{id_}/json"
        document = json_of(name, files.read(path, MAX_CONFIG_BYTES), shown(path))
        if not isinstance(document, dict):
            raise InputError(name, f"{shown(path)} is no JSON object")
        yield id_, document
        id_ = text_of(document.get("parent"))


def _legacy_history(document: Mapping[str, Any]) -> Any:
    run = document.get("container_config")
    command = _strings(run.get("Cmd")) if isinstance(run, dict) else []
    return history_of({**document, "created_by": " ".join(command)})
