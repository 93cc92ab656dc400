"""The tar reader against the standard library's, against GNU tar, and against damage."""

import contextlib
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.errors import InputError
from seawall.io.sources.image.tar import DEVICE, DIRECTORY, FIFO, FILE, HARDLINK, SYMLINK, Kind, Pieces, Seekable, members, read_data
from tests.io.sources.image.builders import Entry, directory, file, hardlink, special, symlink, tar

Read = list[tuple[str, Kind, int, str, bytes]]

KINDS = {
    tarfile.REGTYPE: FILE, tarfile.AREGTYPE: FILE, tarfile.DIRTYPE: DIRECTORY, tarfile.SYMTYPE: SYMLINK, tarfile.LNKTYPE: HARDLINK,
    tarfile.FIFOTYPE: FIFO, tarfile.CHRTYPE: DEVICE, tarfile.BLKTYPE: DEVICE,
}  # fmt: skip


def ours(data: bytes, piece: int = 1000) -> Read:
    feed = Pieces((data[place : place + piece] for place in range(0, len(data), piece)), "layer")
    return [(m.name, m.kind, m.mode, m.link, read_data(feed, m) if m.kind is FILE else b"") for m in members(feed)]


def theirs(data: bytes) -> Read:
    found = []
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isreg() else None
            link = member.linkname if member.issym() or member.islnk() else ""
            found.append((member.name, KINDS[member.type], member.mode, link, stream.read() if stream else b""))
    return found


def without_slash(read: Read) -> Read:
    """tarfile takes the slash from the end of directories; for a path it means nothing."""
    return [(name.rstrip("/"), *rest) for name, *rest in read]  # type: ignore[misc]


NAMES = st.one_of(
    st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=8),
    st.sampled_from(["a", "b" * 99, "c" * 100, "d" * 101, "e" * 155, "f" * 255, "\udcff", "ü" * 60]),
)
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    def one() -> Entry:
        name, kind = draw(PATHS), draw(st.sampled_from("fffdshpc"))
        return {
            "f": lambda: file(name, draw(st.binary(max_size=2000)), draw(st.integers(0, 0o7777))),
            "d": lambda: directory(name),
            "s": lambda: symlink(name, draw(PATHS)),
            "h": lambda: hardlink(name, draw(PATHS)),
            "p": lambda: special(name, tarfile.FIFOTYPE),
            "c": lambda: special(name, tarfile.CHRTYPE),
        }[kind]()

    return [one() for _ in range(draw(st.integers(0, 6)))]


@settings(max_examples=200)
@given(entries(), st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]), st.integers(1, 3000))
def test_reads_what_tarfile_reads(written: list[Entry], layout: int, piece: int) -> None:
    data = tar(written, layout=layout, errors="surrogateescape")
    assert without_slash(ours(data, piece)) == without_slash(theirs(data))


@settings(max_examples=50)
@given(st.lists(st.tuples(st.text("abc/", min_size=1, max_size=90), st.binary(max_size=600)), max_size=5))
def test_reads_ustar(written: list[tuple[str, bytes]]) -> None:
    prefix = "/".join(["p" * 40] * 3)
    data = tar([file(f"{prefix}/{name}", content) for name, content in written], layout=tarfile.USTAR_FORMAT)
    assert without_slash(ours(data)) == without_slash(theirs(data))


@pytest.mark.parametrize("layout", ["v7", "oldgnu", "gnu", "ustar", "posix"])
def test_reads_what_gnu_tar_writes(tmp_path: Path, layout: str) -> None:
    root = tmp_path / "root"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "deep" / "er" / "file").write_bytes(b"hello")
    os.link(root / "deep" / "er" / "file", root / "hard")
    (root / "soft").symlink_to("deep/er")
    if layout not in {"v7", "ustar"}:
        (root / ("long" * 60)).write_bytes(b"x" * 5000)
        (root / "soft2").symlink_to("long" * 60)
    data = subprocess.run(["tar", f"--format={layout}", "-C", root, "-c", "."], capture_output=True, check=True).stdout
    assert without_slash(ours(data)) == without_slash(theirs(data))
    assert (b"hello" in {item[4] for item in ours(data)}) is True


@pytest.mark.parametrize("options", [["--format=gnu"], *(["--format=posix", f"--sparse-version={version}"] for version in ("0.0", "0.1", "1.0"))])
@pytest.mark.parametrize("parts", [[(0, b"begin"), (200_000, b"end")], [(100_000, b"x" * 5000)], [(65536 * n, b"%d" % n) for n in range(40)], []])
def test_reads_sparse_files(tmp_path: Path, options: list[str], parts: list[tuple[int, bytes]]) -> None:
    if shutil.which("tar") is None:
        pytest.skip("GNU tar is not installed, and nothing else writes sparse archives")
    path = tmp_path / "holes"
    with path.open("wb") as out:
        for offset, content in parts:
            out.seek(offset)
            out.write(content)
        out.truncate(4_000_000)
    (tmp_path / "after").write_bytes(b"the next one")
    data = subprocess.run(["tar", *options, "-S", "-C", tmp_path, "-c", "holes", "after"], capture_output=True, check=True).stdout
    assert len(data) < 3_000_000, "the file system has no holes, so this tests nothing"
    for piece in (700, 2**20):
        (name, kind, _, _, content), (after, _, _, _, text) = ours(data, piece)
        assert (name, kind, after, text) == ("holes", FILE, "after", b"the next one")
        assert content == path.read_bytes()


