"""Alpine's secdb: what each version of a source package mended, as JSON today and as YAML before.

Source: https://secdb.alpinelinux.org and the secdb format of apk-tools' lua-secdb. ``secfixes`` maps a version to the ids that it mended; the version
``0`` says that the package was never affected. One text may name a vulnerability by several ids (``CVE-2019-17340 XSA-284``), with remarks in
parentheses.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from seawall.build.advisories.feeds.fields import mapping, mappings, read_json, read_yaml, text, texts
from seawall.build.advisories.model import Advisory, Affected, FeedProblem, Interval, Record

_REMARK: Final = re.compile(r"\([^)]*\)")
_CVE: Final = re.compile(r"CVE[-_ ]+(\d{4})-(\d{3,})(?:\.patch)?")
_ID: Final = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)*-[0-9A-Za-z]+(?:-[0-9A-Za-z]+)*")
_NEVER: Final = "0"


def read(path: str, data: bytes) -> Iterator[Record | FeedProblem]:
    try:
        document = mapping(read_yaml(data) if path.endswith((".yaml", ".yml")) else read_json(data))
    except ValueError as error:
        yield FeedProblem(path, str(error))
        return
    release = text(document.get("distroversion"))
    if not release:
        yield FeedProblem(path, "no distroversion")
        return
    ecosystem = f"Alpine:{release}"
    fixed_in: dict[tuple[str, ...], dict[tuple[str, str], set[str]]] = {}
    for package in mappings(document.get("packages")):
        fixes = mapping(package.get("pkg"))
        name = text(fixes.get("name"))
        secfixes = fixes.get("secfixes")
        if not name or not isinstance(secfixes, dict):
            if secfixes is not None or not name:  # a package without fixes is told as null or as a list of none
                yield FeedProblem(path, f"a package without a name or with secfixes of another shape: {name!r}")
            continue
        for version, told in secfixes.items():
            for entry in texts(told):
                ids = _ids(entry)
                if not ids:
                    yield FeedProblem(path, f"{name} {version}: no id: {entry[:80]!r}")
                for group in ids:
                    fixed_in.setdefault(group, {}).setdefault((ecosystem, name), set()).add(str(version))
            if not texts(told):
                yield FeedProblem(path, f"{name} {version}: names no id")
    for names, packages in fixed_in.items():
        yield Advisory(
            id=names[0],
            source="alpine",
            aliases=names[1:],
            affected=tuple(_affected(*package, versions) for package, versions in packages.items()),
        )


def _affected(ecosystem: str, name: str, versions: set[str]) -> Affected:
    fixes = sorted(versions - {_NEVER})
    if not fixes:
        return Affected(ecosystem, name, status="not-affected")
    # An id at several versions was mended in parts: the last counts, as the union of the intervals.
    return Affected(ecosystem, name, tuple(Interval(fixed=version) for version in fixes))


def _ids(entry: str) -> list[tuple[str, ...]]:
    """The vulnerabilities of one entry, each with its ids, the CVE first. Several CVEs are several vulnerabilities; what is beside them is
    another id where there is one CVE, and too little to tell where there are more."""
    entry = _REMARK.sub(" ", entry)
    cves = list(dict.fromkeys(f"CVE-{year}-{number}" for year, number in _CVE.findall(entry)))
    others = [word for word in _CVE.sub(" ", entry).replace(",", " ").split() if _ID.fullmatch(word) and any(map(str.isdigit, word))]
    if len(cves) > 1:
        return [(cve,) for cve in cves]
    ids: Any = (*cves, *others)
    return [tuple(dict.fromkeys(ids))] if ids else []
