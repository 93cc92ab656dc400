"""``seawall explain``: one rule in full."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import click
import msgspec

from seawall.app.catalogue import Alias, aliases, catalogue, document
from seawall.app.cli import terminal
from seawall.core.rule import Rule
from seawall.io.reports.prose import paragraphs, sections
from seawall.io.reports.terminal import BOLD, SEVERITY, Paint, columns, wrap

INDENT: Final = "  "
LINE_LENGTH: Final = 100  # columns; longer lines are hard to read, however wide the terminal


@click.command(
    epilog="""\b
Examples:
  seawall explain privileged
  seawall explain KSV-0017           the same, by the name that another tool gives it
  seawall explain privileged --format json
"""
)
@click.argument("rule", metavar="RULE")
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, allow_from_autoenv=False)
@click.pass_context
def command(context: click.Context, rule: str, format_: str) -> None:
    """Explain a rule: what it finds, why it matters, how to fix it, and what it is called elsewhere.

    RULE is the id of a rule, or the id that another tool uses for the same thing.
    """
    options: dict[str, Any] = context.obj
    registry = catalogue()
    found = [] if rule in registry else aliases(rule)
    rules = list({alias.rule.id: alias.rule for alias in found}.values()) or [registry[rule]]
    if found and not options["quiet"]:
        click.echo(_note(found), err=True)
    if format_ == "json":
        click.echo(document(rules))
        return
    paint = Paint(terminal.color(options["color"]))
    width = min(terminal.width(), LINE_LENGTH)
    click.echo("\n\n".join("\n".join(_text(rule, paint, width)) for rule in rules), color=True)


def _note(found: Iterable[Alias]) -> str:
    """``KSV-0017 (trivy) is what Seawall calls privileged``."""
    found = list(found)
    tools = ", ".join(dict.fromkeys(alias.tool for alias in found))
    ids = ", ".join(dict.fromkeys(alias.rule.id for alias in found))
    return f"{found[0].id} ({tools}) is what Seawall calls {ids}"


def _text(rule: Rule, paint: Paint, width: int) -> Iterator[str]:
    yield f"{paint(rule.id, BOLD)}: {rule.title}"
    default = "on by default" if rule.by_default else "off by default (runs with --profile all, or when named)"
    yield f"{paint(rule.severity.value, SEVERITY[rule.severity])} severity, {rule.confidence.value} confidence, {default}"
    yield f"{rule.phase.value} / {rule.category}"
    for heading, text in sections(rule.explanation):
        yield from _section(heading, (wrap(part, width, INDENT, taken=len(INDENT)) for part in paragraphs(text)), paint)
    parameters = {parameter.name: f"{parameter.description.rstrip('.')} (default: {_value(parameter.default)})" for parameter in rule.parameters}
    yield from _section(f"Parameters (parameters.{rule.id} in seawall.yaml)", _table(parameters, width), paint)
    yield from _section("Other tools", _table({tool: " ".join(ids) for tool, ids in rule.aliases.items()}, width), paint)
    controls: dict[str, str] = {}
    for control in rule.controls:
        controls[control.framework] = f"{controls.get(control.framework, '')} {control.control}".strip()
    yield from _section("Controls", _table(controls, width), paint)
    yield from _section("References", rule.references, paint)


def _section(heading: str, lines: Iterable[str], paint: Paint) -> Iterator[str]:
    """A heading and its indented lines; nothing where there are none."""
    lines = [f"{INDENT}{line}" for line in lines]
    if lines:
        yield from ("", paint(heading, BOLD), *lines)


def _table(rows: dict[str, str], width: int) -> Iterator[str]:
    """Names and texts in two columns."""
    name_width = max(map(columns, rows), default=0) + len(INDENT)
    hanging = len(INDENT) + name_width
    for name, text in rows.items():
        yield f"{name.ljust(name_width)}{wrap(text, width, ' ' * hanging, taken=hanging)}"


def _value(value: Any) -> str:
    """A parameter's value as a policy file would spell it."""
    return msgspec.json.encode(value).decode()
