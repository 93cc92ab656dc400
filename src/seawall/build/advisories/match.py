"""What is known against packages: their versions held against the intervals of the advisory database.

All packages are asked at once, so that SQLite does the work: versions and bounds are byte keys (``versions/``), and an interval holds a version when

    low <= version  and  (no high, or version < high, or version == high where high itself is affected)

Records of one vulnerability are one answer. Withdrawn records do not count. An explicit denial (``not-affected``) of the package's own distribution
or ecosystem wins over intervals of the same vulnerability. An advisory on an RPM module stream is about packages of that stream only, and packages of
a module are told of by such advisories only.
"""

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from seawall.build.advisories.cvss import BaseScore, base_score
from seawall.build.advisories.ecosystems import Coordinate, NotEvaluated, coordinates
from seawall.build.advisories.model import Exploited, Likelihood
from seawall.build.advisories.versions import scheme_of
from seawall.core.package import Distro, Package
from seawall.core.severity import Severity


class Rating(Struct, frozen=True):
    """A CVSS vector as published, its base score and the word for it, and by whom it was given (empty where the feed does not say)."""

    vector: str
    score: float
    word: str
    source: str = ""


class Vulnerability(Struct, frozen=True, kw_only=True):
    """One vulnerability of one package.

    ``id`` is its CVE where there is one. ``aliases`` are the ids of the records that say so, and their other names. ``name`` and ``version`` are
    those that were compared (``ecosystem``'s; of the source package, where advisories are about those). ``kind`` is ``vulnerability``, ``malicious``,
    ``unmaintained`` or ``notice`` (errata without a vulnerability). ``state`` is ``fixed`` (there is a version that mends it), ``unfixed``,
    ``wont-fix``, ``end-of-life`` or ``deferred``. ``fixed`` are the versions that mend it, the nearest first. ``rated_by`` tells where ``severity``
    comes from: ``distribution``, ``cvss``, ``feed``, ``kind`` or nothing. ``intervals`` are the affected ones as
    keys of the ecosystem's order: low, high (``None``: no end), and whether high itself is affected. ``note`` says why it may matter less than it
    seems.
    """

    id: str
    aliases: tuple[str, ...]
    package: Package
    ecosystem: str
    name: str
    version: str
    kind: str
    state: str
    fixed: tuple[str, ...]
    severity: Severity
    rated_by: str
    cvss: tuple[Rating, ...]
    epss: Likelihood | None
    kev: Exploited | None
    summary: str
    published: str
    references: tuple[str, ...]
    feeds: tuple[str, ...]
    intervals: tuple[tuple[bytes, bytes | None, bool], ...]
    note: str = ""

    def affects(self, version: str) -> bool:
        """Whether another version of the package would have it too, by the same records."""
        key = scheme_of(self.ecosystem).key(version)
        return any(low <= key and (high is None or key < high or (closed and key == high)) for low, high, closed in self.intervals)


class Answer(Struct, frozen=True):
    """What is known against one package; ``not_evaluated`` is why nothing could be asked, or empty."""

    package: Package
    vulnerabilities: tuple[Vulnerability, ...] = ()
    not_evaluated: str = ""


def match(connection: sqlite3.Connection, packages: Iterable[tuple[Package, Distro | None]]) -> list[Answer]:
    """One answer for each package with the distribution that it is in (``None`` for packages of languages), in order.

    Only reads the database (a temporary table holds the question).
    """
    given = list(packages)
    places = [coordinates(package, distro) for package, distro in given]
    empty = absent(connection, {place.ecosystem for found in places if not isinstance(found, NotEvaluated) for place in found})
    numbers: dict[Coordinate, int] = {}
    reasons: list[str] = []
    for found in places:
        if isinstance(found, NotEvaluated):
            reasons.append(found.reason)
            continue
        for place in found:
            numbers.setdefault(place, len(numbers))
        reasons.append(unknown(found, empty))
    asked = list(numbers)
    hits = _hits(connection, asked)
    facts = _facts(connection, asked, hits)
    answers = []
    for (package, _), found, reason in zip(given, places, reasons, strict=True):
        vulnerabilities: dict[str, Vulnerability] = {}
        for place in () if isinstance(found, NotEvaluated) else found:
            for vulnerability in _judge(package, place, hits.get(numbers[place], {}), numbers[place], facts):
                known = vulnerabilities.get(vulnerability.id)
                vulnerabilities[vulnerability.id] = _joined(known, vulnerability) if known else vulnerability
        answers.append(Answer(package, tuple(vulnerabilities[name] for name in sorted(vulnerabilities)), reason))
    return answers


# --- asking the database -------------------------------------------------------------------------------------------------------------------------


