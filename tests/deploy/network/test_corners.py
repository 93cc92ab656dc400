"""Corners of the APIs, one by one: what each means follows from the documentation, and from what CLI users were promised."""

import json
import textwrap
from collections.abc import Sequence

import pytest

from seawall.deploy.network.connections import connections
from seawall.deploy.network.documents import ports
from seawall.deploy.network.load import Loaded
from seawall.deploy.network.model import Protocol
from seawall.deploy.network.question import Questions
from seawall.deploy.network.reach import reach
from tests.deploy.network.objects import documents, loaded

PODS = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, ports: [{name: http, containerPort: 8080}, {name: dns, containerPort: 53, protocol: UDP}]}]}
status: {podIPs: [{ip: 10.0.0.1}, {ip: "fd00::1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c, ports: [{name: http, containerPort: 80}]}]}
status: {podIP: 10.0.0.2}
---
apiVersion: v1
kind: Pod
metadata: {name: probe, namespace: lab, labels: {app: probe}}
spec: {containers: [{name: c}]}
"""
POLICY = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: shop}}\nspec: {}\n"


def given(text: str) -> Loaded:
    return loaded(documents(textwrap.dedent(text)))


def may(found: Loaded, source: str, destination: str, port: int = 80, protocol: str = "TCP") -> bool:
    questions = Questions(found.cluster)
    (one,), (other,) = questions.find(source), questions.find(destination)
    answer = questions.ask(one, other, Protocol(protocol), port).allowed
    matrix = reach(found.cluster, (4, 6))
    ranges = matrix.ports(int(matrix.class_of[one]), int(matrix.class_of[other]))
    assert answer is any(item.protocol == protocol and item.first <= port <= item.last for item in ranges)
    return answer


def listed(found: Loaded) -> dict[tuple[str, str], str]:
    return {(item.src, item.dst): ports(item.ports) for item in connections(found.cluster, reach(found.cluster))}


def names(found: Loaded) -> list[str]:
    return sorted(endpoint.workload for endpoint in found.cluster.endpoints)


TARGET = """
---
apiVersion: v1
kind: Pod
metadata: {name: target, namespace: shop, labels: {role: target, app: x, tier: x}}
spec: {containers: [{name: c}]}
"""

# NetworkPolicy: (spec, what is asked, the answers)


@pytest.mark.parametrize(
    ("spec", "ingress", "egress"),
    [
        ("{}", False, True),
        ("{podSelector: {}}", False, True),
        ("{podSelector: {}, policyTypes: []}", False, True),
        ("{podSelector: {}, policyTypes: [Egress]}", True, False),
        ("{podSelector: {}, policyTypes: [Ingress, Egress]}", False, False),
        ("{podSelector: {}, egress: []}", False, True),
        ("{podSelector: {}, egress: [{}]}", False, True),
        ("{podSelector: {}, egress: [{to: [{podSelector: {}}]}]}", False, False),
        ("{podSelector: {}, ingress: [{}]}", True, True),
        ("{podSelector: {}, ingress: [{from: [], ports: []}]}", True, True),
        ("{podSelector: {}, ingress: [{from: null}]}", True, True),
        ("{podSelector: {}, policyTypes: [Egress], ingress: [{}]}", True, False),
        ("{podSelector: {matchLabels: {app: other}}, policyTypes: [Ingress, Egress]}", True, True),
    ],
)
def test_directions(spec: str, ingress: bool, egress: bool) -> None:
    found = given(PODS + POLICY.format(spec))
    assert may(found, "lab/probe", "shop/web") is ingress
    assert may(found, "shop/web", "lab/probe") is egress


@pytest.mark.parametrize(
    ("allowed", "open_at_web", "open_at_db"),
    [
        ("{}", ["TCP 80", "TCP 8080"], ["TCP 80", "TCP 8080"]),  # TCP is meant where no protocol is said
        ("{protocol: TCP}", ["TCP 80", "TCP 8080"], ["TCP 80", "TCP 8080"]),
        ("{protocol: UDP}", ["UDP 53"], ["UDP 53"]),
        ("{port: 80}", ["TCP 80"], ["TCP 80"]),
        ("{port: 80.0}", ["TCP 80"], ["TCP 80"]),
        ("{port: 80, endPort: 9000}", ["TCP 80", "TCP 8080"], ["TCP 80", "TCP 8080"]),
        ("{port: 81, endPort: 81}", [], []),
        ("{port: http}", ["TCP 8080"], ["TCP 80"]),  # each pod's own
        ("{port: dns, protocol: UDP}", ["UDP 53"], []),
        ("{port: dns}", [], []),  # the port of that name is one of UDP
        ("{port: metrics}", [], []),
    ],
)
def test_ports(allowed: str, open_at_web: list[str], open_at_db: list[str]) -> None:
    found = given(PODS + POLICY.format(f"{{podSelector: {{}}, ingress: [{{ports: [{allowed}]}}]}}"))
    for target, expected in (("shop/web", open_at_web), ("shop/db", open_at_db)):
        asked = ["TCP 80", "TCP 8080", "UDP 53", "SCTP 80"]
        assert [item for item in asked if may(found, "lab/probe", target, int(item.split()[1]), item.split()[0])] == expected


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("{ipBlock: {cidr: 10.0.0.0/8}}", ["shop/web", "shop/db", "10.9.9.9"]),  # lab/probe has no address that is known
        ("{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/31]}}", ["shop/db", "10.9.9.9"]),
        ("{ipBlock: {cidr: 0.0.0.0/0}}", ["shop/web", "shop/db", "10.9.9.9", "203.0.113.1"]),
        ("{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}", ["203.0.113.1"]),
        ("{ipBlock: {cidr: '::/0'}}", ["shop/web", "2001:db8::1"]),
        ("{ipBlock: {cidr: 'fd00::/8', except: ['fd00::1/128']}}", []),
        ("{ipBlock: {cidr: 10.0.0.7/24}}", ["shop/web", "shop/db"]),  # bits behind the prefix count for nothing
        ("{namespaceSelector: {}}", ["shop/web", "shop/db", "lab/probe"]),
        ("{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: lab}}}", ["lab/probe"]),
        ("{podSelector: {}}", ["shop/web", "shop/db"]),
        ("{podSelector: {}, namespaceSelector: null}", ["shop/web", "shop/db"]),
        ("{podSelector: {matchExpressions: [{key: tier, operator: NotIn, values: [x]}]}}", ["shop/web", "shop/db"]),
        ("{podSelector: {matchExpressions: [{key: tier, operator: DoesNotExist}]}}", ["shop/web", "shop/db"]),
        ("{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web]}]}}", ["shop/db"]),
        ("{podSelector: {matchExpressions: [{key: app, operator: Exists}, {key: app, operator: In, values: [web, x]}]}}", ["shop/web"]),
        ("{namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [a]}]}}", ["shop/web", "shop/db", "lab/probe"]),
    ],
)
def test_peers(peer: str, expected: list[str]) -> None:
    found = given(PODS + TARGET + POLICY.format(f"{{podSelector: {{matchLabels: {{role: target}}}}, ingress: [{{from: [{peer}]}}]}}"))
    sources = ["shop/web", "shop/db", "lab/probe", "10.9.9.9", "203.0.113.1", "2001:db8::1"]
    assert [source for source in sources if may(found, source, "shop/target")] == expected


VOID = [
    ("{podSelector: {matchExpressions: [{key: app, operator: In}]}}", "podSelector"),
    ("{podSelector: {matchExpressions: [{key: app, operator: Like, values: [x]}]}}", "podSelector"),
    ("{podSelector: {matchLabels: {'app web': x}}}", "podSelector"),
    ("{podSelector: {matchLabels: {app: 'a b'}}}", "podSelector"),
    ("{podSelector: {matchLabels: {app: 1}}}", "podSelector"),
    ("{podSelector: {}, policyTypes: [Both]}", "policyTypes[0]"),
    ("{podSelector: {}, ingress: {}}", "ingress"),
    ("{podSelector: {}, ingress: [{from: [{}]}]}", "from[0]"),
    ("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}]}", "from[0]"),
    ("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/33}}]}]}", "cidr"),
    ("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.1}}]}]}", "cidr"),
    ("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/255.0.0.0}}]}]}", "cidr"),
    ("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/8]}}]}]}", "except[0]"),
    ("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: ['fd00::/16']}}]}]}", "except[0]"),
    ("{podSelector: {}, ingress: [{ports: [{port: 0}]}]}", "port"),
    ("{podSelector: {}, ingress: [{ports: [{port: 65536}]}]}", "port"),
    ("{podSelector: {}, ingress: [{ports: [{port: '80'}]}]}", "port"),
    ("{podSelector: {}, ingress: [{ports: [{port: Web_Port}]}]}", "port"),
    ("{podSelector: {}, ingress: [{ports: [{port: 80, endPort: 79}]}]}", "endPort"),
    ("{podSelector: {}, ingress: [{ports: [{endPort: 79}]}]}", "endPort"),
    ("{podSelector: {}, ingress: [{ports: [{port: web, endPort: 79}]}]}", "endPort"),
    ("{podSelector: {}, ingress: [{ports: [{protocol: ICMP}]}]}", "protocol"),
    ("{podSelector: {}, ingress: [{ports: [{protocol: tcp}]}]}", "protocol"),
]


@pytest.mark.parametrize(("spec", "field"), VOID)
def test_a_void_policy_is_named_and_has_no_effect(spec: str, field: str) -> None:
    other = POLICY.format("{podSelector: {matchLabels: {app: db}}}").replace("name: p,", "name: other,")
    found = given(PODS + POLICY.format(spec) + other)
    (error,) = found.errors
    assert "NetworkPolicy shop/p" in error.message
    assert field in error.message
    assert any("shop/p" in note for note in found.cluster.notes)
    assert may(found, "lab/probe", "shop/web")
    assert not may(found, "lab/probe", "shop/db")


def test_the_same_policy_twice_says_the_same() -> None:
    one = POLICY.format("{podSelector: {}, ingress: [{ports: [{port: 80}]}]}")
    assert listed(given(PODS + one)) == listed(given(PODS + one + one))


def test_a_namespace_left_out_is_default() -> None:
    pod = "---\n{apiVersion: v1, kind: Pod, metadata: {name: %s}, spec: {containers: [{name: c}]}}\n"
    policy = '---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: ""}, spec: {podSelector: {}}}\n'
    found = given(pod % "one" + pod.replace("name: %s", "name: two, namespace: default") + policy)
    assert not may(found, "default/one", "default/two")
    assert not may(found, "default/two", "default/one")


def test_old_and_new_versions_of_a_kind_mean_the_same() -> None:
    old = (
        POLICY.format("{podSelector: {matchLabels: {app: web}}}")
        .replace("networking.k8s.io/v1", "extensions/v1beta1")
        .replace("name: p,", "name: q,")
    )
    found = given(PODS + old + POLICY.format("{podSelector: {matchLabels: {app: db}}}"))
    assert not may(found, "lab/probe", "shop/web")
    assert not may(found, "lab/probe", "shop/db")


def test_no_pods_and_nothing_but_policies() -> None:
    assert listed(given("")) == {}
    assert listed(given(POLICY.format("{podSelector: {}}"))) == {}


# Workloads

DEPLOYED = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-5d4, namespace: shop, ownerReferences: [{kind: Deployment, name: web, controller: true}]}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}}
"""
POD = """
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: shop, labels: {labels}, ownerReferences: [{{kind: {kind}, name: {owner}, controller: true}}]}}
spec: {{containers: [{{name: c}}]}}
status: {{phase: {phase}}}
"""


def owned(name: str, kind: str, owner: str, labels: str = "{app: web}", phase: str = "Running") -> str:
    return POD.format(name=name, kind=kind, owner=owner, labels=labels, phase=phase)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DEPLOYED, ["shop/web[Deployment]"]),
        (DEPLOYED + owned("web-5d4-x", "ReplicaSet", "web-5d4"), ["shop/web[Deployment]"]),
        (owned("web-5d4-x", "ReplicaSet", "web-5d4"), ["shop/web-5d4-x[Pod]"]),  # what is not in the input is not made up
        (owned("kube-proxy-n1", "Node", "n1"), ["shop/kube-proxy-n1[Pod]"]),
        (DEPLOYED + owned("web-5d4-x", "ReplicaSet", "web-5d4", phase="Failed"), ["shop/web[Deployment]"]),
        (owned("job-x", "Job", "job", phase="Succeeded"), []),
        (
            """
            apiVersion: batch/v1
            kind: CronJob
            metadata: {name: nightly, namespace: shop}
            spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c}]}}}}}
            ---
            apiVersion: batch/v1
            kind: Job
            metadata: {name: nightly-1, namespace: shop, ownerReferences: [{kind: CronJob, name: nightly}]}
            spec: {template: {spec: {containers: [{name: c}]}}}
            """,
            ["shop/nightly[CronJob]"],
        ),
        (owned("a", "ReplicaSet", "b") + owned("b", "Pod", "a"), ["shop/a[Pod]", "shop/a[Pod]"]),  # a circle of owners ends
    ],
)
def test_owners(text: str, expected: list[str]) -> None:
    assert names(given(text)) == expected


