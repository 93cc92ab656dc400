"""The index answers what a walk over all objects would; places come from a second reading, and tell when the file changed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.app.scan import scan
from seawall.core.policy import Policy
from seawall.core.resource import Resource
from seawall.core.selector import labels_selector, selector_of
from seawall.deploy.workload import Inventory, compile_checks
from seawall.deploy.workload.inventory import outline
from seawall.io.sources.late import LatePositions

KEYS, VALUES, NAMESPACES = ["app", "tier", "x"], ["a", "b", ""], ["", "default", "shop"]
labels = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES))
expressions = st.one_of(
    st.builds(
        lambda key, operator, values: {"key": key, "operator": operator, "values": values},
        st.sampled_from(KEYS),
        st.sampled_from(["In", "NotIn"]),
        st.lists(st.sampled_from(VALUES), min_size=1),
    ),
    st.builds(lambda key, operator: {"key": key, "operator": operator}, st.sampled_from(KEYS), st.sampled_from(["Exists", "DoesNotExist"])),
)


def pod(name: str, namespace: str, own: dict[str, str]) -> Resource:
    metadata = {"name": name, "namespace": namespace, "labels": own}
    return Resource("x", {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": []}}, LatePositions(0))


@given(st.lists(st.tuples(st.sampled_from(NAMESPACES), labels)), st.sampled_from(NAMESPACES), labels, st.lists(expressions, max_size=3))
def test_select_is_what_a_walk_finds(
    pods: list[tuple[str, dict[str, str]]], namespace: str, wanted: dict[str, str], more: list[dict[str, object]]
) -> None:
    def holds(own: dict[str, str]) -> bool:
        for key, value in wanted.items():
            if own.get(key) != value:
                return False
        for expression in more:
            has = expression["key"] in own
            among = has and own[str(expression["key"])] in expression.get("values", ())  # type: ignore[operator]
            if not {"In": among, "NotIn": not among, "Exists": has, "DoesNotExist": not has}[str(expression["operator"])]:
                return False
        return True

    inventory = Inventory(pod(str(number), *about) for number, about in enumerate(pods))
    selector = selector_of({"matchLabels": wanted, "matchExpressions": more})
    assert selector is not None
    found = [entry.resource.name for entry in inventory.select(namespace, selector)]
    assert found == [str(number) for number, (where, own) in enumerate(pods) if (where or "default") == (namespace or "default") and holds(own)]


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"matchLabels": []},
        {"matchLabels": {"a": 1}},
        {"matchExpressions": {}},
        {"matchExpressions": [{"key": "a", "operator": "Is", "values": ["b"]}]},
        {"matchExpressions": [{"key": "a", "operator": "In"}]},
        {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]},
        {"matchExpressions": [{"operator": "Exists"}]},
        {"matchExpressions": [{"key": "a", "operator": ["Exists"]}]},
        {"matchExpressions": [{"key": "a", "operator": {}}]},
    ],
)
def test_a_selector_that_the_api_refuses_is_none(value: object) -> None:
    assert selector_of(value) is None


def test_an_empty_selector_selects_everything_and_a_missing_one_is_none() -> None:
    everything = selector_of({})
    assert everything is not None
    assert everything.matches({})
    assert labels_selector(None) is None


def test_an_outline_holds_no_secret() -> None:
    data = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": "hunter2"}, "data": {"k": "aHVudGVyMg=="}}
    kept = outline(Resource("x", data, LatePositions(0)))
    assert "hunter2" not in str(kept)
    assert "aHVudGVyMg" not in str(kept)
    assert kept["stringData"] == {"password": None}


def test_a_finding_between_objects_has_its_place_and_the_report_its_order(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# a comment\napiVersion: v1\nkind: Service\nmetadata: {name: lost}\nspec:\n  selector:\n    app: gone\n")
    (tmp_path / "b.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: x\n    securityContext: {privileged: true}\n"
    )
    report = scan([str(tmp_path)], compile_checks(Policy(), only=["service-targets-pod", "privileged"]))
    assert [(finding.rule, finding.locations[0].line) for finding in report.findings] == [("service-targets-pod", 6), ("privileged", 7)]
    assert report.outcomes["service-targets-pod"] == {"fail": 1}


def test_without_workloads_a_service_is_not_evaluated(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata: {name: lost}\nspec: {selector: {app: gone}}\n")
    report = scan([str(tmp_path)], compile_checks(Policy(), only=["service-targets-pod"]))
    assert not report.findings
    assert [entry.reason for entry in report.not_evaluated] == ["no workload was given to the scan"]
    assert report.outcomes["service-targets-pod"] == {"not-evaluated": 1}
