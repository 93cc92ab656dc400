"""Privilege: as which user and group a container runs, and whether it can become another one."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from seawall.core.finding import Evidence
from seawall.core.pod import Container, Pod
from seawall.core.resource import Field
from seawall.core.severity import Confidence, Severity
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.check import container_rule, pod_rule
from seawall.deploy.workload.pss import allow_privilege_escalation, run_as_user
from seawall.deploy.workload.pss import run_as_non_root as non_root
from seawall.deploy.workload.rules.overlap import privileged_containers, root_containers, without

_SECURITY_CONTEXT = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/"
_RESTRICTED = "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"


@pod_rule(
    "priv-escalation",
    "Container may gain privileges",
    # Medium: it takes a set-user-ID program in the image; then it turns any code execution into root in the container. Nearly every workload of the
    # world leaves it out, so it must not fail a build by itself.
    Severity.MEDIUM,
    category="privilege",
    aliases={
        "kubeaudit": "AllowPrivilegeEscalationNil AllowPrivilegeEscalationTrue",
        "kube-linter": "privilege-escalation-container",
        "polaris": "privilegeEscalationAllowed",
        "trivy": "KSV-0001",
        "kubescape": "C-0016 C-0197 C-0217",
        "checkov": "CKV_K8S_20",
        "kics": "privilege_escalation_allowed",
    },
    controls={"cis-kubernetes-1.12": "5.2.6", "pss-restricted": "allowPrivilegeEscalation", "cis-docker-1.6": "5.26 2.14"},
    references=(_SECURITY_CONTEXT, _RESTRICTED, "https://docs.kernel.org/userspace-api/no_new_privs.html"),
    parameters={"repeat": "also report privileged containers, where it is always true"},
    in_default={"repeat": False},
)
def priv_escalation(pod: Pod, *, repeat: bool = True) -> Verdicts:
    """
    What it finds: A container that does not set allowPrivilegeEscalation to false.
    Why it matters: Unless it is false, a process can gain more privileges than its parent, through programs that are set-user-ID root (su, sudo,
        mount) or have file capabilities. That is the usual second step of an attack.
    How to fix: Set allowPrivilegeEscalation to false on every container; a pod-level setting does not exist.
    Exceptions: Windows pods. Containers that need sudo, or a ping with file capabilities. A privileged container cannot have it false: the API
        server rejects that.
    """
    return without(allow_privilege_escalation.latest(pod), set() if repeat else privileged_containers(pod))


@pod_rule(
    "run-as-non-root",
    "Container may run as root",
    # Medium: root in a container is still held by its capabilities and seccomp; but most escapes start from it. Nearly every workload of the world
    # leaves it out, so it must not fail a build by itself.
    Severity.MEDIUM,
    category="privilege",
    aliases={
        "kubeaudit": "RunAsNonRootCSCFalse RunAsNonRootPSCNilCSCNil RunAsNonRootPSCFalseCSCNil",
        "kube-linter": "run-as-non-root",
        "polaris": "runAsRootAllowed",
        "trivy": "KSV-0012",
        "kubescape": "C-0013 C-0198 C-0218",
        "checkov": "CKV_K8S_23",
        "kics": "root_containers_admitted containers_running_as_root",
    },
    controls={"cis-kubernetes-1.12": "5.2.7", "pss-restricted": "runAsNonRoot", "cis-docker-1.6": "4.1"},
    references=(_SECURITY_CONTEXT, _RESTRICTED),
    parameters={"repeat": "also report containers that run-as-uid-zero reports"},
    in_default={"repeat": False},
)
def run_as_non_root(pod: Pod, *, repeat: bool = True) -> Verdicts:
    """
    What it finds: A container for which neither its own security context nor the pod's sets runAsNonRoot to true. A positive runAsUser is not
        enough, as in the standard: it is a choice, runAsNonRoot is the promise that the kubelet enforces.
    Why it matters: Without it the image decides, and most images are root unless their Dockerfile says otherwise. Root in the container is root on
        the node as soon as one boundary fails.
    How to fix: Give the image a numeric USER, and set runAsNonRoot to true in the pod's security context.
    Exceptions: Pods in a user namespace (hostUsers: false), where root in the container is nobody on the node. A workload that starts as root to
        prepare its volumes can use fsGroup, or an init container that alone is root.
    """
    return without(non_root.latest(pod), set() if repeat else root_containers(pod))


@pod_rule(
    "run-as-uid-zero",
    "Container runs as root by choice",
    # Medium: as run-as-non-root, only that here it is certain.
    Severity.MEDIUM,
    category="privilege",
    aliases={"kubeaudit": "RunAsUserCSCRoot RunAsUserPSCRoot", "trivy": "KSV-0105"},
    controls={"pss-restricted": "runAsUser"},
    references=(_SECURITY_CONTEXT, _RESTRICTED),
)
def run_as_uid_zero(pod: Pod) -> Verdicts:
    """
    What it finds: A security context, of the pod or of a container, that sets runAsUser to 0.
    Why it matters: The process is root whatever the image says. It may write every file of the container, and a hole in the kernel or the runtime
        is enough to make it root on the node.
    How to fix: Set runAsUser to the user that owns the application's files in the image, or remove it and set runAsNonRoot to true.
    Exceptions: Pods in a user namespace (hostUsers: false), where root in the container is nobody on the node. An init container that must change
        the owner of a volume, and only that one.
    """
    return run_as_user.latest(pod)


@container_rule(
    "low-uid",
    "Container runs as a low user id",
    # Low: the id means nothing until the container escapes; then it may be that of somebody on the node.
    Severity.LOW,
    category="privilege",
    by_default=False,  # a convention; any user but root is a boundary
    aliases={
        "kube-score": "container-security-context-user-group-id",
        "trivy": "KSV-0020",
        "checkov": "CKV_K8S_40",
        "kics": "containers_run_with_low_uid",
    },
    references=(_SECURITY_CONTEXT,),
    parameters={"above": "user ids up to this one count as low"},
)
def low_uid(container: Container, *, above: int = 10_000) -> Verdicts:
    """
    What it finds: A container whose runAsUser, its own or the pod's, is not above 10000, or is not set at all.
    Why it matters: The users of the node itself have low ids. A process that leaves its container, or writes into a mounted directory, acts as the
        node's user of the same number.
    How to fix: Set runAsUser to a number above 10000 in the pod's security context; the image's files must be readable for it.
    Exceptions: Windows pods. On OpenShift the range of ids comes from the namespace, so leave runAsUser out. User namespaces (hostUsers: false) give
        every pod its own ids whatever the number.
    """
    return _low(container, "runAsUser", above)


@container_rule(
    "low-gid",
    "Container runs as a low group id",
    # Low: as low-uid.
    Severity.LOW,
    category="privilege",
    by_default=False,  # a convention
    aliases={"kube-score": "container-security-context-user-group-id", "trivy": "KSV-0021"},
    references=(_SECURITY_CONTEXT,),
    parameters={"above": "group ids up to this one count as low"},
)
def low_gid(container: Container, *, above: int = 10_000) -> Verdicts:
    """
    What it finds: A container whose runAsGroup, its own or the pod's, is not above 10000, or is not set at all.
    Why it matters: Without runAsGroup the image decides, and its answer is usually group 0. What the container writes to shared volumes then belongs
        to a group of the node.
    How to fix: Set runAsGroup to a number above 10000 in the pod's security context.
    Exceptions: Windows pods. OpenShift images, whose files belong to group 0 by convention.
    """
    return _low(container, "runAsGroup", above)


@pod_rule(
    "root-gid",
    "Pod uses the root group",
    # Low: group 0 owns many files of an image and of the node, but mostly without the right to write them.
    Severity.LOW,
    category="privilege",
    aliases={"trivy": "KSV-0116"},
    references=(_SECURITY_CONTEXT,),
)
def root_gid(pod: Pod) -> Verdicts:
    """
    What it finds: runAsGroup, fsGroup or an item of supplementalGroups that is 0.
    Why it matters: The process may read, and sometimes write, what belongs to the root group, in the image and on volumes that it shares with the
        node or with others.
    How to fix: Use a group of the application's own; fsGroup gives it the ownership of the volumes.
    Exceptions: OpenShift images, which keep their files readable for group 0 so that any user id works.
    """
    groups = [pod.security_context["fsGroup"], *pod.security_context["supplementalGroups"].items()]
    for field in groups:
        if field.integer == 0:
            yield Failure(field, f"{pod} gives its containers the root group")
    inherited = pod.security_context["runAsGroup"]
    heirs = []
    for container in pod.containers:
        group = container.effective("runAsGroup")
        if group.integer == 0:
            if group.path == inherited.path:
                heirs.append(str(container))
            else:
                yield Failure(group, f"{container} runs in the root group", container=container.name)
    if heirs:
        yield Failure(inherited, f"{', '.join(heirs)} run in the root group" if len(heirs) > 1 else f"{heirs[0]} runs in the root group")


@pod_rule(
    "security-context-missing-pod",
    "Pod has no security context",
    # Low: it is the sign of settings nobody thought about; each setting that matters has a rule of its own.
    Severity.LOW,
    category="privilege",
    by_default=False,  # what is missing in it is reported by the rules about it
    aliases={"trivy": "KSV-0118", "kubescape": "C-0211", "checkov": "CKV_K8S_29", "kics": "pod_or_container_without_security_context"},
    controls={"cis-kubernetes-1.12": "5.6.3"},
    references=(_SECURITY_CONTEXT,),
)
def security_context_missing_pod(pod: Pod) -> Verdicts:
    """
    What it finds: A pod without a securityContext, or with an empty one.
    Why it matters: The pod's security context is where user, group and seccomp profile are set once for all containers, those that somebody adds
        later included.
    How to fix: Add a securityContext to the pod's spec, with at least runAsNonRoot: true and seccompProfile: {type: RuntimeDefault}.
    Exceptions: Pods whose containers set everything themselves.
    """
    if not pod.security_context.value:
        yield Failure(pod.security_context, f"{pod} has no security context for its pods" if pod.field.path else f"{pod} has no security context")


@container_rule(
    "security-context-missing-container",
    "Container has no security context",
    # Low: as security-context-missing-pod.
    Severity.LOW,
    category="privilege",
    by_default=False,  # what is missing in it is reported by the rules about it
    aliases={"trivy": "KSV-0118", "checkov": "CKV_K8S_30"},
    references=(_SECURITY_CONTEXT,),
)
def security_context_missing_container(container: Container) -> Verdicts:
    """
    What it finds: A container without a securityContext, or with an empty one.
    Why it matters: allowPrivilegeEscalation, capabilities and readOnlyRootFilesystem exist on containers only: the pod's security context cannot set
        them.
    How to fix: Add a securityContext with allowPrivilegeEscalation: false, readOnlyRootFilesystem: true and capabilities: {drop: [ALL]}.
    Exceptions: Windows pods, where these fields mean nothing.
    """
    if not container.security_context.value and not container.pod.is_windows:
        yield Failure(container.security_context, f"{container} has no security context")


@container_rule(
    "sudo-entrypoint",
    "Container runs sudo",
    # Medium: the image holds a program that makes its caller root, and the container needs privilege escalation to stay allowed for it.
    Severity.MEDIUM,
    category="privilege",
    confidence=Confidence.MEDIUM,
    aliases={"kubescape": "C-0062"},
    references=(_SECURITY_CONTEXT,),
)
def sudo_entrypoint(container: Container) -> Verdicts:
    """
    What it finds: A container whose command or args run sudo, by itself or in a shell script.
    Why it matters: sudo in an image is a way to root that lies ready for whoever gets to run code as the application's user, and it works only while
        allowPrivilegeEscalation is not false.
    How to fix: Start the container as the user that it needs (runAsUser); do what needs root in an init container, or when the image is built.
    Exceptions: Names that only contain sudo, and scripts that install it or print it. A script inside the image is not seen.
    """
    for item in _running_sudo((*container["command"].items(), *container["args"].items())):
        # The evidence is not the item: a script can be long, and hold secrets.
        yield Failure(item, f"{container} runs sudo", evidence=(Evidence("program", "sudo"),))


def _low(container: Container, name: str, above: int) -> Verdicts:
    field = container.effective(name)
    number = field.integer
    if container.pod.is_windows or (number is not None and number > above):
        return
    yield Failure(field, f"{container} sets no {name}" if number is None else f"{container} runs with {name}: {number}, which is not above {above}")


_WORD = re.compile(r"[;&|(){}`\n]|[^\s;&|(){}`]+")
_SCRIPT_OPTION = re.compile(r"-[a-z]*c").fullmatch
_BEFORE_A_COMMAND: Final = frozenset(
    # After these words of a shell, and these programs, comes a command.
    {*";&|(){}`\n!", "if", "then", "elif", "else", "do", "while", "until", "exec", "command", "time", "--"}
    | {"env", "nohup", "nice", "timeout", "xargs", "setsid", "tini", "dumb-init", "catatonit"}
)


def _running_sudo(items: Iterable[Field]) -> Iterator[Field]:
    """The items of a command line in which sudo stands where a shell, or exec, takes the name of a program."""
    command = True  # whether the next word is one
    for item in items:
        found = comment = False
        for piece in _WORD.findall(item.text):
            comment = (comment or piece[0] == "#") and piece != "\n"
            if not comment:
                word = piece.strip("\"'")
                found = found or (command and _program(word) == "sudo")
                command = _program(word) in _BEFORE_A_COMMAND or _SCRIPT_OPTION(word) is not None or (command and _stands_between(word))
        if found:
            yield item


def _program(word: str) -> str:
    return word.rpartition("/")[2]


def _stands_between(word: str) -> bool:
    """Whether a word can stand between env, nice or timeout and their command: an option, a number, an assignment."""
    name, equals, _ = word.partition("=")
    return word[:1] in "-0123456789" or (equals == "=" and name.isidentifier())
