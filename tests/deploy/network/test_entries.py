"""Ways in: what is forwarded to whom, and what of it the policies let through."""

import pytest

from seawall.core.resource import Resource
from seawall.deploy.network.connections import connections
from seawall.deploy.network.documents import ports
from seawall.deploy.network.entries import NAME
from seawall.deploy.network.exposures import Exposure, exposures
from seawall.deploy.network.kinds.selectors import PODS
from seawall.deploy.network.load import Loaded
from seawall.deploy.network.model import EndpointKind, Protocol
from seawall.deploy.network.question import Questions
from seawall.deploy.network.reach import reach
from tests.deploy.network.objects import Nowhere, documents, loaded

SHOP = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: x, ports: [{name: main, containerPort: 8080}, {name: admin, containerPort: 9090}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-old, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: x, ports: [{name: main, containerPort: 8000}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: main}
  - {name: admin, port: 81, targetPort: 9090}
  - {name: u, port: 80, protocol: UDP}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: v1
kind: Service
metadata: {name: away, namespace: shop}
spec: {type: ExternalName, externalName: example.org, selector: {app: db}, ports: [{port: 5432}]}
---
"""


def ingress(service: str, port: str, extra: str = "") -> str:
    return f"""
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: in, namespace: shop}}
spec: {{rules: [{{host: shop.example, http: {{paths: [{{path: /, backend: {{service: {{name: {service}, port: {port}}}}}}}]}}}}]{extra}}}
---
"""


def forwarded(found: Loaded) -> dict[str, str]:
    """What ``{ingress-controller}`` may open, by workload."""
    assert not found.errors
    listed = list(connections(found.cluster, reach(found.cluster)))
    assert all(item.dst != NAME for item in listed)
    return {item.dst: ports(item.ports) for item in listed if item.src == NAME}


def entries(text: str) -> dict[str, str]:
    return forwarded(loaded(documents(SHOP + text)))


def test_without_a_way_in_there_is_no_controller() -> None:
    assert NAME not in {endpoint.workload for endpoint in loaded(documents(SHOP)).cluster.endpoints}


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ("{number: 80}", {"shop/web[Pod]": "TCP 8080", "shop/web-old[Pod]": "TCP 8000"}),
        ("{name: http}", {"shop/web[Pod]": "TCP 8080", "shop/web-old[Pod]": "TCP 8000"}),
        ("{name: admin}", {"shop/web[Pod]": "TCP 9090", "shop/web-old[Pod]": "TCP 9090"}),
        ("{number: 8080}", {}),
        ("{name: u}", {}),
        ("{}", {}),
    ],
)
def test_an_ingress_leads_to_the_container_ports_behind_the_port_of_the_service(port: str, expected: dict[str, str]) -> None:
    """A name means what each pod calls so; a number is forwarded whether a container declares it or not."""
    assert entries(ingress("web", port)) == expected


def test_the_default_backend_counts_and_what_leads_nowhere_is_told() -> None:
    found = loaded(documents(SHOP + ingress("away", "{number: 5432}", ", defaultBackend: {service: {name: db, port: {number: 5432}}}")))
    assert forwarded(found) == {"shop/db[Pod]": "TCP 5432"}
    assert found.cluster.notes == ("Ingress shop/in forwards to Service shop/away, which selects no pods itself",)
    assert loaded(documents(SHOP + ingress("gone", "{number: 1}"))).cluster.notes == (
        "Ingress shop/in forwards to Service shop/gone, which is not in the input",
    )
    assert loaded(documents(SHOP + ingress("db", "{number: 1}"))).cluster.notes == (
        "Ingress shop/in forwards to a port that Service shop/db does not have: 1",
    )


def test_an_ingress_of_before_v1_writes_service_and_port_flat() -> None:
    old = """
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: in, namespace: shop}
spec: {backend: {serviceName: web, servicePort: http}}
"""
    assert entries(old) == {"shop/web[Pod]": "TCP 8080", "shop/web-old[Pod]": "TCP 8000"}


def route(port: str, more: str = "") -> str:
    return f"""
