"""One runner walks all rule fixtures: ``fixtures/<rule-id>.yaml``, with the expectations as comments on the lines they speak of.

``# expect: rule-id`` stands on the line where the finding must point (that of the nearest parent when the field is missing);
``# expect: rule-id x2`` when two findings point there. ``# ok: rule-id`` marks a near miss: a line with nothing to be found.
A file is judged with the rules that it names, and every finding on a line that does not expect it is a failure.
``# parameters: {"rule-id": {"name": value}}`` on a line of its own (JSON) sets parameters for the file.
"""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from seawall.app.scan import scan
from seawall.core.policy import Policy
from seawall.deploy.workload import compile_checks, registry

FIXTURES = Path(__file__).parent / "fixtures"
EXPECTATION = re.compile(r"# (expect|ok): ([a-z0-9-]+)(?: x(\d+))?(?=$|\s)")
PARAMETERS = re.compile(r"^# parameters: (.*)$", re.MULTILINE)


def expectations(text: str) -> tuple[Counter[tuple[str, int]], set[str]]:
    """How many findings of which rule are expected at which line, and the rules with a near miss."""
    expected: Counter[tuple[str, int]] = Counter()
    near_misses = set()
    for number, line in enumerate(text.splitlines(), 1):
        for kind, rule, count in EXPECTATION.findall(line):
            if kind == "expect":
                expected[rule, number] += int(count or 1)
            else:
                near_misses.add(rule)
    return expected, near_misses


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.yaml")), ids=lambda path: path.stem)
def test_findings_are_exactly_the_expected_ones(path: Path) -> None:
    expected, near_misses = expectations(path.read_text())
    rules = {rule for rule, _ in expected} | near_misses
    assert rules, "a fixture without expectations tests nothing"
    given = PARAMETERS.search(path.read_text())
    report = scan([str(path)], compile_checks(Policy(profile="all", parameters=json.loads(given[1]) if given else {}), only=rules))
    assert not report.errors
    assert Counter((finding.rule, finding.locations[0].line) for finding in report.findings) == expected


@pytest.mark.parametrize("rule", sorted(rule.id for rule in registry()))
def test_every_rule_has_a_failing_and_a_passing_fixture(rule: str) -> None:
    path = FIXTURES / f"{rule}.yaml"
    assert path.exists(), f"no fixture {path.name}"
    expected, near_misses = expectations(path.read_text())
    assert any(name == rule for name, _ in expected), "no line that must be found"
    assert rule in near_misses, "no near miss"
