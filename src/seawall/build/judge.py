"""What is known against packages, as findings: one for each vulnerability and package, wherever in the target that package stands."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from seawall.build.advisories.match import Vulnerability
from seawall.build.rules import MALICIOUS, UNMAINTAINED, VULNERABLE
from seawall.core.finding import Evidence, Finding, Status, Suppression, fingerprint
from seawall.core.fix import Fix
from seawall.core.location import Location
from seawall.core.package import Package
from seawall.core.rule import Rule
from seawall.core.severity import Confidence, Severity
from seawall.core.target import PackageTarget

_RULES: Final = {"vulnerability": VULNERABLE, "malicious": MALICIOUS, "unmaintained": UNMAINTAINED}
_UNFIXED: Final = {
    "unfixed": "there is no fix yet",
    "wont-fix": "its maintainers will not fix it",
    "end-of-life": "its release gets no more fixes",
    "deferred": "its maintainers have put the fix off",
}


class Origin(Struct, frozen=True):
    """Where a package came from: the layer's digest, the instruction that made it, and whether it was the base image's (``None``: not known)."""

    layer: str
    instruction: str
    base: bool | None


class Excuse(Struct, frozen=True):
    """Why a vulnerability does not count: who says so (``vex``, ``changelog``), the reason, and the evidence."""

    source: str
    reason: str
    evidence: tuple[Evidence, ...] = ()


def rule_of(vulnerability: Vulnerability) -> Rule | None:
    """The rule that a record is a finding of; ``None`` for a notice of bugs and enhancements."""
    return _RULES.get(vulnerability.kind)


def finding(
    name: str,
    rule: Rule,
    vulnerability: Vulnerability,
    *,
    places: Sequence[Package],
    origins: Mapping[str, Origin],
    is_image: bool,
    excuse: Excuse | None = None,
    severity: Severity | None = None,
) -> Finding:
    """The finding of one vulnerability of one package.

    ``name`` is the target as the user wrote it; ``places`` are all places where the package stands.
    """
    package = vulnerability.package
    target = PackageTarget(package.purl, name if is_image else "")
    return Finding(
        rule=rule.id,
        severity=severity or (vulnerability.severity if rule is VULNERABLE else rule.severity),
        confidence=Confidence.LOW if vulnerability.note else Confidence.HIGH,
        title=rule.title,
        message=_message(vulnerability),
        target=target,
        locations=tuple(_location(name, place, is_image=is_image) for place in places),
        evidence=(*_evidence(vulnerability, places, origins), *(excuse.evidence if excuse else ())),
        fix=_fix(vulnerability),
        aliases=vulnerability.aliases,
        fingerprint=fingerprint(rule.id, PackageTarget(f"{package.type}/{package.name}", name if is_image else ""), vulnerability.id),
        status=Status.SUPPRESSED if excuse else Status.OPEN,
        suppression=Suppression(excuse.source, excuse.reason) if excuse else None,
        vulnerability=details(vulnerability, places),
    )


def details(vulnerability: Vulnerability, places: Sequence[Package]) -> dict[str, Any]:
    """The ``vulnerability`` of a finding, as ``seawall.report/v1`` promises it."""
    package = vulnerability.package
    return {
        "id": vulnerability.id,
        "aliases": list(vulnerability.aliases),
        "package": package.name,
        "purl": package.purl,
        "version": package.version,
        "fixed": list(vulnerability.fixed),
        "state": vulnerability.state,
        "cvss": [{"vector": rating.vector, "score": rating.score, "source": rating.source} for rating in vulnerability.cvss],
        "epss": vulnerability.epss.score if vulnerability.epss else None,
        "kev": vulnerability.kev is not None,
        "published": vulnerability.published,
        "summary": vulnerability.summary,
        "references": list(vulnerability.references),
        "layer": places[0].layer or None,
        "path": text(places[0].path) or None,
        "paths": [text(place.path) for place in places],
    }


def text(path: str) -> str:
    """A path of an image for people and JSON: what is no UTF-8 in it becomes question marks."""
    return path.encode(errors="replace").decode()


def _message(vulnerability: Vulnerability) -> str:
    package = vulnerability.package
    summary = " ".join(vulnerability.summary.split())
    what = f"{package.name} {package.version}: {vulnerability.id}"
    return f"{what}: {summary}" if summary and summary != vulnerability.id else what


def _location(name: str, place: Package, *, is_image: bool) -> Location:
    path = name if is_image else text(place.path) or name
    return Location(path, 1, 1, 1, 1, field=text(place.path) if is_image else None)


def _evidence(vulnerability: Vulnerability, places: Iterable[Package], origins: Mapping[str, Origin]) -> Iterable[Evidence]:
    yield Evidence("installed version", vulnerability.package.version)
    if vulnerability.name != vulnerability.package.name or vulnerability.version != vulnerability.package.version:
        yield Evidence("compared as", f"{vulnerability.ecosystem} {vulnerability.name} {vulnerability.version}")
    if vulnerability.kev:
        yield Evidence("known exploited since", vulnerability.kev.added)
    if vulnerability.epss:
        yield Evidence("chance of exploitation in 30 days", vulnerability.epss.score)
    for place in places:
        if origin := origins.get(place.layer):
            whose = {True: "base image", False: "own layer", None: "layer"}[origin.base]
            yield Evidence(whose, f"{origin.layer}: {origin.instruction}")
    if vulnerability.note:
        yield Evidence("note", vulnerability.note)


def _fix(vulnerability: Vulnerability) -> Fix | None:
    if vulnerability.fixed:
        return Fix(safe=False, description=f"upgrade {vulnerability.package.name} to {vulnerability.fixed[0]}", edits=())
    why = _UNFIXED.get(vulnerability.state)
    return Fix(safe=False, description=f"{why}; remove {vulnerability.package.name}, or say why it is acceptable", edits=()) if why else None
