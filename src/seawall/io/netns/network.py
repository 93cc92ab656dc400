"""A small routed network: a router, and stations with one address each that reach one another through it alone.

Each station is a namespace whose only device is one end of a veth pair; the other end is in the router, with a route of one address. Both ends have
the same hardware address and ARP is off: whatever is sent on one end is for the other, and nobody ever has to ask. The router forwards, and what its
rules refuse it refuses at once: by a TCP reset or an ICMP message, whose usual limit of a few in a second is lifted.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final, Self

from seawall.core.errors import UsageError
from seawall.io.netns.namespace import Namespace
from seawall.io.netns.programs import find_programs, run_scripts

_HARDWARE: Final = "02:00:00:00:00:01"  # locally administered; the same everywhere, as no two pairs share a link
_SETTINGS: Final = Path("/proc/sys/net")  # those of the namespace that looks
_ROUTER: Final = {"ipv4/ip_forward": "1", "ipv4/icmp_ratemask": "0", "ipv4/conf/all/rp_filter": "0", "ipv6/conf/default/disable_ipv6": "1"}
_STATION: Final = {"ipv6/conf/default/disable_ipv6": "1"}  # no neighbour discovery


class Network:
    """A router with these rules and a station for each address, until it is closed. ``router`` is the router's own address.

    Raises ``UsageError`` without root, without the programs, and where the kernel or a program refuses something.
    """

    def __init__(self, router: IPv4Address, addresses: Sequence[IPv4Address], ruleset: str) -> None:
        find_programs()
        self.addresses = tuple(addresses)
        self.stations: list[Namespace] = []
        with ExitStack() as undo:
            undo.callback(self.close)
            self._router = Namespace()
            self._build(router)
            run_scripts("nft", [(self._router, ruleset)])
            undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _build(self, router: IPv4Address) -> None:
        _set(self._router, _ROUTER)
        lines = ["link set lo up", f"addr add {router}/32 dev lo"]
        for number, address in enumerate(self.addresses):
            station = Namespace()
            self.stations.append(station)
            _set(station, _STATION)
            lines += [
                f"link add s{number} address {_HARDWARE} type veth peer name eth0 address {_HARDWARE} netns {station.path}",
                f"link set s{number} arp off up",
                f"route add {address} dev s{number}",
            ]
        run_scripts("ip", [(self._router, _script(lines))])
        run_scripts("ip", [(station, _end(address)) for station, address in zip(self.stations, self.addresses, strict=True)])

    def close(self) -> None:
        """Let everything go."""
        for namespace in (*self.stations, *([self._router] if hasattr(self, "_router") else [])):
            namespace.close()


def _end(address: IPv4Address) -> str:
    return _script([f"addr add {address}/32 dev eth0", "link set eth0 arp off up", "route add default dev eth0"])


def _script(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"


def _set(namespace: Namespace, settings: dict[str, str]) -> None:
    with namespace.entered():
        for name, value in settings.items():
            try:
                (_SETTINGS / name).write_text(value)
            except FileNotFoundError:
                continue  # a kernel without IPv6
            except OSError as error:
                raise UsageError(f"packets need root, which sets {_SETTINGS / name} in a namespace of its own: {error.strerror}") from None