def test_seeks_over_what_is_not_wanted() -> None:
    data = tar([file("a", b"x" * 100_000), file("b", b"hello")])
    feed = Seekable(io.BytesIO(data), len(data), "archive")
    assert [read_data(feed, member) for member in members(feed) if member.name == "b"] == [b"hello"]


def test_base_256_numbers() -> None:
    info = tarfile.TarInfo("large")
    info.size = 9 * 2**30
    header = info.tobuf(tarfile.GNU_FORMAT)
    assert next(members(Pieces(iter([header]), "layer"))).size == 9 * 2**30


def test_pax_goes_before_gnu_and_an_empty_value_takes_back() -> None:
    long_name = tarfile.TarInfo("././@LongLink")
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 4
    pax = tarfile.TarInfo("pax")
    pax.type = tarfile.XHDTYPE
    for body, name in ((b"12 path=pax\n", "pax"), (b"12 path=pax\n8 path=\n", "gnu")):
        pax.size = len(body)
        data = pax.tobuf() + body.ljust(512, b"\0") + long_name.tobuf() + b"gnu\0".ljust(512, b"\0") + tarfile.TarInfo("short").tobuf()
        assert [item[0] for item in ours(data)] == [name]


def test_a_global_header_counts_for_nothing() -> None:
    """As in Go's archive/tar, by which runtimes unpack: else an image could show us other names than them."""
    data = tar([file("real", b"x")], pax_headers={"path": "fake", "comment": "0123"})
    assert [item[0] for item in ours(data)] == ["real"]


def test_links_have_no_data_whatever_they_say() -> None:
    info = tarfile.TarInfo("link")
    info.type, info.linkname, info.size = tarfile.LNKTYPE, "a", 512
    assert [item[0] for item in ours(info.tobuf() + tarfile.TarInfo("next").tobuf())] == ["link", "next"]


def test_ends_at_two_zero_blocks_or_at_the_end() -> None:
    data = tar([file("a", b"x")])
    assert len(ours(data[:1024])) == len(ours(data[:1536])) == len(ours(data)) == len(ours(data + b"garbage" * 100)) == 1


WHOLE = tar([file("some/file", b"x" * 3000), symlink("link", "t" * 200), file("other", b"y")])


@pytest.mark.parametrize("cut", [1, 511, 513, 700, 1024, 3000, 3600, 4700])
def test_what_is_cut_is_an_error(cut: int) -> None:
    with pytest.raises(InputError, match=r"truncated|no whole tar"):
        ours(WHOLE[:cut])


def damaged_headers() -> list[bytes]:
    def pax(body: bytes) -> bytes:
        info = tarfile.TarInfo("pax")
        info.type, info.size = tarfile.XHDTYPE, len(body)
        return info.tobuf() + body.ljust(-(-len(body) // 512) * 512, b"\0") + tarfile.TarInfo("a").tobuf()

    big = tarfile.TarInfo("pax")
    big.type, big.size = tarfile.XHDTYPE, 2**30
    negative = tarfile.TarInfo("a")
    negative.size = -5
    return [
        b"no tar at all".ljust(512), b"\x7fELF".ljust(5000, b"\1"), b"\0" * 512 + tarfile.TarInfo("a").tobuf(),
        pax(b"5 path"), pax(b"999 path=a\n"), pax(b"x path=a\n"), pax(b"0 =\n"), pax(b"-9 path=a\n"), pax(b"12 path=abc"), pax(b"12 size=abc\n"),
        pax(b"30 GNU.sparse.offset=99999999999999999999\n"), pax(b"13 path=a\0b\n"), pax(b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"),
        big.tobuf(), negative.tobuf(tarfile.GNU_FORMAT), pax(b"")[:512], tarfile.TarInfo("x").tobuf()[:511],
    ]  # fmt: skip


@pytest.mark.parametrize("data", damaged_headers())
def test_damage_is_one_line(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        ours(data)
    assert "\n" not in str(caught.value)


@settings(max_examples=300)
@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=4), st.integers(1, 2000))
def test_no_damage_is_anything_but_an_error_or_a_reading(place: int, change: bytes, piece: int) -> None:
    data = WHOLE[:place] + change + WHOLE[place + len(change) :]
    with contextlib.suppress(InputError):
        ours(data, piece)


def with_checksum(header: bytearray, *, signed: bool = False) -> bytes:
    header[148:156] = b" " * 8
    total = sum(byte - 256 if signed and byte > 127 else byte for byte in header)
    header[148:156] = b"%06o\0 " % total
    return bytes(header)


def test_sums_of_signed_bytes_are_good_too() -> None:
    header = bytearray(tarfile.TarInfo("caf\u00e9" * 9).tobuf(tarfile.GNU_FORMAT))
    assert ours(with_checksum(header, signed=True)) == ours(with_checksum(header)) != []


def test_gnu_keeps_times_where_posix_has_a_prefix() -> None:
    header = bytearray(tarfile.TarInfo("name").tobuf(tarfile.GNU_FORMAT))
    header[345:357] = b"14532413231\0"
    assert [item[0] for item in ours(with_checksum(header))] == ["name"]
