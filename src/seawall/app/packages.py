"""What a scan of packages is to do: which rules, which advisories, which images. Light, as every scan has it."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from seawall.core.policy import Policy
from seawall.core.severity import Severity

MAX_DB_AGE: Final = 14.0
"""Days after which advisories are refused unless the user accepts them."""


class ImageOptions(Struct, frozen=True, kw_only=True):
    """How images are found. ``platform`` is ``os/arch[/variant]``; the others are for registries, ``mirrors`` as ``REGISTRY=MIRROR``."""

    platform: str = ""
    plain_http: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    ca_file: str = ""


class PackageSettings(Struct, frozen=True, kw_only=True):
    """``rules`` are the ids to judge by, ``severity`` and ``parameters`` the policy's.

    ``database`` is the path of the advisory database, empty for the user's own; data older than ``max_age`` (days) is refused. ``base`` names the
    image that the scanned ones were built on, ``vex`` are files with statements about vulnerabilities, ``plan`` asks for a
    patch plan.
    """

    rules: frozenset[str] = frozenset()
    severity: Mapping[str, Severity] = {}
    parameters: Mapping[str, Mapping[str, Any]] = {}
    database: str = ""
    max_age: float = MAX_DB_AGE
    images: ImageOptions = ImageOptions()
    base: str = ""
    vex: tuple[str, ...] = ()
    plan: bool = False

    def parameter(self, rule: str, name: str, default: Any) -> Any:
        """A parameter of a rule, the policy's if it has one."""
        return self.parameters.get(rule, {}).get(name, default)


def settings_of(policy: Policy, rules: frozenset[str], **options: Any) -> PackageSettings:
    """The settings that a policy asks for."""
    return PackageSettings(rules=rules, severity=policy.severity, parameters=policy.parameters, **options)
