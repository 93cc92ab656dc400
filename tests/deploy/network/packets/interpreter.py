"""What little of nftables the rulesets use, read from their text: the verdict on one packet."""

import re
from typing import NamedTuple

Element = tuple[str, ...]


class Packet(NamedTuple):
    source: str
    destination: str
    protocol: str
    port: int


class Rules:
    """A ruleset of one table; the policies start at the chains ``egress`` and ``ingress``."""

    def __init__(self, text: str) -> None:
        self._constants = dict(re.findall(r"^define (\w+) = (\d+)$", text, re.MULTILINE))
        body = re.sub(r"#.*", "", text)
        self._sets: dict[str, list[Element]] = {}
        for name, content in re.findall(r"^\tset (\w+) \{\n(.*?)^\t\}", body, re.MULTILINE | re.DOTALL):
            elements = re.search(r"elements = \{ (.*?) \}", content)
            self._sets[name] = _elements(elements[1]) if elements else []
        self._chains = {
            name: [line.strip() for line in content.splitlines() if line.strip()]
            for name, content in re.findall(r"^\tchain (\w+) \{(.*?)^\t\}", body, re.MULTILINE | re.DOTALL)
        }

    def allow(self, packet: Packet) -> bool:
        return all(self._run(side, packet, 0) != int(self._constants["deny"]) for side in ("egress", "ingress"))

    def _run(self, chain: str, packet: Packet, mark: int) -> int:
        """The mark after a chain."""
        for line in self._chains[chain]:
            rest, mark, jump, goes_back = self._rule(line, packet, mark)
            assert not rest, f"not understood: {rest!r} in {line!r}"
            if jump:
                mark = self._run(jump, packet, mark)
            if goes_back:
                return mark
        return mark

    def _rule(self, rest: str, packet: Packet, mark: int) -> tuple[str, int, str, bool]:
        """What is left of a line unread, the mark after it, the chain it jumps to, and whether it returns."""
        address, port = {"saddr": packet.source, "daddr": packet.destination}, (packet.protocol, str(packet.port))
        while rest:
            if found := re.match(r"ip daddr \. meta l4proto \. th dport (!= )?@(\w+) ?", rest):
                hit = (packet.destination, *port) in self._sets[found[2]]
                if hit == bool(found[1]):
                    return "", mark, "", False
            elif found := re.match(r"ip ([sd]addr) @(\w+) ?", rest):
                if (address[found[1]],) not in self._sets[found[2]]:
                    return "", mark, "", False
            elif found := re.match(r"ip ([sd]addr) vmap \{ (.*) \}", rest):
                verdicts = dict(item.split(" : jump ") for item in found[2].split(", "))
                return rest[found.end() :], mark, verdicts.get(address[found[1]], ""), False
            elif found := re.match(r"meta l4proto \. th dport (!= )?\{ (.*?) \} ?", rest):
                hit = any(protocol == packet.protocol and _within(packet.port, ports) for protocol, ports in _elements(found[2]))
                if hit == bool(found[1]):
                    return "", mark, "", False
            elif found := re.match(r"meta mark set (\S+) ?", rest):
                mark = self._number(found[1])
            elif found := re.match(r"meta mark (!= )?(\{.*?\}|\S+) ?", rest):
                hit = mark in [self._number(text) for text in found[2].strip("{ }").split(", ")]
                if hit == bool(found[1]):
                    return "", mark, "", False
            elif found := re.match(r"jump (\w+) *$", rest):
                return "", mark, found[1], False
            elif found := re.match(r"(return|counter) *$", rest):
                return "", mark, "", found[1] == "return"
            else:
                break
            rest = rest[found.end() :]
        return rest, mark, "", False

    def _number(self, text: str) -> int:
        return int(self._constants[text[1:]] if text.startswith("$") else text)


def _elements(text: str) -> list[Element]:
    return [tuple(item.split(" . ")) for item in text.split(", ")]


def _within(port: int, ports: str) -> bool:
    first, _, last = ports.partition("-")
    return int(first) <= port <= int(last or first)
