"""Where Sigma's rules find things in an audit event, and the field that we call it.

Sigma names the places of the event with dots and looks through lists on the way; so the paths of pods, roles and bindings that lead through lists are
fields of ours, and one that no field reaches is not translated, rather than translated into something that never holds.

Source: the log source kubernetes/audit of SigmaHQ's rules; audit.k8s.io/v1.
"""

from typing import Final

from seawall.run.detect.language.tree import Field


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FIELDS: Final = {
    "auditID": "ka.auditid",
    "stage": "ka.stage",
    "verb": "ka.verb",
    "requestURI": "ka.uri",
    "userAgent": "ka.useragent",
    "sourceIPs": "ka.sourceips",
    "user.username": "ka.user.name",
    "user.groups": "ka.user.groups",
    "impersonatedUser.username": "ka.impuser.name",
    "objectRef.name": "ka.target.name",
    "objectRef.namespace": "ka.target.namespace",
    "objectRef.resource": "ka.target.resource",
    "objectRef.subresource": "ka.target.subresource",
    "responseStatus.code": "ka.response.code",
    "responseStatus.reason": "ka.response.reason",
    "requestObject.roleRef.name": "ka.req.binding.role",
    "requestObject.subjects": "ka.req.binding.subjects",
    "requestObject.rules": "ka.req.role.rules",
    "requestObject.rules.apiGroups": "ka.req.role.rules.apiGroups",
    "requestObject.rules.resources": "ka.req.role.rules.resources",
    "requestObject.rules.verbs": "ka.req.role.rules.verbs",
    "requestObject.rules.nonResourceURLs": "ka.req.role.rules.nonResourceURLs",
    "requestObject.spec.hostIPC": "ka.req.pod.host_ipc",
    "requestObject.spec.hostNetwork": "ka.req.pod.host_network",
    "requestObject.spec.hostPID": "ka.req.pod.host_pid",
    "requestObject.spec.type": "ka.req.service.type",
    "requestObject.spec.ports": "ka.req.service.ports",
    "requestObject.spec.volumes.hostPath": "ka.req.pod.volumes.hostpath",
    "requestObject.spec.volumes.hostPath.path": "ka.req.pod.volumes.hostpath",
    # What rules name without saying where it is.
    "hostPath": "ka.req.pod.volumes.hostpath",
    "capabilities": "ka.req.pod.containers.add_capabilities",
    "privileged": "ka.req.pod.containers.privileged",
    "hostNetwork": "ka.req.pod.host_network",
    "hostPID": "ka.req.pod.host_pid",
    "hostIPC": "ka.req.pod.host_ipc",
    "username": "ka.user.name",
    "apiGroup": "jevt.value[/objectRef/apiGroup]",
    "resource": "ka.target.resource",
    "subresource": "ka.target.subresource",
    "namespace": "ka.target.namespace",
}

_OF_CONTAINERS: Final = {
    "image": "image",
    "securityContext.privileged": "privileged",
    "securityContext.allowPrivilegeEscalation": "allow_privilege_escalation",
    "securityContext.readOnlyRootFilesystem": "read_only_fs",
    "securityContext.runAsUser": "run_as_user",
    "securityContext.runAsGroup": "run_as_group",
    "securityContext.procMount": "proc_mount",
    "securityContext.capabilities": "add_capabilities",
    "securityContext.capabilities.add": "add_capabilities",
    "ports.hostPort": "host_port",
}

_LISTS: Final = _names(
    "containers initContainers ephemeralContainers volumes env envFrom volumeMounts ports rules subjects webhooks items groups sourceIPs tolerations "
    "ownerReferences finalizers managedFields add drop command args imagePullSecrets ingress egress externalIPs"
)
"""Keys of Kubernetes' objects that hold lists."""

_TOP: Final = _names(
    "level auditID stage requestURI verb user impersonatedUser sourceIPs userAgent objectRef responseStatus requestObject responseObject "
    "requestReceivedTimestamp stageTimestamp annotations"
)

ONE_SPELLING: Final = frozenset({"ka.verb", "ka.stage", "ka.target.resource", "ka.target.subresource", "ka.response.code"})
"""Fields whose values the API server writes itself, always alike; Sigma compares without regard to case, which means nothing there."""


def field_at(path: str) -> Field | None:
    """The field at a place of the event, or None where we have none that means the same."""
    name = _FIELDS.get(path) or _of_containers(path)
    if name is not None:
        stem, bracket, argument = name.partition("[")
        return Field(stem, argument.rstrip("]") if bracket else None)
    steps = path.split(".")
    if steps[0] == "annotations" and len(steps) > 1:
        steps = ["annotations", path.removeprefix("annotations.")]
    elif steps[0] not in _TOP or not all(steps) or _LISTS.intersection(steps[:-1]):
        return None
    return Field("jevt.value", "/" + "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps))


def _of_containers(path: str) -> str | None:
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        rest = path.removeprefix(f"requestObject.spec.{kind}.")
        if rest != path and rest in _OF_CONTAINERS:
            return f"ka.req.pod.{kind}.{_OF_CONTAINERS[rest]}"
    return None
