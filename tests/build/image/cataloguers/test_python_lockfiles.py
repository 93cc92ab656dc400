"""One project (``click``, ``importlib_metadata``, the extra ``speed``, the group ``dev``), locked by several tools."""

from pathlib import Path

import pytest

from seawall.build.image.cataloguer import Cataloguer, Fact, File, Problem
from seawall.build.image.cataloguers import python_pdm_lock, python_pipfile_lock, python_poetry_lock, python_pylock, python_uv_lock
from seawall.core.package import Package

FIXTURES = Path(__file__).parent / "fixtures"

POETRY_1 = b"""
[[package]]
name = "click"
version = "8.1.7"
description = "Composable command line interface toolkit"
category = "main"
optional = false
python-versions = ">=3.7"
files = [{file = "click-8.1.7.tar.gz", hash = "sha256:aa"}]

[package.dependencies]
colorama = {version = "*", markers = "platform_system == \\"Windows\\""}

[[package]]
name = "colorama"
version = "0.4.6"
category = "main"
optional = false
python-versions = "*"

[[package]]
name = "importlib-metadata"
version = "8.5.0"
category = "main"
optional = false
python-versions = ">=3.8"

[package.dependencies]
zipp = [{version = ">=3.20", markers = "python_version > \\"3.7\\""}, {version = "<3.20", markers = "python_version <= \\"3.7\\""}]
pytest = {version = ">=6", optional = true, markers = "extra == \\"test\\""}

[package.extras]
test = ["pytest (>=6)"]

[[package]]
name = "zipp"
version = "4.1.2"
category = "main"

[[package]]
name = "pluggy"
version = "1.5.0"
category = "dev"

[[package]]
name = "cachetools"
version = "5.5.0"
category = "main"
optional = true

[[package]]
name = "shop-models"
version = "0.1.0"
category = "main"
[package.source]
type = "directory"
url = "models"

[metadata]
lock-version = "2.0"
python-versions = ">=3.11"
content-hash = "aa"
"""
POETRY_2 = POETRY_1.replace(b'category = "main"', b'groups = ["main", "dev"]').replace(b'category = "dev"', b'groups = ["dev", "docs"]')

PDM = b"""
[metadata]
groups = ["default", "dev", "speed"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"

[[package]]
name = "cachetools"
version = "5.5.0"
requires_python = ">=3.7"
summary = "Extensible memoizing collections and decorators"
groups = ["speed"]
files = [{file = "cachetools-5.5.0.tar.gz", hash = "sha256:aa"}]

[[package]]
name = "click"
version = "8.1.7"
groups = ["default"]
dependencies = ["colorama; platform_system == \\"Windows\\"", "importlib-metadata; python_version < \\"3.8\\""]

[[package]]
name = "colorama"
version = "0.4.6"
groups = ["default"]
marker = "platform_system == \\"Windows\\""

[[package]]
name = "importlib-metadata"
version = "8.5.0"
groups = ["default"]
dependencies = ["typing-extensions>=3.6.4; python_version < \\"3.8\\"", "zipp>=3.20"]

[[package]]
name = "importlib-metadata"
version = "8.5.0"
extras = ["perf"]
groups = ["default"]
dependencies = ["importlib-metadata==8.5.0", "ipython"]

[[package]]
name = "pluggy"
version = "1.5.0"
groups = ["dev"]

[[package]]
name = "zipp"
version = "4.1.2"
groups = ["default"]

[[package]]
name = "shop-models"
version = "0.1.0"
path = "./models"
groups = ["default"]
"""

EDGES = {
    "cachetools@5.5.0": (),
    "click@8.1.7": ("colorama@0.4.6",),
    "colorama@0.4.6": (),
    "importlib-metadata@8.5.0": ("zipp@4.1.2",),
    "pluggy@1.5.0": (),
    "zipp@4.1.2": (),
}


@pytest.mark.parametrize(
    ("cataloguer", "data"),
    [
        (python_uv_lock.CATALOGUER, (FIXTURES / "uv/uv.lock").read_bytes()),
        (python_poetry_lock.CATALOGUER, POETRY_1),
        (python_poetry_lock.CATALOGUER, POETRY_2),
        (python_pdm_lock.CATALOGUER, PDM),
    ],
    ids=["uv", "poetry-1", "poetry-2", "pdm"],
)
def test_every_tool_tells_the_same(cataloguer: Cataloguer, data: bytes) -> None:
    packages = _packages(cataloguer.parse(File("srv/lock", data)))
    edges = dict(EDGES)
    if cataloguer.name == "python-pdm-lock":  # it keeps edges for other Pythons
        edges["click@8.1.7"] += ("importlib-metadata@8.5.0",)
    assert {f"{package.name}@{package.version}": package.requires for package in packages} == edges
    assert [package.name for package in packages if package.development] == ["pluggy"]
    assert {package.type for package in packages} == {"pypi"}
    assert list(cataloguer.parse(File("usr/lib/python3/dist-packages/thing/lock", data))) == []


def test_pylock_as_uv_exports_it() -> None:
    packages = _packages(python_pylock.parse(File("pylock.toml", (FIXTURES / "uv/pylock.toml").read_bytes())))
    assert [f"{package.name}@{package.version}" for package in packages] == list(EDGES)


