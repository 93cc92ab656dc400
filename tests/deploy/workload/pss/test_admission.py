"""The verdicts of the Pod Security Standards against those of Kubernetes' own admission code (tests/oracle/psa), on pods near every boundary.

A pod is mostly made of values that pass, with a few that do not, so that one wrong verdict decides. Every field that a check reads can be set,
null or absent, in all three lists of containers; some values are no longer valid to the API server, but it can still decode them.

The number of pods of one run is ``SEAWALL_PSA_PODS``; a campaign of 200,000 takes minutes:

    SEAWALL_PSA_PODS=200000 pytest tests/deploy/workload/pss/test_admission.py -k thousands
"""

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.pod import pods
from seawall.core.resource import Resource
from seawall.deploy.workload.pss.levels import NEWEST, Level, controls, revisions
from seawall.io.sources.document import Source
from seawall.io.sources.manifests import resources

ORACLE = Path(__file__).parents[3] / "oracle" / "psa"
PODS = int(os.environ.get("SEAWALL_PSA_PODS", "3000"))

ABSENT = object()

LISTS = ("initContainers", "containers", "ephemeralContainers")

TEMPLATES = {
    "PodTemplate": ("v1", ("template",)),
    "ReplicationController": ("v1", ("spec", "template")),
    "Deployment": ("apps/v1", ("spec", "template")),
    "ReplicaSet": ("apps/v1", ("spec", "template")),
    "StatefulSet": ("apps/v1", ("spec", "template")),
    "DaemonSet": ("apps/v1", ("spec", "template")),
    "Job": ("batch/v1", ("spec", "template")),
    "CronJob": ("batch/v1", ("spec", "jobTemplate", "spec", "template")),
}

CAPABILITIES = (
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID",
    "SYS_CHROOT", "NET_RAW", "SYS_ADMIN", "ALL", "chown", "Net_Bind_Service", "CAP_NET_BIND_SERVICE", " KILL", "", None,
)  # fmt: skip

SYSCTLS = (
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat",
)  # fmt: skip
OTHER_SYSCTLS = ("kernel.msgmax", "net.core.somaxconn", "net/ipv4/tcp_rmem", "net.ipv4.tcp_rmem ", "NET.ipv4.tcp_rmem", "net.ipv4.tcp_mem", "")

VOLUMES = ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret")
OTHER_VOLUMES = (
    "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "nfs", "iscsi", "glusterfs", "rbd", "flexVolume", "cinder", "cephfs",
    "flocker", "fc", "azureFile", "azureDisk", "vsphereVolume", "quobyte", "portworxVolume", "photonPersistentDisk", "scaleIO", "storageos",
)  # fmt: skip

APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP = "container.seccomp.security.alpha.kubernetes.io/"


