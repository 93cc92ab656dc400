"""API hygiene: versions that go away, kinds and fields that went, and what a team wants to see on every object."""

import csv
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple

from seawall.core.fix import Plan, Remove, Set
from seawall.core.pod import Pod, pods
from seawall.core.resource import Field, Resource
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.check import pod_rule, resource_rule
from seawall.deploy.workload.pss.seccomp_baseline import CONTAINER_ANNOTATION, POD_ANNOTATION

NEWEST_KUBERNETES = "1.37"


class Life(NamedTuple):
    """When a version of an API was deprecated and removed ("" for not yet), and what to use instead ("" for nothing)."""

    deprecated: str
    removed: str
    replacement: str


@resource_rule(
    "deprecated-api",
    "API version is deprecated or removed",
    # Medium: a removed version is refused by the API server, so the object is missing after the upgrade.
    Severity.MEDIUM,
    category="api-hygiene",
    aliases={
        "kubeaudit": "DeprecatedAPIUsed",
        "kube-linter": "no-extensions-v1beta",
        "kube-score": "stable-version",
        "trivy": "KSV-0107",
        "kics": "object_is_using_a_deprecated_api_version",
    },
    references=("https://kubernetes.io/docs/reference/using-api/deprecation-guide/",),
    parameters={"kubernetes_version": "The version that the objects are for; --kubernetes-version sets it."},
)
def deprecated_api(resource: Resource, *, kubernetes_version: str = NEWEST_KUBERNETES) -> Verdicts:
    """
    What it finds: An object in an API version that the target version of Kubernetes no longer serves, or has deprecated.
    Why it matters: An API server refuses a version that was removed; the object is then missing after the upgrade. A deprecated one is next.
    How to fix: Write the object in the version that replaces it; `kubectl convert` helps, fields may have other names.
    Exceptions: Objects for clusters that are older: say so with --kubernetes-version.
    """
    life = lives().get((resource.api_version, resource.kind))
    if life is None:
        return
    field, target = resource.field("apiVersion"), _version(kubernetes_version)
    instead = f"; use {life.replacement}" if life.replacement else ""
    plan = Plan(f"use {life.replacement}", (Set(field, life.replacement),)) if life.replacement and " " not in life.replacement else None
    if life.removed and _version(life.removed) <= target:
        yield Failure(field, f"{resource.kind} in {resource.api_version} was removed in Kubernetes {life.removed}{instead}", plan)
    elif life.deprecated and _version(life.deprecated) <= target:
        until = f" and will be removed in {life.removed}" if life.removed else ""
        message = f"{resource.kind} in {resource.api_version} is deprecated since Kubernetes {life.deprecated}{until}{instead}"
        yield Failure(field, message, plan, severity=Severity.LOW)


@resource_rule(
    "pod-security-policy",
    "PodSecurityPolicy protects nothing",
    # Medium: since Kubernetes 1.25 nothing enforces it, so that whatever it was to forbid is allowed; it opens nothing by itself.
    Severity.MEDIUM,
    category="api-hygiene",
    kinds=("PodSecurityPolicy",),
    aliases={
        "checkov": "CKV_K8S_1 CKV_K8S_2 CKV_K8S_3 CKV_K8S_4 CKV_K8S_5 CKV_K8S_6 CKV_K8S_7 CKV_K8S_24 CKV_K8S_32 CKV_K8S_36",
        "kics": (
            "psp_set_to_privileged psp_allows_sharing_host_pid psp_allows_sharing_host_ipc psp_containers_share_host_network_namespace"
            " psp_allows_privilege_escalation psp_with_added_capabilities not_limited_capabilities_for_pod_security_policy"
            " net_raw_capabilities_disabled_for_psp psp_with_unrestricted_access_to_host_path"
        ),
    },
    references=(
        "https://kubernetes.io/docs/concepts/security/pod-security-policy/",
        "https://kubernetes.io/docs/tasks/configure-pod-container/migrate-from-psp/",
    ),
)
def pod_security_policy(resource: Resource) -> Verdicts:
    """
    What it finds: A PodSecurityPolicy, whatever it allows.
    Why it matters: Kubernetes 1.25 removed the kind. The API server rejects the object, and none of the limits written in it hold, though whoever
        reads it may believe so.
    How to fix: Delete it with the roles that use it, and label the namespaces for Pod Security Admission (pod-security.kubernetes.io/enforce:
        baseline or restricted).
    Exceptions: Clusters older than 1.25, which need an upgrade more than a policy.
    """
    if resource.group in ("policy", "extensions"):
        yield Failure(resource.field("kind"), f"PodSecurityPolicy {resource.name} is of a kind that Kubernetes 1.25 removed")


