"""DNS names and other outside peers that a policy knows by name only: as endpoints, so that results can speak of them."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import Final

from seawall.deploy.network.model import All, Any, Called, Endpoint, EndpointKind, Expression, Not, Policy, Scope, Selected

# Where such a name leads nobody knows, so what is said of the whole world holds for it.
_ANYWHERE: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def endpoints(policies: Iterable[Policy]) -> Iterator[Endpoint]:
    """An endpoint for each name that a policy speaks of."""
    found: dict[str, None] = {}
    for policy in policies:
        for rule in (*policy.ingress, *policy.egress):
            found.update(dict.fromkeys(_names(rule.peer)))
    for name in found:
        yield Endpoint(kind=EndpointKind.NAME, workload=name, name=name, addresses=_ANYWHERE)


def _names(expression: Expression) -> Iterator[str]:
    match expression:
        case Called(names, Scope.POD):
            yield from names
        case Not(inner) | Selected(inner):
            yield from _names(inner)
        case All(parts) | Any(parts):
            for part in parts:
                yield from _names(part)
