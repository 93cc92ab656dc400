"""Network: what is opened to the outside, and how."""

from collections.abc import Iterator

from seawall.core.pod import Container
from seawall.core.resource import Resource
from seawall.core.selector import labels_of, labels_selector, selector_of
from seawall.core.severity import Confidence, Severity
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.load_balancers import is_internal
from seawall.deploy.workload.check import container_rule, inventory_rule, resource_rule
from seawall.deploy.workload.inventory import Inventory
from seawall.deploy.workload.rules.network_policy import policy_types

_MANAGEMENT = {
    # Image name -> what it is: user interfaces and interfaces that run commands or show secrets for whoever reaches them.
    "kubernetes-dashboard": "the Kubernetes dashboard",
    "dashboard": "the Kubernetes dashboard",
    "argocd": "Argo CD",
    "argo-cd": "Argo CD",
    "argocli": "Argo Workflows",
    "jenkins": "Jenkins",
    "weave-scope": "Weave Scope",
    "scope": "Weave Scope",
    "rancher": "Rancher",
    "portainer": "Portainer",
    "portainer-ce": "Portainer",
    "octant": "Octant",
    "kubeflow": "Kubeflow",
    "jupyter": "Jupyter",
    "notebook": "Jupyter",
    "airflow": "Airflow",
    "phpmyadmin": "phpMyAdmin",
    "adminer": "Adminer",
    "pgadmin4": "pgAdmin",
    "mongo-express": "Mongo Express",
    "kibana": "Kibana",
    "grafana": "Grafana",
    "prometheus": "Prometheus",
    "alertmanager": "Alertmanager",
    "consul": "Consul",
    "vault": "Vault",
    "etcd": "etcd",
    "redis-commander": "Redis Commander",
    "flower": "Flower",
    "spark": "Spark",
    "kafka-ui": "Kafka UI",
    "rabbitmq": "RabbitMQ",
    "tiller": "Tiller",
}
_WITHOUT_LOGIN = {
    # Image name -> what it is: services that answer everybody unless they were configured otherwise.
    "redis": "Redis",
    "memcached": "Memcached",
    "mongo": "MongoDB",
    "mongodb": "MongoDB",
    "elasticsearch": "Elasticsearch",
    "etcd": "etcd",
    "cassandra": "Cassandra",
    "zookeeper": "ZooKeeper",
    "kafka": "Kafka",
    "prometheus": "Prometheus",
    "couchdb": "CouchDB",
    "registry": "a container registry",
    "solr": "Solr",
    "nats": "NATS",
}


@resource_rule(
    "svc-nodeport",
    "Service opens a port on every node",
    # Low: it bypasses the load balancer's and Ingress's protection; whether the nodes are reachable, the firewall says.
    Severity.LOW,
    category="network",
    kinds=("Service",),
    aliases={"kube-linter": "exposed-services", "kube-score": "service-type", "kics": "service_type_is_nodeport"},
)
def svc_nodeport(resource: Resource) -> Verdicts:
    """
    What it finds: A Service of type NodePort.
    Why it matters: Every node opens the port on all its addresses, past the Ingress with its TLS, logging and access rules.
    How to fix: Use ClusterIP, with an Ingress or Gateway in front for what has to be reached from outside.
    Exceptions: Clusters without a load balancer, behind a firewall that knows the ports.
    """
    field = resource.field("spec", "type")
    if not resource.group and field.text == "NodePort":
        yield Failure(field, f"Service {resource.name} opens a port on every node")