def test_pods_of_a_workload_that_differ_are_taken_together_and_noted() -> None:
    text = DEPLOYED + owned("web-1", "ReplicaSet", "web-5d4") + owned("web-2", "ReplicaSet", "web-5d4", "{app: web, canary: x}")
    policies = POLICY.format("{podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 80}]}]}")
    policies += POLICY.format("{podSelector: {matchLabels: {canary: x}}, ingress: [{ports: [{port: 81}]}]}").replace("name: p,", "name: q,")
    found = given(text + policies)
    assert [note for note in found.cluster.notes if "shop/web[Deployment]" in note]
    assert listed(found)["0.0.0.0-255.255.255.255", "shop/web[Deployment]"] == "TCP 80-81"


def test_labels_that_controllers_put_on_each_pod_are_no_difference() -> None:
    pods = [owned(f"web-{number}", "StatefulSet", "web", f"{{app: web, apps.kubernetes.io/pod-index: '{number}'}}") for number in (1, 2)]
    stateful = DEPLOYED.partition("---")[0].replace("Deployment", "StatefulSet")
    assert given(stateful + "".join(pods)).cluster.notes == ()


# The host's network, nodes and the outside

NODE = """
---
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {zone: a}}
status: {addresses: [{type: InternalIP, address: 192.168.0.1}, {type: Hostname, address: n1}]}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: shop, labels: {app: web}}
spec: {hostNetwork: true, nodeName: n1, containers: [{name: c}]}
"""


