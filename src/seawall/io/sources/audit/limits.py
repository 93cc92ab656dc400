"""How much of a hostile log we are willing to hold. Reading goes on behind what is over a limit, and says so."""

from typing import Final

PIECE_BYTES: Final = 2**18
"""What is read at once where the log still grows."""

BLOCK_BYTES: Final = 2**19
"""What is read at once from files: small enough to stay in the processor's cache until it is decoded."""

MAX_LINE_BYTES: Final = 64 * 2**20
"""One line. The API server cuts events at about 1.5 MB; a webhook's list of events, or an envelope of a cloud, holds many."""

MAX_DOCUMENT_BYTES: Final = 64 * 2**20
"""A file that is one JSON document over several lines."""

MAX_LOGS: Final = 100_000
"""Files below one directory."""
