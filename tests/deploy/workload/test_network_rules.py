"""What no fixture can say: parameters, the clock, places of objects that were kept as outlines, and addresses of pods in snapshots."""

import base64
from pathlib import Path

import pytest
import yaml

from seawall.app.scan import scan
from seawall.core.errors import UsageError
from seawall.core.policy import Policy
from seawall.core.report import Report
from seawall.deploy.workload import compile_checks

FIXTURES = Path(__file__).parent / "fixtures"


def scanned(path: Path, rule: str, **parameters: object) -> Report:
    return scan([str(path)], compile_checks(Policy(parameters={rule: parameters}), only=[rule]))


@pytest.mark.parametrize(
    ("today", "days", "severities"),
    [("2020-06-01", 30, []), ("2020-12-15", 30, ["medium"] * 2), ("2020-12-15", 7, []), ("2021-01-02", 0, ["high"] * 2)],
)
def test_certificates_by_the_day(today: str, days: int, severities: list[str]) -> None:
    """Two Secrets hold a certificate that is good in 2020 alone; the third is good until 2099."""
    report = scanned(FIXTURES / "tls-certificate-expiring.yaml", "tls-certificate-expiring", today=today, days=days)
    assert [str(finding.severity) for finding in report.findings] == severities


def test_a_certificate_of_tomorrow() -> None:
    report = scanned(FIXTURES / "tls-certificate-expiring.yaml", "tls-certificate-expiring", today="2019-12-31", days=0)
    assert ["valid from 2020-01-01" in finding.message for finding in report.findings] == [True] * 3


def test_no_certificate_is_shown() -> None:
    report = scanned(FIXTURES / "tls-certificate-expiring.yaml", "tls-certificate-expiring")
    text = base64.b64decode(next(yaml.safe_load_all((FIXTURES / "tls-certificate-expiring.yaml").read_text()))["data"]["tls.crt"]).decode()
    assert report.findings
    assert text.splitlines()[1][:20] not in repr(report)
    assert [item.reason for item in report.not_evaluated] == ["the certificate cannot be read: there is no PEM certificate"]


@pytest.mark.parametrize(
    ("rule", "parameters"),
    [
        ("tls-certificate-expiring", {"today": "tomorrow"}),
        ("imds-access", {"addresses": ["metadata.example"]}),
        ("netpol-ineffective", {"directions": ["sideways"]}),
    ],
)
def test_a_parameter_that_means_nothing_is_a_usage_error(rule: str, parameters: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        scanned(FIXTURES / f"{rule}.yaml", rule, **parameters)


def test_the_deciding_rule_is_shown_beside_the_pod() -> None:
    report = scanned(FIXTURES / "imds-access.yaml", "imds-access")
    wide = next(finding for finding in report.findings if "wide" in finding.message)
    assert wide.locations[1].field == "spec.egress[0]"
    assert "NetworkPolicy default/wide allows it" in wide.message


def test_a_pod_of_a_snapshot_keeps_its_address(tmp_path: Path) -> None:
    """The policy lets everybody in but the pod's own network; as its address is known, that it is a pod does not help a neighbour."""
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
            "spec": {"containers": [{"name": "app"}]},
            "status": {"podIP": address, "phase": "Running"},
        }
        for name, address in (("web", "10.0.0.1"), ("db", "10.0.0.2"))
    ]
    rules = [
        {"action": "Deny", "to": [{"networks": ["10.0.0.2/32"]}]},
        {"action": "Deny", "to": [{"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "db"}}}}]},
    ]
    policy = {
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "both"},
        "spec": {"tier": "Admin", "priority": 1, "subject": {"namespaces": {}}, "egress": rules},
    }
    path = tmp_path / "snapshot.yaml"
    path.write_text(yaml.safe_dump_all([*pods, policy]))
    fields = [finding.locations[0].field for finding in scanned(path, "netpol-superfluous").findings]
    assert fields == ["spec.egress[1]"]  # what the first rule says of the address, it says of the pod
    for pod in pods:
        del pod["status"]
    path.write_text(yaml.safe_dump_all([*pods, policy]))
    assert [finding.locations[0].field for finding in scanned(path, "netpol-superfluous").findings] == []


def test_a_tier_that_is_elsewhere_makes_no_policy_void(tmp_path: Path) -> None:
    policy = {"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy", "metadata": {"name": "p"}, "spec": {"tier": "platform"}}
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(policy))
    report = scanned(path, "netpol-invalid")
    assert not report.findings
    assert "there is no Tier platform" in report.not_evaluated[0].reason
