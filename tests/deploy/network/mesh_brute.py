"""Istio's decision on one connection straight from its documentation, on plain dictionaries and with no line of the engine in it.

Demands on requests are unknown (``None``): a connection carries some that meet them and some that do not. The answer is ``True`` (every request
passes), ``False`` (none does) or ``None`` (some may).

Sources: Istio's reference of AuthorizationPolicy, of its conditions and of PeerAuthentication; "Controlling the injection policy"; the tasks "TCP
traffic" and "Layer 4 security policy".
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Object = dict[str, Any]
Verdict = bool | None
ROOT = "istio-system"


@dataclass(frozen=True)
class Pod:
    """A pod; or, without a namespace, an address outside."""

    name: str
    namespace: str = ""
    labels: Object = field(default_factory=dict)
    annotations: Object = field(default_factory=dict)
    account: str = "default"
    address: str = ""
    ports: tuple[tuple[str, int], ...] = ()
    host_network: bool = False


def every(verdicts: Iterable[Verdict]) -> Verdict:
    found = list(verdicts)
    return False if False in found else None if None in found else True


def some(verdicts: Iterable[Verdict]) -> Verdict:
    found = list(verdicts)
    return True if True in found else None if None in found else False


def opposite(verdict: Verdict) -> Verdict:
    return None if verdict is None else not verdict


def fits(pattern: str, text: str) -> bool:
    if pattern == "*":
        return text != ""
    if pattern[0] == "*":
        return text.endswith(pattern[1:])
    return text.startswith(pattern[:-1]) if pattern[-1] == "*" else text == pattern


class MeshBrute:
    def __init__(self, namespaces: dict[str, Object], policies: Iterable[Object], services: Iterable[Object] = ()) -> None:
        self.namespaces = namespaces
        self.services = list(services)
        given = list(policies)
        self.authorizations = [item for item in given if item["kind"] == "AuthorizationPolicy"]
        self.authentications = [item for item in given if item["kind"] == "PeerAuthentication"]

    # Membership

    def member(self, pod: Pod) -> str:
        space = self.namespaces.get(pod.namespace, {})
        if not pod.namespace or pod.host_network or pod.namespace == "kube-system":
            return ""
        refused = (
            pod.labels.get("sidecar.istio.io/inject") == "false"
            or space.get("istio-injection") == "disabled"
            or ("sidecar.istio.io/inject" not in pod.labels and pod.annotations.get("sidecar.istio.io/inject") == "false")
        )
        asked = pod.labels.get("sidecar.istio.io/inject") == "true" or space.get("istio-injection") == "enabled"
        if asked and not refused:
            return "sidecar"
        mode = pod.labels.get("istio.io/dataplane-mode") or space.get("istio.io/dataplane-mode")
        return "ambient" if mode == "ambient" else ""

    # Mutual TLS

    def mode(self, pod: Pod, port: int) -> str:
        ignores = ("DISABLE",) if self.member(pod) == "ambient" else ()

        def narrowest(namespaces: tuple[str, ...], *, selecting: bool) -> Object:
            found = [
                item
                for item in self.authentications
                if item["metadata"]["namespace"] in namespaces
                and bool(item["spec"].get("selector", {}).get("matchLabels")) is selecting
                and self.selects(item["spec"], pod)
            ]
            found.sort(
                key=lambda item: (item["metadata"].get("creationTimestamp", ""), f"{item['metadata']['name']}.{item['metadata']['namespace']}")
            )
            return found[0]["spec"] if found else {}

        def said(spec: Object) -> str | None:
            mode = spec.get("mtls", {}).get("mode", "UNSET")
            return None if mode == "UNSET" or mode in ignores else mode

        workload = narrowest((pod.namespace, ROOT), selecting=True)
        namespace = narrowest((pod.namespace,), selecting=False) if pod.namespace != ROOT else {}
        on_port = said({"mtls": workload.get("portLevelMtls", {}).get(str(port), {})})
        return on_port or said(workload) or said(namespace) or said(narrowest((ROOT,), selecting=False)) or "PERMISSIVE"

    @staticmethod
    def selects(spec: Object, pod: Pod) -> bool:
        return all(pod.labels.get(key) == value for key, value in spec.get("selector", {}).get("matchLabels", {}).items())

    # Authorization

    def allowed(self, source: Pod, destination: Pod, protocol: str, port: int) -> Verdict:
        member = self.member(destination)
        if not member or protocol != "TCP":
            return True
        if member == "sidecar" and (port in (15020, 15021, 15090) or str(port) in self.excluded(destination)):
            return True
        mode = self.mode(destination, port)
        mutual = bool(self.member(source)) and mode != "DISABLE"
        if mode == "STRICT" and not mutual:
            return False
        asked = [
            item
            for item in self.authorizations
            if item["metadata"]["namespace"] in (destination.namespace, ROOT) and self.selects(item["spec"], destination)
        ]
        identity = (source.namespace, source.account) if mutual else None

        def matches(action: str) -> list[Verdict]:
            return [
                some(self.rule(item, rule, source, destination, identity, port, action) for rule in item["spec"].get("rules", ()))
                for item in asked
                if item["spec"].get("action", "ALLOW") == action
            ]

        custom = some(matches("CUSTOM")) if member == "sidecar" else False
        by_provider: Verdict = True if custom is False else None
        allowing = matches("ALLOW")
        return every([by_provider, opposite(some(matches("DENY"))), some(allowing) if allowing else True])

    @staticmethod
    def excluded(pod: Pod) -> list[str]:
        return [item.strip() for item in pod.annotations.get("traffic.sidecar.istio.io/excludeInboundPorts", "").split(",")]

    def is_tcp(self, pod: Pod, port: int) -> bool:
        """Whether a Service declares a port of a pod to carry something else than HTTP."""
        for service in self.services:
            spec = service["spec"]
            if service["metadata"]["namespace"] != pod.namespace or any(pod.labels.get(key) != value for key, value in spec["selector"].items()):
                continue
            for item in spec["ports"]:
                target = item.get("targetPort", item["port"])
                meant = [number for name, number in pod.ports if name == target] if isinstance(target, str) else [target]
                if port in meant and item["name"].split("-")[0] in ("tcp", "tls", "mongo", "redis"):
                    return True
        return False

    def rule(self, item: Object, rule: Object, source: Pod, destination: Pod, identity: tuple[str, str] | None, port: int, action: str) -> Verdict:
        ambient = self.member(destination) == "ambient"
        # What the proxy cannot see: it lets a rule that allows fall, and takes one that denies for met.
        blind: Verdict = action != "ALLOW"
        http: Verdict = blind if ambient or self.is_tcp(destination, port) else None
        other: Verdict = blind if ambient else None
        home = item["metadata"]["namespace"]
        parts: list[Verdict] = []
        if "from" in rule:
            parts.append(some(self.source(one["source"], source, identity, home, http, other) for one in rule["from"]))
        if "to" in rule:
            parts.append(some(self.operation(one["operation"], port, http) for one in rule["to"]))
        for one in rule.get("when", ()):
            parts.append(self.condition(one, source, destination, identity, port, http, other))
        return every(parts)

    def source(self, spec: Object, source: Pod, identity: tuple[str, str] | None, home: str, http: Verdict, other: Verdict) -> Verdict:
        parts: list[Verdict] = []
        for key, values in spec.items():
            match key.removeprefix("not").lower():
                case "principals":
                    verdict: Verdict = identity is not None and any(fits(one, f"cluster.local/ns/{identity[0]}/sa/{identity[1]}") for one in values)
                case "namespaces":
                    verdict = identity is not None and any(fits(one, identity[0]) for one in values)
                case "serviceaccounts":
                    verdict = identity is not None and any(one == f"{identity[0]}/{identity[1]}" or (identity == (home, one)) for one in values)
                case "ipblocks":
                    verdict = bool(source.address) and any(ip_address(source.address) in ip_network(one) for one in values)
                case "remoteipblocks":
                    parts.append(other)
                    continue
                case _:
                    parts.append(http)
                    continue
            parts.append(opposite(verdict) if key.startswith("not") else verdict)
        return every(parts)

    def operation(self, spec: Object, port: int, http: Verdict) -> Verdict:
        parts: list[Verdict] = []
        for key, values in spec.items():
            match key:
                case "ports":
                    parts.append(str(port) in values)
                case "notPorts":
                    parts.append(str(port) not in values)
                case _:
                    parts.append(http)
        return every(parts)

    def condition(
        self, spec: Object, source: Pod, destination: Pod, identity: tuple[str, str] | None, port: int, http: Verdict, other: Verdict
    ) -> Verdict:
        def one(value: str) -> bool:
            match spec["key"]:
                case "source.namespace":
                    return identity is not None and fits(value, identity[0])
                case "source.principal":
                    return identity is not None and fits(value, f"cluster.local/ns/{identity[0]}/sa/{identity[1]}")
                case "source.ip":
                    return bool(source.address) and ip_address(source.address) in ip_network(value)
                case "destination.ip":
                    return bool(destination.address) and ip_address(destination.address) in ip_network(value)
                case "destination.port":
                    return str(port) == value
                case _:
                    raise ValueError(spec["key"])

        if spec["key"].startswith("request."):
            return http
        if spec["key"] == "connection.sni":
            return other
        parts: list[Verdict] = []
        if "values" in spec:
            parts.append(any(map(one, spec["values"])))
        if "notValues" in spec:
            parts.append(not any(map(one, spec["notValues"])))
        return every(parts)
