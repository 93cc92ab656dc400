"""Conditions as SQL against the row evaluator: the upper bound misses nothing, the lower takes nothing too much; as one they are exact.

The events hold what databases and Python see differently: quotes, backslashes, newlines, letters whose case changes their length, nothing at all.
DuckDB runs what hypothesis thinks up; ClickHouse (chdb) runs a fixed choice, the others are compiled only.
"""

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.run.detect.engine.rows import matches, reader
from seawall.run.detect.history.columns import COLUMNS, SOURCE, recorder
from seawall.run.detect.language import compile_condition
from seawall.run.detect.language.tree import And, Call, Check, Condition, Field, Not, Or, Text

duckdb = pytest.importorskip("duckdb", reason="history is an extra")
ibis = pytest.importorskip("ibis", reason="history is an extra")
pa = pytest.importorskip("pyarrow", reason="history is an extra")

from seawall.io.stores.days import Type  # noqa: E402
from seawall.run.detect.history.bounds import Translator  # noqa: E402
from seawall.run.detect.history.factoring import factored  # noqa: E402
from seawall.run.detect.history.narrowing import DIALECTS, sql, table_of_events  # noqa: E402
from seawall.run.detect.history.truth import expression  # noqa: E402

_TOOLS: Any = runpy.run_path(str(Path(__file__).parent / "events.py"))
WORDS, decoded, lines = _TOOLS["WORDS"], _TOOLS["decoded"], _TOOLS["lines"]

EVENTS = decoded(lines(160))
PLACE = {"place": "int64"}

TEXTS = (
    *map(Field, (
        "ka.verb", "ka.user.name", "ka.useragent", "ka.uri", "ka.target.name", "ka.target.resource", "ka.target.pod.name", "ka.response.code",
        "ka.auth.decision", "ka.req.binding.role", "ka.req.configmap.obj", "ka.req.pod.host_network", "ka.resp.name", "ka.req.configmap.name",
        "jevt.rawtime",
    )),
    Field("ka.uri.param", "command"), Field("ka.req.binding.subject.has_name", "x"),
    *(Field("jevt.value", place) for place in (
        "/stage", "/objectRef/apiGroup", "/level", "/requestObject/spec/type", "/annotations/other~1x", "/sourceIPs/0",
    )),
)  # fmt: skip
LISTS = (
    Field("ka.user.groups"), Field("ka.user.groups", "1"), Field("ka.sourceips"), Field("ka.req.pod.containers.image"),
    Field("ka.req.pod.containers.image", "1"), Field("ka.req.role.rules.verbs"), Field("ka.req.pod.containers.add_capabilities"),
)  # fmt: skip

words = st.sampled_from(WORDS)
some_words = st.lists(words, max_size=4).map(tuple)
EXPRESSIONS = ("a.*", "[a-z]+:?.*", "(get|pods)", r"\d+", "s.?", "x+", ".", "(?i)GET", "^get$", r"\w+\s\w+")


@st.composite
def checks(draw: st.DrawFn) -> Check:
    kind = draw(st.sampled_from(("text", "text", "text", "list", "call", "other", "exists", "regex")))
    field = draw(st.sampled_from(TEXTS))
    match kind:
        case "text":
            operator = draw(
                st.sampled_from(
                    ("=", "!=", "<", ">=", "contains", "icontains", "startswith", "endswith", "glob", "iglob", "in", "pmatch", "bcontains")
                )
            )
            if operator == "bcontains":
                return Check(field, operator, (draw(words).encode().hex() or "61",))
            if operator in ("in", "pmatch"):
                return Check(field, operator, draw(some_words), is_list=True)
            if draw(st.booleans()):
                return Check(field, operator, draw(some_words), modifier=draw(st.sampled_from(("oneof", "anyof", "allof"))), is_list=True)
            return Check(field, operator, (draw(words),))
        case "regex":
            return Check(field, "regex", (draw(st.sampled_from(EXPRESSIONS)),))
        case "list":
            field = draw(st.sampled_from(LISTS))
            if draw(st.booleans()):
                return Check(field, draw(st.sampled_from(("in", "intersects"))), draw(some_words), is_list=True)
            operator = draw(st.sampled_from(("=", "startswith", "icontains", "glob")))
            return Check(field, operator, draw(some_words), modifier=draw(st.sampled_from(("oneof", "anyof", "allof"))), is_list=True)
        case "call":
            name = draw(st.sampled_from(("tolower", "toupper", "basename", "len", "concat")))
            if name == "len":
                left = Call(name, (draw(st.sampled_from(TEXTS + LISTS)),))
                return Check(left, draw(st.sampled_from(("=", ">", "<="))), (draw(st.sampled_from(("0", "1", "3", "8"))),))
            arguments = (field, Text("-"), draw(st.sampled_from(TEXTS))) if name == "concat" else (field,)
            return Check(Call(name, arguments), draw(st.sampled_from(("=", "startswith", "in"))), (draw(words),), is_list=False)
        case "other":
            return Check(field, draw(st.sampled_from(("=", "!=", "<"))), other=Call("val", (draw(st.sampled_from(TEXTS)),)))
        case _:
            return Check(draw(st.sampled_from(TEXTS + LISTS)), "exists")


conditions = st.recursive(
    checks(),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=6,
)


