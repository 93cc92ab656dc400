"""Layouts and archives: which image is chosen, what is verified, and what odd and hostile ones lead to."""

import gzip
import io
import json
import lzma
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import zstandard

from seawall.core.errors import InputError
from seawall.io.sources import compression
from seawall.io.sources.image.contents import read_image_files
from seawall.io.sources.image.filesystem import Filesystem
from seawall.io.sources.image.model import Image, Platform, host_platform, parse_platform
from seawall.io.sources.image.open import open_image
from tests.io.sources.image.builders import (
    OCI_INDEX,
    OCI_MANIFEST,
    Blobs,
    Entry,
    directory,
    docker_archive,
    file,
    hardlink,
    layout,
    named,
    sha256,
    symlink,
    tar,
)

Taken = dict[tuple[int, str], bytes]

PACKS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "xz": lzma.compress,
}
LAYERS = [[directory("etc"), file("etc/name", b"lower"), file("etc/gone", b"x" * 9)], [file("etc/name", b"upper"), file("etc/.wh.gone")]]
TARS = [tar(layer) for layer in LAYERS]


def everything(image: Image) -> tuple[Filesystem, Taken]:
    taken: Taken = {}

    def take(layer: int, path: str, data: bytes) -> None:
        taken[layer, path] = data

    return read_image_files(image, lambda _path, _mode, _size: True, take), taken


def content(target: str, platform: Platform | None = None) -> dict[str, bytes]:
    """Path to content of what survives."""
    view, taken = everything(open_image(target, platform))
    return {path: data for (layer, path), data in taken.items() if view.survives(path, layer)}


def written(place: Path, members: Sequence[Entry], pack: Callable[[bytes], bytes] = bytes) -> str:
    place.write_bytes(pack(tar(members)))
    return f"archive:{place}"


def members_of(files: Mapping[str, bytes]) -> list[Entry]:
    return [file(path, data) for path, data in files.items()]


def message(target: str, platform: Platform | None = None) -> str:
    with pytest.raises(InputError) as caught:
        everything(open_image(target, platform))
    assert "\n" not in str(caught.value)
    assert caught.value.path == target
    return caught.value.message


# What there is


def test_a_layout(tmp_path: Path) -> None:
    target = f"oci:{layout(tmp_path, *LAYERS)}"
    image = open_image(target)
    assert content(target) == {"etc/name": b"upper"}
    assert image.reference == target
    assert image.config.platform == Platform("linux", "amd64")
    assert [layer.diff_id for layer in image.layers] == [sha256(data) for data in TARS]
    assert [step.history.created_by if step.history else "" for step in image.steps] == ["step 0", "step 1"]
    assert image.digest in json.loads((tmp_path / "index.json").read_text())["manifests"][0]["digest"]
    view, _ = everything(image)
    assert [view.waste(0), view.waste(1)] == [14, 0]


@pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
@pytest.mark.parametrize("outer", PACKS.values(), ids=PACKS)
def test_an_oci_archive(tmp_path: Path, pack: Callable[[bytes], bytes], outer: Callable[[bytes], bytes]) -> None:
    blobs = Blobs()
    files = blobs.files([blobs.image(TARS, pack=pack)])
    target = written(tmp_path / "image", members_of(files), outer)
    assert content(target) == {"etc/name": b"upper"}
    backwards = written(tmp_path / "backwards", members_of(files)[::-1], outer)
    assert content(backwards) == {"etc/name": b"upper"}


@pytest.mark.parametrize("outer", PACKS.values(), ids=PACKS)
@pytest.mark.parametrize("backwards", [False, True])
def test_a_docker_archive(tmp_path: Path, outer: Callable[[bytes], bytes], backwards: bool) -> None:
    layers = [*TARS, TARS[0], tar([file("new", b"n")])]
    for as_link in (False, True):
        members = docker_archive(layers, as_link=as_link)
        target = written(tmp_path / "image", members[::-1] if backwards else members, outer)
        assert content(target) == {"etc/name": b"lower", "etc/gone": b"x" * 9, "new": b"n"}
        image = open_image(target)
        assert image.manifest_digest == ""
        assert image.digest == image.config_digest
        assert image.tags == ("example/app:1",)
        assert [layer.digest for layer in image.layers] == [sha256(layer) for layer in layers]


