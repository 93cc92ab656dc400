"""Whether a distribution's release still gets security updates.

Sources: os-release(5); the dates of https://endoflife.date, as the advisory database has them.
"""

import json
import sqlite3
from collections.abc import Iterator
from datetime import date
from typing import Final

from msgspec import Struct

from seawall.build.advisories.ecosystems import NotEvaluated
from seawall.build.advisories.model import EndOfLife
from seawall.core.package import Distro

_PRODUCTS: Final = {
    "debian": "debian",
    "ubuntu": "ubuntu",
    "alpine": "alpine-linux",
    "almalinux": "almalinux",
    "rocky": "rocky-linux",
    "rhel": "rhel",
    "redhat": "rhel",
    "centos": "centos",
    "ol": "oracle-linux",
    "oracle": "oracle-linux",
    "fedora": "fedora",
    "amzn": "amazon-linux",
    "amazon": "amazon-linux",
    "sles": "sles",
    "opensuse-leap": "opensuse",
    "photon": "photon",
    "mageia": "mageia",
    "devuan": "devuan",
    "linuxmint": "linuxmint",
    "slackware": "slackware",
    "nixos": "nixos",
    "postmarketos": "postmarketos",
}
"""The product of each ``ID`` of an os-release."""
_ROLLING: Final = frozenset(
    {
        "wolfi",
        "chainguard",
        "minimos",
        "arch",
        "archarm",
        "manjaro",
        "gentoo",
        "void",
        "kali",
        "opensuse-tumbleweed",
        "opensuse-microos",
        "clear-linux-os",
    }
)
_ROLLING_RELEASES: Final = frozenset({"sid", "unstable", "testing", "edge", "rawhide", "tumbleweed", "rolling", "cauldron"})
_FREE_FOR_ALL: Final = frozenset({"debian"})
"""Products whose extended support (Debian's LTS) everybody gets, through the same repository."""


class Support(Struct, frozen=True):
    """The support of a release on a day.

    ``ended`` says that its regular security support is over, since ``release.eol`` where that day is known. ``extended`` says that the extended
    support lasts still (until ``release.extended``), ``extended_for_all`` that nobody has to pay or register for it.
    """

    release: EndOfLife
    ended: bool
    extended: bool
    extended_for_all: bool


def support_of(connection: sqlite3.Connection, distro: Distro, today: date) -> Support | NotEvaluated | None:
    """The support of a distribution's release; ``None`` for one that is never out of support because it has no releases."""
    name = distro.id.lower()
    if name in _ROLLING or _is_rolling(distro):
        return None
    product = _PRODUCTS.get(name)
    if product is None:
        return NotEvaluated(f"it is not known how long {distro.name or distro.id or 'the distribution'} is supported")
    if name == "centos" and ("stream" in distro.name.lower() or distro.version_id.partition(".")[0] in ("9", "10")):
        product = "centos-stream"
    releases = _releases(connection, product)
    found = next((releases[cycle] for cycle in _cycles(distro.version_id) if cycle in releases), None) or _by_codename(distro, releases)
    if found is None:
        which = distro.version_id or distro.codename or "of which the version is not told"
        why = "is not in the advisory database" if releases else "cannot be judged: the advisory database has no end-of-life dates for it"
        return NotEvaluated(f"{product} {which} {why}")
    day = today.isoformat()
    ended = found.ended or bool(found.eol and found.eol < day)
    return Support(found, ended, bool(found.extended and found.extended >= day), product in _FREE_FOR_ALL)


def _is_rolling(distro: Distro) -> bool:
    """``sid`` has a codename only; Alpine's edge calls itself by the release to come (``3.21_alpha20240807``)."""
    return (
        "_alpha" in distro.version_id
        or distro.version_id.lower() in _ROLLING_RELEASES
        or (not distro.version_id and distro.codename.lower() in _ROLLING_RELEASES)
        or distro.name.lower().endswith("/sid")
    )


def _releases(connection: sqlite3.Connection, product: str) -> dict[str, EndOfLife]:
    sql = "SELECT product, cycle, codename, released, eol, extended, ended, identifiers FROM end_of_life WHERE product = ?"
    return {
        cycle: EndOfLife(name, cycle, codename, released, eol, extended, bool(ended), tuple(json.loads(identifiers)))
        for name, cycle, codename, released, eol, extended, ended, identifiers in connection.execute(sql, (product,))
    }


def _cycles(version: str) -> Iterator[str]:
    """How a release may be called, the most exact name first: ``3.19.1`` is ``3.19``, ``9.3`` is ``9``, ``15`` is ``15.0``."""
    parts = version.split(".")
    for length in range(len(parts), 0, -1):
        yield ".".join(parts[:length])
    if version and len(parts) == 1:
        yield f"{version}.0"


def _by_codename(distro: Distro, releases: dict[str, EndOfLife]) -> EndOfLife | None:
    """``jammy`` is the release "Jammy Jellyfish"."""
    codename = distro.codename.lower()
    if distro.version_id or not codename:
        return None
    return next(
        (release for release in releases.values() if codename in (release.codename.lower(), release.codename.lower().partition(" ")[0])), None
    )
