"""Logs into the store: events of every shape that the stream reads, each kept once.

Which events are the same is what the stream says of deliveries: the same to the letter, the id and the stage among it.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b

from msgspec import Struct

from seawall.core.errors import InputError
from seawall.io.sources.audit import Block
from seawall.io.stores.days import DayStore
from seawall.run.detect.history.columns import COLUMNS, SOURCE, VERSION, recorder
from seawall.run.events.audit.model import PARTS
from seawall.run.events.reading import EventReader

_FIXED_BYTES = 500
"""What a row weighs beside its text, about."""


class Imported(Struct):
    """What came of an import. ``known`` were in the store, or in the input before; ``other`` are values that are no audit events."""

    added: int = 0
    known: int = 0
    malformed: int = 0
    other: int = 0


def store_at(directory: str) -> DayStore:
    """The store of audit events in a directory; it need not be there yet."""
    return DayStore(directory, VERSION, COLUMNS)


def import_events(store: DayStore, blocks: Iterable[Block | InputError], counts: Imported) -> Iterator[InputError]:
    """Put the events of a log into the store. Yields what could not be read; ``counts`` are complete at the end."""
    record = recorder()
    reader = EventReader(PARTS)
    with store.incoming() as incoming:
        for block in blocks:
            if isinstance(block, InputError):
                yield block
                continue
            events = reader.read(block.lines)
            counts.other += events.other + len(events.syscall)
            counts.malformed += len(events.malformed)
            for malformed in events.malformed:
                yield InputError(block.log, malformed.reason, block.number(malformed.line))
            for event in events.audit:
                text = bytes(event.line)
                incoming.add(blake2b(text, digest_size=16).digest(), SOURCE.time(event), record(event), len(text) + _FIXED_BYTES)
    counts.added, counts.known = incoming.added, incoming.known
