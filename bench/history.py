"""History at work: ``python -m bench.history [EVENTS]``.

Makes up audit events as a cluster's controllers, kubelets and people cause them (about 1 kB each, seeded), puts them into a store, and runs rule sets
over it: our own, and further files that are named. Import and run are timed in processor seconds of all threads, which other work on the machine
disturbs least; translating the rules (one or two seconds) is part of a run. Bar: 500,000 events a second and core for the audit set.
"""

import argparse
import json
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from seawall.app.detect import load_rules
from seawall.io.sources.audit import Block
from seawall.run.detect.history.importing import Imported, import_events, store_at
from seawall.run.detect.history.replay import Replay

BAR = 500_000
USERS = {
    "system:kube-controller-manager": ("kube-controller-manager/v1.31.2 (linux/amd64) kubernetes/abcdef/leader-election", 30),
    "system:node:node-{n}": ("kubelet/v1.31.2 (linux/amd64) kubernetes/abcdef", 35),
    "system:serviceaccount:kube-system:coredns": ("coredns/1.11", 12),
    "system:serviceaccount:shop:web": ("Go-http-client/2.0", 12),
    "system:kube-scheduler": ("kube-scheduler/v1.31.2 (linux/amd64) kubernetes/abcdef/scheduler", 10),
    "alice@example.com": ("kubectl/v1.31.0 (linux/amd64) kubernetes/abcdef", 1),
}
REQUESTS = {
    ("get", "leases"): 25, ("update", "leases"): 22, ("watch", "pods"): 10, ("list", "nodes"): 8, ("get", "configmaps"): 9, ("get", "secrets"): 0.5,
    ("create", "pods"): 0.5, ("patch", "nodes"): 8, ("create", "events"): 7, ("get", "endpoints"): 10, ("create", "clusterrolebindings"): 0.02,
}  # fmt: skip


def event(draw: random.Random, moment: datetime) -> dict[str, Any]:
    """A made-up event."""
    template = draw.choices(list(USERS), [weight for _, weight in USERS.values()])[0]
    user, agent = template.format(n=draw.randrange(200)), USERS[template][0]
    verb, resource_ = draw.choices(list(REQUESTS), list(REQUESTS.values()))[0]
    namespace, name = draw.choice(("default", "kube-system", "shop")), f"{resource_}-{draw.randrange(5000)}"
    text = f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
    found: dict[str, Any] = {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata",
        "auditID": f"{draw.getrandbits(128):032x}", "stage": "ResponseComplete",
        "requestURI": f"/api/v1/namespaces/{namespace}/{resource_}/{name}?timeout=10s", "verb": verb,
        "user": {"username": user, "uid": f"{draw.getrandbits(64):016x}", "groups": ["system:nodes", "system:authenticated"]},
        "sourceIPs": [f"10.0.{draw.randrange(4)}.{draw.randrange(250)}"], "userAgent": agent,
        "objectRef": {"resource": resource_, "namespace": namespace, "name": name, "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": draw.choices((200, 403, 404), (97, 0.2, 3))[0]},
        "requestReceivedTimestamp": text, "stageTimestamp": text,
        "annotations": {"authorization.k8s.io/decision": "allow",
                        "authorization.k8s.io/reason": f'RBAC: allowed by ClusterRoleBinding "x" to "{user}"'},
    }  # fmt: skip
    if verb in ("create", "patch", "update"):
        found["level"] = "Request"
        spec: dict[str, Any] = {"holderIdentity": name, "renewTime": text, "notes": "y" * 150}
        if resource_ == "pods":
            spec = {"containers": [{"name": "a", "image": "nginx:1", "securityContext": {"privileged": draw.random() < 0.02}}]}
        found["requestObject"] = {"metadata": {"name": name, "namespace": namespace}, "spec": spec}
    return found


def blocks(number: int) -> Iterator[Block]:
    """Blocks of lines; a week of them."""
    draw = random.Random(6)
    begin = datetime(2026, 11, 1, tzinfo=UTC)
    for start in range(0, number, 4000):
        moments = (begin + timedelta(seconds=at * 604_800 / number) for at in range(start, min(start + 4000, number)))
        yield Block("made up", start + 1, [json.dumps(event(draw, moment), separators=(",", ":")).encode() for moment in moments])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--rules", action="append", default=[], help="a rule file to run as well")
    parser.add_argument("--store", help="a store to use as it is, instead of made-up events")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seawall-bench-") as directory:
        place = arguments.store or f"{directory}/store"
        if not arguments.store:
            _import(place, arguments.events)
        for name, paths in (("our rules", []), *((path, [path]) for path in arguments.rules)):
            _replay(place, name, paths)
    print(f"peak: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:,} MiB")


def _import(place: str, number: int) -> None:
    made = blocks(number)
    counts, spent = Imported(), 0.0

    def timed() -> Iterator[Block]:
        nonlocal spent
        while True:
            start = time.process_time()
            block = next(made, None)
            spent += time.process_time() - start  # making events up is not what is measured
            if block is None:
                return
            yield block

    start = time.process_time()
    for problem in import_events(store_at(place), timed(), counts):
        print(problem)
    seconds = time.process_time() - start - spent
    print(f"import: {counts.added:,} events, {counts.added / seconds:,.0f} events/s")


def _replay(place: str, name: str, paths: list[str]) -> None:
    rules = load_rules(paths)
    Replay(store_at(place), rules.judged)  # what is imported late is imported now
    start = time.process_time()
    replay = Replay(store_at(place), rules.judged)
    alerts = sum(1 for _ in replay.alerts())
    seconds = time.process_time() - start
    rate = replay.events / seconds
    print(f"{name}: {len(replay.judged)} rules, {replay.events:,} events, {alerts:,} alerts, {rate:,.0f} events/s, bar {BAR:,}: {rate >= BAR}")


if __name__ == "__main__":
    main()
