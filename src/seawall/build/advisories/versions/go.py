"""Go's order: semantic versions with a ``v``, which the advisories leave away; and releases of Go itself, ``go1.21rc2``.

Pseudo-versions are pre-releases by their form, ``+incompatible`` is build metadata and does not count. A release of Go in its own spelling is read as
the semantic version that the Go vulnerability database gives it: ``go1.21rc2`` is ``1.21.0-rc.2``.

Source: golang.org/x/mod/semver; go.dev/ref/mod, sections "Versions" and "Pseudo-versions"; the standard library's go/version.
"""

import re
from typing import Final

from seawall.build.advisories.versions import semver
from seawall.build.advisories.versions.scheme import Scheme

# What follows a blank, a dash or a plus in a release of Go tells of its build: "go1.22.1 X:boringcrypto", "go1.21.3-fips".
_RELEASE: Final = re.compile(r"go([0-9]++(?:\.[0-9]++)*+)(?:(alpha|beta|rc)([0-9]++))?+(?:[-+ ].*+)?+", re.DOTALL)
_DIRECTIVE: Final = re.compile(r"([0-9]++(?:\.[0-9]++)*+)(alpha|beta|rc)([0-9]++)")


def _semantic(version: str) -> str:
    found = _RELEASE.fullmatch(version) if version.startswith("go") else _DIRECTIVE.fullmatch(version)
    if not found:
        return version
    return f"{found[1]}-{found[2]}.{found[3]}" if found[2] else found[1]


def compare(a: str, b: str) -> int:
    """As ``semver.Compare``, with or without a ``v``."""
    return semver.compare(_semantic(a.strip()), _semantic(b.strip()))


def key(version: str) -> bytes:
    """The bytes of a version."""
    return semver.key(_semantic(version.strip()))


SCHEME: Final = Scheme("go", compare, key)
