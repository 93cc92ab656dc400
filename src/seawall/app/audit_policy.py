"""What an audit policy lets detection rules see: ``detect check --audit-policy``."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import yaml

from seawall.app.detect import load_rules
from seawall.core.errors import InputError
from seawall.io.sources.audit import read
from seawall.io.sources.manifests import decode, read_bytes
from seawall.run.detect.audit_policy import Policy, PolicyError, blind, least_policy, parse_policy, request_of
from seawall.run.events.audit.shapes import native_events


def review(policy_path: str, rule_paths: Sequence[str], events: Sequence[str], problems: list[InputError]) -> dict[str, Any]:
    """Under the policy the level of each event, the rules that are blind, and the least policy under which none is.

    ``rule_paths`` are rule files, none for the built-in rules. ``problems`` gets what cannot be read of events and rules. Raises ``InputError`` for
    what is no audit policy.
    """
    policy = read_policy(policy_path)
    rules = load_rules(rule_paths)
    problems += [InputError(error.file, error.message, error.line or None) for error in rules.errors]
    levels = []
    for index, event in enumerate(_events(events, problems)):
        decision = policy.decide(request_of(event))
        levels.append({"event_index": index, "level": str(decision.level), "omit_stages": list(decision.omit_stages)})
    return {
        "levels": levels,
        "blind": [
            {"rule": item.rule, "needs": item.needs, "has": item.has, "request": item.request, "sees": item.sees}
            for item in blind(policy, rules.judged)
        ],
        "least_policy": least_policy(rules.judged),
    }


def read_policy(path: str) -> Policy:
    """The audit policy of a file, as the API server would load it. Raises ``InputError``."""
    try:
        return parse_policy(yaml.load(decode(path, read_bytes(path)), Loader=yaml.CSafeLoader))
    except yaml.YAMLError as error:
        raise InputError(path, f"is no YAML: {str(error).splitlines()[0]}") from None
    except PolicyError as error:
        raise InputError(path, f"is no audit policy: {error}") from None


def _events(targets: Sequence[str], problems: list[InputError]) -> Iterator[dict[str, Any]]:
    for block in read(targets) if targets else ():
        if isinstance(block, InputError):
            problems.append(block)
            continue
        for line in block.lines:
            try:
                value = msgspec.json.decode(line)
            except (msgspec.DecodeError, RecursionError):
                if line.strip():
                    problems.append(InputError(targets[0], "a line is no JSON"))
                continue
            yield from native_events(value)
