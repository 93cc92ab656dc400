"""``seawall detect``: rules on audit logs and system-call events. Without a subcommand it judges the events that are named."""

import signal
import sys
from typing import Any, Final

import click
import msgspec

from seawall.app.cli.lazy import LazyGroup
from seawall.app.cli.main import EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_USAGE
from seawall.core.errors import InputError, UsageError

SUBCOMMANDS: Final = {
    # name: (module, what --help says of it)
    "check": ("detect_check", "What is wrong with rule files, and what an audit policy hides from rules."),
    "test": ("detect_test", "Run the fixtures of rules: events with the number of alerts they must raise."),
    "serve": ("detect_serve", "Take audit events from the API server's webhook."),
    "history": ("detect_history", "Keep events, run rules over them, try rules and exceptions on the past."),
    "import-sigma": ("detect_import_sigma", "Turn Sigma rules into rules of this language."),
}
PRIORITIES: Final = ("emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug")
_SHOWN_PROBLEMS: Final = 20
_SEVERITIES: Final = {"critical": "critical", "high": "error", "medium": "warning", "low": "notice", "info": "debug"}


class DetectGroup(LazyGroup):
    """A group whose own arguments are those of ``run``: ``seawall detect audit.log`` needs no further word."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return run if cmd_name == "run" else super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] in ("-h", "--help"):
            return super().parse_args(ctx, args or ["--help"])
        return super().parse_args(ctx, args if args[0] in SUBCOMMANDS else ["run", *args])

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "[OPTIONS] EVENTS...")
        formatter.write_usage(ctx.command_path, "COMMAND [ARGS]...", prefix="   or: ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        run.format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


@click.command(
    cls=DetectGroup,
    lazy=SUBCOMMANDS,
    epilog="""\b
Examples:
  seawall detect audit.log                                   with the built-in rules
  seawall detect /var/log/kubernetes/ --format json          a directory, rotated and compressed files included
  seawall detect - --rules falco_rules.yaml --rules mine.yaml < events.json
  seawall detect /var/log/kubernetes/audit.log --follow --dedup 10m
