"""Names on both sides: what advisories write, and what packages are called."""

import pytest

from seawall.build.advisories.ecosystems import (
    Coordinate,
    NotEvaluated,
    coordinates,
    distribution_ecosystems,
    normalise_ecosystem,
    normalise_name,
    source_of,
)
from seawall.core.package import Distro, Package, SourcePackage
from seawall.core.purl import read_purl


def places(purl: str) -> list[tuple[str, str, str]]:
    found = coordinates(*read_purl(purl))
    assert not isinstance(found, NotEvaluated), found
    return [place[:3] for place in found]


def reason(purl: str) -> str:
    found = coordinates(*read_purl(purl))
    assert isinstance(found, NotEvaluated), found
    return found.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Debian:12", "debian:12"),
        ("Debian:12.5", "debian:12"),
        ("Debian:6.0", "debian:6.0"),
        ("Debian:6", "debian:6.0"),
        ("Debian:3.1", "debian:3.1"),
        ("Debian:sid", "debian:unstable"),
        ("Debian", "debian"),
        ("Alpine:v3.19", "alpine:3.19"),
        ("Alpine:v3.3", "alpine:3.3"),
        ("Alpine:edge", "alpine:edge"),
        ("Ubuntu:22.04:LTS", "ubuntu:22.04"),
        ("Ubuntu:23.10", "ubuntu:23.10"),
        ("Ubuntu:Pro:18.04:LTS", "ubuntu:pro:18.04"),
        ("Ubuntu:Pro:FIPS-updates:22.04:LTS", "ubuntu:pro:fips-updates:22.04"),
        ("Red Hat:enterprise_linux:9::baseos", "red hat:enterprise_linux:9"),
        ("Red Hat:rhel_eus:8.6::appstream", "red hat:rhel_eus:8.6"),
        ("Rocky Linux:9", "rocky linux:9"),
        ("AlmaLinux:8", "almalinux:8"),
        ("AlmaLinux:8.5", "almalinux:8"),
        ("SUSE:Linux Enterprise Server 15 SP5", "suse:linux enterprise server 15 sp5"),
        ("Maven:https://repo.example/maven2", "maven"),
        ("Packagist:https://packages.drupal.org/8", "packagist:https://packages.drupal.org/8"),
        ("crates.io", "crates.io"),
        ("PyPI", "pypi"),
        ("npm", "npm"),
        ("Photon OS:4.0", "photon os:4.0"),
        ("SwiftURL", "swifturl"),
    ],
)
def test_ecosystems_have_one_spelling(text: str, expected: str) -> None:
    assert normalise_ecosystem(text) == expected
    assert normalise_ecosystem(expected) == expected


@pytest.mark.parametrize(
    ("ecosystem", "name", "expected"),
    [
        ("pypi", "Flask_SQLAlchemy..X", "flask-sqlalchemy-x"),
        ("npm", "JSONStream", "JSONStream"),
        ("npm", "@Babel/core", "@Babel/core"),
        ("go", "github.com/Azure/go-autorest", "github.com/azure/go-autorest"),
        ("go", "github.com/!azure/go-autorest/v2", "github.com/azure/go-autorest/v2"),
        ("packagist", "Symfony/HTTP-Kernel", "symfony/http-kernel"),
        ("nuget", "Newtonsoft.Json", "newtonsoft.json"),
        ("cran", "A3", "A3"),
        ("rubygems", "RedCloth", "RedCloth"),
        ("maven", "org.slf4j:slf4j-API", "org.slf4j:slf4j-API"),
        ("swifturl", "https://github.com/Apple/swift-nio.git", "github.com/apple/swift-nio"),
        ("swifturl", "github.com/apple/swift-nio", "github.com/apple/swift-nio"),
        ("github actions", "Actions/Checkout", "actions/checkout"),
        ("kubernetes", "kubelet", "k8s.io/kubelet"),
        ("kubernetes", "k8s.io/kubelet", "k8s.io/kubelet"),
        ("debian:12", "libC++", "libC++"),
    ],
)
def test_names_have_one_spelling_where_the_ecosystem_says_so(ecosystem: str, name: str, expected: str) -> None:
    assert normalise_name(ecosystem, name) == expected


