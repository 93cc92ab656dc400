"""What the commands that judge have in common: their options, the policy that applies, and the exit status."""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import click
from msgspec.structs import replace

from seawall.app.cli.main import EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_USAGE
from seawall.build import rules as build_rules
from seawall.core.errors import InputError
from seawall.core.policy import Policy
from seawall.core.registry import Registry
from seawall.core.report import Report
from seawall.core.severity import Severity
from seawall.deploy.workload import Checks, compile_checks, is_pod_security, registry
from seawall.deploy.workload.check import Check
from seawall.io.sources.policy_file import find_policy, read_policy

SEVERITIES: Final = [severity.value for severity in Severity if severity is not Severity.UNKNOWN]

Command = TypeVar("Command", bound=Callable[..., Any])


def judging_options(command: Command) -> Command:
    """The options that choose what is judged, and how strictly."""
    for option in (
        click.option("--fail-on", type=click.Choice([*SEVERITIES, "never"]), help="Exit with 1 from here on.  [default: high; any with pss-*]"),
        click.option("--skip", multiple=True, metavar="ID", help="Leave this rule out (repeatable)."),
        click.option("--rule", "only", multiple=True, envvar="SEAWALL_RULE", metavar="ID", help="Run only this rule (repeatable)."),
        click.option("--kubernetes-version", metavar="X.Y", help="The version of Kubernetes that the objects are for.  [default: the newest]"),
        click.option(
            "--policy", "policy_file", envvar="SEAWALL_POLICY", metavar="FILE", help="Policy file instead of the seawall.yaml found above the target."
        ),
        click.option("--profile", help="default, all, pss-baseline[@vX.Y], pss-restricted[@vX.Y] or a policy file.  [default: default]"),
    ):
        command = option(command)
    return command


def policy_for(target: str, policy_file: str | None, profile: str | None, kubernetes_version: str | None) -> tuple[Policy, str]:
    """The policy and its path: the file that was named or stands above the target, with the options of the command line.

    A profile may be a file too; then it decides what is judged, and the policy what is suppressed.
    """
    path = policy_file or find_policy(target) or ""
    policy = read_policy(path) if path else Policy()
    if profile and (profile.endswith((".yaml", ".yml")) or os.path.isfile(profile)):
        policy = replace(read_policy(profile), suppressions=policy.suppressions)
    elif profile:
        policy = replace(policy, profile=profile)
    if kubernetes_version:
        policy = replace(policy, kubernetes_version=kubernetes_version)
    return policy, os.path.relpath(path) if path else ""


def checks_for(policy: Policy, only: Sequence[str], skip: Sequence[str]) -> Checks:
    """The checks of a policy, with the rules of its own."""
    own: Sequence[Check] = ()
    if policy.custom_rules:
        from seawall.deploy.cel import custom_checks, read_rules  # only who has such rules pays for the CEL engine

        own = custom_checks(read_rules(policy.custom_rules), {rule.id for rule in registry()})
    return compile_checks(policy, only, skip, own, build_rules.RULES)


def package_rules_for(policy: Policy, only: Sequence[str], skip: Sequence[str], checks: Checks) -> frozenset[str]:
    """The ids of the rules about packages and images that a policy wants; ``checks`` are those about objects, which it may name as well."""
    known = Registry([*build_rules.RULES, *registry(), *checks.rules.values()])
    return frozenset(rule.id for rule in policy.select(known, only, skip)) & {rule.id for rule in build_rules.RULES}


def status_of(report: Report, fail_on: str | None, policy: Policy) -> int:
    """The exit status. Findings decide, unless nothing could be scanned: then there is nothing to decide on.

    By default ``high`` fails; under a Pod Security level everything does, as admission refuses a pod for any of it.
    """
    fail_on = fail_on or ("info" if is_pod_security(policy) else "high")
    if report.errors and not report.scanned.files:
        return EXIT_USAGE
    if report.fails(None if fail_on == "never" else Severity(fail_on)):
        return EXIT_FINDINGS
    return EXIT_INCOMPLETE if report.errors else 0


def write(path: str, pieces: Iterable[str]) -> None:
    """Write a file that the user asked for. Raises ``InputError`` when that does not work."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(pieces)
    except OSError as error:
        raise InputError(path, f"cannot be written: {(error.strerror or str(error)).lower()}") from None
