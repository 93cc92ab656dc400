"""Fixes that a package proves itself: its changelog names the vulnerability in an entry that is not newer than what is installed.

Distributions, and those who rebuild their packages, take a fix back into an older version; the number then says "affected" and the code is mended.

The rule, strict on purpose:

* Only packages of distributions, whose changelog is part of the package and written by who built it.
* The changelog must name the CVE itself, or another CVE that is an alias of the same vulnerability; no other id, no likeness.
* What a note about a reverted, missing or partial fix says is no proof. The cataloguer that reads changelogs leaves such notes out, and lets them
take back what earlier entries proved (``build/image/fixes.py``).
* The entry's version must be at most that of the installed source package, in the order of that packaging system.

It is proof also where the distribution's advisory names a later version: that one may be about another build, or mend a flaw of the first fix.
"""

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from seawall.build.advisories.ecosystems import source_of
from seawall.build.advisories.versions import scheme_of
from seawall.core.package import Package

Changelogs = Mapping[tuple[str, str], Mapping[str, str]]
"""For each (type, name) of an OS package, the CVE ids that its changelog says are fixed, and in which version."""

_ORDERS: Final = {"deb": "debian", "rpm": "rpm", "apk": "alpine"}
_CVE: Final = re.compile(r"CVE-\d{4}-\d{4,}")
_EPOCH: Final = re.compile(r"\d+:")


class Proof(Struct, frozen=True):
    """The changelog of ``package`` says that ``cve`` is fixed in ``version``; ``installed`` is that version or a later one."""

    cve: str
    package: str
    version: str
    installed: str

    def __str__(self) -> str:
        return f"the changelog of {self.package} names {self.cve} as fixed in {self.version}; installed is {self.installed}"


def proof_of_fix(package: Package, ids: tuple[str, ...], changelogs: Changelogs) -> Proof | None:
    """The proof that a vulnerability is fixed in a package, or ``None``. ``ids`` are the names of the vulnerability."""
    order = _ORDERS.get(package.type)
    entries = changelogs.get((package.type, package.name))
    if order is None or not entries:
        return None
    _, installed = source_of(package)
    compare = scheme_of(order).compare
    for cve in ids:
        version = entries.get(cve)
        if version and _CVE.fullmatch(cve) and compare(*_alike(version, installed)) <= 0:
            return Proof(cve, package.name, version, installed)
    return None


def _alike(entry: str, installed: str) -> tuple[str, str]:
    """Both versions without the epoch where the entry leaves it away, as many changelogs of RPM packages do."""
    return (entry, installed) if _EPOCH.match(entry) else (entry, _EPOCH.sub("", installed, count=1))
