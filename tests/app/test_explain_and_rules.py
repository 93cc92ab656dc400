"""`seawall explain` and `seawall rules`: everything that is known of a rule reaches the reader, by whatever name they know it."""

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from seawall.app.catalogue import catalogue
from seawall.core.severity import Severity


def seawall(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seawall", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "80", **environment})


def words(text: str) -> list[str]:
    return text.split()


def listed(*arguments: str) -> Any:
    return json.loads(seawall("rules", "--format", "json", *arguments).stdout)["rules"]


def test_a_rule_in_full() -> None:
    run = seawall("explain", "privileged")
    assert (run.returncode, run.stderr) == (0, "")
    rule = catalogue()["privileged"]
    lines = run.stdout.splitlines()
    assert lines[:3] == ["privileged: Container runs privileged", "critical severity, high confidence, on by default", "deploy / isolation"]
    text = " ".join(words(run.stdout))
    for heading, section in (
        ("What it finds", rule.explanation.what),
        ("Why it matters", rule.explanation.why),
        ("How to fix", rule.explanation.fix),
        ("Exceptions", rule.explanation.exceptions),
    ):
        assert f"{heading} {' '.join(words(section))}" in text
    assert re.search(r"^  trivy +KSV-0017$", run.stdout, re.MULTILINE)
    assert re.search(r"^  cis-kubernetes-[0-9.]+ +5\.2\.2$", run.stdout, re.MULTILINE)
    assert rule.references[0] in lines[-1]
    assert "\x1b" not in run.stdout


def test_parameters_have_their_defaults() -> None:
    run = seawall("explain", "replicas-min")
    assert "off by default" in run.stdout
    assert re.search(r"^Parameters \(parameters\.replicas-min in seawall\.yaml\)\n  minimum  .*\(default: 3\)$", run.stdout, re.MULTILINE)


@pytest.mark.parametrize("alias", ["KSV-0017", "ksv-0017", "CKV_K8S_16", "privileged-container"])
def test_the_names_of_other_tools(alias: str) -> None:
    run = seawall("explain", alias)
    assert run.returncode == 0
    assert run.stdout == seawall("explain", "privileged").stdout
    assert re.fullmatch(r"\S+ \([\w-]+(, [\w-]+)*\) is what Seawall calls privileged\n", run.stderr)
    assert seawall("-q", "explain", alias).stderr == ""


def test_an_alias_that_stands_for_several_rules_explains_them_all() -> None:
    by_alias: dict[str, set[str]] = {}
    for rule in catalogue():
        for alias in rule.alias_ids:
            by_alias.setdefault(alias.lower(), set()).add(rule.id)
    alias, rules = max(by_alias.items(), key=lambda item: len(item[1]))
    assert len(rules) > 1
    run = seawall("explain", alias, "--format", "json")
    assert {rule["id"] for rule in json.loads(run.stdout)["rules"]} == rules


@pytest.mark.parametrize(("name", "hint"), [("priviledged", "did you mean privileged"), ("zzzzzz", "`seawall rules` lists them")])
def test_an_unknown_rule_is_one_line(name: str, hint: str) -> None:
    run = seawall("explain", name)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(f"seawall: no rule is called {name!r}")
    assert hint in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize("columns", ["40", "80", "300"])
def test_it_fits_the_terminal(columns: str) -> None:
    for line in seawall("explain", "privileged", COLUMNS=columns).stdout.splitlines()[3:]:
        assert len(line) <= min(int(columns), 100) or len(words(line)) <= 2


def test_colours() -> None:
    colored = seawall("--color", "always", "explain", "privileged").stdout
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]+m", "", colored) == seawall("explain", "privileged").stdout
    listing = seawall("--color", "always", "rules").stdout
    assert re.sub(r"\x1b\[[0-9;]+m", "", listing) == seawall("rules").stdout


def test_the_list_has_every_rule_once() -> None:
    run = seawall("rules")
    assert (run.returncode, run.stderr) == (0, "")
    header, *rows, last = run.stdout.splitlines()
    assert words(header) == ["RULE", "SEVERITY", "DEFAULT", "CATEGORY", "TITLE"]
    expected = [[rule.id, rule.severity.value, "yes" if rule.by_default else "no", rule.category, *words(rule.title)] for rule in catalogue()]
    assert [words(row) for row in rows] == expected
    assert last == f"{len(catalogue())} rules, {sum(rule.by_default for rule in catalogue())} by default"


def test_json_has_all_that_is_known() -> None:
    document = json.loads(seawall("rules", "--format", "json").stdout)
    assert document["schema"] == "seawall.rules/v1"
    assert [rule["id"] for rule in document["rules"]] == [rule.id for rule in catalogue()]
    [one] = json.loads(seawall("explain", "privileged", "--format", "json").stdout)["rules"]
    assert one == next(rule for rule in document["rules"] if rule["id"] == "privileged")
    assert one.keys() == {
        "id", "title", "severity", "confidence", "phase", "category", "by_default",
        "explanation", "aliases", "controls", "references", "parameters",
    }  # fmt: skip
    assert one["explanation"].keys() == {"what", "why", "fix", "exceptions"}
    assert one["aliases"]["trivy"] == ["KSV-0017"]
    assert {"framework": "pss-baseline", "control": "privileged"} in one["controls"]


def test_filters() -> None:
    everything = listed()
    assert listed("--phase", "deploy") == [rule for rule in everything if rule["phase"] == "deploy"]
    assert listed("--phase", "build") == [rule for rule in everything if rule["phase"] == "build"]
    assert listed("--category", "isolation") == [rule for rule in everything if rule["category"] == "isolation"] != []
    grave = listed("--severity", "high")
    assert grave == [rule for rule in everything if Severity(rule["severity"]).at_least(Severity.HIGH)] != []
    of_cis = listed("--framework", "cis-kubernetes")
    assert of_cis == [rule for rule in everything if any(control["framework"].startswith("cis-kubernetes") for control in rule["controls"])] != []
    version = next(control["framework"] for control in of_cis[0]["controls"] if control["framework"].startswith("cis-kubernetes"))
    assert of_cis[0] in listed("--framework", version)
    assert listed("--framework", "cis-kubernetes", "--category", "isolation") == [rule for rule in of_cis if rule["category"] == "isolation"]


@pytest.mark.parametrize("option", ["--category", "--framework"])
def test_an_unknown_filter_names_the_known_ones(option: str) -> None:
    run = seawall("rules", option, "nonsense")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(f"seawall: no rule has the {option[2:]} 'nonsense'; there are ")
    assert ("isolation" if option == "--category" else "pss-baseline") in run.stderr


def test_options_of_scan_in_the_environment_do_not_reach_the_catalogue() -> None:
    """``SEAWALL_FORMAT=sarif`` and ``SEAWALL_SEVERITY=high`` are meant for scans, and must neither fail nor shorten the list."""
    run = seawall("rules", SEAWALL_FORMAT="sarif", SEAWALL_SEVERITY="critical")
    assert run.stdout == seawall("rules").stdout
    assert seawall("explain", "privileged", SEAWALL_FORMAT="sarif").stdout == seawall("explain", "privileged").stdout
