"""A stream as blocks of lines, and the few logs that are not lines.

A JSON document that is written over several lines (``kubectl get -o json``, ``jq``) is taken apart into its values; everything else is lines,
whatever is in them. Lines end in LF or CR LF; a byte order mark at the beginning is left out.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

import msgspec
from msgspec import Struct

from seawall.core.errors import InputError
from seawall.io.sources.audit.limits import BLOCK_BYTES, MAX_DOCUMENT_BYTES, MAX_LINE_BYTES

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Block(Struct, frozen=True):
    """Some lines of a log, without their ends. ``first`` is the number of the first one, counted from 1.

    ``cut`` says that the last line of the log has no end: whoever writes it may not be done. ``numbers`` are given where lines are not in a row.
    """

    log: str
    first: int
    lines: list[bytes]
    cut: bool = False
    numbers: tuple[int, ...] | None = None

    def number(self, index: int) -> int:
        """The number of the line at ``index``."""
        return self.first + index if self.numbers is None else self.numbers[index]


def blocks(log: str, pieces: Iterable[bytes], *, whole: bool = True) -> Iterator[Block | InputError]:
    """The lines of a log. ``whole`` says that the log has an end, and may so be one document."""
    pieces = iter(pieces)
    if whole:
        begin, rest = _beginning(pieces)
        if _is_document(begin):
            document = _gathered(begin, rest)
            if isinstance(document, bytes):
                values = _values(document)
                if values:
                    lines, numbers = zip(*values, strict=True)
                    yield Block(log, 1, list(lines), numbers=numbers)
                    return
                pieces = iter((document,))
            else:
                pieces = document
        else:
            pieces = chain((begin,), rest)
    yield from _lines(log, pieces)


def _lines(log: str, pieces: Iterator[bytes]) -> Iterator[Block | InputError]:
    number = 1
    pending: list[bytes] = []  # of a line whose end was not found yet
    size = 0
    skipping = False
    first = True
    for piece in pieces:
        if first:
            piece = piece.removeprefix(_BYTE_ORDER_MARK)  # noqa: PLW2901
            first = False
        if skipping:
            start = piece.find(b"\n")
            if start < 0:
                continue
            skipping = False
            number += 1
            piece = piece[start + 1 :]  # noqa: PLW2901
        lines = piece.split(b"\n")
        pending.append(lines[0])
        if len(lines) == 1:
            size += len(piece)
            if size > MAX_LINE_BYTES:
                yield InputError(log, f"the line is over the limit of {MAX_LINE_BYTES // 2**20} MiB, and is left out", number)
                pending, size, skipping = [], 0, True
            continue
        lines[0] = b"".join(pending)
        pending = [lines.pop()]
        size = len(pending[0])
        yield Block(log, number, lines)
        number += len(lines)
    last = b"".join(pending)
    if last.strip() and not skipping:
        yield Block(log, number, [last], cut=True)


def _beginning(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    begin = b""
    for piece in pieces:
        begin += piece
        if begin.strip() or len(begin) > BLOCK_BYTES:
            break
    return begin, pieces


def _is_document(begin: bytes) -> bool:
    """Whether a JSON value begins here that does not end on its line."""
    text = begin.removeprefix(_BYTE_ORDER_MARK).lstrip()
    line, newline, _ = text.partition(b"\n")
    line = line.strip()
    if not newline or line[:1] not in (b"{", b"["):
        return False
    return line in (b"{", b"[", b"[{") or (line[-1:] in (b"{", b"[", b",") and not _parses(line))


def _parses(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _gathered(begin: bytes, rest: Iterator[bytes]) -> bytes | Iterator[bytes]:
    """The document, or its pieces where it is too large."""
    gathered, size = [begin], len(begin)
    for piece in rest:
        gathered.append(piece)
        size += len(piece)
        if size > MAX_DOCUMENT_BYTES:
            return chain(gathered, rest)
    return b"".join(gathered)


def _values(document: bytes) -> list[tuple[bytes, int]]:
    """The JSON values that follow each other in a text, each with the line it begins on; none where something else is among them."""
    try:
        return [(msgspec.json.encode(msgspec.json.decode(document.removeprefix(_BYTE_ORDER_MARK))), 1)]
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        text = document.removeprefix(_BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError:
        return []
    decoder = json.JSONDecoder()
    values: list[tuple[bytes, int]] = []
    at, line = 0, 1
    while True:
        start = len(text) - len(text[at:].lstrip()) if at else len(text) - len(text.lstrip())
        if start >= len(text):
            return values
        line += text.count("\n", at, start)
        try:
            value: Any
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            return []
        values.append((msgspec.json.encode(value), line))
        line += text.count("\n", start, end)
        at = end
