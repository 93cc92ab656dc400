"""``seawall detect history``: events into a store, rules over it, and what a change to a rule would have done."""

import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec
from msgspec import structs

from seawall.app.cli.detect import print_alert, tell_of_rules
from seawall.app.cli.main import EXIT_INCOMPLETE, EXIT_USAGE
from seawall.core.errors import InputError, UsageError

if TYPE_CHECKING:
    from seawall.app.detect import Rules
    from seawall.run.detect.engine.alert import Alert
    from seawall.run.detect.history.backtest import Backtest, Outcome
    from seawall.run.detect.history.replay import Span

_SHOWN_PROBLEMS: Final = 20
_DIALECTS: Final = ("duckdb", "clickhouse", "trino", "pyspark")

_store = click.option("--store", "directory", required=True, metavar="DIR", help="The store: a directory of Parquet files.")
_rules = click.option("--rules", "rules_", multiple=True, metavar="FILE", help="Rule files, in this order, instead of the built-in rules.")
_names = click.option("--rule", "names", multiple=True, metavar="GLOB", help="Only rules of this name.")
_since = click.option("--since", metavar="TIME", help="Only events from then on: 2026-01-31, 2026-01-31T12:00:00Z, or 7d for seven days ago.")
_until = click.option("--until", metavar="TIME", help="Only events before then.")
_format = click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, allow_from_autoenv=False)


@click.group(
    epilog="""\b
Examples:
  seawall detect history import /var/log/kubernetes/ --store history
  seawall detect history run --store history --since 7d
  seawall detect history backtest --store history --rule 'Secret read' --exception 'ka.user.name = backup'
  seawall detect history suggest --store history
""",
)
def command() -> None:
    """Run rules over the store of past audit events."""


def _ready() -> None:
    """Say what is missing before anything is read."""
    try:
        import duckdb  # noqa: F401
        import ibis  # noqa: F401
        import pyarrow as pa  # noqa: F401
    except ImportError as error:
        raise UsageError(f"history needs {error.name}: install seawall[history]") from None


@command.command("import")
@click.argument("events", nargs=-1, required=True, metavar="EVENTS...")
@_store
@click.pass_context
def import_(context: click.Context, events: tuple[str, ...], directory: str) -> None:
    """Put audit events into the store, each once; what is there already is left as it is."""
    _ready()
    from seawall.io.sources.audit import read
    from seawall.run.detect.history.importing import Imported, import_events, store_at

    counts, problems = Imported(), 0
    for problem in import_events(store_at(directory), read(events), counts):
        problems += 1
        _tell_problem(problem, problems)
    parts = [f"{counts.added:,} events added", f"{counts.known:,} known before"]
    parts += [
        f"{number:,} {what}"
        for number, what in ((counts.malformed, "lines that are no JSON"), (counts.other, "values that are no audit events"))
        if number
    ]
    click.echo(", ".join(parts), err=True)
    context.exit(EXIT_USAGE if problems and not counts.added + counts.known else EXIT_INCOMPLETE if problems else 0)


def _tell_problem(problem: InputError, number: int) -> None:
    if number <= _SHOWN_PROBLEMS:
        click.echo(f"seawall: {problem}", err=True)
    elif number == _SHOWN_PROBLEMS + 1:
        click.echo("seawall: more problems are not shown", err=True)


@command.command()
@_store
@_rules
@_names
@_since
@_until
@click.option("--first", is_flag=True, help="At most one alert for each event: that of the first rule.")
@_format
@click.pass_context
def run(
    context: click.Context,
    directory: str,
    rules_: tuple[str, ...],
    names: tuple[str, ...],
    since: str | None,
    until: str | None,
    first: bool,
    format_: str,
) -> None:
    """Print the alerts that the rules raise on the events of the store, as the stream would have. Alerts do not change the exit status."""
    _ready()
    from seawall.app.detect import fingerprint_of
    from seawall.run.detect.history.importing import store_at
    from seawall.run.detect.history.replay import Replay

    rules, told = _load(rules_, names)
    replay = Replay(store_at(directory), rules.judged, _span(since, until), first_only=first)
    alerts = 0
    for alert in replay.alerts():
        alerts += 1
        print_alert(structs.replace(alert, finding=fingerprint_of(alert)), format_, flush=False)
    sys.stdout.flush()
    click.echo(f"{replay.events:,} events, {alerts:,} alerts, {len(replay.judged):,} rules", err=True)
    context.exit(EXIT_INCOMPLETE if told else 0)


@command.command()
@_store
@_rules
@_names
@_since
@_until
@click.option("--exception", metavar="TEXT", help="A condition; events that fit it would not have been looked at.")
@_format
@click.pass_context
def backtest(
    context: click.Context,
    directory: str,
    rules_: tuple[str, ...],
    names: tuple[str, ...],
    since: str | None,
    until: str | None,
    exception: str | None,
    format_: str,
) -> None:
    """How often rules would have fired, and how much of it an exception would remove."""
    _ready()
    from seawall.run.detect.history.backtest import backtest as run_backtest
    from seawall.run.detect.history.importing import store_at

    rules, told = _load(rules_, names)
    condition = None if exception is None else _condition(exception, rules_)
    found = run_backtest(store_at(directory), rules.judged, _span(since, until), condition)
    if format_ == "json":
        _print_backtest(found)
    else:
        for outcome in found.outcomes:
            if outcome.fired or outcome.added or len(found.outcomes) == 1:
                _tell_outcome(outcome, has_exception=condition is not None)
        click.echo(f"{found.events:,} events, {len(found.outcomes):,} rules", err=True)
    context.exit(EXIT_INCOMPLETE if told else 0)


