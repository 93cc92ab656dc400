"""RBAC, bindings: who was given what, and which workloads can use it.

The bindings that Kubernetes itself ships (``system:...``, or labelled ``kubernetes.io/bootstrapping: rbac-defaults``) are not judged.
"""

from seawall.core.pod import POD_TEMPLATES
from seawall.core.resource import Field, Resource
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Unjudged, Verdicts
from seawall.deploy.workload.check import inventory_rule, resource_rule
from seawall.deploy.workload.grants import RBAC_GROUPS, is_built_in
from seawall.deploy.workload.inventory import Inventory, namespace_of
from seawall.deploy.workload.role_rule import GOOD_PRACTICES, RBAC_REFERENCE
from seawall.deploy.workload.rules.rbac_takeover import STRONG_ROLES, dangerous
from seawall.deploy.workload.service_accounts import BINDINGS, Bindings, Bound, account_of, role_entries, service_account, subjects

WORKLOAD_KINDS = tuple(dict.fromkeys(kind for _, kind in POD_TEMPLATES))
_BUILT_IN_ROLES = frozenset({"cluster-admin", "admin", "edit", "view", "extension-apiserver-authentication-reader"})
"""Those that do not start with ``system:``; the last reads one ConfigMap of kube-system."""
_HARMLESS_ROLES = frozenset({"system:basic-user", "system:discovery", "system:public-info-viewer", "system:service-account-issuer-discovery"})
"""What Kubernetes itself gives to everybody who is authenticated: the version, the list of APIs, one's own rights."""


def _role(binding: Resource) -> Field:
    return binding.field("roleRef", "name")


def _is_ours(binding: Resource) -> bool:
    return binding.group in RBAC_GROUPS and not is_built_in(binding)


@inventory_rule(
    "rbac-cluster-admin",
    "Binding gives away the whole cluster",
    # High: somebody has to be cluster-admin, so that the binding alone is no breach; but every further holder is a way in.
    Severity.HIGH,
    category="rbac",
    kinds=BINDINGS,
    aliases={
        "kube-linter": "cluster-admin-role-binding",
        "polaris": "clusterrolebindingClusterAdmin rolebindingClusterAdminClusterRole rolebindingClusterAdminRole",
        "trivy": "KSV-0111",
        "kubescape": "C-0035 C-0185",
        "kics": "cluster_admin_role_binding_with_super_user_permissions",
    },
    controls={"cis-kubernetes-1.12": "5.1.1"},
    references=(RBAC_REFERENCE + "#user-facing-roles", GOOD_PRACTICES + "#least-privilege"),
)
def cluster_admin(inventory: Inventory) -> Verdicts:
    """
    What it finds: A binding to cluster-admin, or to a role in the input that grants just as much under another name, and a ClusterRoleBinding to
        admin or edit. A RoleBinding gives the namespace only and is medium.
    Why it matters: cluster-admin may do everything. admin and edit, given for all namespaces, read the Secrets of kube-system and run pods there,
        which comes to the same.
    How to fix: Bind admin, edit or view in the namespaces that are meant, or a role with what is really used.
    Exceptions: The administrators' own group, and deployment controllers (GitOps) that install everything.
    """
    for binding in inventory.of_kind(*BINDINGS):
        if not _is_ours(binding):
            continue
        field, everywhere = _role(binding), binding.kind == "ClusterRoleBinding"
        where = "the cluster" if everywhere else f"namespace {namespace_of(binding)}"
        severity = Severity.HIGH if everywhere else Severity.MEDIUM
        name = field.text
        if name == "cluster-admin" or (everywhere and name in ("admin", "edit")):
            yield Failure(field, f"{binding.kind} {binding.name} gives {name} over {where}", severity=severity)
        elif name not in _BUILT_IN_ROLES and not name.startswith("system:"):
            entries = role_entries(inventory, binding)
            if entries is None:
                yield Unjudged(field, f"the role {name} was not given to the scan")
            elif any(entry.is_everything for entry in entries):
                yield Failure(field, f"{binding.kind} {binding.name} gives {name}, which may do everything, over {where}", severity=severity)


@resource_rule(
    "rbac-masters",
    "Binding uses system:masters",
    # High: the group is above RBAC: what it may do cannot be taken away or narrowed, only the certificates can expire.
    Severity.HIGH,
    category="rbac",
    kinds=BINDINGS,
    aliases={"trivy": "KSV-0123", "kubescape": "C-0246"},
    controls={"cis-kubernetes-1.12": "5.1.7"},
    references=(GOOD_PRACTICES + "#least-privilege",),
)
def masters(binding: Resource) -> Verdicts:
    """
    What it finds: A binding with the group system:masters among its subjects.
    Why it matters: Members of system:masters pass every authorization check, whatever RBAC says, and a certificate of the group cannot be
        revoked. A binding for it shows that the group is in use.
    How to fix: Give administrators a group of their own, bound to cluster-admin, and keep system:masters for emergencies.
    Exceptions: The ClusterRoleBinding cluster-admin of Kubernetes itself.
    """
    if _is_ours(binding):
        for subject in subjects(binding):
            if subject["kind"].value == "Group" and subject["name"].value == "system:masters":
                yield Failure(subject["name"], f"{binding.kind} {binding.name} binds system:masters", also=(_role(binding),))


