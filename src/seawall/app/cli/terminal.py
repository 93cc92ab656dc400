"""What a command knows of the terminal that it writes to."""

import os
import shutil
import sys

FALLBACK = (100, 24)  # columns and lines, where nobody says how large the terminal is


def color(choice: str) -> bool:
    """Whether to colour the standard output: ``always``, ``never``, or ``auto``, which asks the terminal and ``NO_COLOR``."""
    if choice == "auto":
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return choice == "always"


def width() -> int:
    """The columns of the terminal; ``COLUMNS`` in the environment wins."""
    return shutil.get_terminal_size(FALLBACK).columns