def test_pods_on_the_network_of_their_host_are_their_node() -> None:
    found = given(PODS + NODE + POLICY.format("{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}"))
    assert may(found, "lab/probe", "shop/agent")  # not selected
    assert not may(found, "shop/agent", "shop/web")  # not meant
    found = given(PODS + NODE + POLICY.format("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 192.168.0.1/32}}]}]}"))
    assert may(found, "shop/agent", "shop/web")
    assert may(found, "192.168.0.1", "shop/web")
    assert not may(found, "192.168.0.2", "shop/web")


def test_the_outside_never_includes_known_addresses() -> None:
    found = given(PODS + NODE)
    ranges = [source for source, _ in listed(found) if "-" in source and not source.endswith("]")]
    assert {text for text in ranges if ":" not in text} == {"0.0.0.0-10.0.0.0", "10.0.0.3-192.168.0.0", "192.168.0.2-255.255.255.255"}
    assert "fd00::2-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" in ranges


def test_thousands_of_networks() -> None:
    """Ten thousand cuts and pods among them; by pairs of both this would be a hundred million questions."""
    blocks = ", ".join(f"{{ipBlock: {{cidr: 10.{high}.{low}.0/25}}}}" for high in range(20) for low in range(250))
    pods = "".join(
        f"---\n{{apiVersion: v1, kind: Pod, metadata: {{name: p{number}, namespace: shop}}, spec: {{containers: [{{name: c}}]}}, "
        f"status: {{podIP: 10.{number % 20}.{number // 20}.{number % 2 * 200 + 1}}}}}\n"
        for number in range(1000)
    )
    found = given(pods + POLICY.format(f"{{podSelector: {{}}, ingress: [{{from: [{blocks}]}}]}}"))
    matrix = reach(found.cluster)
    assert len(matrix.first) == 4  # pods and the outside, each within those networks and not
    assert may(found, "10.19.249.127", "shop/p1")
    assert not may(found, "10.19.249.128", "shop/p1")