@pytest.mark.parametrize("outer", [bytes, gzip.compress])
def test_compressed_layers_of_a_docker_archive(tmp_path: Path, outer: Callable[[bytes], bytes]) -> None:
    config = json.dumps({"rootfs": {"diff_ids": [sha256(data) for data in TARS]}}).encode()
    layers = [file(f"layer{number}.tar.gz", gzip.compress(data)) for number, data in enumerate(TARS)]
    manifest = [{"Config": sha256(config), "Layers": ["layer0.tar.gz", "layer1.tar.gz"]}]
    target = written(tmp_path / "image", [*layers, file(sha256(config), config), file("manifest.json", json.dumps(manifest).encode())], outer)
    assert content(target) == {"etc/name": b"upper"}


def test_docker_25_keeps_blobs(tmp_path: Path) -> None:
    blobs = Blobs()
    config = json.dumps({"rootfs": {"diff_ids": [sha256(data) for data in TARS]}}).encode()
    manifest = [{"Config": f"blobs/sha256/{sha256(config)[7:]}", "RepoTags": None, "Layers": [f"blobs/sha256/{sha256(data)[7:]}" for data in TARS]}]
    for data in (config, *TARS):
        blobs.add(data)
    files = blobs.files([])
    del files["index.json"]
    members = [*members_of(files), file("manifest.json", json.dumps(manifest).encode())]
    image = open_image(written(tmp_path / "image", members))
    assert [layer.descriptor.digest for layer in image.layers] == [sha256(data) for data in TARS]
    assert everything(image)[1][1, "etc/name"] == b"upper"


def legacy(layers: Sequence[bytes], **top: Any) -> list[Entry]:
    members: list[Entry] = []
    for number, layer in enumerate(layers):
        about: dict[str, Any] = {"id": f"{number:064x}", "container_config": {"Cmd": ["/bin/sh", "-c", f"step {number}"]}}
        if number:
            about["parent"] = f"{number - 1:064x}"
        if number == len(layers) - 1:
            about |= {"architecture": "amd64", "os": "linux", "config": {"Env": ["A=b"]}} | top
        members += [directory(f"{number:064x}/"), file(f"{number:064x}/json", json.dumps(about).encode()), file(f"{number:064x}/layer.tar", layer)]
    return [*members, file("repositories", json.dumps({"example/app": {"1": f"{len(layers) - 1:064x}"}}).encode())]


@pytest.mark.parametrize("outer", [bytes, gzip.compress])
def test_a_legacy_archive(tmp_path: Path, outer: Callable[[bytes], bytes]) -> None:
    target = written(tmp_path / "image", legacy(TARS), outer)
    assert content(target) == {"etc/name": b"upper"}
    image = open_image(target)
    assert [step.history and step.history.created_by for step in image.steps] == ["/bin/sh -c step 0", "/bin/sh -c step 1"]
    assert image.config.env == ("A=b",)


def test_links_to_files_are_read_in_the_end(tmp_path: Path) -> None:
    """The first pass does not know that ``etc/release`` will be a link, and where ``var`` leads."""
    lower = [file("usr/lib/release", b"12"), symlink("etc/release", "../usr/lib/release"), file("data/status", b"ok"), file("bin/a", b"hard")]
    upper: list[Entry] = [symlink("var", "data"), hardlink("bin/b", "bin/a")]
    taken: Taken = {}

    def take(layer: int, path: str, data: bytes) -> None:
        taken[layer, path] = data

    image = open_image(f"oci:{layout(tmp_path, lower, upper)}")
    view = read_image_files(image, lambda path, _mode, _size: path in {"etc/release", "var/status", "bin/b"}, take)
    assert taken == {(0, "etc/release"): b"12", (0, "var/status"): b"ok", (0, "bin/b"): b"hard"}
    assert all(view.survives(path, layer) for layer, path in taken)


