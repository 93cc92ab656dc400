"""Where a package is looked up: the ecosystem, the name and the version by which advisories speak of it.

Advisories name an ecosystem with its release (``Debian:12``) and a package by the words of that ecosystem; scanners have a purl type, a binary
package and an ``/etc/os-release``. Both sides come here to be written the same way. Nothing is guessed: a name never stands for another because they
look alike, a distribution is judged by its own advisories or not at all, and where it cannot be told the answer is a reason.

Sources: the OSV schema (https://ossf.github.io/osv-schema/, "Defined Ecosystems"), the purl types (ECMA-427), PEP 503 for Python names,
os-release(5).
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec import Struct

from seawall.build.advisories.feeds.debian_releases import VERSION_OF as DEBIAN_CODENAMES
from seawall.build.advisories.versions import scheme_of
from seawall.build.advisories.versions.scheme import Scheme
from seawall.core.package import Distro, Package


class Coordinate(NamedTuple):
    """A place to look: ``ecosystem`` and ``name`` are normalised, ``version`` is compared by ``scheme``."""

    ecosystem: str
    name: str
    version: str
    scheme: Scheme


class NotEvaluated(Struct, frozen=True):
    """No advisories can be asked about a package, and why, for users."""

    reason: str


# --- ecosystems ----------------------------------------------------------------------------------------------------------------------------------

_WITHOUT_RELEASE: Final = frozenset({"maven", "npm", "pypi", "go", "crates.io", "rubygems", "nuget", "hex", "pub", "cran", "bitnami"})
"""What follows the colon names a mirror or a registry, not another set of packages."""
_MAJOR: Final = frozenset({"almalinux", "rocky linux", "azure linux", "mageia"})
_SPELLED: Final = {"rhel": "red hat", "rocky": "rocky linux", "photon": "photon os", "githubactions": "github actions", "swift": "swifturl"}


@lru_cache(maxsize=4096)
def normalise_ecosystem(text: str) -> str:
    """One way to write an ecosystem: ``Debian:12.5`` and ``Debian:12`` are ``debian:12``, ``Alpine:v3.19`` is ``alpine:3.19``, ``Ubuntu:22.04:LTS``
    is ``ubuntu:22.04`` (``Ubuntu:Pro:18.04:LTS`` stays apart: ``ubuntu:pro:18.04``).

    The repositories of a Red Hat product (``Red Hat:enterprise_linux:9::baseos``) are one: no package name is in two of them.
    """
    name, _, release = text.strip().lower().partition(":")
    name = _SPELLED.get(name, name)
    if not release or name in _WITHOUT_RELEASE:
        return name
    if name == "debian":
        release = debian_release(release)
    elif name in ("alpine", "alpaquita"):
        release = ".".join(release.removeprefix("v").split(".")[:2])
    elif name == "ubuntu":
        release = release.removesuffix(":lts")
    elif name == "red hat":
        release = release.partition("::")[0]
    elif name in _MAJOR:
        release = release.partition(".")[0]
    return f"{name}:{release}"


def debian_release(text: str) -> str:
    """``12.5``, ``bookworm`` and ``12`` are ``12``; before Debian 7 the release has two numbers; ``sid`` is ``unstable``."""
    text = DEBIAN_CODENAMES.get(text, text)
    major, _, minor = text.partition(".")
    if not major.isdigit():
        return text
    return f"{major}.{minor.partition('.')[0] or '0'}" if int(major) < 7 else major


# --- names ---------------------------------------------------------------------------------------------------------------------------------------

_PYPI_RUN: Final = re.compile(r"[-_.]+")
_GO_ESCAPE: Final = re.compile(r"!([a-z])")


def _swift(name: str) -> str:
    return name.lower().partition("://")[2].strip("/").removesuffix(".git") if "://" in name else name.lower().strip("/").removesuffix(".git")


_NAMES: Final[dict[str, Callable[[str], str]]] = {
    "pypi": lambda name: _PYPI_RUN.sub("-", name).lower(),
    # A purl cannot tell Go modules apart by case (its type says so), and no host of modules does; "!" is the module proxy's way to write a capital.
    "go": lambda name: _GO_ESCAPE.sub(r"\1", name).lower(),
    "kubernetes": lambda name: name.lower() if "/" in name else f"k8s.io/{name.lower()}",
    "packagist": str.lower,
    "nuget": str.lower,
    "github actions": str.lower,
    "swifturl": _swift,
    "hex": str.lower,
    "pub": str.lower,
    "conancenter": str.lower,
    "bitnami": str.lower,
}


def normalise_name(ecosystem: str, name: str) -> str:
    """One way to write the name of a package; ``ecosystem`` is normalised. Where an ecosystem tells names apart by case (npm's old ones, Maven, gems,
    CRAN, crates), they stay as they are."""
    rule = _NAMES.get(ecosystem.partition(":")[0])
    return rule(name.strip()) if rule else name.strip()


# --- packages of languages -----------------------------------------------------------------------------------------------------------------------

_ECOSYSTEM_OF_TYPE: Final = {
    "pypi": "pypi",
    "npm": "npm",
    "golang": "go",
    "cargo": "crates.io",
    "maven": "maven",
    "gem": "rubygems",
    "composer": "packagist",
    "nuget": "nuget",
    "hex": "hex",
    "pub": "pub",
    "cran": "cran",
    "bioconductor": "bioconductor",
    "hackage": "hackage",
    "conan": "conancenter",
    "swift": "swifturl",
    "githubactions": "github actions",
    "github": "github actions",
    "cpan": "cpan",
    "julia": "julia",
    "bitnami": "bitnami",
    "k8s": "kubernetes",
}
_OS_TYPES: Final = frozenset({"deb", "apk", "rpm"})

# A version that says where the package is, which range it is in, or nothing: "(devel)", "dev-master", "${project.version}", "*", "file:../x".
_VERSION: Final = re.compile(r"[vV=]?[0-9]|go[0-9]")
_FULL_TAG: Final = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+")
_GEM_PLATFORM: Final = re.compile(r"-(?:x86|i[3-6]86|x64|amd64|arm|aarch64|universal|java|jruby|mswin|mingw|powerpc|ppc|s390|riscv|linux|darwin).*\Z")
_RUST_ITSELF: Final = frozenset({"std", "core", "alloc", "rustdoc"})
"""Names that crates.io keeps back: as packages they are parts of Rust."""


def coordinates(package: Package, distro: Distro | None = None) -> tuple[Coordinate, ...] | NotEvaluated:
    """Where to look for advisories about a package; ``distro`` is that of the image, for packages of a distribution."""
    if package.type in _OS_TYPES:
        return _of_distribution(package, distro)
    ecosystem = _ECOSYSTEM_OF_TYPE.get(package.type)
    if not ecosystem:
        return NotEvaluated(f"there are no advisories for packages of type {package.type!r}")
    version = package.version.strip()
    if not _VERSION.match(version):
        return NotEvaluated(f"{version!r} is no released version" if version else "the version is not known")
    if package.type in ("github", "githubactions") and not _FULL_TAG.match(version):
        return NotEvaluated(f"{version!r} is no single release of an action")
    if package.type == "conan" and "/" in package.name:
        return NotEvaluated("it is not from ConanCenter")
    if package.type == "gem":
        version = _GEM_PLATFORM.sub("", version)
    places = [(ecosystem, package.name)]
    if package.type == "golang" and _is_kubernetes(package.name, version):
        places.append(("kubernetes", package.name))
    elif package.type == "k8s":
        places.append(("go", normalise_name("kubernetes", package.name)))
    elif package.type == "cargo" and package.name in _RUST_ITSELF:
        places = [("rust", package.name)]
    elif package.type == "hackage":
        places.append(("ghc", package.name))
    elif package.type == "composer" and package.name.lower().startswith("drupal/"):
        places += [(f"packagist:https://packages.drupal.org/{major}", package.name) for major in ("7", "8")]
    return tuple(Coordinate(place, normalise_name(place, name), version, scheme_of(place)) for place, name in places)


def _is_kubernetes(name: str, version: str) -> bool:
    """Whether a Go module is a component of Kubernetes that is counted as Kubernetes is. Its libraries are released as v0.x too, and Kubernetes'
    feed, which counts releases of Kubernetes, does not speak of those."""
    return name.lower().startswith(("k8s.io/", "sigs.k8s.io/", "github.com/kubernetes")) and (
        not name.lower().startswith("k8s.io/") or not version.removeprefix("v").startswith("0.")
    )


# --- packages of distributions -------------------------------------------------------------------------------------------------------------------

_DISTRO_ALIASES: Final = {
    "redhat": "rhel",
    "red-hat": "rhel",
    "rocky-linux": "rocky",
    "rockylinux": "rocky",
    "alma": "almalinux",
    "opensuse.leap": "opensuse-leap",
    "opensuse.tumbleweed": "opensuse-tumbleweed",
    "suse": "sles",
    "cbl-mariner": "mariner",
}
_UBUNTU_CODENAMES: Final = {
    "trusty": "14.04",
    "xenial": "16.04",
    "bionic": "18.04",
    "focal": "20.04",
    "jammy": "22.04",
    "mantic": "23.10",
    "noble": "24.04",
    "oracular": "24.10",
    "plucky": "25.04",
    "questing": "25.10",
    "resolute": "26.04",
}
_BY_MAJOR: Final = {
    "almalinux": "almalinux",
    "rocky": "rocky linux",
    "rhel": "red hat:enterprise_linux",
    "mageia": "mageia",
    "azurelinux": "azure linux",
}
_ROLLING: Final = {"wolfi": ("wolfi",), "chainguard": ("chainguard", "wolfi"), "minimos": ("minimos",)}
_SUSE_MODULES: Final = (
    "basesystem",
    "server applications",
    "desktop applications",
    "development tools",
    "containers",
    "web and scripting",
    "public cloud",
    "python 3",
    "legacy",
    "certifications",
    "transactional server",
)
"""The modules that the packages of SUSE Linux Enterprise Server 15 come from. Source: SUSE's "Modules and Extensions Quick Start"."""

