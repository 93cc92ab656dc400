"""What is known against the packages of a target, as findings; and how much that knowledge is worth."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any, Final

from msgspec import Struct, field

from seawall.app.advisories import age, default_database
from seawall.app.images import Contents, contents_of, lockfiles, open_target
from seawall.app.inputs import Input, Kind
from seawall.app.packages import PackageSettings
from seawall.build.advisories.database import Database, open_database
from seawall.build.advisories.match import Answer, Vulnerability, match
from seawall.build.image.layers import story
from seawall.build.judge import Excuse, Origin, details, finding, rule_of
from seawall.build.rules import END_OF_LIFE, IMAGE_AGE, MALICIOUS, UNMAINTAINED, VULNERABLE
from seawall.core.errors import InputError
from seawall.core.finding import Evidence, Finding, fingerprint
from seawall.core.location import Location
from seawall.core.package import Package
from seawall.core.severity import Confidence
from seawall.core.target import ImageTarget
from seawall.core.verdict import NotEvaluated
from seawall.io.sources.image.model import Image

NEED_ADVISORIES: Final = frozenset({VULNERABLE.id, MALICIOUS.id, UNMAINTAINED.id, END_OF_LIFE.id})
_BEFORE_CONTAINERS: Final = date(2000, 1, 1)  # an image that says it is older was given a fixed date


class Judged(Struct):
    """What came of it. ``scanned`` are the inputs that could be read, ``images`` how many of them are images."""

    findings: list[Finding] = field(default_factory=list)
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    errors: list[InputError] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    scanned: list[str] = field(default_factory=list)
    images: int = 0

    def add(self, other: "Judged") -> None:
        self.findings += other.findings
        self.not_evaluated += other.not_evaluated
        self.errors += other.errors
        self.answers += other.answers
        self.scanned += other.scanned
        self.images += other.images


def judge_inputs(inputs: Sequence[Input], settings: PackageSettings) -> Judged:
    """The findings about everything that holds packages: each image by itself, the lockfiles together."""
    total = Judged()
    database: Database | None = None
    if settings.rules & NEED_ADVISORIES:
        try:
            database = open_known(settings.database, settings.max_age)
        except InputError as error:
            # Who asks for an image wants to know; a source tree has more to judge than its lockfiles.
            if settings.database or any(item.kind is Kind.PACKAGES for item in inputs):
                total.errors.append(error)
    base = open_target(settings.base, settings.images) if settings.base else None
    locks = [item.path for item in inputs if item.kind is Kind.LOCKFILE]
    try:
        for item in inputs:
            if item.kind is Kind.PACKAGES:
                try:
                    contents = contents_of(item.path, settings.images)
                except InputError as error:
                    total.errors.append(error)
                    continue
                total.scanned.append(item.path)
                total.images += contents.is_image
                total.errors += contents.problems
                total.add(judge_contents(contents, settings, database, base))
        if locks:
            contents = lockfiles("lockfiles", locks)
            total.scanned += locks
            total.errors += contents.problems
            total.add(judge_contents(contents, settings, database))
    finally:
        if database is not None:
            database.close()
    return total


def open_known(path: str, max_age: float) -> Database:
    """The advisory database. Raises ``InputError`` where there is none, or one that is too old."""
    place = path or default_database()
    if not os.path.exists(place):
        raise InputError(place, "there is no advisory database; make one with `seawall advisories update`")
    database = open_database(place)
    days = age(database.status().built)
    if days > max_age:
        database.close()
        raise InputError(
            place, f"the advisories are {days:.0f} days old; run `seawall advisories update`, or accept them with --max-db-age {days + 1:.0f}"
        )
    return database


def judge_contents(contents: Contents, settings: PackageSettings, database: Database | None, base: Image | None = None) -> Judged:
    """The findings about one target. Without a database, what needs one is not evaluated."""
    judged = Judged()
    now = datetime.now(UTC)
    if IMAGE_AGE.id in settings.rules and contents.is_image:
        _judge_age(contents, settings, now, judged)
    if not settings.rules & NEED_ADVISORIES or not (contents.packages or contents.is_image):
        return judged
    if database is None:
        reason = "there is no advisory database"
        judged.not_evaluated.append(NotEvaluated(VULNERABLE.id, ImageTarget(contents.target, contents.digest), reason))
        return judged
    origins = _origins(contents, base)
    places: dict[str, list[Package]] = defaultdict(list)
    for package in contents.packages:
        places[package.purl or f"{package.name}@{package.version}"].append(package)
    judged.answers = match(database.connection, [(group[0], contents.distro) for group in places.values()])
    reasons: dict[str, list[str]] = defaultdict(list)
    for group, answer in zip(places.values(), judged.answers, strict=True):
        if answer.not_evaluated:
            reasons[answer.not_evaluated].append(group[0].name)
        for vulnerability in answer.vulnerabilities:
            rule = rule_of(vulnerability)
            if rule.id in settings.rules:
                judged.findings.append(
                    finding(
                        contents.target,
                        vulnerability,
                        places=group,
                        origins=origins,
                        is_image=_stands_alone(contents),
                        excuse=excuse(contents, vulnerability),
                        severity=settings.severity.get(rule.id),
                    )
                )
    target = ImageTarget(contents.target, contents.digest)
    for reason, names in reasons.items():
        some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        judged.not_evaluated.append(NotEvaluated(VULNERABLE.id, target, f"{reason} ({some})"))
    return judged


def _stands_alone(contents: Contents) -> bool:
    """Whether the paths of the packages are within the target (an image, a root file system, a bill), not files that a user can open."""
    return contents.inspection is not None or contents.target.startswith("sbom:")


def excuse(contents: Contents, vulnerability: Vulnerability) -> Excuse | None:  # noqa: ARG001
    """Why a vulnerability does not count after all."""
    return None


def _origins(contents: Contents, base: Image | None) -> dict[str, Origin]:
    if contents.inspection is None:
        return {}
    return {layer.digest: Origin(layer.digest, layer.instruction or "", layer.base) for layer in story(contents.inspection, base) if layer.digest}


def _judge_age(contents: Contents, settings: PackageSettings, now: datetime, judged: Judged) -> None:
    """The rule ``image-age``."""
    target = ImageTarget(contents.target, contents.digest)
    image = contents.inspection.image if contents.inspection else None
    written = image.config.created if image else ""
    try:
        created = datetime.fromisoformat(written)
    except ValueError:
        judged.not_evaluated.append(NotEvaluated(IMAGE_AGE.id, target, "the image does not say when it was built"))
        return
    if created.tzinfo is None:
        created = created.replace(tzinfo=UTC)
    if created.date() < _BEFORE_CONTAINERS:
        judged.not_evaluated.append(NotEvaluated(IMAGE_AGE.id, target, f"the image says {created.date()}, a fixed date of its builder"))
        return
    days = (now - created).days
    allowed = settings.parameter(IMAGE_AGE.id, "max_days", IMAGE_AGE.parameters[0].default)
    if days > allowed:
        judged.findings.append(
            Finding(
                rule=IMAGE_AGE.id,
                severity=settings.severity.get(IMAGE_AGE.id, IMAGE_AGE.severity),
                confidence=Confidence.HIGH,
                title=IMAGE_AGE.title,
                message=f"built {days} days ago, on {created.date()}; {allowed} are allowed",
                target=target,
                locations=(Location(contents.target, 1, 1, 1, 1, field="created"),),
                evidence=(Evidence("created", written),),
                fingerprint=fingerprint(IMAGE_AGE.id, ImageTarget(contents.target), "created"),
            )
        )


def by_layer(contents: Contents, path: str | None) -> dict[str, list[dict[str, Any]]] | None:
    """The vulnerabilities of each layer, the worst first; ``None`` where there is no database to ask and none was named."""
    if not path and not os.path.exists(default_database()):
        return None
    found: dict[str, list[tuple[Vulnerability, Package]]] = defaultdict(list)
    with closing(open_known(path or "", float("inf"))) as database:
        packages = contents.packages
        for package, answer in zip(packages, match(database.connection, [(package, contents.distro) for package in packages]), strict=True):
            for vulnerability in answer.vulnerabilities:
                if rule_of(vulnerability) is not VULNERABLE or excuse(contents, vulnerability) is None:
                    found[package.layer].append((vulnerability, package))
    return {
        layer: [
            {**details(vulnerability, [package]), "severity": vulnerability.severity.value}
            for vulnerability, package in sorted(group, key=lambda item: (-item[0].severity.rank, item[0].id))
        ]
        for layer, group in found.items()
    }


def match_answers(answers: Iterable[Answer]) -> Iterator[dict[str, Any]]:
    """Answers in the shape of ``advisories match``."""
    for answer in answers:
        yield {
            "purl": answer.package.purl,
            "vulnerabilities": [_found(vulnerability) for vulnerability in answer.vulnerabilities],
            **({"reason": answer.not_evaluated} if answer.not_evaluated else {}),
        }


def _found(vulnerability: Vulnerability) -> dict[str, Any]:
    return {
        "id": vulnerability.id,
        "aliases": list(vulnerability.aliases),
        "fixed": list(vulnerability.fixed),
        "state": vulnerability.state,
        "severity": vulnerability.severity.value,
        "cvss": [{"vector": rating.vector, "score": rating.score, "source": rating.source} for rating in vulnerability.cvss],
        "epss": vulnerability.epss.score if vulnerability.epss else None,
        "kev": vulnerability.kev is not None,
        "kind": vulnerability.kind,
        "summary": vulnerability.summary,
    }


def ask(purls: Sequence[str], path: str | None) -> Iterator[dict[str, Any]]:
    """One answer for each purl, in order; what is no purl has an ``error``."""
    from seawall.core.purl import read_purl

    read: list[Any] = []
    for text in purls:
        try:
            read.append(read_purl(text.strip()))
        except ValueError as error:
            read.append(str(error))
    with closing(open_known(path or "", float("inf"))) as database:
        answers = match_answers(match(database.connection, [item for item in read if not isinstance(item, str)]))
        for text, item in zip(purls, read, strict=True):
            if isinstance(item, str):
                yield {"purl": text, "vulnerabilities": [], "error": f"is no purl: {item}"}
            else:
                yield {**next(answers), "purl": text}
