"""Unpacked root file systems: links in them mean something there, not here."""

import os
import socket
from pathlib import Path

import pytest

from seawall.core.errors import InputError
from seawall.io.sources.image import rootfs
from seawall.io.sources.image.contents import read_rootfs_files
from seawall.io.sources.image.filesystem import Filesystem
from seawall.io.sources.image.layer import Want


def read(root: Path, want: Want | bool = True) -> tuple[Filesystem, dict[str, bytes]]:
    taken: dict[str, bytes] = {}

    def take(layer: int, path: str, data: bytes) -> None:
        taken[path] = data

    return read_rootfs_files(str(root), lambda _path, _mode, _size: want, take), taken


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "usr" / "lib").mkdir(parents=True)
    (root / "usr" / "lib" / "a").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"secret")
    return root


def test_reads_files_and_resolves_links_inside(root: Path) -> None:
    (root / "lib").symlink_to("/usr/lib")
    (root / "etc").symlink_to("nowhere")
    view, taken = read(root)
    assert taken["usr/lib/a"] == b"inside"
    assert view.canonical("lib/a") == "usr/lib/a"
    assert view.survives("usr/lib/a", 0)
    assert not view.problems


def test_links_to_the_host_are_not_followed(root: Path, tmp_path: Path) -> None:
    (root / "absolute").symlink_to(tmp_path / "secret")
    (root / "relative").symlink_to("../secret")
    (root / "directory").symlink_to(tmp_path)
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    _, taken = read(root)
    assert set(taken.values()) == {b"inside"}


def test_only_regular_files_are_opened(root: Path) -> None:
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(root)
        listener.bind("socket")
        os.chdir(here)
    view, taken = read(root)
    assert set(taken) == {"usr/lib/a"}
    found = view.resolve("fifo")
    assert found is not None
    assert found.entry.kind.name == "FIFO"


def test_binaries_only(root: Path) -> None:
    (root / "elf").write_bytes(b"\x7fELF\2\1")
    (root / "empty").write_bytes(b"")
    assert set(read(root, Want.IF_BINARY)[1]) == {"elf"}


def test_large_files_are_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rootfs, "MAX_FILE_BYTES", 3)
    view, taken = read(root)
    assert not taken
    assert "usr/lib/a has 6 bytes, more than the limit" in str(view.problems[0])


def test_names_that_are_not_utf_8(root: Path) -> None:
    (root / os.fsdecode(b"caf\xe9")).write_bytes(b"1")
    assert read(root)[1]["caf\udce9"] == b"1"


def test_deep_directories(root: Path) -> None:
    descriptor = os.open(root, os.O_RDONLY)
    for _ in range(700):
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    view, taken = read(root)
    assert set(taken) == {"usr/lib/a"}
    assert view.problems


def test_what_is_no_directory(root: Path, tmp_path: Path) -> None:
    for place in (tmp_path / "none", tmp_path / "secret"):
        with pytest.raises(InputError, match=r"does not exist|is no directory"):
            read(place)


def test_files_that_may_not_be_read_are_told(root: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (root / "usr" / "lib" / "a").chmod(0)
    view, taken = read(root)
    assert not taken
    assert "permission denied" in str(view.problems[0])
