"""``seawall detect test``: the fixtures of rules."""

from typing import Any

import click
import msgspec

from seawall.app.cli.main import EXIT_FINDINGS, EXIT_INCOMPLETE


@click.command(
    epilog="""\b
A fixture is a YAML or JSON file with documents of these keys:
  events    what happens, as audit events or system-call events
  alerts    how many alerts the rule raises on them (0 for a near miss)
  rule      the rule's name or a tag of it; without it, the name of the file without its end
  why       what the case shows
  rules     rules, macros and lists of a site, put on top of the others
\b
Example:
  seawall detect test fixtures/ --rules rules.yaml
"""
)
@click.argument("targets", nargs=-1, required=True, metavar="DIR|FILE...")
@click.option("--rules", "rules_", multiple=True, metavar="FILE", help="Rule files, in this order, instead of the built-in rules.")
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, allow_from_autoenv=False)
@click.pass_context
def command(context: click.Context, targets: tuple[str, ...], rules_: tuple[str, ...], format_: str) -> None:
    """Run the fixtures of rules. Exit 1 when one does not raise the alerts that it says."""
    from seawall.app.detect_fixtures import run_fixtures

    report = run_fixtures(targets, rules_)
    if format_ == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        _print(report)
    failed = any(not case.passed for case in report.cases)
    context.exit(EXIT_FINDINGS if failed else EXIT_INCOMPLETE if report.errors else 0)


def _print(report: Any) -> None:
    for error in report.errors:
        click.echo(f"seawall: {error}", err=True)
    for case in report.cases:
        if not case.passed:
            click.echo(f"{case.file}: case {case.number}{f' ({case.why})' if case.why else ''}: {case.rule} raises {case.found}, not {case.expected}")
    passed = sum(case.passed for case in report.cases)
    click.echo(f"{passed} of {len(report.cases)} cases pass")
    for rule in report.untested:
        click.echo(f"note: {rule}: no fixture raises it", err=True)
