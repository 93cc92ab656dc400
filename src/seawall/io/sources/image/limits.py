"""How much of a hostile image we are willing to read. Over each limit there is an error or a recorded problem, never a crash and never silence."""

from typing import Final

MAX_MANIFEST_BYTES: Final = 8 * 2**20
"""Manifests and indexes. Registries refuse more than 4 MiB."""

MAX_CONFIG_BYTES: Final = 16 * 2**20

MAX_INDEX_ENTRIES: Final = 10_000

MAX_INDEX_DEPTH: Final = 8
"""Indexes within indexes. Nobody needs more than two."""

MAX_LAYERS: Final = 1_000
"""Docker stops at 127, overlayfs at 500."""

MAX_LAYER_BYTES: Final = 256 * 2**30
"""One layer, uncompressed. Images with language models have layers of tens of GiB."""

MAX_RATIO: Final = 100
"""Uncompressed to compressed bytes, for what is larger than ``RATIO_FREE_BYTES``. Layers reach 2 to 6, sparse disk images 50."""

RATIO_FREE_BYTES: Final = 2**30

MAX_XZ_MEMORY: Final = 160 * 2**20

MAX_ENTRIES: Final = 3_000_000
"""Files, links and directories of an image, those included that only later names imply."""

MAX_NAME_BYTES: Final = 256 * 2**20
"""All names of an image together, each directory of a layer once."""

MAX_PATH_BYTES: Final = 4096
"""``PATH_MAX`` of Linux."""

MAX_PATH_DEPTH: Final = 512

MAX_FILE_BYTES: Final = 160 * 2**20
"""A file whose content is wanted. The largest executables in common images (Kubernetes' own, Go and Rust tool chains) have 60 to 130 MiB."""

MAX_LINKS: Final = 40
"""Links followed for one path, as in Linux."""

MAX_STEPS: Final = 50_000_000
"""Parts of paths and of link targets walked in a whole image; a real image needs some hundred thousand."""

MAX_SECOND_NAMES: Final = 1_000_000
"""Files looked at under further names, which links to directories give them."""

MAX_HEADER_BYTES: Final = 2**20
"""The body of an extended tar header, as in Go's archive/tar."""

MAX_SPARSE_SEGMENTS: Final = 100_000

MAX_PROBLEMS: Final = 50
"""Of one layer; the rest is counted."""

MAX_ARCHIVE_MEMBERS: Final = 100_000

MAX_SMALL_BYTES: Final = 64 * 2**20
"""Documents held in memory while a compressed archive is read."""

MAX_ROOTFS_DEPTH: Final = 512
