"""The documents of this room: ``seawall.network/v1`` and ``seawall.network-diff/v1``, and the same connections as CSV, Markdown, DOT and text."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from seawall.core.report import ScanError
from seawall.deploy.network.atoms import TRANSPORT
from seawall.deploy.network.changes import Change
from seawall.deploy.network.connections import Connection
from seawall.deploy.network.mesh.layer import MeshDecision
from seawall.deploy.network.model import PortRange, Restriction
from seawall.deploy.network.question import Answer
from seawall.deploy.network.walk import Decision

NOTHING: Final = "no connections"
_WHOLE: Final = tuple(PortRange(protocol, 1, 65535) for protocol in TRANSPORT)
_ALL: Final = "all connections"


def ports(ranges: Sequence[PortRange]) -> str:
    """Ports as people write them: ``TCP 80,443 UDP 53``, or ``all connections``."""
    if not ranges:
        return NOTHING
    if set(_WHOLE) <= set(ranges):
        rest = [item for item in ranges if item not in _WHOLE]
        return f"{_ALL} {ports(rest)}" if rest else _ALL
    by_protocol: dict[str, list[str]] = {}
    for item in ranges:
        by_protocol.setdefault(item.protocol, []).append(str(item.first) if item.first == item.last else f"{item.first}-{item.last}")
    return " ".join(f"{protocol} {','.join(numbers)}" for protocol, numbers in by_protocol.items())


def ranges_json(ranges: Iterable[PortRange]) -> list[dict[str, Any]]:
    return [{"protocol": item.protocol.value, "first": item.first, "last": item.last} for item in ranges]


def network_json(found: Iterable[Connection], errors: Iterable[ScanError], notes: Iterable[str]) -> dict[str, Any]:
    """``seawall.network/v1``."""
    known: dict[tuple[PortRange, ...], list[dict[str, Any]]] = {}  # few different ones, but a great many connections
    rows = []
    for item in found:
        if item.ports not in known:
            known[item.ports] = ranges_json(item.ports)
        rows.append({"src": item.src, "dst": item.dst, "ports": known[item.ports]})
    return {"schema": "seawall.network/v1", "connections": rows, "errors": list(errors), "notes": list(notes)}


def diff_json(found: Iterable[Change], errors: Iterable[ScanError], notes: Iterable[str]) -> dict[str, Any]:
    """``seawall.network-diff/v1``."""
    rows = [
        {"change": item.change, "src": item.src, "dst": item.dst, "before": ranges_json(item.before), "after": ranges_json(item.after)}
        for item in found
    ]
    return {"schema": "seawall.network-diff/v1", "changes": rows, "errors": list(errors), "notes": list(notes)}


def answer_json(answers: Sequence[Answer]) -> dict[str, Any]:
    """The answer to ``network eval``: where a name stands for several pods, that of the first for which the connection is allowed."""
    answer = next((item for item in answers if item.allowed), answers[0])
    return {
        "allowed": answer.allowed,
        "src": answer.source.workload,
        "dst": answer.destination.workload,
        "egress": _side(answer.egress),
        "ingress": _side(answer.ingress),
        **({"mesh": _mesh(answer.mesh)} if answer.mesh else {}),
    }


def _mesh(decision: MeshDecision) -> dict[str, Any]:
    """``either`` lists what must all hold for one choice; there are some only where there are several."""
    return {
        **_side(decision),
        "restrictions": list(restrictions_json(decision.restrictions)),
        "either": [list(restrictions_json(choice)) for choice in decision.either],
    }


def restrictions_json(found: Iterable[Restriction]) -> Iterator[dict[str, str]]:
    return ({"kind": item.kind, "detail": item.detail} for item in found)


def _side(decision: Decision | MeshDecision) -> dict[str, Any]:
    return {"allowed": decision.allowed, "by": by(decision)}


def by(decision: Decision | MeshDecision) -> dict[str, Any] | None:
    """The policy and rule that decide; ``rule`` is ``None`` where a policy isolates and no rule matched; ``None`` where nothing selects."""
    if decision.policy is None:
        return None
    rule = decision.rule
    return {
        "kind": decision.policy.kind,
        "namespace": decision.policy.namespace,
        "name": decision.policy.name,
        "rule": (rule.name or rule.field) if rule else None,
    }


def text(found: Iterable[Connection]) -> Iterator[str]:
    """A line for each connection."""
    return (f"{item.src} => {item.dst} : {ports(item.ports)}" for item in found)


def table(found: Iterable[Connection]) -> Iterator[str]:
    """A Markdown table."""
    yield "| from | to | what |"
    yield "|---|---|---|"
    for item in found:
        yield f"| {_cell(item.src)} | {_cell(item.dst)} | {ports(item.ports)} |"


def _cell(value: str) -> str:
    return value.replace("\\", "\\\\").replace("|", "\\|").replace("[", "\\[").replace("]", "\\]")


def comma_separated(found: Iterable[Connection]) -> Iterator[str]:
    """CSV with a header."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("src", "dst", "ports"))
    writer.writerows((_plain(item.src), _plain(item.dst), ports(item.ports)) for item in found)
    return iter(buffer.getvalue().splitlines())


def _plain(value: str) -> str:
    """No spreadsheet takes it for a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@") else value


def dot(found: Iterable[Connection]) -> Iterator[str]:
    """A graph for Graphviz; namespaces are clusters."""
    given = list(found)
    by_namespace: dict[str, set[str]] = {}
    for item in given:
        for name in (item.src, item.dst):
            by_namespace.setdefault(name.partition("/")[0] if name.endswith("]") and "/" in name else "", set()).add(name)
    yield "digraph connections {"
    yield "  rankdir=LR; node [shape=box];"
    for place, (namespace, names) in enumerate(sorted(by_namespace.items())):
        if namespace:
            yield f"  subgraph cluster_{place} {{ label={_quoted(namespace)};"
        for name in sorted(names):
            yield f"    {_quoted(name)};"
        if namespace:
            yield "  }"
    for item in given:
        yield f"  {_quoted(item.src)} -> {_quoted(item.dst)} [label={_quoted(ports(item.ports))}];"
    yield "}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def diff_text(found: Iterable[Change]) -> Iterator[str]:
    """A line for each change."""
    for item in found:
        match item.change:
            case "added":
                yield f"+ {item.src} => {item.dst} : {ports(item.after)}"
            case "removed":
                yield f"- {item.src} => {item.dst} : {ports(item.before)}"
            case _:
                yield f"~ {item.src} => {item.dst} : {ports(item.before)} -> {ports(item.after)}"


LISTS: Final = {"text": text, "csv": comma_separated, "md": table, "dot": dot}
