"""``seawall fix``: mend what can be mended safely, and show what remains."""

import os
import re
import sys
from collections.abc import Iterator
from difflib import unified_diff
from typing import Any

import click
from msgspec.structs import replace

from seawall.app.cli import terminal
from seawall.app.cli.judging import checks_for, judging_options, policy_for, status_of
from seawall.app.fix import Fixed, fix
from seawall.app.scan import Settings, scan
from seawall.core.errors import UsageError
from seawall.core.finding import Finding
from seawall.core.registry import Registry
from seawall.deploy.workload import registry
from seawall.deploy.workload.exemptions import translation
from seawall.io.reports import pieces
from seawall.io.reports.context import Context
from seawall.io.sources.rewrite import TextFile


@click.command(
    epilog="""\b
Examples:
  seawall fix deploy/                          apply the safe fixes, show what remains
  seawall fix deploy/ --diff | git apply       look first, then apply
  seawall fix web.yaml --rule privileged       this one, safe or not
"""
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@judging_options
@click.option("--unsafe", is_flag=True, help="Also apply fixes that could break the application.")
@click.option("--diff", is_flag=True, help="Change nothing; print a patch.")
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Format of what remains.")
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[str, ...],
    profile: str | None,
    policy_file: str | None,
    kubernetes_version: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    fail_on: str | None,
    unsafe: bool,
    diff: bool,
    format_: str,
) -> None:
    """Apply fixes in place: only values that rules ask for change, comments and layout stay. A rule named with --rule is fixed even when that is
    not marked safe."""
    if "-" in paths:
        raise UsageError("standard input cannot be fixed in place; write it to a file first")
    policy, policy_path = policy_for(paths[0], policy_file, profile, kubernetes_version)
    checks = checks_for(policy, only, skip)
    settings = Settings(
        suppressions=policy.suppressions,
        policy_path=policy_path,
        translation=translation(registry()),
        registry=Registry([*registry(), *checks.rules.values()]),
    )

    def wanted(finding: Finding) -> bool:
        return finding.fix is not None and (finding.fix.safe or unsafe or finding.rule in only)

    files = {}

    def read(path: str) -> str:
        files[path] = TextFile(path)
        return files[path].text

    fixed = fix(lambda texts: scan(paths, checks, replace(settings, texts=texts)), read, wanted)
    options: dict[str, Any] = context.obj
    if diff:
        for path, text in sorted(fixed.texts.items()):
            click.echo("".join(_patch(path, files[path].text, text)), nl=False)
        _note(fixed, options, "would fix")
        context.exit(0)
    for path, text in fixed.texts.items():
        files[path].write(text)
    screen = Context(rules=checks.rules, color=terminal.color(options["color"]), width=terminal.width(), verbose=options["verbose"])
    sys.stdout.writelines(pieces(format_, fixed.report, screen))
    _note(fixed, options, "fixed")
    context.exit(status_of(fixed.report, fail_on, policy))


_LINES = re.compile(r"[^\n]*\n|[^\n]+").findall  # Git's lines; splitlines() would also part them at U+2028 and the like


def _patch(path: str, before: str, after: str) -> Iterator[str]:
    """A patch that ``git apply`` takes."""
    name = os.path.relpath(path)
    for line in unified_diff(_LINES(before), _LINES(after), f"a/{name}", f"b/{name}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _note(fixed: Fixed, options: dict[str, Any], done: str) -> None:
    if options["quiet"]:
        return
    count, files = len(fixed.findings), len(fixed.texts)
    click.echo(f"{done} {count} finding{'s'[: count != 1]} in {files} file{'s'[: files != 1]}", err=True)
    open_fixes = [finding for finding in fixed.report.findings if finding.fix and finding.fix.edits and not finding.fix.safe]
    if open_fixes:
        click.echo(f"{len(open_fixes)} more can be fixed with --unsafe; look at them first", err=True)
