"""pacman's local database."""

from hypothesis import given
from hypothesis import strategies as st

from seawall.build.image.cataloguer import File, Owned, Problem
from seawall.build.image.cataloguers import alpm
from seawall.core.package import Package, SourcePackage

DESC = b"""%NAME%
gcc-libs

%VERSION%
1:14.1.1+r1+g43b730b9134-1

%BASE%
gcc

%DESC%
Runtime libraries
%odd

%ARCH%
x86_64

%LICENSE%
GPL-3.0-with-GCC-exception
GFDL-1.3-or-later

"""


def test_a_package() -> None:
    assert list(alpm.parse(File("var/lib/pacman/local/gcc-libs-1:14.1.1+r1+g43b730b9134-1/desc", DESC))) == [
        Package(
            type="alpm",
            name="gcc-libs",
            version="1:14.1.1+r1+g43b730b9134-1",
            arch="x86_64",
            licenses=("GPL-3.0-with-GCC-exception", "GFDL-1.3-or-later"),
            source=SourcePackage("gcc", "1:14.1.1+r1+g43b730b9134-1"),
        )
    ]


def test_its_files() -> None:
    data = b"%FILES%\nusr/\nusr/lib/\nusr/lib/libgcc_s.so\n\n%BACKUP%\netc/x\t123\n"
    assert list(alpm.parse(File("var/lib/pacman/local/gcc-libs-1:14.1-1/files", data))) == [Owned("alpm", "gcc-libs", ("usr/lib/libgcc_s.so",))]


def test_no_package() -> None:
    path = "var/lib/pacman/local/x-1-1/desc"
    assert list(alpm.parse(File(path, b"%NAME%\n\n%VERSION%\n1\n"))) == [Problem(path, "no package with name and version")]


@given(st.binary(max_size=200))
def test_noise_never_raises(data: bytes) -> None:
    for name in ("desc", "files"):
        list(alpm.parse(File(f"var/lib/pacman/local/x/{name}", data)))