class Maker:
    """Chooses values: ``risk`` is how likely a choice is one of those that some check refuses."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.risk = random.choice((0.0, 0.01, 0.03, 0.1, 0.4))

    def one(self, *values: Any) -> Any:
        return self.random.choice(values)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def pick(self, good: tuple[Any, ...], bad: tuple[Any, ...]) -> Any:
        return self.random.choice(bad if self.chance(self.risk) else good)

    def some(self, values: tuple[Any, ...], most: int = 3) -> list[Any]:
        return [self.random.choice(values) for _ in range(self.random.randint(0, most))]


def present(**fields: Any) -> dict[str, Any]:
    """A mapping without the fields that are absent."""
    return {name: value for name, value in fields.items() if value is not ABSENT}


def random_object(random: Random) -> dict[str, Any]:
    """A Pod, or a workload with the template of one."""
    pod = random_pod(random)
    if random.random() < 0.7:
        return {"apiVersion": "v1", "kind": "Pod", **pod}
    kind = random.choice(sorted(TEMPLATES))
    api_version, path = TEMPLATES[kind]
    value: dict[str, Any] = pod
    for key in reversed(path):
        value = {key: value}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "app"}, **value}


def random_pod(random: Random) -> dict[str, Any]:
    """The metadata and spec of a pod."""
    make = Maker(random)
    # Who says what must be said: the pod for all, each container, or both.
    by_pod, by_container = make.one((True, False), (True, True), (False, True))
    counts = {"initContainers": make.one(0, 0, 1, 2), "containers": make.one(1, 1, 2, 3), "ephemeralContainers": make.one(0, 0, 0, 1, 2)}
    names = [f"{name[0]}{number}" for name in LISTS for number in range(counts[name])]
    spec: dict[str, Any] = {}
    for list_name in LISTS:
        items = [_container(make, name, by_container) for name in names if name[0] == list_name[0]]
        if items or make.chance(0.2):
            spec[list_name] = items or make.one(None, [])
    spec |= present(
        hostPID=make.pick((ABSENT, ABSENT, None, False), (True,)),
        hostIPC=make.pick((ABSENT, ABSENT, None, False), (True,)),
        hostNetwork=make.pick((ABSENT, ABSENT, None, False), (True,)),
        hostUsers=make.one(ABSENT, ABSENT, ABSENT, None, True, False),
        os=make.one(*[ABSENT] * 6, None, {}, {"name": "linux"}, {"name": "windows"}, {"name": "windows"}, {"name": "Windows"}),
        securityContext=_pod_context(make, by_pod),
        volumes=make.one(ABSENT, None, []) if make.chance(0.3) else [_volume(make, number) for number in range(make.one(1, 2, 3))],
    )
    return {"metadata": {"name": "app", **present(annotations=_annotations(make, names))}, "spec": spec}


def _annotations(make: Maker, names: list[str]) -> Any:
    if make.chance(0.6):
        return make.one(ABSENT, ABSENT, None, {})
    app_armor = make.pick(
        ("runtime/default", "localhost/profile", "localhost/", "", None),
        ("unconfined", "localhost", "RuntimeDefault", "runtime/default ", "docker/default"),
    )
    seccomp = [
        make.pick(("runtime/default", "docker/default", "localhost/profile", "localhost/"), ("unconfined", "", None, "localhost", "RuntimeDefault"))
        for _ in range(2)
    ]
    annotations = {
        APP_ARMOR + make.one(*names, "nobody", ""): app_armor,
        "seccomp.security.alpha.kubernetes.io/pod": seccomp[0],
        SECCOMP + make.one(*names): seccomp[1],
        # Of no meaning to any check.
        SECCOMP + make.one("nobody", ""): "unconfined",
        APP_ARMOR.rstrip("/"): "unconfined",
        "seccomp.security.alpha.kubernetes.io/pods": "unconfined",
    }
    return {key: value for key, value in annotations.items() if make.chance(0.5)}


def _pod_context(make: Maker, explicit: bool) -> Any:
    if not explicit and make.chance(0.5):
        return make.one(ABSENT, None, {})
    must = (True,) if explicit else (ABSENT, None, True)
    return present(
        runAsNonRoot=make.pick(must, (ABSENT, None, False)),
        seccompProfile=_profile(make, explicit),
        sysctls=make.one(ABSENT, None, []) if make.chance(0.6) else [_sysctl(make) for _ in range(make.one(1, 2))],
        **_either_context(make),
    )


def _either_context(make: Maker) -> dict[str, Any]:
    """The fields that a pod and a container may both set."""
    return present(
        runAsUser=make.pick((ABSENT, ABSENT, None, 1, 65534, -1), (0,)),
        seLinuxOptions=make.one(ABSENT, None, {}) if make.chance(0.7) else _se_linux(make),
        appArmorProfile=make.pick(
            (ABSENT, ABSENT, None, {"type": "RuntimeDefault"}, {"type": "Localhost", "localhostProfile": "x"}),
            ({"type": "Unconfined"}, {}, {"type": None}, {"type": ""}, {"type": "runtime/default"}),
        ),
        windowsOptions=make.pick(
            (ABSENT, ABSENT, None, {}, {"hostProcess": None}, {"hostProcess": False}, {"runAsUserName": "x"}), ({"hostProcess": True},)
        ),
    )


def _se_linux(make: Maker) -> dict[str, Any]:
    return present(
        type=make.pick((ABSENT, None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"), ("spc_t", "Container_t", " ")),
        user=make.pick((ABSENT, None, ""), ("system_u", " ")),
        role=make.pick((ABSENT, None, ""), ("system_r", " ")),
        level=make.one(ABSENT, "s0:c1"),
    )


def _profile(make: Maker, explicit: bool) -> Any:
    good: tuple[Any, ...] = ({"type": "RuntimeDefault"}, {"type": "RuntimeDefault"}, {"type": "Localhost", "localhostProfile": "profiles/x.json"})
    bad: tuple[Any, ...] = ({"type": "Unconfined"}, {}, {"type": None}, {"type": ""}, {"type": "localhost"}, {"type": "runtime/default"})
    if explicit:
        return make.pick(good, (ABSENT, None, *bad))
    return make.pick((ABSENT, ABSENT, None, *good), bad)


def _sysctl(make: Maker) -> Any:
    name = make.pick(SYSCTLS, OTHER_SYSCTLS)
    if name == "":
        return make.one(None, {}, {"name": None}, {"value": "1"})
    return {"name": name, "value": "1"}


def _volume(make: Maker, number: int) -> dict[str, Any]:
    volume: dict[str, Any] = {"name": f"v{number}"}
    shape = make.one("one", "one", "one", "nulls", "none", "two") if make.chance(0.5) else "one"
    if shape in ("one", "two", "nulls"):
        volume[make.pick(VOLUMES, OTHER_VOLUMES)] = {}
    if shape == "two":  # the API server refuses it, but the checks have an opinion
        volume[make.pick(VOLUMES, OTHER_VOLUMES)] = {}
    if shape in ("nulls", "none"):
        for name in make.some((*VOLUMES, *OTHER_VOLUMES)):
            volume.setdefault(name, None)
    return volume


def _container(make: Maker, name: str, explicit: bool) -> dict[str, Any]:
    context = make.pick(
        (
            present(
                privileged=make.pick((ABSENT, ABSENT, None, False), (True,)),
                allowPrivilegeEscalation=make.pick((False,), (ABSENT, None, True)),
                capabilities=_capabilities(make),
                procMount=make.pick((ABSENT, ABSENT, None, "Default"), ("Unmasked", "default", "")),
                runAsNonRoot=make.pick((True,) if explicit else (ABSENT, None, True), (ABSENT, None, False)),
                seccompProfile=_profile(make, explicit),
                **_either_context(make),
            ),
        ),
        (ABSENT, None, {}),
    )
    return {
        "name": name,
        "image": "app:1",
        **present(
            securityContext=context,
            ports=make.one(ABSENT, None, []) if make.chance(0.6) else [_port(make) for _ in range(make.one(1, 2))],
            livenessProbe=_probe(make),
            readinessProbe=_probe(make),
            startupProbe=_probe(make),
            lifecycle=make.one(ABSENT, None, {}) if make.chance(0.7) else present(postStart=_hook(make), preStop=_hook(make)),
        ),
    }


def _capabilities(make: Maker) -> Any:
    drop = make.pick((["ALL"], ["ALL"], ["NET_RAW", "ALL"], [None, "ALL"]), (ABSENT, None, [], ["all"], ["CAP_ALL"], ["NET_RAW"], [None], ["ALL "]))
    add = make.pick((ABSENT, ABSENT, None, [], ["NET_BIND_SERVICE"]), (make.some(CAPABILITIES), make.some(CAPABILITIES[:13])))
    return make.pick((present(drop=drop, add=add),), (ABSENT, None, {}))


def _port(make: Maker) -> dict[str, Any]:
    return present(
        containerPort=make.one(80, 8080),
        hostPort=make.pick((ABSENT, ABSENT, None, 0), (80, 65535)),
        hostIP=make.one(ABSENT, ABSENT, "127.0.0.1"),
        protocol=make.one(ABSENT, "UDP"),
    )


def _probe(make: Maker) -> Any:
    if make.chance(0.7):
        return make.one(ABSENT, ABSENT, None, {})
    return {**_handler(make), **present(periodSeconds=make.one(ABSENT, 5))}


def _hook(make: Maker) -> Any:
    return make.one(ABSENT, None, {}) if make.chance(0.5) else _handler(make)


def _handler(make: Maker) -> dict[str, Any]:
    host = make.pick((ABSENT, ABSENT, None, ""), ("127.0.0.1", "localhost", "example.com", " "))
    action = make.one("httpGet", "tcpSocket", "exec", "nulls")
    if action == "exec":
        return {"exec": {"command": ["true"]}}
    if action == "nulls":
        return {"httpGet": None, "tcpSocket": None}
    return {action: present(port=make.one(80, "http"), host=host)}


class Admission:
    """Kubernetes' admission code in a process of its own, asked many questions at a time."""

    def __init__(self, program: Path) -> None:
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        assert self.process.stdin
        assert self.process.stdout
        answers = []
        # Few enough at a time for the pipes to hold them.
        for start in range(0, len(questions), 10):
            batch = questions[start : start + 10]
            self.process.stdin.write("".join(json.dumps(question) + "\n" for question in batch))
            self.process.stdin.flush()
            answers += [json.loads(self.process.stdout.readline()) for _ in batch]
        return answers

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture(scope="session")
def admission(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admission]:
    if shutil.which("go") is None:
        pytest.skip("Go is not installed, so there is no admission code to compare with")
    download = subprocess.run(["go", "mod", "download"], cwd=ORACLE, capture_output=True, text=True)
    if download.returncode:
        pytest.skip(f"the Go modules of the admission code cannot be had: {download.stderr.strip()[-300:]}")
    program = tmp_path_factory.mktemp("psa") / "psa"
    subprocess.run(["go", "build", "-o", program, "."], cwd=ORACLE, check=True)
    admission = Admission(program)
    yield admission
    admission.close()


