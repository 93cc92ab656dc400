"""File system: what a container can write, and what it sees of the disks, devices and sockets of its node."""

import posixpath
from collections.abc import Callable, Sequence
from itertools import takewhile

from seawall.core.fix import Plan, Remove, Set
from seawall.core.pod import Container, Pod
from seawall.core.resource import Resource
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.check import container_rule, pod_rule, resource_rule
from seawall.deploy.workload.host_paths import HostVolume, host_volumes, is_within, reaches
from seawall.deploy.workload.node_paths import CREDENTIALS, DIRECTORIES, HARMLESS, NO_DEVICES, RULES_THE_NODE, SOCKETS
from seawall.deploy.workload.pss import host_path_volumes, volume_types

_STANDARD = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
_VOLUMES = "https://kubernetes.io/docs/concepts/storage/volumes/"


@container_rule(
    "readonly-rootfs",
    "Root file system is writable",
    # Low: it makes an intruder's work harder (no tools dropped, no program replaced), but every emptyDir stays writable.
    Severity.LOW,
    category="filesystem",
    aliases={
        "kubeaudit": "ReadOnlyRootFilesystemFalse ReadOnlyRootFilesystemNil",
        "kube-linter": "no-read-only-root-fs",
        "kube-score": "container-security-context-readonlyrootfilesystem",
        "polaris": "notReadOnlyRootFilesystem",
        "trivy": "KSV-0014",
        "kubescape": "C-0017",
        "checkov": "CKV_K8S_22",
        "kics": "root_container_not_mounted_as_read_only",
    },
    controls={"cis-docker-1.6": "5.13"},
    references=("https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",),
)
def readonly_rootfs(container: Container) -> Verdicts:
    """
    What it finds: A container that does not set readOnlyRootFilesystem to true.
    Why it matters: Whoever gets into the container can replace its programs, install tools and leave scripts that run again. On a read-only
        root file system only the volumes can be written, and those can be watched, limited and mounted without execution.
    How to fix: Set securityContext.readOnlyRootFilesystem to true, and mount an emptyDir where the program must write (often /tmp).
    Exceptions: Windows pods, where the setting does not exist. Programs that cannot be told where to write.
    """
    field = container.security_context["readOnlyRootFilesystem"]
    if field.value is not True and not container.pod.is_windows:
        plan = Plan("set readOnlyRootFilesystem to true, with an emptyDir where the program writes", (Set(field, True),))
        yield Failure(field, f"{container} can write to its root file system", plan)


@container_rule(
    "mount-propagation-shared",
    "Mounts made in the container appear on the node",
    # Medium: the API allows it in privileged containers only, so the boundary is gone already; this carries mounts into other pods as well.
    Severity.MEDIUM,
    category="filesystem",
    controls={"cis-docker-1.6": "5.20"},
    references=(f"{_VOLUMES}#mount-propagation",),
)
def mount_propagation_shared(container: Container) -> Verdicts:
    """
    What it finds: A volume mounted with mountPropagation: Bidirectional.
    Why it matters: What the container mounts below that directory is mounted on the node too, and in every pod that shares the volume. A file
        system put over a directory of the node changes what the node's own programs read, and stays when the pod is gone.
    How to fix: Remove mountPropagation. HostToContainer is enough for a container that must only see what the node mounts later.
    Exceptions: CSI node plugins and FUSE helpers, whose work it is to mount volumes for other pods.
    """
    for mount in container["volumeMounts"].items():
        field = mount["mountPropagation"]
        if field.value == "Bidirectional":
            plan = Plan("remove mountPropagation", (Remove(field),))
            yield Failure(field, f"what {container} mounts below {mount['mountPath'].text} appears on the node", plan)


