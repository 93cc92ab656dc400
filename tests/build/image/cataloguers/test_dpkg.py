"""dpkg: states, sources, dependencies; the packages of this machine as dpkg itself tells them, where it is a Debian."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.build.image.cataloguer import Fact, File, Owned, Problem
from seawall.build.image.cataloguers import dpkg
from seawall.core.package import Package, SourcePackage

STATUS = "var/lib/dpkg/status"


def parse(text: str, path: str = STATUS) -> list[Fact]:
    return list(dpkg.parse(File(path, text.encode())))


def stanza(name: str, *more: str, arch: str = "amd64", status: str = "install ok installed") -> str:
    return "\n".join([f"Package: {name}", f"Status: {status}", "Version: 1-1", f"Architecture: {arch}", *more]) + "\n\n"


def requires(*stanzas: str) -> dict[str, tuple[str, ...]]:
    return {fact.ref: fact.requires for fact in parse("".join(stanzas)) if isinstance(fact, Package)}


def test_a_package() -> None:
    text = """Package: libssl3
Status: install ok installed
Priority: optional
Maintainer: Somebody <s@example.org>
Architecture: amd64
Multi-Arch: same
Source: openssl (3.0.11-1~deb12u2)
Version: 3.0.11-1~deb12u2+b1
Conffiles:
 /etc/x 123
Description: a library
 Version: not this one
 .
 Package: nor this
