"""What one entry of a Role or ClusterRole grants, and which items of it decide that.

Semantics are those of Kubernetes' RBAC authorizer (``VerbMatches``, ``APIGroupMatches``, ``ResourceMatches`` and ``ResourceNameMatches`` in
``pkg/apis/rbac/v1/evaluation_helpers.go``): ``*`` in a list means all of it, ``*/scale`` that subresource of everything, and a plain resource
never means its subresources. ``pods/*`` means nothing. Verbs and resources are case-sensitive.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from seawall.core.resource import Field, Resource

RBAC_GROUPS = frozenset({"rbac.authorization.k8s.io", "authorization.openshift.io"})
"""The API groups whose Roles and bindings have this shape; other Roles (of a cloud, of a database) are something else."""

ANY = frozenset({"*"})


class Access(Struct, frozen=True):
    """Any of the verbs on any of the resources of a group.

    ``names`` are the object names that matter even when an entry is narrowed by ``resourceNames``; :data:`ANY` when every single one does.
    ``cluster_scoped`` resources cannot be granted by a Role.
    """

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: frozenset[str] = frozenset()
    cluster_scoped: bool = False


class Grant(Struct, frozen=True):
    """How an entry gives an access: the items that decide, in the order of the file. An exact name goes before a star."""

    access: Access
    resources: tuple[Field, ...]
    verbs: tuple[Field, ...]

    @property
    def any_resource(self) -> bool:
        """Whether nobody wrote the resource down: a ``*`` stands for it."""
        return self.resources[0].text == "*"

    @property
    def any_verb(self) -> bool:
        """Whether nobody wrote the verb down."""
        return self.verbs[0].text == "*"

    def __str__(self) -> str:
        verb = "do everything with" if self.any_verb else self.verbs[0].text
        return f"{verb} {'everything' if self.any_resource else self.resources[0].text}"


class Entry:
    """One item of a role's ``rules``: an ``rbac/v1 PolicyRule``.

    An entry without API groups is refused by the API server; it is read as one for every group, because that is what its author overlooked.
    """

    __slots__ = ("field", "groups", "names", "resources", "urls", "verbs")

    def __init__(self, field: Field) -> None:
        self.field = field
        self.groups = _strings(field["apiGroups"]) or ["*"]
        self.resources = _strings(field["resources"])
        self.verbs = _strings(field["verbs"])
        self.names = _strings(field["resourceNames"])
        self.urls = _strings(field["nonResourceURLs"])

    @property
    def role(self) -> Resource:
        return self.field.resource

    @property
    def in_cluster(self) -> bool:
        """Whether it stands in a ClusterRole, so that a ClusterRoleBinding can give it everywhere."""
        return self.role.kind == "ClusterRole"

    @property
    def is_everything(self) -> bool:
        """Every verb on every resource of every group."""
        return "*" in self.verbs and "*" in self.resources and "*" in self.groups and not self.names

    def items(self, name: str, *values: str) -> tuple[Field, ...]:
        """The items of one of the lists that have one of these values."""
        return tuple(item for item in self.field[name].items() if item.value in values)

    def grant(self, access: Access) -> Grant | None:
        """How this entry gives at least a part of an access, or None."""
        if access.group not in self.groups and "*" not in self.groups:
            return None
        verbs = [verb for verb in self.verbs if verb in access.verbs] or [verb for verb in self.verbs if verb == "*"]
        if not verbs or not self._reaches(access):
            return None
        resources = [resource for resource in self.resources if resource in access.resources]
        resources = resources or [resource for resource in self.resources if any(_is_subresource(resource, wanted) for wanted in access.resources)]
        resources = resources or [resource for resource in self.resources if resource == "*"]
        if not resources:
            return None
        return Grant(access, self.items("resources", *resources), self.items("verbs", *verbs))

    def grants(self, accesses: Iterable[Access]) -> list[Grant]:
        """How this entry gives each of several accesses, without those that it does not give."""
        return [grant for access in accesses if (grant := self.grant(access))]

    def _reaches(self, access: Access) -> bool:
        """Whether ``resourceNames`` leaves anything that matters. The empty name matches requests without one, as ``list`` and ``create``."""
        return not self.names or "" in self.names or access.names == ANY or not access.names.isdisjoint(self.names)


def entries(role: Resource) -> Iterator[Entry]:
    """The entries of a role's own rules; none for an aggregated one, whose rules the control plane overwrites."""
    if role.group in RBAC_GROUPS and not role.field("aggregationRule").is_set:
        for item in role.field("rules").items():
            if type(item.value) is dict:
                yield Entry(item)


def is_built_in(resource: Resource) -> bool:
    """Whether this is one of the roles and bindings that Kubernetes itself ships: they are named ``system:`` or labelled as such."""
    label = resource.field("metadata", "labels", "kubernetes.io/bootstrapping").value
    return label == "rbac-defaults" or resource.name.startswith("system:")


def _is_subresource(item: str, wanted: str) -> bool:
    resource, slash, _ = item.partition("/")
    return bool(slash) and resource == "*" and wanted.partition("/")[1:] == item.partition("/")[1:]


def _strings(field: Field) -> list[str]:
    return [item.value for item in field.items() if type(item.value) is str]