# The kinds of policy.networking.k8s.io

ADMIN = "---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: {}\nmetadata: {{name: {}}}\nspec: {}\n"


@pytest.mark.parametrize(
    ("kind", "name", "spec", "said"),
    [
        ("AdminNetworkPolicy", "p", "{subject: {namespaces: {}}}", "priority"),
        ("AdminNetworkPolicy", "p", "{priority: 1001, subject: {namespaces: {}}}", "priority"),
        ("AdminNetworkPolicy", "p", "{priority: 1, subject: {}}", "subject"),
        ("AdminNetworkPolicy", "p", "{priority: 1, subject: {namespaces: {}, pods: {}}}", "subject"),
        ("AdminNetworkPolicy", "p", "{priority: 1, subject: {namespaces: {}}, ingress: [{action: Accept, from: [{namespaces: {}}]}]}", "action"),
        ("AdminNetworkPolicy", "p", "{priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: []}]}", "from"),
        (
            "AdminNetworkPolicy",
            "p",
            "{priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{networks: [10.0.0.0/8]}]}]}",
            "from[0]",
        ),
        ("AdminNetworkPolicy", "p", "{priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, to: [{domainNames: [a.example]}]}]}", "to[0]"),
        ("BaselineAdminNetworkPolicy", "p", "{subject: {namespaces: {}}}", "default"),
        ("BaselineAdminNetworkPolicy", "default", "{subject: {namespaces: {}}, ingress: [{action: Pass, from: [{namespaces: {}}]}]}", "action"),
        ("ClusterNetworkPolicy", "p", "{tier: Top, priority: 1, subject: {namespaces: {}}}", "tier"),
        (
            "ClusterNetworkPolicy",
            "p",
            "{tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {}}]}]}",
            "action",
        ),
    ],
)
def test_a_void_policy_of_the_cluster(kind: str, name: str, spec: str, said: str) -> None:
    found = given(PODS + ADMIN.format(kind, name, spec))
    (error,) = found.errors
    assert f"{kind} {name}" in error.message
    assert said in error.message
    assert not found.cluster.policies


