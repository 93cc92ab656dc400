"""``seawall scan``: everything that applies to the targets, in one report."""

import os
import sys
from datetime import UTC, datetime
from typing import Any, Final

import click

from seawall.app.cli import terminal
from seawall.app.cli.imaging import image_options
from seawall.app.cli.judging import SEVERITIES, checks_for, judging_options, package_rules_for, policy_for, status_of, write
from seawall.app.packages import MAX_DB_AGE, ImageOptions, settings_of
from seawall.app.scan import Settings, scan
from seawall.build.rules import RULES
from seawall.core.baseline import Baseline, baseline_of
from seawall.core.errors import UsageError
from seawall.core.registry import Registry
from seawall.core.report import Report
from seawall.core.severity import Severity
from seawall.deploy.workload import registry
from seawall.deploy.workload.exemptions import translation
from seawall.io.reports import FORMATS, pieces
from seawall.io.reports.context import Context
from seawall.io.sources.baseline_file import read_baseline, write_baseline
from seawall.io.sources.git import changed_since

SHOWS_EDITS: Final = {"json", "sarif"}


@click.command(
    epilog="""\b
Examples:
  seawall scan deploy/                              everything below a directory
  kubectl get deploy web -o yaml | seawall scan -   standard input
  seawall scan --profile pss-restricted@v1.29 .     what Pod Security admission would say
  seawall scan . --output sarif=seawall.sarif       a file for code scanning, text on the screen
  seawall scan . --rule privileged --fail-on never  one rule, never failing
  seawall scan chart:charts/web --set replicas=3    a chart; findings name template and rendered line
  seawall scan . --changed-since origin/main        what this branch brings
  seawall scan image:ghcr.io/shop/web:1.4 --plan    the packages of an image, and what to upgrade first
"""
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@judging_options
@click.option("--severity", type=click.Choice(SEVERITIES), help="Show findings of at least this severity.")
@click.option(
    "-f", "--format", "format_", type=click.Choice(FORMATS), default="text", envvar="SEAWALL_FORMAT", show_default=True, help="Format of the output."
)
@click.option(
    "-o", "--output", "outputs", multiple=True, envvar="SEAWALL_OUTPUT", metavar="FORMAT=FILE", help="Also write a report to a file (repeatable)."
)
@click.option("--values", multiple=True, metavar="FILE", help="Values file for the charts (repeatable).")
@click.option("--set", "settings_", multiple=True, envvar="SEAWALL_SET", metavar="KEY=VALUE", help="A value for the charts (repeatable).")
@click.option("--baseline", metavar="FILE", help="Findings that are known; they are not reported as open.")
@click.option("--write-baseline", "new_baseline", allow_from_autoenv=False, metavar="FILE", help="Write all findings of this run into a baseline.")
@click.option(
    "--changed-since",
    "revision",
    envvar="SEAWALL_CHANGED_SINCE",
    metavar="REV",
    help="Report findings only in files that differ from this Git revision.",
)
@click.option(
    "--db", "database", default="", envvar="SEAWALL_DB", metavar="FILE", help="The advisory database.  [default: in the user's data directory]"
)
@click.option("--max-db-age", type=float, default=MAX_DB_AGE, show_default=True, metavar="DAYS", help="Refuse advisories that are older.")
@click.option("--base", default="", metavar="TARGET", help="The image that the scanned one was built on, to tell its packages from yours.")
@click.option("--vex", multiple=True, metavar="FILE", help="OpenVEX, CSAF or CycloneDX statements about vulnerabilities (repeatable).")
@click.option("--write-vex", metavar="FILE", allow_from_autoenv=False, help="Write what this run says of vulnerabilities as OpenVEX.")
@click.option("--plan", is_flag=True, help="End with the upgrades that remove the most risk.")
@image_options
@click.pass_context
def command(
    context: click.Context,
    targets: tuple[str, ...],
    profile: str | None,
    policy_file: str | None,
    kubernetes_version: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    severity: str | None,
    fail_on: str | None,
    format_: str,
    outputs: tuple[str, ...],
    values: tuple[str, ...],
    settings_: tuple[str, ...],
    baseline: str | None,
    new_baseline: str | None,
    revision: str | None,
    database: str,
    max_db_age: float,
    base: str,
    vex: tuple[str, ...],
    write_vex: str | None,
    plan: bool,
    platform: str,
    plain_http: tuple[str, ...],
    mirrors: tuple[str, ...],
    ca_file: str,
) -> None:
    """Judge everything that applies to the targets: files, directories, chart:DIR, kustomize:DIR, image:REF, oci:DIR[:tag], archive:FILE,
    rootfs:DIR, sbom:FILE, or - for standard input. In a directory charts and kustomizations are rendered, with helm and kustomize or kubectl, and
    lockfiles are held against the advisories."""
    files = [_output(text) for text in outputs]
    formats = {format_, *(name for name, _ in files)}
    policy, policy_path = policy_for(targets[0], policy_file, profile, kubernetes_version)
    checks = checks_for(policy, only, skip)
    package_rules = package_rules_for(policy, only, skip, checks)
    settings = Settings(
        with_edits=bool(formats & SHOWS_EDITS),
        suppressions=policy.suppressions,
        policy_path=policy_path,
        translation=translation(registry()),
        registry=Registry([*RULES, *registry(), *checks.rules.values()]),
        baseline=read_baseline(baseline) if baseline else Baseline(),
        values=values,
        set=settings_,
        kubernetes_version=policy.kubernetes_version,
        packages=settings_of(
            policy,
            package_rules,
            database=database,
            max_age=max_db_age,
            base=base,
            vex=vex,
            plan=plan,
            images=ImageOptions(platform=platform, plain_http=plain_http, mirrors=mirrors, ca_file=ca_file),
        ),
        changed=changed_since(revision, _directory(targets[0])) if revision else None,
    )
    report = scan(targets, checks, settings)
    if new_baseline:
        write_baseline(new_baseline, baseline_of(report.findings))
    status = status_of(report, fail_on, policy)  # of all findings: what is shown is another question
    if severity:
        report = report.at_least(Severity(severity))
    options: dict[str, Any] = context.obj
    rules = {**checks.rules, **{rule.id: rule for rule in RULES}}
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if write_vex:
        write(write_vex, [_openvex(report, now)])
    for name, path in files:
        write(path, pieces(name, report, Context(rules=rules, verbose=options["verbose"], now=now)))
    screen = Context(rules=rules, color=terminal.color(options["color"]), width=terminal.width(), verbose=options["verbose"], now=now)
    sys.stdout.writelines(pieces(format_, report, screen))
    context.exit(status)


def _openvex(report: Report, now: str) -> str:
    """What the report says of vulnerabilities, as an OpenVEX document."""
    import msgspec

    from seawall.app.vex import statements_of
    from seawall.build.advisories import vex_openvex

    document = vex_openvex.write(statements_of(report.findings, now), author=f"seawall {report.tool.version}", time=now)
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _output(text: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    if not equals or name not in FORMATS or not path:
        raise UsageError(f"--output {text}: write FORMAT=FILE, with one of the formats {', '.join(FORMATS)}")
    return name, path


def _directory(target: str) -> str:
    return target if os.path.isdir(target) else os.path.dirname(target) or "."
