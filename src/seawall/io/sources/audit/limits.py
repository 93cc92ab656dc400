"""How much of a hostile log we are willing to hold. Reading goes on behind what is over a limit, and says so."""

from typing import Final

PIECE_BYTES: Final = 2**20
"""What is read at once."""

BLOCK_BYTES: Final = 4 * 2**20
"""Lines that travel together: many, so that columns are worth it, and few enough to hold."""

MAX_LINE_BYTES: Final = 64 * 2**20
"""One line. The API server cuts events at about 1.5 MB; a webhook's list of events, or an envelope of a cloud, holds many."""

MAX_DOCUMENT_BYTES: Final = 64 * 2**20
"""A file that is one JSON document over several lines."""

MAX_LOGS: Final = 100_000
"""Files below one directory."""
