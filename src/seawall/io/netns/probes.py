"""Many attempts at connections at once, each with what became of it.

A TCP probe is a connection to a listening socket; a UDP probe a datagram to one. Both ends are sockets of this process, so that what arrived is known
and not guessed. What was refused is known as well: the router answers. A probe that got neither is ``SILENT``.
"""

import errno
import resource
import select
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Final, NamedTuple

from seawall.core.errors import UsageError
from seawall.io.netns.network import Network

_AT_ONCE: Final = 512  # probes under way: fewer than the packets that a queue of the kernel holds
_BACKLOG: Final = 4096
_QUIET: Final = 1.0  # seconds without any news until what is still open is sent again
_ATTEMPTS: Final = 3
_NUMBER: Final = struct.Struct("!I")
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: gone at once, no TIME_WAIT
_REFUSED: Final = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES)
_SPARE: Final = 256  # descriptors for everything else


class Outcome(StrEnum):
    CONNECTED = "connected"
    REFUSED = "refused"
    SILENT = "silent"


class Probe(NamedTuple):
    """From a station to a port of another, both by their numbers. ``protocol`` is ``TCP`` or ``UDP``."""

    source: int
    destination: int
    protocol: str
    port: int


def send(network: Network, probes: Sequence[Probe]) -> list[Outcome]:
    """What became of each probe. Raises ``UsageError`` where the kernel has not enough sockets."""
    outcomes = [Outcome.SILENT] * len(probes)
    try:
        for numbers in _rounds(probes, _allowed_descriptors(network)):
            _Round(network, probes, outcomes).run(numbers)
    except OSError as error:
        raise UsageError(f"probing fails: {error.strerror}") from None
    return outcomes