class _Row(NamedTuple):
    """A row of ``affected`` for a package that was asked."""

    advisory: int
    low: bytes
    high: bytes | None
    closed: int
    fixed: str
    status: str
    severity: str
    module: str
    arch: str

    def holds(self, key: bytes) -> bool:
        return self.low <= key and (self.high is None or key < self.high or (bool(self.closed) and key == self.high))


class _Advisory(NamedTuple):
    id: str
    source: str
    kind: str
    aliases: tuple[str, ...]
    published: str
    summary: str
    severity: str
    cvss: tuple[tuple[str, str], ...]
    references: tuple[str, ...]


class _Facts(Struct):
    """What is told of the vulnerabilities that were hit: the records, all their rows for a package that was asked, and the opinions of others."""

    advisories: dict[int, _Advisory]
    rows: dict[tuple[int, int], list[_Row]]
    others: dict[str, list[tuple[str, tuple[tuple[str, str], ...]]]]
    epss: dict[str, Likelihood]
    kev: dict[str, Exploited]


_Hits = dict[int, dict[str, list[_Row]]]
"""By the number of what was asked and the name of the vulnerability: the rows that hold the version."""

_ROW: Final = "affected.advisory, low, high, closed, fixed, affected.status, affected.severity, module, arch"
_WORDS: Final = msgspec.json.Decoder(tuple[str, ...])
_PAIRS: Final = msgspec.json.Decoder(tuple[tuple[str, str], ...])


def absent(connection: sqlite3.Connection, ecosystems: set[str]) -> set[str]:
    """Those ecosystems of which the database knows nothing at all."""
    has = "SELECT EXISTS (SELECT 1 FROM affected WHERE ecosystem = ?)"
    return {ecosystem for ecosystem in ecosystems if not connection.execute(has, (ecosystem,)).fetchone()[0]}


def unknown(places: Iterable[Coordinate], empty: set[str]) -> str:
    """Why a package could not be asked about: the database knows none of its ecosystems. Empty where it knows one."""
    ecosystems = {place.ecosystem for place in places}
    return f"the database has no advisories for {min(ecosystems)}" if ecosystems <= empty else ""


def keys(place: Coordinate) -> tuple[bytes, bytes]:
    """The key of a version, and the one that is held against bounds that are affected themselves.

    They differ for Python: ``1.2+local`` is what ``<= 1.2`` and ``== 1.2`` mean too, but newer than a fix in 1.2. Source: PEP 440, "Version
    matching".
    """
    key = place.scheme.key(place.version)
    public, plus, _ = place.version.partition("+")
    return key, place.scheme.key(public) if plus and place.ecosystem == "pypi" else key


def _hits(connection: sqlite3.Connection, asked: Sequence[Coordinate]) -> _Hits:
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS asked (number INTEGER, ecosystem TEXT, name TEXT, version BLOB, public BLOB)")
    connection.execute("DELETE FROM temp.asked")
    rows = ((number, place.ecosystem, place.name, *keys(place)) for number, place in enumerate(asked))
    connection.executemany("INSERT INTO temp.asked VALUES (?,?,?,?,?)", rows)
    connection.commit()
    found: _Hits = defaultdict(lambda: defaultdict(list))
    sql = (
        f"SELECT asked.number, advisory.vulnerability, {_ROW} FROM temp.asked"  # noqa: S608 (columns of ours)
        " CROSS JOIN affected ON affected.ecosystem = asked.ecosystem AND affected.name = asked.name"
        " JOIN advisory ON advisory.number = affected.advisory"
        " WHERE low <= asked.version AND (high IS NULL OR asked.version < high OR (closed AND asked.public <= high)) AND advisory.withdrawn = ''"
    )
    for number, vulnerability, *row in connection.execute(sql):
        found[number][vulnerability].append(_Row(*row))
    return found


