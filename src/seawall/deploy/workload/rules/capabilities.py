"""Capabilities: the pieces into which Linux divides the power of root (capabilities(7)), and which of them a container gets.

A container that says nothing gets the runtime's default set, about a dozen. What it drops is taken from that set, what it adds comes on top; the
runtimes add last. In a user namespace (``hostUsers: false``) a capability reaches only what the namespace owns, so there the same addition is milder.
"""

from collections.abc import Iterator
from typing import Final

from seawall.core.fix import Append, Plan, Remove
from seawall.core.pod import Container, Pod
from seawall.core.resource import Field
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.check import container_rule, pod_rule
from seawall.deploy.workload.pss import capabilities_baseline, capabilities_restricted
from seawall.deploy.workload.rules.overlap import privileged_containers, without

_REFERENCES = (
    "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#set-capabilities-for-a-container",
    "https://man7.org/linux/man-pages/man7/capabilities.7.html",
)

DANGEROUS: Final = {
    # What each of them lets a process do beyond its container (capabilities(7)).
    "ALL": "do everything that root on the node can do",
    "BPF": "load programs into the kernel",
    "DAC_READ_SEARCH": "read files of the node through their handles, whatever their permissions and mounts",
    "MAC_ADMIN": "change the policy of AppArmor and SELinux",
    "MAC_OVERRIDE": "ignore the policy of the mandatory access control module",
    "NET_ADMIN": "reconfigure interfaces, routes and packet filters, and with them the traffic of others in its network namespace",
    "PERFMON": "watch the kernel and other processes through performance events",
    "SYS_ADMIN": "mount file systems, enter namespaces and configure the kernel",
    "SYS_BOOT": "restart the node and load another kernel",
    "SYS_MODULE": "load code into the kernel of the node",
    "SYS_PTRACE": "read and rewrite the memory of every process it sees",
    "SYS_RAWIO": "use I/O ports and raw memory of the node",
}

