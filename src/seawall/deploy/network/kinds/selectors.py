"""Label selectors and CIDRs of the Kubernetes APIs as expressions."""

import re
from contextlib import suppress
from ipaddress import ip_network
from typing import Final

from seawall.core.resource import Field
from seawall.core.selector import selector_of
from seawall.deploy.network.kinds.invalid import Invalid, listed
from seawall.deploy.network.model import All, Anything, Called, Compare, EndpointKind, Expression, Has, Kind, Network, Not, Scope, Within

NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"
PODS: Final = Kind((EndpointKind.POD, EndpointKind.ENTRY))  # the ingress controller is a pod, of which nothing else is known
NODES: Final = Kind((EndpointKind.NODE, EndpointKind.HOST))

# The syntax of labels (k8s.io/apimachinery, validation of qualified names and label values).
_NAME: Final = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_DOMAIN: Final = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
_is_key: Final = re.compile(rf"(?:(?=.{{1,253}}/){_DOMAIN}/)?{_NAME}").fullmatch
_is_value: Final = re.compile(rf"(?:{_NAME})?").fullmatch


def labels(field: Field, scope: Scope) -> Expression:
    """The expression of a ``metav1.LabelSelector``. A missing one is ``Anything`` as an empty one is; what that means is for the caller to know."""
    if not field.is_set:
        return Anything()
    selector = selector_of(field.value)
    if selector is None:
        raise Invalid(field, f"{field} is no valid label selector")
    parts: list[Expression] = []
    for requirement in selector.requirements:
        if not _is_key(requirement.key) or not all(map(_is_value, requirement.values)):
            raise Invalid(field, f"{field} is no valid label selector: {requirement.key!r} or a value of it is no label")
        here = Compare(requirement.key, tuple(sorted(requirement.values)), scope)
        match requirement.operator:
            case "In":
                parts.append(here)
            case "NotIn":
                parts.append(Not(here))
            case "Exists":
                parts.append(Has(requirement.key, scope))
            case _:
                parts.append(Not(Has(requirement.key, scope)))
    return both(*parts)


def both(*parts: Expression) -> Expression:
    """All parts together, as short as it can be said: equal selectors become equal expressions."""
    kept = sorted({part for part in parts if part != Anything()}, key=repr)
    if not kept:
        return Anything()
    return kept[0] if len(kept) == 1 else All(tuple(kept))


def pods_in(namespace: str, pod_selector: Expression) -> Expression:
    """The pods of one namespace that meet a selector. Pods on the host's network have no address of their own, and are not among them."""
    return both(PODS, Called((namespace,), Scope.NAMESPACE), pod_selector)


def network(field: Field, *, single: bool = False) -> Network:
    """A CIDR; with ``single`` also one address. Bits beyond the prefix are dropped, as all implementations do."""
    _, slash, prefix = field.text.partition("/")
    if prefix.isdecimal() if slash else single:
        with suppress(ValueError):
            return ip_network(field.text, strict=False)
    raise Invalid(field, f"{field} is no CIDR: {field.value!r}")


def block(field: Field) -> Within:
    """An ``ipBlock``: a CIDR without its exceptions, which must lie in it."""
    whole = network(field["cidr"])
    excepts = []
    for item in listed(field["except"]):
        part = network(item)
        if part.version != whole.version or not part.subnet_of(whole) or part == whole:  # type: ignore[arg-type]
            raise Invalid(item, f"{item} must be a part of {whole}, and smaller")
        excepts.append(part)
    return Within((whole,), tuple(excepts))
