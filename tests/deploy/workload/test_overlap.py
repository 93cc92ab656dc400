"""In the default profile one weakness is one finding, from the rule that says most; what surrounds it makes it worse or milder."""

from pathlib import Path

import pytest

from seawall.app.scan import scan
from seawall.core.policy import Policy
from seawall.core.severity import Severity
from seawall.deploy.workload import compile_checks, registry

CATEGORIES = ("isolation", "privilege", "capabilities")
OTHERS = [rule.id for rule in registry() if rule.category not in CATEGORIES and rule.id != "host-port"]
BY_DEFAULT = Policy()

HARDENED = "allowPrivilegeEscalation: false, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}"


def findings(folder: Path, container: str, policy: Policy, pod: str = "") -> list[tuple[str, Severity]]:
    """Rule and severity of what is found in a pod with one container, which has this security context."""
    manifest = folder / "pod.yaml"
    manifest.write_text(f"""
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  {pod}
  containers:
    - name: app
      image: registry.example/app:1
      ports: [{{containerPort: 80, hostPort: 80}}]
      securityContext: {{{container}}}
""")
    report = scan([str(manifest)], compile_checks(policy, skip=OTHERS))
    assert not report.errors
    return [(finding.rule, finding.severity) for finding in report.findings if finding.rule != "host-port"]


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (f"{HARDENED}, capabilities: {{drop: [ALL], add: [SYS_ADMIN]}}", ["cap-sys-admin"]),
        (f"{HARDENED}, capabilities: {{drop: [ALL], add: [cap_sys_module]}}", ["cap-sys-module"]),
        (f"{HARDENED}, capabilities: {{drop: [ALL], add: [SYS_PTRACE]}}", ["cap-sys-ptrace"]),
        (f"{HARDENED}, capabilities: {{drop: [ALL], add: [DAC_READ_SEARCH]}}", ["cap-dac-read-search"]),
        (f"{HARDENED}, capabilities: {{drop: [ALL], add: [NET_ADMIN]}}", ["cap-dangerous"]),
        (f"{HARDENED}, capabilities: {{drop: [ALL], add: [ALL]}}", ["cap-dangerous"]),
        (f"{HARDENED}, capabilities: {{drop: [ALL], add: [NET_RAW]}}", ["cap-beyond-default"]),
        (f"{HARDENED}, capabilities: {{drop: [ALL], add: [CHOWN]}}", []),
        (f"{HARDENED}, capabilities: {{}}", ["cap-drop-all"]),
        ("privileged: true, runAsNonRoot: true", ["privileged"]),
        ("runAsUser: 0, allowPrivilegeEscalation: false, seccompProfile: {type: RuntimeDefault}, capabilities: {drop: [ALL]}", ["run-as-uid-zero"]),
        (
            "runAsNonRoot: true, allowPrivilegeEscalation: false, seccompProfile: {type: Unconfined}, capabilities: {drop: [ALL]}",
            ["seccomp-unconfined"],
        ),
        ("runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}", ["seccomp-default"]),
    ],
)
def test_one_weakness_is_one_finding_by_default(tmp_path: Path, context: str, expected: list[str]) -> None:
    assert [rule for rule, _ in findings(tmp_path, context, BY_DEFAULT)] == expected


def test_a_port_of_a_pod_on_the_nodes_network_is_not_told_apart(tmp_path: Path) -> None:
    manifest = tmp_path / "pod.yaml"
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  %s\n  containers: [{name: app, ports: [{containerPort: 80, hostPort: 80}]}]\n"
    for pod, expected in (("hostNetwork: true", ["host-network"]), ("hostNetwork: false", ["host-port"])):
        manifest.write_text(text % pod)
        report = scan([str(manifest)], compile_checks(BY_DEFAULT))
        assert [finding.rule for finding in report.findings if finding.rule in ("host-network", "host-port")] == expected


def test_rules_judge_independently_in_the_profile_all(tmp_path: Path) -> None:
    found = {rule for rule, _ in findings(tmp_path, "privileged: true, capabilities: {add: [SYS_ADMIN]}", Policy(profile="all"))}
    assert found >= {"privileged", "priv-escalation", "cap-drop-all", "cap-sys-admin", "cap-dangerous", "cap-beyond-default", "seccomp-default"}


@pytest.mark.parametrize(
    ("pod", "context", "expected"),
    [
        ("", "capabilities: {drop: [ALL], add: [ALL]}", ("cap-dangerous", Severity.CRITICAL)),
        ("", "capabilities: {drop: [ALL], add: [NET_ADMIN]}", ("cap-dangerous", Severity.HIGH)),
        ("hostUsers: false", "capabilities: {drop: [ALL], add: [SYS_ADMIN]}", ("cap-sys-admin", Severity.MEDIUM)),
        ("hostPID: true", "capabilities: {drop: [ALL], add: [SYS_PTRACE]}", ("cap-sys-ptrace", Severity.CRITICAL)),
        ("", "procMount: Unmasked", ("proc-mount", Severity.HIGH)),
        ("hostUsers: false", "procMount: Unmasked", ("proc-mount", Severity.LOW)),
        ("", "appArmorProfile: {type: Unconfined}", ("apparmor", Severity.MEDIUM)),
        ("", "capabilities: {drop: [ALL]}", ("apparmor", Severity.LOW)),
    ],
)
def test_the_surroundings_decide_how_bad_it_is(tmp_path: Path, pod: str, context: str, expected: tuple[str, Severity]) -> None:
    assert expected in findings(tmp_path, context, Policy(profile="all"), pod)


@pytest.mark.parametrize("pod", ["", "os: {name: windows}"])
def test_an_ordinary_workload_does_not_fail_a_build(tmp_path: Path, pod: str) -> None:
    """The default of --fail-on is high: a manifest that sets nothing must stay below it."""
    assert not [rule for rule, severity in findings(tmp_path, "", BY_DEFAULT, pod) if severity.at_least(Severity.HIGH)]
