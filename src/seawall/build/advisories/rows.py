"""Advisories as rows of the database: intervals of versions become intervals of byte keys."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from seawall.build.advisories.ecosystems import normalise_ecosystem, normalise_name
from seawall.build.advisories.feeds.spans import KeyedInterval
from seawall.build.advisories.model import Affected, Interval
from seawall.build.advisories.versions import scheme_of
from seawall.build.advisories.versions.scheme import Scheme
from seawall.core.errors import UsageError

_AFTER: Final = b"\x00"
_BEGINNING: Final = ("", "0")


class Row(NamedTuple):
    """One interval of affected versions, as table ``affected`` has it; ``high`` None is no end, ``closed`` 1 when ``high`` itself is affected."""

    ecosystem: str
    name: str
    low: bytes
    high: bytes | None
    closed: int
    fixed: str
    status: str
    severity: str
    module: str
    arch: str


class _Range(NamedTuple):
    low: bytes
    high: bytes | None
    closed: int
    fixed: str

    @property
    def end(self) -> bytes | None:
        """The first key behind it, None for no end."""
        return self.high + _AFTER if self.closed and self.high is not None else self.high


def rows_of(affected: Iterable[Affected]) -> tuple[list[Row], list[str]]:
    """The rows of one advisory, and what is wrong with it. Intervals of one package that overlap are one row, with the fix of the last of them;
    versions that lie in one of its intervals are not stored again."""
    problems: list[str] = []
    packages: dict[tuple[str, str, str, str, str, str], tuple[Scheme, list[_Range], dict[bytes, None]]] = {}
    for item in affected:
        ecosystem = normalise_ecosystem(item.ecosystem)
        name = normalise_name(ecosystem, item.name)
        package = (ecosystem, name, item.status, item.severity, item.module, " ".join(item.arch))
        try:
            scheme = scheme_of(ecosystem)
        except UsageError as error:
            problems.append(str(error))
            continue
        _, ranges, versions = packages.setdefault(package, (scheme, [], {}))
        versions.update(dict.fromkeys(map(scheme.key, item.versions)))
        if not item.intervals and not item.versions:
            ranges.append(_Range(b"", None, 0, ""))
        for interval in item.intervals:
            found = _range(interval, scheme)
            if found.end is not None and found.end <= found.low:
                problems.append(f"{item.ecosystem} {item.name}: from {interval.introduced} to {interval.fixed or interval.last_affected} is empty")
            else:
                ranges.append(found)
    rows = []
    for (ecosystem, name, status, severity, module, arch), (_, ranges, versions) in packages.items():
        merged = _merged(ranges)
        merged += [_Range(key, key, 1, "") for key in versions if not any(_holds(found, key) for found in merged)]
        rows += [Row(ecosystem, name, *found, status, severity, module, arch) for found in merged]
    return rows, problems


def _range(interval: Interval, scheme: Scheme) -> _Range:
    fixed = "" if interval.unfixed else interval.fixed
    if isinstance(interval, KeyedInterval):
        return _Range(interval.low, interval.high, 0, fixed)
    low = b"" if interval.introduced in _BEGINNING else scheme.key(interval.introduced)
    if interval.fixed:
        return _Range(low, scheme.key(interval.fixed), 0, fixed)
    if interval.last_affected:
        return _Range(low, scheme.key(interval.last_affected), 1, "")
    return _Range(low, None, 0, "")


def _merged(ranges: list[_Range]) -> list[_Range]:
    if len(ranges) < 2:
        return list(ranges)
    merged: list[_Range] = []
    for found in sorted(ranges, key=lambda found: found.low):
        last = merged[-1] if merged else None
        if last is None or (last.end is not None and last.end < found.low):
            merged.append(found)
        elif last.end is not None and (found.end is None or found.end > last.end):
            merged[-1] = _Range(last.low, found.high, found.closed, found.fixed)
    return merged


def _holds(found: _Range, key: bytes) -> bool:
    return found.low <= key and (found.end is None or key < found.end)
