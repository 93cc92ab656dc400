"""``pubspec.lock``, ``Package.resolved`` and ``Podfile.lock``."""

from pathlib import Path

import pytest

from seawall.build.image.cataloguer import File, Parse
from seawall.build.image.cataloguers import dart_pubspec_lock, swift_package_resolved, swift_podfile_lock
from seawall.core.package import Package
from seawall.core.purl import purl_of

FIXTURES = Path(__file__).parent / "fixtures"
COMMIT = "3c8c3e4e2d1a8b7f6e5d4c3b2a1908f7e6d5c4b3"


def packages(parse: Parse, name: str) -> dict[str, Package]:
    facts = list(parse(File(f"srv/{name}", (FIXTURES / name).read_bytes())))
    found = [fact for fact in facts if isinstance(fact, Package)]
    assert found == facts
    return {package.name: package for package in found}


def test_pubspec_lock() -> None:
    found = packages(dart_pubspec_lock.parse, "pubspec/pubspec.lock")
    assert {name: (package.version, package.development) for name, package in found.items()} == {
        "crypto": ("3.0.1", False),
        "forked": ("1.10.0", False),
        "test": ("1.10", True),  # a text, and no number
    }
    assert found["forked"].qualifiers == {"vcs_url": f"git+https://github.com/example/forked.git@{COMMIT}"}
    assert purl_of(found["crypto"]) == "pkg:pub/crypto@3.0.1"


@pytest.mark.parametrize("name", ["swift1/Package.resolved", "swift2/Package.resolved"])
def test_package_resolved(name: str) -> None:
    found = packages(swift_package_resolved.parse, name)
    assert {one: package.version for one, package in found.items()} == {"github.com/apple/swift-nio": "1.14.4", "github.com/example/Forked": ""}
    assert purl_of(found["github.com/apple/swift-nio"]) == "pkg:swift/github.com/apple/swift-nio@1.14.4"
    assert "0b18c3e7a1bc9c6a8e3e1b8bd7a4d1f6a1a2b3c4" in found["github.com/example/Forked"].qualifiers["vcs_url"]


def test_package_resolved_with_a_registry() -> None:
    found = packages(swift_package_resolved.parse, "swift3/Package.resolved")
    assert {one: package.version for one, package in found.items()} == {"github.com/apple/swift-nio": "1.14.4", "mona.LinkedList": "1.2.0"}


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://github.com/apple/swift-nio.git", "github.com/apple/swift-nio"),
        ("https://GitHub.com/apple/swift-nio/", "github.com/apple/swift-nio"),
        ("git@github.com:apple/swift-nio.git", "github.com/apple/swift-nio"),
        ("ssh://git@github.com:22/apple/swift-nio.git", "github.com/apple/swift-nio"),
        ("https://user:secret@host.example/a/b/c", "host.example/a/b/c"),
        ("/Users/me/Local", None),
        ("../Local", None),
        ("file:///Users/me/Local", None),
        ("", None),
    ],
)
def test_a_package_is_its_repository(address: str, name: str | None) -> None:
    data = f'{{"pins": [{{"location": "{address}", "state": {{"version": "1"}}}}]}}'.encode()
    assert [fact.name for fact in swift_package_resolved.parse(File("p", data)) if isinstance(fact, Package)] == ([name] if name else [])


def test_podfile_lock() -> None:
    found = packages(swift_podfile_lock.parse, "podfile/Podfile.lock")
    assert {name: (package.version, package.requires) for name, package in found.items()} == {
        "GlossButtonNode": ("3.1.2", ("Texture@3.1.0",)),
        "PINCache": ("3.0.3", ("PINOperation@1.2.1",)),
        "PINOperation": ("1.2.1", ()),
        "PINRemoteImage": ("3.0.3", ("PINOperation@1.2.1",)),
        "Forked": ("1.0", ()),
        "Texture": ("3.1.0", ("PINRemoteImage@3.0.3",)),
    }
    assert found["Forked"].qualifiers == {"vcs_url": f"git+https://github.com/example/Forked.git@{COMMIT}"}
    assert purl_of(found["PINCache"]) == "pkg:cocoapods/PINCache@3.0.3"
