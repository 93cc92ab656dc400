"""Correctness: objects that point at each other, and past each other; names that the API server refuses."""

import re
from collections.abc import Iterator

from seawall.core.pod import Container, pods
from seawall.core.resource import MISSING, Field, Resource
from seawall.core.selector import labels_of, labels_selector, selector_of
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Unjudged, Verdicts
from seawall.deploy.workload.check import container_rule, inventory_rule, resource_rule
from seawall.deploy.workload.inventory import Inventory, name_field, namespace_of
from seawall.deploy.workload.rules.network_reach import facts, others


@inventory_rule(
    "service-targets-pod",
    "Service selects no workload",
    # Medium: the Service answers nobody. It is an outage, not a breach, until another pod takes the labels.
    Severity.MEDIUM,
    category="correctness",
    kinds=("Service",),
    aliases={"kube-linter": "dangling-service", "kube-score": "service-targets-pod", "kubescape": "C-0293", "kics": "service_does_not_target_pod"},
    references=("https://kubernetes.io/docs/concepts/services-networking/service/#defining-a-service",),
)
def service_targets_pod(inventory: Inventory) -> Verdicts:
    """
    What it finds: A Service whose selector matches the labels of no pod, template or workload in its namespace.
    Why it matters: Traffic to the Service goes nowhere, and it goes to whoever first creates a pod with these labels.
    How to fix: Correct the selector, or the labels in the workload's pod template (not those of the workload itself).
    Exceptions: Services without a selector, whose endpoints somebody else keeps, and ExternalName Services. Without any workload in the input,
        and where a custom resource with fitting labels may stand for pods that an operator makes, the rule is not evaluated.
    """
    for service in inventory.of_kind("Service"):
        selector = service.field("spec", "selector")
        wanted = labels_selector(selector.value)
        if service.group or not wanted or not wanted.requirements or service.field("spec", "type").value == "ExternalName":
            continue
        if not inventory.pods:
            yield Unjudged(selector, "no workload was given to the scan")
        elif inventory.select(service.namespace, wanted):
            continue
        elif maker := inventory.maker(service.namespace, wanted):
            yield Unjudged(selector, f"the pods may be made for {maker.kind} {maker.name}")
        else:
            labels = ", ".join(f"{key}={value}" for key, value in wanted.equalities)
            yield Failure(selector, f"no pod in namespace {namespace_of(service)} has the labels {labels}")


@inventory_rule(
    "ingress-targets-service",
    "Ingress backend does not exist",
    # Medium: the path answers with an error; and whoever may create that Service gets its traffic.
    Severity.MEDIUM,
    category="correctness",
    kinds=("Ingress",),
    aliases={"kube-linter": "dangling-ingress", "kube-score": "ingress-targets-service", "kubescape": "C-0298"},
)
def ingress_targets_service(inventory: Inventory) -> Verdicts:
    """
    What it finds: An Ingress backend that names a Service, or a port of it, that is not in the input.
    Why it matters: Requests to that path fail, and anybody who may create the Service in this namespace receives them.
    How to fix: Correct the name or port; backends are Services of the Ingress's own namespace.
    Exceptions: Services that are deployed from elsewhere. Without any Service in the input the rule is not evaluated.
    """
    for ingress in inventory.of_kind("Ingress"):
        if ingress.group not in ("networking.k8s.io", "extensions"):
            continue
        for name, port in _ingress_backends(ingress):
            yield from _backend(inventory, ingress, name, port)


@inventory_rule(
    "gateway-targets",
    "Gateway API route backend does not exist",
    # Medium: as with an Ingress: errors now, and a place to catch traffic later.
    Severity.MEDIUM,
    category="correctness",
    kinds=("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute"),
    aliases={"kubescape": "C-0302"},
    references=("https://gateway-api.sigs.k8s.io/reference/spec/",),
)
def gateway_targets(inventory: Inventory) -> Verdicts:
    """
    What it finds: A route of the Gateway API with a backendRef to a Service, or a port of it, that is not in the input.
    Why it matters: Requests that match the rule fail, and anybody who may create the Service receives them.
    How to fix: Correct name, namespace or port of the backendRef.
    Exceptions: Services that are deployed from elsewhere, and backends of other kinds. Without any Service in the input the rule is not evaluated.
    """
    for route in inventory.of_kind("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute"):
        for rule in route.field("spec", "rules").items():
            for reference in rule["backendRefs"].items():
                if (reference["kind"].text or "Service") == "Service" and not reference["group"].text:
                    yield from _backend(inventory, route, reference["name"], reference["port"], reference["namespace"].text)