def test_foreign_layers_are_told_and_not_fetched(tmp_path: Path) -> None:
    blobs = Blobs()
    entry = blobs.image(TARS, media_type="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
    manifest = json.loads(blobs.data[entry["digest"]])
    for layer in manifest["layers"]:
        del blobs.data[layer["digest"]]
    image = open_image(f"oci:{blobs.layout(tmp_path, entry)}")
    assert len(image.problems) == 2
    assert "is not distributed with the image" in str(image.problems[0])
    assert everything(image)[1] == {}


def test_empty_steps_have_no_layer(tmp_path: Path) -> None:
    history = [{"created_by": "FROM"}, {"created_by": "ENV", "empty_layer": True}, {"created_by": "RUN"}]
    image = open_image(f"oci:{layout(tmp_path, *LAYERS, config={'history': history})}")
    assert [(step.history and step.history.created_by, step.layer and step.layer.index) for step in image.steps] == [
        ("FROM", 0), ("ENV", None), ("RUN", 1),
    ]  # fmt: skip


def test_a_history_that_does_not_fit_is_told(tmp_path: Path) -> None:
    image = open_image(f"oci:{layout(tmp_path, *LAYERS, config={'history': [{'created_by': 'one'}]})}")
    assert [(step.history, step.layer and step.layer.index) for step in image.steps] == [(None, 0), (None, 1)]
    assert "no layer can be assigned" in str(image.problems[0])


def test_odd_configurations_are_read(tmp_path: Path) -> None:
    odd: dict[str, Any] = {
        "config": {
            "Env": None, "Cmd": "sh", "Labels": {"a": "b", "c": 1}, "ExposedPorts": {"80/tcp": {}}, "User": 5, "Volumes": [], "Entrypoint": ["a", 3],
        },
        "created": None, "author": ["x"], "history": None, "unknown": {"x": 1},
    }  # fmt: skip
    config = open_image(f"oci:{layout(tmp_path, *LAYERS, config=odd)}").config
    assert (config.env, config.cmd, config.labels, config.exposed_ports, config.user) == ((), ("sh",), {"a": "b"}, ("80/tcp",), "")
    assert (config.entrypoint, config.history) == (("a",), ())


# Which one is chosen


def test_names_of_a_layout(tmp_path: Path) -> None:
    blobs = Blobs()
    one, two = blobs.image(TARS[:1], **named("one")), blobs.image(TARS, **named("registry.example/two:2"))
    place = blobs.layout(tmp_path / "a:b", one, two)
    assert content(f"oci:{place}:one") == {"etc/name": b"lower", "etc/gone": b"x" * 9}
    assert content(f"oci:{place}:registry.example/two:2") == content(f"oci:{place}:2") == {"etc/name": b"upper"}
    assert content(f"oci:{place}@{one['digest']}") == content(f"oci:{place}:one")
    assert open_image(f"oci:{place}:one").tags == ("one",)
    assert message(f"oci:{place}") == "has several images, choose one by its name: one, registry.example/two:2"
    assert message(f"oci:{place}:three") == "has no image three; there is one, registry.example/two:2"


def test_names_that_docker_25_writes(tmp_path: Path) -> None:
    blobs = Blobs()
    annotations = {"org.opencontainers.image.ref.name": "1", "io.containerd.image.name": "docker.io/library/app:1"}
    files = blobs.files([blobs.image(TARS[:1], annotations=annotations), blobs.image(TARS, **named("2"))])
    target = written(tmp_path / "image", members_of(files))
    assert content(f"{target}:app:1") == content(f"{target}:1") == content(f"{target}:docker.io/library/app:1")
    assert open_image(f"{target}:app:1").tags == ("docker.io/library/app:1", "1")


def platforms(blobs: Blobs, *names: str, **more: Any) -> list[dict[str, Any]]:
    found = []
    for name in names:
        keys = dict(zip(("os", "architecture", "variant"), name.split("/"), strict=False))
        layer = tar([file("platform", name.encode())])
        found.append(blobs.image([layer], config={"history": [], **keys}, platform=keys, **more))
    return found


def test_platforms_of_an_index(tmp_path: Path) -> None:
    blobs = Blobs()
    names = ("linux/s390x", "linux/arm/v5", "linux/arm/v7", "linux/amd64", "linux/arm64/v8", "windows/amd64")
    attestation = blobs.image(TARS, platform={"os": "unknown", "architecture": "unknown"}, annotations={"vnd.docker.reference.type": "x"})
    index = blobs.add_json({"schemaVersion": 2, "manifests": [attestation, *platforms(blobs, *names)]}, OCI_INDEX, **named("latest"))
    nested = blobs.add_json({"schemaVersion": 2, "manifests": [index]}, OCI_INDEX)
    target = f"oci:{blobs.layout(tmp_path, nested)}"
    asked = {
        "linux/amd64": "linux/amd64", "x86_64": "linux/amd64", "linux/arm64": "linux/arm64/v8", "aarch64": "linux/arm64/v8", "arm": "linux/arm/v7",
        "linux/arm/v6": "linux/arm/v5", "linux/arm/v8": "linux/arm/v7", "windows/amd64": "windows/amd64",
    }  # fmt: skip
    for wanted, there in asked.items():
        assert content(target, parse_platform(wanted)) == {"platform": there.encode()}
    assert message(target, parse_platform("linux/riscv64")) == f"has no image for linux/riscv64; there is {', '.join(names)}"
    if str(host_platform()) in names:
        assert content(target) == {"platform": str(host_platform()).encode()}
    assert open_image(target, parse_platform("s390x")).index_digest == nested["digest"]


def test_platforms_that_only_the_configurations_tell(tmp_path: Path) -> None:
    blobs = Blobs()
    entries = [{key: value for key, value in entry.items() if key != "platform"} for entry in platforms(blobs, "linux/s390x", "linux/arm/v7")]
    target = f"oci:{blobs.layout(tmp_path, *entries)}"
    assert content(target, parse_platform("s390x")) == {"platform": b"linux/s390x"}
    assert "there is linux/s390x, linux/arm/v7" in message(target, parse_platform("ppc64le"))


def test_the_only_image_is_taken_unless_another_platform_is_asked_for(tmp_path: Path) -> None:
    blobs = Blobs()
    target = f"oci:{blobs.layout(tmp_path, *platforms(blobs, 'plan9/mips'))}"
    assert content(target) == {"platform": b"plan9/mips"}
    assert message(target, parse_platform("linux/amd64")) == "has no image for linux/amd64; there is plan9/mips"


def test_names_of_a_docker_archive(tmp_path: Path) -> None:
    one, two = docker_archive(TARS[:1], ["example/app:1", "app:one"]), docker_archive(TARS, ["example/app:2"])
    manifest = [json.loads(data) for archive in (one, two) for _, data in [archive[-1]]]  # type: ignore[misc]
    manifest = [image for images in manifest for image in images]
    manifest[1]["Layers"] = [f"two/{path}" for path in manifest[1]["Layers"]]
    for entry in two[1:-1]:
        assert isinstance(entry, tuple)
        entry[0].name = f"two/{entry[0].name}"
    target = written(tmp_path / "a:b.tar", [*one[:-1], *two[:-1], file("manifest.json", json.dumps(manifest).encode())])
    assert content(f"{target}:example/app:2") == content(f"{target}:docker.io/example/app:2") == content(f"{target}:2") == {"etc/name": b"upper"}
    assert content(f"{target}:app:one")["etc/name"] == b"lower"
    assert message(target) == "has several images, choose one by its name: example/app:1, app:one, example/app:2"
    assert message(f"{target}:none") == "has no image none; there is example/app:1, app:one, example/app:2"


@pytest.mark.parametrize("text", ["", "linux/", "a/b/c/d", "linux/amd 64", "linux//v7"])
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(ValueError, match="is not a platform"):
        parse_platform(text)


# Damage and attack


def damaged(place: Path, change: Callable[[dict[str, bytes]], object]) -> str:
    blobs = Blobs()
    files = blobs.files([blobs.image(TARS)])
    change(files)
    for path, data in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
    return f"oci:{place}"


def blob_with(files: dict[str, bytes], part: bytes) -> str:
    return next(path for path, data in files.items() if path.startswith("blobs") and part in data)


@pytest.mark.parametrize("part", [b"config", b"diff_ids", b"\x1f\x8b"])
@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b" ", lambda data: data[:40] + b"x" + data[41:], lambda _: b""])
def test_blobs_that_are_not_what_their_digests_say(tmp_path: Path, part: bytes, change: Callable[[bytes], bytes]) -> None:
    def spoil(files: dict[str, bytes]) -> None:
        path = blob_with(files, part)
        files[path] = change(files[path])

    assert message(damaged(tmp_path, spoil))


