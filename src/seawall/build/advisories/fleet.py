"""What is known against the packages of a fleet: a million rows of (image, purl), matched as one join on byte keys.

A fleet has few distinct packages: each is read, and its version encoded, once. DuckDB then joins them with the intervals of the advisory database,
whose bounds are byte keys too, and the result with the rows. The rules are those of :mod:`seawall.build.advisories.match`, written in SQL; a test
holds the two to the same answers.

Needs the extra ``fleet`` (DuckDB); numpy carries the columns in and out.
"""

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seawall.build.advisories.ecosystems import Coordinate, NotEvaluated, coordinates
from seawall.build.advisories.match import ANY_ARCHITECTURE, absent, architecture, in_module, keys, stream, unknown
from seawall.core.errors import UsageError
from seawall.core.purl import read_purl

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class FleetMatch(Struct, frozen=True):
    """Pairs of a row and a vulnerability: ``vulnerabilities[i]`` (an index into ``names``) is known against the package of row ``rows[i]``.

    ``not_evaluated`` has, for each distinct purl that could not be asked about, the reason.
    """

    rows: NDArray[np.int64]
    vulnerabilities: NDArray[np.int32]
    names: tuple[str, ...]
    not_evaluated: dict[str, str]


# One row for each interval of a vulnerability that holds the version of a package, with what decides whether it counts.
_HITS: Final = """
CREATE TABLE hit AS
SELECT asked.package, interval.vulnerability
FROM asked
JOIN place ON place.number = asked.place
JOIN interval ON interval.name = place.name
WHERE interval.low <= place.version
  AND (interval.high IS NULL OR place.version < interval.high OR (interval.closed AND place.public <= interval.high))
  AND (interval.arch = '' OR asked.arch = '' OR list_contains(string_split(interval.arch, ' '), asked.arch))
  AND (NOT asked.is_rpm OR (interval.is_modular = asked.is_modular
    AND (interval.module = '' OR asked.module = '' OR list_contains(string_split(interval.module, ' '), asked.module))))
GROUP BY asked.package, asked.place, interval.vulnerability
HAVING NOT bool_or(interval.status = 'not-affected') AND bool_or(interval.status <> 'undetermined')
"""
_ROWS: Final = "SELECT given.number AS row, hit.vulnerability FROM given JOIN (SELECT DISTINCT package, vulnerability FROM hit) hit USING (package)"


def match_fleet(connection: sqlite3.Connection, purls: Sequence[str]) -> FleetMatch:
    """What is known against each row's package. ``connection`` is the advisory database.

    Raises :class:`UsageError` when DuckDB is not installed.
    """
    try:
        import duckdb  # 30 MB, for fleets only
    except ImportError:
        raise UsageError("matching a fleet needs DuckDB: install seawall[fleet]") from None
    distinct = {purl: number for number, purl in enumerate(dict.fromkeys(purls))}
    given = np.fromiter(map(distinct.__getitem__, purls), dtype=np.int32, count=len(purls))
    places: dict[Any, int] = {}
    asked: list[tuple[int, int, bool, bool, str, str]] = []
    located: dict[str, tuple[Coordinate, ...]] = {}
    not_evaluated: dict[str, str] = {}
    for purl, number in distinct.items():
        try:
            package, distro = read_purl(purl)
        except ValueError as error:
            not_evaluated[purl] = f"is no purl: {error}"
            continue
        found = coordinates(package, distro)
        if isinstance(found, NotEvaluated):
            not_evaluated[purl] = found.reason
            continue
        located[purl] = found
        arch = "" if package.arch in ANY_ARCHITECTURE else architecture(package.arch)
        for place in found:
            known = places.setdefault(place, len(places))
            is_rpm = package.type == "rpm"
            asked.append((number, known, is_rpm, is_rpm and in_module(package.module, package.version), stream(package.module), arch))
    empty = absent(connection, {place.ecosystem for place in places})
    not_evaluated |= {purl: reason for purl, found in located.items() if (reason := unknown(found, empty))} if empty else {}
    names = {name: number for number, name in enumerate(dict.fromkeys((place.ecosystem, place.name) for place in places))}
    intervals, vulnerabilities = _intervals(connection, names)
    with duckdb.connect() as duck:
        _table(duck, "given", {"number": np.arange(len(purls), dtype=np.int64), "package": given})
        _table(
            duck,
            "asked",
            _columns(asked, {"package": np.int32, "place": np.int32, "is_rpm": bool, "is_modular": bool, "module": object, "arch": object}),
        )
        rows = [(number, names[place.ecosystem, place.name], *keys(place)) for place, number in places.items()]
        _table(duck, "place", _columns(rows, {"number": np.int32, "name": np.int32, "version": bytes, "public": bytes}))
        _table(duck, "interval", intervals)
        duck.execute(_HITS)
        result = duck.execute(_ROWS).fetchnumpy()
    return FleetMatch(result["row"].astype(np.int64), result["vulnerability"].astype(np.int32), tuple(vulnerabilities), not_evaluated)


