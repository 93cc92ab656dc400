"""Haskell's order: numbers between dots; ``1.0`` is before ``1.0.0``.

Source: the Haskell Package Versioning Policy (pvp.haskell.org); Data.Version and Distribution.Version.
"""

from typing import Final

from seawall.build.advisories.versions.rows import order

SCHEME: Final = order("hackage", r"[0-9]++(?:\.[0-9]++)*+")