apiVersion: route.openshift.io/v1
kind: Route
metadata: {{name: r, namespace: shop}}
spec: {{host: shop.example, to: {{kind: Service, name: web}}{port}{more}}}
---
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (route(""), {"shop/web[Pod]": "TCP 8080,9090", "shop/web-old[Pod]": "TCP 8000,9090"}),
        (route(", port: {targetPort: http}"), {"shop/web[Pod]": "TCP 8080", "shop/web-old[Pod]": "TCP 8000"}),
        (route(", port: {targetPort: main}"), {"shop/web[Pod]": "TCP 8080", "shop/web-old[Pod]": "TCP 8000"}),
        (route(", port: {targetPort: 9090}"), {"shop/web[Pod]": "TCP 9090", "shop/web-old[Pod]": "TCP 9090"}),
        (route(", port: {targetPort: 81}"), {"shop/web[Pod]": "TCP 9090", "shop/web-old[Pod]": "TCP 9090"}),
        (
            route(", port: {targetPort: 9090}", ", alternateBackends: [{kind: Service, name: db, weight: 0}]"),
            {"shop/web[Pod]": "TCP 9090", "shop/web-old[Pod]": "TCP 9090"},
        ),
        (route("", ", alternateBackends: [{kind: Service, name: db, weight: 10}]"), {
            "shop/web[Pod]": "TCP 8080,9090", "shop/web-old[Pod]": "TCP 8000,9090", "shop/db[Pod]": "TCP 5432",
        }),
    ],
)  # fmt: skip
def test_a_route_speaks_of_target_ports(text: str, expected: dict[str, str]) -> None:
    assert entries(text) == expected


GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: any
  listeners:
  - {name: own, port: 80, protocol: HTTP}
  - {name: all, port: 443, protocol: HTTPS, hostname: "*.example", allowedRoutes: {namespaces: {from: All}}}
  - name: chosen
    port: 53
    protocol: UDP
    allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: shop}}}}
---
"""


def http_route(parent: str, rest: str = "", kind: str = "HTTPRoute", backend: str = "{name: db, port: 5432}") -> str:
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: {kind}
metadata: {{name: r, namespace: shop}}
spec: {{parentRefs: [{parent}], rules: [{{backendRefs: [{backend}]}}]{rest}}}
---
"""


EDGE = "{name: edge, namespace: infra}"
DB = {"shop/db[Pod]": "TCP 5432"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (http_route(EDGE), DB),
        (http_route("{name: edge, namespace: infra, sectionName: all}"), DB),
        (http_route("{name: edge, namespace: infra, sectionName: own}"), {}),
        (http_route("{name: edge, namespace: infra, port: 80}"), {}),
        (http_route(EDGE, ", hostnames: [a.example]"), DB),
        (http_route(EDGE, ", hostnames: [a.b.example]"), DB),
        (http_route(EDGE, ", hostnames: [example]"), {}),
        (http_route(EDGE, ", hostnames: [a.other]"), {}),
        (http_route(EDGE, kind="GRPCRoute"), DB),
        (http_route(EDGE, kind="TCPRoute"), {}),
        (http_route(EDGE, kind="UDPRoute", backend="{name: web, port: 80}"), {"shop/web[Pod]": "UDP 80", "shop/web-old[Pod]": "UDP 80"}),
        (http_route("{name: web, kind: Service, group: ''}"), {}),
        (http_route(EDGE, backend="{name: db, port: 5432, weight: 0}"), {}),
        (http_route(EDGE, backend="{name: db}"), {}),
        (http_route(EDGE, backend="{name: db, port: 5432, kind: Bucket, group: storage.example}"), {}),
    ],
)
def test_a_route_of_the_gateway_api_forwards_where_a_listener_takes_it(text: str, expected: dict[str, str]) -> None:
    assert entries(GATEWAY + text) == expected


def test_a_gateway_that_is_not_there_is_taken_to_accept() -> None:
    found = loaded(documents(SHOP + http_route(EDGE)))
    assert forwarded(found) == DB
    assert found.cluster.notes == ("HTTPRoute shop/r: Gateway infra/edge is not in the input; it is taken to accept it",)


def test_another_namespace_needs_a_grant() -> None:
    abroad = http_route(EDGE).replace("name: r, namespace: shop", "name: r, namespace: other").replace("{name: db,", "{name: db, namespace: shop,")
    found = loaded(documents(SHOP + GATEWAY + abroad))
    assert forwarded(found) == {}
    assert found.cluster.notes == ("HTTPRoute other/r refers to Service shop/db, which no ReferenceGrant permits",)
    grant = """
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: g, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: other}]
  to: [{group: "", kind: Service}]
"""
    assert entries(GATEWAY + abroad + grant) == DB


def policy(rule: str) -> str:
    return f"""
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: p, namespace: shop}}
spec: {{podSelector: {{matchLabels: {{app: db}}}}, ingress: [{rule}]}}
---
"""


@pytest.mark.parametrize(
    ("rule", "enters"),
    [
        ("{}", True),
        ("{ports: [{port: 5432}]}", True),
        ("{ports: [{port: 1}]}", False),
        ("{from: [{podSelector: {}}]}", False),
        ("{from: [{namespaceSelector: {matchLabels: {a: b}}}]}", False),
        ("{from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: ingress}}}]}", False),
        ("{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}", False),
        ("{from: [{namespaceSelector: {}}]}", True),
        ("{from: [{namespaceSelector: {}, podSelector: {}}]}", True),
    ],
)
def test_policies_let_the_controller_in_where_they_let_in_any_pod(rule: str, *, enters: bool) -> None:
    """It is a pod of which nothing is known: not its labels, not its namespace, not its address."""
    if "namespaceSelector: {}" in rule and enters and EndpointKind.ENTRY not in PODS.kinds:
        pytest.skip("selectors of pods do not mean the controller yet")
    assert entries(ingress("db", "{number: 5432}") + policy(rule)) == (DB if enters else {})