@pod_rule(
    "runtime-socket",
    "Container runtime socket is mounted",
    # Critical: the runtime starts privileged containers for whoever asks, so the socket is root on the node.
    Severity.CRITICAL,
    category="filesystem",
    aliases={
        "kube-linter": "docker-sock",
        "trivy": "KSV-0006",
        "kubescape": "C-0074",
        "checkov": "CKV_K8S_27",
        "kics": "docker_daemon_socket_is_exposed_to_containers",
    },
    controls={"cis-docker-1.6": "5.32"},
    references=("https://kubernetes.io/docs/setup/production-environment/container-runtimes/",),
    parameters={"sockets": "where container runtimes listen; a directory above one counts too, and so does a socket of the same name elsewhere"},
)
def runtime_socket(pod: Pod, *, sockets: Sequence[str] = SOCKETS) -> Verdicts:
    """
    What it finds: A hostPath volume that gives a container the control socket of the node's container runtime (Docker, containerd, CRI-O,
        Podman, and others), or a directory that holds it, such as /var/run.
    Why it matters: The runtime does not ask who is calling. Through its socket anybody can start a privileged container with the node's disk
        mounted, read the secrets of all pods on the node, and do so past the API server, its policies and its audit log. A read-only mount
        does not help: it protects the file, not the conversation.
    How to fix: Remove the volume. Build images with a builder that needs no daemon (BuildKit rootless, Buildah); read container metadata from the
        kubelet or the Kubernetes API.
    Exceptions: Node agents that manage or watch containers through the runtime. The root directory, which holds the socket as well, is left to
        hostpath-sensitive.
    """
    for volume in host_volumes(pod):
        if _opens_runtime(volume, sockets):
            plan = Plan("remove the volume and its mounts", (Remove(volume.field), *map(Remove, volume.mount_fields)))
            message = f"{volume.path} of the node opens the container runtime to {pod}"
            yield Failure(volume.path_field, message, plan, also=volume.mount_fields)


def _opens_runtime(volume: HostVolume, sockets: Sequence[str] = SOCKETS) -> bool:
    names = {posixpath.basename(socket) for socket in sockets}
    return any(path != "/" and (posixpath.basename(path) in names or any(reaches(path, socket) for socket in sockets)) for path in volume.paths)


@pod_rule(
    "hostpath",
    "Path of the node is mounted",
    # Medium: it joins the pod to one node's file system. How bad that is depends on the path, and the other rules say so.
    Severity.MEDIUM,
    category="filesystem",
    aliases={"polaris": "hostPathSet", "trivy": "KSV-0023", "kubescape": "C-0048 C-0203", "kics": "non_kube_system_pod_with_host_mount"},
    controls={"cis-kubernetes-1.12": "5.2.11", "pss-baseline": "hostPathVolumes"},
    references=(f"{_VOLUMES}#hostpath", f"{_STANDARD}#baseline"),
    parameters={"repeat": "also report what the rules on particular paths, and on writing, report"},
    in_default={"repeat": False},
)
def hostpath(pod: Pod, *, repeat: bool = True) -> Verdicts:
    """
    What it finds: A hostPath volume, whatever path of the node it opens, mounted or not.
    Why it matters: The container sees files that belong to the node and to other pods, with the node's user ids. Paths contain links, so what is
        harmless today may lead elsewhere tomorrow; and a pod that depends on the files of one node is not the same on the next.
    How to fix: Use an emptyDir for scratch space, a ConfigMap for configuration, a persistent volume (also of type local) for data.
    Exceptions: Node agents: log collectors, monitoring, CNI and CSI plugins. Keep them in a namespace of their own that allows it.
    """
    told = set() if repeat else {volume.field.path for volume in host_volumes(pod) if _told_better(volume, "hostpath")}
    for failure in host_path_volumes.latest(pod):
        if failure.field.path[:-1] not in told:  # its field is the volume's hostPath
            yield failure


