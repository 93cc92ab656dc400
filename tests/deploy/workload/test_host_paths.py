"""What hostPath volumes open, and that one volume is one finding by default."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.app.scan import scan
from seawall.core.policy import Policy
from seawall.core.severity import Severity
from seawall.deploy.workload import compile_checks
from seawall.deploy.workload.host_paths import is_within, normal, reaches

RULES = ("hostpath", "hostpath-sensitive", "hostpath-credentials", "hostpath-writable", "host-devices", "runtime-socket")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("//", "/"),
        ("///etc//", "/etc"),
        ("/data/../etc/./ssh/", "/etc/ssh"),
        ("/../../etc", "/etc"),
        ("etc", "/etc"),
        ("/var/run", "/run"),
        ("/var/run/docker.sock", "/run/docker.sock"),
        ("/var/./run/", "/run"),
        ("/var/running", "/var/running"),
        ("C:\\", "/"),
        ("c:\\Windows\\System32\\", "/windows/system32"),
        ("C:/var/run/x", "/run/x"),
        ("\\\\.\\pipe\\Docker_Engine", "/pipe/docker_engine"),
        ("/back\\slash", "/back\\slash"),
    ],
)
def test_normal_form(path: str, expected: str) -> None:
    assert normal(path) == expected
    assert normal(expected) == expected


names = st.lists(st.sampled_from(["a", "b", "ab"]), max_size=4)


@settings(max_examples=300)
@given(names, names)
def test_patterns_against_prefixes_of_text(path: list[str], pattern: list[str]) -> None:
    seen, named = "/" + "".join(f"{name}/" for name in path), "/" + "".join(f"{name}/" for name in pattern)
    plain, tree = "/" + "/".join(pattern), "/".join(["", *pattern, "**"])
    above, below = named.startswith(seen), seen.startswith(named)
    assert reaches(normal(seen), plain) == above
    assert reaches(normal(seen), tree) == (above or below)
    assert is_within(normal(seen), plain) == (seen == named)
    assert is_within(normal(seen), tree) == below


def test_a_star_is_one_name() -> None:
    assert reaches("/home/ada/.ssh/id", "/home/*/.ssh/**")
    assert reaches("/home/ada", "/home/*/.ssh/**")
    assert not reaches("/home/ada/work/.ssh", "/home/*/.ssh/**")
    assert reaches("/run/x", "/var/run/x")


def findings(folder: Path, path: str, mounts: str, policy: Policy) -> dict[str, Severity]:
    manifest = folder / "pod.yaml"
    manifest.write_text(f"""
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  containers:
    - {{name: app, volumeMounts: [{mounts}]}}
  volumes:
    - {{name: host, hostPath: {{path: {path!r}}}}}
""")
    report = scan([str(manifest)], compile_checks(policy))
    assert not report.errors
    found = [(finding.rule, finding.severity) for finding in report.findings if finding.rule in RULES]
    assert len(found) == len(dict(found))
    return dict(found)


WRITTEN = "{name: host, mountPath: /host}"
READ = "{name: host, mountPath: /host, readOnly: true}"


@pytest.mark.parametrize(
    ("path", "mounts", "by_default", "severity", "in_all"),
    [
        ("/var/run/docker.sock", READ, "runtime-socket", Severity.CRITICAL, {"hostpath"}),
        ("/var/run", WRITTEN, "runtime-socket", Severity.CRITICAL, {"hostpath", "hostpath-sensitive", "hostpath-writable"}),
        ("/", WRITTEN, "hostpath-sensitive", Severity.CRITICAL, {"hostpath", "hostpath-writable"}),
        ("/", READ, "hostpath-sensitive", Severity.HIGH, {"hostpath"}),
        ("/etc", WRITTEN, "hostpath-sensitive", Severity.CRITICAL, {"hostpath", "hostpath-writable", "hostpath-credentials"}),
        ("/var/lib", WRITTEN, "hostpath-sensitive", Severity.CRITICAL, {"hostpath", "hostpath-writable", "hostpath-credentials"}),
        ("/etc/cni/net.d", WRITTEN, "hostpath-sensitive", Severity.HIGH, {"hostpath", "hostpath-writable"}),
        ("/sys", READ, "hostpath-sensitive", Severity.HIGH, {"hostpath"}),
        ("/dev", READ, "hostpath-sensitive", Severity.HIGH, {"hostpath", "host-devices"}),
        ("/dev/fuse", WRITTEN, "host-devices", Severity.MEDIUM, {"hostpath", "hostpath-writable"}),
        ("/home/ada/.kube", READ, "hostpath-credentials", Severity.HIGH, {"hostpath"}),
        ("/data", WRITTEN, "hostpath-writable", Severity.MEDIUM, {"hostpath"}),
        ("/data", READ, "hostpath", Severity.MEDIUM, set()),
        ("/data", "", "hostpath", Severity.MEDIUM, set()),
        ("/etc/localtime", READ, "hostpath", Severity.MEDIUM, set()),
        ("/etc", "{name: host, mountPath: /zone, subPath: localtime, readOnly: true}", "hostpath", Severity.MEDIUM, set()),
        ("/etc/ssl/certs", f"{READ}, {WRITTEN}", "hostpath-sensitive", Severity.HIGH, {"hostpath", "hostpath-writable"}),
    ],
)
def test_one_volume_is_one_finding_by_default_and_rules_judge_by_themselves_in_all(
    tmp_path: Path, path: str, mounts: str, by_default: str, severity: Severity, in_all: set[str]
) -> None:
    assert findings(tmp_path, path, mounts, Policy()) == {by_default: severity}
    assert findings(tmp_path, path, mounts, Policy(profile="all")).keys() == {by_default, *in_all}


def test_a_rule_that_is_named_judges_by_itself(tmp_path: Path) -> None:
    manifest = tmp_path / "pod.yaml"
    manifest.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {volumes: [{name: host, hostPath: {path: /var/run/docker.sock}}], containers: []}\n"
    )
    report = scan([str(manifest)], compile_checks(Policy(), only=["hostpath"]))
    assert [finding.rule for finding in report.findings] == ["hostpath"]


def test_parameters_replace_what_is_known_of_nodes(tmp_path: Path) -> None:
    policy = Policy(
        profile="all", parameters={"hostpath-sensitive": {"directories": ["/opt/secret/**"]}, "runtime-socket": {"sockets": ["/run/my.sock"]}}
    )
    assert findings(tmp_path, "/etc", READ, policy).keys() == {"hostpath", "hostpath-credentials"}
    assert "hostpath-sensitive" in findings(tmp_path, "/opt", READ, policy)
    assert "runtime-socket" in findings(tmp_path, "/var/run/my.sock", READ, policy)
    assert "runtime-socket" not in findings(tmp_path, "/var/run/docker.sock", READ, policy)
