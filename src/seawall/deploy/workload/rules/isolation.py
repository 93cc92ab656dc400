"""Isolation: what separates a container from its node."""

from typing import Final

from msgspec.structs import replace

from seawall.core.fix import Plan, Remove, Set
from seawall.core.pod import Container, Pod, pods
from seawall.core.resource import Resource
from seawall.core.severity import Confidence, Severity
from seawall.core.verdict import Failure, Unjudged, Verdicts
from seawall.deploy.workload.check import container_rule, pod_rule, resource_rule
from seawall.deploy.workload.pss import (
    app_armor,
    host_namespaces,
    host_probes,
    host_process,
    proc_mount_restricted,
    se_linux,
    seccomp_baseline,
    seccomp_restricted,
    sysctls,
)
from seawall.deploy.workload.rules.overlap import privileged_containers, without

_BASELINE = "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline"
_RESTRICTED = "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"


@container_rule(
    "privileged",
    "Container runs privileged",
    # Critical: root in a privileged container is root on the node; there is no boundary left to cross.
    Severity.CRITICAL,
    category="isolation",
    aliases={
        "kubeaudit": "PrivilegedTrue PrivilegedNil",
        "kube-linter": "privileged-container",
        "kube-score": "container-security-context-privileged",
        "polaris": "runAsPrivileged",
        "trivy": "KSV-0017",
        "kubescape": "C-0057 C-0193 C-0213",
        "checkov": "CKV_K8S_16",
        "kics": "container_is_privileged",
    },
    controls={"cis-kubernetes-1.12": "5.2.2", "pss-baseline": "privileged", "cis-docker-1.6": "5.5"},
    references=(_BASELINE,),
)
def privileged(container: Container) -> Verdicts:
    """
    What it finds: A container, of whatever kind, whose security context sets privileged to true.
    Why it matters: A privileged container has every capability, sees all devices of the node and runs without seccomp, AppArmor and SELinux
        confinement. Whoever takes it over owns the node.
    How to fix: Set privileged to false, and add the one capability or device that is really needed.
    Exceptions: Node agents (CNI and CSI plugins, some debuggers) that manage the node itself.
    """
    field = container.security_context["privileged"]
    if field.value is True:
        # Not safe: a container that mounts, loads or configures something stops working.
        yield Failure(field, f"{container} sets privileged: true", Plan("set privileged to false", (Set(field, False),)))


@pod_rule(
    "host-pid",
    "Pod shares the node's process namespace",
    # High: it sees every process of the node, with its arguments and, as the same user, its environment, memory and files.
    Severity.HIGH,
    category="isolation",
    aliases={
        "kubeaudit": "NamespaceHostPIDTrue",
        "kube-linter": "host-pid",
        "polaris": "hostPIDSet",
        "trivy": "KSV-0010",
        "kubescape": "C-0038 C-0194 C-0214 C-0275",
        "checkov": "CKV_K8S_17",
        "kics": "shared_host_pid_namespace",
    },
    controls={"cis-kubernetes-1.12": "5.2.3", "pss-baseline": "hostNamespaces", "cis-docker-1.6": "5.16"},
    references=(_BASELINE,),
)
def host_pid(pod: Pod) -> Verdicts:
    """
    What it finds: A pod that sets hostPID to true.
    Why it matters: Its processes see those of the node and of all other pods. Root in such a pod reads their memory and environment, reaches the
        node's files through /proc/1/root, and can kill the kubelet.
    How to fix: Remove hostPID. Containers of one pod see each other's processes with shareProcessNamespace: true.
    Exceptions: Agents that observe the processes of the node: node exporters, profilers, security sensors.
    """
    return host_namespaces.host_pid(pod)


