"""The Open Source Vulnerability format, as JSON or YAML: what osv.dev, GitHub, the Go, PyPA, AlmaLinux, Bitnami, Ubuntu, Red Hat and other
databases publish.

Source: the OSV schema 1.7 (https://ossf.github.io/osv-schema/), with its evaluation algorithm. Ranges of type ``GIT`` name commits and are left
out; so are ``ecosystem_specific`` symbols: a package with a vulnerable function counts as affected. Fields of ``database_specific`` and
``ecosystem_specific`` that are read: a word for severity, GitHub's ``last_known_affected_version_range``, and ``custom`` module streams.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from seawall.build.advisories.ecosystems import normalise_ecosystem
from seawall.build.advisories.feeds.fields import line, mapping, mappings, read_json, read_yaml, text, texts
from seawall.build.advisories.feeds.severities import severity_word
from seawall.build.advisories.model import Advisory, Affected, Cvss, FeedProblem, Interval, Record
from seawall.build.advisories.versions import scheme_of
from seawall.build.advisories.versions.scheme import Scheme
from seawall.core.errors import UsageError

MAX_RANGES: Final = 50_000
"""Events or versions of one record; the largest real ones have some thousands."""

_SOURCES: Final = {
    "GHSA": "github",
    "PYSEC": "pypa",
    "GO": "go",
    "ALSA": "almalinux",
    "ALBA": "almalinux",
    "ALEA": "almalinux",
    "RLSA": "rocky",
    "RXSA": "rocky",
    "RHSA": "redhat",
    "RHBA": "redhat",
    "RHEA": "redhat",
    "BIT": "bitnami",
    "RUSTSEC": "rustsec",
    "HSEC": "haskell",
    "DSA": "debian",
    "DLA": "debian",
    "DTSA": "debian",
    "USN": "ubuntu",
    "LSN": "ubuntu",
    "ALPINE": "alpine",
    "MAL": "malicious-packages",
    "CPANSEC": "cpan",
    "RSEC": "r-consortium",
    "PSF": "psf",
    "CGA": "chainguard",
    "SUSE-SU": "suse",
}
_KINDS: Final = {"unmaintained": "unmaintained", "notice": "notice", "unsound": "notice"}
_ERRATA: Final = re.compile(r"(?:ALSA|RHSA|RLSA|RXSA|ELSA)-")
_NO_SECURITY: Final = re.compile(r"(?:AL|RH|RL|EL)(?:BA|EA)-")
_ERRATA_SEVERITY: Final = re.compile(r"(Critical|Important|Moderate|Low): ")
_ISSUED_BY_DISTRIBUTION: Final = re.compile(
    r"(?:AL[SBE]A|R[HL][SBE]A|RXSA|EL[SBE]A|D[SLT]A|DTSA|USN|LSN|SUSE-[SFROU]+|openSUSE-[SFROU]+|MGASA|OESA|AZL|CGA|PHSA|MINI|BELL-SA|ECHO|ROOT)-"
)
_LAST_KNOWN: Final = re.compile(r"(<=?)\s*([^\s,]+)")
_CVE: Final = re.compile(r"CVE-\d{4}-\d+")


def read(path: str, data: bytes) -> Iterator[Record | FeedProblem]:
    """One record, or a list of them, as JSON or YAML."""
    try:
        document = read_yaml(data) if path.endswith((".yaml", ".yml")) else read_json(data)
    except ValueError as error:
        yield FeedProblem(path, str(error))
        return
    yield from read_document(path, document)


def read_document(path: str, document: Any) -> Iterator[Record | FeedProblem]:
    """As :func:`read`, for what is parsed already."""
    records = mappings(document)
    if not records:
        yield FeedProblem(path, "no OSV record: not an object")
    for record in records:
        yield from _record(path, record)


def _record(path: str, record: dict[str, Any]) -> Iterator[Record | FeedProblem]:
    identifier = text(record.get("id"))
    if not identifier:
        yield FeedProblem(path, "no OSV record: no id")
        return
    summary, problems = line(record.get("summary")), list[str]()
    specific = mapping(record.get("database_specific"))
    related, upstream = texts(record.get("related")), texts(record.get("upstream"))
    aliases = texts(record.get("aliases"))
    if not upstream and not aliases and _ISSUED_BY_DISTRIBUTION.match(identifier):
        # Before OSV had the field "upstream" (1.7), distributions named the vulnerabilities that they mend as related; some still do.
        upstream = tuple(name for name in related if _CVE.fullmatch(name))
        related = tuple(name for name in related if name not in upstream)
    severities, cvss = _severities(record.get("severity"))
    affected: list[Affected] = []
    streams = _streams(summary) if _ERRATA.match(identifier) else ""
    for item in mappings(record.get("affected")):
        words, vectors = _severities(item.get("severity"))
        severities += words
        cvss += vectors
        affected += _affected(item, identifier, streams, problems)
    word = severity_word(text(specific.get("severity"))) or next(iter(severities), "")
    if not word and _ERRATA.match(identifier) and (match := _ERRATA_SEVERITY.match(summary)):
        word = severity_word(match[1])
    for problem in problems:
        yield FeedProblem(path, f"{identifier}: {problem}")
    yield Advisory(
        id=identifier,
        source=_source(identifier, affected),
        aliases=aliases,
        upstream=upstream,
        related=related,
        published=text(record.get("published")),
        modified=text(record.get("modified")),
        withdrawn=text(record.get("withdrawn")),
        summary=summary or _first_sentence(record.get("details")),
        severity=word,
        cvss=tuple(dict.fromkeys(cvss)),
        references=tuple(dict.fromkeys(text(item.get("url")) for item in mappings(record.get("references")) if text(item.get("url")))),
        affected=tuple(affected),
        kind=_kind(identifier, upstream or aliases, record),
    )


def _source(identifier: str, affected: list[Affected]) -> str:
    prefix = identifier.rpartition("-")[0] if identifier.startswith("SUSE") else identifier.partition("-")[0]
    if prefix in ("CVE", "UBUNTU", "DEBIAN", "EUVD") and affected:  # a vulnerability's own id says nothing of who tells it
        return affected[0].ecosystem.partition(":")[0].lower().replace(" ", "-")
    return _SOURCES.get(prefix) or _SOURCES.get(prefix.partition("-")[0]) or prefix.lower()


def _kind(identifier: str, names: tuple[str, ...], record: dict[str, Any]) -> str:
    if any(name.startswith("MAL-") for name in (identifier, *texts(record.get("aliases")))):
        return "malicious"
    if _NO_SECURITY.match(identifier) and not names:
        return "notice"  # the errata of bugs and enhancements
    for item in mappings(record.get("affected")):
        informational = mapping(item.get("database_specific")).get("informational")
        if isinstance(informational, str):
            return _KINDS.get(informational, "notice")
    return "vulnerability"


def _severities(value: object) -> tuple[list[str], list[Cvss]]:
    """Words (Ubuntu's priority) and CVSS vectors."""
    words, vectors = [], []
    for item in mappings(value):
        score = text(item.get("score"))
        if text(item.get("type")).startswith("CVSS"):
            if score:
                vectors.append(Cvss(score, text(item.get("source"))))
        elif word := severity_word(score):
            words.append(word)
    return words, vectors


def _affected(item: dict[str, Any], identifier: str, streams: str, problems: list[str]) -> Iterator[Affected]:
    package = mapping(item.get("package"))
    ecosystem, name = text(package.get("ecosystem")), text(package.get("name"))
    ranges = mappings(item.get("ranges"))
    if not ecosystem or not name:
        if any(text(entry.get("type")) != "GIT" for entry in ranges) or not ranges:
            problems.append("an affected entry without the name of a package")
        return  # otherwise it speaks of commits only
    versions = texts(item.get("versions"))
    if len(versions) + sum(len(mappings(entry.get("events"))) for entry in ranges) > MAX_RANGES:
        problems.append(f"{ecosystem} {name}: more than {MAX_RANGES:,} events and versions; left out")
        return
    try:
        scheme = scheme_of(normalise_ecosystem(ecosystem))
    except UsageError as error:
        problems.append(str(error))
        return
    specific = mapping(item.get("database_specific"))
    intervals: list[Interval] = []
    is_told = bool(versions)
    for entry in ranges:
        kind = text(entry.get("type"))
        if kind == "GIT":
            continue
        if kind not in ("SEMVER", "ECOSYSTEM"):
            problems.append(f"{ecosystem} {name}: a range of unknown type {kind!r}")
            continue
        is_told = True
        found = _intervals(mappings(entry.get("events")), scheme, f"{ecosystem} {name}", problems)
        intervals += _until_last_known(found, text(specific.get("last_known_affected_version_range")))
    if not is_told and identifier.startswith("MAL-") and not ranges:
        intervals, is_told = [Interval()], True  # all of a malicious package
    if not intervals and not versions:
        if not is_told:
            problems.append(f"{ecosystem} {name}: names no affected version")
        return
    specifics = (mapping(item.get("ecosystem_specific")), specific)
    word = next((word for entry in specifics if (word := severity_word(text(entry.get("severity")) or text(entry.get("urgency"))))), "")
    yield Affected(
        ecosystem=ecosystem,
        name=name,
        intervals=tuple(intervals),
        versions=versions,
        module=next((text(entry["module"]) for entry in specifics if isinstance(entry.get("module"), str)), "") or _module(intervals, streams),
        arch=next((texts(entry["arch"]) for entry in specifics if "arch" in entry), ()),
        severity=word,
    )


def _module(intervals: list[Interval], streams: str) -> str:
    """The module streams that a build of a module belongs to. AlmaLinux names them in the summary only ("Moderate: nodejs:14 security update")."""
    return streams if any(".module" in interval.fixed for interval in intervals) else ""


def _streams(summary: str) -> str:
    """The module streams in a summary, joined by blanks."""
    return " ".join(dict.fromkeys(match[0] for match in _STREAM.finditer(summary)))


def _until_last_known(intervals: list[Interval], known: str) -> list[Interval]:
    """GitHub's bound of what it has seen to be affected, where no fix is known: later versions may not exist yet, or be mended untold."""
    match = _LAST_KNOWN.fullmatch(known)
    if not match or not intervals or intervals[-1].fixed or intervals[-1].last_affected:
        return intervals
    introduced = intervals[-1].introduced
    last = Interval(introduced, last_affected=match[2]) if match[1] == "<=" else Interval(introduced, fixed=match[2], unfixed=True)
    return [*intervals[:-1], last]


_STREAM: Final = re.compile(r"(?<![\w.:])[A-Za-z0-9][\w.+-]*:[A-Za-z0-9][\w.+-]*")
_ORDER_OPEN: Final = {"fixed": 0, "last_affected": 1, "introduced": 2}
_ORDER_CLOSED: Final = {"introduced": 0, "fixed": 1, "last_affected": 2}


def _intervals(events: list[dict[str, Any]], scheme: Scheme, where: str, problems: list[str]) -> list[Interval]:
    """The events of one range, in any order, as intervals.

    The specification sorts them by version and walks: ``introduced`` switches on, ``fixed`` and ``last_affected`` switch off, a ``limit`` ends all.
    """
    at: dict[bytes, dict[str, str]] = {}
    limits: list[tuple[bytes, str]] = []
    for event in events:
        for kind, value in event.items():
            version = text(value)
            if kind == "limit":
                limits.append((b"\xff" * 8 if version == "*" else scheme.key(version), version))
            elif kind not in _ORDER_OPEN or not version:
                problems.append(f"{where}: an event that is not understood: {str(kind)[:40]!r}")
            else:
                at.setdefault(b"" if kind == "introduced" and version == "0" else scheme.key(version), {}).setdefault(kind, version)
    if at and not any("introduced" in kinds for kinds in at.values()):
        problems.append(f"{where}: a range without an introduced version; read as from the beginning")
        at[b""] = {"introduced": "0", **at.get(b"", {})}
    intervals: list[Interval] = []
    start: str | None = None
    for key in sorted(at):
        kinds = at[key]
        for kind in sorted(kinds, key=(_ORDER_CLOSED if start is None else _ORDER_OPEN).__getitem__):
            version = kinds[kind]
            if kind == "introduced":
                start = version if start is None else start
            elif start is not None:
                intervals.append(Interval(start, fixed=version) if kind == "fixed" else Interval(start, last_affected=version))
                start = None
    if start is not None:
        intervals.append(Interval(start))
    return _clipped(intervals, limits, scheme) if limits else intervals


def _clipped(intervals: list[Interval], limits: list[tuple[bytes, str]], scheme: Scheme) -> list[Interval]:
    """What lies before the greatest limit."""
    limit, version = max(limits)
    if version == "*":
        return intervals
    clipped = []
    for interval in intervals:
        if interval.introduced != "0" and scheme.key(interval.introduced) >= limit:
            continue
        end = interval.fixed or interval.last_affected
        if not end or scheme.key(end) > limit or (interval.last_affected and scheme.key(end) == limit):
            interval = Interval(interval.introduced, fixed=version, unfixed=True)  # noqa: PLW2901
        clipped.append(interval)
    return clipped


def _first_sentence(details: object) -> str:
    """Where a record has no summary, the start of its details, on one line."""
    words = line(text(details)[:400])
    return words if len(words) <= 200 else words[:199].rsplit(" ", 1)[0] + "…"
