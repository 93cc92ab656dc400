"""API hygiene: versions that go away, fields that went, and what a team wants to see on every object."""

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
