"""The rules against the merged knowledge of the field: every concept is covered or left out for a reason, under the names that others use."""

import csv
import runpy
from pathlib import Path

import pytest

from seawall.app.catalogue import catalogue

ROOT = Path(__file__).parents[1]
CATALOGUE = ROOT.parent / "shared/catalog/configuration_rules.csv"
TOOLS = ("kubeaudit", "kube-linter", "kube-score", "polaris", "trivy", "kubescape", "checkov", "kics")

pytestmark = pytest.mark.skipif(not CATALOGUE.exists(), reason="the catalogue ../shared/catalog is not here")


def concepts() -> list[dict[str, str]]:
    with CATALOGUE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_coverage_page_is_up_to_date() -> None:
    page = runpy.run_path(str(ROOT / "tools/coverage.py"))["page"]
    assert (ROOT / "docs/coverage.md").read_text(encoding="utf-8") == page(str(CATALOGUE)), "run tools/coverage.py"


def test_every_rule_knows_what_other_tools_call_it() -> None:
    rules = {rule.id: rule for rule in catalogue()}
    missing = [
        (concept["id"], tool, alias)
        for concept in concepts()
        if concept["id"] in rules
        for tool in TOOLS
        for alias in concept[f"alias_{tool.replace('-', '_')}"].split()
        if alias not in rules[concept["id"]].aliases.get(tool, ())
    ]
    assert missing == []


def test_a_rule_has_the_category_of_its_concept() -> None:
    rules = {rule.id: rule for rule in catalogue()}
    assert [
        (concept["id"], concept["category"])
        for concept in concepts()
        if concept["id"] in rules and rules[concept["id"]].category != concept["category"]
    ] == []
