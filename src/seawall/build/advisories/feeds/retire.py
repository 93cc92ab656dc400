"""RetireJS' repository of JavaScript libraries: all of its formats, from the plain one to ``jsrepository-v6``, its source and its npm list.

Source: https://github.com/RetireJS/retire.js. A library is the npm package that ``basePurl`` or ``npmname`` names, else that of its own name where
npm allows it, as retire.js itself does when it writes a purl. ``below`` is the first version that is not affected, ``atOrAbove`` the first that is,
``excludes`` single versions that are not.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

from seawall.build.advisories.feeds.fields import line, mapping, mappings, read_json, text, texts
from seawall.build.advisories.feeds.severities import severity_word
from seawall.build.advisories.feeds.spans import BEGINNING, Span, after, before, intervals_of, meet, turn
from seawall.build.advisories.model import Advisory, Affected, FeedProblem, Interval, Record
from seawall.build.advisories.versions import scheme_of

_NPM_PURL: Final = "pkg:npm/"
_NPM_NAME: Final = re.compile(r"(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*")
_EXAMPLES: Final = frozenset({"retire-example", "dont check"})
_UNMAINTAINED: Final = "CWE-1104"
_CVE: Final = re.compile(r"CVE-\d{4}-\d+")


def read(path: str, data: bytes) -> Iterator[Record | FeedProblem]:
    try:
        document = mapping(read_json(data))
    except ValueError as error:
        yield FeedProblem(path, str(error))
        return
    libraries = mapping(document.get("advisories")) if isinstance(document.get("advisories"), dict) else document
    for library, told in libraries.items():
        if library in _EXAMPLES:
            continue
        name = _npm_name(library, mapping(told))
        for entry in mappings(mapping(told).get("vulnerabilities")):
            if not name:
                yield FeedProblem(path, f"{library}: no npm package is named")
                break
            yield from _advisories(path, name, entry)


def _npm_name(library: str, told: dict[str, Any]) -> str:
    purl = text(told.get("basePurl"))
    if purl.startswith(_NPM_PURL):
        return purl.removeprefix(_NPM_PURL).replace("%40", "@")
    return text(told.get("npmname")) or (library if _NPM_NAME.fullmatch(library) else "")


def _advisories(path: str, name: str, entry: dict[str, Any]) -> Iterator[Record | FeedProblem]:
    identifiers = mapping(entry.get("identifiers"))
    intervals = _affected(entry)
    if not intervals:
        yield FeedProblem(path, f"{name}: names no affected version")
        return
    cves = tuple(cve for cve in texts(identifiers.get("CVE")) if _CVE.fullmatch(cve))
    ghsa = texts(identifiers.get("githubID"))
    own = f"RETIREJS-{name}-{_own_number(name, entry, identifiers)}"
    # An entry with several CVEs is split, as without an id of its own none of them could stand for it.
    for cve in cves if len(cves) > 1 and not ghsa else (None,):
        names = (cve,) if cve else (*ghsa, *cves)
        yield Advisory(
            id=names[0] if names else own,
            source="retirejs",
            aliases=names[1:],
            summary=line(entry.get("summary")) or line(identifiers.get("summary")),
            severity=severity_word(text(entry.get("severity"))),
            references=texts(entry.get("info")),
            affected=(Affected("npm", name, intervals),),
            kind="unmaintained" if _UNMAINTAINED in texts(entry.get("cwe")) and not names else "vulnerability",
        )


def _own_number(name: str, entry: dict[str, Any], identifiers: dict[str, Any]) -> str:
    """What tells an entry without a common id from the others of its library."""
    for field in ("retid", "advisory", "issue", "bug", "PR", "osvdb", "tenable", "release"):
        for found in texts(identifiers.get(field)):
            return re.sub(r"[^0-9A-Za-z.]+", "-", found).strip("-")
    told = "\n".join((name, text(identifiers.get("summary")), text(entry.get("below")), *texts(entry.get("info"))))
    return sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _affected(entry: dict[str, Any]) -> tuple[Interval, ...]:
    key = scheme_of("npm").key
    spans: list[Span] = []
    for bounds in mappings(entry.get("ranges")) or [entry]:
        low, high = text(bounds.get("atOrAbove")), text(bounds.get("below"))
        last = text(bounds.get("atOrBelow"))
        above = text(bounds.get("above"))
        if not (low or high or last or above):
            continue
        start = before(key(low), low) if low else after(key(above), above) if above else BEGINNING
        end = before(key(high), high) if high else after(key(last), last) if last else None
        found = [Span(start, end)]
        excluded = [Span(before(key(version), version), after(key(version), version)) for version in texts(bounds.get("excludes"))]
        if excluded:
            found = [meet(found[0], other) for other in turn(excluded)]
        spans += found
    return intervals_of(spans)
