"""apk: the letters of its database, file names, dependencies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.build.image.cataloguer import Fact, File, Owned, Problem
from seawall.build.image.cataloguers import apk
from seawall.core.package import Package, SourcePackage

PATH = "lib/apk/db/installed"

BUSYBOX = """C:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=
P:ssl_client
V:1.36.1-r15
A:x86_64
S:4696
I:28672
T:External ssl_client for busybox wget
U:https://busybox.net/
L:GPL-2.0-only
o:busybox
m:Somebody <s@example.org>
t:1698753261
c:d1b6f274f29076967826e0ecf6ebcaa5d360272f
D:so:libc.musl-x86_64.so.1 so:libtls.so.2>=0 !conflict musl>1.2 ssl_client cmd:sh
p:cmd:ssl_client=1.36.1-r15
i:libtls-standalone busybox
r:busybox-initscripts
F:usr
F:usr/bin
R:ssl_client
a:0:0:755
Z:Q1thbszvAD8WtYiSGlR79MTJ5sR/0=
R:a b
F:
R:top
M:0:0:1777

"""


def parse(text: str) -> list[Fact]:
    return list(apk.parse(File(PATH, text.encode(errors="surrogateescape"))))


def test_a_package() -> None:
    assert parse(BUSYBOX) == [
        Owned("apk", "ssl_client", ("usr/bin/ssl_client", "usr/bin/a b", "top")),
        Package(
            type="apk",
            name="ssl_client",
            version="1.36.1-r15",
            arch="x86_64",
            licenses=("GPL-2.0-only",),
            source=SourcePackage("busybox", "1.36.1-r15"),
            ref="ssl_client",
        ),
    ]


def test_dependencies() -> None:
    others = (
        "P:musl\nV:1.2.4-r2\np:so:libc.musl-x86_64.so.1=1\n\nP:libtls\nV:1\np:so:libtls.so.2=2.0.1\n\n"
        "P:conflict\nV:1\n\nP:busybox\nV:1\np:/bin/sh cmd:sh=1 cmd:ls=1\n"
    )
    found = {fact.name: fact.requires for fact in parse(BUSYBOX + others) if isinstance(fact, Package)}
    assert found["ssl_client"] == ("musl", "libtls", "busybox")


def test_a_package_comes_before_what_provides_its_name() -> None:
    text = "P:a\nV:1\nD:c\n\nP:b\nV:1\np:c=1\n\nP:c\nV:1\n"
    assert {fact.name: fact.requires for fact in parse(text) if isinstance(fact, Package)}["a"] == ("c",)


def test_a_package_without_origin_is_its_own_source() -> None:
    package = parse("P:.deps\nV:20231105.101010\n")[1]
    assert isinstance(package, Package)
    assert package.source == SourcePackage(".deps", "20231105.101010")


@pytest.mark.parametrize("text", ["P:x\n\n", "V:1\n\n", "hello\n\n", "F:usr\nR:x\n\n"])
def test_what_is_no_package_is_told_and_the_rest_read(text: str) -> None:
    problem, *rest = parse(text + BUSYBOX)
    assert isinstance(problem, Problem)
    assert rest == parse(BUSYBOX)


def test_names_that_are_not_utf_8() -> None:
    owned, package = parse("P:x\udcff\nV:1\nF:\udcff\nR:y\n")
    assert owned == Owned("apk", "x\ufffd", ("\udcff/y",))
    assert isinstance(package, Package)
    assert package.name == "x\ufffd"


def test_one_long_directory_for_very_many_files_does_not_fill_the_memory() -> None:
    text = "P:x\nV:1\nF:" + "d" * 10_000 + "\n" + "R:a\n" * 100_000
    owned, problem, package = parse(text)
    assert isinstance(owned, Owned)
    assert sum(map(len, owned.paths)) < apk.MAX_OWNED_CHARACTERS + 20_000
    assert isinstance(problem, Problem)
    assert isinstance(package, Package)


@given(st.one_of(st.binary(max_size=200), st.text("PVFRDpo:\n =<>!x\udcff", max_size=200).map(lambda text: text.encode(errors="surrogateescape"))))
def test_noise_never_raises(data: bytes) -> None:
    list(apk.parse(File(PATH, data)))
