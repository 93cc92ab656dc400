"""Policies as rules of nftables, for a router that sees every packet between the stations.

The walk of the model, as it stands in ``model.py``: a chain for each direction, in it one for each tier, from there one for stations that the same
policies select, in it one for each policy. What a rule decides is the packet's mark, and the chains above go on as long as there is none; an
expression is a set with the addresses of the stations it means.

Only what opens a connection is judged, a TCP packet with SYN alone and a UDP datagram; everything else passes. So no connection tracking is needed.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address
from typing import Final

from seawall.deploy.network.atoms import TRANSPORT, joined, plain, resolved
from seawall.deploy.network.model import Action, Anything, Cluster, Direction, Expression, Policy, PortMatch, PortRange, Rule, Tier
from seawall.deploy.network.packets.plan import Station
from seawall.deploy.network.reach import chain, isolates, rules_of
from seawall.deploy.network.select import Selection
from seawall.deploy.network.universe import Group

_OWN: Final = {Direction.EGRESS: "ip saddr", Direction.INGRESS: "ip daddr"}
_OTHER: Final = {Direction.EGRESS: "ip daddr", Direction.INGRESS: "ip saddr"}
_MARKS: Final = {Action.ALLOW: "$allow", Action.DENY: "$deny", Action.PASS: "$pass"}
_PORT: Final = "meta l4proto . th dport"
_FOREIGN: Final = re.compile(r"[^A-Za-z0-9 ./_-]")  # of names that others gave, in comments
_HEAD: Final = """\
define allow = 1
define deny = 2
define pass = 3
"""
_FORWARD: Final = """\
	chain forward {
		type filter hook forward priority filter; policy accept;
		meta l4proto icmp accept
		tcp flags & (syn | ack) != syn accept
		jump egress
		meta mark $deny goto refuse
		meta mark set 0
		jump ingress
		meta mark $deny goto refuse
	}
	chain refuse {
		meta l4proto tcp reject with tcp reset
		reject with icmp type admin-prohibited
	}
"""


def ruleset(cluster: Cluster, stations: Sequence[Station]) -> str:
    """The rules that enforce a cluster's policies among these stations."""
    return _Compiler(cluster, stations).text()