@inventory_rule(
    "servicemonitor-targets",
    "ServiceMonitor selects no Service",
    # Low: nothing is measured, and nobody is told.
    Severity.LOW,
    category="correctness",
    kinds=("ServiceMonitor",),
    aliases={"kube-linter": "dangling-servicemonitor"},
)
def servicemonitor_targets(inventory: Inventory) -> Verdicts:
    """
    What it finds: A ServiceMonitor whose selector matches the labels of no Service in the namespaces that it looks at.
    Why it matters: The target is not scraped, and alerts about it never fire.
    How to fix: Correct the selector, the labels of the Service, or the namespaceSelector.
    Exceptions: Services that are deployed from elsewhere. Without any Service of these namespaces in the input the rule is not evaluated.
    """
    for monitor in inventory.of_kind("ServiceMonitor"):
        field = monitor.field("spec", "selector")
        selector = selector_of(field.value)
        if selector is None:
            continue
        wanted = monitor.field("spec", "namespaceSelector")
        everywhere = wanted["any"].value is True
        namespaces = {name.text for name in wanted["matchNames"].items()} or {namespace_of(monitor)}
        services = [service for service in inventory.of_kind("Service") if everywhere or namespace_of(service) in namespaces]
        if not services:
            yield Unjudged(field, "no Service of the namespaces that it looks at was given to the scan")
        elif not any(selector.matches(labels_of(service.field("metadata", "labels").value)) for service in services):
            yield Failure(field, f"ServiceMonitor {monitor.name} selects no Service of the input")


@inventory_rule(
    "netpol-targets",
    "NetworkPolicy selects no pod",
    # Medium: a protection that is believed in and is not there.
    Severity.MEDIUM,
    category="correctness",
    kinds=("NetworkPolicy",),
    aliases={
        "kube-linter": "dangling-networkpolicy",
        "kube-score": "networkpolicy-targets-pod",
        "kubescape": "C-0299",
        "kics": "network_policy_is_not_targeting_any_pod",
    },
)
def netpol_targets(inventory: Inventory) -> Verdicts:
    """
    What it finds: A NetworkPolicy whose podSelector matches no pod or workload of its namespace, and a policy of Calico, Cilium or an administrator
        that selects none.
    Why it matters: It protects nothing, and the pods it was written for are open.
    How to fix: Correct the podSelector, or the labels in the workload's pod template.
    Exceptions: Pods that are deployed from elsewhere. An empty selector means every pod and passes. Without any workload in the input, and where
        a custom resource with fitting labels may stand for pods that an operator makes, the rule is not evaluated.
    """
    given = list(_network_policies(inventory))
    for policy in given:
        field = policy.field("spec", "podSelector")
        selector = selector_of(field.value)
        if selector is None or not selector.requirements:
            continue
        if not inventory.pods:
            yield Unjudged(field, "no workload was given to the scan")
        elif inventory.select(policy.namespace, selector):
            continue
        elif maker := inventory.maker(policy.namespace, selector):
            yield Unjudged(field, f"the pods may be made for {maker.kind} {maker.name}")
        else:
            yield Failure(field, f"NetworkPolicy {policy.name} selects no pod in namespace {namespace_of(policy)}")
    if others(inventory):
        from seawall.deploy.network.rules.openness import idle

        known = facts(inventory)
        for dead in idle(known):
            policy = known.resource_of(dead)
            if policy not in given:
                name = name_field(policy)
                yield Failure(name, f"{dead} selects no pod") if inventory.pods else Unjudged(name, "no workload was given to the scan")


@inventory_rule(
    "netpol-peer-targets",
    "NetworkPolicy peer matches no pod",
    # Low: traffic that was meant to be allowed is not.
    Severity.LOW,
    category="correctness",
    kinds=("NetworkPolicy",),
    by_default=False,
    aliases={"kube-linter": "dangling-networkpolicypeer-podselector"},
)
def netpol_peer_targets(inventory: Inventory) -> Verdicts:
    """
    What it finds: An ingress or egress peer of a NetworkPolicy whose podSelector matches no pod of the input: of the policy's own namespace, or
        with a namespaceSelector of any namespace.
    Why it matters: The rule allows nobody. Either a typing error cuts a connection, or an old exception waits for a pod with these labels.
    How to fix: Correct the labels, or remove the peer.
    Exceptions: Peers that are deployed from elsewhere. Without any workload in the input the rule is not evaluated.
    """
    for policy in _network_policies(inventory):
        for direction, side in (("ingress", "from"), ("egress", "to")):
            for rule in policy.field("spec", direction).items():
                for peer in rule[side].items():
                    yield from _peer(inventory, policy, peer)


