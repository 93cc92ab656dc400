"""Whatever bytes a file has, a cataloguer yields facts: it does not raise, and what it names is printable."""

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.build.image.cataloguer import Cataloguer, File, Problem
from seawall.build.image.selection import all_cataloguers
from seawall.core.package import Package

FIXTURES = Path(__file__).parent / "cataloguers/fixtures"
LANGUAGES = ("python-", "javascript-", "go-", "rust-", "java-")


def _elf(section: bytes, name: bytes) -> bytes:
    names = b"\0" + name + b"\0.shstrtab\0"
    table = 64 + len(section) + len(names)
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, table, 0, 64, 0, 0, 64, 3, 2)
    rows = [(0,) * 10, (1, 1, 0, 0, 64, len(section), 0, 0, 1, 0), (2 + len(name), 3, 0, 0, 64 + len(section), len(names), 0, 0, 1, 0)]
    return header + section + names + b"".join(struct.pack("<IIQQQQIIQQ", *row) for row in rows)


def _go() -> bytes:
    modules = b"0" * 16 + b"path\ta\nmod\ta\tv1.0.0\ndep\tb\tv1.0.0\n=>\tc\tv1.0.0\n" + b"0" * 16
    return _elf(b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\x08go1.21.5" + bytes([len(modules)]) + modules, b".go.buildinfo")


def _jar(depth: int = 2) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/maven/g/a/pom.properties", "groupId=g\nartifactId=a\nversion=1.0\n")
        archive.writestr("META-INF/maven/g/a/pom.xml", "<project><licenses><license><name>MIT</name></license></licenses></project>")
        archive.writestr("META-INF/MANIFEST.MF", "Implementation-Title: a\nImplementation-Version: 1.0\n")
        if depth:
            archive.writestr("inner.jar", _jar(depth - 1))
    return buffer.getvalue()


POM = b"""<project><properties><v>1</v></properties><dependencies><dependency>
<groupId>g</groupId><artifactId>a</artifactId><version>${v}</version></dependency></dependencies></project>"""

SEEDS: dict[str, list[tuple[str, bytes]]] = {
    "go-binary": [("usr/bin/a", _go())],
    "go-mod": [("go.mod", b"module a\ntoolchain go1.22.1\nrequire (\n\tb v1.0.0 // indirect\n)\nreplace b => c v1.0.0\n")],
    "java-archive": [("a-1.0.jar", _jar())],
    "java-gradle-lockfile": [("gradle.lockfile", b"a:b:1.0=runtimeClasspath\nempty=\n")],
    "java-pom": [("pom.xml", POM)],
    "java-pom-properties": [("META-INF/maven/g/a/pom.properties", b"groupId=g\nartifactId=a\nversion=1.0\n")],
    "javascript-bun-lock": [("bun.lock", (FIXTURES / "bun/bun.lock").read_bytes())],
    "javascript-node-modules": [("node_modules/a/package.json", b'{"name": "a", "version": "1.0.0", "licenses": [{"type": "MIT"}]}')],
    "javascript-npm-lock": [("package-lock.json", (FIXTURES / f"npm{version}/package-lock.json").read_bytes()) for version in (1, 3)],
    "javascript-pnpm-lock": [("pnpm-lock.yaml", (FIXTURES / f"pnpm{version}/pnpm-lock.yaml").read_bytes()) for version in (5, 6, 9)],
    "javascript-yarn-lock": [("yarn.lock", (FIXTURES / f"{kind}/yarn.lock").read_bytes()) for kind in ("yarn1", "berry")],
    "python-dist-info": [
        ("a.dist-info/METADATA", b"Name: a\nVersion: 1.0\nRequires-Dist: b[c]>=1 ; extra == 'x'\nClassifier: License :: MIT License\n\nText")
    ],
    "python-pdm-lock": [("pdm.lock", b'[[package]]\nname = "a"\nversion = "1"\ndependencies = ["b>=1; x"]\ngroups = ["dev"]\n')],
    "python-pipfile-lock": [("Pipfile.lock", (FIXTURES / "pipenv/Pipfile.lock").read_bytes())],
    "python-poetry-lock": [("poetry.lock", b'[[package]]\nname = "a"\nversion = "1"\n[package.dependencies]\nb = [{version = "1"}]\n')],
    "python-pylock": [("pylock.toml", (FIXTURES / "uv/pylock.toml").read_bytes())],
    "python-requirements": [("requirements.txt", (FIXTURES / "uv/requirements.txt").read_bytes())],
    "python-uv-lock": [("uv.lock", (FIXTURES / "uv/uv.lock").read_bytes())],
    "rust-binary": [("usr/bin/a", _elf(zlib.compress(b'{"packages": [{"name": "a", "version": "1", "dependencies": [0]}]}'), b".dep-v0"))],
    "rust-cargo-lock": [("Cargo.lock", (FIXTURES / "cargo/Cargo.lock").read_bytes())],
}


OURS = [cataloguer for cataloguer in all_cataloguers() if cataloguer.name.startswith(LANGUAGES)]


def _check(cataloguer: Cataloguer, path: str, data: bytes) -> None:
    for fact in cataloguer.parse(File(path, data)):
        assert isinstance(fact, Package | Problem)
        if isinstance(fact, Package):
            assert fact.name
            assert (fact.name + fact.version).isprintable()


def test_every_format_has_a_seed() -> None:
    assert {cataloguer.name for cataloguer in OURS} == set(SEEDS)
    for cataloguer in OURS:
        for path, data in SEEDS[cataloguer.name]:
            assert any(isinstance(fact, Package) for fact in cataloguer.parse(File(path, data))), cataloguer.name


EDITS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.sampled_from("fidt"), st.binary(min_size=1, max_size=6)), min_size=1, max_size=6)


