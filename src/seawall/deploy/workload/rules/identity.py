"""Identity: as which ServiceAccount a pod speaks to the API server, and whether it needs to."""

from collections import defaultdict

from seawall.core.fix import Plan, Set
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Unjudged, Verdicts
from seawall.deploy.workload.check import inventory_rule
from seawall.deploy.workload.inventory import Inventory, name_field, namespace_of
from seawall.deploy.workload.rules.rbac_bindings import WORKLOAD_KINDS
from seawall.deploy.workload.service_accounts import Bindings, ServiceAccountName, automount, holds_token, service_account

SERVICE_ACCOUNTS = "https://kubernetes.io/docs/concepts/security/service-accounts/"
_SHOWN = 5
OPT_OUT = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#opt-out-of-api-credential-automounting"


@inventory_rule(
    "sa-automount",
    "ServiceAccount token is mounted",
    # Low: the token alone can do little until a role is bound to its account, and most workloads were never told to do without.
    Severity.LOW,
    category="identity",
    kinds=WORKLOAD_KINDS,
    aliases={
        "polaris": "automountServiceAccountToken",
        "trivy": "KSV-0036",
        "kubescape": "C-0034 C-0190 C-0261",
        "checkov": "CKV_K8S_38",
        "kics": "service_account_token_automount_not_disabled",
    },
    controls={"cis-kubernetes-1.12": "5.1.6"},
    references=(OPT_OUT,),
    parameters={"with_permissions": "also find workloads whose account has a role bound to it, which will need the token"},
    in_default={"with_permissions": False},
)
def token_automount(inventory: Inventory, *, with_permissions: bool = True) -> Verdicts:
    """
    What it finds: A workload without automountServiceAccountToken: false, neither in the pod nor in its ServiceAccount. What the pod says wins.
        When the ServiceAccount is not in the input, the pod has to say it.
    Why it matters: Most applications never speak to the API server. The token that lies in each of their containers all the same is what an
        intruder tries first.
    How to fix: Set automountServiceAccountToken to false in the pod's spec, or in the ServiceAccount for all pods that use it.
    Exceptions: Operators and controllers, which need the token. Better for them too: false, and a projected serviceAccountToken volume in the one
        container that uses it.
    """
    bindings = Bindings(inventory)
    for pod in inventory.pods:
        decisive = automount(pod, inventory)
        account = service_account(pod)
        needed = not with_permissions and bindings.of(account.namespace, account.name)
        if decisive.value is False or needed:
            continue
        own = pod.spec["automountServiceAccountToken"]
        plan = Plan("do not mount the token", (Set(own, False),))
        also = (decisive,) if decisive.resource is not own.resource else ()
        yield Failure(own, f"{pod} gets the token of ServiceAccount {account.name}", plan, also=also)


@inventory_rule(
    "sa-default-used",
    "Workload runs as the default ServiceAccount",
    # Low: the default account can do nothing until somebody binds a role to it.
    Severity.LOW,
    category="identity",
    kinds=(*WORKLOAD_KINDS, "ServiceAccount"),
    aliases={
        "kubeaudit": "AutomountServiceAccountTokenTrueAndDefaultSA",
        "kube-linter": "default-service-account",
        "kubescape": "C-0189",
        "checkov": "CKV_K8S_41",
        "kics": "service_account_name_undefined_or_empty",
    },
    controls={"cis-kubernetes-1.12": "5.1.5"},
    references=(SERVICE_ACCOUNTS + "#default-service-accounts",),
    parameters={
        "without_token": "also find pods that run as default but hold no token of it",
        "repeat": "also find pods whose token sa-automount reports",
    },
    in_all={"without_token": True},
    in_default={"repeat": False},
)
def default_used(inventory: Inventory, *, without_token: bool = False, repeat: bool = True) -> Verdicts:
    """
    What it finds: A workload that names no ServiceAccount, or default, and holds its token; and a ServiceAccount called default that hands its
        token to every pod (automountServiceAccountToken is not false).
    Why it matters: All such pods of a namespace are one to the API server: a role that one of them needs is given to all, and the audit log cannot
        tell them apart.
    How to fix: Give the workload a ServiceAccount of its own, and set automountServiceAccountToken to false in the default one.
    Exceptions: Pods that do not use the API server and hold no token.
    """
    for pod in inventory.pods:
        account = service_account(pod)
        told = not repeat and automount(pod, inventory).value is not False
        if account.name == "default" and not told and (without_token or holds_token(pod, inventory)):
            yield Failure(account.field, f"{pod} runs as the default ServiceAccount of namespace {account.namespace}")
    for resource in inventory.of_kind("ServiceAccount"):
        field = resource.field("automountServiceAccountToken")
        if resource.name == "default" and not resource.group and field.value is not False:
            plan = Plan("do not mount the token", (Set(field, False),))
            place = field if field.is_set else name_field(resource)
            yield Failure(place, f"the default ServiceAccount of namespace {namespace_of(resource)} gives its token to every pod", plan)


