from importlib import metadata
from pathlib import Path

import pytest

from seawall.build.image.cataloguer import File, Problem
from seawall.build.image.cataloguers.python_dist_info import CATALOGUER, CLASSIFIERS, parse
from seawall.build.image.cataloguers.python_names import normalized
from seawall.build.image.selection import Selection
from seawall.core.package import Package


def told(data: str | bytes, path: str = "site-packages/a-1.dist-info/METADATA") -> Package:
    (package,) = parse(File(path, data.encode() if isinstance(data, str) else data))
    assert isinstance(package, Package), package
    return package


def _installed() -> list[tuple[Path, metadata.Distribution]]:
    found = []
    for distribution in metadata.distributions():
        for name in ("METADATA", "PKG-INFO"):
            path = Path(str(distribution.locate_file("."))) / str(getattr(distribution, "_path", "")) / name
            if path.is_file():
                found.append((path, distribution))
    return found


@pytest.mark.parametrize(("path", "distribution"), _installed(), ids=lambda value: value.parent.name if isinstance(value, Path) else "")
def test_what_is_installed_here_as_the_standard_library_reads_it(path: Path, distribution: metadata.Distribution) -> None:
    package = told(path.read_bytes(), str(path))
    assert (package.name, package.version, package.ref) == (distribution.metadata["Name"], distribution.version, normalized(package.name))
    pytest.importorskip("packaging")
    from packaging.requirements import Requirement

    requirements = [Requirement(text) for text in distribution.requires or ()]
    expected = {normalized(each.name) for each in requirements if not (each.marker and "extra" in str(each.marker))}
    assert set(package.requires) == expected - {package.ref}
    if "License-Expression" in distribution.metadata:
        assert package.licenses == (distribution.metadata["License-Expression"],)


def test_something_is_installed_here() -> None:
    assert len(_installed()) > 10


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("usr/lib/python3/dist-packages/six-1.16.0.egg-info", True),
        ("usr/lib/python3/dist-packages/PyYAML-6.0.egg-info/PKG-INFO", True),
        ("usr/lib/python3/dist-packages/PyYAML-6.0.egg-info/requires.txt", False),
        ("opt/eggs/six-1.16.0-py3.egg/EGG-INFO/PKG-INFO", True),
        ("opt/venv/lib/python3.11/site-packages/six-1.16.0.dist-info/METADATA", True),
        ("opt/venv/lib/python3.11/site-packages/six-1.16.0.dist-info/RECORD", False),
        ("srv/six-1.16.0/PKG-INFO", False),
    ],
)
def test_paths(path: str, taken: bool) -> None:
    assert bool(Selection([CATALOGUER]).of(path)) is taken


HEAD = "Metadata-Version: 2.1\nName: A.b\nVersion: 1.0\n"


@pytest.mark.parametrize(
    ("fields", "licences"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: other\n", ("MIT OR Apache-2.0",)),
        ("License: BSD\nClassifier: License :: OSI Approved :: MIT License\n", ("BSD",)),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n", ("MIT",)),
        ("License: Copyright (c) someone\n        |Permission is granted\nClassifier: License :: OSI Approved :: MIT License\n", ("MIT",)),
        ("Classifier: License :: OSI Approved :: BSD License\n", ()),
        ("Classifier: License :: OSI Approved\n", ()),
        ("Classifier: License :: OSI Approved :: MIT License\nClassifier: License :: OSI Approved :: ISC License (ISCL)\n", ("MIT", "ISC")),
        ("", ()),
    ],
)
def test_licences(fields: str, licences: tuple[str, ...]) -> None:
    assert told(HEAD + fields).licenses == licences


def test_classifiers_mean_one_licence_each() -> None:
    assert CLASSIFIERS["Apache Software License"] == "Apache-2.0"
    assert "BSD License" not in CLASSIFIERS


def test_requirements() -> None:
    package = told(
        HEAD
        + "Requires-Dist: Foo_bar[x] (>=1.0) ; python_version < '4'\nRequires-Dist: only; extra == 'x'\nRequires-Dist: also ; 'x' == extra\n"
        + "Requires-Dist: a-B[y]; extra == 'all'\nRequires-Dist: extra-things\nRequires-Dist: url @ https://files.example/url.zip\n"
    )
    assert package.requires == ("foo-bar", "extra-things", "url")


def test_the_description_is_not_read() -> None:
    package = told("\ufeff" + HEAD.replace("\n", "\r\n") + "\r\nName: other\r\nLicense: other\r\n")
    assert (package.name, package.version, package.licenses) == ("A.b", "1.0", ())


def test_what_is_not_there() -> None:
    assert [type(fact) for fact in parse(File("a.egg-info", b"Name: a\n"))] == [Problem]
    assert [type(fact) for fact in parse(File("a.egg-info", b"Version: a\n"))] == [Problem]
    assert list(parse(File("a.egg-info", b"\n"))) == []
    assert [type(fact) for fact in parse(File("a.egg-info", b"Name: a\x00b\nVersion: 1"))] == [Problem]


def test_a_line_of_blanks_goes_on_with_a_licence() -> None:
    package = told(
        b"Name: x\nVersion: 1\nLicense: Some terms\n        \n   More of them.\nRequires-Dist: six\n\nRequires-Dist: prose\n", "x/METADATA"
    )
    assert package.requires == ("six",)