_BINNMU: Final = re.compile(r"\+b[0-9]+\Z")
_BY_SOURCE: Final = frozenset({"debian", "ubuntu", "alpine", "wolfi", "chainguard", "minimos", "suse", "opensuse", "openeuler", "mageia"})
"""Distributions that write advisories about source packages; the others name the binary ones."""


def _of_distribution(package: Package, distro: Distro | None) -> tuple[Coordinate, ...] | NotEvaluated:
    if distro is None or not distro.id:
        return NotEvaluated("the distribution is not known")
    if not package.version:
        return NotEvaluated("the version is not known")
    ecosystems = distribution_ecosystems(distro, package)
    if isinstance(ecosystems, NotEvaluated):
        return ecosystems
    family = ecosystems[0].partition(":")[0]
    name, version = _by_source(package, family) if family in _BY_SOURCE else (package.name, package.version)
    return tuple(Coordinate(ecosystem, normalise_name(ecosystem, name), version, scheme_of(ecosystem)) for ecosystem in ecosystems)


def source_of(package: Package) -> tuple[str, str]:
    """The name and version of the source of a package of a distribution. A rebuild without changes (``+b1``, Debian) is of the same source."""
    name, version = package.name, package.version
    if package.source and package.source.name:
        name, version = package.source.name, package.source.version or version
    return name, _BINNMU.sub("", version) if package.type == "deb" else version