def _facts(connection: sqlite3.Connection, asked: Sequence[Coordinate], hits: _Hits) -> _Facts:
    wanted = sorted({row.advisory for groups in hits.values() for rows in groups.values() for row in rows})
    names = sorted({name for groups in hits.values() for name in groups})
    in_json = msgspec.json.encode(wanted).decode(), msgspec.json.encode(names).decode()
    advisories = {
        number: _Advisory(id_, source, kind, _WORDS.decode(aliases), published, summary, severity, _PAIRS.decode(cvss), _WORDS.decode(references))
        for number, id_, source, kind, aliases, published, summary, severity, cvss, references in connection.execute(
            "SELECT number, id, source, kind, aliases, published, summary, severity, cvss, reference FROM advisory"
            " WHERE number IN (SELECT value FROM json_each(?))",
            in_json[:1],
        )
    }
    rows: dict[tuple[int, int], list[_Row]] = defaultdict(list)
    hit = {(number, row.advisory) for number, groups in hits.items() for found in groups.values() for row in found}
    sql = f"SELECT {_ROW} FROM affected WHERE ecosystem = ? AND name = ? AND affected.advisory IN (SELECT value FROM json_each(?))"  # noqa: S608
    for number, groups in hits.items():
        numbers = {row.advisory for found in groups.values() for row in found}
        place = asked[number]
        for row in map(_Row._make, connection.execute(sql, (place.ecosystem, place.name, msgspec.json.encode(sorted(numbers)).decode()))):
            if (number, row.advisory) in hit:
                rows[number, row.advisory].append(row)
    others: dict[str, list[tuple[str, tuple[tuple[str, str], ...]]]] = defaultdict(list)
    for name, severity, cvss in connection.execute(
        "SELECT vulnerability, severity, cvss FROM advisory WHERE vulnerability IN (SELECT value FROM json_each(?)) AND withdrawn = ''"
        " AND (severity <> '' OR cvss <> '[]') ORDER BY number",
        in_json[1:],
    ):
        others[name].append((severity, _PAIRS.decode(cvss)))
    likely = "SELECT cve, score, percentile, date FROM likelihood WHERE cve IN (SELECT value FROM json_each(?))"
    known = "SELECT cve, added, due, ransomware FROM exploited WHERE cve IN (SELECT value FROM json_each(?))"
    epss = {row[0]: Likelihood(*row) for row in connection.execute(likely, in_json[1:])}
    kev = {row[0]: Exploited(row[0], row[1], row[2], bool(row[3])) for row in connection.execute(known, in_json[1:])}
    return _Facts(advisories, rows, others, epss, kev)


# --- judging -------------------------------------------------------------------------------------------------------------------------------------

_MODULE_BUILD: Final = re.compile(r"\.module[_+]")
_ARCHITECTURES: Final = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "i386": "i686",
    "i586": "i686",
    "x86": "i686",
    "ppc64el": "ppc64le",
    "armhf": "armv7hl",
}
ANY_ARCHITECTURE: Final = frozenset({"", "all", "noarch", "any", "source", "src", "nosrc"})
_NO_FIX: Final = ("wont-fix", "end-of-life", "deferred")
_KINDS: Final = ("malicious", "vulnerability", "unmaintained", "notice")


def _judge(package: Package, place: Coordinate, groups: Mapping[str, list[_Row]], number: int, facts: _Facts) -> Iterable[Vulnerability]:
    key = place.scheme.key(place.version)
    note = _note(package, place)
    for name, found in groups.items():
        rows = [row for row in found if _is_about(row, package)]
        # Of what is undetermined, not even the distribution knows whether it is affected.
        if any(row.status == "not-affected" for row in rows) or not (rows := [row for row in rows if row.status != "undetermined"]):
            continue
        numbers = list(dict.fromkeys([row.advisory for row in rows]))
        records = [facts.advisories[one] for one in numbers]
        told = [row for one in numbers for row in facts.rows[number, one] if _is_about(row, package)]
        fixed = _fixes(key, told)
        statuses = {row.status for row in rows}
        others = facts.others.get(name, ())
        ratings = _ratings([vector for record in records for vector in record.cvss] or [vector for _, vectors in others for vector in vectors])
        kind = min([record.kind for record in records], key=_rank_of_kind)
        severity, rated_by = _severity(rows, records, ratings, kind, [word for word, _ in others], place.ecosystem)
        yield Vulnerability(
            id=name,
            aliases=_distinct([one for record in records for one in (record.id, *record.aliases) if one != name]),
            package=package,
            ecosystem=place.ecosystem,
            name=place.name,
            version=place.version,
            kind=kind,
            state="fixed" if fixed else next((status for status in _NO_FIX if status in statuses), "unfixed"),
            fixed=fixed,
            severity=severity,
            rated_by=rated_by,
            cvss=ratings,
            epss=facts.epss.get(name),
            kev=facts.kev.get(name),
            summary=next((record.summary for record in records if record.summary), ""),
            published=min([record.published for record in records if record.published], default=""),
            references=_distinct([one for record in records for one in record.references]),
            feeds=_distinct([record.source for record in records]),
            intervals=tuple([(row.low, row.high, bool(row.closed)) for row in told]),
            note=note,
        )


def _joined(first: Vulnerability, second: Vulnerability) -> Vulnerability:
    """One vulnerability that two ecosystems tell of the same package (Go's database and Kubernetes' own): the first, with what the second adds."""
    joined = replace(
        first,
        aliases=_distinct([*first.aliases, *second.aliases]),
        state=first.state if first.fixed else second.state,
        fixed=_distinct([*first.fixed, *second.fixed]),
        cvss=first.cvss or second.cvss,
        severity=first.severity if first.rated_by else second.severity,
        rated_by=first.rated_by or second.rated_by,
        summary=first.summary or second.summary,
        published=first.published or second.published,
        references=_distinct([*first.references, *second.references]),
        feeds=_distinct([*first.feeds, *second.feeds]),
        intervals=(*first.intervals, *second.intervals),
    )
    return replace(joined, fixed=tuple(sorted(joined.fixed, key=joined.affects)))  # the one that mends both comes first


