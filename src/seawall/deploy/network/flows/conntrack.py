"""Connections as the kernel tracks them: what ``conntrack -E -o timestamp,extended`` and ``conntrack -L`` print.

    [1700000000.123456]  [NEW] ipv4 2 tcp 6 120 SYN_SENT src=10.0.0.1 dst=10.96.0.7 sport=40000 dport=80 [UNREPLIED] src=10.0.0.9 dst=10.0.0.1 ...

The second addresses are those of the answer: where the first were translated (a Service), they tell who really answers, and at which port.

Source: conntrack(8), and the print functions of libnetfilter_conntrack.
"""

import re
from typing import Final

from seawall.deploy.network.flows.model import Flow, Party, Passed, Unreadable, Verdict
from seawall.deploy.network.flows.records import port, protocol

_LINE: Final = re.compile(
    r"\s*(?:\[(?P<time>[0-9.]+)\s*\])?\s*(?:\[(?P<event>[A-Z]+)\])?\s*(?:ipv[46]\s+[0-9]+\s+)?(?P<protocol>[a-z0-9-]+)\s+(?P<number>[0-9]+)\s+(?P<rest>.*)"
).fullmatch
_FIELD: Final = re.compile(r"\b(src|dst|sport|dport|type)=(\S+)")


def is_line(text: str) -> bool:
    return " src=" in text and " dst=" in text


def flow(text: str) -> tuple[Flow, str]:
    """A flow and its time. Raises :class:`Unreadable` and :class:`Passed`."""
    read = _LINE(text)
    if read is None:
        raise Unreadable("it is no line of conntrack")
    if read["event"] in ("UPDATE", "DESTROY"):
        raise Passed("a known connection")
    own = protocol(read["number"] if not read["protocol"].startswith("icmp") else read["protocol"])
    fields: dict[str, list[str]] = {}
    for key, value in _FIELD.findall(read["rest"]):
        fields.setdefault(key, []).append(value)
    sources, destinations = fields.get("src", []), fields.get("dst", [])
    if not sources or not destinations:
        raise Unreadable("it has no addresses")
    answers = sources[1] if len(sources) > 1 else destinations[0]
    if own.value.startswith("ICMP"):
        number = fields.get("type", [""])[0]
    else:
        ports = fields.get("sport", []), fields.get("dport", [])
        number = ports[0][1] if len(ports[0]) > 1 else (ports[1] or [""])[0]
    return Flow(Party(sources[0]), Party(answers), own, port(number, own), Verdict.UNKNOWN), read["time"] or ""
