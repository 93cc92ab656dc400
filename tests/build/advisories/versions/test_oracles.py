"""The orders against the tools that define them, where those are installed. The programs that ask them are in tests/oracle/versions."""

import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from packaging.version import InvalidVersion, Version

from seawall.build.advisories.versions import scheme_of

ORACLES: Final = Path(__file__).parents[3] / "oracle" / "versions"

# What versions of an ecosystem are made of, so that random rows of them are often valid and often close to each other.
PIECES: Final = {
    "debian": "0 1 2 9 10 . . . - ~ + : a b z A Z ~rc1 +deb12u1 -1 1: 00 ~bpo",
    "rpm": "0 1 2 9 10 . . . - _ ~ ^ + a b z A Z ~rc1 ^git1 -1 .el8 1: 00",
    "pypi": "0 1 2 3 . . . a b c rc dev post - _ + 1! alpha preview .dev1 .post1 a1 rc2 +ab.1 v r rev .0 -1",
    "npm": "0 1 2 .0 .1 .2 .10 - -a . + alpha beta -rc.1 -1 -a.b .01 .18446744073709551616",
    "go": "0 1 2 .0 .1 .2 .1.0 .0.0 - + alpha beta rc.1 -1 -0.20200101 +incompatible",
    "maven": "0 1 2 10 . . . - - a b m 1 alpha beta milestone rc cr snapshot ga final release sp foo RELEASE Final M1 -SNAPSHOT _ .0 .1 -1",
    "rubygems": "0 1 2 10 . . . - a b A rc pre .0 .1 beta 00",
    "packagist": "0 1 2 10 . . . - _ a b RC dev alpha beta patch pl p stable .x .x-dev -dev v +x .0 .1 @beta",
    "cpan": "0 1 2 10 100 002 . . _ v .0 .00",
}

STARTS: Final = {"npm": "0.0.1 1.0.0 1.2.3 1.2.10", "cpan": "0 1 2 v1."}


