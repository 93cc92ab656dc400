"""The CPAN Security Advisory database before it publishes: one YAML file for each report under triage.

Source: its README (https://github.com/CPAN-Security/cpan-advisory-database); published advisories are OSV. A report names a distribution and a
range only once somebody has found them out; until then it says that a vulnerability exists, and is about no package.
Ranges are CPAN's: comparators joined by commas (``>=1.0,<1.5``), a version alone meaning it and all later ones.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final

from seawall.build.advisories.feeds.fields import line, mapping, read_yaml, text, texts
from seawall.build.advisories.model import Advisory, Affected, Cvss, FeedProblem, Interval, Record

_FIELD: Final = re.compile(r"([A-Za-z_0-9]+):(?: +(.*))?$")
_COMPARATOR: Final = re.compile(r"(<=|>=|<|>|==|=)?\s*(v?[0-9][0-9A-Za-z._-]*)")


def read(path: str, data: bytes) -> Iterator[Record | FeedProblem]:
    try:
        document = mapping(_read(data))
    except ValueError as error:
        yield FeedProblem(path, str(error))
        return
    cve = text(document.get("cve"))
    name = text(document.get("cpan_distribution")) or text(document.get("distribution"))
    identifier = text(document.get("id")) or cve or PurePosixPath(path).stem
    intervals: list[Interval] = []
    for part in texts(document.get("version_range")) if name else ():
        try:
            intervals.append(_interval(part))
        except ValueError as error:
            yield FeedProblem(path, f"{identifier}: {error}")
    if name and not intervals:
        yield FeedProblem(path, f"{identifier}: {name}: names no affected version")
    yield Advisory(
        id=identifier,
        source="cpan",
        aliases=(cve,) if cve and cve != identifier else (),
        summary=line(document.get("description"))[:300],
        cvss=tuple(Cvss(vector) for field in ("CVSS_4", "CVSS_3", "CVSS_2") for vector in texts(document.get(field))),
        references=texts(document.get("references")),
        affected=(Affected("CPAN", name, tuple(intervals)),) if intervals else (),
    )


def _read(data: bytes) -> Any:
    """The document; where a description holds what YAML takes for syntax, as many do, its fields are read line by line."""
    try:
        return read_yaml(data)
    except ValueError:
        fields: dict[str, Any] = {}
        last = ""
        for row in data.decode("utf-8", "replace").splitlines():
            if match := _FIELD.match(row):
                last, value = match[1], text(match[2])
                fields[last] = None if value in ("", "~") else value.strip("'\"")
            elif row.startswith("- ") and last:
                fields[last] = [*(fields[last] if isinstance(fields[last], list) else []), row[2:]]
        if "cve" not in fields:
            raise
        return fields


def _interval(text: str) -> Interval:
    introduced, fixed, last = "0", "", ""
    for part in text.split(","):
        match = _COMPARATOR.fullmatch(part.strip())
        if not match or match[1] == ">":
            raise ValueError(f"no CPAN range: {text!r}")
        operator, version = match.groups()
        if operator == "<":
            fixed = version
        elif operator == "<=":
            last = version
        elif operator in ("=", "=="):
            introduced = last = version
        else:
            introduced = version
    return Interval(introduced, fixed=fixed, last_affected="" if fixed else last)