@resource_rule(
    "svc-external-lb",
    "Service gets a load balancer that faces the outside",
    # Medium: reachable from the Internet in most clouds.
    Severity.MEDIUM,
    category="network",
    kinds=("Service",),
    aliases={"kubescape": "C-0256", "kics": "service_with_external_load_balancer", "kube-linter": "exposed-services", "kube-score": "service-type"},
)
def svc_external_lb(resource: Resource) -> Verdicts:
    """
    What it finds: A Service of type LoadBalancer without an annotation that keeps the load balancer internal and without loadBalancerSourceRanges.
    Why it matters: The cloud gives it a public address: the workload is on the Internet.
    How to fix: Mark it internal with the annotation of your provider, or restrict it with loadBalancerSourceRanges, or put an Ingress in front.
    Exceptions: The entrance of the cluster, which has to be public.
    """
    field = resource.field("spec", "type")
    if resource.group or field.text != "LoadBalancer":
        return
    if is_internal(resource):
        return
    ranges = [item.text for item in resource.field("spec", "loadBalancerSourceRanges").items()]
    if not ranges or "0.0.0.0/0" in ranges or "::/0" in ranges:
        yield Failure(field, f"Service {resource.name} gets a load balancer that anybody may reach")


@resource_rule(
    "svc-external-ip",
    "Service claims external addresses",
    # High: whoever sets it receives traffic of the cluster for an address of his choice (CVE-2020-8554).
    Severity.HIGH,
    category="network",
    kinds=("Service",),
    aliases={"trivy": "KSV-0108"},
    references=("https://github.com/kubernetes/kubernetes/issues/97076",),
)
def svc_external_ip(resource: Resource) -> Verdicts:
    """
    What it finds: A Service with externalIPs.
    Why it matters: Every node redirects traffic for these addresses to the Service, also for addresses that belong to somebody else: a man in the
        middle by configuration (CVE-2020-8554). Kubernetes has deprecated the field.
    How to fix: Use a LoadBalancer or an Ingress, and forbid the field with the DenyServiceExternalIPs admission plugin.
    Exceptions: Clusters on bare metal that announce their own addresses this way.
    """
    for item in resource.field("spec", "externalIPs").items():
        if not resource.group:
            yield Failure(item, f"Service {resource.name} takes over the traffic for {item.value}")


@inventory_rule(
    "svc-sensitive-exposed",
    "Management interface is reachable from outside",
    # High: these interfaces run commands or show secrets.
    Severity.HIGH,
    category="network",
    kinds=("Service",),
    confidence=Confidence.MEDIUM,
    aliases={"kubescape": "C-0021"},
)
def svc_sensitive_exposed(inventory: Inventory) -> Verdicts:
    """
    What it finds: A Service of type NodePort or LoadBalancer in front of a known management interface, told by the name of its image.
    Why it matters: Dashboards and pipelines can run anything; they are the first thing that is looked for.
    How to fix: Use ClusterIP and reach it through a login proxy, a VPN or kubectl port-forward.
    Exceptions: Interfaces behind a login that is kept as carefully as the cluster's own.
    """
    for service, container in _behind(inventory):
        what = _MANAGEMENT.get(_image_name(container))
        field = service.field("spec", "type")
        if what and field.text in ("NodePort", "LoadBalancer"):
            yield Failure(field, f"Service {service.name} opens {what} to the outside", also=(container["image"],))


@inventory_rule(
    "svc-unauthenticated",
    "Reachable service asks for no login",
    # Medium: by its defaults the software answers everybody; its configuration may say otherwise.
    Severity.MEDIUM,
    category="network",
    kinds=("Service",),
    confidence=Confidence.LOW,
    by_default=False,
    aliases={"kubescape": "C-0274"},
)
def svc_unauthenticated(inventory: Inventory) -> Verdicts:
    """
    What it finds: A Service in front of software that answers without a login by default, told by the name of its image.
    Why it matters: Whoever reaches the port reads and writes the data.
    How to fix: Switch authentication on, and let a NetworkPolicy allow only the clients.
    Exceptions: Software that was configured to ask for a login; an image name cannot tell.
    """
    for service, container in _behind(inventory):
        what = _WITHOUT_LOGIN.get(_image_name(container))
        if what:
            yield Failure(service.field("spec", "selector"), f"Service {service.name} leads to {what}, which asks for no login by default")


