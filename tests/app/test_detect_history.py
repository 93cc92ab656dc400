"""``seawall detect history`` and ``import-sigma`` from the command line."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

pytest.importorskip("duckdb", reason="history is an extra")
pytest.importorskip("ibis", reason="history is an extra")
pytest.importorskip("pyarrow", reason="history is an extra")

from seawall.app.cli import detect_history, detect_import_sigma
from seawall.core.errors import SeawallError

SCHEMA = Path(__file__).parents[3] / "shared" / "schema" / "alert.schema.json"
RULE = "- {rule: Read, desc: d, condition: ka.verb = get, output: 'read by %ka.user.name', priority: WARNING, source: k8s_audit}\n"


def run(command: Any, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    events = [
        {
            "auditID": str(number),
            "verb": "get",
            "user": {"username": "bob" if number % 4 else "eve"},
            "stageTimestamp": f"2026-11-0{1 + number % 2}T00:00:0{number % 10}Z",
        }
        for number in range(20)
    ]
    (tmp_path / "audit.log").write_text("".join(json.dumps(event) + "\n" for event in events))
    (tmp_path / "rules.yaml").write_text(RULE)
    result = run(detect_history.command, "import", tmp_path / "audit.log", "--store", tmp_path / "store")
    assert result.exit_code == 0, result.output
    assert "20 events added" in result.stderr
    return tmp_path


def test_run(place: Path) -> None:
    result = run(
        detect_history.command, "run", "--store", place / "store", "--rules", place / "rules.yaml", "--format", "json", "--since", "2026-11-02"
    )
    assert result.exit_code == 0, result.output
    alerts = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(alerts) == 10
    assert alerts[0]["finding"].startswith("sha256:")
    assert [alert["time"] for alert in alerts] == sorted(alert["time"] for alert in alerts)
    if SCHEMA.exists():
        for alert in alerts:
            jsonschema.validate(alert, json.loads(SCHEMA.read_text()))


def test_backtest(place: Path) -> None:
    arguments = ("backtest", "--store", place / "store", "--rules", place / "rules.yaml", "--exception", "ka.user.name = bob")
    text = run(detect_history.command, *arguments).stdout
    assert "Read: would have fired 20 times on 2 days" in text
    assert "this exception would remove 15: 5 remain" in text
    document = json.loads(run(detect_history.command, *arguments, "--format", "json").stdout)
    (rule,) = document["rules"]
    assert (rule["fired"], rule["removed"], rule["remaining"], rule["days"]) == (20, 15, 5, {"2026-11-01": 10, "2026-11-02": 10})
    assert {alert["output_fields"]["ka.user.name"] for alert in rule["removed_examples"]} == {"bob"}


def test_suggest_and_sql(place: Path) -> None:
    result = run(detect_history.command, "suggest", "--store", place / "store", "--rules", place / "rules.yaml", "--format", "json")
    (found,) = json.loads(result.stdout)["suggestions"]
    assert found["values"][0] == {"values": ["bob"], "alerts": 15}
    assert 'FROM "events"' in run(detect_history.command, "sql", "--rules", place / "rules.yaml", "--dialect", "trino").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--store", "nowhere"),
        ("run", "--store", "store", "--since", "soon"),
        ("run", "--store", "store", "--since", "2026-11-03", "--until", "2026-11-02"),
        ("run", "--store", "store", "--rule", "no such rule"),
        ("backtest", "--store", "store", "--exception", "no.field = x"),
        ("backtest", "--store", "store", "--exception", "ka.verb = "),
    ],
)
def test_what_is_wrong_is_said(place: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    monkeypatch.chdir(place)
    result = run(detect_history.command, *arguments)
    assert isinstance(result.exception, SeawallError), (result.output, result.exception)


def test_import_tells_what_it_could_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text('{"auditID":"1","verb":"get"}\n{oops\n')
    result = run(detect_history.command, "import", tmp_path / "a.log", tmp_path / "b.log", "--store", tmp_path / "s")
    assert result.exit_code == 3
    assert "a.log:2" in result.stderr
    assert "b.log" in result.stderr


def test_import_sigma(tmp_path: Path) -> None:
    pytest.importorskip("sigma.collection", reason="pySigma is an extra")
    rule = "title: {0}\nlogsource: {{product: {1}, service: audit}}\ndetection:\n    sel:\n        {2}: get\n    condition: sel\nlevel: low\n"
    (tmp_path / "a.yml").write_text(rule.format("Reads", "kubernetes", "verb"))
    (tmp_path / "b.yml").write_text(rule.format("Reads", "kubernetes", "verb"))
    (tmp_path / "c.yml").write_text(rule.format("Other", "linux", "verb"))
    result = run(detect_import_sigma.command, tmp_path, "-o", tmp_path / "out.yaml")
    assert result.exit_code == 0, result.output
    assert "2 rules translated, 0 not, 1 for other logs" in result.stderr
    assert "rule: Reads (2)" in (tmp_path / "out.yaml").read_text()
    (tmp_path / "d.yml").write_text(rule.format("Odd", "kubernetes", "no.such"))
    result = run(detect_import_sigma.command, tmp_path)
    assert result.exit_code == 3
    assert "d.yml: Odd: " in result.stderr
    assert result.stdout.startswith("- rule: Reads")