@resource_rule(
    "selector-mismatch",
    "Selector does not match the template's labels",
    # Medium: the API server refuses the object.
    Severity.MEDIUM,
    category="correctness",
    kinds=("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"),
    aliases={
        "kube-linter": "mismatching-selector",
        "kube-score": "deployment-pod-selector-labels-match-template-metadata-labels statefulset-pod-selector-labels-match-template-metadata-labels",
        "kubescape": "C-0296",
    },
)
def selector_mismatch(resource: Resource) -> Verdicts:
    """
    What it finds: A Deployment, ReplicaSet, StatefulSet or DaemonSet whose selector does not match the labels of its own pod template.
    Why it matters: The API server refuses it (apps/v1), or the controller would make pods for ever without recognising them.
    How to fix: Give the template the labels of the selector. The selector itself cannot be changed on an existing object.
    Exceptions: None; it does not work.
    """
    field = resource.field("spec", "selector")
    template = resource.field("spec", "template")
    if not field.is_set or not template.is_set:
        if resource.group == "apps" and resource.api_version == "apps/v1" and template.is_set:
            yield Failure(field, f"{resource.kind} {resource.name} has no selector, which apps/v1 requires")
        return
    labels = labels_of(template.at("metadata", "labels").value)
    for key, wanted in field["matchLabels"].entries():
        if wanted.text != labels.get(key):
            yield Failure(wanted, f"{resource.kind} {resource.name} selects {key}={wanted.value}, its pods have {_said(labels, key)}")
    for expression in field["matchExpressions"].items():
        selector = selector_of({"matchExpressions": [expression.value]})
        if selector is not None and not selector.matches(labels):
            yield Failure(expression, f"{resource.kind} {resource.name} does not select its own pods: {selector.requirements[0].key} does not match")


@inventory_rule(
    "sa-nonexistent",
    "ServiceAccount does not exist",
    # Medium: the pods are not created; and whoever may create that account decides what it may do.
    Severity.MEDIUM,
    category="correctness",
    kinds=("Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"),
    aliases={"kube-linter": "non-existent-service-account", "kubescape": "C-0307"},
)
def sa_nonexistent(inventory: Inventory) -> Verdicts:
    """
    What it finds: A workload that names a ServiceAccount which is not in the input.
    Why it matters: Admission refuses its pods until the account exists.
    How to fix: Add the ServiceAccount, or correct the name or namespace.
    Exceptions: The account called default, which every namespace has, and accounts that are deployed from elsewhere. Without any ServiceAccount in
        the input the rule is not evaluated.
    """
    for pod in inventory.pods:
        field = pod.spec["serviceAccountName"] if pod.spec["serviceAccountName"].text else pod.spec["serviceAccount"]
        if field.text in ("", "default"):
            continue
        if not inventory.of_kind("ServiceAccount"):
            yield Unjudged(field, "no ServiceAccount was given to the scan")
        elif not inventory.named("ServiceAccount", pod.resource.namespace, field.text):
            yield Failure(field, f"{pod} uses ServiceAccount {field.text}, which is not in namespace {namespace_of(pod.resource)}")


@inventory_rule(
    "env-valuefrom-missing",
    "Environment comes from a Secret or ConfigMap that is not there",
    # Medium: the container does not start.
    Severity.MEDIUM,
    category="correctness",
    kinds=("Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"),
    by_default=False,
    aliases={"kube-linter": "env-value-from"},
)
def env_valuefrom_missing(inventory: Inventory) -> Verdicts:
    """
    What it finds: An env valueFrom or envFrom that names a Secret or ConfigMap, or a key of it, which is not in the input and is not optional.
    Why it matters: The container stays in CreateContainerConfigError.
    How to fix: Add the object or the key, correct the name, or mark the reference optional.
    Exceptions: Secrets that something else creates (an operator, an external store); that is why the rule is off by default.
    """
    for pod in inventory.pods:
        for container in pod.containers:
            for variable in container["env"].items():
                for kind, name in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
                    yield from _reference(inventory, container, kind, variable.at("valueFrom", name))
            for origin in container["envFrom"].items():
                for kind, name in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                    yield from _reference(inventory, container, kind, origin[name])


