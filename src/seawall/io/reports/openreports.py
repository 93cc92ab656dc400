"""Objects of the OpenReports API (``openreports.io/v1alpha1``) for ``kubectl apply``: what the cluster's policy dashboards read.

One ``Report`` for each namespace, and a ``ClusterReport`` for what belongs to none. Objects whose manifest names no namespace are in a ``Report``
without one: ``kubectl`` puts both into the same. Results: ``fail`` for an open finding, ``warn`` (not scored) for one in the baseline, ``skip`` for
a suppressed one, ``error`` for what could not be judged. Passes are left out, because a report counts them for all objects together.

Each document is block YAML down to the results, and every value in it is JSON, so no name can be taken for a number, a boolean or a tag.

Source: the custom resource definitions of github.com/openreports/reports-api; its field for the objects concerned is ``resources``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from seawall.core.finding import Finding, Status
from seawall.core.report import Report
from seawall.core.rule import Rule
from seawall.core.severity import Severity
from seawall.core.target import NodeTarget, ResourceTarget, SubjectTarget, Target
from seawall.core.verdict import NotEvaluated
from seawall.io.reports import phrases
from seawall.io.reports.context import Context
from seawall.io.reports.json import encode
from seawall.io.reports.terminal import printable

API_VERSION: Final = "openreports.io/v1alpha1"
NAME: Final = "seawall"
# Well below what etcd takes for one object (1 MiB), and below what an annotation takes (256 KiB): `kubectl apply` keeps a copy of the object in one.
MAX_BYTES: Final = 200_000
MAX_TEXT: Final = 2_000  # characters of one value

RESULTS: Final = {Status.OPEN: "fail", Status.BASELINE: "warn", Status.SUPPRESSED: "skip"}

# `kubectl api-resources --namespaced=false` of Kubernetes 1.34, and what older versions, the gateway and the network policy API have besides.
_CLUSTER_SCOPED: Final = """
    AdminNetworkPolicy APIService BaselineAdminNetworkPolicy CertificateSigningRequest ClusterNetworkPolicy ClusterRole ClusterRoleBinding
    ClusterTrustBundle ComponentStatus CSIDriver CSINode CustomResourceDefinition DeviceClass DeviceTaintRule FlowSchema GatewayClass IngressClass
    IPAddress MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration Namespace Node PersistentVolume PodSecurityPolicy
    PriorityClass PriorityLevelConfiguration ResourceSlice RuntimeClass SelfSubjectAccessReview SelfSubjectReview SelfSubjectRulesReview ServiceCIDR
    StorageClass StorageVersion StorageVersionMigration SubjectAccessReview TokenReview ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding
    ValidatingWebhookConfiguration VolumeAttachment VolumeAttributesClass
"""
CLUSTER_SCOPED: Final = frozenset(_CLUSTER_SCOPED.split())

Json = dict[str, Any]
Scope = tuple[str, str]  # kind of the report, and its namespace


def render(report: Report, context: Context) -> Iterator[str]:
    """A stream of documents: cluster-wide first, then by namespace."""
    scopes: dict[Scope, list[Finding | NotEvaluated]] = defaultdict(list)
    for finding in report.findings:
        scopes[_scope(finding.target)].append(finding)
    for item in report.not_evaluated:
        scopes[_scope(item.target)].append(item)
    if not scopes:
        yield "# nothing found\n"
    for scope in sorted(scopes):
        for number, results in enumerate(_parts(_result(item, context.rules) for item in scopes[scope]), 1):
            yield from _document(scope, number, results, report.tool.version)


def _scope(target: Target) -> Scope:
    match target:
        case ResourceTarget(kind=kind, namespace=namespace) if namespace or kind not in CLUSTER_SCOPED:
            return "Report", namespace
        case SubjectTarget(namespace=namespace) if namespace:
            return "Report", namespace
        case _:
            return "ClusterReport", ""


def _parts(results: Iterator[Json]) -> Iterator[list[tuple[str, str]]]:
    """The results, as their kind and their JSON, in portions that fit into one object."""
    part: list[tuple[str, str]] = []
    size = 0
    for result in results:
        line = encode(result)
        bytes_ = len(line.encode())
        if part and size + bytes_ > MAX_BYTES:
            yield part
            part, size = [], 0
        part.append((result["result"], line))
        size += bytes_
    if part:
        yield part


def _document(scope: Scope, number: int, results: list[tuple[str, str]], version: str) -> Iterator[str]:
    """The first part has a name of its own, so that a report which outgrows one object keeps it."""
    kind, namespace = scope
    metadata: Json = {"name": NAME if number == 1 else f"{NAME}-{number}"}
    if namespace:
        metadata["namespace"] = _text(namespace)
    metadata["labels"] = {"app.kubernetes.io/managed-by": NAME, "app.kubernetes.io/version": version}
    counts = Counter(result for result, _ in results)
    yield f"---\napiVersion: {API_VERSION}\nkind: {kind}\n"
    yield f"metadata: {encode(metadata)}\nsource: {NAME}\n"
    yield f"summary: {encode({name: counts[name] for name in ('fail', 'warn', 'error', 'skip')})}\nresults:\n"
    for _, line in results:
        yield f"- {line}\n"


def _result(item: Finding | NotEvaluated, rules: Mapping[str, Rule]) -> Json:
    rule = rules.get(item.rule)
    result: Json = {"policy": _text(item.rule), "rule": _text(item.rule)}
    if rule:
        result["category"] = rule.category
    if isinstance(item, Finding):
        severity = item.severity
        judged = {"result": RESULTS[item.status], "scored": item.status is Status.OPEN, "message": _text(item.message)}
        properties = _properties(item)
    else:
        severity = rule.severity if rule else Severity.UNKNOWN
        judged = {"result": "error", "scored": False, "message": _text(item.reason)}
        properties = {"target": phrases.subject(item.target)}
    if severity is not Severity.UNKNOWN:
        result["severity"] = severity.value
    result |= judged
    if resources := _resources(item.target):
        result["resources"] = resources
    result["properties"] = {name: _text(value) for name, value in properties.items() if value}
    return result


def _resources(target: Target) -> list[Json]:
    match target:
        case ResourceTarget():
            reference = {"apiVersion": target.api_version, "kind": target.kind, "namespace": target.namespace, "name": target.name}
        case NodeTarget():
            reference = {"apiVersion": "v1", "kind": "Node", "name": target.name}
        case SubjectTarget(kind="ServiceAccount"):
            reference = {"apiVersion": "v1", "kind": "ServiceAccount", "namespace": target.namespace, "name": target.name}
        case _:
            return []
    return [{name: _text(value) for name, value in reference.items() if value}]


def _properties(finding: Finding) -> dict[str, str]:
    properties = {"title": finding.title, "target": phrases.subject(finding.target), "confidence": finding.confidence.value}
    for location in finding.locations[:1]:
        properties |= {"place": phrases.place(location), "field": location.field or ""}
    if finding.fix:
        properties |= {"fix": finding.fix.description, "fixIsSafe": str(finding.fix.safe).lower()}
    properties["status"] = phrases.status(finding)
    properties["controls"] = " ".join(f"{control.framework}/{control.control}" for control in finding.controls)
    properties["fingerprint"] = finding.fingerprint
    return properties


def _text(text: str) -> str:
    """What YAML can say (1.2.2, 5.1: no control characters, surrogates, U+FFFE or U+FFFF), and no more than a reader will read."""
    text = printable(text[: MAX_TEXT + 1]).translate({0xFFFE: 0xFFFD, 0xFFFF: 0xFFFD})
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."
