"""What a level has at a version, by which rules it is reported, and what is proposed to mend it."""

import csv
from copy import deepcopy
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from seawall.core.errors import UsageError
from seawall.core.fix import Append, Change, Remove, Set
from seawall.core.pod import Pod, pods
from seawall.core.resource import Resource
from seawall.core.verdict import Failure
from seawall.deploy.workload import pss
from seawall.deploy.workload.check import CHECKS, Scope
from seawall.deploy.workload.pss import (
    allow_privilege_escalation,
    app_armor,
    capabilities_baseline,
    capabilities_restricted,
    host_namespaces,
    host_path_volumes,
    host_ports,
    host_probes,
    host_process,
    privileged,
    proc_mount_baseline,
    proc_mount_restricted,
    run_as_non_root,
    run_as_user,
    se_linux,
    seccomp_baseline,
    seccomp_restricted,
    sysctls,
    volume_types,
)
from seawall.deploy.workload.pss.levels import CONTROLS, NEWEST, Control, Level, controls, revisions
from seawall.io.sources.document import Source
from seawall.io.sources.manifests import read_manifest, resources

SHARED = Path(__file__).parents[5] / "shared" / "catalog" / "configuration_rules.csv"
CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


def rules(level: str, version: str | None = None) -> list[str]:
    return [check.rule.id for check in pss.checks(level, version)]


BASELINE = {
    "privileged", "host-pid", "host-ipc", "host-network", "host-port", "host-process-windows", "hostpath", "cap-beyond-default", "apparmor",
    "selinux-custom", "proc-mount", "seccomp-unconfined", "sysctls-unsafe",
}  # fmt: skip
RESTRICTED_AT_FIRST = BASELINE - {"hostpath"} | {"volume-types-core", "run-as-non-root"}


@pytest.mark.parametrize(
    ("level", "version", "expected"),
    [
        ("privileged", "v1.0", set()),
        ("privileged", None, set()),
        ("baseline", "v1.0", BASELINE),
        ("baseline", "v1.33", BASELINE),
        ("baseline", "v1.34", BASELINE | {"host-probe-field"}),
        ("restricted", "v1.0", RESTRICTED_AT_FIRST),
        ("restricted", "v1.7", RESTRICTED_AT_FIRST),
        ("restricted", "v1.8", RESTRICTED_AT_FIRST | {"priv-escalation"}),
        ("restricted", "v1.18", RESTRICTED_AT_FIRST | {"priv-escalation"}),
        ("restricted", "v1.19", RESTRICTED_AT_FIRST - {"seccomp-unconfined"} | {"priv-escalation", "seccomp-default"}),
        (
            "restricted",
            "v1.22",
            RESTRICTED_AT_FIRST - {"seccomp-unconfined", "cap-beyond-default"}
            | {"priv-escalation", "seccomp-default", "cap-drop-all", "cap-only-net-bind"},
        ),
        (
            "restricted",
            "v1.37",
            RESTRICTED_AT_FIRST - {"seccomp-unconfined", "cap-beyond-default"}
            | {"priv-escalation", "seccomp-default", "cap-drop-all", "cap-only-net-bind", "run-as-uid-zero", "host-probe-field"},
        ),
    ],
)
def test_a_level_has_these_rules_at_a_version(level: str, version: str | None, expected: set[str]) -> None:
    found = rules(level, version)
    assert set(found) == expected
    assert len(found) == len(expected), "no rule runs twice"


def test_every_check_is_called_with_a_pod() -> None:
    assert {check.scope for check in pss.checks("restricted")} == {Scope.POD}


@pytest.mark.parametrize("version", [None, "latest", "v1.37", "1.37", "v1.38", "v1.999"])
def test_latest_is_the_newest_known_version_and_newer_ones_are_judged_like_it(version: str | None) -> None:
    newest = {name: function for control in controls(Level.RESTRICTED, NEWEST) for name, function in revisions(control, NEWEST)}
    assert {check.rule.id: check.judge for check in pss.checks("restricted", version)} == newest


