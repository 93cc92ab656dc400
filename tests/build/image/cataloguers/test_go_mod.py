import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from seawall.build.image.cataloguer import File, Problem
from seawall.build.image.cataloguers.go_mod import parse
from seawall.build.image.cataloguers.go_version import stdlib
from seawall.core.package import Package

MOD = """module example.com/shop // the shop

go 1.22

toolchain go1.22.5

require example.com/single v1.0.0 // indirect

require (
	example.com/a v1.2.3
	"example.com/quoted" v0.0.0-20240101000000-0a1b2c3d4e5f
	example.com/raw v2.0.0+incompatible // indirect
	example.com/excluded v1.0.0
	example.com/moved v1.0.0
	example.com/moved-at v1.0.0
	example.com/not-moved-at v1.1.0
	example.com/here v1.0.0
)

exclude example.com/excluded v1.0.0

replace (
	example.com/moved => example.org/fork v1.9.0
	example.com/moved-at v1.0.0 => example.org/fork-at v1.9.1
	example.com/not-moved-at v1.0.0 => example.org/nobody v9.9.9
)
replace example.com/here => ./here

retract [v1.0.0, v1.1.0]
tool example.com/a/cmd/tool
godebug default=go1.21
"""


def told(text: str, path: str = "srv/go.mod") -> list[tuple[str, str]]:
    facts = list(parse(File(path, text.encode())))
    assert all(isinstance(fact, Package) for fact in facts), facts
    return [(fact.name, fact.version) for fact in facts if isinstance(fact, Package)]


def test_directives() -> None:
    assert told(MOD) == [
        ("stdlib", "1.22.5"),
        ("example.com/single", "v1.0.0"),
        ("example.com/a", "v1.2.3"),
        ("example.com/quoted", "v0.0.0-20240101000000-0a1b2c3d4e5f"),
        ("example.com/raw", "v2.0.0+incompatible"),
        ("example.org/fork", "v1.9.0"),
        ("example.org/fork-at", "v1.9.1"),
        ("example.com/not-moved-at", "v1.1.0"),
    ]


def test_as_go_reads_it(tmp_path: Path) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not installed")
    (tmp_path / "go.mod").write_text(MOD)
    read = json.loads(subprocess.run([go, "mod", "edit", "-json"], cwd=tmp_path, capture_output=True, check=True, env=_offline()).stdout)
    required = {(each["Path"], each["Version"]) for each in read["Require"]}
    excluded = {(each["Path"], each["Version"]) for each in read["Exclude"]}
    for each in read["Replace"]:
        for module in [module for module in required if module[0] == each["Old"]["Path"] and each["Old"].get("Version", module[1]) == module[1]]:
            required.remove(module)
            if "Version" in each["New"]:
                required.add((each["New"]["Path"], each["New"]["Version"]))
    assert set(told(MOD)) - {("stdlib", read["Toolchain"].removeprefix("go"))} == required - excluded


def _offline() -> dict[str, str]:
    return {**os.environ, "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": ""}


@pytest.mark.parametrize(
    "path",
    ["root/go/pkg/mod/example.com/a@v1.2.3/go.mod", "usr/local/go/src/cmd/go/testdata/mod/go.mod", "testdata/go.mod"],
    ids=["cache", "tests", "top"],
)
def test_modules_that_nobody_builds(path: str) -> None:
    assert told(MOD, path) == []


@pytest.mark.parametrize(
    ("toolchain", "version"),
    [
        ("go1.21.5", "1.21.5"),
        ("go1.19", "1.19"),
        ("go1.22rc1", "1.22.0-rc.1"),
        ("go1.13beta1", "1.13.0-beta.1"),
        ("go1.21.5 X:boringcrypto", "1.21.5"),
        ("go1.20.4-google", "1.20.4"),
        ("go1.19.8 (Red Hat 1.19.8-1.el9)", "1.19.8"),
        ("devel go1.23-0a1b2c", None),
        ("devel +0a1b2c", None),
        ("go1.2.3.4", None),
        ("", None),
    ],
)
def test_toolchains(toolchain: str, version: str | None) -> None:
    library = stdlib(toolchain)
    assert (library.version if library else None) == version


@pytest.mark.parametrize("text", ["require (\n\tx v1.0.0\n", "( x", "=> a", 'require "a v1', "\xff"])
def test_broken(text: str) -> None:
    assert [type(fact) for fact in parse(File("go.mod", text.encode("latin-1")))] == [Problem]


def test_odd() -> None:
    assert told("require\nrequire x\nrequire ./x v1\nrequire x y\nreplace =>\nreplace a\nrequire a v1.0.0 extra") == []
    assert told("toolchain\ntoolchain local") == []