@container_rule(
    "duplicate-env",
    "Environment variable set twice",
    # Low: the last one wins, which is rarely what the author of the first one wanted.
    Severity.LOW,
    category="correctness",
    aliases={"kube-linter": "duplicate-env-var", "kube-score": "environment-variable-key-duplication", "kubescape": "C-0295"},
)
def duplicate_env(container: Container) -> Verdicts:
    """
    What it finds: A name that stands twice in the env of one container.
    Why it matters: The later one wins, silently; server-side apply refuses the object.
    How to fix: Remove the one that is not meant.
    Exceptions: None known.
    """
    first: dict[str, Field] = {}
    for variable in container["env"].items():
        name = variable["name"]
        if name.text in first:
            yield Failure(name, f"{container} sets {name.text} twice", also=(first[name.text],))
        elif name.text:
            first[name.text] = name


@resource_rule(
    "target-port-names",
    "Port name breaks the naming rules",
    # Medium: the API server refuses the object, or a Service cannot name the port.
    Severity.MEDIUM,
    category="correctness",
    aliases={"kube-linter": "invalid-target-ports", "kube-score": "container-ports-check"},
    references=("https://www.rfc-editor.org/rfc/rfc6335#section-5.1",),
)
def target_port_names(resource: Resource) -> Verdicts:
    """
    What it finds: A container port name, or a Service targetPort, that is no IANA service name (at most 15 characters of a-z, 0-9 and -, with a
        letter, no -- and no - at an end), or a port number outside 1 to 65535; and two ports of one container with the same name.
    Why it matters: The API server refuses the object.
    How to fix: Use a short lower-case name such as http or metrics.
    Exceptions: None; it does not work.
    """
    for pod in pods(resource):
        for container in pod.containers:
            seen = set()
            for port in container["ports"].items():
                name = port["name"]
                if name.is_set and (problem := _bad_port_name(name)):
                    yield Failure(name, f"port name {name.value!r} of {container} {problem}", container=container.name)
                elif name.text in seen:
                    yield Failure(name, f"{container} has two ports called {name.text}", container=container.name)
                if name.text:
                    seen.add(name.text)
    if resource.kind == "Service" and not resource.group:
        for port in resource.field("spec", "ports").items():
            target = port["targetPort"]
            number = target.integer
            if number is not None:
                if not 1 <= number <= 65535:
                    yield Failure(target, f"targetPort {number} of Service {resource.name} is outside 1 to 65535")
            elif target.is_set and (problem := _bad_port_name(target)):
                yield Failure(target, f"targetPort {target.value!r} of Service {resource.name} {problem}")


@resource_rule(
    "label-values",
    "Label is not valid",
    # Medium: the API server refuses the object.
    Severity.MEDIUM,
    category="correctness",
    aliases={"kube-score": "label-values", "kics": "metadata_label_is_invalid"},
    references=("https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set",),
)
def label_values(resource: Resource) -> Verdicts:
    """
    What it finds: A label of the object or of its pod template whose key or value breaks the syntax: a value is at most 63 characters of letters,
        digits, '-', '_' and '.', starting and ending with a letter or digit; it must be a string.
    Why it matters: The API server refuses the object. An unquoted true, 1.0 or 007 is no string in YAML.
    How to fix: Quote the value, or spell it within the allowed characters.
    Exceptions: None; it does not work.
    """
    places = [resource.field("metadata", "labels"), *(pod.metadata["labels"] for pod in pods(resource) if pod.field.path)]
    for labels in places:
        for key, label in labels.entries():
            if label.value is not None and type(label.value) is not str:
                yield Failure(label, f"label {key} is {label.value!r}, which is no string; quote it")
            elif not _LABEL_VALUE(label.text):
                yield Failure(label, f"label {key} has the value {label.text!r}, which is not allowed")
            elif not _LABEL_KEY(key):
                yield Failure(label, f"{key!r} is no valid label key")