_RULE_OF_ITS_OWN: Final = frozenset({"SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "DAC_READ_SEARCH"})


@pod_rule(
    "cap-drop-all",
    "Container keeps default capabilities",
    # Low: the default set is small and no way out of the container by itself; it is what most exploits for a way out start from.
    Severity.LOW,
    category="capabilities",
    aliases={
        "kubeaudit": "CapabilityShouldDropAll CapabilityOrSecurityContextMissing",
        "trivy": "KSV-0003",
        "kubescape": "C-0201 C-0220",
        "checkov": "CKV_K8S_37",
        "kics": "no_drop_capabilities_for_containers",
    },
    controls={"cis-kubernetes-1.12": "5.2.9", "pss-restricted": "capabilities_restricted", "cis-docker-1.6": "5.4"},
    references=_REFERENCES,
    parameters={"repeat": "also report privileged containers, which have every capability whatever they drop"},
    in_default={"repeat": False},
)
def cap_drop_all(pod: Pod, *, repeat: bool = True) -> Verdicts:
    """
    What it finds: A container that does not drop ALL capabilities.
    Why it matters: The runtime gives every container that starts as root a dozen capabilities: to override file permissions, to change owners and
        users, to make device nodes, to send raw packets. Few applications need one of them, and an attacker inside has them all.
    How to fix: Set capabilities.drop to [ALL] and add back what the application needs, often nothing, sometimes NET_BIND_SERVICE.
    Exceptions: Windows pods, which have no capabilities. An entrypoint that starts as root to chown its data and then changes its user needs
        CHOWN, SETUID and SETGID added back.
    """
    return without(capabilities_restricted.drop_all(pod), set() if repeat else privileged_containers(pod))


@container_rule(
    "cap-drop-any",
    "Container drops no capability",
    # Low: as cap-drop-all, of which this is the smallest part.
    Severity.LOW,
    category="capabilities",
    by_default=False,  # cap-drop-all asks for more
    aliases={"trivy": "KSV-0004"},
    references=_REFERENCES,
)
def cap_drop_any(container: Container) -> Verdicts:
    """
    What it finds: A container whose capabilities.drop is missing or empty.
    Why it matters: Nobody has asked yet which capabilities this container needs, so it has the runtime's whole default set.
    How to fix: Set capabilities.drop to [ALL] and add back what the application needs.
    Exceptions: Windows pods, which have no capabilities.
    """
    drop = container.security_context.at("capabilities", "drop")
    if not drop.value and not container.pod.is_windows:
        # Not safe: an application may live on one of the defaults, and nothing in the manifest shows it.
        yield Failure(drop, f"{container} drops no capability", Plan("drop ALL capabilities", (Append(drop, "ALL"),)))


@container_rule(
    "cap-added",
    "Container adds capabilities",
    # Low: what was added decides how bad it is, and the rules on single capabilities say that.
    Severity.LOW,
    category="capabilities",
    by_default=False,  # adding back a harmless one after dropping ALL is good practice
    aliases={
        "kubeaudit": "CapabilityAdded",
        "kubescape": "C-0200 C-0219",
        "checkov": "CKV_K8S_25",
        "kics": "containers_with_added_capabilities",
    },
    controls={"cis-tkgi-1.2.53": "5.2.8", "cis-docker-1.6": "5.4"},
    references=_REFERENCES,
)
def cap_added(container: Container) -> Verdicts:
    """
    What it finds: Each capability that a container adds, whichever it is.
    Why it matters: An added capability is power that most containers do without. Each one deserves a reason.
    How to fix: Remove what is not needed. Listening below port 1024 often needs no NET_BIND_SERVICE: let the container listen higher, and the
        Service map the port.
    Exceptions: Capabilities added back after dropping ALL are reported too: this rule is for those who want to see all of them.
    """
    for name, item in _added(container):
        yield Failure(item, f"{container} adds {name}", _remove(name, item))


@pod_rule(
    "cap-beyond-default",
    "Container adds a capability beyond the default set",
    # Medium: the container can do what others cannot; those additions that lead out of it by themselves have rules that are stricter.
    Severity.MEDIUM,
    category="capabilities",
    aliases={"polaris": "insecureCapabilities", "trivy": "KSV-0022"},
    controls={"pss-baseline": "capabilities_baseline"},
    references=(*_REFERENCES, "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline"),
    parameters={"repeat": "also report what cap-dangerous and the rules on single capabilities report"},
    in_default={"repeat": False},
)
def cap_beyond_default(pod: Pod, *, repeat: bool = True) -> Verdicts:
    """
    What it finds: A container that adds a capability outside the set that the baseline Pod Security Standard allows: the runtimes' default set
        without NET_RAW.
    Why it matters: What lies beyond the defaults reaches outside the container: other processes, other pods' traffic, the clock, the kernel.
    How to fix: Remove the capability. Where the application needs it, keep it to the one container that does, and drop ALL others there.
    Exceptions: Network plugins, storage drivers and profilers, which work on the node itself.
    """
    for verdict in capabilities_baseline.latest(pod):
        if repeat or _canonical(verdict.field) not in DANGEROUS:
            yield verdict


@pod_rule(
    "cap-only-net-bind",
    "Container adds a capability other than NET_BIND_SERVICE",
    # Low: many of these are in the default set that every container has anyway; this is the strictest reading.
    Severity.LOW,
    category="capabilities",
    by_default=False,  # the restricted standard; adding back CHOWN after dropping ALL is better than not dropping
    aliases={"trivy": "KSV-0106"},
    controls={"pss-restricted": "capabilities_restricted"},
    references=(*_REFERENCES, "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"),
)
def cap_only_net_bind(pod: Pod) -> Verdicts:
    """
    What it finds: A container that adds any capability but NET_BIND_SERVICE.
    Why it matters: The restricted Pod Security Standard admits no other: a namespace that enforces it rejects this pod.
    How to fix: Remove the capability. An entrypoint that needs CHOWN, SETUID and SETGID can often start as its final user instead, with fsGroup
        for the ownership of its volumes.
    Exceptions: Windows pods, which have no capabilities.
    """
    return capabilities_restricted.added(pod)


@container_rule(
    "cap-dangerous",
    "Container adds a dangerous capability",
    # High: each of them reaches other workloads or the node; ALL hands over the node, and is critical.
    Severity.HIGH,
    category="capabilities",
    aliases={"polaris": "dangerousCapabilities", "kubescape": "C-0046"},
    references=_REFERENCES,
    parameters={
        "capabilities": "the capabilities that count as dangerous",
        "repeat": "also report those that have a rule of their own, such as cap-sys-admin",
    },
    in_default={"repeat": False},
)
def cap_dangerous(container: Container, *, capabilities: tuple[str, ...] = tuple(DANGEROUS), repeat: bool = True) -> Verdicts:
    """
    What it finds: A container that adds a capability which reaches beyond it, such as SYS_ADMIN, NET_ADMIN, SYS_PTRACE, BPF, or ALL of them.
    Why it matters: These capabilities are for programs that manage the node. In the hands of an attacker each is a known way to other workloads'
        data or to the node itself.
    How to fix: Remove it. Look for the narrower way first: a CSI driver instead of mounting, a sysctl or an init container instead of NET_ADMIN,
        a device plugin instead of SYS_RAWIO.
    Exceptions: Network plugins, storage drivers, security sensors. In a pod with hostUsers: false most of it stays inside, and the finding is
        medium.
    """
    for name, item in _added(container):
        if name in capabilities and (repeat or name not in _RULE_OF_ITS_OWN):
            worst = Severity.CRITICAL if name == "ALL" else None
            yield _dangerous(container, name, item, worst)


@container_rule(
    "cap-sys-admin",
    "Container adds SYS_ADMIN",
    # Critical: mounting and entering namespaces is all that an escape to the node takes.
    Severity.CRITICAL,
    category="capabilities",
    aliases={"trivy": "KSV-0005", "checkov": "CKV_K8S_39", "kics": "containers_with_sys_admin_capabilities"},
    controls={"docker-bench-security": "C.5.3.3"},
    references=_REFERENCES,
)
def cap_sys_admin(container: Container) -> Verdicts:
    """
    What it finds: A container that adds the capability SYS_ADMIN.
    Why it matters: So much of the kernel hangs on SYS_ADMIN that it is close to being root on the node: it allows to mount file systems, to enter
        other namespaces, to set quotas and to trace. With it, allowPrivilegeEscalation is always true.
    How to fix: Remove it and find out which one operation needs it: FUSE mounts can go through a device plugin or a CSI driver, profiling needs
        only PERFMON, eBPF only BPF.
    Exceptions: Node agents that mount or trace on behalf of others. ALL, which contains it, is reported by cap-dangerous. In a pod with
        hostUsers: false it reaches only the pod's own namespaces, and the finding is medium.
    """
    return _adds(container, "SYS_ADMIN")


@container_rule(
    "cap-sys-module",
    "Container adds SYS_MODULE",
    # Critical: a kernel module runs with the power of the kernel, below every boundary there is.
    Severity.CRITICAL,
    category="capabilities",
    aliases={"trivy": "KSV-0120"},
    controls={"docker-bench-security": "C.5.3.2"},
    references=_REFERENCES,
)
def cap_sys_module(container: Container) -> Verdicts:
    """
    What it finds: A container that adds the capability SYS_MODULE.
    Why it matters: It can load a kernel module, and the kernel is the node's: whoever takes over the container runs code in it.
    How to fix: Load the modules when the node starts (modules-load.d, or the node image) and remove the capability.
    Exceptions: Driver installers that build a module for each node. Run them as a DaemonSet of their own that nothing else shares.
    """
    return _adds(container, "SYS_MODULE")


@container_rule(
    "cap-sys-ptrace",
    "Container adds SYS_PTRACE",
    # High: it opens every process that the container sees; with hostPID these are the node's, and the finding is critical.
    Severity.HIGH,
    category="capabilities",
    controls={"docker-bench-security": "C.5.3.4"},
    references=_REFERENCES,
)
def cap_sys_ptrace(container: Container) -> Verdicts:
    """
    What it finds: A container that adds the capability SYS_PTRACE.
    Why it matters: It can attach to any process that it sees, read its memory with the secrets in it, and make it run other code. With hostPID
        it sees the processes of the node, with shareProcessNamespace those of its neighbours.
    How to fix: Remove it. A debugger or profiler can trace processes of its own user without it; attach one when needed with kubectl debug.
    Exceptions: Profilers and security sensors. In a pod with hostUsers: false the finding is medium.
    """
    worst = Severity.CRITICAL if container.pod.spec["hostPID"].value is True else None
    return _adds(container, "SYS_PTRACE", worst)


@container_rule(
    "cap-dac-read-search",
    "Container adds DAC_READ_SEARCH",
    # High: it reads any file of the node, the kubelet's credentials too; it does not run code there by itself.
    Severity.HIGH,
    category="capabilities",
    controls={"docker-bench-security": "C.5.3.1"},
    references=_REFERENCES,
)
def cap_dac_read_search(container: Container) -> Verdicts:
    """
    What it finds: A container that adds the capability DAC_READ_SEARCH.
    Why it matters: It allows open_by_handle_at, which opens a file by its number in the file system. One file of the node that is mounted into the
        container, and /etc/hosts always is, is enough to reach every other file of that file system.
    How to fix: Remove it. Give the reader the group or the owner of the files that it must read.
    Exceptions: Backup agents that read files of all owners. In a pod with hostUsers: false the finding is medium.
    """
    return _adds(container, "DAC_READ_SEARCH")


@container_rule(
    "cap-net-raw",
    "Container has NET_RAW",
    # Medium: it can forge packets and answer ARP and DNS for its neighbours, where the network plugin does not stop it.
    Severity.MEDIUM,
    category="capabilities",
    by_default=False,  # cap-drop-all and cap-beyond-default report the same
    aliases={
        "kube-linter": "drop-net-raw-capability",
        "trivy": "KSV-0119",
        "kubescape": "C-0199",
        "checkov": "CKV_K8S_28",
        "kics": "net_raw_capabilities_not_being_dropped",
    },
    controls={"cis-kubernetes-1.12": "5.2.8"},
    references=_REFERENCES,
)
def cap_net_raw(container: Container) -> Verdicts:
    """
    What it finds: A container that adds NET_RAW, or that drops neither NET_RAW nor ALL.
    Why it matters: Raw sockets let a process send packets with any sender address. On a flat pod network that is enough to take over the ARP entries
        of its neighbours and to answer their DNS queries.
    How to fix: Drop ALL, or at least NET_RAW. ping works without it where net.ipv4.ping_group_range allows it, which Kubernetes counts as safe.
    Exceptions: Windows pods, which have no capabilities. Tools that really send raw packets.
    """
    if container.pod.is_windows:
        return
    drop = container.security_context.at("capabilities", "drop")
    dropped = {item.text.upper() for item in drop.items()}
    added = [(name, item) for name, item in _added(container) if name == "NET_RAW" or (name == "ALL" and "NET_RAW" not in dropped)]
    for name, item in added:
        yield Failure(item, f"{container} adds {name}" + (", NET_RAW with it" if name == "ALL" else ""), _remove(name, item))
    if not added and not dropped & {"ALL", "NET_RAW"}:
        # Not safe: ping and some health checks open raw sockets.
        yield Failure(drop, f"{container} does not drop NET_RAW", Plan("drop NET_RAW", (Append(drop, "NET_RAW"),)))


def _added(container: Container) -> Iterator[tuple[str, Field]]:
    """The capabilities that a container adds, each with its list item."""
    for item in container.security_context.at("capabilities", "add").items():
        if name := _canonical(item):
            yield name, item


def _canonical(item: Field) -> str:
    """A capability's name as capabilities(7) has it, without the prefix: containerd ignores its case, and CRI-O takes it with or without CAP_."""
    return item.text.strip().upper().removeprefix("CAP_")


def _adds(container: Container, capability: str, worst: Severity | None = None) -> Verdicts:
    for name, item in _added(container):
        if name == capability:
            yield _dangerous(container, name, item, worst)


def _dangerous(container: Container, name: str, item: Field, worst: Severity | None = None) -> Failure:
    severity = Severity.MEDIUM if container.pod.has_user_namespace else worst
    means = f", which lets it {DANGEROUS[name]}" if name in DANGEROUS else ""
    return Failure(item, f"{container} adds {name}{means}", _remove(name, item), severity=severity)


def _remove(name: str, item: Field) -> Plan:
    # Never safe: somebody added it because something did not work without it.
    return Plan(f"do not add {name}", (Remove(item),))
