"""Fixtures of rules: events, and how many alerts a rule raises on them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from msgspec import Struct

from seawall.app.detect import Detection, Options, Rules, built_in_rules, judged_rules, rule_files
from seawall.core.errors import InputError
from seawall.io.sources.audit import Block
from seawall.io.sources.limits import MAX_FILE_BYTES
from seawall.run.detect.engine.alert import Alert
from seawall.run.detect.language import RuleFile, compile_rules

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Case(Struct, frozen=True):
    """One document of a fixture, and what it came to."""

    file: str
    number: int
    rule: str
    expected: int
    found: int
    why: str = ""
    passed: bool = False


class Report(Struct, frozen=True):
    """``untested`` are the rules that no fixture raises; ``errors`` tell of fixtures and rules that cannot be used."""

    cases: tuple[Case, ...]
    errors: tuple[str, ...] = ()
    untested: tuple[str, ...] = ()


def run_fixtures(targets: Sequence[str], rule_paths: Sequence[str] = ()) -> Report:
    """Run all fixtures that the targets name. Raises ``InputError`` for a target that is not there."""
    files = rule_files(rule_paths) if rule_paths else built_in_rules()
    rules = judged_rules(compile_rules(files))
    cases: list[Case] = []
    errors = [f"{error.file}:{error.line}: {error.item}: {error.message}" for error in rules.errors]
    raised: set[str] = set()
    for path in _fixtures(targets):
        try:
            for number, document in enumerate(_documents(path), 1):
                cases.append(_run(path, number, document, _with_own(document, files, rules), raised))
        except InputError as error:
            errors.append(str(error))
    untested = tuple(judged.rule.name for judged in rules.judged if judged.rule.name not in raised)
    return Report(tuple(cases), tuple(errors), untested)


def _fixtures(targets: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for target in targets:
        place = Path(target)
        if place.is_dir():
            found.extend(sorted(item for item in place.rglob("*") if item.suffix in _SUFFIXES))
        elif place.is_file():
            found.append(place)
        else:
            raise InputError(target, "is not there")
    if not found:
        raise InputError(" ".join(targets), "holds no fixture: a YAML or JSON file with events and alerts")
    return found


def _documents(path: Path) -> list[dict[str, Any]]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(str(path), f"is over the limit of {MAX_FILE_BYTES // 2**20} MiB")
        documents = [document for document in yaml.load_all(path.read_text(encoding="utf-8"), _LOADER) if document is not None]
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(str(path), str(error).splitlines()[0]) from None
    cases = [case for document in documents for case in (document if isinstance(document, list) else [document])]
    for case in cases:
        if not isinstance(case, dict) or not isinstance(case.get("events"), list) or not isinstance(case.get("alerts"), int):
            raise InputError(str(path), "a fixture has 'events', a list, and 'alerts', a number")
    return cases


def _with_own(case: dict[str, Any], files: Sequence[RuleFile], rules: Rules) -> Rules:
    """The rules, with those of a site that a case puts on top."""
    if "rules" not in case:
        return rules
    return judged_rules(compile_rules([*files, RuleFile("rules of the case", msgspec.json.encode(case["rules"]).decode())]))


def _run(path: Path, number: int, case: dict[str, Any], rules: Rules, raised: set[str]) -> Case:
    name = str(case.get("rule", path.stem))
    mine = tuple(judged for judged in rules.judged if name == judged.rule.name or name in judged.rule.tags)
    if not mine:
        raise InputError(str(path), f"there is no rule {name}")
    detection = Detection(Rules(mine, ()), Options(arrival=1))
    lines = [msgspec.json.encode(event) for event in case["events"]]
    alerts = [item for item in detection.run([Block(str(path), 1, lines)]) if isinstance(item, Alert)]
    raised.update(alert.rule for alert in alerts)
    return Case(str(path), number, name, case["alerts"], len(alerts), str(case.get("why", "")), len(alerts) == case["alerts"])