@resource_rule(
    "instance-label",
    "Instance label differs from the name",
    # Info: a convention of some charts.
    Severity.INFO,
    category="correctness",
    by_default=False,
    aliases={"polaris": "metadataAndInstanceMismatched"},
)
def instance_label(resource: Resource) -> Verdicts:
    """
    What it finds: An object whose label app.kubernetes.io/instance differs from its name.
    Why it matters: Where a team uses the label as the name of the thing, dashboards and selectors look for the wrong one.
    How to fix: Set the label to metadata.name.
    Exceptions: Charts name many objects of one instance; there the label is right and differs.
    """
    label = resource.field("metadata", "labels", "app.kubernetes.io/instance")
    if label.text and label.text != resource.name:
        yield Failure(label, f"{resource.kind} {resource.name} has app.kubernetes.io/instance: {label.text}")


_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?").fullmatch
_LABEL_KEY = re.compile(
    r"(?:(?=.{1,253}/)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
).fullmatch
_PORT_NAME = re.compile(r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*").fullmatch


def _bad_port_name(name: Field) -> str:
    """What is wrong with a port name, if anything (IsValidPortName of the API)."""
    if type(name.value) is not str:
        return "is no string"
    return "" if _PORT_NAME(name.text) else "is no valid port name (at most 15 of a-z, 0-9, -, with a letter)"


def _said(labels: dict[str, str], key: str) -> str:
    return f"{key}={labels[key]}" if key in labels else "no such label"


def _network_policies(inventory: Inventory) -> Iterator[Resource]:
    """Those of Kubernetes itself; Calico has a kind of the same name and another language."""
    return (policy for policy in inventory.of_kind("NetworkPolicy") if policy.group in ("networking.k8s.io", "extensions"))


def _peer(inventory: Inventory, policy: Resource, peer: Field) -> Verdicts:
    field = peer["podSelector"]
    selector = selector_of(field.value)
    if selector is None or not selector.requirements:
        return
    namespaces = [policy.namespace] if not peer["namespaceSelector"].is_set else inventory.namespaces
    if not inventory.pods:
        yield Unjudged(field, "no workload was given to the scan")
    elif not any(inventory.select(namespace, selector) for namespace in namespaces):
        yield Failure(field, f"{field} of NetworkPolicy {policy.name} matches no pod of the input")


def _ingress_backends(ingress: Resource) -> Iterator[tuple[Field, Field]]:
    """The name and port of every Service that an Ingress sends to, in the spelling of v1 and of v1beta1."""
    spec = ingress.field("spec")
    backends = [spec["defaultBackend"], spec["backend"]]
    backends += [path["backend"] for rule in spec["rules"].items() for path in rule.at("http", "paths").items()]
    for backend in backends:
        service = backend["service"]
        if service.is_set:
            port = service.at("port", "number")
            yield service["name"], port if port.is_set else service.at("port", "name")
        elif backend["serviceName"].is_set:
            yield backend["serviceName"], backend["servicePort"]


def _backend(inventory: Inventory, source: Resource, name: Field, port: Field, namespace: str = "") -> Verdicts:
    if not inventory.of_kind("Service"):
        yield Unjudged(name, "no Service was given to the scan")
        return
    where = namespace or source.namespace
    services = [service for service in inventory.named("Service", where, name.text) if not service.group]
    if not services:
        yield Failure(name, f"{source.kind} {source.name} sends to Service {name.text}, which is not in namespace {where or 'default'}")
    elif port.is_set and not any(_has_port(service, port) for service in services):
        yield Failure(port, f"{source.kind} {source.name} sends to port {port.value} of Service {name.text}, which has no such port")


def _has_port(service: Resource, port: Field) -> bool:
    if service.field("spec", "type").text == "ExternalName":
        return True
    return any(
        (port.integer is not None and entry["port"].integer == port.integer) or (port.text and entry["name"].text == port.text)
        for entry in service.field("spec", "ports").items()
    )


def _reference(inventory: Inventory, container: Container, kind: str, reference: Field) -> Verdicts:
    if not reference.is_set or reference["optional"].value is True:
        return
    name, key, where = reference["name"], reference["key"], container.pod.resource.namespace
    if not inventory.of_kind("ConfigMap", "Secret"):
        yield Unjudged(name, "no ConfigMap or Secret was given to the scan")
        return
    found = inventory.named(kind, where, name.text)
    if not found:
        yield Failure(name, f"{container} needs {kind} {name.text}, which is not in namespace {where or 'default'}", container=container.name)
    elif key.text and not any(item.field(part, key.text).value is not MISSING for item in found for part in ("data", "stringData", "binaryData")):
        yield Failure(key, f"{container} needs key {key.text} of {kind} {name.text}, which has none", container=container.name)