def pairs(kind: str, count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Random versions, each beside another or beside itself with a change."""
    choose = random.Random(seed)
    pieces, starts = PIECES[kind].split(), STARTS.get(kind, "0 1 2").split()

    def version() -> list[str]:
        return [choose.choice(starts), *choose.choices(pieces, k=choose.randrange(7))]

    def changed(version: list[str]) -> list[str]:
        version = [*version]
        place = choose.randrange(len(version) + 1)
        version[place : place + choose.randrange(3)] = choose.choices(pieces, k=choose.randrange(3))
        return version

    def found() -> Iterator[tuple[str, str]]:
        for _ in range(count):
            one = version()
            other = changed(one) if choose.random() < 0.7 else version()
            yield "".join(one), "".join(other) or "0"

    return list(found())


def answers(command: list[str | Path], asked: list[tuple[str, str]]) -> list[str]:
    questions = "".join(f"{a}\t{b}\n" for a, b in asked)
    done = subprocess.run(command, input=questions, capture_output=True, text=True, check=True)
    replies = done.stdout.split()
    assert len(replies) == len(asked), done.stderr[-300:]
    return replies


def needs(program: str) -> str:
    found = shutil.which(program)
    if not found:
        pytest.skip(f"{program} is not installed, so there is no order of its own to compare with")
    return found


def agree(ecosystem: str, asked: list[tuple[str, str]], replies: list[str], few: int = 0) -> None:
    """Ours is the tool's answer, wherever it has one; ``few`` may differ."""
    scheme = scheme_of(ecosystem)
    judged = [(a, b, int(reply)) for (a, b), reply in zip(asked, replies, strict=True) if reply != "?"]
    assert len(judged) > len(asked) // 10, "the tool refused nearly all"
    assert {reply for *_, reply in judged} == {-1, 0, 1}
    assert len([pair for pair in judged if scheme.says(pair[0], pair[1]) != pair[2]]) <= few, [
        (a, b, reply) for a, b, reply in judged if scheme.says(a, b) != reply
    ][:10]


def test_debian_as_dpkg() -> None:
    dpkg = needs("dpkg")

    def ask(a: str, b: str) -> str:
        lower, equal = (subprocess.run([dpkg, "--compare-versions", a, relation, b], capture_output=True, text=True) for relation in ("lt", "eq"))
        if lower.stderr or equal.stderr:
            return "?"  # it warns of a bad syntax
        return "-1" if not lower.returncode else "0" if not equal.returncode else "1"

    asked = pairs("debian", 200)
    agree("debian", asked, [ask(a, b) for a, b in asked])


def test_rpm_as_rpm(tmp_path: Path) -> None:
    rpm = needs("rpm")
    asked = pairs("rpm", 3000)
    questions, replies = tmp_path / "questions", tmp_path / "replies"
    questions.write_text("".join(f"{a}\t{b}\n" for a, b in asked))
    lua = (
        f"local replies = io.open('{replies}', 'w') for line in io.lines('{questions}') do local a, b = line:match('^(.-)\\t(.*)$') "
        "replies:write(rpm.vercmp(a, b), '\\n') end replies:close()"
    )
    subprocess.run([rpm, "--eval", f"%{{lua: {lua}}}"], check=True, capture_output=True)
    agree("rpm", asked, replies.read_text().split())


def test_pypi_as_packaging() -> None:
    def ask(a: str, b: str) -> str:
        try:
            one, other = Version(a), Version(b)
        except InvalidVersion:
            return "?"
        return str((one > other) - (one < other))

    asked = pairs("pypi", 3000)
    agree("pypi", asked, [ask(a, b) for a, b in asked])


def test_npm_as_its_semver() -> None:
    node, npm = needs("node"), needs("npm")
    modules = Path(subprocess.run([npm, "root", "--global"], capture_output=True, text=True, check=True).stdout.strip())
    semver = modules / "npm" / "node_modules" / "semver"
    if not semver.exists():
        pytest.skip("npm has no semver beside it, so there is no order of its own to compare with")
    asked = pairs("npm", 6000)
    agree("npm", asked, answers([node, ORACLES / "semver.js", semver], asked))


def test_go_as_its_semver(tmp_path: Path) -> None:
    go = needs("go")
    download = subprocess.run([go, "mod", "download"], cwd=ORACLES, capture_output=True, text=True)
    if download.returncode:
        pytest.skip(f"golang.org/x/mod cannot be had: {download.stderr.strip()[-300:]}")
    subprocess.run([go, "build", "-o", tmp_path / "versions", "."], cwd=ORACLES, check=True)
    asked = pairs("go", 6000)
    agree("go", asked, answers([tmp_path / "versions"], asked))


def test_maven_as_maven() -> None:
    """``told`` follows Maven where it contradicts itself, see ``maven.py``."""
    java, maven = needs("java"), needs("mvn")
    found = sorted((Path(maven).resolve().parents[1] / "lib").glob("maven-artifact-3*.jar"))
    if not found:
        pytest.skip("there is no maven-artifact 3 beside mvn, so there is no order of its own to compare with")
    asked = pairs("maven", 3000)
    agree("maven", asked, answers([java, "-cp", found[0], ORACLES / "ComparableVersions.java"], asked))


def test_rubygems_as_ruby() -> None:
    asked = pairs("rubygems", 3000)
    agree("rubygems", asked, answers([needs("ruby"), ORACLES / "gem.rb"], asked))


def test_packagist_as_composer() -> None:
    php = needs("php")
    if subprocess.run([php, "-r", "exit(stream_resolve_include_path('Composer/Semver/VersionParser.php') ? 0 : 1);"]).returncode:
        pytest.skip("composer/semver is not installed, so there is no order of its own to compare with")
    asked = pairs("packagist", 6000)
    agree("packagist", asked, answers([php, ORACLES / "composer.php"], asked))


def test_what_composer_refuses_as_php() -> None:
    # Composer takes @ and x for its own; PHP is not even reflexive on a separator at the end.
    asked = [(f"1.2.3.4.{a}0", f"1.2.3.4.{b}0") for a, b in pairs("packagist", 3000) if not set(a + b) & set("@x+")]
    agree("packagist", asked, answers([needs("php"), ORACLES / "version_compare.php"], asked))


def test_cpan_as_perl() -> None:
    # A point at the end does not count in some releases of version.pm only, and numbers beyond 32 bits are cut off.
    asked = [(a, b) for a, b in pairs("cpan", 6000) if not a.endswith(".") and not b.endswith(".") and not re.search("[0-9_]{10}", f"{a} {b}")]
    agree("cpan", asked, answers([needs("perl"), ORACLES / "version.pl"], asked))