def _by_source(package: Package, family: str) -> tuple[str, str]:
    """Where distributions write about source packages."""
    name, version = source_of(package)
    if family in ("debian", "ubuntu") and name.startswith("linux-signed"):
        # The package that only signs the kernel has a version of its own ("6.1.76+1"); its binaries have the kernel's.
        name = "linux" if family == "debian" else "linux" + name.removeprefix("linux-signed")
        return name, _BINNMU.sub("", package.version)
    return name, version


def distribution_ecosystems(distro: Distro, package: Package | None = None) -> tuple[str, ...] | NotEvaluated:
    """The ecosystems whose advisories are about a distribution's packages, or why there are none."""
    name = distro.id.lower()
    name = _DISTRO_ALIASES.get(name, name)
    if name in _ROLLING:
        return _ROLLING[name]
    release = (distro.version_id or distro.codename).lower()
    if name == "opensuse-tumbleweed":
        return ("opensuse:tumbleweed",)
    if not release:
        return NotEvaluated(f"the release of {name} is not known")
    if name == "debian":
        return _debian(release)
    if name == "ubuntu":
        return _ubuntu(release, package)
    if name == "alpine":
        return ("alpine:edge",) if release == "edge" or "_alpha" in release else (normalise_ecosystem(f"alpine:{release}"),)
    if not release[0].isdigit():
        return NotEvaluated(f"the release {release!r} of {name} is not known")
    if name == "centos":
        return _centos(distro, release)
    major = release.partition(".")[0]
    if name in _BY_MAJOR:
        return (f"{_BY_MAJOR[name]}:{major}",)
    if name in ("sles", "sle"):
        return _suse(release)
    if name in ("opensuse-leap", "opensuse"):
        return (f"opensuse:leap {release}",)
    if name == "photon":
        return (f"photon os:{'.'.join([*release.split('.'), '0'][:2])}",)
    if name == "openeuler":
        return tuple(f"openeuler:{release}{suffix}" for suffix in (("",) if "-" in release else ("", "-lts")))
    like = f" (it is like {', '.join(distro.like)}, but its packages are its own)" if distro.like else ""
    return NotEvaluated(f"there are no advisories for {distro.name or distro.id}{like}")