@pod_rule(
    "hostpath-sensitive",
    "Directory of the node's operating system is mounted",
    # High: what lies there decides who is root on the node, or tells its secrets. Critical where it can be written and the node runs it.
    Severity.HIGH,
    category="filesystem",
    aliases={
        "kubeaudit": "SensitivePathsMounted",
        "kube-linter": "sensitive-host-mounts",
        "trivy": "KSV-0121",
        "kics": "workload_mounting_with_sensitive_os_directory",
    },
    controls={"cis-docker-1.6": "5.6"},
    references=(f"{_VOLUMES}#hostpath", "https://refspecs.linuxfoundation.org/FHS_3.0/fhs/index.html"),
    parameters={
        "directories": "directories of the node that pods have no business in; /** at the end means all below as well; those above count always",
        "harmless": "what may be mounted read-only all the same",
        "repeat": "also report what runtime-socket reports",
    },
    in_default={"repeat": False},
)
def hostpath_sensitive(
    pod: Pod,
    *,
    directories: Sequence[str] = DIRECTORIES,
    harmless: Sequence[str] = HARMLESS,
    repeat: bool = True,
) -> Verdicts:
    """
    What it finds: A hostPath volume on a directory of the operating system or of the kubelet (/, /etc, /proc, /sys, /usr, /var/lib/kubelet and
        the like), on something below it, or on a directory above it. What a mount's subPath leaves of the volume is what counts.
    Why it matters: To write there is to be root on the node: a cron job in /etc, a static pod manifest, another library under every program. To
        read there is to have the node's keys and the secrets of every pod on it. No container boundary is left in between.
    How to fix: Mount the one file or directory that is needed, read-only; or an emptyDir, ConfigMap or persistent volume instead.
    Exceptions: Node agents: monitoring that reads /proc and /sys, CNI and CSI plugins. Time zone data, public certificates, kernel modules and
        the like may be mounted read-only. Mind that readOnly does not reach the file systems mounted below, unless recursiveReadOnly is set.
    """
    for volume in host_volumes(pod):
        sensitive = _sensitive_views(volume, directories, harmless)
        if sensitive and (repeat or not _told_better(volume, "hostpath-sensitive")):
            written = [path for path, writable in sensitive if writable]
            takes_over = any(reaches(path, directory) for path in written for directory in RULES_THE_NODE)
            message = f"{pod} {'can write to' if written else 'can read'} {volume.path} of the node"
            yield Failure(volume.path_field, message, also=volume.mount_fields, severity=Severity.CRITICAL if takes_over else None)


def _sensitive_views(volume: HostVolume, directories: Sequence[str] = DIRECTORIES, harmless: Sequence[str] = HARMLESS) -> list[tuple[str, bool]]:
    return [
        (path, writable)
        for path, writable in volume.views
        if any(reaches(path, directory) for directory in directories) and (writable or not any(is_within(path, known) for known in harmless))
    ]


@pod_rule(
    "hostpath-credentials",
    "Credentials of the node or its cloud are mounted",
    # High: another identity, usually a mightier one, and it stays valid when the pod is gone.
    Severity.HIGH,
    category="secrets",
    aliases={"kubescape": "C-0020"},
    references=("https://kubernetes.io/docs/setup/best-practices/certificates/",),
    parameters={
        "files": "where credentials lie on nodes; /** at the end means all below as well; directories above count always",
        "repeat": "also report what runtime-socket and hostpath-sensitive report",
    },
    in_default={"repeat": False},
)
def hostpath_credentials(
    pod: Pod,
    *,
    files: Sequence[str] = CREDENTIALS,
    repeat: bool = True,
) -> Verdicts:
    """
    What it finds: A hostPath volume that reaches files with credentials: kubeconfigs and keys of the kubelet and the control plane, cloud
        provider configuration, etcd data, the tokens of other pods, or somebody's ~/.aws, ~/.kube or ~/.ssh.
    Why it matters: Whoever takes over the container has that identity as well. The kubelet's may read every secret of its node, the control
        plane's and etcd's are the cluster, and a cloud key leads out of the cluster altogether.
    How to fix: Give the workload an identity of its own: a service account with RBAC for the cluster, workload identity for the cloud, a Secret
        for anything else.
    Exceptions: Control plane pods that run with these keys. The root directory is left to hostpath-sensitive.
    """
    for volume in host_volumes(pod):
        if _has_credentials(volume, files) and (repeat or not _told_better(volume, "hostpath-credentials")):
            yield Failure(volume.path_field, f"{volume.path} of the node has credentials that {pod} can read", also=volume.mount_fields)


def _has_credentials(volume: HostVolume, files: Sequence[str] = CREDENTIALS) -> bool:
    return any(path != "/" and reaches(path, file) for path in volume.paths for file in files)


