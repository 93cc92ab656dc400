"""What a flow log tells of one connection, whoever wrote it."""

from enum import StrEnum

from msgspec import Struct

from seawall.deploy.network.model import Protocol


class Verdict(StrEnum):
    """What happened to it. ``unknown`` where the log does not say."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNKNOWN = "unknown"


class Party(Struct, frozen=True):
    """One end as the log names it. Any part may be empty.

    ``name`` is a pod's, or, ending in ``*``, what the names of several pods begin with; ``workload`` that of its owner; ``entity`` what has neither
    (``host``, ``world``).
    """

    address: str = ""
    namespace: str = ""
    name: str = ""
    workload: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    entity: str = ""

    def __str__(self) -> str:
        path = f"{self.namespace}/{self.name or self.workload}" if self.namespace else self.name or self.workload
        return path or self.address or self.entity or "?"


class Flow(Struct, frozen=True):
    """A connection that was opened, or tried, from ``source`` to ``port`` of ``destination`` (for ICMP, a type)."""

    source: Party
    destination: Party
    protocol: Protocol
    port: int
    verdict: Verdict = Verdict.UNKNOWN


class Seen(Struct, frozen=True):
    """How often a flow was seen, and when first and last, as the log writes times; empty where it does not."""

    count: int = 1
    first: str = ""
    last: str = ""

    def and_again(self, other: "Seen") -> "Seen":
        times = sorted(filter(None, (self.first, self.last, other.first, other.last)))
        return Seen(self.count + other.count, times[0] if times else "", times[-1] if times else "")


class Unreadable(Exception):
    """A record that is no flow; the message says why."""


class Passed(Exception):  # it says that a record is no connection, which is no error
    """A record that tells of no new connection: an answer, or a protocol that policies do not speak of. The message is what it is."""
