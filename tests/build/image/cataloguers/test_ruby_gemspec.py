import json
import subprocess
from pathlib import Path
from shutil import which

import pytest

from seawall.build.image.cataloguer import File, Problem
from seawall.build.image.cataloguers.ruby_gemspec import CATALOGUER, parse
from seawall.build.image.selection import Selection
from seawall.core.package import Package

SPEC = Path(__file__).parent / "fixtures/gemspec/nokogiri-1.15.4-x86_64-linux.gemspec"


def only(data: bytes) -> Package:
    (package,) = parse(File("specifications/x.gemspec", data))
    assert isinstance(package, Package)
    return package


def test_a_gemspec_as_rubygems_writes_it() -> None:
    assert only(SPEC.read_bytes()) == Package(
        type="gem",
        name="nokogiri",
        version="1.15.4",
        licenses=("MIT",),
        path="specifications/x.gemspec",
        qualifiers={"platform": "x86_64-linux"},
        ref="nokogiri",
        requires=("racc",),
    )


def test_one_without_a_stub() -> None:
    written = b"""Gem::Specification.new do |spec|
  spec.name    = 'rake'
  spec.version = Gem::Version.new("12.3.3")
  spec.license = "MIT"
  spec.add_dependency 'json', '>= 1.0'
  spec.add_development_dependency "minitest"
end"""
    package = only(written)
    assert (package.name, package.version, package.licenses, package.requires) == ("rake", "12.3.3", ("MIT",), ("json",))


def test_what_ruby_would_have_to_compute_is_told() -> None:
    written = b"Gem::Specification.new do |s|\n  s.name = 'rake'\n  s.version = Rake::VERSION\nend"
    assert list(parse(File("a.gemspec", written))) == [Problem("a.gemspec", "a gemspec that does not tell the version of its gem in plain text")]
    interpolated = b's.name = "a#{`id`}"\ns.version = "1"'
    assert list(parse(File("a.gemspec", interpolated))) == [Problem("a.gemspec", "a gemspec that does not tell the name of its gem in plain text")]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("usr/local/bundle/specifications/nokogiri-1.15.4.gemspec", True),
        ("usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec", True),
        ("usr/local/bundle/gems/nokogiri-1.15.4/nokogiri.gemspec", False),
    ],
)
def test_only_specifications_are_installed(path: str, wanted: bool) -> None:
    assert bool(Selection([CATALOGUER]).of(path)) == wanted


RUBYGEMS = """
require "json"
puts JSON.generate(ARGV.map { |path| spec = Gem::Specification.load(path)
  [path, spec.name, spec.version.to_s, spec.platform.to_s, spec.licenses, spec.runtime_dependencies.map(&:name).uniq] })
"""


@pytest.mark.skipif(not which("ruby"), reason="needs Ruby, whose RubyGems is the oracle")
def test_rubygems_reads_the_gems_of_this_machine_the_same() -> None:
    paths = sorted(str(path) for path in Path("/usr").glob("**/specifications/**/*.gemspec"))
    if not paths:
        pytest.skip("no gems on this machine")
    run = subprocess.run(["ruby", "-W0", "-e", RUBYGEMS, *paths, str(SPEC)], capture_output=True, check=True, timeout=120)
    for path, name, version, platform, licences, needs in json.loads(run.stdout):
        package = only(Path(path).read_bytes())
        assert (package.name, package.version, package.qualifiers.get("platform", "ruby")) == (name, version, platform)
        assert (package.licenses, package.requires) == (tuple(dict.fromkeys(licences)), tuple(needs))
