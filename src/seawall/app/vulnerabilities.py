"""What is known against the packages of a target, as findings; and how much that knowledge is worth."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any, Final

from msgspec import Struct, field

from seawall.app.advisories import age, default_database
from seawall.app.images import Contents, contents_of, lockfiles, open_target
from seawall.app.inputs import Input, Kind
from seawall.app.packages import PackageSettings
from seawall.app.vex import read_statements
from seawall.build.advisories.backport import proof_of_fix
from seawall.build.advisories.database import Database, open_database
from seawall.build.advisories.ecosystems import NotEvaluated as Unsupported
from seawall.build.advisories.end_of_life import support_of
from seawall.build.advisories.match import Vulnerability, match
from seawall.build.advisories.upgrades import risk, upgrades
from seawall.build.advisories.vex import Image as VexImage
from seawall.build.advisories.vex import Statement, verdict
from seawall.build.image.layers import story
from seawall.build.judge import Excuse, Origin, details, finding, rule_of
from seawall.build.rules import END_OF_LIFE, IMAGE_AGE, MALICIOUS, UNMAINTAINED, VULNERABLE
from seawall.core.errors import InputError
from seawall.core.finding import Evidence, Finding, fingerprint
from seawall.core.location import Location
from seawall.core.package import Distro, Package
from seawall.core.report import PlanStep
from seawall.core.severity import Confidence, Severity
from seawall.core.target import ImageTarget
from seawall.core.verdict import NotEvaluated
from seawall.io.sources.image.model import Image

NEED_ADVISORIES: Final = frozenset({VULNERABLE.id, MALICIOUS.id, UNMAINTAINED.id, END_OF_LIFE.id})
_BEFORE_CONTAINERS: Final = date(2000, 1, 1)  # an image that says it is older was given a fixed date


class Judged(Struct):
    """What came of it. ``scanned`` are the inputs that could be read, ``images`` how many of them are images,
    ``advisories`` when the database was built."""

    findings: list[Finding] = field(default_factory=list)
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    errors: list[InputError] = field(default_factory=list)
    plan: list[PlanStep] = field(default_factory=list)
    scanned: list[str] = field(default_factory=list)
    images: int = 0
    advisories: str = ""

    def add(self, other: "Judged") -> None:
        self.findings += other.findings
        self.not_evaluated += other.not_evaluated
        self.errors += other.errors
        self.plan += other.plan
        self.scanned += other.scanned
        self.images += other.images


def judge_inputs(inputs: Sequence[Input], settings: PackageSettings) -> Judged:
    """The findings about everything that holds packages: each image by itself, the lockfiles together."""
    total = Judged()
    database: Database | None = None
    if settings.rules & NEED_ADVISORIES:
        try:
            database = open_known(settings.database, settings.max_age)
            total.advisories = database.meta["built"]
        except InputError as error:
            # Who asks for an image wants to know; a source tree has more to judge than its lockfiles.
            if settings.database or any(item.kind is Kind.PACKAGES for item in inputs):
                total.errors.append(error)
    base = open_target(settings.base, settings.images) if settings.base else None
    statements = read_statements(settings.vex, total.errors)
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
                total.add(judge_contents(contents, settings, database, base, statements))
        if locks:
            contents = lockfiles("lockfiles", locks)
            total.scanned += locks
            total.errors += contents.problems
            total.add(judge_contents(contents, settings, database, None, statements))
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


def judge_contents(
    contents: Contents, settings: PackageSettings, database: Database | None, base: Image | None = None, statements: Sequence[Statement] = ()
) -> Judged:
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
    answers = match(database.connection, [(group[0], contents.distro) for group in places.values()])
    reasons: dict[str, list[str]] = defaultdict(list)
    open_: list[Vulnerability] = []
    for group, answer in zip(places.values(), answers, strict=True):
        if answer.not_evaluated:
            reasons[answer.not_evaluated].append(group[0].name)
        for vulnerability in answer.vulnerabilities:
            rule = rule_of(vulnerability)
            if rule is not None and rule.id in settings.rules:
                excused = excuse(contents, vulnerability, statements)
                if excused is None and rule is VULNERABLE:
                    open_.append(vulnerability)
                judged.findings.append(
                    finding(
                        contents.target,
                        rule,
                        vulnerability,
                        places=group,
                        origins=origins,
                        is_image=_stands_alone(contents),
                        excuse=excused,
                        severity=settings.severity.get(rule.id),
                    )
                )
    if settings.plan:
        judged.plan += plan(contents, open_, origins)
    if END_OF_LIFE.id in settings.rules and contents.distro:
        _judge_support(contents, contents.distro, database, settings, now.date(), judged)
    target = ImageTarget(contents.target, contents.digest)
    for reason, names in reasons.items():
        some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        judged.not_evaluated.append(NotEvaluated(VULNERABLE.id, target, f"{reason} ({some})"))
    return judged


def _stands_alone(contents: Contents) -> bool:
    """Whether the paths of the packages are within the target (an image, a root file system, a bill), not files that a user can open."""
    return contents.inspection is not None or contents.target.startswith("sbom:")


def excuse(contents: Contents, vulnerability: Vulnerability, statements: Sequence[Statement] = ()) -> Excuse | None:
    """Why a vulnerability does not count after all: somebody has said so in a VEX document, or the package's own changelog proves the fix."""
    ids = (vulnerability.id, *vulnerability.aliases)
    if statements and (said := verdict(statements, ids, vulnerability.package, _image_of(contents), _platform_of(contents.distro))):
        if said.excuses:
            return Excuse("vex", said.reason, (Evidence("said by", said.statement.document or said.statement.author),))
        return None  # who knows the product says that it counts
    proof = proof_of_fix(vulnerability.package, ids, contents.catalogue.changelogs)
    return Excuse("changelog", str(proof), (Evidence("fixed in", proof.version),)) if proof else None


