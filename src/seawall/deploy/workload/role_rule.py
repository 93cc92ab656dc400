"""How a rule about roles is declared and how it finds: a pure function over one entry of a Role or ClusterRole.

Each entry gives one finding per rule, at the resource that decides (or the verb, for verbs that have one meaning, as ``impersonate``).
By default a rule wants the decisive word to be written down: an entry for ``*`` is found once, by ``rbac-wildcard``, and not by twenty rules.
``include_wildcards`` (on in ``--profile all``) counts what a star implies as well. Entries narrowed by ``resourceNames`` are left alone where the
name takes the danger away. Kubernetes' own roles (``system:...``, or labelled ``kubernetes.io/bootstrapping: rbac-defaults``) are not judged.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Unpack

from seawall.core.resource import Field, Resource
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.check import Description, Judge, resource_rule
from seawall.deploy.workload.grants import Access, Entry, entries, is_built_in

WRITE = ("create", "update", "patch", "delete", "deletecollection")
READ = ("get", "list", "watch")
CONNECT = ("create", "get")
"""POST, and GET for websockets."""
RBAC = "rbac.authorization.k8s.io"
RBAC_REFERENCE = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/"
GOOD_PRACTICES = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"

INCLUDE_WILDCARDS = {"include_wildcards": "also find entries that grant it only because they grant everything (*)"}


def role_rule(rule_id: str, title: str, severity: Severity, **more: Unpack[Description]) -> Callable[[Judge], Judge]:
    """Declare a rule that judges each entry of each role that is not Kubernetes' own: ``function(entry: Entry, **parameters)``.

    A rule with the parameter ``include_wildcards`` has it on in ``--profile all``.
    """

    def declare(function: Judge) -> Judge:
        @wraps(function)
        def judge(role: Resource, **parameters: object) -> Verdicts:
            if not is_built_in(role):
                for entry in entries(role):
                    yield from function(entry, **parameters)

        if "include_wildcards" in (function.__kwdefaults__ or {}):
            more["parameters"] = {**INCLUDE_WILDCARDS, **more.get("parameters", {})}
            more["in_all"] = {"include_wildcards": True, **more.get("in_all", {})}
        resource_rule(rule_id, title, severity, category="rbac", kinds=("Role", "ClusterRole"), **more)(judge)
        return function

    return declare


def found(
    entry: Entry,
    accesses: Iterable[Access],
    consequence: str,
    include_wildcards: bool,
    *,
    at_verb: bool = False,
    severity: Severity | None = None,
    in_namespace: Severity | None = None,
) -> Verdicts:
    """At most one failure for what an entry grants of these accesses.

    ``at_verb`` says that the verb decides, so that a written verb counts even on ``*``. ``in_namespace`` is the severity in a Role. In a Role
    cluster-scoped resources have no effect: that is said, and is of low severity.
    """
    grants = [grant for grant in entry.grants(accesses) if include_wildcards or not grant.any_resource or (at_verb and not grant.any_verb)]
    if not grants:
        return
    resources = _distinct(item for grant in grants for item in grant.resources)
    verbs = _distinct(item for grant in grants for item in grant.verbs)
    can = "do everything with" if verbs[0].text == "*" else _listed(verbs)
    message = f"{entry.role.kind} {entry.role.name} may {can} {_listed(resources)}: {consequence}"
    if not entry.in_cluster and all(grant.access.cluster_scoped for grant in grants):
        severity = Severity.LOW
        message += " (without effect in a Role, because the resource lives in no namespace)"
    elif not entry.in_cluster:
        severity = in_namespace
    first, also = (verbs[0], resources[0]) if at_verb else (resources[0], verbs[0])
    yield Failure(first, message, also=(also,), severity=severity)


def _distinct(items: Iterable[Field]) -> list[Field]:
    """Fields in the order of the file, each once."""
    return [field for _, field in sorted({item.path: item for item in items}.items(), key=lambda pair: int(pair[0][-1]))]


def _listed(items: list[Field]) -> str:
    return ", ".join(dict.fromkeys("everything" if item.text == "*" else item.text for item in items))
