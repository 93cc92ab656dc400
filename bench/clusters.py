"""Clusters made up for the benchmark of the network engine: the same ones for the same seed, as plain objects."""

import random
from collections.abc import Callable, Iterator
from typing import Any, Final

Object = dict[str, Any]

KINDS: Final = ("NetworkPolicy", "Calico", "Cilium", "Cluster")
APPS, TIERS, STAGES = 50, ("a", "b", "c"), ("dev", "prod")


class Maker:
    """Objects of one cluster. ``kinds`` are the families of policies in it, which take turns; ``replicas`` is how many pods have equal labels."""

    def __init__(self, pods: int, policies: int, kinds: tuple[str, ...], *, replicas: int = 5, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._pods, self._policies, self._kinds, self._replicas = pods, policies, kinds, replicas
        self._namespaces = [f"ns-{number}" for number in range(max(3, pods // 100))]
        self._apps = min(APPS, max(3, pods // 10))

    def objects(self) -> Iterator[Object]:
        """Namespaces, pods with addresses, and policies."""
        for number, name in enumerate(self._namespaces):
            yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": f"team-{number % 10}"}}}
        labels, namespace = {}, ""
        for number in range(self._pods):
            if number % self._replicas == 0:
                labels = {"app": self._app(), "tier": self._random.choice(TIERS), "stage": self._random.choice(STAGES), "set": f"set-{number}"}
                namespace = self._namespace()
            yield {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"pod-{number}", "namespace": namespace, "labels": labels},
                "spec": {
                    "containers": [
                        {"name": "main", "image": "main", "ports": [{"name": "http", "containerPort": 8000 + number // self._replicas % 3}]}
                    ]
                },
                "status": {"podIP": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", "hostIP": "192.168.0.1"},
            }
        makers: dict[str, Callable[[int], Object]] = {
            "NetworkPolicy": self._network_policy,
            "Calico": self._calico,
            "Cilium": self._cilium,
            "Cluster": self._cluster,
        }
        for number in range(self._policies):
            yield makers[self._kinds[number % len(self._kinds)]](number)

    def _app(self) -> str:
        return f"app-{self._random.randrange(self._apps)}"

    def _namespace(self) -> str:
        return self._random.choice(self._namespaces)

    def _port(self) -> int:
        return 8000 + self._random.randrange(50)

    def _pods_like(self) -> Object:
        return {
            "matchLabels": self._random.choice([{"app": self._app()}, {"tier": self._random.choice(TIERS), "stage": self._random.choice(STAGES)}])
        }

    def _network_policy(self, number: int) -> Object:
        def peer() -> Object:
            kind = self._random.randrange(8)
            if kind == 0:
                return {"ipBlock": {"cidr": f"203.0.{self._random.randrange(256)}.0/24"}}
            if kind == 1:
                return {"podSelector": self._pods_like()}
            return {"namespaceSelector": {"matchLabels": {"team": f"team-{self._random.randrange(10)}"}}, "podSelector": self._pods_like()}

        def rules(side: str) -> list[Object]:
            return [
                {side: [peer()], "ports": [self._random.choice([{"port": self._port()}, {"port": "http"}, {"port": 8010, "endPort": 8020}])]}
                for _ in range(2)
            ]

        spec: Object = {"podSelector": {"matchLabels": {"app": self._app()}}, "policyTypes": ["Ingress"], "ingress": rules("from")}
        if self._random.random() < 0.5:
            spec |= {"policyTypes": ["Ingress", "Egress"], "egress": rules("to")}
        return _policy("networking.k8s.io/v1", "NetworkPolicy", f"policy-{number}", spec, self._namespace())

    def _calico(self, number: int) -> Object:
        def rule(action: str) -> Object:
            source = {"selector": f"app in {{'{self._app()}', '{self._app()}'}}", "namespaceSelector": f"team == 'team-{self._random.randrange(10)}'"}
            return {"action": action, "protocol": "TCP", "source": source, "destination": {"ports": [self._port(), "8010:8020"]}}

        spec = {
            "order": number,
            "selector": f"app == '{self._app()}' && tier == '{self._random.choice(TIERS)}'",
            "types": ["Ingress"],
            "ingress": [rule("Deny"), rule("Allow")],
        }
        return _policy("projectcalico.org/v3", "NetworkPolicy", f"calico-{number}", spec, self._namespace())

    def _cilium(self, number: int) -> Object:
        team = {"matchLabels": {"io.cilium.k8s.namespace.labels.team": f"team-{self._random.randrange(10)}", "app": self._app()}}
        spec: Object = {
            "endpointSelector": {"matchLabels": {"app": self._app()}},
            "ingress": [{"fromEndpoints": [team], "toPorts": [{"ports": [{"port": str(self._port()), "protocol": "TCP"}]}]}],
            "egress": [{"toCIDR": [f"198.51.{self._random.randrange(256)}.0/24"]}, {"toEntities": ["cluster"]}],
        }
        if number % 2:
            spec["ingressDeny"] = [{"fromEndpoints": [{"matchLabels": {"stage": "dev"}}]}]
        return _policy("cilium.io/v2", "CiliumNetworkPolicy", f"cilium-{number}", spec, self._namespace())

    def _cluster(self, number: int) -> Object:
        def rule(action: str) -> Object:
            peers = [{"pods": {"namespaceSelector": {}, "podSelector": self._pods_like()}}]
            return {"action": action, "from": peers, "protocols": [{"tcp": {"destinationPort": {"number": self._port()}}}]}

        spec = {
            "tier": self._random.choice(["Admin", "Baseline"]),
            "priority": number % 1000,
            "subject": {
                "pods": {"namespaceSelector": {"matchLabels": {"team": f"team-{number % 10}"}}, "podSelector": {"matchLabels": {"app": self._app()}}}
            },
            "ingress": [rule("Deny"), rule("Pass"), rule("Accept")],
        }
        return _policy("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", f"cluster-{number}", spec, "")


def _policy(version: str, kind: str, name: str, spec: Object, namespace: str) -> Object:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
