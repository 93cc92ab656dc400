"""RBAC, roles: rights that lead on to more rights, in the end to the whole cluster.

How entries, stars, names and built-in roles count is in :mod:`seawall.deploy.workload.role_rule`.
"""

from seawall.core.severity import Severity
from seawall.core.verdict import Verdicts
from seawall.deploy.workload.grants import ANY, Access, Entry, Grant
from seawall.deploy.workload.role_rule import CONNECT, GOOD_PRACTICES, RBAC, RBAC_REFERENCE, READ, WRITE, found, role_rule

SECRETS = (Access("", ("secrets",), (*READ, *WRITE)),)


@role_rule(
    "rbac-secrets",
    "Role can use Secrets",
    # High: to read the Secrets of all namespaces is to hold every credential in the cluster. In one namespace it is medium.
    Severity.HIGH,
    aliases={
        "kube-linter": "access-to-secrets",
        "trivy": "KSV-0041 KSV-0113",
        "kubescape": "C-0015 C-0186",
        "checkov": "CKV2_K8S_5",
        "kics": "rbac_roles_with_read_secrets_permissions service_account_allows_access_secrets",
    },
    controls={"cis-kubernetes-1.12": "5.1.2"},
    references=(GOOD_PRACTICES + "#listing-secrets",),
)
def secrets(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule that lets its holder get, list, watch or change Secrets without naming which. It is high in a ClusterRole that reads
        them, else medium. Note that list and watch return the contents too.
    Why it matters: Secrets hold the credentials of everything else, among them long-lived tokens of stronger ServiceAccounts.
    How to fix: Mount the Secret that is needed instead of reading it over the API, or name it with resourceNames and allow get alone.
    Exceptions: Controllers whose work is Secrets (certificates, external stores). Rules with resourceNames are not found.
    """
    reads = any(verb in (*READ, "*") for verb in entry.verbs)
    severity = Severity.HIGH if reads else Severity.MEDIUM
    consequence = "it reads credentials" if reads else "it changes credentials"
    yield from found(entry, SECRETS, consequence, include_wildcards, severity=severity, in_namespace=Severity.MEDIUM)


_CREATE, _SHAPE = ("create",), ("create", "update", "patch")
WORKLOADS = (
    # Of a pod only the image can be changed later, of a controller the whole template.
    Access("", ("pods",), _CREATE),
    Access("", ("replicationcontrollers",), _SHAPE),
    Access("apps", ("deployments", "daemonsets", "statefulsets", "replicasets"), _SHAPE),
    Access("extensions", ("deployments", "daemonsets", "replicasets"), _SHAPE),
    Access("batch", ("jobs", "cronjobs"), _SHAPE),
)


@role_rule(
    "rbac-create-pods",
    "Role can create pods",
    # Medium: a new pod may use every Secret and ServiceAccount of its namespace, but an operator without this right is rare.
    Severity.MEDIUM,
    aliases={
        "kube-linter": "access-to-create-pods",
        "trivy": "KSV-0048",
        "kubescape": "C-0188",
        "kics": "permissive_access_to_create_pods",
    },
    controls={"cis-kubernetes-1.12": "5.1.4"},
    references=(GOOD_PRACTICES + "#workload-creation",),
)
def create_pods(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule that may create pods, or create, update or patch what creates them (Deployments, DaemonSets, StatefulSets, ReplicaSets,
        Jobs, CronJobs, ReplicationControllers).
    Why it matters: Whoever makes a pod reads every Secret and ConfigMap of the namespace, runs as any of its ServiceAccounts and, unless Pod
        Security forbids it, takes the node.
    How to fix: Leave it to the deployment pipeline and to controllers; give people and applications read access. Enforce Pod Security in the
        namespaces where it is needed.
    Exceptions: Controllers and pipelines whose work is to create workloads. Updating pods alone is not found.
    """
    yield from found(entry, WORKLOADS, "a pod uses any Secret and ServiceAccount of its namespace", include_wildcards)


EXEC = (Access("", ("pods/exec",), CONNECT), Access("", ("pods/ephemeralcontainers",), ("update", "patch")))


@role_rule(
    "rbac-exec",
    "Role can run commands in pods",
    # High: a shell in any container of the cluster, with its tokens. In one namespace it is medium.
    Severity.HIGH,
    aliases={
        "polaris": "clusterrolePodExecAttach rolePodExecAttach clusterrolebindingPodExecAttach rolebindingClusterRolePodExecAttach "
        "rolebindingRolePodExecAttach",
        "trivy": "KSV-0053",
        "kubescape": "C-0002",
        "checkov": "CKV2_K8S_2",
        "kics": "rbac_roles_with_exec_permission",
    },
    references=(RBAC_REFERENCE, GOOD_PRACTICES),
)
def pod_exec(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule for create or get on pods/exec, or for update or patch on pods/ephemeralcontainers (kubectl debug).
    Why it matters: A command in a running container has its network position, its mounted Secrets and its ServiceAccount's token, and leaves no
        trace in any manifest.
    How to fix: Take it away from roles in daily use, and bind a debugging role for a limited time when it is needed.
    Exceptions: Build systems that run their steps by exec, in a namespace of their own.
    """
    yield from found(entry, EXEC, "it runs commands in running containers", include_wildcards, in_namespace=Severity.MEDIUM)


ATTACH = (Access("", ("pods/attach",), CONNECT),)


@role_rule(
    "rbac-attach",
    "Role can attach to pods",
    # High: the terminal of any container of the cluster. In one namespace it is medium.
    Severity.HIGH,
    aliases={
        "polaris": "clusterrolePodExecAttach rolePodExecAttach",
        "trivy": "KSV-0054",
        "kics": "rbac_roles_with_attach_permission",
    },
    references=(RBAC_REFERENCE,),
)
def pod_attach(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule for create or get on pods/attach.
    Why it matters: Attaching connects to the main process of a container: it reads what that prints and types what it reads, which in
        interactive containers is a shell.
    How to fix: Take it away; pods/log with get is enough to read output.
    Exceptions: Tools that run interactive pods (kubectl run -it, notebooks) in a namespace of their own.
    """
    yield from found(entry, ATTACH, "it reads and types at the terminal of running containers", include_wildcards, in_namespace=Severity.MEDIUM)


IMPERSONATE = (
    Access("", ("users", "groups"), ("impersonate",), names=frozenset({"system:masters"}), cluster_scoped=True),
    Access("authentication.k8s.io", ("users", "groups", "uids"), ("impersonate",), names=frozenset({"system:masters"}), cluster_scoped=True),
    Access("", ("serviceaccounts",), ("impersonate",)),
)


@role_rule(
    "rbac-impersonate",
    "Role can impersonate others",
    # Critical: impersonating the group system:masters is cluster-admin. ServiceAccounts of one namespace are high.
    Severity.CRITICAL,
    aliases={
        "trivy": "KSV-0043",
        "kubescape": "C-0065 C-0191",
        "checkov": "CKV2_K8S_3",
        "kics": "rbac_roles_with_impersonate_permission",
    },
    controls={"cis-kubernetes-1.12": "5.1.8"},
    references=("https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation", GOOD_PRACTICES),
)
def impersonate(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule for the verb impersonate on users, groups or serviceaccounts, without resourceNames, or with system:masters among them.
        The verb * on serviceaccounts includes it.
    Why it matters: The API server takes the holder for anyone it names. As a member of system:masters it may do everything, and the audit log
        shows the action under two names.
    How to fix: Name with resourceNames whom it may impersonate, and never a group that holds more than the role itself.
    Exceptions: Authenticating proxies and multi-tenancy gateways that act for the users they have checked.
    """
    yield from found(
        entry, IMPERSONATE, "it acts as somebody else", include_wildcards, at_verb=True, severity=Severity.CRITICAL, in_namespace=Severity.HIGH
    )


STRONG_ROLES = frozenset({"cluster-admin", "admin", "edit"})
_ROLES, _BINDINGS = ("roles", "clusterroles"), ("rolebindings", "clusterrolebindings")
BIND_ESCALATE = (Access(RBAC, _ROLES, ("bind",), names=STRONG_ROLES), Access(RBAC, _ROLES, ("escalate",), names=ANY))
WRITE_ROLES = (Access(RBAC, _ROLES, ("create", "update", "patch")),)


@role_rule(
    "rbac-bind-escalate",
    "Role can grant more than it holds",
    # High: bind and escalate switch off the one check that keeps a role from granting what it has not. It also needs to write a role or binding.
    Severity.HIGH,
    aliases={
        "trivy": "KSV-0050",
        "kubescape": "C-0191",
        "checkov": "CKV_K8S_157 CKV_K8S_158",
        "kics": "rbac_roles_allow_privilege_escalation",
    },
    controls={"cis-kubernetes-1.12": "5.1.8"},
    references=(RBAC_REFERENCE + "#privilege-escalation-prevention-and-bootstrapping", GOOD_PRACTICES + "#escalate-verb"),
    parameters={"write_roles": "also find rules that create, update or patch roles, though only within what their holder already has"},
    in_all={"write_roles": True},
)
def bind_escalate(entry: Entry, *, include_wildcards: bool = False, write_roles: bool = False) -> Verdicts:
    """
    What it finds: A rule for the verb bind or escalate on objects of RBAC, or for * on roles or clusterroles. resourceNames tame bind unless they
        name cluster-admin, admin or edit; they do not tame escalate, which puts any right into the role that is named.
    Why it matters: The API server lets nobody grant rights that they do not have, except with these two verbs. With them, and the right to
        write a role or a binding, the holder makes itself cluster-admin.
    How to fix: Take them away; a controller that hands out fixed roles needs bind with the names of these roles.
    Exceptions: Operators that install roles for others.
    """
    accesses = (*BIND_ESCALATE, *(WRITE_ROLES if write_roles else ()))
    # The verbs have no other meaning: where they are spelled out, on a binding too, somebody meant to allow it.
    spelled = tuple(Access(RBAC, _BINDINGS, access.verbs, names=access.names) for access in BIND_ESCALATE if access.verbs[0] in entry.verbs)
    yield from found(
        entry, (*accesses, *spelled), "it grants rights that it does not hold", include_wildcards, at_verb=True, in_namespace=Severity.MEDIUM
    )


CREATE_BINDINGS = (Access(RBAC, _BINDINGS, ("create",)),)


@role_rule(
    "rbac-rolebinding-create",
    "Role can create bindings",
    # Medium: by itself it only hands on rights that the holder has. With bind, or held by an administrator's controller, it is the last step.
    Severity.MEDIUM,
    aliases={"trivy": "KSV-0051 KSV-0052", "checkov": "CKV2_K8S_1"},
    references=(RBAC_REFERENCE + "#restrictions-on-role-binding-creation-or-update",),
)
def binding_create(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule that may create RoleBindings or ClusterRoleBindings.
    Why it matters: Whoever takes the holder over keeps its rights for good, by binding them to an account of their own, and with the verb bind
        binds a stronger role.
    How to fix: Let the deployment pipeline create bindings. Where a controller has to, allow bind for the roles that it hands out, by name.
    Exceptions: Operators that create a ServiceAccount and its binding for each instance they manage.
    """
    yield from found(entry, CREATE_BINDINGS, "it hands its rights to others", include_wildcards)


EDIT_BINDINGS = (Access(RBAC, _BINDINGS, ("update", "patch"), names=ANY),)


@role_rule(
    "rbac-rolebinding-edit",
    "Role can add subjects to bindings",
    # Low: the API server lets the holder add somebody only to a role that it holds or may bind itself.
    Severity.LOW,
    aliases={"trivy": "KSV-0055"},
    references=(RBAC_REFERENCE + "#restrictions-on-role-binding-creation-or-update",),
)
def binding_edit(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule that may update or patch RoleBindings or ClusterRoleBindings, also by name.
    Why it matters: A member of a binding can add others to it, so that access is handed on where nobody reviews it.
    How to fix: Keep bindings in the repository and let only the pipeline change them.
    Exceptions: Operators that keep the bindings they made themselves.
    """
    yield from found(entry, EDIT_BINDINGS, "it adds subjects to bindings", include_wildcards)


WEBHOOKS = (
    # A name does not help: one webhook that can be rewritten to see everything is enough.
    Access(
        "admissionregistration.k8s.io",
        ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"),
        WRITE,
        names=ANY,
        cluster_scoped=True,
    ),
)


@role_rule(
    "rbac-webhooks",
    "Role manages admission webhooks",
    # High: a webhook sees, and if mutating changes, every object on its way in; deleting one switches a guard off.
    Severity.HIGH,
    aliases={"trivy": "KSV-0114", "kubescape": "C-0281", "checkov": "CKV_K8S_155"},
    controls={"cis-kubernetes-1.12": "5.1.12"},
    references=(GOOD_PRACTICES + "#control-admission-webhooks",),
)
def webhooks(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule that may create, change or delete validating or mutating webhook configurations, also by name.
    Why it matters: A mutating webhook adds a container to every new pod and reads every Secret that is written. Deleting a validating one
        removes the policy that it enforced.
    How to fix: Install webhooks with the pipeline; let certificates be injected by one controller that is trusted with it.
    Exceptions: cert-manager's CA injector and policy engines that register themselves.
    """
    yield from found(entry, WEBHOOKS, "it sees or changes every object that is admitted", include_wildcards)


_CLIENT_SIGNERS = frozenset({"kubernetes.io/kube-apiserver-client", "kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/*"})
CSR_APPROVE = (
    Access("certificates.k8s.io", ("certificatesigningrequests/approval",), ("update", "patch"), names=ANY, cluster_scoped=True),
    Access("certificates.k8s.io", ("signers",), ("approve",), names=_CLIENT_SIGNERS, cluster_scoped=True),
)


@role_rule(
    "rbac-csr-approve",
    "Role approves certificate requests",
    # High: a client certificate is any user and group, for as long as it is valid. It takes both halves of the right.
    Severity.HIGH,
    aliases={"kubescape": "C-0280", "checkov": "CKV_K8S_156"},
    controls={"cis-kubernetes-1.12": "5.1.11"},
    references=(
        "https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization",
        GOOD_PRACTICES + "#csrs-and-certificate-issuing",
    ),
)
def csr_approve(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule for update or patch on certificatesigningrequests/approval, or for approve on signers: all of them, or those that sign
        client certificates of the API server.
    Why it matters: Who approves requests gives out client certificates in any user's name, and these cannot be revoked before they expire.
    How to fix: Let the control plane approve the kubelets' certificates; limit an approver to its signer with resourceNames.
    Exceptions: Approvers of certificates for serving (kubelet-serving, legacy-unknown, signers of your own) in their signers rule.
    """
    yield from found(entry, CSR_APPROVE, "it gives out certificates in anyone's name", include_wildcards)


NODES_PROXY = (Access("", ("nodes/proxy",), ("get", "create", "update", "patch", "delete"), names=ANY, cluster_scoped=True),)


@role_rule(
    "rbac-nodes-proxy",
    "Role reaches the kubelet's API",
    # High: the kubelet runs commands in every pod of the node for whoever gets through, without admission and audit.
    Severity.HIGH,
    aliases={"trivy": "KSV-0047", "kubescape": "C-0279", "checkov": "CKV2_K8S_2"},
    controls={"cis-kubernetes-1.12": "5.1.10"},
    references=(
        GOOD_PRACTICES + "#access-to-proxy-subresource-of-nodes",
        "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/",
    ),
)
def nodes_proxy(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule for any verb on nodes/proxy. get is enough, because commands run over a websocket that opens with GET.
    Why it matters: It reaches the kubelet's API, which runs commands in any container of the node. Neither admission control nor the API server's
        audit log sees them.
    How to fix: Use the narrow subresources of the kubelet's authorization: nodes/metrics, nodes/stats, nodes/log, nodes/healthz, nodes/pods.
    Exceptions: Monitoring of clusters whose kubelets do not yet know the narrow subresources (before 1.33).
    """
    yield from found(entry, NODES_PROXY, "it runs commands in any pod through the kubelet", include_wildcards)


PV_CREATE = (Access("", ("persistentvolumes",), ("create",), cluster_scoped=True),)


@role_rule(
    "rbac-pv-create",
    "Role creates PersistentVolumes",
    # High: a PersistentVolume of type hostPath is the node's file system, where Pod Security does not look.
    Severity.HIGH,
    aliases={"kubescape": "C-0278"},
    controls={"cis-kubernetes-1.12": "5.1.9"},
    references=(GOOD_PRACTICES + "#persistent-volume-creation",),
)
def pv_create(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule that may create PersistentVolumes.
    Why it matters: A volume may be a hostPath. A pod that claims it reads and writes the node's files though its own manifest shows a harmless
        claim, which Pod Security admission lets pass.
    How to fix: Let people create PersistentVolumeClaims, and a provisioner the volumes.
    Exceptions: CSI provisioners, whose work it is.
    """
    yield from found(entry, PV_CREATE, "a volume may be the node's file system", include_wildcards)


TOKEN_CREATE = (Access("", ("serviceaccounts/token",), ("create",)),)


@role_rule(
    "rbac-token-create",
    "Role mints tokens of ServiceAccounts",
    # High: in a ClusterRole it becomes any controller of the control plane. In one namespace it is medium.
    Severity.HIGH,
    aliases={"kubescape": "C-0282"},
    controls={"cis-kubernetes-1.12": "5.1.13"},
    references=(GOOD_PRACTICES + "#token-request", "https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/"),
)
def token_create(entry: Entry, *, include_wildcards: bool = False) -> Verdicts:
    """
    What it finds: A rule for create on serviceaccounts/token without naming the accounts.
    Why it matters: Its holder gets a token of any ServiceAccount in reach, kube-system's controllers among them, and with it that account's rights.
    How to fix: Name the ServiceAccounts with resourceNames.
    Exceptions: The kubelet, and controllers that hand tokens to external systems. Rules with resourceNames are not found.
    """
    yield from found(entry, TOKEN_CREATE, "it becomes any ServiceAccount in reach", include_wildcards, in_namespace=Severity.MEDIUM)


def dangerous(entry: Entry, *, include_wildcards: bool) -> list[Grant]:
    """What an entry of a role grants that leads to control over the cluster or, in a namespace, over the namespace."""
    reads = Access("", ("secrets",), READ)
    accesses = (reads, *WORKLOADS, *EXEC, *IMPERSONATE, *BIND_ESCALATE, *WEBHOOKS, *CSR_APPROVE, *NODES_PROXY, *PV_CREATE, *TOKEN_CREATE)
    return [grant for grant in entry.grants(accesses) if include_wildcards or not grant.any_resource]