@pod_rule(
    "host-ipc",
    "Pod shares the node's IPC namespace",
    # High: shared memory of every process on the node, but no way to run code there by itself.
    Severity.HIGH,
    category="isolation",
    aliases={
        "kubeaudit": "NamespaceHostIPCTrue",
        "kube-linter": "host-ipc",
        "polaris": "hostIPCSet",
        "trivy": "KSV-0008",
        "kubescape": "C-0038 C-0195 C-0215 C-0276",
        "checkov": "CKV_K8S_18",
        "kics": "shared_host_ipc_namespace",
    },
    controls={"cis-kubernetes-1.12": "5.2.4", "pss-baseline": "hostNamespaces", "cis-docker-1.6": "5.17"},
    references=(_BASELINE,),
)
def host_ipc(pod: Pod) -> Verdicts:
    """
    What it finds: A pod that sets hostIPC to true.
    Why it matters: It can open the shared memory, semaphores and message queues of the node and of other pods that do the same: databases and
        graphics stacks keep their data there.
    How to fix: Remove hostIPC. The containers of one pod share an IPC namespace anyway; for more shared memory mount an emptyDir with medium:
        Memory at /dev/shm.
    Exceptions: Few: some GPU and message passing workloads of older design.
    """
    return host_namespaces.host_ipc(pod)


@pod_rule(
    "host-network",
    "Pod uses the node's network",
    # High: NetworkPolicy does not hold it, and what listens on the node's loopback trusts it.
    Severity.HIGH,
    category="isolation",
    aliases={
        "kubeaudit": "NamespaceHostNetworkTrue",
        "kube-linter": "host-network",
        "polaris": "hostNetworkSet",
        "trivy": "KSV-0009",
        "kubescape": "C-0041 C-0196 C-0216",
        "checkov": "CKV_K8S_19",
        "kics": "shared_host_network_namespace",
    },
    controls={"cis-kubernetes-1.12": "5.2.5", "pss-baseline": "hostNamespaces", "cis-docker-1.6": "5.10"},
    references=(_BASELINE, "https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-hostnetwork-pods"),
)
def host_network(pod: Pod) -> Verdicts:
    """
    What it finds: A pod that sets hostNetwork to true.
    Why it matters: It has the addresses of the node. It reaches services that listen on the node's loopback, the cloud's metadata service with the
        node's identity, can listen on any port, and network policies see the node instead of the pod.
    How to fix: Remove hostNetwork and publish the port with a Service, or with a hostPort where it must be on the node.
    Exceptions: Network plugins, kube-proxy, node exporters, and ingress controllers on bare metal.
    """
    return host_namespaces.host_network(pod)


@pod_rule(
    "host-uts",
    "Pod shares the node's UTS namespace",
    # Low: it sees the node's name, and with SYS_ADMIN could change it.
    Severity.LOW,
    category="isolation",
    by_default=False,  # Kubernetes shares it with the network only, and host-network reports that
    controls={"cis-docker-1.6": "5.21"},
    references=("https://man7.org/linux/man-pages/man7/uts_namespaces.7.html",),
)
def host_uts(pod: Pod) -> Verdicts:
    """
    What it finds: A pod that sets hostNetwork to true: Kubernetes has no switch for the UTS namespace of its own, runtimes share it together with
        the network.
    Why it matters: The host and domain name that the container sees are the node's, and a process with SYS_ADMIN can change them for the node.
    How to fix: Remove hostNetwork.
    Exceptions: Windows pods, and whatever needs the node's network.
    """
    field = pod.spec["hostNetwork"]
    if field.value is True and not pod.is_windows:
        yield Failure(field, f"{pod} shares the UTS namespace of its node, together with the network")


@pod_rule(
    "host-userns",
    "Pod shares the node's user namespace",
    # Low: it is one boundary more behind the others; without it root in the container is root to the kernel.
    Severity.LOW,
    category="isolation",
    by_default=False,  # needs Kubernetes 1.33 and nodes that can map the ids of all volumes
    controls={"cis-docker-1.6": "5.31 2.9"},
    references=("https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/",),
)
def host_userns(pod: Pod) -> Verdicts:
    """
    What it finds: A pod that does not set hostUsers to false.
    Why it matters: User ids in the container are user ids on the node: a process that gets out as root is root there, and two pods that use the same
        id are the same user. In a user namespace of its own it would be nobody, and its capabilities would end at the pod.
    How to fix: Set hostUsers to false in the pod's spec.
    Exceptions: Windows pods; pods that share other namespaces of the node, for which the API server refuses it; volumes without id-mapped mounts.
    """
    field = pod.spec["hostUsers"]
    if not pod.has_user_namespace and not pod.is_windows:
        # Not safe: node, runtime and the file systems of all volumes must support it.
        yield Failure(field, f"{pod} has no user namespace of its own", Plan("set hostUsers to false", (Set(field, False),)))


