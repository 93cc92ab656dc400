"""Debian's security tracker as JSON: for each source package and vulnerability, what is known of each release.

Source: https://security-tracker.debian.org/tracker/data/json and the tracker's introduction. ``fixed_version`` ``0`` is never affected; a release
without one is affected in every version. ``nodsa`` says that no advisory will come soon, ``nodsa_reason`` ``ignored`` that none will come at all.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from seawall.build.advisories.feeds.debian_releases import ecosystem_of
from seawall.build.advisories.feeds.fields import line
from seawall.build.advisories.feeds.severities import severity_word
from seawall.build.advisories.model import Advisory, Affected, FeedProblem, Interval, Record


class _Release(Struct):
    status: str = ""
    fixed_version: str = ""
    urgency: str = ""
    nodsa: str = ""
    nodsa_reason: str | None = None


class _Entry(Struct):
    description: str = ""
    releases: dict[str, _Release] = {}


def read(path: str, data: bytes) -> Iterator[Record | FeedProblem]:
    """One advisory for each vulnerability, with every package and release that it is told of."""
    try:
        packages = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as error:
        yield FeedProblem(path, f"not the JSON of Debian's tracker: {error}")
        return
    decoder: Any = msgspec.json.Decoder(dict[str, _Entry])
    descriptions: dict[str, str] = {}
    affected: dict[str, list[Affected]] = {}
    unknown: set[str] = set()
    for name, raw in packages.items():
        try:
            entries: dict[str, _Entry] = decoder.decode(raw)
        except (msgspec.DecodeError, RecursionError) as error:
            yield FeedProblem(path, f"{name}: {error}")
            continue
        for identifier, entry in entries.items():
            descriptions.setdefault(identifier, entry.description)
            told = affected.setdefault(identifier, [])
            for codename, release in entry.releases.items():
                if ecosystem := ecosystem_of(codename):
                    told.append(_affected(ecosystem, name, release))
                else:
                    unknown.add(codename)
    for codename in sorted(unknown):
        yield FeedProblem(path, f"release {codename!r} is not known")
    for identifier, told in affected.items():
        yield Advisory(
            id=identifier,
            source="debian",
            summary=line(descriptions[identifier][:300]),
            references=(f"https://security-tracker.debian.org/tracker/{identifier}",),
            affected=tuple(told),
        )


def _affected(ecosystem: str, name: str, release: _Release) -> Affected:
    severity = severity_word(release.urgency)
    if release.fixed_version == "0":
        return Affected(ecosystem, name, status="not-affected", severity=severity)
    if release.fixed_version and release.status == "resolved":
        return Affected(ecosystem, name, (Interval(fixed=release.fixed_version),), severity=severity)
    status = ""
    if release.status == "undetermined":
        status = "undetermined"
    elif release.urgency == "end-of-life":
        status = "end-of-life"
    elif release.nodsa_reason == "ignored":
        status = "wont-fix"
    elif release.nodsa or release.nodsa_reason is not None:
        status = "deferred"
    return Affected(ecosystem, name, status=status, severity=severity)