def test_tiers_in_their_order() -> None:
    deny = ADMIN.format("BaselineAdminNetworkPolicy", "default", "{subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}")
    assert not may(given(PODS + deny), "lab/probe", "shop/web")
    allow = POLICY.format("{podSelector: {}, ingress: [{}]}")
    assert may(given(PODS + deny + allow), "lab/probe", "shop/web")
    rules = "{{action: {}, from: [{{namespaces: {{}}}}]}}"

    def admin(*actions: str) -> str:
        said = ", ".join(rules.format(action) for action in actions)
        return ADMIN.format("AdminNetworkPolicy", "a", f"{{priority: 5, subject: {{namespaces: {{}}}}, ingress: [{said}]}}")

    assert not may(given(PODS + deny + allow + admin("Deny")), "lab/probe", "shop/web")
    assert may(given(PODS + deny + allow + admin("Pass", "Deny")), "lab/probe", "shop/web")
    assert not may(given(PODS + deny + admin("Pass")), "lab/probe", "shop/web")
    isolated = POLICY.format("{podSelector: {}}")
    assert may(given(PODS + isolated + admin("Allow")), "lab/probe", "shop/web")


# Calico

CALICO = "---\napiVersion: projectcalico.org/v3\nkind: {}\nmetadata: {}\nspec: {}\n"