@pytest.mark.parametrize("more", [-1, 1])
def test_sizes_that_are_wrong_though_the_digests_are_right(tmp_path: Path, more: int) -> None:
    blobs = Blobs()
    entry = blobs.image(TARS)
    manifest = json.loads(blobs.data[entry["digest"]])
    assert "instead of" in message(f"oci:{blobs.layout(tmp_path / '1', entry | {'size': entry['size'] + more})}")
    manifest["config"]["size"] += more
    assert "instead of" in message(f"oci:{blobs.layout(tmp_path / '2', blobs.add_json(manifest, OCI_MANIFEST))}")


@pytest.mark.parametrize("part", [b"config", b"diff_ids", b"\x1f\x8b"])
def test_blobs_that_are_missing(tmp_path: Path, part: bytes) -> None:
    assert message(damaged(tmp_path, lambda files: files.pop(blob_with(files, part)))).endswith("does not exist")


@pytest.mark.parametrize(
    "index",
    [
        b"", b"no json", b"[]", b"{}", b'{"manifests": 5}', b'{"manifests": [5]}', b'{"manifests": [{}]}', b'{"manifests": []}', b"\xff\xfe",
        b'{"manifests": [{"digest": "sha256:../../../etc/passwd"}]}', b'{"manifests": [{"digest": "md5:d41d8cd98f00b204e9800998ecf8427e"}]}',
        b'{"manifests": [{"digest": "sha256:' + b"0" * 64 + b'", "size": "x"}]}', b"[" * 100_000, b'{"a":' * 100_000,
    ],
)  # fmt: skip
def test_indexes_that_are_none(tmp_path: Path, index: bytes) -> None:
    assert message(damaged(tmp_path, lambda files: files.update({"index.json": index})))


