"""One runner walks the fixtures of all built-in rules: ``fixtures/ID.yaml``, where ID is the first tag of the rule.

A fixture is a list of cases: ``why`` it is one, the ``events`` in the order of the log, as the API server or the sensor writes them, and how many
``alerts`` of this rule they raise. A case with 0 is a near miss. ``rules`` are rules of a site that come on top, as they fill the lists.
Other rules may speak too; what must stay silent altogether is in ``quiet.yaml``.
"""

import csv
import json
import re
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from seawall.app.detect import Detection, Rules, built_in_rules, judged_rules
from seawall.io.sources.audit import Block
from seawall.run.detect.engine.alert import Alert
from seawall.run.detect.language import RuleFile, RuleSet, compile_rules

HERE = Path(__file__).parent
FIXTURES = HERE / "fixtures"
QUIET = HERE / "quiet.yaml"
ROOT = HERE.parents[3]
CATALOGUE = ROOT.parent / "shared" / "catalog" / "audit_detections.csv"
BEHAVIOURS = {
    "sys.shell-in-container", "sys.sensitive-file", "sys.package-manager", "sys.drop-and-execute", "sys.crypto-miner", "sys.reverse-shell",
    "sys.container-escape", "sys.kernel-module", "sys.credential-search", "sys.log-tampering",
}  # fmt: skip
"""What the system-call rules must speak of."""


@cache
def rule_set() -> RuleSet:
    return compile_rules(built_in_rules())


@cache
def rules(name: str | None = None, of_site: str | None = None) -> Rules:
    """The built-in rules, or the one with that id, with those of a site on top."""
    compiled = rule_set() if of_site is None else compile_rules([*built_in_rules(), RuleFile("site.yaml", of_site)])
    judged = judged_rules(compiled)
    assert not judged.errors
    return judged if name is None else Rules(tuple(each for each in judged.judged if each.rule.tags[0] == name), ())


def read(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    return found


def alerts_of(events: list[dict[str, Any]], by: Rules) -> list[Alert]:
    """What the real engine makes of events, line by line."""
    detection = Detection(by)
    block = Block("fixture", 1, [msgspec.json.encode(event) for event in events])
    found = list(detection.run([block]))
    alerts = [item for item in found if isinstance(item, Alert)]
    assert len(alerts) == len(found), "an event of a fixture could not be read"
    assert detection.counts.events == len(events)
    return alerts


IDS = sorted(rule.tags[0] for rule in rule_set().rules)


def test_the_rules_compile() -> None:
    assert not rule_set().errors
    assert not judged_rules(rule_set()).errors
    assert not [warning for warning in rule_set().warnings if warning.code != "unknown-key" or "'seawall'" not in warning.message]


def test_ids_and_names_are_unique() -> None:
    assert len(set(IDS)) == len(IDS)
    assert len({rule.name for rule in rule_set().rules}) == len(IDS)


def test_every_concept_of_the_catalogue_has_a_rule() -> None:
    if not CATALOGUE.exists():
        pytest.skip("the catalogue of audit detections is not here")
    with CATALOGUE.open() as file:
        concepts = {row["id"] for row in csv.DictReader(file)}
    assert concepts == {name for name in IDS if name.startswith("aud.")}


def test_every_classic_behaviour_has_a_rule() -> None:
    assert set(IDS) >= BEHAVIOURS


@pytest.mark.parametrize("rule", rule_set().rules, ids=lambda rule: rule.tags[0])
def test_a_rule_says_what_a_person_needs(rule: Any) -> None:
    assert rule.description
    assert re.search(r"%(ka|evt|jevt|proc|container|k8s)\.", rule.output)
    if rule.source == "k8s_audit":
        assert "%ka.user.name" in rule.output or "aud.anon" in rule.tags[0], "who did it"
    techniques = [tag for tag in rule.tags if re.fullmatch(r"T\d{4}(\.\d{3})?", tag)]
    assert techniques or rule.tags[0] in {"aud.deprecated-api", "aud.object-lifecycle"}, "the technique"


@pytest.mark.parametrize("name", IDS)
def test_alerts_are_exactly_the_expected_ones(name: str) -> None:
    path = FIXTURES / f"{name}.yaml"
    assert path.exists(), f"no fixture {path.name}"
    cases = read(path)
    assert any(case["alerts"] for case in cases), "no event that raises it"
    assert any(not case["alerts"] for case in cases), "no near miss"
    for case in cases:
        of_site = json.dumps(case["rules"]) if "rules" in case else None
        assert len(alerts_of(case["events"], rules(name, of_site))) == case["alerts"], case["why"]


def test_no_fixture_is_forgotten() -> None:
    assert sorted(path.stem for path in FIXTURES.glob("*.yaml")) == IDS


def test_a_quiet_cluster_raises_nothing() -> None:
    events = [event for case in read(QUIET) for event in case["events"]]
    assert len(events) > 100
    assert [(alert.rule, alert.message) for alert in alerts_of(events, rules())] == []


def test_the_page_of_rules_is_that_of_the_rules() -> None:
    page = runpy.run_path(str(ROOT / "tools/detection_rules.py"))["page"]
    assert (ROOT / "docs/detection-rules.md").read_text(encoding="utf-8") == page(), "run tools/detection_rules.py"
