"""Reading flow files: each record says by its fields whose it is, so one file may hold what several tools wrote.

Equal flows are counted and kept once: a day of logs of a cluster is a few thousand of them.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO, Any, Final

import msgspec
from msgspec import Struct

from seawall.core.report import ScanError
from seawall.deploy.network.flows import calico, conntrack, hubble, plain
from seawall.deploy.network.flows.model import Flow, Passed, Seen, Unreadable
from seawall.deploy.network.flows.records import Record

MAX_LINE: Final = 1_000_000  # bytes of one record
MAX_DOCUMENT: Final = 256_000_000  # bytes of one JSON array
MAX_FLOWS: Final = 1_000_000  # different ones
MAX_ERRORS: Final = 20  # that are told one by one

Numbered = tuple[int, bytes]


class Observed(Struct, frozen=True):
    """All flows with how often they were seen. ``passed`` counts records that are no new connection, by what they are."""

    flows: dict[Flow, Seen]
    records: int
    passed: dict[str, int]
    errors: tuple[ScanError, ...]


def read(files: Iterable[tuple[str, IO[bytes]]]) -> Observed:
    """The flows of some open files, by their names."""
    flows: dict[Flow, Seen] = {}
    passed: Counter[str] = Counter()
    errors: list[ScanError] = []
    records = 0
    for path, file in files:
        unread = 0
        for line, item in _records(file):
            records += 1
            try:
                found, time, count = _flow(item)
            except Passed as reason:
                passed[str(reason)] += 1
                continue
            except Unreadable as reason:
                unread += 1
                if unread <= MAX_ERRORS:
                    errors.append(ScanError(path, line, str(reason)))
                continue
            seen = Seen(count, time, time)
            flows[found] = flows[found].and_again(seen) if found in flows else seen
            if len(flows) >= MAX_FLOWS:
                errors.append(ScanError(path, line, f"there are more than {MAX_FLOWS:,} different flows; what follows was not read"))
                break
        if unread > MAX_ERRORS:
            errors.append(ScanError(path, None, f"{unread - MAX_ERRORS:,} more records could not be read"))
    return Observed(flows, records, dict(passed), tuple(errors))


def _flow(item: Record | str | Unreadable) -> tuple[Flow, str, int]:
    if isinstance(item, Unreadable):
        raise item
    if isinstance(item, str):
        return *conntrack.flow(item), 1
    if hubble.is_flow(item):
        return *hubble.flow(item), 1
    if hubble.is_other(item):
        raise Passed("no flow")
    if calico.is_flow(item):
        return *calico.flow(item), calico.count(item)
    return *plain.flow(item), plain.count(item)


def _records(file: IO[bytes]) -> Iterator[tuple[int, Record | str | Unreadable]]:
    """The records of a file with their lines: objects of JSON, rows of CSV as objects, lines of conntrack."""
    lines = _lines(file)
    first = next(((number, line) for number, line in lines if line.strip()), None)
    if first is None:
        return
    number, line = first
    start = line.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"{"):
        yield from _objects((number, start), lines)
    elif start.startswith(b"[") and not conntrack.is_line(start.decode("utf-8", "replace")):
        yield from _array(number, start, lines)
    elif conntrack.is_line(start.decode("utf-8", "replace")):
        yield number, start.decode("utf-8", "replace").rstrip("\r\n")
        for place, text in lines:
            if text.strip():
                yield place, text.decode("utf-8", "replace").rstrip("\r\n")
    else:
        yield from _rows((number, start), lines)


def _lines(file: IO[bytes]) -> Iterator[Numbered]:
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        yield number, line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE + 1)  # the rest of a line that is too long


def _objects(first: Numbered, lines: Iterator[Numbered]) -> Iterator[tuple[int, Record | Unreadable]]:
    """One object a line; if the first does not end on its line, nor another begins on the next, the file is one document."""
    following = next(((number, line) for number, line in lines if line.strip()), None)
    rest = lines if following is None else chain((following,), lines)
    if isinstance(_object(first[1]), Unreadable) and (following is None or not following[1].startswith(b"{")):
        yield from _array(*first, rest)
        return
    yield first[0], _object(first[1])
    for number, line in rest:
        if line.strip():
            yield number, _object(line)


def _object(line: bytes) -> Record | Unreadable:
    if len(line) > MAX_LINE:
        return Unreadable(f"the record is longer than {MAX_LINE:,} bytes")
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        return Unreadable(f"it is no JSON: {error}"[:200])
    return found if isinstance(found, dict) else Unreadable("it is no object")


def _array(number: int, start: bytes, lines: Iterator[Numbered]) -> Iterator[tuple[int, Record | Unreadable]]:
    """A whole document: an array of flows, or an object that holds one (``items``, ``flows``)."""
    parts, size = [start], len(start)
    for _, line in lines:
        parts.append(line)
        size += len(line)
        if size > MAX_DOCUMENT:
            yield number, Unreadable(f"the document is larger than {MAX_DOCUMENT:,} bytes; write one flow a line")
            return
    try:
        document: Any = msgspec.json.decode(b"".join(parts))
    except (msgspec.DecodeError, RecursionError) as error:
        yield number, Unreadable(f"it is no JSON: {error}"[:200])
        return
    if isinstance(document, dict):
        held = next((document[key] for key in ("items", "flows", "connections") if isinstance(document.get(key), list)), None)
        document = [document] if held is None else held
    for item in document:
        yield number, item if isinstance(item, dict) else Unreadable("it is no object")


def _rows(first: Numbered, lines: Iterator[Numbered]) -> Iterator[tuple[int, Record | Unreadable]]:
    header = [name.strip().lower() for name in _row(first[1]) or ()]
    if not plain.is_flow(dict.fromkeys(header, "x")):
        yield first[0], Unreadable("it is neither JSON nor conntrack's, and has no header with src, dst, port and protocol")
        return
    for number, line in lines:
        if not line.strip():
            continue
        if len(line) > MAX_LINE:
            yield number, Unreadable(f"the record is longer than {MAX_LINE:,} bytes")
            continue
        row = _row(line)
        yield number, Unreadable("it is no row of CSV") if row is None else dict(zip(header, row, strict=False))


def _row(line: bytes) -> list[str] | None:
    try:
        return next(csv.reader([line.decode("utf-8", "replace").rstrip("\r\n")], strict=True), [])
    except csv.Error:
        return None
