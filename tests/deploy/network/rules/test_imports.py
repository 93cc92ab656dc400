"""The engine costs a tenth of a second and is there only when the input has policies, and pods to judge by them."""

import subprocess
import sys
from pathlib import Path

SCAN = """
import sys
from seawall.app.scan import scan
from seawall.core.policy import Policy
from seawall.deploy.workload import compile_checks
scan([sys.argv[1]], compile_checks(Policy(profile="default")))
print("numpy" in sys.modules)
"""
POD = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: app, image: web}]}}\n"
POLICY = "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny}, spec: {podSelector: {}}}\n"


def imports_numpy(path: Path) -> str:
    return subprocess.run([sys.executable, "-c", SCAN, str(path)], capture_output=True, text=True, check=True).stdout.strip()


def test_a_scan_without_policies_does_not_load_the_engine(tmp_path: Path) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text(POD)
    assert imports_numpy(path) == "False"
    path.write_text(POLICY)
    assert imports_numpy(path) == "False"
    path.write_text(POD + POLICY)
    assert imports_numpy(path) == "True"