@inventory_rule(
    "sa-shared",
    "ServiceAccount is used by several workloads",
    # Low: a role that one of them needs is given to all, but somebody decided to share.
    Severity.LOW,
    category="identity",
    kinds=WORKLOAD_KINDS,
    by_default=False,
    aliases={"kics": "shared_service_account"},
    references=(SERVICE_ACCOUNTS,),
)
def shared(inventory: Inventory) -> Verdicts:
    """
    What it finds: Workloads that name the same ServiceAccount as another workload of their namespace. The default account is left to
        sa-default-used.
    Why it matters: Each of them has the rights that any of them needs, and the audit log cannot tell which one acted.
    How to fix: Make a ServiceAccount for each workload.
    Exceptions: Parts of one application that need the same rights. Pods of one workload, and two templates within one object, share by nature.
    """
    users: dict[tuple[str, str], list[ServiceAccountName]] = defaultdict(list)
    for pod in inventory.pods:
        account = service_account(pod)
        if account.name != "default":
            users[account.namespace, account.name].append(account)
    for accounts in users.values():
        workloads = list({(account.field.resource.kind, account.field.resource.name): account.field.resource for account in accounts}.values())
        if len(workloads) < 2:
            continue
        for account in accounts:
            mine = account.field.resource
            other = next(resource for resource in workloads if (resource.kind, resource.name) != (mine.kind, mine.name))
            more = f" and {len(workloads) - 2} more" if len(workloads) > 2 else ""
            message = f"{mine.kind} {mine.name} shares ServiceAccount {account.name} with {other.kind} {other.name}{more}"
            yield Failure(account.field, message, also=(name_field(other),))


@inventory_rule(
    "sa-access",
    "Workload has rights at the API server",
    # Info: it says what a workload can do, not that it should not.
    Severity.INFO,
    category="identity",
    kinds=WORKLOAD_KINDS,
    by_default=False,
    aliases={"kubescape": "C-0053"},
    references=(SERVICE_ACCOUNTS,),
)
def access(inventory: Inventory) -> Verdicts:
    """
    What it finds: A workload that holds the token of a ServiceAccount to which a binding in the input gives a role.
    Why it matters: It is the map of who can reach the API server from inside a container, and where to look first after an intrusion.
    How to fix: Nothing, if the workload needs it. Else remove the binding, or set automountServiceAccountToken to false.
    Exceptions: It is information. Without any binding in the input the rule is not evaluated.
    """
    bindings = Bindings(inventory)
    if not bindings.given:
        for pod in inventory.pods:
            yield Unjudged(service_account(pod).field, "no RoleBinding or ClusterRoleBinding was given to the scan")
    for pods, held in bindings.holders():
        roles = list(dict.fromkeys(f"{bound.role_kind} {bound.role_name}" for bound in held))
        listed = ", ".join(roles[:_SHOWN]) + (f" and {len(roles) - _SHOWN} more" if len(roles) > _SHOWN else "")
        also = tuple(bound.subject["name"] for bound in held[:_SHOWN])
        for pod in pods:
            account = service_account(pod)
            yield Failure(account.field, f"{pod} has {listed} as ServiceAccount {account.name}", also=also)
