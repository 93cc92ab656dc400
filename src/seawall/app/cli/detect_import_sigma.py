"""``seawall detect import-sigma``: Sigma rules for Kubernetes audit logs as a rule file."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from seawall.app.cli.main import EXIT_INCOMPLETE, EXIT_USAGE
from seawall.core.errors import InputError, UsageError


@click.command(
    epilog="""\b
Examples:
  seawall detect import-sigma rules/application/kubernetes/audit -o sigma.yaml
  seawall detect audit.log --rules sigma.yaml
"""
)
@click.argument("paths", nargs=-1, required=True, metavar="FILE|DIR...")
@click.option("-o", "--output", metavar="FILE", help="Where to write the rules; standard output if not said.")
@click.pass_context
def command(context: click.Context, paths: tuple[str, ...], output: str | None) -> None:
    """Turn Sigma rules into rules of this language. What cannot be turned is named, with the reason; exit 3 then."""
    from seawall.run.detect.sigma.translation import translate, written  # pySigma takes a third of a second

    rules: list[dict[str, Any]] = []
    names: set[str] = set()
    failed = other = 0
    for path, text in _files(paths):
        if isinstance(text, InputError):
            failed += 1
            click.echo(f"seawall: {text}", err=True)
            continue
        translation = translate(text)
        for rule in translation.rules:
            name = _unused(rule["rule"], names)
            rules.append({**rule, "rule": name})
            names.add(name)
        for refused in translation.refused:
            failed += not refused.other
            other += refused.other
            click.echo(f"{'note' if refused.other else 'seawall'}: {path}: {refused.title + ': ' if refused.title else ''}{refused.reason}", err=True)
    click.echo(f"{len(rules):,} rules translated, {failed:,} not, {other:,} for other logs", err=True)
    if rules:
        _write(written(rules), output)
    context.exit(EXIT_USAGE if failed and not rules else EXIT_INCOMPLETE if failed else 0)


def _unused(name: str, names: set[str]) -> str:
    """Rules of one name would replace each other."""
    number, candidate = 1, name
    while candidate in names:
        number += 1
        candidate = f"{name} ({number})"
    return candidate


def _files(paths: tuple[str, ...]) -> Iterator[tuple[str, str | InputError]]:
    from seawall.run.detect.sigma.translation import MAX_BYTES

    for path in paths:
        place = Path(path)
        members = sorted(member for member in place.rglob("*") if member.suffix in (".yml", ".yaml")) if place.is_dir() else [place]
        if not members:
            yield path, InputError(path, "holds no YAML files")
        for member in members:
            try:
                if path == "-":
                    data = sys.stdin.buffer.read(MAX_BYTES + 1)
                else:
                    with member.open("rb") as file:
                        data = file.read(MAX_BYTES + 1)
                yield str(member), data.decode("utf-8-sig")
            except OSError as error:
                yield str(member), InputError(str(member), error.strerror or "cannot be read")
            except UnicodeDecodeError:
                yield str(member), InputError(str(member), "is not UTF-8: save the file in that encoding")


def _write(text: str, output: str | None) -> None:
    if output is None or output == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output}: {error.strerror or 'cannot be written'}") from None
