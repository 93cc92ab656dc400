"""One layer: digests, compression by what the bytes are, what is handed over, and hostile layers."""

import bz2
import contextlib
import gzip
import hashlib
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.errors import InputError
from seawall.io.sources import compression
from seawall.io.sources.compression import Inflated
from seawall.io.sources.image import layer, listing
from seawall.io.sources.image.layer import Want, is_binary, read_layer
from seawall.io.sources.image.listing import Listing
from seawall.io.sources.image.model import Descriptor
from tests.io.sources.image.builders import Entry, compressed, directory, file, hardlink, sha256, special, symlink, tar

Pack = Callable[[bytes], bytes]


def zstd_streamed(data: bytes) -> bytes:
    """Without the size in the header, as streaming builders write it."""
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(data) + packer.flush()


PACKS: dict[str, Pack] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "gzip members": lambda data: b"".join(gzip.compress(data[place : place + 700]) for place in range(0, len(data), 700)),
    "gzip, empty member": lambda data: gzip.compress(b"") + gzip.compress(data) + gzip.compress(b""),
    "gzip, stored": lambda data: gzip.compress(data, 0),
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "zstd streamed": zstd_streamed,
    "zstd frames": lambda data: b"".join(zstd_streamed(data[place : place + 700]) for place in range(0, len(data), 700)),
    "zstd skippable frame": lambda data: b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstd_streamed(data),
    "zstd:chunked": lambda data: zstd_streamed(data) + b"\x50\x2a\x4d\x18\x04\0\0\0abcd",
    "bzip2": bz2.compress,
    "bzip2 streams": lambda data: bz2.compress(data[:5000]) + bz2.compress(data[5000:]),
    "xz": lzma.compress,
}


