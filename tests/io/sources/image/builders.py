"""Images for tests, written by the standard library's tarfile and json: what is read back was not written by the code under test."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Entry = tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def file(name: str, data: bytes = b"", mode: int = 0o644) -> Entry:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    return info, data


def directory(name: str) -> Entry:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    return info


def symlink(name: str, target: str) -> Entry:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


def hardlink(name: str, target: str) -> Entry:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.LNKTYPE, target
    return info


def special(name: str, kind: bytes) -> Entry:
    info = tarfile.TarInfo(name)
    info.type = kind
    return info


def tar(entries: Iterable[Entry], *, layout: int = tarfile.PAX_FORMAT, **options: Any) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=layout, **options) as archive:
        for entry in entries:
            info, data = entry if isinstance(entry, tuple) else (entry, b"")
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def compressed(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


class Blobs:
    """Blobs by digest, and what an OCI layout says of them."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    def add(self, data: bytes, media_type: str = "", **more: Any) -> dict[str, Any]:
        self.data[sha256(data)] = data
        return {"mediaType": media_type, "digest": sha256(data), "size": len(data), **more}

    def add_json(self, document: Any, media_type: str = "", **more: Any) -> dict[str, Any]:
        return self.add(json.dumps(document).encode(), media_type, **more)

    def image(
        self, layers: Sequence[bytes], *, pack: Any = compressed, media_type: str = OCI_LAYER, config: Mapping[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """An image of uncompressed layers; the descriptor of its manifest."""
        document = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [sha256(layer) for layer in layers]}}
        document |= {"history": [{"created_by": f"step {number}"} for number in range(len(layers))]} | dict(config or {})
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.add_json(document, "application/vnd.oci.image.config.v1+json"),
            "layers": [self.add(pack(layer), media_type) for layer in layers],
        }
        return self.add_json(manifest, OCI_MANIFEST, **more)

    def files(self, entries: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
        return {
            "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
            "index.json": json.dumps({"schemaVersion": 2, "manifests": list(entries)}).encode(),
            **{f"blobs/{digest.replace(':', '/')}": data for digest, data in self.data.items()},
        }

    def layout(self, place: Path, *entries: Mapping[str, Any]) -> Path:
        for path, data in self.files(entries).items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(data)
        return place


def named(name: str) -> dict[str, Any]:
    return {"annotations": {"org.opencontainers.image.ref.name": name}}


def layout(place: Path, *layers: Sequence[Entry], **more: Any) -> Path:
    """A layout with one image."""
    blobs = Blobs()
    return blobs.layout(place, blobs.image([tar(layer) for layer in layers], **more))


def docker_archive(layers: Sequence[bytes], tags: Sequence[str] = ("example/app:1",), *, as_link: bool = False) -> list[Entry]:
    """The members that ``docker save`` writes: a directory for each layer; with ``as_link``, layers that come again are links, as it does."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": [sha256(layer) for layer in layers]}}).encode()
    config_path = f"{sha256(config)[7:]}.json"
    members, paths, seen = [file(config_path, config)], [], dict[str, str]()
    for number, layer in enumerate(layers):
        path = f"{number:064x}/layer.tar"
        if as_link and sha256(layer) in seen:
            members.append(symlink(path, f"../{seen[sha256(layer)]}"))
        else:
            members.append(file(path, layer))
            seen[sha256(layer)] = path
        paths.append(path)
    manifest = [{"Config": config_path, "RepoTags": list(tags), "Layers": paths}]
    return [*members, file("manifest.json", json.dumps(manifest).encode())]