def test_pipfile_lock() -> None:
    packages = _packages(python_pipfile_lock.parse(File("Pipfile.lock", (FIXTURES / "pipenv/Pipfile.lock").read_bytes())))
    assert {f"{package.name}@{package.version}": package.development for package in packages} == {
        "click@8.1.7": False,
        "importlib-metadata@8.5.0": False,
        "zipp@4.1.2": False,
        "pluggy@1.5.0": True,
    }


def test_pipfile_lock_with_repositories_and_both_categories() -> None:
    data = b"""{"_meta": {"hash": {"version": "==1"}}, "default": {"a": {"git": "https://me:token@git.example/a.git", "ref": "0a1b2c"},
    "b": {"version": "==1.0"}, "c": {"path": "."}, "d": {"version": "*"}},
    "develop": {"b": {"version": "==1.0"}, "e": 1}, "docs": {"f": {"version": "==2"}}}"""
    packages = _packages(python_pipfile_lock.parse(File("Pipfile.lock", data)))
    assert [(package.name, package.version, package.development, dict(package.qualifiers)) for package in packages] == [
        ("a", "", False, {"vcs_url": "git+https://git.example/a.git@0a1b2c"}),
        ("b", "1.0", False, {}),
        ("f", "2", False, {}),
    ]


def test_pylock_with_everything() -> None:
    data = b"""
lock-version = "1.0"
created-by = "hand"
extras = ["x"]
dependency-groups = ["dev", "base"]
default-groups = ["base"]
[[packages]]
name = "a"
version = "1.0"
dependencies = [{name = "b"}, {name = "c", version = "2.0"}]
[[packages]]
name = "b"
marker = "'dev' in dependency_groups"
vcs = {type = "git", url = "https://git.example/b.git", commit-id = "0a1b2c", requested-revision = "main"}
[[packages]]
name = "c"
version = "1.0"
marker = "python_version < '3.12'"
[[packages]]
name = "c"
version = "2.0"
marker = "'dev' in dependency_groups or 'x' in extras"
[[packages]]
name = "d"
version = "1.0"
marker = "'base' in dependency_groups"
[[packages]]
name = "mine"
version = "1.0"
directory = {path = ".", editable = true}
"""
    packages = _packages(python_pylock.parse(File("pylock.dev.toml", data)))
    assert {f"{package.name}@{package.version}": (package.requires, package.development) for package in packages} == {
        "a@1.0": (("b@", "c@2.0"), False),
        "b@": ((), True),
        "c@1.0": ((), False),
        "c@2.0": ((), False),
        "d@1.0": ((), False),
    }
    assert packages[1].qualifiers == {"vcs_url": "git+https://git.example/b.git@0a1b2c"}


def test_uv_with_two_versions_and_a_repository() -> None:
    data = b"""
version = 1
[[package]]
name = "a"
version = "1.0"
source = { git = "https://git.example/a.git?subdirectory=x&tag=v1#0a1b2c" }
dependencies = [{ name = "b", version = "2.0", source = { registry = "https://index.example" } }]
[[package]]
name = "b"
version = "1.0"
[[package]]
name = "b"
version = "2.0"
[[package]]
name = "mine"
source = { editable = "." }
dependencies = [{ name = "a" }, { name = "member" }]
[[package]]
name = "member"
version = "0.1"
source = { directory = "member" }
dependencies = [{ name = "b", version = "1.0" }]
"""
    packages = _packages(python_uv_lock.parse(File("uv.lock", data)))
    assert [(f"{package.name}@{package.version}", package.requires, package.development) for package in packages] == [
        ("a@1.0", ("b@2.0",), False),
        ("b@1.0", (), False),
        ("b@2.0", (), False),
    ]
    assert packages[0].qualifiers == {"vcs_url": "git+https://git.example/a.git@0a1b2c"}


@pytest.mark.parametrize(
    "cataloguer", [python_pdm_lock.CATALOGUER, python_poetry_lock.CATALOGUER, python_pylock.CATALOGUER, python_uv_lock.CATALOGUER]
)
def test_hostile_toml(cataloguer: Cataloguer) -> None:
    hostile = [
        b"package = ",
        b"a=" + b"[" * 100_000,
        b"a." * 100_000 + b"b=1",
        b"x = 1\x00",
        b"package = [1]\n[packages]",
        b"\xff\xfe\x00",
        b"a = " + b"9" * 10_000,
    ]
    for data in hostile:
        assert all(isinstance(fact, Problem) for fact in cataloguer.parse(File("lock", data)))
    odd = b'[[package]]\nname = ["a"]\nversion = 1\nsource = "x"\ndependencies = 3\ngroups = "x"'
    odd += b'\n[[package]]\nname = "a"\nversion = "1"\ndependencies = {b = 1, c = [1, {}]}'
    assert all(isinstance(fact, Package | Problem) for fact in cataloguer.parse(File("lock", odd)))


def _packages(facts: object) -> list[Package]:
    found: list[Fact] = list(facts)  # type: ignore[call-overload]
    assert all(isinstance(fact, Package) for fact in found), found
    return [fact for fact in found if isinstance(fact, Package)]
