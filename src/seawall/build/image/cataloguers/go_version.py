"""The version of a Go toolchain, which is that of the standard library, as a semantic version: ``go1.21.5``, ``go1.22rc1``.

Source: "Go Toolchains" of the Go documentation; the form with hyphens is that of the Go vulnerability database.
"""

import re
from typing import Final

from seawall.core.package import Package

_TOOLCHAIN: Final = re.compile(r"go(?P<release>\d{1,4}\.\d{1,4}(?P<patch>\.\d{1,4})?)(?:(?P<stage>rc|beta)(?P<number>\d{1,4}))?(?![\d.])")


def stdlib(toolchain: str) -> Package | None:
    """The standard library of a toolchain; ``None`` for what is no release of Go (``devel go1.23-a1b2c3``), whose version is not known."""
    match = _TOOLCHAIN.match(toolchain)
    if match is None:
        return None
    version = match["release"]
    if match["stage"]:
        version += f"{'' if match['patch'] else '.0'}-{match['stage']}.{match['number']}"
    return Package(type="golang", name="stdlib", version=version)