class Trickle(io.BytesIO):
    """Gives a few bytes at a time, as networks do."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 7, 7))


def read(data: bytes, want: Want | bool = Want.YES, *, digest: str = "", size: int = -1, diff_id: str = "") -> tuple[Listing, dict[str, bytes]]:
    taken: dict[str, bytes] = {}
    found = read_layer(
        io.BytesIO(data), Descriptor(digest=digest, size=size), diff_id, lambda _path, _mode, _size: want, taken.__setitem__, name="image"
    )
    return found, taken


ENTRIES: list[Entry] = [file("a", b"hello"), directory("d"), file("d/b", bytes(range(256)) * 100), symlink("l", "a"), hardlink("h", "a")]


@pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
def test_every_compression(pack: Pack) -> None:
    data = tar(ENTRIES)
    found, taken = read(pack(data), digest=sha256(pack(data)), size=len(pack(data)), diff_id=sha256(data))
    assert taken == {"a": b"hello", "d/b": bytes(range(256)) * 100}
    assert (found.digest, found.diff_id) == (sha256(pack(data)), sha256(data))
    assert (found.size, found.uncompressed, found.problems) == (len(pack(data)), len(data), ())


@pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
def test_every_compression_in_trickles(pack: Pack) -> None:
    data = tar([file("a", b"hello" * 50)])
    with Inflated(Trickle(pack(data)), "image") as pieces:
        assert b"".join(pieces) == data


@settings(max_examples=60)
@given(st.binary(max_size=5000), st.sampled_from(sorted(PACKS)))
def test_inflates_what_was_compressed(data: bytes, pack: str) -> None:
    if pack == "plain" and compression.kind_of(data) != "plain":
        return
    with Inflated(io.BytesIO(PACKS[pack](data)), "image", hash=(hash_ := hashlib.sha256())) as pieces:
        assert b"".join(pieces) == data
    assert f"sha256:{hash_.hexdigest()}" == sha256(PACKS[pack](data))


def test_sha512_digests() -> None:
    data = tar(ENTRIES)
    digest = f"sha512:{hashlib.sha512(data).hexdigest()}"
    assert read(data, digest=digest, diff_id=sha256(data))[0].digest == digest
    with pytest.raises(InputError, match="is damaged"):
        read(data, digest=digest[:-1] + ("0" if digest[-1] != "0" else "1"))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_wrong_digests(pack: Pack) -> None:
    data = tar(ENTRIES)
    wrong = sha256(b"something else")
    with pytest.raises(InputError, match=r"^image: layer sha256:\w{12} is damaged: sha256:\w+ where sha256:\w+ should be$"):
        read(pack(data), digest=wrong, diff_id=sha256(data))
    with pytest.raises(InputError, match="is not the one that the configuration means"):
        read(pack(data), digest=sha256(pack(data)), diff_id=wrong)


def test_encrypted_layers_are_told() -> None:
    descriptor = Descriptor(media_type="application/vnd.oci.image.layer.v1.tar+gzip+encrypted")
    with pytest.raises(InputError, match="is encrypted"):
        read_layer(io.BytesIO(b"secret"), descriptor, "", lambda _path, _mode, _size: True, lambda _path, _data: None, name="image")


def test_wrong_sizes() -> None:
    data = compressed(tar(ENTRIES))
    with pytest.raises(InputError, match="is truncated: it has"):
        read(data, size=len(data) + 1)
    with pytest.raises(InputError, match="is larger than"):
        read(data, size=len(data) - 1)


@pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_layers(pack: Pack, share: float) -> None:
    data = tar(ENTRIES)
    whole = pack(data)
    with pytest.raises(InputError, match=r"^image: layer sha256:\w{12} "):
        read(whole[: int(len(whole) * share)], digest=sha256(whole), diff_id=sha256(data))


@settings(max_examples=150)
@given(st.sampled_from(sorted(PACKS)), st.floats(0, 1), st.binary(min_size=1, max_size=3))
def test_damaged_layers_are_errors(pack: str, place: float, change: bytes) -> None:
    data = tar(ENTRIES)
    whole = PACKS[pack](data)
    at = int(place * len(whole))
    damaged = whole[:at] + change + whole[at + len(change) :]
    if damaged == whole:
        return
    with pytest.raises(InputError) as caught:
        read(damaged, digest=sha256(whole), diff_id=sha256(data))
    assert "\n" not in str(caught.value)


def test_trailing_garbage_is_told() -> None:
    data = tar(ENTRIES)
    found, taken = read(gzip.compress(data) + b"garbage!")
    assert taken["a"] == b"hello"
    assert [str(problem) for problem in found.problems] == ["image: layer: bytes follow the end of the gzip data; they are no part of the layer"]
    found, _ = read(data + b"garbage!")
    assert "bytes follow the end of the archive" in str(found.problems[0])
    assert read(gzip.compress(data) + b"\0" * 100)[0].problems == ()


@pytest.mark.parametrize("pack", [lambda data: zlib.compress(data, 9, 31), zstd_streamed])
def test_bombs(monkeypatch: pytest.MonkeyPatch, pack: Pack) -> None:
    monkeypatch.setattr(compression, "RATIO_FREE_BYTES", 2**20)
    info = tarfile.TarInfo("zeros")
    info.size = 2**25
    with pytest.raises(InputError, match=r"is a decompression bomb: [\d,]+ bytes and more from [\d,]+$"):
        read(pack(info.tobuf() + bytes(2**25)), Want.NO)


def test_endless_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "MAX_LAYER_BYTES", 2**20)
    info = tarfile.TarInfo("zeros")
    info.size = 2**25
    with pytest.raises(InputError, match="is over the limit of"):
        read(info.tobuf() + bytes(2**25), Want.NO)


def test_a_million_empty_files_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_ENTRIES", 1000)
    block = tarfile.TarInfo("empty").tobuf()
    assert len(read(block * 1000)[0]) == 1000
    with pytest.raises(InputError, match="has more than 1,000 entries"):
        read(block * 1001)


def test_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_NAME_BYTES", 5000)
    with pytest.raises(InputError, match="of names"):
        read(tar([file(f"{n}" * 90) for n in range(100)]))


def test_long_and_deep_paths_are_told() -> None:
    found, taken = read(tar([file("x" * 5000, b"1"), file("a/" * 600 + "b", b"2"), file("ü" * 2500, b"3"), file("c", b"4")]))
    assert list(taken) == ["c"]
    assert len(found.problems) == 3
    assert all(len(str(problem)) < 300 for problem in found.problems)


def test_problems_are_bounded() -> None:
    found, _ = read(tar([file(f"../{n}") for n in range(1000)]))
    assert len(found.problems) == 51
    assert "950 more problems" in str(found.problems[-1])


def test_names_that_leave_the_root() -> None:
    found, taken = read(
        tar([file("../../etc/passwd", b"1"), file("/abs", b"2"), file("./a/../../b", b"3"), file("a/./b//c", b"4"), file("..a/b", b"5")])
    )
    assert taken == {"etc/passwd": b"1", "abs": b"2", "b": b"3", "a/b/c": b"4", "..a/b": b"5"}
    assert [str(problem).removeprefix("image: layer: ") for problem in found.problems] == [
        "../../etc/passwd leads out of the image; taken as etc/passwd",
        "./a/../../b leads out of the image; taken as b",
    ]


def test_names_that_are_nothing() -> None:
    found, taken = read(tar([file("", b"1"), directory("./"), directory("/"), file(".", b"2"), file("x", b"3")], layout=tarfile.GNU_FORMAT))
    assert taken == {"x": b"3"}
    assert len(found.problems) == 2


def test_names_that_are_not_utf_8() -> None:
    data = tar([file("caf\udce9", b"1"), file("tab\there", b"2"), file("x\udcff/../../y", b"3")], layout=tarfile.GNU_FORMAT, errors="surrogateescape")
    found, taken = read(data)
    assert taken == {"caf\udce9": b"1", "tab\there": b"2", "y": b"3"}
    assert str(found.problems[0]).encode()


def test_devices_are_listed_and_never_opened() -> None:
    found, taken = read(tar([special("dev/null", tarfile.CHRTYPE), special("dev/sda", tarfile.BLKTYPE), special("pipe", tarfile.FIFOTYPE)]))
    assert not taken
    assert [kind.name for _, _, kind in found] == ["DEVICE", "DEVICE", "FIFO"]


def test_whiteouts_are_never_taken() -> None:
    assert read(tar([file("a/.wh.b", b"secret"), file(".wh..wh..opq", b"x")]))[1] == {}


def test_large_files_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer, "MAX_FILE_BYTES", 1000)
    found, taken = read(tar([file("large", b"x" * 1001), file("small", b"x" * 1000)]))
    assert list(taken) == ["small"]
    assert "large has 1,001 bytes" in str(found.problems[0])
    assert found.taken == {1}


BINARIES = {
    "elf": b"\x7fELF\2\1\1", "pe": b"MZ\x90\0", "macho": b"\xcf\xfa\xed\xfe\x07\0\0\1", "fat": b"\xca\xfe\xba\xbe\0\0\0\2",
}  # fmt: skip
OTHERS = {"class": b"\xca\xfe\xba\xbe\0\0\0\x34", "script": b"#!/bin/sh\n", "empty": b"", "short": b"\x7fEL", "text": b"hello"}


def test_binaries_are_known_by_their_first_bytes() -> None:
    padding = [file(f"pad{n}", b"x" * (n * 37)) for n in range(50)]  # so that pieces end everywhere
    entries = [file(name, start + b"rest" * 100 if start else b"") for name, start in (BINARIES | OTHERS).items()]
    data = tar([*padding, *entries, *padding])
    assert set(read(data, Want.IF_BINARY)[1]) == set(BINARIES)
    assert not any(is_binary(start) for start in OTHERS.values())


def test_binaries_at_the_end_of_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in range(1, 1030, 1):
        monkeypatch.setattr(compression, "PIECE", size)
        if size > 20 and size % 97:
            continue
        assert set(read(gzip.compress(tar([file("e", BINARIES["elf"]), file("t", b"hello")])), Want.IF_BINARY)[1]) == {"e"}


def test_the_stream_is_closed_whatever_happens() -> None:
    for data in (tar(ENTRIES), b"\x1f\x8bgarbage", b"no tar".ljust(600)):
        stream = io.BytesIO(data)
        with contextlib.suppress(InputError):
            read_layer(stream, Descriptor(), "", lambda _path, _mode, _size: False, lambda _path, _data: None, name="image")
        assert stream.closed


def test_what_the_source_says_is_not_changed() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise InputError("registry.example/app", "stopped answering")

    with pytest.raises(InputError, match=r"^registry\.example/app: stopped answering$"):
        read_layer(Broken(), Descriptor(), "", lambda _path, _mode, _size: False, lambda _path, _data: None, name="image")