def question(data: dict[str, Any], level: Level, minor: int) -> dict[str, Any]:
    return {"object": data, "level": level.value, "version": f"v1.{minor}"}


def failing(data: dict[str, Any], level: Level, minor: int) -> set[str]:
    """The controls that fail for an object, as Seawall reads and judges it."""
    [resource] = resources(Source("object.json", json.dumps(data)))
    assert isinstance(resource, Resource)
    [pod] = pods(resource)
    return {control.name for control in controls(level, minor) for _, judge in revisions(control, minor) if next(judge(pod), None)}


def complaint(data: dict[str, Any], level: Level, minor: int, answer: dict[str, Any]) -> str:
    """What Seawall says otherwise than admission does, or nothing."""
    ours, theirs = failing(data, level, minor), set(answer["failed"])
    if data["kind"] == "Pod" and data["spec"].get("hostNetwork"):
        # The API server has copied the container ports to host ports. Nobody wrote those, so Seawall does not report them; the pod fails anyway.
        theirs = (theirs - {"hostPorts"}) | (ours & {"hostPorts"})
    if ours == theirs and answer["allowed"] == (not ours):
        return ""
    return f"{level} v1.{minor}: Seawall {sorted(ours)}, admission {sorted(theirs)}: {json.dumps(data)}"


