"""R's order: numbers between dots and dashes, which are the same: ``1.0-2`` is ``1.0.2``; ``1.0`` is before ``1.0.0``.

Source: R, ``?numeric_version`` and ``?compareVersion``; Writing R Extensions, section 1.1.1.
"""

from typing import Final

from seawall.build.advisories.versions.rows import order

SCHEME: Final = order("cran", r"[0-9]++(?:[.-][0-9]++)*+")
