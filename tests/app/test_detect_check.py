"""``seawall detect check``, as a program sees it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from seawall.app.cli.detect_check import command

GOOD = "- rule: r\n  desc: d\n  output: o %proc.name\n  priority: info\n  condition: evt.type = open\n"


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(command, arguments, input=stdin)


def test_files_are_one_rule_set(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(GOOD)
    second.write_text("- rule: r\n  condition: and proc.pid = 1\n  override: {condition: append}\n")
    result = run(str(first), str(second), "--format", "json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert document["errors"] == document["warnings"] == []
    assert [(rule["name"], rule["source"], rule["priority"], rule["enabled"], rule["condition"]) for rule in document["rules"]] == [
        ("r", "syscall", "INFORMATIONAL", True, "(evt.type = open and proc.pid = 1)")
    ]
    assert run(str(tmp_path), "--format", "json").stdout == result.stdout
    assert run(str(second), str(first)).exit_code == 1


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"- rule: [", 1), (b"", 0), (b"\xff\xfe", 2), (b"- list: l\n  items: a\n", 1), (b"\x00", 1), (b"\xef\xbb\xbf- list: l\n  items: []\n", 0)],
)
def test_the_output_is_json_whatever_the_file(tmp_path: Path, data: bytes, status: int) -> None:
    file = tmp_path / "rules.yaml"
    file.write_bytes(data)
    result = run(str(file), "--format", "json")
    document = json.loads(result.stdout)
    assert result.exit_code == status
    assert bool(document["errors"]) == bool(status)
    for error in document["errors"]:
        assert error["file"] == str(file)
        assert {"file", "line", "column", "item", "message"} <= error.keys()


def test_a_file_that_is_not_there_is_said_so() -> None:
    result = run("nowhere.yaml", "--format", "json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["errors"][0]["message"] == "cannot be read: No such file or directory"


def test_one_condition() -> None:
    assert run("--condition", "evt.type=open and proc.name in (a,b)").stdout == "ok: (evt.type = open and proc.name in (a, b))\n"
    result = run("--condition", "evt.type=open and\nproc.nme = a")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:3] == [
        "2:1: error: there is no field proc.nme; did you mean proc.name or proc.sname or proc.pname?",
        "  proc.nme = a",
        "  ^",
    ]
    assert run("--condition", "x.y = z and m", "--syntax-only").exit_code == 0
    assert run("--condition", "ka.verb = get", "--source", "syscall").exit_code == 1
    assert json.loads(run("--condition", "", "--format", "json").stdout)["errors"][0]["message"] == "the condition is empty"


def test_a_condition_with_the_macros_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("- macro: m\n  condition: evt.type = open\n- list: l\n  items: [a, b]\n")
    result = run(str(tmp_path / "m.yaml"), "--condition", "m and proc.name in (l)", "--format", "json")
    assert json.loads(result.stdout)["condition"] == "(evt.type = open and proc.name in (a, b))"


def test_the_version_that_is_spoken() -> None:
    assert json.loads(run("--version", "--format", "json").stdout)["falco_engine_version"].count(".") == 2
    assert "required_engine_version" in run("--version").stdout


def test_standard_input() -> None:
    assert run("-", stdin=GOOD).stdout == "1 rules, 0 errors, 0 warnings\n"
