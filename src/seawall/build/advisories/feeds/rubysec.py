"""The Ruby Advisory Database: one YAML file for each advisory of a gem, or of a Ruby engine below ``rubies``.

Source: its README (https://github.com/rubysec/ruby-advisory-db). ``patched_versions`` and ``unaffected_versions`` are requirements; what satisfies
none is affected, and without any of them every version is. CVSS is given as a score without its vector.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final

from seawall.build.advisories.feeds.fields import line, mapping, read_yaml, text, texts
from seawall.build.advisories.feeds.requirements import gem
from seawall.build.advisories.feeds.severities import severity_of_score
from seawall.build.advisories.feeds.spans import outside
from seawall.build.advisories.model import Advisory, Affected, FeedProblem, Record

_PREFIXES: Final = {"cve": "CVE-", "ghsa": "GHSA-", "osvdb": "OSVDB-"}


def read(path: str, data: bytes) -> Iterator[Record | FeedProblem]:
    try:
        document = mapping(read_yaml(data))
    except ValueError as error:
        yield FeedProblem(path, str(error))
        return
    name, engine = text(document.get("gem")), text(document.get("engine"))
    names = _names(document)
    # Its own tools name an advisory by its file.
    identifier = PurePosixPath(path).stem
    if not name and not engine:
        yield FeedProblem(path, "neither a gem nor an engine")
        return
    if not names and not identifier.partition("-")[2]:
        yield FeedProblem(path, "no id")
        return
    intervals, problems = outside(((field, texts(document.get(field))) for field in ("patched_versions", "unaffected_versions")), gem)
    for problem in problems:
        yield FeedProblem(path, problem)
    published = text(document.get("date"))
    yield Advisory(
        id=identifier if identifier.partition("-")[2] else names[0],
        source="rubysec",
        aliases=tuple(other for other in names if other != identifier),
        related=_names(mapping(document.get("related"))),
        published=f"{published}T00:00:00Z" if published else "",
        modified=f"{published}T00:00:00Z" if published else "",
        summary=line(document.get("title")),
        severity=_severity(document),
        references=texts([document.get("url"), *texts(mapping(document.get("related")).get("url"))]),
        affected=(Affected("RubyGems" if name else "Ruby", name or engine, intervals),) if intervals else (),
    )


def _names(document: dict[str, Any]) -> tuple[str, ...]:
    return tuple(f"{prefix}{name}" for field, prefix in _PREFIXES.items() for name in texts(document.get(field)))


def _severity(document: dict[str, Any]) -> str:
    for field, version in (("cvss_v4", 4), ("cvss_v3", 3), ("cvss_v2", 2)):
        if word := severity_of_score(text(document.get(field)), version=version):
            return word
    return ""
