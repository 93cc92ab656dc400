"""Logs of events: files, rotated and compressed ones, directories, standard input, and files that still grow.

``read(targets)`` yields :class:`lines.Block` after block: some lines of one log, with the number of the first. What could not be read is yielded in
its place as an ``InputError``. Nothing here knows what the lines mean.
"""

from seawall.io.sources.audit.files import find_logs
from seawall.io.sources.audit.lines import Block
from seawall.io.sources.audit.read import read

__all__ = ["Block", "find_logs", "read"]
