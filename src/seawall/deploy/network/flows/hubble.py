"""Flows as Hubble exports them: one JSON object a line, the flow itself or an envelope with it under ``flow``.

Source: Cilium's ``flow.proto`` (Flow, Endpoint, Layer4, Verdict) and the documentation of the Hubble exporter.
"""

from typing import Any, Final

from seawall.deploy.network.flows.model import Flow, Party, Passed, Unreadable, Verdict
from seawall.deploy.network.flows.records import Record, labels, mapping, port, string
from seawall.deploy.network.model import Protocol

_LAYERS: Final = {
    "TCP": Protocol.TCP,
    "UDP": Protocol.UDP,
    "SCTP": Protocol.SCTP,
    "ICMPv4": Protocol.ICMP,
    "ICMPv6": Protocol.ICMPV6,
}
_VERDICTS: Final = {"DROPPED": Verdict.DENIED, "ERROR": Verdict.DENIED, "FORWARDED": Verdict.ALLOWED, "REDIRECTED": Verdict.ALLOWED}


def is_flow(record: Record) -> bool:
    return "flow" in record or ("verdict" in record and ("l4" in record or "IP" in record or "source" in record))


def is_other(record: Record) -> bool:
    """What the exporter writes between flows: node status, lost events, agent events."""
    return "node_name" in record and any(key in record for key in ("lost_events", "agent_event", "node_status", "debug_event"))


def flow(record: Record) -> tuple[Flow, str]:
    """A flow and its time. Raises :class:`Unreadable` and :class:`Passed`."""
    own = mapping(record.get("flow")) or record
    if own.get("is_reply") is True or mapping(own.get("is_reply")).get("value") is True or own.get("reply") is True:
        raise Passed("answer")
    if mapping(own.get("l7")).get("type") == "RESPONSE":
        raise Passed("answer")
    layer = mapping(own.get("l4"))
    kind = next((name for name in _LAYERS if name in layer), "")
    if not kind:
        raise Passed("no transport layer")
    protocol, inner, addresses = _LAYERS[kind], mapping(layer[kind]), mapping(own.get("IP") or own.get("ip"))
    number = inner.get("type", 0) if kind.startswith("ICMP") else inner.get("destination_port")
    if number is None:
        raise Unreadable("it has no destination port")
    source = _party(mapping(own.get("source")), string(addresses.get("source")), own.get("source_names"))
    destination = _party(mapping(own.get("destination")), string(addresses.get("destination")), own.get("destination_names"))
    verdict = _VERDICTS.get(string(own.get("verdict")), Verdict.UNKNOWN)
    return Flow(source, destination, protocol, port(number, protocol), verdict), string(own.get("time") or record.get("time"))


def _party(end: Record, address: str, names: Any) -> Party:
    owners = end.get("workloads")
    owner = mapping(owners[0]) if isinstance(owners, list) and owners else {}
    texts = [item for item in end.get("labels", ()) if isinstance(item, str)] if isinstance(end.get("labels"), list) else []
    entity = next((item.removeprefix("reserved:") for item in texts if item.startswith("reserved:")), "")
    own = [item.removeprefix("k8s:") for item in texts if not item.startswith("reserved:")]
    if not address and isinstance(names, list) and names:
        entity = string(names[0])
    return Party(address, string(end.get("namespace")), string(end.get("pod_name")), string(owner.get("name")), labels(own), entity)
