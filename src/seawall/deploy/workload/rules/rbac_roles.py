"""RBAC, roles: wildcards, and rights over particular objects.

How entries, stars, names and built-in roles count is in :mod:`seawall.deploy.workload.role_rule`; rights that lead to the whole cluster are in
:mod:`seawall.deploy.workload.rules.rbac_takeover`.
"""

from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.grants import Access, Entry
from seawall.deploy.workload.role_rule import CONNECT, GOOD_PRACTICES, RBAC_REFERENCE, WRITE, found, role_rule


@role_rule(
    "rbac-wildcard",
    "Role uses a wildcard",
    # High: a star reaches Secrets and every resource that will ever be added. Only a star over everything in a ClusterRole is critical.
    Severity.HIGH,
    aliases={
        "kube-linter": "wildcard-in-rules",
        "trivy": "KSV-0044 KSV-0045 KSV-0046",
        "kubescape": "C-0187",
        "checkov": "CKV_K8S_49",
        "kics": "rbac_wildcard_in_rule",
    },
    controls={"cis-kubernetes-1.12": "5.1.3"},
    references=(GOOD_PRACTICES, RBAC_REFERENCE),
    parameters={"api_groups": "also find * in apiGroups beside resources that are named"},
    in_all={"api_groups": True},
)
def wildcard(entry: Entry, *, api_groups: bool = False) -> Verdicts:
    """
    What it finds: A rule of a Role or ClusterRole with * (or */subresource) in resources, or * in verbs or nonResourceURLs. It is critical when
        a ClusterRole grants everything, high when the star takes in the core group and with it Secrets, else medium.
    Why it matters: A star grants what nobody thought of: Secrets, escalate and impersonate among the verbs, and every resource that a later
        version or a new CRD adds.
    How to fix: Write down the resources and verbs that are used. The audit log, or seawall access reduce, tells which.
    Exceptions: Operators that own an API group may use * for the resources of that group alone. An administrators' role is meant to hold all.
    """
    stars = [
        *(item for item in entry.field["resources"].items() if item.text == "*" or item.text.startswith("*/")),
        *entry.items("verbs", "*"),
        *entry.items("nonResourceURLs", "*"),
        *(entry.items("apiGroups", "*") if api_groups else ()),
    ]
    if not stars:
        return
    core = ("*" in entry.groups or "" in entry.groups) and "*" in entry.resources
    if entry.is_everything:
        severity = Severity.CRITICAL if entry.in_cluster else Severity.HIGH
    else:
        severity = Severity.HIGH if core and entry.in_cluster else Severity.MEDIUM
    what = ", which takes in Secrets" if core else ""
    places = ", ".join(dict.fromkeys(str(star.path[-2]) for star in stars))
    yield Failure(stars[0], f"{entry.role.kind} {entry.role.name} has a wildcard in {places}{what}", also=tuple(stars[1:]), severity=severity)


@role_rule(
    "rbac-all-in-namespace",
    "Role can do everything in its namespace",
    # High: whoever holds it owns the namespace with all its Secrets, but not the cluster.
    Severity.HIGH,
    # By default rbac-wildcard says it.
    by_default=False,
    aliases={"trivy": "KSV-0112"},
    references=(GOOD_PRACTICES,),
)
def all_in_namespace(entry: Entry) -> Verdicts:
    """
    What it finds: A Role with a rule for all verbs on all resources of all API groups.
    Why it matters: Its holder reads every Secret of the namespace, runs pods as any of its ServiceAccounts and grants others the same.
    How to fix: Name the resources and verbs that are used; for people, bind the built-in ClusterRole edit, which leaves roles alone.
    Exceptions: Namespaces that belong to one team as a whole. rbac-wildcard finds the same rule, so that this one is off by default.
    """
    if entry.is_everything and not entry.in_cluster:
        resource, verb = entry.items("resources", "*")[0], entry.items("verbs", "*")[0]
        yield Failure(resource, f"Role {entry.role.name} grants every verb on every resource of its namespace", also=(verb,))


PORTFORWARD = (Access("", ("pods/portforward",), CONNECT),)