@pytest.mark.parametrize("version", ["", "v1", "v1.", "v1.29.3", "v2.0", "v0.9", "v1.-1", "v1.01", " v1.29", "v1.29\n", "V1.29", "Latest", "v1.२"])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(UsageError, match=r"v1\.0 to v1\.37"):
        pss.checks("baseline", version)


@pytest.mark.parametrize("level", ["", "Baseline", "default"])
def test_what_is_no_level_is_refused(level: str) -> None:
    with pytest.raises(UsageError, match="privileged, baseline, restricted"):
        pss.checks(level)


def test_a_rule_that_the_catalogue_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.deploy.workload.pss.CHECKS", [check for check in CHECKS if check.rule.id != "proc-mount"])
    with pytest.raises(ValueError, match="not in the catalogue: proc-mount"):
        pss.checks("restricted")


def test_the_rules_are_those_that_the_catalogue_gives_to_the_controls() -> None:
    if not SHARED.exists():
        pytest.skip("../shared/catalog is not here to compare with")
    with SHARED.open(newline="") as file:
        controls_of = {row["id"]: row["alias_pss"].lower().split() for row in csv.DictReader(file)}
    for control in CONTROLS:
        for rule in control.rules:
            assert control.name.lower() in [name.replace("procmount_baseline", "procmount") for name in controls_of[rule]], rule


MODULES = {
    "privileged": privileged,
    "hostNamespaces": host_namespaces,
    "hostPorts": host_ports,
    "windowsHostProcess": host_process,
    "hostProbesAndHostLifecycle": host_probes,
    "hostPathVolumes": host_path_volumes,
    "capabilities_baseline": capabilities_baseline,
    "appArmorProfile": app_armor,
    "seLinuxOptions": se_linux,
    "procMount": proc_mount_baseline,
    "seccompProfile_baseline": seccomp_baseline,
    "sysctls": sysctls,
    "restrictedVolumes": volume_types,
    "allowPrivilegeEscalation": allow_privilege_escalation,
    "runAsNonRoot": run_as_non_root,
    "runAsUser": run_as_user,
    "seccompProfile_restricted": seccomp_restricted,
    "capabilities_restricted": capabilities_restricted,
    "procMount_restricted": proc_mount_restricted,
}


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_latest_of_a_module_says_what_the_newest_revisions_of_its_control_say(control: Control) -> None:
    for pod in case_pods():
        newest = [place for _, function in revisions(control, NEWEST) for place in places(function, pod)]
        assert places(MODULES[control.name].latest, pod) == newest


def case_pods() -> list[Pod]:
    found = [resource for path in CASES for resource in read_manifest(str(path)) if isinstance(resource, Resource)]
    return [pod for resource in found for pod in pods(resource)]


def places(function: Any, pod: Pod) -> list[str]:
    return [str(failure.field) for failure in function(pod)]


def judge(spec: str, module: ModuleType, metadata: str = "{name: web}") -> list[Failure]:
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {metadata}\nspec: {spec}\n"
    [resource] = resources(Source("pod.yaml", text))
    assert isinstance(resource, Resource)
    [pod] = pods(resource)
    return list(module.latest(pod))


def test_a_finding_names_its_container_or_none_for_the_pod() -> None:
    found = judge(
        "{securityContext: {runAsUser: 0}, initContainers: [{name: a, securityContext: {runAsUser: 0}}], containers: [{name: b}]}", run_as_user
    )
    assert [(failure.message, failure.container) for failure in found] == [
        ("Pod web sets runAsUser: 0", ""),
        ("init container a sets runAsUser: 0", "a"),
    ]


def test_an_annotation_for_a_container_that_does_not_exist_is_about_the_pod() -> None:
    annotations = "{container.apparmor.security.beta.kubernetes.io/%s: unconfined}"
    [of_container] = judge("{containers: [{name: app}]}", app_armor, f"{{name: web, annotations: {annotations % 'app'}}}")
    [of_nobody] = judge("{containers: [{name: app}]}", app_armor, f"{{name: web, annotations: {annotations % 'nobody'}}}")
    assert (of_container.container, of_nobody.container) == ("app", "")