@inventory_rule(
    "ingress-exposes",
    "Ingress exposes a workload",
    # Info: that is what an Ingress is for; a review of the attack surface wants the list.
    Severity.INFO,
    category="network",
    kinds=("Ingress",),
    by_default=False,
    aliases={"kubescape": "C-0256", "kics": "ingress_controller_exposes_workload"},
)
def ingress_exposes(inventory: Inventory) -> Verdicts:
    """
    What it finds: An Ingress with a backend.
    Why it matters: What stands behind it is reachable from wherever the controller is.
    How to fix: Nothing, when it is meant to be reachable. Remove it when not.
    Exceptions: This is a list for a review, not a fault.
    """
    for ingress in inventory.of_kind("Ingress"):
        if ingress.field("spec", "rules").value or ingress.field("spec", "defaultBackend").is_set or ingress.field("spec", "backend").is_set:
            yield Failure(ingress.field("spec"), f"Ingress {ingress.name} exposes workloads of namespace {ingress.namespace or 'default'}")


@inventory_rule(
    "gateway-exposes",
    "Gateway exposes a workload",
    # Info: that is what a Gateway is for; a review of the attack surface wants the list.
    Severity.INFO,
    category="network",
    kinds=("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute", "VirtualService"),
    by_default=False,
    aliases={"kubescape": "C-0266"},
)
def gateway_exposes(inventory: Inventory) -> Verdicts:
    """
    What it finds: A route of the Gateway API, or an Istio VirtualService bound to a gateway.
    Why it matters: What stands behind it is reachable from wherever the gateway listens.
    How to fix: Nothing, when it is meant to be reachable. Remove it when not.
    Exceptions: VirtualServices for the mesh alone. This is a list for a review, not a fault.
    """
    for route in inventory.of_kind("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute"):
        if route.field("spec", "parentRefs").value:
            yield Failure(route.field("spec", "parentRefs"), f"{route.kind} {route.name} exposes workloads through a gateway")
    for route in inventory.of_kind("VirtualService"):
        gateways = route.field("spec", "gateways")
        if any(item.text != "mesh" for item in gateways.items()):
            yield Failure(gateways, f"VirtualService {route.name} exposes workloads through a gateway")


@resource_rule(
    "ingress-tls",
    "Ingress without TLS",
    # Medium: passwords and sessions travel in the clear.
    Severity.MEDIUM,
    category="network",
    kinds=("Ingress",),
    aliases={"polaris": "tlsSettingsMissing", "kubescape": "C-0263"},
)
def ingress_tls(resource: Resource) -> Verdicts:
    """
    What it finds: An Ingress without spec.tls, or with a host that none of its tls entries covers.
    Why it matters: Requests, cookies and passwords for that host can be read and changed on the way.
    How to fix: Add a tls entry with the host and the name of the Secret that holds its certificate.
    Exceptions: TLS that ends in front of the Ingress (a cloud load balancer), or a default certificate of the controller.
    """
    if resource.group not in ("networking.k8s.io", "extensions"):
        return
    tls = resource.field("spec", "tls")
    if not tls.value:
        yield Failure(tls, f"Ingress {resource.name} has no TLS")
        return
    covered = {host.text for entry in tls.items() for host in entry["hosts"].items()}
    if any(not entry["hosts"].value for entry in tls.items()):
        return  # an entry without hosts is the certificate for all of them
    for rule in resource.field("spec", "rules").items():
        host = rule["host"].text
        if host and host not in covered and f"*.{host.partition('.')[2]}" not in covered:
            yield Failure(rule["host"], f"Ingress {resource.name} serves {host} without TLS")


@container_rule(
    "privileged-ports",
    "Container listens below port 1024",
    # Low: it needs root or a capability for it, or a kernel setting.
    Severity.LOW,
    category="network",
    by_default=False,
    aliases={"kube-linter": "privileged-ports", "trivy": "KSV-0117"},
    controls={"cis-docker-1.6": "5.8"},
)
def privileged_ports(container: Container) -> Verdicts:
    """
    What it finds: A container port below 1024.
    Why it matters: To open it the process needs root or NET_BIND_SERVICE, unless the runtime allows it to everybody.
    How to fix: Listen on a high port, and let the Service map port 80 or 443 to it.
    Exceptions: Runtimes that set net.ipv4.ip_unprivileged_port_start to 0, as containerd and CRI-O do by default today.
    """
    for port in container["ports"].items():
        number = port["containerPort"].integer
        if number is not None and 0 < number < 1024:
            yield Failure(port["containerPort"], f"{container} listens on port {number}")