@role_rule(
    "rbac-portforward",
    "Role can forward ports of pods",
    # Medium: it goes around NetworkPolicies and Services to ports that were never published, but whatever listens there still has to let it in.
    Severity.MEDIUM,
    aliases={"kubescape": "C-0063", "kics": "rbac_roles_with_portforwarding_permissions"},
    references=(RBAC_REFERENCE,),
)
def pod_portforward(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule for create or get on pods/portforward.
    Why it matters: A forwarded port comes from the node, past NetworkPolicies, and reaches ports that listen on localhost only: databases and
        administrative interfaces without a password.
    How to fix: Take it away, and publish what people need by a Service with authentication.
    Exceptions: Debugging roles that are bound for a limited time.
    """
    yield from found(entry, PORTFORWARD, "it reaches ports that no Service publishes", include_wildcards, in_namespace=Severity.LOW)


_DELETE = ("delete", "deletecollection")
DELETE = (
    Access("", ("pods", "services", "secrets", "configmaps", "serviceaccounts", "persistentvolumeclaims", "replicationcontrollers"), _DELETE),
    Access("", ("namespaces", "nodes", "persistentvolumes"), _DELETE, cluster_scoped=True),
    Access("apps", ("deployments", "daemonsets", "statefulsets", "replicasets"), _DELETE),
    Access("batch", ("jobs", "cronjobs"), _DELETE),
)


@role_rule(
    "rbac-delete",
    "Role can delete workloads or their data",
    # Low: it can destroy, not intrude. Nearly every controller needs some of it.
    Severity.LOW,
    by_default=False,
    aliases={"kubescape": "C-0007"},
    references=(GOOD_PRACTICES,),
)
def delete(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule for delete or deletecollection (or *) on pods, workloads, Services, Secrets, ConfigMaps, ServiceAccounts, volumes,
        nodes or namespaces.
    Why it matters: An intruder that holds it stops applications and wipes data; deleting a namespace takes everything in it.
    How to fix: Take delete away from roles that only watch or update, deletecollection from all, and name the objects where they are known.
    Exceptions: Controllers that clean up what they created. Rules with resourceNames are not found.
    """
    yield from found(entry, DELETE, "it destroys them", include_wildcards)


DELETE_EVENTS = (Access("", ("events",), _DELETE), Access("events.k8s.io", ("events",), _DELETE))


@role_rule(
    "rbac-delete-events",
    "Role can delete events",
    # Low: events are short-lived anyway, and the audit log stays.
    Severity.LOW,
    by_default=False,
    aliases={"kubescape": "C-0031"},
    references=(RBAC_REFERENCE,),
)
def delete_events(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule for delete or deletecollection (or *) on events.
    Why it matters: Events tell what happened to pods in the last hour; deleting them hides failed attempts from whoever looks with kubectl.
    How to fix: Grant create and patch, which is all that a controller needs to write events.
    Exceptions: None that we know: events expire by themselves.
    """
    yield from found(entry, DELETE_EVENTS, "it removes traces", include_wildcards)


DELETE_LOGS = (Access("", ("pods/log",), _DELETE),)


@role_rule(
    "rbac-delete-logs",
    "Role can delete pod logs",
    # Low: the API server offers no such operation today, so that the grant shows an intention and not yet a danger.
    Severity.LOW,
    by_default=False,
    aliases={"trivy": "KSV-0042"},
    references=(RBAC_REFERENCE,),
)
def delete_logs(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule for delete or deletecollection (or *) on pods/log.
    Why it matters: Logs are evidence. The API can only read them at present, but the grant would take effect with the operation, and deleting
        the pod removes its logs too.
    How to fix: Grant get on pods/log, and nothing else.
    Exceptions: None that we know.
    """
    yield from found(entry, DELETE_LOGS, "it removes traces", include_wildcards)


CONFIGMAPS = (Access("", ("configmaps",), WRITE),)


@role_rule(
    "rbac-configmaps",
    "Role can change ConfigMaps",
    # Low: most controllers keep state in ConfigMaps. It matters where a ConfigMap steers something stronger.
    Severity.LOW,
    by_default=False,
    aliases={"trivy": "KSV-0049"},
    references=(GOOD_PRACTICES,),
)
def configmaps(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule that may create, update, patch or delete ConfigMaps without naming which.
    Why it matters: ConfigMaps hold scripts, proxy and DNS configuration of other workloads; who changes them runs code there or redirects traffic.
    How to fix: Name the ConfigMaps with resourceNames. For leader election use Leases.
    Exceptions: Controllers that manage ConfigMaps. Rules with resourceNames are not found.
    """
    yield from found(entry, CONFIGMAPS, "it steers what reads them", include_wildcards)


_EDIT = ("update", "patch")


@role_rule(
    "rbac-coredns",
    "Role can change the cluster's DNS",
    # High: who answers DNS for the cluster sits in the middle of every connection that does not check certificates.
    Severity.HIGH,
    aliases={"kubescape": "C-0037"},
    references=("https://kubernetes.io/docs/tasks/administer-cluster/dns-custom-nameservers/",),
    parameters={"any_configmap": "also find ClusterRoles that may change every ConfigMap, and so this one"},
    in_all={"any_configmap": True},
)
def coredns(entry: Entry, *, include_wildcards: bool = False, any_configmap: bool = False) -> Verdicts:
    """
    What it finds: A rule that may update or patch the ConfigMap coredns (or coredns-custom, kube-dns): named with resourceNames, or any ConfigMap
        from a Role in kube-system.
    Why it matters: The ConfigMap tells CoreDNS what to answer. Who edits it sends the traffic of any name to an address of their choice.
    How to fix: Name other ConfigMaps in resourceNames, and leave this one to the cluster's administrators.
    Exceptions: Installers of DNS add-ons (NodeLocal DNSCache, a service mesh's DNS).
    """
    names = frozenset({"coredns", "coredns-custom", "kube-dns"})
    named = not names.isdisjoint(entry.names)
    in_system = entry.role.kind == "Role" and entry.role.namespace == "kube-system" and not entry.names
    everywhere = any_configmap and entry.in_cluster
    if named or in_system or everywhere:
        access = Access("", ("configmaps",), _EDIT, names=names)
        yield from found(entry, (access,), "it answers DNS for the cluster", include_wildcards, in_namespace=Severity.HIGH)


@role_rule(
    "rbac-aws-auth",
    "Role can map AWS identities to users",
    # Critical: one line in this ConfigMap makes an AWS role a member of system:masters.
    Severity.CRITICAL,
    aliases={"trivy": "KSV-0115"},
    references=("https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html",),
)
def aws_auth(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule that may change or delete the ConfigMap aws-auth, named with resourceNames.
    Why it matters: On EKS this ConfigMap says which AWS identity is which user and group. Who edits it becomes a cluster administrator.
    How to fix: Use EKS access entries, whose changes AWS IAM controls, and grant this to nobody.
    Exceptions: Node provisioners of clusters that still authenticate by the ConfigMap. A rule for every ConfigMap is found by rbac-configmaps.
    """
    names = frozenset({"aws-auth"})
    if not names.isdisjoint(entry.names):
        access = Access("", ("configmaps",), WRITE, names=names)
        yield from found(entry, (access,), "it makes AWS identities administrators", include_wildcards, in_namespace=Severity.CRITICAL)


NETWORKING = (
    Access("networking.k8s.io", ("networkpolicies", "ingresses"), WRITE),
    Access("networking.k8s.io", ("ingressclasses",), WRITE, cluster_scoped=True),
    Access("extensions", ("networkpolicies", "ingresses"), WRITE),
    Access("", ("services", "endpoints"), WRITE),
    Access("discovery.k8s.io", ("endpointslices",), WRITE),
    Access("gateway.networking.k8s.io", ("gateways", "httproutes", "grpcroutes", "tlsroutes", "tcproutes", "udproutes", "referencegrants"), WRITE),
)


@role_rule(
    "rbac-networking",
    "Role manages network objects",
    # Medium: it can open what a NetworkPolicy closed, or redirect a Service, but ingress controllers and operators live from it.
    Severity.MEDIUM,
    by_default=False,
    aliases={"trivy": "KSV-0056"},
    references=("https://kubernetes.io/docs/concepts/services-networking/network-policies/",),
)
def networking(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule that may create, change or delete Services, endpoints, Ingresses, Gateway routes or NetworkPolicies.
    Why it matters: Its holder publishes internal applications, points a Service at a pod of its own, or deletes the policy that kept it out.
    How to fix: Grant read access, and name the objects that have to be written. Keep NetworkPolicies to those who own the network.
    Exceptions: Ingress controllers and operators that make a Service for what they run. Rules with resourceNames are not found.
    """
    yield from found(entry, NETWORKING, "it opens and redirects traffic", include_wildcards)


SERVICE_STATUS = (Access("", ("services/status",), _EDIT),)


@role_rule(
    "rbac-service-status",
    "Role can set a Service's addresses",
    # Medium: it takes over traffic to an outside address, but only that of this cluster's pods and nodes.
    Severity.MEDIUM,
    aliases={"checkov": "CKV2_K8S_4"},
    references=("https://github.com/kubernetes/kubernetes/issues/97076",),
)
def service_status(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule for update or patch on services/status.
    Why it matters: With status.loadBalancer.ingress.ip a Service claims an address of the outside world, and the cluster's traffic to that address
        goes to its pods instead (CVE-2020-8554). There is no fix in Kubernetes.
    How to fix: Leave it to the controller of your load balancers.
    Exceptions: Load balancer controllers (cloud providers, MetalLB), whose work it is. Rules with resourceNames are not found.
    """
    yield from found(entry, SERVICE_STATUS, "it takes over traffic to addresses outside", include_wildcards)
