"""The one kind of finding, and how it is recognised again."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import UNSET, Struct, UnsetType, to_builtins

from seawall.core.fix import Fix
from seawall.core.location import Location
from seawall.core.rule import Control
from seawall.core.severity import Confidence, Severity
from seawall.core.target import Target


class Status(StrEnum):
    """``suppressed`` and ``baseline`` findings are shown on request and never decide the exit status."""

    OPEN = "open"
    SUPPRESSED = "suppressed"
    BASELINE = "baseline"


class Evidence(Struct, frozen=True):
    """One observed fact behind a finding."""

    what: str
    value: Any


class Suppression(Struct, frozen=True):
    """Why a finding is not open: where that was said, the reason given, and until when (ISO date) it holds."""

    source: str
    reason: str = ""
    until: str | None = None


class Finding(Struct, frozen=True, kw_only=True):
    """What is wrong, exactly where, the evidence, the fix. Every domain reports in this shape, and no other."""

    rule: str
    severity: Severity
    confidence: Confidence
    title: str
    message: str
    target: Target
    locations: tuple[Location, ...]
    evidence: tuple[Evidence, ...] = ()
    fix: Fix | None = None
    controls: tuple[Control, ...] = ()
    aliases: tuple[str, ...] = ()
    fingerprint: str
    status: Status = Status.OPEN
    suppression: Suppression | None = None
    vulnerability: Mapping[str, Any] | UnsetType = UNSET


def fingerprint(rule: str, target: Target, field: str) -> str:
    """A name for a finding that survives reformatting and moved lines: it hashes the rule, the target and the field, not the line."""
    identity = "\0".join([rule, *(f"{key}={value}" for key, value in sorted(to_builtins(target).items())), field])
    return "sha256:" + hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()
