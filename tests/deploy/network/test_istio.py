"""Istio's objects: what is void, what they say in words, and what rules ask of a mesh."""

import pytest

from seawall.deploy.network.documents import answer_json, ports
from seawall.deploy.network.load import Loaded
from seawall.deploy.network.mesh.layer import MeshDecision
from seawall.deploy.network.mesh.membership import Traits, is_opaque, member_of
from seawall.deploy.network.mesh.model import Member
from seawall.deploy.network.mesh.spans import meet, minus, spans
from seawall.deploy.network.model import PortMatch, Protocol, Restriction
from seawall.deploy.network.question import Answer, Questions
from seawall.deploy.network.restricted import restricted
from seawall.deploy.network.services import ServicePort
from tests.deploy.network.objects import documents, loaded

PODS = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {serviceAccountName: web, containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c, image: x}]}
status: {podIP: 10.0.0.7}
---
apiVersion: v1
kind: Pod
metadata: {name: plain, namespace: other, labels: {app: plain}}
spec: {containers: [{name: c, image: x}]}
---
"""


def authorization(spec: str, namespace: str = "shop", name: str = "p") -> str:
    return f"""
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: {name}, namespace: {namespace}}}
spec: {spec}
---
"""


def authentication(spec: str, namespace: str = "shop", name: str = "p") -> str:
    return authorization(spec, namespace, name).replace("AuthorizationPolicy", "PeerAuthentication")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (authorization("{action: ALOW}"), "spec.action must be one of"),
        (authorization("{action: 1}"), "spec.action must be one of"),
        (authorization("{action: DENY}"), "spec.rules must not be empty for DENY"),
        (authorization("{action: CUSTOM, rules: [{}]}"), "spec.provider.name belongs to the action CUSTOM"),
        (authorization("{provider: {name: x}}"), "spec.provider.name belongs to the action CUSTOM"),
        (authorization("{rules: [null]}"), "spec.rules[0] must be a mapping"),
        (authorization("{rules: [{from: []}]}"), "spec.rules[0].from must not be empty"),
        (authorization("{rules: [{from: [{}]}]}"), "spec.rules[0].from[0].source must have one of"),
        (authorization("{rules: [{from: [{source: {principal: [x]}}]}]}"), "spec.rules[0].from[0].source must have one of"),
        (authorization("{rules: [{from: [{source: {namespaces: [a], who: [x]}}]}]}"), "spec.rules[0].from[0].source.who is not known"),
        (authorization("{rules: [{from: [{source: {namespaces: []}}]}]}"), "spec.rules[0].from[0].source.namespaces must not be empty"),
        (authorization("{rules: [{from: [{source: {namespaces: [1]}}]}]}"), "namespaces[0] must be a text"),
        (authorization("{rules: [{from: [{source: {ipBlocks: [10.0.0.0/33]}}]}]}"), "ipBlocks[0] is no address"),
        (authorization("{rules: [{from: [{source: {serviceAccounts: [a], namespaces: [b]}}]}]}"), "must not have principals or namespaces"),
        (authorization("{rules: [{to: [{operation: {ports: [80]}}]}]}"), "ports[0] must be a port from 1 to 65535, written as text"),
        (authorization("{rules: [{to: [{operation: {ports: ['0']}}]}]}"), "ports[0] must be a port from 1 to 65535"),
        (authorization("{rules: [{to: [{operation: {ports: ['999999999999']}}]}]}"), "ports[0] must be a port from 1 to 65535"),
        (authorization("{rules: [{when: [{key: source.ip}]}]}"), "spec.rules[0].when[0] must have a key, and values or notValues"),
        (authorization("{selector: {matchLabels: {app: 'w*'}}}"), "spec.selector is no valid selector"),
        (authorization("{selector: {matchLabels: {app: a}}, targetRefs: [{kind: Gateway, name: g}]}"), "must not stand beside spec.targetRefs"),
        (authentication("{mtls: {mode: strict}}"), "spec.mtls.mode must be UNSET"),
        (authentication("{portLevelMtls: {80: {mode: STRICT}}}"), "spec.portLevelMtls needs a selector"),
        (authentication("{selector: {matchLabels: {app: web}}, portLevelMtls: {http: {mode: STRICT}}}"), "must be called by a port"),
        (authentication("[]"), "spec must be a mapping"),
    ],
)
def test_a_void_policy_is_named_and_left_out(text: str, message: str) -> None:
    found = loaded(documents(PODS + text))
    [error] = found.errors
    assert message in str(error)
    assert found.mesh.policies == ()
    assert found.cluster.notes[0].endswith("shop/p is invalid and was left out")


def ask(text: str, source: str, destination: str, port: int = 80) -> Answer:
    found = loaded(documents(PODS + text))
    assert not found.errors
    questions = Questions(found.cluster, found.mesh)
    return questions.ask(questions.find(source)[0], questions.find(destination)[0], Protocol.TCP, port)


def decision(answer: Answer) -> MeshDecision:
    assert answer.mesh is not None
    return answer.mesh


def test_strict_refuses_plain_text_and_is_named() -> None:
    strict = authentication("{mtls: {mode: STRICT}}", "istio-system", "default")
    assert ask(strict, "web", "db").allowed
    for plain in ("plain", "203.0.113.1"):
        answer = ask(strict, plain, "db")
        assert not answer.allowed
        assert answer.ingress.allowed  # the network would let it in
        assert str(decision(answer).policy) == "PeerAuthentication istio-system/default"
    assert ask(strict, "web", "plain").allowed  # who is not in the mesh accepts plain text


def test_an_empty_spec_denies_and_an_empty_rule_allows_everything() -> None:
    assert not ask(authorization("{}"), "web", "db").allowed
    assert ask(authorization("{rules: [{}]}"), "203.0.113.1", "db").allowed
    assert not ask(authorization("{action: DENY, rules: [{}]}"), "web", "db").allowed
    assert ask(authorization("{action: AUDIT, rules: [{}]}"), "web", "db").allowed


def test_what_decides_is_named_with_its_rule() -> None:
    answer = ask(authorization("{rules: [{from: [{source: {namespaces: [x]}}]}, {from: [{source: {principals: ['*/sa/web']}}]}]}"), "web", "db")
    assert answer.allowed
    rule = decision(answer).rule
    assert rule is not None
    assert rule.field == "spec.rules[1]"


def test_restrictions_are_kept_in_words() -> None:
    allow = authorization("{rules: [{to: [{operation: {methods: [GET], paths: [/a, /b]}}]}]}")
    assert decision(ask(allow, "web", "db")).restrictions == (Restriction("http", "methods GET"), Restriction("http", "paths /a, /b"))
    deny = authorization("{action: DENY, rules: [{to: [{operation: {paths: [/admin]}}]}]}", name="q")
    assert decision(ask(deny, "web", "db")).restrictions == (Restriction("http", "not where paths /admin"),)
    more = authorization("{rules: [{to: [{operation: {methods: [PUT]}}]}]}", name="r")
    both = decision(ask(allow + more, "web", "db"))
    assert len(both.either) == 2
    free = authorization("{rules: [{from: [{source: {namespaces: [shop]}}]}]}", name="z")
    assert decision(ask(allow + free, "web", "db")).restrictions == ()
    assert decision(ask(authorization("{action: CUSTOM, provider: {name: oauth}, rules: [{}]}"), "web", "db")).restrictions == (
        Restriction("custom", "what oauth lets through"),
    )


def test_the_destination_may_be_meant_by_its_address() -> None:
    rule = "{action: DENY, rules: [{when: [{key: destination.ip, %s: [10.0.0.0/24]}]}]}"
    assert not ask(authorization(rule % "values"), "web", "db").allowed
    assert ask(authorization(rule % "notValues"), "web", "db").allowed
    assert ask(authorization(rule % "values"), "db", "web").allowed


def test_a_policy_for_a_gateway_is_for_its_pods() -> None:
    gateway = """