class _Compiler:
    def __init__(self, cluster: Cluster, stations: Sequence[Station]) -> None:
        self._cluster = cluster
        self._stations = stations
        self._selection = Selection(cluster, [Group(station.endpoint) for station in stations])
        self._sets: dict[Expression, str] = {}
        self._names: dict[frozenset[PortMatch], str] = {}
        self._declared: list[str] = []  # the lines of all sets

    def text(self) -> str:
        chains = [*self._direction(Direction.EGRESS), *self._direction(Direction.INGRESS)]
        return "\n".join([_HEAD + "table ip seawall {", *self._declared, *chains]) + "\n" + _FORWARD + "}\n"

    def _direction(self, direction: Direction) -> Iterator[str]:
        tiers = chain(self._cluster, direction)
        for number, (tier, policies) in enumerate(tiers):
            yield from self._tier(f"{direction}_{number}", tier, policies, direction)
        yield f"\tchain {direction} {{"
        for number, (tier, _) in enumerate(tiers):
            yield f"\t\tmeta mark set 0 jump {direction}_{number} {_comment(f'tier {tier.name}')}"
            yield "\t\tmeta mark { $allow, $deny } return"
        yield "\t}"

    def _tier(self, name: str, tier: Tier, policies: Sequence[Policy], direction: Direction) -> Iterator[str]:
        for number, policy in enumerate(policies):
            yield f"\tchain {name}_{number} {{ {_comment(str(policy))}"
            for rule in rules_of(policy, direction):
                yield from (f"\t\t{line}" for line in self._rule(rule, direction))
            yield "\t}"
        jumps: list[str] = []
        for place, (own, addresses) in enumerate(self._by_policies(policies).items()):
            yield f"\tchain {name}_for_{place} {{"
            for number in own:
                yield f"\t\tjump {name}_{number}"
                yield "\t\tmeta mark != 0 return"
            if tier.default is Action.DENY and any(isolates(policies[number], direction) for number in own):
                yield "\t\tmeta mark set $deny"
            yield "\t}"
            jumps += [f"{address} : jump {name}_for_{place}" for address in addresses]
        yield f"\tchain {name} {{ {_comment(f'tier {tier.name}')}"
        if jumps:
            yield f"\t\t{_OWN[direction]} vmap {{ {', '.join(jumps)} }}"
        yield "\t}"

    def _by_policies(self, policies: Sequence[Policy]) -> dict[tuple[int, ...], list[IPv4Address]]:
        """The addresses of the stations that the same policies select, by the numbers of these."""
        found: dict[tuple[int, ...], list[IPv4Address]] = {}
        selected = [self._selection.vector(policy.subject) for policy in policies]
        for place, station in enumerate(self._stations):
            if own := tuple(number for number, meant in enumerate(selected) if meant[place]):
                found.setdefault(own, []).append(station.address)
        return found

    def _rule(self, rule: Rule, direction: Direction) -> Iterator[str]:
        who = self._who(_OWN[direction], rule.subject) + self._who(_OTHER[direction], rule.peer)
        not_these = "".join(f"{_PORT} != {ports} " for ports in _ranges(rule.not_ports))
        not_these += "".join(f"ip daddr . {_PORT} != @{name} " for name in self._named(rule.not_ports))
        then = "counter" if rule.action is Action.LOG else f"meta mark set {_MARKS[rule.action]} return"
        if not rule.ports:
            yield f"{who}{not_these}{then}"
            return
        for ports in _ranges(rule.ports):
            yield f"{who}{_PORT} {ports} {not_these}{then}"
        for name in self._named(rule.ports):
            yield f"{who}ip daddr . {_PORT} @{name} {not_these}{then}"

    def _who(self, address: str, expression: Expression) -> str:
        return "" if expression == Anything() else f"{address} @{self._set(expression)} "

    def _set(self, expression: Expression) -> str:
        """The set of an expression: the addresses of those it means."""
        name = self._sets.get(expression)
        if name is None:
            name = self._sets[expression] = f"who_{len(self._sets)}"
            meant = self._selection.vector(expression)
            self._declare(name, "ipv4_addr", [str(station.address) for station, is_meant in zip(self._stations, meant, strict=True) if is_meant])
        return name

    def _named(self, matches: Iterable[PortMatch]) -> Iterator[str]:
        """The set of what port names mean, destination by destination; nothing where there are no names."""
        wanted = frozenset(match for match in matches if match.name)
        if not wanted:
            return
        name = self._names.get(wanted)
        if name is None:
            name = self._names[wanted] = f"ports_{len(self._names)}"
            found = {
                f"{station.address} . {port.protocol.lower()} . {port.first}": None
                for station in self._stations
                for match in sorted(wanted, key=repr)
                for port in resolved(match, station.endpoint)
            }
            self._declare(name, "ipv4_addr . inet_proto . inet_service", list(found))
        yield name

    def _declare(self, name: str, type_: str, elements: Sequence[str]) -> None:
        self._declared.append(f"\tset {name} {{")
        self._declared.append(f"\t\ttype {type_}")
        if elements:
            self._declared.append(f"\t\telements = {{ {', '.join(elements)} }}")
        self._declared.append("\t}")


def _ranges(matches: Iterable[PortMatch]) -> Iterator[str]:
    """The anonymous set of all ports that are not named; nothing where there are none. ICMP has no ports, and is not tested."""
    found = joined(sorted(item for match in matches if not match.name for item in plain(match) if item.protocol in TRANSPORT))
    if found:
        yield f"{{ {', '.join(map(_range, found))} }}"


def _range(item: PortRange) -> str:
    ports = str(item.first) if item.first == item.last else f"{item.first}-{item.last}"
    return f"{item.protocol.lower()} . {ports}"


def _comment(text: str) -> str:
    """For people who read the rules; what others named stays in its line."""
    return f"# {_FOREIGN.sub('?', text)[:120]}"