@pod_rule(
    "hostpath-writable",
    "Path of the node is mounted writable",
    # Medium: a way to leave something on the node for others to trip over. Where it is a way to become root there, hostpath-sensitive says so.
    Severity.MEDIUM,
    category="filesystem",
    aliases={"kube-linter": "writable-host-mount", "kubescape": "C-0045", "kics": "volume_mount_with_os_directory_write_permissions"},
    references=(f"{_VOLUMES}#hostpath",),
    parameters={"repeat": "also report mounts of volumes that the rules on particular paths report"},
    in_default={"repeat": False},
)
def hostpath_writable(pod: Pod, *, repeat: bool = True) -> Verdicts:
    """
    What it finds: A container that mounts a hostPath volume without readOnly: true.
    Why it matters: Files written there outlive the pod and are read by the node, or by the next pod that mounts the path: a way to persist, to
        fill the node's disk, and to reach workloads that share nothing else.
    How to fix: Set readOnly: true on the mount. For data of its own use a persistent volume, or an emptyDir with a size limit.
    Exceptions: Storage daemons and node agents that keep their state on the node.
    """
    for volume in host_volumes(pod):
        written = [mount for mount in volume.mounts if mount.writable]
        if written and (repeat or not _told_better(volume, "hostpath-writable")):
            for mount in written:
                field = mount.field["readOnly"]
                plan = Plan("mount it read-only", (Set(field, True),))
                yield Failure(field, f"{mount.container} can write to {volume.path} of the node", plan, mount.container.name, (volume.path_field,))


@pod_rule(
    "host-devices",
    "Device of the node is mounted",
    # Medium: the runtime's device filter still refuses most devices to an unprivileged container; with privileged it is the raw disk.
    Severity.MEDIUM,
    category="filesystem",
    controls={"cis-docker-1.6": "5.18"},
    references=(f"{_VOLUMES}#hostpath", "https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/"),
    parameters={
        "harmless": "what lies in /dev and is no device of the node, or one that every container has anyway",
        "repeat": "also report what hostpath-sensitive reports",
    },
    in_default={"repeat": False},
)
def host_devices(pod: Pod, *, harmless: Sequence[str] = NO_DEVICES, repeat: bool = True) -> Verdicts:
    """
    What it finds: A hostPath volume on /dev or something in it, or of the types CharDevice and BlockDevice.
    Why it matters: A device speaks past the file system and its permissions: a disk has every file of the node, /dev/kmsg the kernel's log,
        /dev/mem its memory. A container that is privileged, or becomes it, needs nothing else.
    How to fix: Let a device plugin or a dynamic resource claim hand out the device: the container gets this one, and the scheduler knows of it.
    Exceptions: Raw block volumes (volumeDevices) and devices from plugins (resources.limits) are how it should be done, and are not reported.
    """
    for volume in host_volumes(pod):
        if _is_device(volume, harmless) and (repeat or not _told_better(volume, "host-devices")):
            yield Failure(volume.path_field, f"{pod} gets {volume.path} of the node", also=volume.mount_fields)


def _is_device(volume: HostVolume, harmless: Sequence[str] = NO_DEVICES) -> bool:
    declared = volume.field.at("hostPath", "type").text in ("CharDevice", "BlockDevice")
    return any((declared or is_within(path, "/dev/**")) and not any(is_within(path, known) for known in harmless) for path in volume.paths)


_TELLING: dict[str, Callable[[HostVolume], object]] = {
    # The rules that may report one and the same hostPath volume: first those that say most about it.
    "runtime-socket": _opens_runtime,
    "hostpath-sensitive": _sensitive_views,
    "hostpath-credentials": _has_credentials,
    "host-devices": _is_device,
    "hostpath-writable": lambda volume: any(mount.writable for mount in volume.mounts),
}


def _told_better(volume: HostVolume, rule: str) -> bool:
    """Whether a rule that says more than ``rule`` reports the volume: of one weakness the default profile makes one finding."""
    better = takewhile(lambda name: name != rule, _TELLING)
    return any(_TELLING[name](volume) for name in better)


@pod_rule(
    "volume-types-core",
    "Volume is of a type outside the restricted standard",
    # Low: beside hostPath, which has rules of its own, these are network file systems that a pod should not configure itself.
    Severity.LOW,
    category="filesystem",
    by_default=False,  # the restricted standard; hostPath, the dangerous one, has rules of its own
    aliases={"trivy": "KSV-0028"},
    controls={"pss-restricted": "restrictedVolumes"},
    references=(f"{_STANDARD}#restricted",),
)
def volume_types_core(pod: Pod) -> Verdicts:
    """
    What it finds: A volume that is none of configMap, csi, downwardAPI, emptyDir, ephemeral, image, persistentVolumeClaim, projected and secret.
    Why it matters: With nfs, iscsi, rbd and their like the pod's author chooses the server, its options and its credentials, and the node's kernel
        mounts what that server sends. A persistent volume leaves this choice to an administrator.
    How to fix: Make a PersistentVolume of it and mount the claim, or use a CSI driver.
    Exceptions: Clusters that do not aim at the restricted level of the Pod Security Standards.
    """
    return volume_types.latest(pod)


