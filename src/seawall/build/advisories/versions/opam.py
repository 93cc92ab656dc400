"""opam's order: that of Debian's upstream versions, over the whole text.

Source: opam manual, "Version ordering".
"""

from typing import Final

from seawall.build.advisories.versions import debian
from seawall.build.advisories.versions.scheme import Scheme

SCHEME: Final = Scheme("opam", debian.compare_part, debian.part)