VERSIONS = st.one_of(st.integers(0, NEWEST), st.sampled_from((0, 7, 8, 18, 19, 21, 22, 23, 24, 25, 26, 27, 29, 30, 31, 32, 33, 34, 35, 36, 37, 99)))
LEVELS = (Level.BASELINE, Level.RESTRICTED)


@settings(max_examples=200)
@given(st.builds(random_object, st.randoms(use_true_random=False)), st.sampled_from(LEVELS), VERSIONS)
def test_a_pod_is_judged_as_admission_judges_it(admission: Admission, data: dict[str, Any], level: Level, minor: int) -> None:
    [answer] = admission.ask([question(data, level, minor)])
    assert "error" not in answer
    assert not complaint(data, level, minor, answer)


def test_thousands_of_pods_are_judged_as_admission_judges_them(admission: Admission) -> None:
    random = Random(os.environ.get("SEAWALL_PSA_SEED", "boundaries"))
    outcomes: Counter[str] = Counter()
    for _ in range(0, PODS, 500):
        asked = [(random_object(random), random.choice(LEVELS), random.randint(0, NEWEST)) for _ in range(500)]
        for (data, level, minor), answer in zip(asked, admission.ask([question(*each) for each in asked]), strict=True):
            assert "error" not in answer, data
            assert not complaint(data, level, minor, answer)
            outcomes[f"{level} {'allowed' if answer['allowed'] else 'denied'}"] += 1
            outcomes.update(f"fails {name}" for name in answer["failed"])
    # The pods are worth something only if they stand on both sides of every boundary.
    assert min(outcomes[f"{level} {verdict}"] for level in LEVELS for verdict in ("allowed", "denied")) > PODS / 20, outcomes
    assert {f"fails {control.name}" for level in LEVELS for control in controls(level, NEWEST)} <= outcomes.keys()