apiVersion: v1
kind: Pod
metadata: {name: edge, namespace: shop, labels: {gateway.networking.k8s.io/gateway-name: g}}
spec: {containers: [{name: istio-proxy, image: x}]}
---
"""
    deny = authorization("{targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: g}]}")
    assert not ask(gateway + deny, "web", "edge").allowed
    assert ask(gateway + deny, "web", "db").allowed
    found = loaded(documents(PODS + authorization("{targetRefs: [{kind: Service, name: db}]}")))
    assert found.mesh.policies == ()
    assert "AuthorizationPolicy shop/p is for Service db" in found.cluster.notes[0]


def test_a_foreign_trust_domain_is_told() -> None:
    found = loaded(documents(PODS + authorization("{rules: [{from: [{source: {principals: [there.example/ns/shop/sa/web]}}]}]}")))
    assert "speaks of the trust domain there.example" in found.cluster.notes[0]


@pytest.mark.parametrize(
    ("labels", "namespace", "annotations", "expected"),
    [
        ({}, {}, {}, None),
        ({}, {"istio-injection": "enabled"}, {}, Member.SIDECAR),
        ({}, {"istio.io/rev": "stable"}, {}, Member.SIDECAR),
        ({"istio.io/rev": "stable"}, {}, {}, Member.SIDECAR),
        ({}, {"istio.io/rev": "stable", "istio-injection": "disabled"}, {}, None),
        ({"sidecar.istio.io/inject": "true"}, {}, {}, Member.SIDECAR),
        ({"sidecar.istio.io/inject": "true"}, {"istio-injection": "disabled"}, {}, None),
        ({"sidecar.istio.io/inject": "false"}, {"istio-injection": "enabled"}, {}, None),
        ({}, {"istio-injection": "enabled"}, {"sidecar.istio.io/inject": "false"}, None),
        ({}, {}, {"sidecar.istio.io/inject": "true"}, None),
        ({}, {"istio.io/dataplane-mode": "ambient"}, {}, Member.AMBIENT),
        ({"istio.io/dataplane-mode": "none"}, {"istio.io/dataplane-mode": "ambient"}, {}, None),
        ({"security.istio.io/tlsMode": "istio"}, {}, {}, Member.SIDECAR),
    ],
)
def test_who_is_in_the_mesh(labels: dict[str, str], namespace: dict[str, str], annotations: dict[str, str], expected: Member | None) -> None:
    assert member_of("shop", labels, namespace, Traits(annotations=annotations)) is expected
    assert member_of("kube-system", {}, {"istio-injection": "enabled"}, Traits()) is None


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        (ServicePort(80, PortMatch(), "http"), False),
        (ServicePort(80, PortMatch(), ""), False),
        (ServicePort(80, PortMatch(), "tcp-x"), True),
        (ServicePort(80, PortMatch(), "tcpx"), False),
        (ServicePort(80, PortMatch(), "http-x", "tcp"), True),
        (ServicePort(80, PortMatch(), "tcp", "kubernetes.io/h2c"), False),
        (ServicePort(3306, PortMatch(), ""), True),
        (ServicePort(3306, PortMatch(), "http"), False),
        (ServicePort(443, PortMatch(), "https"), True),
    ],
)
def test_which_ports_are_opaque(port: ServicePort, *, expected: bool) -> None:
    assert is_opaque(port) is expected


def facts(text: str) -> Loaded:
    return loaded(documents(PODS + text))


def modes(text: str) -> dict[str, tuple[Member | None, str]]:
    found = facts(text)
    ends = zip(found.cluster.endpoints, found.mesh.profiles, strict=False)
    return {endpoint.workload: (profile.member, profile.modes.default.value) for endpoint, profile in ends if endpoint.workload.endswith("[Pod]")}


def test_modes_of_workloads() -> None:
    """Without a policy plain text is accepted; what is not in the mesh demands nothing."""
    assert modes("") == {
        "other/plain[Pod]": (None, "PERMISSIVE"),
        "shop/db[Pod]": (Member.SIDECAR, "PERMISSIVE"),
        "shop/web[Pod]": (Member.SIDECAR, "PERMISSIVE"),
    }
    assert modes(authentication("{mtls: {mode: STRICT}}"))["shop/web[Pod]"] == (Member.SIDECAR, "STRICT")


def test_the_controller_is_in_the_mesh_with_an_identity_that_nobody_named() -> None:
    way = """
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {selector: {app: db}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: in, namespace: shop}
spec: {defaultBackend: {service: {name: db, port: {number: 80}}}}
---
"""
    controller = "{ingress-controller}"
    assert ask(way + authentication("{mtls: {mode: STRICT}}"), controller, "db").allowed
    assert ask(way + authorization("{rules: [{from: [{source: {principals: ['*']}}]}]}"), controller, "db").allowed
    assert not ask(way + authorization("{rules: [{from: [{source: {namespaces: [shop]}}]}]}"), controller, "db").allowed


def test_spans() -> None:
    assert spans([3, 1, 2, 9]) == ((1, 3), (9, 9))
    assert minus(((1, 10),), ((3, 4), (10, 12))) == ((1, 2), (5, 9))
    assert meet(((1, 10),), ((3, 4), (10, 12))) == ((3, 4), (10, 10))


def test_connections_that_pass_in_part_are_listed_with_what_passes() -> None:
    found = facts(
        authorization("{selector: {matchLabels: {app: db}}, rules: [{to: [{operation: {methods: [GET], ports: ['80']}}]}]}")
        + authorization("{selector: {matchLabels: {app: db}}, rules: [{from: [{source: {principals: ['*/sa/web']}}]}]}", name="q")
    )
    listed = [(item.src, item.dst, ports(item.ports), item.either) for item in restricted(found.cluster, found.mesh)]
    only_get = ((Restriction("http", "methods GET"),),)
    assert ("other/plain[Pod]", "shop/db[Pod]", "TCP 80", only_get) in listed
    assert {(src.partition("-")[0], dst) for src, dst, _, _ in listed} == {
        ("other/plain[Pod]", "shop/db[Pod]"),
        ("0.0.0.0", "shop/db[Pod]"),
        ("10.0.0.8", "shop/db[Pod]"),
        ("::", "shop/db[Pod]"),
    }
    assert list(restricted(facts("").cluster)) == []


def test_what_cilium_lets_through_in_part_is_restricted_too() -> None:
    cilium = """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: c, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: db}}
  ingress: [{fromEndpoints: [{matchLabels: {app: web}}], toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {http: [{method: GET}]}}]}]
---
"""
    [item] = restricted(facts(cilium).cluster)
    assert (item.src, item.dst, ports(item.ports)) == ("shop/web[Pod]", "shop/db[Pod]", "TCP 80")
    assert "GET" in item.either[0][0].detail


def test_the_answer_says_what_the_mesh_decides() -> None:
    document = answer_json([ask(authorization("{rules: [{to: [{operation: {methods: [GET]}}]}]}"), "web", "db")])
    assert document["mesh"] == {
        "allowed": True,
        "by": {"kind": "AuthorizationPolicy", "namespace": "shop", "name": "p", "rule": "spec.rules[0]"},
        "restrictions": [{"kind": "http", "detail": "methods GET"}],
        "either": [],
    }
    assert "mesh" not in answer_json([ask("", "web", "db")])
