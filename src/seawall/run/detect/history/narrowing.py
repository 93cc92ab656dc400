"""Rules as a query: the rows of the store that they may fit.

``narrowed(table, conditions)`` is an Ibis expression, executed by DuckDB here; ``sql(conditions, dialect)`` is the same for whoever keeps the table
in another database, with the columns that ``store_schema`` names.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import ibis

from seawall.io.stores.days import Type
from seawall.run.detect.history.bounds import Translator
from seawall.run.detect.history.columns import COLUMNS
from seawall.run.detect.history.factoring import factored
from seawall.run.detect.history.truth import expression
from seawall.run.detect.language.tree import Condition

DIALECTS: Final = ("duckdb", "clickhouse", "trino", "pyspark")
TABLE: Final = "events"

_TYPES: Final = {Type.TEXT: "string", Type.TEXTS: "array<string>", Type.INTEGER: "int64", Type.BOOLEAN: "boolean"}


def store_schema(places: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """The columns of the store in Ibis' types; ``places`` are columns beside them that tell where a row is."""
    return {"time": "int64", **{column.name: _TYPES[column.type] for column in COLUMNS}, **places}


def table_of_events(places: Mapping[str, str] = MappingProxyType({})) -> Any:
    """The table of the store, not bound to a database."""
    return ibis.table(store_schema(places), name=TABLE)


def narrowed(table: Any, conditions: Iterable[Condition]) -> Any:
    """The rows that may fit one of the conditions: all that do, and as few others as SQL can say."""
    return table.filter(expression(Translator(table).bounds(factored(conditions)).upper))


def sql(conditions: Iterable[Condition], dialect: str, columns: Sequence[str] = ("time", "event")) -> str:
    """The query for a database: one of :data:`DIALECTS`."""
    return str(ibis.to_sql(narrowed(table_of_events(), conditions).select(*columns), dialect=dialect))
