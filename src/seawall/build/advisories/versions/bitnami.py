"""Bitnami's order: semantic versions, where a number alone after the dash is the revision of a build, and newer: ``1.2.3`` < ``1.2.3-1`` < ``1.2.4``.

The database writes ``1.2.3-0`` for the first pre-release of a version; that stays one.

Source: Bitnami's vulnerability database; github.com/bitnami/go-version.
"""

import re
from typing import Final

from seawall.build.advisories.versions import semver
from seawall.build.advisories.versions.scheme import Scheme

_REVISION: Final = re.compile(r"([vV=]?+[0-9]++)(\.[0-9]++)?+(\.[0-9]++)?+-r?+([1-9][0-9]*+)(?:\+.*+)?+", re.DOTALL)


def _semantic(version: str) -> str:
    """The revision as a fourth number."""
    found = _REVISION.fullmatch(version)
    return f"{found[1]}{found[2] or '.0'}{found[3] or '.0'}.{found[4]}" if found else version


def compare(a: str, b: str) -> int:
    """By version, then by revision."""
    return semver.compare(_semantic(a.strip()), _semantic(b.strip()))


def key(version: str) -> bytes:
    """The bytes of a version."""
    return semver.key(_semantic(version.strip()))


SCHEME: Final = Scheme("bitnami", compare, key)