def with_manifest(place: Path, manifest: Any, media_type: str = OCI_MANIFEST) -> str:
    blobs = Blobs()
    return f"oci:{blobs.layout(place, blobs.add_json(manifest, media_type))}"


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ({}, "has a manifest without layers"),
        ([], "is no JSON object"),
        ({"schemaVersion": 1, "fsLayers": []}, "schema 1"),
        ({"config": {}, "layers": [], "manifests": []}, "also an index"),
        ({"config": 5, "layers": []}, "is no descriptor"),
        ({"config": {"digest": "sha256:" + "0" * 64, "mediaType": "application/vnd.cncf.helm.config.v1+json"}, "layers": []}, "no container image"),
        ({"config": {"digest": "sha256:" + "0" * 64, "size": 2**40}, "layers": []}, "over the limit"),
        ({"config": {"digest": "sha256:" + "0" * 64}, "layers": "x"}, "no list"),
        ({"config": {"digest": "sha256:" + "0" * 64}, "layers": [{"digest": "x"}]}, "cannot be verified"),
        ({"manifests": []}, "index"),
    ],
)
def test_manifests_that_are_none(tmp_path: Path, manifest: Any, expected: str) -> None:
    assert expected in message(with_manifest(tmp_path, manifest))


@pytest.mark.parametrize(
    "config", [{"rootfs": {}}, {"rootfs": {"diff_ids": ["x", "y"]}}, {"rootfs": {"diff_ids": [5, 6]}}, {"rootfs": {"diff_ids": [sha256(b"")] * 3}}]
)
def test_configurations_that_do_not_belong_to_the_layers(tmp_path: Path, config: dict[str, Any]) -> None:
    assert message(f"oci:{layout(tmp_path, *LAYERS, config=config)}")


