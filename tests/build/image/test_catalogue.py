"""What single files say, joined."""

from seawall.build.image.catalogue import Catalogue, Found, join
from seawall.build.image.cataloguer import Changelog, Fact, Licensed, Owned, Problem
from seawall.core.package import Distro, Package, SourcePackage

STATUS = "var/lib/dpkg/status"


def joined(*found: Found, gone: frozenset[tuple[str, int]] = frozenset(), links: dict[str, str] | None = None) -> Catalogue:
    def canonical(path: str) -> str:
        for link, to in (links or {}).items():
            if path.startswith(f"{link}/"):
                return to + path[len(link) :]
        return path

    return join(found, lambda path, index: (path, index) not in gone, canonical)


def at(path: str, fact: Fact, index: int = 0, *, installed: bool = True) -> Found:
    return Found(fact, path, f"sha256:{index}", index, installed)


def pypi(name: str, version: str = "1.0") -> Package:
    return Package(type="pypi", name=name, version=version)


def test_only_what_survives_counts() -> None:
    catalogue = joined(
        at("a/x.dist-info/METADATA", pypi("x")), at("a/y.dist-info/METADATA", pypi("y"), 1), gone=frozenset({("a/x.dist-info/METADATA", 0)})
    )
    assert [(package.name, package.layer) for package in catalogue.packages] == [("y", "sha256:1")]


def test_purls_carry_the_distribution_that_etc_os_release_names() -> None:
    catalogue = joined(
        at("etc/debian_version", Distro("debian", "13")),
        at("usr/lib/os-release", Distro("debian", "12")),
        at("etc/os-release", Distro("kali", "2026.1")),
        at(STATUS, Package(type="deb", name="libc6", version="2.36-9", arch="amd64", source=SourcePackage("glibc", "2.36-9"))),
    )
    assert catalogue.distro == Distro("kali", "2026.1")
    assert catalogue.packages[0].purl == "pkg:deb/kali/libc6@2.36-9?arch=amd64&distro=kali-2026.1&upstream=glibc"


def test_licences_and_changelogs_come_from_other_files() -> None:
    catalogue = joined(
        at("usr/share/doc/bash/copyright", Licensed("deb", "bash", ("GPL-3.0-or-later", "GPL-3.0-or-later"))),
        at("usr/share/doc/bash/changelog.Debian.gz", Changelog("deb", "bash", (("CVE-2014-6271", "4.3-9.1"),))),
        at(STATUS, Package(type="deb", name="bash", version="5.2-1")),
        at(STATUS, Package(type="deb", name="dash", version="0.5")),
    )
    assert [package.licenses for package in catalogue.packages] == [("GPL-3.0-or-later",), ()]
    assert catalogue.changelogs == {("deb", "bash"): {"CVE-2014-6271": "4.3-9.1"}}


def test_packages_of_one_source_share_its_changelog() -> None:
    source = SourcePackage("openssl", "3.0.11-1")
    catalogue = joined(
        at("usr/share/doc/libssl3/changelog.Debian.gz", Changelog("deb", "libssl3", (("CVE-2023-5363", "3.0.11-1"),))),
        at(STATUS, Package(type="deb", name="libssl3", version="3.0.11-1", source=source)),
        at(STATUS, Package(type="deb", name="libssl-dev", version="3.0.11-1", source=source)),
        at(STATUS, Package(type="deb", name="dash", version="0.5")),
    )
    assert catalogue.changelogs.keys() == {("deb", "libssl3"), ("deb", "libssl-dev")}


def test_an_old_database_beside_the_new_one_adds_nothing() -> None:
    package = Package(type="rpm", name="bash", version="5.1-1", arch="x86_64")
    assert len(joined(at("var/lib/rpm/Packages", package), at("var/lib/rpm/rpmdb.sqlite", package)).packages) == 1


def test_what_an_os_package_owns_is_not_reported_twice_even_through_a_link() -> None:
    catalogue = joined(
        at("var/lib/dpkg/info/python3-yaml.list", Owned("deb", "python3-yaml", ("lib/python3/PyYAML.egg-info",))),
        at("usr/lib/python3/PyYAML.egg-info", pypi("PyYAML", "6.0")),
        at("usr/local/lib/python3/PyYAML.egg-info", pypi("PyYAML", "5.1")),
        at(STATUS, Package(type="deb", name="python3-yaml", version="6.0-3")),
        links={"lib": "usr/lib"},
    )
    assert [(package.type, package.version) for package in catalogue.packages] == [("deb", "6.0-3"), ("pypi", "5.1")]


def test_a_lockfile_that_was_carried_out_adds_nothing() -> None:
    lock = "app/poetry.lock"
    named = [at(lock, pypi(name), installed=False) for name in ("django", "sqlparse", "pytest")]
    assert {package.name for package in joined(*named).packages} == {"django", "sqlparse", "pytest"}
    there = [at(f"venv/{name}.dist-info/METADATA", pypi(name)) for name in ("django", "sqlparse")]
    assert {package.path for package in joined(*named, *there).packages} == {"venv/django.dist-info/METADATA", "venv/sqlparse.dist-info/METADATA"}


def test_a_lockfile_beside_something_else_of_its_kind_counts() -> None:
    named = [at("app/poetry.lock", pypi(name), installed=False) for name in ("django", "sqlparse", "pip")]
    assert len(joined(*named, at("usr/lib/pip.dist-info/METADATA", pypi("pip"))).packages) == 4


def test_a_package_that_one_file_names_twice_is_one() -> None:
    assert len(joined(at("x", pypi("a")), at("x", pypi("a")), at("y", pypi("a"))).packages) == 2


def test_problems_of_files_that_are_gone_are_gone() -> None:
    problem = Problem("a.jar", "is no archive")
    assert joined(at("a.jar", problem)).problems == (problem,)
    assert joined(at("a.jar", problem), gone=frozenset({("a.jar", 0)})).problems == ()
