"""User rules as checks: what they find, where it points, what is not evaluated, and what is refused."""

import pickle
from typing import Any

import pytest

from seawall.core.errors import UsageError
from seawall.core.location import Location
from seawall.core.resource import Path, Resource
from seawall.core.rule import Outcome
from seawall.core.severity import Severity
from seawall.deploy.cel import CustomRule, custom_checks, read_rules
from seawall.deploy.cel.field_path import parse_field
from seawall.deploy.workload import Checks, Judgement, judge

pytest.importorskip("cel_expr_python.cel", reason="the extra seawall[cel] is not installed")

OWNER = {
    "id": "team/owner-label",
    "title": "Deployment names its owner",
    "severity": "low",
    "kinds": ["Deployment"],
    "groups": ["apps"],
    "expression": "has(object.metadata.labels) && 'owner' in object.metadata.labels",
    "message": "add the label owner",
    "field": "metadata.labels",
    "fix_description": "add metadata.labels.owner",
    "references": ["https://example.com/owners"],
}


class Nowhere:
    """Positions of an object that stands in no file."""

    def locate(self, path: Path, field: str) -> Location:
        return Location("x", 1, 1, 1, 1, field)

    def edits(self, changes: Any) -> tuple[()]:
        return ()


def judged(data: dict[str, Any], **changes: Any) -> Judgement:
    [check] = custom_checks(read_rules([OWNER | changes]))
    return judge(Resource("x", data, Nowhere()), Checks([(check, {})]))


def deployment(**metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", **metadata}}


def test_a_finding_says_what_the_rule_says() -> None:
    [finding] = judged(deployment()).findings
    assert (finding.rule, finding.severity, finding.message) == ("team/owner-label", Severity.LOW, "add the label owner")
    assert finding.locations[0].field == "metadata.labels"
    assert finding.fix is not None
    assert finding.fix.description == "add metadata.labels.owner"
    assert not finding.fix.safe


def test_an_object_that_fits_passes() -> None:
    judgement = judged(deployment(labels={"owner": "shop"}))
    assert judgement.outcomes == {"team/owner-label": Outcome.PASS}
    assert not judgement.findings


@pytest.mark.parametrize("other", [{"kind": "StatefulSet"}, {"apiVersion": "v1"}, {"apiVersion": "extensions/v1beta1"}])
def test_other_kinds_and_groups_are_left_alone(other: dict[str, Any]) -> None:
    assert not judged(deployment() | other).findings


def test_without_kinds_and_groups_every_object_is_judged() -> None:
    assert judged({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}, kinds=[], groups=[]).findings


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("object.metadata.labels.owner != ''", "no such key: labels"),
        ("object.metadata.name", "the expression gives a string, not a bool"),
        ("object.metadata.name > 3", "no matching overloads found : _>_(string, int64)"),
    ],
)
def test_an_error_is_never_a_pass(expression: str, reason: str) -> None:
    judgement = judged(deployment(), expression=expression)
    assert [item.reason for item in judgement.not_evaluated] == [reason]
    assert judgement.outcomes == {"team/owner-label": Outcome.NOT_EVALUATED}


def test_a_message_in_cel_and_what_replaces_it() -> None:
    assert judged(deployment(), message_expression="object.metadata.name + ' has\\nno owner'").findings[0].message == "web has no owner"
    assert judged(deployment(), message_expression="object.metadata.nope").findings[0].message == "add the label owner"
    assert judged(deployment(), message="", message_expression="object.metadata.nope").findings[0].message == "Deployment names its owner"


def test_secrets_are_not_printed() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"password": "hunter2"}}
    same = {"kinds": [], "groups": [], "field": "stringData.password"}
    failed = judged(secret, expression="false", message_expression="object.stringData.password", **same)
    assert "hunter2" not in str(failed)
    assert failed.findings
    errored = judged(secret, expression="int(object.stringData.password) > 0", **same)
    assert "hunter2" not in str(errored)
    assert errored.not_evaluated


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"expression": "object.x &&"}, r"custom rule team/owner-label: expression: line 1, column 12: "),
        ({"expression": "'a'"}, r"custom rule team/owner-label: expression gives a string, and has to give a bool"),
        ({"message_expression": "1"}, r"custom rule team/owner-label: message_expression gives a int, and has to give a string"),
        ({"id": "Team Owner"}, r"custom rule 1 \(Team Owner\): 'Team Owner' is no id of a rule"),
        ({"field": "spec..x"}, r"custom rule 1 \(team/owner-label\): 'spec\.\.x' is no field"),
        ({"title": " "}, r"has no title"),
        ({"expresion": "true"}, r"unknown field `expresion`"),
        ({"severity": "bad"}, r"Invalid enum value 'bad' - at `severity`"),
        ({"id": "privileged"}, r"custom rule privileged: there is a rule with this id already"),
    ],
)
def test_a_rule_that_is_none_is_refused(changes: dict[str, Any], error: str) -> None:
    with pytest.raises(UsageError, match=error):
        custom_checks(read_rules([OWNER | changes]), {"privileged"})


def test_an_id_stands_once_and_an_entry_is_a_mapping() -> None:
    with pytest.raises(UsageError, match="there is a rule with this id already"):
        custom_checks(read_rules([OWNER, OWNER]))
    with pytest.raises(UsageError, match=r"custom rule 1: Expected `object`, got `str`"):
        read_rules(["true"])


def test_checks_travel_between_processes() -> None:
    [check] = custom_checks(read_rules([OWNER]))
    assert judge(Resource("x", deployment(), Nowhere()), Checks([(pickle.loads(pickle.dumps(check)), {})])).findings


def test_the_defaults_of_a_rule() -> None:
    [check] = custom_checks([CustomRule(id="a", title="A", expression="true")])
    assert (check.rule.severity, check.rule.category, check.kinds) == (Severity.MEDIUM, "custom", frozenset())


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("metadata.labels", ("metadata", "labels")),
        ("spec.containers[0].image", ("spec", "containers", 0, "image")),
        ("metadata.annotations[example.com/key]", ("metadata", "annotations", "example.com/key")),
        ("metadata.annotations['example.com/key']", ("metadata", "annotations", "example.com/key")),
    ],
)
def test_fields(text: str, path: tuple[str | int, ...]) -> None:
    assert parse_field(text) == path


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a b", "a[", "a[]", "a[0]b", "a" * 2000])
def test_what_is_no_field(text: str) -> None:
    with pytest.raises(ValueError, match="is no field"):
        parse_field(text)
