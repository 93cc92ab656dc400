"""Which ServiceAccount a pod runs as, whether it holds its token, and what bindings give it.

Sources: the ServiceAccount admission plugin (``plugin/pkg/admission/serviceaccount``) for names and automounting; the RBAC reference for subjects
(https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects).
"""

from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct

from seawall.core.pod import Pod
from seawall.core.resource import Field, Resource
from seawall.core.selector import labels_of, selector_of
from seawall.deploy.workload.grants import RBAC_GROUPS, Entry, entries, is_built_in
from seawall.deploy.workload.inventory import Inventory, namespace_of

BINDINGS = ("RoleBinding", "ClusterRoleBinding")


class ServiceAccountName(Struct, frozen=True):
    """The account that a pod runs as. ``field`` is where the pod names it, or the missing ``serviceAccountName``."""

    namespace: str
    name: str
    field: Field


def service_account(pod: Pod) -> ServiceAccountName:
    """``serviceAccountName``, else the deprecated ``serviceAccount``, else ``default``."""
    field = pod.spec["serviceAccountName"]
    for candidate in (field, pod.spec["serviceAccount"]):
        if candidate.text:
            return ServiceAccountName(namespace_of(pod.resource), candidate.text, candidate)
    return ServiceAccountName(namespace_of(pod.resource), "default", field)


def automount(pod: Pod, inventory: Inventory) -> Field:
    """The field that decides whether the token is mounted: the pod's own, else its ServiceAccount's, else the pod's, missing."""
    own = pod.spec["automountServiceAccountToken"]
    if own.is_set:
        return own
    account = service_account(pod)
    fields = [item.field("automountServiceAccountToken") for item in inventory.named("ServiceAccount", account.namespace, account.name)]
    if fields and all(field.value is False for field in fields):
        return fields[0]
    return next((field for field in fields if field.is_set and field.value is not False), own)


def holds_token(pod: Pod, inventory: Inventory) -> bool:
    """Whether the pod gets a token for the API server: mounted by default, or projected by hand without an audience of its own."""
    if automount(pod, inventory).value is not False:
        return True
    sources = (source for volume in pod.spec["volumes"].items() for source in volume.at("projected", "sources").items())
    return any(source["serviceAccountToken"].is_set and not source.at("serviceAccountToken", "audience").text for source in sources)


class Bound(Struct, frozen=True):
    """One subject of one binding."""

    binding: Resource
    subject: Field

    @property
    def role_kind(self) -> str:
        return self.binding.field("roleRef", "kind").text

    @property
    def role_name(self) -> str:
        return self.binding.field("roleRef", "name").text

    @property
    def everywhere(self) -> bool:
        """Whether it holds in all namespaces."""
        return self.binding.kind == "ClusterRoleBinding"

    def __str__(self) -> str:
        return f"{self.binding.kind} {self.binding.name}"


class Bindings:
    """Who is bound to what, indexed by ServiceAccount. Groups that hold ServiceAccounts count for each of them, but not what Kubernetes itself
    gives to everybody.
    """

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._accounts: dict[tuple[str, str], list[Bound]] = defaultdict(list)
        self._groups: dict[str, list[Bound]] = defaultdict(list)
        self._rules: dict[int, list[Entry] | None] = {}
        self.given = 0
        for binding in inventory.of_kind(*BINDINGS):
            if binding.group not in RBAC_GROUPS:
                continue
            self.given += 1
            for subject in subjects(binding):
                bound = Bound(binding, subject)
                if account := account_of(bound.subject):
                    self._accounts[account].append(bound)
                elif subject["kind"].value == "Group" and not is_built_in(binding):
                    self._groups[subject["name"].text].append(bound)

    def of(self, namespace: str, name: str) -> list[Bound]:
        """What an account is bound to, by its name or through a group. A RoleBinding may give rights in another namespace than the account's."""
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
        return [*self._accounts.get((namespace, name), ()), *(bound for group in groups for bound in self._groups.get(group, ()))]

    def holders(self) -> Iterator[tuple[list[Pod], list[Bound]]]:
        """The pods that hold a token of the same account, and what that account is bound to; only accounts that are bound to something."""
        pods: dict[tuple[str, str], list[Pod]] = defaultdict(list)
        for pod in self._inventory.pods:
            account = service_account(pod)
            pods[account.namespace, account.name].append(pod)
        for (namespace, name), users in pods.items():
            bound = self.of(namespace, name)
            holding = [pod for pod in users if holds_token(pod, self._inventory)] if bound else []
            if holding:
                yield holding, bound

    def rules(self, bound: Bound) -> list[Entry] | None:
        """The entries of the role that a binding refers to, those of an aggregated one gathered; None when the role is not in the input."""
        key = id(bound.binding)
        if key not in self._rules:
            self._rules[key] = role_entries(self._inventory, bound.binding)
        return self._rules[key]


def subjects(binding: Resource) -> Iterator[Field]:
    """The subjects of a binding."""
    for subject in binding.field("subjects").items():
        if type(subject.value) is dict:
            yield subject


def account_of(subject: Field) -> tuple[str, str] | None:
    """The (namespace, name) of a subject that is a ServiceAccount, also when it is written as a user. Without a namespace it is the binding's."""
    name = subject["name"].text
    if subject["kind"].value == "ServiceAccount":
        return subject["namespace"].text or namespace_of(subject.resource) or "default", name
    if subject["kind"].value == "User" and name.startswith("system:serviceaccount:"):
        namespace, _, name = name.removeprefix("system:serviceaccount:").partition(":")
        return namespace, name
    return None


def role_entries(inventory: Inventory, binding: Resource) -> list[Entry] | None:
    """The entries of the role that a binding refers to; None when the input does not have it."""
    kind, name = binding.field("roleRef", "kind").text, binding.field("roleRef", "name").text
    roles = [role for role in inventory.named(kind, namespace_of(binding), name) if role.group in RBAC_GROUPS]
    if not roles:
        return None
    found = []
    for role in roles:
        selectors = [selector_of(item.value) for item in role.field("aggregationRule", "clusterRoleSelectors").items()]
        parts = [
            part
            for part in (inventory.of_kind("ClusterRole") if selectors else ())
            if any(selector and selector.matches(labels_of(part.field("metadata", "labels").value)) for selector in selectors)
        ]
        found += [entry for part in (parts or [role]) for entry in entries(part)]
    return found
