"""How much of a hostile input we are willing to read. Every limit is an error with a line of its own, never a crash and never silence."""

from typing import Final

MAX_FILE_BYTES: Final = 64 * 2**20
"""A larger file is refused unread. The largest manifest in the wild that we know of, a bundle of CRDs, has 6 MB."""

MAX_DEPTH: Final = 256
"""Nesting of one document. CRD schemas reach about 60."""

MAX_NODES: Final = 3_000_000
"""Values in one document; about 20,000 objects in one ``List``."""

MAX_ALIAS_NODES: Final = 400_000
"""Values that come from expanding aliases. The same bound as go-yaml's, which Kubernetes uses: beyond it lies a bomb, not a manifest."""

MAX_FILES: Final = 200_000
"""Files below one directory."""

MAX_DIRECTORY_DEPTH: Final = 100