@pod_rule(
    "host-aliases",
    "Pod writes entries into /etc/hosts",
    # Low: whoever writes the manifest decides where the pod connects to anyway; it hides that from those who read only DNS.
    Severity.LOW,
    category="isolation",
    by_default=False,  # legitimate where DNS cannot be changed
    aliases={"trivy": "KSV-0007"},
    references=("https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/",),
)
def host_aliases(pod: Pod) -> Verdicts:
    """
    What it finds: A pod with hostAliases.
    Why it matters: The entries win over DNS. They send the pod's traffic to fixed addresses that may belong to somebody else tomorrow, and no DNS log
        or policy shows it.
    How to fix: Remove hostAliases and give the name to DNS: a Service without selector, or a forwarding rule of CoreDNS.
    Exceptions: Migrations and tests, for a time.
    """
    field = pod.spec["hostAliases"]
    if field.value and type(field.value) is list:
        yield Failure(field, f"{pod} adds {len(field.value)} entries to /etc/hosts" if len(field.value) > 1 else f"{pod} adds an entry to /etc/hosts")


@pod_rule(
    "host-probe-field",
    "Probe or lifecycle hook names a host",
    # Medium: the kubelet sends the request, from the node's network, past network policies; what comes back is only success or failure.
    Severity.MEDIUM,
    category="isolation",
    controls={"pss-baseline": "hostProbesAndhostLifecycle"},
    references=(_BASELINE,),
)
def host_probe_field(pod: Pod) -> Verdicts:
    """
    What it finds: An HTTP or TCP probe, or a lifecycle hook, that sets host.
    Why it matters: The kubelet carries probes out. With a host of their own they reach, from the node and as the node, whatever it can reach: its
        loopback, the metadata service, pods behind network policies. Their result tells the author of the manifest what answers there.
    How to fix: Remove host: the kubelet then asks the pod. A virtual host name belongs into httpHeaders, as Host.
    Exceptions: Pods on the node's network that listen on its loopback only, such as the control plane's; an exec probe can do it without host.
    """
    return host_probes.latest(pod)


@pod_rule(
    "host-process-windows",
    "Windows container runs as a process of the node",
    # Critical: it is a process of the node, as whatever user it names, SYSTEM included.
    Severity.CRITICAL,
    category="isolation",
    aliases={"polaris": "hostProcess", "trivy": "KSV-0103", "kubescape": "C-0202"},
    controls={"cis-kubernetes-1.12": "5.2.10", "pss-baseline": "windowsHostProcess"},
    references=(_BASELINE, "https://kubernetes.io/docs/tasks/configure-pod-container/create-hostprocess-pod/"),
)
def host_process_windows(pod: Pod) -> Verdicts:
    """
    What it finds: windowsOptions.hostProcess set to true, on the pod or on a container.
    Why it matters: A HostProcess container is no container: it runs in the node's own session, with its files, network and registry.
    How to fix: Remove hostProcess. What the application needs from the node can often be had from a CSI driver or a device plugin.
    Exceptions: Node agents on Windows: network and storage plugins, log shippers, node exporters.
    """
    return host_process.latest(pod)


