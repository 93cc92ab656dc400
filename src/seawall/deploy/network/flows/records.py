"""Records of JSON whose fields may be missing or of another type than promised: what is not there is empty."""

from collections.abc import Mapping
from typing import Any

from seawall.deploy.network.flows.model import Passed, Unreadable
from seawall.deploy.network.model import Protocol

Record = Mapping[str, Any]

_NUMBERS = {1: Protocol.ICMP, 6: Protocol.TCP, 17: Protocol.UDP, 58: Protocol.ICMPV6, 132: Protocol.SCTP}
_NAMES = {protocol.value.lower(): protocol for protocol in Protocol} | {
    "icmpv4": Protocol.ICMP,
    "icmp6": Protocol.ICMPV6,
    "ipv6-icmp": Protocol.ICMPV6,
}


def mapping(value: Any) -> Record:
    return value if isinstance(value, dict) else {}


def string(value: Any) -> str:
    """A text, or a number as one."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def protocol(value: Any) -> Protocol:
    """A protocol by name or number. Raises :class:`Passed` for one that no policy speaks of."""
    text = string(value).strip().lower()
    found = _NUMBERS.get(int(text)) if text.isascii() and text.isdecimal() and len(text) < 4 else _NAMES.get(text)
    if found is None:
        if not text:
            raise Unreadable("it has no protocol")
        raise Passed(f"protocol {text[:20]}")
    return found


def port(value: Any, own: Protocol) -> int:
    """A port, or the type of an ICMP message, which may be missing."""
    text = string(value).strip()
    is_icmp = own in (Protocol.ICMP, Protocol.ICMPV6)
    if is_icmp and not text:
        return 8 if own is Protocol.ICMP else 128  # an echo request
    low, high = (0, 255) if is_icmp else (1, 65535)
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and low <= int(text) <= high):
        raise Unreadable(f"{text[:20]!r} is no port of {own.value}")
    return int(text)


def labels(value: Any) -> tuple[tuple[str, str], ...]:
    """Labels as a mapping, or as a list of ``key=value``."""
    if isinstance(value, dict):
        return tuple(sorted((key, string(item)) for key, item in value.items()))
    pairs = (item.partition("=") for item in value if isinstance(item, str)) if isinstance(value, list) else ()
    return tuple(sorted((key, text) for key, _, text in pairs if key))
