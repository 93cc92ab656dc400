"""The Pod Security Standards, as the admission plugin of Kubernetes decides them: baseline and restricted, at every version from v1.0 on.

One file is one check of the standard. It opens with the fields that are restricted and the values that they may have, and holds one function for
each revision, named after the version of Kubernetes that it came with; ``latest`` is the newest. :mod:`levels` says which belong to what.

A pod is judged as the API server would hand it to admission. A value that no API server would read at all (``privileged: "true"``) is not an
allowed one.

    for check in checks("restricted", "v1.29"):
        print(check.rule.id)
"""

import re

from seawall.core.errors import UsageError
from seawall.deploy.workload.check import CHECKS, Check, Scope
from seawall.deploy.workload.pss.levels import NEWEST, Level, controls, revisions

__all__ = ["checks"]

_VERSION = re.compile(r"v?1\.(0|[1-9][0-9]{0,3})", re.ASCII).fullmatch


def checks(level: str, version: str | None = None) -> list[Check]:
    """The checks of a level at a version of Kubernetes: ``v1.29``, ``1.29``, ``latest``, or None for latest.

    As in admission, a version that is newer than the newest known one is judged like that one.

    Raises ``UsageError`` for a level or version that does not exist, and ``ValueError`` where the catalogue lacks a rule.
    """
    # Importing the rules declares them. They import the checks of this package, so it has to be complete before.
    from seawall.deploy.workload import rules  # noqa: F401

    minor = _minor(version)
    catalogue = {check.rule.id: check.rule for check in CHECKS}
    chosen = [pair for control in controls(_level(level), minor) for pair in revisions(control, minor)]
    if missing := [rule for rule, _ in chosen if rule not in catalogue]:
        raise ValueError(f"the Pod Security Standards need rules that are not in the catalogue: {', '.join(missing)}")
    return [Check(catalogue[rule], Scope.POD, function) for rule, function in chosen]


def _level(level: str) -> Level:
    try:
        return Level(level)
    except ValueError:
        raise UsageError(f"no Pod Security level is called {level!r}; there are {', '.join(Level)}") from None


def _minor(version: str | None) -> int:
    if version is None or version == "latest":
        return NEWEST
    match = _VERSION(version)
    if match is None:
        raise UsageError(f"{version!r} is no version of the Pod Security Standards; they have v1.0 to v1.{NEWEST}, and latest")
    return min(int(match[1]), NEWEST)