def _print_backtest(found: "Backtest") -> None:
    outcomes = [
        {
            "rule": outcome.rule,
            "fired": outcome.fired,
            "removed": outcome.removed,
            "added": outcome.added,
            "remaining": outcome.remaining,
            "days": outcome.days,
            "examples": outcome.examples,
            "removed_examples": outcome.removed_examples,
        }
        for outcome in found.outcomes
    ]
    _print_json({"schema": "seawall.backtest/v1", "events": found.events, "rules": outcomes})


def _tell_outcome(outcome: "Outcome", *, has_exception: bool) -> None:
    click.echo(f"{outcome.rule}: would have fired {_times(outcome.fired)} on {len(outcome.days):,} days")
    if has_exception:
        more = f", and add {outcome.added:,}" if outcome.added else ""
        click.echo(f"  this exception would remove {outcome.removed:,}{more}: {outcome.remaining:,} remain")
        _tell_examples("removed", outcome.removed_examples)
    _tell_examples("remaining" if has_exception else "such as", outcome.examples)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _tell_examples(what: str, examples: Iterable["Alert"]) -> None:
    for alert in examples:
        text = "".join(character if character.isprintable() else " " for character in alert.message)
        click.echo(f"  {what}: {alert.time} {text[:300]}")


@command.command()
@_store
@_rules
@_names
@_since
@_until
@_format
@click.pass_context
def suggest(
    context: click.Context, directory: str, rules_: tuple[str, ...], names: tuple[str, ...], since: str | None, until: str | None, format_: str
) -> None:
    """Suggest exceptions for noisy rules: the few combinations of values that explain most of their alerts."""
    _ready()
    from seawall.run.detect.history.importing import store_at
    from seawall.run.detect.history.suggestions import suggest as find

    rules, told = _load(rules_, names)
    suggestions = find(store_at(directory), rules.judged, _span(since, until))
    if format_ == "json":
        rows = [{**structs.asdict(each), "values": [{"values": values, "alerts": count} for values, count in each.values]} for each in suggestions]
        _print_json({"schema": "seawall.suggestions/v1", "suggestions": rows})
    else:
        for each in suggestions:
            click.echo(f"# {each.rule}: {each.alerts:,} alerts, of which this exception would remove {each.removes:,}")
            for values, count in each.values:
                click.echo(f"#   {count:,}: {', '.join(f'{name} = {value}' for name, value in zip(each.fields, values, strict=True))}")
            click.echo(each.exception)
        if not suggestions:
            click.echo("no rule is noisy in a way that an exception for a few values would mend", err=True)
    context.exit(EXIT_INCOMPLETE if told else 0)


@command.command()
@_rules
@_names
@click.option("--dialect", type=click.Choice(_DIALECTS), default="duckdb", show_default=True, help="The database that is to run it.")
def sql(rules_: tuple[str, ...], names: tuple[str, ...], dialect: str) -> None:
    """Print the query that narrows a table of events down to what the rules may fit."""
    _ready()
    from seawall.run.detect.history.narrowing import sql as write

    rules, _ = _load(rules_, names)
    click.echo(write([judged.rule.condition for judged in rules.judged if judged.rule.source == "k8s_audit"], dialect))


def _load(paths: Sequence[str], names: tuple[str, ...]) -> "tuple[Rules, bool]":
    """The rules, and whether something was wrong with some."""
    from seawall.app.detect import load_rules
    from seawall.run.detect.engine.choice import Choice

    rules = load_rules(paths, Choice(rules=names))
    if not paths:  # among the built-in rules are those for system calls, which no history has; that need not be said
        rules = structs.replace(rules, judged=tuple(judged for judged in rules.judged if judged.rule.source == "k8s_audit"))
    told = tell_of_rules(rules)
    if not rules.judged:
        raise UsageError("there is no rule of that name" if names else "there are no rules to judge by")
    return rules, told


def _condition(text: str, paths: Sequence[str]) -> Any:
    """The exception, which may use the lists and macros of the rules."""
    from seawall.app.detect import built_in_rules, rule_files
    from seawall.run.detect.language import compile_condition, compile_rules

    condition, errors = compile_condition(text, compile_rules(rule_files(paths) if paths else built_in_rules()), source="k8s_audit")
    if condition is None or errors:
        raise UsageError(f"--exception: column {errors[0].column}: {errors[0].message}")
    return condition


def _span(since: str | None, until: str | None) -> "Span":
    from seawall.run.detect.history.replay import Span

    span = Span(_moment(since, "--since"), _moment(until, "--until"))
    if span.since is not None and span.until is not None and span.since >= span.until:
        raise UsageError("--since is not before --until")
    return span


def _moment(text: str | None, option: str) -> int | None:
    """A time in nanoseconds since 1970."""
    from seawall.run.detect.engine.extensions import ExtensionError, duration
    from seawall.run.events.time import nanoseconds

    if text is None:
        return None
    moment = nanoseconds(text) if "T" in text else nanoseconds(f"{text}T00:00:00Z")
    if moment is not None:
        return moment
    try:
        return time.time_ns() - duration(text)
    except ExtensionError:
        raise UsageError(f"{option}: {text!r} is no time: write 2026-01-31, 2026-01-31T12:00:00Z, or 7d for seven days ago") from None


def _print_json(document: dict[str, Any]) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