@pod_rule(
    "seccomp-annotation-deprecated",
    "Seccomp profile set by a removed annotation",
    # Low: the container runs without the profile that it names; seccomp-default says so where no field names one.
    Severity.LOW,
    category="api-hygiene",
    aliases={"kubeaudit": "SeccompDeprecatedAnnotations"},
    references=("https://kubernetes.io/docs/tutorials/security/seccomp/",),
)
def seccomp_annotation_deprecated(pod: Pod) -> Verdicts:
    """
    What it finds: A pod annotation seccomp.security.alpha.kubernetes.io/pod or container.seccomp.security.alpha.kubernetes.io/NAME.
    Why it matters: Kubernetes 1.27 stopped reading these annotations. The profile that they name is not applied, although the manifest looks as if
        it were.
    How to fix: Say the same in the field securityContext.seccompProfile, of the pod or of the container, and remove the annotation.
    Exceptions: Clusters older than 1.19, which do not know the field.
    """
    containers = {container.name: container.security_context["seccompProfile"] for container in pod.containers}
    for key, annotation in pod.annotations.entries():
        if key == POD_ANNOTATION:
            yield _removed(annotation, key, pod.security_context["seccompProfile"])
        elif key.startswith(CONTAINER_ANNOTATION):
            yield _removed(annotation, key, containers.get(key.removeprefix(CONTAINER_ANNOTATION)))


@pod_rule(
    "deprecated-sa-field",
    "Deprecated field serviceAccount",
    # Low: it still works; two names for one thing can differ.
    Severity.LOW,
    category="api-hygiene",
    aliases={
        "kubeaudit": "AutomountServiceAccountTokenDeprecated",
        "kube-linter": "deprecated-service-account-field",
        "kubescape": "C-0294",
    },
)
def deprecated_sa_field(pod: Pod) -> Verdicts:
    """
    What it finds: A pod with the field serviceAccount.
    Why it matters: It is the old name of serviceAccountName. Tools look at the new one, and miss which account the pod uses.
    How to fix: Use serviceAccountName, and remove serviceAccount.
    Exceptions: The API server fills it on objects that are read back; it does no harm there.
    """
    field, current = pod.spec["serviceAccount"], pod.spec["serviceAccountName"]
    if field.text and not current.text:
        plan = Plan("use serviceAccountName", (Remove(field), Set(current, field.text)), safe=True)
        yield Failure(field, f"{pod} uses the deprecated field serviceAccount", plan)


@resource_rule(
    "labels-required",
    "Required label missing",
    # Low: nobody knows whom to ask.
    Severity.LOW,
    category="api-hygiene",
    by_default=False,
    aliases={"kube-linter": "required-label-owner", "kubescape": "C-0076 C-0077"},
    parameters={"labels": "Keys of labels that every object must have."},
)
def labels_required(resource: Resource, *, labels: tuple[str, ...] = ("app.kubernetes.io/name",)) -> Verdicts:
    """
    What it finds: An object without one of the labels that the policy requires.
    Why it matters: In an incident the first question is whose it is and what it belongs to.
    How to fix: Add the label.
    Exceptions: Objects of others, which a policy can leave out by a suppression.
    """
    for key in labels:
        field = resource.field("metadata", "labels", key)
        if not field.text:
            yield Failure(field, f"{resource.kind} {resource.name} has no label {key}")


