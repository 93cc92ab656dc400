"""The benchmark of detection: ``python -m bench.detect``.

Measures, on one core: Falco's 25 stable and all its live system-call rules on events that are decoded already; Falco's audit rules and our own on
audit lines of 1.3 kB, from disk to alerts; and a plain evaluator that takes one event after the other, on the same events. Beside each bar stands
whether it is met. Processor seconds are counted, the best of several runs: other people's work on the machine makes times longer, never shorter.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from seawall.app.detect import Detection, Rules, load_rules
from seawall.io.sources.audit import read
from seawall.run.detect.engine.columnar import Columnar
from seawall.run.detect.engine.columns import CodedBatch, Codes, Dictionary
from seawall.run.detect.engine.operands import canonical, fields_of, shaping
from seawall.run.detect.engine.rows import matches, reader
from seawall.run.detect.language import RuleFile, compile_rules
from seawall.run.detect.language.fields import checks
from seawall.run.detect.language.tree import Condition, Field
from seawall.run.events.syscall.source import SyscallSource

RULES = Path(__file__).parents[2] / "shared" / "data" / "falco-rules"
STABLE = ("falco_rules.yaml",)
LIVE = ("falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml")
CALLS = 200_000
DISTINCT = 50_000
LINES = 200_000
RUNS = 7


def main() -> None:
    if not RULES.exists():
        print(f"Falco's rules are not at {RULES}")
        return
    calls = list(generated_calls(DISTINCT))
    for names, bar in ((STABLE, 5.0), (LIVE, 2.0)):
        measure_calls(calls, conditions_of(names), bar)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "audit.log"
        write_audit_log(log, LINES)
        measure_audit("Falco's", load_rules([str(RULES / "k8s_audit_rules.yaml")]), log)
        measure_audit("our own", load_rules([]), log)


def measure_calls(calls: list[dict[str, Any]], conditions: list[Condition], bar: float) -> None:
    source = SyscallSource()
    batch, engine = coded(calls, conditions, source), Columnar(conditions, source)
    some = calls[:2000]
    rate = CALLS / best(lambda: engine.select(batch)) / 1e6
    plain = len(some) / best(lambda: [matches(each, reader(call, source), source.name) for call in some for each in conditions], 1)
    print(f"decoded system calls, {len(conditions)} rules: {rate:.2f} million/s (bar {bar}: {told(rate >= bar)}); one by one {plain:,.0f}/s")


def measure_audit(name: str, rules: Rules, log: Path) -> None:
    rate = LINES / best(lambda: count(rules, log), 4)
    size, number = log.stat().st_size / LINES, sum(judged.rule.source == "k8s_audit" for judged in rules.judged)
    print(f"audit lines of {size:.0f} bytes, {number} rules ({name}): {rate:,.0f}/s (bar 150,000: {told(rate >= 150_000)})")


def told(met: bool) -> str:
    return "met" if met else "not met"


def best(work: Callable[[], Any], runs: int = RUNS) -> float:
    """Processor seconds of the fastest run."""
    seconds = []
    for _ in range(runs):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def count(rules: Rules, log: Path) -> int:
    detection = Detection(rules)
    return sum(1 for _ in detection.run(read([str(log)])))


def conditions_of(names: tuple[str, ...]) -> list[Condition]:
    """Every rule of the files, those that are disabled included."""
    return [rule.condition for name in names for rule in compile_rules([RuleFile(name, (RULES / name).read_text())]).rules]


def coded(calls: list[dict[str, Any]], conditions: list[Condition], source: SyscallSource) -> CodedBatch:
    """The events as a sensor gives them: columns of codes."""
    chosen = random.Random(2).choices(calls, k=CALLS)
    read_ = [field for condition in conditions for check in checks(condition) for field in fields_of(check.left)]
    columns: dict[Field, tuple[Codes, Dictionary]] = {}
    for field in {canonical(field, source.name) for field in read_}:
        get, shape, dictionary = source.getter(field.name, field.argument).get, shaping(field, source.name), Dictionary()
        columns[field] = dictionary.encode((shape(get(call)) for call in chosen), CALLS), dictionary
    return CodedBatch(CALLS, columns)


def generated_calls(number: int) -> Iterator[dict[str, Any]]:
    """Calls of a busy node: mostly opening, reading and connecting; here and there something that rules speak of."""
    chance = random.Random(1)
    kinds = ["openat", "read", "write", "close", "connect", "execve", "accept4", "clone3", "fchmodat", "unlinkat", "setuid", "sendto"]
    for _ in range(number):
        pid = chance.randrange(4_000)
        folder = chance.choice(["usr/lib", "var/lib/app", "proc/self", "home/app", "tmp", "etc"])
        path = f"/{folder}/{chance.choice('abcdefgh')}{chance.randrange(3_000)}"
        socket = f"10.{chance.randrange(4)}.{chance.randrange(9)}.{chance.randrange(250)}:{chance.randrange(30_000, 60_000)}->10.96.0.1:443"
        kind = chance.choices(kinds, [30, 25, 15, 10, 6, 3, 3, 2, 1, 1, 1, 3])[0]
        name = chance.choice(["nginx", "java", "python3", "postgres", "kubelet", "containerd-shim", "node", "envoy", "sh", "bash"])
        yield {
            "evt.type": kind,
            "evt.arg.flags": chance.choice(["O_RDONLY|O_CLOEXEC", "O_RDONLY", "O_WRONLY|O_CREAT", "O_RDWR"]) if kind == "openat" else None,
            "evt.rawres": chance.choice([0, 3, 7, 128, -2]),
            "proc.name": name,
            "proc.pname": chance.choice(["containerd-shim", "systemd", "bash", "nginx"]),
            "proc.aname[2]": chance.choice(["systemd", "containerd-shim", None]),
            "proc.cmdline": f"{name} --worker {pid}",
            "proc.exepath": f"/usr/bin/{name}",
            "proc.pid": pid,
            "proc.tty": chance.choices([0, 34816], [50, 1])[0],
            "proc.is_exe_upper_layer": chance.random() < 0.002,
            "proc.is_exe_from_memfd": False,
            "fd.num": chance.randrange(-1, 60),
            "fd.name": socket if kind in ("connect", "accept4", "sendto") else chance.choices([path, "/etc/shadow"], [2_000, 1])[0],
            "fd.typechar": "4" if kind in ("connect", "accept4", "sendto") else "f",
            "user.name": chance.choice(["root", "app", "www-data"]),
            "user.uid": chance.choice([0, 1000, 33]),
            "user.loginuid": -1,
            "container.id": chance.choice(["host", *(f"{number:012x}" for number in range(30))]),
            "container.image.repository": chance.choice(["docker.io/library/nginx", "registry.k8s.io/kube-proxy", "shop/web", None]),
            "container.privileged": chance.random() < 0.02,
            "k8s.ns.name": chance.choice(["shop", "kube-system", "monitoring"]),
        }


def write_audit_log(path: Path, number: int) -> None:
    """Requests of a quiet cluster: controllers, kubelets and the scheduler, and now and then a person."""
    chance = random.Random(3)
    users = ["system:serviceaccount:kube-system:deployment-controller", "system:kube-scheduler", "system:apiserver", "alice@example.com"]
    resources = [("pods", "", "status"), ("leases", "coordination.k8s.io", ""), ("configmaps", "", ""), ("secrets", "", ""), ("events", "", "")]
    resources += [("endpointslices", "discovery.k8s.io", ""), ("deployments", "apps", "status"), ("nodes", "", "")]
    with path.open("wb") as log:
        for place in range(number):
            node = f"node-{chance.randrange(50)}"
            user = chance.choices([*users, f"system:node:{node}"], [40, 10, 10, 0.5, 40])[0]
            resource, group, subresource = chance.choices(resources, [25, 30, 8, 2, 8, 5, 6, 8])[0]
            verb = chance.choices(["get", "list", "watch", "update", "patch", "create"], [40, 5, 10, 25, 15, 5])[0]
            namespace, name = chance.choice(["shop", "kube-system", "default", "monitoring"]), f"{resource}-{chance.randrange(500)}"
            moment = f"2026-01-01T{place // 3_600_000 % 24:02}:{place // 60_000 % 60:02}:{place // 1000 % 60:02}.{place % 1000:03}000Z"
            target = {"resource": resource, "namespace": namespace, "name": name, "apiVersion": "v1", "apiGroup": group, "subresource": subresource}
            event = {
                "kind": "Event",
                "apiVersion": "audit.k8s.io/v1",
                "level": "RequestResponse",
                "auditID": f"{chance.getrandbits(32):08x}-0000-4000-8000-{place:012x}",
                "stage": "ResponseComplete",
                "requestURI": f"/api/v1/namespaces/{namespace}/{resource}/{name}?resourceVersion={place}",
                "verb": verb,
                "user": {"username": user, "uid": "a1b2", "groups": ["system:authenticated"]},
                "sourceIPs": [f"10.0.{chance.randrange(4)}.{chance.randrange(250)}"],
                "userAgent": "kube-controller-manager/v1.33.1 (linux/amd64) kubernetes/8adc0f0",
                "objectRef": {key: value for key, value in target.items() if value},
                "responseStatus": {"metadata": {}, "code": 201 if verb == "create" else 200},
                "requestObject": {
                    "kind": "X",
                    "apiVersion": "v1",
                    "metadata": {"name": name, "namespace": namespace, "labels": {"app": "web", "note": "y" * 120}},
                    "spec": {"containers": [{"name": "web", "image": "nginx:1.27", "ports": [{"containerPort": 80}]}], "holderIdentity": node},
                },
                "requestReceivedTimestamp": moment,
                "stageTimestamp": moment,
                "annotations": {
                    "authorization.k8s.io/decision": "allow",
                    "authorization.k8s.io/reason": f'RBAC: allowed by ClusterRoleBinding "system:x" of ClusterRole "system:x" to User "{user}"',
                },
            }
            log.write(msgspec.json.encode(event) + b"\n")


if __name__ == "__main__":
    main()
