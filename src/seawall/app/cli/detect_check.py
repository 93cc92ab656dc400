"""``seawall detect check``: what is wrong with rule files, and what their rules come to."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
import msgspec

from seawall.app.cli.main import EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_USAGE
from seawall.core.errors import UsageError
from seawall.run.detect.language.tree import Message, RuleFile, RuleSet


@click.command(
    epilog="""\b
Examples:
  seawall detect check falco_rules.yaml my_rules.yaml        one rule set, merged in this order
  seawall detect check rules.yaml --format json              errors, warnings and the compiled conditions
  seawall detect check --audit-policy policy.yaml            which built-in rules are blind under it
  seawall detect check --condition 'evt.type = open and proc.name in (cat, less)'
"""
)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--condition", metavar="TEXT", help="Check this one condition; FILEs, if any, give it lists and macros.")
@click.option("--source", metavar="NAME", help="The event source of the condition; default: a field of any source will do.")
@click.option("--syntax-only", is_flag=True, help="Look at the grammar alone: any field and macro will do.")
@click.option("--audit-policy", metavar="FILE", help="Tell which rules (the built-in ones without FILEs) are blind under this audit policy.")
@click.option("--events", multiple=True, metavar="FILE", help="With --audit-policy: also tell the level of each of these events (repeatable).")
@click.option("--version", is_flag=True, help="Say which version of Falco's rule engine is spoken.")
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, allow_from_autoenv=False)
@click.pass_context
def command(
    context: click.Context,
    files: tuple[str, ...],
    condition: str | None,
    source: str | None,
    syntax_only: bool,
    audit_policy: str | None,
    events: tuple[str, ...],
    version: bool,
    format_: str,
) -> None:
    """Check detection rules: every error and warning with its place, and what to do. Exit 1 when there are errors."""
    from seawall.run.detect.language import compile_rules  # the tables of fields take time that --help should not

    if version:
        _print_version(format_)
        return
    if audit_policy:
        _review(context, audit_policy, files, events, format_)
        return
    if not files and condition is None:
        raise UsageError("nothing to check: name rule files, or give a condition with --condition")
    rule_files, unreadable = _read(files)
    rules = compile_rules(rule_files, check_fields=not syntax_only)
    if condition is not None:
        _check_condition(context, condition, rules, unreadable, source=source, syntax_only=syntax_only, format_=format_)
        return
    errors = [*unreadable, *rules.errors, *_extension_errors(rules)]
    if format_ == "json":
        _print_json({**_messages(errors, rules.warnings), "rules": _rules(rules)})
    else:
        _print_messages(errors, rules.warnings)
        click.echo(f"{len(rules.rules)} rules, {len(errors)} errors, {len(rules.warnings)} warnings")
    context.exit(EXIT_USAGE if unreadable else EXIT_FINDINGS if errors else 0)


def _extension_errors(rules: RuleSet) -> list[Message]:
    """What is wrong with windows, thresholds and the like."""
    from seawall.run.detect.engine.extensions import ExtensionError, extension_of

    errors = []
    for rule in rules.rules:
        if rule.extensions:
            try:
                extension_of(rule, rules)
            except ExtensionError as error:
                errors.append(Message(rule.file, rule.line, rule.column, f"rule {rule.name}", str(error), "bad-extension"))
    return errors


def _review(context: click.Context, policy: str, files: tuple[str, ...], events: tuple[str, ...], format_: str) -> None:
    """What rules see under an audit policy, and the least policy that lets them see."""
    from seawall.app.audit_policy import review
    from seawall.core.errors import InputError

    problems: list[InputError] = []
    found = review(policy, files, events, problems)
    for problem in problems:
        click.echo(f"seawall: {problem}", err=True)
    if format_ == "json":
        _print_json(found)
    else:
        for level in found["levels"]:
            omitted = f" without {', '.join(level['omit_stages'])}" if level["omit_stages"] else ""
            click.echo(f"event {level['event_index']}: {level['level']}{omitted}")
        for item in found["blind"]:
            click.echo(
                f"{'partly blind' if item['sees'] else 'blind'}: {item['rule']} needs {item['needs']} and has {item['has']} ({item['request']})"
            )
        click.echo(f"{len(found['blind'])} rules miss something; --format json has the least policy under which none does")
    context.exit(EXIT_INCOMPLETE if problems else 0)


def _check_condition(
    context: click.Context,
    text: str,
    rules: RuleSet,
    unreadable: Sequence[Message],
    *,
    source: str | None,
    syntax_only: bool,
    format_: str,
) -> None:
    from seawall.run.detect.language import compile_condition
    from seawall.run.detect.language.printer import print_condition
    from seawall.run.events.fields import SOURCES

    if source is not None and source not in SOURCES:
        raise UsageError(f"unknown event source {source!r}: known are {', '.join(SOURCES)}")
    compiled, problems = compile_condition(text, rules, source=source, syntax_only=syntax_only)
    errors = [*unreadable, *rules.errors, *problems]
    written = None if compiled is None else print_condition(compiled)
    if format_ == "json":
        _print_json({**_messages(errors, rules.warnings), "rules": [], "condition": written})
    else:
        _print_messages(errors, rules.warnings)
        for problem in problems[:1]:
            _print_line(text, problem)
        click.echo(f"ok: {written}" if not errors else f"{len(errors)} errors")
    context.exit(EXIT_USAGE if unreadable else EXIT_FINDINGS if errors else 0)


def _read(paths: Iterable[str]) -> tuple[list[RuleFile], list[Message]]:
    """The files that can be read (those of a directory by name), and an error for each that cannot."""
    files: list[RuleFile] = []
    errors: list[Message] = []
    for path in _expanded(paths):
        try:
            data = sys.stdin.buffer.read() if path == "-" else _bytes(path)
            files.append(RuleFile(path, data.decode("utf-8-sig")))
        except OSError as error:
            errors.append(Message(path, 0, 0, "", f"cannot be read: {error.strerror or error}", "unreadable"))
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            errors.append(Message(path, line, 1, "", "is not UTF-8: save the file in that encoding", "unreadable"))
    return files, errors


def _expanded(paths: Iterable[str]) -> Iterable[str]:
    for path in paths:
        if path != "-" and os.path.isdir(path):
            yield from (os.path.join(path, name) for name in sorted(os.listdir(path)) if name.endswith((".yaml", ".yml")))
        else:
            yield path


def _bytes(path: str) -> bytes:
    from seawall.run.detect.language.reader import MAX_BYTES

    with open(path, "rb") as file:
        return file.read(4 * MAX_BYTES + 1)  # a character has at most four bytes; the reader refuses what is longer


def _messages(errors: Iterable[Message], warnings: Iterable[Message]) -> dict[str, Any]:
    return {"errors": list(errors), "warnings": list(warnings)}


def _rules(rules: RuleSet) -> list[dict[str, Any]]:
    from seawall.run.detect.language.printer import print_condition

    return [
        {
            "name": rule.name,
            "source": rule.source,
            "priority": rule.priority,
            "enabled": rule.enabled,
            "condition": print_condition(rule.condition),
            "output": rule.output,
            "description": rule.description,
            "tags": list(rule.tags),
            "file": rule.file,
            "line": rule.line,
        }
        for rule in rules.rules
    ]


def _print_json(document: dict[str, Any]) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def _print_messages(errors: Iterable[Message], warnings: Iterable[Message]) -> None:
    for kind, messages in (("error", errors), ("warning", warnings)):
        for message in messages:
            click.echo(f"{_place(message)}{kind}: {f'{message.item}: ' if message.item else ''}{message.message}")


def _place(message: Message) -> str:
    parts = [message.file, *(str(number) for number in (message.line, message.column) if number)]
    return "".join(f"{part}:" for part in parts if part) + (" " if any(parts) else "")


def _print_line(text: str, message: Message) -> None:
    """The line of the condition that is wrong, and a caret below the place."""
    lines = text.split("\n")
    if 0 < message.line <= len(lines) and len(lines[message.line - 1]) <= 200:
        click.echo(f"  {lines[message.line - 1]}\n  {' ' * (message.column - 1)}^")


def _print_version(format_: str) -> None:
    from seawall.run.detect.language.version import engine_version

    if format_ == "json":
        _print_json({"falco_engine_version": engine_version()})
    else:
        click.echo(
            f"Falco rule engine {engine_version()}: rule files that require it, or an older version of 0.x, can be read\n"
            "(required_engine_version: N means 0.N.0)"
        )