def _image_of(contents: Contents) -> VexImage | None:
    image = contents.inspection.image if contents.inspection else None
    if image is None:
        return None
    digests = frozenset(filter(None, (image.manifest_digest, image.index_digest, image.config_digest)))
    return VexImage(digests, (contents.name, *image.tags))


def _platform_of(distro: Distro | None) -> str:
    return f"{distro.id}-{distro.version_id}" if distro else ""


def _origins(contents: Contents, base: Image | None) -> dict[str, Origin]:
    if contents.inspection is None:
        return {}
    return {layer.digest: Origin(layer.digest, layer.instruction or "", layer.base) for layer in story(contents.inspection, base) if layer.digest}


def _judge_support(contents: Contents, distro: Distro, database: Database, settings: PackageSettings, today: date, judged: Judged) -> None:
    """The rule ``distribution-end-of-life``."""
    target = ImageTarget(contents.target, contents.digest)
    support = support_of(database.connection, distro, today)
    if isinstance(support, Unsupported):
        judged.not_evaluated.append(NotEvaluated(END_OF_LIFE.id, target, support.reason))
        return
    if support is None or not support.ended or (support.extended and support.extended_for_all):
        return
    name = distro.name or f"{distro.id} {distro.version_id}".strip()
    since = f" since {support.release.eol}" if support.release.eol else ""
    extended = f"; extended support lasts until {support.release.extended}" if support.extended else ""
    severity = Severity.MEDIUM if support.extended else END_OF_LIFE.severity
    judged.findings.append(
        Finding(
            rule=END_OF_LIFE.id,
            severity=settings.severity.get(END_OF_LIFE.id, severity),
            confidence=Confidence.HIGH,
            title=END_OF_LIFE.title,
            message=f"{name} gets no more security updates{since}{extended}",
            target=target,
            locations=(Location(contents.target, 1, 1, 1, 1, field="etc/os-release"),),
            evidence=(Evidence("release", f"{distro.id} {distro.version_id}".strip()),),
            fingerprint=fingerprint(END_OF_LIFE.id, ImageTarget(contents.target), f"{distro.id} {distro.version_id}"),
        )
    )


def plan(contents: Contents, vulnerabilities: Sequence[Vulnerability], origins: Mapping[str, Origin]) -> list[PlanStep]:
    """What removes the most risk: upgrades of packages, and the move to a newer base image where its packages have fixes."""
    steps = [
        PlanStep(
            kind="upgrade",
            what=f"upgrade {upgrade.name} from {upgrade.installed} to {upgrade.version}",
            removes=tuple(item.id for item in upgrade.removes),
            remains=tuple(item.id for item in upgrade.remains),
            risk=round(upgrade.risk, 2),
            target=contents.target,
            package=upgrade.name,
            installed=upgrade.installed,
            version=upgrade.version,
        )
        for upgrade in upgrades(vulnerabilities)
    ]
    inherited = {item.id: item for item in vulnerabilities if item.fixed and (origin := origins.get(item.package.layer)) and origin.base}
    if inherited:
        image = contents.inspection.image if contents.inspection else None
        name = image.annotations.get("org.opencontainers.image.base.name", "") if image else ""
        steps.append(
            PlanStep(
                kind="base-image",
                what=f"rebuild on a current {name or 'base image'}, whose packages have fixes for these",
                removes=tuple(sorted(inherited)),
                remains=(),
                risk=round(sum(map(risk, inherited.values())), 2),
                target=contents.target,
                package=name,
            )
        )
    return sorted(steps, key=lambda step: (-step.risk, step.what))


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
                if rule_of(vulnerability) is VULNERABLE and excuse(contents, vulnerability) is None:
                    found[package.layer].append((vulnerability, package))
    return {
        layer: [
            {**details(vulnerability, [package]), "severity": vulnerability.severity.value}
            for vulnerability, package in sorted(group, key=lambda item: (-item[0].severity.rank, item[0].id))
        ]
        for layer, group in found.items()
    }