@pytest.mark.parametrize(
    ("purl", "expected"),
    [
        ("pkg:deb/debian/openssl@3.0.11-1?distro=debian-12", ("debian:12", "openssl", "3.0.11-1")),
        ("pkg:deb/debian/openssl@3.0.11-1?arch=source&distro=debian-12", ("debian:12", "openssl", "3.0.11-1")),
        ("pkg:deb/debian/libssl3@3.0.11-1%2Bb2?arch=amd64&distro=bookworm&upstream=openssl", ("debian:12", "openssl", "3.0.11-1")),
        ("pkg:deb/debian/gcc@4:12.2.0-3?distro=debian-12.5&upstream=gcc-defaults%401.203", ("debian:12", "gcc-defaults", "1.203")),
        ("pkg:deb/debian/x@1?distro=debian-sid", ("debian:unstable", "x", "1")),
        ("pkg:deb/debian/x@1?distro=debian-6.0.10", ("debian:6.0", "x", "1")),
        ("pkg:deb/ubuntu/x@1?distro=ubuntu-22.04", ("ubuntu:22.04", "x", "1")),
        ("pkg:deb/ubuntu/x@1?distro=jammy", ("ubuntu:22.04", "x", "1")),
        ("pkg:apk/alpine/libcrypto3@3.1.4-r0?distro=alpine-3.19.1&upstream=openssl", ("alpine:3.19", "openssl", "3.1.4-r0")),
        ("pkg:apk/alpine/x@1?distro=3.19", ("alpine:3.19", "x", "1")),
        ("pkg:apk/alpine/x@1?distro=alpine-v3.19", ("alpine:3.19", "x", "1")),
        ("pkg:apk/alpine/x@1?distro=alpine-edge", ("alpine:edge", "x", "1")),
        ("pkg:apk/alpine/x@1?distro=alpine-3.21_alpha20240807", ("alpine:edge", "x", "1")),
        ("pkg:apk/wolfi/x@1", ("wolfi", "x", "1")),
        ("pkg:rpm/almalinux/x@1-2.el8?distro=almalinux-8.9&epoch=3&upstream=y-1-2.el8.src.rpm", ("almalinux:8", "x", "3:1-2.el8")),
        ("pkg:rpm/redhat/x@1-2.el9?distro=rhel-9.2", ("red hat:enterprise_linux:9", "x", "1-2.el9")),
        ("pkg:rpm/rocky/x@1-2.el9?distro=rocky-9.2", ("rocky linux:9", "x", "1-2.el9")),
        ("pkg:rpm/centos/x@1-2.el7?distro=centos-7", ("red hat:enterprise_linux:7", "x", "1-2.el7")),
        ("pkg:rpm/opensuse/x@1-2?distro=opensuse-leap-15.5", ("opensuse:leap 15.5", "x", "1-2")),
        ("pkg:pypi/Flask_X@1.0", ("pypi", "flask-x", "1.0")),
        ("pkg:npm/%40babel/core@7.0.0", ("npm", "@babel/core", "7.0.0")),
        ("pkg:golang/stdlib@1.20.1", ("go", "stdlib", "1.20.1")),
        ("pkg:golang/toolchain@go1.20.1", ("go", "toolchain", "go1.20.1")),
        ("pkg:golang/github.com/Foo/bar/v2@v2.0.0", ("go", "github.com/foo/bar/v2", "v2.0.0")),
        ("pkg:golang/k8s.io/apiserver@v0.20.1", ("go", "k8s.io/apiserver", "v0.20.1")),
        ("pkg:maven/org.slf4j/slf4j-api@2.0", ("maven", "org.slf4j:slf4j-api", "2.0")),
        ("pkg:gem/nokogiri@1.13.0-x86_64-linux", ("rubygems", "nokogiri", "1.13.0")),
        ("pkg:gem/rails@7.0.0.rc1", ("rubygems", "rails", "7.0.0.rc1")),
        ("pkg:cargo/std@1.50.0", ("rust", "std", "1.50.0")),
        ("pkg:bitnami/redis@7.0.0-1?arch=amd64", ("bitnami", "redis", "7.0.0-1")),
        ("pkg:swift/github.com/apple/swift-nio@1.0.0", ("swifturl", "github.com/apple/swift-nio", "1.0.0")),
        ("pkg:github/actions/checkout@v3.1.0", ("github actions", "actions/checkout", "v3.1.0")),
        ("pkg:conan/openssl@3.0.0", ("conancenter", "openssl", "3.0.0")),
        ("pkg:cpan/DROLSKY/DateTime@1.50", ("cpan", "DateTime", "1.50")),
        ("pkg:cran/A3@0.9.1", ("cran", "A3", "0.9.1")),
    ],
)
def test_one_place(purl: str, expected: tuple[str, str, str]) -> None:
    assert places(purl) == [expected]


def test_kubernetes_is_in_two_databases() -> None:
    found = [("go", "k8s.io/kubelet", "v1.27.3"), ("kubernetes", "k8s.io/kubelet", "v1.27.3")]
    assert places("pkg:golang/k8s.io/kubelet@v1.27.3") == found
    assert places("pkg:k8s/k8s.io/kubelet@v1.27.3") == list(reversed(found))


def test_who_has_ubuntu_pro_is_told_by_the_version() -> None:
    assert [place[0] for place in places("pkg:deb/ubuntu/x@1.0-1ubuntu2.1~esm3?distro=ubuntu-18.04")] == ["ubuntu:pro:18.04"]
    assert [place[0] for place in places("pkg:deb/ubuntu/x@1.0-1ubuntu2.1?distro=ubuntu-18.04")] == ["ubuntu:18.04"]