def test_indexes_without_end(tmp_path: Path) -> None:
    blobs = Blobs()
    entry = blobs.image(TARS)
    for _ in range(20):
        entry = blobs.add_json({"manifests": [entry]}, OCI_INDEX)
    assert "nested over 8 deep" in message(f"oci:{blobs.layout(tmp_path, entry)}")


def test_links_in_a_layout_are_not_followed(tmp_path: Path) -> None:
    place = layout(tmp_path / "image", *LAYERS)
    blob = max((place / "blobs" / "sha256").iterdir())
    shutil.move(blob, tmp_path / "elsewhere")
    blob.symlink_to(tmp_path / "elsewhere")
    assert "is a symbolic link; not followed" in message(f"oci:{place}")
    blob.unlink()
    os.mkfifo(blob)
    assert "is no regular file" in message(f"oci:{place}")
    shutil.move(place / "blobs", tmp_path / "blobs")
    (place / "blobs").symlink_to(tmp_path / "blobs")
    assert message(f"oci:{place}")


def test_links_in_an_archive_stay_in_the_archive(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(TARS[0])
    config = json.dumps({"rootfs": {"diff_ids": [sha256(TARS[0])]}}).encode()
    for target in (str(tmp_path / "secret"), "../secret", "../../../../etc/passwd", "loop", "a/layer.tar"):
        manifest = [{"Config": "config", "Layers": ["a/layer.tar"]}]
        members = [
            symlink("a/layer.tar", target),
            symlink("loop", "loop"),
            file("config", config),
            file("manifest.json", json.dumps(manifest).encode()),
        ]
        assert message(written(tmp_path / "image", members)) == "a/layer.tar is not in the archive"


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "../../../../../../etc/passwd", "", "a\nb"])
def test_paths_in_a_manifest_stay_in_the_archive(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("{}")
    config = json.dumps({"rootfs": {"diff_ids": []}}).encode()
    for manifest in ([{"Config": path, "Layers": []}], [{"Config": "config", "Layers": [path]}]):
        assert message(written(tmp_path / "image", [file("config", config), file("manifest.json", json.dumps(manifest).encode())]))


def test_layers_that_are_their_own_parents(tmp_path: Path) -> None:
    assert "their own parents" in message(written(tmp_path / "image", legacy(TARS, parent=f"{1:064x}")))


@pytest.mark.parametrize("manifest", [b"", b"{}", b"[]", b"[5]", b"[{}]", b'[{"Config": "x", "Layers": 5}]', b'[{"Config": 5, "Layers": [5]}]'])
@pytest.mark.parametrize("name", ["manifest.json", "repositories"])
def test_manifests_of_archives_that_are_none(tmp_path: Path, manifest: bytes, name: str) -> None:
    assert message(written(tmp_path / "image", [file(name, manifest)]))


def test_a_wrong_configuration_in_a_docker_archive(tmp_path: Path) -> None:
    members = docker_archive(TARS)
    entry = members[0]
    assert isinstance(entry, tuple)
    members[0] = file(entry[0].name, entry[1].replace(b"amd64", b"s390x"))
    assert "the configuration is damaged" in message(written(tmp_path / "image", members))


def test_a_wrong_layer_in_a_docker_archive(tmp_path: Path) -> None:
    members = docker_archive(TARS)
    members[1] = file("0" * 64 + "/layer.tar", TARS[1])
    assert "is not the one that the configuration means" in message(written(tmp_path / "image", members))


@pytest.mark.parametrize("outer", PACKS.values(), ids=PACKS)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6])
def test_truncated_archives(tmp_path: Path, outer: Callable[[bytes], bytes], share: float) -> None:
    data = outer(tar(docker_archive([*TARS, tar([file("random", os.urandom(20_000))])])))
    (tmp_path / "image").write_bytes(data[: int(len(data) * share)])
    assert message(f"archive:{tmp_path / 'image'}")


