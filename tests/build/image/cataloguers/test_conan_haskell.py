"""``conan.lock``, ``stack.yaml.lock`` and ``cabal.project.freeze``."""

from pathlib import Path

from seawall.build.image.cataloguer import File, Parse
from seawall.build.image.cataloguers import conan_lock, haskell_cabal_freeze, haskell_stack_lock
from seawall.core.package import Package
from seawall.core.purl import purl_of

FIXTURES = Path(__file__).parent / "fixtures"


def packages(parse: Parse, data: bytes) -> list[Package]:
    facts = list(parse(File("srv/x", data)))
    found = [fact for fact in facts if isinstance(fact, Package)]
    assert found == facts
    return found


def test_conan_1() -> None:
    found = packages(conan_lock.parse, (FIXTURES / "conan1/conan.lock").read_bytes())
    assert [(one.name, one.version, one.requires, dict(one.qualifiers), one.development) for one in found] == [
        ("openssl", "3.0.3", ("zlib@1.2.11",), {}, False),
        ("zlib", "1.2.11", (), {"user": "conan", "channel": "stable"}, False),
        ("cmake", "3.24.2", (), {}, True),
    ]
    assert purl_of(found[1]) == "pkg:conan/zlib@1.2.11?channel=stable&user=conan"


def test_conan_2() -> None:
    found = packages(conan_lock.parse, (FIXTURES / "conan2/conan.lock").read_bytes())
    assert [(one.name, one.version, dict(one.qualifiers), one.development) for one in found] == [
        ("zlib", "1.2.11", {"user": "conan", "channel": "stable"}, False),
        ("openssl", "3.0.3", {}, False),
        ("fmt", "9.1.0", {}, False),
        ("cmake", "3.24.2", {}, True),
        ("tools", "1.0", {}, True),
    ]


def test_conan_1_of_the_first_lockfiles() -> None:
    data = (
        b'{"graph_lock": {"nodes": {"1": {"pref": "zlib/1.2.11#0a:4b2a#0b"}, "2": {"ref": "conanfile.txt"}, "3": {"ref": null}}}, "version": "0.1"}'
    )
    assert [(one.name, one.version) for one in packages(conan_lock.parse, data)] == [("zlib", "1.2.11")]


def test_stack_lock() -> None:
    found = packages(haskell_stack_lock.parse, (FIXTURES / "stack/stack.yaml.lock").read_bytes())
    assert [(one.name, one.version) for one in found] == [
        ("fuzzyset", "0.2.4"),
        ("hasql-pool", "0.7.2"),
        ("optparse-applicative", "0.16.1.0"),
    ]
    assert found[1].qualifiers["vcs_url"].startswith("git+https://github.com/example/hasql-pool.git@3c8c")
    assert purl_of(found[0]) == "pkg:hackage/fuzzyset@0.2.4"


def test_cabal_freeze() -> None:
    data = (FIXTURES / "cabal/cabal.project.freeze").read_bytes()
    found = packages(haskell_cabal_freeze.parse, data)
    assert [(one.name, one.version) for one in found] == [("Cabal", "3.2.1.0"), ("aeson", "2.1.2.1"), ("bare", "0.5")]
    assert packages(haskell_cabal_freeze.parse, data.replace(b"\n", b"\r\n")) == found
