"""Debian's lists of security advisories: ``data/DSA/list``, ``data/DLA/list`` and ``data/DTSA/list`` of the security tracker.

    [30 Mar 2023] DSA-5380-1 xorg-server - security update
    <tab>{CVE-2023-1393}
    <tab>[bullseye] - xorg-server 2:1.20.11-1+deb11u6
    <tab>NOTE: free text

Source: the tracker's introduction (https://security-team.debian.org/security_tracker.html). The version is the first of the source package that is
not affected; instead of one there may be ``<unfixed>``, ``<not-affected>``, ``<end-of-life>``, ``<undetermined>``, ``<ignored>``, ``<no-dsa>``,
``<postponed>`` or ``<removed>``. Remarks in parentheses tell a reason or an urgency.
"""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from seawall.build.advisories.feeds.debian_releases import ecosystem_of
from seawall.build.advisories.feeds.severities import severity_word
from seawall.build.advisories.model import Advisory, Affected, FeedProblem, Interval, Record

MAX_LINE: Final = 20_000
"""Characters of a line; the longest real one, a kernel's CVEs, has 6,000."""

_HEAD: Final = re.compile(r"\[(\d{1,2}) (\w{3}) (\d{4})\] ((?:DSA|DLA|DTSA|ELA)-\d+(?:-\d+)?)\s*(.*)")
_IDS: Final = re.compile(r"\{([^}]*)\}")
_PACKAGE: Final = re.compile(r"\[([a-z-]+)\]\s+-\s+([a-z0-9][a-z0-9.+-]*)\s+(<[a-z-]+>|[0-9A-Za-z][^\s()]*)?\s*(?:\((.*)\))?\s*")
_MONTHS: Final = {
    name: f"{number:02}" for number, name in enumerate(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1)
}
_STATUS: Final = {
    "<unfixed>": "",
    "<not-affected>": "not-affected",
    "<end-of-life>": "end-of-life",
    "<undetermined>": "undetermined",
    "<ignored>": "wont-fix",
    "<no-dsa>": "deferred",
    "<postponed>": "deferred",
}
_GONE: Final = frozenset({"<removed>", "<itp>"})
"""The release no longer has, or does not have yet, the package: there is nothing that could be affected."""


class _Open(Struct):
    """The advisory that the lines since its head belong to."""

    id: str
    date: str
    title: str
    ids: list[str] = []
    affected: list[Affected] = []


def read(path: str, data: bytes) -> Iterator[Record | FeedProblem]:
    current: _Open | None = None
    for number, row in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
        content = row.strip()
        if not content or content.startswith(("NOTE:", "TODO:", "#")):
            continue
        if len(content) > MAX_LINE:
            yield FeedProblem(path, f"line {number}: longer than {MAX_LINE:,} characters; left out")
            continue
        if row.startswith("[") and (match := _HEAD.fullmatch(content)):
            if current:
                yield _advisory(current)
            day, month, year, identifier, title = match.groups()
            date = f"{year}-{_MONTHS[month]}-{int(day):02}T00:00:00Z" if month in _MONTHS else ""
            current = _Open(identifier, date, title)
        elif current is None or not row[0].isspace():
            yield FeedProblem(path, f"line {number}: not understood: {content[:80]!r}")
        elif match := _IDS.fullmatch(content):
            current.ids += match[1].split()
        elif match := _PACKAGE.fullmatch(content):
            affected = _affected(match[1], match[2], match[3] or "", match[4] or "")
            if isinstance(affected, Affected):
                current.affected.append(affected)
            elif affected:
                yield FeedProblem(path, f"line {number}: {current.id}: {affected}")
        else:
            yield FeedProblem(path, f"line {number}: {current.id}: not understood: {content[:80]!r}")
    if current:
        yield _advisory(current)


def _affected(codename: str, name: str, version: str, remark: str) -> Affected | str:
    """The affected versions, or what is wrong with the line; empty where it says nothing."""
    ecosystem = ecosystem_of(codename)
    if not ecosystem:
        return f"release {codename!r} is not known"
    if version in _GONE:
        return ""
    if version in _STATUS:
        return Affected(ecosystem, name, status=_STATUS[version])
    if not version[:1].isdigit():
        return f"{name}: no version: {version!r}"
    return Affected(ecosystem, name, (Interval(fixed=version),), severity=severity_word(remark.partition(";")[0]))


def _advisory(told: _Open) -> Advisory:
    return Advisory(
        id=told.id,
        source="debian",
        upstream=tuple(dict.fromkeys(told.ids)),
        published=told.date,
        modified=told.date,
        summary=told.title,
        references=(f"https://www.debian.org/security/{told.date[:4]}/{told.id.rpartition('-')[0].lower()}",) if told.id.startswith("DSA-") else (),
        affected=tuple(told.affected),
    )