@pod_rule(
    "seccomp-default",
    "Container runs without a seccomp profile",
    # Low: nodes may give it the default profile by themselves (seccompDefault), and it is hardening against bugs of the kernel.
    Severity.LOW,
    category="isolation",
    aliases={
        "kubeaudit": "SeccompProfileMissing",
        "kube-score": "container-seccomp-profile",
        "trivy": "KSV-0030",
        "kubescape": "C-0210",
        "checkov": "CKV_K8S_31",
        "kics": "seccomp_profile_is_not_configured",
    },
    controls={"cis-kubernetes-1.12": "5.6.2", "pss-restricted": "seccompProfile_restricted"},
    references=(_RESTRICTED, "https://kubernetes.io/docs/tutorials/security/seccomp/"),
    parameters={"repeat": "also report what seccomp-unconfined reports, and privileged containers, which run unconfined whatever they set"},
    in_default={"repeat": False},
)
def seccomp_default(pod: Pod, *, repeat: bool = True) -> Verdicts:
    """
    What it finds: A container to which neither its own nor the pod's security context gives the seccomp profile RuntimeDefault or Localhost.
    Why it matters: Without a profile a process may make any system call. The runtime's default profile takes away some sixty that applications do
        not use and exploits of the kernel do.
    How to fix: Set seccompProfile: {type: RuntimeDefault} in the pod's security context.
    Exceptions: Windows pods. Programs that need a filtered call (some debuggers, sandboxing browsers) get a Localhost profile of their own.
    """
    if repeat or pod.is_windows:
        return seccomp_restricted.latest(pod)
    return without(seccomp_restricted.missing(pod), privileged_containers(pod))


@pod_rule(
    "seccomp-unconfined",
    "Seccomp is switched off",
    # Medium: the filter that most attacks on the kernel run into is off, even on nodes that switch it on for everybody.
    Severity.MEDIUM,
    category="isolation",
    aliases={"kubeaudit": "SeccompDisabledPod SeccompDisabledContainer", "trivy": "KSV-0104"},
    controls={"pss-baseline": "seccompProfile_baseline", "cis-docker-1.6": "5.22"},
    references=(_BASELINE, "https://kubernetes.io/docs/tutorials/security/seccomp/"),
)
def seccomp_unconfined(pod: Pod) -> Verdicts:
    """
    What it finds: A seccompProfile of type Unconfined, on the pod or on a container.
    Why it matters: The processes may make every system call of the kernel, also where the node would have given them the default profile.
    How to fix: Set the type to RuntimeDefault, or to Localhost with a profile that allows what is missing.
    Exceptions: Debuggers and tracers that need calls which no stable profile can list.
    """
    return seccomp_baseline.latest(pod)


@pod_rule(
    "apparmor",
    "AppArmor is switched off or missing",
    # Medium: the second fence around files and mounts is off. A profile that is only missing is low: runtimes have a default.
    Severity.MEDIUM,
    category="isolation",
    aliases={
        "kubeaudit": "AppArmorAnnotationMissing AppArmorDisabled AppArmorBadValue AppArmorInvalidAnnotation",
        "trivy": "KSV-0002",
        "kics": "missing_app_armor_config",
    },
    controls={"pss-baseline": "appArmorProfile", "cis-docker-1.6": "5.2"},
    references=(_BASELINE, "https://kubernetes.io/docs/tutorials/security/apparmor/"),
    parameters={"require_profile": "also report containers for which no profile is named"},
    in_all={"require_profile": True},
)
def apparmor(pod: Pod, *, require_profile: bool = False) -> Verdicts:
    """
    What it finds: An AppArmor profile, in the field appArmorProfile or in the older annotation, that is neither the runtime's default nor one of the
        node; an annotation for a container that does not exist; and in the profile all, a container without any.
    Why it matters: AppArmor keeps even root in the container from writing to /proc and /sys and from mounting. Unconfined takes that away.
    How to fix: Set appArmorProfile: {type: RuntimeDefault} in the pod's security context, or Localhost with a profile loaded on the nodes.
    Exceptions: Windows pods, and nodes with SELinux instead of AppArmor, where nothing is lost.
    """
    disallowed = list(app_armor.latest(pod))
    yield from disallowed
    said = {verdict.field.path for verdict in disallowed}
    names = {container.name for container in pod.containers}
    for key, annotation in pod.annotations.entries():
        if key.startswith(app_armor.ANNOTATION) and (name := key.removeprefix(app_armor.ANNOTATION)) not in names and annotation.path not in said:
            plan = Plan("remove the annotation", (Remove(annotation),))
            yield Failure(annotation, f"an annotation sets the AppArmor profile of container {name}, which does not exist", plan)
    if require_profile and not pod.is_windows:
        yield from _without_app_armor(pod)


