"""``seawall scan``: everything that applies to the targets, in one report."""

import os
import shutil
import sys
from typing import Any

import click
from msgspec.structs import replace

from seawall.app.cli.main import EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_USAGE
from seawall.app.scan import Settings, scan
from seawall.core.baseline import Baseline, baseline_of
from seawall.core.errors import InputError, UsageError
from seawall.core.policy import Policy
from seawall.core.report import Report
from seawall.core.severity import Severity
from seawall.deploy.workload import compile_checks, registry
from seawall.deploy.workload.exemptions import translation
from seawall.io.reports import FORMATS, render
from seawall.io.reports.context import Context
from seawall.io.sources.baseline_file import read_baseline, write_baseline
from seawall.io.sources.git import changed_since
from seawall.io.sources.policy_file import find_policy, read_policy

SEVERITIES = [severity.value for severity in Severity if severity is not Severity.UNKNOWN]
SHOWS_EDITS = {"json", "sarif"}


@click.command(
    epilog="""\b
Examples:
  seawall scan deploy/                              everything below a directory
  kubectl get deploy web -o yaml | seawall scan -   standard input
  seawall scan --profile pss-restricted@v1.29 .     what Pod Security admission would say
  seawall scan . --output sarif=seawall.sarif       a file for code scanning, text on the screen
  seawall scan . --rule privileged --fail-on never  one rule, never failing
"""
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--profile", help="default, all, pss-baseline[@vX.Y], pss-restricted[@vX.Y] or a policy file.  [default: default]")
@click.option("--policy", "policy_file", metavar="FILE", help="Policy file instead of the seawall.yaml found above the target.")
@click.option("--rule", "only", multiple=True, metavar="ID", help="Run only this rule (repeatable).")
@click.option("--skip", multiple=True, metavar="ID", help="Leave this rule out (repeatable).")
@click.option("--severity", type=click.Choice(SEVERITIES), help="Show findings of at least this severity.")
@click.option("--fail-on", type=click.Choice([*SEVERITIES, "never"]), default="high", show_default=True, help="Exit with 1 from this severity on.")
@click.option("-f", "--format", "format_", type=click.Choice(FORMATS), default="json", show_default=True, help="Format of the standard output.")
@click.option("-o", "--output", "outputs", multiple=True, metavar="FORMAT=FILE", help="Also write a report to a file (repeatable).")
@click.option("--baseline", metavar="FILE", help="Findings that are known; they are not reported as open.")
@click.option("--write-baseline", "new_baseline", metavar="FILE", help="Write all findings of this run into a baseline.")
@click.option("--changed-since", "revision", metavar="REV", help="Report findings only in files that differ from this Git revision.")
@click.pass_context
def command(
    context: click.Context,
    targets: tuple[str, ...],
    profile: str | None,
    policy_file: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    severity: str | None,
    fail_on: str,
    format_: str,
    outputs: tuple[str, ...],
    baseline: str | None,
    new_baseline: str | None,
    revision: str | None,
) -> None:
    """Judge everything that applies to the targets: files, directories, or - for standard input."""
    files = [_output(text) for text in outputs]
    formats = {format_, *(name for name, _ in files)}
    policy, policy_path = _policy(targets, policy_file, profile)
    checks = compile_checks(policy, only, skip)
    settings = Settings(
        with_edits=bool(formats & SHOWS_EDITS),
        suppressions=policy.suppressions,
        policy_path=policy_path,
        translation=translation(registry()),
        baseline=read_baseline(baseline) if baseline else Baseline(),
        changed=changed_since(revision, _directory(targets[0])) if revision else None,
    )
    report = scan(targets, checks, settings)
    if new_baseline:
        write_baseline(new_baseline, baseline_of(report.findings))
    if severity:
        report = report.at_least(Severity(severity))
    options: dict[str, Any] = context.obj
    screen = Context(
        rules=checks.rules, color=_color(options["color"]), width=shutil.get_terminal_size((100, 24)).columns, verbose=options["verbose"]
    )
    for name, path in files:
        _write(path, render(name, report, Context(rules=checks.rules, verbose=options["verbose"])))
    click.echo(render(format_, report, screen), nl=False, color=True)
    context.exit(_status(report, None if fail_on == "never" else Severity(fail_on)))


def _policy(targets: tuple[str, ...], policy_file: str | None, profile: str | None) -> tuple[Policy, str]:
    """The policy and its path: the file that was named or stands above the first target, with the profile of the command line.

    A profile may be a file too; then it decides what is judged, and the policy what is suppressed.
    """
    path = policy_file or find_policy(targets[0]) or ""
    policy = read_policy(path) if path else Policy()
    if profile and (profile.endswith((".yaml", ".yml")) or os.path.isfile(profile)):
        policy = replace(read_policy(profile), suppressions=policy.suppressions)
    elif profile:
        policy = replace(policy, profile=profile)
    return policy, os.path.relpath(path) if path else ""


def _directory(target: str) -> str:
    return target if os.path.isdir(target) else os.path.dirname(target) or "."


def _status(report: Report, threshold: Severity | None) -> int:
    """Findings decide, unless nothing could be scanned: then there is nothing to decide on."""
    if report.errors and not report.scanned.files:
        return EXIT_USAGE
    if report.fails(threshold):
        return EXIT_FINDINGS
    return EXIT_INCOMPLETE if report.errors else 0


def _output(text: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    if not equals or name not in FORMATS or not path:
        raise UsageError(f"--output {text}: write FORMAT=FILE, with one of the formats {', '.join(FORMATS)}")
    return name, path


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(path, f"cannot be written: {(error.strerror or str(error)).lower()}") from None


def _color(choice: str) -> bool:
    if choice == "auto":
        return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return choice == "always"
