"""One connection judged straight from the documentation of the APIs, on plain dictionaries: slow, obvious, and with no line of the engine in it.

Sources: the API reference of NetworkPolicy; network-policy-api v1alpha1 and v1alpha2; the Calico resource reference; the Cilium policy documentation.

Known addresses are those of ``status.podIPs`` and of nodes. What the documentation leaves open is decided as ``docs`` say: a pod whose address is not
known is in no network; pods on the host's network are their node, and no selector of pods means them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any

Object = dict[str, Any]
INFINITE = float("inf")
Verdict = Callable[[], str | None]
TRANSPORT = ("TCP", "UDP", "SCTP")


@dataclass(frozen=True)
class End:
    """One end of a connection. ``kind`` is ``pod``, ``host`` (a pod on the host's network), ``node`` or ``address``."""

    kind: str
    name: str
    namespace: str = ""
    labels: Object = field(default_factory=dict)
    namespace_labels: Object = field(default_factory=dict)
    account: str = ""
    account_labels: Object = field(default_factory=dict)
    node_labels: Object = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    ports: tuple[tuple[str, str, int], ...] = ()  # name, protocol, number


@dataclass(frozen=True)
class Packet:
    """What is asked about. ``port`` is the destination's, for ICMP the type."""

    source: End
    destination: End
    protocol: str
    port: int

    def ends(self, direction: str) -> tuple[End, End]:
        """The end whose policies are asked, and the other."""
        return (self.destination, self.source) if direction == "ingress" else (self.source, self.destination)


class Brute:
    """A cluster as its objects describe it."""

    def __init__(self, objects: Iterable[Object]) -> None:
        self.objects = list(objects)
        self.ends = {(end.namespace, end.name): end for end in self._ends()}

    def of(self, *kinds: str) -> list[Object]:
        return [item for item in self.objects if item["kind"] in kinds]

    def _named(self, kind: str, name: str, namespace: str = "") -> Object:
        found = [item for item in self.of(kind) if item["metadata"]["name"] == name and (not namespace or space(item) == namespace)]
        return found[0] if found else {"metadata": {}}

    def _ends(self) -> Iterator[End]:
        for node in self.of("Node"):
            labels = node["metadata"].get("labels", {})
            addresses = tuple(item["address"] for item in node["status"]["addresses"])
            yield End("node", node["metadata"]["name"], node_labels=labels, addresses=addresses)
        for pod in self.of("Pod"):
            meta, spec, namespace = pod["metadata"], pod["spec"], space(pod)
            account = spec.get("serviceAccountName", "default")
            node = self._named("Node", spec.get("nodeName", ""))
            own = tuple(item["ip"] for item in pod.get("status", {}).get("podIPs", ()))
            host = spec.get("hostNetwork", False)
            yield End(
                "host" if host else "pod",
                meta["name"],
                namespace,
                meta.get("labels", {}),
                {**self._named("Namespace", namespace)["metadata"].get("labels", {}), "kubernetes.io/metadata.name": namespace},
                account,
                self._named("ServiceAccount", account, namespace)["metadata"].get("labels", {}),
                node["metadata"].get("labels", {}),
                tuple(item["address"] for item in node.get("status", {}).get("addresses", ())) if host else own,
                tuple(
                    (port.get("name", ""), port.get("protocol", "TCP"), port["containerPort"])
                    for container in spec["containers"]
                    for port in container.get("ports", ())
                ),
            )

    def address(self, text: str) -> End:
        return End("address", text, addresses=(text,))

    def allowed(self, packet: Packet) -> bool:
        """Both ends must allow it."""
        return all(self._side(packet, direction) for direction in ("egress", "ingress"))

    def _side(self, packet: Packet, direction: str) -> bool:
        subject, _ = packet.ends(direction)
        if subject.kind != "pod":
            return True  # no policy here speaks of nodes, their pods or the outside as its subject
        # Where Calico is, its own tiers stand before, between and behind the others by their order.
        stages: list[tuple[float, str, Callable[[], bool | None]]] = [
            (1_000, "kube-admin", partial(self._administered, packet, direction, "Admin")),
            (1_000_000, "default", partial(self._tier, packet, direction, "default", "Deny")),
            (10_000_000, "kube-baseline", partial(self._administered, packet, direction, "Baseline")),
        ]
        for item in self.of("Tier"):
            name, default = item["metadata"]["name"], item["spec"].get("defaultAction", "Deny")
            stages.append((order(item["spec"]), name, partial(self._tier, packet, direction, name, default)))
        verdicts = (decide() for _, _, decide in sorted(stages, key=lambda stage: stage[:2]))
        return next((verdict for verdict in verdicts if verdict is not None), True)

    # AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy

    def _administered(self, packet: Packet, direction: str, tier: str) -> bool | None:
        """The first matching rule in the order of priorities; ``Pass`` leaves the tier, and so does having no rule that matches."""
        kinds = {"Admin": "AdminNetworkPolicy", "Baseline": "BaselineAdminNetworkPolicy"}
        found = [item for item in self.of("ClusterNetworkPolicy") if item["spec"]["tier"] == tier] + self.of(kinds[tier])
        subject, peer = packet.ends(direction)
        for policy in sorted(found, key=lambda item: (item["spec"].get("priority", 0), item["metadata"]["name"])):
            if not administered_peer(policy["spec"]["subject"], subject):
                continue
            for rule in policy["spec"].get(direction, ()):
                peers = rule["from" if direction == "ingress" else "to"]
                if any(administered_peer(item, peer) for item in peers) and administered_ports(rule, packet):
                    if rule["action"] == "Pass":
                        return None
                    return bool(rule["action"] in ("Allow", "Accept"))
        return None

    # NetworkPolicy, Calico and Cilium

    def _tier(self, packet: Packet, direction: str, tier: str, default: str) -> bool | None:
        """The policies of one tier that select the subject, in their order; then the tier's default, where one of them isolates."""
        if tier == "default" and self._cilium_denies(packet, direction):
            return False
        applied = sorted(self._applied(packet, direction, tier), key=lambda entry: entry[:2])
        for _, _, _, verdict in applied:
            said = verdict()
            if said == "Pass":
                return None
            if said is not None:
                return said == "Allow"
        return False if default == "Deny" and any(isolates for _, _, isolates, _ in applied) else None

    def _applied(self, packet: Packet, direction: str, tier: str) -> Iterator[tuple[float, str, bool, Verdict]]:
        subject, _ = packet.ends(direction)
        for item in self.of("NetworkPolicy", "GlobalNetworkPolicy"):
            spec, name = item["spec"], item["metadata"]["name"]
            if not item["apiVersion"].startswith("networking.k8s.io"):
                if (spec.get("tier") or "default") == tier and calico_applies(item, direction) and self._calico_selects(item, subject):
                    full = f"{space(item)}/{name}" if item["kind"] == "NetworkPolicy" else name
                    yield order(spec), full, True, partial(self._calico_verdict, item, packet, direction)
            elif tier == "default" and kubernetes_applies(item, direction) and kubernetes_selects(item, subject):
                yield 1000, name, True, partial(kubernetes_verdict, item, packet, direction)
        if tier == "default":
            for item, spec in self._cilium_specs():
                if cilium_subject(item, spec, subject):
                    verdict = partial(self._cilium_verdict, item, spec, packet, direction)
                    yield 1000, item["metadata"]["name"], cilium_isolates(spec, direction), verdict

    # Calico

    def _calico_selects(self, item: Object, subject: End) -> bool:
        spec = item["spec"]
        scoped = subject.namespace == space(item) if item["kind"] == "NetworkPolicy" else namespaces_mean(spec.get("namespaceSelector", ""), subject)
        return (
            scoped
            and calico(spec.get("selector", ""), calico_labels(subject))
            and calico(spec.get("serviceAccountSelector", ""), subject.account_labels)
        )

    def _calico_verdict(self, item: Object, packet: Packet, direction: str) -> str | None:
        namespace = space(item) if item["kind"] == "NetworkPolicy" else ""
        for rule in item["spec"].get(direction, ()):
            if self._calico_matches(rule, packet, namespace) and rule["action"] != "Log":
                return str(rule["action"])
        return None

    def _calico_matches(self, rule: Object, packet: Packet, namespace: str) -> bool:
        source, destination = rule.get("source", {}), rule.get("destination", {})
        return (
            self._calico_entity(source, packet.source, namespace)
            and self._calico_entity(destination, packet.destination, namespace)
            and calico_protocol(rule, packet)
            and (not destination.get("ports") or calico_ports(destination["ports"], packet))
            and not (destination.get("notPorts") and calico_ports(destination["notPorts"], packet))
            and ("services" not in destination or self._service_port(destination["services"], packet, namespace))
        )

    def _calico_entity(self, entity: Object, end: End, namespace: str) -> bool:
        """All that is said must hold. A selector means pods, and addresses by way of network sets."""
        accounts = entity.get("serviceAccounts", {})
        said = [entity.get("selector"), entity.get("namespaceSelector"), accounts.get("names"), accounts.get("selector")]
        if any(said) or (namespace and entity.get("notSelector")):

            def meant(labels: Object, thing: End) -> bool:
                where = entity.get("namespaceSelector")
                return (
                    (namespaces_mean(where, thing) if where else not namespace or thing.namespace == namespace)
                    and calico(entity.get("selector", ""), labels)
                    and (not accounts.get("names") or thing.account in accounts["names"])
                    and calico(accounts.get("selector", ""), thing.account_labels)
                )

            if not self._by_labels(meant, end):
                return False
        if entity.get("notSelector") and self._by_labels(lambda labels, _: calico(entity["notSelector"], labels), end):
            return False
        if entity.get("nets") and not in_networks(end, entity["nets"]):
            return False
        if entity.get("notNets") and in_networks(end, entity["notNets"]):
            return False
        if "services" in entity:
            wanted = self._named("Service", entity["services"]["name"], entity["services"].get("namespace") or namespace or "default")
            selector = wanted.get("spec", {}).get("selector")
            if not (selector and end.kind == "pod" and end.namespace == space(wanted) and selector.items() <= end.labels.items()):
                return False
        return True

    def _by_labels(self, meant: Callable[[Object, End], bool], end: End) -> bool:
        if end.kind == "pod" and meant(calico_labels(end), end):
            return True
        for item in self.of("NetworkSet", "GlobalNetworkSet"):
            where = space(item) if item["kind"] == "NetworkSet" else ""
            labels = {**self._named("Namespace", where)["metadata"].get("labels", {}), "kubernetes.io/metadata.name": where} if where else {}
            thing = End("set", item["metadata"]["name"], where, item["metadata"].get("labels", {}), labels)
            if in_networks(end, item["spec"].get("nets", ())) and meant(calico_labels(thing), thing):
                return True
        return False

    def _service_port(self, reference: Object, packet: Packet, namespace: str) -> bool:
        wanted = self._named("Service", reference["name"], reference.get("namespace") or namespace or "default")
        for item in wanted.get("spec", {}).get("ports", ()):
            target, protocol = item.get("targetPort", item["port"]), item.get("protocol", "TCP")
            if protocol == packet.protocol and port_is(target, protocol, packet):
                return True
        return False

    # Cilium

    def _cilium_specs(self) -> Iterator[tuple[Object, Object]]:
        for item in self.of("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"):
            for spec in [*([item["spec"]] if "spec" in item else []), *item.get("specs", ())]:
                yield item, spec

    def _cilium_denies(self, packet: Packet, direction: str) -> bool:
        subject, _ = packet.ends(direction)
        return any(
            cilium_subject(item, spec, subject) and any(self._cilium_rule(item, rule, packet, direction) for rule in spec.get(f"{direction}Deny", ()))
            for item, spec in self._cilium_specs()
        )

    def _cilium_verdict(self, item: Object, spec: Object, packet: Packet, direction: str) -> str | None:
        return "Allow" if any(self._cilium_rule(item, rule, packet, direction) for rule in spec.get(direction, ())) else None

    def _cilium_rule(self, item: Object, rule: Object, packet: Packet, direction: str) -> bool:
        prefix = "from" if direction == "ingress" else "to"
        _, peer = packet.ends(direction)
        namespace = space(item) if item["kind"] == "CiliumNetworkPolicy" else ""
        peers = {key.removeprefix(prefix): value for key, value in rule.items() if key.startswith(prefix) and key != "toPorts"}
        ports = rule.get("toPorts") or rule.get("icmps")
        if not peers and not ports:
            return False  # "an empty rule": it isolates, and lets nothing through
        if peers and (
            not all(peers.values()) or not any(self._cilium_peer(kind, value, peer, namespace) for kind, values in peers.items() for value in values)
        ):
            return False
        return not ports or any(cilium_port(entry, packet) for part in ports for entry in [*part.get("ports", ()), *part.get("fields", ())])

    def _cilium_peer(self, kind: str, value: Any, peer: End, namespace: str) -> bool:
        outside = peer.kind == "address"
        match kind:
            case "Endpoints":
                return cilium_endpoint(value, peer, namespace)
            case "CIDR":
                return outside and in_networks(peer, [value])
            case "CIDRSet":
                return outside and in_networks(peer, [value["cidr"]]) and not in_networks(peer, value.get("except", ()))
            case "Entities":
                return {
                    "all": True,
                    "world": outside,
                    "world-ipv4": outside and ":" not in peer.name,
                    "world-ipv6": outside and ":" in peer.name,
                    "cluster": not outside,
                    "host": peer.kind in ("node", "host"),
                    "remote-node": peer.kind in ("node", "host"),
                }[value]
            case _:
                raise ValueError(kind)


def space(item: Object) -> str:
    return str(item["metadata"].get("namespace") or "default")


def order(spec: Object) -> float:
    given = spec.get("order")
    return INFINITE if given is None else float(given)


def in_networks(end: End, networks: Iterable[str]) -> bool:
    return any(ip_address(own) in ip_network(network, strict=False) for own in end.addresses for network in networks)


def label_selector(selector: Object, labels: Object) -> bool:
    """``metav1.LabelSelector``."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for item in selector.get("matchExpressions") or ():
        has, own = item["key"] in labels, labels.get(item["key"])
        good = {
            "In": has and own in item.get("values", ()),
            "NotIn": not has or own not in item.get("values", ()),
            "Exists": has,
            "DoesNotExist": not has,
        }[item["operator"]]
        if not good:
            return False
    return True


def port_is(wanted: int | str, protocol: str, packet: Packet) -> bool:
    """A number, or the name of a port that a container of the destination declares."""
    if isinstance(wanted, int):
        return wanted == packet.port
    return (wanted, protocol, packet.port) in packet.destination.ports


# NetworkPolicy


def kubernetes_applies(item: Object, direction: str) -> bool:
    types = item["spec"].get("policyTypes")
    if types:
        return direction.capitalize() in types
    return direction == "ingress" or bool(item["spec"].get("egress"))


def kubernetes_selects(item: Object, subject: End) -> bool:
    return subject.namespace == space(item) and label_selector(item["spec"].get("podSelector") or {}, subject.labels)


def kubernetes_verdict(item: Object, packet: Packet, direction: str) -> str | None:
    _, peer = packet.ends(direction)
    for rule in item["spec"].get(direction) or ():
        peers = rule.get("from" if direction == "ingress" else "to")
        if (not peers or any(kubernetes_peer(one, peer, space(item)) for one in peers)) and (
            not rule.get("ports") or any(kubernetes_port(one, packet) for one in rule["ports"])
        ):
            return "Allow"
    return None


def kubernetes_peer(item: Object, peer: End, namespace: str) -> bool:
    if "ipBlock" in item:
        return any(
            ip_address(own) in ip_network(item["ipBlock"]["cidr"], strict=False)
            and not any(ip_address(own) in ip_network(one, strict=False) for one in item["ipBlock"].get("except", ()))
            for own in peer.addresses
        )
    if peer.kind != "pod":
        return False
    if "namespaceSelector" in item:
        return label_selector(item["namespaceSelector"], peer.namespace_labels) and label_selector(item.get("podSelector") or {}, peer.labels)
    return peer.namespace == namespace and label_selector(item["podSelector"], peer.labels)


def kubernetes_port(item: Object, packet: Packet) -> bool:
    protocol, port = item.get("protocol", "TCP"), item.get("port")
    if protocol != packet.protocol:
        return False
    if port is None:
        return True
    if "endPort" in item:
        return bool(port <= packet.port <= item["endPort"])
    return port_is(port, protocol, packet)


# network-policy-api


def administered_peer(item: Object, end: End) -> bool:
    ((kind, value),) = item.items()
    match kind:
        case "namespaces":
            return end.kind == "pod" and label_selector(value, end.namespace_labels)
        case "pods":
            return (
                end.kind == "pod"
                and label_selector(value.get("namespaceSelector") or {}, end.namespace_labels)
                and label_selector(value.get("podSelector") or {}, end.labels)
            )
        case "nodes":
            return end.kind in ("node", "host") and label_selector(value, end.node_labels)
        case "networks":
            return in_networks(end, value)
        case _:
            raise ValueError(kind)


def administered_ports(rule: Object, packet: Packet) -> bool:
    given = rule.get("ports") or rule.get("protocols")
    return not given or any(administered_port(item, packet) for item in given)


def administered_port(item: Object, packet: Packet) -> bool:
    ((kind, value),) = item.items()
    match kind:
        case "portNumber":
            return bool(value.get("protocol", "TCP") == packet.protocol and value["port"] == packet.port)
        case "portRange":
            return bool(value.get("protocol", "TCP") == packet.protocol and value["start"] <= packet.port <= value["end"])
        case "namedPort" | "destinationNamedPort":
            return port_is(value, packet.protocol, packet)
        case _:
            if kind.upper() != packet.protocol:
                return False
            port = value.get("destinationPort")
            if port is None:
                return True
            if "number" in port:
                return bool(port["number"] == packet.port)
            return bool(port["range"]["start"] <= packet.port <= port["range"]["end"])


# Calico


def calico_applies(item: Object, direction: str) -> bool:
    spec = item["spec"]
    if spec.get("types"):
        return direction.capitalize() in spec["types"]
    if direction == "egress":
        return bool(spec.get("egress"))
    return bool(spec.get("ingress")) or not spec.get("egress")


def calico_labels(end: End) -> Object:
    """The labels that Calico gives to what it knows: its own, and those of the namespace and the service account with a prefix."""
    own = {
        **end.labels,
        **{f"pcns.{key}": value for key, value in end.namespace_labels.items()},
        **{f"pcsa.{key}": value for key, value in end.account_labels.items()},
    }
    return {**own, "projectcalico.org/namespace": end.namespace} if end.namespace else own


def namespaces_mean(selector: str, end: End) -> bool:
    labels = {**end.namespace_labels, "projectcalico.org/name": end.namespace} if end.namespace else {}
    return calico(re.sub(r"all\(\s*\)", "has(projectcalico.org/name)", selector), labels)


def calico(selector: str, labels: Object) -> bool:
    """Calico's selector language, by turning it into an expression of Python."""
    if not selector.strip():
        return True
    pattern = re.compile(
        r"""\s*(?: (?P<has>has\(\s*([\w./-]+)\s*\)) | (?P<all>all\(\s*\)) | (?P<global>global\(\s*\))
        | (?P<test>([\w./-]+)\s*(==|!=|not\s*in\b|in\b|contains|starts\s*with|ends\s*with)\s*('[^']*'|"[^"]*"|\{[^}]*\}))
        | (?P<sign>&&|\|\||!|\(|\)) )""",
        re.VERBOSE,
    )
    parts, place = [], 0
    while place < len(selector.rstrip()):
        found = pattern.match(selector, place)
        if found is None:
            raise ValueError(selector)
        place = found.end()
        if found["has"]:
            parts.append(str(found[2] in labels))
        elif found["all"]:
            parts.append("True")
        elif found["global"]:
            parts.append(str(not any(key in labels for key in ("projectcalico.org/namespace", "projectcalico.org/name"))))
        elif found["test"]:
            parts.append(str(_calico_test(labels, found[6], re.sub(r"\s", "", found[7]), found[8])))
        else:
            parts.append({"&&": " and ", "||": " or ", "!": " not "}.get(found["sign"], found["sign"]))
    return bool(eval("".join(parts)))  # made of True, False, and, or, not and brackets


def _calico_test(labels: Object, key: str, how: str, text: str) -> bool:
    values: list[str] = [item[1:-1] for item in re.findall(r"'[^']*'|\"[^\"]*\"", text)]
    own: str | None = labels.get(key)
    match how:
        case "==":
            return own == values[0]
        case "!=":
            return own != values[0]
        case "in":
            return own is not None and own in values
        case "notin":
            return own is None or own not in values
        case "contains":
            return own is not None and values[0] in own
        case "startswith":
            return own is not None and own.startswith(values[0])
        case _:
            return own is not None and own.endswith(values[0])


def calico_protocol(rule: Object, packet: Packet) -> bool:
    names = {"6": "TCP", "17": "UDP", "132": "SCTP", "1": "ICMP", "58": "ICMPv6"}
    wanted, excluded = (names.get(str(rule.get(key)), rule.get(key)) for key in ("protocol", "notProtocol"))
    if wanted is not None and wanted != packet.protocol:
        return False
    if excluded is not None and excluded == packet.protocol:
        return False
    if packet.protocol in ("ICMP", "ICMPv6"):
        if "type" in rule.get("icmp", {}) and rule["icmp"]["type"] != packet.port:
            return False
        if "type" in rule.get("notICMP", {}) and rule["notICMP"]["type"] == packet.port:
            return False
    return True


def calico_ports(ports: list[int | str], packet: Packet) -> bool:
    for item in ports:
        if isinstance(item, str) and ":" in item:
            first, last = item.split(":")
            if int(first) <= packet.port <= int(last):
                return True
        elif port_is(item, packet.protocol, packet):
            return True
    return False


# Cilium


def cilium_labels(end: End) -> Object:
    return {
        **end.labels,
        "io.kubernetes.pod.namespace": end.namespace,
        "io.cilium.k8s.policy.serviceaccount": end.account,
        **{f"io.cilium.k8s.namespace.labels.{key}": value for key, value in end.namespace_labels.items()},
    }


def _unprefixed(selector: Object) -> Object:
    def cut(key: str) -> str:
        return key.removeprefix("k8s:").removeprefix("any:")

    return {
        "matchLabels": {cut(key): value for key, value in selector.get("matchLabels", {}).items()},
        "matchExpressions": [{**item, "key": cut(item["key"])} for item in selector.get("matchExpressions", ())],
    }


def cilium_subject(item: Object, spec: Object, subject: End) -> bool:
    mine = item["kind"] == "CiliumClusterwideNetworkPolicy" or subject.namespace == space(item)
    return mine and label_selector(_unprefixed(spec["endpointSelector"]), cilium_labels(subject))


def cilium_isolates(spec: Object, direction: str) -> bool:
    said = spec.get("enableDefaultDeny", {}).get(direction)
    return bool(spec.get(direction) or spec.get(f"{direction}Deny")) if said is None else bool(said)


def cilium_endpoint(selector: Object, peer: End, namespace: str) -> bool:
    """Pods of the policy's own namespace, unless the selector speaks of namespaces."""
    plain = _unprefixed(selector)
    keys = [*plain["matchLabels"], *(item["key"] for item in plain["matchExpressions"])]
    speaks = any(key == "io.kubernetes.pod.namespace" or key.startswith("io.cilium.k8s.namespace.labels.") for key in keys)
    if peer.kind != "pod" or (namespace and not speaks and peer.namespace != namespace):
        return False
    return label_selector(plain, cilium_labels(peer))


def cilium_port(item: Object, packet: Packet) -> bool:
    if "type" in item:
        family = "ICMPv6" if item.get("family") == "IPv6" else "ICMP"
        return bool(packet.protocol == family and packet.port == item["type"])
    protocol = item.get("protocol", "ANY")
    if packet.protocol not in TRANSPORT or protocol not in ("ANY", packet.protocol):
        return False
    port = item.get("port", "0")
    if port == "0":
        return True
    if not port.isdecimal():
        return port_is(port, packet.protocol, packet)
    return bool(int(port) <= packet.port <= item.get("endPort", int(port)))
