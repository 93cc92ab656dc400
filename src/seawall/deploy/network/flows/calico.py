"""Flows as Calico logs them: Goldmane and Whisker (open source) and the flow logs of Calico Enterprise and Cloud.

All of them name the same things, in three manners: ``source_name``, ``sourceName`` and ``src_name``; Goldmane puts them under ``key``.
Names may stand for several pods (``web-5d4f7b-*``); what has none is ``-``, ``pub`` or ``pvt``.

Source: Goldmane's ``api.proto`` (Flow, FlowKey); the reference of flow log fields of Calico Enterprise.
"""

from typing import Final

from seawall.deploy.network.flows.model import Flow, Party, Unreadable, Verdict
from seawall.deploy.network.flows.records import Record, labels, mapping, port, protocol, string

_VERDICTS: Final = {"allow": Verdict.ALLOWED, "deny": Verdict.DENIED}
_NETWORKS: Final = {"net", "network", "publicnetwork", "privatenetwork"}
_NONE: Final = {"-", "pub", "pvt"}


def is_flow(record: Record) -> bool:
    known = _folded(mapping(record.get("key")) or record)
    return "destport" in known and ("sourcename" in known or "sourceip" in known or "sourcenameaggr" in known)


def flow(record: Record) -> tuple[Flow, str]:
    """A flow and its time. Raises :class:`Unreadable` and :class:`Passed`."""
    known = {**_folded(record), **_folded(mapping(record.get("key")))}
    own = protocol(known.get("proto") or known.get("protocol"))
    number = known.get("destport")
    if number is None or string(number) == "":
        raise Unreadable("it has no destination port")
    verdict = _VERDICTS.get(string(known.get("action")).lower(), Verdict.UNKNOWN)
    time = string(known.get("starttime"))
    return Flow(_party(known, "source"), _party(known, "dest"), own, port(number, own), verdict), time


def count(record: Record) -> int:
    """How many connections a record stands for."""
    known = {**_folded(record), **_folded(mapping(record.get("key")))}
    found = string(known.get("numflows")) or string(known.get("numconnectionsstarted")) or string(known.get("connectionsstarted"))
    return max(1, int(found)) if found.isascii() and found.isdecimal() and len(found) < 16 else 1


def _folded(record: Record) -> Record:
    """The fields in one manner: ``sourcename``, ``destport``."""
    found = {}
    for key, value in record.items():
        name = key.replace("_", "").lower()
        name = f"dest{name[11:]}" if name.startswith("destination") else f"source{name[3:]}" if name.startswith("src") else name
        found[name] = value
    return found


def _party(known: Record, side: str) -> Party:
    kind = string(known.get(f"{side}type")).lower()
    given = known.get(f"{side}labels")
    own = labels(mapping(given).get("labels", given))
    address = string(known.get(f"{side}ip"))
    names = [string(known.get(f"{side}name")), string(known.get(f"{side}nameaggr"))]
    name = next((item for item in names if item and item not in _NONE), "")
    namespace = string(known.get(f"{side}namespace")).removeprefix("-")
    address = "" if address == "-" else address
    if kind in _NETWORKS or not name:
        entity = "" if address else next((item for item in names if item), "") or "world"
        return Party(address, entity=entity)
    if kind in ("hep", "host", "hostendpoint"):
        return Party(address, entity=name.removesuffix("-*") or "host")
    return Party(address, namespace, name, labels=own)