"""
    assert parse(text) == [
        Package(
            type="deb",
            name="libssl3",
            version="3.0.11-1~deb12u2+b1",
            arch="amd64",
            source=SourcePackage("openssl", "3.0.11-1~deb12u2"),
            ref="libssl3:amd64",
        )
    ]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("Source: glibc", SourcePackage("glibc", "1-1")),
        ("Source: glibc (2:2.36-9)", SourcePackage("glibc", "2:2.36-9")),
        ("Source:glibc(2)", SourcePackage("glibc(2)", "1-1")),
        ("source: GLIBC ( 2 )", SourcePackage("GLIBC", "1-1")),
        ("X-Source: other", SourcePackage("x", "1-1")),
    ],
)
def test_the_source_package(field: str, expected: SourcePackage) -> None:
    [found] = parse(stanza("x", field))
    assert isinstance(found, Package)
    assert found.source == expected


@pytest.mark.parametrize(
    ("status", "there"),
    [
        ("install ok installed", True),
        ("hold ok installed", True),
        ("deinstall ok installed", True),
        ("install reinstreq half-installed", True),
        ("install ok unpacked", True),
        ("install ok half-configured", True),
        ("install ok triggers-awaited", True),
        ("install ok triggers-pending", True),
        ("deinstall ok config-files", False),
        ("purge ok not-installed", False),
        ("unknown ok not-installed", False),
        ("install  ok\tinstalled ", True),
    ],
)
def test_states(status: str, there: bool) -> None:
    assert bool(parse(stanza("x", status=status))) is there


def test_a_package_of_two_architectures() -> None:
    assert set(requires(stanza("libc6"), stanza("libc6", arch="i386"))) == {"libc6:amd64", "libc6:i386"}


def test_dependencies() -> None:
    assert requires(
        stanza("app", "Pre-Depends: dpkg (>= 1)", "Depends: libc6 (>= 2.3), missing | second [amd64], mta,\n tool:any, gone <!nocheck>, app"),
        stanza("dpkg"),
        stanza("libc6", arch="i386"),
        stanza("libc6"),
        stanza("second", arch="all"),
        stanza("postfix", "Provides: mta (= 3), mail-server"),
        stanza("tool", arch="arm64"),
    )["app:amd64"] == ("dpkg:amd64", "libc6:amd64", "second:all", "postfix:amd64", "tool:arm64")


def test_a_real_package_comes_before_one_that_provides_it() -> None:
    assert requires(stanza("app", "Depends: awk"), stanza("mawk", "Provides: awk"), stanza("awk"))["app:amd64"] == ("awk:amd64",)


def test_distroless_packages_have_a_file_each() -> None:
    assert parse("Package: base-files\nVersion: 12.4\nArchitecture: amd64\n", "var/lib/dpkg/status.d/base") == [
        Package(type="deb", name="base-files", version="12.4", arch="amd64", source=SourcePackage("base-files", "12.4"), ref="base-files:amd64")
    ]
    sums = "d41d8cd98f00b204e9800998ecf8427e  usr/share/a b\nd41d8cd98f00b204e9800998ecf8427e  ./etc/c\n"
    assert parse(sums, "var/lib/dpkg/status.d/base.md5sums") == [Owned("deb", "base", ("usr/share/a b", "etc/c"))]


def test_what_is_no_package_is_told() -> None:
    assert parse("Package: x\n\nVersion: 1\n\nhello\n\n \n" + stanza("y")) == [
        Problem(STATUS, "package 'x' without a version"),
        Problem(STATUS, "package '?' without a name"),
        Problem(STATUS, "no package: 'hello'"),
        *parse(stanza("y")),
    ]
    assert parse("") == []


def test_lines_that_end_as_on_windows() -> None:
    assert parse(stanza("x").replace("\n", "\r\n") * 2) == parse(stanza("x"))


def test_opkg_has_the_same_format() -> None:
    [found] = dpkg.OPKG.parse(File("usr/lib/opkg/status", stanza("busybox", status="install user installed").encode()))
    assert isinstance(found, Package)
    assert (found.type, found.name) == ("opkg", "busybox")


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        (b"/.\n/usr\n/usr/a b\n", ("usr", "usr/a b")),
        (b"/usr\n/\xff", ("usr", "\udcff")),
        (b"/.\n", ()),
        (b"", ()),
    ],
)
def test_files_of_a_package(data: bytes, paths: tuple[str, ...]) -> None:
    assert list(dpkg.parse_list(File("var/lib/dpkg/info/libc6:amd64.list", data))) == [Owned("deb", "libc6", paths)]


@given(
    st.one_of(
        st.binary(max_size=300), st.text("PackageVrsion: \n\t,|()[]<>:.-\0\udcff", max_size=300).map(lambda text: text.encode(errors="replace"))
    )
)
def test_noise_never_raises(data: bytes) -> None:
    for path in (STATUS, "var/lib/dpkg/status.d/x.md5sums"):
        list(dpkg.parse(File(path, data)))
    list(dpkg.parse_list(File("var/lib/dpkg/info/x.list", data)))


needs_dpkg = pytest.mark.skipif(not shutil.which("dpkg-query") or not Path("/", STATUS).exists(), reason="this machine has no dpkg")


@needs_dpkg
def test_this_machine_has_the_packages_that_dpkg_says() -> None:
    form = "${db:Status-Status}|${Package}|${Version}|${Architecture}|${source:Package}|${source:Version}\n"
    lines = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=True).stdout.splitlines()
    said = {line.partition("|")[2] for line in lines if line.partition("|")[0] not in ("not-installed", "config-files")}
    found = list(dpkg.parse(File(STATUS, Path("/", STATUS).read_bytes())))
    ours = {f"{p.name}|{p.version}|{p.arch}|{p.source.name}|{p.source.version}" for p in found if isinstance(p, Package) and p.source}
    assert ours == said
    assert len(found) == len(said)


@needs_dpkg
def test_this_machine_has_the_files_that_dpkg_says() -> None:
    path = next(iter(sorted(Path("/var/lib/dpkg/info").glob("base-files*.list"))))
    said = subprocess.run(["dpkg-query", "-L", "base-files"], capture_output=True, text=True, check=True).stdout.splitlines()
    [owned] = dpkg.parse_list(File(str(path)[1:], path.read_bytes()))
    assert isinstance(owned, Owned)
    assert owned.name == "base-files"
    assert set(owned.paths) == {line[1:] for line in said if line.startswith("/") and line != "/."}
