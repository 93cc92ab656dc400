"""The distribution: ``os-release``, or the older files that name it where that is absent.

When several files tell it, ``etc/os-release`` is right before ``usr/lib/os-release``, which is right before all others: derivatives keep the files
of what they were derived from. That is also why only an os-release that tells nothing is a problem.

Source: os-release(5); the release files of the distributions.
"""

import re
from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Problem
from seawall.core.package import Distro

MAX_BYTES: Final = 2**16
"""Of a file; what follows is not read. Real ones have less than 1 kB."""

_ASSIGNMENT: Final = re.compile(
    r"""^[ \t]*([A-Za-z_][A-Za-z0-9_]*)=((?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\#;&|<>()])*)""", re.MULTILINE | re.DOTALL
)
_PIECE: Final = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|([^\s'"\\]+)""", re.DOTALL)
_ESCAPED: Final = re.compile(r'\\([\\$"`])')
_DEFAULT_ID: Final = "linux"

_RELEASE: Final = re.compile(r"^(?P<name>\D+?)(?:[ ]+(?:release|version))?[ ]+v?(?P<version>\d+(?:\.\d+)*)", re.IGNORECASE)
_PATCH_LEVEL: Final = re.compile(r"^PATCHLEVEL[ ]*=[ ]*([1-9]\d*)[ ]*$", re.MULTILINE)
_VERSION: Final = re.compile(r"\d+(?:\.\d+)*(?:_\w+)?")

# The first word or words of a release file, in lower case, and the ID that the distribution's os-release has.
_NAMES: Final = (
    ("red hat enterprise linux", "rhel"),
    ("centos", "centos"),
    ("fedora", "fedora"),
    ("oracle linux", "ol"),
    ("rocky linux", "rocky"),
    ("almalinux", "almalinux"),
    ("amazon linux", "amzn"),
    ("scientific linux", "scientific"),
    ("opensuse", "opensuse"),
    ("suse linux enterprise server", "sles"),
    ("vmware photon", "photon"),
    ("photon", "photon"),
    ("cbl-mariner", "mariner"),
)
_ONLY_MAJOR: Final = frozenset({"centos", "debian"})  # their os-release has VERSION_ID="7" where the release file says 7.9.2009
_LSB_KEYS: Final = ("DISTRIB_ID", "DISTRIB_RELEASE", "DISTRIB_CODENAME", "DISTRIB_DESCRIPTION")


def assignments(text: str) -> dict[str, str]:
    """The variables of a file that a shell could read, without expansion of any kind."""
    return {name: "".join(map(_unquoted, _PIECE.finditer(value))) for name, value in _ASSIGNMENT.findall(text)}


def _unquoted(piece: re.Match[str]) -> str:
    single, double, escaped, bare = piece.groups()
    if double is not None:
        return _ESCAPED.sub(r"\1", double.replace("\\\n", ""))
    if escaped is not None:
        return str(escaped).replace("\n", "")
    return str(single if single is not None else bare)


def parse(file: File) -> Facts:
    text = file.data[:MAX_BYTES].decode(errors="replace").removeprefix("\ufeff").replace("\r\n", "\n").replace("\0", "")
    name = file.path.rpartition("/")[2]
    if name == "os-release":
        distro = _os_release(assignments(text))
    elif name == "lsb-release":
        distro = _lsb_release(assignments(text))
    elif name == "alpine-release":
        distro = _numbered("alpine", text)
    elif name == "debian_version":
        distro = _numbered("debian", text)
    elif name == "arch-release":
        distro = Distro("arch")
    else:
        distro = _release(text)
    if distro is not None:
        yield distro
    elif name == "os-release" and text.strip():
        yield Problem(file.path, "tells no distribution")


def _os_release(values: dict[str, str]) -> Distro | None:
    if not values:
        return None
    return Distro(
        id=values.get("ID", "").lower() or _DEFAULT_ID,
        version_id=values.get("VERSION_ID", ""),
        codename=values.get("VERSION_CODENAME", ""),
        like=tuple(values.get("ID_LIKE", "").lower().split()),
        name=values.get("PRETTY_NAME", "") or values.get("NAME", ""),
    )


def _lsb_release(values: dict[str, str]) -> Distro | None:
    identity, release, codename, description = (values.get(key, "") for key in _LSB_KEYS)
    return Distro(identity.lower(), release, codename, name=description) if identity else None


def _numbered(identity: str, text: str) -> Distro | None:
    """``3.19.1``, ``12.4``, or ``trixie/sid`` for what is not released yet."""
    first = text.strip().partition("\n")[0].strip()
    if not first:
        return None
    if _VERSION.fullmatch(first):
        return Distro(identity, _shortened(identity, first))
    return Distro(identity, codename=first.partition("/")[0])


def _release(text: str) -> Distro | None:
    """``CentOS Linux release 7.9.2009 (Core)`` and its like."""
    first = text.strip().partition("\n")[0].strip()
    match = _RELEASE.match(first[:200])
    if match is None:
        return None
    said = match["name"].lower()
    for words, identity in _NAMES:
        if said.startswith(words):
            minor = _PATCH_LEVEL.search(text) if identity == "sles" else None
            return Distro(identity, _shortened(identity, match["version"]) + (f".{minor[1]}" if minor else ""), name=first)
    return None


def _shortened(identity: str, version: str) -> str:
    return version.partition(".")[0] if identity in _ONLY_MAJOR else version


OS_RELEASE = Cataloguer(
    name="os-release",
    parse=parse,
    paths=(
        "etc/os-release",
        "usr/lib/os-release",
        "etc/lsb-release",
        "etc/alpine-release",
        "etc/debian_version",
        "etc/arch-release",
        "etc/redhat-release",
        "etc/centos-release",
        "etc/oracle-release",
        "etc/system-release",
        "etc/SuSE-release",
        "etc/photon-release",
    ),
)