def calico(spec: str, kind: str = "NetworkPolicy", metadata: str = "{name: p, namespace: shop}") -> str:
    return CALICO.format(kind, metadata, spec)


@pytest.mark.parametrize(
    ("spec", "ingress", "egress"),
    [
        ("{}", False, True),
        ("{ingress: [{action: Allow}]}", True, True),
        ("{egress: [{action: Allow}]}", True, True),
        ("{egress: [{action: Deny}]}", True, False),
        ("{ingress: [{action: Allow}], egress: [{action: Deny}]}", True, False),
        ("{types: [Ingress, Egress]}", False, False),
        ("{types: [Egress], ingress: [{action: Deny}]}", True, False),
        ("{ingress: [{action: Log}]}", False, True),
        ("{ingress: [{action: Log}, {action: Allow}]}", True, True),
        ("{ingress: [{action: Pass}]}", True, True),
        ("{selector: app == 'x'}", True, True),
        ("{ingress: [{action: Allow, source: {selector: app == 'probe'}}]}", False, True),  # in a namespaced policy: in this namespace
        ("{ingress: [{action: Allow, source: {selector: app == 'probe', namespaceSelector: all()}}]}", True, True),
        ("{ingress: [{action: Allow, source: {notSelector: app == 'db'}}]}", False, True),  # a negative selector too
        ("{ingress: [{action: Allow, source: {namespaceSelector: projectcalico.org/name == 'lab'}}]}", True, True),
        ("{ingress: [{action: Allow, source: {namespaceSelector: global()}}]}", False, True),
        ("{ingress: [{action: Deny, protocol: TCP, source: {ports: [1000]}}, {action: Allow}]}", True, True),
        ("{ingress: [{action: Allow, ipVersion: 4}]}", True, True),
        ("{ingress: [{action: Allow, ipVersion: 6}]}", False, True),
        ("{ingress: [{action: Allow, protocol: 6}]}", True, True),
        ("{ingress: [{action: Allow, notProtocol: TCP}]}", False, True),
        ("{ingress: [{action: Allow, protocol: 47}]}", False, True),
    ],
)
def test_calico_policies(spec: str, ingress: bool, egress: bool) -> None:
    found = given(PODS + calico(spec))
    assert not found.errors
    assert may(found, "lab/probe", "shop/web") is ingress
    assert may(found, "shop/web", "lab/probe") is egress


def test_a_staged_policy_is_not_enforced() -> None:
    kinds = ("StagedNetworkPolicy", "StagedGlobalNetworkPolicy", "StagedKubernetesNetworkPolicy")
    found = given(PODS + "".join(calico("{types: [Ingress]}", kind) for kind in kinds))
    assert may(found, "lab/probe", "shop/web")
    assert [policy.staged for policy in found.cluster.policies] == [True, True, True]


def test_a_selector_means_no_node_and_no_outside() -> None:
    found = given(PODS + NODE + calico("{ingress: [{action: Allow, source: {selector: all()}}]}", "GlobalNetworkPolicy", "{name: p}"))
    assert may(found, "lab/probe", "shop/web")
    assert not may(found, "192.168.0.1", "shop/web")
    assert not may(found, "shop/agent", "shop/web")
    assert not may(found, "203.0.113.1", "shop/web")


