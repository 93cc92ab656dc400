"""Rules over the past: audit events in a store of Parquet files, judged by the rules of the stream.

store = store_at("/var/lib/seawall/history")
list(import_events(store, read(["audit.log"]), counts))
for alert in Replay(store, judged, Span(since, until)).alerts(): ...

columns                       what is stored of an event, and where each field is
truth, predicates, bounds     conditions as Ibis expressions, from above and from below
narrowing                     the query, for DuckDB, ClickHouse, Trino and Spark
importing, replay             events in, alerts out
backtest, suggestions         what a change to a rule would have done; which exception would calm it
"""