@pytest.mark.parametrize(
    ("module", "spec", "safe"),
    [
        # The runtime reads it in any case, so that only the standard changes its mind.
        (capabilities_restricted, "{containers: [{name: a, securityContext: {capabilities: {drop: [all]}}}]}", True),
        (capabilities_restricted, "{containers: [{name: a, securityContext: {capabilities: {drop: [ALL], add: [net_bind_service]}}}]}", True),
        (capabilities_baseline, "{containers: [{name: a, securityContext: {capabilities: {add: [chown]}}}]}", True),
        (capabilities_baseline, "{containers: [{name: a, securityContext: {capabilities: {add: [sys_admin]}}}]}", False),
        (capabilities_baseline, "{containers: [{name: a, securityContext: {capabilities: {add: [CAP_CHOWN]}}}]}", False),
        (capabilities_restricted, "{containers: [{name: a, securityContext: {capabilities: {drop: [CAP_ALL]}}}]}", False),
        (capabilities_restricted, "{containers: [{name: a, securityContext: {capabilities: {drop: [NET_RAW]}}}]}", False),
        # The kubelet looks at the number of the user, where there is one.
        (run_as_non_root, "{containers: [{name: a, securityContext: {runAsUser: 1000}}]}", True),
        (run_as_non_root, "{securityContext: {runAsUser: 1000}, containers: [{name: a}]}", True),
        (run_as_non_root, "{securityContext: {runAsUser: 1000, runAsNonRoot: false}, containers: [{name: a}]}", True),
        (run_as_non_root, "{containers: [{name: a}]}", False),
        (run_as_non_root, "{securityContext: {runAsUser: 1000}, containers: [{name: a, securityContext: {runAsUser: 0}}]}", False),
        (run_as_non_root, "{securityContext: {runAsNonRoot: false}, containers: [{name: a, securityContext: {runAsUser: 1}}, {name: b}]}", False),
        (privileged, "{containers: [{name: a, securityContext: {privileged: true}}]}", False),
        (seccomp_restricted, "{containers: [{name: a}]}", False),
        (allow_privilege_escalation, "{containers: [{name: a}]}", False),
    ],
)
def test_a_fix_is_safe_only_where_it_cannot_break_anything(module: ModuleType, spec: str, safe: bool) -> None:
    [failure] = judge(spec, module)
    assert failure.fix
    assert failure.fix.safe is safe


@pytest.mark.parametrize("context", ["{privileged: true}", "{capabilities: {add: [CAP_SYS_ADMIN]}}"])
def test_nothing_is_proposed_that_the_api_server_would_refuse(context: str) -> None:
    [failure] = judge(f"{{containers: [{{name: a, securityContext: {context}}}]}}", allow_privilege_escalation)
    assert failure.fix is None


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_fix_mends_what_it_is_for(path: Path) -> None:
    proposed = 0
    for resource in read_manifest(str(path)):
        assert isinstance(resource, Resource)
        for minor in (18, NEWEST):
            for level in (Level.BASELINE, Level.RESTRICTED):
                for _, function in (pair for control in controls(level, minor) for pair in revisions(control, minor)):
                    [pod] = pods(resource)
                    for failure in function(pod):
                        assert isinstance(failure, Failure)
                        if failure.fix:
                            mended = deepcopy(resource.data)
                            for change in failure.fix.changes:
                                apply(mended, change)
                            [after] = pods(Resource(resource.path, mended, resource.positions))
                            assert len(list(function(after))) < len(list(function(pod))), failure
                            proposed += 1
    assert proposed


def apply(data: Any, change: Change) -> None:
    """Carry out a change on the data of an object; parents that are missing or null are made."""
    *parents, last = change.field.path
    for key in parents:
        if type(data) is dict and data.get(str(key)) is None:
            data[key] = {}
        data = data[key]
    match change:
        case Set(value=value):
            data[last] = value
        case Append(item=item):
            data[last] = [*(data.get(last) or []), item]
        case Remove():
            del data[last]