def _debian(release: str) -> tuple[str, ...] | NotEvaluated:
    if release in ("testing", "stable", "oldstable"):
        return NotEvaluated(f"{release!r} is another release of debian every few years; its codename tells which")
    found = debian_release(release)
    if found != "unstable" and not found[0].isdigit():
        return NotEvaluated(f"the release {release!r} of debian is not known")
    return (f"debian:{found}",)


def _ubuntu(release: str, package: Package | None) -> tuple[str, ...] | NotEvaluated:
    found = _UBUNTU_CODENAMES.get(release, release)
    if not found[0].isdigit():
        return NotEvaluated(f"the release {release!r} of ubuntu is not known")
    found = ".".join(found.split(".")[:2])
    # Ubuntu Pro says of a release all that matters to who has its packages; nobody else gets its fixes.
    has_pro = package is not None and "esm" in package.version
    return (f"ubuntu:pro:{found}" if has_pro else f"ubuntu:{found}",)


def _centos(distro: Distro, release: str) -> tuple[str, ...] | NotEvaluated:
    """CentOS Linux rebuilt Red Hat's packages one by one, up to release 8; CentOS Stream is ahead of them and has no advisories."""
    major = release.partition(".")[0]
    if int(major) > 8 or "stream" in distro.name.lower():
        return NotEvaluated("there are no advisories for CentOS Stream")
    return (f"red hat:enterprise_linux:{major}",)


def _suse(release: str) -> tuple[str, ...]:
    major, _, pack = release.partition(".")
    product = f"{major} sp{pack}" if pack and pack != "0" else major
    found = [f"suse:linux enterprise server {product}"]
    if int(major) >= 15:
        found += [f"suse:linux enterprise module for {module} {product}" for module in _SUSE_MODULES]
    return tuple(found)
