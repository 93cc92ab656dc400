"""Conda environments, their lockfiles, and Bitnami's components."""

from pathlib import Path

from seawall.build.image.cataloguer import File, Problem
from seawall.build.image.cataloguers import bitnami_spdx, conda_environment, conda_lock, conda_meta
from seawall.build.image.selection import Selection
from seawall.core.package import Package
from seawall.core.purl import purl_of

FIXTURES = Path(__file__).parent / "fixtures"


def test_conda_meta() -> None:
    (package,) = conda_meta.parse(File("opt/conda/conda-meta/n.json", (FIXTURES / "conda-meta/numpy-1.24.3-py310h5f9d8c6_1.json").read_bytes()))
    assert isinstance(package, Package)
    assert (package.name, package.version, package.licenses) == ("numpy", "1.24.3", ("BSD-3-Clause",))
    assert package.requires == ("libgcc-ng", "numpy-base", "python", "blas")
    assert purl_of(package) == "pkg:conda/numpy@1.24.3?build=py310h5f9d8c6_1&channel=conda-forge&subdir=linux-64"


def test_conda_meta_of_older_records() -> None:
    old = b'{"name": "absl-py", "version": "0.4.1", "build_string": "py36_0", "channel": "defaults", "depends": null}'
    (package,) = conda_meta.parse(File("x.json", old))
    assert isinstance(package, Package)
    assert package.qualifiers == {"build": "py36_0", "channel": "defaults"}
    assert list(conda_meta.parse(File("x.json", b"[]"))) == [Problem("x.json", "no name in the record of a Conda package")]


def test_conda_lock() -> None:
    facts = list(conda_lock.parse(File("conda-lock.yml", (FIXTURES / "conda-lock/conda-lock.yml").read_bytes())))
    found = [fact for fact in facts if isinstance(fact, Package)]
    assert [(one.type, one.name, one.version, one.qualifiers.get("subdir", ""), one.requires, one.development) for one in found] == [
        ("conda", "zlib", "1.2.13", "linux-64", ("libzlib@1.2.13",), False),
        ("conda", "libzlib", "1.2.13", "linux-64", (), False),
        ("conda", "zlib", "1.2.13", "osx-arm64", (), False),
        ("pypi", "requests", "2.31.0", "", ("urllib3@2.0.4",), False),
        ("pypi", "urllib3", "2.0.4", "", (), False),
        ("pypi", "pytest", "7.4.0", "", (), True),
    ]


def test_conda_environment() -> None:
    facts = list(conda_environment.parse(File("environment.yml", (FIXTURES / "conda-environment/environment.yml").read_bytes())))
    assert [(one.type, one.name, one.version, dict(one.qualifiers)) for one in facts if isinstance(one, Package)] == [
        ("conda", "numpy", "1.24.3", {"build": "py310h5f9d8c6_1"}),
        ("conda", "scipy", "1.10.1", {}),
        ("conda", "pandas", "2.0.1", {}),
        ("pypi", "requests", "2.31.0", {}),
    ]


def test_bitnami() -> None:
    path = "opt/bitnami/redis/.spdx-redis.spdx"
    assert Selection([bitnami_spdx.CATALOGUER]).of(path)
    assert not Selection([bitnami_spdx.CATALOGUER]).of("srv/.spdx-redis.spdx")
    facts = list(bitnami_spdx.parse(File(path, (FIXTURES / "bitnami/.spdx-redis.spdx").read_bytes())))
    found = [fact for fact in facts if isinstance(fact, Package)]
    assert found == facts
    assert [(one.type, one.name, one.version, one.arch, one.licenses, one.path) for one in found] == [
        ("bitnami", "redis", "7.4.0-0", "amd64", ("RSALv2",), path),
        ("bitnami", "jemalloc", "5.3.0", "", ("BSD-2-Clause",), path),
    ]
    assert found[0].requires == (found[1].ref,)
    assert found[0].qualifiers == {}
    assert purl_of(found[0]) == "pkg:bitnami/redis@7.4.0-0"