def _distinct(words: list[str]) -> tuple[str, ...]:
    return tuple(words) if len(words) < 2 else tuple(dict.fromkeys(words))


def _rank_of_kind(kind: str) -> int:
    return _KINDS.index(kind) if kind in _KINDS else 0


def _is_about(row: _Row, package: Package) -> bool:
    """Whether an advisory's row is about packages of this architecture and this module."""
    if row.arch and package.arch not in ANY_ARCHITECTURE and architecture(package.arch) not in map(architecture, row.arch.split()):
        return False
    if package.type != "rpm":
        return True
    if in_module(row.module, row.fixed) != in_module(package.module, package.version):
        return False
    # A stream that is not told (by the database, or by a purl) excludes nothing: the version decides.
    return not (row.module and package.module) or stream(package.module) in map(stream, row.module.split())


def architecture(name: str) -> str:
    """One name for each architecture, that of RPM."""
    return _ARCHITECTURES.get(name, name)


def in_module(module: str, version: str) -> bool:
    """Whether a version of an RPM package is of a module: its stream is told, or its release says so (``module_el8``, ``module+el8``)."""
    return bool(module or _MODULE_BUILD.search(version))


def stream(module: str) -> str:
    """``nodejs:18:8060020220523160029:ad008a3a`` is the stream ``nodejs:18``, built once."""
    return ":".join(module.split(":")[:2])


def _fixes(key: bytes, rows: list[_Row]) -> tuple[str, ...]:
    """The versions after this one that mend it, by all records. First comes the nearest that no record calls affected."""
    after = {row.fixed: row.high for row in rows if row.fixed and row.high is not None and row.high > key}
    if len(after) < 2:
        return tuple(after)
    return tuple(sorted(after, key=lambda version: (any(row.holds(after[version]) for row in rows), after[version], version)))


_SEVERITIES: Final = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "negligible": Severity.INFO,
    "none": Severity.INFO,
}
_OF_DISTRIBUTIONS: Final = frozenset({"deb", "rpm", "apk"})


def _severity(
    rows: list[_Row], records: list[_Advisory], ratings: Sequence[Rating], kind: str, others: list[str], ecosystem: str
) -> tuple[Severity, str]:
    """How bad it is, and by whom. The order: a distribution's own word for its package; the worst CVSS rating, where version 2 counts only if there
    is no later one; the word of the feed; the word of another feed on the same vulnerability; unknown."""
    own = _worst([row.severity for row in rows if row.severity])
    word = _worst([record.severity for record in records if record.severity])
    is_distribution = ":" in ecosystem or ecosystem in ("wolfi", "chainguard", "minimos")
    if kind == "malicious":
        return Severity.CRITICAL, "kind"
    if is_distribution and (found := own or word):
        return found, "distribution"
    later = [rating for rating in ratings if rating.vector.startswith("CVSS:")]
    if scores := [_SEVERITIES[rating.word] for rating in later or ratings]:
        return max(scores, key=lambda severity: severity.rank), "cvss"
    if found := own or word or _worst(others):
        return found, "feed"
    if kind in ("unmaintained", "notice"):
        return Severity.INFO, "kind"
    return Severity.UNKNOWN, ""


def _worst(words: list[str]) -> Severity | None:
    if len(words) < 2:
        return _SEVERITIES.get(words[0]) if words else None
    return max((_SEVERITIES[word] for word in words if word in _SEVERITIES), key=lambda severity: severity.rank, default=None)


def _ratings(vectors: list[tuple[str, str]]) -> tuple[Rating, ...]:
    """The distinct vectors that are valid, with their scores."""
    found = [(vector, source, base_score(vector)) for vector, source in (vectors if len(vectors) < 2 else dict.fromkeys(vectors))]
    return tuple(Rating(vector, score.score, score.rating, source) for vector, source, score in found if isinstance(score, BaseScore))


_KERNEL_ITSELF: Final = re.compile(
    r"linux-(?:signed-)?(?:image|modules)-|kernel(?:-(?:core|modules|modules-core|modules-extra|rt.*|64k.*|uek.*|default))?\Z"
)


def _note(package: Package, place: Coordinate) -> str:
    if package.type not in _OF_DISTRIBUTIONS or not re.match(
        r"(?:linux|linux-[0-9].*|kernel.*|linux-(?:aws|azure|gcp|oracle|kvm|hwe.*|lts|virt))\Z", place.name
    ):
        return ""
    if _KERNEL_ITSELF.match(package.name):
        return "a container runs the kernel of its node, not that of this package"
    return "" if package.name == place.name else "built from the kernel's source; it does not hold the kernel"