@pytest.mark.parametrize("cataloguer", OURS, ids=lambda cataloguer: cataloguer.name)
@settings(max_examples=60, deadline=None)
@given(EDITS)
def test_edited_files(cataloguer: Cataloguer, edits: list[tuple[float, str, bytes]]) -> None:
    for path, seed in SEEDS[cataloguer.name]:
        data = bytearray(seed)
        for share, kind, content in edits:
            place = int(share * len(data))
            if kind == "f":
                data[place : place + len(content)] = content
            elif kind == "i":
                data[place:place] = content
            elif kind == "d":
                del data[place : place + len(content)]
            else:
                del data[place:]
        _check(cataloguer, path, bytes(data))


@pytest.mark.parametrize("cataloguer", OURS, ids=lambda cataloguer: cataloguer.name)
@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200))
def test_noise(cataloguer: Cataloguer, noise: bytes) -> None:
    for path, seed in SEEDS[cataloguer.name]:
        _check(cataloguer, path, noise)
        _check(cataloguer, path, seed[:64] + noise)


WORDS = ["packages", "dependencies", "snapshots", "importers", ".", "version", "resolution", "workspaces", "a@1", "/a/1", "name", "node_modules/a"]
WORDS += ["default", "develop", "license", "licenses", "resolved", "requires", "__metadata", "dev", "source", "repo", "tarball"]
SCALARS = ["", "a", "a@1", "npm:a@1", "1.0.0", "file:x", "link:x", "@", "/", "node_modules/a", "a/1"]
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(SCALARS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["", *WORDS]), inner, max_size=5),
    max_leaves=25,
)


@pytest.mark.parametrize(
    "cataloguer", [each for each in OURS if each.name.startswith("javascript-") or "pipfile" in each.name], ids=lambda each: each.name
)
@settings(max_examples=120, deadline=None)
@given(ODD, st.sampled_from(["5.4", "6.0", "9.0"]))
def test_any_shape(cataloguer: Cataloguer, shape: object, version: str) -> None:
    """JSON is YAML too, so one shape is for all."""
    if isinstance(shape, dict):
        shape = {**shape, "lockfileVersion": version}
    _check(cataloguer, SEEDS[cataloguer.name][0][0], json.dumps(shape).encode())
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in shape.items()] if isinstance(shape, dict) else []
    _check(cataloguer, SEEDS[cataloguer.name][0][0], "\n".join(["__metadata: {}", *lines]).encode())