def _without_app_armor(pod: Pod) -> Verdicts:
    for container in pod.containers:
        profile = container.effective("appArmorProfile")
        if not profile.is_set and not pod.annotations[app_armor.ANNOTATION + container.name].text:
            # Not safe: where a node has no AppArmor, a pod that asks for it does not start.
            plan = Plan("set the AppArmor profile to RuntimeDefault", (Set(profile["type"], "RuntimeDefault"),))
            yield Failure(profile, f"{container} has no AppArmor profile", plan, container=container.name, severity=Severity.LOW)


@pod_rule(
    "selinux-custom",
    "SELinux options leave the container types",
    # Medium: on nodes with SELinux the container steps out of its confinement, elsewhere it means nothing.
    Severity.MEDIUM,
    category="isolation",
    aliases={"trivy": "KSV-0025"},
    controls={"pss-baseline": "seLinuxOptions", "cis-docker-1.6": "5.3"},
    references=(_BASELINE, "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#assign-selinux-labels-to-a-container"),
)
def selinux_custom(pod: Pod) -> Verdicts:
    """
    What it finds: seLinuxOptions, of the pod or of a container, with a type that is not one of the container types, or with a user or role.
    Why it matters: The type decides what SELinux lets the process do. spc_t, for one, is not confined at all; another type may be allowed what no
        container should.
    How to fix: Remove user and role, and leave the type out or use container_t or container_init_t. A level is fine.
    Exceptions: Node agents that must read what belongs to the node, with a policy module of their own.
    """
    return se_linux.latest(pod)


@container_rule(
    "linux-hardening-any",
    "Container uses none of Linux' confinements",
    # Low: it sums up what the rules on the single mechanisms say one by one.
    Severity.LOW,
    category="isolation",
    by_default=False,  # seccomp-default and cap-drop-all ask for more
    aliases={"polaris": "linuxHardening", "kubescape": "C-0055"},
    references=("https://kubernetes.io/docs/concepts/security/linux-kernel-security-constraints/",),
)
def linux_hardening_any(container: Container) -> Verdicts:
    """
    What it finds: A container that sets no AppArmor profile, no seccomp profile and no SELinux options, itself or through its pod, and drops no
        capability.
    Why it matters: It relies on whatever the runtime and the node happen to do by default.
    How to fix: Start with seccompProfile: {type: RuntimeDefault} on the pod and capabilities: {drop: [ALL]} on the container.
    Exceptions: Windows pods.
    """
    pod = container.pod
    annotation = pod.annotations[app_armor.ANNOTATION + container.name].text
    confined = (
        container.effective("appArmorProfile")["type"].text in ("RuntimeDefault", "Localhost")
        or annotation.startswith(("runtime/default", "localhost/"))
        or container.effective("seccompProfile")["type"].text in ("RuntimeDefault", "Localhost")
        or bool(container.effective("seLinuxOptions").value)
        or bool(container.security_context.at("capabilities", "drop").value)
    )
    if not confined and not pod.is_windows:
        yield Failure(container.security_context, f"{container} has no AppArmor or seccomp profile, no SELinux options, and drops no capability")


