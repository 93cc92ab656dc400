from pathlib import Path

import pytest

from seawall.build.image.cataloguer import File, Problem
from seawall.build.image.cataloguers.rust_cargo_lock import parse
from seawall.core.package import Package

VERSION_1 = b"""
[[package]]
name = "shop"
version = "0.1.0"
dependencies = [
 "rand 0.7.3 (registry+https://index.example/crates)",
]

[[package]]
name = "rand"
version = "0.7.3"
source = "registry+https://index.example/crates"
dependencies = [
 "libc 0.2.80 (registry+https://index.example/crates)",
 "forked 0.1.0 (git+https://git.example/forked?branch=main#0a1b2c)",
]

[[package]]
name = "rand"
version = "0.8.5"
source = "registry+https://index.example/crates"
dependencies = ["libc", "rand 0.7.3", "shop", "nobody 1.0.0"]

[[package]]
name = "libc"
version = "0.2.80"
source = "registry+https://index.example/crates"

[[package]]
name = "forked"
version = "0.1.0"
source = "git+https://git.example/forked?branch=main#0a1b2c"
dependencies = ["rand"]

[metadata]
"checksum rand 0.7.3 (registry+https://index.example/crates)" = "aa"
"""


def told(data: bytes, path: str = "srv/Cargo.lock") -> list[Package]:
    facts = list(parse(File(path, data)))
    assert all(isinstance(fact, Package) for fact in facts), facts
    return [fact for fact in facts if isinstance(fact, Package)]


def test_dependencies_of_all_forms() -> None:
    packages = told(VERSION_1)
    assert {f"{package.name}@{package.version}": package.requires for package in packages} == {
        "rand@0.7.3": ("libc@0.2.80", "forked@0.1.0"),
        "rand@0.8.5": ("libc@0.2.80", "rand@0.7.3"),
        "libc@0.2.80": (),
        "forked@0.1.0": (),  # "rand" could be either
    }
    assert packages[3].qualifiers == {"vcs_url": "git+https://git.example/forked@0a1b2c"}


def test_as_cargo_writes_it() -> None:
    packages = told((Path(__file__).parent / "fixtures/cargo/Cargo.lock").read_bytes())
    edges = {package.name: [ref.partition("@")[0] for ref in package.requires] for package in packages}
    assert len(packages) == 10
    assert edges["serde_json"] == ["itoa", "ryu", "serde"]
    assert edges["syn"] == ["proc-macro2", "quote", "unicode-ident"]
    assert "shop" not in edges


@pytest.mark.parametrize("path", ["root/.cargo/registry/src/index.example-0a1b2c/rand-0.7.3/Cargo.lock", "root/.cargo/git/checkouts/a/b/Cargo.lock"])
def test_lockfiles_in_the_cache_of_cargo(path: str) -> None:
    assert told(VERSION_1, path) == []


def test_broken() -> None:
    assert list(parse(File("Cargo.lock", b"[[package]]\nname = \n"))) == [
        Problem("Cargo.lock", "not valid TOML: Invalid value (at line 2, column 8)", 2),
    ]
    assert told(b'package = [1, {name = "a"}]\n') == []