def _intervals(connection: sqlite3.Connection, names: dict[tuple[str, str], int]) -> tuple[dict[str, Any], list[str]]:
    """The intervals of these packages as columns, and the vulnerabilities that they number."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS fleet (ecosystem TEXT, name TEXT, number INTEGER)")
    connection.execute("DELETE FROM temp.fleet")
    connection.executemany("INSERT INTO temp.fleet VALUES (?,?,?)", ((*name, number) for name, number in names.items()))
    connection.commit()
    rows = []
    vulnerabilities: dict[str, int] = {}
    for name, low, high, closed, fixed, status, module, arch, vulnerability in connection.execute(
        "SELECT fleet.number, low, high, closed, fixed, status, module, arch, vulnerability FROM temp.fleet"
        " CROSS JOIN affected ON affected.ecosystem = fleet.ecosystem AND affected.name = fleet.name"
        " JOIN advisory ON advisory.number = affected.advisory WHERE advisory.withdrawn = ''"
    ):
        modules = " ".join(map(stream, module.split())) if module else ""
        arches = " ".join(map(architecture, arch.split())) if arch else ""
        code = vulnerabilities.setdefault(vulnerability, len(vulnerabilities))
        rows.append((name, low, high, bool(closed), status, in_module(module, fixed), modules, arches, code))
    types = {
        "name": np.int32,
        "low": bytes,
        "high": bytes,
        "closed": bool,
        "status": object,
        "is_modular": bool,
        "module": object,
        "arch": object,
        "vulnerability": np.int32,
    }
    return _columns(rows, types), list(vulnerabilities)


_SQL_TYPES: Final[dict[Any, str]] = {np.int32: "INTEGER", np.int64: "BIGINT", bool: "BOOLEAN", bytes: "BLOB", object: "VARCHAR"}


def _columns(rows: Sequence[tuple[Any, ...]], types: dict[str, Any]) -> dict[str, Any]:
    """Rows as numpy columns of these types; texts and bytes are objects."""
    columns: dict[str, Any] = {}
    for place, (name, kind) in enumerate(types.items()):
        column = np.empty(len(rows), dtype=object if kind in (bytes, object) else kind)
        column[:] = [row[place] for row in rows]
        columns[name] = column
    return columns


def _table(duck: "DuckDBPyConnection", name: str, columns: dict[str, Any]) -> None:
    """A table of numpy columns. The types of columns of objects are said, as an empty or absent value does not tell them."""
    duck.register("columns", columns)
    told = ", ".join(f"{column}::{_type(column, values)} AS {column}" for column, values in columns.items())
    duck.execute(f"CREATE TABLE {name} AS SELECT {told} FROM columns")  # noqa: S608 (names of ours)
    duck.unregister("columns")


_BLOBS: Final = frozenset({"low", "high", "version", "public"})


def _type(column: str, values: NDArray[Any]) -> str:
    if values.dtype == object:
        return "BLOB" if column in _BLOBS else "VARCHAR"
    return _SQL_TYPES[bool if values.dtype == bool else values.dtype.type]
