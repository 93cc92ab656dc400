"""The formats of .NET and NuGet."""

from pathlib import Path

import pytest

from seawall.build.image.cataloguer import File, Parse
from seawall.build.image.cataloguers import (
    dotnet_deps_json,
    dotnet_packages_config,
    dotnet_packages_lock,
    dotnet_project,
    dotnet_project_assets,
)
from seawall.build.image.cataloguers.dotnet_names import exact
from seawall.build.image.selection import Selection
from seawall.core.package import Package

FIXTURES = Path(__file__).parent / "fixtures"


def packages(parse: Parse, data: bytes) -> list[Package]:
    facts = list(parse(File("srv/x", data)))
    found = [fact for fact in facts if isinstance(fact, Package)]
    assert found == facts
    return found


def edges(parse: Parse, name: str) -> dict[str, tuple[str, ...]]:
    return {f"{package.name}@{package.version}": package.requires for package in packages(parse, (FIXTURES / name).read_bytes())}


def test_deps_json() -> None:
    # Not there: the application and its projects, what has no files, what the framework has replaced.
    assert edges(dotnet_deps_json.parse, "deps-json/Shop.deps.json") == {
        "Microsoft.NETCore.App.Runtime.linux-x64@6.0.3": (),
        "Newtonsoft.Json@13.0.1": (),
        "Serilog@2.12.0": ("Newtonsoft.Json@13.0.1",),  # by name: there is one version of each
        "SQLitePCLRaw.lib.e_sqlite3@2.1.4": (),
    }
    assert dotnet_deps_json.CATALOGUER.installed


def test_the_framework_itself() -> None:
    shared = b"""{"runtimeTarget": {"name": ".NETCoreApp,Version=v8.0/linux-x64"},
      "targets": {".NETCoreApp,Version=v8.0/linux-x64": {"Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"runtime": {"mscorlib.dll": {}}}}},
      "libraries": {"Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"type": "package"}}}"""
    assert [(package.name, package.version) for package in packages(dotnet_deps_json.parse, shared)] == [
        ("Microsoft.NETCore.App.Runtime.linux-x64", "8.0.1")
    ]


def test_a_library_that_no_target_speaks_of_is_kept() -> None:
    document = b'{"runtimeTarget": {"name": "x"}, "targets": {}, "libraries": {"A/1.0": {"type": "package"}, "B/1.0": {"type": "referenceassembly"}}}'
    assert [package.name for package in packages(dotnet_deps_json.parse, document)] == ["A"]


def test_packages_lock() -> None:
    assert edges(dotnet_packages_lock.parse, "nuget-lock/packages.lock.json") == {
        "Serilog@2.12.0": (),
        "Serilog.Sinks.File@5.0.0": ("Serilog@2.12.0",),
        "System.Data.SqlClient@4.8.5": (),
    }


def test_packages_config() -> None:
    found = packages(dotnet_packages_config.parse, (FIXTURES / "nuget-config/packages.config").read_bytes())
    assert [(package.name, package.version, package.development) for package in found] == [
        ("jQuery", "3.1.1", False),
        ("NLog", "4.3.10", False),
        ("StyleCop.Analyzers", "1.1.118", True),
    ]
    # A file of this name that is none of NuGet's.
    assert packages(dotnet_packages_config.parse, b"<configuration><package id='a' version='1'/></configuration>") == []


def test_project_assets() -> None:
    assert edges(dotnet_project_assets.parse, "nuget-assets/project.assets.json") == {
        "Serilog@2.12.0": (),
        "Serilog.Sinks.File@5.0.0": ("Serilog@2.12.0",),
    }


def test_project_files() -> None:
    project = packages(dotnet_project.parse, (FIXTURES / "nuget-project/Shop.csproj").read_bytes())
    assert [(package.name, package.version, package.development) for package in project] == [
        ("Newtonsoft.Json", "13.0.1", False),
        ("Serilog", "2.12.0", False),
        ("StyleCop.Analyzers", "1.1.118", True),
        ("Pinned", "1.5.0", False),
    ]
    central = packages(dotnet_project.parse, (FIXTURES / "nuget-project/Directory.Packages.props").read_bytes())
    assert [(package.name, package.version) for package in central] == [
        ("PackageA", "1.0.0"),
        ("PackageB", "2.0.0"),
        ("PackageC", "2.0.0"),
        ("Nerdbank.GitVersioning", "3.5.109"),
    ]


def test_properties_that_name_each_other_end() -> None:
    looping = b"""<Project><PropertyGroup><A>$(B)$(B)</A><B>$(A)$(A)</B></PropertyGroup>
      <ItemGroup><PackageReference Include="X" Version="$(A)"/></ItemGroup></Project>"""
    assert packages(dotnet_project.parse, looping) == []


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.2.3", "1.2.3"),
        ("1.0.0-beta.1+build", "1.0.0-beta.1+build"),
        ("[1.0]", "1.0"),
        ("[ 1.0 ]", "1.0"),
        ("[1.0,)", ""),
        ("[1.0,1.0]", ""),
        ("(1.0)", ""),
        ("6.*", ""),
        ("*", ""),
        ("$(Version)", ""),
        ("1.0$(Suffix)", ""),
        ("", ""),
    ],
)
def test_exact_versions(text: str, version: str) -> None:
    assert exact(text) == version


def test_paths() -> None:
    selection = Selection([dotnet_deps_json.CATALOGUER, dotnet_project.CATALOGUER])
    assert selection.of("app/Shop.deps.json")
    assert selection.of("src/Shop.fsproj")
    assert selection.of("Directory.Packages.props")
    assert not selection.of("app/deps.json")