@resource_rule(
    "rbac-anonymous",
    "Binding gives rights to anonymous requests",
    # High: whoever reaches the API server has the right, without a credential. With a strong role it is critical.
    Severity.HIGH,
    category="rbac",
    kinds=BINDINGS,
    aliases={"trivy": "KSV-0122", "kubescape": "C-0262"},
    controls={"cis-gke-1.9.0": "4.1.8 4.1.9"},
    references=("https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests", RBAC_REFERENCE + "#discovery-roles"),
)
def anonymous(binding: Resource) -> Verdicts:
    """
    What it finds: A binding with the user system:anonymous or the group system:unauthenticated among its subjects.
    Why it matters: These stand for every request without a credential, so that the role is open to the network, often to the internet.
    How to fix: Bind those who need it by name; let probes of load balancers use /livez and /readyz, which are open anyway.
    Exceptions: The role system:public-info-viewer, and kubeadm:bootstrap-signer-clusterinfo, with which new nodes find the cluster.
    """
    if not _is_ours(binding) or _role(binding).text in ("system:public-info-viewer", "kubeadm:bootstrap-signer-clusterinfo"):
        return
    for subject in subjects(binding):
        if (subject["kind"].value, subject["name"].value) in (("User", "system:anonymous"), ("Group", "system:unauthenticated")):
            yield _open_to(binding, subject, "every request without a credential")


@resource_rule(
    "rbac-authenticated",
    "Binding gives rights to everybody who is authenticated",
    # High: every ServiceAccount of every pod is authenticated, and on some clouds every account of the cloud. With a strong role it is critical.
    Severity.HIGH,
    category="rbac",
    kinds=BINDINGS,
    aliases={"trivy": "KSV-01011", "kubescape": "C-0265"},
    controls={"cis-gke-1.9.0": "4.1.10"},
    references=(RBAC_REFERENCE + "#discovery-roles",),
)
def authenticated(binding: Resource) -> Verdicts:
    """
    What it finds: A binding with the group system:authenticated among its subjects, to another role than those for discovery that Kubernetes
        itself gives to everybody.
    Why it matters: The group holds every user and every ServiceAccount, so that one pod that is taken over has the role. On GKE it also holds
        everybody with a Google account.
    How to fix: Bind the group of those who are meant; for all workloads of a namespace that is system:serviceaccounts:NAMESPACE.
    Exceptions: Roles that only publish facts about the cluster to its own users.
    """
    if not _is_ours(binding) or _role(binding).text in _HARMLESS_ROLES:
        return
    for subject in subjects(binding):
        if (subject["kind"].value, subject["name"].value) == ("Group", "system:authenticated"):
            yield _open_to(binding, subject, "everybody who is authenticated")


def _open_to(binding: Resource, subject: Field, whom: str) -> Failure:
    name = _role(binding).text
    severity = Severity.CRITICAL if name in STRONG_ROLES and binding.kind == "ClusterRoleBinding" else None
    return Failure(subject["name"], f"{binding.kind} {binding.name} gives {name} to {whom}", also=(_role(binding),), severity=severity)


@resource_rule(
    "sa-default-bound",
    "Role bound to a default ServiceAccount",
    # Medium: every pod of the namespace that names no account has the role, also those that do not exist yet.
    Severity.MEDIUM,
    category="rbac",
    kinds=BINDINGS,
    aliases={"kubescape": "C-0189", "checkov": "CKV_K8S_42", "kics": "role_binding_to_default_service_account"},
    controls={"cis-kubernetes-1.12": "5.1.5"},
    references=("https://kubernetes.io/docs/concepts/security/service-accounts/#default-service-accounts",),
)
def default_bound(binding: Resource) -> Verdicts:
    """
    What it finds: A binding with a ServiceAccount called default among its subjects, also when it is written as a user.
    Why it matters: A pod that names no ServiceAccount runs as default. What is granted to it is granted to every such pod, now and later.
    How to fix: Make a ServiceAccount for the workload, bind that, and name it in the pod's serviceAccountName.
    Exceptions: None that we know; software that cannot be given an account of its own is rare.
    """
    if _is_ours(binding):
        for subject in subjects(binding):
            account = account_of(subject)
            if account and account[1] == "default":
                message = f"{binding.kind} {binding.name} gives {_role(binding).text} to the default ServiceAccount of namespace {account[0]}"
                yield Failure(subject["name"], message, also=(_role(binding),))