@pod_rule(
    "pvc-mounted",
    "Workload uses a persistent volume claim",
    # Info: no weakness. It tells what an intruder in this workload could read, change or hold to ransom.
    Severity.INFO,
    category="filesystem",
    by_default=False,  # context, no weakness
    aliases={"kubescape": "C-0257"},
    references=("https://kubernetes.io/docs/concepts/storage/persistent-volumes/",),
)
def pvc_mounted(pod: Pod) -> Verdicts:
    """
    What it finds: A volume of a pod that is a persistent volume claim, and each claim that a StatefulSet makes from a template.
    Why it matters: Data that outlives the pod raises the stakes: what is exposed by a weakness of this workload is in the claim. Use it to rank
        other findings, and to know where backups and encryption matter.
    How to fix: Nothing needs fixing. Take the claim away where the workload does not use it.
    Exceptions: Ephemeral volumes, which go with their pod, are not reported.
    """
    for volume in pod.spec["volumes"].items():
        claim = volume.at("persistentVolumeClaim", "claimName")
        if claim.is_set:
            yield Failure(claim, f"{pod} uses the persistent volume claim {claim.text}")
    for template in pod.resource.field("spec", "volumeClaimTemplates").items():
        yield Failure(template, f"{pod} makes itself the persistent volume claim {template.at('metadata', 'name').text}")


@resource_rule(
    "sts-storage-request",
    "StatefulSet asks for storage",
    # Info: nothing is wrong with it; somebody should know who fills the storage.
    Severity.INFO,
    category="filesystem",
    by_default=False,  # a reminder, no weakness
    kinds=("StatefulSet",),
    aliases={"kics": "statefulset_requests_storage"},
    references=("https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#volume-claim-templates",),
)
def sts_storage_request(resource: Resource) -> Verdicts:
    """
    What it finds: A volume claim template of a StatefulSet that requests storage.
    Why it matters: Each replica gets a volume of that size, and it stays when the StatefulSet is scaled down or deleted, with the data on it,
        unless persistentVolumeClaimRetentionPolicy says otherwise. Whoever may scale the StatefulSet spends the storage.
    How to fix: Check the size, the storage class (does it encrypt?) and the retention policy. A ResourceQuota bounds the sum.
    Exceptions: None. It is a reminder, not a defect; it runs only when asked for.
    """
    for template in resource.field("spec", "volumeClaimTemplates").items():
        storage = template.at("spec", "resources", "requests", "storage")
        if storage.is_set:
            yield Failure(storage, f"each replica of StatefulSet {resource.name} asks for {storage.value} of storage")


@resource_rule(
    "sts-claim-access-mode",
    "StatefulSet claims a volume that several nodes may mount",
    # Low: replicas that share a volume by mistake corrupt each other's data; where it is meant, it is fine.
    Severity.LOW,
    category="filesystem",
    by_default=False,  # whether replicas share is the application's affair
    kinds=("StatefulSet",),
    aliases={"kics": "incorrect_volume_claim_access_mode_read_write_once"},
    references=("https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes",),
    parameters={"modes": "the access modes that a replica's own volume may have"},
)
def sts_claim_access_mode(resource: Resource, *, modes: Sequence[str] = ("ReadWriteOnce", "ReadWriteOncePod")) -> Verdicts:
    """
    What it finds: A volume claim template of a StatefulSet with another access mode than ReadWriteOnce or ReadWriteOncePod, or with none.
    Why it matters: A StatefulSet gives every replica a volume of its own. ReadWriteMany asks for storage that other nodes, and so other pods,
        may mount at the same time, which is slower, often less protected, and invites two writers.
    How to fix: Use ReadWriteOncePod, or ReadWriteOnce where the storage driver does not know it. Access modes cannot be changed later: the
        StatefulSet and its claims have to be made anew.
    Exceptions: Applications that do share one volume; a Deployment with one claim says that more clearly.
    """
    for template in resource.field("spec", "volumeClaimTemplates").items():
        name, asked = template.at("metadata", "name").text, template.at("spec", "accessModes")
        if not asked.value:
            yield Failure(asked, f"volume claim template {name} has no access mode")
        for mode in asked.items():
            if mode.value not in modes:
                yield Failure(mode, f"volume claim template {name} asks for {mode.value}")