def test_the_ingress_is_named_as_what_decides() -> None:
    found = loaded(documents(SHOP + ingress("db", "{number: 5432}")))
    questions = Questions(found.cluster)
    [entry], [db], [web] = (questions.find(name) for name in (NAME, "shop/db", "shop/web"))
    assert questions.ask(entry, db, Protocol.TCP, 5432).allowed
    refused = questions.ask(entry, web, Protocol.TCP, 8080)
    assert not refused.allowed
    assert str(refused.egress.policy) == "Ingress shop/in"
    assert not questions.ask(web, entry, Protocol.TCP, 80).allowed


# Exposures


def exposed(text: str) -> list[Exposure]:
    objects = documents(SHOP + text)
    return exposures(loaded(objects).cluster, [Resource("-", item, Nowhere()) for item in objects])


def shown(found: list[Exposure]) -> list[tuple[str, str, str, str]]:
    return [(item.kind, item.workload, ports(item.ports), ports(item.open)) for item in found]


def service(kind: str, more: str = "") -> str:
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: out, namespace: shop{more}}}
spec: {{type: {kind}, selector: {{app: db}}, ports: [{{port: 1, targetPort: 5432}}]}}
---
"""


@pytest.mark.parametrize("kind", ["LoadBalancer", "NodePort"])
def test_services_open_what_the_policies_let_in_from_outside(kind: str) -> None:
    assert shown(exposed(service(kind))) == [(kind, "shop/db[Pod]", "TCP 5432", "TCP 5432")]
    assert shown(exposed(service(kind) + policy("{from: [{podSelector: {}}]}"))) == [(kind, "shop/db[Pod]", "TCP 5432", "no connections")]
    assert shown(exposed(service(kind) + policy("{from: [{ipBlock: {cidr: 198.51.100.0/24}}]}"))) == [(kind, "shop/db[Pod]", "TCP 5432", "TCP 5432")]


def test_a_service_inside_the_cluster_opens_nothing() -> None:
    assert exposed(service("ClusterIP")) == []


def test_source_ranges_narrow_who_may_enter() -> None:
    narrowed = service("LoadBalancer").replace("{type:", "{loadBalancerSourceRanges: [10.0.0.0/8], type:")
    allowing = "{from: [{ipBlock: {cidr: 198.51.100.0/24}}]}"
    [found] = exposed(narrowed + policy(allowing))
    assert (found.sources, found.open) == (("10.0.0.0/8",), ())
    [found] = exposed(narrowed + policy("{from: [{ipBlock: {cidr: 10.1.0.0/16}}]}"))
    assert ports(found.open) == "TCP 5432"


def test_internal_load_balancers_and_external_addresses() -> None:
    [found] = exposed(service("LoadBalancer", ', annotations: {networking.gke.io/load-balancer-type: "Internal"}'))
    assert found.internal
    assert shown(exposed(service("ClusterIP").replace("{type:", "{externalIPs: [192.0.2.1], type:"))) == [
        ("ExternalIP", "shop/db[Pod]", "TCP 5432", "TCP 5432")
    ]


@pytest.mark.parametrize(
    ("tls", "encrypted"),
    [
        ("", False),
        (", tls: [{secretName: s}]", True),
        (", tls: [{hosts: [shop.example]}]", True),
        (", tls: [{hosts: ['*.example']}]", True),
        (", tls: [{hosts: [other.example]}]", False),
        (", tls: [{hosts: [shop.example]}], defaultBackend: {service: {name: db, port: {number: 5432}}}", False),
    ],
)
def test_an_ingress_is_encrypted_where_its_tls_covers_every_host(tls: str, *, encrypted: bool) -> None:
    [found] = exposed(ingress("db", "{number: 5432}", tls))
    assert (found.kind, found.tls) == ("Ingress", encrypted)
    assert found.hosts[0] == "shop.example"


def test_routes_of_gateways_are_encrypted_by_their_listeners() -> None:
    [found] = exposed(GATEWAY + http_route(EDGE, ", hostnames: [a.example]"))
    assert (found.tls, found.hosts) == (True, ("a.example",))
    [found] = exposed(http_route(EDGE))
    assert (found.tls, found.hosts) == (False, ("*",))
    [found, _] = exposed(route("", ", tls: {termination: edge}"))
    assert (found.tls, found.hosts) == (True, ("shop.example",))
