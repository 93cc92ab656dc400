"""Which order an ecosystem's versions have."""

import pytest

from seawall.build.advisories import versions
from seawall.build.advisories.versions import scheme_of
from seawall.core.errors import UsageError


@pytest.mark.parametrize(
    ("ecosystem", "name"),
    [
        ("Debian", "debian"),
        ("Debian:12", "debian"),
        ("Ubuntu:22.04:LTS", "debian"),
        ("Ubuntu:Pro:18.04:LTS", "debian"),
        ("Alpine:v3.19", "alpine"),
        ("Wolfi", "alpine"),
        ("Chainguard", "alpine"),
        ("BellSoft Hardened Containers:23", "alpine"),
        ("Red Hat:enterprise_linux:9::baseos", "rpm"),
        ("Rocky Linux:8", "rpm"),
        ("AlmaLinux:9", "rpm"),
        ("SUSE:Linux Enterprise Server 15 SP5", "rpm"),
        ("openSUSE:Leap 15.5", "rpm"),
        ("Photon OS:5.0", "rpm"),
        ("Azure Linux:3", "rpm"),
        ("openEuler:24.03-LTS", "rpm"),
        ("Root:Alpine:3.18", "alpine"),
        ("root:PyPI", "pypi"),
        ("Root", "generic"),
        ("Echo", "debian"),
        ("Echo:PyPI", "pypi"),
        ("pypi", "pypi"),
        ("PYPI", "pypi"),
        (" npm ", "semver"),
        ("crates.io", "semver"),
        ("GitHub Actions", "semver"),
        ("SwiftURL", "semver"),
        ("Pub", "semver-build"),
        ("Julia", "semver-build"),
        ("GHC", "hackage"),
        ("Bioconductor:3.18", "cran"),
        ("Android:14", "generic"),
        ("redhat", "rpm"),
        ("rocky-linux", "rpm"),
        ("opensuse-leap", "rpm"),
        ("amzn", "rpm"),
        ("deb", "debian"),
        ("golang", "go"),
        ("cargo", "semver"),
        ("gem", "rubygems"),
        ("composer", "packagist"),
    ],
)
def test_names_of_ecosystems_purl_types_and_orders(ecosystem: str, name: str) -> None:
    assert scheme_of(ecosystem).name == name


@pytest.mark.parametrize(("ecosystem", "nearest"), [("debain", "Debian"), ("PyPi2:1", "PyPI"), ("Red-Hatt", "Red Hat"), ("ruby gem", "RubyGems")])
def test_an_unknown_name_is_told_the_nearest(ecosystem: str, nearest: str) -> None:
    with pytest.raises(UsageError, match=nearest):
        scheme_of(ecosystem)


@pytest.mark.parametrize("ecosystem", ["", ":", ":Debian", "\0", "x" * 10_000])
def test_no_name_at_all_is_one_short_line(ecosystem: str) -> None:
    with pytest.raises(UsageError) as raised:
        scheme_of(ecosystem)
    assert len(str(raised.value)) < 300
    assert "\n" not in str(raised.value)


def test_no_two_orders_share_a_name() -> None:
    names = [versions._plain(name) for names in versions._NAMES.values() for name in names.split(",")]
    assert len(names) == len(set(names))


def test_every_order_can_be_had() -> None:
    for ecosystem in versions._SPELLED:
        scheme = scheme_of(ecosystem)
        assert scheme.compare("1.9", "1.10") == (1 if scheme.name == "cpan" else -1)
        assert (scheme.key("1.9") < scheme.key("1.10")) is (scheme.name != "cpan")