def _allowed_descriptors(network: Network) -> int:
    """How many sockets may listen at once, after asking for as many as are allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # then it stays as it was
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    free = (soft if soft != resource.RLIM_INFINITY else 1 << 20) - len(network.stations) - _AT_ONCE - _SPARE
    if free < 1:
        raise UsageError(f"probing needs more open files than the limit of {soft}: raise it (ulimit -n) or test fewer pods")
    return free


def _rounds(probes: Sequence[Probe], listeners: int) -> Iterator[list[int]]:
    """The numbers of probes, by destination, in parts that need at most so many listening sockets; in each part by source."""
    by_listener: dict[tuple[int, str, int], list[int]] = defaultdict(list)
    for number, probe in enumerate(probes):
        by_listener[probe.destination, probe.protocol, probe.port].append(number)
    ordered = [by_listener[key] for key in sorted(by_listener)]
    for start in range(0, len(ordered), listeners):
        yield sorted((number for part in ordered[start : start + listeners] for number in part), key=lambda number: probes[number].source)


class _Round:
    """Listens where these probes go to, sends them, and closes everything."""

    def __init__(self, network: Network, probes: Sequence[Probe], outcomes: list[Outcome]) -> None:
        self._network = network
        self._probes = probes
        self._outcomes = outcomes
        self._addresses = [str(address) for address in network.addresses]
        self._epoll = select.epoll()
        self._listeners: list[socket.socket] = []
        self._receivers: dict[int, socket.socket] = {}  # UDP, by descriptor
        self._open: dict[int, tuple[int, socket.socket]] = {}  # probes under way, with their numbers, by descriptor
        self._descriptors: dict[int, int] = {}  # of probes under way, by number

    def run(self, numbers: Sequence[int]) -> None:
        try:
            self._listen({self._probes[number][1:] for number in numbers})
            for source, own in _runs(numbers, self._probes):
                for start in range(0, len(own), _AT_ONCE):
                    part = own[start : start + _AT_ONCE]
                    while self._open and len(self._open) + len(part) > _AT_ONCE:
                        self._wait()
                    with self._network.stations[source].entered():
                        for number in part:
                            self._start(number)
                    self._take(0)
            while self._open:
                self._wait()
        finally:
            self._close()

    def _listen(self, wanted: Iterable[tuple[int, str, int]]) -> None:
        by_station: dict[int, list[tuple[str, int]]] = defaultdict(list)
        for station, protocol, port in sorted(wanted):
            by_station[station].append((protocol, port))
        for station, ports in by_station.items():
            with self._network.stations[station].entered():
                for protocol, port in ports:
                    self._listen_on(protocol, port)

    def _listen_on(self, protocol: str, port: int) -> None:
        listener = socket.socket(socket.AF_INET, (socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM) | socket.SOCK_NONBLOCK)
        self._listeners.append(listener)
        listener.bind(("0.0.0.0", port))  # noqa: S104 - all there is are a namespace and its one address
        if protocol == "TCP":
            listener.listen(_BACKLOG)  # the kernel completes connections; nobody needs to accept them
        else:
            self._receivers[listener.fileno()] = listener
            self._epoll.register(listener, select.EPOLLIN)

    def _start(self, number: int) -> None:
        """Send a probe from the namespace of this thread."""
        probe = self._probes[number]
        is_tcp = probe.protocol == "TCP"
        sender = socket.socket(socket.AF_INET, (socket.SOCK_STREAM if is_tcp else socket.SOCK_DGRAM) | socket.SOCK_NONBLOCK)
        self._open[sender.fileno()] = (number, sender)
        self._descriptors[number] = sender.fileno()
        if is_tcp:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        status = sender.connect_ex((self._addresses[probe.destination], probe.port))
        if status not in (0, errno.EINPROGRESS):
            self._end(number, self._meaning(status))
            return
        self._epoll.register(sender, select.EPOLLOUT if is_tcp else select.EPOLLIN)
        if not is_tcp:
            self._send_datagram(number, sender)

    def _send_datagram(self, number: int, sender: socket.socket) -> None:
        try:
            sender.send(_NUMBER.pack(number))
        except OSError as error:  # an ICMP message that has come already
            self._end(number, self._meaning(error.errno))

    def _meaning(self, status: int | None) -> Outcome:
        if status in _REFUSED:
            return Outcome.REFUSED
        raise OSError(status, errno.errorcode.get(status or 0, "unknown error"))

    def _wait(self) -> None:
        """Until something happens; datagrams may be lost, so what stays open in silence is sent again, and at last given up."""
        for _ in range(_ATTEMPTS):
            if self._take(_QUIET):
                return
            for number, sender in list(self._open.values()):
                if self._probes[number].protocol == "UDP":  # TCP repeats by itself
                    self._send_datagram(number, sender)
        for number, _ in list(self._open.values()):
            self._end(number, Outcome.SILENT)

    def _take(self, seconds: float) -> bool:
        """Take in what has happened; wait so long for the first of it. Whether a probe has come to its end."""
        before = len(self._open)
        until = time.monotonic() + seconds
        while len(self._open) == before and self._open:
            events = self._epoll.poll(max(0.0, until - time.monotonic()), _AT_ONCE * 2)
            for descriptor, _ in events:
                if descriptor in self._receivers:
                    self._receive(self._receivers[descriptor])
                elif descriptor in self._open:
                    number, sender = self._open[descriptor]
                    status = sender.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if status or self._probes[number].protocol == "TCP":
                        self._end(number, self._meaning(status) if status else Outcome.CONNECTED)
            if not events:
                break
        return len(self._open) < before

    def _receive(self, receiver: socket.socket) -> None:
        """Take all datagrams that have come."""
        while True:
            try:
                content = receiver.recv(64)
            except BlockingIOError:
                return
            (number,) = _NUMBER.unpack(content)
            if number in self._descriptors:
                self._end(number, Outcome.CONNECTED)

    def _end(self, number: int, outcome: Outcome) -> None:
        descriptor = self._descriptors.pop(number)
        _, sender = self._open.pop(descriptor)
        sender.close()  # epoll forgets what is closed
        self._outcomes[number] = outcome

    def _close(self) -> None:
        self._epoll.close()
        for _, sender in self._open.values():
            sender.close()
        for listener in self._listeners:
            listener.close()


def _runs(numbers: Sequence[int], probes: Sequence[Probe]) -> Iterator[tuple[int, list[int]]]:
    """Numbers that are sorted by source, source by source."""
    by_source: dict[int, list[int]] = defaultdict(list)
    for number in numbers:
        by_source[probes[number].source].append(number)
    yield from by_source.items()
