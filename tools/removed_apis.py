"""Builds `src/seawall/deploy/workload/data/removed_apis.csv` from the Go module k8s.io/api.

Kubernetes states the life of each beta and alpha type in the code itself (APILifecycleDeprecated and the like). Types that were taken out of the
module long ago are no longer stated there; they stand below, from the deprecation guide.

    go mod download -json k8s.io/api@v0.37.0     # prints the directory
    python tools/removed_apis.py DIRECTORY
"""

import csv
import re
import sys
from pathlib import Path

TARGET = Path(__file__).parents[1] / "src/seawall/deploy/workload/data/removed_apis.csv"
COLUMNS = ("group_version", "kind", "deprecated", "removed", "replacement")
RBAC = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
GONE = [
    # https://kubernetes.io/docs/reference/using-api/deprecation-guide/
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", "1.16", "1.22", "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", "APIService", "1.19", "1.22", "apiregistration.k8s.io/v1"),
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler", "1.22", "1.25", "autoscaling/v2"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "1.23", "1.26", "autoscaling/v2"),
    ("batch/v2alpha1", "CronJob", "1.8", "1.21", "batch/v1"),
    ("extensions/v1beta1", "PodSecurityPolicy", "1.10", "1.16", ""),
    ("policy/v1beta1", "PodSecurityPolicy", "1.21", "1.25", ""),
    *(("rbac.authorization.k8s.io/v1alpha1", kind, "1.17", "1.22", "rbac.authorization.k8s.io/v1") for kind in RBAC),
    ("resource.k8s.io/v1alpha1", "ResourceClaim", "1.26", "1.27", "resource.k8s.io/v1"),
    ("resource.k8s.io/v1alpha2", "ResourceClaim", "1.30", "1.31", "resource.k8s.io/v1"),
    ("scheduling.k8s.io/v1alpha1", "PriorityClass", "1.14", "1.22", "scheduling.k8s.io/v1"),
    ("settings.k8s.io/v1alpha1", "PodPreset", "1.18", "1.20", ""),
    ("v1", "ComponentStatus", "1.19", "", ""),
    ("v1", "Endpoints", "1.33", "", "discovery.k8s.io/v1 EndpointSlice"),
]
METHOD = re.compile(r"func \(in \*(\w+)\) APILifecycle(Deprecated|Removed)\(\) \(major, minor int\) \{\s*return (\d+), (\d+)")
REPLACEMENT = re.compile(
    r'func \(in \*(\w+)\) APILifecycleReplacement\(\)[^{]*\{\s*return schema.GroupVersionKind\{Group: "([^"]*)", Version: "([^"]*)"'
)
GROUP = re.compile(r'const GroupName = "([^"]*)"')


def rows(module: Path) -> list[tuple[str, ...]]:
    """One row for each kind whose end is stated."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for path in sorted(module.glob("*/*/zz_generated.prerelease-lifecycle.go")):
        group = GROUP.search((path.parent / "register.go").read_text())
        if group is None:
            raise SystemExit(f"{path.parent}: no group name")
        group_version = f"{group[1]}/{path.parent.name}" if group[1] else path.parent.name
        text = path.read_text()
        for kind, what, major, minor in METHOD.findall(text):
            found.setdefault((group_version, kind), {})[what] = f"{major}.{minor}"
        for kind, new_group, version in REPLACEMENT.findall(text):
            found.setdefault((group_version, kind), {})["Replacement"] = f"{new_group}/{version}" if new_group else version
    stated = [
        (group_version, kind, about.get("Deprecated", ""), about.get("Removed", ""), about.get("Replacement", ""))
        for (group_version, kind), about in found.items()
        if not kind.endswith("List") and ("Deprecated" in about or "Removed" in about)
    ]
    known = {row[:2] for row in stated}
    return sorted([*stated, *(row for row in GONE if row[:2] not in known)])


if __name__ == "__main__":
    with TARGET.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows(Path(sys.argv[1])))
