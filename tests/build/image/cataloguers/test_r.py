"""R: ``DESCRIPTION`` and ``renv.lock``."""

from pathlib import Path

import pytest

from seawall.build.image.cataloguer import File, Problem
from seawall.build.image.cataloguers import r_description, r_renv_lock
from seawall.build.image.selection import Selection
from seawall.core.package import Package
from seawall.core.purl import purl_of

FIXTURES = Path(__file__).parent / "fixtures"


def described(text: bytes) -> Package:
    (package,) = r_description.parse(File("usr/lib/R/library/x/DESCRIPTION", text))
    assert isinstance(package, Package)
    return package


def test_description() -> None:
    package = described((FIXTURES / "r-description/DESCRIPTION").read_bytes())
    assert (package.type, package.name, package.version, package.licenses) == ("cran", "dplyr", "1.1.2", ("MIT",))
    assert package.requires == ("cli", "generics", "methods", "rlang", "R6", "cpp11")
    assert purl_of(package) == "pkg:cran/dplyr@1.1.2"


@pytest.mark.parametrize(
    ("licence", "told"),
    [
        ("GPL (>= 2)", ("GPL-2.0-or-later",)),
        ("GPL-2 | GPL-3", ("GPL-2.0-only OR GPL-3.0-only",)),
        ("MIT + file LICENCE", ("MIT",)),
        ("Part of R 4.2.2", ("Part of R 4.2.2",)),
        ("GPL-2 | file LICENSE", ("GPL-2 | file LICENSE",)),
        ("", ()),
    ],
)
def test_licences(licence: str, told: tuple[str, ...]) -> None:
    assert described(f"Package: a\nVersion: 1.0-3\nLicense: {licence}\n".encode()).licenses == told


def test_bioconductor_is_a_place_of_its_own() -> None:
    package = described(b"Package: limma\nVersion: 3.54.0\nbiocViews: Alignment\ngit_url: https://git.bioconductor.org/packages/limma\n")
    assert purl_of(package) == "pkg:bioconductor/limma@3.54.0"
    assert described(b"Package: a\nVersion: 1\nbiocViews:\nRepository: CRAN\n").type == "cran"


def test_what_is_no_description() -> None:
    assert list(r_description.parse(File("library/a/DESCRIPTION", b"Package: a\n"))) == [
        Problem("library/a/DESCRIPTION", "no Version in the description of an R package")
    ]
    assert list(r_description.parse(File("d", b"Just words of something else\n"))) == []


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("usr/lib/R/library/base/DESCRIPTION", True),
        ("usr/local/lib/R/site-library/dplyr/DESCRIPTION", True),
        ("srv/renv/library/R-4.2/x86_64-pc-linux-gnu/dplyr/DESCRIPTION", True),
        ("root/.cache/R/renv/cache/v5/R-4.2/x86_64-pc-linux-gnu/dplyr/1.1.2/de0a/dplyr/DESCRIPTION", True),
        ("src/dplyr/DESCRIPTION", False),
    ],
)
def test_paths(path: str, wanted: bool) -> None:
    assert bool(Selection([r_description.CATALOGUER]).of(path)) == wanted


def test_a_template_inside_a_package_is_not_installed() -> None:
    path = "srv/renv/library/R-4.2/x86_64-pc-linux-gnu/usethis/templates/DESCRIPTION"
    assert list(r_description.parse(File(path, b"Package: a\nVersion: 1\n"))) == []
    assert len(list(r_description.parse(File(path, b"Package: a\nVersion: 1\nBuilt: R 4.2.2\n")))) == 1


def test_renv_lock() -> None:
    facts = list(r_renv_lock.parse(File("renv.lock", (FIXTURES / "renv/renv.lock").read_bytes())))
    found = [fact for fact in facts if isinstance(fact, Package)]
    assert [(one.type, one.name, one.version, one.requires) for one in found] == [
        ("cran", "markdown", "1.0", ("mime@0.12.1",)),
        ("cran", "mime", "0.12.1", ("markdown@1.0",)),
        ("bioconductor", "BiocGenerics", "0.44.0", ()),
        ("cran", "skeleton", "1.0.1", ()),
    ]
    assert found[3].qualifiers == {"vcs_url": "git+https://github.com/example/skeleton@e4aafb92b86ba7eba3b7036d9d96fdfb6c32761a"}
