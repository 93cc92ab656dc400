"""The patch plan of a target: which packages to upgrade, to what, and what that takes away; the upgrade that helps most comes first. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from seawall.build.advisories.match import Vulnerability
from seawall.build.advisories.versions import scheme_of
from seawall.core.package import Package
from seawall.core.severity import Severity

_WEIGHT: Final = {
    Severity.CRITICAL: 10.0,
    Severity.HIGH: 7.0,
    Severity.MEDIUM: 4.0,
    Severity.UNKNOWN: 4.0,
    Severity.LOW: 1.0,
    Severity.INFO: 0.1,
}
_EXPLOITED: Final = 100.0
"""What is exploited already outweighs all that only might be."""
_LIKELY: Final = 30.0
"""For a chance of exploitation of 1 (EPSS)."""


class Upgrade(Struct, frozen=True):
    """One upgrade: of all ``packages`` that are built from one source (``name``), from ``installed`` to ``version``, the lowest that mends
    ``removes``.

    ``remains`` are vulnerabilities of them that it does not mend. ``risk`` is the weight of what it removes, see :func:`risk`.
    """

    ecosystem: str
    name: str
    installed: str
    version: str
    packages: tuple[Package, ...]
    removes: tuple[Vulnerability, ...]
    remains: tuple[Vulnerability, ...]
    risk: float


def risk(vulnerability: Vulnerability) -> float:
    """How much it matters that a vulnerability goes: its severity, the chance that it is exploited, and above all whether it is already."""
    weight = _WEIGHT[vulnerability.severity]
    if vulnerability.epss:
        weight += _LIKELY * vulnerability.epss.score
    return weight + (_EXPLOITED if vulnerability.kev else 0.0)


def upgrades(vulnerabilities: Iterable[Vulnerability]) -> list[Upgrade]:
    """One upgrade for each source package (or package of a language) that has a fix, ordered by the risk that it removes.

    A vulnerability counts once for all binary packages of a source. The version is the lowest fix at which none of those that can be mended is left;
    where there is none such, the lowest of those that remove the most risk.
    """
    groups: dict[tuple[str, str, str], dict[str, list[Vulnerability]]] = defaultdict(lambda: defaultdict(list))
    for vulnerability in vulnerabilities:
        groups[vulnerability.ecosystem, vulnerability.name, vulnerability.version][vulnerability.id].append(vulnerability)
    found = []
    for (ecosystem, name, installed), by_id in groups.items():
        distinct = [group[0] for _, group in sorted(by_id.items())]
        version = _version(distinct, ecosystem)
        if version is None:
            continue
        removes = tuple(item for item in distinct if not item.affects(version))
        packages = {item.package.purl or item.package.name: item.package for group in by_id.values() for item in group}
        found.append(
            Upgrade(
                ecosystem=ecosystem,
                name=name,
                installed=installed,
                version=version,
                packages=tuple(packages[key] for key in sorted(packages)),
                removes=removes,
                remains=tuple(item for item in distinct if item.affects(version)),
                risk=sum(map(risk, removes)),
            )
        )
    return sorted(found, key=lambda upgrade: (-upgrade.risk, upgrade.ecosystem, upgrade.name, upgrade.installed))


def _version(vulnerabilities: list[Vulnerability], ecosystem: str) -> str | None:
    """The fix that removes the most; among equals the lowest."""
    key = scheme_of(ecosystem).key
    candidates = sorted({version for item in vulnerabilities for version in item.fixed}, key=key)
    best: tuple[float, str] | None = None
    for candidate in candidates:
        removed = sum(risk(item) for item in vulnerabilities if not item.affects(candidate))
        if removed and (best is None or removed > best[0] + 1e-9):
            best = (removed, candidate)
    return best[1] if best else None
