"""What cannot be judged is said to be so, parameters are checked, and an ordinary workload does not fail a build."""

from pathlib import Path

import pytest

from seawall.app.scan import scan
from seawall.core.errors import UsageError
from seawall.core.fix import Set
from seawall.core.pod import pods
from seawall.core.policy import Policy
from seawall.core.report import Report
from seawall.core.resource import Resource
from seawall.core.severity import Severity
from seawall.core.verdict import Failure
from seawall.deploy.workload import compile_checks
from seawall.deploy.workload.rules.image import image_registry_old
from seawall.io.sources.document import Source
from seawall.io.sources.manifests import resources

IMAGES = ("image-latest", "image-digest", "image-pull-always", "image-registry-allow", "image-registry-deny", "image-registry-old")


def report_of(folder: Path, pod: str, only: tuple[str, ...] = (), policy: Policy | None = None) -> Report:
    manifest = folder / "pod.yaml"
    manifest.write_text(f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n{pod}")
    report = scan([str(manifest)], compile_checks(policy or Policy(profile="all"), only=only))
    assert not report.errors
    return report


@pytest.mark.parametrize("image", ["'${IMAGE}'", "Team/App", "'app:'", "''", "' '", "12", "null"])
def test_an_image_that_cannot_be_read_is_not_evaluated(tmp_path: Path, image: str) -> None:
    policy = Policy(profile="all", parameters={"image-registry-allow": {"registries": ["registry.example"]}})
    report = report_of(tmp_path, f"  containers: [{{name: app, image: {image}}}]\n", IMAGES, policy)
    assert not report.findings
    assert {item.rule for item in report.not_evaluated} == set(IMAGES)
    assert all("container app" in item.reason for item in report.not_evaluated)


def test_without_a_list_of_registries_nothing_is_allowed_or_refused(tmp_path: Path) -> None:
    report = report_of(tmp_path, "  containers: [{name: app, image: nginx}, {name: other, image: nginx}]\n", ("image-registry-allow",))
    assert not report.findings
    assert ["registries" in item.reason for item in report.not_evaluated] == [True]


@pytest.mark.parametrize("rule", ["cpu-limit", "cpu-request", "limit-exceeds-threshold", "cpu-requests-equal-limits", "requests-equal-limits"])
def test_a_quantity_that_cannot_be_read_is_not_evaluated(tmp_path: Path, rule: str) -> None:
    report = report_of(tmp_path, "  containers: [{name: app, resources: {requests: {cpu: much}, limits: {cpu: more}}}]\n", (rule,))
    assert not report.findings
    [item] = report.not_evaluated
    assert "is not a quantity" in item.reason


def test_a_request_of_the_pod_that_its_containers_make_is_not_evaluated(tmp_path: Path) -> None:
    pod = "  resources: {limits: {memory: 1Gi}}\n  containers: [{name: app, resources: {requests: {memory: 1Gi}}}]\n"
    report = report_of(tmp_path, pod, ("mem-requests-equal-limits",))
    assert not report.findings
    [item] = report.not_evaluated
    assert "the sum of its containers'" in item.reason


@pytest.mark.parametrize(("ceiling", "found"), [("4", 2), ("4500m", 1), ("", 0)])
def test_ceilings_are_parameters(tmp_path: Path, ceiling: str, found: int) -> None:
    policy = Policy(parameters={"limit-exceeds-threshold": {"cpu": ceiling, "memory": ""}})
    pod = "  containers: [{name: a, resources: {limits: {cpu: 4.5}}}, {name: b, resources: {limits: {cpu: 4501m, memory: 1Ei}}}]\n"
    assert len(report_of(tmp_path, pod, ("limit-exceeds-threshold",), policy).findings) == found


def test_a_ceiling_that_is_no_quantity_is_wrong_usage(tmp_path: Path) -> None:
    policy = Policy(parameters={"limit-exceeds-threshold": {"memory": "lots"}})
    with pytest.raises(UsageError, match="parameter memory of rule limit-exceeds-threshold: 'lots' is not a quantity"):
        report_of(tmp_path, "  containers: [{name: a, resources: {limits: {memory: 1Gi}}}]\n", ("limit-exceeds-threshold",), policy)


def test_a_sandbox_without_limits_is_one_finding_by_default(tmp_path: Path) -> None:
    manifest = tmp_path / "sandbox.yaml"
    manifest.write_text(
        "apiVersion: agents.x-k8s.io/v1alpha1\nkind: Sandbox\nmetadata: {name: coder}\nspec: {podTemplate: {spec: {containers: [{name: coder}]}}}\n"
    )
    limits = {"mem-limit", "sandbox-resource-ceiling"}
    assert {finding.rule for finding in scan([str(manifest)], compile_checks(Policy())).findings} & limits == {"sandbox-resource-ceiling"}
    assert {finding.rule for finding in scan([str(manifest)], compile_checks(Policy(profile="all"))).findings} >= limits


@pytest.mark.parametrize(
    ("image", "moved"),
    [
        ("k8s.gcr.io/e2e/busybox:1.29", "registry.k8s.io/e2e/busybox:1.29"),
        ("K8s.gcr.io:443/pause", "registry.k8s.io/pause"),
        ("gcr.io/google_containers/pause:3.1", None),
    ],
)
def test_a_retired_registry_is_replaced_in_the_reference(image: str, moved: str | None) -> None:
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec: {{containers: [{{name: app, image: '{image}'}}]}}"
    [resource] = resources(Source("pod.yaml", text))
    assert isinstance(resource, Resource)
    [pod] = pods(resource)
    [verdict] = image_registry_old(pod)
    assert isinstance(verdict, Failure)
    values = [change.value for change in verdict.fix.changes if isinstance(change, Set)] if verdict.fix else [None]
    assert values == [moved]
    assert verdict.fix is None or not verdict.fix.safe


def test_an_ordinary_workload_does_not_fail_a_build(tmp_path: Path) -> None:
    """The default of --fail-on is high: a manifest that sets nothing must stay below it."""
    for profile in ("default", "all"):
        report = report_of(tmp_path, "  containers: [{name: app, image: nginx}]\n", policy=Policy(profile=profile))
        ours = [finding for finding in report.findings if finding.rule.startswith(("image-", "cpu-", "mem-", "readonly-"))]
        assert ours
        assert not [finding.rule for finding in ours if finding.severity.at_least(Severity.HIGH)]