def test_a_policy_of_a_tier_that_is_not_there_is_named() -> None:
    found = given(PODS + calico("{tier: nowhere}"))
    assert "nowhere" in found.errors[0].message
    assert may(found, "lab/probe", "shop/web")


@pytest.mark.parametrize(
    "selector",
    [
        "app = 'web'",
        "app == web",
        "app",
        "has(app",
        "has()",
        "has('app')",
        "app in 'x'",
        "app in {'x'",
        "(app == 'x'",
        "app == 'x')",
        "app == 'x' &&",
        "== 'x'",
        "!",
        "app == 'x' app == 'y'",
        "app like 'x'",
        "all() ()",
        "all ()",
        "app == 'x' & b == 'y'",
        "a" * 513 + " == 'x'",
        "(" * 200 + "all()" + ")" * 200,
    ],
)
def test_bad_selectors(selector: str) -> None:
    found = given(PODS + calico(f"{{selector: {json.dumps(selector)}}}"))
    (error,) = found.errors
    assert "NetworkPolicy shop/p" in error.message


@pytest.mark.parametrize(
    ("selector", "web", "db"),
    [
        ("", True, True),
        ("all()", True, True),
        ("all( )", True, True),
        ("!all()", False, False),
        ("app == 'web'", True, False),
        ("app=='web'", True, False),
        ("app != 'web'", False, True),
        ("tier != 'x'", True, True),
        ("has(app)", True, True),
        ("has( tier )", False, False),
        ("!has(tier)", True, True),
        ("!!has(tier)", False, False),
        ("app in {'web', 'x'}", True, False),
        ("app in{'web',}", True, False),
        ("app in {}", False, False),
        ("app not in {'web'}", False, True),
        ("app notin {'web'}", False, True),
        ("tier not in {'web'}", True, True),
        ("app contains 'e'", True, False),
        ("app starts with 'd'", False, True),
        ("app startswith 'd'", False, True),
        ("app ends with 'b'", True, True),
        ("tier contains ''", False, False),
        ("app == 'web' || app == 'db'", True, True),
        ("app == 'db' || has(app) && app == 'web'", True, True),
        ("(app == 'db' || has(app)) && app == 'web'", True, False),
        ("! (app == 'web')", False, True),
        ("!app == 'web'", False, True),
        ("projectcalico.org/namespace == 'shop'", True, True),
        ("projectcalico.org/namespace == 'lab'", False, False),
        ('app == "web"', True, False),
        ("global()", False, False),
    ],
)  # fmt: skip
def test_selectors(selector: str, web: bool, db: bool) -> None:
    found = given(PODS + calico(f"{{selector: {json.dumps(selector)}}}", "GlobalNetworkPolicy", "{name: p}"))
    assert not found.errors
    assert may(found, "lab/probe", "shop/web") is not web
    assert may(found, "lab/probe", "shop/db") is not db


# Cilium

CILIUM = "---\napiVersion: cilium.io/v2\nkind: {}\nmetadata: {}\nspec: {}\n"


def cilium(spec: str, kind: str = "CiliumNetworkPolicy", metadata: str = "{name: p, namespace: shop}") -> str:
    return CILIUM.format(kind, metadata, spec)


