"""Audit policies: the level of requests, against the API server's own code (tests/oracle/audit), and which rules are blind under them."""

import json
import random
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from seawall.app.detect import built_in_rules, judged_rules, load_rules
from seawall.run.detect.audit_policy import STAGES, Level, PolicyError, Request, Sight, blind, least_policy, parse_policy, request_of
from seawall.run.detect.engine.detector import Judged
from seawall.run.detect.language import RuleFile, compile_rules

ORACLE = Path(__file__).parents[2] / "oracle" / "audit"


def policy(*rules: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", **keys, "rules": list(rules)}


@cache
def built_in() -> tuple[Judged, ...]:
    return tuple(judged for judged in load_rules([]).judged if judged.rule.source == "k8s_audit")


def rules_of(text: str) -> tuple[Judged, ...]:
    compiled = compile_rules([RuleFile("r.yaml", text)])
    assert not compiled.errors
    return judged_rules(compiled).judged


# The level of requests.

EXEC = Request(user="alice", groups=("devs",), verb="create", resource="pods", subresource="exec", namespace="shop", name="web")


@pytest.mark.parametrize(
    ("rule", "request_", "fits"),
    [
        ({}, EXEC, True),
        ({"users": ["alice"]}, EXEC, True),
        ({"users": ["bob"]}, EXEC, False),
        ({"userGroups": ["ops", "devs"]}, EXEC, True),
        ({"verbs": ["get"]}, EXEC, False),
        ({"resources": [{"group": ""}]}, EXEC, True),
        ({"resources": [{"group": "apps"}]}, EXEC, False),
        ({"resources": [{"group": "*", "resources": ["*/exec"]}]}, EXEC, True),
        ({"resources": [{"resources": ["pods"]}]}, EXEC, False),
        ({"resources": [{"resources": ["pods/*"]}]}, EXEC, True),
        ({"resources": [{"resources": ["pods/*"]}]}, Request(verb="get", resource="pods"), True),
        ({"resources": [{"resources": ["*"]}]}, EXEC, True),
        ({"resources": [{"resources": ["pods/exec"], "resourceNames": ["db"]}]}, EXEC, False),
        ({"namespaces": ["shop"]}, EXEC, True),
        ({"namespaces": [""]}, EXEC, False),
        ({"namespaces": [""]}, Request(verb="list", resource="nodes"), True),
        ({"namespaces": [""]}, Request(verb="get", path="/healthz"), False),
        ({"nonResourceURLs": ["/healthz*"]}, Request(verb="get", path="/healthz/etcd"), True),
        ({"nonResourceURLs": ["/healthz"]}, Request(verb="get", path="/healthz/etcd"), False),
        ({"nonResourceURLs": ["*"]}, EXEC, False),
    ],
)
def test_what_a_rule_fits(rule: dict[str, Any], request_: Request, fits: bool) -> None:
    assert parse_policy(policy({"level": "Request", **rule})).decide(request_).level == (Level.REQUEST if fits else Level.NONE)


def test_the_first_rule_decides_and_stages_add_up() -> None:
    document = policy({"level": "None", "users": ["bob"]}, {"level": "Metadata", "omitStages": ["Panic", "RequestReceived"]}, {"level": "Request"})
    decision = parse_policy({**document, "omitStages": ["ResponseStarted"]}).decide(EXEC)
    assert (str(decision.level), decision.omit_stages) == ("Metadata", ("RequestReceived", "ResponseStarted", "Panic"))


def test_nothing_is_logged_without_a_rule_that_fits() -> None:
    decision = parse_policy(policy({"level": "Request", "users": ["bob"]}, omitStages=["RequestReceived"])).decide(EXEC)
    assert (str(decision.level), decision.omit_stages) == ("None", ("RequestReceived",))


def test_a_create_had_no_name_when_the_policy_was_asked() -> None:
    target = {"resource": "pods", "namespace": "shop", "name": "web"}
    event = {"verb": "create", "user": {"username": "a", "groups": ["g"]}, "objectRef": target, "requestURI": "/api/v1/namespaces/shop/pods?x=1"}
    assert request_of(event) == Request(
        user="a", groups=("g",), verb="create", resource="pods", namespace="shop", path="/api/v1/namespaces/shop/pods"
    )
    assert request_of({**event, "verb": "get"}).name == "web"
    assert request_of({**event, "objectRef": {**target, "subresource": "exec"}}).name == "web"


@pytest.mark.parametrize("event", [{}, {"user": [], "objectRef": 3, "verb": None}, {"user": {"username": 1, "groups": [1, None, "g"]}}])
def test_odd_events_are_requests_too(event: dict[str, Any]) -> None:
    assert parse_policy(policy({"level": "Metadata"})).decide(request_of(event)).level == Level.METADATA


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "an object"),
        ({"kind": "Policy", "apiVersion": "audit.k8s.io/v1beta1", "rules": [{"level": "None"}]}, "apiVersion"),
        (policy(), "rules"),
        (policy({"level": "Everything"}), r"rules\[0\].level"),
        (policy({}), r"rules\[0\].level"),
        (policy({"level": "None"}, {"level": "None", "users": "bob"}), r"rules\[1\].users"),
        (policy({"level": "None", "omitStages": ["Started"]}), "no stage"),
        (policy({"level": "None", "nonResourceURLs": ["healthz"]}), "begin with /"),
        (policy({"level": "None", "nonResourceURLs": ["/a*b"]}), "end in"),
        (policy({"level": "None", "nonResourceURLs": ["/a"], "namespaces": ["b"]}), "two rules"),
        (policy({"level": "None", "resources": [{"group": "apps/v1"}]}), "without a version"),
        (policy({"level": "None", "resources": [{"group": "", "resourceNames": ["a"]}]}), "resourceNames"),
        (policy("None"), "no object"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_policy_says_why(document: Any, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        parse_policy(document)


class Dice:
    """Policies and requests that meet often."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def some(self, values: list[str], most: int = 2) -> list[str]:
        return self.random.sample(values, self.random.randint(0, most))

    def rule(self) -> dict[str, Any]:
        chance, pick = self.random.random, self.random.choice
        found: dict[str, Any] = {"level": pick(["None", "Metadata", "Request", "RequestResponse"])}
        keys = {
            "users": (["alice", "bob", ""], 2),
            "userGroups": (["a", "b"], 2),
            "verbs": (["get", "list", "create", "*"], 3),
            "namespaces": (["", "x", "y"], 2),
        }
        for key, (values, most) in keys.items():
            if chance() < 0.3:
                found[key] = self.some(values, most)
        names = ["pods", "pods/exec", "pods/*", "*/exec", "*", "deployments", "deployments/scale", "*/*", "/*", "pods/"]
        if chance() < 0.5:
            found["resources"] = [
                {
                    "group": pick(["", "apps", "*", "Apps", "batch", "apps/v1"]),
                    "resources": self.some(names, 3),
                    "resourceNames": self.some(["n", ""], 1),
                }
                for _ in range(self.random.randint(0, 2))
            ]
        if chance() < 0.2:
            found["nonResourceURLs"] = self.some(["*", "/healthz", "/api*", "/*", "/healthz*", "/api**", "/a*b", "api", ""])
        if chance() < 0.3:
            found["omitStages"] = self.some([*STAGES, "Bogus"])
        return found

    def request(self) -> Request:
        pick = self.random.choice
        groups = tuple(self.some(["a", "b", "c"]))
        user, verb = pick(["alice", "bob", ""]), pick(["get", "list", "create"])
        if self.random.random() < 0.25:
            return Request(user, groups, verb, path=pick(["/healthz", "/api", "/api/x", "/", "/apix", "/healthz/etcd"]))
        resource, subresource = pick(["pods", "deployments"]), pick(["", "exec", "scale"])
        return Request(user, groups, verb, pick(["", "apps", "batch"]), resource, subresource, pick(["", "x", "z"]), pick(["n", "m", ""]))


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("go") is None:
        pytest.skip("go is not installed: nothing to ask Kubernetes' own code with")
    download = subprocess.run(["go", "mod", "download"], cwd=ORACLE, capture_output=True, text=True, check=False)
    if download.returncode:
        pytest.skip(f"the Go modules of the API server cannot be had: {download.stderr.strip()[-300:]}")
    program = tmp_path_factory.mktemp("audit") / "audit"
    subprocess.run(["go", "build", "-o", program, "."], cwd=ORACLE, check=True)
    return program


def test_decisions_are_those_of_the_api_server(oracle: Path) -> None:
    dice = Dice(20)
    cases = [
        (policy(*(dice.rule() for _ in range(dice.random.randint(0, 4))), omitStages=dice.some(list(STAGES))), [dice.request() for _ in range(10)])
        for _ in range(2_000)
    ]
    asked = "\n".join(
        json.dumps({"policy": json.dumps(document), "requests": [{name: getattr(r, name) for name in r.__struct_fields__} for r in requests]})
        for document, requests in cases
    )
    answers = subprocess.run([str(oracle)], input=asked, capture_output=True, text=True, check=True).stdout.splitlines()
    loaded = 0
    for (document, requests), line in zip(cases, answers, strict=True):
        expected = json.loads(line)
        try:
            parsed = parse_policy(document)
        except PolicyError:
            assert expected is None, document
            continue
        loaded += 1
        decisions = [parsed.decide(request) for request in requests]
        assert [[str(decision.level), sorted(decision.omit_stages)] for decision in decisions] == expected, document
    assert 300 < loaded < 1_900


# Who is blind.


def test_every_built_in_rule_needs_the_level_that_it_says() -> None:
    declared = {
        item["rule"]: item["seawall"]["needs"]
        for file in built_in_rules()
        for item in yaml.load(file.text, Loader=yaml.CSafeLoader)
        if item.get("source") == "k8s_audit"
    }
    found = {}
    for judged in built_in():
        sight = Sight(judged)
        levels = [level for request in sight.requests() if (level := sight.needs(request)) is not None]
        assert levels, f"{judged.rule.name} can never fire"
        found[judged.rule.name] = str(max(levels))
    assert found == declared


def test_full_logging_blinds_no_rule() -> None:
    assert blind(parse_policy(policy({"level": "RequestResponse"})), built_in()) == []


def test_metadata_blinds_what_looks_into_bodies() -> None:
    missed = {each.rule: each for each in blind(parse_policy(policy({"level": "Metadata"})), built_in())}
    assert (missed["Privileged pod"].needs, missed["Privileged pod"].has) == ("Request", "Metadata")
    assert "Command run in a pod" not in missed
    assert "Secret read" not in missed
    assert {each.needs for each in missed.values()} == {"Request"}


def test_a_policy_that_logs_nothing_blinds_all() -> None:
    missed = blind(parse_policy(policy({"level": "None"})), built_in())
    assert {each.rule for each in missed} == {judged.rule.name for judged in built_in()}
    assert {each.has for each in missed} == {"None"}


def test_secrets_that_are_not_logged() -> None:
    document = policy({"level": "None", "resources": [{"group": "", "resources": ["secrets"]}]}, {"level": "RequestResponse"})
    missed = {each.rule: each for each in blind(parse_policy(document), built_in())}
    assert {"Secret read", "Secrets listed widely", "Secret changed"} <= missed.keys()
    assert not missed["Secret read"].sees
    assert missed["Object created or deleted"].sees
    assert "Privileged pod" not in missed


def test_templates_that_are_not_logged_in_full() -> None:
    document = policy({"level": "Request", "resources": [{"group": "", "resources": ["pods", "pods/*"]}]}, {"level": "Metadata"})
    missed = {each.rule: each for each in blind(parse_policy(document), built_in())}
    assert missed["Privileged pod"].sees
    assert "pods" not in missed["Privileged pod"].request


def test_stages_that_are_left_out_blind_too() -> None:
    document = policy({"level": "RequestResponse"}, omitStages=["ResponseStarted", "ResponseComplete", "Panic"])
    missed = {each.rule: each for each in blind(parse_policy(document), built_in())}
    assert missed["Secret read"].has == "RequestResponse without ResponseStarted, ResponseComplete, Panic"


def test_what_is_only_asked_not_to_be_needs_no_body() -> None:
    text = """
- rule: a
  desc: d
  condition: ka.target.resource = pods and not ka.req.pod.host_network = true
  output: "%ka.verb"
  priority: INFO
  source: k8s_audit
- rule: b
  desc: d
  condition: ka.target.resource = pods and (ka.verb = delete or jevt.value[/responseObject/spec] exists)
  output: "%ka.verb"
  priority: INFO
  source: k8s_audit
"""
    first, second = (Sight(judged) for judged in rules_of(text))
    assert {first.needs(request) for request in first.requests()} == {Level.METADATA}
    assert {(request.verb == "delete", second.needs(request)) for request in second.requests() if request.resource == "pods"} == {
        (True, Level.METADATA),
        (False, Level.REQUEST_RESPONSE),
    }


def test_the_least_policy_makes_all_see_and_is_least() -> None:
    document = yaml.safe_load(yaml.safe_dump(least_policy(built_in())))
    assert blind(parse_policy(document), built_in()) == []
    for number, rule in enumerate(document["rules"]):
        lower = {**rule, "level": {"RequestResponse": "Request", "Request": "Metadata", "Metadata": "None"}[rule["level"]]}
        weaker = {**document, "rules": [*document["rules"][:number], lower, *document["rules"][number + 1 :]]}
        assert blind(parse_policy(weaker), built_in()), rule


def test_the_least_policy_of_one_rule_logs_nothing_else() -> None:
    only = tuple(judged for judged in built_in() if judged.rule.tags[0] == "aud.pod-hostpid")
    parsed = parse_policy(least_policy(only))
    assert parsed.decide(Request(verb="create", resource="pods", namespace="x")).level == Level.REQUEST
    assert parsed.decide(Request(verb="get", resource="secrets", namespace="x")).level == Level.NONE
