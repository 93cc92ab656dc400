"""Julia's manifests, what Carton and cpanm tell, LuaRocks."""

from pathlib import Path

import pytest

from seawall.build.image.cataloguer import File, Parse, Problem
from seawall.build.image.cataloguers import julia_manifest, lua_rockspec, perl_cpanfile_snapshot, perl_install_json
from seawall.build.image.cataloguers.perl_cpanfile_snapshot import DISTRIBUTION
from seawall.build.image.selection import Selection
from seawall.core.package import Package
from seawall.core.purl import purl_of

FIXTURES = Path(__file__).parent / "fixtures"


def packages(parse: Parse, name: str) -> list[Package]:
    facts = list(parse(File(f"srv/{name}", (FIXTURES / name).read_bytes())))
    found = [fact for fact in facts if isinstance(fact, Package)]
    assert found == facts
    return found


def test_julia_1() -> None:
    http, tls = packages(julia_manifest.parse, "julia1/Manifest.toml")
    assert (http.name, http.version, http.requires) == ("HTTP", "0.9.5", (tls.ref,))
    assert purl_of(tls) == "pkg:julia/MbedTLS@1.0.3?uuid=739be429-bea8-5141-9913-cc70e7f3736d"


def test_julia_2() -> None:
    forked, http = packages(julia_manifest.parse, "julia2/Manifest.toml")
    assert (http.name, http.requires) == ("HTTP", (forked.ref,))
    assert forked.qualifiers["vcs_url"].startswith("git+https://github.com/example/Forked.jl.git")


def test_a_manifest_of_something_else() -> None:
    assert list(julia_manifest.parse(File("Manifest.toml", b'name = "x"\n[[file]]\nversion = "1"\n'))) == []


def test_carton() -> None:
    found = packages(perl_cpanfile_snapshot.parse, "carton/cpanfile.snapshot")
    assert [(one.name, one.version, one.requires) for one in found] == [
        ("HTTP-Message", "6.44", ()),
        ("Plack", "1.0050", ("HTTP-Message@6.44",)),
        ("version", "0.9929", ()),
    ]
    assert list(perl_cpanfile_snapshot.parse(File("s", b"hello"))) == [Problem("s", "not a snapshot of Carton")]


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("Plack-1.0050", "Plack", "1.0050"),
        ("version-v0.9929.0", "version", "v0.9929.0"),
        ("Net-SSLeay-1.93_01", "Net-SSLeay", "1.93_01"),
        ("Moose-2.2203-TRIAL", "Moose", "2.2203-TRIAL"),
        ("Text-CSV_XS-1.50", "Text-CSV_XS", "1.50"),
    ],
)
def test_names_of_distributions(text: str, name: str, version: str) -> None:
    match = DISTRIBUTION.fullmatch(text)
    assert match
    assert match.groups() == (name, version)


def test_cpanm() -> None:
    (package,) = packages(perl_install_json.parse, "cpanm/install.json")
    assert purl_of(package) == "pkg:cpan/Plack@1.0050"
    assert Selection([perl_install_json.CATALOGUER]).of("usr/local/share/perl/5.36.0/x86_64-linux/.meta/Plack-1.0050/install.json")


def test_luarocks() -> None:
    (package,) = packages(lua_rockspec.parse, "rockspec/luasec-1.3.2-1.rockspec")
    assert (package.name, package.version, package.licenses, package.requires) == ("LuaSec", "1.3.2-1", ("MIT",), ("luasocket",))
    assert Selection([lua_rockspec.CATALOGUER]).of("usr/local/lib/luarocks/rocks-5.1/luasec/1.3.2-1/luasec-1.3.2-1.rockspec")
    assert not Selection([lua_rockspec.CATALOGUER]).of("src/luasec/luasec-1.3.2-1.rockspec")
