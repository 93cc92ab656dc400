import pytest

from seawall.build.image.cataloguer import File, Problem
from seawall.build.image.cataloguers.javascript_pnpm_lock import parse
from seawall.core.package import Package

VERSION_5 = """
lockfileVersion: 5.4
packages:
  /@babel/core/7.20.0_peer@1.0.0:
    resolution: {integrity: sha512-a}
    dependencies: {debug: 4.3.4_supports-color@9.0.0, old: /real/1.10.0}
    dev: true
  /debug/4.3.4_supports-color@9.0.0:
    resolution: {integrity: sha512-a}
  /real/1.10.0:
    resolution: {integrity: sha512-a}
    dev: false
  registry.example/other/2.0.0:
    resolution: {integrity: sha512-a, registry: 'https://registry.example/', tarball: 'https://registry.example/other/-/other-2.0.0.tgz'}
    name: other
    version: 2.0.0
  github.com/someone/forked/0a1b2c:
    resolution: {tarball: 'https://codeload.github.com/someone/forked/tar.gz/0a1b2c'}
    name: forked
    version: 3.0.0
  file:packages/mine:
    resolution: {directory: packages/mine, type: directory}
    name: mine
"""
VERSION_6 = """
lockfileVersion: '6.0'
packages:
  /@babel/core@7.20.0(peer@1.0.0):
    dependencies: {debug: 4.3.4(supports-color@9.0.0), old: /real@1.10.0}
    dev: true
  /debug@4.3.4(supports-color@9.0.0): {}
  /real@1.10.0: {dev: false}
  registry.example/other@2.0.0: {}
  '@git.example+someone/forked/0a1b2c':
    resolution: {repo: 'ssh://git@git.example/someone/forked.git', commit: 0a1b2c, type: git}
    name: forked
    version: 3.0.0
  file:packages/mine(peer@1.0.0): {name: mine}
"""
VERSION_9 = """
lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      other: {specifier: 2.0.0, version: 2.0.0}
      old: {specifier: 'npm:real@1.10.0', version: real@1.10.0}
      forked: {specifier: someone/forked, version: 'https://codeload.github.com/someone/forked/tar.gz/0a1b2c'}
      debug: {specifier: 4.3.4, version: 4.3.4(supports-color@9.0.0)}
      mine: {specifier: 'workspace:*', version: 'link:packages/mine'}
    devDependencies:
      '@babel/core': {specifier: 7.20.0, version: 7.20.0(peer@1.0.0)}
packages:
  '@babel/core@7.20.0': {resolution: {integrity: sha512-a}}
  debug@4.3.4: {resolution: {integrity: sha512-a}}
  real@1.10.0: {resolution: {integrity: sha512-a}}
  other@2.0.0: {resolution: {integrity: sha512-a}}
  forked@https://codeload.github.com/someone/forked/tar.gz/0a1b2c:
    resolution: {tarball: 'https://codeload.github.com/someone/forked/tar.gz/0a1b2c'}
    version: 3.0.0
  mine@file:packages/mine: {resolution: {directory: packages/mine, type: directory}}
snapshots:
  '@babel/core@7.20.0(peer@1.0.0)':
    dependencies: {debug: 4.3.4(supports-color@9.0.0), old: real@1.10.0}
  debug@4.3.4(supports-color@9.0.0): {}
  real@1.10.0: {}
  other@2.0.0: {}
  forked@https://codeload.github.com/someone/forked/tar.gz/0a1b2c: {}
  mine@file:packages/mine: {}
"""


@pytest.mark.parametrize("text", [VERSION_5, VERSION_6, VERSION_9], ids=["5", "6", "9"])
def test_keys_of_all_kinds(text: str) -> None:
    facts = list(parse(File("pnpm-lock.yaml", text.encode())))
    packages = [fact for fact in facts if isinstance(fact, Package)]
    assert len(packages) == len(facts)
    assert {package.name: (package.version, package.requires, package.development) for package in packages} == {
        "@babel/core": ("7.20.0", ("debug@4.3.4", "real@1.10.0"), True),
        "debug": ("4.3.4", (), False),
        "real": ("1.10.0", (), False),
        "other": ("2.0.0", (), False),
        "forked": ("3.0.0", (), False),
    }
    (forked,) = [package for package in packages if package.name == "forked"]
    assert forked.qualifiers["vcs_url"] in (
        "git+https://github.com/someone/forked@0a1b2c",
        "git+ssh://git@git.example/someone/forked.git@0a1b2c",
    )


@pytest.mark.parametrize("text", ["", "a: b", "lockfileVersion: x", "{", "lockfileVersion: '9.0'\nimporters: &a [*a]\n\x00"])
def test_what_is_none(text: str) -> None:
    assert [type(fact) for fact in parse(File("pnpm-lock.yaml", text.encode()))] == [Problem]


def test_odd_shapes() -> None:
    text = "lockfileVersion: '9.0'\nimporters: [1]\npackages: {a@1.0.0: [], 1: 2, '': {}}\nsnapshots: {a@1.0.0: {dependencies: [a]}, '': 1}"
    assert list(parse(File("pnpm-lock.yaml", text.encode()))) == [
        Package(type="npm", name="a", version="1.0.0", path="pnpm-lock.yaml", development=True)
    ]