@pytest.mark.parametrize(
    ("purl", "words"),
    [
        ("pkg:deb/debian/x@1", "release of debian is not known"),
        ("pkg:deb/debian/x@1?distro=debian-testing", "another release"),
        ("pkg:deb/debian/x@1?distro=debian-nosuch", "is not known"),
        ("pkg:deb/debian/x?distro=debian-12", "version is not known"),
        ("pkg:deb/raspbian/x@1?distro=raspbian-11", "no advisories for raspbian"),
        ("pkg:deb/kali/x@1?distro=kali-2024.1", "no advisories for kali"),
        ("pkg:rpm/centos/x@1?distro=centos-9", "CentOS Stream"),
        ("pkg:rpm/fedora/x@1?distro=fedora-38", "no advisories for fedora"),
        ("pkg:deb/x@1", "distribution is not known"),
        ("pkg:generic/openssl@1.0", "type 'generic'"),
        ("pkg:conda/numpy@1.0", "type 'conda'"),
        ("pkg:golang/example.org/app@%28devel%29", "is no released version"),
        ("pkg:golang/example.org/app", "version is not known"),
        ("pkg:composer/a/b@dev-master", "is no released version"),
        ("pkg:maven/a/b@$%7Bproject.version%7D", "is no released version"),
        ("pkg:npm/a@%2A", "is no released version"),
        ("pkg:githubactions/actions/checkout@v3", "no single release"),
        ("pkg:githubactions/actions/checkout@8f4b7f84864484a7bf31766abe9204da3cbe65b3", "no single release"),
        ("pkg:conan/me/openssl@3.0.0", "not from ConanCenter"),
    ],
)
def test_what_cannot_be_asked_is_told_why(purl: str, words: str) -> None:
    assert words in reason(purl)


def test_a_derivative_is_not_its_parent() -> None:
    package = Package(type="deb", name="x", version="1")
    found = coordinates(package, Distro("pop", "22.04", like=("ubuntu", "debian"), name="Pop!_OS 22.04 LTS"))
    assert isinstance(found, NotEvaluated)
    assert "Pop!_OS" in found.reason
    assert "its packages are its own" in found.reason


def test_the_package_that_signs_the_kernel_is_the_kernel() -> None:
    image = Package(type="deb", name="linux-image-6.1.0-18-amd64", version="6.1.76-1", source=SourcePackage("linux-signed-amd64", "6.1.76+1"))
    found = coordinates(image, Distro("debian", "12"))
    assert not isinstance(found, NotEvaluated)
    assert [place[:3] for place in found] == [("debian:12", "linux", "6.1.76-1")]
    signed = Package(type="deb", name="linux-image-5.15.0-1-aws", version="5.15.0-1.2", source=SourcePackage("linux-signed-aws", "5.15.0-1.2"))
    found = coordinates(signed, Distro("ubuntu", "22.04"))
    assert not isinstance(found, NotEvaluated)
    assert [place[:3] for place in found] == [("ubuntu:22.04", "linux-aws", "5.15.0-1.2")]


def test_every_ecosystem_that_is_looked_up_has_an_order_of_versions() -> None:
    assert all(isinstance(place, Coordinate) and place.scheme.key(place.version) for purl in PURLS for place in _all(purl))


PURLS = [f"pkg:{kind}/a/b@1.0.0" for kind in ("golang", "maven", "composer", "swift", "githubactions")] + [
    f"pkg:{kind}/a@1.0.0"
    for kind in ("pypi", "npm", "cargo", "gem", "nuget", "hex", "pub", "cran", "bioconductor", "hackage", "conan", "cpan", "julia")
]


def _all(purl: str) -> tuple[Coordinate, ...]:
    found = coordinates(*read_purl(purl))
    assert not isinstance(found, NotEvaluated), (purl, found)
    return found


def test_the_releases_of_suse_are_many_ecosystems() -> None:
    found = distribution_ecosystems(Distro("sles", "15.5"))
    assert not isinstance(found, NotEvaluated)
    assert "suse:linux enterprise server 15 sp5" in found
    assert "suse:linux enterprise module for basesystem 15 sp5" in found
    assert distribution_ecosystems(Distro("sles", "12.5")) == ("suse:linux enterprise server 12 sp5",)


def test_a_rebuild_is_of_the_same_source() -> None:
    assert source_of(Package(type="deb", name="a", version="1.0-1+b12")) == ("a", "1.0-1")
    assert source_of(Package(type="deb", name="a", version="1.0+b1-1")) == ("a", "1.0+b1-1")
    assert source_of(Package(type="rpm", name="a", version="1.0-1+b1")) == ("a", "1.0-1+b1")