def arrow_table() -> Any:
    record = recorder()
    rows = [record(event) for event in EVENTS]
    types = {Type.TEXT: pa.string(), Type.TEXTS: pa.list_(pa.string()), Type.INTEGER: pa.int64(), Type.BOOLEAN: pa.bool_()}
    columns = {column.name: pa.array([row[place] for row in rows], types[column.type]) for place, column in enumerate(COLUMNS)}
    return pa.table({"time": pa.array([SOURCE.time(event) for event in EVENTS], pa.int64()), "place": list(range(len(rows))), **columns})


@pytest.fixture(scope="module")
def database() -> Iterator[Any]:
    with duckdb.connect() as connection:
        connection.register("arrow", arrow_table())
        connection.execute("CREATE TABLE events AS SELECT * FROM arrow")
        yield connection


def fitting(condition: Condition) -> set[int]:
    """By the row evaluator."""
    return {place for place, event in enumerate(EVENTS) if matches(condition, reader(event, SOURCE), SOURCE.name)}


def selected(connection: Any, truth: Any) -> set[int]:
    table = table_of_events(PLACE)
    query = str(ibis.to_sql(table.filter(expression(truth)).select("place"), dialect="duckdb"))
    return {place for (place,) in connection.execute(query).fetchall()}


@settings(max_examples=300, deadline=None)
@given(conditions)
def test_the_bounds_hold(database: Any, condition: Condition) -> None:
    bounds = Translator(table_of_events(PLACE)).bounds(condition)
    fits = fitting(condition)
    upper, lower = selected(database, bounds.upper), selected(database, bounds.lower)
    assert lower <= fits <= upper
    if bounds.is_exact:
        assert upper == fits


@settings(max_examples=150, deadline=None)
@given(st.lists(conditions, max_size=4))
def test_factoring_changes_nothing(some: list[Condition]) -> None:
    together: set[int] = set().union(*map(fitting, some))
    assert fitting(factored(some)) == together


EXACT = [
    "ka.verb = get",
    "ka.verb != get",
    "not ka.verb in (get, create)",
    "ka.target.name contains '%_'",
    "ka.target.name startswith anyof ('%', x, 'a\\\\n')",
    "ka.target.name glob anyof ('a*', '?et')",
    "not ka.user.name startswith system:",
    "ka.user.groups intersects (get, pods)",
    "ka.user.groups in (get, pods, secrets, default)",
    "not ka.user.groups intersects (get)",
    "ka.user.groups startswith anyof (sys, de)",
    "ka.target.name pmatch (/etc)",
    "len(ka.user.groups) > 1",
    "ka.user.groups exists and not ka.sourceips exists",
    "ka.target.name regex '[a-z]+.*'",
    "basename(ka.target.name) = passwd",
    "ka.target.name = val(ka.user.name)",
    "ka.target.name startswith oneof (a, al, sys)",
    "ka.target.name < 5",
    "jevt.value[/stage] = ResponseComplete and jevt.rawtime exists",
]
NOT_EXACT = ["ka.target.name icontains ET", "tolower(ka.user.name) = get", "jevt.value[/annotations/other~1x] = get", "ka.uri.param[command] = sh"]


def compiled(text: str) -> Condition:
    condition, errors = compile_condition(text, source="k8s_audit")
    assert condition is not None, errors
    assert not errors, errors
    return condition


@pytest.mark.parametrize("text", EXACT)
def test_what_sql_says_exactly(database: Any, text: str) -> None:
    condition = compiled(text)
    bounds = Translator(table_of_events(PLACE)).bounds(condition)
    assert bounds.is_exact
    assert selected(database, bounds.upper) == fitting(condition)
    assert 0 < len(fitting(condition)) < len(EVENTS)


@pytest.mark.parametrize("text", NOT_EXACT)
def test_what_sql_says_less_of(database: Any, text: str) -> None:
    condition = compiled(text)
    bounds = Translator(table_of_events(PLACE)).bounds(condition)
    assert not bounds.is_exact
    assert selected(database, bounds.lower) <= fitting(condition) <= selected(database, bounds.upper)
    assert len(selected(database, bounds.upper)) < len(EVENTS) or "annotations" in text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_condition_compiles_for_every_database(dialect: str) -> None:
    import sqlglot

    query = sql([compiled(text) for text in EXACT + NOT_EXACT], dialect)
    names = {"pyspark": "spark"}
    assert sqlglot.parse_one(query, dialect=names.get(dialect, dialect)).find(sqlglot.exp.Where)


def test_clickhouse_selects_what_the_engine_does(tmp_path: Path) -> None:
    session_module = pytest.importorskip("chdb.session", reason="chdb, ClickHouse embedded, is not installed")
    import pyarrow.parquet as pq

    pq.write_table(arrow_table(), tmp_path / "events.parquet")
    session = session_module.Session(str(tmp_path / "clickhouse"))
    try:
        session.query("CREATE DATABASE history")
        session.query(f"CREATE VIEW history.events AS SELECT * FROM file('{tmp_path}/events.parquet', Parquet)")
        session.query("USE history")
        table = table_of_events(PLACE)
        for text in EXACT + NOT_EXACT:
            condition = compiled(text)
            bounds = Translator(table).bounds(condition)
            query = str(ibis.to_sql(table.filter(expression(bounds.upper)).select("place"), dialect="clickhouse"))
            upper = {int(line) for line in str(session.query(query, "CSV")).split()}
            assert fitting(condition) <= upper, text
            if bounds.is_exact:
                assert upper == fitting(condition), text
    finally:
        session.close()
