"""Debian's releases: the version of each codename.

Source: https://www.debian.org/releases/ and https://wiki.debian.org/DebianReleases.
"""

from typing import Final

VERSION_OF: Final = {
    "slink": "2.1",
    "potato": "2.2",
    "woody": "3.0",
    "sarge": "3.1",
    "etch": "4.0",
    "lenny": "5.0",
    "squeeze": "6.0",
    "wheezy": "7",
    "jessie": "8",
    "stretch": "9",
    "buster": "10",
    "bullseye": "11",
    "bookworm": "12",
    "trixie": "13",
    "forky": "14",
    "duke": "15",
    "sid": "unstable",
}


def ecosystem_of(codename: str) -> str:
    """``bookworm`` is ``Debian:12``, ``bookworm-security`` too; empty for a codename that is not known."""
    version = VERSION_OF.get(codename.partition("-")[0])
    return f"Debian:{version}" if version else ""
