"""Which checks a policy wants: a profile of rules, or a level of the Pod Security Standards."""

import re
from collections.abc import Iterable, Sequence
from functools import cache

from seawall.core.errors import UsageError
from seawall.core.policy import PROFILES, Policy
from seawall.core.registry import Registry
from seawall.core.rule import Rule
from seawall.deploy.workload import rules  # noqa: F401  (importing the rules declares them)
from seawall.deploy.workload.check import CHECKS, Check
from seawall.deploy.workload.engine import Checks

_PSS_PROFILE = re.compile(r"pss-(privileged|baseline|restricted)(?:@(.+))?").fullmatch


@cache
def registry() -> Registry:
    """The rules of this room."""
    return Registry(check.rule for check in CHECKS)


def compile_checks(
    policy: Policy, only: Iterable[str] = (), skip: Iterable[str] = (), more: Sequence[Check] = (), elsewhere: Iterable[Rule] = ()
) -> Checks:
    """The checks of a policy. ``only`` narrows to rules by id whatever the profile, ``skip`` removes rules. ``more`` are checks of the user's own,
    ``elsewhere`` the rules of other rooms: they may be named, and are judged there.

    Raises ``UsageError`` for an unknown profile, Pod Security version, rule or parameter.
    """
    only, skip = tuple(only), tuple(skip)
    level = _PSS_PROFILE(policy.profile)
    if level is None and policy.profile not in PROFILES:
        raise UsageError(f"no profile is called {policy.profile!r}; there are {', '.join(PROFILES)}, pss-baseline and pss-restricted[@vX.Y]")
    known = Registry([*registry(), *(check.rule for check in more), *elsewhere])
    wanted = {rule.id for rule in policy.select(known, only, skip)}
    chosen = [(check, _parameters(check, policy, named=check.rule.id in only)) for check in (*CHECKS, *more) if check.rule.id in wanted]
    if level is not None and not only:
        from seawall.deploy.workload import pss

        unwanted = {*skip, *policy.skip}
        # The standard has no parameters: what it demands is not for a policy to say.
        standard: list[tuple[Check, dict[str, object]]] = [(check, {}) for check in pss.checks(level[1], level[2]) if check.rule.id not in unwanted]
        chosen = [*standard, *chosen]
    return Checks(chosen, policy.severity)


def is_pod_security(policy: Policy) -> bool:
    """Whether the policy's profile is a level of the Pod Security Standards, under which every finding is a refusal."""
    return _PSS_PROFILE(policy.profile) is not None


def _parameters(check: Check, policy: Policy, *, named: bool) -> dict[str, object]:
    by_profile = {"all": check.in_all, "default": {} if named else check.in_default}.get(policy.profile, {})
    version = {"kubernetes_version": policy.kubernetes_version} if policy.kubernetes_version and _has_version(check) else {}
    return {**by_profile, **version, **policy.parameters.get(check.rule.id, {})}


def _has_version(check: Check) -> bool:
    return any(parameter.name == "kubernetes_version" for parameter in check.rule.parameters)
