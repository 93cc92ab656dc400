"""rpm: what a database says of its packages, beside what rpm itself says; hostile headers."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.build.image.cataloguer import Changelog, Fact, File, Owned, Problem
from seawall.build.image.cataloguers import rpm
from seawall.build.image.rpmdb.header import Tag
from seawall.core.package import Package, SourcePackage
from tests.build.image.rpmdb import writers
from tests.build.image.rpmdb.writers import Value

PATH = "var/lib/rpm/rpmdb.sqlite"
BASH: Mapping[int, Value] = {
    Tag.NAME: "bash",
    Tag.VERSION: "5.1.8",
    Tag.RELEASE: "6.el9_1",
    Tag.LICENSE: "GPLv3+",
    Tag.ARCH: "x86_64",
    Tag.SOURCERPM: "bash-5.1.8-6.el9_1.src.rpm",
}


def facts(*tags: Mapping[int, Value]) -> list[Fact]:
    return list(rpm.parse(File(PATH, writers.sqlite([writers.header(each) for each in tags]))))


def package(tags: Mapping[int, Value]) -> Package:
    [found] = facts(tags)
    assert isinstance(found, Package)
    return found


def test_a_package() -> None:
    assert package(BASH) == Package(
        type="rpm",
        name="bash",
        version="5.1.8-6.el9_1",
        licenses=("GPLv3+",),
        arch="x86_64",
        source=SourcePackage("bash", "5.1.8-6.el9_1"),
        ref="bash-5.1.8-6.el9_1.x86_64",
    )


def test_the_epoch_is_written_where_it_is_not_zero() -> None:
    assert package({**BASH, Tag.EPOCH: [0]}).version == "5.1.8-6.el9_1"
    found = package({**BASH, Tag.EPOCH: [2]})
    assert found.version == "2:5.1.8-6.el9_1"
    assert found.source == SourcePackage("bash", "2:5.1.8-6.el9_1")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("java-17-openjdk-17.0.1-2.el9.src.rpm", SourcePackage("java-17-openjdk", "17.0.1-2.el9")),
        ("kernel-6.1-3.nosrc.rpm", SourcePackage("kernel", "6.1-3")),
        ("(none)", None),
        ("bash.src.rpm", None),
    ],
)
def test_the_source_package_is_read_from_its_file(file: str, expected: SourcePackage | None) -> None:
    assert package({**BASH, Tag.SOURCERPM: file}).source == expected


def test_the_module_is_its_name_and_stream() -> None:
    assert package({**BASH, Tag.MODULARITYLABEL: "nodejs:18:8080020230322:63b34585:x86_64"}).module == "nodejs:18"


def test_keys_are_no_packages() -> None:
    assert facts({Tag.NAME: "gpg-pubkey", Tag.VERSION: "fd431d51", Tag.RELEASE: "4ae0493b"}) == []


def test_files_with_and_without_directories() -> None:
    files: Mapping[int, Value] = {Tag.BASENAMES: ["bash", "sh", "x\udcff"], Tag.DIRNAMES: ["/usr/bin/", "/etc/"], Tag.DIRINDEXES: [0, 0, 1]}
    assert facts({**BASH, **files})[1] == Owned("rpm", "bash", ("usr/bin/bash", "usr/bin/sh", "etc/x\udcff"))
    assert facts({**BASH, Tag.OLDFILENAMES: ["/bin/bash"]})[1] == Owned("rpm", "bash", ("bin/bash",))


@pytest.mark.parametrize("numbers", [[0], [0, 2], [0, 2**32 - 1], [0, 0, 0]])
def test_files_that_contradict_themselves(numbers: list[int]) -> None:
    found = facts({**BASH, Tag.BASENAMES: ["a", "b"], Tag.DIRNAMES: ["/x/", "/y/"], Tag.DIRINDEXES: numbers})
    assert found[1:] == [Problem(PATH, "package bash: its list of files contradicts itself")]
    assert isinstance(found[0], Package)


def test_one_long_directory_for_very_many_files_does_not_fill_the_memory() -> None:
    many = 100_000
    found = facts({**BASH, Tag.BASENAMES: ["a"] * many, Tag.DIRNAMES: ["/" + "d" * 10_000], Tag.DIRINDEXES: [0] * many})
    assert [type(fact) for fact in found] == [Package, Problem]


def needing(name: str, requires: list[str], provides: list[str], arch: str = "x86_64", version: str = "1") -> Mapping[int, Value]:
    """``a = 1`` has a version; anything else is a name."""
    tags: dict[int, Value] = {Tag.NAME: name, Tag.VERSION: version, Tag.RELEASE: "1", Tag.ARCH: arch}
    if requires:
        tags[Tag.REQUIRENAME] = [each.partition(" = ")[0] for each in requires]
        tags[Tag.REQUIREVERSION] = [each.partition(" = ")[2] for each in requires]
        tags[Tag.REQUIREFLAGS] = [8 if " = " in each else 0 for each in requires]
    if provides:
        tags[Tag.PROVIDENAME] = [each.partition(" = ")[0] for each in provides]
        tags[Tag.PROVIDEVERSION] = [each.partition(" = ")[2] for each in provides]
    return tags


def requires(*tags: Mapping[int, Value]) -> dict[str, tuple[str, ...]]:
    return {fact.ref: fact.requires for fact in facts(*tags) if isinstance(fact, Package)}


def test_requirements_are_found_by_what_is_provided() -> None:
    app = needing("app", ["libc.so.6()(64bit)", "rpmlib(CompressedFileNames)", "(a if b)", "missing", "own"], ["own"])
    assert requires(app, needing("glibc", [], ["libc.so.6()(64bit)"])) == {"app-1-1.x86_64": ("glibc-1-1.x86_64",), "glibc-1-1.x86_64": ()}


def test_requirements_are_found_by_file() -> None:
    shell = {**needing("bash", [], []), Tag.OLDFILENAMES: ["/bin/sh"]}
    assert requires(needing("app", ["/bin/sh"], []), shell)["app-1-1.x86_64"] == ("bash-1-1.x86_64",)


def test_of_several_providers_the_one_of_the_version_then_of_the_architecture() -> None:
    cores = [needing("core", [], [f"uname = {version}"], version=version) for version in ("1", "2", "3")]
    assert requires(needing("app", ["uname = 2"], []), *cores)["app-1-1.x86_64"] == ("core-2-1.x86_64",)
    both = [needing("libc", [], ["libc"], arch) for arch in ("i686", "x86_64", "aarch64")]
    assert requires(needing("app", ["libc"], []), *both)["app-1-1.x86_64"] == ("libc-1-1.x86_64",)


def test_the_same_provided_and_required_endlessly_is_done_at_once() -> None:
    found = requires(*(needing(f"p{number}", ["x"] * 2000, ["x"] * 2000) for number in range(50)))
    assert len(found) == 50


CHANGES: Mapping[int, Value] = {
    Tag.CHANGELOGNAME: ["A <a@x> - 1:5-3", "A <a@x> 5-2.el9", "A <a@x> - [5-1]", "a@suse.com"],
    Tag.CHANGELOGTEXT: [
        "- Fix CVE-2023-0003, CVE-2023-0002\n- Revert CVE-2023-0001",
        "- Fix CVE-2023-0002\n- nothing",
        "- Fix CVE-2023-0001",
        "- CAN-2004-0001",
    ],
}


def test_fixes_that_the_changelog_tells() -> None:
    assert facts({**BASH, **CHANGES})[1] == Changelog(
        "rpm", "bash", (("CVE-2004-0001", "5.1.8-6.el9_1"), ("CVE-2023-0002", "5-2.el9"), ("CVE-2023-0003", "1:5-3"))
    )


@pytest.mark.parametrize("tag", [Tag.LICENSE, Tag.ARCH, Tag.SOURCERPM, Tag.PROVIDENAME, Tag.BASENAMES, Tag.CHANGELOGNAME])
def test_a_package_is_told_though_one_of_its_tags_is_broken(tag: Tag) -> None:
    found = facts({**BASH, **CHANGES, tag: (4, bytes(4), 1)})
    assert isinstance(found[0], Package)
    assert (found[0].name, found[0].version) == ("bash", "5.1.8-6.el9_1")
    assert any(isinstance(fact, Problem) and tag.name in fact.message for fact in found)


@pytest.mark.parametrize("tag", [Tag.NAME, Tag.VERSION])
def test_without_name_or_version_it_is_no_package(tag: Tag) -> None:
    assert [type(fact) for fact in facts({key: value for key, value in BASH.items() if key != tag})] == [Problem]


def test_many_problems_are_counted() -> None:
    found = list(rpm.parse(File(PATH, writers.sqlite([b"no header"] * 100))))
    assert len(found) == rpm.MAX_PROBLEMS + 1
    assert found[-1] == Problem(PATH, "80 more problems of this kind")


@given(data=st.data())
@settings(max_examples=150)
def test_damage_never_raises(data: st.DataObject) -> None:
    blobs = [writers.header({**needing(name, ["b", "/x/f"], [name]), **CHANGES, Tag.OLDFILENAMES: ["/x/f"]}) for name in "abc"]
    every = writers.ndb(blobs), writers.berkeley(blobs), writers.sqlite(blobs)
    whole = bytearray(data.draw(st.sampled_from(every)))
    start = whole.index(b"CVE-2023") - 1500
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(max(start, 0), min(start + 4000, len(whole) - 1)))] = data.draw(st.integers(0, 255))
    list(rpm.parse(File(PATH, bytes(whole))))


def test_the_manifest_of_distroless_images() -> None:
    lines = (
        b"openssl\t3.3.0-1.azl3\t1\t2\tMicrosoft\t(none)\t10\tx86_64\t0\topenssl-3.3.0-1.azl3.src.rpm\n"
        b"bad\n\nx\t1-1\t1\t2\tv\t1\t1\t(none)\t1\t(none)\n"
    )
    path = "var/lib/rpmmanifest/container-manifest-2"
    assert list(rpm.parse_manifest(File(path, lines))) == [
        Package(type="rpm", name="openssl", version="3.3.0-1.azl3", arch="x86_64", source=SourcePackage("openssl", "3.3.0-1.azl3")),
        Problem(path, "no package: 'bad'", 2),
        Package(type="rpm", name="x", version="1:1-1"),
    ]


def test_a_write_ahead_log_that_was_not_carried_out_is_told(tmp_path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(tmp_path / "rpmdb.sqlite")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)")
    log = (tmp_path / "rpmdb.sqlite-wal").read_bytes()
    connection.close()
    assert [type(fact) for fact in rpm.parse_log(File("rpmdb.sqlite-wal", log))] == [Problem]
    assert list(rpm.parse_log(File("rpmdb.sqlite-wal", b""))) == []
    assert list(rpm.parse_log(File("rpmdb.sqlite-wal", log[:32]))) == []


SPEC = """
Name: {name}
Version: 1.{number}
Release: {number}.el9
Epoch: {number}
Summary: {name}
License: GPLv2+ and MIT
BuildArch: noarch
ModularityLabel: nodejs:18:80{number}:abc
Provides: capability(x) = {number}
Requires: /bin/sh, capability(x) = {needs}
%description
{name}
%install
mkdir -p "%{{buildroot}}/usr/share/{name}"
echo > "%{{buildroot}}/usr/share/{name}/ü b"
%files
/usr/share/{name}
%changelog
* Wed Jan 04 2023 Somebody <somebody@example.org> - 1.{number}-{number}
- Fix CVE-2023-111{number}
"""


@pytest.mark.skipif(not (shutil.which("rpm") and shutil.which("rpmbuild")), reason="no rpm and rpmbuild")
def test_a_database_that_rpm_wrote_says_what_rpm_says(tmp_path: Path) -> None:
    query = "%{NAME}|%{EPOCH}:%{VERSION}-%{RELEASE}|%{ARCH}|%{SOURCERPM}|%{MODULARITYLABEL}|%{LICENSE}|[%{FILENAMES},]\n"
    own = ["--define", f"_dbpath {tmp_path}/db", "--define", "_db_backend sqlite"]
    for number in range(3):
        spec = tmp_path / f"{number}.spec"
        spec.write_text(SPEC.format(name=f"pkg{number}", number=number, needs=(number + 1) % 3))
        subprocess.run(["rpmbuild", "--define", f"_topdir {tmp_path}", "-bb", str(spec)], check=True, capture_output=True)
        built = next((tmp_path / "RPMS/noarch").glob(f"pkg{number}-*.rpm"))
        subprocess.run(["rpm", *own, "--nodeps", "--justdb", "-i", str(built)], check=True, capture_output=True)
    said = subprocess.run(["rpm", *own, "-qa", "--qf", query], check=True, capture_output=True, text=True).stdout
    data = (tmp_path / "db/rpmdb.sqlite").read_bytes()
    found = list(rpm.parse(File(PATH, data)))
    owned = {fact.name: fact.paths for fact in found if isinstance(fact, Owned)}
    packages = [fact for fact in found if isinstance(fact, Package)]
    ours = {
        "|".join(
            [
                each.name,
                each.version if ":" in each.version else f"0:{each.version}",
                each.arch,
                f"{each.source.name}-{each.source.version.rpartition(':')[2]}.src.rpm" if each.source else "",
                f"{each.module}:80{each.name[-1]}:abc",
                *each.licenses,
                "".join(f"/{path}," for path in owned[each.name]),
            ]
        )
        for each in packages
    }
    assert ours == set(said.splitlines())
    assert len(ours) == 3
    assert {each.name: each.requires for each in packages}["pkg0"] == ("pkg1-1:1.1-1.el9.noarch",)
    assert Changelog("rpm", "pkg2", (("CVE-2023-1112", "1.2-2"),)) in found
    assert not [fact for fact in found if isinstance(fact, Problem)]
