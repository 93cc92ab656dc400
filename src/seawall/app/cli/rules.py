"""``seawall rules``: the catalogue."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import click

from seawall.app.catalogue import catalogue, document
from seawall.app.cli import terminal
from seawall.core.errors import UsageError
from seawall.core.rule import Phase, Rule
from seawall.core.severity import Severity
from seawall.io.reports.terminal import BOLD, SEVERITY, Paint, columns

HEADER: Final = ("RULE", "SEVERITY", "DEFAULT", "CATEGORY", "TITLE")
GAP: Final = "  "


@click.command(
    epilog="""\b
Examples:
  seawall rules                              all of them
  seawall rules --category isolation --severity high
  seawall rules --framework pss-baseline     what a framework asks for
  seawall rules --format json                everything that is known of each rule
"""
)
@click.option("--phase", type=click.Choice([phase.value for phase in Phase]), help="Only rules of this phase.")
@click.option("--category", metavar="NAME", help="Only rules of this category.")
@click.option("--framework", metavar="NAME", help="Only rules that check a control of this framework, with or without its version.")
@click.option(
    "--severity",
    type=click.Choice([severity.value for severity in Severity if severity is not Severity.UNKNOWN]),
    allow_from_autoenv=False,
    help="Only rules of at least this severity.",
)
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, allow_from_autoenv=False)
@click.pass_context
def command(context: click.Context, phase: str | None, category: str | None, framework: str | None, severity: str | None, format_: str) -> None:
    """List the rules: id, severity, whether it runs by default, category and title."""
    if category:
        _check("category", category, {rule.category for rule in catalogue()})
    if framework:
        _check("framework", framework, {name for rule in catalogue() for name in _frameworks(rule)})
    rules = [
        rule
        for rule in catalogue()
        if (phase is None or rule.phase == phase)
        and (category is None or rule.category == category)
        and (framework is None or framework in _frameworks(rule))
        and (severity is None or rule.severity.at_least(Severity(severity)))
    ]
    if format_ == "json":
        click.echo(document(rules))
    else:
        click.echo("\n".join(_text(rules, Paint(terminal.color(context.obj["color"])))), color=True)


def _check(what: str, name: str, known: set[str]) -> None:
    if name not in known:
        raise UsageError(f"no rule has the {what} {name!r}; there are {', '.join(sorted(known))}")


def _frameworks(rule: Rule) -> set[str]:
    """The frameworks whose controls a rule checks: ``cis-kubernetes-1.12`` and ``cis-kubernetes``."""
    names = {control.framework for control in rule.controls}
    return names | {re.sub(r"-v?[0-9.]+$", "", name) for name in names}


def _text(rules: list[Rule], paint: Paint) -> Iterator[str]:
    """Columns, and how many rules there are."""
    rows = [(rule.id, rule.severity.value, "yes" if rule.by_default else "no", rule.category, rule.title) for rule in rules]
    widths = [max(map(columns, column)) for column in zip(HEADER, *rows, strict=True)]
    yield paint(GAP.join(_cells(HEADER, widths)).rstrip(), BOLD)
    for rule, row in zip(rules, rows, strict=True):
        name, severity, *rest = _cells(row, widths)
        yield GAP.join([name, paint(severity, SEVERITY[rule.severity]), *rest]).rstrip()
    yield f"{len(rules)} rules, {sum(rule.by_default for rule in rules)} by default"


def _cells(row: Iterable[str], widths: Iterable[int]) -> Iterator[str]:
    return (text.ljust(width) for text, width in zip(row, widths, strict=True))