@pytest.mark.parametrize(
    ("rules", "sources"),
    [
        ("ingress: [{}]", []),
        ("ingress: [{fromEndpoints: [{}]}]", ["shop/db"]),
        ("ingress: [{fromEndpoints: []}]", []),
        ("ingress: [{fromEndpoints: [], fromCIDR: [0.0.0.0/0]}]", []),
        ("ingress: [{fromEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': lab}}]}]", ["lab/probe"]),
        ("ingress: [{fromEntities: [all]}]", ["shop/db", "lab/probe", "192.168.0.1", "203.0.113.1"]),
        ("ingress: [{fromEntities: [world]}]", ["203.0.113.1"]),
        ("ingress: [{fromEntities: [cluster]}]", ["shop/db", "lab/probe", "192.168.0.1"]),
        ("ingress: [{fromEntities: [host]}]", ["192.168.0.1"]),
        ("ingress: [{fromEndpoints: [{matchLabels: {'reserved:world': ''}}]}]", ["203.0.113.1"]),
        (
            "ingress: [{fromEndpoints: [{matchExpressions: [{key: 'reserved:world', operator: DoesNotExist}]}]}]",
            ["shop/db", "lab/probe", "192.168.0.1"],
        ),
        ("ingress: [{fromCIDR: [0.0.0.0/0]}]", ["203.0.113.1"]),  # what is in the cluster is known by its labels, not by its address
        ("ingress: [{fromCIDR: [203.0.113.1]}]", ["203.0.113.1"]),
        ("ingress: [{fromCIDRSet: [{cidr: 203.0.0.0/8, except: [203.0.113.0/24]}]}]", []),
        ("ingress: [{toPorts: [{ports: [{port: '80'}]}]}]", ["shop/db", "lab/probe", "192.168.0.1", "203.0.113.1"]),
        ("ingress: [{toPorts: [{ports: [{port: '81'}]}]}]", []),
        ("ingressDeny: [{fromEndpoints: [{}]}]", []),  # it isolates, as every rule does
        ("ingressDeny: [{fromEndpoints: [{}]}], enableDefaultDeny: {ingress: false}", ["lab/probe", "192.168.0.1", "203.0.113.1"]),
        ("ingress: [{fromEntities: [all]}], ingressDeny: [{fromEndpoints: [{}]}]", ["lab/probe", "192.168.0.1", "203.0.113.1"]),
        ("ingress: [{fromEntities: [host]}], enableDefaultDeny: {ingress: false}", ["shop/db", "lab/probe", "192.168.0.1", "203.0.113.1"]),
        ("egress: [{}]", ["shop/db", "lab/probe", "192.168.0.1", "203.0.113.1"]),
    ],
)
def test_cilium_peers(rules: str, sources: list[str]) -> None:
    found = given(PODS + NODE + cilium(f"{{endpointSelector: {{matchLabels: {{app: web}}}}, {rules}}}"))
    assert not found.errors
    assert [source for source in ("shop/db", "lab/probe", "192.168.0.1", "203.0.113.1") if may(found, source, "shop/web")] == sources


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("{endpointSelector: {}}", "at least one rule"),
        ("{ingress: [{}]}", "endpointSelector"),
        ("{endpointSelector: {}, ingress: [{fromEndpoints: [{}], fromCIDR: [10.0.0.0/8]}]}", "beside"),
        ("{endpointSelector: {}, ingress: [{fromCIDRSet: [{cidr: 10.0.0.0/8}], fromCIDR: [10.0.0.0/8]}]}", "beside"),
        ("{endpointSelector: {}, ingress: [{fromEntities: [moon]}]}", "fromEntities[0]"),
        ("{endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: '80'}]}], icmps: [{fields: [{type: 8}]}]}]}", "icmps"),
        ("{endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: '70000'}]}]}]}", "port"),
        ("{endpointSelector: {}, nodeSelector: {}, ingress: [{}]}", "nodeSelector"),
    ],
)
def test_a_void_policy_of_cilium(spec: str, said: str) -> None:
    found = given(PODS + cilium(spec))
    (error,) = found.errors
    assert "CiliumNetworkPolicy shop/p" in error.message
    assert said in error.message


def test_every_kind_of_void_object_leaves_the_rest() -> None:
    texts: Sequence[str] = [POLICY.format("{podSelector: 5}"), ADMIN.format("AdminNetworkPolicy", "a", "[]"), calico("{types: 3}"), cilium("7")]
    found = given(PODS + "".join(texts))
    assert len(found.errors) == len(texts)
    assert may(found, "lab/probe", "shop/web")
