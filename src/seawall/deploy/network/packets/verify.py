"""The engine against real packets."""

import time
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from seawall.core.errors import UsageError
from seawall.deploy.network.model import Cluster, Protocol
from seawall.deploy.network.packets.plan import Plan, plan
from seawall.deploy.network.packets.ruleset import ruleset
from seawall.deploy.network.reach import Reach, reach
from seawall.io.netns.network import Network
from seawall.io.netns.probes import Outcome, Probe, send

MAX_PROBES: Final = 4_000_000  # some minutes, and a few hundred bytes each


class Mismatch(Struct, frozen=True):
    """A connection of which the engine says one thing (``expected``: ``allowed`` or ``denied``), and packets another.

    ``seen`` may also be ``no answer``: neither did the packet arrive, nor was it refused.
    """

    src: str
    dst: str
    protocol: Protocol
    port: int
    expected: str
    seen: str


class Verification(Struct, frozen=True):
    """How many probes were sent between how many pairs, in how many ``seconds`` (without building the network), and what did not agree."""

    probes: int
    pairs: int
    mismatches: tuple[Mismatch, ...]
    not_tested: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float


_SEEN: Final = {Outcome.CONNECTED: "allowed", Outcome.REFUSED: "denied", Outcome.SILENT: "no answer"}


def verify(cluster: Cluster, max_pods: int, max_ports: int) -> Verification:
    """Build a network of the cluster's pods, enforce its policies there, try to connect everyone to everyone, and compare.

    Raises ``UsageError`` where there is nothing to test or no network can be built.
    """
    judged = reach(cluster)
    chosen = plan(cluster, judged, max_pods, max_ports)
    pairs = list(chosen.pairs())
    if not pairs:
        raise UsageError("there are no two ends that could connect: nothing to test with packets")
    size = sum(len(chosen.ports[destination]) for _, destination in pairs)
    if size > MAX_PROBES:
        raise UsageError(f"{size} probes are more than the {MAX_PROBES} that are possible: choose fewer pods (--max-pods) or ports (--max-ports)")
    probes = [Probe(source, destination, protocol, port) for source, destination in pairs for protocol, port in chosen.ports[destination]]
    with Network(chosen.router, [station.address for station in chosen.stations], ruleset(cluster, chosen.stations)) as network:
        started = time.perf_counter()
        outcomes = send(network, probes)
        seconds = time.perf_counter() - started
    found = tuple(compare(judged, chosen, probes, outcomes))
    return Verification(len(probes), len(pairs), found, chosen.not_tested, chosen.notes, round(seconds, 3))


def compare(judged: Reach, chosen: Plan, probes: Sequence[Probe], outcomes: Sequence[Outcome]) -> Iterator[Mismatch]:
    """Where the outcomes of a plan's probes are not what the matrix says."""
    masks: dict[tuple[int, int], int] = {}
    for probe, outcome in zip(probes, outcomes, strict=True):
        source, destination = chosen.stations[probe.source], chosen.stations[probe.destination]
        key = (source.class_, destination.class_)
        mask = masks.get(key)
        if mask is None:
            words = np.ascontiguousarray(judged.between(*key), dtype="<u8")
            mask = masks[key] = int.from_bytes(words.tobytes(), "little")
        protocol = Protocol(probe.protocol)
        expected = "allowed" if mask >> judged.atoms.number(protocol, probe.port) & 1 else "denied"
        if (seen := _SEEN[outcome]) != expected:
            yield Mismatch(source.name, destination.name, protocol, probe.port, expected, seen)