@resource_rule(
    "annotation-required",
    "Required annotation missing",
    # Low: nobody knows whom to ask.
    Severity.LOW,
    category="api-hygiene",
    by_default=False,
    aliases={"kube-linter": "required-annotation-email"},
    parameters={"annotations": "Keys of annotations that every workload must have."},
)
def annotation_required(resource: Resource, *, annotations: tuple[str, ...] = ("email",)) -> Verdicts:
    """
    What it finds: A workload without one of the annotations that the policy requires.
    Why it matters: In an incident somebody has to be reached.
    How to fix: Add the annotation.
    Exceptions: Objects of others, which a policy can leave out by a suppression.
    """
    if not pods(resource):
        return
    for key in annotations:
        field = resource.field("metadata", "annotations", key)
        if not field.text:
            yield Failure(field, f"{resource.kind} {resource.name} has no annotation {key}")


@resource_rule(
    "sorted-keys",
    "Keys are not sorted",
    # Info: a matter of taste.
    Severity.INFO,
    category="api-hygiene",
    by_default=False,
    aliases={"kube-linter": "sorted-keys"},
)
def sorted_keys(resource: Resource) -> Verdicts:
    """
    What it finds: A mapping whose keys are not in alphabetical order. The first one out of order is shown.
    Why it matters: Sorted files have smaller differences.
    How to fix: Sort the keys.
    Exceptions: Most people write apiVersion, kind, metadata and spec first, and name before image.
    """
    for field in _mappings(resource.root):
        keys = list(field.value)
        for before, key in pairwise(keys):
            if key < before:
                yield Failure(field[key], f"key {key} stands after {before}")
                break


@cache
def lives() -> dict[tuple[str, str], Life]:
    """The life of API versions by (apiVersion, kind); built by tools/removed_apis.py."""
    text = (files("seawall.deploy.workload") / "data/removed_apis.csv").read_text(encoding="utf-8")
    return {
        (row["group_version"], row["kind"]): Life(row["deprecated"], row["removed"], row["replacement"]) for row in csv.DictReader(text.splitlines())
    }


def _version(text: str) -> tuple[int, int]:
    """``v1.29.3`` as (1, 29); the newest for what is no version."""
    numbers = text.removeprefix("v").split(".")
    try:
        return int(numbers[0]), int(numbers[1])
    except (ValueError, IndexError):
        return _version(NEWEST_KUBERNETES)


def _mappings(field: Field) -> "list[Field]":
    """All mappings at and below a field, in document order."""
    found, waiting = [], [field]
    while waiting:
        current = waiting.pop()
        if type(current.value) is dict:
            found.append(current)
            waiting += [child for _, child in current.entries()][::-1]
        else:
            waiting += list(current.items())[::-1]
    return found


def _removed(annotation: Field, key: str, field: Field | None) -> Failure:
    """``field`` is the one that replaces the annotation, if there is one."""
    message = f"the annotation {key} has no effect since Kubernetes 1.27"
    if field is None or field.is_set:
        # Safe: the field has won over the annotation since it exists (1.19), and what names no container never meant anything.
        return Failure(annotation, message, Plan("remove the annotation", (Remove(annotation),), safe=True))
    profile = _profile(annotation.text)
    if profile is None:
        return Failure(annotation, message, Plan("remove the annotation", (Remove(annotation),)))
    # Not safe: today the container runs without the profile.
    return Failure(annotation, message, Plan("move the profile into the field", (Set(field, profile), Remove(annotation))))


def _profile(value: str) -> dict[str, str] | None:
    """The seccompProfile that an annotation's value stands for (KEP-135); none for unconfined, which nobody should carry over."""
    if value in ("runtime/default", "docker/default"):
        return {"type": "RuntimeDefault"}
    if value.startswith("localhost/"):
        return {"type": "Localhost", "localhostProfile": value.removeprefix("localhost/")}
    return None