def test_what_the_api_server_cannot_read_is_never_allowed(admission: Admission) -> None:
    """Fields of the wrong type: admission never sees such a pod, and Seawall does not pass it."""
    container = {"name": "app", "image": "app:1"}
    unreadable: list[dict[str, Any]] = [
        {"containers": [container], "hostPID": "true"},
        {"containers": [container], "hostNetwork": 1},
        {"containers": [{**container, "securityContext": {"privileged": "true"}}]},
        {"containers": [{**container, "securityContext": {"procMount": 1}}]},
        {"containers": [{**container, "securityContext": {"seccompProfile": {"type": ["Unconfined"]}}}]},
        {"containers": [{**container, "securityContext": {"seLinuxOptions": {"type": {"a": "b"}}}}]},
        {"containers": [{**container, "securityContext": {"capabilities": {"add": [["SYS_ADMIN"]]}}}]},
        {"containers": [{**container, "securityContext": {"windowsOptions": {"hostProcess": "yes"}}}]},
        {"containers": [{**container, "ports": [{"containerPort": 80, "hostPort": "80"}]}]},
        {"containers": [{**container, "livenessProbe": {"httpGet": {"port": 80, "host": 1}}}]},
        {"containers": [container], "securityContext": {"sysctls": [{"name": 1, "value": "1"}]}},
        {"containers": [container], "volumes": [{"name": "v", "hostPath": "/"}]},
    ]
    for spec in unreadable:
        data = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}, "spec": spec}
        [answer] = admission.ask([question(data, Level.BASELINE, NEWEST)])
        assert answer["error"]
        assert failing(data, Level.BASELINE, NEWEST), data


def test_the_defaulting_of_the_api_server_decides_before_admission_does(admission: Admission) -> None:
    """Why a volume without a type passes, and why a copied host port, which is not reported, changes no verdict."""
    pod = {"containers": [{"name": "app", "ports": [{"containerPort": 80}]}], "hostNetwork": True, "volumes": [{"name": "v"}]}
    data = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}, "spec": pod}
    asked = question(data, Level.RESTRICTED, 0)
    [written, defaulted] = admission.ask([asked | {"raw": True}, asked])
    assert written["failed"] == ["hostNamespaces", "restrictedVolumes", "runAsNonRoot"]
    assert defaulted["failed"] == ["hostNamespaces", "hostPorts", "runAsNonRoot"]
    assert failing(data, Level.RESTRICTED, 0) == {"hostNamespaces", "runAsNonRoot"}
