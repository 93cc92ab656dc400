"""Lockfiles with bytes changed, cut off or doubled: a parser yields facts, whatever it is given, and soon."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.build.image.cataloguer import Cataloguer, File, Problem
from seawall.build.image.cataloguers import (
    bitnami_spdx,
    conan_lock,
    conda_environment,
    conda_lock,
    conda_meta,
    dart_pubspec_lock,
    dotnet_deps_json,
    dotnet_packages_config,
    dotnet_packages_lock,
    dotnet_project,
    dotnet_project_assets,
    elixir_mix_lock,
    erlang_rebar_lock,
    haskell_cabal_freeze,
    haskell_stack_lock,
    julia_manifest,
    lua_rockspec,
    perl_cpanfile_snapshot,
    perl_install_json,
    php_composer_lock,
    php_installed,
    r_description,
    r_renv_lock,
    ruby_gemfile_lock,
    ruby_gemspec,
    swift_package_resolved,
    swift_podfile_lock,
)
from seawall.core.package import Package
from seawall.core.purl import purl_of, read_purl

FIXTURES = Path(__file__).parent / "fixtures"
SAMPLES: list[tuple[Cataloguer, str]] = [
    (bitnami_spdx.CATALOGUER, "bitnami/.spdx-redis.spdx"),
    (conan_lock.CATALOGUER, "conan1/conan.lock"),
    (conan_lock.CATALOGUER, "conan2/conan.lock"),
    (conda_environment.CATALOGUER, "conda-environment/environment.yml"),
    (conda_lock.CATALOGUER, "conda-lock/conda-lock.yml"),
    (conda_meta.CATALOGUER, "conda-meta/numpy-1.24.3-py310h5f9d8c6_1.json"),
    (dart_pubspec_lock.CATALOGUER, "pubspec/pubspec.lock"),
    (dotnet_deps_json.CATALOGUER, "deps-json/Shop.deps.json"),
    (dotnet_packages_config.CATALOGUER, "nuget-config/packages.config"),
    (dotnet_packages_lock.CATALOGUER, "nuget-lock/packages.lock.json"),
    (dotnet_project.CATALOGUER, "nuget-project/Shop.csproj"),
    (dotnet_project_assets.CATALOGUER, "nuget-assets/project.assets.json"),
    (elixir_mix_lock.CATALOGUER, "mix/mix.lock"),
    (erlang_rebar_lock.CATALOGUER, "rebar/rebar.lock"),
    (haskell_cabal_freeze.CATALOGUER, "cabal/cabal.project.freeze"),
    (haskell_stack_lock.CATALOGUER, "stack/stack.yaml.lock"),
    (julia_manifest.CATALOGUER, "julia1/Manifest.toml"),
    (julia_manifest.CATALOGUER, "julia2/Manifest.toml"),
    (lua_rockspec.CATALOGUER, "rockspec/luasec-1.3.2-1.rockspec"),
    (perl_cpanfile_snapshot.CATALOGUER, "carton/cpanfile.snapshot"),
    (perl_install_json.CATALOGUER, "cpanm/install.json"),
    (php_composer_lock.CATALOGUER, "composer/composer.lock"),
    (php_installed.CATALOGUER, "composer-installed2/installed.json"),
    (r_description.CATALOGUER, "r-description/DESCRIPTION"),
    (r_renv_lock.CATALOGUER, "renv/renv.lock"),
    (ruby_gemfile_lock.CATALOGUER, "gemfile/Gemfile.lock"),
    (ruby_gemspec.CATALOGUER, "gemspec/nokogiri-1.15.4-x86_64-linux.gemspec"),
    (swift_package_resolved.CATALOGUER, "swift1/Package.resolved"),
    (swift_package_resolved.CATALOGUER, "swift3/Package.resolved"),
    (swift_podfile_lock.CATALOGUER, "podfile/Podfile.lock"),
]


@pytest.mark.parametrize(("cataloguer", "name"), SAMPLES, ids=[name for _, name in SAMPLES])
def test_the_sample_itself_is_without_problems_and_has_purls(cataloguer: Cataloguer, name: str) -> None:
    facts = list(cataloguer.parse(File(name, (FIXTURES / name).read_bytes())))
    assert facts
    for fact in facts:
        assert isinstance(fact, Package)
        again, _ = read_purl(purl_of(fact))
        assert (again.type, again.name.lower(), again.version) == (fact.type, fact.name.lower(), fact.version)
    refs = {fact.ref or f"{fact.name}@{fact.version}" for fact in facts if isinstance(fact, Package)}
    lockfile = not cataloguer.installed
    assert all(set(fact.requires) <= refs for fact in facts if lockfile and isinstance(fact, Package))


@settings(max_examples=300)
@given(st.data())
def test_changed_bytes(data: st.DataObject) -> None:
    cataloguer, name = data.draw(st.sampled_from(SAMPLES))
    content = bytearray((FIXTURES / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content)))
        match data.draw(st.integers(0, 4)):
            case 0:
                content[place : place + 1] = bytes([data.draw(st.integers(0, 255))])
            case 1:
                del content[place : place + data.draw(st.integers(1, 60))]
            case 2:
                content[place:place] = data.draw(
                    st.sampled_from([b'"', b"{", b"[", b":", b"null", b"\n", b" ", b"&a", b"*a", b"\xff", b"<", b"(", b"-"])
                )
            case 3:
                content[place:place] = content[place : place + 200]
            case _:
                del content[place:]
    for fact in cataloguer.parse(File("x", bytes(content))):
        assert isinstance(fact, Package | Problem)
        if isinstance(fact, Package):
            purl_of(fact)


@pytest.mark.parametrize("cataloguer", {one.name: one for one, _ in SAMPLES}.values(), ids=lambda cataloguer: str(cataloguer.name))
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 1000,
        b"\xff\xfe" + b"a" * 1001,
        b"{" * 20_000,
        b"[" * 20_000,
        b"(" * 20_000,
        b'{"packages": {"a": ' * 5_000,
        b" " * 200_000,
        b"a-" * 100_000,
        b'"' * 100_001,
        b"a: &a [" + b"*a, " * 1000 + b"]",
        b"\n".join(b"a%d: &a%d [*a%d, *a%d]" % (one + 1, one + 1, one, one) for one in range(100)),
    ],
    ids=lambda content: str(content[:12]),
)
def test_nonsense(cataloguer: Cataloguer, content: bytes) -> None:
    assert not [fact for fact in cataloguer.parse(File("x", content)) if not isinstance(fact, Problem)]


@pytest.mark.parametrize(
    ("cataloguer", "content"),
    [
        (conan_lock.CATALOGUER, b'{"requires": ["no reference", "zlib/1.2.11"]}'),
        (haskell_stack_lock.CATALOGUER, b"packages:\n- completed: {hackage: nothing}\n- completed: {hackage: a-1}\n"),
        (ruby_gemfile_lock.CATALOGUER, b"GEM\n  specs:\n    broken (1.0\n    rack (2.0)\n"),
        (swift_podfile_lock.CATALOGUER, b"PODS:\n  - a/b(\n  - c (1)\n"),
        (php_composer_lock.CATALOGUER, b'{"packages": [{"version": "1"}, {"name": "a/b", "version": "1"}]}'),
    ],
    ids=lambda value: value.name if isinstance(value, Cataloguer) else "",
)
def test_an_entry_that_cannot_be_understood_is_told_beside_the_others(cataloguer: Cataloguer, content: bytes) -> None:
    package, problem = cataloguer.parse(File("x", content))
    assert isinstance(package, Package)
    assert problem == Problem("x", "1 entry has a name that no package can have; left out")
