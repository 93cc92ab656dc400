"""How much of a hostile input we are willing to read. Every limit is an error with a line of its own, never a crash and never silence."""

from typing import Final

MAX_FILE_BYTES: Final = 64 * 2**20
"""A larger file is refused unread. The largest manifest in the wild that we know of, a bundle of CRDs, has 6 MB."""

MAX_DEPTH: Final = 200
"""Nesting of one document. CRD schemas reach about 60."""

MAX_NODES: Final = 4_000_000
"""Values in one document: a ``List`` of 25,000 pods of 2 kB. Each takes about 450 bytes while its document is read."""

MAX_DOCUMENTS: Final = 100_000
"""Documents in one input."""

MAX_TAG_DIRECTIVES: Final = 1_000
"""``%TAG`` lines of one document. libyaml compares each with all others; no manifest has any."""

MAX_ALIAS_NODES: Final = 400_000
"""Values that come from expanding aliases. The same bound as go-yaml's, which Kubernetes uses: beyond it lies a bomb, not a manifest."""

MAX_FILES: Final = 200_000
"""Files below one directory."""

MAX_DIRECTORY_DEPTH: Final = 100

MAX_IGNORE_BYTES: Final = 2**18
"""A ``.gitignore``; every file is held against each of its lines."""
