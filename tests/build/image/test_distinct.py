import pytest

from seawall.build.image import distinct as module
from seawall.build.image.cataloguer import Problem
from seawall.build.image.distinct import distinct
from seawall.core.package import Package


def package(name: str, version: str = "1.0", requires: tuple[str, ...] = (), *, development: bool = False, path: str = "") -> Package:
    return Package(type="npm", name=name, version=version, requires=requires, development=development, path=path)


def test_each_once() -> None:
    given = [
        package("a", requires=("x", "y"), development=True),
        package("b", path="own"),
        package("a", requires=("y", "z")),
        package("a", "2.0", development=True),
        package("a", "2.0", development=True),
    ]
    assert list(distinct("file", given)) == [
        package("a", requires=("x", "y", "z"), path="file"),
        package("b", path="own"),
        package("a", "2.0", development=True, path="file"),
    ]


@pytest.mark.parametrize("name", ["", "a\nb", "a\x1b[31m", "a" * 1_001, "\u202eevil"])
def test_names_that_are_none(name: str) -> None:
    facts = list(distinct("file", [package(name), package("a")]))
    assert facts == [package("a", path="file"), Problem("file", "1 entry has a name that no package can have; left out")]


def test_versions_that_are_none() -> None:
    facts = list(distinct("file", [package("a", "1\t0"), package("a", "\x00")]))
    assert facts == [Problem("file", "2 entries have names that no package can have; left out")]


def test_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PACKAGES_PER_FILE", 3)
    facts = list(distinct("file", (package(str(index)) for index in range(1_000_000_000))))
    assert facts == [*(package(str(index), path="file") for index in range(3)), Problem("file", "more than 3 packages; the rest was not read")]
