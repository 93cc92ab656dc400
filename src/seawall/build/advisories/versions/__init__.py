"""The order of versions, one file per ecosystem.

Each module has a :class:`Scheme`: ``compare(a, b)`` is -1, 0 or 1, and ``key(version)`` gives bytes whose order is the same, so that "is this version
affected" is a comparison of bytes, and a fleet is matched by a join. Neither raises: a version that no specification covers has a stable place.

    >>> debian = scheme_of("Debian:12")
    >>> debian.compare("1.0~rc1-1", "1.0-1")
    -1
    >>> debian.key("1.0~rc1-1") < debian.key("1.0-1")
    True

:func:`scheme_of` knows the ecosystems of the OSV schema, the types of package URLs, and the names of the orders themselves. A module is imported when
its order is first asked for.
"""

from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from typing import Final

from seawall.build.advisories.versions.scheme import Scheme
from seawall.core.errors import UsageError

# The module of each order, and who has it: ecosystems as OSV spells them, then purl types, ids of os-release and other names. They are compared
# without regard to case, blanks, dots, dashes and underscores.
_NAMES: Final = {
    "alpine": "Alpine, Wolfi, Chainguard, MinimOS, Alpaquita, BellSoft Hardened Containers, BellSoft, apk, apk-tools, postmarketOS",
    "bitnami": "Bitnami",
    "conan": "ConanCenter, conan",
    "conda": "conda, Conda-Forge",
    "cpan": "CPAN, perl",
    "cran": "CRAN, Bioconductor, R",
    "debian": "Debian, Ubuntu, Echo, Docker Hardened Images, deb, dpkg, Raspbian, Kali, opkg",
    "generic": "generic, Android, GIT, GSD, UVI, CleanStart, TuxCare, Root",
    "go": "Go, golang, stdlib, toolchain",
    "hackage": "Hackage, GHC, haskell",
    "maven": "Maven, gradle, sbt",
    "nuget": "NuGet, dotnet",
    "opam": "opam, ocaml",
    "packagist": "Packagist, composer, php, Drupal, WordPress",
    "pypi": "PyPI, pep440, python",
    "rpm": (
        "Red Hat, rpm, RHEL, CentOS, CentOS Stream, Rocky Linux, Rocky, AlmaLinux, Alma, SUSE, openSUSE, SLES, Mageia, Photon OS, Photon, openEuler, "
        "Azure Linux, CBL-Mariner, Mariner, Amazon Linux, Amazon, amzn, Oracle Linux, Oracle, ol, Fedora, EPEL, OpenAnolis, "
        "Anolis OS, TencentOS Server, ALT Linux, openSUSE Leap, openSUSE Tumbleweed"
    ),
    "rubygems": "RubyGems, gem, ruby, CocoaPods",
    "semver": (
        "npm, crates.io, cargo, rust, Hex, SwiftURL, swift, semver, GitHub Actions, Kubernetes, node, javascript, "
        "Linux, OSS-Fuzz, VSCode, Open VSX, oci, docker, helm, terraform, bower, yarn, elixir, erlang"
    ),
    "semver:WITH_BUILD": "Pub, dart, Julia",
}
_SPELLED: Final = {name.strip(): order for order, names in _NAMES.items() for name in names.split(",")}


def _plain(name: str) -> str:
    return name.strip().lower().translate({ord(sign): None for sign in " .-_"})


_ORDERS: Final = {_plain(name): order for name, order in _SPELLED.items()}


# They patch the packages of others, whose ecosystem follows theirs: "Root:Alpine:3.18".
_PATCHERS: Final = frozenset({"root", "echo", "dockerhardenedimages"})


@lru_cache(maxsize=4096)
def scheme_of(ecosystem: str) -> Scheme:
    """The order of an ecosystem's versions. A release (``Debian:12``, ``Red Hat:enterprise_linux:9::baseos``) is cut off.

    Raises :class:`UsageError` with the nearest names when there is no such ecosystem.
    """
    name, _, release = ecosystem.partition(":")
    name = _plain(name)
    order = _ORDERS.get(name)
    if name in _PATCHERS:
        order = _ORDERS.get(_plain(release.partition(":")[0]), order)
    return _load(order) if order else _unknown(ecosystem, name)


@lru_cache
def _load(order: str) -> Scheme:
    module, _, scheme = order.partition(":")
    loaded: Scheme = getattr(import_module(f"{__name__}.{module}"), scheme or "SCHEME")
    return loaded


def _unknown(ecosystem: str, name: str) -> Scheme:
    spelled = {_plain(one): one for one in _SPELLED}
    near = [spelled[close] for close in get_close_matches(name[:80], spelled, n=3)]
    hint = f"nearest: {', '.join(near)}" if near else "such as Debian, Alpine, PyPI, npm, Maven, Go, RubyGems, rpm"
    raise UsageError(f"no order of versions for the ecosystem {ecosystem[:80]!r} ({hint})")
