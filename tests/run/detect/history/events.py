"""Audit events for the tests of history: every shape of field that the store has, and values that databases like to get wrong."""

import json
import random
from typing import Any

from seawall.run.events.audit.decode import AuditDecoder
from seawall.run.events.audit.model import PARTS, AuditEvent

WORDS = (
    "", "get", "GET", "create", "pods", "secrets", "default", "kube-system", "system:node:a", "alice@example.com", "a'b\"c", "%_", "\\", "a\\nb",
    "a\nb",
    "\u0130stanbul", "stra\u00dfe", "\u017f\u212a", "é", "日本", "10.0.0.1", "/etc",
    "/etc/passwd", "//etc//passwd", "/", "200", "403", "nginx:1", "a*",
    "x" * 300, "\x7f", "true",
)  # fmt: skip


def event(draw: random.Random, number: int = 0) -> dict[str, Any]:
    """An event; parts are missing now and then, and some are odd."""

    def word() -> str:
        return draw.choice(WORDS)

    found: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "auditID": f"id-{number}",
        "stage": draw.choice(("ResponseComplete", "RequestReceived")),
    }
    parts: dict[str, Any] = {
        "level": draw.choice(("Metadata", "Request")),
        "verb": word(),
        "requestURI": draw.choice(("/api", "/api/v1/pods?limit=5&command=sh", f"/x?{word()}={word()}")),
        "userAgent": word(),
        "user": {"username": word(), "groups": [word() for _ in range(draw.randrange(4))]},
        "impersonatedUser": {"username": word()},
        "sourceIPs": [word() for _ in range(draw.randrange(3))],
        "objectRef": {"resource": draw.choice(("pods", "secrets", word())), "namespace": word(), "name": word(), "apiGroup": word()},
        "responseStatus": {"code": draw.choice((200, 201, 403)), "reason": word()},
        "annotations": {"authorization.k8s.io/decision": draw.choice(("allow", "forbid", word())), "other/x": word()},
        "stageTimestamp": f"2026-11-0{draw.randrange(1, 4)}T0{draw.randrange(10)}:00:0{draw.randrange(10)}.123456Z",
        "requestObject": _body(draw, word),
        "responseObject": {"metadata": {"name": word()}},
    }
    found |= {name: value for name, value in parts.items() if draw.random() < 0.75}
    if draw.random() < 0.05:
        found["verb"] = draw.choice((None, 7, {"a": 1}))
    if draw.random() < 0.05:
        found["sourceIPs"] = draw.choice(("10.0.0.1", [None, "get"], [3]))
    return found


def _body(draw: random.Random, word: Any) -> dict[str, Any]:
    container = {"image": word(), "securityContext": {"privileged": draw.choice((True, False)), "capabilities": {"add": [word()]}}}
    bodies: list[dict[str, Any]] = [
        {"spec": {"containers": [container, {"image": word()}], "hostNetwork": True, "volumes": [{"hostPath": {"path": word()}}]}},
        {"rules": [{"verbs": [word(), "*"], "resources": [word()]}], "metadata": {"name": word()}},
        {"roleRef": {"name": word()}, "subjects": [{"name": word()}]},
        {"data": {"key": word()}, "spec": {"type": word(), "ports": [{"port": 80}]}},
    ]
    return draw.choice(bodies)


def lines(number: int, seed: int = 1) -> list[bytes]:
    draw = random.Random(seed)
    return [json.dumps(event(draw, place), ensure_ascii=bool(place % 2)).encode() for place in range(number)]


def decoded(texts: list[bytes]) -> list[AuditEvent]:
    decoder = AuditDecoder(PARTS)
    return [found for text in texts for found in decoder.unwrap(json.loads(text))]
