"""Flows as anybody may write them: CSV with a header, or JSON, with ``src``, ``dst``, ``port``, ``protocol``, and, if one likes, ``time``,
``verdict`` and ``count``. An end is an address or ``NAMESPACE/POD`` (or ``NAMESPACE/WORKLOAD``); the protocol is TCP unless it is said.
"""

from ipaddress import ip_address
from typing import Final

from seawall.deploy.network.flows.model import Flow, Party, Unreadable, Verdict
from seawall.deploy.network.flows.records import Record, port, protocol, string

_FIELDS: Final = {
    "src": ("src", "source", "from", "src_ip", "source_ip"),
    "dst": ("dst", "destination", "dest", "to", "dst_ip", "dest_ip", "destination_ip"),
    "port": ("port", "dst_port", "dest_port", "destination_port", "dport"),
    "protocol": ("protocol", "proto"),
    "time": ("time", "timestamp"),
    "verdict": ("verdict", "action"),
    "count": ("count",),
}
_VERDICTS: Final = {
    **dict.fromkeys(("allow", "allowed", "forwarded", "accept", "accepted"), Verdict.ALLOWED),
    **dict.fromkeys(("deny", "denied", "dropped", "drop", "reject", "rejected"), Verdict.DENIED),
}


def is_flow(record: Record) -> bool:
    return bool(_field(record, "src")) and bool(_field(record, "dst"))


def flow(record: Record) -> tuple[Flow, str]:
    """A flow and its time. Raises :class:`Unreadable` and :class:`Passed`."""
    if not is_flow(record):
        raise Unreadable("it has no src and dst")
    own = protocol(_field(record, "protocol") or "TCP")
    verdict = _VERDICTS.get(_field(record, "verdict").lower(), Verdict.UNKNOWN)
    found = Flow(_party(_field(record, "src")), _party(_field(record, "dst")), own, port(_field(record, "port"), own), verdict)
    return found, _field(record, "time")


def count(record: Record) -> int:
    found = _field(record, "count")
    return max(1, int(found)) if found.isascii() and found.isdecimal() and len(found) < 16 else 1


def _field(record: Record, name: str) -> str:
    return next((text for key in _FIELDS[name] if (text := string(record.get(key)).strip())), "")


def _party(text: str) -> Party:
    try:
        return Party(str(ip_address(text)))
    except ValueError:
        pass
    namespace, slash, name = text.rpartition("/")
    if slash:
        return Party(namespace=namespace, name=name.partition("[")[0])
    return Party(entity=text)
