import subprocess
from pathlib import Path
from shutil import which

import pytest

from seawall.build.image.cataloguer import File, Problem
from seawall.build.image.cataloguers.ruby_gemfile_lock import CATALOGUER, parse
from seawall.core.package import Package
from seawall.core.purl import purl_of

LOCK = Path(__file__).parent / "fixtures/gemfile/Gemfile.lock"


def packages(data: bytes, path: str = "srv/Gemfile.lock") -> list[Package]:
    facts = list(parse(File(path, data)))
    found = [fact for fact in facts if isinstance(fact, Package)]
    assert found == facts
    return found


def test_sources_platforms_and_edges() -> None:
    found = packages(LOCK.read_bytes())
    assert [(package.name, package.version, package.qualifiers.get("platform", "")) for package in found] == [
        ("activerecord-session_store", "2.0.0", ""),
        ("actionpack", "6.1.7.3", ""),
        ("actionview", "6.1.7.3", ""),
        ("activesupport", "6.1.7.3", ""),
        ("concurrent-ruby", "1.2.2", ""),
        ("mini_portile2", "2.8.4", ""),
        ("nokogiri", "1.15.4", ""),
        ("nokogiri", "1.15.4", "x86_64-linux"),
        ("puma", "6.3.0.rc1", ""),  # what it needs is not locked
        ("racc", "1.7.1", ""),
        ("rack", "2.2.8", ""),
    ]
    edges = {(package.name, package.qualifiers.get("platform", "")): package.requires for package in found}
    assert edges["actionpack", ""] == ("actionview@6.1.7.3", "activesupport@6.1.7.3", "rack@2.2.8")
    assert edges["nokogiri", ""] == ("mini_portile2@2.8.4", "racc@1.7.1")
    assert edges["nokogiri", "x86_64-linux"] == ("racc@1.7.1",)
    assert edges["puma", ""] == ()
    assert purl_of(found[7]) == "pkg:gem/nokogiri@1.15.4?platform=x86_64-linux"
    commit = "6a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
    assert found[0].qualifiers == {"vcs_url": f"git+https://github.com/rails/activerecord-session_store.git@{commit}"}
    assert {package.path for package in found} == {"srv/Gemfile.lock"}
    assert not CATALOGUER.installed


def test_windows_line_ends_and_a_mark_at_the_start() -> None:
    assert packages(b"\xef\xbb\xbf" + LOCK.read_bytes().replace(b"\n", b"\r\n")) == packages(LOCK.read_bytes())


@pytest.mark.parametrize(
    "path",
    ["usr/lib/ruby/gems/3.1.0/gems/rbs-2.1.0/steep/Gemfile.lock", "usr/local/bundle/bundler/gems/forked-0a1b2c3d4e5f/Gemfile.lock"],
)
def test_a_lockfile_that_a_gem_is_packed_with_is_not_in_force(path: str) -> None:
    assert packages(LOCK.read_bytes(), path) == []


def test_what_bundler_itself_is_not_a_gem_of_the_project() -> None:
    assert packages(b"DEPENDENCIES\n    rack (2.0.0)\n\nBUNDLED WITH\n   2.4.19\n") == []


def test_merge_conflicts_are_told_with_their_line() -> None:
    data = b"GEM\n  specs:\n    a (1.0)\n<<<<<<< HEAD\n    b (1.0)\n=======\n    b (2.0)\n>>>>>>> x\n"
    package, problem = sorted(parse(File("Gemfile.lock", data)), key=lambda fact: isinstance(fact, Problem))
    assert isinstance(package, Package)
    assert package.name == "a"
    assert problem == Problem("Gemfile.lock", "has merge conflicts; not read further", 4)


def test_bytes_that_are_no_text() -> None:
    assert list(parse(File("Gemfile.lock", b"GEM\n\xff\xfe\xfa"))) == [Problem("Gemfile.lock", "not UTF-8 text", 2)]


BUNDLER = """
lock = Bundler::LockfileParser.new(STDIN.read)
lock.specs.each do |spec|
  next if spec.source.is_a?(Bundler::Source::Path) && !spec.source.is_a?(Bundler::Source::Git)
  puts [spec.name, spec.version, spec.platform, spec.dependencies.map(&:name).sort.join(",")].join("\\t")
end
"""


@pytest.mark.skipif(not which("ruby"), reason="needs Ruby, whose Bundler is the oracle")
def test_bundler_reads_the_same(tmp_path: Path) -> None:
    (tmp_path / "Gemfile").touch()  # else Bundler does not know what a PATH is relative to
    # CHECKSUMS are newer than the oldest Bundler that may be here.
    data = LOCK.read_bytes().replace(b"CHECKSUMS\n  rack (2.2.8) sha256=6d1b2e3f\n\n", b"")
    run = subprocess.run(["ruby", "-W0", "-rbundler", "-e", BUNDLER], input=data, capture_output=True, check=False, timeout=60, cwd=tmp_path)
    if run.returncode:
        pytest.skip(f"no Bundler: {run.stderr[-200:]!r}")
    ours = packages(data)
    names = {package.name for package in ours}
    theirs = set()
    for line in run.stdout.decode().splitlines():
        name, version, platform, needs = line.split("\t")
        theirs.add((name, version, "" if platform == "ruby" else platform, tuple(sorted(set(needs.split(",")) & names))))
    assert theirs == {
        (
            package.name,
            package.version,
            package.qualifiers.get("platform", ""),
            tuple(sorted({ref.partition("@")[0] for ref in package.requires})),
        )
        for package in ours
    }
