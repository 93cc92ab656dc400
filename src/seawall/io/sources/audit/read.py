"""Logs, one after the other, as blocks of lines."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO

from seawall.core.errors import InputError
from seawall.io.sources.audit.files import find_logs
from seawall.io.sources.audit.follow import follow as follow_file
from seawall.io.sources.audit.limits import BLOCK_BYTES, PIECE_BYTES
from seawall.io.sources.audit.lines import Block, blocks
from seawall.io.sources.compression import Inflated, kind_of


def read(
    targets: Sequence[str], *, follow: bool = False, stopped: Callable[[], bool] = lambda: False, stdin: BinaryIO | None = None
) -> Iterator[Block | InputError]:
    """The lines of all logs that the targets name. With ``follow``, the last one is waited on for more, until ``stopped()``.

    A block without lines says that there is nothing new at the moment.
    """
    logs = list(find_logs(targets))
    for number, log in enumerate(logs):
        if isinstance(log, InputError):
            yield log
        elif follow and number == len(logs) - 1 and log != "-":
            yield from _followed(log, stopped)
        else:
            yield from _read(log, stdin or sys.stdin.buffer, whole=not follow)


def _read(log: str, stdin: BinaryIO, *, whole: bool) -> Iterator[Block | InputError]:
    try:
        if log == "-":
            # Pieces are what a pipe holds at the moment, so that events are not kept waiting for more.
            yield from blocks("<stdin>", _pieces(stdin), whole=whole)
            return
        with open(log, "rb") as stream:
            start = stream.read(BLOCK_BYTES)
            if kind_of(start[:8]) == "plain":
                yield from blocks(log, _from(start, stream))
                return
            stream.seek(0)
            with Inflated(stream, log) as inflated:
                yield from blocks(log, _gathered(inflated))
    except InputError as error:
        yield error
    except OSError as error:
        yield InputError(log, error.strerror or "cannot be read")
    except ValueError as error:  # a name with a zero byte in it
        yield InputError(log, str(error))


def _from(start: bytes, stream: BinaryIO) -> Iterator[bytes]:
    piece = start
    while piece:
        yield piece
        piece = stream.read(BLOCK_BYTES)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Larger pieces. What came before damage is given before the damage is told."""
    gathered: list[bytes] = []
    size = 0
    try:
        for piece in pieces:
            gathered.append(piece)
            size += len(piece)
            if size >= BLOCK_BYTES:
                yield b"".join(gathered)
                gathered, size = [], 0
    except InputError:
        yield b"".join(gathered)
        raise
    if gathered:
        yield b"".join(gathered)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    read_some = getattr(stream, "read1", stream.read)
    while piece := read_some(PIECE_BYTES):
        yield piece


def _followed(log: str, stopped: Callable[[], bool]) -> Iterator[Block | InputError]:
    """Complete lines as they come. A pause gives an empty block."""
    pending, number = b"", 1
    try:
        for piece in follow_file(log, stopped):
            if not piece:
                yield Block(log, number, [])
                continue
            *lines, pending = (pending + piece).split(b"\n")
            if lines:
                yield Block(log, number, lines)
                number += len(lines)
    except InputError as error:
        yield error
        return
    if pending.strip():
        yield Block(log, number, [pending], cut=True)
