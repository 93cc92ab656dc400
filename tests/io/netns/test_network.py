"""Networks of namespaces, for real: what gets through, what does not, and that nothing stays."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from seawall.core.errors import UsageError
from seawall.io.netns.namespace import Namespace
from seawall.io.netns.network import Network
from seawall.io.netns.probes import Outcome, Probe, send
from seawall.io.netns.programs import find_programs, run_scripts
from tests.deploy.network.packets.available import why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

ROUTER = IPv4Address("10.255.255.254")
FORWARD = """table ip t {
	chain forward {
		type filter hook forward priority filter; policy accept;
		tcp flags & (syn | ack) != syn accept
		%s
	}
}
"""


def network(count: int, *rules: str) -> Network:
    return Network(ROUTER, [IPv4Address(f"10.0.0.{number + 1}") for number in range(count)], FORWARD % "\n\t\t".join(rules))


def own() -> str:
    return os.readlink("/proc/thread-self/ns/net")


def devices() -> list[str]:
    return sorted(name for _, name in socket.if_nameindex())


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)
    return holds()


def test_everyone_reaches_everyone_through_the_router() -> None:
    with network(4) as built:
        probes = [Probe(a, b, protocol, port) for a in range(4) for b in range(4) if a != b for protocol, port in (("TCP", 1), ("UDP", 65535))]
        assert send(built, probes) == [Outcome.CONNECTED] * 24


def test_what_the_router_refuses_is_known_at_once_and_what_it_drops_in_the_end() -> None:
    rules = (
        "tcp dport 81 reject with tcp reset",
        "udp dport 53 reject with icmp type admin-prohibited",
        "tcp dport 82 drop",
        "udp dport 54 ip saddr 10.0.0.1 drop",
    )
    asked = [("TCP", 80), ("TCP", 81), ("UDP", 53), ("TCP", 82), ("UDP", 54), ("UDP", 55)]
    with network(3, *rules) as built:
        outcomes = send(built, [Probe(source, 2, *item) for source in (0, 1) for item in asked])
    connected, refused, silent = Outcome.CONNECTED, Outcome.REFUSED, Outcome.SILENT
    assert outcomes == [connected, refused, refused, silent, silent, connected, connected, refused, refused, silent, connected, connected]


def test_more_probes_than_are_sent_at_once() -> None:
    with network(
        12, "ip daddr 10.0.0.3 meta l4proto tcp reject with tcp reset", "ip daddr 10.0.0.4 udp dport 7 reject with icmp type admin-prohibited"
    ) as built:
        probes = [Probe(a, b, protocol, port) for a in range(12) for b in range(12) if a != b for protocol in ("TCP", "UDP") for port in range(1, 11)]
        outcomes = send(built, probes)
    expected = [
        Outcome.REFUSED if (probe.destination, probe.protocol) == (2, "TCP") or probe[1:] == (3, "UDP", 7) else Outcome.CONNECTED for probe in probes
    ]
    assert outcomes == expected


def test_few_descriptors_mean_more_rounds_and_none_a_clear_word(monkeypatch: pytest.MonkeyPatch) -> None:
    with network(3) as built:
        probes = [Probe(a, b, "TCP", port) for a in range(3) for b in range(3) if a != b for port in range(1, 40)]
        monkeypatch.setattr("seawall.io.netns.probes._allowed_descriptors", lambda _: 7)
        assert send(built, probes) == [Outcome.CONNECTED] * len(probes)
    monkeypatch.undo()
    monkeypatch.setattr("seawall.io.netns.probes._SPARE", 1 << 40)
    with network(1) as built, pytest.raises(UsageError, match="ulimit"):
        send(built, [])


def test_the_thread_stays_where_it_was() -> None:
    before, names = own(), devices()
    with network(2):
        assert own() == before
    namespace = Namespace()
    with namespace.entered():
        assert own() != before
        assert "lo" in devices()
    with pytest.raises(ZeroDivisionError), namespace.entered():
        raise ZeroDivisionError
    namespace.close()
    assert own() == before
    with pytest.raises(UsageError, match="nft fails"):
        network(2, "no such rule")
    with pytest.raises(UsageError, match="ip fails"):
        Network(ROUTER, [IPv4Address("10.0.0.1"), IPv4Address("10.0.0.1"), ROUTER], FORWARD % "accept")
    assert (own(), devices()) == (before, names)


def test_descriptors_are_closed_whatever_happens() -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = count()
    with network(3) as built:
        send(built, [Probe(0, 1, "TCP", 80), Probe(0, 1, "UDP", 80)])
    with pytest.raises(UsageError):
        network(3, "no such rule")
    with network(3) as built, pytest.raises(IndexError):
        send(built, [Probe(0, 1, "TCP", 80), Probe(7, 1, "TCP", 80)])
    assert count() == before


HOLD = """
import sys, time
from ipaddress import IPv4Address
from seawall.io.netns.network import Network
from seawall.io.netns.programs import run_scripts
with Network(IPv4Address("10.255.255.254"), [IPv4Address("10.0.0.1")], "table ip t {\\n}\\n") as network:
    run_scripts("ip", [(network.stations[0], f"link add kite type veth peer name canary netns {sys.argv[1]}\\n")])
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_of_a_killed_run(number: signal.Signals) -> None:
    """A device of ours is tied to one of the run's: it goes when the kernel takes the run's namespace away."""
    find_programs()
    watch = Namespace()

    def canary() -> bool:
        with watch.entered():
            return "canary" in devices()

    with subprocess.Popen([sys.executable, "-c", HOLD, watch.path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        assert canary()
        run.send_signal(number)
        run.wait(timeout=20)
        assert eventually(lambda: not canary())
    watch.close()


def test_a_script_of_any_size_is_taken() -> None:
    namespace = Namespace()
    lines = "".join(f"addr add 10.1.{number // 250}.{number % 250}/32 dev lo\n" for number in range(5000))
    assert len(lines) > 1 << 17
    run_scripts("ip", [(namespace, lines)])
    namespace.close()
