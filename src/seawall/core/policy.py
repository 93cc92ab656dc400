"""What the user wants judged, and how strictly: the selection of rules, their severities and parameters."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from seawall.core.errors import UsageError
from seawall.core.registry import Registry
from seawall.core.rule import Rule
from seawall.core.severity import Severity
from seawall.core.suppression import EVERY_RULE, Match

PROFILES = ("default", "all")


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contents of ``seawall.yaml``.

    ``profile`` is where the selection starts: ``default`` (rules that hold for everybody), ``all``, or a Pod Security level
    (``pss-baseline``, ``pss-restricted``, each with ``@vX.Y``). ``rules`` adds rules by id, ``skip`` takes rules away.
    ``severity`` and ``parameters`` replace a rule's own. ``suppressions`` accept findings for a reason, and perhaps for a time.
    ``kubernetes_version`` is the version that the objects are for, for the rules that depend on it; empty means the newest known.
    ``custom_rules`` are rules of the user's own, in CEL; the room that runs them reads them.
    """

    profile: str = "default"
    rules: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    severity: Mapping[str, Severity] = {}
    parameters: Mapping[str, Mapping[str, Any]] = {}
    suppressions: tuple[Match, ...] = ()
    kubernetes_version: str = ""
    custom_rules: tuple[Mapping[str, Any], ...] = ()

    def check(self, registry: Registry) -> None:
        """Raise ``UsageError`` when the policy names a rule or parameter that does not exist, or gives one a value of another type."""
        suppressed = (rule_id for entry in self.suppressions for rule_id in entry.rules if rule_id != EVERY_RULE)
        for rule_id in (*self.rules, *self.skip, *self.severity, *suppressed):
            registry[rule_id]
        for rule_id, values in self.parameters.items():
            known = {parameter.name: parameter for parameter in registry[rule_id].parameters}
            for name, value in values.items():
                if name not in known:
                    choices = f"it has {', '.join(known)}" if known else "it has none"
                    raise UsageError(f"rule {rule_id} has no parameter {name!r}; {choices}")
                if not _same_shape(value, known[name].default):
                    wanted = "list" if isinstance(known[name].default, tuple) else type(known[name].default).__name__
                    raise UsageError(f"parameter {name} of rule {rule_id} must be a {wanted}, not {value!r}")

    def select(self, registry: Registry, only: Iterable[str] = (), skip: Iterable[str] = ()) -> list[Rule]:
        """The rules to run, in the registry's order. ``only`` narrows to those ids whatever the profile; ``skip`` removes.

        For a Pod Security profile this says nothing about the level's own checks: the workload room runs those.
        """
        self.check(registry)
        named = {registry[rule_id].id for rule_id in only}
        unwanted = {registry[rule_id].id for rule_id in skip} | set(self.skip)
        chosen = []
        for rule in registry:
            wanted = rule.id in named if named else rule.id in self.rules or self.profile == "all" or (self.profile == "default" and rule.by_default)
            if wanted and rule.id not in unwanted:
                chosen.append(rule)
        return chosen


def _same_shape(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, list | tuple)
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    return isinstance(value, type(default))