def test_what_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "root.tar").write_bytes(TARS[0])
    assert message(f"archive:{tmp_path / 'none'}") == "does not exist"
    assert message(f"oci:{tmp_path / 'none'}") == "there is no such directory"
    assert message(f"oci:{tmp_path / 'empty'}") == "is no OCI layout: there is no index.json"
    assert message(f"archive:{tmp_path / 'fifo'}") == "is no regular file"
    assert "no whole tar archive" in message(f"archive:{tmp_path / 'text'}") or "truncated" in message(f"archive:{tmp_path / 'text'}")
    assert "is no image archive" in message(f"archive:{tmp_path / 'root.tar'}")
    assert message("docker:x")


# Other tools


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A layout of three layers that umoci made from changes of a directory, and what umoci unpacks from it."""
    if shutil.which("umoci") is None:
        pytest.skip("umoci is not installed, so no other tool can make and unpack the image")
    place = tmp_path_factory.mktemp("umoci")

    def umoci(*arguments: str) -> None:
        subprocess.run(["umoci", *arguments], cwd=place, check=True, capture_output=True)

    umoci("init", "--layout", "image")
    umoci("new", "--image", "image:1")
    for number in range(3):
        umoci("unpack", "--rootless", "--image", "image:1", "bundle")
        root = place / "bundle" / "rootfs"
        (root / "usr" / "lib").mkdir(parents=True, exist_ok=True)
        (root / "usr" / "lib" / f"file{number}").write_text(f"file {number}" * 100)
        (root / "usr" / "lib" / "changing").write_text(f"version {number}")
        if number == 0:
            (root / "lib").symlink_to("usr/lib")
            (root / "tree" / "of" / "files").mkdir(parents=True)
            (root / "tree" / "of" / "files" / "leaf").write_text("leaf")
            (root / "swap").write_text("a file at first")
            os.link(root / "swap", root / "hard")
        elif number == 1:
            shutil.rmtree(root / "tree")
            (root / "swap").unlink()
            (root / "swap").mkdir()
            (root / "swap" / "inside").write_text("a directory now")
        else:
            (root / "usr" / "lib" / "file0").unlink()
            (root / "tree").mkdir()
            (root / "tree" / "again").write_text("again")
        umoci("repack", "--image", "image:1", "bundle")
        shutil.rmtree(place / "bundle")
    umoci("unpack", "--rootless", "--image", "image:1", "bundle")
    return place / "image", place / "bundle" / "rootfs"


def on_disk(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file() and not path.is_symlink()}


def test_reads_what_umoci_unpacks(unpacked: tuple[Path, Path]) -> None:
    image, root = unpacked
    found = content(f"oci:{image}:1")
    expected = on_disk(root)
    assert {path: found[path] for path in expected} == expected
    assert set(found) - set(expected) == {f"lib/{name}" for name in os.listdir(root / "usr" / "lib")} & set(found)


@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive", "oci"])
def test_reads_what_skopeo_writes(unpacked: tuple[Path, Path], tmp_path: Path, kind: str) -> None:
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed")
    image, root = unpacked
    policy = tmp_path / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    out = tmp_path / "image"
    subprocess.run(
        ["skopeo", "--policy", policy, "copy", f"oci:{image}:1", f"{kind}:{out}:example/app:1"], check=True, capture_output=True, cwd=tmp_path
    )
    found = content(f"{'oci' if kind == 'oci' else 'archive'}:{out}")
    expected = on_disk(root)
    assert {path: found[path] for path in expected} == expected


def test_a_file_in_place_of_a_link_in_an_archive(tmp_path: Path) -> None:
    members = docker_archive(TARS)
    path = "0" * 64 + "/layer.tar"
    assert content(written(tmp_path / "image", [symlink(path, "elsewhere"), *members])) == {"etc/name": b"upper"}


def test_a_compressed_archive_is_read_as_often_as_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "PIECE", 500)
    target = written(tmp_path / "image", docker_archive(TARS), gzip.compress)
    image = open_image(target)
    assert everything(image)[1] == everything(image)[1]
    stream = image.open_layer(image.layers[0])
    assert io.BytesIO(TARS[0]).read(100) == stream.read(100)
    stream.close()