@inventory_rule(
    "rbac-workload-admin",
    "Workload is an administrator",
    # Critical: whoever takes the container over owns the cluster. An administrator of one namespace is medium.
    Severity.CRITICAL,
    category="rbac",
    kinds=WORKLOAD_KINDS,
    aliases={"kubescape": "C-0272"},
    references=(GOOD_PRACTICES, RBAC_REFERENCE + "#service-account-permissions"),
)
def workload_admin(inventory: Inventory) -> Verdicts:
    """
    What it finds: A workload whose ServiceAccount is bound, by name or through a group, to cluster-admin or admin (edit, if in all namespaces), or to
        a role in the input that may do everything, and whose pods hold the account's token.
    Why it matters: The token lies in the container. A flaw in the application, or in anything it downloads, is a flaw that gives the cluster away.
    How to fix: Bind a role with what the workload uses. If it does not use the API server, set automountServiceAccountToken to false.
    Exceptions: Deployment controllers that install everything; run them in a namespace of their own that few can enter.
    """
    bindings = Bindings(inventory)
    for pods, held in bindings.holders():
        administrative = [bound for bound in held if _is_administrative(bound, bindings)]
        if administrative:
            strongest = max(administrative, key=lambda bound: bound.everywhere)
            where = "the cluster" if strongest.everywhere else f"namespace {namespace_of(strongest.binding)}"
            severity = Severity.CRITICAL if strongest.everywhere else Severity.MEDIUM
            for pod in pods:
                account = service_account(pod)
                message = f"{pod} (ServiceAccount {account.name}) has {strongest.role_name} over {where} by {strongest}"
                yield Failure(account.field, message, also=(strongest.subject["name"], _role(strongest.binding)), severity=severity)
    yield from _unknown_roles(inventory, bindings)


@inventory_rule(
    "rbac-workload-takeover",
    "Workload can take over the cluster",
    # High: one step (reading a Secret, starting a pod, minting a token) lies between the container and the cluster.
    Severity.HIGH,
    category="rbac",
    kinds=WORKLOAD_KINDS,
    aliases={"kubescape": "C-0267"},
    references=(GOOD_PRACTICES + "#kubernetes-rbac-privilege-escalation-risks",),
    parameters={"include_wildcards": "also find workloads whose role grants it only because it grants everything (*)"},
    in_all={"include_wildcards": True},
)
def workload_takeover(inventory: Inventory, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A workload whose pods hold the token of a ServiceAccount that may, in all namespaces or in kube-system, read Secrets, create
        pods or run commands in them, impersonate, bind or escalate, mint tokens, create PersistentVolumes, approve certificates, manage
        webhooks or reach nodes/proxy. The rules that grant it are shown beside.
    Why it matters: Each of these leads to cluster-admin in one more step. Whoever gets into the container can take it.
    How to fix: Split what the workload does, bind its role in the namespaces that it serves, and name objects with resourceNames.
    Exceptions: Operators, provisioners and controllers of the cluster itself. Those that are administrators already are found by
        rbac-workload-admin.
    """
    bindings = Bindings(inventory)
    for pods, held in bindings.holders():
        for bound in held:
            if not bound.everywhere and namespace_of(bound.binding) != "kube-system":
                continue
            grants = [grant for entry in bindings.rules(bound) or () for grant in dangerous(entry, include_wildcards=include_wildcards)]
            effective = [grant for grant in grants if bound.everywhere or not grant.access.cluster_scoped]
            if effective:
                can = ", ".join(dict.fromkeys(str(grant) for grant in effective))
                also = (_role(bound.binding), *(grant.resources[0] for grant in effective))
                for pod in pods:
                    account = service_account(pod)
                    message = f"{pod} (ServiceAccount {account.name}) may {can} by {bound} to {bound.role_name}"
                    yield Failure(account.field, message, also=also)
                break
    yield from _unknown_roles(inventory, bindings)


def _is_administrative(bound: Bound, bindings: Bindings) -> bool:
    administrators = STRONG_ROLES if bound.everywhere else STRONG_ROLES - {"edit"}
    if bound.role_kind == "ClusterRole" and bound.role_name in administrators:
        return True
    return any(entry.is_everything for entry in bindings.rules(bound) or ())


def _unknown_roles(inventory: Inventory, bindings: Bindings) -> Verdicts:
    """Workloads of which not all can be said, because a role that they are bound to, or any binding, is not in the input."""
    if not bindings.given:
        for pod in inventory.pods:
            yield Unjudged(service_account(pod).field, "no RoleBinding or ClusterRoleBinding was given to the scan")
    for pods, held in bindings.holders():
        unknown = {bound.role_name for bound in held if bound.role_name not in _BUILT_IN_ROLES and bindings.rules(bound) is None}
        unknown = {name for name in unknown if not name.startswith("system:")}
        if unknown:
            for pod in pods:
                yield Unjudged(service_account(pod).field, f"the role {', '.join(sorted(unknown))} was not given to the scan")