@pod_rule(
    "sysctls-unsafe",
    "Pod sets a sysctl outside the safe list",
    # Medium: such a setting may reach other pods or exhaust the node; the kubelet refuses it unless an administrator allowed it.
    Severity.MEDIUM,
    category="isolation",
    aliases={"kube-linter": "unsafe-sysctls", "trivy": "KSV-0026", "kics": "cluster_allows_unsafe_sysctls"},
    controls={"pss-baseline": "sysctls"},
    references=(_BASELINE, "https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/"),
)
def sysctls_unsafe(pod: Pod) -> Verdicts:
    """
    What it finds: An item of securityContext.sysctls that is not on Kubernetes' list of safe ones.
    Why it matters: Safe means set for this pod alone and harmless for the node. Of the others nobody has shown that: they can starve or destabilise
        the node for every pod on it.
    How to fix: Remove it, or set it on the nodes that need it.
    Exceptions: Nodes of their own for one workload, with the sysctl in the kubelet's allowedUnsafeSysctls.
    """
    return sysctls.latest(pod)


@pod_rule(
    "proc-mount",
    "/proc is not masked",
    # High: root in the container may write the kernel's settings in /proc/sys, which reach the node. In a user namespace that is low.
    Severity.HIGH,
    category="isolation",
    aliases={"kube-linter": "unsafe-proc-mount", "polaris": "procMount", "trivy": "KSV-0027", "kics": "container_runs_unmasked"},
    controls={"pss-baseline": "procMount_baseline", "pss-restricted": "procMount_restricted"},
    references=(_BASELINE, _RESTRICTED),
)
def proc_mount(pod: Pod) -> Verdicts:
    """
    What it finds: A container whose procMount is anything but Default.
    Why it matters: The runtime hides parts of /proc and makes others read-only, because they belong to the kernel of the node: its memory, its key
        rings, its settings. Unmasked shows them all.
    How to fix: Remove procMount.
    Exceptions: Building and running containers in containers, in a pod with hostUsers: false, which the API server then demands.
    """
    for verdict in proc_mount_restricted.latest(pod):
        milder = isinstance(verdict, Failure) and pod.has_user_namespace
        yield replace(verdict, severity=Severity.LOW) if milder else verdict


_PLAIN_RUNTIMES: Final = frozenset({"runc", "crun", "youki", "nvidia", "nvidia-cdi", "nvidia-legacy"})


@resource_rule(
    "sandbox-runtimeclass",
    "Agent sandbox shares the node's kernel",
    # High: a sandbox is there to run code that nobody has read, and only the kernel's attack surface stands between it and the node.
    Severity.HIGH,
    category="isolation",
    kinds=("Sandbox", "SandboxTemplate"),
    confidence=Confidence.MEDIUM,
    aliases={"kubescape": "C-0297"},
    references=(
        "https://agent-sandbox.sigs.k8s.io/docs/use-cases/gvisor-isolation/",
        "https://kubernetes.io/docs/concepts/containers/runtime-class/",
    ),
    parameters={"hardened": "parts of the names of runtime classes that isolate with a kernel or virtual machine of their own"},
)
def sandbox_runtimeclass(
    resource: Resource, *, hardened: tuple[str, ...] = ("gvisor", "runsc", "kata", "firecracker", "microvm", "confidential")
) -> Verdicts:
    """
    What it finds: A Sandbox or SandboxTemplate (agents.x-k8s.io) whose pod names no runtimeClassName, or that of an ordinary runtime.
    Why it matters: Agents run what a model or a user has just written. In an ordinary container such code talks to the node's kernel directly: one
        bug there is a way out. gVisor and Kata Containers put a kernel of their own between.
    How to fix: Set runtimeClassName in the pod template to a class for gVisor or Kata Containers.
    Exceptions: A class whose name tells nothing cannot be judged; name it in the parameter. Sandboxes for trusted code only.
    """
    if not resource.group.endswith("agents.x-k8s.io"):
        return
    for pod in pods(resource):
        field = pod.spec["runtimeClassName"]
        name = field.text.lower()
        if not name or name in _PLAIN_RUNTIMES:
            yield Failure(field, f"{pod} runs under {field.text}, on the node's kernel" if name else f"{pod} names no runtime class")
        elif not any(part in name for part in hardened):
            yield Unjudged(field, f"the name of the runtime class {field.text} does not tell whether it isolates")