@container_rule(
    "ssh-in-container",
    "Container offers SSH",
    # Medium: a second way in, past the audit log of the API server.
    Severity.MEDIUM,
    category="network",
    aliases={"kube-linter": "ssh-port", "kubescape": "C-0042"},
    controls={"cis-docker-1.6": "5.7"},
    parameters={"ports": "Ports that are taken for SSH."},
)
def ssh_in_container(container: Container, *, ports: tuple[int, ...] = (22, 2222)) -> Verdicts:
    """
    What it finds: A TCP port that is SSH's by custom, or sshd in the command.
    Why it matters: SSH needs keys and users of its own in the image, and what is done over it appears in no audit log.
    How to fix: Use kubectl exec or kubectl debug, and remove the SSH server from the image.
    Exceptions: Services that speak SSH by nature: Git servers, SFTP, bastions.
    """
    for port in container["ports"].items():
        if port["containerPort"].integer in ports and (port["protocol"].text or "TCP") == "TCP":
            yield Failure(port["containerPort"], f"{container} opens port {port['containerPort'].value}, which is SSH's")
    for name in ("command", "args"):
        for item in container[name].items():
            program = item.text.split(" ", 1)[0]
            if program.rsplit("/", 1)[-1] == "sshd":
                yield Failure(item, f"{container} runs sshd")


@inventory_rule(
    "sandbox-egress",
    "Agent sandbox may connect anywhere",
    # High: it runs code that nobody has read; what keeps it from sending data away is egress policy.
    Severity.HIGH,
    category="network",
    kinds=("Sandbox", "SandboxTemplate"),
    aliases={"kubescape": "C-0301"},
)
def sandbox_egress(inventory: Inventory) -> Verdicts:
    """
    What it finds: A Sandbox or SandboxTemplate of agents.x-k8s.io whose pods no NetworkPolicy restricts for egress.
    Why it matters: A sandbox runs code that a model wrote. Without an egress policy that code can reach the metadata service, the API server and
        every other pod, and send away what it finds.
    How to fix: Add a NetworkPolicy for the labels of the sandbox's pods with policyTypes Egress and only the destinations that it needs.
    Exceptions: None known.
    """
    for sandbox in inventory.of_kind("Sandbox", "SandboxTemplate"):
        if not sandbox.group.endswith("agents.x-k8s.io"):
            continue
        labels = labels_of(sandbox.field("spec", "podTemplate", "metadata", "labels").value)
        policies = [policy for policy in inventory.of_kind("NetworkPolicy") if (policy.namespace or "default") == (sandbox.namespace or "default")]
        restricting = (policy for policy in policies if "egress" in policy_types(policy))
        selectors = (selector_of(policy.field("spec", "podSelector").value or {}) for policy in restricting)
        if not any(selector is not None and selector.matches(labels) for selector in selectors):
            yield Failure(sandbox.field("spec", "podTemplate"), f"no NetworkPolicy restricts what {sandbox.kind} {sandbox.name} may connect to")


def _behind(inventory: Inventory) -> Iterator[tuple[Resource, Container]]:
    """Each Service with each container of the pods that it selects, a kind of pod once."""
    for service in inventory.of_kind("Service"):
        selector = labels_selector(service.field("spec", "selector").value)
        if service.group or selector is None or not selector.requirements:
            continue
        seen: set[str] = set()
        for pod in inventory.select(service.namespace, selector):
            for container in pod.containers:
                name = _image_name(container)
                if container.list_name == "containers" and name not in seen:
                    seen.add(name)
                    yield service, container


def _image_name(container: Container) -> str:
    """The last part of the image's repository, without tag and digest."""
    return container["image"].text.partition("@")[0].rsplit("/", 1)[-1].partition(":")[0].lower()
