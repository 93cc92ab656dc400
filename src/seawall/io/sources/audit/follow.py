"""A file that still grows: its bytes as they come, through rotation.

When another file takes the name (rename and create), the old one is read to its end first; when the file is cut (copy and truncate), reading starts
again at its beginning. ``stopped()`` is asked while there is nothing to read.
"""

import os
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from seawall.core.errors import InputError
from seawall.io.sources.audit.limits import PIECE_BYTES

PAUSE_SECONDS: Final = 0.2


def follow(path: str, stopped: Callable[[], bool] = lambda: False) -> Iterator[bytes]:
    """The bytes of a file, empty where there is nothing new at the moment. Raises ``InputError`` where it cannot be opened at first."""
    try:
        stream: BinaryIO = open(path, "rb")  # noqa: SIM115 (it changes while this runs)
    except OSError as error:
        raise InputError(path, error.strerror or "cannot be read") from None
    try:
        while True:
            piece = stream.read(PIECE_BYTES)
            if piece:
                yield piece
                continue
            following = _successor(path, stream)
            if following is not None:
                rest = stream.read(PIECE_BYTES)
                while rest:  # what came in between
                    yield rest
                    rest = stream.read(PIECE_BYTES)
                stream.close()
                stream = following
                continue
            if stopped():
                return
            yield b""
            time.sleep(PAUSE_SECONDS)
    finally:
        stream.close()


def _successor(path: str, stream: BinaryIO) -> BinaryIO | None:
    """The file to go on with, where it is another one, or begins anew."""
    try:
        there, here = os.stat(path), os.fstat(stream.fileno())
    except OSError:
        return None  # between rename and create
    if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino) and there.st_size >= stream.tell():
        return None
    try:
        return open(path, "rb")
    except OSError:
        return None