""",
)
def command() -> None:
    """Judge audit logs and system-call events by rules, and print the alerts."""


@click.command("run", hidden=True)
@click.argument("events", nargs=-1, required=True, metavar="EVENTS...")
@click.option("--rules", "rules_", multiple=True, metavar="FILE", help="Rule files, in this order, instead of the built-in rules.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only rules with this tag.")
@click.option("--skip-tag", "skip_tags", multiple=True, metavar="TAG", help="No rules with this tag.")
@click.option("--rule", "names", multiple=True, metavar="GLOB", help="Only rules of this name, those that are disabled included.")
@click.option("--skip", multiple=True, metavar="GLOB", help="No rules of this name.")
@click.option("--priority", metavar="MIN", help="Only rules of this priority or a more urgent one.")
@click.option("--first", is_flag=True, help="At most one alert for each event: that of the first rule.")
@click.option("--follow", is_flag=True, help="Wait for more events in the last file, through its rotation.")
@click.option("--dedup", metavar="TIME", help="Print alerts of one cause once in this time, such as 10m, and then how many there were.")
@click.option("--rate", metavar="N/TIME", help="At most so many alerts of each rule, such as 10/1m.")
@click.option(
    "--fail-on",
    default="high",
    show_default=True,
    metavar="PRIORITY",
    help="Exit with 1 for an alert of this priority or severity, or a more urgent one; never for never.",
)
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, allow_from_autoenv=False)
@click.pass_context
def run(
    context: click.Context,
    events: tuple[str, ...],
    rules_: tuple[str, ...],
    tags: tuple[str, ...],
    skip_tags: tuple[str, ...],
    names: tuple[str, ...],
    skip: tuple[str, ...],
    priority: str | None,
    first: bool,
    follow: bool,
    dedup: str | None,
    rate: str | None,
    fail_on: str,
    format_: str,
) -> None:
    """Judge events."""
    from seawall.app import detect  # numpy takes a tenth of a second
    from seawall.io.sources.audit import read
    from seawall.run.detect.engine.choice import Choice, rank

    choice = Choice(tags, skip_tags, names, skip, _priority(priority, "--priority") if priority else "")
    floor = None if fail_on == "never" else rank(_priority(fail_on, "--fail-on"))
    limit, interval = rate_option(rate)
    rules = detect.load_rules(rules_, choice)
    told = tell_of_rules(rules)
    if not rules.judged and told:
        context.exit(EXIT_USAGE)
    options = detect.Options(first_only=first, dedup=duration_option(dedup, "--dedup"), rate_limit=limit, rate=interval)
    detection = detect.Detection(rules, options)
    failed = False
    problems = 0
    unreadable = False
    if follow:
        signal.signal(signal.SIGTERM, _interrupted)
    try:
        for item in detection.run(read(events, follow=follow), live=follow or "-" in events):
            if isinstance(item, InputError):
                problems += 1
                unreadable = unreadable or item.line is None
                if problems <= _SHOWN_PROBLEMS:
                    click.echo(f"seawall: {item}", err=True)
            else:
                failed = failed or (floor is not None and rank(item.priority) <= floor)
                print_alert(item, format_, flush=follow)
    except KeyboardInterrupt:
        if not follow:
            raise
        for item in detection.finish():
            print_alert(item, format_, flush=True)
    sys.stdout.flush()
    _tell(detection, problems, quiet=bool(context.obj and context.obj.get("quiet")))
    if unreadable and not detection.counts.events:
        context.exit(EXIT_USAGE)
    context.exit(EXIT_FINDINGS if failed else EXIT_INCOMPLETE if problems or told else 0)


def _interrupted(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def print_alert(alert: Any, format_: str, *, flush: bool) -> None:
    """One line for an alert."""
    if format_ == "json":
        sys.stdout.write(msgspec.json.encode(alert).decode("utf-8", "surrogateescape") + "\n")
    else:
        more = "".join(
            text
            for text, value in ((f" [{alert.count} times]", alert.count), (f" [{alert.dropped} lost before]", alert.dropped))
            if value is not msgspec.UNSET
        )
        sys.stdout.write(_printable(alert.output) + more + "\n")
    if flush:
        sys.stdout.flush()


def _printable(text: str) -> str:
    """One line, without what could steer a terminal."""
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)


def _priority(text: str, option: str) -> str:
    name = _SEVERITIES.get(text.lower(), text.lower())
    name = {"info": "informational", "emerg": "emergency", "crit": "critical", "warn": "warning"}.get(name, name)
    if name not in PRIORITIES:
        raise UsageError(f"{option}: {text!r} is no priority; known are {', '.join(PRIORITIES)}")
    return name


def duration_option(text: str | None, option: str) -> int:
    """A duration in nanoseconds, 0 for none."""
    from seawall.run.detect.engine.extensions import ExtensionError, duration

    try:
        return duration(text) if text else 0
    except ExtensionError as error:
        raise UsageError(f"{option}: {error}") from None


def rate_option(text: str | None) -> tuple[int, int]:
    """``10/1m`` as a number and nanoseconds, 0 for none."""
    if not text:
        return 0, 0
    number, slash, interval = text.partition("/")
    if not slash or not number.isdecimal() or not int(number):
        raise UsageError(f"--rate: {text!r} is no rate; write a number and a time, such as 10/1m")
    return int(number), duration_option(interval, "--rate")


def tell_of_rules(rules: Any) -> bool:
    """Say what is wrong with rules; whether any is."""
    from seawall.app.detect import rules_without_source

    for error in rules.errors:
        place = f"{error.file}:{error.line}:{error.column}" if error.line else error.file
        click.echo(f"seawall: {place}: {error.item + ': ' if error.item else ''}{error.message}", err=True)
    for name in rules_without_source(judged.rule for judged in rules.judged):
        click.echo(f"note: {name}: no input here has events of its source", err=True)
    return bool(rules.errors)


def _tell(detection: Any, problems: int, *, quiet: bool) -> None:
    counts = detection.counts
    if problems > _SHOWN_PROBLEMS:
        click.echo(f"seawall: {problems - _SHOWN_PROBLEMS} more problems", err=True)
    if quiet:
        return
    parts = [f"{counts.events:,} events", f"{counts.alerts:,} alerts", f"{len(detection.rules.judged):,} rules"]
    for number, what in (
        (counts.malformed, "lines that are no JSON"),
        (counts.other, "values that are no events"),
        (counts.unfinished, "unfinished lines"),
        (counts.duplicates, "events delivered twice"),
        (detection.held, "alerts over the rate"),
        (detection.forgotten, "groups forgotten by rules that count"),
    ):
        if number:
            parts.append(f"{number:,} {what}")
    click.echo(", ".join(parts), err=True)
